#include "sfu/hearing.h"

#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum { LOUDER = 6 /* dB: a background that changed so much is worth a mail */ };

/* A sound that is no speech may be heard when those who speak have ended: it is told of so often
 * that it is not forgotten then. */
#define REMIND SEC(1)

void sl_hearing_input(struct producer *p, const struct pkt *pkt, const struct rtp_exts *x,
                      usec now)
{
    const struct media_pkt *m = media_in(pkt);
    struct span ext = {pkt->data + x->off[EXT_AUDIO_LEVEL], x->len[EXT_AUDIO_LEVEL]};
    struct level level;
    bool told = level_read(ext, &level) == E_OK;
    sl_speech_input(&p->speech, m->ts, p->encodings[m->encoding].stats.clock_hz,
                    told ? &level : NULL, m->info.dtx, now);
    if (list_empty(&p->in_heard))
        list_add(&p->transport->shard->heard, &p->in_heard);
}

static bool worth_telling(const struct producer *p, const struct voice *v, usec now)
{
    const struct voice *told = &p->voice;
    int louder = v->below_dbov - told->below_dbov;
    return v->medium > 0 || told->medium > 0 || louder >= LOUDER || -louder >= LOUDER ||
           (v->below_dbov < LEVEL_SILENCE && now - p->voice_told >= REMIND);
}

static void tell(struct shard *s, struct producer *p, usec now)
{
    struct voice v = sl_speech_voice(&p->speech, now);
    struct mail m = {.type = MAIL_SPEAKER, .id = p->id, .arg = sl_voice_pack(&v)};
    if (!worth_telling(p, &v, now)) {
        if (now - p->speech.at > SPEECH_SILENT)
            list_del(&p->in_heard); /* until it sends again */
        return;
    }
    /* When there is no room, a later one tells the same. */
    if (sl_shard_post(s, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA)) {
        p->voice = v;
        p->voice_told = now;
    }
}

void sl_hearing_tick(struct shard *s, usec now)
{
    if (now < sl_hearing_deadline(s))
        return;
    s->heard_at = now;
    list_each_safe(struct producer, p, &s->heard, in_heard) tell(s, p, now);
}

usec sl_hearing_deadline(const struct shard *s)
{
    return list_empty(&s->heard) ? USEC_NEVER : s->heard_at + HEARING_INTERVAL;
}
