#pragma once

/*
 * Passes (room/pass) as JSON: the template that a back end asks for, and what it is given, by
 * whatever way it talks to us (docs/rooms.md).
 */

#include "room/pass.h"

enum { PASSJSON_FAULT_CAP = 192 };

struct json_t;

/* What is asked for. Its texts are the object's. */
struct passjson {
    struct pass pass;
    enum codec codecs[PASS_CODECS_MAX];
    bool has_role; /* it was said */
};

/* any: a fingerprint need not be there. E_MALFORMED, E_STATE where a fingerprint is missing, E_DENIED
 * for a peer that is no name; with words for people in fault. *ret stays where it is. */
MUST_USE enum err sl_passjson_read(struct json_t *in, bool any, struct passjson *ret,
                                   char fault[PASSJSON_FAULT_CAP]);

/* Why the template cannot be (E_DENIED, E_UNSUPPORTED of sl_pass_issue), in words for people. */
const char *sl_passjson_fault(enum err e);

/* {"transport", "peer", "expires_at", "tracks", "sdp"}; wall: seconds of Unix. */
void sl_passjson_write(struct wr *w, const struct passjson *asked, const struct peer *p,
                       struct span offer, int64_t wall);
