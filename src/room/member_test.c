#include "room/member.h"

#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "dialogs.h"
#include "media_log.h"
#include "room/room.h"

/* A room with members, each of which has another end. Ids count from 1, which is the room. */
struct stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct client {
        struct end end;
        struct peer *peer;
        const char *source; /* of whatever it sends */
        unsigned offers, gone;
        char text[1 << 16];
        size_t text_n;
    } of[3];
};

static const char *source(void *ctx, struct peer *p, const struct track *track)
{
    const struct client *c = ctx;
    (void)p;
    (void)track;
    return c->source;
}

static bool wants(void *ctx, const struct peer *p, const struct track *track)
{
    (void)ctx;
    (void)p;
    (void)track;
    return true;
}

static void name(void *ctx, const struct peer *p, const struct track *track,
                 struct dialog_slot *slot)
{
    (void)ctx;
    (void)p;
    (void)snprintf(slot->stream, sizeof slot->stream, "%s", track->stream);
    (void)snprintf(slot->track, sizeof slot->track, "%s-%s", track->stream,
                   track->source);
}

static void offer(void *ctx, struct peer *p, struct span sdp)
{
    struct client *c = ctx;
    (void)p;
    c->offers++;
    CHECK(sdp.n < sizeof c->text);
    memcpy(c->text, sdp.p, sdp.n);
    c->text_n = sdp.n;
}

static void up(void *ctx, struct peer *p, usec now)
{
    (void)ctx;
    (void)now;
    CHECK(p->up);
}

static void gone(void *ctx, struct peer *p, enum media_gone why)
{
    struct client *c = ctx;
    (void)p;
    (void)why;
    c->gone++;
    c->peer = NULL;
}

static void heard(void *ctx, struct peer *p, const struct track *track,
                  const struct voice *voice, usec now)
{
    (void)ctx;
    (void)p;
    (void)track;
    (void)voice;
    (void)now;
}

static const struct member_events events = {source, wants, name, offer, up, gone, heard};

static struct stage *stage_new(void)
{
    static const uint8_t sha256[32] = {9};
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(3);
    const struct rooms_conf conf = {
        .media = ml_ops(&s->log),
        .random = {end_fill, &s->rng},
        .limits = {.rooms = 2, .peers = 10, .room_peers = 10},
        .local = {.sha256 = sha256},
    };
    s->rooms = sl_rooms_new(&conf);
    for (size_t i = 0; i < LEN(s->of); i++) {
        end_init(&s->of[i].end, i + 1);
        s->of[i].source = "microphone";
    }
    return s;
}

static void stage_free(struct stage *s)
{
    sl_rooms_free(s->rooms);
    for (size_t i = 0; i < LEN(s->of); i++)
        end_fini(&s->of[i].end);
    free(s);
}

static struct client *enter_by(struct stage *s, size_t i, const char *stream,
                               enum member_way way)
{
    struct client *c = &s->of[i];
    const struct enter in = {.tenant = span_of("t"),
                             .room = span_of("r"),
                             .stream = span_of(stream),
                             .events = &events,
                             .ctx = c,
                             .data = true,
                             .way = way};
    CHECK_INT(sl_rooms_enter(s->rooms, &in, 0, &c->peer), E_OK);
    return c;
}

static struct client *enter(struct stage *s, size_t i, const char *stream)
{
    return enter_by(s, i, stream, MEMBER_BOTH);
}

/* The client offers what it has, and is answered. */
static enum err speak(struct stage *s, struct client *c)
{
    static uint8_t answer[1 << 16];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused refused;
    enum err e = end_offer(&c->end);
    e = e ? e : sl_rooms_offered(s->rooms, c->peer, end_text(&c->end), 0, &w, &refused);
    return e ? e : end_answered(&c->end, wr_done(&w));
}

/* The client answers what it was offered. */
static enum err reply(struct stage *s, struct client *c)
{
    struct refused refused;
    enum err e = end_offered(&c->end, (struct span){(const uint8_t *)c->text, c->text_n});
    return e ? e : sl_rooms_answered(s->rooms, c->peer, end_text(&c->end), 0, &refused);
}

static struct client *connected(struct stage *s, size_t i, const char *stream)
{
    struct client *c = enter(s, i, stream);
    end_add(&c->end, 0, MEDIA_AUDIO);
    CHECK_INT(speak(s, c), E_OK);
    sl_rooms_transport_up(s->rooms, c->peer->transport, 0);
    return c;
}

static void expect(struct stage *s, const char *row, const char *want)
{
    const char *got = ml_look(&s->log);
    check_row(row);
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: got\n%swant\n%s", row, got, want);
}

/* Two come, each with a voice, and one goes. */
TEST(members_see_each_other)
{
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a");
    expect(s, "one", "transport 2\nproducer 3 on 2 in 1 opus\n");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(a->offers, 0);

    struct client *b = connected(s, 1, "b");
    expect(s, "two", "transport 4\nproducer 5 on 4 in 1 opus\n");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(a->offers, 1);
    CHECK_INT(b->offers, 1);
    CHECK_INT(reply(s, a), E_OK);
    expect(s, "accepted", "consumer 6 on 2 in 1 audio\nsource 6 from 5\n");
    CHECK_INT(reply(s, b), E_OK);
    expect(s, "accepted, too", "consumer 7 on 4 in 1 audio\nsource 7 from 3\n");
    CHECK(a->end.got[0].there && strcmp(a->end.got[0].name, "b-microphone") == 0);

    sl_rooms_leave(s->rooms, b->peer, MEDIA_GONE_LEFT);
    expect(s, "gone", "close consumer 6\nclose transport 4\n");
    CHECK_INT(b->gone, 0);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(a->offers, 2);
    CHECK_INT(reply(s, a), E_OK);
    CHECK(!a->end.got[0].there);
    stage_free(s);
}

/* In a room with more tracks than a description has sections, who comes late is seen when others
 * go. */
TEST(member_of_a_large_room)
{
    enum { MORE = 3, TRACKS = DIALOG_SECTIONS_MAX + MORE };
    static struct track tracks[TRACKS];
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a"), *b = connected(s, 1, "b");
    struct tracks *room = &a->peer->room->tracks;
    for (size_t i = 0; i < TRACKS; i++) {
        tracks[i] = (struct track){
            .stream = "a", .owner = &a->peer->view, .params = a->peer->tracks[0]->params};
        (void)snprintf(tracks[i].source, sizeof tracks[i].source, "audio-%zu", i);
        sl_tracks_start(room, &tracks[i], 0);
    }
    CHECK_INT(b->peer->view.n, DIALOG_SECTIONS_MAX);
    CHECK(list_empty(&tracks[TRACKS - 1].slots)); /* and the one before it was b's last */
    for (size_t i = 0; i < MORE + 1U; i++) {
        CHECK(list_empty(&tracks[TRACKS - MORE - 1 + i].slots));
        sl_tracks_end(room, &tracks[i]);
        CHECK(!list_empty(&tracks[TRACKS - MORE - 1 + i].slots));
        CHECK_INT(b->peer->view.n, DIALOG_SECTIONS_MAX);
    }
    for (size_t i = MORE + 1; i < TRACKS; i++)
        sl_tracks_end(room, &tracks[i]);
    CHECK_INT(b->peer->view.n, 1); /* a's voice */
    stage_free(s);
}

TEST(member_muted)
{
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a"), *b = connected(s, 1, "b");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(reply(s, b), E_OK);
    (void)ml_look(&s->log);
    sl_rooms_mute(a->peer, a->peer->tracks[0], true);
    expect(s, "muted", "source 6 from 0\n");
    sl_rooms_mute(a->peer, a->peer->tracks[0], true);
    expect(s, "twice", "");
    sl_rooms_mute(a->peer, a->peer->tracks[0], false);
    expect(s, "no longer", "source 6 from 3\n");

    /* Who accepts its slot only then hears nothing, either. */
    sl_rooms_mute(b->peer, b->peer->tracks[0], true);
    (void)ml_look(&s->log);
    CHECK_INT(reply(s, a), E_OK);
    expect(s, "muted before", "consumer 7 on 2 in 1 audio\nsource 7 from 0\n");
    stage_free(s);
}

/* Who publishes or watches by one offer is in the same room, and both see each other. */
TEST(members_and_others)
{
    static uint8_t answer[1 << 17];
    struct stage *s = stage_new();
    struct peer *x = NULL, *w = NULL;
    struct refused refused;
    struct client *a = connected(s, 0, "a"), *other = &s->of[1];
    end_add(&other->end, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&other->end), E_OK);
    struct join j = {.job = NEGOTIATE_PUBLISH,
                     .tenant = span_of("t"),
                     .room = span_of("r"),
                     .stream = span_of("x"),
                     .offer = end_text(&other->end)};
    struct wr out = wr_of(answer, sizeof answer);
    CHECK_INT(sl_rooms_join(s->rooms, &j, 0, &out, &refused, &x), E_OK);
    sl_rooms_transport_up(s->rooms, x->transport, 0);
    (void)ml_look(&s->log);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(reply(s, a), E_OK);
    expect(s, "the member hears the publisher",
           "consumer 6 on 2 in 1 audio\nsource 6 from 5\n");
    CHECK(a->end.got[0].there && strcmp(a->end.got[0].name, "x-microphone") == 0);

    j = (struct join){.job = NEGOTIATE_WATCH,
                      .tenant = span_of("t"),
                      .room = span_of("r"),
                      .offer = check_file("tests/sdp/chromium-recvonly.sdp")};
    out = wr_of(answer, sizeof answer);
    CHECK_INT(sl_rooms_join(s->rooms, &j, 0, &out, &refused, &w), E_OK);
    const char *log = ml_look(&s->log);
    CHECK(strstr(log, " from 3\n") != NULL); /* the oldest voice: the member's */
    sl_rooms_mute(a->peer, a->peer->tracks[0], true);
    CHECK(strstr(ml_look(&s->log), " from 5\n") != NULL); /* now the other one */
    stage_free(s);
}

/* Without a name nobody sees a track; a name may come, and go. */
TEST(member_names_its_tracks)
{
    struct stage *s = stage_new();
    s->of[0].source = "";
    struct client *a = connected(s, 0, "a"), *b = connected(s, 1, "b");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(b->offers, 0);
    static const struct voice speech = {9, 5, 5, 30, true};
    uint64_t nameless = a->peer->tracks[0]->producer;
    sl_rooms_voice(s->rooms, a->peer->transport, nameless, &speech, SEC(1));
    CHECK(!sl_tracks_speaker(&a->peer->room->tracks));
    sl_rooms_name(a->peer, a->peer->tracks[0], "microphone", 0);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(b->offers, 1);
    CHECK_INT(reply(s, b), E_OK);
    sl_rooms_name(a->peer, a->peer->tracks[0], "", 0);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(b->offers, 2);
    stage_free(s);
}

/* What is held is offered later, in one; an offer that nobody answers is made again. */
TEST(member_offers_in_time)
{
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a");
    sl_rooms_hold(a->peer, true);
    (void)connected(s, 1, "b");
    (void)connected(s, 2, "c");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(a->offers, 0);
    sl_rooms_hold(a->peer, false);
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(a->offers, 1);
    CHECK(memmem(a->text, a->text_n, "b-microphone", 12) != NULL);
    CHECK(memmem(a->text, a->text_n, "c-microphone", 12) != NULL);

    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME - MSEC(1));
    sl_rooms_flush(s->rooms, DIALOG_ANSWER_TIME - MSEC(1));
    CHECK_INT(a->offers, 1);
    sl_rooms_leave(s->rooms, s->of[2].peer, MEDIA_GONE_LEFT);
    sl_rooms_tick(s->rooms, DIALOG_ANSWER_TIME);
    sl_rooms_flush(s->rooms, DIALOG_ANSWER_TIME);
    CHECK_INT(a->offers, 2);
    CHECK_INT(reply(s, a), E_OK);
    stage_free(s);
}

/* What a member may send is said in each description of ours, as it is at the time. */
TEST(member_ceiling)
{
    struct stage *s = stage_new();
    struct client *a = enter(s, 0, "a");
    end_add(&a->end, 0, MEDIA_VIDEO);
    CHECK_INT(speak(s, a), E_OK);
    sl_rooms_transport_up(s->rooms, a->peer->transport, 0);
    CHECK(sl_rooms_ceiling(s->rooms, a->peer->transport, 400000));
    (void)connected(s, 1, "b");
    sl_rooms_flush(s->rooms, 0);
    CHECK(memmem(a->text, a->text_n, "b=TIAS:400000\r\n", 15) != NULL);
    CHECK_INT(reply(s, a), E_OK);
    CHECK(sl_rooms_ceiling(s->rooms, a->peer->transport, 0));
    (void)connected(s, 2, "c");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(a->offers, 2);
    CHECK(memmem(a->text, a->text_n, "b=TIAS", 6) == NULL);
    stage_free(s);
}

/* The media plane and the clock end members, who are told. */
TEST(member_is_gone)
{
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a");
    struct client *b = enter(s, 1, "b");
    end_add(&b->end, 0, MEDIA_AUDIO);
    CHECK_INT(speak(s, b), E_OK);
    sl_rooms_transport_gone(s->rooms, a->peer->transport, MEDIA_GONE_CONSENT);
    CHECK_INT(a->gone, 1);
    sl_rooms_tick(s->rooms, ROOM_CONNECT - MSEC(1));
    CHECK_INT(b->gone, 0);
    sl_rooms_tick(s->rooms, ROOM_CONNECT);
    CHECK_INT(b->gone, 1);
    CHECK_INT(sl_rooms_stats(s->rooms)->members, 0);
    CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);
    stage_free(s);
}

/* ---- who is only answered ---- */

#define HEAD(mids, setup)                                                                \
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE " mids              \
    "\r\na=ice-ufrag:peer\r\na=ice-pwd:0123456789012345678901\r\n"                       \
    "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"             \
    "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:" setup "\r\n"
#define AUDIO                                                                            \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=rtcp-mux\r\n"                       \
    "a=rtpmap:111 opus/48000/2\r\n"
#define VIDEO                                                                            \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtcp-mux\r\n"                     \
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
#define OTHER_AUDIO(port, direction)                                                     \
    "m=audio " port " UDP/TLS/RTP/SAVPF 111\r\na=mid:b\r\na=rtcp-mux\r\n"                \
    "a=rtpmap:111 opus/48000/2\r\na=" direction "\r\n"

/* Its offer is answered; the answer. */
static const char *answered(struct stage *s, struct client *c, const char *text)
{
    static uint8_t answer[1 << 16];
    struct wr w = wr_of(answer, sizeof answer - 1);
    struct refused refused;
    CHECK_INT(sl_rooms_offered(s->rooms, c->peer, span_of(text), 0, &w, &refused), E_OK);
    answer[w.n] = '\0';
    return (const char *)answer;
}

TEST(member_who_is_only_answered)
{
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a"), *b = enter_by(s, 1, "b", MEMBER_ANSWERED);
    (void)ml_look(&s->log);
    const char *text = answered(s, b, HEAD("a v", "actpass") AUDIO VIDEO);
    CHECK(strstr(text, "a=msid:others-1 audio-1\r\n"));
    CHECK(strstr(text, "a=msid:others-1 video-1\r\n")); /* though nobody shows anything */
    CHECK(strstr(text, "a=sendrecv") && !strstr(text, "a=recvonly"));
    expect(s, "both ways in one section",
           "transport 4\nproducer 5 on 4 in 1 opus\nconsumer 6 on 4 in 1 audio\n"
           "source 6 from 3\nproducer 7 on 4 in 1 VP8\nconsumer 8 on 4 in 1 video\n");
    sl_rooms_transport_up(s->rooms, b->peer->transport, 0);

    struct client *c = connected(s, 2, "c");
    sl_rooms_flush(s->rooms, 0);
    CHECK_INT(b->offers, 0);
    CHECK_INT(a->offers, 1); /* of all that came */
    expect(s, "who comes later", "transport 9\nproducer 10 on 9 in 1 opus\n");

    text =
        answered(s, b, HEAD("a v b", "actpass") AUDIO VIDEO OTHER_AUDIO("9", "recvonly"));
    CHECK(strstr(text, "a=msid:others-2 audio-2\r\n"));
    expect(s, "one section more", "consumer 11 on 4 in 1 audio\nsource 11 from 10\n");
    CHECK_INT(b->peer->view.n, 3);

    sl_rooms_leave(s->rooms, a->peer, MEDIA_GONE_LEFT);
    expect(s, "who leaves", "source 6 from 0\nclose transport 2\n");
    sl_rooms_leave(s->rooms, c->peer, MEDIA_GONE_LEFT);
    (void)ml_look(&s->log);
    end_fini(&c->end);
    end_init(&c->end, 9);
    (void)connected(s, 2, "c");
    expect(s, "and comes again is heard at once",
           "transport 12\nproducer 13 on 12 in 1 opus\nsource 6 from 13\n");

    (void)answered(s, b,
                   HEAD("a v b", "actpass") AUDIO VIDEO OTHER_AUDIO("0", "recvonly"));
    expect(s, "a section that is stopped", "close consumer 11\n");
    CHECK_INT(b->peer->view.n, 2);
    sl_rooms_leave(s->rooms, b->peer, MEDIA_GONE_LEFT);
    stage_free(s);
}

TEST(member_who_receives_again_is_sent_another_stream)
{
    static const char *const directions[] = {"recvonly", "sendonly", "inactive",
                                             "recvonly"};
    struct stage *s = stage_new();
    struct client *a = connected(s, 0, "a"), *b = enter_by(s, 1, "b", MEMBER_ANSWERED);
    uint32_t before = 0;
    (void)a;
    for (size_t i = 0; i < LEN(directions); i++) {
        char text[2048];
        check_row(directions[i]);
        (void)snprintf(text, sizeof text, "%sa=%s\r\n", HEAD("a", "actpass") AUDIO,
                       directions[i]);
        const char *answer = answered(s, b, text);
        const char *at = strstr(answer, "a=ssrc:");
        uint32_t ssrc = at ? (uint32_t)strtoul(at + 7, NULL, 10) : 0;
        CHECK_INT(ssrc != 0, strcmp(directions[i], "recvonly") == 0);
        CHECK(ssrc == 0 || ssrc != before);
        before = ssrc ? ssrc : before;
        CHECK_INT(b->peer->view.n, 1);
    }
    CHECK(strstr(ml_look(&s->log), "close consumer"));
    stage_free(s);
}

/* What is refused leaves nothing seated. */
TEST(member_whose_offer_comes_to_nothing)
{
    struct stage *s = stage_new();
    struct client *b = enter_by(s, 1, "b", MEMBER_ANSWERED);
    static uint8_t answer[1 << 16];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused refused;
    struct span text = span_of(HEAD("a", "holdconn") AUDIO);
    CHECK_INT(sl_rooms_offered(s->rooms, b->peer, text, 0, &w, &refused), E_UNSUPPORTED);
    CHECK_INT(b->peer->view.n, 0);
    stage_free(s);
}
