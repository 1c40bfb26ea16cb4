#pragma once

/*
 * The text of an offer of ours, from the sections as they shall be. Decides nothing.
 */

#include "room/codecs.h"

struct describe_section {
    enum sdp_type type; /* SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION */
    const char *mid;
    bool stopped; /* port 0; what follows means nothing */
    enum sdp_direction direction;
    const struct negotiate_slot *slot; /* what we send in it */
    const char *simulcast;             /* "l;h": the layers that we receive; "": none */
};

struct describe {
    const struct negotiate_local *local;
    const struct codecs *codecs;
    const char *cname;
    uint64_t session, version; /* of o= */
    uint32_t max_bps;          /* that the peer may send; 0: any */
    bool passive;              /* the peer begins the handshake; else it chooses */
    const struct describe_section *sections;
    size_t sections_n;
};

void sl_describe(struct wr *w, const struct describe *d);
