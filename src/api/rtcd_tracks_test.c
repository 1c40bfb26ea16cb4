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
