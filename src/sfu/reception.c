#include "sfu/reception.h"

#include "media/ntp.h"
#include "proto/xr.h"
#include "sfu/inside.h"
#include "sfu/transport.h"

#define RTT_MAX SEC(10)

void sl_reception_take(struct transport *t, const struct rtcp *xr, usec now)
{
    struct xr_walk it = sl_xr_walk_of(xr);
    struct xr_dlrr d;
    while (sl_xr_dlrr_next(&it, &d)) {
        if (d.ssrc != t->ssrc || d.lrr == 0)
            continue;
        /* RFC 3611 §4.5: as from a report block; below a tick of 15 us it may seem negative. */
        int32_t ticks = (int32_t)(ntp_mid(ntp_of_span(now)) - d.lrr - d.dlrr);
        usec rtt = ticks > 0 ? (usec)ticks * SEC(1) / 65536 : 1;
        if (rtt < RTT_MAX)
            t->rx->reception.rtt = rtt;
    }
}

static bool is_far(usec a, usec b)
{
    usec off = a > b ? a - b : b - a;
    return off > b / 4;
}

void sl_reception_report(struct transport *t, uint8_t lost)
{
    struct reception *r = &t->rx->reception;
    r->lost = lost;
    if (r->told && r->lost == r->told_lost && !is_far(r->rtt, r->told_rtt))
        return;
    struct mail m = {
        .type = MAIL_RECEPTION, .arg = (uint32_t)r->rtt, .id = t->id, .id2 = r->lost};
    if (!sl_shard_post(t->shard, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA))
        return;
    r->told = true;
    r->told_lost = r->lost;
    r->told_rtt = r->rtt;
}
