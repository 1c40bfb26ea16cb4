#include "media/nack.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MIN MSEC(20)

struct missing {
    uint64_t seq;
    usec since;
    usec due;   /* when to ask */
    usec asked; /* when that was first done */
    unsigned tries;
};

struct nack {
    struct nack_conf conf;
    struct nack_count count;
    uint64_t next; /* one more than the highest seen; 0 before the first */
    uint64_t key;  /* where the last key frame begins */
    usec rtt;
    usec due; /* no later than the earliest of list */
    bool key_wanted;
    size_t n;
    struct missing list[NACK_LIST_MAX]; /* rising */
};

struct nack *sl_nack_new(const struct nack_conf *conf)
{
    struct nack *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->conf = *conf;
    sl_nack_reset(n);
    return n;
}

void sl_nack_reset(struct nack *n)
{
    *n = (struct nack){.conf = n->conf, .due = USEC_NEVER, .rtt = n->conf.rtt};
}

void sl_nack_free(struct nack *n)
{
    free(n);
}

usec sl_nack_rtt(const struct nack *n)
{
    return n->rtt;
}

/* A quarter more, since an answer right at the round trip is on its way. */
static usec retry(const struct nack *n)
{
    usec t = n->rtt + n->rtt / 4;
    return t > RETRY_MIN ? t : RETRY_MIN;
}

/* What came was asked for. Where that was done again, nobody knows what the answer is to: it
 * is counted from the first time, or a round trip longer than was believed would never be
 * found. So a span may be too long, when a request was lost, and weighs little then. */
static void learn(struct nack *n, const struct missing *m, usec now)
{
    usec took = now - m->asked;
    n->rtt += took < n->rtt ? (took - n->rtt) / 2 : (took - n->rtt) / 8;
}

void sl_nack_key(struct nack *n, uint64_t seq)
{
    if (seq > n->key)
        n->key = seq;
}

/* Takes out count entries from i on. */
static void cut(struct nack *n, size_t i, size_t count)
{
    memmove(n->list + i, n->list + i + count, (n->n - i - count) * sizeof n->list[0]);
    n->n -= count;
}

/* The first entry that is not below seq. */
static size_t find(const struct nack *n, uint64_t seq)
{
    size_t lo = 0, hi = n->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (n->list[mid].seq < seq)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Room for `count` more, if need be by giving up what a key frame made useless. */
static bool make_room(struct nack *n, uint64_t count)
{
    if (count > NACK_LIST_MAX - n->n) {
        size_t useless = find(n, n->key);
        n->count.given_up += useless;
        cut(n, 0, useless);
    }
    return count <= NACK_LIST_MAX - n->n;
}

static void miss(struct nack *n, uint64_t seq, usec now)
{
    uint64_t count = seq - n->next;
    n->count.missed += count;
    if (!make_room(n, count)) {
        n->count.given_up += n->n + count;
        n->count.overflows++;
        n->n = 0;
        n->key_wanted = true;
        return;
    }
    for (uint64_t s = n->next; s < seq; s++)
        n->list[n->n++] =
            (struct missing){.seq = s, .since = now, .due = now + NACK_WAIT};
    if (now + NACK_WAIT < n->due)
        n->due = now + NACK_WAIT;
}

/* What the packet seq shows to be lost is due at once. Those behind the first that is due
 * already have been here before. */
static void hurry(struct nack *n, uint64_t seq, usec now)
{
    for (size_t i = n->n; i-- > 0 && n->list[i].tries == 0 && n->list[i].due > now;)
        if (n->list[i].seq + NACK_REORDER <= seq)
            n->list[i].due = n->due = now;
}

enum nack_seen sl_nack_input(struct nack *n, uint64_t seq, usec now)
{
    if (seq >= n->next) {
        if (seq > n->next && n->next > 0)
            miss(n, seq, now);
        n->next = seq + 1;
        if (n->n > 0)
            hurry(n, seq, now);
        return NACK_NEW;
    }
    size_t i = find(n, seq);
    if (i == n->n || n->list[i].seq != seq)
        return NACK_OLD;
    if (n->list[i].tries > 0)
        learn(n, &n->list[i], now);
    cut(n, i, 1);
    n->count.found++;
    return NACK_FOUND;
}

size_t sl_nack_poll(struct nack *n, usec now, uint64_t *ret, size_t cap)
{
    size_t asked = 0, kept = 0;
    if (now < n->due)
        return 0;
    n->due = USEC_NEVER;
    for (size_t i = 0; i < n->n; i++) {
        struct missing m = n->list[i];
        if (now >= m.due && asked < cap) {
            if (m.tries == n->conf.max_tries || now - m.since > n->conf.max_age) {
                n->count.given_up++;
                continue;
            }
            ret[asked++] = m.seq;
            if (m.tries++ == 0)
                m.asked = now;
            m.due = now + retry(n);
        }
        if (m.due < n->due)
            n->due = m.due;
        n->list[kept++] = m;
    }
    n->n = kept;
    n->count.asked += asked;
    return asked;
}

usec sl_nack_deadline(const struct nack *n)
{
    return n->n > 0 ? n->due : USEC_NEVER;
}

bool sl_nack_take_key_wanted(struct nack *n)
{
    bool wanted = n->key_wanted;
    n->key_wanted = false;
    return wanted;
}

struct nack_count sl_nack_count(const struct nack *n)
{
    return n->count;
}
