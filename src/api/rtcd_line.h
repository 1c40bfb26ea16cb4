#pragma once

/*
 * The data channel between a session of rtcd and its client: pings, reports, descriptions, what
 * is sent where, and the lock under which one of both ends changes the session's description.
 *
 * The client opens the channel, with its first offer; until then nothing can be told, and none
 * of its messages come. One that offers none hears everything elsewhere, and waits for nothing. Of several channels the first one counts. The lock is ours while we offer;
 * a client that has it and does not give it back loses it. What comes too often, is no message or far too
 * long is dropped and counted, and changes nothing.
 *
 * Sans-IO. For the control thread.
 */

#include "base/clock.h"

#include "api/rtcd_dc.h"
#include "api/rtcd_tally.h"
#include "room/media.h"

/* A client changes its tracks, offers and hears our answer within this. It is as long as a client
 * of rtcd waits for its turn, so nobody gives up because of another that hangs. */
#define RTCD_LOCK_TIME SEC(5)

enum {
    /* Clients ask for the lock 20 times a second while they wait for it, and ping. */
    RTCD_LINE_PER_S = 50,
    RTCD_LINE_BURST = 200,
    RTCD_LINE_SDP_COST = 10, /* unpacking one, and what it leads to */
};

struct rtcd_line_stats {
    uint64_t opened, closed;
    uint64_t pings, descriptions;
    uint64_t granted, refused;              /* locks that clients asked for */
    uint64_t expired;                       /* and did not give back */
    uint64_t unasked;                       /* unlocks of what the client did not hold */
    uint64_t malformed, flooded, oversized; /* dropped */
    uint64_t full;                          /* messages of ours that found no room */
    uint64_t too_long;                      /* maps that the client does not take */
};

/* Of one session, inside what its owner keeps of it. */
struct rtcd_line {
    struct timer timer; /* of the client's lock */
    struct rtcd_tally *tally;
    uint64_t transport; /* and on it the stream: the channel that is open */
    uint16_t stream;
    bool open, locked;
    usec locked_at;
    usec asked_at, asked_again; /* for the lock, in vain: first and last; 0: not */
    usec quiet_at; /* when all that came is paid for (a bucket as in api/limit.h) */
};

struct rtcd_lines_conf {
    const struct media_ops *media;
    void *ctx;
    /* An offer of ours is under way: the lock is ours. */
    bool (*busy)(void *ctx, const struct rtcd_line *l);
    /* From now on nothing is to be offered to the session: its channel is not open, or it has the
     * lock. Or: it may be, again. */
    void (*hold)(void *ctx, struct rtcd_line *l, bool held);
    /* A description as {"type", "sdp"} in JSON; valid during the call. May end the line. */
    void (*sdp)(void *ctx, struct rtcd_line *l, struct span json, usec now);
};

struct rtcd_lines; /* all that share a table of operations */

/* NULL when memory ends. Free takes NULL; the lines are over before. */
struct rtcd_lines *sl_rtcd_lines_new(const struct rtcd_lines_conf *conf);
void sl_rtcd_lines_free(struct rtcd_lines *ls);
const struct rtcd_line_stats *sl_rtcd_lines_stats(const struct rtcd_lines *ls);

/* The session is held until its channel opens. What its client reports, and how long it has the
 * lock, is told in tally. */
void sl_rtcd_line_init(struct rtcd_lines *ls, struct rtcd_line *l,
                       struct rtcd_tally *tally);
void sl_rtcd_line_fini(struct rtcd_lines *ls, struct rtcd_line *l);

/* Its client wants no channel: it is held no more. */
void sl_rtcd_line_none(struct rtcd_lines *ls, struct rtcd_line *l);

/* What happened on the channels of its transport. */
void sl_rtcd_line_event(struct rtcd_lines *ls, struct rtcd_line *l, uint64_t transport,
                        const struct media_data_event *ev, usec now);

/* E_ABSENT: the channel is not open; E_FULL: the client reads too slowly, so say it elsewhere or
 * later; E_MALFORMED: longer than it takes. */
MUST_USE enum err sl_rtcd_line_sdp(struct rtcd_lines *ls, const struct rtcd_line *l,
                                   struct span json);
/* Before an offer. E_FULL: the offer has to wait, too, until MEDIA_DATA_ROOM. Others as above: it goes
 * without. */
MUST_USE enum err sl_rtcd_line_map(struct rtcd_lines *ls, const struct rtcd_line *l,
                                   const struct rtcd_dc_track *tracks, size_t n);

/* When to tick next, or USEC_NEVER. */
usec sl_rtcd_lines_deadline(const struct rtcd_lines *ls);
void sl_rtcd_lines_tick(struct rtcd_lines *ls, usec now);
