#include "sfu/capture.h"

#include "base/map.h"

#include "sfu/mail.h"
#include "sfu/mailwire.h"
#include "sfu/shard.h"

static const uint8_t magic[] = "sluice capture";

enum { LENGTH = sizeof(uint32_t) };

/* ---- records ---- */

static void stop(struct capture *c)
{
    size_t rest = c->out.cap - c->whole;
    c->over = true;
    c->out.bad = false;
    c->out.n = c->whole;
    memset(c->out.p + c->whole, 0, rest < LENGTH ? rest : LENGTH);
}

/* Returns where its length goes. */
static size_t begin(struct capture *c, enum capture_record type)
{
    size_t at = c->out.n;
    wr_u32(&c->out, 0);
    wr_u8(&c->out, type);
    return at;
}

/* The length comes last: until then, for whoever finds the file of a dead process, the record
 * is not there. */
static void finish(struct capture *c, size_t at)
{
    if (c->out.bad) {
        stop(c);
        return;
    }
    struct wr length = wr_of(c->out.p + at, LENGTH);
    wr_u32(&length, (uint32_t)(c->out.n - at - LENGTH));
}

/* Of what the shard is given: with the last call all of the one before is there. False: nothing
 * is written any more. */
static bool given(struct capture *c, enum capture_record type, usec now, size_t *at)
{
    if (c->over)
        return false;
    c->whole = c->out.n;
    if (now >= c->until) {
        stop(c);
        return false;
    }
    *at = begin(c, type);
    wr_u64(&c->out, (uint64_t)now);
    wr_u32(&c->out, (uint32_t)sl_pkt_pool_left(c->pool));
    return true;
}

static void put_addr(struct wr *w, const struct addr *a)
{
    wr_span(w, (struct span){a->ip, sizeof a->ip});
    wr_u16(w, a->port);
}

/* ---- begin and end ---- */

void sl_capture_init(struct capture *c, struct wr memory, const struct capture_head *head,
                     const struct pkt_pool *pool, usec until)
{
    *c = (struct capture){.out = memory, .pool = pool, .until = until};
    struct wr *w = &c->out;
    wr_span(w, (struct span){magic, sizeof magic});
    wr_u8(w, CAPTURE_VERSION);
    wr_u16(w, head->worker);
    wr_u32(w, head->packets);
    wr_u32(w, head->leases);
    wr_u64(w, head->seed);
    wr_u64(w, head->hash_key[0]);
    wr_u64(w, head->hash_key[1]);
    wr_u64(w, head->probe_key);
    while (w->n < CAPTURE_HEAD && !w->bad)
        wr_u8(w, 0);
    c->whole = w->n;
}

size_t sl_capture_end(struct capture *c)
{
    if (!c->over) {
        c->whole = c->out.n;
        stop(c);
    }
    return c->whole;
}

/* ---- what it is given ---- */

void sl_capture_datagrams(struct capture *c, struct pkt *const *pkts, size_t n, usec now)
{
    size_t at;
    if (n == 0 || !given(c, CAPTURE_DATAGRAMS, now, &at))
        return;
    wr_u8(&c->out, (unsigned)n);
    for (size_t i = 0; i < n; i++) {
        put_addr(&c->out, &pkts[i]->from);
        wr_u16(&c->out, pkts[i]->port);
        wr_u64(&c->out, (uint64_t)pkts[i]->at);
        wr_u16(&c->out, pkts[i]->n);
        wr_span(&c->out, (struct span){pkts[i]->data, pkts[i]->n});
    }
    finish(c, at);
}

void sl_capture_mail(struct capture *c, unsigned from, const struct mail *m, usec now)
{
    size_t at;
    bool back = m->type == MAIL_BACK;
    if (!given(c, back ? CAPTURE_BACK : CAPTURE_MAIL, now, &at))
        return;
    if (back) {
        wr_u32(&c->out, (uint32_t)sl_pkt_number(m->p));
    } else {
        wr_u8(&c->out, from);
        sl_mailwire_put(&c->out, m);
    }
    finish(c, at);
}

void sl_capture_closed(struct capture *c, const struct addr *from, uint16_t port,
                       usec now)
{
    size_t at;
    if (!given(c, CAPTURE_CLOSED, now, &at))
        return;
    put_addr(&c->out, from);
    wr_u16(&c->out, port);
    finish(c, at);
}

void sl_capture_tick(struct capture *c, usec now)
{
    size_t at;
    if (given(c, CAPTURE_TICK, now, &at))
        finish(c, at);
}

void sl_capture_flush(struct capture *c, usec now)
{
    size_t at;
    if (given(c, CAPTURE_FLUSH, now, &at))
        finish(c, at);
}

/* ---- what it gives ---- */

uint64_t sl_capture_digest(struct span datagram)
{
    static const uint64_t key[2] = {0}; /* nobody gains by a collision */
    return sl_siphash(key, datagram);
}

struct capture_letter sl_capture_letter(const struct mail *m)
{
    uint8_t buf[MAILWIRE_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    bool own = m->type == MAIL_RTP || m->type == MAIL_RAW || m->type == MAIL_DTLS;
    sl_mailwire_put(&w, m);
    return (struct capture_letter){.number = own ? (uint32_t)sl_pkt_number(m->p)
                                                 : CAPTURE_NOBODY,
                                   .digest = sl_capture_digest(wr_done(&w))};
}

void sl_capture_posted(struct capture *c, unsigned to, const struct capture_letter *l,
                       bool taken)
{
    if (c->over)
        return;
    size_t at = begin(c, CAPTURE_POSTED);
    wr_u8(&c->out, to);
    wr_u8(&c->out, taken);
    wr_u32(&c->out, l->number);
    wr_u64(&c->out, l->digest);
    finish(c, at);
}

static void put_run(struct wr *w, const struct tx *tx)
{
    size_t step = tx->segment ? tx->segment : tx->n;
    put_addr(w, &tx->to);
    wr_u16(w, tx->port);
    wr_u16(w, tx->segment);
    wr_u32(w, tx->n);
    for (size_t at = 0; at < tx->n; at += step) {
        size_t n = tx->n - at < step ? tx->n - at : step;
        wr_u64(w, sl_capture_digest((struct span){tx->p + at, n}));
    }
}

void sl_capture_sent(struct capture *c, const struct tx *tx, size_t n, usec done)
{
    if (c->over)
        return;
    size_t at = begin(c, CAPTURE_SENT);
    wr_u16(&c->out, (unsigned)n);
    for (size_t i = 0; i < n; i++)
        put_run(&c->out, &tx[i]);
    wr_u64(&c->out, (uint64_t)done);
    finish(c, at);
}

void sl_capture_proved(struct capture *c, uint16_t port, uint16_t owner)
{
    if (c->over)
        return;
    size_t at = begin(c, CAPTURE_PROVED);
    wr_u16(&c->out, port);
    wr_u16(&c->out, owner);
    finish(c, at);
}

/* ---- for who reads it ---- */

enum err sl_capture_head_get(struct rd *r, struct capture_head *ret)
{
    struct rd h = rd_of(rd_span(r, CAPTURE_HEAD));
    struct span name = rd_span(&h, sizeof magic);
    uint8_t version = rd_u8(&h);
    if (r->bad)
        return E_SHORT;
    if (!span_eq(name, (struct span){magic, sizeof magic}) || version != CAPTURE_VERSION)
        return E_UNSUPPORTED;
    struct capture_head head = {.worker = rd_u16(&h),
                                .packets = rd_u32(&h),
                                .leases = rd_u32(&h),
                                .seed = rd_u64(&h)};
    head.hash_key[0] = rd_u64(&h);
    head.hash_key[1] = rd_u64(&h);
    head.probe_key = rd_u64(&h);
    if (head.worker >= SHARD_WORKERS_MAX || head.packets > CAPTURE_PACKETS ||
        head.leases > CAPTURE_PACKETS)
        return E_MALFORMED;
    *ret = head;
    return E_OK;
}

enum capture_record sl_capture_next(struct rd *file, struct rd *ret)
{
    struct rd at = *file;
    struct span rec = {.n = rd_u32(&at)};
    rec = rd_span(&at, rec.n);
    if (at.bad || rec.n == 0)
        return CAPTURE_END;
    *ret = rd_of(rec);
    *file = at;
    return (enum capture_record)rd_u8(ret);
}
