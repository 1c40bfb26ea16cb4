#pragma once

/*
 * Who speaks: the identification of the dominant speaker by I. Volfin and I. Cohen ("Dominant
 * speaker identification for multipoint videoconferencing", Computer Speech & Language 27(4),
 * 2013), fed with audio levels (RFC 6464) in place of spectra, and with the constants that
 * Jitsi and mediasoup settled on.
 *
 * A track is heard where its packets land: a second of it, in slots of 20 ms of which each is
 * speech or is not (struct speech). What is said of it to others is small enough for a mail
 * (struct voice): how loud the last slot is, how much speech there is in the last 100 ms, and
 * how many tenths of the last second are nothing else. Whoever knows the voices of a room
 * asks, a few times a second, whether one overtakes the speaker: that it does by all three
 * counts is far likelier of speech than of a cough or a word of agreement.
 *
 * A track that tells no levels is heard as moderately loud whenever it is not silent by DTX,
 * so that it is not taken for silence; it is never taken for the speaker. Plain values.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#include "media/level.h"

#define SPEECH_SLOT     MSEC(20)
#define SPEECH_SILENT   MSEC(200) /* without a packet: nothing is said */
#define SPEECH_DECISION MSEC(300) /* between two changes of the speaker */

enum {
    SPEECH_PACKET_MAX = 6, /* slots that one packet may fill: 120 ms, RFC 7587 §4.2 */
    SPEECH_MEDIUM = 5,     /* slots */
    SPEECH_LONG = 10,      /* times SPEECH_MEDIUM */
    SPEECH_PAUSE = 50,     /* slots of digital silence between words; more is a mute */
    SPEECH_UNTOLD = 50,    /* -dBov of a track that tells no levels */
};

/* Zero: nothing was heard. */
struct speech {
    uint64_t slots; /* bit 0 is the last: was it speech? */
    uint32_t ts;    /* where that begins */
    usec at;        /* when its packet came; 0: none did */
    uint16_t floor; /* loudness of the background, in 1/256 dB above silence */
    uint16_t held;  /* the same, before the digital silence that there is now */
    uint8_t silent; /* slots of that, up to SPEECH_PAUSE */
    uint16_t mean;  /* loudness of the last 300 ms or so, the same */
    uint8_t now;    /* loudness of the last slot, in dB; 0 when that is background */
    bool told;      /* it tells its levels */
};

struct voice {
    uint8_t immediate;  /* 0..12: loudness of the last slot, by tens of dB */
    uint8_t medium;     /* 0..SPEECH_MEDIUM slots of speech */
    uint8_t longs;      /* 0..SPEECH_LONG runs of speech */
    uint8_t below_dbov; /* the mean, as struct level has it */
    bool told;
};

/* A packet with time stamp ts came. level NULL: it tells none; dtx: it says that nothing is
 * said. One that comes behind a later one is not looked at. */
void sl_speech_input(struct speech *s, uint32_t ts, uint32_t clock_hz,
                     const struct level *level, bool dtx, usec now);

struct voice sl_speech_voice(const struct speech *s, usec now);

/* Somebody speaks, this very moment. */
static inline bool voice_speaks(const struct voice *v)
{
    return v->medium > SPEECH_MEDIUM / 2;
}

/* Whether a rival takes over from the speaker; a zero voice is that of nobody. */
bool sl_voice_overtakes(const struct voice *rival, const struct voice *speaker);

/* For mails. */
uint32_t sl_voice_pack(const struct voice *v);
struct voice sl_voice_unpack(uint32_t packed);
