#include "net/frames.h"

#include <string.h>

#include "base/map.h"

#include "fuzz.h"

enum { PIECE_MAX = 9 };

static struct frames frames;

/* Takes out what is whole, into a hash. */
static enum err take_whole(uint64_t *sum)
{
    static const uint64_t key[2] = {1, 2};
    struct span frame;
    enum err e;
    while ((e = sl_frames_next(&frames, &frame)) == E_OK) {
        MUST(frame.n > 0 && frame.n <= PKT_CAP && frame.p > frames.bytes);
        MUST(frame.p + frame.n <= frames.bytes + frames.n);
        *sum = *sum * 31 + sl_siphash(key, frame);
    }
    return e;
}

/* Puts all of it in, in pieces of at most max octets. Returns a hash of what came out. */
static uint64_t take_all(struct span in, size_t max)
{
    uint64_t sum = 0;
    enum err e = E_SHORT;
    frames.at = frames.n = 0;
    while (in.n > 0 && e == E_SHORT) {
        size_t room;
        uint8_t *p = sl_frames_room(&frames, &room);
        MUST(room > 0 && p >= frames.bytes && p + room <= frames.bytes + FRAMES_ROOM);
        size_t n = room < in.n ? room : in.n;
        n = n < max ? n : max;
        memcpy(p, in.p, n);
        in = (struct span){in.p + n, in.n - n};
        sl_frames_put(&frames, n);
        e = take_whole(&sum);
    }
    return sum * 31 + e;
}

/* However a stream is cut, the same frames come out of it. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span in = {p, n};
    uint64_t whole = take_all(in, SIZE_MAX);
    for (size_t piece = 1; piece <= PIECE_MAX; piece += 4)
        MUST(take_all(in, piece) == whole);
    return 0;
}
