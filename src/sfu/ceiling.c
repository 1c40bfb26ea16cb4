#include "sfu/ceiling.h"

#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum {
    /* Headers of packets and what is resent are ours to measure and nobody's to count: above a
     * ceiling by so much is not. */
    SPARE = 4, /* a part of it, */
    SPARE_BACK = 8,
    SPARE_BPS = 100000,    /* and what browsers do not go below */
    WIRE_OCTETS = 28 + 16, /* of a packet beside RTP: IPv4 and UDP, the tag */
};

/* Sound before pictures, small before large. */
static bool goes_first(const struct encoding *a, const struct encoding *b)
{
    bool sound = a->producer->params.kind == MEDIA_AUDIO;
    if (sound != (b->producer->params.kind == MEDIA_AUDIO))
        return sound;
    return a->bitrate_bps < b->bitrate_bps;
}

static size_t in_order(const struct transport *t, struct encoding *ret[TP_STREAMS_MAX])
{
    size_t n = 0;
    list_each (struct producer, p, &t->producers, in_transport)
        for (uint8_t i = 0; i < p->encodings_n && n < TP_STREAMS_MAX; i++) {
            size_t at = n++;
            for (; at > 0 && goes_first(&p->encodings[i], ret[at - 1]); at--)
                ret[at] = ret[at - 1];
            ret[at] = &p->encodings[i];
        }
    return n;
}

static void set(struct encoding *e, bool excess, struct shard *s, usec now)
{
    e->excess_since = 0;
    e->excess = excess;
    if (!excess)
        return;
    e->keyreq = (struct keyreq){0};
    sl_producer_renew(e, s, now); /* what comes after it is another beginning */
}

static void judge(struct encoding *e, bool fits, struct shard *s, usec now)
{
    if (fits != e->excess) {
        e->excess_since = 0;
        return;
    }
    if (e->excess_since == 0)
        e->excess_since = now;
    if (now - e->excess_since < (e->excess ? CEILING_BACK : CEILING_GRACE))
        return;
    set(e, !e->excess, s, now);
}

/* Control, and the workers that it is carried to. False: somebody could not be told. */
static bool tell(struct producer *p, struct shard *s)
{
    unsigned excess = 0;
    bool all = true;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        excess |= (unsigned)p->encodings[i].excess << i;
    struct mail m = {.type = MAIL_EXCESS, .arg = excess, .id = p->id};
    if (excess == p->excess_told)
        return true;
    for (uint64_t left = p->pipes; left; left &= left - 1)
        all &= sl_shard_post(s, (unsigned)__builtin_ctzll(left), &m, SHARD_KEEP_MEDIA);
    all = all && sl_shard_post(s, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA);
    p->excess_told = all ? (uint8_t)excess : p->excess_told;
    return all;
}

void sl_ceiling_review(struct transport *t, usec now)
{
    struct encoding *all[TP_STREAMS_MAX];
    uint64_t sum = 0, ceiling = t->ceiling_bps;
    if (ceiling == 0 && !t->ceiling_held)
        return;
    t->ceiling_held = ceiling > 0;
    size_t n = in_order(t, all);
    for (size_t i = 0; i < n; i++) {
        struct encoding *e = all[i];
        uint64_t spare = ceiling / (e->excess ? SPARE_BACK : SPARE) + SPARE_BPS;
        bool fits = ceiling == 0 || sum + e->bitrate_bps <= ceiling + spare;
        sum += fits ? e->bitrate_bps : 0;
        judge(e, fits, t->shard, now);
        t->ceiling_held |= e->excess;
    }
    list_each (struct producer, p, &t->producers, in_transport)
        t->ceiling_held |= !tell(p, t->shard);
}

void sl_ceiling_drop(struct encoding *e, size_t n)
{
    e->octets += n + WIRE_OCTETS;
    e->producer->transport->shard->stats.excess++;
}

void sl_ceiling_carry(const struct producer *p, struct shard *s, unsigned worker)
{
    struct mail m = {.type = MAIL_EXCESS, .arg = p->excess_told, .id = p->id};
    if (p->excess_told)
        (void)sl_shard_post(s, worker, &m, SHARD_KEEP_MEDIA);
}

void sl_ceiling_learn(struct producer *p, unsigned excess, struct shard *s, usec now)
{
    for (uint8_t i = 0; i < p->encodings_n; i++)
        if (p->encodings[i].excess != (excess >> i & 1))
            set(&p->encodings[i], excess >> i & 1, s, now);
}
