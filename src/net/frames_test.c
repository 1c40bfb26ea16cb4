#include "net/frames.h"

#include <string.h>

#include "check.h"

static const struct {
    const char *name, *hex;
    int frames;
    int octets; /* of all of them */
    enum err end;
} rows[] = {
    {"nothing", "", 0, 0, E_SHORT},
    {"half a length", "00", 0, 0, E_SHORT},
    {"one", "0003 010203", 1, 3, E_SHORT},
    {"one and a half", "0003 010203 0003 0102", 1, 3, E_SHORT},
    {"two", "0001 aa 0002 bbcc", 2, 3, E_SHORT},
    {"empty ones between", "0000 0001 aa 0000 0000 0001 bb", 2, 2, E_SHORT},
    {"the longest, not there yet", "0640 00", 0, 0, E_SHORT},
    {"one octet more than the longest", "0641 00", 0, 0, E_MALFORMED},
    {"the length of anything", "ffff", 0, 0, E_MALFORMED},
    {"an HTTP request", "474554202f20485454502f312e31", 0, 0, E_MALFORMED},
    {"a TLS hello", "16030100ff010000fb0303", 0, 0, E_MALFORMED},
    {"good, then bad", "0001 aa ffff", 1, 1, E_MALFORMED},
};

static void put(struct frames *f, struct span in)
{
    size_t n;
    uint8_t *p = sl_frames_room(f, &n);
    CHECK(in.n <= n);
    memcpy(p, in.p, in.n);
    sl_frames_put(f, in.n);
}

TEST(frames_are_cut_by_their_lengths)
{
    _Static_assert(PKT_CAP == 0x640, "the rows know it");
    for (size_t i = 0; i < LEN(rows); i++) {
        struct frames f = {0};
        struct span frame;
        enum err e;
        int n = 0, octets = 0;
        check_row(rows[i].name);
        put(&f, check_hex(rows[i].hex));
        while ((e = sl_frames_next(&f, &frame)) == E_OK) {
            n++;
            octets += (int)frame.n;
        }
        CHECK_INT(e, rows[i].end);
        CHECK_INT(n, rows[i].frames);
        CHECK_INT(octets, rows[i].octets);
    }
}

TEST(frames_come_whole_however_the_stream_was_cut)
{
    static uint8_t bytes[PKT_CAP + FRAMES_HEAD] = {PKT_CAP >> 8, PKT_CAP & 0xff};
    struct frames f = {0};
    struct span frame = {0};
    for (size_t i = 0; i < sizeof bytes; i++) {
        CHECK_INT(sl_frames_next(&f, &frame), E_SHORT);
        put(&f, (struct span){bytes + i, 1});
    }
    CHECK_INT(sl_frames_next(&f, &frame), E_OK);
    CHECK(frame.n == PKT_CAP && memcmp(frame.p, bytes + FRAMES_HEAD, frame.n) == 0);
}

TEST(frames_always_have_room_for_one_more)
{
    struct frames f = {0};
    struct span frame;
    size_t n;
    for (int i = 0; i < 20; i++) {
        uint8_t *p = sl_frames_room(&f, &n);
        CHECK(n > 0);
        memset(p, 5, n); /* frames of 0x505 octets */
        sl_frames_put(&f, n);
        while (sl_frames_next(&f, &frame) == E_OK)
            CHECK_INT(frame.n, 0x505);
    }
}
