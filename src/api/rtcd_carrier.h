#pragma once

/*
 * Carries the media of rtcd's sessions: each is a member of the room that its call is (tenant:
 * the client, name: the call), publishes what its states announce, and sees all others' tracks.
 *
 * It implements struct rtcd_media. What a track is follows from the stream that it is part of:
 * that of the screen that the call's presenter announced, that of the camera that the session
 * did; other sound is its voice, other video waits until it is announced. Descriptions are JSON,
 * {"type": "offer", "sdp": "..."}, each way; which way ours go, and what goes before them, says
 * rtcd_offer. Nothing is offered before the data channel is open.
 *
 * Sans-IO; for the control thread.
 */

#include "api/rtcd_calls.h"
#include "api/rtcd_line.h"
#include "room/room.h"

struct rtcd_carrier;

struct rtcd_carrier_conf {
    struct rooms *rooms;
    struct media_ops media; /* for data channels */
    struct rtcd_tallies *tallies;
    struct random random;
    struct log *log;
};

/* NULL when memory ends. Free takes NULL; all sessions must have ended. */
struct rtcd_carrier *sl_rtcd_carrier_new(const struct rtcd_carrier_conf *conf);
void sl_rtcd_carrier_free(struct rtcd_carrier *c);

/* To be given to the calls, which are given back here. */
const struct rtcd_media *sl_rtcd_carrier_media(const struct rtcd_carrier *c);
void sl_rtcd_carrier_calls(struct rtcd_carrier *c, struct rtcd_calls *calls);

/* What happened on the data channels of a transport, which may be none of ours. */
void sl_rtcd_carrier_data(struct rtcd_carrier *c, uint64_t transport,
                          const struct media_data_event *ev, usec now);
const struct rtcd_line_stats *sl_rtcd_carrier_lines(const struct rtcd_carrier *c);

/* A transport, which may be none of ours, lost its peer's consent, and may get it back. */
void sl_rtcd_carrier_stale(struct rtcd_carrier *c, uint64_t transport);

/* Counts the tracks that there are now in the tallies: before they are read. */
void sl_rtcd_carrier_count(struct rtcd_carrier *c);

/* When to tick next, or USEC_NEVER. */
usec sl_rtcd_carrier_deadline(const struct rtcd_carrier *c);
void sl_rtcd_carrier_tick(struct rtcd_carrier *c, usec now);
