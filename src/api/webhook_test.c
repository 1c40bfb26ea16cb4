#include "api/webhook.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

#include "check.h"

enum { CHANGES = 64, HEARD = 8192, ID_LEN = WEBHOOK_ID_CAP - 1 };

#define KEEP SEC(3600)
#define WALL SEC(1700000000)

/* A queue over a store, and all that its back end took. */
struct world {
    struct kv *kv;
    struct webhook *hook;
    struct webhook_message asked;
    size_t heard_n;
    char heard[HEARD][ID_LEN + 1]; /* ids, in the order of the first time */
};

static void begin(struct world *w, size_t most)
{
    const struct webhook_conf conf = {
        .prefix = "webhook/a/", .keep = KEEP, .most = most, .seed = 1};
    w->hook = sl_webhook_new(&conf);
    CHECK(w->hook != NULL);
}

static bool restore(void *ctx, struct span key, struct span value)
{
    struct world *w = ctx;
    CHECK_INT(sl_webhook_restore(w->hook, key, value), E_OK);
    return true;
}

static void restart(struct world *w, size_t most)
{
    sl_webhook_free(w->hook);
    begin(w, most);
    CHECK_INT(sl_kv_each(w->kv, span_of("webhook/"), restore, w), E_OK);
}

static void open_world(struct world *w, size_t most)
{
    *w = (struct world){.kv = sl_kv_open_memory()};
    begin(w, most);
}

static void close_world(struct world *w)
{
    sl_webhook_free(w->hook);
    sl_kv_close(w->kv);
}

static void put(struct world *w, const char *type, usec wall)
{
    char text[64];
    (void)snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    CHECK_INT(sl_webhook_put(w->hook, span_of(text), wall), E_OK);
}

/* Returns how much the store wrote. */
static size_t store(struct world *w)
{
    struct kv_change c[CHANGES];
    size_t all = 0, n;
    while ((n = sl_webhook_changes(w->hook, c, CHANGES)) > 0) {
        CHECK_INT(sl_kv_change(w->kv, c, n), E_OK);
        sl_webhook_stored(w->hook);
        all += n;
    }
    return all;
}

static bool ask(struct world *w, usec now, usec wall)
{
    return sl_webhook_next(w->hook, now, wall, &w->asked);
}

/* What stands behind the next of that; NULL: there is none. */
static const char *find(const char *at, const char *last, const char *what)
{
    const char *found = memmem(at, (size_t)(last - at), what, strlen(what));
    return found ? found + strlen(what) : NULL;
}

/* The types of the events in the request, "a b c ". */
static const char *types(const struct world *w)
{
    static char ret[4096];
    const char *at = (const char *)w->asked.body.p, *last = at + w->asked.body.n;
    ret[0] = '\0';
    while ((at = find(at, last, "\"type\":\""))) {
        size_t n = strlen(ret);
        (void)snprintf(ret + n, sizeof ret - n, "%.*s ", (int)strcspn(at, "\""), at);
    }
    return ret;
}

TEST(webhook_tells_what_is_stored_and_forgets_it)
{
    struct world w;
    open_world(&w, 100);
    CHECK_INT(sl_webhook_deadline(w.hook), USEC_NEVER);
    put(&w, "a", WALL);
    put(&w, "b", WALL);
    CHECK(!ask(&w, 0, WALL)); /* not in the store yet */
    CHECK_INT(sl_webhook_deadline(w.hook), USEC_NEVER);
    CHECK_INT(store(&w), 3); /* and the last id */
    CHECK_INT(sl_webhook_deadline(w.hook), 0);
    put(&w, "c", WALL);
    CHECK(ask(&w, 0, WALL));
    CHECK(strcmp(types(&w), "a b ") == 0);
    CHECK(span_is(w.asked.body, "{\"events\":["
                                "{\"id\":\"00060a24181e4000\",\"at\":1700000000000,"
                                "\"type\":\"a\"},"
                                "{\"id\":\"00060a24181e4001\",\"at\":1700000000000,"
                                "\"type\":\"b\"}]}"));
    CHECK(strcmp(w.asked.id, "00060a24181e4000-00060a24181e4001") == 0);
    CHECK(strcmp(w.asked.at, "1700000000") == 0);
    CHECK(!ask(&w, 0, WALL)); /* one after the other */
    sl_webhook_answered(w.hook, 204, 0);
    CHECK_INT(store(&w), 4); /* two less, one more, and its id */
    CHECK(ask(&w, 0, WALL) && strcmp(types(&w), "c ") == 0);
    sl_webhook_answered(w.hook, 200, 0);
    CHECK_INT(store(&w), 1);
    restart(&w, 100);
    CHECK_INT(sl_webhook_stats(w.hook)->waiting, 0);
    close_world(&w);
}

TEST(webhook_tries_again_and_again)
{
    static const struct {
        unsigned status;
        usec not_before, by; /* that the next try may come */
    } rows[] = {
        {500, MSEC(800), SEC(1)},  {0, MSEC(1600), SEC(2)},     {302, MSEC(3200), SEC(4)},
        {404, MSEC(6400), SEC(8)}, {503, MSEC(12800), SEC(16)}, {0, MSEC(25600), SEC(32)},
        {0, SEC(48), SEC(60)},     {0, SEC(48), SEC(60)},
    };
    struct world w;
    usec now = 0;
    open_world(&w, 100);
    put(&w, "a", WALL);
    (void)store(&w);
    for (size_t i = 0; i < LEN(rows); i++) {
        CHECK(ask(&w, now, WALL + now));
        CHECK(strcmp(w.asked.id, "00060a24181e4000-00060a24181e4000") == 0);
        put(&w, "b", WALL + now);
        (void)store(&w);
        sl_webhook_answered(w.hook, rows[i].status, now);
        CHECK(!ask(&w, now + rows[i].not_before - 1, WALL));
        CHECK(sl_webhook_deadline(w.hook) > now);
        now += rows[i].by;
    }
    CHECK(ask(&w, now, WALL + now));
    CHECK(strcmp(types(&w), "a ") == 0); /* the same message, though more waits */
    sl_webhook_answered(w.hook, 200, now);
    CHECK(ask(&w, now, WALL + now) && strcmp(types(&w), "b b b b b b b b ") == 0);
    sl_webhook_answered(w.hook, 0, now);
    CHECK(!ask(&w, now + MSEC(799), WALL + now)); /* begins anew */
    CHECK(ask(&w, now + SEC(1), WALL + now));
    CHECK_INT(sl_webhook_stats(w.hook)->refused, LEN(rows) + 1);
    close_world(&w);
}

TEST(webhook_gives_up_what_is_too_old)
{
    struct world w;
    open_world(&w, 100);
    put(&w, "a", WALL);
    put(&w, "b", WALL + SEC(10));
    (void)store(&w);
    CHECK(ask(&w, 0, WALL + SEC(10)));
    CHECK(strcmp(types(&w), "a b ") == 0);
    sl_webhook_answered(w.hook, 500, 0);
    CHECK(ask(&w, SEC(5), WALL + KEEP)); /* just not yet */
    sl_webhook_answered(w.hook, 500, SEC(5));
    CHECK(ask(&w, SEC(10), WALL + KEEP + 1));
    CHECK(strcmp(types(&w), "b ") == 0);
    CHECK_INT(sl_webhook_stats(w.hook)->expired, 1);
    sl_webhook_answered(w.hook, 200, 0);
    CHECK_INT(store(&w), 2);
    close_world(&w);
}

TEST(webhook_loses_the_oldest_when_it_is_full)
{
    struct world w;
    open_world(&w, 3);
    put(&w, "a", WALL);
    put(&w, "b", WALL);
    (void)store(&w);
    CHECK(ask(&w, 0, WALL));
    put(&w, "c", WALL);
    put(&w, "d", WALL); /* a and b are on their way, so c is lost */
    CHECK_INT(sl_webhook_stats(w.hook)->lost, 1);
    sl_webhook_answered(w.hook, 500, 0);
    CHECK(ask(&w, SEC(1), WALL) && strcmp(types(&w), "a b ") == 0);
    sl_webhook_answered(w.hook, 200, SEC(1));
    (void)store(&w);
    CHECK(ask(&w, SEC(1), WALL) && strcmp(types(&w), "d ") == 0);
    CHECK_INT(sl_webhook_stats(w.hook)->waiting, 1);
    close_world(&w);
}

TEST(webhook_requests_are_bounded)
{
    static char octets[WEBHOOK_EVENT_MAX];
    struct world w;
    open_world(&w, 1000);
    for (int i = 0; i < WEBHOOK_EVENTS_MAX + 1; i++)
        put(&w, "a", WALL);
    memset(octets, 'x', sizeof octets);
    for (int i = 0; i < 5; i++)
        CHECK_INT(
            sl_webhook_put(
                w.hook, (struct span){(const uint8_t *)octets, sizeof octets - 80}, WALL),
            E_OK);
    CHECK_INT(sl_webhook_put(w.hook,
                             (struct span){(const uint8_t *)octets, sizeof octets}, WALL),
              E_FULL);
    (void)store(&w);
    static const size_t events[] = {WEBHOOK_EVENTS_MAX, 1 + 4, 1};
    size_t told = 0;
    for (size_t i = 0; i < LEN(events); i++) {
        CHECK(ask(&w, 0, WALL));
        CHECK(w.asked.body.n <= WEBHOOK_BODY_MAX);
        sl_webhook_answered(w.hook, 200, 0);
        told += events[i];
        CHECK_INT(sl_webhook_stats(w.hook)->told, told);
    }
    CHECK(!ask(&w, 0, WALL));
    close_world(&w);
}

/* A back end skips what is not greater than what it had: nothing may be. */
TEST(webhook_ids_rise_whatever_the_clock_does)
{
    struct world w;
    open_world(&w, 100);
    put(&w, "a", WALL);
    (void)store(&w);
    CHECK(ask(&w, 0, WALL) && strcmp(types(&w), "a ") == 0);
    sl_webhook_answered(w.hook, 200, 0);
    (void)store(&w);
    char before[WEBHOOK_MESSAGE_ID_CAP];
    memcpy(before, w.asked.id, sizeof before);
    restart(&w, 100);
    put(&w, "b", WALL - SEC(60));
    (void)store(&w);
    CHECK(ask(&w, 0, WALL - SEC(60)) && strcmp(types(&w), "b ") == 0);
    CHECK(strncmp(w.asked.id, before, ID_LEN) > 0);
    close_world(&w);
}

TEST(webhook_restores_only_what_is_its_own)
{
    static const struct {
        const char *key;
        enum err want;
    } rows[] = {
        {"webhook/a/00060a24181e4000", E_OK},
        {"webhook/a/00060a24181e4000", E_MALFORMED}, /* not behind the one before */
        {"webhook/a/00060a24181e4001", E_OK},
        {"webhook/a/00060a24181e400", E_MALFORMED},
        {"webhook/a/00060a24181e40022", E_MALFORMED},
        {"webhook/a/+0060a24181e4003", E_MALFORMED},
        {"webhook/b/00060a24181e4004", E_MALFORMED},
        {"webhook/a/last", E_MALFORMED}, /* {} is no id */
    };
    struct world w;
    open_world(&w, 100);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].key);
        CHECK_INT(sl_webhook_restore(w.hook, span_of(rows[i].key), span_of("{}")),
                  rows[i].want);
    }
    put(&w, "c", 0); /* the clock was set back: the event still comes last */
    (void)store(&w);
    CHECK(ask(&w, 0, WALL));
    CHECK(strcmp(w.asked.id, "00060a24181e4000-00060a24181e4002") == 0);
    close_world(&w);
}

/* Takes the request as a back end does that has seen some of it before. */
static void hear(struct world *w)
{
    static const char none[ID_LEN + 1] = "0000000000000000";
    const char *at = (const char *)w->asked.body.p, *last = at + w->asked.body.n;
    while ((at = find(at, last, "\"id\":\""))) {
        const char *before = w->heard_n > 0 ? w->heard[w->heard_n - 1] : none;
        if (memcmp(at, before, ID_LEN) > 0 && w->heard_n < HEARD) {
            memcpy(w->heard[w->heard_n], at, ID_LEN);
            w->heard[w->heard_n++][ID_LEN] = '\0';
        }
    }
}

/* The request comes through, and its answer, or one of them does not. */
static void ask_in_a_storm(struct world *w, struct rng *rng, usec now)
{
    if (!ask(w, now, WALL + now))
        return;
    bool comes = rng_u32(rng) % 2, returns = rng_u32(rng) % 2;
    if (comes)
        hear(w);
    sl_webhook_answered(w->hook, comes && returns ? 200 : 0, now);
}

/* Events come, requests or their answers are lost, and the process ends at any moment: what was
 * stored is told, all of it, in order. */
TEST(webhook_loses_nothing_that_was_stored)
{
    enum { ROUNDS = 20000, ALL = 1000000 };
    static struct world w;
    struct rng rng = sl_rng_of(7);
    usec now = 0;
    size_t fresh = 0, stored = 0, restarts = 0;
    open_world(&w, ALL);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        bool calm = i >= ROUNDS;
        unsigned what = rng_u32(&rng) % 64;
        now += MSEC(100);
        if (what < 16 && !calm) {
            put(&w, "e", WALL + now);
            fresh++;
        } else if (what < 24) {
            (void)store(&w);
            stored += fresh;
            fresh = 0;
        } else if (what < 63) {
            ask_in_a_storm(&w, &rng, now);
        } else if (!calm) {
            restart(&w, ALL);
            restarts++;
            fresh = 0; /* was never told to anybody */
        }
    }
    CHECK(stored > 1000 && restarts > 100);
    CHECK_INT(sl_webhook_stats(w.hook)->waiting, 0);
    CHECK_INT(w.heard_n, stored);
    close_world(&w);
}
