#pragma once

/*
 * Who is to be heard in one room: its audio tracks in order, and its speaker.
 *
 * Where a viewer has fewer slots than the room has voices, it hears the first of this order.
 * Whoever speaks comes before who does not, and keeps his place while he speaks and for
 * VOICES_PAUSE after: so nobody is cut off within a sentence because another begins. Of those
 * who speak, one overtakes the one before him when he has been clearly louder for a while.
 * Whoever does not speak but is clearly louder, music perhaps, goes before silence. Nothing
 * else changes the order, and in a room where all are heard it does not matter.
 *
 * The speaker is a matter of its own (media/speaker). Lists thread through the tracks.
 */

#include "base/clock.h"
#include "base/list.h"

#include "media/speaker.h"

#define VOICES_PAUSE SEC(1)
#define VOICES_LONG  SEC(2) /* that one must have spoken to overtake another who speaks */
enum {
    VOICES_LOUDER = 10,
    /* dB */ VOICES_AUDIBLE = 60 /* -dBov of what may be music */
};

/* One track that is heard. */
struct heard {
    struct list in_order;
    uint64_t place;     /* in it: who comes before has a lower one */
    struct voice voice; /* as it was told last */
    usec spoke;         /* when it last did; 0: never */
    usec began;         /* to speak, but for pauses */
    int loudness;       /* of its speech, over some seconds: in 1/16 dB above silence */
};

struct voices {
    struct list order;
    uint64_t places;       /* ever given */
    struct heard *speaker; /* NULL: nobody yet, or it is gone */
    usec since;            /* when it became the speaker */
};

void sl_voices_init(struct voices *v);

/* Silent, behind all others, or in the place of another, which goes. */
void sl_voices_add(struct voices *v, struct heard *h);
void sl_voices_replace(struct voices *v, struct heard *from, struct heard *to);

/* Twice is harmless, once it was added. */
void sl_voices_remove(struct voices *v, struct heard *h);

/* It was heard like this. Returns whether it comes before others now that it came after. */
bool sl_voices_input(struct voices *v, struct heard *h, const struct voice *voice,
                     usec now);

/* Whether it has just become the speaker; to be asked after each input. */
bool sl_voices_decide(struct voices *v, struct heard *h, usec now);
