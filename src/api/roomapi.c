#include "api/roomapi.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "base/word.h"

#include "api/origin.h"
#include "api/roomapi_passes.h"
#include "api/roomapi_rooms.h"
#include "api/roomapi_talk.h"
#include "api/roomapi_tokens.h"

#define WHOLE_MAX 9007199254740992.0 /* RFC 8259 §6: above it, not each is a number */

enum {
    BUF_CAP = 1 << 20 /* octets of an answer; what does not fit is on the next page */
};

/* ---- what its modules ask of a request ---- */

void sl_roomapi_refuse(struct roomapi_call *c, enum problem p, const char *detail)
{
    sl_reply_problem(&c->reply, p, NULL, detail);
}

void sl_roomapi_fail(struct roomapi_call *c, enum err e)
{
    enum problem p = e == E_DENIED   ? PROBLEM_NAME
                     : e == E_EXISTS ? PROBLEM_EXISTS
                     : e == E_FULL   ? PROBLEM_FULL
                                     : PROBLEM_INTERNAL;
    sl_roomapi_refuse(c, p, "");
}

bool sl_roomapi_id(struct span text, uint64_t *ret)
{
    uint8_t octets[8];
    struct wr w = wr_of(octets, sizeof octets);
    if (sl_hex_read(text, &w) != E_OK || w.n != sizeof octets)
        return false;
    struct rd r = rd_of(wr_done(&w));
    *ret = rd_u64(&r);
    return true;
}

struct span sl_roomapi_parameter(const struct http_req *req, const char *name)
{
    struct span rest = req->query;
    while (rest.n > 0) {
        struct span value = word_cut(&rest, '&');
        struct span key = word_cut(&value, '=');
        if (span_is(key, name))
            return value.p ? value : (struct span){(const uint8_t *)"", 0};
    }
    return (struct span){0};
}

bool sl_roomapi_after(struct roomapi_call *c, char ret[2 * NAME_CAP])
{
    struct wr w = wr_of((uint8_t *)ret, 2 * NAME_CAP - 1);
    enum err e = sl_http_unescape(sl_roomapi_parameter(c->req, "after"), &w);
    struct span name = wr_done(&w), of = word_cut(&name, '/');
    if (e || (w.n > 0 && !(sl_name_valid(of) && sl_name_valid(name)))) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "after: TENANT/ROOM");
        return false;
    }
    ret[w.n] = '\0';
    return true;
}

struct wr *sl_roomapi_body(struct roomapi_call *c, unsigned status)
{
    c->reply.status = status;
    sl_reply_field(&c->reply, "Content-Type", "application/json");
    return &c->reply.body;
}

bool sl_roomapi_unpack(struct roomapi_call *c, const char *fmt, ...)
{
    json_error_t why;
    va_list args;
    va_start(args, fmt);
    bool good = json_vunpack_ex(c->in, &why, 0, fmt, args) == 0;
    va_end(args);
    if (!good)
        sl_roomapi_refuse(c, PROBLEM_REQUEST, why.text);
    return good;
}

bool sl_roomapi_within(struct roomapi_call *c, const char *name, long long v,
                       long long least, long long most)
{
    char why[64];
    if (v >= least && v <= most)
        return true;
    (void)snprintf(why, sizeof why, "%s: at most %lld", name, most);
    sl_roomapi_refuse(c, PROBLEM_REQUEST, why);
    return false;
}

/* ---- resources and methods ---- */

#define ROOM    "v1", "rooms", "*", "*"
#define PEER    ROOM, "peers", "*"
#define ROUTERS "v1", "workers", "*", "routers"

static void objects(struct roomapi_call *c)
{
    if (c->api->conf.objects)
        c->api->conf.objects(c->api->conf.objects_ctx, c);
    else
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "");
}

static void captures(struct roomapi_call *c)
{
    if (c->api->conf.captures)
        c->api->conf.captures(c->api->conf.captures_ctx, c);
    else
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "");
}

static void traces(struct roomapi_call *c)
{
    if (c->api->conf.traces)
        c->api->conf.traces(c->api->conf.traces_ctx, c);
    else
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "");
}

static const struct route {
    const char *path[ROOMAPI_SEGMENTS_MAX]; /* "*": any segment */
    enum http_method method;
    void (*answer)(struct roomapi_call *c);
} routes[] = {
    {{"v1", "rooms"}, HTTP_GET, sl_roomapi_list_rooms},
    {{"v1", "rooms"}, HTTP_POST, sl_roomapi_create_room},
    {{ROOM}, HTTP_GET, sl_roomapi_show_room},
    {{ROOM}, HTTP_PATCH, sl_roomapi_change_room},
    {{ROOM}, HTTP_DELETE, sl_roomapi_close_room},
    {{PEER}, HTTP_GET, sl_roomapi_show_peer},
    {{PEER}, HTTP_PATCH, sl_roomapi_change_peer},
    {{PEER}, HTTP_DELETE, sl_roomapi_remove_peer},
    {{PEER, "tracks", "*"}, HTTP_PATCH, sl_roomapi_change_track},
    {{PEER, "move"}, HTTP_POST, sl_roomapi_move},
    {{ROOM, "data"}, HTTP_POST, sl_roomapi_send},
    {{ROOM, "passes"}, HTTP_POST, sl_roomapi_issue},
    {{ROOM, "passes", "*"}, HTTP_DELETE, sl_roomapi_revoke_pass},
    {{ROOM, "viewers"}, HTTP_GET, sl_roomapi_viewers},
    {{ROOM, "viewers", "*"}, HTTP_DELETE, sl_roomapi_remove_viewer},
    {{"v1", "tokens"}, HTTP_POST, sl_roomapi_mint},
    {{"v1", "revocations"}, HTTP_POST, sl_roomapi_revoke},
    {{"room", "create"}, HTTP_POST, sl_roomapi_create_any},
    {{"v1", "workers"}, HTTP_GET, objects},
    {{ROUTERS}, HTTP_GET, objects},
    {{ROUTERS, "*", "*"}, HTTP_GET, objects},
    {{ROUTERS, "*", "*", "transports"}, HTTP_GET, objects},
    {{ROUTERS, "*", "*", "pipes"}, HTTP_GET, objects},
    {{"v1", "captures"}, HTTP_GET, captures},
    {{"v1", "captures"}, HTTP_POST, captures},
    {{"v1", "captures", "*"}, HTTP_DELETE, captures},
    {{"v1", "traces"}, HTTP_GET, traces},
    {{"v1", "traces", "*"}, HTTP_DELETE, traces},
    {{PEER, "traces"}, HTTP_POST, traces},
    {{"v1", "transports", "*", "traces"}, HTTP_POST, traces},
    {{"v1", "transports", "*"}, HTTP_GET, objects},
    {{"v1", "producers", "*"}, HTTP_GET, objects},
    {{"v1", "consumers", "*"}, HTTP_GET, objects},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool fits(const struct route *r, const struct span *seg, size_t n)
{
    for (size_t i = 0; i < ROOMAPI_SEGMENTS_MAX; i++) {
        const char *want = r->path[i];
        if (!want || i >= n)
            return !want && i >= n;
        if (strcmp(want, "*") != 0 && !span_is(seg[i], want))
            return false;
    }
    return true;
}

/* How many segments; 0: too many, or none. */
static size_t split(struct span path, struct span ret[ROOMAPI_SEGMENTS_MAX])
{
    size_t n = 0;
    while (n < ROOMAPI_SEGMENTS_MAX && sl_http_segment(&path, &ret[n]))
        n++;
    return path.n > 0 ? 0 : n;
}

bool sl_roomapi_has(struct span path)
{
    struct span seg[ROOMAPI_SEGMENTS_MAX];
    size_t n = split(path, seg);
    for (size_t i = 0; i < ROUTES; i++)
        if (fits(&routes[i], seg, n))
            return true;
    return false;
}

static const struct route *find(struct roomapi_call *c, char *allow, size_t cap)
{
    size_t n = split(c->req->path, c->seg), used = 0;
    enum http_method method = c->req->method == HTTP_HEAD ? HTTP_GET : c->req->method;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(&routes[i], c->seg, n))
            continue;
        if (routes[i].method == method)
            return &routes[i];
        used += (size_t)snprintf(allow + used, cap - used, "%s%s", used ? ", " : "",
                                 sl_http_method_name(routes[i].method));
    }
    return NULL;
}

static bool may_come(struct roomapi_call *c)
{
    static const char scheme[] = "Bearer ";
    struct span shown = sl_http_header(c->req, "Authorization");
    size_t n = sizeof scheme - 1;
    if (sl_origin_of(c->req, NULL, 0) == ORIGIN_REFUSED) {
        sl_roomapi_refuse(c, PROBLEM_ORIGIN, "");
        return false;
    }
    if (!c->api->conf.secret)
        return true;
    if (shown.n > n && strncasecmp((const char *)shown.p, scheme, n) == 0 &&
        sl_secret_eq((struct span){shown.p + n, shown.n - n},
                     span_of(c->api->conf.secret)))
        return true;
    sl_roomapi_refuse(c, shown.p ? PROBLEM_TOKEN_INVALID : PROBLEM_TOKEN_MISSING, "");
    sl_reply_field(&c->reply, "WWW-Authenticate", "Bearer realm=\"sluice\"");
    return false;
}

/* 260.0 is as whole a number as 260. */
static void make_whole(json_t *object)
{
    const char *key;
    json_t *v;
    void *next;
    json_object_foreach_safe(object, next, key, v)
    {
        double d = json_is_real(v) ? json_real_value(v) : 0.5;
        if (d >= -WHOLE_MAX && d <= WHOLE_MAX && d == (double)(json_int_t)d)
            (void)json_object_set_new(object, key, json_integer((json_int_t)d));
    }
}

/* Bodies are two objects deep. */
static void make_body_whole(json_t *body)
{
    const char *key;
    json_t *v;
    make_whole(body);
    json_object_foreach(body, key, v)
    {
        make_whole(v);
    }
}

/* What changes something comes as JSON, which no foreign page can send unasked. */
static bool read_body(struct roomapi_call *c, const struct route *r)
{
    bool may_be_empty = r->answer == sl_roomapi_create_any && c->req->body.n == 0;
    if ((r->method != HTTP_POST && r->method != HTTP_PATCH) || may_be_empty)
        return true;
    if (!sl_http_lists(sl_http_header(c->req, "Content-Type"), "application/json")) {
        sl_roomapi_refuse(c, PROBLEM_MEDIA_TYPE, "application/json");
        return false;
    }
    c->in = json_loadb((const char *)c->req->body.p, c->req->body.n,
                       JSON_REJECT_DUPLICATES, NULL);
    make_body_whole(c->in);
    if (json_is_object(c->in))
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST, "a JSON object is wanted");
    return false;
}

static bool find_room(struct roomapi_call *c, const struct route *r)
{
    if (strcmp(r->path[1], "rooms") != 0 || !r->path[2])
        return true;
    if (!sl_name_valid(c->seg[2]) || !sl_name_valid(c->seg[3])) {
        sl_roomapi_refuse(c, PROBLEM_NAME, "");
        return false;
    }
    c->room = sl_rooms_find(c->api->conf.rooms, c->seg[2], c->seg[3]);
    if (!c->room) {
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such room");
        return false;
    }
    if (!r->path[4] || strcmp(r->path[4], "peers") != 0)
        return true;
    c->who = sl_participant_find(c->room, c->seg[5]);
    if (c->who)
        return true;
    sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such peer");
    return false;
}

struct roomapi_call sl_roomapi_late(struct roomapi *a)
{
    struct roomapi_call c = {.api = a, .reply = sl_reply_of(a->buf, BUF_CAP)};
    sl_reply_origin(&c.reply, (struct span){0});
    return c;
}

enum err sl_roomapi_init(struct roomapi *a, const struct roomapi_conf *conf)
{
    *a = (struct roomapi){.conf = *conf, .buf = malloc(BUF_CAP)};
    return a->buf ? E_OK : E_MEMORY;
}

void sl_roomapi_fini(struct roomapi *a)
{
    free(a->buf);
    *a = (struct roomapi){0};
}

struct http_res sl_roomapi_answer(struct roomapi *a, const struct http_req *req, usec now,
                                  int64_t wall)
{
    struct roomapi_call c = sl_roomapi_late(a);
    c.req = req;
    c.now = now;
    c.wall = wall;
    char allow[64] = "";
    const struct route *r = find(&c, allow, sizeof allow);
    if (req->refuse) {
        sl_roomapi_refuse(&c, req->refuse == 413 ? PROBLEM_TOO_LARGE : PROBLEM_REQUEST,
                          "");
        c.reply.status = req->refuse;
    } else if (!r) {
        sl_roomapi_refuse(&c, PROBLEM_METHOD, "");
        sl_reply_field(&c.reply, "Allow", "%s", allow);
    } else if (may_come(&c) && read_body(&c, r) && find_room(&c, r)) {
        r->answer(&c);
    }
    json_decref(c.in);
    return c.later ? (struct http_res){.status = 0} : sl_reply_done(&c.reply);
}
