#include "room/rooms.h"

#include "check.h"
#include "room_stage.h"

static struct room *create(struct room_stage *s, struct room_settings settings, usec now)
{
    struct room *room = NULL;
    CHECK_INT(
        sl_rooms_create(s->rooms, span_of("t"), span_of("r"), &settings, now, &room),
        E_OK);
    return room;
}

TEST(a_room_is_kept_for_its_time)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = create(s, (struct room_settings){.empty_time = SEC(10)}, SEC(1));
    CHECK_INT(sl_rooms_create(s->rooms, span_of("t"), span_of("r"),
                              &(struct room_settings){0}, 0, &room),
              E_EXISTS);
    CHECK_INT(sl_rooms_deadline(s->rooms), SEC(11));
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, false), E_OK);
    CHECK_INT(sl_rooms_deadline(s->rooms), USEC_NEVER);
    sl_participant_leave(s->rooms, s->of[0].who, MEDIA_GONE_LEFT, "");
    sl_rooms_flush(s->rooms, SEC(20));
    sl_rooms_tick(s->rooms, SEC(30) - 1);
    CHECK(sl_rooms_find(s->rooms, span_of("t"), span_of("r")) != NULL);
    sl_rooms_tick(s->rooms, SEC(30));
    CHECK(!sl_rooms_find(s->rooms, span_of("t"), span_of("r")));
    CHECK_STR(stage_news(s), "opened t/r\njoined ann\nleft ann left\nclosed t/r\n");
    room_stage_free(s);
}

/* What is set later holds for who is there, and for a room that waits already. */
TEST(settings_that_change)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){.max_bps = 900000});
    struct room *room = create(s, (struct room_settings){.empty_time = SEC(10)}, 0);
    const struct admission ann = {.tenant = span_of("t"),
                                  .room = span_of("r"),
                                  .role = ROLE_PARTICIPANT,
                                  .may = MAY_PUBLISH,
                                  .max_bps = 700000,
                                  .events = &stage_events,
                                  .ctx = &s->of[0]};
    static const struct {
        const char *name;
        uint32_t max_bps, want;
        const char *log;
    } rows[] = {
        {"less", 300000, 300000, "ceiling 2 300000\n"},
        {"the same", 300000, 300000, ""},
        {"more than the token's", 800000, 700000, "ceiling 2 700000\n"},
        {"none", 0, 700000, "ceiling 2 700000\n"},
    };
    struct room_settings set = {.empty_time = SEC(20)};
    CHECK_INT(sl_rooms_settings(s->rooms, room, &set, SEC(5)), E_OK);
    CHECK_INT(sl_rooms_deadline(s->rooms), SEC(25));
    CHECK_INT(sl_participant_admit(s->rooms, &ann, 0, &s->of[0].who), E_OK);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        (void)ml_look(&s->log);
        set.max_bps = rows[i].max_bps;
        CHECK_INT(sl_rooms_settings(s->rooms, room, &set, 0), E_OK);
        CHECK_INT(s->of[0].who->sends->max_bps, rows[i].want);
        CHECK_STR(ml_look(&s->log), rows[i].log);
    }
    CHECK_INT(sl_rooms_deadline(s->rooms), USEC_NEVER);
    room_stage_free(s);
}

TEST(who_comes_back_in_the_same_turn)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){.empty_time = SEC(5)});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    sl_participant_leave(s->rooms, s->of[0].who, MEDIA_GONE_LEFT, "");
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, false), E_OK);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(sl_rooms_deadline(s->rooms), USEC_NEVER);
    room_stage_free(s);
}

TEST(a_room_that_is_closed)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = create(s, (struct room_settings){.empty_time = SEC(10)}, 0);
    struct peer *receives;
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, false), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_VIEWER, false), E_OK);
    CHECK_INT(stage_transport(s, 0, MEMBER_RECEIVES, &receives), E_OK);
    stage_news(s);
    sl_rooms_close(s->rooms, room, ": late");
    CHECK_STR(s->of[0].left, "room_closed: late");
    CHECK_STR(s->of[1].left, "room_closed: late");
    CHECK_STR(stage_news(s), "left ann room_closed\nviewers 0\nclosed t/r\n");
    CHECK_INT(sl_rooms_deadline(s->rooms), USEC_NEVER);
    room_stage_free(s);
}

TEST(limits_of_one_room)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = create(
        s, (struct room_settings){.peers_max = 2, .publishers_max = 1, .empty_time = 1},
        0);
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, false), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, false), E_OK);
    CHECK_INT(stage_admit(s, 2, "eve", ROLE_PARTICIPANT, false), E_FULL);
    CHECK_INT(sl_rooms_check_publisher(s->rooms, room, span_of("cam")), E_OK);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    CHECK_INT(sl_rooms_check_publisher(s->rooms, room, span_of("cam")), E_FULL);
    /* A member of that name is taken over by nobody. */
    CHECK_INT(sl_rooms_check_publisher(s->rooms, room, span_of("ann")), E_FULL);
    CHECK_INT(sl_rooms_stats(s->rooms)->refused_publishers, 2);
    room_stage_free(s);
}

/* Ann publishes in a room for one who does, and Bob is there. */
static struct room_stage *room_for_one(void)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){
        .limits = {.rooms = 1, .peers = 10, .room_peers = 10, .room_publishers = 1}});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    return s;
}

TEST(as_many_members_publish_as_may)
{
    struct room_stage *s = room_for_one();
    end_add(&s->of[1].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 1), E_FULL);
    CHECK_INT(s->of[1].who->sends->transport, 0); /* nothing was begun */
    CHECK_INT(sl_rooms_stats(s->rooms)->refused_publishers, 1);

    /* Who does already is not counted twice. */
    end_add(&s->of[0].sends, 1, MEDIA_VIDEO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    CHECK_INT(s->of[0].who->sends->tracks_n, 2);

    end_remove(&s->of[0].sends, 0);
    end_remove(&s->of[0].sends, 1);
    CHECK_INT(stage_speak(s, 0), E_OK);
    sl_dialog_expire(s->of[1].sends.dialog);
    CHECK_INT(stage_speak(s, 1), E_OK);
    CHECK_INT(sl_rooms_stats(s->rooms)->refused_publishers, 1);
    room_stage_free(s);
}

TEST(what_was_agreed_stays_for_who_may_not_publish)
{
    struct room_stage *s = room_for_one();
    struct person *bob = &s->of[1];
    end_fini(&bob->sends);
    end_init_with(&bob->sends, 7, true); /* a data channel alone */
    CHECK_INT(stage_speak(s, 1), E_OK);
    end_add(&bob->sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 1), E_FULL);
    CHECK(bob->who->sends && bob->who->sends->up);
    end_remove(&bob->sends, 0);
    sl_dialog_expire(bob->sends.dialog);
    CHECK_INT(stage_speak(s, 1), E_OK);
    room_stage_free(s);
}

/* What a token does not permit is live for nobody, and takes nobody's place. */
TEST(who_may_not_publish_takes_no_place)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){
        .limits = {.rooms = 1, .peers = 10, .room_peers = 10, .room_publishers = 1}});
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(stage_admit(s, i, i ? "ann" : "eve", ROLE_PARTICIPANT, true), E_OK);
        end_add(&s->of[i].sends, 0, MEDIA_AUDIO);
    }
    s->of[0].who->may = MAY_WATCH;
    s->of[0].source = "";
    CHECK_INT(stage_speak(s, 0), E_OK);
    CHECK_INT(stage_speak(s, 1), E_OK);
    CHECK_INT(stage_speak(s, 1), E_OK);
    CHECK_INT(sl_rooms_stats(s->rooms)->refused_publishers, 0);
    room_stage_free(s);
}

TEST(what_is_said_of_a_room)
{
    static uint8_t text[METADATA_MAX + 1];
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = create(s, (struct room_settings){.empty_time = 1}, 0);
    CHECK_INT(sl_rooms_describe(s->rooms, room, (struct span){text, sizeof text}),
              E_DENIED);
    CHECK_INT(sl_rooms_describe(s->rooms, room, span_of("topic")), E_OK);
    CHECK_STR(room->metadata, "topic");
    sl_rooms_lock(s->rooms, room, true);
    sl_rooms_lock(s->rooms, room, true);
    CHECK_STR(stage_news(s), "opened t/r\nroom t/r\nroom t/r\n");
    CHECK(span_is(sl_room_name(room), "r") && span_is(sl_room_tenant(room), "t"));
    CHECK(sl_rooms_next_room(s->rooms, NULL) == room &&
          !sl_rooms_next_room(s->rooms, room));
    room_stage_free(s);
}
