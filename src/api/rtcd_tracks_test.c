#include "api/rtcd_tracks.h"

#include "api/rtcd_stage.h"

/* Whatever a session is called, nothing of it becomes a line of another's description. */
TEST(rtcd_tracks_names_are_tokens)
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

/* All tracks of a user's end are part of the stream "stream". */
TEST(rtcd_tracks_screens)
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

/* What names no stream makes nobody the presenter, for whom all others would wait. */
TEST(rtcd_tracks_need_a_name)
{
    char endless[400];
    (void)snprintf(endless, sizeof endless, "{\"screenStreamID\":\"%0300d\"}", 7);
    const char *const rows[] = {
        "",
        "{",
        "[]",
        "7",
        "{}",
        "{\"screenStreamID\":7}",
        "{\"screenStreamID\":\"\"}",
        "{\"videoStreamID\":\"stream\"}",
        endless,
    };
    struct stage *s = stage_new();
    come(s, 0, "one", false);
    come(s, 1, "two", false);
    end_add(&s->of[0].end, 1, MEDIA_VIDEO);
    speak(s, 0);
    for (size_t i = 0; i < LEN(rows); i++)
        say_state(s, 1, RTCD_RTC_SCREEN_ON, rows[i], 0);
    say_state(s, 1, RTCD_RTC_VIDEO_ON, "{}", 0);
    say_state(s, 1, RTCD_RTC_ICE, "{\"candidate\":{}}", 0);
    const struct rtcd_tally *t = sl_rtcd_tally(s->tallies, span_of("client"));
    CHECK_INT(t->errors[RTCD_ERROR_SIGNALING], LEN(rows) + 2);
    say_state(s, 0, RTCD_RTC_SCREEN_ON, "{\"screenStreamID\":\"stream\"}", 0);
    settle(s);
    expect(s, 1, "somebody else presents", "voice_one screen_one ");
    stage_free(s);
}

/* Who asks while another shows its screen is shown once that one stops, the first of them first. */
TEST(rtcd_tracks_have_heirs)
{
    static const struct {
        const char *name;
        bool gives_up, leaves, is_lost;
        const char *want; /* of the third's tracks and the first's, to the other */
        size_t to;
    } rows[] = {
        {"it stops", false, false, false, "voice_two voice_one screen_one ", 2},
        {"it leaves", false, true, false, "screen_one voice_one ", 2},
        {"it is lost", false, false, true, "screen_one voice_one ", 2},
        {"the first gave up", true, false, false, "voice_two voice_three screen_three ",
         0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new();
        come(s, 1, "two", false);
        come(s, 0, "one", false);
        come(s, 2, "three", false);
        say_state(s, 1, RTCD_RTC_SCREEN_ON, "{\"screenStreamID\":\"none\"}", 1);
        say_state(s, 0, RTCD_RTC_SCREEN_ON, "{\"screenStreamID\":\"stream\"}", 2);
        say_state(s, 2, RTCD_RTC_SCREEN_ON, "{\"screenStreamID\":\"stream\"}", 3);
        for (size_t k = 0; k < 3; k += 2) {
            end_add(&s->of[k].end, 1, MEDIA_VIDEO);
            speak(s, k);
        }
        settle(s);
        if (rows[i].gives_up)
            say_state(s, 0, RTCD_RTC_SCREEN_OFF, "", 4);
        if (rows[i].leaves) {
            sl_rtcd_calls_message(
                s->calls, s->conn,
                check_hex("a5 6c65617665 81 a9 73657373696f6e4944 a3 74776f"), 5);
            s->of[1].id = NULL;
        } else if (rows[i].is_lost) {
            sl_rooms_transport_gone(s->rooms, transport_of(s, "two"), MEDIA_GONE_CONSENT);
            s->of[1].id = NULL;
        } else {
            say_state(s, 1, RTCD_RTC_SCREEN_OFF, "", 5);
        }
        settle(s);
        expect(s, rows[i].to, rows[i].name, rows[i].want);
        stage_free(s);
    }
}
