#pragma once

/*
 * Webhooks at work: what happens is told to back ends by HTTP (api/webhook has the queue of each),
 * through the store, which is written on the loop's pool, so that no disk holds up the rest.
 *
 * For the control thread.
 */

#include "base/log.h"

#include "api/roomjson.h"
#include "api/webhook.h"
#include "net/loop.h"
#include "store/kv.h"

enum { HOOKS_MAX = 8 };

struct hooks;

/* Borrowed for the life of the hooks, but for the metrics. */
struct hooks_conf {
    struct loop *loop;
    struct log *log;
    struct kv *kv;
    const char *const *urls;
    size_t urls_n; /* at most HOOKS_MAX */
    const char *secret;
    usec keep, limit; /* of an event; of a request */
    size_t most;      /* events that wait for each back end */
};

/* Reads what is still to be told; events for back ends that are configured no more are dropped.
 * E_MALFORMED, E_SHORT: the secret (auth/signature), or what the store has. Free takes NULL, and
 * writes what the store lacks. */
MUST_USE enum err sl_hooks_new(const struct hooks_conf *conf, struct hooks **ret);
void sl_hooks_free(struct hooks *h);

/* An event: struct webhook's. */
void sl_hooks_put(struct hooks *h, struct span members);

/* The same, of what happens in rooms, as far as back ends are told. */
void sl_hooks_news(struct hooks *h, const struct news *n);

/* What the queue of each back end counted; NULL: there are not so many. */
const struct webhook_stats *sl_hooks_stats(const struct hooks *h, size_t i);
