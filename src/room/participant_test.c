#include "room/participant.h"

#include "check.h"
#include "room_stage.h"

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
        enum media_kind kind;
        bool want;
    } rows[] = {
        {"any", "", "screen", CAN_PUBLISH, MEDIA_VIDEO, true},
        {"one of them", "camera microphone", "microphone", CAN_PUBLISH, MEDIA_AUDIO,
         true},
        {"none of them", "camera microphone", "screen", CAN_PUBLISH, MEDIA_VIDEO, false},
        {"a part of a word", "screen-audio", "screen", CAN_PUBLISH, MEDIA_VIDEO, false},
        {"by a viewer", "", "camera", CAN_SUBSCRIBE, MEDIA_VIDEO, false},
        {"a picture that is no microphone", "microphone", "microphone", CAN_PUBLISH,
         MEDIA_VIDEO, false},
        {"all of a kind", "audio", "screen-audio", CAN_PUBLISH, MEDIA_AUDIO, true},
        {"none of the other", "audio", "camera", CAN_PUBLISH, MEDIA_VIDEO, false},
        {"the other by the name of one", "audio", "slides", CAN_PUBLISH, MEDIA_VIDEO,
         false},
        {"a word of the application's", "slides", "slides", CAN_PUBLISH, MEDIA_VIDEO,
         true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct participant p = {.can = rows[i].can};
        (void)snprintf(p.sources, sizeof p.sources, "%s", rows[i].sources);
        check_row(rows[i].name);
        CHECK_INT(sl_participant_may_send(&p, rows[i].kind, rows[i].source),
                  rows[i].want);
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

/* A room that was made for others has nobody who could moderate it until the first comes. */
TEST(who_comes_first_is_host_where_nobody_is_named)
{
    static const struct room_settings settings = {.empty_time = SEC(60)};
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct admission a = {.tenant = span_of("t"),
                          .room = span_of("r"),
                          .role = ROLE_PARTICIPANT,
                          .may = MAY_PUBLISH | MAY_WATCH,
                          .first_host = true,
                          .events = &stage_events};
    struct room *room;
    CHECK_INT(sl_rooms_create(s->rooms, a.tenant, a.room, &settings, 0, &room), E_OK);
    for (size_t i = 0; i < 2; i++) {
        a.ctx = &s->of[i];
        CHECK_INT(sl_participant_admit(s->rooms, &a, 0, &s->of[i].who), E_OK);
        CHECK_INT(s->of[i].who->role, i == 0 ? ROLE_HOST : ROLE_PARTICIPANT);
    }
    room_stage_free(s);
}

static enum err come(struct room_stage *s, size_t i)
{
    const struct admission a = {.tenant = span_of("t"),
                                .room = span_of("r"),
                                .role = ROLE_PARTICIPANT,
                                .may = MAY_PUBLISH | MAY_WATCH,
                                .create = true,
                                .first_host = true,
                                .heirs = true,
                                .events = &stage_events,
                                .ctx = &s->of[i]};
    return sl_participant_admit(s->rooms, &a, 0, &s->of[i].who);
}

/* A room that its host has locked is nobody's for good when he goes. */
TEST(who_follows_the_last_host)
{
    for (unsigned others = 0; others <= 2; others += 2) {
        struct room_stage *s = room_stage_new(
            &(struct rooms_conf){.empty_time = SEC(60),
                                 .limits = {.rooms = 2, .peers = 10, .room_peers = 10}});
        for (unsigned i = 0; i <= others; i++)
            CHECK_INT(come(s, i), E_OK);
        sl_rooms_lock(s->rooms, s->of[0].who->room, true);
        sl_participant_leave(s->rooms, s->of[0].who, MEDIA_GONE_LEFT, "");
        sl_rooms_flush(s->rooms, SEC(1));
        enum err e = come(s, 0);
        CHECK_INT(e, others ? E_STATE : E_OK);
        if (others) {
            CHECK_INT(s->of[1].who->role, ROLE_HOST);
            CHECK(s->of[1].who->can & CAN_MODERATE);
            CHECK_INT(s->of[2].who->role, ROLE_PARTICIPANT);
        } else if (!e) {
            CHECK_INT(s->of[0].who->role, ROLE_HOST);
        }
        room_stage_free(s);
    }
}

/* Where tokens name them, nobody becomes one by staying. */
TEST(who_is_named_host_has_no_follower)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_HOST, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    sl_participant_leave(s->rooms, s->of[0].who, MEDIA_GONE_LEFT, "");
    CHECK_INT(s->of[1].who->role, ROLE_PARTICIPANT);
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

static enum err join_by(struct room_stage *s, enum negotiate_job job, const char *stream,
                        const char *sdp, const struct claims *by, struct peer **ret)
{
    static uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused refused;
    const struct join j = {.job = job,
                           .tenant = span_of("t"),
                           .room = span_of("r"),
                           .stream = span_of(stream),
                           .offer = check_file(sdp),
                           .by = by};
    return sl_rooms_join(s->rooms, &j, 0, &w, &refused, ret);
}

static enum err join(struct room_stage *s, enum negotiate_job job, const char *stream,
                     const char *sdp, struct peer **ret)
{
    return join_by(s, job, stream, sdp, NULL, ret);
}

/* Who publishes by WHIP is bound by its token as by any other way. */
TEST(other_ways_are_bound_by_the_token)
{
    static const char publisher[] = "tests/sdp/chromium-sendonly-single.sdp";
    static const struct {
        const char *name;
        struct claims by;
        enum err want;
    } rows[] = {
        {"all", {.may = MAY_PUBLISH}, E_OK},
        {"a viewer", {.may = MAY_PUBLISH, .role = "viewer"}, E_AUTH},
        {"a role that is none", {.may = MAY_PUBLISH, .role = "king"}, E_AUTH},
        {"a voice alone", {.may = MAY_PUBLISH, .sources = "microphone"}, E_AUTH},
        {"both", {.may = MAY_PUBLISH, .sources = "microphone camera"}, E_OK},
        {"both, by kind", {.may = MAY_PUBLISH, .sources = "audio video"}, E_OK},
        {"somebody else", {.may = MAY_PUBLISH, .id = "bob"}, E_AUTH},
        {"who it is", {.may = MAY_PUBLISH, .id = "cam", .name = "Cam"}, E_OK},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
        struct peer *p;
        check_row(rows[i].name);
        CHECK_INT(join_by(s, NEGOTIATE_PUBLISH, "cam", publisher, &rows[i].by, &p),
                  rows[i].want);
        if (rows[i].want == E_OK) {
            sl_rooms_transport_up(s->rooms, p->transport, 0);
            CHECK_STR(p->who->id, "cam");
            CHECK_STR(p->who->name, rows[i].by.name[0] ? rows[i].by.name : "cam");
        } else {
            CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);
        }
        room_stage_free(s);
    }
}

/* A name in a path is anybody's, that in a token is its holder's. */
TEST(a_name_belongs_to_whom_it_was_given)
{
    static const char publisher[] = "tests/sdp/chromium-sendonly-single.sdp";
    static const struct claims bob = {.may = MAY_PUBLISH, .id = "bob"};
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct peer *p;
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "bob", publisher, &p), E_OK);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    stage_news(s);
    CHECK_INT(stage_admit(s, 0, "bob", ROLE_PARTICIPANT, true), E_OK);
    CHECK_STR(stage_news(s), "ended bob microphone\nended bob camera\nleft bob replaced\n"
                             "joined bob\n");
    CHECK_STR(s->of[0].who->id, "bob");
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "bob", publisher, &p), E_EXISTS);

    /* His encoder is he, too; of two the one that came later has another id. */
    CHECK_INT(join_by(s, NEGOTIATE_PUBLISH, "bob", publisher, &bob, &p), E_OK);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    CHECK(strcmp(p->who->id, "bob") != 0);
    sl_participant_leave(s->rooms, s->of[0].who, MEDIA_GONE_LEFT, "");
    CHECK_INT(join_by(s, NEGOTIATE_PUBLISH, "bob", publisher, &bob, &p), E_OK);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "bob", publisher, &p), E_EXISTS);
    room_stage_free(s);
}

static void up(struct room_stage *s, const struct peer *p)
{
    sl_rooms_transport_up(s->rooms, p->transport, 0);
}

/* A connection that waits while somebody comes whose name it is does not take his place. */
TEST(a_name_is_not_taken_by_who_waited)
{
    static const char publisher[] = "tests/sdp/chromium-sendonly-single.sdp";
    static const struct claims cam = {
        .may = MAY_PUBLISH, .id = "cam", .name = "The camera"};
    for (unsigned member = 0; member < 2; member++) {
        struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
        struct peer *waits, *owner;
        CHECK_INT(join(s, NEGOTIATE_PUBLISH, "cam", publisher, &waits), E_OK);
        if (member) {
            CHECK_INT(stage_admit(s, 0, "cam", ROLE_PARTICIPANT, true), E_OK);
        } else {
            CHECK_INT(join_by(s, NEGOTIATE_PUBLISH, "cam", publisher, &cam, &owner),
                      E_OK);
            up(s, owner);
        }
        stage_news(s);
        up(s, waits);
        CHECK_STR(stage_news(s), "");
        CHECK_INT(sl_rooms_stats(s->rooms)->gone[MEDIA_GONE_REPLACED], 1);
        CHECK_INT(sl_rooms_stats(s->rooms)->publishers, member ? 0 : 1);
        room_stage_free(s);
    }
}

/* Who has a name by a token is called as the token says, also where somebody had it who was let. */
TEST(who_takes_over_is_himself)
{
    static const char publisher[] = "tests/sdp/chromium-sendonly-single.sdp";
    static const struct claims cam = {
        .may = MAY_PUBLISH, .id = "cam", .name = "The camera", .sources = "audio video"};
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct peer *before, *after;
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "cam", publisher, &before), E_OK);
    up(s, before);
    sl_rooms_mute(before, before->tracks[0], true);
    stage_news(s);
    CHECK_INT(join_by(s, NEGOTIATE_PUBLISH, "cam", publisher, &cam, &after), E_OK);
    up(s, after);
    CHECK_STR(stage_news(s), "updated cam\n"
                             "ended cam microphone\ntrack cam microphone\n"
                             "ended cam camera\ntrack cam camera\n");
    CHECK_STR(after->who->id, "cam");
    CHECK_STR(after->who->name, "The camera");
    CHECK_STR(after->who->sources, "audio video");
    CHECK(after->tracks[0]->muted && !after->tracks[1]->muted); /* as a host wants it */
    CHECK_INT(join(s, NEGOTIATE_PUBLISH, "cam", publisher, &before), E_EXISTS);
    room_stage_free(s);
}

/* Hosts come into a locked room by any way, and who is there already into a full one. */
TEST(other_ways_into_a_room_that_is_locked_or_full)
{
    static const char publisher[] = "tests/sdp/chromium-sendonly-single.sdp",
                      viewer[] = "tests/sdp/chromium-recvonly.sdp";
    static const struct claims cam = {.may = MAY_PUBLISH, .id = "cam"},
                               host = {.may = MAY_PUBLISH | MAY_WATCH, .role = "host"},
                               guest = {.may = MAY_PUBLISH | MAY_WATCH};
    static const struct {
        const char *name;
        enum negotiate_job job;
        const char *stream;
        const struct claims *by;
        enum err locked, full;
    } rows[] = {
        {"a host publishes", NEGOTIATE_PUBLISH, "x", &host, E_OK, E_FULL},
        {"a host watches", NEGOTIATE_WATCH, "cam", &host, E_OK, E_FULL},
        {"the same again", NEGOTIATE_PUBLISH, "cam", &cam, E_OK, E_OK},
        {"another publishes", NEGOTIATE_PUBLISH, "x", &guest, E_STATE, E_FULL},
        {"another watches", NEGOTIATE_WATCH, "cam", &guest, E_STATE, E_FULL},
        {"nobody knows who", NEGOTIATE_WATCH, "cam", NULL, E_STATE, E_FULL},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        for (unsigned full = 0; full < 2; full++) {
            struct room_stage *s = room_stage_new(&(struct rooms_conf){
                .limits = {.rooms = 1, .peers = 10, .room_peers = full ? 1 : 9}});
            struct peer *p;
            check_row(rows[i].name);
            CHECK_INT(join_by(s, NEGOTIATE_PUBLISH, "cam", publisher, &cam, &p), E_OK);
            up(s, p);
            if (!full)
                sl_rooms_lock(s->rooms, p->room, true);
            bool publishes = rows[i].job == NEGOTIATE_PUBLISH;
            CHECK_INT(join_by(s, rows[i].job, rows[i].stream,
                              publishes ? publisher : viewer, rows[i].by, &p),
                      full ? rows[i].full : rows[i].locked);
            room_stage_free(s);
        }
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
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_HOST, true), E_OK);
    sl_rooms_mute(second, second->tracks[0], true);
    sl_participant_leave(s->rooms, second->who, MEDIA_GONE_REMOVED, "");
    stage_news(s);
    CHECK(!sl_participant_find(s->of[0].who->room, span_of("cam")));
    CHECK_INT(sl_rooms_stats(s->rooms)->gone[MEDIA_GONE_REMOVED], 1);
    room_stage_free(s);
}
