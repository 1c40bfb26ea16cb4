#include "media/picmap.h"

#include "base/rng.h"

#include "check.h"

/* The last packet of one source, the first of another and a later one of it: what the later
 * one's payload begins with. */
static const struct {
    const char *name;
    enum codec codec;
    const char *last, *first, *later, *want;
} rows[] = {
    {"VP8, 15 bits", CODEC_VP8, "90 80 8123 00", "90 80 9456 00", "90 80 9458 01",
     "90 80 8126"},
    {"VP8, 15 bits, round", CODEC_VP8, "90 80 fffe 00", "90 80 8005 00", "90 80 8007 01",
     "90 80 8001"},
    {"VP8, 7 bits, round", CODEC_VP8, "90 80 7f 00", "90 80 11 00", "90 80 12 01",
     "90 80 01"},
    {"VP8, both ids", CODEC_VP8, "90 e0 8001 ff 00 00", "90 e0 8001 20 00 00",
     "90 e0 8003 21 00 01", "90 e0 8004 01"},
    {"VP8, TL0PICIDX only", CODEC_VP8, "90 60 08 00 00", "90 60 02 00 00",
     "90 60 02 20 01", "90 60 09"},
    {"VP8, 15 bits after 7", CODEC_VP8, "90 80 10 00", "90 80 8100 00", "90 80 8101 01",
     "90 80 8012"},
    {"VP8, without ids", CODEC_VP8, "10 00", "10 00", "10 01", ""},
    {"VP9, both ids", CODEC_VP9, "a8 8010 00 07 ff", "a8 8300 00 09 ff",
     "e8 8301 00 0a ff", "e8 8012 00 09"},
};

static struct payload read(enum codec codec, struct span in)
{
    struct payload p = {0};
    CHECK_INT(sl_payload_read(codec, in, true, (struct span){0}, NULL, &p), E_OK);
    return p;
}

TEST(picmap_goes_on)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        struct payload last = read(rows[i].codec, check_hex(rows[i].last));
        struct payload first = read(rows[i].codec, check_hex(rows[i].first));
        struct span in = check_hex(rows[i].later);
        struct payload later = read(rows[i].codec, in);
        struct picmap shift = sl_picmap_follow(picmap_at(&last), picmap_at(&first));
        uint8_t out[PAYLOAD_IDS_MAX] = {0};
        sl_picmap_write(&shift, &later, in, out);
        CHECK(span_eq((struct span){out, later.ids_n}, check_hex(rows[i].want)));
    }
}

/* Shifts add up over sources. */
TEST(picmap_stands_where_it_was_shifted_to)
{
    struct picmap a = {.picture_id = 0x7ffe, .dd_frame = 0xfffe, .tl0picidx = 0xfe};
    struct picmap b = {.picture_id = 500, .dd_frame = 501, .tl0picidx = 52};
    struct picmap shift = sl_picmap_follow(a, b);
    struct picmap out = sl_picmap_out(b, &shift);
    CHECK(out.picture_id == 0x7fff && out.dd_frame == 0xffff && out.tl0picidx == 0xff);
    b.picture_id += 2;
    b.dd_frame += 2;
    b.tl0picidx += 2;
    out = sl_picmap_out(b, &shift);
    CHECK(out.picture_id == 1 && out.dd_frame == 1 && out.tl0picidx == 1);
    CHECK(!picmap_none(&shift) && picmap_none(&(struct picmap){0}));
}

TEST(picmap_numbers_descriptors)
{
    struct payload p = {.dd_frame = 0x0110, .has_dd = true};
    struct picmap shift = {.dd_frame = 0xff00};
    uint8_t dd[] = {0xc3, 0x01, 0x10, 0x80};
    sl_picmap_write_dd(&shift, &p, dd);
    CHECK(span_eq((struct span){dd, sizeof dd}, check_hex("c3 0010 80")));
}

static struct payload picture(unsigned id, bool long_id)
{
    return (struct payload){.picture_id = (uint16_t)(id & (long_id ? 0x7fffU : 0x7fU)),
                            .pid_at = 1,
                            .long_id = long_id,
                            .counted = true};
}

/* Packets of pictures, dropped or not, come late, twice or never: those that pass stand in
 * their order, and without gaps but for pictures of which nothing came. */
TEST(picgaps_close)
{
    enum { PICTURES = 2000, WINDOW = 8 };
    for (int seed = 1; seed <= 40; seed++) {
        struct rng r = sl_rng_of((uint64_t)seed);
        struct picgaps g = {0};
        bool long_id = seed % 2;
        unsigned first = rng_u32(&r) & 0x7fff, out = 0;
        bool drop[PICTURES], lost[PICTURES];
        uint16_t gaps[PICTURES] = {0};
        for (unsigned i = 0; i < PICTURES; i++) {
            drop[i] = i > 0 && rng_u32(&r) % 3 == 0;
            lost[i] = i > 0 && rng_u32(&r) % 10 == 0;
        }
        for (unsigned i = 0; i < PICTURES; i++) {
            struct payload p = picture(first + i, long_id);
            if (!lost[i])
                gaps[i] = sl_picgaps_note(&g, &p, drop[i]);
            unsigned back = rng_u32(&r) % WINDOW; /* another packet of an older picture */
            if (back > i || lost[i - back])
                continue;
            p = picture(first + i - back, long_id);
            CHECK_INT(sl_picgaps_note(&g, &p, drop[i - back]), gaps[i - back]);
        }
        for (unsigned i = 0; i < PICTURES; i++) {
            if (!lost[i] && !drop[i])
                CHECK_INT(i - gaps[i], out);
            out += lost[i] || !drop[i];
        }
    }
}
