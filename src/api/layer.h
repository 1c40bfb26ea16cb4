#pragma once

/*
 * What a viewer of WHEP wants to see, and why it sees what it does: /session/KEY/layer.
 *
 * POST is the layer selection of the WHEP drafts (urn:ietf:params:whep:ext:core:layer), in
 * JSON, with members of ours for what a page knows better than layers: the size of the place
 * where a track is shown, its importance, and whether it is shown at all. GET tells of each
 * track what is sent of it and what keeps it from more. GET of /session/KEY/events is the
 * event `layers` of the drafts, once: a reader of server-sent events asks again by itself.
 */

#include "api/face.h"

#define LAYER_REL "urn:ietf:params:whep:ext:core:layer"
#define EVENT_REL "urn:ietf:params:whep:ext:core:server-sent-events"

/* The Link fields of a new session. */
void sl_layer_link(struct reply *r, const struct peer *p);

void sl_layer_answer(struct ask *a);
void sl_layer_events(struct ask *a);
