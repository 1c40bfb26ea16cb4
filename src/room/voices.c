#include "room/voices.h"

enum { FINE = 16, GAIN = 16 /* mails of 100 ms: the mean of 1.6 s of speech */ };

void sl_voices_init(struct voices *v)
{
    *v = (struct voices){.since = -SPEECH_DECISION};
    list_init(&v->order);
}

void sl_voices_add(struct voices *v, struct heard *h)
{
    *h = (struct heard){.voice.below_dbov = LEVEL_SILENCE, .place = ++v->places};
    list_add(&v->order, &h->in_order);
}

void sl_voices_replace(struct voices *v, struct heard *from, struct heard *to)
{
    sl_voices_add(v, to);
    list_del(&to->in_order);
    list_add(&from->in_order, &to->in_order);
    to->place = from->place;
    sl_voices_remove(v, from);
}

void sl_voices_remove(struct voices *v, struct heard *h)
{
    list_del(&h->in_order);
    if (v->speaker == h)
        v->speaker = NULL;
}

static bool speaks(const struct heard *h, usec now)
{
    return h->spoke != 0 && now - h->spoke < VOICES_PAUSE;
}

static bool overtakes(const struct heard *h, const struct heard *before, usec now)
{
    bool one = speaks(h, now), other = speaks(before, now);
    if (one != other)
        return one;
    if (one)
        return now - h->began >= VOICES_LONG &&
               h->loudness >= before->loudness + VOICES_LOUDER * FINE;
    return h->voice.below_dbov <= VOICES_AUDIBLE &&
           h->voice.below_dbov + VOICES_LOUDER <= before->voice.below_dbov;
}

static void note(struct heard *h, const struct voice *voice, usec now)
{
    int loudness = (LEVEL_SILENCE - voice->below_dbov) * FINE;
    h->voice = *voice;
    if (!voice_speaks(voice))
        return;
    if (!speaks(h, now)) {
        h->began = now;
        h->loudness = loudness;
    }
    h->loudness += (loudness - h->loudness) / GAIN;
    h->spoke = now;
}

static void overtake(struct heard *h, struct heard *before)
{
    uint64_t place = before->place;
    list_del(&h->in_order);
    list_add(&before->in_order, &h->in_order);
    before->place = h->place;
    h->place = place;
}

bool sl_voices_input(struct voices *v, struct heard *h, const struct voice *voice,
                     usec now)
{
    bool moved = false;
    note(h, voice, now);
    while (h->in_order.prev != &v->order) {
        struct heard *before = list_entry(h->in_order.prev, struct heard, in_order);
        if (!overtakes(h, before, now))
            break;
        overtake(h, before);
        moved = true;
    }
    return moved;
}

bool sl_voices_decide(struct voices *v, struct heard *h, usec now)
{
    static const struct voice nobody;
    const struct voice *speaker = v->speaker ? &v->speaker->voice : &nobody;
    if (h == v->speaker || now - v->since < SPEECH_DECISION ||
        !sl_voice_overtakes(&h->voice, speaker))
        return false;
    v->speaker = h;
    v->since = now;
    return true;
}
