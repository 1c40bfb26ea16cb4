#include "api/rooms_session.h"
#include "hall_stage.h"

static const struct voice loud = {9, 5, 5, 20, true};

static const struct participant *who(const struct hall_stage *s, const char *id)
{
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    return sl_participant_find(room, span_of(id));
}

TEST(viewers_are_counted_now_and_then)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_join(s, 1, "viewer");
    hall_join(s, 2, "viewer");
    CHECK(!hall_heard(s, 0, "viewers\",\"count") && !hall_heard(s, 0, "peer_joined"));
    CHECK_INT(sl_rooms_hall_deadline(s->hall), ROOMS_BEAT);
    sl_rooms_hall_tick(s->hall, ROOMS_BEAT);
    CHECK(hall_heard(s, 0, "{\"type\":\"viewers\",\"count\":2}"));
    s->of[0].said[0] = '\0';
    sl_rooms_hall_tick(s->hall, 2 * ROOMS_BEAT);
    CHECK_STR(s->of[0].said, "");
    for (size_t i = 0; i < 3; i++)
        hall_closed(s, i, 1000, SEC(2));
    CHECK_INT(sl_rooms_hall_deadline(s->hall), USEC_NEVER); /* nobody is there */
    hall_stage_free(s);
}

TEST(who_speaks)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_join(s, 1, "participant:bob");
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    hall_send_media(s, 0, "{}");
    const struct peer *p = who(s, "ann")->sends;
    s->of[1].said[0] = '\0';
    sl_rooms_hall_tick(s->hall, SEC(2));
    CHECK(!hall_heard(s, 1, "speakers"));
    for (usec now = SEC(2); now < SEC(5); now += MSEC(100))
        sl_rooms_voice(s->rooms, p->transport, p->tracks[0]->producer, &loud, now);
    sl_rooms_hall_tick(s->hall, SEC(5));
    CHECK(hall_heard(s, 1,
                     "{\"type\":\"speakers\",\"peers\":[{\"peer\":\"ann\","
                     "\"level\":-20}],\"active\":\"ann\"}"));
    s->of[1].said[0] = '\0';
    sl_rooms_hall_tick(s->hall, SEC(7)); /* it is silent now, and spoke last */
    CHECK(hall_heard(s, 1, "{\"type\":\"speakers\",\"peers\":[],\"active\":\"ann\"}"));
    hall_stage_free(s);
}

TEST(what_is_wanted_of_a_track)
{
    struct hall_stage *s = hall_stage_new();
    char want[128], id[TRACK_ID_CAP];
    hall_join(s, 0, "host:ann");
    end_add(&s->of[0].sends, 0, MEDIA_VIDEO);
    hall_send_media(s, 0, "{}");
    const struct peer *p = who(s, "ann")->sends;
    struct track *t = p->tracks[0];
    t->wanted = 0;
    t->most_bps = 500000;
    sl_rooms_hall_wanted(s->hall, p, t);
    sl_track_id(t, id);
    (void)snprintf(want, sizeof want,
                   "{\"type\":\"wanted\",\"track\":\"%s\",\"encodings\":[],"
                   "\"most_bps\":500000}",
                   id);
    CHECK(hall_heard(s, 0, want));
    hall_stage_free(s);
}

/* One that rests would not be heard by the server either, and nobody would be given it when it
 * speaks. */
TEST(a_voice_never_rests)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    end_add(&s->of[0].sends, 1, MEDIA_VIDEO);
    hall_send_media(s, 0, "{}");
    const struct peer *p = who(s, "ann")->sends;
    for (size_t i = 0; i < 2; i++)
        sl_rooms_wanted(s->rooms, p->transport, p->tracks[i]->producer, 0, TRACK_ANY_BPS);
    CHECK_INT(p->tracks[0]->wanted, UINT8_MAX);
    CHECK_INT(p->tracks[1]->wanted, 0);
    const char *asked =
        strstr(ml_look(&s->log), ", obeys"); /* and the media plane knows */
    CHECK(asked && !strstr(asked + 1, ", obeys"));
    hall_stage_free(s);
}

/* What changes while its socket is lost is told to the next one. */
TEST(what_became_wanted_meanwhile)
{
    struct hall_stage *s = hall_stage_new();
    char again[128], want[128], id[TRACK_ID_CAP];
    hall_join(s, 0, "host:ann");
    (void)snprintf(again, sizeof again, "{'type':'resume','v':1,'resume':'%s'}",
                   hall_text(s, 0, "joined", "resume"));
    end_add(&s->of[0].sends, 0, MEDIA_VIDEO);
    end_add(&s->of[0].sends, 1, MEDIA_VIDEO);
    hall_send_media(s, 0, "{}");
    const struct peer *p = who(s, "ann")->sends;
    hall_closed(s, 0, 1006, 0);
    sl_rooms_wanted(s->rooms, p->transport, p->tracks[1]->producer, 1, TRACK_ANY_BPS);
    sl_rooms_hall_wanted(s->hall, p, p->tracks[1]);
    hall_open(s, 2, "", SEC(1));
    hall_say(s, 2, again, SEC(1));
    sl_track_id(p->tracks[1], id);
    (void)snprintf(want, sizeof want,
                   "{\"type\":\"wanted\",\"track\":\"%s\",\"encodings\":[\"\"]}", id);
    CHECK(hall_heard(s, 2, want));
    sl_track_id(p->tracks[0], id); /* of this nothing was ever said */
    (void)snprintf(want, sizeof want, "\"wanted\",\"track\":\"%s\"", id);
    CHECK(!hall_heard(s, 2, want));
    hall_stage_free(s);
}

TEST(what_the_service_says)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_join(s, 1, "participant:bob");
    const struct participant *bob = who(s, "bob");
    sl_rooms_hall_tell(s->hall, bob->room, bob, span_of("one"));
    CHECK(!hall_heard(s, 0, "one"));
    CHECK(hall_heard(s, 1, "{\"type\":\"data\",\"from\":\"\",\"text\":\"one\"}"));
    sl_rooms_hall_tell(s->hall, bob->room, NULL, span_of("two"));
    CHECK(hall_heard(s, 0, "two") && hall_heard(s, 1, "two"));
    hall_stage_free(s);
}

/* Both have channels; what one sends reaches the other, with its name. */
TEST(data_from_channel_to_channel)
{
    struct hall_stage *s = hall_stage_new();
    struct media_data_event ev = {.kind = MEDIA_DATA_MESSAGE, .stream = 1};
    hall_join(s, 0, "host:ann");
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    hall_send_media(s, 0, "{}");
    uint64_t t = who(s, "ann")->sends->transport;
    ev.bytes = check_hex("01 00 00 68");
    sl_rooms_hall_data(s->hall, t, &ev); /* its channel is not open */
    sl_rooms_hall_data(s->hall, t + 99, &ev);
    CHECK_INT(sl_rooms_hall_data_stats(s->hall)->frames_in, 0);
    struct dcep_open open = {0};
    CHECK(sl_dcep_text(&open.label, span_of("lossy")));
    const struct media_data_event opened = {
        .kind = MEDIA_DATA_OPENED, .stream = 1, .open = &open};
    sl_rooms_hall_data(s->hall, t, &opened);
    sl_rooms_hall_data(s->hall, t, &ev);
    CHECK_INT(sl_rooms_hall_data_stats(s->hall)->frames_in, 1);
    CHECK(!hall_heard(s, 0, "error"));

    /* What goes to nobody, its sender is told of. */
    uint8_t *big = calloc(1, 4 + ROOMS_DATA_MAX);
    big[0] = 1;
    ev.bytes = (struct span){big, 4 + ROOMS_DATA_MAX};
    sl_rooms_hall_data(s->hall, t, &ev);
    CHECK(hall_heard(s, 0,
                     "{\"type\":\"error\",\"code\":\"too_large\",\"detail\":\"data\"}"));
    free(big);
    ev.bytes = check_hex("02 00 00 68");
    sl_rooms_hall_data(s->hall, t, &ev);
    CHECK(hall_heard(s, 0, "\"code\":\"malformed\",\"detail\":\"data\""));
    hall_say(s, 0, "{'type':'role','peer':'ann','role':'viewer'}", 0);
    ev.bytes = check_hex("01 00 00 68");
    sl_rooms_hall_data(s->hall, t, &ev);
    CHECK(hall_heard(s, 0, "\"code\":\"forbidden\",\"detail\":\"data\""));
    CHECK_INT(sl_rooms_hall_stats(s->hall)->refused, 3);
    hall_stage_free(s);
}
