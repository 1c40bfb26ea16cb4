#define ZLIB_CONST /* what it reads it does not change */
#include "base/zip.h"

#include <zlib.h>

enum err sl_unzip(struct wr *w, struct span in)
{
    z_stream z = {0};
    if (w->bad || in.n > UINT32_MAX || w->cap - w->n > UINT32_MAX)
        return E_FULL;
    if (inflateInit(&z) != Z_OK)
        return E_MEMORY;
    z.next_in = in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = w->p + w->n;
    z.avail_out = (uInt)(w->cap - w->n);
    int got = inflate(&z, Z_FINISH);
    size_t left = z.avail_out;
    (void)inflateEnd(&z);
    if (got == Z_STREAM_END) {
        w->n = w->cap - left;
        return E_OK;
    }
    if (got == Z_MEM_ERROR)
        return E_MEMORY;
    if (got != Z_OK && got != Z_BUF_ERROR)
        return E_MALFORMED;
    return left == 0 ? E_FULL : E_SHORT;
}

enum err sl_zip(struct wr *w, struct span in)
{
    if (w->bad)
        return E_FULL;
    uLongf n = w->cap - w->n;
    int got = compress2(w->p + w->n, &n, in.p, in.n, Z_DEFAULT_COMPRESSION);
    if (got != Z_OK)
        return got == Z_MEM_ERROR ? E_MEMORY : E_FULL;
    w->n += n;
    return E_OK;
}
