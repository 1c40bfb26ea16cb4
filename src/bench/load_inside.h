#pragma once

/*
 * What load (phases of sending) and load_join (how members come) share, and nobody else.
 */

#include "base/list.h"

#include "bench/client.h"
#include "bench/load.h"
#include "bench/web.h"
#include "bench/wire.h"
#include "crypto/hash.h"

enum { LOAD_KINDS = 2 /* sections of a publisher: video, audio */ };

struct member {
    struct client *client; /* NULL: it has not come yet, or was told not to */
    struct timer timer;
    struct srtp_out *out; /* once it is up */
    struct srtp_in *in;
    unsigned room;
    bool up;
    /* a publisher */
    struct source *source[LOAD_KINDS]; /* by video; NULL: not negotiated */
    uint16_t twcc;
    usec due, report; /* next burst, next sender report */
    /* a subscriber */
    struct sink *sink;
    bool late;   /* comes during a phase */
    bool counts; /* what it gets counts: it was there when counting began */
    usec asked;  /* when it began to come, until media came; 0: it has */
    char seat[WEB_LOCATION_MAX];
};

struct load {
    struct load_conf conf;
    const struct signaling *signaling;
    struct web *web;
    struct wire *wire;
    struct cert cert;
    struct dtls_ctx *dtls;
    const struct srtp_backend *srtp;
    struct sctp_stack *stack; /* NULL: nobody has a data channel */
    struct timers timers;
    size_t members_n, per_room;
    struct member *members;
    struct source **sources; /* of all rooms, in order */
    size_t sources_per_room;
    size_t joining;
    const struct member *failed;
    struct load_phase phase;
    bool sending, greeting;    /* greeting: each track, now and then */
    uint64_t overruns, before; /* before: packets of counts that were reset */
    struct sink_counts counts, uncounted;
    size_t late_next; /* who of those who come late comes next */
    usec late_due;    /* when; USEC_NEVER: not now */
    struct load_late late;
    uint8_t burst[SOURCE_BURST_MAX * SOURCE_STRIDE];
};

/* Sections of a publisher. */
static inline size_t load_kinds(const struct load_conf *c)
{
    return (size_t)c->audio + c->video;
}

/* What the client wants to say, and what became of it; and when it is looked at next. */
void sl_load_serve(struct load *l, struct member *m, usec now);
void sl_load_arm(struct load *l, struct member *m);

/* One round of all: what is due, and what came. True: all of it was read. */
bool sl_load_pump(struct load *l);

/* Says of l->failed. */
enum err sl_load_failure(const struct load *l, char *error);

/* Those who are late begin to come, from now on at late_hz, one with each step that is due. */
void sl_load_late_begin(struct load *l, usec now);
MUST_USE enum err sl_load_late_step(struct load *l, usec now, char *error);
