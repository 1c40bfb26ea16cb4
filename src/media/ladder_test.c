#include "media/ladder.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

#define L(e, t, kbps, w, h, f)                                                           \
    {                                                                                    \
        .live = true, .bps = (kbps)*1000, .width = (w), .height = (h), .fps = (f),       \
        .encoding = (e), .temporal = (t)                                                 \
    }

static struct ladder_of everything(const struct layer_table *table)
{
    static const struct rtp_wish wish;
    return (struct ladder_of){
        .table = table, .wish = &wish, .sent = {.encoding = LAYER_NONE}};
}

/* "0.0 0.2 1.2": encodings and temporal layers, the least first. */
static const char *rungs(const struct ladder_of *of)
{
    static char text[128];
    struct ladder l = sl_ladder(of);
    size_t at = 0;
    text[0] = '\0';
    for (uint8_t i = 0; i < l.n; i++) {
        const struct layer_info *info = &of->table->layers[l.rungs[i].layer];
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u.%u", i > 0 ? " " : "",
                               info->encoding, info->temporal);
        CHECK(i == 0 || (l.rungs[i].bps >= l.rungs[i - 1].bps &&
                         l.rungs[i].quality > l.rungs[i - 1].quality));
    }
    return text;
}

static void check_rungs(const struct ladder_of *of, const char *want, enum ladder_end end)
{
    const char *got = rungs(of);
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "rungs %s, want %s", got, want);
    CHECK_INT(sl_ladder(of).end, end);
}

static const struct {
    const char *name;
    bool screen;
    struct layer_table table;
    const char *want;
    enum ladder_end end;
} rows[] = {
    {"nothing", false, {0}, "", LADDER_BEST},
    {"in any order",
     false,
     {3,
      {L(1, 0, 500, 640, 360, 30), L(0, 0, 150, 320, 180, 30),
       L(2, 0, 1500, 1280, 720, 30)}},
     "0.0 1.0 2.0",
     LADDER_BEST},
    {"of equals the cheaper",
     false,
     {2, {L(0, 0, 500, 640, 360, 30), L(1, 0, 400, 640, 360, 30)}},
     "1.0",
     LADDER_BEST},
    {"smaller and dearer",
     false,
     {2, {L(0, 0, 300, 640, 360, 30), L(1, 0, 400, 320, 180, 30)}},
     "0.0",
     LADDER_BEST},
    {"a few frames of a larger picture",
     false,
     {2, {L(0, 2, 150, 320, 180, 30), L(1, 0, 250, 640, 360, 7)}},
     "0.2",
     LADDER_BEST},
    {"of a screen",
     true,
     {2, {L(0, 2, 150, 320, 180, 30), L(1, 0, 250, 640, 360, 7)}},
     "0.2 1.0",
     LADDER_BEST},
    {"frames that nobody counted halve from layer to layer",
     false,
     {3,
      {L(0, 0, 100, 320, 180, 0), L(0, 1, 140, 320, 180, 0), L(1, 0, 120, 320, 180, 16)}},
     "0.0 1.0 0.1",
     LADDER_BEST},
    {"without sizes",
     false,
     {2, {L(0, 0, 900, 0, 0, 0), L(1, 0, 300, 0, 0, 0)}},
     "1.0 0.0",
     LADDER_BEST},
    {"with the size of one",
     false,
     {2, {L(0, 0, 900, 320, 180, 0), L(1, 0, 300, 0, 0, 0)}},
     "1.0 0.0",
     LADDER_BEST},
    {"what does not come, of which everything is forgotten",
     false,
     {3, {L(0, 0, 400, 320, 180, 30), L(1, 0, 300, 640, 360, 30), {.encoding = 2}}},
     "1.0",
     LADDER_STOPPED},
    {"nothing measured",
     false,
     {2, {L(0, 0, 0, 320, 180, 30), L(1, 0, 0, 640, 360, 30)}},
     "1.0",
     LADDER_BEST},
    {"one measured",
     false,
     {2, {L(0, 0, 100, 320, 180, 30), L(1, 0, 0, 640, 360, 30)}},
     "0.0",
     LADDER_BEST},
    {"the best stopped",
     false,
     {2, {L(0, 0, 100, 320, 180, 30), {.encoding = 1, .width = 640, .height = 360}}},
     "0.0",
     LADDER_STOPPED},
    {"one between stopped",
     false,
     {3,
      {L(0, 0, 100, 320, 180, 30),
       {.encoding = 1, .width = 640, .height = 360},
       L(2, 0, 1500, 1280, 720, 30)}},
     "0.0 2.0",
     LADDER_BEST},
    {"some of unknown size stopped",
     false,
     {2, {L(0, 0, 100, 0, 0, 0), {.encoding = 1}}},
     "0.0",
     LADDER_STOPPED},
    {"all stopped", false, {1, {{.encoding = 0}}}, "", LADDER_BEST},
};

TEST(ladder_rises)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct ladder_of of = everything(&rows[i].table);
        of.screen = rows[i].screen;
        check_row(rows[i].name);
        check_rungs(&of, rows[i].want, rows[i].end);
    }
}

/* What is sent and was not measured lately costs what it did. */
TEST(ladder_keeps_what_is_sent)
{
    struct layer_table table = {2,
                                {L(0, 0, 100, 320, 180, 30), L(1, 0, 0, 640, 360, 30)}};
    struct ladder_of of = everything(&table);
    of.sent = (struct layer_target){.encoding = 1};
    of.sent_bps = 400000;
    check_rungs(&of, "0.0 1.0", LADDER_BEST);
    CHECK_INT(sl_ladder(&of).rungs[1].bps, 400000);
}

TEST(ladder_never_ends_below_the_lowest)
{
    static const struct rtp_wish wishes[] = {
        {.width = 1, .height = 1}, {.fps = 1}, {.encoding = 1, .spatials = 1}};
    struct layer_table table = {
        2,
        {{.live = true, .bps = 100, .width = 320, .height = 180, .fps = 30, .spatial = 1},
         {.live = true,
          .bps = 200,
          .width = 640,
          .height = 360,
          .fps = 30,
          .spatial = 2}}};
    for (size_t i = 0; i < LEN(wishes); i++) {
        struct ladder_of of = everything(&table);
        of.wish = &wishes[i];
        CHECK_INT(sl_ladder(&of).n, i == 1 ? 2 : 1);
    }
}

/* Half of the pictures of a larger size are worth less than all of the one that was named, and
 * not meant: not even where half of them are wanted. */
TEST(ladder_keeps_to_the_size_that_was_named)
{
    static const struct rtp_wish wish = {.encoding = 2, .fps = 15};
    struct layer_table table = {6,
                                {L(0, 0, 75, 320, 180, 15), L(0, 1, 150, 320, 180, 30),
                                 L(1, 0, 250, 640, 360, 15), L(1, 1, 500, 640, 360, 30),
                                 L(2, 0, 750, 1280, 720, 15),
                                 L(2, 1, 1500, 1280, 720, 30)}};
    struct ladder_of of = everything(&table);
    of.wish = &wish;
    check_rungs(&of, "0.0 1.0", LADDER_NAMED);
}

/* What was measured of one encoding is a picture more or less than of the others. */
TEST(ladder_of_half_the_pictures)
{
    static const struct rtp_wish wish = {.fps = 8};
    struct layer_table table = {6,
                                {L(0, 0, 75, 320, 180, 10), L(0, 1, 150, 320, 180, 20),
                                 L(1, 0, 250, 640, 360, 11), L(1, 1, 500, 640, 360, 20),
                                 L(2, 0, 750, 1280, 720, 9),
                                 L(2, 1, 1500, 1280, 720, 19)}};
    struct ladder_of of = everything(&table);
    of.wish = &wish;
    check_rungs(&of, "0.0 1.0 2.0", LADDER_WIDE);
    for (unsigned i = 0; i < 6; i++) /* 15 is more than half are */
        table.layers[i].fps = (uint8_t)(table.layers[i].fps * 2 / 3);
    check_rungs(&of, "0.0 0.1 1.1 2.1", LADDER_BEST);
}
