#include "net/wsd.h"

#include <stdlib.h>

#include "base/list.h"

#include "net/stream.h"

enum { READ_MAX = 64 * 1024 };

enum state {
    OPEN,
    CLOSING, /* our closing frame left, the peer's did not come */
    OVER,    /* nothing more is said or heard; `closed` is due */
};

struct wsd_conn {
    struct list by_server;
    struct wsd *d;
    struct httpd_link *link;
    struct stream *s;
    struct ws ws;
    void *user;
    enum state state;
    uint16_t code; /* that it ends with */
    struct loop_timer timer;
    usec heard, ping_at;
    usec stuck_at; /* when what waits has waited too long; USEC_NEVER: nothing does */
    size_t queued; /* when stuck_at was set */
    usec close_at; /* of CLOSING */
    bool peer_closed;
};

struct wsd {
    struct loop *loop;
    struct httpd *httpd;
    struct wsd_conf conf;
    struct list conns;
    struct wsd_stats stats;
    struct wsd_conn *reading; /* NULL once it is gone */
    uint8_t in[READ_MAX];     /* what any connection read last, and took at once */
};

struct wsd *sl_wsd_new(struct loop *l, struct httpd *httpd, const struct wsd_conf *conf)
{
    struct wsd *d = malloc(sizeof *d);
    if (!d)
        return NULL;
    memset(d, 0, offsetof(struct wsd, in));
    d->loop = l;
    d->httpd = httpd;
    d->conf = *conf;
    list_init(&d->conns);
    return d;
}

void sl_wsd_free(struct wsd *d)
{
    if (!d)
        return;
    list_each_safe(struct wsd_conn, c, &d->conns, by_server) sl_wsd_conn_free(c);
    free(d);
}

const struct wsd_stats *sl_wsd_stats(const struct wsd *d)
{
    return &d->stats;
}

struct addr sl_wsd_peer(const struct wsd_conn *c)
{
    return sl_stream_peer(c->s);
}

void sl_wsd_conn_free(struct wsd_conn *c)
{
    if (!c)
        return;
    struct wsd *d = c->d;
    if (d->reading == c)
        d->reading = NULL;
    sl_loop_timer_stop(d->loop, &c->timer);
    list_del(&c->by_server);
    sl_httpd_link_free(c->link);
    sl_ws_fini(&c->ws);
    d->stats.conns--;
    free(c);
}

/* ---- time ---- */

static usec earlier(usec a, usec b)
{
    return a < b ? a : b;
}

static void arm(struct wsd_conn *c)
{
    const struct wsd_conf *conf = &c->d->conf;
    usec at = 0;
    if (c->state == OPEN)
        at = earlier(c->ping_at, c->heard + conf->silence);
    else if (c->state == CLOSING)
        at = c->close_at;
    at = earlier(at, c->stuck_at);
    /* A timer that is set can be moved without memory: only the first can fail. */
    if (sl_loop_timer_set(c->d->loop, &c->timer, at) != E_OK)
        c->state = OVER;
}

/* The handler hears of it soon, from the timer. */
static void finish(struct wsd_conn *c, uint16_t code)
{
    if (c->state == OVER)
        return;
    if (c->state == OPEN)
        c->code = code;
    c->state = OVER;
    arm(c);
}

/* ---- out ---- */

static void watch_queue(struct wsd_conn *c, usec now)
{
    c->queued = sl_stream_queued(c->s);
    c->stuck_at = c->queued > 0 ? now + c->d->conf.write_time : USEC_NEVER;
}

/* A frame, whole or not at all. */
static enum err put_frame(struct wsd_conn *c, enum ws_op op, struct span data)
{
    uint8_t buf[WS_HEAD_MAX];
    struct wr head = wr_of(buf, sizeof buf);
    sl_ws_write_head(&head, op, data.n, NULL);
    enum err e = sl_stream_write(c->s, wr_done(&head), data, false);
    if (e) {
        finish(c, WS_CODE_ABNORMAL);
        return e;
    }
    if (c->stuck_at == USEC_NEVER) {
        watch_queue(c, sl_loop_now());
        arm(c);
    }
    return E_OK;
}

enum err sl_wsd_send(struct wsd_conn *c, enum ws_op op, struct span data)
{
    if (c->state != OPEN)
        return E_STATE;
    if (sl_stream_queued(c->s) + data.n > c->d->conf.queue_max) {
        c->d->stats.slow++;
        finish(c, WS_CODE_ABNORMAL);
        return E_FULL;
    }
    c->d->stats.messages_out++;
    return put_frame(c, op, data);
}

void sl_wsd_close(struct wsd_conn *c, uint16_t code, const char *reason)
{
    uint8_t buf[WS_CONTROL_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    if (c->state != OPEN)
        return;
    sl_ws_write_close(&w, code, reason);
    c->code = code;
    c->close_at = sl_loop_now() + c->d->conf.close_time;
    c->state = CLOSING;
    if (put_frame(c, WS_CLOSE, wr_done(&w)) == E_OK)
        arm(c);
}

/* ---- in ---- */

/* RFC 6455 §5.5.1: it is answered, then the server closes the connection. */
static void peer_closes(struct wsd_conn *c, const struct ws_msg *m)
{
    c->peer_closed = true;
    if (c->state == OPEN) {
        uint8_t buf[2];
        struct wr w = wr_of(buf, sizeof buf);
        if (m->code != WS_CODE_NONE)
            wr_u16(&w, m->code);
        c->code = m->code;
        c->state = CLOSING;
        (void)put_frame(c, WS_CLOSE, wr_done(&w));
    }
    if (sl_stream_queued(c->s) == 0) {
        finish(c, c->code);
        return;
    }
    /* What was said before is still leaving. */
    c->close_at = sl_loop_now() + c->d->conf.close_time;
    arm(c);
}

static void take(struct wsd_conn *c, const struct ws_msg *m)
{
    switch (m->op) {
    case WS_TEXT:
    case WS_BINARY:
        c->d->stats.messages_in++;
        c->d->conf.message(c->user, m->op, m->data);
        break;
    case WS_PING:
        /* A peer that asks faster than it reads is one that does not read. */
        if (sl_stream_queued(c->s) > c->d->conf.queue_max) {
            c->d->stats.slow++;
            finish(c, WS_CODE_ABNORMAL);
        } else {
            (void)put_frame(c, WS_PONG, m->data);
        }
        break;
    case WS_CLOSE: peer_closes(c, m); break;
    case WS_PONG:
    case WS_CONTINUED: break;
    }
}

static struct room room(void *user)
{
    const struct wsd_conn *c = user;
    return c->state == OVER ? (struct room){0} : (struct room){c->d->in, sizeof c->d->in};
}

static void on_data(void *user, size_t n)
{
    struct wsd_conn *c = user;
    struct wsd *d = c->d;
    struct rd in = rd_of((struct span){d->in, n});
    struct ws_msg m;
    enum err e;
    c->heard = sl_loop_now();
    if (c->ws.code)
        return; /* nothing makes sense any more; it is read so that the peer can read why */
    d->reading = c;
    while (d->reading == c && (e = sl_ws_read(&c->ws, &in, &m)) != E_SHORT) {
        if (e && c->state == OPEN) {
            d->stats.wrong++;
            sl_wsd_close(c, c->ws.code, "");
        }
        if (e)
            break;
        if (c->state == OPEN || m.op == WS_CLOSE)
            take(c, &m);
        if (d->reading == c && c->state == OVER)
            break;
    }
    d->reading = NULL;
}

static void on_sent(void *user)
{
    struct wsd_conn *c = user;
    c->stuck_at = USEC_NEVER;
    if (c->peer_closed)
        finish(c, c->code);
    arm(c);
}

static void on_ended(void *user, bool broken)
{
    (void)broken;
    finish(user, WS_CODE_ABNORMAL);
}

static void end(struct wsd_conn *c)
{
    void (*closed)(void *, uint16_t) = c->d->conf.closed;
    void *user = c->user;
    uint16_t code = c->code;
    sl_wsd_conn_free(c);
    closed(user, code);
}

static void on_evicted(void *user)
{
    struct wsd_conn *c = user;
    finish(c, WS_CODE_ABNORMAL);
    end(c);
}

void sl_wsd_yield(struct wsd_conn *c, bool yields)
{
    sl_httpd_link_yield(c->link, yields ? on_evicted : NULL);
}

static bool is_stuck(struct wsd_conn *c, usec now)
{
    if (now < c->stuck_at)
        return false;
    size_t before = c->queued;
    watch_queue(c, now);
    return c->queued >= before;
}

static void on_time(void *user)
{
    struct wsd_conn *c = user;
    const struct wsd_conf *conf = &c->d->conf;
    usec now = sl_loop_now();
    if (c->state != OVER && is_stuck(c, now)) {
        c->d->stats.slow++;
        finish(c, WS_CODE_ABNORMAL);
    }
    if (c->state == OPEN && now >= c->heard + conf->silence) {
        c->d->stats.silent++;
        finish(c, WS_CODE_ABNORMAL);
    }
    if (c->state == OVER || (c->state == CLOSING && now >= c->close_at)) {
        end(c);
        return;
    }
    if (c->state == OPEN && now >= c->ping_at) {
        c->ping_at = now + conf->ping_every;
        (void)put_frame(c, WS_PING, (struct span){0});
    }
    arm(c);
}

enum err sl_wsd_open(struct wsd *d, uint64_t id, const char *accept, void *user,
                     struct wsd_conn **ret)
{
    static const struct stream_handler handler = {room, on_data, on_sent, on_ended};
    const char *protocol = d->conf.protocol;
    const struct http_res res = {
        .status = 101,
        .fields = {{"Upgrade", "websocket"},
                   {"Connection", "Upgrade"},
                   {"Sec-WebSocket-Accept", accept},
                   {protocol ? "Sec-WebSocket-Protocol" : NULL, protocol}}};
    usec now = sl_loop_now();
    struct wsd_conn *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    *c = (struct wsd_conn){.d = d,
                           .user = user,
                           .timer = {.fn = on_time, .user = c},
                           .heard = now,
                           .ping_at = now + d->conf.ping_every,
                           .stuck_at = USEC_NEVER};
    enum err e = sl_loop_timer_set(d->loop, &c->timer, c->ping_at);
    if (!e)
        e = sl_httpd_upgrade(d->httpd, id, &res, &handler, c, &c->link);
    if (e) {
        sl_loop_timer_stop(d->loop, &c->timer);
        free(c);
        return e;
    }
    c->s = sl_httpd_link_stream(c->link);
    sl_ws_init(&c->ws, d->conf.message_max, true);
    list_add(&d->conns, &c->by_server);
    d->stats.opened++;
    d->stats.conns++;
    *ret = c;
    return E_OK;
}
