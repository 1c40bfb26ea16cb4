#pragma once

/*
 * One two-way transport whose description changes: JSEP (RFC 9429), as far as it concerns an
 * end that is told by others what to send.
 *
 * It has the m-sections of a peer connection in their order. In each the peer may send a track
 * (whatever it offers is taken), and we may send one (a slot). The peer offers, and is answered;
 * slots that were added or removed since make an offer of ours necessary, one for all of them, and
 * never a second before the first was answered. Sections whose slot is gone are used again for
 * the next of their kind, once the peer has agreed that they are empty.
 *
 * Who shall never be offered anything is sent in sections of its own: in each in which it offers to
 * receive a slot is seated, which stays there (dialog_ops.seat).
 *
 * Where both offer at once the peer's offer is refused (E_STATE): it has to take it back. An
 * offer that nobody answers is given up after DIALOG_ANSWER_TIME; should the answer come late, it is
 * taken all the same.
 *
 * Sans-IO; values and text. What follows from descriptions is said to a table of operations,
 * from within the calls that take them.
 */

#include "base/clock.h"
#include "base/list.h"

#include "room/chance.h"
#include "room/codecs.h"

#define DIALOG_ANSWER_TIME SEC(10)

enum {
    DIALOG_SECTIONS_MAX = SDP_SECTIONS_MAX,
    DIALOG_STREAM_CAP = 160,  /* of a stream's or a track's id, with its NUL */
    DIALOG_RECEIVES_MAX = 32, /* sections in which one peer may send */
    DIALOG_NOWHERE = 0xffff,
};

/* What we send: the caller's struct, and its to fill. */
struct dialog_slot {
    enum media_kind kind;
    uint32_t ssrc, rtx_ssrc;
    char stream[DIALOG_STREAM_CAP], track[DIALOG_STREAM_CAP]; /* a=msid */
    /* of the dialog */
    struct list link;
    uint16_t section; /* DIALOG_NOWHERE: waits for one */
    bool sending;     /* the peer has accepted it */
};

/* What a description says of the transport, the first time. */
struct dialog_remote {
    struct media_fingerprint peer;
    bool dtls_client;
    struct media_data data;
};

struct dialog_ops {
    /* The first description came. */
    enum err (*connect)(void *ctx, const struct dialog_remote *r);
    /* Either end restarts ICE: from now on these are our credentials. */
    enum err (*restart)(void *ctx, const char *ufrag, const char *pwd);
    /* The peer sends in a section; *track is what the section is remembered with. */
    enum err (*receive)(void *ctx, const struct rtp_receive *r, struct span stream,
                        struct span track, void **ret);
    void (*received)(void *ctx, void *track); /* and no longer does */
    /* The peer takes what is in the slot, from now on as said; or no longer. */
    enum err (*send)(void *ctx, struct dialog_slot *slot, const struct rtp_send *s);
    void (*sent)(void *ctx, struct dialog_slot *slot);
    /* NULL: we send in sections of ours alone. The peer offers to receive, with these codecs, in a
     * section in which slot is seated; NULL: nothing is. What is seated there from now on; NULL:
     * nothing, still. */
    struct dialog_slot *(*seat)(void *ctx, struct dialog_slot *slot,
                                const struct rtp_params *params);
    /* What was seated has no section any more, and is the caller's again. */
    void (*unseat)(void *ctx, struct dialog_slot *slot);
};

struct dialog_conf {
    const struct dialog_ops *ops;
    void *ctx;
    struct random random;
    const struct negotiate_local *local; /* without ufrag and pwd; borrowed */
    const enum codec *codecs;            /* borrowed */
    size_t codecs_n;
    size_t receives_max; /* sections in which the peer may send; 0: DIALOG_RECEIVES_MAX */
    bool data;           /* data channels are taken */
    bool offers_data;    /* our first offer has a section of them */
    char letter;         /* that mids of ours begin with, and the peer's do not */
    const uint32_t *max_bps;    /* that the peer may send at present, 0: any; borrowed */
    struct negotiated *scratch; /* borrowed */
};

struct dialog;

/* NULL when memory ends. Free takes NULL, and says nothing to the operations. */
struct dialog *sl_dialog_new(const struct dialog_conf *conf);
void sl_dialog_free(struct dialog *d);

/* Ours, as they are now. */
const char *sl_dialog_ufrag(const struct dialog *d);
const char *sl_dialog_pwd(const struct dialog *d);

void sl_dialog_add(struct dialog *d, struct dialog_slot *slot);
/* Nothing more is sent in it; the slot is forgotten at once. */
void sl_dialog_remove(struct dialog *d, struct dialog_slot *slot);

/* Takes an offer of the peer and appends the answer. E_STATE: one of ours is under way;
 * E_UNSUPPORTED: *why tells; E_MALFORMED: it does not continue what was agreed; E_FULL: more
 * tracks than allowed; and what the operations say, after which the dialog is at an end. */
MUST_USE enum err sl_dialog_offered(struct dialog *d, const struct sdp *offer,
                                    struct wr *answer, enum negotiate_why *why);

/* The next offer of ours restarts ICE, with new credentials. */
void sl_dialog_restart(struct dialog *d);

/* There is something that the peer does not know yet, and nothing stands in the way. */
bool sl_dialog_ready(const struct dialog *d);

/* Appends an offer of all that there is. E_STATE: not now; E_FULL: w is. */
MUST_USE enum err sl_dialog_offer(struct dialog *d, struct wr *w);

/* Takes the answer. E_STATE: nobody asked; others as above. */
MUST_USE enum err sl_dialog_answered(struct dialog *d, const struct sdp *answer,
                                     enum negotiate_why *why);

/* No answer came in time. */
void sl_dialog_expire(struct dialog *d);
bool sl_dialog_waits(const struct dialog *d); /* for an answer */

/* The transport carries data channels. */
bool sl_dialog_data(const struct dialog *d);

/* "" for a slot that has no section. */
const char *sl_dialog_mid(const struct dialog *d, const struct dialog_slot *slot);
