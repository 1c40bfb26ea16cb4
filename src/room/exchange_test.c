#include "check.h"
#include "room/rooms.h"
#include "room_stage.h"

/* Ann sends sound, and Bob has a transport to receive it. Who of both is told of what, so far. */
static struct room_stage *ann_and_bob(struct peer **receives)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    end_add(&s->of[0].sends, 1, MEDIA_VIDEO);
    CHECK_INT(stage_transport(s, 1, MEMBER_RECEIVES, receives), E_OK);
    return s;
}

TEST(who_receives_is_offered_first_and_all_at_once)
{
    struct peer *receives;
    struct room_stage *s = ann_and_bob(&receives);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[1].offers, 0); /* there is nothing to see */
    CHECK(!sl_room_publisher(receives->room, span_of("ann")));
    CHECK_INT(stage_speak(s, 0), E_OK);
    CHECK(sl_room_publisher(receives->room, span_of("ann")) == s->of[0].who->sends);
    sl_rooms_flush(s->rooms, 0);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[1].offers, 1);
    CHECK_INT(stage_listen(s, 1), E_OK);
    CHECK(s->of[1].receives.got[0].there && s->of[1].receives.got[1].there);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[1].offers, 1);
    room_stage_free(s);
}

/* Ann speaks, and Bob has heard the offer of it. */
static void offer_to_bob(struct room_stage *s)
{
    struct person *bob = &s->of[1];
    CHECK_INT(stage_speak(s, 0), E_OK);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(
        end_offered(&bob->receives, (struct span){(uint8_t *)bob->offer, bob->offer_n}),
        E_OK);
}

static enum err bob_answers(struct room_stage *s, struct peer *receives)
{
    struct refused refused;
    return sl_rooms_answered(s->rooms, receives, end_text(&s->of[1].receives), 0,
                             &refused);
}

TEST(what_comes_before_the_path_stands_is_offered_when_it_does)
{
    struct peer *receives;
    struct room_stage *s = ann_and_bob(&receives);
    struct person *bob = &s->of[1];
    offer_to_bob(s);
    CHECK_INT(bob_answers(s, receives), E_OK);
    end_add(&s->of[0].sends, 2, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(bob->offers, 1);
    sl_rooms_transport_up(s->rooms, receives->transport, SEC(1));
    sl_rooms_flush(s->rooms, SEC(1));
    CHECK_INT(bob->offers, 2);
    room_stage_free(s);
}

TEST(an_offer_that_nobody_answers_is_made_again)
{
    struct peer *receives;
    struct room_stage *s = ann_and_bob(&receives);
    CHECK_INT(stage_speak(s, 0), E_OK);
    sl_rooms_flush(s->rooms, 0);
    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME - 1);
    sl_rooms_flush(s->rooms, DIALOG_ANSWER_TIME - 1);
    CHECK_INT(s->of[1].offers, 1);
    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME);
    sl_rooms_flush(s->rooms, DIALOG_ANSWER_TIME);
    CHECK_INT(s->of[1].offers, 2);
    CHECK_INT(stage_listen(s, 1), E_OK);
    room_stage_free(s);
}

/* He has said all that he has to, and does not come: whatever he repeats. */
TEST(an_answer_that_comes_twice)
{
    struct peer *receives;
    struct room_stage *s = ann_and_bob(&receives);
    struct person *bob = &s->of[1];
    offer_to_bob(s);
    static const enum err want[] = {E_OK, E_STATE};
    for (size_t i = 0; i < LEN(want); i++)
        CHECK_INT(bob_answers(s, receives), want[i]);
    sl_rooms_tick(s->rooms, ROOM_CONNECT - 1);
    CHECK_STR(bob->lost, "");
    sl_rooms_tick(s->rooms, ROOM_CONNECT);
    CHECK_STR(bob->lost, "never_up");
    room_stage_free(s);
}

static struct span line_of(const struct person *p, const char *begins)
{
    const char *at = memmem(p->offer, p->offer_n, begins, strlen(begins));
    size_t n = at ? strcspn(at, "\r") : 0;
    return (struct span){(const uint8_t *)at, n};
}

TEST(an_offer_that_restarts_ice)
{
    struct peer *receives;
    char was[64], is[64];
    struct room_stage *s = ann_and_bob(&receives);
    CHECK_INT(sl_rooms_restart(receives), E_STATE); /* of what? */
    CHECK_INT(stage_speak(s, 0), E_OK);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(stage_listen(s, 1), E_OK);
    struct span line = line_of(&s->of[1], "a=ice-ufrag:");
    (void)snprintf(was, sizeof was, "%.*s", (int)line.n, (const char *)line.p);

    CHECK_INT(sl_rooms_restart(receives), E_OK);
    ml_look(&s->log);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[1].offers, 2);
    line = line_of(&s->of[1], "a=ice-ufrag:");
    (void)snprintf(is, sizeof is, "%.*s", (int)line.n, (const char *)line.p);
    CHECK(strcmp(was, is) != 0);
    CHECK_STR(is + strlen("a=ice-ufrag:"), receives->ufrag);
    CHECK(strncmp(ml_look(&s->log), "restart ", 8) == 0); /* before it is answered */
    CHECK_INT(stage_listen(s, 1), E_OK);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[1].offers, 2);
    CHECK(receives->up);
    room_stage_free(s);
}

TEST(a_wish_before_there_is_a_consumer)
{
    struct peer *receives;
    const struct rtp_wish wish = {.width = 320, .height = 180, .fps = 15};
    struct room_stage *s = ann_and_bob(&receives);
    CHECK_INT(stage_speak(s, 0), E_OK);
    const struct track *video = s->of[0].who->sends->tracks[1];
    CHECK_INT(video->params.kind, MEDIA_VIDEO);
    CHECK_INT(sl_rooms_want(receives, video, &wish), E_OK);
    CHECK(!strstr(ml_look(&s->log), "wish"));
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(stage_listen(s, 1), E_OK);
    CHECK(strstr(ml_look(&s->log), "320x180@15") != NULL);
    CHECK_INT(sl_rooms_want(s->of[0].who->sends, video, &wish), E_ABSENT);
    room_stage_free(s);
}

/* Of two voices one may be heard: who is left out makes room for the other. */
TEST(a_voice_that_is_left_out)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){.loudest = 1});
    struct peer *receives = NULL;
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(stage_admit(s, i,
                              i == 0   ? "ann"
                              : i == 1 ? "bob"
                                       : "eve",
                              ROLE_PARTICIPANT, true),
                  E_OK);
    for (size_t i = 0; i < 2; i++) {
        end_add(&s->of[i].sends, 0, MEDIA_AUDIO);
        CHECK_INT(stage_speak(s, i), E_OK);
    }
    CHECK_INT(stage_transport(s, 2, MEMBER_RECEIVES, &receives), E_OK);
    sl_rooms_flush(s->rooms, 0);
    (void)ml_look(&s->log);
    CHECK_INT(stage_listen(s, 2), E_OK);
    CHECK_STR(ml_look(&s->log), "transport 6\n"
                                "consumer 7 on 6 in 1 audio\nsource 7 from 3\n"
                                "consumer 8 on 6 in 1 audio\nsource 8 from 0\n");
    struct peer *bob = s->of[1].who->sends;
    static const struct voice speech = {9, 5, 5, 30, true};
    sl_rooms_voice(s->rooms, bob->transport, bob->tracks[0]->producer, &speech, SEC(2));
    CHECK_STR(ml_look(&s->log), "source 7 from 0\nsource 8 from 5\n");
    s->of[2].deaf_to = "microphone";
    sl_rooms_rewant(receives, bob->tracks[0]);
    CHECK_STR(ml_look(&s->log), "close consumer 8\nsource 7 from 3\n");
    room_stage_free(s);
}

/* In a room with more tracks than a description has sections, who begins to speak is given one. */
TEST(a_voice_without_a_section)
{
    enum { TRACKS = DIALOG_SECTIONS_MAX + 9 };
    static struct track tracks[TRACKS];
    static const struct voice speech = {9, 5, 5, 30, true};
    struct room_stage *s = room_stage_new(&(struct rooms_conf){.loudest = 2});
    struct peer *receives = NULL;
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    CHECK_INT(stage_speak(s, 0), E_OK);
    CHECK_INT(stage_transport(s, 1, MEMBER_RECEIVES, &receives), E_OK);
    struct peer *ann = s->of[0].who->sends;
    struct tracks *all = &ann->room->tracks;
    for (size_t i = 0; i < TRACKS; i++) {
        tracks[i] = (struct track){
            .stream = "ann", .owner = &ann->view, .params = ann->tracks[0]->params};
        (void)snprintf(tracks[i].source, sizeof tracks[i].source, "audio-%zu", i);
        sl_tracks_start(all, &tracks[i], 0);
    }
    struct track *last = &tracks[TRACKS - 1], *seated = &tracks[DIALOG_SECTIONS_MAX - 2];
    CHECK(!list_empty(&seated->slots) && list_empty(&(seated + 1)->slots));
    (void)sl_tracks_heard(all, last, &speech, SEC(2));
    CHECK(list_empty(&seated->slots) && !list_empty(&last->slots));
    CHECK(list_empty(&(seated + 1)->slots));
    CHECK_INT(receives->view.n, DIALOG_SECTIONS_MAX);
    s->of[1].deaf_to = seated->source;
    (void)sl_tracks_heard(all, seated, &speech, SEC(2));
    CHECK(list_empty(&seated->slots)); /* it is not wanted */
    for (size_t i = 0; i < TRACKS; i++)
        sl_tracks_end(all, &tracks[i]);
    CHECK_INT(receives->view.n, 1);
    room_stage_free(s);
}

TEST(a_track_that_is_left_out)
{
    struct peer *receives;
    struct room_stage *s = ann_and_bob(&receives);
    CHECK_INT(stage_speak(s, 0), E_OK);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(stage_listen(s, 1), E_OK);
    struct track *t = s->of[0].who->sends->tracks[0];
    s->of[1].deaf_to = t->source;
    sl_rooms_rewant(receives, t);
    sl_rooms_rewant(receives, t);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(s->of[1].offers, 2);
    CHECK_INT(stage_listen(s, 1), E_OK);
    CHECK_INT(receives->view.n, 1);
    s->of[1].deaf_to = NULL;
    sl_rooms_rewant(receives, t);
    sl_rooms_rewant(receives, t);
    CHECK_INT(receives->view.n, 2);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(stage_listen(s, 1), E_OK);
    CHECK(s->of[1].receives.got[0].there && s->of[1].receives.got[1].there);
    room_stage_free(s);
}
