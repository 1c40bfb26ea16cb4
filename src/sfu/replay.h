#pragma once

/*
 * Runs a shard again on what was captured (sfu/capture), and compares what it gives.
 *
 * The same build gives the same octets; another one tells by the first difference what it does
 * otherwise. A file is checked as the work of a stranger. Allocates freely: for tools.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/srtp.h"
#include "sfu/shard.h"

enum { REPLAY_TEXT = 256 };

struct replay_conf {
    const struct srtp_backend *srtp;
    bool
        blind; /* what is given is not looked at: to count what a shard costs by itself */
};

struct replay_report {
    uint64_t records;
    uint64_t datagrams, mails;    /* that the shard was given */
    uint64_t sent, sent_octets;   /* datagrams that it sent */
    uint64_t posted;              /* mails that others took */
    usec span;                    /* from the first call to the last */
    struct shard_stats stats;     /* of the shard, at the end */
    bool cut;                     /* the capture ends inside a call */
    size_t at;                    /* the octet of the file at which it ended */
    char difference[REPLAY_TEXT]; /* the first, in words */
};

/* E_OK: the same from begin to end. E_STATE: something differs, and the report says what. E_SHORT,
 * E_MALFORMED: it is broken, at report->at; E_UNSUPPORTED: no capture, or of another version;
 * E_FULL: it holds more packets of others than there can be; E_MEMORY. */
MUST_USE enum err sl_replay(struct span file, const struct replay_conf *conf,
                            struct replay_report *ret);
