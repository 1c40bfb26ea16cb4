#pragma once

/*
 * Rooms as they stand in Redis (docs/redis.md): one hash for each, with occupancyCount, occupants and
 * viewers, true for peers of every way.
 *
 * A room is written whole whenever it changed, at most once in BOOK_GAP, and again three times in each
 * lease, so that whatever else became of its key is mended; without us it expires. A set names all
 * keys that are ours: what a server that died left there is taken away when it is back.
 *
 * Sans-IO: commands go to a function. For the control thread.
 */

#include "base/clock.h"

#include "net/resp.h"
#include "room/news.h"
#include "room/room.h"

#define BOOK_GAP MSEC(100) /* between two times that a room is written */

enum {
    BOOK_OCCUPANTS_MAX = 4096, /* that are named; more are only counted */
    BOOK_FOUND_MAX = 256,      /* keys of an earlier life that are taken away at a time */
    BOOK_PREFIX_MAX = 128,     /* octets that keys begin with */
    BOOK_KEY_CAP = BOOK_PREFIX_MAX + 2 * NAME_CAP,
};

typedef void book_answered(void *user, const struct resp *answer, size_t n);

/* Strings are borrowed. */
struct redis_book_conf {
    const char *rooms; /* that keys begin with, at most BOOK_PREFIX_MAX octets */
    const char *owned; /* the key of the set */
    usec lease;
    uint64_t seed[2];
    /* Whether a participant is there, or is only expected; NULL: all are there. */
    bool (*present)(void *ctx, const struct participant *p);
    /* A command; answered as in sl_redis_ask. */
    enum err (*ask)(void *ctx, const struct span *words, size_t n,
                    book_answered *answered, void *user);
    void *ctx; /* of both */
};

struct redis_book_stats {
    uint64_t rooms;                   /* now */
    uint64_t written, removed, found; /* found: of an earlier life */
};

struct redis_book;

/* NULL when memory ends. Free takes NULL, and takes all rooms out of Redis. */
struct redis_book *sl_redis_book_new(const struct redis_book_conf *conf);
void sl_redis_book_free(struct redis_book *b);
const struct redis_book_stats *sl_redis_book_stats(const struct redis_book *b);

/* There is a connection: what an earlier life left is removed, then everything is written; or there is
 * none any more. */
void sl_redis_book_ready(struct redis_book *b, usec now);
void sl_redis_book_lost(struct redis_book *b);

/* What happens in rooms; and: of this one something else changed. */
void sl_redis_book_news(struct redis_book *b, const struct news *n, usec now);
void sl_redis_book_touch(struct redis_book *b, const struct room *room, usec now);

/* When to tick next, or USEC_NEVER. */
usec sl_redis_book_deadline(const struct redis_book *b);
void sl_redis_book_tick(struct redis_book *b, usec now);

/* A room by its name in Redis: that of its tenant stands before it, unless it is "default".
 * ret has 2 * NAME_CAP octets. */
void sl_redis_room_name(const struct room *room, char *ret);
