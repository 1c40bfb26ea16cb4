#pragma once

/*
 * Session descriptions (RFC 8866, as JSEP uses it, RFC 9429), and the fragments by which
 * candidates trickle (application/trickle-ice-sdpfrag, RFC 8840 §9).
 *
 * A description is its lines in their order; a section is a run of them, the one before the
 * first m= line being the session's. What is asked often stands in the section's fields, lists
 * are walked with sdp_each. It points into the text that it was parsed from, and into one heap
 * block; both stay until sl_sdp_free. Lines may end with CRLF or LF.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#include "proto/sdpline.h"

enum {
    SDP_TEXT_MAX = 256 * 1024,
    SDP_SECTIONS_MAX = 128,
    SDP_LINES_MAX = 16 * 1024, /* so the block is at most 2.5 MB */
    SDP_FORMATS_MAX = 128,     /* payload types of one section: all there are */
    SDP_FB_MAX = 2048,         /* a=rtcp-fb of one section */
    SDP_LIST_MAX = 256,        /* of any other known attribute of one section */
};

enum sdp_form {
    SDP_DESCRIPTION, /* begins with v=, o=, s= */
    SDP_FRAGMENT,    /* attributes, then m= lines that only say whose attributes follow */
};

enum sdp_type { SDP_SESSION, SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_UNKNOWN };

/* Where an attribute may stand at both levels, a section's field is its own or, if it has
 * none, the session's. */
struct sdp_section {
    enum sdp_type type;
    struct sdp_media m;
    size_t pts_n; /* payload types in the m= line's order; 0 when it is not RTP */
    uint8_t pts[SDP_FORMATS_MAX];
    struct span mid; /* empty when not said */
    struct span ufrag, pwd;
    enum sdp_setup setup;
    enum sdp_direction direction; /* SDP_SENDRECV when not said */
    bool ice_lite, end_of_candidates;
    bool rtcp_mux, rtcp_rsize, bundle_only, extmap_mixed;
    size_t lines_n;
    const struct sdp_line *lines; /* the m= line is the first */
};

struct sdp {
    struct sdp_section session;
    size_t sections_n;
    struct sdp_section *sections;
    struct sdp_line *lines; /* all of them */
};

/* Parses text, which must outlive *ret. On an error *bad_line, if not NULL, is the number of
 * the line at fault, from 1, or 0 when no single line is.
 * E_FULL: larger than one of the limits above; E_SHORT: no line at all; E_MALFORMED: a line
 * that is not SDP, a known attribute with broken grammar, a single attribute said twice and
 * differently, a payload type or mid given twice; E_MEMORY. */
MUST_USE enum err sl_sdp_new(struct span text, enum sdp_form form, size_t *bad_line,
                             struct sdp **ret);
void sl_sdp_free(struct sdp *s); /* takes NULL */

/* Appends all lines. What was parsed is written so that it parses to the same. */
void sl_sdp_write(struct wr *w, const struct sdp *s);

/* The next line of this kind behind at (NULL: the first), or NULL. */
const struct sdp_line *sl_sdp_next(const struct sdp_section *s, enum sdp_kind kind,
                                   const struct sdp_line *at);
#define sdp_each(it, section, kind)                                                      \
    for (const struct sdp_line *it = sl_sdp_next((section), (kind), NULL); it;           \
         it = sl_sdp_next((section), (kind), it))

/* The section if it has a line of this kind, otherwise the session. */
const struct sdp_section *
sl_sdp_level(const struct sdp *s, const struct sdp_section *section, enum sdp_kind kind);

/* NULL when there is none. */
const struct sdp_section *sl_sdp_by_mid(const struct sdp *s, struct span mid);
const struct sdp_rtpmap *sl_sdp_rtpmap(const struct sdp_section *s, uint8_t pt);

/* The parameters of a=fmtp for pt, empty when there is none. */
struct span sl_sdp_fmtp(const struct sdp_section *s, uint8_t pt);

/* The mids of the first a=group:BUNDLE, as words; empty when there is none. */
struct span sl_sdp_bundle(const struct sdp *s);
