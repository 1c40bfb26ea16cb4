#pragma once

/*
 * A pass: the right to join a room by ICE alone.
 *
 * A back end has one made for somebody, and hands on the offer that it is: our end of a
 * connection, with the sections of a template. Who has it answers it for itself, tells nobody, and
 * connects. The user fragment names the pass; the password, 144 bits, is the right to join, since
 * no check without it is answered. Nothing else is ever signalled, so a template is fixed: tracks
 * that the holder sends, and slots in which it sees and hears others, as a WHEP viewer does.
 *
 * A pass is a peer that has not come yet. It has its place in the room, and all that it needs there,
 * for less than a minute: not connected by then, it goes as any other that never came up, and with
 * the room before that. It is for one holder: checks of a second one are refused (struct ice), and
 * there is one handshake. Its certificate was announced, or the first that is shown will do: whoever
 * shows one has the password.
 *
 * Nobody hears what the holder answers: it must know all codecs of the template, and it sends the
 * first of each kind, and a camera in as many layers as are named there.
 *
 * It can be revoked, before it is used and after. Who is sent away by a host or an operator loses
 * with that the passes that wait for it.
 */

#include "room/participant.h"

enum {
    PASS_SENDS_MAX = 4,
    PASS_SLOTS_MAX = 16, /* of each kind */
    PASS_CODECS_MAX = 8,
    PASS_LAYERS_MAX = 3,
    PASSES_MAX = 1000, /* of this node, that wait for their holders */
};
#define PASS_LIFE_MAX SEC(59)

/* Borrowed during the call. */
struct pass {
    struct span id; /* the peer's, and the name of its stream; empty: one is made */
    struct span name, metadata;
    enum role role; /* a viewer sends nothing, and is one of a number */
    const char *sends[PASS_SENDS_MAX]; /* sources, each once: see sl_track_source */
    size_t sends_n;
    unsigned layers;   /* in which a camera is sent (simulcast); 0 and 1: as one stream */
    unsigned slots[2]; /* by enum media_kind */
    const enum codec *codecs;
    size_t codecs_n;
    struct media_fingerprint peer; /* n 0: any, once */
    uint32_t max_bps;              /* that it may send; 0: any */
    usec life;                     /* in which it is to be used */
};

/* Makes one, and appends the offer: first the sections of what is sent, in order, then the slots
 * for sound, and those for pictures; their mids are "0", "1", ... *ret is borrowed. E_DENIED: a name
 * that is none, or too long, or a viewer that sends; E_UNSUPPORTED: a section for which there is no
 * codec, or no section; E_STATE: the room is locked, which hosts come into all the same; E_EXISTS:
 * somebody of that name is there by its signalling; E_FULL. */
MUST_USE enum err sl_pass_issue(struct rooms *r, struct room *room,
                                const struct pass *pass, usec now, struct wr *offer,
                                struct peer **ret);

/* The same in a room that may not be there yet: who may, makes it. E_ABSENT: it may not. */
MUST_USE enum err sl_pass_issue_in(struct rooms *r, struct span tenant, struct span room,
                                   const struct pass *pass, usec now, struct wr *offer,
                                   struct peer **ret);

/* The pass of this transport is good no more, and who came by it goes. E_ABSENT: there is none such
 * in the room. The room may be gone with it. */
MUST_USE enum err sl_pass_revoke(struct rooms *r, struct room *room, uint64_t transport);

/* All that are for the peer of this id; used: and who came by one. Returns how many. */
size_t sl_pass_revoke_all(struct rooms *r, struct room *room, struct span id, bool used);

/* For room: its peer is up; or gone, and never was. */
void sl_pass_used(struct rooms *r);
void sl_pass_over(struct rooms *r, enum media_gone why);
