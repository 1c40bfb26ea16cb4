#include "store/kv.h"

#include "check.h"
#include "store/kv_fixture.h"

TEST(kv_limits_are_held_for_all)
{
    struct kv *kv = sl_kv_open_memory();
    CHECK(kv != NULL);
    static uint8_t octets[KV_VALUE_MAX + 1], got[KV_VALUE_MAX];
    memset(octets, 'x', sizeof octets);
    struct span longest = {octets, KV_KEY_MAX}, too_long = {octets, KV_KEY_MAX + 1};
    struct wr w = wr_of(got, sizeof got);
    CHECK_INT(sl_kv_put(kv, longest, (struct span){octets, KV_VALUE_MAX}), E_OK);
    CHECK_INT(sl_kv_get(kv, longest, &w), E_OK);
    CHECK_INT(w.n, KV_VALUE_MAX);
    CHECK_INT(sl_kv_put(kv, longest, (struct span){octets, KV_VALUE_MAX + 1}), E_FULL);

    w = wr_of(got, KV_VALUE_MAX - 1);
    CHECK_INT(sl_kv_get(kv, longest, &w), E_FULL);
    CHECK(w.n == 0 && !w.bad);

    static const struct span empty = {(const uint8_t *)"", 0};
    CHECK_INT(sl_kv_put(kv, too_long, empty), E_MALFORMED);
    CHECK_INT(sl_kv_put(kv, empty, empty), E_MALFORMED);
    CHECK_INT(sl_kv_get(kv, empty, &w), E_MALFORMED);
    CHECK_INT(sl_kv_del(kv, too_long), E_MALFORMED);
    struct kv_walk walk = {.left = 9};
    CHECK_INT(sl_kv_each(kv, too_long, kv_note, &walk), E_MALFORMED);
    sl_kv_close(kv);
    sl_kv_close(NULL);
}
