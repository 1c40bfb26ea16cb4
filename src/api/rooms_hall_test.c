#include "api/rooms_hall.h"

#include "hall_stage.h"

TEST(who_does_not_join_in_time)
{
    struct hall_stage *s = hall_stage_new();
    hall_open(s, 0, "host", 0);
    hall_open(s, 1, "host", 0);
    hall_say(s, 1, "{'type':'join','v':1}", 0);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->waiting, 1);
    sl_rooms_hall_tick(s->hall, ROOMS_JOIN_TIME - 1);
    CHECK_INT(s->of[0].closed, 0);
    sl_rooms_hall_tick(s->hall, ROOMS_JOIN_TIME);
    CHECK_INT(s->of[0].closed, ROOMS_CLOSE_TIMEOUT);
    CHECK(hall_heard(s, 0, "{\"type\":\"closed\",\"code\":\"timeout\""));
    CHECK_INT(s->of[1].closed, 0);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->waiting, 0);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->timed_out, 1);
    hall_closed(s, 0, ROOMS_CLOSE_TIMEOUT, ROOMS_JOIN_TIME);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->lines, 1);
    hall_stage_free(s);
}

/* As many as there may be: for each that comes, the one that has waited longest goes. */
TEST(half_joined_lines_are_few)
{
    struct hall_stage *s = hall_stage_new();
    struct rooms_line **lines = calloc(ROOMS_WAITING_MAX, sizeof *lines);
    hall_join(s, 0, "host");
    hall_open(s, 1, "host", 0);
    for (size_t i = 1; i < ROOMS_WAITING_MAX; i++)
        CHECK_INT(sl_rooms_hall_open(s->hall, span_of("r"), (struct span){0},
                                     &(struct addr){0}, &s->of[3], (usec)i, &lines[i]),
                  E_OK);
    CHECK_INT(s->of[1].closed, 0);
    hall_open(s, 2, "host", SEC(1));
    CHECK_INT(s->of[1].closed, ROOMS_CLOSE_TIMEOUT);
    CHECK_INT(s->of[0].closed, 0);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->waiting, ROOMS_WAITING_MAX);
    CHECK(strstr(hall_say(s, 2, "{'type':'join','v':1}", SEC(1)), "\"joined\"") != NULL);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->timed_out, 1);
    free(lines);
    hall_stage_free(s);
}

TEST(floods)
{
    struct hall_stage *s = hall_stage_new();
    usec each = SEC(1) / ROOMS_PER_S;
    hall_join(s, 0, "host");
    for (int i = 1; i < ROOMS_BURST; i++)
        hall_say(s, 0, "{", 0);
    CHECK_INT(s->of[0].closed, 0);
    hall_say(s, 0, "{", each); /* one more is paid for by then */
    CHECK_INT(s->of[0].closed, 0);
    hall_say(s, 0, "{", each);
    CHECK_INT(s->of[0].closed, ROOMS_CLOSE_FLOOD);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->flooded, 1);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->malformed, ROOMS_BURST);
    hall_stage_free(s);
}
