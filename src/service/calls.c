#include "service/calls.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"

#include "bench/caller.h"
#include "net/loop.h"
#include "net/sa.h"

enum { DATAGRAM = 2048, EVENTS = 64, READS = 64, SOCKET_BUFFER = 1 << 20 };

struct calls {
    enum sluice_err (*say)(void *ctx, const struct sluice_message *m);
    void *ctx;
    pthread_mutex_t lock;
    int epoll, bell; /* rung when a call has something to send that nobody else sends */
    struct cert cert;
    struct dtls_ctx *dtls;
    struct negotiated *scratch;
    struct list all; /* struct sluice_call */
};

struct sluice_call {
    struct list link;
    struct calls *of;
    struct sluice_call_conf conf;
    char call[SLUICE_ID_MAX + 1], user[SLUICE_ID_MAX + 1], session[SLUICE_ID_MAX + 1];
    struct caller *caller;
    int fd; /* -1: not yet */
    bool ended;
    size_t slot_of[SLUICE_MEDIA]; /* by enum sluice_medium; CALLER_SLOTS_MAX: none */
};

static void ring(const struct calls *cs)
{
    const uint64_t one = 1;
    (void)!write(cs->bell, &one, sizeof one);
}

/* ---- what callers say ---- */

static void tell(const struct sluice_call *c, enum sluice_type type, const char *data)
{
    const struct sluice_message m = {.type = type,
                                     .call = c->call,
                                     .user = c->user,
                                     .session = c->session,
                                     .channel = c->conf.channel,
                                     .data = data,
                                     .data_n = data ? strlen(data) : 0};
    (void)c->of->say(c->of->ctx, &m); /* one that does not fit is missed by the server */
}

static void describe(void *ctx, const char *type, struct span sdp)
{
    const struct sluice_call *c = ctx;
    json_t *o = json_object();
    (void)json_object_set_new(o, "type", json_string(type));
    (void)json_object_set_new(o, "sdp", json_stringn((const char *)sdp.p, sdp.n));
    char *json = json_dumps(o, JSON_COMPACT);
    if (json)
        tell(c, SLUICE_SDP, json);
    free(json);
    json_decref(o);
}

static void up(void *ctx)
{
    const struct sluice_call *c = ctx;
    if (c->conf.up)
        c->conf.up(c->conf.ctx);
}

static void end(struct sluice_call *c, const char *why)
{
    if (c->ended)
        return;
    c->ended = true;
    if (c->conf.ended)
        c->conf.ended(c->conf.ctx, why);
}

static void failed(void *ctx, const char *why)
{
    end(ctx, why);
}

/* "voice_SESSION_CHANCE", and so on: how servers call what they send. */
static bool is_called(const char *name, const char *what)
{
    size_t n = strlen(what);
    return strncmp(name, what, n) == 0 && name[n] == '_';
}

static struct sluice_track shown(const struct caller_track *t)
{
    static const char *const names[] = {[SLUICE_VOICE] = "voice",
                                        [SLUICE_CAMERA] = "video",
                                        [SLUICE_SCREEN] = "screen",
                                        [SLUICE_SCREEN_SOUND] = "screen-audio"};
    struct sluice_track ret = {.session = t->stream,
                               .id = t->track,
                               .medium =
                                   t->kind == MEDIA_VIDEO ? SLUICE_CAMERA : SLUICE_VOICE,
                               .codec = sl_codec_name(t->codec),
                               .user = t->user};
    for (int i = 0; i < SLUICE_MEDIA; i++)
        if (is_called(t->track, names[i]))
            ret.medium = (enum sluice_medium)i;
    return ret;
}

static void on_track(void *ctx, struct caller_track *t, bool begins)
{
    const struct sluice_call *c = ctx;
    struct sluice_track s = shown(t);
    if (c->conf.track)
        t->user = c->conf.track(c->conf.ctx, &s, begins);
}

static void on_packet(void *ctx, const struct caller_track *t,
                      const struct caller_packet *p)
{
    const struct sluice_call *c = ctx;
    const struct sluice_track s = shown(t);
    const struct sluice_packet out = {.payload = p->payload.p,
                                      .n = p->payload.n,
                                      .timestamp = p->ts,
                                      .number = p->seq,
                                      .marker = p->marker};
    if (c->conf.packet)
        c->conf.packet(c->conf.ctx, &s, &out);
}

static void on_key(void *ctx, size_t slot)
{
    const struct sluice_call *c = ctx;
    for (int i = 0; i < SLUICE_MEDIA; i++)
        if (c->slot_of[i] == slot && c->conf.key)
            c->conf.key(c->conf.ctx, (enum sluice_medium)i);
}

static const struct caller_ops ops = {describe, up, on_track, on_packet, on_key, failed};

/* ---- the socket ---- */

static void hang_up(struct sluice_call *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

/* Once it is known where the server is. */
static void dial(struct sluice_call *c)
{
    const struct addr *to = sl_caller_remote(c->caller);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    const int buffer = SOCKET_BUFFER;
    union sa sa = {0};
    if (!to || c->fd >= 0 || c->ended)
        return;
    socklen_t n = sa_of(to, sl_addr_is_v4(to), &sa);
    c->fd = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd >= 0)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (c->fd >= 0 && connect(c->fd, &sa.any, n) == 0 &&
        epoll_ctl(c->of->epoll, EPOLL_CTL_ADD, c->fd, &ev) == 0)
        return;
    hang_up(c);
    end(c, "no socket can be opened");
}

static void flush(struct sluice_call *c)
{
    struct span out;
    usec now = sl_loop_now(), wall = sl_wall_now();
    dial(c);
    while (c->fd >= 0 && sl_caller_poll(c->caller, now, wall, &out))
        (void)send(c->fd, out.p, out.n, MSG_NOSIGNAL); /* lost, as on any network */
}

static void receive(struct sluice_call *c)
{
    uint8_t in[DATAGRAM];
    for (int i = 0; i < READS && c->fd >= 0; i++) {
        ssize_t n = recv(c->fd, in, sizeof in, 0);
        if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
            return;
        if (n > 0)
            sl_caller_input(c->caller, in, (size_t)n, sl_loop_now());
    }
}

/* ---- all of them ---- */

static bool set_up(struct calls *cs)
{
    static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    pthread_mutexattr_t attr;
    cs->scratch = malloc(sizeof *cs->scratch);
    cs->epoll = epoll_create1(EPOLL_CLOEXEC);
    cs->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!cs->scratch || cs->epoll < 0 || cs->bell < 0 ||
        epoll_ctl(cs->epoll, EPOLL_CTL_ADD, cs->bell, &ev) != 0 ||
        sl_cert_init(&cs->cert) != E_OK)
        return false;
    cs->dtls = sl_dtls_ctx_new(&cs->cert, profiles, sizeof profiles / sizeof profiles[0]);
    if (!cs->dtls || pthread_mutexattr_init(&attr) != 0)
        return false;
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    bool ok = pthread_mutex_init(&cs->lock, &attr) == 0;
    (void)pthread_mutexattr_destroy(&attr);
    return ok;
}

struct calls *
sl_calls_new(enum sluice_err (*say)(void *ctx, const struct sluice_message *m), void *ctx)
{
    struct calls *cs = calloc(1, sizeof *cs);
    if (!cs)
        return NULL;
    cs->say = say;
    cs->ctx = ctx;
    cs->epoll = cs->bell = -1;
    list_init(&cs->all);
    if (set_up(cs))
        return cs;
    sl_calls_free(cs);
    return NULL;
}

static void call_free(struct sluice_call *c)
{
    list_del(&c->link);
    hang_up(c);
    sl_caller_free(c->caller);
    free(c);
}

void sl_calls_free(struct calls *cs)
{
    if (!cs)
        return;
    list_each_safe(struct sluice_call, c, &cs->all, link) call_free(c);
    sl_dtls_ctx_free(cs->dtls);
    sl_cert_fini(&cs->cert);
    free(cs->scratch);
    if (cs->epoll >= 0)
        (void)close(cs->epoll);
    if (cs->bell >= 0)
        (void)close(cs->bell);
    (void)pthread_mutex_destroy(&cs->lock);
    free(cs);
}

int sl_calls_fd(const struct calls *cs)
{
    return cs->epoll;
}

int sl_calls_wait(struct calls *cs)
{
    usec at = USEC_NEVER, now = sl_loop_now();
    (void)pthread_mutex_lock(&cs->lock);
    list_each (struct sluice_call, c, &cs->all, link) {
        usec due = c->ended ? USEC_NEVER : sl_caller_deadline(c->caller);
        at = due < at ? due : at;
    }
    (void)pthread_mutex_unlock(&cs->lock);
    return at == USEC_NEVER ? -1 : at <= now ? 0 : (int)((at - now) / MSEC(1)) + 1;
}

void sl_calls_run(struct calls *cs)
{
    struct epoll_event events[EVENTS];
    uint64_t rung;
    (void)pthread_mutex_lock(&cs->lock);
    int n = epoll_wait(cs->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr)
            receive(events[i].data.ptr);
        else
            (void)!read(cs->bell, &rung, sizeof rung);
    }
    usec now = sl_loop_now();
    list_each (struct sluice_call, c, &cs->all, link) {
        if (!c->ended && sl_caller_deadline(c->caller) <= now)
            sl_caller_tick(c->caller, now);
        flush(c);
    }
    (void)pthread_mutex_unlock(&cs->lock);
}

/* ---- what the server says ---- */

static void described(struct sluice_call *c, const struct sluice_message *m)
{
    json_t *o = json_loadb(m->data, m->data_n, 0, NULL);
    const char *type = json_string_value(json_object_get(o, "type"));
    const json_t *sdp = json_object_get(o, "sdp");
    const struct span text = {(const uint8_t *)json_string_value(sdp),
                              json_string_length(sdp)};
    if (type && text.p &&
        sl_caller_described(c->caller, strcmp(type, "offer") == 0, text, sl_loop_now()) ==
            E_UNSUPPORTED)
        end(c, "a description of the server's cannot be met");
    json_decref(o);
    flush(c);
}

static struct sluice_call *call_of(const struct calls *cs, const char *session)
{
    list_each (struct sluice_call, c, &cs->all, link)
        if (!c->ended && strcmp(c->session, session) == 0)
            return c;
    return NULL;
}

bool sl_calls_hear(struct calls *cs, const struct sluice_message *m)
{
    (void)pthread_mutex_lock(&cs->lock);
    struct sluice_call *c = m->session[0] ? call_of(cs, m->session) : NULL;
    bool mine = c && (m->type == SLUICE_SDP || m->type == SLUICE_CLOSED);
    if (mine && m->type == SLUICE_SDP)
        described(c, m);
    else if (mine)
        end(c, "the server has closed the session");
    if (m->type == SLUICE_HELLO)
        list_each (struct sluice_call, other, &cs->all, link)
            if (!other->ended)
                tell(other, SLUICE_RECONNECT, NULL);
    (void)pthread_mutex_unlock(&cs->lock);
    return mine;
}

/* ---- the host ---- */

static bool copy_id(char to[SLUICE_ID_MAX + 1], const char *from)
{
    size_t n = from ? strlen(from) : 0;
    if (n == 0 || n > SLUICE_ID_MAX)
        return false;
    memcpy(to, from, n + 1);
    return true;
}

static enum err add(struct sluice_call *c, enum sluice_medium medium,
                    enum media_kind kind, const char *stream)
{
    return sl_caller_add(c->caller, kind, stream, stream, &c->slot_of[medium]);
}

/* A session always has a voice, which may be silent. */
static enum err add_tracks(struct sluice_call *c)
{
    enum err e = add(c, SLUICE_VOICE, MEDIA_AUDIO, "voice");
    if (!e && c->conf.camera)
        e = add(c, SLUICE_CAMERA, MEDIA_VIDEO, "camera");
    if (!e && c->conf.screen)
        e = add(c, SLUICE_SCREEN, MEDIA_VIDEO, "screen");
    return e;
}

static void announce(struct sluice_call *c)
{
    tell(c, SLUICE_JOIN, NULL);
    if (c->conf.camera)
        tell(c, SLUICE_VIDEO_ON, "{\"videoStreamID\":\"camera\"}");
    if (c->conf.screen)
        tell(c, SLUICE_SCREEN_ON, "{\"screenStreamID\":\"screen\"}");
    sl_caller_offer(c->caller, sl_loop_now());
}

enum sluice_err sl_calls_join(struct calls *cs, const struct sluice_call_conf *conf,
                              struct sluice_call **ret)
{
    struct sluice_call *c = calloc(1, sizeof *c);
    const struct caller_conf cc = {.ops = &ops,
                                   .ctx = c,
                                   .dtls = cs->dtls,
                                   .sha256 = cs->cert.sha256,
                                   .srtp = sl_srtp_backend_best(),
                                   .scratch = cs->scratch};
    if (!c)
        return SLUICE_MEMORY;
    c->of = cs;
    c->conf = *conf;
    c->fd = -1;
    for (int i = 0; i < SLUICE_MEDIA; i++)
        c->slot_of[i] = CALLER_SLOTS_MAX;
    list_init(&c->link);
    enum sluice_err e = SLUICE_REFUSED;
    if (!copy_id(c->call, conf->call) || !copy_id(c->user, conf->user) ||
        !copy_id(c->session, conf->session))
        goto fail;
    (void)pthread_mutex_lock(&cs->lock);
    bool taken = call_of(cs, c->session) != NULL;
    c->caller = taken ? NULL : sl_caller_new(&cc);
    e = taken ? SLUICE_REFUSED : SLUICE_MEMORY;
    if (c->caller && add_tracks(c) == E_OK) {
        list_add(&cs->all, &c->link);
        *ret = c;
        announce(c);
        e = SLUICE_OK;
    }
    (void)pthread_mutex_unlock(&cs->lock);
    if (e)
        goto fail;
    ring(cs); /* its deadline is to be waited for */
    return SLUICE_OK;

fail:
    call_free(c);
    return e;
}

enum sluice_err sluice_call_send(struct sluice_call *c, enum sluice_medium medium,
                                 const struct sluice_packet *p)
{
    uint8_t out[CALLER_DATAGRAM_MAX];
    const struct caller_packet packet = {
        .ts = p->timestamp, .marker = p->marker, .payload = {p->payload, p->n}};
    (void)pthread_mutex_lock(&c->of->lock);
    size_t n = c->ended || c->fd < 0
                   ? 0
                   : sl_caller_send(c->caller, c->slot_of[medium], &packet, out);
    bool sent = n > 0 && send(c->fd, out, n, MSG_NOSIGNAL) == (ssize_t)n;
    (void)pthread_mutex_unlock(&c->of->lock);
    return sent ? SLUICE_OK : SLUICE_FULL;
}

void sluice_call_want_key(struct sluice_call *c, const struct sluice_track *t)
{
    (void)pthread_mutex_lock(&c->of->lock);
    sl_caller_want_key(c->caller, t->id);
    (void)pthread_mutex_unlock(&c->of->lock);
    ring(c->of);
}

void sluice_call_leave(struct sluice_call *c)
{
    if (!c)
        return;
    struct calls *cs = c->of;
    (void)pthread_mutex_lock(&cs->lock);
    if (!c->ended)
        tell(c, SLUICE_LEAVE, NULL);
    call_free(c);
    (void)pthread_mutex_unlock(&cs->lock);
}
