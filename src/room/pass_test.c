#include "room/pass.h"

#include "check.h"
#include "room_stage.h"

static const enum codec plain[] = {CODEC_OPUS, CODEC_VP8};
static uint8_t text[NEGOTIATE_ANSWER_MAX];

static struct room *make_room(struct room_stage *s)
{
    static const struct room_settings settings = {.empty_time = SEC(100)};
    struct room *room = NULL;
    CHECK_INT(sl_rooms_create(s->rooms, span_of("t"), span_of("r"), &settings, 0, &room),
              E_OK);
    stage_news(s);
    ml_look(&s->log);
    return room;
}

/* One who sends and sees: what most rows begin with. */
static struct pass both(const char *id)
{
    return (struct pass){.id = span_of(id),
                         .name = span_of("Ann"),
                         .role = ROLE_PARTICIPANT,
                         .sends = {"microphone", "camera"},
                         .sends_n = 2,
                         .slots = {2, 1},
                         .codecs = plain,
                         .codecs_n = LEN(plain),
                         .peer = {.hash = MEDIA_SHA256, .n = 32, .bytes = {7}},
                         .life = SEC(30)};
}

static enum err issue(struct room_stage *s, struct room *room, const struct pass *pass,
                      usec now, struct peer **ret)
{
    struct wr w = wr_of(text, sizeof text);
    enum err e = sl_pass_issue(s->rooms, room, pass, now, &w, ret);
    text[w.n < sizeof text ? w.n : 0] = '\0';
    return e;
}

static bool says(const char *line)
{
    return strstr((const char *)text, line) != NULL;
}

TEST(pass_is_an_offer_and_a_peer_that_is_expected)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass pass = both("ann");
    struct peer *p;
    CHECK_INT(issue(s, room, &pass, 0, &p), E_OK);
    CHECK_STR(ml_look(&s->log), "transport 2\n"
                                "producer 3 on 2 in 1 opus\nproducer 4 on 2 in 1 VP8\n"
                                "consumer 5 on 2 in 1 audio\nconsumer 6 on 2 in 1 audio\n"
                                "consumer 7 on 2 in 1 video\n");
    const struct media_transport *t = &s->log.transport;
    CHECK(t->single && !t->any && !t->dtls_client);
    CHECK_INT(t->peer.n, 32);
    CHECK_INT(strlen(t->pwd), 24); /* of 6 bits each */
    char line[64];
    (void)snprintf(line, sizeof line, "a=ice-ufrag:%s\r\n", t->ufrag);
    CHECK(says(line));
    (void)snprintf(line, sizeof line, "a=ice-pwd:%s\r\n", t->pwd);
    CHECK(says(line));
    CHECK(says("a=ice-lite\r\n") && says("a=setup:passive\r\n"));
    CHECK(says("a=group:BUNDLE 0 1 2 3 4\r\n"));

    /* Nobody was told; it has its place all the same. */
    CHECK_STR(stage_news(s), "");
    CHECK_INT(room->peers_n, 1);
    CHECK_INT(sl_rooms_stats(s->rooms)->passes, 1);
    room_stage_free(s);
}

TEST(pass_what_its_offer_says_of_each_section)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct pass pass = both("ann");
    struct peer *p;
    struct sdp *sdp;
    static const struct {
        enum sdp_type type;
        enum sdp_direction direction;
    } want[] = {{SDP_AUDIO, SDP_RECVONLY},
                {SDP_VIDEO, SDP_RECVONLY},
                {SDP_AUDIO, SDP_SENDONLY},
                {SDP_AUDIO, SDP_SENDONLY},
                {SDP_VIDEO, SDP_SENDONLY}};
    CHECK_INT(issue(s, make_room(s), &pass, 0, &p), E_OK);
    CHECK_INT(sl_sdp_new(span_of((const char *)text), SDP_DESCRIPTION, NULL, &sdp), E_OK);
    CHECK_INT(sdp->sections_n, LEN(want));
    for (size_t i = 0; i < LEN(want); i++) {
        char mid[8];
        (void)snprintf(mid, sizeof mid, "%zu", i);
        check_row(mid);
        CHECK_INT(sdp->sections[i].type, want[i].type);
        CHECK_INT(sdp->sections[i].direction, want[i].direction);
        CHECK(span_is(sdp->sections[i].mid, mid));
        CHECK(!sl_sdp_next(&sdp->sections[i], SDP_SIMULCAST, NULL));
        CHECK_INT(sl_sdp_next(&sdp->sections[i], SDP_SSRC, NULL) != NULL, i >= 2);
    }
    /* What the media plane sends is what the offer says. */
    const struct sdp_line *ssrc = sl_sdp_next(&sdp->sections[4], SDP_SSRC, NULL);
    CHECK_INT(ssrc->ssrc.ssrc, s->log.send.ssrc);
    CHECK_STR(s->log.send.params.mid, "4");
    sl_sdp_free(sdp);
    room_stage_free(s);
}

TEST(pass_of_a_camera_in_layers)
{
    static const struct {
        unsigned layers;
        const char *line; /* "": there is none */
        unsigned encodings;
        const char *first;
    } rows[] = {{0, "", 1, ""},
                {1, "", 1, ""},
                {2, "a=simulcast:recv h;f\r\n", 2, "h"},
                {3, "a=simulcast:recv q;h;f\r\n", 3, "q"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
        struct pass pass = both("ann");
        struct peer *p;
        check_row(rows[i].line);
        pass.layers = rows[i].layers;
        CHECK_INT(issue(s, make_room(s), &pass, 0, &p), E_OK);
        CHECK_INT(says("a=simulcast:recv"), rows[i].line[0] != '\0');
        CHECK(says(rows[i].line));
        CHECK_INT(p->tracks[0]->encodings_n, 1); /* a voice has none */
        CHECK_INT(p->tracks[1]->encodings_n, rows[i].encodings);
        CHECK_STR(p->tracks[1]->rids[0], rows[i].first);
        CHECK_INT(p->tracks[1]->params.ext_id[EXT_RID] != 0, rows[i].encodings > 1);
        CHECK_INT(p->view.slots[2]->params.ext_id[EXT_RID], 0);
        room_stage_free(s);
    }
}

static struct pass with_viewer(void)
{
    struct pass p = both("");
    p.role = ROLE_VIEWER;
    return p;
}

TEST(pass_that_is_refused)
{
    static char longer[METADATA_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    struct pass none = both("ann"), codec = none, name = none, label = none,
                metadata = none, many = none, source = none, viewer = with_viewer(),
                too_many = none, watches = viewer;
    none.sends_n = none.slots[0] = none.slots[1] = 0;
    codec.codecs_n = 1;
    name.id = span_of(".ann");
    label.name = (struct span){(const uint8_t *)longer, LABEL_MAX + 1};
    metadata.metadata = span_of(longer);
    many.slots[0] = PASS_SLOTS_MAX + 1;
    too_many.sends_n = PASS_SENDS_MAX + 1;
    source.sends[0] = "telescope";
    watches.sends_n = 0;
    const struct {
        const char *name;
        const struct pass *pass;
        enum err want;
    } rows[] = {
        {"nothing to send or to see", &none, E_UNSUPPORTED},
        {"pictures, without a codec for them", &codec, E_UNSUPPORTED},
        {"more slots than may be", &many, E_UNSUPPORTED},
        {"more tracks than may be", &too_many, E_UNSUPPORTED},
        {"a source that nobody knows", &source, E_UNSUPPORTED},
        {"an id that is no name", &name, E_DENIED},
        {"a name that is too long", &label, E_DENIED},
        {"metadata that are too long", &metadata, E_DENIED},
        {"a viewer that sends", &viewer, E_DENIED},
        {"a viewer that sees", &watches, E_OK},
    };
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct peer *p;
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(issue(s, room, rows[i].pass, 0, &p), rows[i].want);
        CHECK_INT(room->peers_n, rows[i].want == E_OK);
        CHECK_INT(strlen(ml_look(&s->log)) > 0, rows[i].want == E_OK);
    }
    room_stage_free(s);
}

TEST(pass_is_good_for_as_long_as_it_says)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass pass = both("ann");
    struct peer *p;
    CHECK_INT(issue(s, room, &pass, SEC(100), &p), E_OK);
    uint64_t transport = p->transport;
    ml_look(&s->log);
    CHECK_INT(sl_rooms_deadline(s->rooms), SEC(130));
    sl_rooms_tick(s->rooms, SEC(130) - 1);
    CHECK_INT(room->peers_n, 1);
    sl_rooms_tick(s->rooms, SEC(130));
    CHECK_INT(room->peers_n, 0);
    CHECK_STR(ml_look(&s->log), "close transport 2\n");
    CHECK_STR(stage_news(s), "");
    const struct rooms_stats *st = sl_rooms_stats(s->rooms);
    CHECK_INT(st->passes, 0);
    CHECK_INT(st->passes_expired, 1);
    CHECK_INT(st->passes_used, 0);
    sl_rooms_transport_up(s->rooms, transport, SEC(131)); /* too late */
    CHECK_STR(stage_news(s), "");
    room_stage_free(s);
}

TEST(pass_whose_holder_comes_is_a_participant)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann"), eve = both("eve"), vic = with_viewer();
    struct peer *a, *e, *v;
    vic.sends_n = 0;
    ann.metadata = span_of("{}");
    ann.role = ROLE_HOST;
    CHECK_INT(issue(s, room, &ann, 0, &a), E_OK);
    CHECK_INT(issue(s, room, &eve, 0, &e), E_OK);
    CHECK_INT(issue(s, room, &vic, 0, &v), E_OK);
    ml_look(&s->log);
    sl_rooms_transport_up(s->rooms, a->transport, SEC(29));
    CHECK_STR(stage_news(s), "joined ann\ntrack ann microphone\ntrack ann camera\n");
    CHECK_STR(a->who->name, "Ann");
    CHECK_STR(a->who->metadata, "{}");
    CHECK(a->who->role == ROLE_HOST && a->who->sends == a && a->who->receives == a);
    CHECK(!a->guest);
    /* The others see it as soon as it is there; it does not see itself. */
    CHECK_STR(ml_look(&s->log), "source 11 from 3\nsource 15 from 3\n"
                                "source 13 from 4\nsource 17 from 4\n");
    sl_rooms_transport_up(s->rooms, e->transport, SEC(29));
    CHECK_STR(stage_news(s), "joined eve\ntrack eve microphone\ntrack eve camera\n");
    CHECK_STR(ml_look(&s->log), "source 5 from 9\nsource 16 from 9\nsource 7 from 10\n");
    sl_rooms_transport_up(s->rooms, v->transport, SEC(29));
    CHECK_STR(stage_news(s), "viewers 1\n");
    sl_rooms_tick(s->rooms, SEC(1000)); /* they stay, however old their passes are */
    const struct rooms_stats *st = sl_rooms_stats(s->rooms);
    CHECK_INT(st->passes, 0);
    CHECK_INT(st->passes_used, 3);
    CHECK_INT(st->passes_expired, 0);
    sl_participant_leave(s->rooms, a->who, MEDIA_GONE_REMOVED, "");
    CHECK_INT(room->peers_n, 2);
    CHECK_INT(st->passes, 0);
    room_stage_free(s);
}

TEST(pass_whose_holder_was_there_already)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann");
    struct peer *first, *second;
    CHECK_INT(issue(s, room, &ann, 0, &first), E_OK);
    sl_rooms_transport_up(s->rooms, first->transport, 0);
    CHECK_INT(issue(s, room, &ann, 0, &second), E_OK);
    CHECK_INT(room->peers_n, 2);
    stage_news(s);
    sl_rooms_transport_up(s->rooms, second->transport, 0); /* its own ghost goes */
    CHECK_STR(stage_news(s), "ended ann microphone\ntrack ann microphone\n"
                             "ended ann camera\ntrack ann camera\n");
    CHECK_INT(room->peers_n, 1);
    CHECK(second->who->sends == second && second->who->receives == second);
    sl_rooms_leave(s->rooms, second, MEDIA_GONE_CLOSED);
    CHECK(list_empty(&room->participants));
    room_stage_free(s);
}

TEST(pass_where_the_name_is_anothers)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann");
    struct peer *p;
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, false), E_OK);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    CHECK(sl_participant_find(room, span_of("ann")) == s->of[0].who);
    CHECK(strlen(p->who->id) == 10 && p->who != s->of[0].who);
    room_stage_free(s);
}

TEST(pass_goes_with_its_room)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann");
    struct peer *p;
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    uint64_t transport = p->transport;
    ml_look(&s->log);
    sl_rooms_close(s->rooms, room, "");
    CHECK_STR(ml_look(&s->log), "close transport 2\n");
    const struct rooms_stats *st = sl_rooms_stats(s->rooms);
    CHECK_INT(st->passes, 0);
    CHECK_INT(st->passes_used + st->passes_expired, 0);
    sl_rooms_transport_up(s->rooms, transport, 0);
    CHECK_STR(stage_news(s), "closed t/r\n");
    room_stage_free(s);
}

TEST(pass_that_is_revoked)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s), *other = NULL;
    static const struct room_settings settings = {.empty_time = SEC(100)};
    struct pass ann = both("ann"), vic = with_viewer();
    struct peer *waits, *used, *viewer;
    vic.sends_n = 0;
    CHECK_INT(
        sl_rooms_create(s->rooms, span_of("t"), span_of("r2"), &settings, 0, &other),
        E_OK);
    CHECK_INT(issue(s, room, &ann, 0, &waits), E_OK);
    ann.id = span_of("bob");
    CHECK_INT(issue(s, room, &ann, 0, &used), E_OK);
    CHECK_INT(issue(s, room, &vic, 0, &viewer), E_OK);
    sl_rooms_transport_up(s->rooms, used->transport, 0);
    uint64_t id = waits->transport;
    CHECK_INT(stage_admit(s, 0, "eve", ROLE_PARTICIPANT, false), E_OK);
    stage_news(s);
    CHECK_INT(sl_pass_revoke(s->rooms, other, id), E_ABSENT); /* of another room */
    CHECK_INT(sl_pass_revoke(s->rooms, room, id + 1000), E_ABSENT);
    CHECK_INT(sl_pass_revoke(s->rooms, room, id), E_OK);
    CHECK_INT(sl_pass_revoke(s->rooms, room, id), E_ABSENT);
    CHECK_STR(stage_news(s), "");
    CHECK_INT(sl_pass_revoke(s->rooms, room, viewer->transport), E_OK);
    CHECK_INT(sl_pass_revoke(s->rooms, room, used->transport), E_OK);
    CHECK_STR(stage_news(s),
              "ended bob microphone\nended bob camera\nleft bob revoked\n");
    const struct rooms_stats *st = sl_rooms_stats(s->rooms);
    CHECK_INT(st->passes, 0);
    CHECK_INT(st->passes_expired, 0);
    CHECK_INT(st->gone[MEDIA_GONE_REVOKED], 3);
    CHECK_INT(room->peers_n, 1); /* eve, who has none */
    room_stage_free(s);
}

TEST(passes_of_one_peer_are_revoked)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann"), bob = both("bob");
    struct peer *in, *p;
    CHECK_INT(issue(s, room, &ann, 0, &in), E_OK);
    sl_rooms_transport_up(s->rooms, in->transport, 0);
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK_INT(issue(s, room, &bob, 0, &p), E_OK);
    CHECK_INT(sl_pass_revoke_all(s->rooms, room, span_of("eve"), true), 0);
    CHECK_INT(sl_pass_revoke_all(s->rooms, room, span_of("ann"), false), 2);
    CHECK(sl_participant_find(room, span_of("ann")) != NULL);
    CHECK_INT(sl_pass_revoke_all(s->rooms, room, span_of("ann"), true), 1);
    CHECK(sl_participant_find(room, span_of("ann")) == NULL);
    CHECK_INT(room->peers_n, 1);

    /* Who is sent away is not back by one that was made before. */
    CHECK_INT(issue(s, room, &ann, 0, &in), E_OK);
    sl_rooms_transport_up(s->rooms, in->transport, 0);
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK_INT(sl_rooms_stats(s->rooms)->passes, 2);
    sl_participant_leave(s->rooms, in->who, MEDIA_GONE_REMOVED, "");
    CHECK_INT(sl_rooms_stats(s->rooms)->passes, 1);
    CHECK_INT(room->peers_n, 1);
    room_stage_free(s);
}

TEST(pass_for_a_room_that_is_not_there)
{
    static const struct {
        const char *name;
        bool hosts_create;
        enum role role;
        size_t sends;
        enum err want;
    } rows[] = {
        {"anybody makes one", false, ROLE_PARTICIPANT, 2, E_OK},
        {"hosts alone make one", true, ROLE_PARTICIPANT, 2, E_ABSENT},
        {"which this is", true, ROLE_HOST, 2, E_OK},
        {"more than may be sent", false, ROLE_HOST, PASS_SENDS_MAX + 1, E_UNSUPPORTED},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct room_stage *s =
            room_stage_new(&(struct rooms_conf){.hosts_create = rows[i].hosts_create});
        struct pass ann = both("ann");
        struct wr w = wr_of(text, sizeof text);
        struct peer *p;
        check_row(rows[i].name);
        ann.role = rows[i].role;
        ann.sends_n = rows[i].sends;
        CHECK_INT(sl_pass_issue_in(s->rooms, span_of("t"), span_of("r"), &ann, 0, &w, &p),
                  rows[i].want);
        CHECK_INT(sl_rooms_stats(s->rooms)->rooms, rows[i].want == E_OK);
        if (rows[i].want == E_OK)
            CHECK_INT(sl_pass_revoke(s->rooms, p->room, p->transport), E_OK);
        CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);
        room_stage_free(s);
    }
}

TEST(pass_with_another_certificate_is_spent)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann");
    struct peer *p;
    ann.peer.n = 0; /* nothing was announced */
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK(s->log.transport.any && s->log.transport.single);
    sl_rooms_transport_gone(s->rooms, p->transport, MEDIA_GONE_HANDSHAKE);
    CHECK_INT(sl_rooms_stats(s->rooms)->passes, 0);
    CHECK_INT(sl_rooms_stats(s->rooms)->gone[MEDIA_GONE_HANDSHAKE], 1);
    CHECK_INT(room->peers_n, 0);
    room_stage_free(s);
}

TEST(pass_needs_its_place)
{
    struct room_stage *s = room_stage_new(
        &(struct rooms_conf){.limits = {.rooms = 1, .peers = 10, .room_peers = 2}});
    struct room *room = make_room(s);
    struct pass ann = both("ann"), bob = both("bob"), eve = both("eve");
    struct peer *p;
    room->settings.publishers_max = 1;
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK_INT(issue(s, room, &bob, 0, &p), E_FULL); /* publishes, too */
    bob.sends_n = 0;
    sl_rooms_lock(s->rooms, room, true);
    CHECK_INT(issue(s, room, &bob, 0, &p), E_STATE);
    bob.role = ROLE_HOST;
    CHECK_INT(issue(s, room, &bob, 0, &p), E_OK);
    eve.sends_n = 0;
    eve.role = ROLE_HOST;
    CHECK_INT(issue(s, room, &eve, 0, &p), E_FULL); /* passes keep places */
    sl_rooms_tick(s->rooms, SEC(30));
    CHECK_INT(issue(s, room, &eve, SEC(30), &p), E_OK);
    room_stage_free(s);
}

TEST(pass_for_who_publishes_needs_no_second_place)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass ann = both("ann"), bob = both("bob");
    struct peer *p;
    room->settings.publishers_max = 1;
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
    CHECK_INT(issue(s, room, &bob, 0, &p), E_FULL);
    CHECK_INT(sl_rooms_stats(s->rooms)->refused_publishers, 1);
    room_stage_free(s);
}

TEST(passes_that_nobody_uses_are_limited)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){
        .limits = {.rooms = 1, .peers = PASSES_MAX + 10, .room_peers = PASSES_MAX + 10}});
    struct room *room = make_room(s);
    struct pass any = both("");
    struct peer *p;
    any.sends_n = 0;
    for (size_t i = 0; i < PASSES_MAX; i++)
        CHECK_INT(issue(s, room, &any, 0, &p), E_OK);
    CHECK_INT(issue(s, room, &any, 0, &p), E_FULL);
    sl_rooms_transport_up(s->rooms, p->transport, 0);
    CHECK_INT(issue(s, room, &any, 0, &p), E_OK);
    CHECK_INT(issue(s, room, &any, 0, &p), E_FULL);
    room_stage_free(s);
}

TEST(pass_where_the_media_plane_fails)
{
    static const char *const lines[] = {"transport", "producer", "consumer"};
    for (size_t i = 0; i < LEN(lines); i++) {
        struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
        struct room *room = make_room(s);
        struct pass ann = both("ann");
        struct peer *p;
        check_row(lines[i]);
        s->log.fail = lines[i];
        s->log.with = E_FULL;
        CHECK_INT(issue(s, room, &ann, 0, &p), E_FULL);
        CHECK_INT(room->peers_n, 0);
        CHECK_INT(sl_rooms_stats(s->rooms)->passes, 0);
        CHECK_INT(issue(s, room, &ann, 0, &p), E_OK);
        room_stage_free(s);
    }
}

/* It would be two of one name, or another name than was answered. */
TEST(pass_for_a_name_that_is_taken)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    struct room *room = make_room(s);
    struct pass pass = both("ann");
    struct peer *p;
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(issue(s, room, &pass, 0, &p), E_EXISTS);
    pass.id = span_of("bob");
    CHECK_INT(issue(s, room, &pass, 0, &p), E_OK);
    room_stage_free(s);
}
