#include "media/vla.h"

#include "fuzz.h"

/* What is read is whole, and every shorter one of it says less or nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct vla v, less;
    if (sl_vla_read((struct span){p, n}, &v) != E_OK)
        return 0;
    MUST(v.streams_n >= 1 && v.streams_n <= VLA_STREAMS_MAX &&
         v.stream < VLA_STREAMS_MAX);
    for (unsigned i = 0; i < VLA_STREAMS_MAX; i++)
        for (unsigned s = 0; s < VLA_SPATIALS_MAX; s++) {
            const struct vla_layer *l = &v.layers[i][s];
            MUST(l->temporals <= VLA_TEMPORALS_MAX);
            MUST(i < v.streams_n || l->temporals == 0);
            MUST(l->temporals > 0 || l->width == 0);
            MUST(l->width <= 1 << 16 && l->height <= 1 << 16);
        }
    if (n > 1 && sl_vla_read((struct span){p, n - 1}, &less) == E_OK)
        MUST(less.streams_n == v.streams_n || n == 2);
    return 0;
}
