#pragma once

/*
 * Many WebRTC clients of one server: rooms with publishers and subscribers, all in one thread.
 *
 * sl_load_join connects them (signaling, checks, handshakes); then sl_load_run lets publishers send
 * for a while and tells what arrived where. Between phases all clients stay connected, and go
 * on with their checks and reports. The process may be busy all the time; it never sleeps on a
 * socket, so that it does not slow down a server on the same machine by being woken.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#include "bench/signaling.h"
#include "bench/sink.h"
#include "crypto/srtp.h"

enum {
    LOAD_PUBLISHERS_MAX = 16,
    LOAD_CLIENTS_MAX = 60000,
    LOAD_ERROR_MAX = SIGNALING_ERROR_MAX
};

struct load_conf {
    const char *url;                   /* of the public face; borrowed, as token is */
    const char *token;                 /* NULL: none is needed */
    const struct signaling *signaling; /* NULL: WHIP and WHEP */
    const char *room;                  /* rooms are called so, with a number behind it */
    unsigned rooms, publishers, subscribers; /* the last two: of each room */
    unsigned late;     /* subscribers of each room, besides, who come during a phase */
    bool audio, video; /* what is negotiated */
    enum srtp_profile profile; /* the only one that is offered */
    /* Publishers send a little of each track as soon as they are up, subscribers come when those
     * of their room are, and joining ends when each gets all tracks. */
    bool heard;
    bool plain; /* subscribers tell nobody what their paths carry: nothing is estimated */
    bool unasked; /* but send feedback as others do, which nobody makes use of */
    bool
        data; /* each client opens a data channel, of which its descriptions do not tell */
};

struct load_phase {
    unsigned rooms;   /* the first so many are active */
    bool audio;       /* Opus is sent; otherwise VP8 */
    unsigned burst;   /* packets at a time */
    unsigned size;    /* octets of payload */
    unsigned rate_hz; /* bursts a second, of each publisher */
    unsigned late_hz; /* so many of those who are late come in a second; 0: none */
    usec settle;      /* this long before it counts */
    usec duration;
};

/* Who came late. Who is refused is not asked for again. */
struct load_late {
    unsigned asked, refused;
    unsigned before_refusal;   /* how many had been taken in when the first was refused */
    usec retry_after;          /* that the last who was refused was told */
    struct quantiles to_media; /* microseconds from the request to the first packet */
};

/* What happened while it counted, to those who were there when that began. */
struct load_result {
    usec duration;
    uint64_t sent;      /* RTP packets of publishers */
    uint64_t expected;  /* of subscribers: sent packets times those who should get them */
    uint64_t lost;      /* of these: what did not come, whoever kept it */
    uint64_t on_way;    /* of lost: what left the server; it withheld the rest */
    uint64_t datagrams; /* all that left here: media, checks, reports */
    uint64_t unanswered; /* checks */
    uint64_t overruns;   /* bursts that left over 10 ms late: this side is too slow */
    struct sink_counts counts;
    struct load_late late;
};

struct load_joined {
    unsigned clients;
    usec duration;
};

struct load;

/* E_MALFORMED: what is asked for is not possible; otherwise as sl_web_new and sl_wire_new.
 * Free takes NULL; it says nothing to the server. */
MUST_USE enum err sl_load_new(const struct load_conf *conf, struct load **ret,
                              char error[LOAD_ERROR_MAX]);
void sl_load_free(struct load *l);

/* Connects all who are not late; on failure error says, for people, who could not and why. */
MUST_USE enum err sl_load_join(struct load *l, struct load_joined *ret,
                               char error[LOAD_ERROR_MAX]);

/* Called once when counting begins and once when it ends, with now. */
typedef void load_mark(void *ctx, bool begins);

/* mark may be NULL. */
MUST_USE enum err sl_load_run(struct load *l, const struct load_phase *phase,
                              load_mark *mark, void *ctx, struct load_result *ret,
                              char error[LOAD_ERROR_MAX]);

/* RTP packets that came to subscribers since the beginning, whether they counted or not. */
uint64_t sl_load_received(const struct load *l);

/* Keeps the connections up for a while, without media. */
void sl_load_idle(struct load *l, usec duration);

/* Ends all sessions. */
void sl_load_leave(struct load *l);
