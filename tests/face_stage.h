#pragma once

/*
 * A public face over rooms whose media plane takes notes: requests go in as values, answers
 * come out, and nothing else is there. Chance repeats.
 */

#include <stdlib.h>

#include "base/rng.h"

#include "api/face.h"
#include "check.h"
#include "media_log.h"

struct stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct limit *joins, *changes;
    struct face face;
    struct http_res res; /* the last answer */
    usec now;
    bool loaded; /* nobody more is admitted */
};

/* What tests want to say of a request; the rest is as a browser would have it. */
struct asked {
    enum http_method method;
    const char *path;
    const char *token, *type, *accept, *if_match; /* NULL: no such field */
    const char *forwarded[2];                     /* X-Forwarded-For */
    struct span body;
    struct addr from;
    unsigned refuse;
    const char *origin, *host;
};

static inline void stage_fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *at = p; n > 0; at++, n--)
        *at = (uint8_t)sl_rng_u64(ctx);
}

/* "pub" may publish, "see" may watch, both in any room; "a" may both in room a; "old" has
 * expired, "soon" is not valid yet; "other" and "bad" are of other tenants, of which the
 * second is no name; "host" and "admin" are hosts, "king" is of a role that there is not. */
static inline enum err stage_verify(void *ctx, struct span token, struct claims *ret)
{
    static const struct {
        const char *token;
        struct claims claims;
    } known[] = {
        {"pub", {"default", "*", MAY_PUBLISH}},
        {"see", {"default", "*", MAY_WATCH}},
        {"a", {"default", "a", MAY_PUBLISH | MAY_WATCH}},
        {"other", {"other", "*", MAY_PUBLISH | MAY_WATCH}},
        {"bad", {"b/d", "*", MAY_PUBLISH | MAY_WATCH}},
        {"host", {"default", "*", MAY_PUBLISH | MAY_WATCH, .role = "host"}},
        {"king", {"default", "*", MAY_PUBLISH | MAY_WATCH, .role = "king"}},
        {"admin", {"default", "*", MAY_ADMIN}},
    };
    (void)ctx;
    if (token.n == 0)
        return E_ABSENT;
    for (size_t i = 0; i < LEN(known); i++)
        if (span_is(token, known[i].token)) {
            *ret = known[i].claims;
            return E_OK;
        }
    return span_is(token, "old") ? E_LATE : span_is(token, "soon") ? E_EARLY : E_AUTH;
}

static inline bool stage_is_open(void *ctx)
{
    const struct stage *s = ctx;
    return !s->loaded;
}

static inline struct stage *stage_new_of(const struct ice_server *ice, size_t ice_n,
                                         bool hosts_create)
{
    static const uint8_t sha256[32] = {1, 2, 3};
    static const struct negotiate_candidate candidates[] = {
        {.addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}, 8443, 0}},
        {.addr = {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 8443, 0}},
    };
    static const uint64_t seed[2] = {1, 2};
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(7);
    s->now = SEC(100);
    s->joins = sl_limit_new(&(struct limit_conf){SEC(1), 50, 16}, seed);
    s->changes = sl_limit_new(&(struct limit_conf){SEC(1), 50, 16}, seed);
    s->rooms = sl_rooms_new(&(struct rooms_conf){
        .media = ml_ops(&s->log),
        .random = {stage_fill, &s->rng},
        .limits = {100, 100, 100},
        .local = {.sha256 = sha256, .candidates = candidates, .candidates_n = 2},
        .node = 3,
        .hosts_create = hosts_create,
        .door = {stage_is_open, s},
    });
    CHECK_INT(sl_face_init(&s->face, &(struct face_conf){.rooms = s->rooms,
                                                         .verify = stage_verify,
                                                         .joins = s->joins,
                                                         .changes = s->changes,
                                                         .ice = ice,
                                                         .ice_n = ice_n}),
              E_OK);
    return s;
}

static inline struct stage *stage_new(const struct ice_server *ice, size_t ice_n)
{
    return stage_new_of(ice, ice_n, false);
}

static inline void stage_free(struct stage *s)
{
    sl_face_fini(&s->face);
    sl_rooms_free(s->rooms);
    sl_limit_free(s->joins);
    sl_limit_free(s->changes);
    free(s);
}

static inline void stage_header(struct http_req *r, const char *name, const char *value)
{
    if (value)
        r->headers[r->nheaders++] = (struct http_header){span_of(name), span_of(value)};
}

/* Returns the status of the answer. */
static inline unsigned stage_ask(struct stage *s, struct asked a)
{
    char bearer[64];
    struct http_req r = {
        .method = a.method,
        .path = span_of(a.path),
        .body = a.body,
        .peer = a.from.port ? a.from : addr_v4(192, 0, 2, 99, 1000),
        .refuse = a.refuse,
    };
    snprintf(bearer, sizeof bearer, "Bearer %s", a.token ? a.token : "");
    stage_header(&r, "authorization", a.token ? bearer : NULL);
    stage_header(&r, "content-type", a.type);
    stage_header(&r, "origin", a.origin);
    stage_header(&r, "host", a.host);
    stage_header(&r, "accept", a.accept);
    stage_header(&r, "if-match", a.if_match);
    stage_header(&r, "x-forwarded-for", a.forwarded[0]);
    stage_header(&r, "x-forwarded-for", a.forwarded[1]);
    s->res = sl_face_answer(&s->face, &r, s->now);
    return s->res.status;
}

/* The answer's field, or "". */
static inline const char *stage_field(const struct stage *s, const char *name)
{
    for (size_t i = 0; i < HTTP_FIELDS_MAX && s->res.fields[i].name; i++)
        if (strcmp(s->res.fields[i].name, name) == 0)
            return s->res.fields[i].value;
    return "";
}

static inline bool stage_said(const struct stage *s, const char *text)
{
    return memmem(s->res.body.p, s->res.body.n, text, strlen(text)) != NULL;
}

/* How often the body says it. */
static inline int stage_count(const struct stage *s, const char *text)
{
    int n = 0;
    const uint8_t *at = s->res.body.p, *end = at + s->res.body.n;
    while ((at = memmem(at, (size_t)(end - at), text, strlen(text)))) {
        at += strlen(text);
        n++;
    }
    return n;
}

/* A session by an offer of tests/sdp; its URL, valid until the next. */
static inline const char *stage_join(struct stage *s, const char *path, const char *sdp)
{
    static char url[64];
    char file[96];
    snprintf(file, sizeof file, "tests/sdp/%s.sdp", sdp);
    CHECK_INT(stage_ask(s,
                        (struct asked){
                            .method = HTTP_POST,
                            .path = path,
                            .token = strncmp(path, "/whip", 5) == 0 ? "pub" : "see",
                            .type = "application/sdp",
                            .body = check_file(file),
                        }),
              201);
    snprintf(url, sizeof url, "%s", stage_field(s, "Location"));
    return url;
}

/* The transport that was asked for last comes up. */
static inline void stage_up(struct stage *s)
{
    sl_rooms_transport_up(s->rooms, s->log.transport.id, s->now);
}
