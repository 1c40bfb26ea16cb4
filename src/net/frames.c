#include "net/frames.h"

#include <string.h>

uint8_t *sl_frames_room(struct frames *f, size_t *n)
{
    f->n = (uint16_t)(f->n - f->at);
    memmove(f->bytes, f->bytes + f->at, f->n);
    f->at = 0;
    *n = (size_t)(FRAMES_ROOM - f->n);
    return f->bytes + f->n;
}

void sl_frames_put(struct frames *f, size_t n)
{
    f->n = (uint16_t)(f->n + n);
}

enum err sl_frames_next(struct frames *f, struct span *ret)
{
    struct rd r;
    size_t n;
    do {
        r = rd_of((struct span){f->bytes + f->at, (size_t)(f->n - f->at)});
        n = rd_u16(&r);
        if (r.bad)
            return E_SHORT;
        if (n > PKT_CAP)
            return E_MALFORMED;
        struct span frame = rd_span(&r, n);
        if (r.bad)
            return E_SHORT;
        *ret = frame;
        f->at = (uint16_t)(f->at + FRAMES_HEAD + n);
    } while (n == 0);
    return E_OK;
}
