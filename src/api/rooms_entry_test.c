#include "api/rooms_hall.h"
#include "hall_stage.h"

TEST(who_may_join)
{
    static const struct {
        const char *name, *token, *say, *want;
    } rows[] = {
        {"a participant", "participant:ann", "{'type':'join','id':5,'v':1,'name':'Ann'}",
         "{\"type\":\"joined\",\"id\":5,\"v\":1,\"peer\":\"ann\",\"name\":\"Ann\","
         "\"role\":\"participant\",\"metadata\":\"\","
         "\"permissions\":[\"publish\",\"subscribe\",\"data\"]"},
        {"by a token in the message", "", "{'type':'join','v':1,'token':'host'}",
         "\"permissions\":[\"publish\",\"subscribe\",\"data\",\"moderate\"]"},
        {"without a token", "", "{'type':'join','id':1,'v':1}",
         "{\"type\":\"error\",\"id\":1,\"code\":\"token_missing\",\"detail\":\"\"}"},
        {"too late", "late", "{'type':'join','v':1}", "\"token_expired\""},
        {"by a false token", "bad", "{'type':'join','v':1}", "\"token_invalid\""},
        {"in no role", "king", "{'type':'join','v':1}", "\"token_invalid\""},
        {"in another version", "host", "{'type':'join','v':2}", "\"version\""},
        {"not yet there", "host", "{'type':'join','v':1,'create':false}", "\"no_room\""},
        {"nothing else first", "host", "{'type':'ping'}", "\"not_joined\""},
        {"no such token", "host", "{'type':'resume','v':1,'resume':''}", "\"resume\""},
        {"no JSON", "host", "hello", "\"malformed\""},
        {"no request", "host", "{'type':'dance'}",
         "{\"type\":\"error\",\"code\":\"type\",\"detail\":\"\"}"},
        {"a version in words", "host", "{'type':'join','v':'1'}",
         "\"code\":\"malformed\",\"detail\":\"v\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hall_stage *s = hall_stage_new();
        check_row(rows[i].name);
        hall_open(s, 0, rows[i].token, 0);
        CHECK(strstr(hall_say(s, 0, rows[i].say, 0), rows[i].want) != NULL);
        CHECK_INT(s->of[0].closed, 0); /* it may try again */
        hall_stage_free(s);
    }
}

TEST(nobody_joins_a_server_that_ends)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host");
    sl_rooms_hall_drain(s->hall, true);
    hall_join(s, 1, "host");
    CHECK(hall_heard(s, 1, "\"draining\""));
    sl_rooms_hall_drain(s->hall, false);
    hall_say(s, 1, "{'type':'join','v':1}", 0);
    CHECK(hall_heard(s, 1, "\"joined\""));
    hall_stage_free(s);
}

TEST(who_is_lost_may_come_back)
{
    struct hall_stage *s = hall_stage_new();
    char again[128], next[128], first[64];
    hall_join(s, 0, "participant:ann");
    (void)snprintf(first, sizeof first, "%s", hall_text(s, 0, "joined", "resume"));
    hall_join(s, 1, "participant:bob");
    hall_closed(s, 0, 1006, 0);
    sl_rooms_hall_tick(s->hall, ROOMS_RESUME - 1);
    CHECK(!hall_heard(s, 1, "peer_left"));
    hall_open(s, 2, "", ROOMS_RESUME - 1);
    (void)snprintf(again, sizeof again, "{'type':'resume','v':1,'resume':'%s'}", first);
    hall_say(s, 2, again, ROOMS_RESUME - 1);
    CHECK(hall_heard(s, 2, "\"peer\":\"ann\"") && hall_heard(s, 2, "\"resumed\":true"));
    CHECK(strcmp(hall_text(s, 2, "joined", "resume"), first) != 0);
    (void)snprintf(next, sizeof next, "{'type':'resume','v':1,'resume':'%s'}",
                   hall_text(s, 2, "joined", "resume"));
    hall_say(s, 2, "{'type':'ping'}", ROOMS_RESUME - 1);
    hall_open(s, 3, "", ROOMS_RESUME - 1); /* a token is used once */
    CHECK(strstr(hall_say(s, 3, again, ROOMS_RESUME - 1), "\"code\":\"resume\"") != NULL);

    /* One that is still there is taken over. */
    hall_say(s, 3, next, ROOMS_RESUME - 1);
    CHECK(hall_heard(s, 3, "\"resumed\":true"));
    CHECK_INT(s->of[2].closed, ROOMS_CLOSE_REPLACED);
    hall_closed(s, 2, ROOMS_CLOSE_REPLACED, ROOMS_RESUME - 1);
    CHECK(!hall_heard(s, 1, "peer_left"));

    hall_closed(s, 3, 1006, SEC(100));
    sl_rooms_hall_tick(s->hall, SEC(100) + ROOMS_RESUME);
    CHECK(hall_heard(s, 1,
                     "{\"type\":\"peer_left\",\"peer\":\"ann\",\"reason\":\"lost\"}"));
    CHECK_INT(sl_rooms_hall_stats(s->hall)->lost, 1);
    hall_stage_free(s);
}

/* Again and again, by the token that it has; once it has said a word by the next one, that holds. */
TEST(who_is_lost_before_it_hears_that_it_is_back)
{
    struct hall_stage *s = hall_stage_new();
    char first[128], last[128];
    hall_join(s, 0, "participant:ann");
    (void)snprintf(first, sizeof first, "{'type':'resume','v':1,'resume':'%s'}",
                   hall_text(s, 0, "joined", "resume"));
    for (size_t i = 1; i < 4; i++) {
        hall_closed(s, i - 1, 1006, 0);
        hall_open(s, i, "", 0);
        CHECK(strstr(hall_say(s, i, first, 0), "\"resumed\":true") != NULL);
    }
    (void)snprintf(last, sizeof last, "{'type':'resume','v':1,'resume':'%s'}",
                   hall_text(s, 3, "joined", "resume"));
    hall_say(s, 3, "{'type':'ping'}", 0);
    hall_closed(s, 3, 1006, 0);
    hall_open(s, 0, "", 0);
    CHECK(strstr(hall_say(s, 0, first, 0), "\"code\":\"resume\"") != NULL);
    CHECK(strstr(hall_say(s, 0, last, 0), "\"resumed\":true") != NULL);
    hall_closed(s, 0, 1006, 0);
    sl_rooms_hall_tick(s->hall, ROOMS_RESUME);
    hall_open(s, 1, "", ROOMS_RESUME);
    CHECK(strstr(hall_say(s, 1, last, ROOMS_RESUME), "\"code\":\"resume\"") != NULL);
    hall_stage_free(s);
}

/* Whoever does nothing but that is refused for a while, and does not lose its place. */
TEST(who_comes_back_without_end)
{
    struct hall_stage *s = hall_stage_new();
    char again[128];
    hall_join(s, 0, "participant:ann");
    (void)snprintf(again, sizeof again, "{'type':'resume','v':1,'resume':'%s'}",
                   hall_text(s, 0, "joined", "resume"));
    for (size_t i = 1; i <= ROOMS_RESUMES; i++) {
        hall_open(s, i % 2, "", 0);
        CHECK(strstr(hall_say(s, i % 2, again, 0), "\"resumed\":true") != NULL);
        (void)snprintf(again, sizeof again, "{'type':'resume','v':1,'resume':'%s'}",
                       hall_text(s, i % 2, "joined", "resume"));
        hall_closed(s, i % 2, 1006, 0);
    }
    hall_open(s, 1, "", 0);
    CHECK(strstr(hall_say(s, 1, again, SEC(1) - 1), "\"code\":\"too_many\"") != NULL);
    CHECK(strstr(hall_say(s, 1, again, SEC(1)), "\"resumed\":true") != NULL);
    hall_closed(s, 1, 1006, SEC(1));
    hall_stage_free(s);
}
