#pragma once

/*
 * All rooms as their own modules see them: room (who comes and goes), exchange (descriptions),
 * participant and pass. Nobody else includes this.
 */

#include "room/room.h"

struct rooms {
    struct rooms_conf conf;
    struct peer_maker maker;
    struct map by_name, by_key, by_transport;
    struct timers timers; /* of peers */
    struct timers empty;  /* of rooms that nobody is in */
    struct list emptied;  /* struct room that are so since the last flush */
    size_t people;        /* as struct room counts peers, of all rooms */
    struct rooms_stats stats;
    struct list restless; /* struct member that may have something to offer */
    uint8_t *text;        /* of the offer being written: NEGOTIATE_ANSWER_MAX octets */
};

/* Names and limits are good, and somebody more may come in. room NULL: it is not there yet.
 * again: who comes is in it, so it gets no fuller. What is E_FULL is counted. */
MUST_USE enum err sl_rooms_check(struct rooms *r, struct span tenant, struct span name,
                                 const struct room *room, bool again);
/* What it sends may be published: its token, if it came by one, permits it. */
bool sl_rooms_may_publish(const struct peer *p);
/* One more may publish in the room, under the stream's name; or E_FULL, which is counted. Who
 * publishes under that name makes place for it. Empty: a member, that takes nothing over. */
MUST_USE enum err sl_rooms_check_publisher(struct rooms *r, const struct room *room,
                                           struct span stream);
MUST_USE enum err sl_rooms_open(struct rooms *r, struct span tenant, struct span name,
                                struct room **ret);

/* One more of those that keep a room open, and one less: then it may be closed, and freed. */
void sl_rooms_count(struct rooms *r, struct room *room);
void sl_rooms_uncount(struct rooms *r, struct room *room);

/* Nobody may be in it: it is closed then, and freed, or kept for a while. */
void sl_rooms_vacate(struct rooms *r, struct room *room);

/* What became due of rooms that nobody is in. */
void sl_rooms_keep(struct rooms *r, usec now);
void sl_rooms_tick_empty(struct rooms *r, usec now);

/* The peer's transport is known by name, and must come up before this. */
MUST_USE enum err sl_rooms_expect(struct rooms *r, struct peer *p, usec until);

/* It is in the room's lists, and its slots play; on failure it is freed. */
MUST_USE enum err sl_rooms_place(struct rooms *r, struct peer *p, struct room *room,
                                 usec now);

void sl_rooms_tell(struct rooms *r, const struct news *n);
