#pragma once

/*
 * From an offer to an answer (RFC 3264, RFC 9429 §5.3): which m-sections are taken, with what
 * codecs, extensions and streams, and by which credentials the one transport is reached.
 *
 * An offer comes for one of two jobs. PUBLISH: the peer sends; what it offers to send we
 * receive. WATCH: the peer receives; sections are slots, into which we send. A section that
 * offers both directions is answered in that of the job; one that does not offer the job's
 * direction is answered inactive, so that it may become active in a later offer. Whatever we
 * cannot use is rejected (port 0) and told why. All accepted sections are in one BUNDLE.
 *
 * Values in, values and text out: nothing is kept between calls. A later offer of the same
 * peer (ICE restart, one more track) is negotiated like the first, with the same or with new
 * local credentials, and the same SSRCs for the same mids. BOTH is for a peer whose
 * description changes (room/dialog): each section is answered in all directions for which it
 * has a use, to receive what is offered and to send what has a slot of that mid.
 */

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

#include "proto/params.h"
#include "proto/sdp.h"
#include "room/media.h"

enum negotiate_job { NEGOTIATE_PUBLISH, NEGOTIATE_WATCH, NEGOTIATE_BOTH };

/* Why an offer, or one section of it, is refused: a name of the constant, a code that clients
 * may rely on, and a sentence. */
#define NEGOTIATE_LIST(X)                                                                \
    X(OK, "ok", "accepted")                                                              \
    X(NO_MEDIA, "no-media", "no section offers what this resource does")                 \
    X(NO_BUNDLE, "no-bundle", "the section is not in the first BUNDLE group")            \
    X(NO_RTCP_MUX, "no-rtcp-mux", "the section does not multiplex RTP and RTCP")         \
    X(NO_ICE, "no-ice", "no ICE user fragment and password")                             \
    X(BOTH_LITE, "both-ice-lite", "two ICE-lite agents cannot connect")                  \
    X(NO_FINGERPRINT, "no-fingerprint", "no certificate fingerprint by SHA-2")           \
    X(BAD_SETUP, "bad-setup", "the DTLS role cannot be answered")                        \
    X(BAD_MID, "bad-mid", "the section's mid is missing, or longer than 31 characters")  \
    X(BAD_PROTOCOL, "bad-protocol", "the section's protocol is not RTP over DTLS-SRTP")  \
    X(NO_SCTP, "no-sctp", "the section of data names no SCTP port, or is a second one")  \
    X(BAD_KIND, "bad-kind", "the section is neither audio nor video")                    \
    X(STOPPED, "stopped", "the section is offered with port 0")                          \
    X(NO_COMMON_CODEC, "no-common-codec", "the section has no codec that is known here") \
    X(NO_SLOT, "no-slot", "there are more sections than there is to see")                \
    X(TOO_MANY_SECTIONS, "too-many-sections", "more sections are in use than allowed")   \
    X(TOO_LARGE, "too-large", "the answer would be too large")

#define NEGOTIATE_ENUM(name, code, text) NEGOTIATE_##name,
enum negotiate_why { NEGOTIATE_LIST(NEGOTIATE_ENUM) NEGOTIATE_WHYS };
#undef NEGOTIATE_ENUM

const char *sl_negotiate_code(enum negotiate_why why); /* "no-bundle" */
const char *sl_negotiate_text(enum negotiate_why why);

/* ---- what goes in ---- */

struct negotiate_candidate {
    struct addr addr;
    bool tcp; /* passive, RFC 6544 */
};

/* Our end of the transport. Strings are borrowed during the call. */
struct negotiate_local {
    const char *ufrag, *pwd;
    const uint8_t *sha256; /* 32 octets: the fingerprint of our certificate */
    bool active;           /* begin the DTLS handshake where the offer leaves it to us */
    const struct negotiate_candidate *candidates; /* the best first */
    size_t candidates_n;
    bool full; /* a full ICE agent, as clients are; otherwise ICE-lite */
};

/* For WATCH: what may stand in one section of its kind. A slot with a mid is for that section
 * alone (a later offer keeps its slots so); the others are given out in order. For BOTH all
 * have one. */
struct negotiate_slot {
    enum media_kind kind;
    const char *mid;            /* NULL: any */
    const char *stream, *track; /* a=msid, without blanks; "-": in no stream */
    uint32_t ssrc, rtx_ssrc;
};

struct negotiate_conf {
    enum negotiate_job job;
    struct negotiate_local local;
    uint64_t session; /* for o=, below 2^63 and the same for all answers of a session */
    uint64_t version; /* for o=, one more with each answer */
    const enum codec *codecs; /* the only ones allowed, the preferred first */
    size_t codecs_n;          /* 0: all that we know, in the offer's order */
    uint32_t max_bps;         /* that the peer may send; 0: any */
    bool data;                /* data channels are taken (RFC 8841); otherwise rejected */
    size_t sections_max;      /* sections that may be active; 0: no limit of its own */
    const struct negotiate_slot *slots; /* for WATCH and BOTH */
    size_t slots_n;
    const char *cname; /* of all that we send to this peer */
};

/* ---- what comes out ---- */

/* Spans point into the offer's text. */
struct negotiated_section {
    enum negotiate_why why;       /* NEGOTIATE_OK, or why it is rejected */
    bool data;                    /* of data channels; what follows means nothing */
    enum sdp_direction direction; /* of the answer; SDP_INACTIVE: nothing flows for now */
    union {
        struct rtp_params params;   /* when accepted: the part common to both below */
        struct rtp_receive receive; /* when we receive */
    };
    struct rtp_send send;      /* when we send */
    size_t slot;               /* when we send: its index in conf.slots */
    struct span stream, track; /* when we receive: a=msid; empty when not said */
};

struct negotiated {
    struct span ufrag, pwd; /* of the peer */
    struct media_fingerprint peer;
    bool dtls_client; /* we begin the handshake */
    struct media_data data;
    size_t sections_n;
    size_t active_n;
    struct negotiated_section
        sections[SDP_SECTIONS_MAX]; /* as in the offer; 150 kB in all */
};

enum {
    NEGOTIATE_ANSWER_MAX = 512 * 1024
}; /* room for 128 sections as browsers offer them */

/* Answers offer. On success *ret is filled and the answer was appended to w; otherwise w may
 * hold a part of it. Refuses the whole offer when none of its sections becomes active (for
 * BOTH: when none is accepted), and then gives the reason of the first that was rejected. */
MUST_USE enum negotiate_why sl_negotiate(const struct sdp *offer,
                                         const struct negotiate_conf *conf,
                                         struct negotiated *ret, struct wr *w);

/* The ICE credentials of a description or a fragment. False: there are none. */
bool sl_negotiate_credentials(const struct sdp *s, struct span *ufrag, struct span *pwd);

/* Answers the fragment by which a WHIP client restarts ICE (RFC 9725 §4.3.3): new local
 * credentials and all candidates, for the BUNDLE and the first section that it names. */
void sl_negotiate_fragment(const struct sdp *fragment,
                           const struct negotiate_local *local, struct wr *w);
