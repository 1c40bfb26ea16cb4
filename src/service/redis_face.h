#pragma once

/*
 * Rooms through Redis: the connection (net/redis), the dictionary of rooms (api/redis_book), and the
 * clients of back ends (api/redis_hall). Without the server everything else goes on.
 *
 * For the control thread.
 */

#include "base/log.h"

#include "api/redis_book.h"
#include "api/redis_hall.h"
#include "net/redis.h"

/* Strings are borrowed. */
struct redis_face_conf {
    struct redis_conf
        redis; /* address NULL: there is none. Without loop, channels and calls */
    struct redis_book_conf book; /* names, lease */
    const char *requests, *answers;
    struct loop *loop;
    struct log *log;
    struct rooms *rooms;
    bool pass_any;             /* passes may be had without a fingerprint */
    void (*settle)(void *ctx); /* after anything that may have changed rooms */
    void *settle_ctx;
};

struct redis_face;

/* E_CRYPTO: the CA; E_MALFORMED: the address; E_MEMORY. Free takes NULL; clients are sent away, and
 * rooms taken out of Redis. */
MUST_USE enum err sl_redis_face_new(const struct redis_face_conf *conf,
                                    struct redis_face **ret);
void sl_redis_face_free(struct redis_face *f);

/* What happens in rooms. */
void sl_redis_face_news(struct redis_face *f, const struct news *n);

/* After anything that may have changed rooms, and given it something to wait for. */
void sl_redis_face_arm(struct redis_face *f);
void sl_redis_face_drain(struct redis_face *f, bool draining);

const struct redis_stats *sl_redis_face_stats(const struct redis_face *f);
const struct redis_book_stats *sl_redis_face_book(const struct redis_face *f);
const struct redis_hall_stats *sl_redis_face_hall(const struct redis_face *f);
