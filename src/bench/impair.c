#include "bench/impair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/rng.h"

struct held {
    struct list list;
    usec at; /* waiting: when it came; under way: when it arrives */
    unsigned who;
    size_t n;
    uint8_t bytes[IMPAIR_DATAGRAM_MAX];
};

struct impair {
    struct impair_conf conf;
    struct impair_stats stats;
    struct rng rng;
    bool bad; /* the state of Gilbert and Elliott in which all is lost */
    struct list idle, waiting, under_way; /* the last one by time of arrival */
    double left_bits;                     /* of the first that waits, */
    double link_at;                       /* after this moment, in usec */
    double queued_bits;                   /* of all that wait, whole */
    usec last_at;                         /* arrival of what left the link last */
    struct held held[IMPAIR_MAX];
};

struct impair *sl_impair_new(uint64_t seed, usec now)
{
    struct impair *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->rng = sl_rng_of(seed);
    m->link_at = (double)now;
    list_init(&m->idle);
    list_init(&m->waiting);
    list_init(&m->under_way);
    for (size_t i = 0; i < IMPAIR_MAX; i++)
        list_add(&m->idle, &m->held[i].list);
    return m;
}

void sl_impair_free(struct impair *m)
{
    free(m);
}

static void move(struct list *to, struct held *h)
{
    list_del(&h->list);
    list_add(to, &h->list);
}

static struct held *first(struct list *l)
{
    return list_empty(l) ? NULL : list_entry(l->next, struct held, list);
}

static double bits_of(const struct held *h)
{
    return 8 * (double)(h->n + IMPAIR_IP_UDP);
}

static double chance(struct rng *r)
{
    return (double)(sl_rng_u64(r) >> 11) / 9007199254740992.0;
}

/* A state that loses everything is left after `burst` datagrams on average, and entered so
 * often that the share of all comes out. */
static bool is_lost(struct impair *m)
{
    const struct impair_conf *c = &m->conf;
    if (c->loss <= 0)
        return false;
    if (c->burst <= 1)
        return chance(&m->rng) < c->loss;
    double leave = 1 / c->burst;
    double enter = c->loss < 1 ? leave * c->loss / (1 - c->loss) : 1;
    m->bad = chance(&m->rng) < (m->bad ? 1 - leave : enter);
    return m->bad;
}

/* It has passed the link. */
static void leave_link(struct impair *m, struct held *h, usec when)
{
    m->stats.waited = when - h->at;
    if (is_lost(m)) {
        m->stats.lost++;
        move(&m->idle, h);
        return;
    }
    h->at = when + m->conf.delay;
    if (m->conf.jitter > 0)
        h->at += (usec)(chance(&m->rng) * (double)m->conf.jitter);
    if (!m->conf.reorder && h->at < m->last_at)
        h->at = m->last_at;
    m->last_at = h->at;
    /* Behind all that arrive no later: nearly always the end. */
    struct list *behind = m->under_way.prev;
    while (behind != &m->under_way && list_entry(behind, struct held, list)->at > h->at)
        behind = behind->prev;
    list_del(&h->list);
    list_add(behind->next, &h->list);
}

/* Lets the link work until now. */
static void advance(struct impair *m, usec now)
{
    for (struct held *h; (h = first(&m->waiting));) {
        double takes = m->conf.rate_bps > 0 ? m->left_bits * 1e6 / m->conf.rate_bps : 0;
        if (m->link_at + takes > (double)now) {
            m->left_bits -= ((double)now - m->link_at) * m->conf.rate_bps / 1e6;
            break;
        }
        m->link_at += takes;
        m->queued_bits -= bits_of(h);
        leave_link(m, h, (usec)ceil(m->link_at));
        h = first(&m->waiting);
        m->left_bits = h ? bits_of(h) : 0;
    }
    m->link_at = (double)now;
}

void sl_impair_set(struct impair *m, const struct impair_conf *conf, usec now)
{
    advance(m, now);
    m->conf = *conf;
    advance(m, now); /* without a limit nothing waits */
}

static bool no_room(const struct impair *m)
{
    if (list_empty(&m->waiting) || m->conf.rate_bps <= 0)
        return false;
    double ahead = m->queued_bits -
                   bits_of(list_entry(m->waiting.next, struct held, list)) + m->left_bits;
    return ahead * 1e6 / m->conf.rate_bps > (double)m->conf.queue;
}

enum err sl_impair_put(struct impair *m, unsigned who, struct span datagram, usec now)
{
    if (datagram.n > IMPAIR_DATAGRAM_MAX)
        return E_UNSUPPORTED;
    advance(m, now);
    m->stats.in++;
    m->stats.in_octets += datagram.n + IMPAIR_IP_UDP;
    struct held *h = first(&m->idle);
    if (!h || no_room(m)) {
        m->stats.full++;
        return E_FULL;
    }
    h->at = now;
    h->who = who;
    h->n = datagram.n;
    memcpy(h->bytes, datagram.p, datagram.n);
    if (list_empty(&m->waiting))
        m->left_bits = bits_of(h);
    m->queued_bits += bits_of(h);
    move(&m->waiting, h);
    advance(m, now);
    return E_OK;
}

bool sl_impair_take(struct impair *m, usec now, unsigned *who, struct span *ret)
{
    advance(m, now);
    struct held *h = first(&m->under_way);
    if (!h || h->at > now)
        return false;
    /* It is used again by the next put at the earliest, after a call in between. */
    move(&m->idle, h);
    m->stats.out++;
    m->stats.out_octets += h->n + IMPAIR_IP_UDP;
    *who = h->who;
    *ret = (struct span){h->bytes, h->n};
    return true;
}

usec sl_impair_deadline(const struct impair *m)
{
    usec at = USEC_NEVER;
    if (!list_empty(&m->under_way))
        at = list_entry(m->under_way.next, struct held, list)->at;
    if (!list_empty(&m->waiting)) {
        usec done = (usec)ceil(m->link_at + m->left_bits * 1e6 / m->conf.rate_bps);
        at = done < at ? done : at;
    }
    return at;
}

struct impair_stats sl_impair_stats(const struct impair *m)
{
    return m->stats;
}
