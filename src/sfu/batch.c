#include "sfu/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "media/bwe.h"
#include "sfu/consumer.h"
#include "sfu/trace.h"
#include "sfu/transport.h"

enum {
    JOBS = 2048,
    /* Encrypted and sent together: the ciphertext of a chunk is still in the second-level
     * cache when the kernel copies it. */
    CHUNK = 128,
    SLOT = PKT_CAP + CONSUMER_HEADER_MAX + SRTP_TAG_MAX,
    DATAGRAMS = 64,
    DATAGRAM_BYTES = 64 * 1024,
};

struct batch {
    const struct shard_io *io;
    struct shard_stats *stats;
    size_t jobs_n, dirty_n;
    struct job jobs[JOBS];
    struct transport *dirty[JOBS]; /* those with jobs */
    /* the chunk that is being made */
    size_t n, used;
    struct srtp_job srtp[CHUNK];
    const struct transport *to[CHUNK];
    uint16_t wire[CHUNK]; /* octets of each datagram */
    usec at[CHUNK]; /* when the packet was received; 0: it is resent, or had to wait */
    struct tx tx[CHUNK];
    uint8_t bytes[CHUNK * SLOT];
    /* datagrams that are ready */
    size_t datagrams_n, datagrams_used;
    struct tx datagrams[DATAGRAMS];
    uint8_t datagram_bytes[DATAGRAM_BYTES];
};

struct batch *sl_batch_new(const struct shard_io *io, struct shard_stats *stats)
{
    struct batch *b = malloc(sizeof *b);
    if (!b)
        return NULL;
    b->io = io;
    b->stats = stats;
    b->jobs_n = b->dirty_n = b->n = b->used = b->datagrams_n = b->datagrams_used = 0;
    return b;
}

void sl_batch_free(struct batch *b)
{
    for (size_t i = 0; b && i < b->jobs_n; i++)
        sl_pkt_unref(b->jobs[i].pkt);
    free(b);
}

static struct job *job_at(struct batch *b, uint16_t place)
{
    return &b->jobs[place - 1];
}

void sl_batch_push(struct batch *b, const struct job *job, usec now)
{
    if (b->jobs_n == JOBS)
        sl_batch_flush(b, now);
    uint16_t place = (uint16_t)++b->jobs_n;
    struct job *j = job_at(b, place);
    struct transport *t = job->consumer->transport;
    *j = *job;
    j->next = 0;
    (void)sl_pkt_ref(j->pkt);
    if (t->jobs)
        job_at(b, t->jobs_last)->next = place;
    else {
        t->jobs = place;
        b->dirty[b->dirty_n++] = t;
        if (t->bwe)
            sl_bwe_fetch_sent(t->bwe);
    }
    t->jobs_last = place;
}

static void send_datagrams(struct batch *b)
{
    if (b->datagrams_n > 0)
        (void)b->io->send(b->io->ctx, b->datagrams, b->datagrams_n);
    b->datagrams_n = b->datagrams_used = 0;
}

uint8_t *sl_batch_room(struct batch *b, size_t n)
{
    if (n > BATCH_DATAGRAM_MAX)
        return NULL;
    if (b->datagrams_n == DATAGRAMS || b->datagrams_used + n > DATAGRAM_BYTES)
        send_datagrams(b);
    return b->datagram_bytes + b->datagrams_used;
}

void sl_batch_put(struct batch *b, const struct addr *to, uint16_t port, size_t n)
{
    assert(b->datagrams_n < DATAGRAMS && b->datagrams_used + n <= DATAGRAM_BYTES);
    b->datagrams[b->datagrams_n++] =
        (struct tx){.to = *to,
                    .port = port,
                    .n = (uint32_t)n,
                    .p = b->datagram_bytes + b->datagrams_used};
    b->datagrams_used += n;
}

/* Consecutive datagrams of one transport and one size become a run, which the last may end
 * shorter: that is what UDP GSO carries. */
static size_t make_runs(struct batch *b)
{
    size_t runs = 0;
    const struct transport *last = NULL; /* whose run may be continued */
    for (size_t i = 0; i < b->n; i++) {
        const struct srtp_job *j = &b->srtp[i];
        const struct transport *t = b->to[i];
        uint16_t n = b->wire[i];
        assert(t);
        if (j->err != E_OK) {
            b->stats->srtp_refused++;
            last = NULL;
            continue;
        }
        struct tx *run = runs > 0 ? &b->tx[runs - 1] : NULL;
        if (last && last == t && n <= run->segment && run->n + n <= TX_RUN_BYTES &&
            run->n < (uint32_t)run->segment * TX_RUN_MAX) {
            run->n += n;
            if (n < run->segment)
                last = NULL;
            continue;
        }
        b->tx[runs++] =
            (struct tx){.to = t->to, .port = t->port, .segment = n, .n = n, .p = j->dst};
        last = t;
    }
    return runs;
}

static void note_delays(struct batch *b, usec sent)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->at[i] != 0)
            delay_add(&b->stats->delay, sent - b->at[i]);
}

static void send_chunk(struct batch *b)
{
    if (b->n == 0)
        return;
    sl_srtp_protect(b->srtp, b->n);
    size_t runs = make_runs(b);
    if (runs > 0)
        note_delays(b, b->io->send(b->io->ctx, b->tx, runs));
    b->n = b->used = 0;
}

static void trace(const struct transport *t, const struct srtp_job *s, usec now)
{
    const struct span parts[TRACE_PARTS] = {
        {s->dst, s->header_n}, {s->pre, s->pre_n}, {s->body, s->body_n}};
    sl_trace_sent(t, parts, now);
}

static void add(struct batch *b, struct transport *t, const struct job *j, usec now)
{
    if (b->n == CHUNK)
        send_chunk(b);
    struct srtp_job *s = &b->srtp[b->n];
    s->dst = b->bytes + b->used;
    sl_consumer_write(j, s, now);
    if (t->traced)
        trace(t, s, now);
    s->out = t->out;
    b->at[b->n] = j->kind == JOB_MEDIA && !t->pacer ? j->pkt->at : 0;
    b->wire[b->n] = (uint16_t)(s->header_n + s->pre_n + s->body_n + t->tag_n);
    b->used += b->wire[b->n];
    if (t->bwe)
        sl_estimate_sent(t, j->consumer, b->wire[b->n], now);
    b->to[b->n++] = t;
}

void sl_batch_flush(struct batch *b, usec now)
{
    send_datagrams(b);
    for (size_t i = 0; i < b->dirty_n; i++) {
        struct transport *t = b->dirty[i];
        for (uint16_t at = t->sendable ? t->jobs : 0; at; at = job_at(b, at)->next)
            add(b, t, job_at(b, at), now);
        t->jobs = 0;
    }
    b->dirty_n = 0;
    send_chunk(b);
    for (size_t i = 0; i < b->jobs_n; i++)
        sl_pkt_unref(b->jobs[i].pkt);
    b->jobs_n = 0;
}
