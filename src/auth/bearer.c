#include "auth/bearer.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"

#include "crypto/hash.h"

enum { RANDOM = 24 };

struct bearer {
    struct map_node by_token, by_client;
    char token[BEARER_CAP];
    usec until;
    size_t client_n;
    uint8_t client[];
};

struct bearers {
    usec lifetime;
    struct map by_token, by_client;
};

struct bearers *sl_bearers_new(usec lifetime, const uint64_t seed[2])
{
    struct bearers *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->lifetime = lifetime;
    sl_map_init(&b->by_token, seed);
    sl_map_init(&b->by_client, seed);
    return b;
}

static void drop(struct bearers *b, struct bearer *t)
{
    sl_map_del(&b->by_token, &t->by_token);
    sl_map_del(&b->by_client, &t->by_client);
    sl_wipe(t, sizeof *t);
    free(t);
}

void sl_bearers_free(struct bearers *b)
{
    if (!b)
        return;
    for (struct map_node *n; (n = sl_map_next(&b->by_token, NULL));)
        drop(b, map_entry(n, struct bearer, by_token));
    sl_map_fini(&b->by_token);
    sl_map_fini(&b->by_client);
    free(b);
}

void sl_bearers_drop(struct bearers *b, struct span client)
{
    struct map_node *n = sl_map_get(&b->by_client, client);
    if (n)
        drop(b, map_entry(n, struct bearer, by_client));
}

enum err sl_bearers_make(struct bearers *b, struct span client,
                         const uint8_t random[RANDOM], usec now, char ret[BEARER_CAP])
{
    struct bearer *t = calloc(1, sizeof *t + client.n);
    if (!t)
        return E_MEMORY;
    struct wr w = wr_of((uint8_t *)t->token, BEARER_LEN);
    sl_base64url_write(&w, (struct span){random, RANDOM});
    t->until = now + b->lifetime;
    t->client_n = client.n;
    if (client.n > 0)
        memcpy(t->client, client.p, client.n);
    sl_bearers_drop(b, client);
    enum err e = sl_map_put(&b->by_token, span_of(t->token), &t->by_token);
    if (e)
        goto fail;
    e = sl_map_put(&b->by_client, (struct span){t->client, t->client_n}, &t->by_client);
    if (e)
        goto known;
    memcpy(ret, t->token, BEARER_CAP);
    return E_OK;

known:
    sl_map_del(&b->by_token, &t->by_token);
fail:
    free(t);
    return e;
}

enum err sl_bearers_find(struct bearers *b, struct span token, usec now, struct span *ret)
{
    struct map_node *n = sl_map_get(&b->by_token, token);
    if (!n)
        return E_ABSENT;
    struct bearer *t = map_entry(n, struct bearer, by_token);
    if (now >= t->until) {
        drop(b, t);
        return E_LATE;
    }
    *ret = (struct span){t->client, t->client_n};
    return E_OK;
}
