#include "room/room.h"

#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "media_log.h"

static const uint8_t sha256[32] = {1, 2, 3};

/* A node with a media plane that takes notes, and chance that repeats. */
struct node {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    char told[512]; /* events: "joined x, up x, gone x left" */
    uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr w;
    struct refused refused;
    bool loaded;
};

static void fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *at = p; n > 0; at++, n--)
        *at = (uint8_t)sl_rng_u64(ctx);
}

static void hear(void *ctx, enum room_event ev, const struct peer *p, enum media_gone why)
{
    static const char *const words[] = {"joined", "up", "gone", "speaker"};
    struct node *n = ctx;
    size_t at = strlen(n->told);
    snprintf(n->told + at, sizeof n->told - at, "%s %s%s%s\n", words[ev],
             p->tracks_n > 0 ? p->stream : "viewer", ev == ROOM_GONE ? " " : "",
             ev == ROOM_GONE ? sl_media_gone_name(why) : "");
}

static bool is_open(void *ctx)
{
    const struct node *n = ctx;
    return !n->loaded;
}

static struct node *node_new(struct rooms_limits limits)
{
    struct node *n = calloc(1, sizeof *n);
    n->rng = sl_rng_of(7);
    n->rooms = sl_rooms_new(&(struct rooms_conf){
        .media = ml_ops(&n->log),
        .random = {fill, &n->rng},
        .limits = limits,
        .local = {.sha256 = sha256},
        .node = 3,
        .event = hear,
        .door = {is_open, n},
        .event_ctx = n,
    });
    return n;
}

static struct node *node_large(void)
{
    return node_new((struct rooms_limits){100, 1000, 1000});
}

static void node_free(struct node *n)
{
    sl_rooms_free(n->rooms);
    free(n);
}

static enum err join(struct node *n, enum negotiate_job job, const char *room,
                     const char *stream, const char *sdp, usec now, struct peer **ret)
{
    char path[96];
    snprintf(path, sizeof path, "tests/sdp/%s.sdp", sdp);
    n->w = wr_of(n->answer, sizeof n->answer);
    struct join j = {
        .job = job,
        .tenant = span_of("default"),
        .room = span_of(room),
        .stream = span_of(stream),
        .offer = check_file(path),
    };
    return sl_rooms_join(n->rooms, &j, now, &n->w, &n->refused, ret);
}

static struct peer *publish(struct node *n, const char *room, const char *stream,
                            const char *sdp)
{
    struct peer *p = NULL;
    CHECK_INT(join(n, NEGOTIATE_PUBLISH, room, stream, sdp, 0, &p), E_OK);
    return p;
}

static struct peer *watch(struct node *n, const char *room, const char *stream,
                          const char *sdp)
{
    struct peer *p = NULL;
    CHECK_INT(join(n, NEGOTIATE_WATCH, room, stream, sdp, 0, &p), E_OK);
    return p;
}

static void up(struct node *n, const struct peer *p)
{
    sl_rooms_transport_up(n->rooms, p->transport, SEC(1));
}

static void expect(struct node *n, const char *what, const char *want)
{
    const char *got = ml_look(&n->log);
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: asked\n%swanted\n%s", what, got, want);
}

static void expect_told(struct node *n, const char *want)
{
    if (strcmp(n->told, want) != 0)
        check_fail(__FILE__, __LINE__, "told\n%swanted\n%s", n->told, want);
    n->told[0] = '\0';
}

static bool said(const struct node *n, const char *text)
{
    return memmem(n->answer, n->w.n, text, strlen(text)) != NULL;
}

TEST(publish_then_watch)
{
    struct node *n = node_large();
    struct peer *p = publish(n, "r", "x", "chromium-sendonly-single");
    expect(n, "a publisher",
           "transport 2\nproducer 3 on 2 in 1 opus\n"
           "producer 4 on 2 in 1 VP8\n");
    CHECK(said(n, p->ufrag));
    CHECK(strcmp(n->log.transport.ufrag, p->ufrag) == 0);
    CHECK(said(n, n->log.transport.pwd));
    CHECK_INT(n->log.transport.id >> 48, 3);
    CHECK_INT(n->log.transport.peer.hash, MEDIA_SHA256);
    CHECK(!n->log.transport.dtls_client);

    struct peer *v = watch(n, "r", "x", "chromium-recvonly");
    expect(n, "its tracks are not live before it is connected",
           "transport 5\nconsumer 6 on 5 in 1 audio\nconsumer 7 on 5 in 1 video\n");
    up(n, p);
    expect(n, "now they are", "source 6 from 3\nsource 7 from 4\n");
    up(n, v);
    up(n, v);
    expect(n, "a viewer's connection changes nothing here", "");

    struct peer *w = watch(n, "r", "x", "chromium-recvonly");
    expect(n, "who comes later sees it at once",
           "transport 8\nconsumer 9 on 8 in 1 audio\nconsumer 10 on 8 in 1 video\n"
           "source 9 from 3\nsource 10 from 4\n");
    expect_told(n, "joined x\njoined viewer\nup x\nup viewer\njoined viewer\n");

    sl_rooms_leave(n->rooms, w, MEDIA_GONE_LEFT);
    expect(n, "a viewer goes", "close transport 8\n");
    sl_rooms_transport_gone(n->rooms, p->transport, MEDIA_GONE_CONSENT);
    expect(n, "the publisher goes",
           "source 6 from 0\nsource 7 from 0\nclose transport 2\n");
    expect_told(n, "gone viewer left\ngone x consent\n");

    p = publish(n, "r", "x", "chromium-sendonly-single");
    up(n, p);
    expect(n, "it returns, and the viewer that stayed sees it",
           "transport 11\nproducer 12 on 11 in 1 opus\nproducer 13 on 11 in 1 VP8\n"
           "source 6 from 12\nsource 7 from 13\n");
    node_free(n);
}

TEST(two_rooms_and_two_tenants_do_not_meet)
{
    struct node *n = node_large();
    up(n, publish(n, "r", "x", "chromium-sendonly-single"));
    (void)ml_look(&n->log);
    (void)watch(n, "s", "x", "chromium-recvonly");
    expect(n, "another room",
           "transport 6\nconsumer 7 on 6 in 5 audio\nconsumer 8 on 6 in 5 video\n");
    struct peer *v;
    struct join j = {
        .job = NEGOTIATE_WATCH,
        .tenant = span_of("other"),
        .room = span_of("r"),
        .offer = check_file("tests/sdp/chromium-recvonly.sdp"),
    };
    n->w = wr_of(n->answer, sizeof n->answer);
    CHECK_INT(sl_rooms_join(n->rooms, &j, 0, &n->w, &n->refused, &v), E_OK);
    expect(n, "another tenant",
           "transport 10\nconsumer 11 on 10 in 9 audio\nconsumer 12 on 10 in 9 video\n");
    CHECK_INT(sl_rooms_stats(n->rooms)->rooms, 3);
    node_free(n);
}

TEST(viewer_of_all_before_anybody)
{
    struct node *n = node_large();
    (void)watch(n, "r", "", "firefox-recvonly");
    (void)ml_look(&n->log);
    up(n, publish(n, "r", "x", "firefox-sendonly-single"));
    expect(n, "whatever comes first",
           "transport 5\nproducer 6 on 5 in 1 opus\nproducer 7 on 5 in 1 VP8\n"
           "source 3 from 6\nsource 4 from 7\n");
    node_free(n);
}

/* What is heard of a track of sound; nothing else makes a speaker. */
TEST(speaker)
{
    static const struct voice speech = {9, 5, 5, 30, true};
    struct node *n = node_large();
    struct peer *a = publish(n, "r", "x", "chromium-sendonly-single");
    sl_rooms_voice(n->rooms, a->transport, a->tracks[0]->producer, &speech, SEC(1));
    up(n, a);
    struct peer *b = publish(n, "r", "y", "chromium-sendonly-single");
    up(n, b);
    n->told[0] = '\0';
    sl_rooms_voice(n->rooms, a->transport, a->tracks[1]->producer, &speech, SEC(1));
    sl_rooms_voice(n->rooms, a->transport, b->tracks[0]->producer, &speech, SEC(1));
    sl_rooms_voice(n->rooms, 99, a->tracks[0]->producer, &speech, SEC(1));
    expect_told(n, "");
    CHECK(sl_tracks_speaker(&a->room->tracks) == NULL);
    sl_rooms_voice(n->rooms, b->transport, b->tracks[0]->producer, &speech, SEC(1));
    sl_rooms_voice(n->rooms, a->transport, a->tracks[0]->producer, &speech, SEC(2));
    expect_told(n, "speaker y\n");
    CHECK(sl_tracks_speaker(&a->room->tracks) == b->tracks[0]);
    sl_rooms_leave(n->rooms, b, MEDIA_GONE_LEFT);
    CHECK(sl_tracks_speaker(&a->room->tracks) == NULL);
    sl_rooms_voice(n->rooms, a->transport, a->tracks[0]->producer, &speech, SEC(3));
    expect_told(n, "gone y left\nspeaker x\n");
    node_free(n);
}

TEST(camera_and_screen)
{
    struct node *n = node_large();
    struct peer *p = publish(n, "r", "x", "chromium-sendonly-camera-and-screen");
    static const char *const want[] = {"microphone", "camera", "screen", "screen-audio"};
    CHECK_INT(p->tracks_n, LEN(want));
    for (size_t i = 0; i < p->tracks_n && i < LEN(want); i++) {
        check_row(want[i]);
        CHECK(strcmp(p->tracks[i]->source, want[i]) == 0);
    }
    node_free(n);
}

TEST(take_over)
{
    struct node *n = node_large();
    struct peer *a = publish(n, "r", "x", "chromium-sendonly-single");
    up(n, a);
    (void)watch(n, "r", "x", "chromium-recvonly");
    (void)ml_look(&n->log);

    struct peer *b = publish(n, "r", "x", "chromium-sendonly-single");
    expect(n, "the newcomer takes nothing before it is connected",
           "transport 8\nproducer 9 on 8 in 1 opus\nproducer 10 on 8 in 1 VP8\n");
    CHECK(sl_room_publisher(a->room, span_of("x")) == a);
    up(n, b);
    expect(n, "then slots move in place, and the first goes",
           "source 6 from 9\nsource 7 from 10\nclose transport 2\n");
    CHECK(sl_room_publisher(b->room, span_of("x")) == b);
    CHECK_INT(sl_rooms_stats(n->rooms)->gone[MEDIA_GONE_REPLACED], 1);
    CHECK_INT(sl_rooms_stats(n->rooms)->publishers, 1);

    struct peer *c = publish(n, "r", "y", "chromium-sendonly-single");
    up(n, c);
    CHECK_INT(sl_rooms_stats(n->rooms)->publishers, 2);
    node_free(n);
}

TEST(who_does_not_connect_goes)
{
    struct node *n = node_large();
    struct peer *p = publish(n, "r", "x", "chromium-sendonly-single");
    struct peer *v = watch(n, "r", "x", "chromium-recvonly");
    uint64_t gone = p->transport;
    up(n, v);
    (void)ml_look(&n->log);
    CHECK_INT(sl_rooms_deadline(n->rooms), ROOM_CONNECT);
    sl_rooms_tick(n->rooms, ROOM_CONNECT - 1);
    expect(n, "not yet", "");
    sl_rooms_tick(n->rooms, ROOM_CONNECT);
    expect(n, "now", "close transport 2\n");
    CHECK_INT(sl_rooms_deadline(n->rooms), USEC_NEVER);
    sl_rooms_transport_up(n->rooms, gone, ROOM_CONNECT);
    sl_rooms_transport_gone(n->rooms, gone, MEDIA_GONE_CLOSED);
    expect_told(n, "joined x\njoined viewer\nup viewer\ngone x never_up\n");
    node_free(n);
}

TEST(empty_rooms_go)
{
    struct node *n = node_large();
    struct peer *p = publish(n, "r", "x", "chromium-sendonly-single");
    struct span tenant = span_of("default"), room = span_of("r");
    CHECK(sl_rooms_room(n->rooms, tenant, room) == p->room);
    CHECK(sl_rooms_peer(n->rooms, span_of(p->key)) == p);
    CHECK(!sl_rooms_peer(n->rooms, span_of("0")));
    sl_rooms_leave(n->rooms, p, MEDIA_GONE_LEFT);
    CHECK(!sl_rooms_room(n->rooms, tenant, room));
    CHECK_INT(sl_rooms_stats(n->rooms)->rooms, 0);
    CHECK_INT(sl_rooms_stats(n->rooms)->publishers, 0);
    node_free(n);
}

TEST(limits)
{
    static const struct {
        const char *name;
        struct rooms_limits limits;
        const char *second; /* the room that the second peer enters */
        enum err want;
    } rows[] = {
        {"two rooms", {2, 9, 9}, "b", E_OK},
        {"one room", {1, 9, 9}, "b", E_FULL},
        {"two peers", {9, 2, 9}, "a", E_OK},
        {"one peer", {9, 1, 9}, "b", E_FULL},
        {"two in a room", {9, 9, 2}, "a", E_OK},
        {"one in a room", {9, 9, 1}, "a", E_FULL},
        {"one in each room", {9, 9, 1}, "b", E_OK},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct node *n = node_new(rows[i].limits);
        struct peer *p = watch(n, "a", "", "chromium-recvonly");
        check_row(rows[i].name);
        CHECK_INT(
            join(n, NEGOTIATE_WATCH, rows[i].second, "", "chromium-recvonly", 0, &p),
            rows[i].want);
        CHECK_INT(sl_rooms_stats(n->rooms)->refused_limit,
                  rows[i].want != E_OK && rows[i].limits.rooms > 1);
        node_free(n);
    }
}

/* Who is in stays; who comes is told that there is no place, and counted. */
TEST(a_node_that_is_loaded)
{
    struct node *n = node_large();
    struct peer *p = watch(n, "a", "", "chromium-recvonly");
    for (int i = 0; i < 2; i++) {
        n->loaded = i == 0;
        CHECK_INT(sl_rooms_loaded(n->rooms), n->loaded);
        CHECK_INT(join(n, NEGOTIATE_WATCH, "a", "", "chromium-recvonly", 0, &p),
                  n->loaded ? E_FULL : E_OK);
        CHECK_INT(join(n, NEGOTIATE_PUBLISH, "b", "s", "pion-sendonly", 0, &p),
                  n->loaded ? E_FULL : E_OK);
    }
    CHECK_INT(sl_rooms_stats(n->rooms)->viewers, 2);
    CHECK_INT(sl_rooms_stats(n->rooms)->refused_load, 2);
    CHECK_INT(sl_rooms_stats(n->rooms)->refused_limit, 0);
    node_free(n);
}

/* What the media plane cannot do leaves nothing behind. */
TEST(all_or_nothing)
{
    static const struct {
        const char *fails;
        enum negotiate_job job;
        const char *sdp, *want;
    } rows[] = {
        {"transport", NEGOTIATE_PUBLISH, "chromium-sendonly-single", ""},
        {"producer 4", NEGOTIATE_PUBLISH, "chromium-sendonly-single",
         "transport 2\nproducer 3 on 2 in 1 opus\nclose transport 2\n"},
        {"consumer 4", NEGOTIATE_WATCH, "chromium-recvonly",
         "transport 2\nconsumer 3 on 2 in 1 audio\nclose transport 2\n"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct node *n = node_large();
        struct peer *p;
        n->log.fail = rows[i].fails;
        n->log.with = E_FULL;
        check_row(rows[i].fails);
        CHECK_INT(join(n, rows[i].job, "r", "x", rows[i].sdp, 0, &p), E_FULL);
        expect(n, rows[i].fails, rows[i].want);
        CHECK_INT(sl_rooms_stats(n->rooms)->rooms, 0);
        CHECK_INT(sl_rooms_deadline(n->rooms), USEC_NEVER);
        expect_told(n, "");
        node_free(n);
    }
}

TEST(refused)
{
    static const struct {
        const char *name;
        enum negotiate_job job;
        const char *room, *stream;
        const char *offer;
        enum err want;
        enum negotiate_why why;
        size_t at;
    } rows[] = {
        {"no name of a room", NEGOTIATE_WATCH, "a/b", "", "", E_DENIED, 0, 0},
        {"no name of a stream", NEGOTIATE_WATCH, "a", "b c", "", E_DENIED, 0, 0},
        {"a publisher needs one", NEGOTIATE_PUBLISH, "a", "", "", E_DENIED, 0, 0},
        {"nothing", NEGOTIATE_WATCH, "a", "", "", E_MALFORMED, 0, 0},
        {"not SDP", NEGOTIATE_WATCH, "a", "", "v=0\r\n{}\r\n", E_MALFORMED, 0, 2},
        {"nothing to send", NEGOTIATE_WATCH, "a", "",
         "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", E_UNSUPPORTED,
         NEGOTIATE_NO_MEDIA, 0},
    };
    struct node *n = node_large();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct join j = {rows[i].job, span_of("default"), span_of(rows[i].room),
                         span_of(rows[i].stream), span_of(rows[i].offer)};
        struct peer *p;
        n->refused = (struct refused){0};
        n->w = wr_of(n->answer, sizeof n->answer);
        check_row(rows[i].name);
        CHECK_INT(sl_rooms_join(n->rooms, &j, 0, &n->w, &n->refused, &p), rows[i].want);
        CHECK_INT(n->refused.why, rows[i].why);
        CHECK_INT(n->refused.at, rows[i].at);
    }
    CHECK_INT(sl_rooms_stats(n->rooms)->rooms, 0);
    expect(n, "nothing was asked", "");
    node_free(n);
}

TEST(as_many_streams_are_published_as_may)
{
    struct node *n = node_new((struct rooms_limits){100, 1000, 1000, 1});
    struct peer *x = publish(n, "a", "x", "pion-sendonly"), *y, *again;
    up(n, x);
    CHECK_INT(join(n, NEGOTIATE_PUBLISH, "a", "y", "pion-sendonly", 0, &y), E_FULL);
    /* Its own ghost does not stand in anybody's way. */
    again = publish(n, "a", "x", "pion-sendonly");
    CHECK_INT(join(n, NEGOTIATE_PUBLISH, "a", "y", "pion-sendonly", 0, &y), E_FULL);
    up(n, again);
    CHECK_INT(sl_rooms_stats(n->rooms)->publishers, 1);
    CHECK_INT(sl_rooms_stats(n->rooms)->refused_publishers, 2);
    sl_rooms_leave(n->rooms, again, MEDIA_GONE_LEFT);
    (void)publish(n, "a", "y", "pion-sendonly");
    (void)watch(n, "a", "", "pion-recvonly"); /* and watches who will */
    node_free(n);
}

/* The vector, with its second VP8 and all other video codecs made unknown. */
TEST(publishers_get_all_or_nothing)
{
    struct span in = check_file("tests/sdp/pion-sendonly.sdp");
    struct node *n = node_large();
    char *sdp = calloc(1, in.n + 1);
    memcpy(sdp, in.p, in.n);
    for (char *at = sdp; (at = strstr(at, "a=rtpmap:")); at++)
        if (strstr(at, "/90000") && strstr(at, "/90000") < strchr(at, '\r'))
            memset(strchr(at, ' ') + 1, 'X', 2);
    struct join j = {NEGOTIATE_PUBLISH, span_of("default"), span_of("r"), span_of("x"),
                     span_of(sdp)};
    struct peer *p;
    n->w = wr_of(n->answer, sizeof n->answer);
    CHECK_INT(sl_rooms_join(n->rooms, &j, 0, &n->w, &n->refused, &p), E_UNSUPPORTED);
    CHECK_INT(n->refused.why, NEGOTIATE_NO_COMMON_CODEC);
    CHECK(n->refused.at > 0);
    expect(n, "nothing was asked", "");
    free(sdp);
    node_free(n);
}

static const char fragment_same[] = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n";

TEST(ice)
{
    static const struct {
        const char *name;
        const char *ufrag, *pwd; /* NULL: those of the offer */
        const char *more;
        enum err with; /* of the media plane */
        enum err want;
        bool restarted;
    } rows[] = {
        {"a candidate", NULL, NULL,
         "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n", E_OK, E_OK,
         false},
        {"of a kind that we do not know", NULL, NULL,
         "a=candidate:1 1 carrier-pigeon 1 coop.local 1 typ roof\r\n", E_OK, E_OK, false},
        {"the last", NULL, NULL, "a=end-of-candidates\r\n", E_OK, E_OK, false},
        {"new credentials", "abcd", "0123456789012345678901", "", E_OK, E_OK, true},
        {"only a new password", NULL, "0123456789012345678901", "", E_OK, E_OK, true},
        {"refused by the media plane", "abcd", "0123456789012345678901", "", E_FULL,
         E_FULL, false},
        {"no credentials", "", "", "", E_OK, E_UNSUPPORTED, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct node *n = node_large();
        struct span offer =
            check_file("tests/sdp/chromium-sendonly-simulcast-trickle.sdp");
        struct peer *p = publish(n, "r", "x", "chromium-sendonly-simulcast-trickle");
        char before[MEDIA_UFRAG_MAX], ufrag[64] = "", pwd[64] = "", text[512];
        const char *at = memmem(offer.p, offer.n, "a=ice-ufrag:", 12);
        sscanf(at, "a=ice-ufrag:%63s", ufrag);
        at = memmem(offer.p, offer.n, "a=ice-pwd:", 10);
        sscanf(at, "a=ice-pwd:%63s", pwd);
        memcpy(before, p->ufrag, sizeof before);
        (void)ml_look(&n->log);

        const char *u = rows[i].ufrag ? rows[i].ufrag : ufrag;
        const char *w = rows[i].pwd ? rows[i].pwd : pwd;
        int len =
            *u ? snprintf(text, sizeof text, "%sa=ice-ufrag:%s\r\na=ice-pwd:%s\r\n%s",
                          fragment_same, u, w, rows[i].more)
               : snprintf(text, sizeof text, "%s", fragment_same);
        bool restarted = false;
        n->w = wr_of(n->answer, sizeof n->answer);
        n->log.fail = rows[i].with ? "restart" : NULL;
        n->log.with = rows[i].with;
        check_row(rows[i].name);
        CHECK_INT(sl_rooms_ice(n->rooms, p, (struct span){(uint8_t *)text, (size_t)len},
                               &n->w, &restarted),
                  rows[i].want);
        CHECK_INT(restarted, rows[i].restarted);
        CHECK_INT(strcmp(p->ufrag, before) != 0, rows[i].restarted);
        if (restarted) {
            expect(n, rows[i].name, "restart 2\n");
            CHECK(strcmp(n->log.ufrag, p->ufrag) == 0);
            CHECK(said(n, p->ufrag) && said(n, n->log.pwd) && said(n, "a=ice-lite\r\n"));
        } else {
            expect(n, rows[i].name, "");
        }
        node_free(n);
    }
}

/* An answer for twelve sections, each with a slot; one for each of four publishers' tracks. */
TEST(many_slots)
{
    struct node *n = node_large();
    struct peer *v = watch(n, "r", "", "chromium-recvonly-many");
    size_t slots = v->view.n, playing = 0;
    CHECK_INT(slots, 12);
    for (int i = 0; i < 4; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        up(n, publish(n, "r", name, "chromium-sendonly-single"));
    }
    for (size_t i = 0; i < slots; i++)
        playing += v->view.slots[i]->track != NULL;
    CHECK_INT(playing, 8);
    node_free(n);
}
