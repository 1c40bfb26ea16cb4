#include "net/stream.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "net/sa.h"
#include "net/tls.h"

enum { BACKLOG = 1024, CIPHER_READ = 16 * 1024 };

struct listener {
    uv_tcp_t tcp;
    struct tls_server *tls; /* borrowed */
    void (*accepted)(void *user, struct stream *s);
    void *user;
};

struct stream {
    uv_tcp_t tcp;
    struct tls *tls; /* owned, or NULL */
    const struct stream_handler *h;
    void *user;
    struct addr peer, local;
    size_t writes;      /* that libuv has not finished */
    bool stopped;       /* not reading, for want of room */
    bool ended, broken; /* as the handler was told */
    bool opening;       /* it connects, or shakes hands */
    bool closing;
    uint8_t *cipher; /* while TLS reads: octets as they came */
};

struct out {
    uv_write_t req;
    struct stream *s;
    uint8_t bytes[];
};

static struct addr local_of(const uv_tcp_t *tcp)
{
    union sa sa = {0};
    int n = sizeof sa;
    return uv_tcp_getsockname(tcp, &sa.any, &n) == 0 ? sa_addr(&sa) : (struct addr){0};
}

static struct addr peer_of(const uv_tcp_t *tcp)
{
    union sa sa = {0};
    int n = sizeof sa;
    return uv_tcp_getpeername(tcp, &sa.any, &n) == 0 ? sa_addr(&sa) : (struct addr){0};
}

static enum err err_of(int uv)
{
    switch (uv) {
    case UV_EADDRINUSE: return E_EXISTS;
    case UV_EACCES: return E_DENIED;
    case UV_EADDRNOTAVAIL: return E_ABSENT;
    case UV_ENOMEM: return E_MEMORY;
    default: return E_SYS;
    }
}

static void on_stream_closed(uv_handle_t *h)
{
    struct stream *s = h->data;
    sl_tls_free(s->tls);
    free(s->cipher);
    free(s);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *l = server->data;
    struct stream *s = status == 0 ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return;
    (void)uv_tcp_init(server->loop, &s->tcp);
    s->tcp.data = s;
    if (l->tls)
        s->tls = sl_tls_new(l->tls);
    if (uv_accept(server, (uv_stream_t *)&s->tcp) != 0 || (l->tls && !s->tls)) {
        sl_stream_free(s);
        return;
    }
    (void)uv_tcp_nodelay(&s->tcp, 1);
    s->peer = peer_of(&s->tcp);
    s->local = local_of(&s->tcp);
    /* Reset by now: what it said would count for nobody's address. */
    if (s->peer.port == 0) {
        sl_stream_free(s);
        return;
    }
    l->accepted(l->user, s);
}

static void on_listener_closed(uv_handle_t *h)
{
    free(h->data);
}

enum err sl_listener_new(struct loop *loop, const struct addr *addr,
                         struct tls_server *tls,
                         void (*accepted)(void *user, struct stream *s), void *user,
                         struct listener **ret)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return E_MEMORY;
    *l = (struct listener){.tls = tls, .accepted = accepted, .user = user};
    union sa sa;
    (void)sa_of(addr, sl_addr_is_v4(addr), &sa);
    int e = uv_tcp_init(sl_loop_uv(loop), &l->tcp);
    l->tcp.data = l;
    if (e == 0)
        e = uv_tcp_bind(&l->tcp, &sa.any, 0);
    if (e == 0)
        e = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (e != 0) {
        sl_listener_free(l);
        return err_of(e);
    }
    *ret = l;
    return E_OK;
}

void sl_listener_free(struct listener *l)
{
    if (l)
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
}

struct addr sl_listener_addr(const struct listener *l)
{
    return local_of(&l->tcp);
}

void sl_stream_free(struct stream *s)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    uv_close((uv_handle_t *)&s->tcp, on_stream_closed);
}

static void end(struct stream *s, bool broken)
{
    (void)uv_read_stop((uv_stream_t *)&s->tcp);
    if (s->closing || s->broken || (s->ended && !broken))
        return;
    s->ended = true;
    s->broken = broken;
    s->h->ended(s->user, broken);
}

static struct room room_of(struct stream *s)
{
    const struct room none = {0};
    return s->closing ? none : s->h->room(s->user);
}

static void on_written(uv_write_t *req, int status)
{
    struct out *o = (struct out *)(void *)req;
    struct stream *s = o->s;
    free(o);
    s->writes--;
    if (s->closing)
        return;
    if (status != 0)
        end(s, true);
    else if (s->writes == 0)
        s->h->sent(s->user);
}

static enum err send_parts(struct stream *s, struct span copied, struct span also_copied,
                           struct span kept)
{
    struct out *o = malloc(sizeof *o + copied.n + also_copied.n);
    if (!o)
        return E_MEMORY;
    o->s = s;
    struct wr w = wr_of(o->bytes, copied.n + also_copied.n);
    wr_span(&w, copied);
    wr_span(&w, also_copied);
    uv_buf_t bufs[2] = {{.base = (char *)o->bytes, .len = w.n}, {.len = kept.n}};
    memcpy(&bufs[1].base, &kept.p, sizeof kept.p); /* libuv only reads it */
    if (uv_write(&o->req, (uv_stream_t *)&s->tcp, bufs, kept.n > 0 ? 2 : 1, on_written) !=
        0) {
        free(o);
        return E_SYS;
    }
    s->writes++;
    return E_OK;
}

static enum err flush(struct stream *s)
{
    struct span out = sl_tls_output(s->tls);
    if (out.n == 0)
        return E_OK;
    enum err e = send_parts(s, out, (struct span){0}, (struct span){0});
    sl_tls_taken(s->tls);
    return e;
}

static void open_up(struct stream *s)
{
    s->opening = false;
    s->h->opened(s->user);
}

/* Gives the user what TLS has, as long as there is room for it. */
static void decrypt(struct stream *s)
{
    enum err e = E_OK;
    while (e == E_OK) {
        size_t n;
        struct room room = room_of(s);
        if (room.n == 0) {
            (void)uv_read_stop((uv_stream_t *)&s->tcp);
            s->stopped = true;
            break;
        }
        e = sl_tls_read(s->tls, room.p, room.n, &n);
        if (s->opening && sl_tls_is_up(s->tls))
            open_up(s);
        if (e == E_OK && !s->closing)
            s->h->data(s->user, n);
    }
    if (s->closing)
        return;
    if (flush(s) != E_OK || e == E_CRYPTO)
        end(s, true);
    else if (e == E_ABSENT)
        end(s, false);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *ret)
{
    struct stream *s = h->data;
    (void)size;
    if (s->tls) {
        s->cipher = s->cipher ? s->cipher : malloc(CIPHER_READ);
        *ret = uv_buf_init((char *)s->cipher, s->cipher ? CIPHER_READ : 0);
        return;
    }
    struct room room = room_of(s);
    *ret = uv_buf_init((char *)room.p, (unsigned)room.n);
}

static void on_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = uv->data;
    (void)buf;
    if (n < 0) {
        end(s, n != UV_EOF);
    } else if (n > 0 && s->tls) {
        enum err e = sl_tls_input(s->tls, (struct span){s->cipher, (size_t)n});
        free(s->cipher);
        s->cipher = NULL;
        if (e == E_OK)
            decrypt(s);
        else
            end(s, true);
    } else if (n > 0) {
        s->h->data(s->user, (size_t)n);
        if (!s->closing && room_of(s).n == 0) {
            (void)uv_read_stop(uv);
            s->stopped = true;
        }
    }
}

void sl_stream_start(struct stream *s, const struct stream_handler *h, void *user)
{
    s->h = h;
    s->user = user;
    (void)uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct stream *s = req->data;
    free(req);
    if (s->closing)
        return;
    if (status != 0) {
        end(s, true);
        return;
    }
    s->peer = peer_of(&s->tcp);
    s->local = local_of(&s->tcp);
    (void)uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    if (s->tls)
        decrypt(s); /* the client speaks first */
    else
        open_up(s);
}

enum err sl_stream_connect(struct loop *l, const struct addr *addr,
                           struct tls_client *tls, const char *host,
                           const struct stream_handler *h, void *user,
                           struct stream **ret)
{
    struct stream *s = calloc(1, sizeof *s);
    uv_connect_t *req = malloc(sizeof *req);
    union sa sa;
    if (!s || !req) {
        free(s);
        free(req);
        return E_MEMORY;
    }
    *s = (struct stream){.h = h, .user = user, .opening = true};
    (void)sa_of(addr, sl_addr_is_v4(addr), &sa);
    (void)uv_tcp_init(sl_loop_uv(l), &s->tcp);
    s->tcp.data = s;
    s->tls = tls ? sl_tls_dial(tls, host) : NULL;
    req->data = s;
    (void)uv_tcp_nodelay(&s->tcp, 1);
    if ((tls && !s->tls) || uv_tcp_connect(req, &s->tcp, &sa.any, on_connected) != 0) {
        enum err e = tls && !s->tls ? E_MEMORY : E_SYS;
        free(req);
        sl_stream_free(s);
        return e;
    }
    *ret = s;
    return E_OK;
}

struct addr sl_stream_peer(const struct stream *s)
{
    return s->peer;
}

struct addr sl_stream_local(const struct stream *s)
{
    return s->local;
}

bool sl_stream_secure(const struct stream *s)
{
    return s->tls != NULL;
}

void sl_stream_resume(struct stream *s)
{
    if (!s->stopped || s->closing || s->ended)
        return;
    s->stopped = false;
    (void)uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    if (s->tls)
        decrypt(s);
}

enum err sl_stream_write(struct stream *s, struct span head, struct span body,
                         bool body_is_static)
{
    const struct span none = {0};
    if (!s->tls)
        return body_is_static ? send_parts(s, head, none, body)
                              : send_parts(s, head, body, none);
    enum err e = sl_tls_write(s->tls, head);
    if (e == E_OK && body.n > 0)
        e = sl_tls_write(s->tls, body);
    return e == E_OK ? flush(s) : e;
}

size_t sl_stream_queued(const struct stream *s)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)status;
    free(req);
}

void sl_stream_shutdown(struct stream *s)
{
    if (s->tls) {
        sl_tls_end(s->tls);
        (void)flush(s);
    }
    uv_shutdown_t *req = malloc(sizeof *req);
    if (req && uv_shutdown(req, (uv_stream_t *)&s->tcp, on_shutdown) != 0)
        free(req);
}
