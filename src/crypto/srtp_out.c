#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/srtp_backend.h"

enum { AHEAD = 12 /* jobs between fetching a key and its first use */ };

struct srtp_out {
    struct srtp_pair keys;
    uint32_t rtcp_next;
    uint16_t key_octets; /* of keys.rtp */
};

struct srtp_out *sl_srtp_out_of(struct srtp_pair pair)
{
    struct srtp_out *o = calloc(1, sizeof *o);
    if (!o) {
        sl_srtp_pair_fini(&pair);
        return NULL;
    }
    o->keys = pair;
    o->key_octets = (uint16_t)pair.backend->key_octets(pair.rtp);
    return o;
}

struct srtp_out *sl_srtp_out_new(const struct srtp_backend *b,
                                 const struct srtp_master *m)
{
    struct srtp_pair pair;
    return sl_srtp_pair_init(&pair, b, m) == E_OK ? sl_srtp_out_of(pair) : NULL;
}

void sl_srtp_out_free(struct srtp_out *o)
{
    if (!o)
        return;
    sl_srtp_pair_fini(&o->keys);
    free(o);
}

enum srtp_profile sl_srtp_out_profile(const struct srtp_out *o)
{
    return o->keys.rtp->profile;
}

enum err sl_srtp_guard_init(struct srtp_guard *g, uint32_t slots)
{
    assert((slots & (slots - 1)) == 0);
    *g = (struct srtp_guard){.slots = slots};
    if (slots == 0)
        return E_OK;
    g->tags = calloc(slots, sizeof *g->tags);
    return g->tags ? E_OK : E_MEMORY;
}

void sl_srtp_guard_fini(struct srtp_guard *g)
{
    free(g->tags);
    *g = (struct srtp_guard){0};
}

/* Writes down of each index in [from, to) that it is used, or that it is not. */
static void guard_mark(struct srtp_guard *g, uint64_t from, uint64_t to, bool used)
{
    for (uint64_t n; from < to; from += n) {
        unsigned bit = from % 64;
        n = to - from < 64 - bit ? to - from : 64 - bit;
        uint64_t mask = UINT64_MAX >> (64 - n) << bit;
        uint64_t *word = &g->used[from % SRTP_GUARD_WINDOW / 64];
        *word = used ? *word | mask : *word & ~mask;
    }
}

/* Makes index the highest; those between are not used yet. */
static void guard_skip(struct srtp_guard *g, uint64_t index)
{
    uint64_t floor = index < SRTP_GUARD_WINDOW ? 0 : index - SRTP_GUARD_WINDOW + 1;
    guard_mark(g, g->run > floor ? g->run : floor, g->next, true);
    guard_mark(g, g->next > floor ? g->next : floor, index, false);
    g->run = index;
    g->next = index + 1;
}

/* Of one below the highest. What is too old to tell counts as used. */
static bool guard_used(const struct srtp_guard *g, uint64_t index)
{
    return index >= g->run || g->next - index > SRTP_GUARD_WINDOW ||
           g->used[index % SRTP_GUARD_WINDOW / 64] >> index % 64 & 1;
}

/* Whether index may be encrypted: it is new, which uses it up, or may prove to be a resend. */
static bool guard_admit(struct srtp_guard *g, uint64_t index, bool *resent)
{
    if (index >= SRTP_INDEX_END)
        return false;
    *resent = index < g->next && guard_used(g, index);
    if (*resent)
        return g->tags && g->next - index <= g->slots;
    if (index == g->next)
        g->next++;
    else if (index > g->next)
        guard_skip(g, index);
    else
        guard_mark(g, index, index + 1, true);
    return true;
}

/* Whether the packet that was made may leave. Equal tags are equal packets: to find two
 * that differ takes the key, or 2^64 resends. */
static bool guard_release(struct srtp_guard *g, uint64_t index, bool resent,
                          const uint8_t *tag)
{
    if (!g->tags)
        return true;
    uint64_t *kept = &g->tags[index & (g->slots - 1)], made;
    memcpy(&made, tag, sizeof made);
    if (resent)
        return *kept == made;
    *kept = made;
    return true;
}

static size_t job_text(const struct srtp_job *j)
{
    return (size_t)j->pre_n + j->body_n;
}

static void refuse(struct srtp_job *j, enum err e)
{
    size_t tag_n = sl_srtp_tag_len(j->out->keys.rtp->profile);
    memset(j->dst, 0, j->header_n + job_text(j) + tag_n);
    j->err = (uint8_t)e;
}

/* The plaintext of a job with `pre` in two pieces: its first 64 octets are put together where
 * the ciphertext will go, the rest stays where it is. */
static void gather(struct srtp_op *op, struct srtp_job *j)
{
    assert(j->pre_n <= sizeof j->pre);
    uint8_t *to = j->dst + j->header_n;
    op->text = to;
    op->more = to + SRTP_HEAD;
    if (j->body == to) {
        memmove(to + j->pre_n, to, j->body_n);
    } else {
        size_t room = SRTP_HEAD - j->pre_n;
        memcpy(to + j->pre_n, j->body, j->body_n < room ? j->body_n : room);
        op->more = j->body + room;
    }
    memcpy(to, j->pre, j->pre_n);
}

static void fill(struct srtp_op *op, struct srtp_job *j)
{
    srtp_lay(op, j->out->keys.rtp, j->dst, j->header_n, job_text(j), j->index);
    op->text = j->body;
    op->more = j->body + SRTP_HEAD;
    if (j->pre_n > 0)
        gather(op, j);
}

static bool too_long(const struct srtp_job *j)
{
    return j->header_n + job_text(j) + SRTP_TAG_MAX > SRTP_PKT_MAX;
}

/* Every job has its own receiver's keys, which the cache has forgotten since its last packet. */
static void fetch_key(const struct srtp_out *o)
{
    for (size_t at = 0; at < o->key_octets; at += 64)
        __builtin_prefetch((const uint8_t *)o->keys.rtp + at);
}

static void protect_batch(struct srtp_job *jobs, size_t n)
{
    struct srtp_op ops[SRTP_BATCH];
    struct {
        struct srtp_job *job;
        bool resent;
    } of[SRTP_BATCH];
    size_t m = 0;
    for (size_t i = 0; i < AHEAD && i < n; i++)
        fetch_key(jobs[i].out);
    for (struct srtp_job *j = jobs; j < jobs + n; j++) {
        if ((size_t)(j - jobs) + AHEAD < n)
            fetch_key(j[AHEAD].out);
        if (too_long(j)) {
            refuse(j, E_FULL);
        } else if (!guard_admit(j->guard, j->index, &of[m].resent)) {
            refuse(j, E_REPLAY);
        } else {
            fill(&ops[m], j);
            of[m++].job = j;
        }
    }
    if (m == 0)
        return;
    jobs[0].out->keys.backend->seal(ops, m);
    for (size_t i = 0; i < m; i++) {
        struct srtp_job *j = of[i].job;
        j->err = E_OK;
        if (!ops[i].ok)
            refuse(j, E_CRYPTO);
        else if (!guard_release(j->guard, j->index, of[i].resent, ops[i].tag))
            refuse(j, E_REPLAY);
    }
}

void sl_srtp_protect(struct srtp_job *jobs, size_t n)
{
    for (; n > SRTP_BATCH; jobs += SRTP_BATCH, n -= SRTP_BATCH)
        protect_batch(jobs, SRTP_BATCH);
    protect_batch(jobs, n);
}

enum err sl_srtp_protect_rtcp(struct srtp_out *o, uint8_t *p, size_t *n)
{
    assert(*n >= SRTP_RTCP_HEADER && *n + SRTP_RTCP_MAX <= SRTP_PKT_MAX);
    if (o->rtcp_next >= SRTCP_INDEX_END)
        return E_FULL;
    struct srtp_op op;
    uint8_t aad[SRTP_RTCP_HEADER + SRTP_RTCP_WORD];
    uint8_t *word = sl_srtp_lay_rtcp(&op, o->keys.rtcp, p, *n, o->rtcp_next++, aad);
    memcpy(word, &op.word, sizeof op.word);
    o->keys.backend->seal(&op, 1);
    if (!op.ok)
        return E_CRYPTO;
    *n += SRTP_RTCP_WORD + sl_srtp_tag_len(o->keys.rtcp->profile);
    return E_OK;
}
