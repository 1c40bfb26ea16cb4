#include "check.h"
#include "store/kv_fixture.h"

TEST(kv_in_memory)
{
    static void (*const what[])(struct kv *) = {kv_values, kv_adds, kv_changes, kv_order};
    for (size_t i = 0; i < LEN(what); i++) {
        struct kv *kv = sl_kv_open_memory();
        CHECK(kv != NULL);
        what[i](kv);
        sl_kv_close(kv);
    }
}
