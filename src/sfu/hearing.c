#include "sfu/hearing.h"

#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum { LOUDER = 6 /* dB: a background that changed so much is worth a mail */ };

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

static bool worth_telling(const struct voice *v, const struct voice *told)
{
    int louder = v->below_dbov - told->below_dbov;
    return v->medium > 0 || told->medium > 0 || louder >= LOUDER || -louder >= LOUDER;
}

static void tell(struct shard *s, struct producer *p, usec now)
{
    struct voice v = sl_speech_voice(&p->speech, now);
    struct mail m = {.type = MAIL_SPEAKER, .id = p->id, .arg = sl_voice_pack(&v)};
    if (!worth_telling(&v, &p->voice)) {
        if (now - p->speech.at > SPEECH_SILENT)
            list_del(&p->in_heard); /* until it sends again */
        return;
    }
    /* When there is no room, a later one tells the same. */
    if (sl_shard_post(s, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA))
        p->voice = v;
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
