#pragma once

/*
 * Requests for a key frame of one encoding: from many viewers, to one publisher.
 *
 * The first request goes on at once. Those that come while a key frame is awaited are one
 * with it; those that come soon after one was asked for wait, since each costs the publisher
 * many times an ordinary frame. What was asked for and did not come is asked for again.
 */

#include <stdbool.h>

#include "base/clock.h"

#define KEYREQ_WAIT      MSEC(500) /* between two requests, the second a repetition or not */
#define KEYREQ_WAIT_LONG SEC(1)    /* once KEYREQ_PATIENCE requests were in vain */

enum { KEYREQ_PATIENCE = 2 };

/* Zero: nobody wants anything. */
struct keyreq {
    bool wanted;
    unsigned unanswered;
    usec next; /* no request before */
};

/* Somebody needs a key frame. */
static inline void keyreq_want(struct keyreq *k)
{
    k->wanted = true;
}

/* A key frame came; or, nobody needs one any more. */
static inline void keyreq_done(struct keyreq *k)
{
    k->wanted = false;
    k->unanswered = 0;
}

/* Whether to ask the publisher now. */
static inline bool keyreq_poll(struct keyreq *k, usec now)
{
    if (!k->wanted || now < k->next)
        return false;
    k->unanswered++;
    k->next = now + (k->unanswered > KEYREQ_PATIENCE ? KEYREQ_WAIT_LONG : KEYREQ_WAIT);
    return true;
}

/* When to poll. */
static inline usec keyreq_deadline(const struct keyreq *k)
{
    return k->wanted ? k->next : USEC_NEVER;
}
