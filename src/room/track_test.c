#include "room/track.h"

#include "check.h"
#include "media_log.h"

static struct rtp_params params(enum codec codec, uint32_t profile)
{
    return (struct rtp_params){.kind = sl_codec_kind(codec),
                               .codecs_n = 1,
                               .codecs = {{.codec = codec, .profile = profile}}};
}

static void expect(struct media_log *l, const char *what, const char *want)
{
    const char *got = ml_look(l);
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: asked\n%swanted\n%s", what, got, want);
}

TEST(names_of_tracks)
{
    static const struct {
        enum media_kind kind;
        unsigned nth;
        const char *want;
    } rows[] = {
        {MEDIA_AUDIO, 0, "microphone"},   {MEDIA_VIDEO, 0, "camera"},
        {MEDIA_AUDIO, 1, "screen-audio"}, {MEDIA_VIDEO, 1, "screen"},
        {MEDIA_AUDIO, 2, "audio-3"},      {MEDIA_VIDEO, 63, "video-64"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char name[SOURCE_CAP];
        sl_track_name(name, rows[i].kind, rows[i].nth);
        check_row(rows[i].want);
        CHECK(strcmp(name, rows[i].want) == 0);
    }
}

TEST(fits)
{
    static const struct {
        const char *name;
        enum codec sent[2], known[2];
        uint32_t sent_profile, known_profile;
        bool want;
    } rows[] = {
        {"the same", {CODEC_VP8}, {CODEC_VP8}, 0, 0, true},
        {"any place in the receiver's list",
         {CODEC_VP8},
         {CODEC_AV1, CODEC_VP8},
         0,
         0,
         true},
        {"another codec", {CODEC_VP8}, {CODEC_VP9}, 0, 0, false},
        {"another profile", {CODEC_H264}, {CODEC_H264}, 0x142e0, 0x16400, false},
        {"only what is sent last", {CODEC_VP8, CODEC_AV1}, {CODEC_AV1}, 0, 0, false},
        {"another kind", {CODEC_OPUS}, {CODEC_VP8}, 0, 0, false},
        {"nothing known", {CODEC_VP8}, {CODEC_NONE}, 0, 0, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct track track = {.params = params(rows[i].sent[0], rows[i].sent_profile)};
        struct slot slot = {.params = params(rows[i].known[0], rows[i].known_profile)};
        track.params.codecs[1].codec = rows[i].sent[1];
        track.params.codecs_n = 2;
        slot.params.codecs[1].codec = rows[i].known[1];
        slot.params.codecs_n = 2;
        check_row(rows[i].name);
        CHECK_INT(sl_track_fits(&track, &slot), rows[i].want);
    }
}

/* Up to four viewers and four tracks. Slots are 11, 12.. of the first viewer, 21.. of the
 * second, 31.. of the third. */
struct stage {
    struct media_log log;
    struct media_ops ops;
    struct tracks tracks;
    struct track track[4];
    struct slot slots[4][4];
    struct slot *of_view[4][4];
    struct view views[4];
};

static void stage_init(struct stage *s)
{
    *s = (struct stage){.ops = ml_ops(&s->log)};
    sl_tracks_init(&s->tracks, &s->ops, 0);
}

static void watch(struct stage *s, size_t i, const char *stream, const char *kinds)
{
    struct view *v = &s->views[i];
    snprintf(v->stream, sizeof v->stream, "%s", stream);
    v->slots = s->of_view[i];
    v->n = strlen(kinds);
    for (size_t k = 0; k < v->n; k++) {
        v->slots[k] = &s->slots[i][k];
        s->slots[i][k] = (struct slot){
            .consumer = 10 * i + k + 11,
            .params = params(kinds[k] == 'a' ? CODEC_OPUS : CODEC_VP8, 0),
        };
    }
    sl_tracks_watch(&s->tracks, v);
}

static struct track *track(struct stage *s, size_t i, const char *stream, enum codec c)
{
    s->track[i] =
        (struct track){.stream = stream, .producer = i + 1, .params = params(c, 0)};
    return &s->track[i];
}

TEST(viewer_after_the_publisher)
{
    struct stage s;
    stage_init(&s);
    sl_tracks_start(&s.tracks, track(&s, 0, "x", CODEC_OPUS), 0);
    sl_tracks_start(&s.tracks, track(&s, 1, "x", CODEC_VP8), 0);
    expect(&s.log, "nobody watches", "");
    watch(&s, 0, "x", "av");
    expect(&s.log, "audio to audio, video to video",
           "source 11 from 1\nsource 12 from 2\n");
}

TEST(viewer_before_the_publisher)
{
    struct stage s;
    stage_init(&s);
    watch(&s, 0, "", "va");
    watch(&s, 1, "y", "va");
    expect(&s.log, "nothing to see yet", "");
    sl_tracks_start(&s.tracks, track(&s, 0, "x", CODEC_VP8), 7);
    expect(&s.log, "who named nobody gets it", "source 11 from 1\n");
    CHECK_INT(s.track[0].since, 7);
    sl_tracks_start(&s.tracks, track(&s, 1, "y", CODEC_VP8), 8);
    expect(&s.log, "who named it gets it; the other has no slot left",
           "source 21 from 2\n");
}

TEST(slots_are_freed_and_filled)
{
    struct stage s;
    stage_init(&s);
    for (size_t i = 0; i < 3; i++)
        sl_tracks_start(&s.tracks, track(&s, i, "x", CODEC_VP8), 0);
    watch(&s, 0, "", "vv");
    expect(&s.log, "the oldest first, none twice",
           "source 11 from 1\nsource 12 from 2\n");
    sl_tracks_end(&s.tracks, &s.track[0]);
    expect(&s.log, "its slot takes one not yet seen", "source 11 from 3\n");
    sl_tracks_end(&s.tracks, &s.track[1]);
    expect(&s.log, "nothing else to see", "source 12 from 0\n");
    sl_tracks_start(&s.tracks, track(&s, 3, "x", CODEC_VP8), 0);
    expect(&s.log, "the free slot is filled again", "source 12 from 4\n");
}

TEST(take_over_in_place)
{
    struct stage s;
    stage_init(&s);
    sl_tracks_start(&s.tracks, track(&s, 0, "x", CODEC_VP8), 0);
    sl_tracks_start(&s.tracks, track(&s, 1, "y", CODEC_VP8), 0);
    watch(&s, 0, "", "vv");
    watch(&s, 1, "x", "v");
    watch(&s, 2, "", "v");
    (void)ml_look(&s.log);

    sl_tracks_replace(&s.tracks, &s.track[0], track(&s, 2, "x", CODEC_VP8), 5);
    expect(&s.log, "each slot moves once",
           "source 11 from 3\nsource 21 from 3\nsource 31 from 3\n");

    watch(&s, 3, "", "v");
    expect(&s.log, "the successor has its place in the queue", "source 41 from 3\n");
    sl_tracks_unwatch(&s.views[3]);

    sl_tracks_replace(&s.tracks, &s.track[2], track(&s, 3, "x", CODEC_AV1), 6);
    expect(&s.log, "who cannot decode the new one sees another or nothing",
           "source 11 from 0\nsource 21 from 0\nsource 31 from 2\n");
}

TEST(who_leaves_takes_no_more)
{
    struct stage s;
    stage_init(&s);
    watch(&s, 0, "", "v");
    watch(&s, 1, "", "v");
    sl_tracks_start(&s.tracks, track(&s, 0, "x", CODEC_VP8), 0);
    (void)ml_look(&s.log);
    sl_tracks_unwatch(&s.views[0]);
    sl_tracks_end(&s.tracks, &s.track[0]);
    expect(&s.log, "only the other is told", "source 21 from 0\n");
}

/* ---- more voices than slots ---- */

static void heard(struct stage *s, size_t i, int below, usec now)
{
    struct voice v = {.immediate = 9,
                      .medium = below < LEVEL_SILENCE ? 5 : 0,
                      .longs = 5,
                      .below_dbov = (uint8_t)below,
                      .told = true};
    (void)sl_tracks_heard(&s->tracks, &s->track[i], &v, now);
}

static void speak_of_four(struct stage *s, unsigned loudest)
{
    static const char *const names[] = {"w", "x", "y", "z"};
    stage_init(s);
    s->tracks.loudest = loudest;
    for (size_t i = 0; i < 4; i++)
        sl_tracks_start(&s->tracks, track(s, i, names[i], CODEC_OPUS), 0);
    (void)ml_look(&s->log);
}

/* The slot that plays what comes last in the order changes, in each view that has not all. */
TEST(speakers_are_heard_in_few_slots)
{
    struct stage s;
    speak_of_four(&s, 0);
    watch(&s, 0, "", "aa");
    watch(&s, 1, "", "aaa");
    watch(&s, 2, "w", "a");
    expect(&s.log, "the oldest",
           "source 11 from 1\nsource 12 from 2\n"
           "source 21 from 1\nsource 22 from 2\nsource 23 from 3\nsource 31 from 1\n");
    heard(&s, 1, 30, SEC(10));
    expect(&s.log, "who plays already speaks", "");
    heard(&s, 3, 30, SEC(10));
    expect(&s.log, "another speaks", "source 23 from 4\nsource 11 from 4\n");
    heard(&s, 0, 30, SEC(10));
    expect(&s.log, "who plays already where there are few", "");
    heard(&s, 3, 127, SEC(10));
    heard(&s, 0, 30, SEC(10) + MSEC(900));
    expect(&s.log, "one pauses", "");
    heard(&s, 0, 30, SEC(11) + MSEC(100));
    expect(&s.log, "for long", "source 11 from 1\n");
}

TEST(speakers_leave_and_come)
{
    struct stage s;
    speak_of_four(&s, 0);
    watch(&s, 0, "", "a");
    heard(&s, 2, 30, SEC(10));
    expect(&s.log, "one speaks", "source 11 from 1\nsource 11 from 3\n");
    heard(&s, 3, 30, SEC(10));
    CHECK(sl_tracks_speaker(&s.tracks) == &s.track[2]);
    sl_tracks_end(&s.tracks, &s.track[2]);
    expect(&s.log, "it leaves, the next one speaks", "source 11 from 4\n");
    CHECK(sl_tracks_speaker(&s.tracks) == NULL);
    sl_tracks_replace(&s.tracks, &s.track[3], track(&s, 2, "z", CODEC_OPUS), 0);
    expect(&s.log, "its stream is taken over", "source 11 from 3\n");
    heard(&s, 0, 30, SEC(10));
    expect(&s.log, "who has not spoken gives way", "source 11 from 1\n");
}

TEST(speakers_are_as_many_as_may_be)
{
    struct stage s;
    speak_of_four(&s, 2);
    watch(&s, 0, "", "aava");
    watch(&s, 1, "y", "a");
    expect(&s.log, "two of three slots, and one of a stream",
           "source 11 from 1\nsource 12 from 2\nsource 21 from 3\n");
    heard(&s, 3, 30, SEC(10));
    expect(&s.log, "one speaks", "source 12 from 4\n");
    sl_tracks_end(&s.tracks, &s.track[1]);
    sl_tracks_start(&s.tracks, track(&s, 1, "v", CODEC_VP8), 0);
    expect(&s.log, "pictures do not count", "source 13 from 2\n");
    sl_tracks_end(&s.tracks, &s.track[0]);
    expect(&s.log, "one leaves", "source 11 from 3\n");
}

/* ---- followers, who have a slot for each of more voices than they hear ---- */

enum { TALKERS = 12, FOLLOWERS = 2 };

/* Consumers are 101 to 112 for the first follower, who is the first talker, 201.. for the second. */
struct hall {
    struct media_log log;
    struct media_ops ops;
    struct tracks tracks;
    struct track talker[TALKERS];
    struct follower {
        struct view view;
        struct slot slots[TALKERS], *at[TALKERS];
    } of[FOLLOWERS];
};

static struct hall hall;

static size_t places; /* of each follower */

static bool is_seated(const struct view *view, const struct track *track)
{
    for (size_t i = 0; i < view->n; i++)
        if (view->slots[i]->track == track)
            return true;
    return false;
}

static void take(struct view *view, struct track *track)
{
    struct follower *f = list_entry(view, struct follower, view);
    size_t i = (size_t)(track - hall.talker);
    if (view->n >= places)
        return;
    f->slots[i] = (struct slot){.view = view,
                                .params = track->params,
                                .consumer = 100 * (size_t)(f - hall.of + 1) + i + 1};
    f->at[view->n++] = &f->slots[i];
    sl_tracks_seat(&hall.tracks, track, &f->slots[i]);
    sl_tracks_feed(&hall.tracks, &f->slots[i]);
}

static void leave(struct slot *slot)
{
    struct view *view = slot->view;
    for (size_t i = 0; i < view->n; i++)
        if (view->slots[i] == slot)
            view->slots[i] = view->slots[--view->n];
}

static bool lacks(struct view *view, const struct track *track)
{
    return view->n >= places && !is_seated(view, track);
}

static void trade(struct slot *slot, struct track *track)
{
    leave(slot);
    take(slot->view, track);
}

static void begin_talker(size_t i, enum codec c)
{
    hall.talker[i] = (struct track){.stream = "x",
                                    .producer = i + 1,
                                    .owner = i == 0 ? &hall.of[0].view : NULL,
                                    .params = params(c, 0)};
    sl_tracks_start(&hall.tracks, &hall.talker[i], 0);
}

static void fill_hall(unsigned loudest, size_t talkers)
{
    static const struct track_seats seats = {take, leave, lacks, trade};
    memset(&hall, 0, sizeof hall);
    places = TALKERS;
    hall.ops = ml_ops(&hall.log);
    sl_tracks_init(&hall.tracks, &hall.ops, loudest);
    for (size_t i = 0; i < FOLLOWERS; i++) {
        hall.of[i].view = (struct view){.seats = &seats, .slots = hall.of[i].at};
        sl_tracks_follow(&hall.tracks, &hall.of[i].view);
    }
    for (size_t i = 0; i < talkers; i++)
        begin_talker(i, CODEC_OPUS);
}

static void say(size_t i, int below, usec now)
{
    struct voice v = {.medium = below < LEVEL_SILENCE ? 5 : 0,
                      .below_dbov = (uint8_t)below,
                      .told = true};
    (void)sl_tracks_heard(&hall.tracks, &hall.talker[i], &v, now);
}

/* Those whom a follower hears, as letters. */
static const char *heard_by(size_t i)
{
    static char text[TALKERS + 1];
    size_t n = 0;
    for (size_t k = 0; k < TALKERS; k++) {
        const struct slot *slot = &hall.of[i].slots[k];
        if (slot->track && !list_empty(&slot->link) && !slot->unheard &&
            !slot->track->muted)
            text[n++] = (char)('a' + k);
    }
    text[n] = '\0';
    return text;
}

#define CHECK_HEARD(i, want) CHECK_STR(heard_by(i), want)

TEST(followers_hear_the_loudest)
{
    fill_hall(3, TALKERS);
    CHECK_HEARD(0, "bcd"); /* not itself */
    CHECK_HEARD(1, "abc");
    CHECK(sl_tracks_silence(&hall.of[1].slots[0]) == NULL);
    CHECK_STR(sl_tracks_silence(&hall.of[1].slots[3]), "not_among_the_loudest");
    (void)ml_look(&hall.log);

    say(9, 30, SEC(10));
    expect(
        &hall.log, "one speaks: the one that is last in the order gives way",
        "source 104 from 0\nsource 110 from 10\nsource 203 from 0\nsource 210 from 10\n");
    say(9, 30, SEC(10) + MSEC(100));
    say(2, 30, SEC(10) + MSEC(200));
    say(5, 30, SEC(10) + MSEC(200));
    CHECK_HEARD(0, "cfj");
    CHECK_HEARD(1, "cfj");
    (void)ml_look(&hall.log);

    say(7, 30, SEC(10) + MSEC(900));
    expect(&hall.log, "a fourth does not cut off three who speak", "");
    say(5, 30, SEC(11));
    say(9, 30, SEC(11));
    say(5, 30, SEC(11) + MSEC(300));
    say(7, 30, SEC(11) + MSEC(300));
    expect(
        &hall.log, "when one of them has paused for long, it is heard in his place",
        "source 103 from 0\nsource 108 from 8\nsource 203 from 0\nsource 208 from 8\n");
    CHECK_HEARD(0, "fhj");

    say(0, 30, SEC(13));
    CHECK_HEARD(
        0,
        "fhj"); /* of the two first in the order it is the last who cannot hear itself */
    CHECK_HEARD(1, "afj");
}

/* Who has fewer places than there are voices gives that of the one who was silent for longest. */
TEST(followers_with_few_places)
{
    fill_hall(2, 0);
    places = 3;
    for (size_t i = 0; i < TALKERS; i++)
        begin_talker(i, CODEC_OPUS);
    CHECK_HEARD(0, "bc");
    CHECK_HEARD(1, "ab");
    say(9, 30, SEC(10));
    CHECK_HEARD(0, "bj");
    CHECK_HEARD(1, "aj");
    CHECK(!is_seated(&hall.of[1].view, &hall.talker[2]));
    CHECK_INT(hall.of[1].view.n, 3);
    say(8, 127, SEC(10));
    CHECK(!is_seated(&hall.of[1].view, &hall.talker[8])); /* who is silent needs none */
    say(9, 30, SEC(10) + MSEC(800));
    say(8, 30, SEC(10) + MSEC(800));
    CHECK_HEARD(1, "ij");
    say(9, 30, SEC(11));
    say(8, 30, SEC(11));
    say(7, 30, SEC(11));
    CHECK_HEARD(1, "ij");
    CHECK(!is_seated(&hall.of[1].view, &hall.talker[7])); /* nor who would not be heard */
    say(9, 30, SEC(12));
    say(7, 30, SEC(12) + MSEC(100));
    CHECK_HEARD(1, "hj");
    CHECK(is_seated(&hall.of[1].view, &hall.talker[8]));
}

TEST(followers_of_few_voices_hear_all)
{
    fill_hall(3, 3);
    CHECK_HEARD(0, "bc");
    CHECK_HEARD(1, "abc");
    (void)ml_look(&hall.log);
    say(2, 30, SEC(10));
    say(0, 30, SEC(12));
    expect(&hall.log, "the order does not matter", "");
    begin_talker(3, CODEC_VP8);
    expect(&hall.log, "pictures do not count", "source 104 from 4\nsource 204 from 4\n");

    fill_hall(0, TALKERS);
    CHECK_HEARD(0, "bcdefghijkl");
    CHECK_HEARD(1, "abcdefghijkl");
}

/* Whoever is heard makes room for the next: by a mute, by the end of the track, by a wish. */
TEST(followers_hear_the_next)
{
    const struct rtp_wish paused = {.paused = true}, wanted = {0};
    fill_hall(2, 4);
    CHECK_HEARD(1, "ab");
    (void)ml_look(&hall.log);
    sl_tracks_mute(&hall.tracks, &hall.talker[0], true);
    expect(&hall.log, "muted", "source 201 from 0\nsource 203 from 3\n");
    CHECK(sl_tracks_silence(&hall.of[1].slots[0]) == NULL);
    sl_tracks_mute(&hall.tracks, &hall.talker[3], true);
    sl_tracks_mute(&hall.tracks, &hall.talker[3], false);
    expect(&hall.log, "who is not heard mutes", "");
    sl_tracks_mute(&hall.tracks, &hall.talker[0], false);
    expect(&hall.log, "heard again", "source 203 from 0\nsource 201 from 1\n");

    sl_tracks_wish(&hall.tracks, &hall.of[1].slots[1], &paused);
    CHECK_HEARD(1, "ac");
    CHECK_STR(sl_tracks_silence(&hall.of[1].slots[1]), "paused_by_viewer");
    sl_tracks_wish(&hall.tracks, &hall.of[1].slots[1], &wanted);
    CHECK_HEARD(1, "ab");
    CHECK_HEARD(0, "bc"); /* nobody else's */

    sl_tracks_end(&hall.tracks, &hall.talker[0]);
    CHECK_HEARD(1, "bc");
    list_del(&hall.of[1].slots[0].link);
    begin_talker(0, CODEC_OPUS);
    CHECK_HEARD(1, "bc"); /* who comes is last */
    sl_tracks_unwatch(&hall.of[1].view);
    CHECK(sl_tracks_silence(&hall.of[1].slots[3]) == NULL);
}
