#pragma once

/*
 * Rooms for browsers whose back end talks through Redis (docs/redis.md): who is there, and what is
 * said to and fro. A client is an admitted participant (room/participant) with one transport for
 * both ways; it is in its room as long as that is there, or may still come up. All else is decided by
 * rooms.
 *
 * Sans-IO: messages come and go by functions. For the control thread.
 */

#include "base/log.h"

#include "api/redis_msg.h"
#include "room/room.h"

enum {
    REDIS_PER_S = 50, /* messages for one client */
    REDIS_BURST = 200,
    REDIS_CHANNEL_CAP = 128 + 3 * NAME_CAP, /* of answers, with its NUL */
};

/* Pointers are borrowed. */
struct redis_hall_conf {
    struct rooms *rooms;
    struct log *log;
    uint64_t seed[2];
    bool pass_any;      /* passes may be had without a fingerprint */
    usec (*wall)(void); /* Unix time, for what passes say of their end */
    const char *
        answers; /* that channels begin with, at most 128 octets; "ROOM:CLIENT" follows, or
                            "errors", for what names neither */
    void (*publish)(void *ctx, struct span channel, struct span text);
    /* Somebody who was expected is there. */
    void (*changed)(void *ctx, const struct room *room);
    void *ctx;
};

struct redis_hall_stats {
    uint64_t clients; /* now */
    uint64_t joined, offers, malformed, refused, flooded, said;
};

struct redis_hall;

/* NULL when memory ends. Free takes NULL; the rooms must still be there, and are left. */
struct redis_hall *sl_redis_hall_new(const struct redis_hall_conf *conf);
void sl_redis_hall_free(struct redis_hall *h);
const struct redis_hall_stats *sl_redis_hall_stats(const struct redis_hall *h);

/* Nobody new joins from now on; or they do. */
void sl_redis_hall_drain(struct redis_hall *h, bool draining);

/* What somebody published; cut: more than can be read. */
void sl_redis_hall_message(struct redis_hall *h, struct span text, bool cut, usec now);

/* After whatever may have changed rooms: clients whose transport is gone leave. */
void sl_redis_hall_settle(struct redis_hall *h);

/* False: it is a client of ours that is not connected yet. */
bool sl_redis_hall_present(const struct participant *p);
