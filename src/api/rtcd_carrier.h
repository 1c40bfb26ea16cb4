#pragma once

/*
 * Carries the media of rtcd's sessions: each is a member of the room that its call is (tenant:
 * the client, name: the call), publishes what its states announce, and sees all others' tracks.
 *
 * It implements struct rtcd_media. What a track is follows from the stream that it is part of:
 * that of the screen that the call's presenter announced, that of the camera that the session
 * did; other sound is its voice, other video waits until it is announced. Descriptions are JSON,
 * {"type": "offer", "sdp": "..."}, each way.
 *
 * Sans-IO; for the control thread.
 */

#include "api/rtcd_calls.h"
#include "room/room.h"

struct rtcd_carrier;

struct rtcd_carrier_conf {
    struct rooms *rooms;
    struct random random;
    struct log *log;
};

/* NULL when memory ends. Free takes NULL; all sessions must have ended. */
struct rtcd_carrier *sl_rtcd_carrier_new(const struct rtcd_carrier_conf *conf);
void sl_rtcd_carrier_free(struct rtcd_carrier *c);

/* To be given to the calls, which are given back here. */
const struct rtcd_media *sl_rtcd_carrier_media(const struct rtcd_carrier *c);
void sl_rtcd_carrier_calls(struct rtcd_carrier *c, struct rtcd_calls *calls);

/* The session of a transport; NULL: it is none of ours. */
struct rtcd_session *sl_rtcd_carrier_session(const struct rtcd_carrier *c,
                                             uint64_t transport);

/* While it is held, nothing is offered to the session. */
void sl_rtcd_carrier_hold(struct rtcd_session *s, bool held);

/* What the sections of a session's description carry, as its last offer had it: walked with an
 * index that begins at 0. False: there are no more. */
struct rtcd_carried {
    const char *mid, *type, *sender; /* "voice", and the session that sends it */
};
bool sl_rtcd_carrier_next(const struct rtcd_session *s, size_t *at,
                          struct rtcd_carried *ret);

/* When to tick next, or USEC_NEVER. */
usec sl_rtcd_carrier_deadline(const struct rtcd_carrier *c);
void sl_rtcd_carrier_tick(struct rtcd_carrier *c, usec now);
