#include "media/bwe.h"

#include "base/span.h"

#include "fuzz.h"

#define MIN_BPS 50000
#define MAX_BPS 5000000

/* Whatever a peer says, and whenever: the target stays between its bounds, a probe ends, and
 * the next deadline is not in the past for long. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct bwe_conf conf = {.start_bps = 300000, .min_bps = MIN_BPS, .max_bps = MAX_BPS};
    struct bwe *b = sl_bwe_new(&conf, 1);
    uint16_t seq = 0;
    usec now = SEC(1);
    MUST(b);

    while (r.n > 0) {
        uint8_t op = rd_u8(&r);
        struct rtcp_fb fb = {0};
        struct rtcp_twcc t;
        now += (usec)rd_u8(&r) * (op & 0x80 ? 20000 : 500);
        switch (op % 8) {
        case 0:
        case 1:
        case 2:
            for (int i = op >> 3 & 15; i >= 0; i--)
                sl_bwe_sent(b, seq++, 100 + (size_t)rd_u8(&r) * 5, now);
            break;
        case 3:
        case 4:
            fb.fci = rd_of(rd_span(&r, rd_u8(&r)));
            if (sl_rtcp_twcc(&fb, &t) == E_OK)
                sl_bwe_feedback(b, &t, now);
            break;
        case 5: sl_bwe_remb(b, rd_u64(&r), now); break;
        case 6: sl_bwe_ask(b, rd_u32(&r), now); break;
        default: sl_bwe_want(b, rd_u32(&r)); break;
        }
        sl_bwe_tick(b, now);
        for (int i = 0; sl_bwe_padding(b, now) > 0; i++) {
            MUST(i < 10000);
            sl_bwe_sent(b, seq++, 250, now);
        }
        struct bwe_state s = sl_bwe_state(b);
        MUST(s.target_bps >= MIN_BPS && s.target_bps <= MAX_BPS);
        MUST(s.rtt >= 0 && s.cause < BWE_CAUSES);
        MUST(sl_bwe_deadline(b) > now && sl_bwe_probe_deadline(b) > now);
    }
    sl_bwe_free(b);
    return 0;
}
