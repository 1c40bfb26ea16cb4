#include "api/rooms_session.h"
#include "hall_stage.h"

#define BOTH "{'b0':{'source':'microphone'},'b1':{'source':'screen','name':'Slides'}}"

/* Ann sends sound and a picture, and Bob sees them. */
static struct hall_stage *ann_and_bob(const char *tracks)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_join(s, 1, "participant:bob");
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    end_add(&s->of[0].sends, 1, MEDIA_VIDEO);
    s->of[1].said[0] = '\0';
    hall_send_media(s, 0, tracks);
    return s;
}

/* The public id of the nth track of Ann. */
static const char *track_id(const struct hall_stage *s, size_t n)
{
    static char id[TRACK_ID_CAP];
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    const struct participant *ann = sl_participant_find(room, span_of("ann"));
    sl_track_id(ann->sends->tracks[n], id);
    return id;
}

/* The text with that id in the place of "%s". */
static const char *about(const struct hall_stage *s, const char *text, size_t n)
{
    static char ret[256];
    const char *at = strstr(text, "%s");
    (void)snprintf(ret, sizeof ret, "%.*s%s%s", (int)(at - text), text, track_id(s, n),
                   at + 2);
    return ret;
}

TEST(from_one_to_the_other)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    char want[64];
    CHECK(hall_heard(s, 0, about(s, "\"tracks\":{\"b0\":\"%s\"", 0)));
    CHECK(hall_heard(s, 1, "\"kind\":\"audio\",\"source\":\"microphone\""));
    CHECK(hall_heard(s, 1, "\"source\":\"screen\",\"name\":\"Slides\""));
    CHECK(hall_heard(s, 1, "{\"type\":\"offer\",\"offer\":1,"));
    (void)snprintf(want, sizeof want, "{\"peer\":\"ann\",\"track\":\"%s\"}",
                   track_id(s, 1));
    CHECK(hall_heard(s, 1, want));
    CHECK(hall_heard(s, 1, about(s, "a=msid:ann %s", 0)));
    CHECK(!hall_heard(s, 0, "\"type\":\"offer\"")); /* nobody sees himself */
    hall_receive_media(s, 1, "1");
    CHECK(hall_heard(s, 1, "{\"type\":\"done\",\"id\":8}"));
    CHECK(s->of[1].receives.got[0].there && s->of[1].receives.got[1].there);
    CHECK(strstr(hall_say(s, 1, "{'type':'answer','offer':1,'sdp':'v=0'}", 0), "sdp") ||
          hall_heard(s, 1, "stale")); /* nobody asked again */
    hall_stage_free(s);
}

TEST(an_answer_to_an_older_offer)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    CHECK(strstr(hall_say(s, 1, "{'type':'answer','offer':2,'sdp':''}", 0), "stale") !=
          NULL);
    hall_stage_free(s);
}

TEST(mute_and_its_news)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    hall_receive_media(s, 1, "1");
    ml_look(&s->log);
    hall_say(s, 0, about(s, "{'type':'mute','id':1,'track':'%s','muted':true}", 0), 0);
    CHECK(hall_heard(s, 1, "\"track_updated\"") && hall_heard(s, 1, "\"muted\":true"));
    CHECK(strstr(ml_look(&s->log), "from 0") != NULL); /* nothing is sent of it */
    hall_say(s, 0, about(s, "{'type':'mute','id':1,'track':'%s','muted':false}", 0), 0);
    CHECK(!strstr(ml_look(&s->log), "from 0"));

    /* By another, who may; only the owner takes that back. */
    hall_say(s, 0, "{'type':'role','peer':'bob','role':'host'}", 0);
    hall_say(s, 1, about(s, "{'type':'mute','peer':'ann','track':'%s','muted':true}", 0),
             0);
    CHECK(hall_heard(s, 0,
                     about(s,
                           "{\"type\":\"muted\",\"track\":\"%s\",\"muted\":true,"
                           "\"by\":\"bob\"}",
                           0)));
    hall_stage_free(s);
}

TEST(a_track_that_begins_muted)
{
    struct hall_stage *s = ann_and_bob("{'b0':{'muted':true}}");
    CHECK(hall_heard(s, 1,
                     "\"source\":\"microphone\",\"name\":\"\",\"metadata\":\"\","
                     "\"muted\":true"));
    CHECK(hall_heard(s, 1, "\"source\":\"camera\"")); /* what nobody named */
    hall_stage_free(s);
}

/* Sections come and go all day long: what is said of those that are sent is kept, and no more. */
TEST(sections_that_are_over_make_room)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    for (unsigned i = 0; i < 4; i++) {
        char tracks[512] = "{";
        for (unsigned k = 0; k < 20; k++)
            (void)snprintf(tracks + strlen(tracks), sizeof tracks - strlen(tracks),
                           "%s'%c%u':{}", k > 0 ? "," : "", 'c' + (int)i, k);
        hall_send_media(s, 0, strcat(tracks, "}"));
        CHECK(hall_heard(s, 0, "\"type\":\"answer\""));
    }
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    const struct participant *ann = sl_participant_find(room, span_of("ann"));
    const struct rooms_session *session = sl_rooms_session_of(ann);
    CHECK(session->said->n <= 22);
    CHECK_STR(session->said->sections[1].source, "screen");
    hall_stage_free(s);
}

TEST(what_a_role_may_not_send)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    hall_say(s, 0, "{'type':'role','peer':'ann','role':'viewer'}", 0);
    CHECK(hall_heard(s, 1, "\"track_ended\"") && hall_heard(s, 1, "\"reason\":\"role\""));
    CHECK(hall_heard(s, 0, "\"role\":\"viewer\""));
    CHECK(strstr(hall_say(s, 0, "{'type':'offer','tracks':" BOTH ",'sdp':''}", 0),
                 "forbidden") != NULL);

    /* What it has may be agreed anew, and shows nobody anything. */
    s->of[1].said[0] = '\0';
    end_add(&s->of[0].sends, 2, MEDIA_VIDEO);
    hall_send_media(s, 0, "{}");
    CHECK(hall_heard(s, 0, "\"type\":\"answer\""));
    CHECK(!hall_heard(s, 1, "\"track_started\""));
    hall_stage_free(s);
}

/* A connection for the messages that it reads, and for nothing else. */
TEST(sections_that_a_viewer_may_offer)
{
    static const struct {
        const char *name, *sections;
        bool may;
    } rows[] = {
        {"none", "", false},
        {"data", "m=application 9\\na=mid:0\\n", true},
        {"sound", "m=audio 9\\na=mid:0\\n", false},
        {"sound, then data", "m=audio 9\\na=sendonly\\nm=application 9\\n", false},
        {"data, then sound", "m=application 9\\nm=audio 9\\na=sendrecv\\n", false},
        {"what was refused, and data",
         "m=video 9\\na=inactive\\na=mid:0\\nm=application 9\\n", true},
        {"more than was refused",
         "m=video 9\\na=inactive\\nm=audio 9\\nm=application 9\\n", false},
        {"all inactive but the last", "a=inactive\\nm=application 9\\nm=audio 9", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hall_stage *s = hall_stage_new();
        char say[256];
        check_row(rows[i].name);
        hall_join(s, 0, "viewer:eve");
        (void)snprintf(say, sizeof say, "{'type':'offer','sdp':'v=0\\n%s'}",
                       rows[i].sections);
        const char *said = hall_say(s, 0, say, 0);
        CHECK_INT(strstr(said, "\"forbidden\"") == NULL, rows[i].may);
        hall_stage_free(s);
    }
}

TEST(what_a_viewer_may_offer)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    hall_join(s, 2, "viewer:eve");
    end_add(&s->of[2].sends, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&s->of[2].sends), E_OK);
    hall_describe(s, 2, "\"offer\",\"id\":7", &s->of[2].sends, "");
    CHECK(hall_heard(s, 2, "{\"type\":\"error\",\"id\":7,\"code\":\"forbidden\""));
    end_fini(&s->of[2].sends);
    end_init_with(&s->of[2].sends, 9, true);
    hall_send_media(s, 2, "{}");
    CHECK(hall_heard(s, 2, "\"type\":\"answer\"") && hall_heard(s, 2, "m=application"));
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    CHECK_INT(room->viewers_n, 1);
    CHECK(strstr(hall_say(s, 2, "{'type':'offer','tracks':" BOTH ",'sdp':''}", 0),
                 "forbidden") != NULL);
    hall_stage_free(s);
}

/* Whoever may send a voice alone sends no picture by calling it one. */
TEST(a_picture_is_no_microphone)
{
    struct hall_stage *s = hall_stage_new();
    hall_join(s, 0, "host:ann");
    hall_join(s, 1, "participant:bob");
    struct participant *ann = sl_participant_find(
        sl_rooms_room(s->rooms, span_of("t"), span_of("r")), span_of("ann"));
    (void)snprintf(ann->sources, sizeof ann->sources, "microphone");
    end_add(&s->of[0].sends, 0, MEDIA_AUDIO);
    end_add(&s->of[0].sends, 1, MEDIA_VIDEO);
    hall_send_media(s, 0, "{'b0':{'source':'microphone'},'b1':{'source':'microphone'}}");
    CHECK(hall_heard(s, 1, "\"kind\":\"audio\""));
    CHECK(!hall_heard(s, 1, "\"kind\":\"video\""));
    hall_stage_free(s);
}

TEST(what_one_wants_to_see)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    hall_receive_media(s, 1, "1");
    ml_look(&s->log);
    hall_say(s, 1,
             about(s, "{'type':'want','id':1,'track':'%s','width':640,'height':360}", 1),
             0);
    CHECK(hall_heard(s, 1, "done"));
    CHECK(strstr(ml_look(&s->log), "640x360@0") != NULL);

    hall_say(s, 1, about(s, "{'type':'subscribe','id':1,'track':'%s','on':false}", 1), 0);
    CHECK(hall_heard(s, 1, "{\"type\":\"offer\",\"offer\":2,"));
    hall_receive_media(s, 1, "2");
    CHECK(!s->of[1].receives.got[1].there);
    hall_say(s, 1, about(s, "{'type':'subscribe','id':1,'track':'%s','on':true}", 1), 0);
    hall_receive_media(s, 1, "3");
    CHECK(s->of[1].receives.got[0].there && s->of[1].receives.got[1].there);
    hall_stage_free(s);
}

/* Of which there is no end in a long day: those that are over are not counted. */
TEST(tracks_that_were_left_out_and_ended)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    struct rooms_session *bob =
        sl_rooms_session_of(sl_participant_find(room, span_of("bob")));
    static const char off[] = "{'type':'subscribe','id':1,'track':'%s','on':false}";
    for (uint64_t over = 1; bob->out_n < ROOMS_OUT_MAX - 1; over++)
        bob->out[bob->out_n++] = over << 32;
    CHECK(strstr(hall_say(s, 1, about(s, off, 0), 0), "done") != NULL);
    CHECK_INT(bob->out_n, ROOMS_OUT_MAX);
    CHECK(strstr(hall_say(s, 1, about(s, off, 1), 0), "done") != NULL);
    CHECK_INT(bob->out_n, 2);
    hall_say(s, 1, about(s, "{'type':'subscribe','track':'%s','on':true}", 0), 0);
    CHECK_INT(bob->out_n, 1);
    hall_stage_free(s);
}

/* What it said with it was never said: of what it sends, and of what it may send later. */
TEST(an_offer_that_is_refused_says_nothing)
{
    static const char sdp[] = "'sdp':'v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 "
                              "0\\r\\n'";
    struct hall_stage *s = ann_and_bob(BOTH);
    char say[512];
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    const struct participant *ann = sl_participant_find(room, span_of("ann"));
    (void)snprintf(say, sizeof say,
                   "{'type':'offer','id':1,%s,'tracks':{'b0':{'muted':true},'b1':"
                   "{'source':'camera','name':'Face'},'b2':{}}}",
                   sdp);
    CHECK(strstr(hall_say(s, 0, say, 0), "\"type\":\"error\",\"id\":1") != NULL);
    const struct rooms_said *said = sl_rooms_session_of(ann)->said;
    CHECK_INT(said->n, 2);
    CHECK(!said->sections[0].muted);
    CHECK_STR(said->sections[1].source, "screen");
    s->of[1].said[0] = '\0';
    hall_say(s, 0, "{'type':'role','peer':'ann','role':'participant'}", 0);
    CHECK(!hall_heard(s, 1, "camera") && !hall_heard(s, 1, "Face"));
    hall_stage_free(s);
}

TEST(connections_that_end_and_begin_again)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    hall_receive_media(s, 1, "1");
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    const struct participant *bob = sl_participant_find(room, span_of("bob"));
    sl_rooms_transport_gone(s->rooms, bob->receives->transport, MEDIA_GONE_CONSENT);
    CHECK(hall_heard(s, 1,
                     "{\"type\":\"gone\",\"of\":\"receive\",\"reason\":\"consent\"}"));
    end_fini(&s->of[1].receives);
    end_init(&s->of[1].receives, 9);
    hall_say(s, 1, "{'type':'restart','id':1,'of':'receive'}", 0);
    CHECK(hall_heard(s, 1, "{\"type\":\"offer\",\"offer\":2,"));
    hall_receive_media(s, 1, "2");
    CHECK(s->of[1].receives.got[0].there && s->of[1].receives.got[1].there);
    hall_stage_free(s);
}

TEST(an_offer_that_was_lost_with_its_line)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    char again[128];
    const struct room *room = sl_rooms_room(s->rooms, span_of("t"), span_of("r"));
    const struct participant *bob = sl_participant_find(room, span_of("bob"));
    const struct rooms_session *session = sl_rooms_session_of(bob);
    hall_closed(s, 1, 1006, 0);
    hall_open(s, 2, "", 0);
    (void)snprintf(again, sizeof again, "{'type':'resume','v':1,'resume':'%s'}",
                   session->resume.text);
    hall_say(s, 2, again, 0);
    CHECK(hall_heard(s, 2, "{\"type\":\"offer\",\"offer\":2,"));
    hall_receive_media(s, 2, "2");
    CHECK(s->of[2].receives.got[0].there);
    hall_stage_free(s);
}

/* Whether or not he says what it would be. */
TEST(as_many_publish_as_may)
{
    static const char *const tails[] = {"", ",\"tracks\":{\"f1\":{\"name\":\"mine\"}}"};
    static const char want[] =
        "{\"type\":\"error\",\"id\":7,\"code\":\"full\",\"detail\":\"publishers\"}";
    struct hall_stage *s = ann_and_bob(BOTH);
    struct room *room = sl_rooms_find(s->rooms, span_of("t"), span_of("r"));
    const struct participant *bob = sl_participant_find(room, span_of("bob"));
    struct end *e = &s->of[1].sends;
    room->settings.publishers_max = 1;
    end_fini(e);
    end_init_with(e, 5, true);
    hall_send_media(s, 1, "{}"); /* data alone */
    end_add(e, 0, MEDIA_AUDIO);
    for (size_t i = 0; i < LEN(tails); i++) {
        check_row(tails[i]);
        sl_dialog_expire(e->dialog);
        CHECK_INT(end_offer(e), E_OK);
        hall_describe(s, 1, "\"offer\",\"id\":7", e, tails[i]);
        CHECK(hall_heard(s, 1, want));
        CHECK_INT(sl_rooms_hall_stats(s->hall)->refused, i + 1);
        CHECK(bob->sends && bob->sends->up);
    }
    end_add(&s->of[0].sends, 2, MEDIA_AUDIO); /* Ann does already */
    hall_send_media(s, 0, "{}");
    CHECK(hall_heard(s, 0, "\"type\":\"answer\""));
    room->settings.publishers_max = 2;
    sl_dialog_expire(e->dialog);
    hall_send_media(s, 1, "{}");
    CHECK(hall_heard(s, 1, "\"type\":\"answer\""));
    hall_stage_free(s);
}

TEST(one_connection_for_both_ways)
{
    struct hall_stage *s = ann_and_bob(BOTH);
    hall_open(s, 2, "participant:eve", 0);
    hall_say(s, 2, "{'type':'join','v':1,'connections':1}", 0);
    CHECK(!hall_heard(s, 2, "\"type\":\"offer\""));
    end_add(&s->of[2].sends, 0, MEDIA_AUDIO);
    hall_send_media(s, 2, "{}");
    CHECK(hall_heard(s, 2, "{\"type\":\"offer\",\"offer\":1,"));
    end_add(&s->of[2].sends, 1, MEDIA_AUDIO); /* both have something to say */
    CHECK_INT(end_offer(&s->of[2].sends), E_OK);
    char tail[] = "";
    hall_describe(s, 2, "\"offer\",\"id\":7", &s->of[2].sends, tail);
    CHECK(hall_heard(s, 2, "{\"type\":\"error\",\"id\":7,\"code\":\"glare\""));
    hall_stage_free(s);
}
