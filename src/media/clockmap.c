#include "media/clockmap.h"

#include "media/ntp.h"

#define LATE_MAX SEC(10) /* reports come each few seconds; later is another clock */

#define NTP_SECOND INT64_C(0x100000000)

/* Differences, of either sign, from one unit into the other. NTP's is the finer one: what was
 * cut off there is rounded back here, so that ticks come back as they went. */
static int64_t ticks_of_ntp(int64_t ntp, uint32_t hz)
{
    int64_t half = ntp < 0 ? -NTP_SECOND / 2 : NTP_SECOND / 2;
    return ntp / NTP_SECOND * hz + (ntp % NTP_SECOND * hz + half) / NTP_SECOND;
}

static int64_t ntp_of_ticks(int64_t ticks, uint32_t hz)
{
    return ticks / hz * NTP_SECOND + ticks % hz * NTP_SECOND / hz;
}

void sl_clockmap_sr(struct clockmap *c, uint64_t ntp, uint32_t ts, usec at)
{
    int64_t ahead = (int64_t)(ntp - c->ntp);
    if (c->known && ahead < 0 && ahead > -(int64_t)ntp_of_span(LATE_MAX))
        return;
    c->known = true;
    c->ntp = ntp;
    c->ts = ts;
    c->at = at;
}

enum err sl_clockmap_ntp(const struct clockmap *c, uint32_t ts, uint64_t *ret)
{
    if (!c->known)
        return E_ABSENT;
    *ret = c->ntp + (uint64_t)ntp_of_ticks((int32_t)(ts - c->ts), c->clock_hz);
    return E_OK;
}

enum err sl_clockmap_ts(const struct clockmap *c, uint64_t ntp, uint32_t *ret)
{
    if (!c->known)
        return E_ABSENT;
    *ret = c->ts + (uint32_t)ticks_of_ntp((int64_t)(ntp - c->ntp), c->clock_hz);
    return E_OK;
}

enum err sl_clockmap_now(const struct clockmap *c, usec now, uint64_t *ntp, uint32_t *ts)
{
    if (!c->known)
        return E_ABSENT;
    *ntp = c->ntp + ntp_of_span(now - c->at);
    return sl_clockmap_ts(c, *ntp, ts);
}
