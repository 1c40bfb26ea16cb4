#include "base/map.h"

#include "check.h"

struct item {
    uint32_t k;
    struct map_node node;
};

static const uint64_t seed[2] = {1, 2};

static struct span key_of(const uint32_t *k)
{
    return (struct span){(const uint8_t *)k, sizeof *k};
}

TEST(map_finds_what_was_put_and_not_what_was_removed)
{
    static struct item items[1000];
    struct map m;
    size_t walked = 0;
    sl_map_init(&m, seed);
    for (uint32_t i = 0; i < LEN(items); i++) {
        items[i].k = i * 7919;
        CHECK_INT(sl_map_put(&m, key_of(&items[i].k), &items[i].node), E_OK);
    }
    CHECK_INT(sl_map_put(&m, key_of(&items[3].k), &(struct map_node){0}), E_EXISTS);
    for (uint32_t i = 0; i < LEN(items); i += 2)
        sl_map_del(&m, &items[i].node);
    for (uint32_t i = 0; i < LEN(items); i++) {
        struct span key = key_of(&items[i].k);
        uint64_t hash = sl_map_hash(&m, key);
        sl_map_fetch(&m, hash);
        sl_map_fetch_node(&m, hash);
        CHECK(sl_map_get(&m, key) == (i % 2 ? &items[i].node : NULL));
        CHECK(sl_map_get_hashed(&m, hash, key) == sl_map_get(&m, key));
    }
    map_each (it, &m)
        walked += map_entry(it, struct item, node)->k / 7919 % 2;
    CHECK_INT(walked, LEN(items) / 2);
    sl_map_fini(&m);
}

TEST(map_empty_answers)
{
    struct map m;
    uint32_t k = 1;
    sl_map_init(&m, seed);
    CHECK(sl_map_get(&m, key_of(&k)) == NULL && sl_map_next(&m, NULL) == NULL);
    sl_map_fetch(&m, k);
    sl_map_fetch_node(&m, k);
    CHECK(sl_map_get_hashed(&m, k, key_of(&k)) == NULL);
    sl_map_fini(&m);
}

/* A hash under another key must put the same bytes elsewhere. */
TEST(map_hash_depends_on_the_key)
{
    static const uint64_t other[2] = {1, 3};
    struct span in = span_of("0123456789");
    CHECK(sl_siphash(seed, in) != sl_siphash(other, in));
    CHECK(sl_siphash(seed, in) != sl_siphash(seed, span_of("0123456780")));
    CHECK(sl_siphash(seed, span_of("")) !=
          sl_siphash(seed, (struct span){(const uint8_t *)"\0", 1}));
}
