#include "api/rtcd_calls.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static usec no_time(void)
{
    return 0;
}
static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = no_time};

/* Connections of nodes of clients, and all that they are sent: "1 hello,2 close s, ". */
struct stage {
    struct rtcd_calls *calls;
    struct rtcd_calls_conf conf;
    struct metrics *metrics;
    struct rtcd_tallies *tallies;
    struct rtcd_media media;
    struct node {
        int number;
        bool deaf; /* takes no more messages */
        struct rtcd_conn *conn;
    } nodes[8];
    char sent[1024], asked[512];
    enum err answer; /* of the media */
    usec now;
    uint8_t chance;
};

static void say(char *to, size_t cap, const char *text)
{
    size_t n = strlen(to);
    (void)snprintf(to + n, cap - n, "%s", text);
}

static enum err send_to(void *ctx, void *user, struct span message)
{
    struct stage *s = ctx;
    const struct node *node = user;
    struct rtcd_msg m = {0};
    char text[256];
    if (node->deaf)
        return E_FULL;
    CHECK_INT(sl_rtcd_msg_read(message, &m), E_OK);
    struct span name = m.name, session = m.session;
    (void)snprintf(text, sizeof text, "%d %.*s %.*s%.*s,", node->number, (int)name.n,
                   name.p, (int)session.n, session.n ? session.p : name.p, (int)m.data.n,
                   m.data.n ? m.data.p : name.p);
    say(s->sent, sizeof s->sent, text);
    return E_OK;
}

static enum err hear(void *ctx, struct rtcd_session *session, enum rtcd_rtc type,
                     struct span data, usec now)
{
    struct stage *s = ctx;
    char text[256];
    CHECK_INT(now, s->now);
    (void)snprintf(text, sizeof text, "%s:%d%.*s,", session->id, (int)type, (int)data.n,
                   data.n ? data.p : (const uint8_t *)"");
    say(s->asked, sizeof s->asked, text);
    return s->answer;
}

static void ended(void *ctx, struct rtcd_session *session)
{
    struct stage *s = ctx;
    say(s->asked, sizeof s->asked, session->id);
    say(s->asked, sizeof s->asked, " ended,");
}

static void fill(void *ctx, void *p, size_t n)
{
    struct stage *s = ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = s->chance++;
}

static void stage_open(struct stage *s)
{
    *s = (struct stage){.now = SEC(100)};
    s->media = (struct rtcd_media){.ctx = s, .signal = hear, .ended = ended};
    s->metrics = sl_metrics_new();
    s->tallies = sl_rtcd_tallies_new(s->metrics);
    s->conf = (struct rtcd_calls_conf){.random = {fill, s},
                                       .tallies = s->tallies,
                                       .log = &quiet,
                                       .sessions_max = 4,
                                       .media = &s->media,
                                       .ctx = s,
                                       .send = send_to};
    s->calls = sl_rtcd_calls_new(&s->conf);
    for (int i = 0; i < 8; i++)
        s->nodes[i].number = i;
}

static void stage_close(struct stage *s)
{
    sl_rtcd_calls_free(s->calls);
    sl_rtcd_tallies_free(s->tallies);
    sl_metrics_free(s->metrics);
}

static void node_open(struct stage *s, int node, const char *client)
{
    CHECK_INT(sl_rtcd_calls_open(s->calls, span_of(client), &s->nodes[node],
                                 &s->nodes[node].conn),
              E_OK);
}

static void node_close(struct stage *s, int node)
{
    sl_rtcd_calls_closed(s->calls, s->nodes[node].conn);
    s->nodes[node].conn = NULL;
}

/* What was sent since the last time, and what was asked of the media. */
static void expect(struct stage *s, const char *sent, const char *asked)
{
    if (strcmp(s->sent, sent) != 0)
        check_fail(__FILE__, __LINE__, "sent %s, not %s", s->sent, sent);
    if (strcmp(s->asked, asked) != 0)
        check_fail(__FILE__, __LINE__, "asked %s, not %s", s->asked, asked);
    s->sent[0] = s->asked[0] = '\0';
}

static void deliver(struct stage *s, int node, struct span message)
{
    sl_rtcd_calls_message(s->calls, s->nodes[node].conn, message, s->now);
}

static void put(struct wr *w, const char *key, const char *value)
{
    sl_msgpack_put_str(w, span_of(key));
    sl_msgpack_put_str(w, span_of(value));
}

static void join(struct stage *s, int node, const char *call, const char *user,
                 const char *session)
{
    uint8_t buf[512];
    struct wr w = wr_of(buf, sizeof buf);
    sl_msgpack_put_str(&w, span_of("join"));
    sl_msgpack_put_map(&w, 5);
    put(&w, "callID", call);
    put(&w, "userID", user);
    put(&w, "sessionID", session);
    put(&w, "channelID", "ch");
    sl_msgpack_put_str(&w, span_of("av1Support"));
    sl_msgpack_put_bool(&w, true);
    deliver(s, node, wr_done(&w));
}

static void about(struct stage *s, int node, const char *what, const char *session)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    sl_msgpack_put_str(&w, span_of(what));
    sl_msgpack_put_map(&w, 1);
    put(&w, "sessionID", session);
    deliver(s, node, wr_done(&w));
}

static void rtc(struct stage *s, int node, const char *session, enum rtcd_rtc type,
                const char *data)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    const struct rtcd_rtc_msg m = {
        .session = span_of(session), .type = type, .data = span_of(data)};
    sl_rtcd_msg_write_rtc(&w, &m);
    deliver(s, node, wr_done(&w));
}

static const struct rtcd_calls_stats *stats(const struct stage *s)
{
    return sl_rtcd_calls_stats(s->calls);
}

TEST(rtcd_calls_join_and_leave)
{
    struct stage s;
    stage_open(&s);
    node_open(&s, 1, "a");
    expect(&s, "1 hello ,", "");
    join(&s, 1, "c", "u", "s");
    CHECK_INT(stats(&s)->sessions, 1);
    CHECK_INT(stats(&s)->calls, 1);
    expect(&s, "", ""); /* nothing is said to a join */

    /* What cannot be: a second one of the name, in whatever call; and those without names. */
    join(&s, 1, "c", "u", "s");
    join(&s, 1, "d", "u", "s");
    join(&s, 1, "", "u", "t");
    join(&s, 1, "c", "", "t");
    join(&s, 1, "c", "u", "");
    join(&s, 1, "c", "u", "\xff");
    CHECK_INT(stats(&s)->refused, 6);
    CHECK_INT(stats(&s)->sessions, 1);

    rtc(&s, 1, "s", RTCD_RTC_SDP, "{}");
    rtc(&s, 1, "s", RTCD_RTC_MUTE, "");
    expect(&s, "", "s:2{},s:3,");
    about(&s, 1, "leave", "s");
    expect(&s, "1 close s,", "s ended,");
    about(&s, 1, "leave", "s");
    expect(&s, "", "");
    CHECK_INT(stats(&s)->sessions + stats(&s)->calls, 0);
    CHECK_INT(stats(&s)->ended, 1);

    /* As many as there may be. */
    join(&s, 1, "c", "u", "1");
    join(&s, 1, "c", "u", "2");
    join(&s, 1, "d", "u", "3");
    join(&s, 1, "d", "u", "4");
    join(&s, 1, "d", "u", "5");
    CHECK_INT(stats(&s)->sessions, 4);
    CHECK_INT(stats(&s)->calls, 2);
    stage_close(&s);
}

TEST(rtcd_calls_want_an_offer)
{
    struct stage s;
    stage_open(&s);
    node_open(&s, 1, "a");
    join(&s, 1, "c", "u", "early");
    s.now += SEC(1);
    join(&s, 1, "c", "u", "late");
    join(&s, 1, "c", "u", "bad");
    expect(&s, "1 hello ,", "");
    rtc(&s, 1, "early", RTCD_RTC_ICE, "i");
    rtc(&s, 1, "early", RTCD_RTC_SDP, "o");
    s.answer = E_MALFORMED;
    rtc(&s, 1, "bad", RTCD_RTC_ICE, "i");
    rtc(&s, 1, "bad", RTCD_RTC_SDP, "o");
    expect(&s, "1 close bad,", "early:1i,early:2o,bad:1i,bad:2o,bad ended,");
    rtc(&s, 1, "early", RTCD_RTC_SDP, "o"); /* a later one that fails ends nothing */
    expect(&s, "", "early:2o,");

    CHECK_INT(sl_rtcd_calls_deadline(s.calls), s.now + RTCD_OFFER_TIME);
    sl_rtcd_calls_tick(s.calls, s.now + RTCD_OFFER_TIME - 1);
    expect(&s, "", "");
    sl_rtcd_calls_tick(s.calls, s.now + RTCD_OFFER_TIME);
    expect(&s, "1 close late,", "late ended,");
    CHECK_INT(stats(&s)->no_offer, 1);
    CHECK_INT(sl_rtcd_calls_deadline(s.calls), USEC_NEVER);
    stage_close(&s);
}

/* No client can name what is another's, nor see it. */
TEST(rtcd_calls_are_their_clients)
{
    struct stage s;
    stage_open(&s);
    node_open(&s, 1, "a");
    node_open(&s, 2, "b");
    node_open(&s, 3, "");
    join(&s, 1, "c", "u", "s");
    join(&s, 2, "c", "u", "s");
    CHECK_INT(stats(&s)->sessions, 2);
    join(&s, 3, "c", "u", "x");
    expect(&s, "1 hello ,2 hello ,3 hello ,", "");
    about(&s, 2, "leave", "s");
    expect(&s, "2 close s,", "s ended,");
    CHECK_INT(stats(&s)->sessions, 1);
    CHECK_INT(stats(&s)->refused, 1);
    about(&s, 2, "reconnect", "s");
    rtc(&s, 2, "s", RTCD_RTC_MUTE, "");
    about(&s, 3, "leave", "s");
    expect(&s, "", "");
    CHECK_INT(stats(&s)->refused, 3);
    stage_close(&s);
}

/* Several nodes of one client, of which some go. */
TEST(rtcd_calls_find_their_way)
{
    struct stage s;
    stage_open(&s);
    node_open(&s, 1, "a");
    node_open(&s, 2, "a");
    node_open(&s, 3, "b");
    join(&s, 1, "c", "u", "s");
    join(&s, 2, "c", "u", "t");
    s.sent[0] = '\0';

    /* By its own connection; after a reconnect by the new one. */
    about(&s, 2, "reconnect", "s");
    node_close(&s, 1);
    CHECK_INT(stats(&s)->sessions, 2);
    about(&s, 2, "leave", "s");
    expect(&s, "2 close s,", "s ended,");

    /* A connection that takes nothing, or is gone: by another of its client. */
    node_open(&s, 1, "a");
    s.nodes[2].deaf = true;
    about(&s, 1, "leave", "t");
    expect(&s, "1 hello ,1 close t,", "t ended,");
    s.nodes[2].deaf = false;
    join(&s, 2, "c", "u", "v");
    node_close(&s, 2);
    sl_rtcd_calls_tick(s.calls, s.now + RTCD_OFFER_TIME);
    expect(&s, "1 close v,", "v ended,");

    /* Nobody is there: the client is told when it is back, and no other. */
    join(&s, 1, "c", "u", "w");
    node_close(&s, 1);
    sl_rtcd_calls_tick(s.calls, s.now + RTCD_OFFER_TIME);
    expect(&s, "", "w ended,");
    node_open(&s, 4, "b");
    expect(&s, "4 hello ,", "");
    node_open(&s, 5, "a");
    expect(&s, "5 hello ,5 close w,", "");
    node_open(&s, 6, "a");
    expect(&s, "6 hello ,", "");
    CHECK_INT(stats(&s)->lost, 0);
    stage_close(&s);
}

static struct rtcd_session *last;

static enum err hear_and_keep(void *ctx, struct rtcd_session *session, enum rtcd_rtc type,
                              struct span data, usec now)
{
    last = session;
    return hear(ctx, session, type, data, now);
}

TEST(rtcd_calls_tell_what_media_says)
{
    struct stage s;
    stage_open(&s);
    s.media.signal = hear_and_keep;
    node_open(&s, 1, "a");
    join(&s, 1, "c", "u", "s");
    rtc(&s, 1, "s", RTCD_RTC_SDP, "o");
    expect(&s, "1 hello ,", "s:2o,");
    CHECK(last && strcmp(last->id, "s") == 0);
    sl_rtcd_calls_tell(s.calls, last, RTCD_RTC_SDP, span_of("answer"));
    sl_rtcd_calls_tell(s.calls, last, RTCD_RTC_VOICE_ON, (struct span){0});
    expect(&s, "1 rtc sanswer,1 vad s,", "");
    node_close(&s, 1);
    sl_rtcd_calls_tell(s.calls, last, RTCD_RTC_ICE, span_of("x"));
    CHECK_INT(stats(&s)->lost, 1);
    sl_rtcd_calls_end(s.calls, last);
    expect(&s, "", "s ended,");
    stage_close(&s);
}

TEST(rtcd_calls_that_are_no_messages)
{
    static const char *const hex[] = {"", "c1", "a3 727463", "a2 6869 80", "05 80"};
    struct stage s;
    stage_open(&s);
    node_open(&s, 1, "a");
    for (size_t i = 0; i < LEN(hex); i++)
        deliver(&s, 1, check_hex(hex[i]));
    CHECK_INT(stats(&s)->malformed, LEN(hex));
    join(&s, 1, "c", "u", "s");
    rtc(&s, 1, "s", RTCD_RTC_NONE, "");
    CHECK_INT(stats(&s)->malformed, LEN(hex) + 1);
    CHECK_INT(stats(&s)->sessions, 1);
    expect(&s, "1 hello ,", "");
    stage_close(&s);
}

TEST(rtcd_calls_as_json)
{
    struct stage s;
    uint8_t buf[1024];
    struct wr w = wr_of(buf, sizeof buf);
    const char *missing = "";
    const struct span none = {0};
    stage_open(&s);
    CHECK_INT(sl_rtcd_calls_json(s.calls, span_of("a"), span_of("c"), none, &w, &missing),
              E_ABSENT);
    CHECK(strcmp(missing, "group") == 0);
    node_open(&s, 1, "a");
    join(&s, 1, "c", "u", "s");
    CHECK_INT(sl_rtcd_calls_json(s.calls, span_of("a"), span_of("c"), none, &w, &missing),
              E_OK);
    CHECK(span_is(
        wr_done(&w),
        "[{\"GroupID\":\"a\",\"CallID\":\"c\",\"UserID\":\"u\",\"SessionID\":\"s\","
        "\"Props\":{\"av1Support\":true,\"channelID\":\"ch\",\"dcSignaling\":null}}]\n"));
    w.n = 0;
    CHECK_INT(sl_rtcd_calls_json(s.calls, span_of("a"), span_of("c"), span_of("s"), &w,
                                 &missing),
              E_OK);
    CHECK(w.n > 0 && buf[0] == '{');
    CHECK_INT(sl_rtcd_calls_json(s.calls, span_of("a"), span_of("d"), none, &w, &missing),
              E_ABSENT);
    CHECK(strcmp(missing, "call") == 0);
    CHECK_INT(sl_rtcd_calls_json(s.calls, span_of("a"), span_of("c"), span_of("t"), &w,
                                 &missing),
              E_ABSENT);
    CHECK(strcmp(missing, "session") == 0);
    CHECK_INT(sl_rtcd_calls_json(s.calls, span_of("b"), span_of("c"), none, &w, &missing),
              E_ABSENT);
    CHECK(strcmp(missing, "group") == 0);
    stage_close(&s);
}
