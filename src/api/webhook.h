#pragma once

/*
 * What a back end is still to be told, and when: the queue of one webhook.
 *
 * Events are told in their order, each at least once: several in one request, which is sent again,
 * the same, until the back end takes it (2xx), ever more seldom, for as long as the first of them
 * is kept. Only then the next follow. An event is in the store before it is told, and leaves it
 * after; so nothing is lost when this process ends, however it does.
 *
 * The store is written elsewhere, since that takes long: changes says what it lacks, stored that
 * it has it. Requests are made elsewhere, too. Time is given twice: by the clock that never jumps,
 * and as microseconds since 1970, which names events and ages them over restarts.
 *
 * For the control thread.
 */

#include "base/clock.h"

#include "auth/signature.h"
#include "store/kv.h"

enum {
    WEBHOOK_EVENTS_MAX = 100,      /* in one request */
    WEBHOOK_BODY_MAX = 256 * 1024, /* octets of it, but for an event that is longer */
    WEBHOOK_EVENT_MAX = 64000,     /* octets of an event */
    WEBHOOK_ID_CAP = 17,           /* 16 hex digits and a NUL */
    WEBHOOK_MESSAGE_ID_CAP = 2 * WEBHOOK_ID_CAP,
    WEBHOOK_KEY_CAP = 64,
};

#define WEBHOOK_RETRY_FIRST SEC(1)
#define WEBHOOK_RETRY_MOST                                                               \
    SEC(60) /* so that who comes back is told within a minute or so */

struct webhook;

struct webhook_conf {
    const char *prefix;     /* of its keys in the store; less than 40 octets; copied */
    struct hmac_sha256 key; /* of its signatures */
    usec keep;              /* an event that is older is not told any more */
    size_t most;            /* events that wait; then the oldest of them are lost */
    uint64_t seed;          /* of the jitter between tries */
};

struct webhook_stats {
    uint64_t events, told;   /* that came; that the back end took */
    uint64_t expired, lost;  /* kept too long; one too many */
    uint64_t tries, refused; /* requests; those that were not taken */
    uint64_t waiting;        /* now */
};

/* NULL when memory ends. Free takes NULL; what waits stays in the store. */
struct webhook *sl_webhook_new(const struct webhook_conf *conf);
void sl_webhook_free(struct webhook *w);
const struct webhook_stats *sl_webhook_stats(const struct webhook *w);

/* An event: members of a JSON object ("\"type\":\"joined\",..."), before which come "id", by which
 * it can be told from all others, and "at", milliseconds since 1970. E_FULL: it is longer than
 * WEBHOOK_EVENT_MAX; E_MEMORY: it is lost. */
MUST_USE enum err sl_webhook_put(struct webhook *w, struct span members, usec wall);

/* At the start: an event that the store has, in the order of its keys. E_MALFORMED: it is none;
 * E_MEMORY. */
MUST_USE enum err sl_webhook_restore(struct webhook *w, struct span key,
                                     struct span value);

/* What the store is to write next, at most n (2 or more), as one step; valid until stored, which comes once
 * for each that is not 0. */
size_t sl_webhook_changes(struct webhook *w, struct kv_change *ret, size_t n);
void sl_webhook_stored(struct webhook *w);

/* A request, valid until it was answered. */
struct webhook_message {
    char id[WEBHOOK_MESSAGE_ID_CAP];
    char at[24];
    char signature[SIGNATURE_LEN + 1];
    struct span body;
};

/* True: this is to be sent now, and then answered. */
bool sl_webhook_next(struct webhook *w, usec now, usec wall, struct webhook_message *ret);
/* The status of the answer; 0: there was none. */
void sl_webhook_answered(struct webhook *w, unsigned status, usec now);

/* When to ask for the next, or USEC_NEVER; not before then, unless something was stored. */
usec sl_webhook_deadline(const struct webhook *w);
