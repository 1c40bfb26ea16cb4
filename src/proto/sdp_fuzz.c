#include "proto/sdp.h"

#include "fuzz.h"

/* CRs may be added, at most one for each line of two octets and its LF; a fingerprint, a list
 * and a number never grow. */
enum { WRITTEN_MAX = 2 * SDP_TEXT_MAX };

/* What parses can be written, parses again, and is then written the same. */
static void check(struct span text, enum sdp_form form)
{
    static uint8_t first[WRITTEN_MAX], second[WRITTEN_MAX];
    struct wr w = wr_of(first, sizeof first), v = wr_of(second, sizeof second);
    struct sdp *a, *b;
    if (sl_sdp_new(text, form, NULL, &a) != E_OK)
        return;
    sl_sdp_write(&w, a);
    if (!w.bad && w.n <= SDP_TEXT_MAX) {
        MUST(sl_sdp_new(wr_done(&w), form, NULL, &b) == E_OK);
        MUST(a->sections_n == b->sections_n && a->session.lines_n == b->session.lines_n);
        sl_sdp_write(&v, b);
        MUST(span_eq(wr_done(&w), wr_done(&v)));
        sl_sdp_free(b);
    }
    MUST(!w.bad);
    sl_sdp_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    check((struct span){p, n}, SDP_DESCRIPTION);
    check((struct span){p, n}, SDP_FRAGMENT);
    return 0;
}
