#include "api/rtcd_offer.h"

#include "api/rtcd_stage.h"

/* Before each offer comes what its sections carry, by whichever way the offer does. */
TEST(offer_media_map)
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

/* While the channel takes nothing the offer waits with what goes before it, and both come when there is
 * room. */
TEST(offer_waits_for_who_reads_too_slowly)
{
    struct stage *s = stage_new();
    struct user *one = &s->of[0], *two = &s->of[1];
    one->by_channel = true;
    come(s, 0, "one", false);
    one->full = true;
    come(s, 1, "two", false);
    CHECK_TOLD(one, "");
    CHECK(strcmp(one->type, "offer") != 0);
    one->full = false;
    on_channel(s, one, MEDIA_DATA_ROOM, (struct span){0});
    CHECK_TOLD(one, "map;offer;");
    settle(s);
    expect(s, 0, "by the channel", "voice_two ");

    CHECK_TOLD(two, "map;");
    two->full = true;
    come(s, 2, "three", false);
    CHECK_TOLD(two, "");
    CHECK(strcmp(two->type, "offer") != 0);
    two->full = false;
    on_channel(s, two, MEDIA_DATA_ROOM, (struct span){0});
    CHECK_TOLD(two, "map;");
    settle(s);
    expect(s, 1, "by the WebSocket", "voice_one voice_three ");

    two->full = true;
    sl_rooms_transport_gone(s->rooms, transport_of(s, "three"), MEDIA_GONE_CLOSED);
    s->of[2].id = NULL;
    settle(s);
    CHECK(strcmp(two->type, "offer") != 0);
    two->open = false;
    on_channel(s, two, MEDIA_DATA_CLOSED, (struct span){0});
    settle(s);
    expect(s, 1, "the channel is gone", "voice_one ");
    stage_free(s);
}

TEST(offers_that_were_given_up_are_counted)
{
    static const char line[] =
        "rtcd_rtc_errors_total{groupID=\"client\",type=\"track\"} ";
    struct stage *s = stage_new();
    struct user *one = &s->of[0];
    char want[96];
    one->by_channel = true;
    come(s, 0, "one", false);
    one->full = true; /* it cannot be told anything */
    come(s, 1, "two", false);
    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME - 1);
    settle(s);
    (void)snprintf(want, sizeof want, "%s1", line);
    CHECK(!counts(s, want));
    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME);
    settle(s);
    CHECK(counts(s, want));
    one->full = false;
    on_channel(s, one, MEDIA_DATA_ROOM, (struct span){0});
    CHECK_TOLD(one, "map;offer;"); /* the second, once */
    settle(s);
    expect(s, 0, "in the end", "voice_two ");

    sl_rooms_transport_gone(s->rooms, transport_of(s, "two"), MEDIA_GONE_CLOSED);
    s->of[1].id = NULL;
    sl_rooms_flush(s->rooms, 0);
    CHECK(strcmp(one->type, "offer") == 0); /* which it does not answer */
    CHECK(counts(s, want));
    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME);
    settle(s);
    (void)snprintf(want, sizeof want, "%s2", line);
    CHECK(counts(s, want));
    expect(s, 0, "when it answers again", "");
    stage_free(s);
}
