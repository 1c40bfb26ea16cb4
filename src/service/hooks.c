#include "service/hooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#include "crypto/hash.h"
#include "net/httpc.h"

enum {
    CHANGES_MAX = 256,
    PREFIX_CAP = 32,
    URL_DIGEST = 8 /* octets of it name a queue */
};

static const char all[] = "webhook/";

struct hook {
    struct hooks *hooks;
    struct webhook *queue;
    const char *url;
    char prefix[PREFIX_CAP];
    struct loop_timer timer;
    bool failing; /* it was said */
};

struct hooks {
    struct hooks_conf conf;
    struct hook each[HOOKS_MAX];
    size_t n;
    struct httpc *client;
    /* What the pool is writing. */
    bool writing, ending;
    struct hook *of;
    struct kv_change changes[CHANGES_MAX];
    size_t changes_n;
    enum err written;
    uint8_t text[ROOMJSON_NEWS_MAX]; /* of an event */
};

/* ---- telling ---- */

static void pump(struct hook *h);
static void write_next(struct hooks *h);

static void on_answer(void *user, unsigned status, const char *why)
{
    struct hook *h = user;
    bool good = status >= 200 && status <= 299;
    if (!good && !h->failing)
        LOG(h->hooks->conf.log, LOG_WARN, "webhook refused", KV_STR("url", h->url),
            KV_UINT("status", status), KV_STR("why", why));
    else if (good && h->failing)
        LOG(h->hooks->conf.log, LOG_INFO, "webhook taken again", KV_STR("url", h->url));
    h->failing = !good;
    sl_webhook_answered(h->queue, status, sl_loop_now());
    pump(h);
    write_next(h->hooks);
}

static void ask(struct hook *h, const struct webhook_message *m)
{
    const struct http_field fields[] = {{"Content-Type", "application/json"},
                                        {"webhook-id", m->id},
                                        {"webhook-timestamp", m->at},
                                        {"webhook-signature", m->signature},
                                        {0}};
    const struct httpc_post p = {.url = h->url,
                                 .fields = fields,
                                 .body = m->body,
                                 .limit = h->hooks->conf.limit,
                                 .done = on_answer,
                                 .user = h};
    enum err e = sl_httpc_post(h->hooks->client, &p);
    if (e) {
        sl_webhook_answered(h->queue, 0, sl_loop_now());
        LOG(h->hooks->conf.log, LOG_ERROR, "webhook", KV_STR("url", h->url), KV_ERR(e));
    }
}

/* What it is to be told now is sent. */
static void pump(struct hook *h)
{
    struct webhook_message m;
    if (sl_webhook_next(h->queue, sl_loop_now(), sl_wall_now(), &m))
        ask(h, &m);
    usec at = sl_webhook_deadline(h->queue);
    if (at == USEC_NEVER)
        sl_loop_timer_stop(h->hooks->conf.loop, &h->timer);
    else if (sl_loop_timer_set(h->hooks->conf.loop, &h->timer, at) != E_OK)
        LOG(h->hooks->conf.log, LOG_ERROR, "out of memory");
}

static void on_time(void *user)
{
    struct hook *h = user;
    pump(h);
    write_next(h->hooks); /* what was too old has left */
}

/* ---- the store ---- */

static void on_pool(void *user)
{
    struct hooks *h = user;
    h->written = sl_kv_change(h->conf.kv, h->changes, h->changes_n);
}

/* What the store did not take is told all the same, as long as this process lives. */
static void take_written(struct hooks *h)
{
    h->writing = false;
    if (h->written)
        LOG(h->conf.log, LOG_ERROR, "webhook events not stored", KV_ERR(h->written));
    sl_webhook_stored(h->of->queue);
    if (!h->ending)
        pump(h->of);
}

static bool gather(struct hooks *h)
{
    for (size_t i = 0; i < h->n; i++) {
        h->changes_n = sl_webhook_changes(h->each[i].queue, h->changes, CHANGES_MAX);
        h->of = &h->each[i];
        if (h->changes_n > 0)
            return true;
    }
    return false;
}

static void on_written(void *user)
{
    struct hooks *h = user;
    take_written(h);
    if (!h->ending)
        write_next(h);
}

static void write_next(struct hooks *h)
{
    while (!h->writing && gather(h)) {
        h->writing = true;
        if (sl_loop_work(h->conf.loop, on_pool, on_written, h) == E_OK)
            return;
        on_pool(h); /* memory has ended: better late than never */
        take_written(h);
    }
}

struct restoring {
    struct hooks *hooks;
    enum err e;
    size_t strays;
    char stray[CHANGES_MAX][WEBHOOK_KEY_CAP];
};

static bool on_key(void *ctx, struct span key, struct span value)
{
    struct restoring *r = ctx;
    for (size_t i = 0; i < r->hooks->n; i++) {
        struct hook *h = &r->hooks->each[i];
        size_t n = strlen(h->prefix);
        if (key.n < n || memcmp(key.p, h->prefix, n) != 0)
            continue;
        r->e = sl_webhook_restore(h->queue, key, value);
        return r->e == E_OK;
    }
    if (r->strays == CHANGES_MAX)
        return true; /* at the next start */
    (void)snprintf(r->stray[r->strays++], WEBHOOK_KEY_CAP, "%.*s", (int)key.n,
                   (const char *)key.p);
    return true;
}

static enum err restore(struct hooks *h)
{
    struct restoring *r = calloc(1, sizeof *r);
    if (!r)
        return E_MEMORY;
    r->hooks = h;
    enum err e = sl_kv_each(h->conf.kv, span_of(all), on_key, r);
    e = e ? e : r->e;
    for (size_t i = 0; i < r->strays; i++)
        h->changes[i] = (struct kv_change){.key = span_of(r->stray[i]), .del = true};
    if (!e && r->strays > 0) {
        LOG(h->conf.log, LOG_WARN, "events of webhooks that are configured no more",
            KV_UINT("dropped", r->strays));
        e = sl_kv_change(h->conf.kv, h->changes, r->strays);
    }
    free(r);
    return e;
}

/* ---- start and end ---- */

static enum err hook_init(struct hooks *h, struct hook *hook, const char *url,
                          const struct hmac_sha256 *key)
{
    struct span text = span_of(url);
    uint8_t digest[SHA256_LEN];
    uint64_t seed;
    struct wr w = wr_of((uint8_t *)hook->prefix, sizeof hook->prefix - 1);
    sl_sha256(&text, 1, digest);
    wr_str(&w, all);
    sl_hex_write(&w, (struct span){digest, URL_DIGEST});
    wr_str(&w, "/");
    sl_random(&seed, sizeof seed);
    const struct webhook_conf conf = {.prefix = hook->prefix,
                                      .key = *key,
                                      .keep = h->conf.keep,
                                      .most = h->conf.most,
                                      .seed = seed};
    hook->hooks = h;
    hook->url = url;
    hook->timer = (struct loop_timer){.fn = on_time, .user = hook};
    hook->queue = sl_webhook_new(&conf);
    return hook->queue ? E_OK : E_MEMORY;
}

enum err sl_hooks_new(const struct hooks_conf *conf, struct hooks **ret)
{
    struct hmac_sha256 key;
    enum err e = sl_signature_key(span_of(conf->secret), &key);
    if (e)
        return e;
    struct hooks *h = calloc(1, sizeof *h);
    if (!h)
        return E_MEMORY;
    h->conf = *conf;
    h->client = sl_httpc_new(conf->loop, NULL);
    e = h->client ? E_OK : E_MEMORY;
    for (size_t i = 0; i < conf->urls_n && i < HOOKS_MAX && !e; i++) {
        e = hook_init(h, &h->each[i], conf->urls[i], &key);
        h->n += e == E_OK;
    }
    sl_wipe(&key, sizeof key);
    e = e ? e : restore(h);
    if (e) {
        sl_hooks_free(h);
        return e;
    }
    for (size_t i = 0; i < h->n; i++)
        pump(&h->each[i]);
    write_next(h);
    *ret = h;
    return E_OK;
}

void sl_hooks_free(struct hooks *h)
{
    if (!h)
        return;
    h->ending = true;
    if (h->writing)
        sl_loop_finish_work(h->conf.loop);
    while (gather(h)) {
        on_pool(h);
        take_written(h);
    }
    sl_httpc_free(h->client);
    for (size_t i = 0; i < h->n; i++) {
        sl_loop_timer_stop(h->conf.loop, &h->each[i].timer);
        sl_webhook_free(h->each[i].queue);
    }
    free(h);
}

void sl_hooks_put(struct hooks *h, struct span members)
{
    for (size_t i = 0; i < h->n; i++) {
        enum err e = sl_webhook_put(h->each[i].queue, members, sl_wall_now());
        if (e)
            LOG(h->conf.log, LOG_ERROR, "webhook event lost", KV_ERR(e));
    }
    write_next(h);
}

void sl_hooks_news(struct hooks *h, const struct news *n)
{
    struct wr w = wr_of(h->text, sizeof h->text);
    if (sl_roomjson_news(&w, n) && !w.bad)
        sl_hooks_put(h, wr_done(&w));
}

const struct webhook_stats *sl_hooks_stats(const struct hooks *h, size_t i)
{
    return h && i < h->n ? sl_webhook_stats(h->each[i].queue) : NULL;
}
