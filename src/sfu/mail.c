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
    case MAIL_RESTART:
    case MAIL_PRODUCER:
    case MAIL_REMOTE:
    case MAIL_CONSUMER:
    case MAIL_ASSOC:
    case MAIL_KEYS:
    case MAIL_CLOCK: free(m->p); break;
    case MAIL_NONE:
    case MAIL_OWNER:
    case MAIL_PRODUCER_CLOSE:
    case MAIL_PIPE:
    case MAIL_UNPIPE:
    case MAIL_SOURCE:
    case MAIL_CONSUMER_CLOSE:
    case MAIL_READY:
    case MAIL_CLOSE:
    case MAIL_UP:
    case MAIL_FAILED:
    case MAIL_HUNG_UP:
    case MAIL_PATH:
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
    case MAIL_SPEAKER:
    case MAIL_STATS: break;
    }
}
