#pragma once

/*
 * A connection to a Redis server (6 or later: it is spoken to in RESP3, so that messages of channels
 * and answers come by one connection). It is made, and made again whenever it is lost, with growing
 * pauses; nothing waits for it. What is asked while it is down is not asked at all: whoever wants
 * the server to know something says all of it each time that the connection is ready.
 *
 * The loop's thread only. No callback comes from inside a call.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "net/loop.h"
#include "net/resp.h"

#define REDIS_RETRY_FIRST                                                                \
    MSEC(100) /* pauses before it is tried again: doubled each time */
#define REDIS_RETRY_MOST SEC(5)
#define REDIS_SILENCE    SEC(10) /* without a word, though something was asked: it is lost */
#define REDIS_PING       SEC(5) /* so often it is asked, if nothing else is */

enum {
    REDIS_ASKED_MAX = 1 << 16,  /* commands that wait for their answers */
    REDIS_QUEUE_MAX = 16 << 20, /* octets that the server has not taken yet */
    REDIS_TEXTS_MAX =
        512 << 10, /* of one answer or message; longer texts are cut to nothing */
    REDIS_CHANNELS_MAX = 4,
    REDIS_WHY_CAP = 200,
};

/* Strings are borrowed, and outlive it. */
struct redis_conf {
    struct loop *loop;
    const char *address;             /* "host:port", "[::1]:6379" */
    const char *username, *password; /* NULL or "": none */
    uint32_t database;
    bool tls;
    const char *ca;                           /* as in sl_tls_client_new */
    const char *channels[REDIS_CHANNELS_MAX]; /* that are listened to, up to NULL */
    void (*ready)(void *user);
    void (*lost)(void *user, const char *why); /* also: could not be made */
    /* Somebody published; cut: it was too long to be read. */
    void (*message)(void *user, struct span channel, struct span text, bool cut);
    void *user;
};

struct redis_stats {
    uint64_t ready; /* now: 1 or 0 */
    uint64_t connected, lost, asked,
        refused; /* refused: commands that were answered by an error */
    uint64_t
        unasked;    /* commands that were not sent, for want of a connection or of room */
    uint64_t heard; /* messages */
};

struct redis;

/* An address of a host and a port. */
bool sl_redis_address_valid(const char *address);

/* It is begun at once. E_MALFORMED: the address; E_CRYPTO: the CA; E_MEMORY. Free takes NULL, and says
 * no word more; what was asked before is on its way. */
MUST_USE enum err sl_redis_new(const struct redis_conf *conf, struct redis **ret);
void sl_redis_free(struct redis *r);

/* A command. answered, if it is not NULL, is called once: with the answer, or with NULL when the
 * connection is lost before. E_STATE: there is no connection; E_FULL: the server is too slow;
 * E_MEMORY. Then answered is not called. */
typedef void redis_answered(void *user, const struct resp *answer, size_t n);
MUST_USE enum err sl_redis_ask(struct redis *r, const struct span *words, size_t n,
                               redis_answered *answered, void *user);

const struct redis_stats *sl_redis_stats(const struct redis *r);
