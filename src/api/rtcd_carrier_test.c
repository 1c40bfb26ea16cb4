#include "api/rtcd_carrier.h"

#include "api/rtcd_stage.h"

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
        {"one fell silent", "rtcd_rtc_conn_states_total{type=\"disconnected\"} 1", true},
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
            sl_rtcd_carrier_stale(s->carrier, transport_of(s, "two"));
            sl_rtcd_carrier_stale(s->carrier, 99); /* which is nobody's */
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

/* A client of few means: it hears of others by the WebSocket, and waits for no channel. */
TEST(carrier_without_a_channel)
{
    struct stage *s = stage_new();
    end_fini(&s->of[0].end);
    end_init(&s->of[0].end, 1);
    join(s, 0, "one", false);
    end_add(&s->of[0].end, 0, MEDIA_AUDIO);
    speak(s, 0);
    sl_rooms_transport_up(s->rooms, transport_of(s, "one"), 0);
    come(s, 1, "two", false);
    expect(s, 0, "without a channel", "voice_two ");
    expect(s, 1, "with one", "voice_one ");
    stage_free(s);
}

static void expect_refused(struct stage *s, const char *row, unsigned errors,
                           unsigned publishers)
{
    char line[96];
    (void)snprintf(line, sizeof line,
                   "rtcd_rtc_errors_total{groupID=\"client\",type=\"signaling\"} %u",
                   errors);
    check_row(row);
    CHECK(counts(s, line));
    CHECK_INT(sl_rooms_stats(s->rooms)->refused_publishers, publishers);
}

/* Where no more may publish: a first offer that would ends its session; a later one is not
 * answered, as rtcd does with any that it does not take, and changes nothing. */
TEST(carrier_as_many_publish_as_may)
{
    struct stage *s = stage_of(1);
    struct user *two = &s->of[1], *three = &s->of[2];
    come(s, 0, "one", false);
    join(s, 1, "two", false);
    end_add(&two->end, 0, MEDIA_AUDIO);
    CHECK(!offers(s, 1));
    CHECK_INT(two->closes, 1);
    expect_refused(s, "a first offer", 1, 1);
    two->id = NULL;

    enter_with(s, 2, "three", false);
    expect(s, 2, "who only listens", "voice_one ");
    end_add(&three->end, 0, MEDIA_AUDIO);
    CHECK(!offers(s, 2));
    CHECK_INT(three->closes, 0);
    expect_refused(s, "a later offer", 2, 2);
    CHECK_INT(sl_rtcd_calls_stats(s->calls)->sessions, 2);

    sl_dialog_expire(three->end.dialog);
    end_add(&s->of[0].end, 1, MEDIA_VIDEO);
    say_state(s, 0, RTCD_RTC_VIDEO_ON, "{\"videoStreamID\":\"stream\"}", 0);
    speak(s, 0);
    settle(s);
    expect(s, 2, "it is offered more", "voice_one video_one ");
    sl_rooms_transport_gone(s->rooms, transport_of(s, "one"), MEDIA_GONE_CLOSED);
    s->of[0].id = NULL;
    settle(s);
    speak(s, 2);
    expect_refused(s, "its turn has come", 2, 2);
    stage_free(s);
}
