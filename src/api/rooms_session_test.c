#include "api/rooms_session.h"

#include "hall_stage.h"

TEST(who_says_goodbye_has_left)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "participant:ann");
    hall_join(s, 1, "participant:bob");
    hall_join(s, 2, "participant:eve");
    hall_closed(s, 0, 1001, 0);
    CHECK(hall_heard(s, 2, "\"peer\":\"ann\",\"reason\":\"left\""));
    hall_say(s, 1, "{'type':'leave','id':3}", 0);
    CHECK(hall_heard(s, 1, "{\"type\":\"closed\",\"id\":3,\"code\":\"left\""));
    CHECK_INT(s->of[1].closed, 1000);
    CHECK(hall_heard(s, 2, "\"peer\":\"bob\",\"reason\":\"left\""));
    CHECK_INT(sl_rooms_hall_stats(s->hall)->sessions, 1);
    CHECK(!*hall_say(s, 1, "{'type':'ping'}", 0)); /* it is closing */
    hall_stage_free(s);
}

/* It may say less, and what was refused counts nothing. */
TEST(what_is_said_of_one_and_of_all)
{
    enum { HALF = ROOMS_TEXTS_OF_ONE / 2 };
    struct hall_stage *s = hall_stage_new();
    char *x = malloc(HALF + 1);
    memset(x, 'x', HALF + 1);
    hall_join(s, 0, "participant:ann");
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    struct rooms_session *ann =
        sl_rooms_session_of(sl_participant_find(room, span_of("ann")));
    uint64_t id = room->id;
    struct rooms_crowd *crowd = sl_rooms_crowd(s->hall, id);
    struct span half = {(const uint8_t *)x, HALF}, more = {half.p, HALF + 1};
    CHECK(sl_rooms_texts(ann, half, half));
    CHECK_INT(crowd->texts, ROOMS_TEXTS_OF_ONE);
    CHECK(!sl_rooms_texts(ann, half, more));
    CHECK_INT(crowd->texts, ROOMS_TEXTS_OF_ONE);

    CHECK(sl_rooms_texts(ann, half, span_of("")));
    crowd->texts = ROOMS_TEXTS_MAX; /* the rest by others */
    CHECK(!sl_rooms_texts(ann, more, span_of("")));
    CHECK(sl_rooms_texts(ann, span_of("Ann"), span_of("")));
    CHECK_INT(crowd->texts, ROOMS_TEXTS_MAX - HALF + 3);

    crowd->texts = ann->texts;
    hall_join(s, 1, "participant:bob");
    size_t both = crowd->texts;
    hall_closed(s, 0, 1000, 0);
    CHECK_INT(crowd->texts, both - strlen("Ann"));
    hall_closed(s, 1, 1000, 0);
    CHECK(sl_rooms_crowd(s->hall, id) == NULL);
    free(x);
    hall_stage_free(s);
}
