#pragma once

/*
 * Why each viewer sees what it sees, in words: one line of JSON for each track.
 *
 * From what the workers told last (service/plane) and who plays what (room): the estimate of
 * the path, the layer that would be sent if it carried more, the one that is sent, what keeps
 * it from more, losses, round trip, and since when. Control thread; reads only.
 */

#include "base/span.h"

#include "room/room.h"
#include "service/plane.h"

/* The peer's tracks, "{...},\n{...}": what it sees, or what it publishes. For itself, or for
 * operators, who are told of the publisher's path beside its own. */
enum explain_to { EXPLAIN_TO_PEER, EXPLAIN_TO_OPERATOR };
void sl_explain_tracks(const struct plane *p, const struct peer *peer, enum explain_to to,
                       usec now, struct wr *w);

/* The peer of a transport, whole. False: there is none. */
bool sl_explain_transport(const struct plane *p, const struct rooms *r, uint64_t id,
                          usec now, struct wr *w);

/* An id as it is written above, in hex. */
bool sl_explain_id(struct span text, uint64_t *ret);

/* The transport of an id so written, all of them for none. False: there is none. */
bool sl_explain_asked(const struct plane *p, const struct rooms *r, struct span id,
                      usec now, struct wr *w);

/* All transports without their tracks, as many as there is room for. */
void sl_explain_all(const struct plane *p, const struct rooms *r, usec now, struct wr *w);
