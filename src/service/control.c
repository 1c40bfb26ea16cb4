#include "service/control.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "net/loop.h"
#include "service/faces.h"
#include "service/inbox.h"
#include "service/numbers.h"
#include "service/outside.h"
#include "service/plane.h"
#include "service/wiring.h"
#include "sfu/mail.h"

#define STATS_INTERVAL SEC(1)
#define RETRY_INTERVAL MSEC(5) /* of commands that found a full mailbox */

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
    struct faces faces;
    struct metrics *metrics;
    struct hooks *hooks; /* NULL: nobody is told */
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
    sl_faces_arm(&c->faces);
    const struct rooms_stats *s = sl_rooms_stats(c->rooms);
    if (c->draining && s->publishers + s->viewers + sl_faces_sessions(&c->faces) == 0)
        sl_loop_stop(c->loop);
}

/* ---- from the media threads ---- */

static void up(void *ctx, uint64_t transport)
{
    struct control *c = ctx;
    sl_rooms_transport_up(c->rooms, transport, sl_loop_now());
}

static void stale(void *ctx, uint64_t transport)
{
    const struct control *c = ctx;
    sl_faces_stale(&c->faces, transport);
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

static void excess(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings)
{
    const struct control *c = ctx;
    LOG(c->log, LOG_INFO,
        encodings ? "peer sends more than it may" : "peer sends no more than it may",
        KV_ID("transport", transport), KV_ID("producer", producer),
        KV_UINT("dropped_encodings", encodings));
}

static void voice(void *ctx, uint64_t transport, uint64_t producer, const struct voice *v)
{
    struct control *c = ctx;
    sl_rooms_voice(c->rooms, transport, producer, v, sl_loop_now());
}

static void data(void *ctx, uint64_t transport, const struct media_data_event *ev)
{
    const struct control *c = ctx;
    sl_faces_data(&c->faces, transport, ev);
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
            else if (m.type == MAIL_LOOK || m.type == MAIL_CAPTURE)
                sl_faces_mail(&c->faces, &m);
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

static void count_consumers(struct control *c)
{
    sl_capacity_consumers(&c->node.capacity, sl_plane_wiring(c->plane)->consumers.n);
}

static void ask_stats(void *ctx)
{
    struct control *c = ctx;
    count_consumers(c);
    sl_node_ask(&c->node);
    if (c->faces.rtcd)
        sl_rtcd_face_tick(c->faces.rtcd);
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

/* Nobody is sent here before we know what to tell them. */
static void serve(struct control *c)
{
    sl_faces_serve(&c->faces, !c->draining && sl_outside_settled(c->outside),
                   c->draining);
}

static void drain(struct control *c)
{
    LOG(c->log, LOG_INFO, "draining",
        KV_INT("deadline_s", c->conf.drain_deadline / SEC(1)));
    c->draining = true;
    serve(c);
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
    serve(c);
}

static void hear(void *ctx, struct span message)
{
    const struct control *c = ctx;
    sl_rtcd_face_local(c->faces.rtcd, message);
}

static void obey(void *ctx)
{
    struct control *c = ctx;
    enum control_wish wish = atomic_load(&c->wish);
    if (c->faces.rtcd)
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

/* ---- what happens in rooms ---- */

static void on_room(void *ctx, enum room_event ev, const struct peer *peer,
                    enum media_gone why)
{
    static const char *const texts[] = {[ROOM_JOINED] = "peer joined",
                                        [ROOM_UP] = "peer up",
                                        [ROOM_GONE] = "peer gone",
                                        [ROOM_SPEAKER] = "peer speaks"};
    const struct control *c = ctx;
    LOG(c->log, ev == ROOM_SPEAKER ? LOG_DEBUG : LOG_INFO,
        ev == ROOM_JOINED && peer->pass ? "pass issued" : texts[ev],
        KV_STR("room", peer->room->name), KV_STR("stream", peer->stream),
        KV_ID("transport", peer->transport),
        KV_STR("why", ev == ROOM_GONE ? sl_media_gone_name(why) : ""));
}

static bool admits(void *ctx)
{
    struct control *c = ctx;
    count_consumers(c);
    return !c->node.capacity.closed;
}

static void on_news(void *ctx, const struct news *n)
{
    const struct control *c = ctx;
    if (c->hooks)
        sl_hooks_news(c->hooks, n);
    sl_faces_news(&c->faces, n);
}

static void fill_random(void *ctx, void *p, size_t n)
{
    (void)ctx;
    sl_random(p, n);
}

/* ---- start and end ---- */

static void learned_address(void *ctx)
{
    struct control *c = ctx;
    size_t n;
    const struct negotiate_candidate *told = sl_outside_told(c->outside, &n);
    if (c->rooms)
        sl_rooms_candidates(c->rooms, told, n);
    serve(c);
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
    return sl_outside_new(&oc, &c->outside);
}

static void open_way(void *ctx, const struct addr *to, size_t n)
{
    struct control *c = ctx;
    sl_outside_open(c->outside, to, n);
}

static void on_wanted(void *ctx, const struct peer *peer, const struct track *track)
{
    const struct control *c = ctx;
    sl_faces_wanted(&c->faces, peer, track);
}

static enum err make_rooms(struct control *c)
{
    uint64_t key[2];
    const struct plane_events events = {.ctx = c,
                                        .up = up,
                                        .stale = stale,
                                        .gone = gone,
                                        .started = started,
                                        .wanted = wanted,
                                        .excess = excess,
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
        .hosts_create = c->conf.hosts_create,
        .empty_time = c->conf.empty_time,
        .max_bps = c->conf.max_bps,
        .local = {.sha256 = c->node.cert.sha256},
        .node = 1,
        .event = on_room,
        .wanted = on_wanted,
        .event_ctx = c,
        .door = {admits, c},
        .news = {on_news, c},
        .remote = {open_way, c},
    };
    rc.local.candidates = sl_outside_told(c->outside, &rc.local.candidates_n);
    c->rooms = sl_rooms_new(&rc);
    return c->rooms ? E_OK : E_MEMORY;
}

static enum err make_faces(struct control *c)
{
    const struct faces_conf fc = {.of = &c->conf,
                                  .loop = c->loop,
                                  .log = c->log,
                                  .rooms = c->rooms,
                                  .plane = c->plane,
                                  .metrics = c->metrics,
                                  .node = &c->node,
                                  .settle = retry,
                                  .ctx = c};
    enum err e = sl_faces_init(&c->faces, &fc);
    serve(c);
    return e;
}

static const struct httpd_stats *stats_of(const struct httpd *h)
{
    return h ? sl_httpd_stats(h) : NULL;
}

static enum err count(struct control *c)
{
    const struct numbers_of of = {.node = &c->node,
                                  .rooms = sl_rooms_stats(c->rooms),
                                  .face = &c->faces.face,
                                  .public_face = stats_of(c->faces.public_face),
                                  .private_face = stats_of(c->faces.private_face),
                                  .rtcd = c->faces.rtcd,
                                  .talk = c->faces.rooms,
                                  .redis = c->faces.redis,
                                  .hooks = c->hooks};
    return sl_numbers_add(c->metrics, &of);
}

static enum err make_hooks(struct control *c)
{
    struct hooks_conf hc = c->conf.hooks;
    hc.loop = c->loop;
    hc.log = c->log;
    enum err e = hc.urls_n > 0 ? sl_hooks_new(&hc, &c->hooks) : E_OK;
    if (!e && c->hooks) /* whoever was in a room before is not any more */
        sl_hooks_put(c->hooks, span_of("\"type\":\"server_started\""));
    return e;
}

/* The parts, in the order in which they are made. */
static const struct {
    const char *name;
    enum err (*make)(struct control *c);
    enum err (*serve)(struct faces *f);
} parts[] = {
    {"webhooks", make_hooks},
    {"rtc.ice_servers", look_outside},
    {"rooms", make_rooms},
    {"the faces", make_faces},
    {"the public face", .serve = sl_faces_listen_public},
    {"the private face", .serve = sl_faces_listen_private},
    {"redis", .serve = sl_faces_redis},
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
        e = c->told && c->inbox && c->metrics ? E_OK : E_MEMORY;
    }
    for (size_t i = 0; !e && i < sizeof parts / sizeof parts[0]; i++) {
        *what = parts[i].name;
        e = parts[i].make ? parts[i].make(c) : parts[i].serve(&c->faces);
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
    sl_faces_fini(&c->faces);
    sl_metrics_free(c->metrics);
    sl_rooms_free(c->rooms);
    sl_hooks_free(c->hooks);
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
    return c->faces.public_face ? sl_httpd_addr(c->faces.public_face) : (struct addr){0};
}

struct addr sl_control_private(const struct control *c)
{
    return c->faces.private_face ? sl_httpd_addr(c->faces.private_face)
                                 : (struct addr){0};
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
