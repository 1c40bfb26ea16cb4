#include "store/bitcask.h"

#include "fuzz.h"

/* Each entry lies in what was read, and the walk ends. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct bitcask_entry e;
    while (r.n > 0) {
        size_t before = r.n;
        if (sl_bitcask_next(&r, &e) != E_OK)
            break;
        MUST(r.n == before - e.key.n - e.value.n - 24);
        MUST(e.key.n > 0 && e.key.p >= p && e.value.p + e.value.n <= p + n);
    }
    return 0;
}
