#include "room/chance.h"

#include "base/text.h"

void sl_chance_text(const struct random *r, char *ret, size_t n)
{
    uint8_t octets[32];
    struct wr w = wr_of((uint8_t *)ret, n);
    r->fill(r->ctx, octets, n / 4 * 3);
    sl_base64_write(&w, (struct span){octets, n / 4 * 3});
    ret[n] = '\0';
}

void sl_chance_hex(const struct random *r, char *ret, size_t n)
{
    uint8_t octets[32];
    struct wr w = wr_of((uint8_t *)ret, n);
    r->fill(r->ctx, octets, n / 2);
    sl_hex_write(&w, (struct span){octets, n / 2});
    ret[n] = '\0';
}

uint32_t sl_chance_ssrc(const struct random *r)
{
    uint32_t v = 0;
    while (v == 0)
        r->fill(r->ctx, &v, sizeof v);
    return v;
}
