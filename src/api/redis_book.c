#include "api/redis_book.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/word.h"

enum {
    OCCUPANT_MAX = NAME_CAP + 64, /* octets of one in JSON: ids need no escape */
    TEXT_CAP = BOOK_OCCUPANTS_MAX * OCCUPANT_MAX + 16,
    LIVES = 3, /* times that a room is written in a lease */
};

/* A room that is there. */
struct page {
    struct map_node by_key;
    const struct room *room;
    struct timer due; /* it is to be written */
    usec written;     /* last */
    bool known;       /* to Redis, perhaps */
    char key[BOOK_KEY_CAP];
};

struct redis_book {
    struct redis_book_conf conf;
    struct redis_book_stats stats;
    struct map by_key;
    struct timers due;
    bool ready; /* there is a connection, and what was found is away */
    usec now;   /* as told last */
    char lease[24], owned_lease[24]; /* in ms */
    uint8_t *text;                   /* of occupants */
};

static enum err ask(struct redis_book *b, const char *verb, struct span a,
                    struct span rest)
{
    const struct span words[] = {span_of(verb), a, rest};
    return b->conf.ask(b->conf.ctx, words, rest.p ? 3 : 2, NULL, NULL);
}

/* ---- writing ---- */

void sl_redis_room_name(const struct room *room, char *ret)
{
    struct span tenant = sl_room_tenant(room), name = sl_room_name(room);
    bool bare = span_is(tenant, "default");
    (void)snprintf(ret, (size_t)2 * NAME_CAP, "%.*s%s%.*s", bare ? 0 : (int)tenant.n,
                   (const char *)tenant.p, bare ? "" : "/", (int)name.n,
                   (const char *)name.p);
}

static void put_occupant(struct wr *w, const struct participant *p, bool present)
{
    wr_str(w, w->n > 1 ? ",\"" : "\"");
    wr_str(w, p->id);
    wr_str(w, "\":{\"IsHost\":");
    wr_str(w, p->role == ROLE_HOST ? "true" : "false");
    wr_str(w, ",\"IsPresent\":");
    wr_str(w, present ? "true}" : "false}");
}

/* How many there are, of whom the first BOOK_OCCUPANTS_MAX are in w. */
static size_t put_occupants(const struct redis_book *b, const struct room *room,
                            struct wr *w)
{
    size_t n = 0;
    wr_u8(w, '{');
    list_each (struct participant, p, &room->participants, by_room) {
        if (!p->listed)
            continue;
        if (n++ < BOOK_OCCUPANTS_MAX)
            put_occupant(w, p, !b->conf.present || b->conf.present(b->conf.ctx, p));
    }
    wr_u8(w, '}');
    return n;
}

/* Redis has it from now on, whole. Before there is a key its name is in the set, and the set
 * lives longer than it: nothing of ours is ever there without a name or an end. */
static enum err write_page(struct redis_book *b, const struct page *p)
{
    char count[24], viewers[24];
    struct wr w = wr_of(b->text, TEXT_CAP);
    size_t n = put_occupants(b, p->room, &w);
    (void)snprintf(count, sizeof count, "%zu", n + p->room->viewers_n);
    (void)snprintf(viewers, sizeof viewers, "%zu", p->room->viewers_n);
    struct span key = span_of(p->key), owned = span_of(b->conf.owned);
    const struct span hash[] = {
        span_of("HSET"),      key,         span_of("occupancyCount"), span_of(count),
        span_of("occupants"), wr_done(&w), span_of("viewers"),        span_of(viewers)};
    enum err e = ask(b, "SADD", owned, key);
    e = e ? e : ask(b, "PEXPIRE", owned, span_of(b->owned_lease));
    e = e ? e : b->conf.ask(b->conf.ctx, hash, sizeof hash / sizeof hash[0], NULL, NULL);
    return e ? e : ask(b, "PEXPIRE", key, span_of(b->lease));
}

/* What cannot be said now is said at the next time. */
static void take_away(struct redis_book *b, const char *key)
{
    enum err e = ask(b, "DEL", span_of(key), (struct span){0});
    if (!e)
        e = ask(b, "SREM", span_of(b->conf.owned), span_of(key));
    b->stats.removed += e == E_OK;
}

/* ---- pages ---- */

static void set_due(struct redis_book *b, struct page *p, usec at)
{
    if (sl_timer_set(&b->due, &p->due, at) != E_OK)
        p->written = 0; /* memory has ended; its next change tries again */
}

static struct page *find(const struct redis_book *b, const char *key)
{
    struct map_node *n = sl_map_get(&b->by_key, span_of(key));
    return n ? map_entry(n, struct page, by_key) : NULL;
}

static void key_of(const struct redis_book *b, const struct room *room,
                   char ret[BOOK_KEY_CAP])
{
    char name[2 * NAME_CAP];
    sl_redis_room_name(room, name);
    (void)snprintf(ret, BOOK_KEY_CAP, "%s%s", b->conf.rooms, name);
}

void sl_redis_book_touch(struct redis_book *b, const struct room *room, usec now)
{
    char key[BOOK_KEY_CAP];
    key_of(b, room, key);
    struct page *p = find(b, key);
    if (!p) {
        p = calloc(1, sizeof *p);
        if (!p)
            return;
        memcpy(p->key, key, sizeof p->key);
        p->written = now - BOOK_GAP;
        if (sl_map_put(&b->by_key, span_of(p->key), &p->by_key) != E_OK) {
            free(p);
            return;
        }
        b->stats.rooms++;
    }
    p->room = room;
    usec at = p->written + BOOK_GAP > now ? p->written + BOOK_GAP : now;
    if (b->ready && (p->due.pos == 0 || p->due.at > at))
        set_due(b, p, at);
}

static void discard(struct redis_book *b, struct page *p)
{
    sl_timer_stop(&b->due, &p->due);
    sl_map_del(&b->by_key, &p->by_key);
    b->stats.rooms--;
    free(p);
}

static void closed(struct redis_book *b, const struct room *room)
{
    char key[BOOK_KEY_CAP];
    key_of(b, room, key);
    struct page *p = find(b, key);
    if (!p)
        return;
    if (p->known)
        take_away(b, p->key);
    discard(b, p);
}

void sl_redis_book_news(struct redis_book *b, const struct news *n, usec now)
{
    switch (n->kind) {
    case NEWS_CLOSED: closed(b, n->room); break;
    case NEWS_OPENED:
    case NEWS_JOINED:
    case NEWS_UPDATED:
    case NEWS_LEFT:
    case NEWS_VIEWERS: sl_redis_book_touch(b, n->room, now); break;
    case NEWS_ROOM:
    case NEWS_TRACK:
    case NEWS_TRACK_UPDATED:
    case NEWS_TRACK_ENDED:
    case NEWS_SPEAKER: break;
    }
}

/* ---- the connection ---- */

static void look(struct redis_book *b);

static void begin(struct redis_book *b)
{
    b->ready = true;
    map_each (n, &b->by_key) {
        struct page *p = map_entry(n, struct page, by_key);
        p->known = false;
        set_due(b, p, b->now);
    }
}

/* Only keys of rooms are taken away, whoever put what into the set. */
static void take_found(struct redis_book *b, struct span key)
{
    char text[BOOK_KEY_CAP];
    if (key.n <= strlen(b->conf.rooms) || key.n >= sizeof text ||
        !word_starts(key, b->conf.rooms) || memchr(key.p, '\0', key.n))
        return;
    memcpy(text, key.p, key.n);
    text[key.n] = '\0';
    if (!find(b, text)) {
        (void)ask(b, "DEL", key, (struct span){0});
        b->stats.found++;
    }
}

static void on_found(void *user, const struct resp *v, size_t n)
{
    struct redis_book *b = user;
    if (!v) /* the connection was lost, and the next begins anew */
        return;
    for (size_t i = 1; v->kind == RESP_LIST && i < n; i++)
        take_found(b, v[i].text);
    if (v->kind == RESP_LIST && v->n > 0)
        look(b);
    else /* none is left; or we may not look, and the lease has to do */
        begin(b);
}

static void look(struct redis_book *b)
{
    char most[16];
    (void)snprintf(most, sizeof most, "%d", BOOK_FOUND_MAX);
    const struct span words[] = {span_of("SPOP"), span_of(b->conf.owned), span_of(most)};
    (void)b->conf.ask(b->conf.ctx, words, 3, on_found, b); /* refused: it is lost again */
}

void sl_redis_book_ready(struct redis_book *b, usec now)
{
    b->now = now;
    b->ready = false;
    look(b);
}

void sl_redis_book_lost(struct redis_book *b)
{
    b->ready = false;
    map_each (n, &b->by_key)
        sl_timer_stop(&b->due, &map_entry(n, struct page, by_key)->due);
}

/* ---- time ---- */

usec sl_redis_book_deadline(const struct redis_book *b)
{
    return sl_timers_deadline(&b->due);
}

void sl_redis_book_tick(struct redis_book *b, usec now)
{
    b->now = now;
    for (struct timer *t; (t = sl_timers_due(&b->due, now));) {
        struct page *p = list_entry(t, struct page, due);
        p->known = true;
        p->written = now;
        bool good = write_page(b, p) == E_OK;
        b->stats.written += good;
        set_due(b, p, now + (good ? b->conf.lease / LIVES : BOOK_GAP));
    }
}

/* ---- start and end ---- */

struct redis_book *sl_redis_book_new(const struct redis_book_conf *conf)
{
    struct redis_book *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->conf = *conf;
    sl_map_init(&b->by_key, conf->seed);
    (void)snprintf(b->lease, sizeof b->lease, "%lld", (long long)(conf->lease / MSEC(1)));
    (void)snprintf(b->owned_lease, sizeof b->owned_lease, "%lld",
                   (long long)(2 * conf->lease / MSEC(1)));
    b->text = malloc(TEXT_CAP);
    if (!b->text) {
        sl_redis_book_free(b);
        return NULL;
    }
    return b;
}

void sl_redis_book_free(struct redis_book *b)
{
    if (!b)
        return;
    for (struct map_node *n; (n = sl_map_next(&b->by_key, NULL));) {
        struct page *p = map_entry(n, struct page, by_key);
        if (b->ready && p->known)
            take_away(b, p->key);
        discard(b, p);
    }
    sl_timers_fini(&b->due);
    sl_map_fini(&b->by_key);
    free(b->text);
    free(b);
}

const struct redis_book_stats *sl_redis_book_stats(const struct redis_book *b)
{
    return &b->stats;
}
