#include "media/ddwrite.h"

#include <string.h>

/* Bits of the mandatory fields, and of the flags behind them; the second flag says that
 * active decode targets follow. */
enum { MANDATORY = 24, FLAGS = 5, ACTIVE_FLAG = MANDATORY + 1 };

static unsigned bit_at(const uint8_t *p, size_t at)
{
    return (unsigned)(p[at / 8] >> (7 - at % 8)) & 1;
}

static void put_bit(uint8_t *p, size_t at, unsigned bit)
{
    p[at / 8] = (uint8_t)(p[at / 8] | bit << (7 - at % 8));
}

size_t sl_dd_write(struct span in, const struct dd_place *at, uint32_t active,
                   uint8_t ret[DD_OCTETS_MAX])
{
    bool extended = at->at != 0;
    size_t head = extended ? at->at : MANDATORY + FLAGS;
    size_t old = at->said ? at->targets_n : 0;
    size_t tail = extended ? in.n * 8 - head - old : 0;
    size_t n = (head + at->targets_n + tail + 7) / 8;
    if (n > DD_OCTETS_MAX)
        return 0;
    memset(ret, 0, n);
    memcpy(ret, in.p, extended ? head / 8 : MANDATORY / 8);
    for (size_t i = head / 8 * 8; extended && i < head; i++)
        put_bit(ret, i, bit_at(in.p, i));
    put_bit(ret, ACTIVE_FLAG, 1);
    size_t to = head;
    for (unsigned i = at->targets_n; i-- > 0;)
        put_bit(ret, to++, active >> i & 1);
    for (size_t i = 0; i < tail; i++)
        put_bit(ret, to++, bit_at(in.p, head + old + i));
    return n;
}
