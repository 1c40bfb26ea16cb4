#include "service/faces.h"

#include <inttypes.h>
#include <stdio.h>

#include "net/loop.h"
#include "service/control.h"
#include "service/explain.h"
#include "sfu/mail.h"
#include "web/assets.h"

enum { TENANT_DEFAULT_MAY = MAY_PUBLISH | MAY_WATCH };

static void settle(const struct faces *f)
{
    f->conf.settle(f->conf.ctx);
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
    struct faces *f = user;
    if (sl_rooms_face_request(f->rooms, req))
        return;
    const struct asset *a = f->conf.of->demo ? sl_asset_find(req->path) : NULL;
    bool get = req->method == HTTP_GET || req->method == HTTP_HEAD;
    struct http_res res = a && get && !req->refuse
                              ? asset(a, req)
                              : sl_face_answer(&f->face, req, sl_loop_now());
    (void)sl_httpd_reply(f->public_face, req->id, &res);
    settle(f);
}

static void take_private(void *user, const struct http_req *req)
{
    struct faces *f = user;
    if (f->rtcd && !req->refuse && sl_rtcd_face_request(f->rtcd, req))
        return;
    bool rooms = f->revoked && sl_roomapi_has(req->path);
    struct http_res res =
        rooms ? sl_roomapi_answer(&f->roomapi, req, sl_loop_now(), sl_wall_now() / SEC(1))
              : sl_admin_answer(&f->admin, req);
    if (res.status != 0)
        (void)sl_httpd_reply(f->private_face, req->id, &res);
    if (rooms)
        settle(f);
}

static bool explain_transports(void *ctx, struct span id, struct wr *w)
{
    const struct faces *f = ctx;
    return sl_explain_asked(f->conf.plane, f->conf.rooms, id, sl_loop_now(), w);
}

static bool set_ceiling(void *ctx, struct span id, uint32_t bps)
{
    struct faces *f = ctx;
    uint64_t n;
    if (!sl_explain_id(id, &n) || !sl_rooms_ceiling(f->conf.rooms, n, bps))
        return false;
    settle(f);
    return true;
}

static void explain_peer(void *ctx, const struct peer *p, struct wr *w)
{
    const struct faces *f = ctx;
    sl_explain_tracks(f->conf.plane, p, EXPLAIN_TO_PEER, sl_loop_now(), w);
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
    const struct faces *f = ctx;
    struct token t;
    struct claims claims = {.tenant = "default", .rooms = "*", .may = TENANT_DEFAULT_MAY};
    if (!f->conf.of->open) {
        enum err e = sl_token_verify(&f->conf.of->keys, text, sl_wall_now() / SEC(1), &t);
        if (e)
            return e;
        copy_text(claims.tenant, sizeof claims.tenant, t.tenant);
        copy_text(claims.rooms, sizeof claims.rooms, t.room);
        claims.may = may_of(t.perm);
        claims.max_bps = t.max_bps;
        copy_text(claims.role, sizeof claims.role, t.role);
        copy_text(claims.id, sizeof claims.id, t.sub);
        copy_text(claims.name, sizeof claims.name, t.name);
        copy_text(claims.jti, sizeof claims.jti, t.jti);
        copy_text(claims.sources, sizeof claims.sources, t.sources);
        if (f->revoked && sl_revoked_has(f->revoked, span_of(t.jti)))
            return E_AUTH;
        if (f->revoked)
            claims.token = sl_revoked_number(f->revoked, span_of(t.jti));
    }
    *ret = claims;
    return E_OK;
}

static bool lend_turn(void *ctx, uint64_t transport, struct turn_credentials *ret)
{
    const struct faces *f = ctx;
    char who[17];
    (void)snprintf(who, sizeof who, "%016" PRIx64, transport);
    return sl_turn_credentials(span_of(f->conf.of->turn_secret), span_of(who),
                               sl_wall_now() / SEC(1), f->conf.of->turn_lifetime / SEC(1),
                               ret) == E_OK;
}

/* ---- start and end ---- */

static void fill_random(void *ctx, void *p, size_t n)
{
    (void)ctx;
    sl_random(p, n);
}

static void reply_late(void *ctx, uint64_t request, const struct http_res *res)
{
    const struct faces *f = ctx;
    (void)sl_httpd_reply(f->private_face, request, res);
}

/* Of the room API, to those who came by the room WebSocket. */
static bool talk_hears(void *ctx, const struct participant *who)
{
    const struct faces *f = ctx;
    return f->rooms && sl_rooms_hall_has(who);
}

static void talk_data(void *ctx, const struct room *room, const struct participant *who,
                      struct span text)
{
    const struct faces *f = ctx;
    if (f->rooms)
        sl_rooms_hall_tell(sl_rooms_face_hall(f->rooms), room, who, text);
}

static void talk_muted(void *ctx, const struct participant *who,
                       const struct track *track)
{
    const struct faces *f = ctx;
    if (f->rooms)
        sl_rooms_hall_muted(sl_rooms_face_hall(f->rooms), who, track, "");
}

static void talk_moved(void *ctx, const struct participant *who, struct span room,
                       struct span token)
{
    const struct faces *f = ctx;
    if (f->rooms)
        sl_rooms_hall_moved(sl_rooms_face_hall(f->rooms), who, room, token);
}

static enum err make_roomapi(struct faces *f)
{
    const struct control_conf *of = f->conf.of;
    uint64_t key[2];
    sl_random(key, sizeof key);
    enum err e = sl_revoked_new(of->rtcd.kv, key, sl_wall_now() / SEC(1), &f->revoked);
    const struct roomapi_conf rc = {
        .rooms = f->conf.rooms,
        .keys = &of->keys,
        .revoked = f->revoked,
        .secret = of->api_secret,
        .pass_any = of->pass_any,
        .random = {.fill = fill_random},
        .talk = {f, talk_hears, talk_data, talk_muted, talk_moved},
        .objects = sl_objects_asked,
        .objects_ctx = &f->objects,
        .captures = sl_captures_asked,
        .captures_ctx = &f->captures,
        .traces = sl_traces_asked,
        .traces_ctx = &f->captures};
    f->captures = (struct captures){.api = &f->roomapi,
                                    .node = f->conf.node,
                                    .plane = f->conf.plane,
                                    .log = f->conf.log,
                                    .permitted = of->api_secret != NULL,
                                    .mib_max = of->capture_mib,
                                    .reply = reply_late,
                                    .ctx = f};
    f->objects.conf = (struct objects_conf){.api = &f->roomapi,
                                            .rooms = f->conf.rooms,
                                            .plane = f->conf.plane,
                                            .node = f->conf.node,
                                            .reply = reply_late,
                                            .ctx = f};
    return e ? e : sl_roomapi_init(&f->roomapi, &rc);
}

enum err sl_faces_init(struct faces *f, const struct faces_conf *conf)
{
    const struct control_conf *of = conf->of;
    uint64_t key[2];
    *f = (struct faces){.conf = *conf,
                        .admin = {.metrics = conf->metrics,
                                  .transports = explain_transports,
                                  .ceiling = set_ceiling,
                                  .ctx = f}};
    sl_random(key, sizeof key);
    f->joins = sl_limit_new(&of->joins, key);
    f->changes = sl_limit_new(&of->changes, key);
    if (!f->joins || !f->changes)
        return E_MEMORY;
    const struct face_conf fc = {.rooms = conf->rooms,
                                 .verify = verify,
                                 .verify_ctx = f,
                                 .joins = f->joins,
                                 .changes = f->changes,
                                 .explain = explain_peer,
                                 .explain_ctx = f,
                                 .ice = of->ice,
                                 .ice_n = of->ice_n,
                                 .turn = of->turn_secret ? lend_turn : NULL,
                                 .turn_ctx = f,
                                 .origins = of->origins,
                                 .origins_n = of->origins_n,
                                 .proxied = of->proxied};
    enum err e = sl_face_init(&f->face, &fc);
    return e || !of->rtcd.kv ? e : make_roomapi(f);
}

void sl_faces_fini(struct faces *f)
{
    sl_rooms_face_free(f->rooms);
    f->rooms = NULL; /* there are still news */
    sl_rtcd_face_free(f->rtcd);
    sl_redis_face_free(f->redis);
    f->redis = NULL;
    sl_httpd_free(f->public_face);
    sl_httpd_free(f->private_face);
    sl_admin_fini(&f->admin);
    sl_roomapi_fini(&f->roomapi);
    sl_revoked_free(f->revoked);
    sl_face_fini(&f->face);
    sl_limit_free(f->joins);
    sl_limit_free(f->changes);
}

static bool is_set(const struct addr *a)
{
    return a->port != 0 || !addr_eq(a, &(struct addr){0});
}

static enum err serve_rooms(struct faces *f)
{
    const struct control_conf *of = f->conf.of;
    const struct rooms_face_conf rc = {
        .loop = f->conf.loop,
        .httpd = f->public_face,
        .log = f->conf.log,
        .face = &f->face,
        .hall = {.rooms = f->conf.rooms,
                 .media = sl_plane_ops(f->conf.plane),
                 .random = {.fill = fill_random},
                 .log = f->conf.log,
                 .joins = f->joins,
                 .open = of->open,
                 .verify = verify,
                 .explain = explain_peer,
                 .turn = of->turn_secret ? lend_turn : NULL,
                 .face_ctx = f,
                 .ice = of->ice,
                 .ice_n = of->ice_n},
        .settle = f->conf.settle,
        .settle_ctx = f->conf.ctx,
    };
    return sl_rooms_face_new(&rc, &f->rooms);
}

enum err sl_faces_listen_public(struct faces *f)
{
    const struct control_conf *of = f->conf.of;
    if (!is_set(&of->public_face))
        return E_OK;
    struct httpd_conf hc = {
        HTTPD_CONF,         .addr = of->public_face, .cert = of->tls_cert,
        .key = of->tls_key, .request = take_public,  .user = f};
    hc.body_max = of->body_max;
    hc.conns_max = of->conns_max;
    hc.conns_per_ip = of->conns_per_ip;
    enum err e = sl_httpd_new(f->conf.loop, &hc, &f->public_face);
    return e ? e : serve_rooms(f);
}

enum err sl_faces_listen_private(struct faces *f)
{
    const struct control_conf *of = f->conf.of;
    /* Back ends stand behind few addresses, and a key that is checked waits for its turn. */
    struct httpd_conf hc = {HTTPD_CONF,
                            .addr = of->private_face,
                            .cert = of->private_cert,
                            .key = of->private_key,
                            .request = take_private,
                            .user = f};
    hc.body_time = SEC(30);
    hc.reply_time = SEC(30);
    hc.conns_max = of->conns_max;
    hc.conns_per_ip = of->conns_max;
    enum err e = E_OK;
    if (is_set(&of->private_face))
        e = sl_httpd_new(f->conf.loop, &hc, &f->private_face);
    if (e || !of->rtcd.kv)
        return e;
    struct rtcd_face_conf fc = of->rtcd;
    fc.rooms = f->conf.rooms;
    fc.media = sl_plane_ops(f->conf.plane);
    fc.settle = f->conf.settle;
    fc.settle_ctx = f->conf.ctx;
    return sl_rtcd_face_new(f->conf.loop, f->private_face, f->conf.log, f->conf.metrics,
                            &fc, &f->rtcd);
}

enum err sl_faces_redis(struct faces *f)
{
    struct redis_face_conf rc = f->conf.of->redis;
    rc.loop = f->conf.loop;
    rc.log = f->conf.log;
    rc.rooms = f->conf.rooms;
    rc.pass_any = f->conf.of->pass_any;
    rc.settle = f->conf.settle;
    rc.settle_ctx = f->conf.ctx;
    return rc.redis.address ? sl_redis_face_new(&rc, &f->redis) : E_OK;
}

/* ---- what happens ---- */

void sl_faces_news(const struct faces *f, const struct news *n)
{
    if (f->rooms)
        sl_rooms_hall_news(sl_rooms_face_hall(f->rooms), n);
    if (f->redis)
        sl_redis_face_news(f->redis, n);
}

void sl_faces_wanted(const struct faces *f, const struct peer *peer,
                     const struct track *track)
{
    if (f->rooms)
        sl_rooms_hall_wanted(sl_rooms_face_hall(f->rooms), peer, track);
}

void sl_faces_data(const struct faces *f, uint64_t transport,
                   const struct media_data_event *ev)
{
    if (f->rtcd)
        sl_rtcd_face_data(f->rtcd, transport, ev);
    if (f->rooms)
        sl_rooms_hall_data(sl_rooms_face_hall(f->rooms), transport, ev);
}

void sl_faces_stale(const struct faces *f, uint64_t transport)
{
    if (f->rtcd)
        sl_rtcd_face_stale(f->rtcd, transport);
}

void sl_faces_mail(struct faces *f, const struct mail *m)
{
    const struct tape *lent = m->type == MAIL_CAPTURE ? m->p : NULL;
    if (!lent)
        sl_objects_looked(&f->objects, m);
    else if (lent->transport)
        sl_traces_told(&f->captures, m);
    else
        sl_captures_told(&f->captures, m);
}

uint64_t sl_faces_sessions(const struct faces *f)
{
    return (f->rtcd ? sl_rtcd_face_calls(f->rtcd)->sessions : 0) +
           (f->rooms ? sl_rooms_hall_stats(sl_rooms_face_hall(f->rooms))->sessions : 0) +
           (f->redis ? sl_redis_face_hall(f->redis)->clients : 0);
}

void sl_faces_arm(const struct faces *f)
{
    if (f->rtcd)
        sl_rtcd_face_arm(f->rtcd);
    if (f->rooms)
        sl_rooms_face_arm(f->rooms);
    if (f->redis)
        sl_redis_face_arm(f->redis);
}

void sl_faces_serve(struct faces *f, bool ready, bool draining)
{
    f->admin.ready = ready;
    f->face.draining = draining;
    if (f->rooms)
        sl_rooms_hall_drain(sl_rooms_face_hall(f->rooms), draining);
    if (f->redis)
        sl_redis_face_drain(f->redis, draining);
}
