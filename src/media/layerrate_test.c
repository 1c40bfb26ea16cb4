#include "media/layerrate.h"

#include "check.h"

#define FRAME   3000 /* of a 90 kHz clock, at 30 frames a second */
#define FRAME_T (SEC(1) / 30)

/* Sizes 0 to sizes - 1 with these octets in each frame, and temporal layers 0 2 1 2; from
 * picture `first` on, of which every 100th is a key. */
static void feed(struct layerrate *l, unsigned sizes, bool keyed, int first, int n)
{
    static const uint8_t temporal[] = {0, 2, 1, 2};
    for (int i = first; i < first + n; i++)
        for (uint8_t s = 0; s < sizes; s++) {
            struct payload p = {.spatial = s, .temporal = temporal[i % 4], .start = true};
            bool key = i % 100 == 0;
            p.key = key && s == 0;
            p.in = layer_above(s, p.temporal);
            if (keyed && !key)
                p.in &= layer_size(s);
            sl_layerrate_input(l, &p, (uint32_t)i * FRAME, 100U << s,
                               SEC(1) + i * FRAME_T);
        }
}

TEST(layerrate_lists_what_a_viewer_would_get)
{
    static const struct {
        bool keyed;
        struct layer_info want[3]; /* of size 1 */
    } rows[] = {
        {false,
         {{1, 1, 0, true, 18000, 640, 360, 8},
          {1, 1, 1, true, 36000, 640, 360, 15},
          {1, 1, 2, true, 72000, 640, 360, 30}}},
        {true,
         {{1, 1, 0, true, 12000, 640, 360, 8},
          {1, 1, 1, true, 24000, 640, 360, 15},
          {1, 1, 2, true, 48000, 640, 360, 30}}},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct layerrate l = {.sizes[1] = {640, 360}};
        struct layer_table t = {0};
        check_row(rows[i].keyed ? "L2T3_KEY" : "L2T3");
        for (int k = 0; k < 8; k++) {
            feed(&l, 2, rows[i].keyed, k * 60, 60);
            sl_layerrate_review(&l, SEC(2));
        }
        CHECK_INT(l.keyed, rows[i].keyed);
        CHECK_INT(sl_layerrate_count(&l, true), 6);
        CHECK_INT(sl_layerrate_count(&l, false), 2);
        sl_layerrate_list(&l, 1, true, true, &t);
        CHECK_INT(t.n, 6);
        for (int k = 0; k < 3; k++) {
            const struct layer_info *got = &t.layers[3 + k], *want = &rows[i].want[k];
            CHECK(got->encoding == 1 && got->spatial == 1 && got->temporal == k &&
                  got->live);
            CHECK(got->bps > want->bps - 200 &&
                  got->bps <= want->bps); /* but for a key's part */
            CHECK_INT(got->fps, want->fps);
            CHECK_INT(got->width, want->width);
        }
        t.n = 0;
        sl_layerrate_list(&l, 1, false, false, &t);
        CHECK_INT(t.n, 2);
        CHECK(t.layers[1].temporal == 2 && !t.layers[1].live);
    }
}

TEST(layerrate_wishes_for_what_comes)
{
    struct layerrate l = {0};
    struct gate_wish w = sl_layerrate_wish(&l, LAYER_ALL, LAYER_ALL);
    CHECK(w.whole && layer_spatial(w.layer) == 0); /* nothing is known yet */

    feed(&l, 3, false, 1, 50);
    w = sl_layerrate_wish(&l, 0, 0);
    CHECK(w.whole); /* not yet */
    sl_layerrate_review(&l, SEC(1));
    w = sl_layerrate_wish(&l, LAYER_ALL, LAYER_ALL);
    CHECK(w.whole && w.layer == layer_at(2, 3));
    w = sl_layerrate_wish(&l, 2, 2);
    CHECK(w.whole && w.layer == layer_at(2, 2));
    w = sl_layerrate_wish(&l, 2, 1);
    CHECK(!w.whole && w.layer == layer_at(2, 1));
    w = sl_layerrate_wish(&l, 1, LAYER_ALL);
    CHECK(!w.whole && w.layer == layer_at(1, 3));

    feed(&l, 2, false, 51, 11); /* 367 ms: not yet */
    CHECK_INT(sl_layerrate_wish(&l, 2, 2).layer, layer_at(2, 2));
    feed(&l, 2, false, 62, 2);
    w = sl_layerrate_wish(&l, 2, 2);
    CHECK(w.whole && w.layer == layer_at(1, 2)); /* the largest does not come any more */

    feed(&l, 3, true, 64, 4);
    w = sl_layerrate_wish(&l, LAYER_ALL, LAYER_ALL);
    CHECK(w.keyed && !w.whole &&
          w.layer == layer_at(2, 3)); /* lower sizes are not for it */
}

/* A key picture that somebody asked for does not make the stream look dearer than it is; those
 * that come all the time do. */
TEST(layerrate_spreads_key_pictures)
{
    struct layerrate l = {0};
    struct payload p = {.start = true}, more = {0}, key = {.start = true, .key = true};
    uint32_t ts = 0;
    for (int half = 0; half < 60; half++) {
        for (int i = 0; i < 15; i++, ts += FRAME) {
            bool is_key = i == 7 && (half == 20 || half >= 40);
            sl_layerrate_input(&l, is_key ? &key : &p, ts, 1000, SEC(1));
            if (is_key)
                sl_layerrate_input(&l, &more, ts, 14000, SEC(1));
        }
        sl_layerrate_review(&l, MSEC(500));
        if (half < 20)
            CHECK_INT(l.bps[0], 240000);
        else if (half < 40)
            CHECK(l.bps[0] >= 238000 && l.bps[0] < 265000);
    }
    CHECK(l.bps[0] > 430000 && l.bps[0] <= 464000);
}

/* One picture a second, and its sizes one after the other: all come, until one did not for a whole
 * picture. None of them comes back for that; after such a pause of what moves, it does. */
TEST(layerrate_of_a_still_screen)
{
    struct layerrate l = {0}, moves = {0};
    for (int i = 0; i < 6; i++)
        for (uint8_t s = 0; s < (i < 4 ? 3 : 2); s++) {
            struct payload p = {.spatial = s, .start = true};
            sl_layerrate_input(&l, &p, (uint32_t)i * 90000, 100,
                               SEC(1) + i * SEC(1) + s * MSEC(60));
            CHECK(i == 0 || (sl_layerrate_live(&l, 0) && sl_layerrate_live(&l, 1)));
            CHECK(i == 0 || sl_layerrate_live(&l, 2) == (i < 5));
        }
    for (unsigned s = 0; s < 3; s++)
        CHECK_INT(l.back[s], SEC(1) + s * MSEC(60));
    for (int i = 0; i < 6; i++)
        for (uint8_t s = 0; s < 3; s++) {
            struct payload p = {.spatial = s, .start = true};
            usec at = SEC(1) + i * MSEC(50) + (i < 4 ? 0 : MSEC(500)) + s * MSEC(6);
            sl_layerrate_input(&moves, &p, (uint32_t)i * 4500, 100, at);
            CHECK_INT(moves.back[s], SEC(1) + (i < 4 ? 0 : MSEC(700)) + s * MSEC(6));
        }
}

TEST(layerrate_forgets_what_is_gone)
{
    struct layerrate l = {0};
    feed(&l, 1, false, 0, 60);
    sl_layerrate_review(&l, SEC(2));
    CHECK_INT(sl_layerrate_count(&l, true), 3);
    for (int i = 0; i < 20; i++)
        sl_layerrate_review(&l, SEC(2));
    CHECK_INT(sl_layerrate_count(&l, true), 0);
}

/* Of a slide that is sent every few seconds it is known how few pictures there are. */
TEST(layerrate_of_few_pictures)
{
    struct layerrate l = {0};
    struct payload p = {.start = true};
    for (int i = 0; i < 30; i++) {
        struct layer_table t = {0};
        if (i % 5 == 0)
            sl_layerrate_input(&l, &p, (uint32_t)i * 45000, 20000,
                               SEC(1) + i * MSEC(500));
        sl_layerrate_review(&l, MSEC(500));
        sl_layerrate_list(&l, 0, true, true, &t);
        CHECK(i < 5 || (t.n == 1 && t.layers[0].fps >= 1 && t.layers[0].fps <= 2));
    }
}
