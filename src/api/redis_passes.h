#pragma once

/*
 * Passes for back ends that talk through Redis (docs/redis.md): what a message of that type asks
 * for, and what it is given. The template is that of the room API; whose pass it is, and for which room,
 * the message says.
 */

#include "api/passjson.h"
#include "api/redis_msg.h"

struct redis_pass_conf {
    struct rooms *rooms;
    bool any;           /* without a fingerprint */
    usec (*wall)(void); /* Unix time */
};

/* Appends the payload of the answer; scratch has NEGOTIATE_ANSWER_MAX octets. Otherwise returns a
 * code, and detail has words for people. */
const char *sl_redis_pass_issue(const struct redis_pass_conf *conf,
                                const struct redis_msg *m, usec now, uint8_t *scratch,
                                struct wr *payload, char detail[PASSJSON_FAULT_CAP]);

/* What the client has of passes is good no more, and it goes if it came by one. False: it has none. */
bool sl_redis_pass_revoke(struct rooms *r, const struct redis_msg *m);
