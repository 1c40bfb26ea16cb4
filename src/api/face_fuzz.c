#include "api/face.h"

#include <stdio.h>

#include "base/rng.h"

#include "fuzz.h"

/*
 * Whatever clients ask and the media plane tells, in whatever order, every request has an
 * answer that fits it, and what rooms ask of the media plane makes sense: nothing hangs on a
 * transport that is closed, nobody is shown a producer that is gone, and in the end nothing is
 * left. The input is a list of records with 0x1e between: an operation, then a body.
 */

enum { THINGS = 1 << 16 };

static struct thing {
    bool open;
    uint64_t on;     /* its transport */
    uint64_t source; /* of a consumer */
} things[THINGS];
static uint64_t last, transport; /* the last id, and transport, that was seen */

static struct thing *at(uint64_t id)
{
    id &= 0xffffffffffff;
    MUST(id > 0 && id < THINGS);
    if (id > last)
        last = id;
    return &things[id];
}

static enum err transport_add(void *ctx, const struct media_transport *t)
{
    (void)ctx;
    MUST(strlen(t->ufrag) == MEDIA_UFRAG_MAX - 1 && strlen(t->pwd) == MEDIA_PWD_MAX - 1);
    MUST(!at(t->id)->open);
    at(t->id)->open = true;
    transport = t->id;
    return E_OK;
}

static enum err transport_restart(void *ctx, uint64_t id, const char *ufrag,
                                  const char *pwd)
{
    (void)ctx, (void)ufrag, (void)pwd;
    MUST(at(id)->open);
    return E_OK;
}

static bool alive(uint64_t id)
{
    return at(id)->open && at(at(id)->on)->open;
}

static void transport_ceiling(void *ctx, uint64_t id, uint32_t bps)
{
    (void)ctx;
    MUST(at(id)->open && bps > 0);
}

static void transport_close(void *ctx, uint64_t id)
{
    (void)ctx;
    MUST(at(id)->open);
    at(id)->open = false;
    for (uint64_t i = 1; i <= last; i++)
        MUST(things[i].source == 0 || !alive(i) || alive(things[i].source));
}

static enum err add(uint64_t id, uint64_t on)
{
    MUST(!at(id)->open && at(on)->open);
    *at(id) = (struct thing){.open = true, .on = on};
    return E_OK;
}

static enum err producer_add(void *ctx, uint64_t id, uint64_t on, uint64_t room,
                             const struct rtp_receive *r)
{
    (void)ctx, (void)room;
    MUST(r->params.codecs_n > 0 && r->encodings_n > 0);
    return add(id, on);
}

static enum err consumer_add(void *ctx, uint64_t id, uint64_t on, uint64_t room,
                             const struct rtp_send *s)
{
    (void)ctx, (void)room;
    MUST(s->params.codecs_n > 0 && s->ssrc != 0);
    return add(id, on);
}

static void consumer_source(void *ctx, uint64_t consumer, uint64_t producer)
{
    (void)ctx;
    MUST(alive(consumer) && (producer == 0 || alive(producer)));
    at(consumer)->source = producer;
}

static void consumer_wish(void *ctx, uint64_t consumer, const struct rtp_wish *w)
{
    (void)ctx, (void)w;
    MUST(alive(consumer));
}

static void forget(void *ctx, uint64_t id)
{
    (void)ctx, (void)id;
    MUST(false); /* rooms close whole transports */
}

static void fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *to = p; n > 0; to++, n--)
        *to = (uint8_t)sl_rng_u64(ctx);
}

static enum err verify(void *ctx, struct span token, struct claims *ret)
{
    (void)ctx, (void)token;
    *ret = (struct claims){"default", "*", MAY_ADMIN};
    return E_OK;
}

static char session[64];

static void ask(struct face *f, enum http_method m, const char *path, const char *type,
                struct span body, usec now)
{
    struct http_req r = {
        .method = m,
        .path = span_of(path),
        .headers = {{span_of("Content-Type"), span_of(type)},
                    {span_of("If-Match"), span_of("*")}},
        .nheaders = 2,
        .body = body,
    };
    struct http_res res = sl_face_answer(f, &r, now);
    switch (res.status) {
    case 200: MUST(m == HTTP_DELETE || res.body.n > 0); break;
    case 201: MUST(m == HTTP_POST && res.body.n > 0); break;
    case 204: MUST(res.body.n == 0); break;
    case 400:
    case 404:
    case 409:
    case 422:
    case 503: MUST(res.body.n > 0 && res.body.p[0] == '{'); break;
    default: MUST(false);
    }
    for (size_t i = 0; i < HTTP_FIELDS_MAX && res.fields[i].name; i++)
        if (strcmp(res.fields[i].name, "Location") == 0)
            memcpy(session, res.fields[i].value, strlen(res.fields[i].value) + 1);
}

static void step(struct face *f, struct span record, usec *now)
{
    struct span body = {record.p + 1, record.n - 1};
    char layer[sizeof session + 8];
    switch (record.p[0] % 10) {
    case 0: ask(f, HTTP_POST, "/whip/a", "application/sdp", body, *now); break;
    case 1: ask(f, HTTP_POST, "/whip/a/x", "application/sdp", body, *now); break;
    case 2: ask(f, HTTP_POST, "/whep/a", "application/sdp", body, *now); break;
    case 3: ask(f, HTTP_POST, "/whep/a/x", "application/sdp", body, *now); break;
    case 4:
        ask(f, HTTP_PATCH, session, "application/trickle-ice-sdpfrag", body, *now);
        break;
    case 5: ask(f, HTTP_DELETE, session, "", body, *now); break;
    case 6: sl_rooms_transport_up(f->conf.rooms, transport, *now); break;
    case 7:
        sl_rooms_transport_gone(f->conf.rooms, transport + 1 - record.n,
                                MEDIA_GONE_CONSENT);
        break;
    case 9:
        snprintf(layer, sizeof layer, "%s/layer", session);
        ask(f, HTTP_POST, layer, "application/json", body, *now);
        break;
    case 8:
        *now += ROOM_CONNECT / 2;
        sl_rooms_tick(f->conf.rooms, *now);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const uint8_t sha256[32];
    static const uint64_t seed[2];
    struct rng rng = sl_rng_of(1);
    struct limit *none = sl_limit_new(&(struct limit_conf){.burst = 1}, seed);
    struct rooms *rooms = sl_rooms_new(&(struct rooms_conf){
        .media = {NULL, transport_add, transport_restart, transport_close,
                  transport_ceiling, producer_add, forget, consumer_add, consumer_source,
                  forget, consumer_wish},
        .random = {fill, &rng},
        .limits = {3, 16, 8},
        .local = {.sha256 = sha256},
    });
    struct face f;
    usec now = 0;
    MUST(none && rooms);
    MUST(sl_face_init(&f, &(struct face_conf){.rooms = rooms,
                                              .verify = verify,
                                              .joins = none,
                                              .changes = none}) == E_OK);
    memcpy(session, "/session/0", 11);
    memset(things, 0, (last + 1) * sizeof things[0]);
    last = transport = 0;
    while (n > 0) {
        const uint8_t *end = memchr(p, 0x1e, n);
        size_t len = end ? (size_t)(end - p) : n;
        if (len > 0)
            step(&f, (struct span){p, len}, &now);
        p += len + (end != NULL);
        n -= len + (end != NULL);
        if (last > THINGS / 2)
            break;
    }
    sl_face_fini(&f);
    sl_rooms_free(rooms);
    sl_limit_free(none);
    for (uint64_t i = 1; i <= last; i++)
        MUST(!things[i].open || things[i].on != 0);
    return 0;
}
