#include "service/control.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/admin.h"
#include "crypto/hash.h"
#include "net/httpd.h"
#include "net/loop.h"
#include "service/explain.h"
#include "service/inbox.h"
#include "service/numbers.h"
#include "service/outside.h"
#include "service/plane.h"
#include "sfu/mail.h"
#include "web/assets.h"

#define STATS_INTERVAL SEC(1)
#define RETRY_INTERVAL MSEC(5) /* of commands that found a full mailbox */
enum { TENANT_DEFAULT_MAY = MAY_PUBLISH | MAY_WATCH };

struct control {
    struct control_conf conf;
    struct log *log;
    struct loop *loop;
    struct loop_wake *mail; /* rung by other threads that wrote to us */
    struct loop_wake *told; /* rung by those who wish something */
    _Atomic(enum control_wish) wish;
    struct inbox *inbox; /* of rtcd's client in this process */
    struct loop_timer tick, stats, retry, deadline;
    struct node node;
    struct plane *plane;
    struct outside *outside;
    struct rooms *rooms;
    struct limit *joins, *changes;
    struct face face;
    struct admin admin;
    struct httpd *public_face, *private_face;
    struct rtcd_face *rtcd; /* NULL: not served */
    struct metrics *metrics;
    bool draining;
};

static void arm(struct control *c)
{
    usec at = sl_rooms_deadline(c->rooms);
    if (at == USEC_NEVER)
        sl_loop_timer_stop(c->loop, &c->tick);
    else if (sl_loop_timer_set(c->loop, &c->tick, at) != E_OK)
        LOG(c->log, LOG_ERROR, "out of memory");
}

/* After anything that may have changed rooms: what they asked of the media plane leaves. */
static void settle(struct control *c)
{
    sl_rooms_flush(c->rooms, sl_loop_now());
    sl_plane_flush(c->plane);
    if (sl_plane_waiting(c->plane) > 0 &&
        sl_loop_timer_set(c->loop, &c->retry, sl_loop_now() + RETRY_INTERVAL) != E_OK)
        LOG(c->log, LOG_ERROR, "out of memory");
    arm(c);
    if (c->rtcd)
        sl_rtcd_face_arm(c->rtcd);
    const struct rooms_stats *s = sl_rooms_stats(c->rooms);
    uint64_t sessions = c->rtcd ? sl_rtcd_face_calls(c->rtcd)->sessions : 0;
    if (c->draining && s->publishers + s->viewers + sessions == 0)
        sl_loop_stop(c->loop);
}

/* ---- from the media threads ---- */

static void up(void *ctx, uint64_t transport)
{
    struct control *c = ctx;
    sl_rooms_transport_up(c->rooms, transport, sl_loop_now());
}

static void gone(void *ctx, uint64_t transport, enum media_gone why)
{
    struct control *c = ctx;
    sl_rooms_transport_gone(c->rooms, transport, why);
}

static void started(void *ctx, uint64_t producer)
{
    const struct control *c = ctx;
    LOG(c->log, LOG_DEBUG, "producer started", KV_ID("producer", producer));
}

static void wanted(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps)
{
    const struct control *c = ctx;
    sl_rooms_wanted(c->rooms, transport, producer, encodings, most_bps);
}

static void voice(void *ctx, uint64_t transport, uint64_t producer, const struct voice *v)
{
    struct control *c = ctx;
    sl_rooms_voice(c->rooms, transport, producer, v, sl_loop_now());
}

static void data(void *ctx, uint64_t transport, const struct media_data_event *ev)
{
    const struct control *c = ctx;
    if (c->rtcd)
        sl_rtcd_face_data(c->rtcd, transport, ev);
}

static void take_mail(void *ctx)
{
    struct control *c = ctx;
    struct mail m;
    unsigned from;
    sl_plane_time(c->plane, sl_loop_now());
    do {
        while (sl_post_take(c->node.post, SHARD_TO_CONTROL, &from, &m)) {
            if (m.type == MAIL_STATS)
                sl_node_answered(&c->node, &m);
            else if (m.type == MAIL_SEEN)
                sl_outside_mail(c->outside, &m);
            else
                sl_plane_mail(c->plane, from, &m);
        }
    } while (!sl_post_may_sleep(c->node.post, SHARD_TO_CONTROL));
    settle(c);
}

static void wake(void *ctx)
{
    const struct control *c = ctx;
    sl_loop_wake_ring(c->mail);
}

/* ---- time ---- */

static void tick(void *ctx)
{
    struct control *c = ctx;
    sl_rooms_tick(c->rooms, sl_loop_now());
    settle(c);
}

static void retry(void *ctx)
{
    settle(ctx);
}

static void ask_stats(void *ctx)
{
    struct control *c = ctx;
    sl_node_ask(&c->node);
    if (c->rtcd)
        sl_rtcd_face_tick(c->rtcd);
    if (c->draining) /* sessions of rtcd end without a word from the media plane */
        settle(c);
    if (sl_loop_timer_set(c->loop, &c->stats, sl_loop_now() + STATS_INTERVAL) != E_OK)
        LOG(c->log, LOG_ERROR, "out of memory");
}

static void out_of_time(void *ctx)
{
    struct control *c = ctx;
    const struct rooms_stats *s = sl_rooms_stats(c->rooms);
    LOG(c->log, LOG_WARN, "drain deadline", KV_UINT("publishers", s->publishers),
        KV_UINT("viewers", s->viewers));
    sl_loop_stop(c->loop);
}

static void drain(struct control *c)
{
    LOG(c->log, LOG_INFO, "draining",
        KV_INT("deadline_s", c->conf.drain_deadline / SEC(1)));
    c->draining = true;
    c->face.draining = true;
    c->admin.ready = false;
    if (c->conf.drain_deadline > 0 &&
        sl_loop_timer_set(c->loop, &c->deadline,
                          sl_loop_now() + c->conf.drain_deadline) != E_OK)
        sl_loop_stop(c->loop);
}

static void resume(struct control *c)
{
    LOG(c->log, LOG_INFO, "draining no more");
    sl_loop_timer_stop(c->loop, &c->deadline);
    c->draining = false;
    c->face.draining = false;
    c->admin.ready = sl_outside_settled(c->outside);
}

static void hear(void *ctx, struct span message)
{
    const struct control *c = ctx;
    sl_rtcd_face_local(c->rtcd, message);
}

static void obey(void *ctx)
{
    struct control *c = ctx;
    enum control_wish wish = atomic_load(&c->wish);
    if (c->rtcd)
        sl_inbox_take(c->inbox, hear, c);
    if (wish == CONTROL_END) {
        LOG(c->log, LOG_INFO, "stopping at once");
        sl_loop_stop(c->loop);
        return;
    }
    if (wish == CONTROL_DRAIN && !c->draining)
        drain(c);
    else if (wish == CONTROL_RUN && c->draining)
        resume(c);
    settle(c);
}

void sl_control_wish(struct control *c, enum control_wish wish)
{
    enum control_wish was = atomic_load(&c->wish);
    while (was != CONTROL_END && !atomic_compare_exchange_weak(&c->wish, &was, wish))
        ;
    sl_loop_wake_ring(c->told);
}

enum control_wish sl_control_wished(const struct control *c)
{
    return atomic_load(&c->wish);
}

enum err sl_control_hear(struct control *c, struct span message)
{
    enum err e = sl_inbox_put(c->inbox, message);
    if (!e)
        sl_loop_wake_ring(c->told);
    return e;
}

/* ---- requests ---- */

static struct http_res asset(const struct asset *a, const struct http_req *req)
{
    bool same = span_is(sl_http_header(req, "If-None-Match"), a->etag);
    struct http_res res = {
        .status = same ? 304 : 200,
        .fields = {{"Content-Type", a->type},
                   {"ETag", a->etag},
                   {"Cache-Control", "no-cache"},
                   {"Content-Security-Policy", ASSET_CSP},
                   {"Permissions-Policy", ASSET_PERMISSIONS},
                   {"Referrer-Policy", "no-referrer"},
                   {"X-Content-Type-Options", "nosniff"}},
        .body = same ? (struct span){0} : a->body,
        .body_is_static = true,
    };
    return res;
}

static void take_public(void *user, const struct http_req *req)
{
    struct control *c = user;
    const struct asset *a = c->conf.demo ? sl_asset_find(req->path) : NULL;
    bool get = req->method == HTTP_GET || req->method == HTTP_HEAD;
    struct http_res res = a && get && !req->refuse
                              ? asset(a, req)
                              : sl_face_answer(&c->face, req, sl_loop_now());
    (void)sl_httpd_reply(c->public_face, req->id, &res);
    settle(c);
}

static void take_private(void *user, const struct http_req *req)
{
    struct control *c = user;
    if (c->rtcd && !req->refuse && sl_rtcd_face_request(c->rtcd, req))
        return;
    struct http_res res = sl_admin_answer(&c->admin, req);
    (void)sl_httpd_reply(c->private_face, req->id, &res);
}

static bool explain_transports(void *ctx, struct span id, struct wr *w)
{
    const struct control *c = ctx;
    return sl_explain_asked(c->plane, c->rooms, id, sl_loop_now(), w);
}

static bool set_ceiling(void *ctx, struct span id, uint32_t bps)
{
    struct control *c = ctx;
    uint64_t n;
    if (!sl_explain_id(id, &n) || !sl_rooms_ceiling(c->rooms, n, bps))
        return false;
    settle(c);
    return true;
}

static void explain_peer(void *ctx, const struct peer *p, struct wr *w)
{
    const struct control *c = ctx;
    sl_explain_tracks(c->plane, p, EXPLAIN_TO_PEER, sl_loop_now(), w);
}

static unsigned may_of(unsigned perm)
{
    return (perm & TOKEN_PUBLISH ? (unsigned)MAY_PUBLISH : 0) |
           (perm & TOKEN_WATCH ? (unsigned)MAY_WATCH : 0) |
           (perm & TOKEN_ADMIN ? (unsigned)MAY_ADMIN : 0);
}

static void copy_text(char *to, size_t cap, const char *from)
{
    size_t n = strnlen(from, cap - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

static enum err verify(void *ctx, struct span text, struct claims *ret)
{
    const struct control *c = ctx;
    struct token t;
    struct claims claims = {.tenant = "default", .rooms = "*", .may = TENANT_DEFAULT_MAY};
    if (!c->conf.open) {
        enum err e = sl_token_verify(&c->conf.keys, text, sl_wall_now() / SEC(1), &t);
        if (e)
            return e;
        copy_text(claims.tenant, sizeof claims.tenant, t.tenant);
        copy_text(claims.rooms, sizeof claims.rooms, t.room);
        claims.may = may_of(t.perm);
        claims.max_bps = t.max_bps;
    }
    *ret = claims;
    return E_OK;
}

/* ---- what happens in rooms ---- */

static void on_room(void *ctx, enum room_event ev, const struct peer *peer,
                    enum media_gone why)
{
    static const char *const texts[] = {[ROOM_JOINED] = "peer joined",
                                        [ROOM_UP] = "peer up",
                                        [ROOM_GONE] = "peer gone",
                                        [ROOM_SPEAKER] = "peer speaks"};
    const struct control *c = ctx;
    LOG(c->log, ev == ROOM_SPEAKER ? LOG_DEBUG : LOG_INFO, texts[ev],
        KV_STR("room", peer->room->name), KV_STR("stream", peer->stream),
        KV_ID("transport", peer->transport),
        KV_STR("why", ev == ROOM_GONE ? sl_media_gone_name(why) : ""));
}

static void fill_random(void *ctx, void *p, size_t n)
{
    (void)ctx;
    sl_random(p, n);
}

/* ---- start and end ---- */

/* Nobody is sent here before we know what to tell them. */
static void learned_address(void *ctx)
{
    struct control *c = ctx;
    size_t n;
    const struct negotiate_candidate *told = sl_outside_told(c->outside, &n);
    if (c->rooms)
        sl_rooms_candidates(c->rooms, told, n);
    c->admin.ready = !c->draining && sl_outside_settled(c->outside);
}

static enum err look_outside(struct control *c)
{
    const struct node_conf *n = &c->conf.node;
    const struct outside_conf oc = {.loop = c->loop,
                                    .post = c->node.post,
                                    .log = c->log,
                                    .of = {.udp = n->at,
                                           .udp_n = n->at_n,
                                           .tcp = n->tcp_at,
                                           .tcp_n = n->tcp_at_n,
                                           .maps = c->conf.maps,
                                           .maps_n = c->conf.maps_n,
                                           .shown_port = c->conf.shown_port},
                                    .name = c->conf.name,
                                    .stun = c->conf.stun,
                                    .key = c->node.probe_key,
                                    .ctx = c,
                                    .changed = learned_address};
    enum err e = sl_outside_new(&oc, &c->outside);
    c->admin.ready = !e && sl_outside_settled(c->outside);
    return e;
}

static void open_way(void *ctx, const struct addr *to, size_t n)
{
    struct control *c = ctx;
    sl_outside_open(c->outside, to, n);
}

static bool lend_turn(void *ctx, uint64_t transport, struct turn_credentials *ret)
{
    const struct control *c = ctx;
    char who[17];
    (void)snprintf(who, sizeof who, "%016" PRIx64, transport);
    return sl_turn_credentials(span_of(c->conf.turn_secret), span_of(who),
                               sl_wall_now() / SEC(1), c->conf.turn_lifetime / SEC(1),
                               ret) == E_OK;
}

static enum err make_rooms(struct control *c)
{
    uint64_t key[2];
    const struct plane_events events = {.ctx = c,
                                        .up = up,
                                        .gone = gone,
                                        .started = started,
                                        .wanted = wanted,
                                        .voice = voice,
                                        .data = data};
    sl_random(key, sizeof key);
    c->plane = sl_plane_new(c->node.post, key, &events);
    if (!c->plane)
        return E_MEMORY;
    struct rooms_conf rc = {
        .media = sl_plane_ops(c->plane),
        .random = {.fill = fill_random},
        .limits = c->conf.limits,
        .loudest = c->conf.loudest,
        .max_bps = c->conf.max_bps,
        .local = {.sha256 = c->node.cert.sha256},
        .node = 1,
        .event = on_room,
        .event_ctx = c,
        .remote = {open_way, c},
    };
    rc.local.candidates = sl_outside_told(c->outside, &rc.local.candidates_n);
    c->rooms = sl_rooms_new(&rc);
    sl_random(key, sizeof key);
    c->joins = sl_limit_new(&c->conf.joins, key);
    c->changes = sl_limit_new(&c->conf.changes, key);
    if (!c->rooms || !c->joins || !c->changes)
        return E_MEMORY;
    const struct face_conf fc = {.rooms = c->rooms,
                                 .verify = verify,
                                 .verify_ctx = c,
                                 .joins = c->joins,
                                 .changes = c->changes,
                                 .explain = explain_peer,
                                 .explain_ctx = c,
                                 .ice = c->conf.ice,
                                 .ice_n = c->conf.ice_n,
                                 .turn = c->conf.turn_secret ? lend_turn : NULL,
                                 .turn_ctx = c,
                                 .origins = c->conf.origins,
                                 .origins_n = c->conf.origins_n,
                                 .proxied = c->conf.proxied};
    return sl_face_init(&c->face, &fc);
}

static bool is_set(const struct addr *a)
{
    return a->port != 0 || !addr_eq(a, &(struct addr){0});
}

static enum err listen_public(struct control *c)
{
    if (!is_set(&c->conf.public_face))
        return E_OK;
    struct httpd_conf hc = {HTTPD_CONF,
                            .addr = c->conf.public_face,
                            .cert = c->conf.tls_cert,
                            .key = c->conf.tls_key,
                            .request = take_public,
                            .user = c};
    hc.body_max = c->conf.body_max;
    hc.conns_max = c->conf.conns_max;
    hc.conns_per_ip = c->conf.conns_per_ip;
    return sl_httpd_new(c->loop, &hc, &c->public_face);
}

static enum err listen_private(struct control *c)
{
    /* Back ends stand behind few addresses, and a key that is checked waits for its turn. */
    struct httpd_conf hc = {HTTPD_CONF,
                            .addr = c->conf.private_face,
                            .cert = c->conf.private_cert,
                            .key = c->conf.private_key,
                            .request = take_private,
                            .user = c};
    hc.body_time = SEC(30);
    hc.reply_time = SEC(30);
    hc.conns_max = c->conf.conns_max;
    hc.conns_per_ip = c->conf.conns_max;
    enum err e = E_OK;
    if (is_set(&c->conf.private_face))
        e = sl_httpd_new(c->loop, &hc, &c->private_face);
    if (e || !c->conf.rtcd.kv)
        return e;
    struct rtcd_face_conf fc = c->conf.rtcd;
    fc.rooms = c->rooms;
    fc.media = sl_plane_ops(c->plane);
    fc.settle = retry;
    fc.settle_ctx = c;
    return sl_rtcd_face_new(c->loop, c->private_face, c->log, c->metrics, &fc, &c->rtcd);
}

static const struct httpd_stats *stats_of(const struct httpd *h)
{
    return h ? sl_httpd_stats(h) : NULL;
}

static enum err count(struct control *c)
{
    const struct numbers_of of = {.node = &c->node,
                                  .rooms = sl_rooms_stats(c->rooms),
                                  .face = &c->face,
                                  .public_face = stats_of(c->public_face),
                                  .private_face = stats_of(c->private_face),
                                  .rtcd = c->rtcd};
    return sl_numbers_add(c->metrics, &of);
}

/* The parts, in the order in which they are made. */
static const struct {
    const char *name;
    enum err (*make)(struct control *c);
} parts[] = {
    {"rtc.ice_servers", look_outside},
    {"rooms", make_rooms},
    {"the public face", listen_public},
    {"the private face", listen_private},
    {"metrics", count},
};

enum err sl_control_new(const struct control_conf *conf, struct control **ret,
                        const char **what)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    c->conf = *conf;
    c->log = conf->log;
    c->admin.transports = explain_transports;
    c->admin.ceiling = set_ceiling;
    c->admin.ctx = c;
    c->tick = (struct loop_timer){.fn = tick, .user = c};
    c->stats = (struct loop_timer){.fn = ask_stats, .user = c};
    c->retry = (struct loop_timer){.fn = retry, .user = c};
    c->deadline = (struct loop_timer){.fn = out_of_time, .user = c};
    *what = "the media sockets";
    enum err e = sl_node_init(&c->node, &conf->node);
    if (!e) {
        *what = "the loop";
        c->loop = sl_loop_new();
        c->mail = c->loop ? sl_loop_wake_new(c->loop, take_mail, c) : NULL;
        c->told = c->mail ? sl_loop_wake_new(c->loop, obey, c) : NULL;
        c->inbox = sl_inbox_new();
        c->metrics = sl_metrics_new();
        c->admin.metrics = c->metrics;
        e = c->told && c->inbox && c->metrics ? E_OK : E_MEMORY;
    }
    for (size_t i = 0; !e && i < sizeof parts / sizeof parts[0]; i++) {
        *what = parts[i].name;
        e = parts[i].make(c);
    }
    if (e) {
        sl_control_free(c);
        return e;
    }
    sl_post_bell(c->node.post, SHARD_TO_CONTROL, wake, c);
    *ret = c;
    return E_OK;
}

void sl_control_free(struct control *c)
{
    if (!c)
        return;
    sl_rtcd_face_free(c->rtcd);
    sl_httpd_free(c->public_face);
    sl_httpd_free(c->private_face);
    sl_metrics_free(c->metrics);
    sl_admin_fini(&c->admin);
    sl_face_fini(&c->face);
    sl_limit_free(c->joins);
    sl_limit_free(c->changes);
    sl_rooms_free(c->rooms);
    sl_outside_free(c->outside);
    sl_plane_free(c->plane);
    sl_node_fini(&c->node);
    if (c->loop) {
        sl_loop_timer_stop(c->loop, &c->tick);
        sl_loop_timer_stop(c->loop, &c->stats);
        sl_loop_timer_stop(c->loop, &c->retry);
        sl_loop_timer_stop(c->loop, &c->deadline);
        sl_loop_wake_free(c->mail);
        sl_loop_wake_free(c->told);
    }
    sl_inbox_free(c->inbox);
    sl_loop_free(c->loop);
    free(c);
}

struct addr sl_control_public(const struct control *c)
{
    return c->public_face ? sl_httpd_addr(c->public_face) : (struct addr){0};
}

struct addr sl_control_private(const struct control *c)
{
    return c->private_face ? sl_httpd_addr(c->private_face) : (struct addr){0};
}

enum err sl_control_start(struct control *c)
{
    return sl_node_start(&c->node);
}

void sl_control_run(struct control *c)
{
    take_mail(c);
    sl_outside_start(c->outside);
    ask_stats(c);
    sl_loop_run(c->loop);
}
