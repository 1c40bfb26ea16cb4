#include "media/dd.h"

#include "fuzz.h"

enum { MANDATORY = 3, OWN_DTIS = 0x20 };

/* What a frame says with a structure it says without, once the structure is known. */
static void check(struct dd *dd, struct span ext)
{
    struct dd before = *dd;
    struct dd_frame f, g;
    if (sl_dd_read(dd, ext, &f)) {
        MUST(memcmp(&before, dd, sizeof before) == 0);
        return;
    }
    MUST(f.known || !(f.key || f.start || f.end || f.spatial || f.temporal));
    MUST(f.spatial < 4 && f.temporal < 8 && (f.begin & ~f.in) == 0);
    MUST(dd->templates_n <= DD_TEMPLATES_MAX && dd->targets_n <= DD_TARGETS_MAX);
    if (!dd->known || dd->frame != f.number)
        return;
    MUST(sl_dd_read(dd, (struct span){ext.p, MANDATORY}, &g) == E_OK);
    MUST(f.known == g.known && f.start == g.start && f.end == g.end);
    MUST(f.spatial == g.spatial && f.temporal == g.temporal && !g.key);
    if (ext.n > MANDATORY && !(ext.p[MANDATORY] & OWN_DTIS))
        MUST(f.in == g.in && f.begin == g.begin && f.discardable == g.discardable);
}

/* Extensions of one stream, each behind an octet with its length. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct dd dd = {0};
    while (r.n > 0)
        check(&dd, rd_span(&r, rd_u8(&r)));
    return 0;
}
