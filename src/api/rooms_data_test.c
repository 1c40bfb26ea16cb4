#include "api/rooms_data.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

/* Data channels that take so many frames, and then no more. */
struct plane {
    size_t room;    /* frames that are still taken */
    size_t longest; /* of those; 0: any */
    enum err fault; /* what comes of all of them */
    char sent[256]; /* "stream:payload " */
    unsigned closed;
};

static enum err data_send(void *ctx, uint64_t transport, uint16_t stream, bool text,
                          struct span m)
{
    struct plane *p = ctx;
    size_t at = strlen(p->sent);
    CHECK(!text && transport == 7);
    if (p->fault)
        return p->fault;
    if (p->longest > 0 && m.n > p->longest)
        return E_MALFORMED;
    if (p->room == 0)
        return E_FULL;
    p->room--;
    if (m.n < 64) /* version, kind, and who it is from, by one letter */
        (void)snprintf(p->sent + at, sizeof p->sent - at, "%u:%c:%.*s ", stream, m.p[3],
                       (int)m.n - 4, (const char *)m.p + 4);
    return E_OK;
}

static void data_close(void *ctx, uint64_t transport, uint16_t stream)
{
    (void)transport;
    CHECK_INT(stream, 2);
    ((struct plane *)ctx)->closed++;
}

struct stage {
    struct plane plane;
    struct media_ops ops;
    struct rooms_datas *datas;
    struct rooms_reader reader;
};

static bool event(struct stage *s, enum media_data_kind kind, uint16_t stream,
                  const char *label, struct span bytes, struct rooms_frame *ret)
{
    struct dcep_open open = {0};
    struct media_data_event ev = {.kind = kind, .stream = stream, .bytes = bytes};
    if (label) {
        CHECK(sl_dcep_text(&open.label, span_of(label)));
        ev.open = &open;
    }
    enum err e = sl_rooms_data_event(s->datas, &s->reader, 7, &ev, ret);
    return e == E_OK;
}

/* Both of its channels are open: `reliable` is stream 2, `lossy` 4. */
static struct stage *stage_new(size_t room)
{
    struct rooms_frame f;
    struct stage *s = calloc(1, sizeof *s);
    s->plane.room = room;
    s->ops = (struct media_ops){
        .ctx = &s->plane, .data_send = data_send, .data_close = data_close};
    s->datas = sl_rooms_datas_new(&s->ops);
    sl_rooms_data_init(&s->reader);
    CHECK(!event(s, MEDIA_DATA_OPENED, 2, "reliable", (struct span){0}, &f));
    CHECK(!event(s, MEDIA_DATA_OPENED, 4, "lossy", (struct span){0}, &f));
    CHECK(!event(s, MEDIA_DATA_OPENED, 6, "reliable", (struct span){0}, &f));
    return s;
}

static void stage_free(struct stage *s)
{
    sl_rooms_data_fini(&s->reader);
    sl_rooms_datas_free(s->datas);
    free(s);
}

TEST(frames)
{
    static const struct {
        const char *name, *hex;
        enum err want;
        size_t to_n, payload;
    } rows[] = {
        {"to all", "01 00 00 6869", E_OK, 0, 2},
        {"a text for two", "01 01 02 01 61 02 6263 6869", E_OK, 2, 2},
        {"for one, twice, and another", "01 01 03 01 61 01 61 01 62 6869", E_OK, 2, 2},
        {"empty", "01 00 00", E_OK, 0, 0},
        {"nothing", "", E_MALFORMED, 0, 0},
        {"another version", "02 00 00 68", E_MALFORMED, 0, 0},
        {"another kind", "01 02 00 68", E_MALFORMED, 0, 0},
        {"a name that is cut off", "01 00 01 05 61", E_MALFORMED, 0, 0},
        {"one name of two", "01 00 02 01 61", E_MALFORMED, 0, 0},
        {"for 33",
         "01 00 21 00000000 00000000 00000000 00000000 00000000 00000000 "
         "00000000 00000000 00",
         E_MALFORMED, 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rooms_frame f = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_rooms_frame_read(check_hex(rows[i].hex), &f), rows[i].want);
        CHECK_INT(f.to_n, rows[i].to_n);
        CHECK_INT(f.payload.n, rows[i].payload);
    }
}

static void give(struct stage *s, enum rooms_channel c, const char *payload)
{
    const struct rooms_frame f = {.channel = c, .payload = span_of(payload)};
    struct rooms_parcel *p = sl_rooms_parcel_new(&f, "a");
    sl_rooms_data_give(s->datas, &s->reader, p);
    sl_rooms_parcel_free(p);
}

TEST(a_reader_gets_what_is_for_it)
{
    struct stage *s = stage_new(10);
    struct rooms_frame f;
    give(s, ROOMS_RELIABLE, "one");
    give(s, ROOMS_LOSSY, "two");
    CHECK_STR(s->plane.sent, "2:a:one 4:a:two ");
    CHECK(!event(s, MEDIA_DATA_CLOSED, 4, NULL, (struct span){0}, &f));
    give(s, ROOMS_LOSSY, "three");
    CHECK(!event(s, MEDIA_DATA_ENDED, 0, NULL, (struct span){0}, &f));
    give(s, ROOMS_RELIABLE, "four");
    CHECK_STR(s->plane.sent, "2:a:one 4:a:two ");
    CHECK_INT(sl_rooms_datas_stats(s->datas)->frames_out, 2);
    stage_free(s);
}

TEST(channels_of_a_new_transport)
{
    struct stage *s = stage_new(0);
    struct rooms_frame f;
    struct dcep_open open = {0};
    const struct media_data_event ev = {
        .kind = MEDIA_DATA_OPENED, .stream = 1, .open = &open};
    give(s, ROOMS_RELIABLE, "lost");
    CHECK(sl_dcep_text(&open.label, span_of("reliable")));
    CHECK_INT(sl_rooms_data_event(s->datas, &s->reader, 8, &ev, &f), E_ABSENT);
    CHECK_INT(s->reader.queued, 0);
    CHECK_INT(s->reader.channel[ROOMS_RELIABLE].transport, 8);
    sl_rooms_data_gone(s->datas, &s->reader, 7); /* the old one is not this */
    CHECK(s->reader.channel[ROOMS_RELIABLE].open && !s->reader.channel[ROOMS_LOSSY].open);
    stage_free(s);
}

TEST(a_slow_reader)
{
    struct stage *s = stage_new(1);
    struct rooms_frame f;
    give(s, ROOMS_RELIABLE, "1");
    give(s, ROOMS_RELIABLE, "2"); /* waits */
    give(s, ROOMS_LOSSY, "x");    /* is missed */
    s->plane.room = 1;
    give(s, ROOMS_RELIABLE, "3"); /* not before the other */
    CHECK_STR(s->plane.sent, "2:a:1 ");
    CHECK(!event(s, MEDIA_DATA_ROOM, 0, NULL, (struct span){0}, &f));
    CHECK_STR(s->plane.sent, "2:a:1 2:a:2 ");
    s->plane.room = 9;
    CHECK(!event(s, MEDIA_DATA_ROOM, 0, NULL, (struct span){0}, &f));
    CHECK_STR(s->plane.sent, "2:a:1 2:a:2 2:a:3 ");
    CHECK_INT(s->reader.queued, 0);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->missed, 1);
    CHECK_INT(s->plane.closed, 0);
    stage_free(s);
}

TEST(a_reader_that_is_too_slow)
{
    struct stage *s = stage_new(0);
    char *big = calloc(1, (256 << 10) + 1);
    memset(big, 'x', 256 << 10);
    for (int i = 0; i < 15; i++)
        give(s, ROOMS_RELIABLE, big);
    CHECK_INT(s->plane.closed, 0);
    give(s, ROOMS_RELIABLE, big); /* sixteen headers are too much */
    CHECK_INT(s->plane.closed, 1);
    CHECK_INT(s->reader.queued, 0);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->slow, 1);
    s->plane.room = 9;
    give(s, ROOMS_RELIABLE, "late"); /* its channel is gone, the other is not */
    give(s, ROOMS_LOSSY, "x");
    CHECK_STR(s->plane.sent, "4:a:x ");
    free(big);
    stage_free(s);
}

TEST(senders_of_what_is_no_frame)
{
    struct stage *s = stage_new(0);
    struct rooms_frame f;
    CHECK(event(s, MEDIA_DATA_MESSAGE, 2, NULL, check_hex("01 00 00 68"), &f));
    CHECK(!event(s, MEDIA_DATA_MESSAGE, 2, NULL, check_hex("02 00 00 68"), &f));
    CHECK(!event(s, MEDIA_DATA_MESSAGE, 4, NULL, (struct span){0}, &f));
    CHECK_INT(sl_rooms_datas_stats(s->datas)->frames_in, 1);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->malformed, 2);
    stage_free(s);
}

/* What is taken fits its reader, whoever it is from. */
TEST(the_longest)
{
    static const char longest_id[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct stage *s = stage_new(9);
    struct rooms_frame f = {0};
    s->plane.longest = MEDIA_DATA_LONGEST;
    size_t n = 3 + ROOMS_DATA_MAX;
    uint8_t *big = calloc(1, n + 1);
    big[0] = 1;
    CHECK(event(s, MEDIA_DATA_MESSAGE, 2, NULL, (struct span){big, n}, &f));
    CHECK_INT(f.payload.n, ROOMS_DATA_MAX);
    struct rooms_parcel *p = sl_rooms_parcel_new(&f, longest_id);
    sl_rooms_data_give(s->datas, &s->reader, p);
    sl_rooms_parcel_free(p);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->frames_out, 1);
    CHECK(!event(s, MEDIA_DATA_MESSAGE, 2, NULL, (struct span){big, n + 1}, &f));
    CHECK_INT(sl_rooms_datas_stats(s->datas)->frames_in, 1);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->too_large, 1);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->malformed, 0);
    free(big);
    stage_free(s);
}

TEST(a_reader_that_takes_shorter_ones)
{
    struct stage *s = stage_new(0);
    struct rooms_frame f;
    s->plane.longest = 8;
    give(s, ROOMS_RELIABLE, "1");
    give(s, ROOMS_RELIABLE, "much too long"); /* waits */
    give(s, ROOMS_RELIABLE, "2");
    s->plane.room = 9;
    CHECK(!event(s, MEDIA_DATA_ROOM, 0, NULL, (struct span){0}, &f));
    give(s, ROOMS_RELIABLE, "much too long");
    give(s, ROOMS_LOSSY, "much too long");
    give(s, ROOMS_RELIABLE, "3");
    CHECK_STR(s->plane.sent, "2:a:1 2:a:2 2:a:3 ");
    CHECK_INT(sl_rooms_datas_stats(s->datas)->too_large, 3);
    CHECK_INT(sl_rooms_datas_stats(s->datas)->missed, 0);
    CHECK_INT(s->plane.closed, 0);
    stage_free(s);
}

/* Nothing of `reliable` is lost without a word: now, or out of the queue. */
TEST(a_reader_that_cannot_be_reached)
{
    for (int waits = 0; waits < 2; waits++) {
        struct stage *s = stage_new(0);
        struct rooms_frame f;
        if (waits)
            give(s, ROOMS_RELIABLE, "1");
        s->plane.fault = E_MEMORY;
        give(s, ROOMS_LOSSY, "x");
        give(s, ROOMS_RELIABLE, "2");
        CHECK(!event(s, MEDIA_DATA_ROOM, 0, NULL, (struct span){0}, &f));
        CHECK_INT(s->plane.closed, 1);
        CHECK_INT(s->reader.queued, 0);
        CHECK_INT(sl_rooms_datas_stats(s->datas)->slow, 1);
        CHECK_INT(sl_rooms_datas_stats(s->datas)->missed, 1);
        stage_free(s);
    }
}
