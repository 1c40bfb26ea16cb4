#include "media/clockmap.h"

#include "base/span.h"

#include "fuzz.h"

#define LATE SEC(10)

static const uint32_t rates[] = {8000, 16000, 48000, 90000};

/* Two streams of one publisher, and the reports that they were told last. */
struct reports {
    bool known;
    uint64_t ntp;
    uint32_t ts;
};

/* What a map says is what the last report in order said, and ticks come back as they went. */
static void ask(const struct clockmap *c, const struct reports *last, uint32_t ticks)
{
    uint64_t ntp, later;
    uint32_t ts = last->ts + ticks, back;
    enum err e = sl_clockmap_ntp(c, ts, &ntp);
    MUST(e == (last->known ? E_OK : E_ABSENT));
    if (e)
        return;
    MUST(sl_clockmap_ts(c, ntp, &back) == E_OK && back == ts);
    if (ticks == 0)
        MUST(ntp == last->ntp);
    /* Time goes on: 2^31 ticks are the farthest that can be asked for. */
    if ((int32_t)ticks < INT32_MAX) {
        MUST(sl_clockmap_ntp(c, ts + 1, &later) == E_OK);
        MUST((int64_t)(later - ntp) > 0);
    }
}

/* From one stream's time to the other's, and back: lips stay where they are. */
static void cross(const struct clockmap c[2], uint32_t ts)
{
    uint64_t ntp, again;
    uint32_t there;
    if (sl_clockmap_ntp(&c[0], ts, &ntp) != E_OK ||
        sl_clockmap_ts(&c[1], ntp, &there) != E_OK)
        return;
    int32_t off = (int32_t)(there - c[1].ts);
    MUST(sl_clockmap_ntp(&c[1], there, &again) == E_OK);
    int64_t far = (int64_t)(ntp - c[1].ntp) >> 32;
    if (off > INT32_MAX / 2 || off < INT32_MIN / 2 || far > 10000 || far < -10000)
        return; /* the streams' clocks are too far apart for 32 bits */
    int64_t error = (int64_t)(again - ntp);
    int64_t tick = (INT64_C(1) << 32) / c[1].clock_hz;
    MUST(error <= tick && error >= -tick);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct clockmap c[2] = {{.clock_hz = rates[rd_u8(&r) % 4]},
                            {.clock_hz = rates[rd_u8(&r) % 4]}};
    struct reports last[2] = {{0}};
    while (r.n > 0) {
        unsigned op = rd_u8(&r), i = op & 1;
        if (op & 2) {
            uint64_t ntp = rd_u64(&r);
            uint32_t ts = rd_u32(&r);
            int64_t behind = (int64_t)(last[i].ntp - ntp);
            bool late = last[i].known && behind > 0 &&
                        behind < (int64_t)(LATE / SEC(1)) * (INT64_C(1) << 32);
            sl_clockmap_sr(&c[i], ntp, ts, 0);
            if (!late)
                last[i] = (struct reports){true, ntp, ts};
        }
        ask(&c[i], &last[i], rd_u32(&r));
        cross(c, last[0].ts + rd_u32(&r));
    }
    return 0;
}
