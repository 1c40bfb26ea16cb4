#pragma once

/* What every implementation of kv.h must do. Each is given an empty store. */

#include <stdio.h>

#include "check.h"
#include "store/kv.h"

static inline enum err kv_put(struct kv *kv, const char *key, const char *value)
{
    return sl_kv_put(kv, span_of(key), span_of(value));
}

static inline void kv_check(struct kv *kv, const char *key, const char *want)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_kv_get(kv, span_of(key), &w), want ? E_OK : E_ABSENT);
    CHECK(span_is(wr_done(&w), want ? want : ""));
}

struct kv_walk {
    char seen[64]; /* key=value, one after the other */
    size_t left;
};

static inline bool kv_note(void *ctx, struct span key, struct span value)
{
    struct kv_walk *walk = ctx;
    size_t n = strlen(walk->seen);
    (void)snprintf(walk->seen + n, sizeof walk->seen - n, "%.*s=%.*s ", (int)key.n, key.p,
                   (int)value.n, value.p);
    return --walk->left > 0;
}

static inline void kv_check_walk(struct kv *kv, const char *prefix, size_t at_most,
                                 const char *want)
{
    struct kv_walk walk = {.left = at_most};
    check_row(want);
    CHECK_INT(sl_kv_each(kv, span_of(prefix), kv_note, &walk), E_OK);
    CHECK(strcmp(walk.seen, want) == 0);
}

static inline void kv_values(struct kv *kv)
{
    kv_check(kv, "a", NULL);
    CHECK_INT(kv_put(kv, "a", "1"), E_OK);
    kv_check(kv, "a", "1");
    CHECK_INT(kv_put(kv, "a", "two"), E_OK);
    kv_check(kv, "a", "two");
    CHECK_INT(kv_put(kv, "a", ""), E_OK);
    kv_check(kv, "a", "");
    CHECK_INT(sl_kv_del(kv, span_of("a")), E_OK);
    kv_check(kv, "a", NULL);
    CHECK_INT(sl_kv_del(kv, span_of("a")), E_ABSENT);
}

static inline void kv_adds(struct kv *kv)
{
    CHECK_INT(sl_kv_add(kv, span_of("a"), span_of("1")), E_OK);
    CHECK_INT(sl_kv_add(kv, span_of("a"), span_of("2")), E_EXISTS);
    kv_check(kv, "a", "1");
    CHECK_INT(sl_kv_del(kv, span_of("a")), E_OK);
    CHECK_INT(sl_kv_add(kv, span_of("a"), span_of("3")), E_OK);
    kv_check(kv, "a", "3");
}

static inline void kv_changes(struct kv *kv)
{
    const struct kv_change first[] = {
        {span_of("a"), span_of("1"), false}, {span_of("b"), span_of("2"), false},
        {span_of("absent"), {0}, true},      {span_of("a"), span_of("3"), false},
        {span_of("c"), span_of("4"), false}, {span_of("b"), {0}, true}};
    CHECK_INT(sl_kv_change(kv, first, LEN(first)), E_OK);
    kv_check_walk(kv, "", 99, "a=3 c=4 ");
    const struct kv_change wrong[] = {{span_of("c"), {0}, true},
                                      {span_of(""), span_of("5"), false}};
    CHECK_INT(sl_kv_change(kv, wrong, LEN(wrong)), E_MALFORMED);
    CHECK_INT(sl_kv_change(kv, NULL, 0), E_OK);
    kv_check_walk(kv, "", 99, "a=3 c=4 ");
}

static inline void kv_order(struct kv *kv)
{
    static const char *const keys[] = {"b/2", "a", "b", "b/10", "c", "b/1", "b0"};
    for (size_t i = 0; i < LEN(keys); i++)
        CHECK_INT(kv_put(kv, keys[i], (char[]){(char)('0' + i), 0}), E_OK);
    kv_check_walk(kv, "", 99, "a=1 b=2 b/1=5 b/10=3 b/2=0 b0=6 c=4 ");
    kv_check_walk(kv, "b/", 99, "b/1=5 b/10=3 b/2=0 ");
    kv_check_walk(kv, "b/1", 99, "b/1=5 b/10=3 ");
    kv_check_walk(kv, "b/", 2, "b/1=5 b/10=3 ");
    kv_check_walk(kv, "bb", 99, "");
    kv_check_walk(kv, "d", 99, "");
    CHECK_INT(sl_kv_del(kv, span_of("b/10")), E_OK);
    kv_check_walk(kv, "b/", 99, "b/1=5 b/2=0 ");
}
