#include "room/participant.h"

#include "check.h"
#include "room_stage.h"

TEST(what_roles_permit)
{
    static const struct {
        const char *name;
        enum role role;
        unsigned may, can;
    } rows[] = {
        {"a viewer", ROLE_VIEWER, MAY_PUBLISH | MAY_WATCH, CAN_SUBSCRIBE},
        {"a participant", ROLE_PARTICIPANT, MAY_PUBLISH | MAY_WATCH,
         CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA},
        {"a host", ROLE_HOST, MAY_PUBLISH | MAY_WATCH,
         CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA | CAN_MODERATE},
        {"a token that only watches", ROLE_HOST, MAY_WATCH,
         CAN_SUBSCRIBE | CAN_DATA | CAN_MODERATE},
        {"a token that only publishes", ROLE_PARTICIPANT, MAY_PUBLISH,
         CAN_PUBLISH | CAN_DATA},
        {"admin is all", ROLE_PARTICIPANT, MAY_ADMIN,
         CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        enum role back;
        check_row(rows[i].name);
        CHECK_INT(sl_role_can(rows[i].role, rows[i].may), rows[i].can);
        CHECK(sl_role_of(span_of(sl_role_name(rows[i].role)), &back) &&
              back == rows[i].role);
    }
    enum role none;
    CHECK(!sl_role_of(span_of("hos"), &none));
}

TEST(roles_that_tokens_give)
{
    static const struct {
        const char *name;
        struct claims claims;
        bool good;
        enum role want;
    } rows[] = {
        {"what it says", {.may = MAY_WATCH, .role = "host"}, true, ROLE_HOST},
        {"admin", {.may = MAY_ADMIN}, true, ROLE_HOST},
        {"publish", {.may = MAY_PUBLISH | MAY_WATCH}, true, ROLE_PARTICIPANT},
        {"watch", {.may = MAY_WATCH}, true, ROLE_VIEWER},
        {"no role that there is", {.may = MAY_ADMIN, .role = "king"}, false, ROLES},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        enum role role = ROLES;
        check_row(rows[i].name);
        CHECK_INT(sl_role_claimed(&rows[i].claims, &role), rows[i].good);
        CHECK_INT(role, rows[i].want);
    }
}

TEST(who_came_by_a_token_goes_with_it)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    for (size_t i = 0; i < STAGE_PEOPLE; i++) {
        static const char *const ids[] = {"ann", "bob", "eve"};
        CHECK_INT(stage_admit(s, i, ids[i], ROLE_PARTICIPANT, true), E_OK);
        s->of[i].who->token = i / 2; /* two came without */
    }
    CHECK_INT(sl_participants_revoke(s->rooms, 0), 0);
    CHECK_INT(sl_participants_revoke(s->rooms, 7), 0);
    CHECK_INT(sl_participants_revoke(s->rooms, 1), 1);
    CHECK(s->of[0].who && s->of[1].who);
    CHECK_STR(s->of[2].left, "revoked");
    CHECK_INT(sl_participants_revoke(s->rooms, 1), 0);
    room_stage_free(s);
}

TEST(sources_that_may_be_sent)
{
    static const struct {
        const char *name, *sources, *source;
        unsigned can;
        bool want;
    } rows[] = {
        {"any", "", "screen", CAN_PUBLISH, true},
        {"one of them", "camera microphone", "microphone", CAN_PUBLISH, true},
        {"none of them", "camera microphone", "screen", CAN_PUBLISH, false},
        {"a part of a word", "screen-audio", "screen", CAN_PUBLISH, false},
        {"by a viewer", "", "camera", CAN_SUBSCRIBE, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct participant p = {.can = rows[i].can};
        (void)snprintf(p.sources, sizeof p.sources, "%s", rows[i].sources);
        check_row(rows[i].name);
        CHECK_INT(sl_participant_may_send(&p, rows[i].source), rows[i].want);
    }
}

TEST(who_is_admitted)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){
        .hosts_create = true,
        .limits = {.rooms = 1, .peers = 10, .room_peers = 2},
    });
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_ABSENT);
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_HOST, false), E_ABSENT);
    CHECK_INT(stage_admit(s, 0, "a/b", ROLE_HOST, true), E_DENIED);
    CHECK_STR(stage_news(s), "");
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_HOST, true), E_OK);
    sl_rooms_lock(s->rooms, s->of[0].who->room, true);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_STATE);
    sl_rooms_lock(s->rooms, s->of[0].who->room, false);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_VIEWER, true), E_OK);
    CHECK_INT(stage_admit(s, 2, "eve", ROLE_HOST, true), E_FULL);
    CHECK_STR(stage_news(s), "opened t/r\njoined ann\nroom t/r\nroom t/r\nviewers 1\n");
    sl_participant_leave(s->rooms, s->of[0].who, MEDIA_GONE_LEFT, "");
    sl_participant_leave(s->rooms, s->of[1].who, MEDIA_GONE_REMOVED, ": noise");
    CHECK_STR(s->of[0].left, ""); /* it knows */
    CHECK_STR(s->of[1].left, "removed: noise");
    CHECK_STR(stage_news(s), "left ann left\nviewers 0\nclosed t/r\n");
    CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);
    room_stage_free(s);
}

TEST(the_same_again_takes_over)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_STR(s->of[0].left, "replaced");
    CHECK_STR(stage_news(s), "opened t/r\njoined ann\nleft ann replaced\njoined ann\n");
    CHECK(sl_participant_find(s->of[1].who->room, span_of("ann")) == s->of[1].who);
    room_stage_free(s);
}

/* Who loads the page again is let in, though the room is as full or as closed as when it left. */
TEST(the_same_again_needs_no_room)
{
    struct room_stage *s = room_stage_new(
        &(struct rooms_conf){.limits = {.rooms = 1, .peers = 10, .room_peers = 1}});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_FULL);
    sl_rooms_lock(s->rooms, s->of[0].who->room, true);
    CHECK_INT(stage_admit(s, 1, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_STR(s->of[0].left, "replaced");
    CHECK_INT(s->of[1].who->room->peers_n, 1);
    CHECK_INT(stage_admit(s, 2, "bob", ROLE_PARTICIPANT, true), E_FULL);
    room_stage_free(s);
}

TEST(one_participant_on_two_transports)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct peer *receives;
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_transport(s, 0, MEMBER_RECEIVES, &receives), E_OK);
    CHECK_INT(stage_transport(s, 1, MEMBER_RECEIVES, &receives), E_OK);
    stage_news(s);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    CHECK_STR(stage_news(s), "track ann microphone\n");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[0].offers, 0); /* nobody sees himself */
    CHECK_INT(s->of[1].offers, 1);
    CHECK_INT(stage_listen(s, 1), E_OK);
    CHECK(s->of[1].receives.got[0].there);

    /* The way on which it sent ends; it is still there, and so is what it receives. */
    sl_rooms_transport_gone(s->rooms, s->of[0].who->sends->transport, MEDIA_GONE_CLOSED);
    CHECK_STR(s->of[0].lost, "closed");
    CHECK(s->of[0].who && !s->of[0].who->sends && s->of[0].who->receives);
    CHECK_STR(stage_news(s), "ended ann microphone\n");
    CHECK_INT(sl_rooms_stats(s->rooms)->members, 2);
    room_stage_free(s);
}

TEST(a_role_that_changes)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    stage_news(s);
    CHECK_INT(sl_participant_role(s->rooms, s->of[0].who, ROLE_VIEWER, 0), E_OK);
    CHECK_STR(stage_news(s),
              "ended ann microphone\nleft ann role\nviewers 1\nupdated ann\n");
    CHECK_INT(s->of[0].who->can, CAN_SUBSCRIBE);
    CHECK_INT(sl_participant_role(s->rooms, s->of[0].who, ROLE_HOST, 0), E_OK);
    CHECK_STR(stage_news(s), "joined ann\ntrack ann microphone\nupdated ann\n");
    CHECK_INT(s->of[0].who->room->viewers_n, 0);
    room_stage_free(s);
}

static enum err join(struct room_stage *s, enum negotiate_job job, const char *stream,
                     const char *sdp, struct peer **ret)
{
    static uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused refused;
    const struct join j = {.job = job,
                           .tenant = span_of("t"),
                           .room = span_of("r"),
                           .stream = span_of(stream),
                           .offer = check_file(sdp)};
    return sl_rooms_join(s->rooms, &j, 0, &w, &refused, ret);
}

TEST(other_ways_are_participants_too)
{
    static const char publisher[] = "tests/sdp/chromium-sendonly-single.sdp",
                      viewer[] = "tests/sdp/chromium-recvonly.sdp";
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct peer *first, *second, *watcher;
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "cam", publisher, &first), E_OK);
    CHECK_STR(stage_news(s), "opened t/r\n"); /* not yet connected */
    sl_rooms_transport_up(s->rooms, first->transport, 0);
    CHECK_STR(stage_news(s), "joined cam\ntrack cam microphone\ntrack cam camera\n");

    /* Its own ghost is no news. */
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "cam", publisher, &second), E_OK);
    sl_rooms_transport_up(s->rooms, second->transport, 0);
    CHECK_STR(stage_news(s), "ended cam microphone\ntrack cam microphone\n"
                             "ended cam camera\ntrack cam camera\n");

    CHECK_INT(join(s, NEGOTIATE_WATCH, "", viewer, &watcher), E_OK);
    CHECK_STR(stage_news(s), "");
    sl_rooms_transport_up(s->rooms, watcher->transport, 0);
    sl_rooms_leave(s->rooms, watcher, MEDIA_GONE_LEFT);
    CHECK_STR(stage_news(s), "viewers 1\nviewers 0\n");

    /* A host sends it away like anybody. */
    CHECK_INT(stage_admit(s, 0, "cam", ROLE_HOST, true), E_OK);
    CHECK(strcmp(s->of[0].who->id, "cam") != 0);
    sl_rooms_mute(second, second->tracks[0], true);
    sl_participant_leave(s->rooms, second->who, MEDIA_GONE_REMOVED, "");
    stage_news(s);
    CHECK(!sl_participant_find(s->of[0].who->room, span_of("cam")));
    CHECK_INT(sl_rooms_stats(s->rooms)->gone[MEDIA_GONE_REMOVED], 1);
    room_stage_free(s);
}
