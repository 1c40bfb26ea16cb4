#include "api/rtcd_tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct stage {
    struct metrics *metrics;
    struct rtcd_tallies *ts;
    char *text;
};

static void stage_open(struct stage *s)
{
    *s = (struct stage){.metrics = sl_metrics_new()};
    s->ts = sl_rtcd_tallies_new(s->metrics);
}

static void stage_close(struct stage *s)
{
    sl_rtcd_tallies_free(s->ts);
    sl_metrics_free(s->metrics);
    free(s->text);
}

static bool says(struct stage *s, const char *line)
{
    size_t n = 0;
    char all[256];
    free(s->text);
    s->text = sl_metrics_text(s->metrics, &n);
    (void)snprintf(all, sizeof all, "\n%s\n", line);
    return s->text && strstr(s->text, all);
}

/* Names, labels and bounds are those of rtcd 1.2.6. */
TEST(rtcd_tally_has_the_names_of_rtcd)
{
    static const char *const lines[] = {
        "# TYPE rtcd_rtc_sessions_total gauge",
        "rtcd_rtc_sessions_total{groupID=\"a\"} 3",
        "# TYPE rtcd_rtc_rtp_tracks_total gauge",
        "rtcd_rtc_rtp_tracks_total{direction=\"in\",groupID=\"a\",type=\"audio/opus\"} 4",
        "rtcd_rtc_rtp_tracks_total{direction=\"out\",groupID=\"a\",type=\"video/AV1\"} 5",
        "# TYPE rtcd_rtc_errors_total counter",
        "rtcd_rtc_errors_total{groupID=\"a\",type=\"signaling_lock_timeout\"} 6",
        "# TYPE rtcd_ws_connections_total gauge",
        "rtcd_ws_connections_total{clientID=\"a\"} 7",
        "# TYPE rtcd_ws_messages_total counter",
        "rtcd_ws_messages_total{clientID=\"a\",direction=\"in\",type=\"join\"} 8",
        "rtcd_ws_messages_total{clientID=\"a\",direction=\"out\",type=\"vad\"} 9",
        "# TYPE rtcd_rtc_conn_states_total counter",
        "rtcd_rtc_conn_states_total{type=\"connected\"} 1",
        "# TYPE rtcd_rtc_connection_time histogram",
        "rtcd_rtc_connection_time_bucket{groupID=\"a\",le=\"0.25\"} 1",
        "rtcd_rtc_connection_time_sum{groupID=\"a\"} 0.2",
        "rtcd_rtc_dc_open_time_bucket{groupID=\"a\",le=\"10\"} 1",
        "rtcd_rtc_signaling_lock_locked_time_count{groupID=\"a\"} 1",
        "rtcd_rtc_client_loss_rate_bucket{groupID=\"a\",le=\"0.25\"} 1",
        "rtcd_rtc_client_rtt_bucket{groupID=\"a\",le=\"0.3\"} 1",
        "rtcd_rtc_client_jitter_bucket{groupID=\"a\",le=\"0.0075\"} 0",
    };
    struct stage s;
    stage_open(&s);
    struct rtcd_tally *t = sl_rtcd_tally(s.ts, span_of("a"));
    t->sessions = 3;
    t->tracks[RTCD_IN][RTCD_OPUS] = 4;
    t->tracks[RTCD_OUT][RTCD_AV1] = 5;
    t->errors[RTCD_ERROR_LOCK_TIMEOUT] = 6;
    t->conns = 7;
    t->messages[RTCD_IN][RTCD_MSG_JOIN] = 8;
    t->messages[RTCD_OUT][RTCD_MSG_VAD] = 9;
    sl_rtcd_tally_state(s.ts, RTCD_CONN_CONNECTED);
    struct histogram *const all[] = {&t->connected, &t->opened, &t->held,
                                     &t->loss,      &t->rtt,    &t->jitter};
    for (size_t i = 0; i < LEN(all); i++)
        sl_histogram_add(all[i], 200000);
    for (size_t i = 0; i < LEN(lines); i++) {
        check_row(lines[i]);
        CHECK(says(&s, lines[i]));
    }
    stage_close(&s);
}

/* As with rtcd, what never happened is not there; what is counted now is there when it is none. */
TEST(rtcd_tally_is_silent_about_what_never_happened)
{
    struct stage s;
    stage_open(&s);
    struct rtcd_tally *t = sl_rtcd_tally(s.ts, span_of("a"));
    CHECK(says(&s, "rtcd_rtc_sessions_total{groupID=\"a\"} 0"));
    CHECK(!strstr(s.text, "errors") && !strstr(s.text, "_time"));
    t->errors[RTCD_ERROR_ICE]++;
    CHECK(says(&s, "rtcd_rtc_errors_total{groupID=\"a\",type=\"ice\"} 1"));
    CHECK(!strstr(s.text, "signaling"));
    stage_close(&s);
}

TEST(rtcd_tally_is_one_for_each_client_up_to_a_limit)
{
    struct stage s;
    char name[300];
    stage_open(&s);
    struct rtcd_tally *a = sl_rtcd_tally(s.ts, span_of("a"));
    CHECK(sl_rtcd_tally(s.ts, span_of("a")) == a);
    for (int i = 1; i < RTCD_TALLIES_MAX; i++) {
        (void)snprintf(name, sizeof name, "client %d", i);
        CHECK(sl_rtcd_tally(s.ts, span_of(name)) != a);
    }
    struct rtcd_tally *late = sl_rtcd_tally(s.ts, span_of("late"));
    CHECK(late == sl_rtcd_tally(s.ts, span_of("later")) && late != a);
    CHECK(late == sl_rtcd_tally(s.ts, span_of("")));
    late->sessions = 2;
    CHECK(says(&s, "rtcd_rtc_sessions_total{groupID=\"\"} 2"));
    CHECK(sl_rtcd_tally(s.ts, span_of("a")) == a);
    stage_close(&s);
}

/* A name is the client's own: quotes of it can be in no label's way, and it may be as long as
 * there is room. */
TEST(rtcd_tally_takes_any_name)
{
    struct stage s;
    char name[300];
    stage_open(&s);
    sl_rtcd_tally(s.ts, span_of("a\"b\n"))->sessions = 1;
    CHECK(says(&s, "rtcd_rtc_sessions_total{groupID=\"a\\\"b\\n\"} 1"));
    memset(name, '"', sizeof name);
    sl_rtcd_tally(s.ts, (struct span){(uint8_t *)name, sizeof name})->sessions = 1;
    CHECK(says(&s, "rtcd_rtc_sessions_total{groupID=\"a\\\"b\\n\"} 1"));
    stage_close(&s);
}
