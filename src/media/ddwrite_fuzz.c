#include "media/ddwrite.h"

#include "fuzz.h"

/* What was read says the same when it is written with other active targets: all but these is
 * kept of the stream as it was, and they are read where they were put. */
static void check(struct dd *dd, struct span ext, uint32_t active)
{
    struct dd before = *dd, after;
    struct dd_frame f, g;
    uint8_t buf[DD_OCTETS_MAX], again[DD_OCTETS_MAX];
    if (sl_dd_read(dd, ext, &f) || !dd_tellable(&f.place))
        return;
    active &= (UINT32_C(1) << f.place.targets_n) - 1;
    size_t n = sl_dd_write(ext, &f.place, active, buf);
    if (n == 0)
        return;
    MUST(n >= ext.n && n <= ext.n + DD_GROWTH_MAX);
    after = before;
    MUST(sl_dd_read(&after, (struct span){buf, n}, &g) == E_OK);
    MUST(after.active == active || after.active == dd->active);
    after.active = dd->active;
    MUST(memcmp(&after, dd, sizeof after) == 0);
    MUST(g.place.said && g.place.targets_n == f.place.targets_n);
    MUST(g.place.at == (f.place.at ? f.place.at : 29));
    uint32_t said = 0;
    for (unsigned i = 0; i < g.place.targets_n; i++) {
        size_t at = g.place.at + i;
        said = said << 1 | (buf[at / 8] >> (7 - at % 8) & 1U);
    }
    MUST(said == active);
    g.place = f.place;
    MUST(memcmp(&f, &g, sizeof f) == 0);
    struct dd_frame h;
    after = before;
    MUST(sl_dd_read(&after, (struct span){buf, n}, &h) == E_OK);
    MUST(sl_dd_write((struct span){buf, n}, &h.place, active, again) == n);
    MUST(memcmp(buf, again, n) == 0);
}

/* Two octets of active targets, then extensions of one stream, each behind its length. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct dd dd = {0};
    uint32_t active = rd_u16(&r);
    while (r.n > 0)
        check(&dd, rd_span(&r, rd_u8(&r)), active);
    return 0;
}
