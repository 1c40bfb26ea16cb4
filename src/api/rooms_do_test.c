#include "api/rooms_session.h"
#include "hall_stage.h"

/* Ann is a host, Bob a participant, Eve a viewer. */
static struct hall_stage *three(void)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_join(s, 1, "participant:bob");
    hall_join(s, 2, "viewer:eve");
    return s;
}

TEST(who_may_do_what)
{
    static const struct {
        const char *name, *say, *want[3]; /* by Ann, Bob and Eve */
    } rows[] = {
        {"ping", "{'type':'ping','id':1}", {"pong", "pong", "pong"}},
        {"join again", "{'type':'join','v':1}", {"joined", "joined", "joined"}},
        {"lock",
         "{'type':'lock','id':1,'locked':true}",
         {"done", "forbidden", "forbidden"}},
        {"describe the room",
         "{'type':'room','id':1,'metadata':'x'}",
         {"done", "forbidden", "forbidden"}},
        {"say something",
         "{'type':'data','id':1,'text':'x'}",
         {"done", "done", "forbidden"}},
        {"say it to nobody",
         "{'type':'data','text':'x','to':['zoe']}",
         {"not_found", "not_found", "forbidden"}},
        {"remove nobody",
         "{'type':'remove','peer':'zoe'}",
         {"not_found", "forbidden", "forbidden"}},
        {"remove oneself",
         "{'type':'remove','peer':'ann'}",
         {"forbidden", "forbidden", "forbidden"}},
        {"a role that is none",
         "{'type':'role','peer':'bob','role':'king'}",
         {"malformed", "forbidden", "forbidden"}},
        {"mute what is not there",
         "{'type':'mute','track':'0000000000000001','muted':true}",
         {"not_found", "not_found", "not_found"}},
        {"unmute another",
         "{'type':'mute','peer':'bob','track':'0000000000000001','muted':false}",
         {"forbidden", "not_found", "forbidden"}},
        {"want what is not there",
         "{'type':'want','track':'0000000000000001'}",
         {"not_found", "not_found", "not_found"}},
        {"restart what it sends",
         "{'type':'restart','of':'send'}",
         {"malformed", "malformed", "malformed"}},
        {"who watches", "{'type':'watchers'}", {"watchers", "forbidden", "forbidden"}},
        {"after nobody",
         "{'type':'watchers','after':'eva'}",
         {"not_found", "forbidden", "forbidden"}},
        {"an answer to nothing",
         "{'type':'answer','offer':1,'sdp':''}",
         {"stale", "stale", "stale"}},
        {"an offer that is none",
         "{'type':'offer','sdp':'v=0'}",
         {"sdp", "sdp", "forbidden"}},
        {"a candidate of nothing",
         "{'type':'candidate','of':'both','candidate':''}",
         {"malformed", "malformed", "malformed"}},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hall_stage *s = three();
        check_row(rows[i].name);
        for (size_t k = 0; k < 3; k++)
            if (!strstr(hall_say(s, k, rows[i].say, 0), rows[i].want[k]))
                check_fail(__FILE__, __LINE__, "%zu was told %s", k, s->of[k].said);
        hall_stage_free(s);
    }
}

/* So that a host can promote them, or send them away. */
TEST(who_watches_is_told_to_hosts)
{
    struct hall_stage *s = three();
    hall_say(s, 0, "{'type':'role','peer':'bob','role':'viewer'}", 0);
    s->of[0].said[0] = '\0';
    CHECK_STR(hall_say(s, 0, "{'type':'watchers','id':1}", 0),
              "{\"type\":\"watchers\",\"id\":1,\"watchers\":["
              "{\"peer\":\"bob\",\"name\":\"\",\"role\":\"viewer\",\"metadata\":\"\"},"
              "{\"peer\":\"eve\",\"name\":\"\",\"role\":\"viewer\",\"metadata\":\"\"}],"
              "\"more\":false}\n");
    s->of[0].said[0] = '\0';
    CHECK_STR(hall_say(s, 0, "{'type':'watchers','id':2,'after':'eve'}", 0),
              "{\"type\":\"watchers\",\"id\":2,\"watchers\":[],\"more\":false}\n");
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    sl_rooms_say_watchers(&w, ROOMS_NO_ID, room, NULL, 1);
    wr_u8(&w, '\0');
    CHECK_STR((const char *)buf, "{\"type\":\"watchers\",\"watchers\":[{\"peer\":\"bob\","
                                 "\"name\":\"\",\"role\":\"viewer\",\"metadata\":\"\"}],"
                                 "\"more\":true}");
    hall_stage_free(s);
}

TEST(what_is_said_to_whom)
{
    struct hall_stage *s = three();
    s->of[1].said[0] = s->of[2].said[0] = '\0';
    hall_say(s, 0, "{'type':'data','id':1,'text':'one \\u00e9 \\\\'}", 0);
    CHECK_STR(s->of[0].said, "{\"type\":\"done\",\"id\":1}\n");
    CHECK_STR(s->of[1].said,
              "{\"type\":\"data\",\"from\":\"ann\",\"text\":\"one \u00e9 \\\\\"}\n");
    CHECK_STR(s->of[2].said, s->of[1].said);
    s->of[1].said[0] = s->of[2].said[0] = '\0';
    hall_say(s, 0, "{'type':'data','text':'two','to':['eve']}", 0);
    CHECK_STR(s->of[0].said, "");
    CHECK_STR(s->of[1].said, "");
    CHECK(hall_heard(s, 2, "two"));
    hall_stage_free(s);
}

TEST(what_a_host_does)
{
    struct hall_stage *s = three();
    hall_say(s, 0, "{'type':'role','peer':'eve','role':'participant'}", 0);
    CHECK(hall_heard(s, 1, "{\"type\":\"peer_joined\",\"peer\":{\"peer\":\"eve\""));
    CHECK(hall_heard(s, 2, "\"permissions\":[\"publish\",\"subscribe\",\"data\"]"));
    hall_say(s, 0, "{'type':'remove','id':1,'peer':'bob','reason':'noise'}", 0);
    CHECK(hall_heard(s, 1,
                     "{\"type\":\"closed\",\"code\":\"removed\",\"detail\":\"noise\"}"));
    CHECK_INT(s->of[1].closed, ROOMS_CLOSE_REMOVED);
    CHECK(hall_heard(s, 2, "\"peer\":\"bob\",\"reason\":\"removed\""));
    hall_say(s, 0, "{'type':'close'}", 0);
    for (size_t i = 0; i < 3; i += 2) {
        CHECK(hall_heard(s, i, "\"room_closed\""));
        CHECK_INT(s->of[i].closed, ROOMS_CLOSE_ROOM);
    }
    CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);
    CHECK_INT(sl_rooms_hall_stats(s->hall)->sessions, 0);
    hall_stage_free(s);
}

TEST(a_locked_room)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_say(s, 0, "{'type':'lock','locked':true}", 0);
    CHECK(hall_heard(s, 0, "\"locked\":true"));
    hall_join(s, 1, "participant");
    CHECK(hall_heard(s, 1, "\"code\":\"locked\""));
    hall_join(s, 2, "host");
    CHECK(hall_heard(s, 2, "\"joined\""));
    hall_stage_free(s);
}

TEST(what_others_see_of_one)
{
    struct hall_stage *s = three();
    hall_say(s, 1, "{'type':'update','id':1,'metadata':'hand'}", 0);
    CHECK(hall_heard(s, 0,
                     "{\"type\":\"peer_updated\",\"peer\":\"bob\",\"name\":\"\","
                     "\"role\":\"participant\",\"metadata\":\"hand\"}"));
    CHECK(hall_heard(s, 1, "\"permissions\""));
    hall_stage_free(s);
}

/* However little he says to make it, and by whatever request: later he may again. */
TEST(who_makes_others_hear_too_much)
{
    static const struct {
        const char *name, *say;
        size_t heard; /* octets, about */
    } rows[] = {
        {"words to all", "{'type':'data','id':1,'text':'%s'}", 6 * 4096},
        {"words to one, who is named twice",
         "{'type':'data','id':1,'to':['bob','bob'],'text':'%s'}", 6 * 4096},
        {"what others see of him", "{'type':'update','id':1,'metadata':'%s'}", 6 * 4096},
        {"of the room", "{'type':'room','id':1,'metadata':'%s'}", 6 * 4096},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        static char text[6 * 4096 + 1], say[sizeof text + 128];
        struct hall_stage *s = three();
        check_row(rows[i].name);
        for (size_t k = 0; k + 1 < sizeof text; k += 6)
            memcpy(text + k, "\\u0001", 6);
        (void)snprintf(say, sizeof say, "%.*s%s%s", (int)strcspn(rows[i].say, "%"),
                       rows[i].say, text, strchr(rows[i].say, '%') + 2);
        size_t n = ROOMS_TOLD_MAX / rows[i].heard;
        for (size_t k = 0; k < n; k++) {
            s->of[1].said[0] = s->of[2].said[0] = '\0';
            CHECK(strstr(hall_say(s, 0, say, 0), "\"done\"") != NULL);
            CHECK(strlen(s->of[1].said) < rows[i].heard + 256);
        }
        hall_say(s, 0, say, 0); /* the last drop */
        s->of[1].said[0] = s->of[2].said[0] = '\0';
        CHECK(strstr(hall_say(s, 0, say, 0), "\"code\":\"too_many\"") != NULL);
        CHECK_STR(s->of[1].said, "");
        CHECK(strstr(hall_say(s, 0, "{'type':'ping'}", 0), "pong") != NULL);
        CHECK(strstr(hall_say(s, 1, "{'type':'data','id':1,'text':'x'}", 0), "done") !=
              NULL);
        CHECK(strstr(hall_say(s, 0, say, SEC(1)), "\"done\"") != NULL);
        hall_stage_free(s);
    }
}
