#include "sfu/redundancy.h"

#include "media/history.h"
#include "media/opus.h"
#include "sfu/batch.h"
#include "sfu/consumer.h"
#include "sfu/producer.h"

enum {
    BLOCKS_MAX = 2,
    MANY_SOUNDS = 1 << 14,     /* ticks: older cannot be said, nor would it be of use */
    ROOM_SHARE = 8,            /* the part of a path that may be spent on it, */
    ROOM_SHARE_LOSSY = 5,      /* and where a tenth of all is lost */
    HEADERS_BPS = 50 * 64 * 8, /* of a sound; what is added has none of its own */
};

/* Lost of 256, from which on, and below which no longer, so many blocks are added. One block
 * leaves losses in a row, 1 % of packets at a loss of 10 %: from there on two. */
static const struct {
    uint8_t from, until;
} steps[BLOCKS_MAX] = {{5 /* 2 % */, 3 /* 1 % */}, {26 /* 10 % */, 18 /* 7 % */}};

static void decide(struct consumer *c)
{
    c->red.blocks = c->red.wanted < c->red.most ? c->red.wanted : c->red.most;
}

void sl_redundancy_source(struct consumer *c, const struct producer *p)
{
    c->red.opus = c->red.pt = PT_NONE;
    c->red.most = BLOCKS_MAX;
    decide(c);
    for (uint8_t i = 0; i < p->params.codecs_n; i++) {
        const struct rtp_codec *s = &p->params.codecs[i];
        for (uint8_t k = 0; s->codec == CODEC_OPUS && k < c->conf.params.codecs_n; k++) {
            const struct rtp_codec *d = &c->conf.params.codecs[k];
            if (d->codec != CODEC_RED || d->profile != c->pt_of[s->pt & 0x7f])
                continue;
            c->red.opus = s->pt;
            c->red.pt = d->pt;
        }
    }
}

void sl_redundancy_report(struct consumer *c, uint8_t lost)
{
    uint8_t n = c->red.wanted;
    c->red.lost = (uint8_t)((c->red.lost + lost + 1) / 2);
    while (n < BLOCKS_MAX && c->red.lost >= steps[n].from)
        n++;
    while (n > 0 && c->red.lost < steps[n - 1].until)
        n--;
    c->red.wanted = n;
    decide(c);
}

uint32_t sl_redundancy_room(struct consumer *c, uint32_t bps, uint64_t path_bps)
{
    uint32_t block = bps > 2 * HEADERS_BPS ? bps - HEADERS_BPS : bps / 2;
    unsigned share = c->red.wanted == BLOCKS_MAX ? ROOM_SHARE_LOSSY : ROOM_SHARE;
    c->red.most = 0;
    while (c->red.most < BLOCKS_MAX &&
           (c->red.most + UINT64_C(1)) * block <= path_bps / share)
        c->red.most++;
    decide(c);
    return c->red.pt != PT_NONE ? c->red.blocks * block : 0;
}

/* What came before m, the oldest first. Packets from before the source was this one would be
 * of a time that the receiver heard another in. */
static size_t older_than(const struct media_pkt *m, const struct consumer_source *from,
                         size_t want, usec now, struct red_block *ret)
{
    size_t n = 0, octets = m->payload_n;
    for (uint64_t back = want; back > 0; back--) {
        struct pkt *p;
        if (m->seq < from->first + back ||
            sl_history_get(from->encoding->history, m->seq - back, now, &p) != E_OK)
            continue;
        const struct media_pkt *o = media_in(p);
        octets += o->payload_n + RED_HEADER;
        if (o->pt != m->pt || o->epoch != m->epoch || o->payload_n > RED_BLOCK_MAX ||
            m->ts - o->ts >= MANY_SOUNDS || octets >= REDUNDANCY_MAX)
            continue;
        ret[n++] = (struct red_block){.age = m->ts - o->ts,
                                      .payload = {p->data + o->payload, o->payload_n}};
    }
    return n;
}

size_t sl_redundancy_write(const struct job *j, uint8_t pt, uint8_t *dst, usec now)
{
    const struct consumer *c = j->consumer;
    const struct media_pkt *m = media_in(j->pkt);
    const struct consumer_source *from = consumer_source_of(j);
    struct red_block older[BLOCKS_MAX];
    if (m->pt != c->red.opus || !from->encoding || !from->encoding->history)
        return 0;
    size_t n = older_than(m, from, c->red.blocks, now, older);
    struct wr w = wr_of(dst, REDUNDANCY_MAX);
    if (n == 0)
        return 0;
    sl_red_write(&w, pt, older, n,
                 (struct span){j->pkt->data + m->payload, m->payload_n});
    return w.bad ? 0 : w.n;
}
