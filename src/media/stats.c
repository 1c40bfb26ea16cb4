#include "media/stats.h"

#include "media/ntp.h"

enum {
    JITTER_SHIFT = 4, /* A.8: the estimate has 4 fractional bits, and a gain of 1/16 */
    JUMP_SEC = 5,     /* a change of transit beyond this is another clock, not jitter */
    LOST_MAX = 0x7fffff,
    LOST_MIN = -0x800000, /* 24 bits, A.3 */
    SEQ_MASK = 0xffff,
};

/* Split, so that it fits in 64 bits for all times. */
static int64_t ticks(usec t, uint32_t hz)
{
    return t / SEC(1) * hz + t % SEC(1) * hz / SEC(1);
}

static void input_jitter(struct stats *s, uint32_t ts, usec at)
{
    int64_t arrival = ticks(at, s->clock_hz);
    int32_t d = (int32_t)(uint32_t)(arrival - ts - s->transit);
    bool first = s->received == 0;
    uint32_t abs = d < 0 ? 0U - (uint32_t)d : (uint32_t)d;

    s->transit = arrival - ts;
    if (!first && abs / JUMP_SEC < s->clock_hz)
        s->jitter += abs - ((s->jitter + (1U << (JITTER_SHIFT - 1))) >> JITTER_SHIFT);
}

void sl_stats_input(struct stats *s, uint64_t seq, uint32_t ts, size_t payload_n, usec at)
{
    bool first = s->received == 0;
    if (first || seq > s->highest) {
        input_jitter(s, ts, at);
        s->highest = seq;
    }
    if (first || seq < s->base)
        s->base = seq;
    s->received++;
    s->octets += payload_n;
}

void sl_stats_sr(struct stats *s, uint64_t ntp, usec at)
{
    s->lsr = ntp_mid(ntp);
    s->sr_at = at;
}

static uint64_t expected(const struct stats *s)
{
    return s->received > 0 ? s->highest - s->base + 1 : 0;
}

int64_t sl_stats_lost(const struct stats *s)
{
    return (int64_t)(expected(s) - s->received);
}

uint32_t sl_stats_jitter(const struct stats *s)
{
    return s->jitter >> JITTER_SHIFT;
}

void sl_stats_report(struct stats *s, usec now, struct rtcp_block *ret)
{
    uint64_t expected_now = expected(s);
    int64_t expect = (int64_t)(expected_now - s->expected_prior);
    int64_t lost_now = expect - (int64_t)(s->received - s->received_prior);
    int64_t lost = sl_stats_lost(s);
    int64_t of_256 = expect > 0 && lost_now > 0 ? lost_now * 256 / expect : 0;

    ret->fraction = (uint8_t)(of_256 < UINT8_MAX ? of_256 : UINT8_MAX);
    ret->lost = (int32_t)(lost > LOST_MAX ? LOST_MAX : lost < LOST_MIN ? LOST_MIN : lost);
    /* Roll-overs are counted from the first packet on. */
    ret->last_seq = (uint32_t)(s->highest - (s->base & ~(uint64_t)SEQ_MASK));
    ret->jitter = sl_stats_jitter(s);
    ret->lsr = s->lsr;
    ret->dlsr = s->lsr && now > s->sr_at ? ntp_mid(ntp_of_span(now - s->sr_at)) : 0;
    s->expected_prior = expected_now;
    s->received_prior = s->received;
}
