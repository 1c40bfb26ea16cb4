#pragma once

/*
 * The DTLS associations of all transports: who may shake hands, how many at a time, and to
 * which worker the keys go.
 *
 * Datagrams come from workers, after a STUN check vouched for their sender, and go back to
 * them. This is the only arbiter of a transport's owner: its keys go to exactly one worker,
 * the one whose socket carried the handshake to its end, and they are polled before our last
 * flight is, so that the worker has them when the peer's first packet comes.
 *
 * A handshake costs half a millisecond of public-key arithmetic, so how many are begun in a
 * second is limited, as is how many are under way. A hello over a limit is dropped; the peer
 * repeats it. Ours wait in line.
 *
 * Where a transport carries data channels, its association stays for them (sfu/data.h).
 *
 * After each call poll until there is no more. Time as in crypto/dtls; one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/dtls.h"
#include "crypto/srtp.h"
#include "sfu/data.h"

#define ASSOC_HANDSHAKE_MAX SEC(30) /* what takes longer fails */

struct assoc_conf {
    struct dtls_ctx *dtls;     /* borrowed; outlives this */
    uint64_t hash_key[2];      /* secret: keys the map */
    uint32_t pending_max;      /* handshakes under way */
    uint32_t handshakes_per_s; /* that are begun; a quarter of them may come at once */
};

/* What happened, counted since the start; the last two are how many there are. */
struct assoc_stats {
    uint64_t datagrams;  /* taken, dropped ones too */
    uint64_t unknown;    /* dropped: for a transport that nobody expects (any more) */
    uint64_t unasked;    /* dropped: no handshake is under way, and this begins none */
    uint64_t over_rate;  /* dropped: a hello above handshakes_per_s */
    uint64_t over_limit; /* dropped: a hello above pending_max, or no memory for it */
    uint64_t refused;    /* dropped: longer than DTLS_INPUT_MAX, or after the end */
    uint64_t ignored;    /* dropped: in the clear and out of place, or nothing new */
    uint64_t messages;   /* dropped: application data of who has no data channels */
    uint64_t data_in, data_out; /* messages of data channels, commands too */
    uint64_t begun, up, failed, closed;
    uint64_t rested; /* that were up and needed no more memory */
    uint64_t transports, pending;
};

struct assoc;

/* NULL when memory ends. Free takes NULL, and says nothing to the peers. */
struct assoc *sl_assoc_new(const struct assoc_conf *conf);
void sl_assoc_free(struct assoc *a);

/* A transport whose peer shows this certificate. E_EXISTS, E_MEMORY; E_UNSUPPORTED: a
 * fingerprint of no known length. */
MUST_USE enum err sl_assoc_expect(struct assoc *a, uint64_t transport,
                                  enum dtls_role role,
                                  const struct dtls_fingerprint *peer);

/* It carries data channels; at once after it is expected. E_ABSENT, E_MEMORY. */
MUST_USE enum err sl_assoc_expect_data(struct assoc *a, uint64_t transport,
                                       uint16_t remote_port, uint32_t send_max);
/* For the channels of a transport: takes cmd. Unknown ones are ignored. */
void sl_assoc_data(struct assoc *a, struct data_cmd *cmd);
void sl_assoc_data_done(struct assoc *a, uint64_t transport, size_t cost);

/* It is closed: says close_notify if it was up, and forgets it. Unknown ones are ignored. */
void sl_assoc_forget(struct assoc *a, uint64_t transport, usec now);

/* A worker has an address to send to. Our handshake begins, where we are the client; else it
 * means nothing. May be said again. */
void sl_assoc_path(struct assoc *a, uint64_t transport, unsigned worker, usec now);

/* A datagram that landed on this worker. */
void sl_assoc_datagram(struct assoc *a, uint64_t transport, unsigned worker,
                       struct span datagram, usec now);

/* An authentic packet of media came, so the peer is up, too: where there are no data channels,
 * an association whose last flight is not kept rests now (sl_dtls_rest); the others do already. */
void sl_assoc_heard(struct assoc *a, uint64_t transport);

void sl_assoc_tick(struct assoc *a, usec now);
usec sl_assoc_deadline(const struct assoc *a);

enum {
    ASSOC_ABOVE_MAX = 2048, /* messages that control has not acknowledged, of all */
};

enum assoc_kind {
    ASSOC_SEND,   /* bytes, by this worker */
    ASSOC_KEYS,   /* in, out: to this worker, which owns the transport from now on */
    ASSOC_UP,     /* on this worker, with this profile */
    ASSOC_FAILED, /* it was never up: why, reason */
    ASSOC_CLOSED, /* it was up, and the peer ended it: why is E_OK for close_notify */
    ASSOC_DATA,   /* cmd: of a data channel; whose it is from now on */
    ASSOC_DONE,   /* cost: of commands that were done */
};

struct assoc_out {
    enum assoc_kind kind;
    unsigned worker;
    uint64_t transport;
    struct span bytes;          /* valid until the next call */
    struct srtp_master in, out; /* what the peer sends, what we send; wipe your copies */
    enum srtp_profile profile;
    enum err why;       /* as sl_dtls_error; E_LATE also: took ASSOC_HANDSHAKE_MAX */
    const char *reason; /* in words; static */
    struct data_cmd *cmd;
    size_t cost;
};

/* False: no more. Of one transport: keys first, then datagrams, then what became of it. */
bool sl_assoc_poll(struct assoc *a, struct assoc_out *ret, usec now);

const struct assoc_stats *sl_assoc_stats(const struct assoc *a);
