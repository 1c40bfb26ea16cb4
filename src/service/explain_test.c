#include "service/explain.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"

#include "check.h"
#include "media/allocate.h"
#include "media/bwe.h"

/* Rooms over a plane whose workers are this test: a publisher of three encodings, and a viewer
 * of it. */
static struct {
    struct post *post;
    struct plane *plane;
    struct rooms *rooms;
    struct rng rng;
    struct peer *pub, *sub;
    char text[16384];
    json_t *doc; /* the last that was said */
} s;

static void fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *to = p; n > 0; to++, n--)
        *to = (uint8_t)sl_rng_u64(ctx);
}

static void nothing(void *ctx, uint64_t id)
{
    (void)ctx, (void)id;
}

static void no_end(void *ctx, uint64_t id, enum media_gone why)
{
    (void)ctx, (void)id, (void)why;
}

static void wanted(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps)
{
    (void)ctx;
    sl_rooms_wanted(s.rooms, transport, producer, encodings, most_bps);
}

static void excess(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings)
{
    (void)ctx, (void)transport, (void)producer, (void)encodings;
}

static struct peer *join(enum negotiate_job job, const char *sdp)
{
    static uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused why;
    struct peer *p = NULL;
    char file[96];
    snprintf(file, sizeof file, "tests/sdp/%s.sdp", sdp);
    struct join j = {.job = job,
                     .tenant = span_of("default"),
                     .room = span_of("a"),
                     .stream = span_of("x"),
                     .offer = check_file(file)};
    CHECK_INT(sl_rooms_join(s.rooms, &j, SEC(1), &w, &why, &p), E_OK);
    sl_plane_mail(s.plane, SHARD_TO_ASSOC,
                  &(struct mail){.type = MAIL_UP, .id = p->transport});
    sl_rooms_transport_up(s.rooms, p->transport, SEC(1));
    return p;
}

static void begin(void)
{
    static const uint8_t sha256[32] = {1};
    s.rng = sl_rng_of(3);
    s.post = sl_post_new(1);
    s.plane = sl_plane_new(
        s.post, (const uint64_t[2]){1, 2},
        &(struct plane_events){
            .up = nothing, .gone = no_end, .wanted = wanted, .excess = excess});
    s.rooms = sl_rooms_new(&(struct rooms_conf){.media = sl_plane_ops(s.plane),
                                                .random = {fill, &s.rng},
                                                .limits = {9, 9, 9},
                                                .local = {.sha256 = sha256}});
    s.pub = join(NEGOTIATE_PUBLISH, "chromium-sendonly-simulcast");
    s.sub = join(NEGOTIATE_WATCH, "chromium-recvonly");
}

static void end(void)
{
    struct mail m;
    unsigned from;
    sl_rooms_free(s.rooms);
    sl_plane_free(s.plane);
    for (unsigned to = 0; to < SHARD_PEERS; to++)
        while (sl_post_take(s.post, to, &from, &m))
            sl_mail_free(&m);
    sl_post_free(s.post);
    json_decref(s.doc);
    s.doc = NULL;
}

static json_t *said_of(const struct peer *p)
{
    struct wr w = wr_of((uint8_t *)s.text, sizeof s.text);
    CHECK(sl_explain_transport(s.plane, s.rooms, p->transport, SEC(9), &w));
    json_decref(s.doc);
    s.doc = json_loadb(s.text, w.n, 0, NULL);
    return s.doc;
}

/* What is said of the viewer's m-section, or of the whole for NULL. */
static json_t *said(const char *mid)
{
    (void)said_of(s.sub);
    json_t *all = s.doc, *tracks = json_object_get(all, "tracks");
    CHECK(all && json_is_array(tracks));
    for (size_t i = 0; mid && i < json_array_size(tracks); i++) {
        json_t *t = json_array_get(tracks, i);
        if (strcmp(json_string_value(json_object_get(t, "mid")), mid) == 0)
            return t;
    }
    return all;
}

static void check_text(const json_t *in, const char *name, const char *want)
{
    const char *got = json_string_value(json_object_get(in, name));
    if (!got || strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: %s, want %s", name, got ? got : "-", want);
}

TEST(explain_a_viewer)
{
    begin();
    check_text(said("1"), "cause", "not_published");
    sl_plane_time(s.plane, SEC(4));
    struct mail m =
        sl_mail_share(s.sub->view.slots[1]->consumer,
                      &(struct mail_share){.bps = 500000,
                                           .cause = ALLOCATE_BANDWIDTH,
                                           .sent = {.encoding = 1, .temporal = 1},
                                           .wanted = {.encoding = 2},
                                           .lost = 128,
                                           .rtt_ms = 40});
    sl_plane_mail(s.plane, 0, &m);
    m = (struct mail){.type = MAIL_ESTIMATE,
                      .id = s.sub->transport,
                      .id2 = MAIL_ESTIMATE_OF(600000, BWE_DELAY, 0)};
    sl_plane_mail(s.plane, 0, &m);
    json_t *t = said("1");
    check_text(t, "cause", "subscriber_bandwidth");
    check_text(t, "stream", "x");
    check_text(t, "source", "camera");
    check_text(t, "estimate_cause", "delay");
    check_text(json_object_get(t, "sent"), "rid", "h");
    check_text(json_object_get(t, "wanted"), "rid", "f");
    CHECK_INT(json_integer_value(json_object_get(json_object_get(t, "sent"), "temporal")),
              1);
    CHECK_INT(json_integer_value(json_object_get(t, "estimate_bps")), 600000);
    CHECK_INT(json_integer_value(json_object_get(t, "sent_bps")), 500000);
    CHECK_INT(json_integer_value(json_object_get(t, "rtt_out_ms")), 40);
    CHECK_INT(json_integer_value(json_object_get(t, "changed_ms")), 5000);
    CHECK(json_real_value(json_object_get(t, "loss_out")) == 0.5);
    check_text(said(NULL), "role", "viewer");
    check_text(said(NULL), "room", "default/a");
    end();
}

static double real(const json_t *in, const char *name)
{
    return json_number_value(json_object_get(in, name));
}

/* How what a publisher sends arrives, and what is wanted of it; viewers are not told of the
 * publisher's path, operators are. */
TEST(explain_a_publisher)
{
    begin();
    struct mail m = {
        .type = MAIL_RECEPTION, .id = s.pub->transport, .arg = 40500, .id2 = 64};
    sl_plane_mail(s.plane, 0, &m);
    sl_plane_time(s.plane, SEC(4));
    m = (struct mail){
        .type = MAIL_WANTED, .id = s.pub->tracks[1]->producer, .arg = 1, .id2 = 300000};
    sl_plane_mail(s.plane, 0, &m);
    CHECK(sl_rooms_ceiling(s.rooms, s.pub->transport, 900000));
    CHECK(!sl_rooms_ceiling(s.rooms, s.sub->transport, 900000));
    json_t *doc = said_of(s.pub), *tracks = json_object_get(doc, "tracks");
    check_text(doc, "role", "publisher");
    CHECK_INT(real(doc, "max_bps"), 900000);
    const json_t *video = json_array_get(tracks, 1);
    check_text(video, "source", "camera");
    CHECK(real(video, "loss_in") == 0.25 && real(video, "rtt_in_ms") == 40.5);
    CHECK_INT(real(video, "wanted"), 1);
    CHECK_INT(real(video, "most_bps"), 300000);
    CHECK_INT(real(video, "changed_ms"), 5000);
    CHECK(!json_object_get(video, "above_max_bps"));
    CHECK(!json_object_get(json_array_get(tracks, 0), "most_bps"));
    CHECK(real(said("1"), "loss_in") == 0.25);
    m = (struct mail){.type = MAIL_EXCESS, .id = s.pub->tracks[1]->producer, .arg = 2};
    sl_plane_mail(s.plane, 0, &m);
    tracks = json_object_get(said_of(s.pub), "tracks");
    CHECK_INT(real(json_array_get(tracks, 1), "above_max_bps"), 2);
    struct wr w = wr_of((uint8_t *)s.text, sizeof s.text);
    sl_explain_tracks(s.plane, s.sub, EXPLAIN_TO_PEER, SEC(9), &w);
    CHECK(w.n > 0 && !memmem(s.text, w.n, "_in", 3));
    end();
}

TEST(explain_silence)
{
    begin();
    struct slot *slot = s.sub->view.slots[0];
    CHECK(slot->track && slot->params.kind == MEDIA_AUDIO);
    check_text(said(slot->params.mid), "cause", "not_published");
    slot->unheard = true;
    check_text(said(slot->params.mid), "cause", "not_among_the_loudest");
    slot->wish.paused = true;
    check_text(said(slot->params.mid), "cause", "paused_by_viewer");
    CHECK(!json_object_get(said(slot->params.mid), "sent"));
    end();
}

/* On one connection: what it is sent, and what it sends, in one list. */
TEST(explain_who_publishes_and_watches)
{
    begin();
    struct peer both = *s.sub;
    both.tracks = s.pub->tracks;
    both.tracks_n = s.pub->tracks_n;
    struct wr w = wr_of((uint8_t *)s.text, sizeof s.text);
    sl_text_put(&w, "[");
    sl_explain_tracks(s.plane, &both, EXPLAIN_TO_OPERATOR, SEC(9), &w);
    sl_text_put(&w, "]");
    s.doc = json_loadb(s.text, w.n, 0, NULL);
    CHECK_INT(json_array_size(s.doc), both.view.n + both.tracks_n);
    CHECK(both.view.n > 0 && both.tracks_n > 0);
    end();
}

/* An id is what was written, in hex. */
TEST(explain_what_is_asked)
{
    static const struct {
        const char *id;
        bool found;
    } rows[] = {{"", true},    {"x", false}, {"-1", false},
                {"+1", false}, {"0", false}, {"11112222333344445", false}};
    char id[24];
    begin();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct wr w = wr_of((uint8_t *)s.text, sizeof s.text);
        check_row(rows[i].id);
        CHECK(sl_explain_asked(s.plane, s.rooms, span_of(rows[i].id), SEC(9), &w) ==
              rows[i].found);
    }
    struct wr w = wr_of((uint8_t *)s.text, sizeof s.text);
    snprintf(id, sizeof id, "%llx", (unsigned long long)s.pub->transport);
    CHECK(sl_explain_asked(s.plane, s.rooms, span_of(id), SEC(9), &w));
    end();
}

/* Who is there, each on a line of its own. */
TEST(explain_all)
{
    begin();
    struct wr w = wr_of((uint8_t *)s.text, sizeof s.text);
    sl_explain_all(s.plane, s.rooms, SEC(9), &w);
    json_t *all = json_loadb(s.text, w.n, 0, NULL);
    CHECK_INT(json_array_size(json_object_get(all, "transports")), 2);
    json_decref(all);
    w = wr_of((uint8_t *)s.text, sizeof s.text);
    CHECK(sl_explain_transport(s.plane, s.rooms, s.pub->transport, SEC(9), &w));
    CHECK(memmem(s.text, w.n, "\"role\":\"publisher\"", 18));
    CHECK(!sl_explain_transport(s.plane, s.rooms, 12345, SEC(9), &w));
    end();
}
