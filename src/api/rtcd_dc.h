#pragma once

/*
 * The messages that rtcd and its clients exchange on a session's data channel: a number that is
 * the type, and what it carries, as MessagePack. Read and written; values only.
 *
 * Old clients say the text "ping" instead, and are told the text "pong".
 */

#include "base/msgpack.h"

enum {
    RTCD_DC_JSON_MAX = 1 << 20
}; /* octets of a description, before it is compressed */

enum rtcd_dc_type {
    RTCD_DC_UNKNOWN,
    RTCD_DC_PING,
    RTCD_DC_PONG,
    RTCD_DC_SDP,
    RTCD_DC_LOSS,   /* a part of 1 */
    RTCD_DC_RTT,    /* seconds */
    RTCD_DC_JITTER, /* seconds */
    RTCD_DC_LOCK,   /* asked for by a client, granted or not by a server */
    RTCD_DC_UNLOCK,
    RTCD_DC_MEDIA_MAP,
    RTCD_DC_TYPES
};

struct rtcd_dc {
    enum rtcd_dc_type type;
    struct span zipped; /* of SDP: JSON, to be unzipped; in the message */
    double value;       /* of LOSS, RTT and JITTER: finite, and not below zero */
    bool granted;       /* of LOCK */
};

/* Numbers of any width and kind are taken, and what follows is not looked at. E_UNSUPPORTED: no
 * type that there is; E_SHORT, E_MALFORMED: no message. */
MUST_USE enum err sl_rtcd_dc_read(struct span in, struct rtcd_dc *ret);

/* PING, PONG, UNLOCK, and LOCK when it is asked for. */
void sl_rtcd_dc_write(struct wr *w, enum rtcd_dc_type type);
void sl_rtcd_dc_write_lock(struct wr *w, bool granted);
/* E_FULL: w has no room for it; E_MEMORY. */
MUST_USE enum err sl_rtcd_dc_write_sdp(struct wr *w, struct span json);

/* What is sent in the sections of the session's description. */
struct rtcd_dc_track {
    struct span mid;
    const char *type; /* "voice", "screen", "screen-audio", "video" */
    struct span sender;
};
void sl_rtcd_dc_write_map(struct wr *w, const struct rtcd_dc_track *tracks, size_t n);
