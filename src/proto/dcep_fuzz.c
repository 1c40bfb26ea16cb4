#include "proto/dcep.h"

#include "fuzz.h"

/* What parses is written, and parses to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    uint8_t buf[DCEP_OPEN_MAX];
    struct dcep m, again;
    if (sl_dcep_parse((struct span){p, n}, &m) != E_OK)
        return 0;
    struct wr w = wr_of(buf, sizeof buf);
    sl_dcep_write(&w, &m);
    MUST(!w.bad && w.n == n);
    MUST(sl_dcep_parse(wr_done(&w), &again) == E_OK);
    MUST(memcmp(&m, &again, sizeof m) == 0);
    return 0;
}
