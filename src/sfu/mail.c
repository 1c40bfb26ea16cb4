#include "sfu/mail.h"

#include <stdlib.h>

struct mail sl_mail_of(enum mail_type type, void *p)
{
    return (struct mail){.type = type, .p = p};
}

void sl_mail_free(struct mail *m)
{
    switch ((enum mail_type)m->type) {
    case MAIL_EXPECT:
    case MAIL_SEND:
    case MAIL_RESTART:
    case MAIL_PRODUCER:
    case MAIL_REMOTE:
    case MAIL_CONSUMER:
    case MAIL_ASSOC:
    case MAIL_KEYS:
    case MAIL_DATA:
    case MAIL_ASLEEP:
    case MAIL_CLOCK:
    case MAIL_LOOK: free(m->p); break;
    case MAIL_NONE:
    case MAIL_OWNER:
    case MAIL_PRODUCER_CLOSE:
    case MAIL_PIPE:
    case MAIL_UNPIPE:
    case MAIL_SOURCE:
    case MAIL_CONSUMER_CLOSE:
    case MAIL_READY:
    case MAIL_CEILING:
    case MAIL_CLOSE:
    case MAIL_UP:
    case MAIL_FAILED:
    case MAIL_HUNG_UP:
    case MAIL_DATA_DONE:
    case MAIL_PATH:
    case MAIL_HEARD:
    case MAIL_DTLS_OUT:
    case MAIL_DTLS:
    case MAIL_RAW:
    case MAIL_RTP:
    case MAIL_KEYFRAME:
    case MAIL_BACK:
    case MAIL_STALE:
    case MAIL_LOST:
    case MAIL_STARTED:
    case MAIL_ESTIMATE:
    case MAIL_RECEPTION:
    case MAIL_EXCESS:
    case MAIL_SPEAKER:
    case MAIL_SEEN:
    case MAIL_WISH:
    case MAIL_WANTED:
    case MAIL_STREAM: /* who puts it in a box frees it there */
    case MAIL_SHARE:
    case MAIL_CAPTURE:
    case MAIL_STATS: break;
    }
}

struct mail sl_mail_wish(uint64_t consumer, const struct rtp_wish *w)
{
    return (struct mail){.type = MAIL_WISH,
                         .arg = (uint32_t)w->width << 16 | w->height,
                         .id = consumer,
                         .id2 = w->fps | (uint64_t)w->priority << 8 |
                                (uint64_t)w->encoding << 16 |
                                (uint64_t)w->spatials << 24 |
                                (uint64_t)w->temporals << 32 | (uint64_t)w->paused << 40};
}

struct rtp_wish sl_mail_wished(const struct mail *m)
{
    return (struct rtp_wish){.width = (uint16_t)(m->arg >> 16),
                             .height = (uint16_t)m->arg,
                             .fps = (uint8_t)m->id2,
                             .priority = (uint8_t)(m->id2 >> 8),
                             .encoding = (uint8_t)(m->id2 >> 16),
                             .spatials = (uint8_t)(m->id2 >> 24),
                             .temporals = (uint8_t)(m->id2 >> 32),
                             .paused = m->id2 >> 40 & 1};
}

/* 8 bits of the encoding, 4 and 4 of the layers. */
static uint64_t pack_layer(struct layer_target t)
{
    return (uint64_t)t.encoding << 8 | (uint64_t)(t.spatial & 0xf) << 4 |
           (t.temporal & 0xf);
}

static struct layer_target unpack_layer(uint64_t v)
{
    return (struct layer_target){(uint8_t)(v >> 8), v >> 4 & 0xf, v & 0xf};
}

struct mail sl_mail_share(uint64_t consumer, const struct mail_share *s)
{
    return (struct mail){.type = MAIL_SHARE,
                         .arg = s->bps,
                         .id = consumer,
                         .id2 = pack_layer(s->sent) | pack_layer(s->wanted) << 16 |
                                (uint64_t)s->rtt_ms << 32 | (uint64_t)s->lost << 48 |
                                (uint64_t)s->cause << 56};
}

struct mail_share sl_mail_shared(const struct mail *m)
{
    return (struct mail_share){.bps = m->arg,
                               .cause = (uint8_t)(m->id2 >> 56),
                               .sent = unpack_layer(m->id2),
                               .wanted = unpack_layer(m->id2 >> 16),
                               .lost = (uint8_t)(m->id2 >> 48),
                               .rtt_ms = (uint16_t)(m->id2 >> 32)};
}
