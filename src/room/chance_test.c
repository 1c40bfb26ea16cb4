#include "room/chance.h"

#include <string.h>

#include "base/rng.h"

#include "check.h"

static void fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *at = p; n > 0; at++, n--)
        *at = (uint8_t)sl_rng_u64(ctx);
}

TEST(chance_texts)
{
    static const char ice[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct rng rng = sl_rng_of(1);
    const struct random r = {fill, &rng};
    char text[41], other[41];
    for (size_t n = 4; n <= 40; n += 4) {
        sl_chance_text(&r, text, n);
        CHECK(strlen(text) == n && strspn(text, ice) == n);
        sl_chance_text(&r, other, n);
        CHECK(strcmp(text, other) != 0);
        sl_chance_hex(&r, text, n);
        CHECK(strlen(text) == n && strspn(text, "0123456789abcdef") == n);
    }
}

static void zeros_first(void *ctx, void *p, size_t n)
{
    int *calls = ctx;
    memset(p, (*calls)++ == 0 ? 0 : 7, n);
}

TEST(chance_ssrc_is_not_0)
{
    int calls = 0;
    const struct random r = {zeros_first, &calls};
    CHECK_INT(sl_chance_ssrc(&r), 0x07070707);
    CHECK_INT(calls, 2);
}
