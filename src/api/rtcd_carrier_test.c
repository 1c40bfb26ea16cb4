#include "api/rtcd_carrier.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/zip.h"

#include "check.h"
#include "dialogs.h"
#include "media_log.h"

static usec no_time(void)
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
        char told[64];   /* what came on the channel, in order */
        uint8_t map[256];
        size_t map_n;
    } of[3];
};

static uint64_t transport_of(struct stage *s, const char *id)
{
    for (const struct peer *p = NULL; (p = sl_rooms_next(s->rooms, p));)
        if (strcmp(p->stream, id) == 0)
            return p->transport;
    return 0;
}

static void take_description(struct user *u, struct span data)
{
    json_t *o = json_loadb((const char *)data.p, data.n, 0, NULL);
    CHECK(o != NULL);
    (void)snprintf(u->type, sizeof u->type, "%s",
                   json_string_value(json_object_get(o, "type")));
    (void)snprintf(u->text, sizeof u->text, "%s",
                   json_string_value(json_object_get(o, "sdp")));
    json_decref(o);
}

static struct user *user_of(struct stage *s, struct span id)
{
    for (size_t i = 0; i < LEN(s->of); i++)
        if (s->of[i].id && span_is(id, s->of[i].id))
            return &s->of[i];
    return NULL;
}

static enum err take(void *ctx, void *conn, struct span message)
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

static void told(struct user *u, const char *what)
{
    size_t at = strlen(u->told), n = strlen(what);
    CHECK(at + n + 2 <= sizeof u->told);
    memcpy(u->told + at, what, n);
    memcpy(u->told + at + n, ";", 2);
}

static struct user *user_on(struct stage *s, uint64_t transport)
{
    const struct peer *p = sl_rooms_of_transport(s->rooms, transport);
    return p ? user_of(s, span_of(p->stream)) : NULL;
}

static enum err channel_send(void *ctx, uint64_t transport, uint16_t stream, bool text,
                             struct span message)
{
    static uint8_t json[1 << 16];
    struct wr w = wr_of(json, sizeof json);
    struct user *u = user_on(ctx, transport);
    struct rtcd_dc m = {0};
    CHECK(u != NULL && u->open && stream == 0 && !text);
    if (!u)
        return E_ABSENT;
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

static struct stage *stage_new(void)
{
    static const uint8_t sha256[32] = {9};
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(3);
    const struct random random = {end_fill, &s->rng};
    const struct rooms_conf conf = {
        .media = ml_ops(&s->log),
        .random = random,
        .limits = {.rooms = 2, .peers = 10, .room_peers = 10},
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
        end_init(&s->of[i].end, i + 1);
    return s;
}

static void stage_free(struct stage *s)
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

static void put(struct wr *w, const char *key, const char *value)
{
    sl_msgpack_put_str(w, span_of(key));
    sl_msgpack_put_str(w, span_of(value));
}

static void join(struct stage *s, size_t i, const char *id, bool av1)
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

static void say_rtc(struct stage *s, const struct user *u, enum rtcd_rtc type,
                    struct span data, usec now)
{
    static uint8_t buf[1 << 17];
    struct wr w = wr_of(buf, sizeof buf);
    const struct rtcd_rtc_msg m = {.session = span_of(u->id), .type = type, .data = data};
    sl_rtcd_msg_write_rtc(&w, &m);
    sl_rtcd_calls_message(s->calls, s->conn, wr_done(&w), now);
}

static void say_state(struct stage *s, size_t i, enum rtcd_rtc type, const char *data,
                      usec now)
{
    say_rtc(s, &s->of[i], type, span_of(data), now);
}

static void on_channel(struct stage *s, const struct user *u, enum media_data_kind kind,
                       struct span bytes)
{
    static const struct dcep_open open;
    const struct media_data_event ev = {.kind = kind, .bytes = bytes, .open = &open};
    sl_rtcd_carrier_data(s->carrier, transport_of(s, u->id), &ev, 0);
}

static void say_description(struct stage *s, struct user *u, const char *type)
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

/* Offers what the user has, and takes the answer. */
static void speak(struct stage *s, size_t i)
{
    struct user *u = &s->of[i];
    CHECK_INT(end_offer(&u->end), E_OK);
    u->type[0] = '\0';
    say_description(s, u, "offer");
    CHECK(strcmp(u->type, "answer") == 0);
    CHECK_INT(end_answered(&u->end, span_of(u->text)), E_OK);
}

/* Takes an offer, if there is one, and answers it. */
static bool offered(struct stage *s, size_t i)
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

static void settle(struct stage *s)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < LEN(s->of); i++)
            more |= s->of[i].id && offered(s, i);
    }
}

static void come(struct stage *s, size_t i, const char *id, bool av1)
{
    join(s, i, id, av1);
    end_add(&s->of[i].end, 0, MEDIA_AUDIO);
    speak(s, i);
    sl_rooms_transport_up(s->rooms, transport_of(s, id), 0);
    CHECK(!offered(s, i)); /* not before there is a channel */
    s->of[i].open = true;
    on_channel(s, &s->of[i], MEDIA_DATA_OPENED, (struct span){0});
    settle(s);
}

/* The names of what a user receives, in order, but for the ends that are chance. */
static void expect(struct stage *s, size_t i, const char *row, const char *want)
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

TEST(carrier_voices)
{
    struct stage *s = stage_new();
    come(s, 0, "one", false);
    come(s, 1, "two", false);
    expect(s, 0, "the first", "voice_two ");
    expect(s, 1, "the second", "voice_one ");
    come(s, 2, "three", false);
    expect(s, 0, "the first", "voice_two voice_three ");
    expect(s, 2, "the third", "voice_one voice_two ");
    say_rtc(s, &s->of[1], RTCD_RTC_SDP, span_of("{}"), 0); /* harms nobody */
    sl_rooms_transport_gone(s->rooms, transport_of(s, "two"), MEDIA_GONE_CONSENT);
    CHECK_INT(s->of[1].closes, 1);
    s->of[1].id = NULL;
    settle(s);
    expect(s, 0, "without the second", "voice_three ");
    stage_free(s);
}

static bool counts(const struct stage *s, const char *line)
{
    size_t n = 0;
    char all[128];
    char *text = sl_metrics_text(s->metrics, &n);
    (void)snprintf(all, sizeof all, "\n%s\n", line);
    bool is = text && strstr(text, all);
    free(text);
    return is;
}

TEST(carrier_counts_as_rtcd_does)
{
    static const struct {
        const char *when, *line;
        bool after; /* the second is lost, and the first has left */
    } rows[] = {
#define TRACKS(direction, type, n)                                                       \
    "rtcd_rtc_rtp_tracks_total{direction=\"" direction                                   \
    "\",groupID=\"client\",type=\"" type "\"} " n
        {"three voices come", TRACKS("in", "audio/opus", "3"), false},
        {"and each goes to two", TRACKS("out", "audio/opus", "6"), false},
        {"no pictures", TRACKS("out", "video/VP8", "0"), false},
        {"three connected", "rtcd_rtc_conn_states_total{type=\"connected\"} 3", false},
        {"in some time", "rtcd_rtc_connection_time_count{groupID=\"client\"} 3", false},
        {"their channels", "rtcd_rtc_dc_open_time_count{groupID=\"client\"} 3", false},
        {"one offer too bad",
         "rtcd_rtc_errors_total{groupID=\"client\",type=\"signaling\"} 1", false},
        {"one voice is left", TRACKS("in", "audio/opus", "1"), true},
        {"for nobody", TRACKS("out", "audio/opus", "0"), true},
        {"one failed", "rtcd_rtc_conn_states_total{type=\"failed\"} 1", true},
        {"two are closed", "rtcd_rtc_conn_states_total{type=\"closed\"} 2", true},
        {"a path", "rtcd_rtc_errors_total{groupID=\"client\",type=\"ice\"} 1", true},
    };
    static const char *const ids[] = {"one", "two", "three"};
    struct stage *s = stage_new();
    for (size_t i = 0; i < LEN(ids); i++)
        come(s, i, ids[i], false);
    say_rtc(s, &s->of[1], RTCD_RTC_SDP, span_of("{}"), 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        if (rows[i].after && s->of[1].id) {
            sl_rooms_transport_gone(s->rooms, transport_of(s, "two"), MEDIA_GONE_CONSENT);
            sl_rooms_transport_gone(s->rooms, transport_of(s, "one"), MEDIA_GONE_CLOSED);
            s->of[0].id = s->of[1].id = NULL;
            settle(s);
        }
        sl_rtcd_carrier_count(s->carrier);
        check_row(rows[i].when);
        CHECK(counts(s, rows[i].line));
    }
    stage_free(s);
}

/* ---- voice activity ---- */

static const struct track *voice_track(struct stage *s, const char *id)
{
    const struct peer *p = sl_rooms_of_transport(s->rooms, transport_of(s, id));
    return p->tracks[0];
}

static void hear(struct stage *s, const char *id, uint8_t medium, usec now)
{
    const struct voice v = {
        .immediate = 5, .medium = medium, .longs = medium, .told = true};
    sl_rooms_voice(s->rooms, transport_of(s, id), voice_track(s, id)->producer, &v, now);
}

static void expect_voice(const struct stage *s, const char *row, unsigned on,
                         unsigned off)
{
    check_row(row);
    CHECK_INT(s->of[0].on, on);
    CHECK_INT(s->of[0].off, off);
}

/* Whatever a session is called, nothing of it becomes a line of another's description. */
TEST(carrier_names_are_tokens)
{
    struct stage *s = stage_new();
    join(s, 0, "a b\r\na=x", false);
    end_add(&s->of[0].end, 0, MEDIA_AUDIO);
    speak(s, 0);
    const struct peer *p = sl_rooms_next(s->rooms, NULL);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    come(s, 1, "two", false);
    expect(s, 1, "made a token", "voice_a-b--a=x ");
    stage_free(s);
}

TEST(carrier_voice_activity)
{
    struct stage *s = stage_new();
    come(s, 0, "one", false);
    hear(s, "one", 0, SEC(10));
    expect_voice(s, "a noise", 0, 0);
    hear(s, "one", SPEECH_MEDIUM, SEC(10));
    hear(s, "one", SPEECH_MEDIUM, SEC(11));
    expect_voice(s, "speech, once", 1, 0);
    sl_rtcd_carrier_tick(s->carrier, SEC(12) - MSEC(1));
    expect_voice(s, "two seconds at least", 1, 0);
    sl_rtcd_carrier_tick(s->carrier, SEC(12));
    expect_voice(s, "over", 1, 1);

    hear(s, "one", SPEECH_MEDIUM, SEC(20));
    expect_voice(s, "again", 2, 1);
    say_state(s, 0, RTCD_RTC_MUTE, "", SEC(20));
    expect_voice(s, "muted", 2, 2);
    hear(s, "one", SPEECH_MEDIUM, SEC(21));
    say_state(s, 0, RTCD_RTC_MUTE, "", SEC(22));
    expect_voice(s, "each mute is told", 2, 3);
    say_state(s, 0, RTCD_RTC_UNMUTE, "", SEC(23));
    hear(s, "one", SPEECH_MEDIUM, SEC(24));
    expect_voice(s, "unmuted", 3, 3);
    stage_free(s);
}

/* ---- screens and cameras ---- */

/* All tracks of a user's end are part of the stream "stream". */
TEST(carrier_screens)
{
    struct stage *s = stage_new();
    come(s, 0, "one", false);
    come(s, 1, "two", false);
    end_add(&s->of[0].end, 1, MEDIA_VIDEO);
    speak(s, 0);
    settle(s);
    expect(s, 1, "not announced yet", "voice_one ");
    say_state(s, 0, RTCD_RTC_SCREEN_ON, "{\"screenStreamID\":\"stream\"}", 0);
    settle(s);
    expect(s, 1, "announced", "voice_one screen_one ");

    say_state(s, 1, RTCD_RTC_SCREEN_ON, "{\"screenStreamID\":\"other\"}", 0);
    say_state(s, 1, RTCD_RTC_SCREEN_OFF, "", 0);
    settle(s);
    expect(s, 1, "there is one presenter", "voice_one screen_one ");
    end_remove(&s->of[0].end, 1);
    speak(s, 0);
    say_state(s, 0, RTCD_RTC_SCREEN_OFF, "", 0);
    settle(s);
    expect(s, 1, "stopped", "voice_one ");

    end_add(&s->of[1].end, 1, MEDIA_VIDEO);
    say_state(s, 1, RTCD_RTC_VIDEO_ON, "{\"videoStreamID\":\"stream\"}", 0);
    speak(s, 1);
    settle(s);
    expect(s, 0, "a camera", "voice_two video_two ");
    say_state(s, 1, RTCD_RTC_VIDEO_ON, "{\"videoStreamID\":\"new\"}", 0);
    settle(s);
    expect(s, 0, "switched on again", "voice_two video_two ");
    stage_free(s);
}

static void check_told(struct user *u, int line, const char *want)
{
    if (strcmp(u->told, want) != 0)
        check_fail(__FILE__, line, "told %s, want %s", u->told, want);
    u->told[0] = '\0';
}

#define CHECK_TOLD(u, want) check_told(u, __LINE__, want)

/* Before each offer comes what its sections carry, by whichever way the offer does. */
TEST(carrier_media_map)
{
    struct stage *s = stage_new();
    struct user *one = &s->of[0], *two = &s->of[1];
    one->by_channel = true;
    come(s, 0, "one", false);
    come(s, 1, "two", false);
    CHECK_TOLD(one, "map;offer;");
    CHECK_TOLD(two, "map;");
    expect(s, 0, "by the channel", "voice_two ");
    expect(s, 1, "by the WebSocket", "voice_one ");
    struct span map = {one->map, one->map_n};
    CHECK(span_eq(map, check_hex("09 81 a2 7330 82 a4 74797065 a5 766f696365 "
                                 "a9 73656e6465725f6964 a3 74776f")));
    end_add(&one->end, 1, MEDIA_VIDEO);
    say_state(s, 0, RTCD_RTC_VIDEO_ON, "{\"videoStreamID\":\"stream\"}", 0);
    speak(s, 0); /* is answered where it offered */
    CHECK_TOLD(one, "answer;");
    sl_rtcd_carrier_data(s->carrier, 99,
                         &(struct media_data_event){.kind = MEDIA_DATA_ENDED}, 0);
    stage_free(s);
}

TEST(carrier_lock)
{
    struct span lock = check_hex("07"), unlock = check_hex("08");
    struct stage *s = stage_new();
    struct user *one = &s->of[0];
    one->by_channel = true;
    come(s, 0, "one", false);
    on_channel(s, one, MEDIA_DATA_MESSAGE, lock);
    come(s, 1, "two", false);
    CHECK_TOLD(one, "yours;");
    speak(s, 0); /* what it wanted the lock for */
    CHECK_TOLD(one, "answer;");
    CHECK(!offered(s, 0));
    on_channel(s, one, MEDIA_DATA_MESSAGE, unlock);
    sl_rooms_flush(s->rooms, 0);
    on_channel(s, one, MEDIA_DATA_MESSAGE, lock);
    CHECK_TOLD(one, "map;offer;not yours;"); /* an offer of ours is under way */
    CHECK(offered(s, 0));
    on_channel(s, one, MEDIA_DATA_MESSAGE, lock);
    CHECK_TOLD(one, "yours;");

    come(s, 2, "three", false);
    CHECK_TOLD(one, "");
    usec at = sl_rtcd_carrier_deadline(s->carrier);
    CHECK_INT(at, RTCD_LOCK_TIME);
    sl_rtcd_carrier_tick(s->carrier, at); /* it kept it too long */
    settle(s);
    CHECK_TOLD(one, "map;offer;");
    expect(s, 0, "in the end", "voice_two voice_three ");
    stage_free(s);
}
