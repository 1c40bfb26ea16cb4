#pragma once

/*
 * A call of up to three sessions, whose ends are played by dialogs: for tests of the carrier of
 * rtcd's media.
 */

#include <jansson.h>
#include <stdlib.h>

#include "base/zip.h"

#include "api/rtcd_carrier.h"
#include "check.h"
#include "dialogs.h"
#include "media_log.h"

static inline usec no_time(void)
{
    return 0;
}
static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = no_time};

/* One connection of one client, and the other ends of up to three sessions. */
struct stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct metrics *metrics;
    struct rtcd_tallies *tallies;
    struct rtcd_carrier *carrier;
    struct rtcd_calls *calls;
    struct rtcd_conn *conn;
    struct user {
        struct end end;
        const char *id;
        char type[16]; /* of the description that came last, and that */
        char text[1 << 16];
        unsigned on, off, closes;
        bool by_channel; /* it joined with that wish */
        bool open;       /* and its channel is */
        bool full;       /* but has no room */
        char told[64];   /* what came on the channel, in order */
        uint8_t map[256];
        size_t map_n;
    } of[3];
};

static inline uint64_t transport_of(struct stage *s, const char *id)
{
    for (const struct peer *p = NULL; (p = sl_rooms_next(s->rooms, p));)
        if (strcmp(p->stream, id) == 0)
            return p->transport;
    return 0;
}

static inline void take_description(struct user *u, struct span data)
{
    json_t *o = json_loadb((const char *)data.p, data.n, 0, NULL);
    CHECK(o != NULL);
    (void)snprintf(u->type, sizeof u->type, "%s",
                   json_string_value(json_object_get(o, "type")));
    (void)snprintf(u->text, sizeof u->text, "%s",
                   json_string_value(json_object_get(o, "sdp")));
    json_decref(o);
}

static inline struct user *user_of(struct stage *s, struct span id)
{
    for (size_t i = 0; i < LEN(s->of); i++)
        if (s->of[i].id && span_is(id, s->of[i].id))
            return &s->of[i];
    return NULL;
}

static inline enum err take(void *ctx, void *conn, struct span message)
{
    struct stage *s = conn;
    struct rtcd_msg m = {0};
    (void)ctx;
    CHECK_INT(sl_rtcd_msg_read(message, &m), E_OK);
    struct user *u = user_of(s, m.session);
    if (!u)
        return E_OK; /* hello */
    if (m.rtc == RTCD_RTC_SDP)
        take_description(u, m.data);
    u->on += m.rtc == RTCD_RTC_VOICE_ON;
    u->off += m.rtc == RTCD_RTC_VOICE_OFF;
    u->closes += span_is(m.name, "close");
    return E_OK;
}

static inline void told(struct user *u, const char *what)
{
    size_t at = strlen(u->told), n = strlen(what);
    CHECK(at + n + 2 <= sizeof u->told);
    memcpy(u->told + at, what, n);
    memcpy(u->told + at + n, ";", 2);
}

static inline struct user *user_on(struct stage *s, uint64_t transport)
{
    const struct peer *p = sl_rooms_of_transport(s->rooms, transport);
    return p ? user_of(s, span_of(p->stream)) : NULL;
}

static inline enum err channel_send(void *ctx, uint64_t transport, uint16_t stream,
                                    bool text, struct span message)
{
    static uint8_t json[1 << 16];
    struct wr w = wr_of(json, sizeof json);
    struct user *u = user_on(ctx, transport);
    struct rtcd_dc m = {0};
    CHECK(u != NULL && u->open && stream == 0 && !text);
    if (!u)
        return E_ABSENT;
    if (u->full)
        return E_FULL;
    CHECK_INT(sl_rtcd_dc_read(message, &m), E_OK);
    if (m.type == RTCD_DC_SDP) {
        CHECK_INT(sl_unzip(&w, m.zipped), E_OK);
        take_description(u, wr_done(&w));
        told(u, u->type);
    } else if (m.type == RTCD_DC_MEDIA_MAP) {
        CHECK(message.n <= sizeof u->map);
        u->map_n = message.n <= sizeof u->map ? message.n : 0;
        memcpy(u->map, message.p, u->map_n);
        told(u, "map");
    } else {
        told(u, m.type == RTCD_DC_LOCK && m.granted ? "yours" : "not yours");
    }
    return E_OK;
}

/* publishers: so many of its sessions may publish; 0: all. */
static inline struct stage *stage_of(size_t publishers)
{
    static const uint8_t sha256[32] = {9};
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(3);
    const struct random random = {end_fill, &s->rng};
    const struct rooms_conf conf = {
        .media = ml_ops(&s->log),
        .random = random,
        .limits = {.rooms = 2,
                   .peers = 10,
                   .room_peers = 10,
                   .room_publishers = publishers},
        .local = {.sha256 = sha256},
    };
    s->rooms = sl_rooms_new(&conf);
    s->metrics = sl_metrics_new();
    s->tallies = sl_rtcd_tallies_new(s->metrics);
    const struct rtcd_carrier_conf ac = {
        .rooms = s->rooms,
        .media = {.ctx = s, .data_send = channel_send},
        .tallies = s->tallies,
        .random = random,
        .log = &quiet,
    };
    s->carrier = sl_rtcd_carrier_new(&ac);
    const struct rtcd_calls_conf cc = {.random = random,
                                       .tallies = s->tallies,
                                       .log = &quiet,
                                       .sessions_max = 5,
                                       .media = sl_rtcd_carrier_media(s->carrier),
                                       .send = take};
    s->calls = sl_rtcd_calls_new(&cc);
    sl_rtcd_carrier_calls(s->carrier, s->calls);
    CHECK_INT(sl_rtcd_calls_open(s->calls, span_of("client"), s, &s->conn), E_OK);
    for (size_t i = 0; i < LEN(s->of); i++)
        end_init_with(&s->of[i].end, i + 1, true);
    return s;
}

static inline struct stage *stage_new(void)
{
    return stage_of(0);
}

static inline void stage_free(struct stage *s)
{
    sl_rtcd_calls_free(s->calls);
    sl_rtcd_carrier_free(s->carrier);
    sl_rtcd_tallies_free(s->tallies);
    sl_metrics_free(s->metrics);
    CHECK_INT(sl_rooms_stats(s->rooms)->members, 0);
    sl_rooms_free(s->rooms);
    for (size_t i = 0; i < LEN(s->of); i++)
        end_fini(&s->of[i].end);
    free(s);
}

/* ---- what a user says ---- */

static inline void put(struct wr *w, const char *key, const char *value)
{
    sl_msgpack_put_str(w, span_of(key));
    sl_msgpack_put_str(w, span_of(value));
}

static inline void join(struct stage *s, size_t i, const char *id, bool av1)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    s->of[i].id = id;
    sl_msgpack_put_str(&w, span_of("join"));
    sl_msgpack_put_map(&w, 5);
    put(&w, "callID", "call");
    put(&w, "userID", "user");
    put(&w, "sessionID", id);
    sl_msgpack_put_str(&w, span_of("av1Support"));
    sl_msgpack_put_bool(&w, av1);
    sl_msgpack_put_str(&w, span_of("dcSignaling"));
    sl_msgpack_put_bool(&w, s->of[i].by_channel);
    sl_rtcd_calls_message(s->calls, s->conn, wr_done(&w), 0);
}

static inline void say_rtc(struct stage *s, const struct user *u, enum rtcd_rtc type,
                           struct span data, usec now)
{
    static uint8_t buf[1 << 17];
    struct wr w = wr_of(buf, sizeof buf);
    const struct rtcd_rtc_msg m = {.session = span_of(u->id), .type = type, .data = data};
    sl_rtcd_msg_write_rtc(&w, &m);
    sl_rtcd_calls_message(s->calls, s->conn, wr_done(&w), now);
}

static inline void say_state(struct stage *s, size_t i, enum rtcd_rtc type,
                             const char *data, usec now)
{
    say_rtc(s, &s->of[i], type, span_of(data), now);
}

static inline void on_channel(struct stage *s, const struct user *u,
                              enum media_data_kind kind, struct span bytes)
{
    static const struct dcep_open open;
    const struct media_data_event ev = {.kind = kind, .bytes = bytes, .open = &open};
    sl_rtcd_carrier_data(s->carrier, transport_of(s, u->id), &ev, 0);
}

static inline void say_description(struct stage *s, struct user *u, const char *type)
{
    static uint8_t buf[1 << 16];
    struct wr w = wr_of(buf, sizeof buf);
    json_t *o = json_object();
    (void)json_object_set_new(o, "type", json_string(type));
    (void)json_object_set_new(o, "sdp", json_stringn(u->end.text, u->end.text_n));
    char *text = json_dumps(o, JSON_COMPACT);
    if (u->by_channel && u->open) {
        CHECK_INT(sl_rtcd_dc_write_sdp(&w, span_of(text)), E_OK);
        on_channel(s, u, MEDIA_DATA_MESSAGE, wr_done(&w));
    } else {
        say_rtc(s, u, RTCD_RTC_SDP, span_of(text), 0);
    }
    free(text);
    json_decref(o);
}

/* Offers what the user has: whether that is answered. */
static inline bool offers(struct stage *s, size_t i)
{
    struct user *u = &s->of[i];
    CHECK_INT(end_offer(&u->end), E_OK);
    u->type[0] = '\0';
    say_description(s, u, "offer");
    return strcmp(u->type, "answer") == 0;
}

/* And takes the answer. */
static inline void speak(struct stage *s, size_t i)
{
    struct user *u = &s->of[i];
    CHECK(offers(s, i));
    CHECK_INT(end_answered(&u->end, span_of(u->text)), E_OK);
}

/* Takes an offer, if there is one, and answers it. */
static inline bool offered(struct stage *s, size_t i)
{
    struct user *u = &s->of[i];
    sl_rooms_flush(s->rooms, 0);
    if (strcmp(u->type, "offer") != 0)
        return false;
    u->type[0] = '\0';
    CHECK_INT(end_offered(&u->end, span_of(u->text)), E_OK);
    say_description(s, u, "answer");
    return true;
}

static inline void settle(struct stage *s)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < LEN(s->of); i++)
            more |= s->of[i].id && offered(s, i);
    }
}

/* The session is in the call, and sends what the user has. */
static inline void enter_with(struct stage *s, size_t i, const char *id, bool av1)
{
    join(s, i, id, av1);
    speak(s, i);
    sl_rooms_transport_up(s->rooms, transport_of(s, id), 0);
    CHECK(!offered(s, i)); /* not before there is a channel */
    s->of[i].open = true;
    on_channel(s, &s->of[i], MEDIA_DATA_OPENED, (struct span){0});
    settle(s);
}

static inline void come(struct stage *s, size_t i, const char *id, bool av1)
{
    end_add(&s->of[i].end, 0, MEDIA_AUDIO);
    enter_with(s, i, id, av1);
}

/* The names of what a user receives, in order, but for the ends that are chance. */
static inline void expect(struct stage *s, size_t i, const char *row, const char *want)
{
    char got[512] = "";
    size_t n = 0;
    for (size_t k = 0; k < DIALOG_RECEIVES_MAX; k++) {
        const struct got *g = &s->of[i].end.got[k];
        size_t len = strlen(g->name);
        if (g->there)
            n += (size_t)snprintf(got + n, sizeof got - n, "%.*s ",
                                  (int)(len > 9 ? len - 9 : len), g->name);
    }
    check_row(row);
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: got %s, want %s", row, got, want);
}

/* What came on its channel since it was last asked. */
static inline void check_told(struct user *u, int line, const char *want)
{
    if (strcmp(u->told, want) != 0)
        check_fail(__FILE__, line, "told %s, want %s", u->told, want);
    u->told[0] = '\0';
}

#define CHECK_TOLD(u, want) check_told(u, __LINE__, want)

/* A line of the metrics. */
static inline bool counts(const struct stage *s, const char *line)
{
    size_t n = 0;
    char all[128];
    char *text = sl_metrics_text(s->metrics, &n);
    (void)snprintf(all, sizeof all, "\n%s\n", line);
    bool is = text && strstr(text, all);
    free(text);
    return is;
}
