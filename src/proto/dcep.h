#pragma once

/*
 * How data channels are opened: the two messages of RFC 8832, and what a channel is.
 *
 * Labels and protocols are octets, not text: a peer may send anything in them. Longer ones
 * than DCEP_TEXT_MAX are refused here, where the RFC would allow 64 kB.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    DCEP_TEXT_MAX = 255,
    DCEP_OPEN_MAX = 12 + 2 * DCEP_TEXT_MAX, /* octets of the longest message */
};

/* Payload protocol identifiers (RFC 8831 §8). SCTP has no empty messages, so an empty one is
 * one octet under an identifier of its own. */
enum dcep_ppid {
    PPID_DCEP = 50,
    PPID_STRING = 51,
    PPID_BINARY = 53,
    PPID_STRING_EMPTY = 56,
    PPID_BINARY_EMPTY = 57,
};

struct dcep_text {
    uint8_t n;
    uint8_t p[DCEP_TEXT_MAX];
};

static inline struct span dcep_span(const struct dcep_text *t)
{
    return (struct span){t->p, t->n};
}

enum dcep_reliability {
    DCEP_RELIABLE,
    DCEP_RESENDS,  /* a message is sent again so many times at most */
    DCEP_LIFETIME, /* and for so many milliseconds */
};

struct dcep_open {
    bool unordered;
    enum dcep_reliability reliability;
    uint32_t limit; /* 0 when reliable */
    uint16_t priority;
    struct dcep_text label, protocol;
};

enum dcep_type { DCEP_ACK = 2, DCEP_OPEN = 3 };

struct dcep {
    enum dcep_type type;
    struct dcep_open open; /* of DCEP_OPEN */
};

/* E_SHORT; E_MALFORMED: octets behind the message; E_UNSUPPORTED: a message or a kind of
 * channel that RFC 8832 does not know; E_FULL: a text that is too long. */
MUST_USE enum err sl_dcep_parse(struct span in, struct dcep *ret);
void sl_dcep_write(struct wr *w, const struct dcep *m);

/* False: longer than DCEP_TEXT_MAX. */
bool sl_dcep_text(struct dcep_text *ret, struct span text);
