#include "api/rtcd_dc.h"

#include "base/zip.h"

#include "fuzz.h"

/* What is read lies in the message, a description grows no longer than it may, and what is
 * written of it is read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t plain[1 << 16], again[1 << 16], buf[1 << 17];
    struct wr w = wr_of(plain, sizeof plain), b = wr_of(buf, sizeof buf);
    struct wr v = wr_of(again, sizeof again);
    struct rtcd_dc m, back;
    if (sl_rtcd_dc_read((struct span){p, n}, &m) != E_OK)
        return 0;
    MUST(m.type > RTCD_DC_UNKNOWN && m.type < RTCD_DC_TYPES && m.value >= 0);
    if (m.type != RTCD_DC_SDP)
        return 0;
    MUST(m.zipped.n == 0 || (m.zipped.p >= p && m.zipped.p + m.zipped.n <= p + n));
    if (sl_unzip(&w, m.zipped) != E_OK) {
        MUST(w.n == 0);
        return 0;
    }
    MUST(sl_rtcd_dc_write_sdp(&b, wr_done(&w)) == E_OK);
    MUST(sl_rtcd_dc_read(wr_done(&b), &back) == E_OK && back.type == RTCD_DC_SDP);
    MUST(sl_unzip(&v, back.zipped) == E_OK && span_eq(wr_done(&v), wr_done(&w)));
    return 0;
}
