#include "sfu/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sfu/capture.h"
#include "sfu/mail.h"
#include "sfu/mailwire.h"

/* Beyond what any clock says, and far enough from its end for sums. */
#define TIME_MAX (INT64_C(1) << 52)

enum { OTHERS_MORE = 4096 /* packets of others on their way, beside those on lease */ };

/* A packet that others have. */
struct lent {
    struct pkt *p;
    uint32_t refs;
};

struct player {
    struct span whole;
    struct rd file;
    struct replay_conf conf;
    struct capture_head head;
    struct pkt_pool *pool;   /* the shard's */
    struct pkt_pool *others; /* packets that come by mail */
    struct pkt **held;       /* buffers that sockets, or the past, had then */
    size_t held_n;
    struct lent *lent; /* by the number that a packet had then */
    struct shard *shard;
    usec first, now;
    enum err err; /* it is over */
    bool end;     /* there is no more to compare with */
    struct replay_report *report;
};

/* ---- what differs ---- */

__attribute__((format(printf, 2, 3))) static void differs(struct player *p,
                                                          const char *fmt, ...)
{
    va_list args;
    if (p->err || p->end)
        return;
    p->err = E_STATE;
    va_start(args, fmt);
    (void)vsnprintf(p->report->difference, sizeof p->report->difference, fmt, args);
    va_end(args);
}

static void broken(struct player *p, enum err e)
{
    if (!p->err && !p->end)
        p->err = e;
}

static const char *record_name(enum capture_record type)
{
    switch (type) {
    case CAPTURE_END: return "nothing more";
    case CAPTURE_DATAGRAMS: return "datagrams came in";
    case CAPTURE_MAIL:
    case CAPTURE_BACK: return "a mail came in";
    case CAPTURE_CLOSED: return "a stream was closed";
    case CAPTURE_TICK: return "the clock went on";
    case CAPTURE_FLUSH: return "the round ended";
    case CAPTURE_SENT: return "datagrams were sent";
    case CAPTURE_POSTED: return "a mail was posted";
    case CAPTURE_PROVED: return "a stream was proved";
    }
    return "something unknown";
}

static bool is_given(enum capture_record type)
{
    return type >= CAPTURE_DATAGRAMS && type <= CAPTURE_FLUSH;
}

/* The record of what the shard now gives; false: there is nothing to compare with. */
static bool expect(struct player *p, enum capture_record type, struct rd *rec)
{
    if (p->err || p->end)
        return false;
    struct rd at = p->file;
    enum capture_record is = sl_capture_next(&p->file, rec);
    if (is == type) {
        p->report->records++;
        return true;
    }
    p->file = at;
    if (is == CAPTURE_END)
        p->end = p->report->cut = true;
    else
        differs(p, "now %s, then %s", record_name(type), record_name(is));
    return false;
}

static struct addr get_addr(struct rd *r)
{
    struct addr a = {0};
    struct span ip = rd_span(r, sizeof a.ip);
    if (ip.p)
        memcpy(a.ip, ip.p, sizeof a.ip);
    a.port = rd_u16(r);
    return a;
}

/* ---- what the shard gives ---- */

static void compare_run(struct player *p, const struct tx *tx, size_t run, struct rd *rec)
{
    char was[ADDR_TEXT_MAX], is[ADDR_TEXT_MAX];
    struct addr to = get_addr(rec);
    uint16_t port = rd_u16(rec), segment = rd_u16(rec);
    uint32_t n = rd_u32(rec);
    size_t step = tx->segment ? tx->segment : tx->n, i = 0;
    if (!addr_eq(&to, &tx->to) || port != tx->port || segment != tx->segment ||
        n != tx->n) {
        differs(p,
                "run %zu: now %" PRIu32 " octets of %u each to %s by port %u, "
                "then %" PRIu32 " of %u to %s by %u",
                run, tx->n, tx->segment, sl_addr_text(&tx->to, is), tx->port, n, segment,
                sl_addr_text(&to, was), port);
        return;
    }
    for (size_t at = 0; at < tx->n; at += step, i++) {
        size_t size = tx->n - at < step ? tx->n - at : step;
        uint64_t then = rd_u64(rec);
        struct span now = {tx->p + at, size};
        if (!p->conf.blind && !rec->bad && sl_capture_digest(now) != then)
            differs(p, "run %zu, datagram %zu to %s, %zu octets: other octets", run, i,
                    sl_addr_text(&tx->to, is), size);
    }
}

static usec send_all(void *ctx, const struct tx *tx, size_t n)
{
    struct player *p = ctx;
    struct rd rec;
    if (!expect(p, CAPTURE_SENT, &rec))
        return p->now;
    uint16_t then = rd_u16(&rec);
    if (then != n)
        differs(p, "now %zu runs are sent, then %u", n, then);
    for (size_t i = 0; i < n && !p->err; i++) {
        compare_run(p, &tx[i], i, &rec);
        p->report->sent +=
            tx[i].segment ? (tx[i].n + tx[i].segment - 1U) / tx[i].segment : 1U;
        p->report->sent_octets += tx[i].n;
    }
    usec done = (usec)rd_u64(&rec);
    if (rec.bad || rec.n > 0 || done < 0 || done > TIME_MAX)
        broken(p, E_MALFORMED);
    return p->err ? p->now : done;
}

/* What others take is theirs, and they are nobody. */
static void take_letter(struct player *p, const struct mail *m, uint32_t number)
{
    struct mail copy = *m;
    if (m->type == MAIL_BACK) {
        sl_pkt_unref(m->p);
    } else if (m->type == MAIL_RTP || m->type == MAIL_RAW || m->type == MAIL_DTLS) {
        p->lent[number].p = m->p;
        p->lent[number].refs++;
    } else {
        sl_mail_free(&copy);
    }
}

static bool post_one(void *ctx, unsigned to, const struct mail *m, size_t keep)
{
    struct player *p = ctx;
    struct rd rec;
    (void)keep;
    if (!expect(p, CAPTURE_POSTED, &rec))
        return false;
    unsigned then = rd_u8(&rec);
    bool taken = rd_u8(&rec);
    struct capture_letter l = {.number = rd_u32(&rec), .digest = rd_u64(&rec)};
    struct capture_letter is = {.number = CAPTURE_NOBODY, .digest = l.digest};
    bool own = m->type == MAIL_RTP || m->type == MAIL_RAW || m->type == MAIL_DTLS;
    if (!p->conf.blind)
        is = sl_capture_letter(m);
    if (rec.bad || rec.n > 0 || (own && l.number >= p->head.packets + p->head.leases))
        broken(p, E_MALFORMED);
    else if (to != then || is.digest != l.digest)
        differs(p, "a mail of type %" PRIu32 " for %u: then another one, for %u", m->type,
                to, then);
    if (p->err || !taken)
        return false;
    p->report->posted++;
    take_letter(p, m, l.number);
    return true;
}

static void proved(void *ctx, uint16_t port, uint16_t owner)
{
    struct player *p = ctx;
    struct rd rec;
    if (!expect(p, CAPTURE_PROVED, &rec))
        return;
    uint16_t was = rd_u16(&rec), whose = rd_u16(&rec);
    if (rec.bad || rec.n > 0)
        broken(p, E_MALFORMED);
    else if (was != port || whose != owner)
        differs(p, "stream %u proved for %u: then %u for %u", port, owner, was, whose);
}

/* ---- what it is given ---- */

/* As many buffers as then are left to the shard. */
static void hold(struct player *p, uint32_t left)
{
    while (sl_pkt_pool_left(p->pool) > left)
        p->held[p->held_n++] = sl_pkt_new(p->pool);
    while (sl_pkt_pool_left(p->pool) < left && p->held_n > 0)
        sl_pkt_unref(p->held[--p->held_n]);
    if (sl_pkt_pool_left(p->pool) < left)
        differs(p, "the shard holds %" PRIu64 " packets more than then",
                (uint64_t)left - sl_pkt_pool_left(p->pool));
}

static struct pkt *get_datagram(struct player *p, struct rd *rec)
{
    if (sl_pkt_pool_left(p->pool) == 0 && p->held_n > 0)
        sl_pkt_unref(p->held[--p->held_n]);
    struct addr from = get_addr(rec);
    uint16_t port = rd_u16(rec);
    usec at = (usec)rd_u64(rec);
    struct span data = {.n = rd_u16(rec)};
    data = rd_span(rec, data.n);
    bool good = !rec->bad && data.n <= PKT_CAP && at >= 0 && at <= TIME_MAX;
    struct pkt *pkt = good ? sl_pkt_new(p->pool) : NULL;
    if (!good)
        broken(p, E_MALFORMED);
    else if (!pkt)
        differs(p, "the shard holds all packets");
    if (!pkt)
        return NULL;
    pkt->from = from;
    pkt->port = port;
    pkt->at = at;
    pkt->n = (uint16_t)data.n;
    if (data.n > 0)
        memcpy(pkt->data, data.p, data.n);
    return pkt;
}

static void give_datagrams(struct player *p, struct rd *rec, uint32_t left)
{
    struct pkt *pkts[CAPTURE_BATCH];
    size_t n = rd_u8(rec), got = 0;
    if (n > CAPTURE_BATCH)
        broken(p, E_MALFORMED);
    while (got < n && !p->err && (pkts[got] = get_datagram(p, rec)))
        got++;
    if (!p->err && rec->n > 0)
        broken(p, E_MALFORMED);
    if (!p->err)
        hold(p, left);
    if (p->err) {
        while (got > 0)
            sl_pkt_unref(pkts[--got]);
        return;
    }
    p->report->datagrams += n;
    sl_shard_datagrams(p->shard, pkts, n, p->now);
}

static void give_mail(struct player *p, struct rd *rec)
{
    struct mail m;
    unsigned from = rd_u8(rec);
    if (rec->bad || from >= SHARD_PEERS) {
        broken(p, E_MALFORMED);
        return;
    }
    enum err e = sl_mailwire_get(rec, p->others, &m);
    if (e) {
        broken(p, e);
        return;
    }
    p->report->mails++;
    sl_shard_mail(p->shard, from, &m, p->now);
    if (rec->n > 0)
        broken(p, E_MALFORMED);
}

/* One that was lent before the capture began is not ours to give back. */
static void give_back(struct player *p, struct rd *rec)
{
    uint32_t number = rd_u32(rec);
    if (rec->bad || rec->n > 0 || number >= p->head.packets + p->head.leases) {
        broken(p, E_MALFORMED);
        return;
    }
    struct lent *l = &p->lent[number];
    if (l->refs == 0)
        return;
    l->refs--;
    p->report->mails++;
    sl_shard_mail(p->shard, p->head.worker, &(struct mail){.type = MAIL_BACK, .p = l->p},
                  p->now);
}

static void give_closed(struct player *p, struct rd *rec)
{
    struct addr from = get_addr(rec);
    uint16_t port = rd_u16(rec);
    if (rec->bad || rec->n > 0)
        broken(p, E_MALFORMED);
    else
        sl_shard_closed(p->shard, &from, port, p->now);
}

static void give(struct player *p, enum capture_record type, struct rd *rec)
{
    usec now = (usec)rd_u64(rec);
    uint32_t left = rd_u32(rec);
    bool bare = type == CAPTURE_TICK || type == CAPTURE_FLUSH;
    if (rec->bad || now < p->now || now > TIME_MAX || left > p->head.packets ||
        (bare && rec->n > 0)) {
        broken(p, E_MALFORMED);
        return;
    }
    p->first = p->first ? p->first : now;
    p->now = now;
    p->report->span = now - p->first;
    if (type != CAPTURE_DATAGRAMS)
        hold(p, left);
    if (p->err)
        return;
    if (type == CAPTURE_DATAGRAMS)
        give_datagrams(p, rec, left);
    else if (type == CAPTURE_MAIL)
        give_mail(p, rec);
    else if (type == CAPTURE_BACK)
        give_back(p, rec);
    else if (type == CAPTURE_CLOSED)
        give_closed(p, rec);
    else if (type == CAPTURE_TICK)
        sl_shard_tick(p->shard, now);
    else
        sl_shard_flush(p->shard, now);
}

/* ---- all of it ---- */

static enum err make(struct player *p)
{
    enum err e = sl_capture_head_get(&p->file, &p->head);
    if (e)
        return e;
    const struct capture_head *h = &p->head;
    p->pool = sl_pkt_pool_new(h->packets, h->leases, h->worker);
    p->others = sl_pkt_pool_new(h->leases + OTHERS_MORE, 0, SHARD_TO_ASSOC);
    p->held = calloc(h->packets + 1U, sizeof(struct pkt *));
    p->lent = calloc(h->packets + h->leases + 1U, sizeof *p->lent);
    const struct shard_conf sc = {
        .worker = h->worker,
        .pool = p->pool,
        .srtp = p->conf.srtp,
        .seed = h->seed,
        .hash_key = {h->hash_key[0], h->hash_key[1]},
        .probe_key = h->probe_key,
        .io = {.ctx = p, .send = send_all, .post = post_one, .proved = proved},
    };
    if (p->pool && p->others && p->held && p->lent)
        p->shard = sl_shard_new(&sc);
    return p->shard ? E_OK : E_MEMORY;
}

static void run(struct player *p)
{
    for (struct rd rec; !p->err && !p->end;) {
        struct rd at = p->file;
        p->report->at = p->whole.n - at.n;
        enum capture_record type = sl_capture_next(&p->file, &rec);
        if (type == CAPTURE_END)
            break;
        p->report->records++;
        if (is_given(type))
            give(p, type, &rec);
        else if (type == CAPTURE_SENT || type == CAPTURE_POSTED || type == CAPTURE_PROVED)
            differs(p, "then %s, and now not", record_name(type));
        else
            broken(p, E_MALFORMED);
    }
}

enum err sl_replay(struct span file, const struct replay_conf *conf,
                   struct replay_report *ret)
{
    struct player p = {.whole = file, .file = rd_of(file), .conf = *conf, .report = ret};
    *ret = (struct replay_report){0};
    p.err = make(&p);
    if (!p.err) {
        run(&p);
        ret->stats = *sl_shard_stats(p.shard);
    }
    p.end = true; /* what is queued goes nowhere */
    sl_shard_free(p.shard);
    sl_pkt_pool_free(p.pool);
    sl_pkt_pool_free(p.others);
    free(p.held);
    free(p.lent);
    return p.err;
}
