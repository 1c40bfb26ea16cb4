#pragma once

/*
 * One line of a session description, as a value (RFC 8866 and the RFCs of its attributes).
 *
 * A line that we know is read into its fields, and any other is kept as it is; so whatever
 * was read can be written again (proto/sdpwrite.h). Spans point into the text that was read, or to whatever
 * a writer set them to. Where an attribute was refused its grammar was broken: a number out of
 * range, a name with forbidden characters, something missing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

enum sdp_kind {
    SDP_OTHER,       /* text is the whole line, "c=IN IP4 0.0.0.0" */
    SDP_MEDIA,       /* m= */
    SDP_GROUP,       /* RFC 5888 */
    SDP_MID,         /* text */
    SDP_UFRAG,       /* text; RFC 8839, as are the next */
    SDP_PWD,         /* text */
    SDP_ICE_OPTIONS, /* text */
    SDP_ICE_LITE,
    SDP_CANDIDATE,
    SDP_END_OF_CANDIDATES, /* RFC 8840 */
    SDP_FINGERPRINT,       /* RFC 8122 */
    SDP_SETUP,             /* RFC 4145, 8842 */
    SDP_DIRECTION,         /* a=sendrecv and its like */
    SDP_RTCP_MUX,          /* RFC 5761 */
    SDP_RTCP_RSIZE,        /* RFC 5506 */
    SDP_BUNDLE_ONLY,       /* RFC 9143 */
    SDP_EXTMAP,            /* RFC 8285 */
    SDP_EXTMAP_MIXED,      /* a=extmap-allow-mixed */
    SDP_RTPMAP,
    SDP_FMTP,
    SDP_RTCP_FB,          /* RFC 4585 */
    SDP_SSRC,             /* RFC 5576 */
    SDP_SSRC_GROUP,       /* RFC 5576 */
    SDP_RID,              /* RFC 8851 */
    SDP_SIMULCAST,        /* RFC 8853 */
    SDP_MSID,             /* RFC 8830 */
    SDP_SCTP_PORT,        /* number; RFC 8841 */
    SDP_MAX_MESSAGE_SIZE, /* number; RFC 8841 */
    SDP_KINDS
};

enum {
    SDP_GROUP_MIDS_MAX = 128, /* in one a=group */
    SDP_GROUP_SSRCS_MAX = 16, /* in one a=ssrc-group */
    SDP_SIMULCAST_MAX = 64,   /* names in one list of a=simulcast */
    SDP_FINGERPRINT_MAX = 64, /* octets: SHA-512 */
    SDP_PT_ANY = 0xff,        /* a=rtcp-fb:* */
};

/* Bits, so that what both sides can do is an `&`. */
enum sdp_direction {
    SDP_INACTIVE = 0,
    SDP_SENDONLY = 1,
    SDP_RECVONLY = 2,
    SDP_SENDRECV = 3,
};

enum sdp_setup {
    SDP_SETUP_NONE, /* not said */
    SDP_SETUP_ACTPASS,
    SDP_SETUP_ACTIVE,
    SDP_SETUP_PASSIVE,
    SDP_SETUP_HOLDCONN,
};

struct sdp_media {
    struct span media; /* "audio" */
    uint16_t port;
    struct span proto;   /* "UDP/TLS/RTP/SAVPF" */
    struct span formats; /* "111 0", or "webrtc-datachannel" */
};

struct sdp_group {
    struct span semantics; /* "BUNDLE" */
    struct span mids;      /* words */
};

struct sdp_candidate {
    struct span foundation;
    uint16_t component;
    struct span transport; /* "udp", in any case */
    uint32_t priority;
    struct span host; /* as it was written: an address, or a name such as "x.local" */
    uint16_t port;
    bool resolved;    /* host is an address, and addr is it, with the port */
    struct addr addr; /* when writing with an empty host: what is written */
    struct span type; /* "host" */
    struct span rest; /* raddr, rport, tcptype, extensions: as they were written */
};

struct sdp_fingerprint {
    struct span hash; /* "sha-256", in any case */
    uint8_t n;
    uint8_t bytes[SDP_FINGERPRINT_MAX];
};

struct sdp_extmap {
    uint16_t
        id; /* 1..255, or 4096..4351 where the offerer leaves the choice (RFC 8285 §5) */
    bool directed;
    enum sdp_direction direction; /* SDP_SENDRECV when not directed */
    struct span uri;
    struct span attributes;
};

struct sdp_rtpmap {
    uint8_t pt;
    struct span name;
    uint32_t clock_hz;
    uint8_t channels; /* 1 when not said, and then not written */
};

struct sdp_fmtp {
    uint8_t pt;
    struct span params; /* "minptime=10;useinbandfec=1": see proto/fmtp.h */
};

struct sdp_rtcp_fb {
    uint8_t pt;       /* or SDP_PT_ANY */
    struct span what; /* "nack pli" */
};

struct sdp_ssrc {
    uint32_t ssrc;
    struct span name;  /* "cname" */
    struct span value; /* may be empty */
};

struct sdp_ssrc_group {
    struct span semantics; /* "FID", "SIM" */
    uint8_t n;
    uint32_t ssrcs[SDP_GROUP_SSRCS_MAX];
};

struct sdp_rid {
    struct span id;
    bool recv;          /* otherwise send */
    struct span params; /* "pt=96;max-width=1280" */
};

/* Both are walked with sl_sdp_simulcast_next; empty when not said. */
struct sdp_simulcast {
    struct span send;
    struct span recv;
};

struct sdp_msid {
    struct span stream; /* "-": in no stream */
    struct span track;  /* may be empty */
};

struct sdp_line {
    enum sdp_kind kind;
    union {
        struct span text;
        uint64_t number;
        enum sdp_setup setup;
        enum sdp_direction direction;
        struct sdp_media media;
        struct sdp_group group;
        struct sdp_candidate candidate;
        struct sdp_fingerprint fingerprint;
        struct sdp_extmap extmap;
        struct sdp_rtpmap rtpmap;
        struct sdp_fmtp fmtp;
        struct sdp_rtcp_fb rtcp_fb;
        struct sdp_ssrc ssrc;
        struct sdp_ssrc_group ssrc_group;
        struct sdp_rid rid;
        struct sdp_simulcast simulcast;
        struct sdp_msid msid;
    };
};

/* text is one line without its end. E_MALFORMED: not a line of SDP, or a known attribute
 * with a broken grammar, or with more members than the limits above. */
MUST_USE enum err sl_sdp_line_parse(struct span text, struct sdp_line *ret);

/* As they stand in SDP. "" for a kind that is no attribute, or has no name of its own. */
const char *sl_sdp_attribute_name(enum sdp_kind kind);
const char *sl_sdp_setup_name(enum sdp_setup setup);
const char *sl_sdp_direction_name(enum sdp_direction direction);

/* One simulcast stream: the first of its alternatives, and whether it starts paused. */
struct sdp_simulcast_stream {
    struct span rid;
    bool paused;
    struct span others; /* further alternatives, "b,~c" */
};

/* Takes the next stream off *list. False at its end. */
bool sl_sdp_simulcast_next(struct span *list, struct sdp_simulcast_stream *ret);
