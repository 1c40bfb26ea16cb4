#pragma once

/*
 * What a session's client is told of descriptions: answers, and offers of ours with what their
 * sections carry.
 *
 * Both are JSON, {"type": "offer", "sdp": "..."}. An answer goes where its offer came from, an
 * offer by the data channel where the session joined with that wish, else by the WebSocket; what
 * the channel does not take goes by the WebSocket, for clients listen to both. Before an offer goes,
 * always by the channel, what its sections carry, without which a client takes no video. While the
 * channel has no room for it both wait; of several offers the last one is told then.
 *
 * Sans-IO; for rtcd_carrier and the control thread.
 */

#include "api/rtcd_line.h"
#include "api/rtcd_tracks.h"

/* Of one session, inside what its owner keeps of it. */
struct rtcd_offer {
    struct rtcd_calls
        *calls; /* this and the next three are set by the owner, and borrowed */
    struct rtcd_lines *lines;
    const struct rtcd_line *line;
    const struct rtcd_tracks *tracks;
    bool asked;   /* it was offered what it has not answered */
    char *unsaid; /* an offer that waits until the channel has room; owned */
};

/* Ours, instead of one that waits. One before it that was not answered is counted. E_MEMORY: it
 * is not told; what is not answered is offered again. */
MUST_USE enum err sl_rtcd_offer_tell(struct rtcd_offer *o, struct span sdp);

/* The channel has room again, or is none any more. */
void sl_rtcd_offer_room(struct rtcd_offer *o);

/* What was offered is answered. */
void sl_rtcd_offer_answered(struct rtcd_offer *o);

/* Its session is over: what waits is forgotten. */
void sl_rtcd_offer_fini(struct rtcd_offer *o);

/* Our answer to an offer of the client's. */
MUST_USE enum err sl_rtcd_offer_answer(const struct rtcd_offer *o, struct span sdp,
                                       bool by_channel);
