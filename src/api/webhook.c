#include "api/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/rng.h"

enum { DOUBLINGS = 6 }; /* of the time between two tries; then it is the most */

/* The last that the store was told of an event. */
enum kept { KEPT_NOT, KEPT_PUTTING, KEPT, KEPT_DELETING };

struct event {
    struct list link; /* among those that wait, or those that left and are in the store */
    uint64_t id;      /* microseconds since 1970 when it came, and above all before it */
    enum kept kept;
    bool left;
    char key[WEBHOOK_KEY_CAP];
    struct span text; /* behind it */
    uint8_t octets[];
};

struct webhook {
    struct webhook_conf conf;
    struct webhook_stats stats;
    struct rng rng;
    struct list waiting, left;
    uint64_t last_id;
    /* The request under way, or to be tried again: the first so many that wait. */
    size_t batch_n;
    struct event *batch_last;
    char *body;
    size_t body_n;
    bool asked; /* it was sent, and not answered yet */
    unsigned failures;
    usec next_try;
    char prefix[WEBHOOK_KEY_CAP];
    /* In the store, behind all events: the last id, which outlives them. */
    char last_key[WEBHOOK_KEY_CAP], last[WEBHOOK_ID_CAP];
};

struct webhook *sl_webhook_new(const struct webhook_conf *conf)
{
    struct webhook *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->conf = *conf;
    w->rng = sl_rng_of(conf->seed);
    (void)snprintf(w->prefix, sizeof w->prefix, "%s", conf->prefix);
    (void)snprintf(w->last_key, sizeof w->last_key, "%.40slast", conf->prefix);
    list_init(&w->waiting);
    list_init(&w->left);
    return w;
}

void sl_webhook_free(struct webhook *w)
{
    if (!w)
        return;
    list_each_safe(struct event, e, &w->waiting, link) free(e);
    list_each_safe(struct event, e, &w->left, link) free(e);
    sl_wipe(&w->conf.key, sizeof w->conf.key);
    free(w->body);
    free(w);
}

const struct webhook_stats *sl_webhook_stats(const struct webhook *w)
{
    return &w->stats;
}

/* ---- events ---- */

static struct event *event_new(struct webhook *w, uint64_t id, size_t n)
{
    struct event *e = malloc(sizeof *e + n);
    if (!e)
        return NULL;
    *e = (struct event){.id = id, .text = {e->octets, n}};
    (void)snprintf(e->key, sizeof e->key, "%.40s%016" PRIx64, w->prefix, id);
    list_add(&w->waiting, &e->link);
    w->stats.waiting++;
    w->last_id = id;
    return e;
}

/* Out of the queue, and soon out of the store. */
static void leave(struct webhook *w, struct event *e)
{
    list_del(&e->link);
    w->stats.waiting--;
    e->left = true;
    if (e->kept == KEPT_NOT)
        free(e);
    else
        list_add(&w->left, &e->link);
}

/* Not of the request under way. NULL: all are. */
static struct event *oldest_idle(struct webhook *w)
{
    struct list *at = w->batch_n > 0 ? w->batch_last->link.next : w->waiting.next;
    return at == &w->waiting ? NULL : list_entry(at, struct event, link);
}

enum err sl_webhook_put(struct webhook *w, struct span members, usec wall)
{
    char head[80];
    uint64_t id = wall > 0 ? (uint64_t)wall : 0;
    id = id > w->last_id ? id : w->last_id + 1;
    int n = snprintf(head, sizeof head, "{\"id\":\"%016" PRIx64 "\",\"at\":%" PRId64 ",",
                     id, wall / MSEC(1));
    size_t all = (size_t)n + members.n + 1;
    if (all > WEBHOOK_EVENT_MAX)
        return E_FULL;
    struct event *old = w->stats.waiting >= w->conf.most ? oldest_idle(w) : NULL;
    struct event *e = event_new(w, id, all);
    if (!e)
        return E_MEMORY;
    struct wr out = wr_of(e->octets, all);
    wr_str(&out, head);
    wr_span(&out, members);
    wr_u8(&out, '}');
    w->stats.events++;
    if (old) {
        leave(w, old);
        w->stats.lost++;
    }
    return E_OK;
}

static bool read_id(struct span text, uint64_t *ret)
{
    char digits[WEBHOOK_ID_CAP] = "", *end = digits;
    if (text.n != sizeof digits - 1)
        return false;
    memcpy(digits, text.p, sizeof digits - 1);
    *ret = strtoull(digits, &end, 16);
    return end == digits + sizeof digits - 1 && digits[0] != '-' && digits[0] != '+';
}

enum err sl_webhook_restore(struct webhook *w, struct span key, struct span value)
{
    uint64_t id;
    size_t n = strlen(w->prefix);
    if (key.n < n || memcmp(key.p, w->prefix, n) != 0)
        return E_MALFORMED;
    if (span_is(key, w->last_key)) {
        if (!read_id(value, &id))
            return E_MALFORMED;
        w->last_id = id > w->last_id ? id : w->last_id;
        return E_OK;
    }
    if (!read_id((struct span){key.p + n, key.n - n}, &id) || id <= w->last_id ||
        value.n > WEBHOOK_EVENT_MAX)
        return E_MALFORMED;
    struct event *e = event_new(w, id, value.n);
    if (!e)
        return E_MEMORY;
    memcpy(e->octets, value.p, value.n);
    e->kept = KEPT;
    return E_OK;
}

/* ---- the store ---- */

/* Those that wait are in the store in their order: what is not is at the end. */
static struct list *first_unkept(struct webhook *w)
{
    struct list *at = w->waiting.prev;
    while (at != &w->waiting && list_entry(at, struct event, link)->kept != KEPT)
        at = at->prev;
    return at->next;
}

size_t sl_webhook_changes(struct webhook *w, struct kv_change *ret, size_t n)
{
    size_t used = 0;
    const struct event *last = NULL;
    n--; /* for the last id */
    list_each (struct event, e, &w->left, link) {
        if (used == n)
            return used;
        if (e->kept != KEPT)
            continue;
        ret[used++] = (struct kv_change){.key = span_of(e->key), .del = true};
        e->kept = KEPT_DELETING;
    }
    for (struct list *at = first_unkept(w); at != &w->waiting && used < n;
         at = at->next) {
        struct event *e = list_entry(at, struct event, link);
        ret[used++] = (struct kv_change){.key = span_of(e->key), .value = e->text};
        e->kept = KEPT_PUTTING;
        last = e;
    }
    if (last) {
        (void)snprintf(w->last, sizeof w->last, "%016" PRIx64, last->id);
        ret[used++] =
            (struct kv_change){.key = span_of(w->last_key), .value = span_of(w->last)};
    }
    return used;
}

void sl_webhook_stored(struct webhook *w)
{
    list_each_safe(struct event, e, &w->left, link)
    {
        if (e->kept == KEPT_DELETING) {
            list_del(&e->link);
            free(e);
        } else if (e->kept == KEPT_PUTTING) {
            e->kept = KEPT;
        }
    }
    for (struct list *at = first_unkept(w); at != &w->waiting; at = at->next) {
        struct event *e = list_entry(at, struct event, link);
        if (e->kept == KEPT_PUTTING)
            e->kept = KEPT;
    }
}

/* ---- requests ---- */

static void batch_end(struct webhook *w)
{
    free(w->body);
    w->body = NULL;
    w->batch_n = 0;
    w->batch_last = NULL;
}

static void expire(struct webhook *w, usec wall)
{
    while (!list_empty(&w->waiting)) {
        struct event *e = list_entry(w->waiting.next, struct event, link);
        if (wall < w->conf.keep || e->id >= (uint64_t)(wall - w->conf.keep))
            return;
        batch_end(w); /* the request would be another one without it */
        leave(w, e);
        w->stats.expired++;
    }
}

static const char opening[] = "{\"events\":[", closing[] = "]}";

/* The first that wait and are in the store, as far as they fit into one request. */
static bool batch_begin(struct webhook *w)
{
    size_t size = sizeof opening + sizeof closing, n = 0;
    struct event *last = NULL;
    list_each (struct event, e, &w->waiting, link) {
        if (e->kept != KEPT || n == WEBHOOK_EVENTS_MAX ||
            (n > 0 && size + e->text.n + 1 > WEBHOOK_BODY_MAX))
            break;
        size += e->text.n + 1;
        last = e;
        n++;
    }
    w->body = n > 0 ? malloc(size) : NULL;
    if (!w->body)
        return false;
    struct wr out = wr_of((uint8_t *)w->body, size);
    wr_str(&out, opening);
    list_each (struct event, e, &w->waiting, link) {
        wr_span(&out, e->text);
        if (e == last)
            break;
        wr_u8(&out, ',');
    }
    wr_str(&out, closing);
    w->body_n = out.n;
    w->batch_n = n;
    w->batch_last = last;
    return true;
}

bool sl_webhook_next(struct webhook *w, usec now, usec wall, struct webhook_message *ret)
{
    if (w->asked)
        return false;
    expire(w, wall);
    if (now < w->next_try || (w->batch_n == 0 && !batch_begin(w)))
        return false;
    const struct event *first = list_entry(w->waiting.next, struct event, link);
    int64_t at = wall / SEC(1);
    *ret = (struct webhook_message){.body = {(const uint8_t *)w->body, w->body_n}};
    /* The same events are the same message, however often it is sent. */
    (void)snprintf(ret->id, sizeof ret->id, "%016" PRIx64 "-%016" PRIx64, first->id,
                   w->batch_last->id);
    (void)snprintf(ret->at, sizeof ret->at, "%" PRId64, at);
    struct wr sign = wr_of((uint8_t *)ret->signature, sizeof ret->signature - 1);
    sl_signature_write(&sign, &w->conf.key, span_of(ret->id), at, ret->body);
    w->asked = true;
    w->stats.tries++;
    return true;
}

/* Twice as long each time, and up to a fifth less, so that servers do not knock together. */
static usec pause_after(struct webhook *w)
{
    usec most = w->failures > DOUBLINGS ? WEBHOOK_RETRY_MOST
                                        : WEBHOOK_RETRY_FIRST << (w->failures - 1);
    most = most < WEBHOOK_RETRY_MOST ? most : WEBHOOK_RETRY_MOST;
    return most - (usec)(sl_rng_u64(&w->rng) % (uint64_t)(most / 5));
}

void sl_webhook_answered(struct webhook *w, unsigned status, usec now)
{
    w->asked = false;
    if (status < 200 || status > 299) {
        w->failures++;
        w->stats.refused++;
        w->next_try = now + pause_after(w);
        return;
    }
    w->failures = 0;
    w->next_try = 0;
    w->stats.told += w->batch_n;
    for (size_t n = w->batch_n; n > 0; n--)
        leave(w, list_entry(w->waiting.next, struct event, link));
    batch_end(w);
}

usec sl_webhook_deadline(const struct webhook *w)
{
    if (w->asked || list_empty(&w->waiting) ||
        list_entry(w->waiting.next, struct event, link)->kept != KEPT)
        return USEC_NEVER;
    return w->next_try;
}
