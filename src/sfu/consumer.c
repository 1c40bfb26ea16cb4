#include "sfu/consumer.h"

#include <stdlib.h>

#include "media/opus.h"
#include "media/unwrap.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/pacer.h"
#include "sfu/patience.h"
#include "sfu/producer.h"
#include "sfu/redundancy.h"
#include "sfu/share.h"
#include "sfu/transport.h"

enum {
    VIDEO_SLOTS = 512, /* packets that can be resent at the most: 2 s of 2 Mbit/s */
    FIRST_MASK = 0x7fff,
    PADDING_MIN = 32, /* octets: less would be all header */
    PROBE_TRIES = 4,  /* packets among which one is looked for to probe the path with, */
    PROBE_DUE = 300,  /* if so many octets are due: at about 2.5 Mbit/s and more */
    VIDEO_HZ = 90000,
    ONE_BYTE_ID_MAX = 14, /* of the one-byte form of extensions, RFC 8285 §4.2 */
    ONE_BYTE_MAX = 16,    /* octets of an element in it */
};
#define PROBE_AGAIN MSEC(500) /* so long one is no probe again */
#define PROBE_PAUSE MSEC(50)  /* after it the next burst begins */
#define RESEND_MIN                                                                       \
    MSEC(10) /* between two resends of one packet, where the RTT is shorter */

static bool any_nack(const struct rtp_params *p, bool *rtx)
{
    bool nack = false;
    *rtx = false;
    for (uint8_t i = 0; i < p->codecs_n; i++) {
        nack |= p->codecs[i].nack;
        *rtx |= p->codecs[i].rtx_pt != PT_NONE;
    }
    return nack;
}

/* Whether an extension has an id above this. */
static bool any_ext(const struct rtp_params *p, uint8_t above)
{
    for (int e = 1; e < EXTS; e++)
        if (p->ext_id[e] > above)
            return true;
    return false;
}

static uint8_t padding_pt_of(const struct rtp_send *conf)
{
    for (uint8_t i = 0; conf->rtx_ssrc != 0 && i < conf->params.codecs_n; i++)
        if (conf->params.codecs[i].rtx_pt != PT_NONE)
            return conf->params.codecs[i].rtx_pt;
    return PT_NONE;
}

static void forget_payload_types(struct consumer *c)
{
    memset(c->pt_of, PT_NONE, sizeof c->pt_of);
    memset(c->rtx_pt_of, PT_NONE, sizeof c->rtx_pt_of);
    c->pt_in = c->pt_out = PT_NONE;
}

struct consumer *sl_consumer_new(const struct cmd_consumer *conf, struct transport *t)
{
    struct rng *rng = &t->shard->rng;
    struct consumer *c = line_new(sizeof *c);
    bool rtx;
    if (!c)
        return NULL;
    bool nack =
        any_nack(&conf->send.params, &rtx) && conf->send.params.kind == MEDIA_VIDEO;
    c->id = conf->id;
    c->transport = t;
    c->conf = conf->send;
    c->ssrc = conf->send.ssrc;
    c->with_exts = any_ext(&conf->send.params, 0);
    c->long_form = any_ext(&conf->send.params, ONE_BYTE_ID_MAX) ||
                   strlen(conf->send.params.mid) > ONE_BYTE_MAX;
    c->resends_same = nack && !rtx;
    c->rtx_next = rng_u32(rng) & FIRST_MASK;
    memcpy(c->ext_id, conf->send.params.ext_id, sizeof c->ext_id);
    forget_payload_types(c);
    c->padding_pt = padding_pt_of(&c->conf);
    list_init(&c->in_wanting);
    list_init(&c->in_producer);
    list_init(&c->in_transport);
    /* What is resent as it was must not carry what changes with each sending. */
    if (c->resends_same)
        c->ext_id[EXT_TWCC] = c->ext_id[EXT_ABS_SEND_TIME] = 0;
    c->map = sl_seqmap_new(&(struct seqmap_conf){.first = rng_u32(rng) & FIRST_MASK,
                                                 .first_ts = rng_u32(rng),
                                                 .slots = nack ? VIDEO_SLOTS : 0});
    if (!c->map ||
        sl_srtp_guard_init(&c->guard, c->resends_same ? VIDEO_SLOTS : 0) != E_OK ||
        sl_srtp_guard_init(&c->rtx_guard, 0) != E_OK) {
        sl_consumer_free(c);
        return NULL;
    }
    return c;
}

void sl_consumer_free(struct consumer *c)
{
    if (!c)
        return;
    sl_consumer_source(c, NULL);
    list_del(&c->in_transport);
    sl_seqmap_free(c->map);
    sl_srtp_guard_fini(&c->guard);
    sl_srtp_guard_fini(&c->rtx_guard);
    free(c);
}

/* ---- the source ---- */

/* Its pictures, as far as they were sent. */
static struct picmap where(const struct consumer *c)
{
    struct picmap shift = c->sources[c->source].shift;
    shift.picture_id = (uint16_t)(shift.picture_id - c->pick.gaps.n);
    return sl_picmap_out(c->from->pictures, &shift);
}

void sl_consumer_restart(struct consumer *c)
{
    if (!c->from)
        return;
    sl_audience_del(&c->from->audience, c);
    c->pictures = where(c);
    c->from = NULL;
}

static const struct rtp_codec *same_codec(const struct rtp_params *p, enum codec codec,
                                          uint32_t profile)
{
    for (uint8_t i = 0; i < p->codecs_n; i++)
        if (p->codecs[i].codec == codec && p->codecs[i].profile == profile)
            return &p->codecs[i];
    return NULL;
}

static void map_payload_types(struct consumer *c, const struct producer *p)
{
    forget_payload_types(c);
    c->red_pt = PT_NONE;
    for (uint8_t i = 0; i < p->params.codecs_n; i++) {
        const struct rtp_codec *s = &p->params.codecs[i];
        const struct rtp_codec *d = same_codec(&c->conf.params, s->codec, s->profile);
        if (!d && s->codec == CODEC_RED) {
            /* Who did not negotiate the redundancy gets the Opus in it. */
            d = same_codec(&c->conf.params, CODEC_OPUS, 0);
            c->red_pt = d ? s->pt : PT_NONE;
        }
        if (!d)
            continue;
        c->pt_of[s->pt & 0x7f] = d->pt;
        c->rtx_pt_of[s->pt & 0x7f] = d->rtx_pt;
    }
}

static void leave(struct consumer *c)
{
    if (c->producer)
        c->producer->consumers_n--;
    list_del(&c->in_producer);
    c->producer = NULL;
}

/* False: there is no memory, and it has no source. */
static bool join(struct consumer *c, struct producer *p)
{
    for (uint8_t i = 0; i < p->encodings_n; i++)
        if (sl_audience_reserve(&p->encodings[i].audience, p->consumers_n + 1) != E_OK)
            return false;
    list_add(&p->consumers, &c->in_producer);
    p->consumers_n++;
    c->producer = p;
    return true;
}

void sl_consumer_source(struct consumer *c, struct producer *p)
{
    sl_pacer_forget(c);
    sl_consumer_restart(c);
    list_del(&c->in_wanting);
    leave(c);
    memset(c->sources, 0, sizeof c->sources);
    c->want = NULL;
    c->clocked = 0;
    c->share = (struct allocate_state){0};
    sl_share_forget(c);
    if (!p || !join(c, p))
        return;
    map_payload_types(c, p);
    sl_redundancy_source(c, p);
}

void sl_consumer_pause(struct consumer *c)
{
    sl_consumer_restart(c);
    list_del(&c->in_wanting);
    c->want = NULL;
}

void sl_consumer_want(struct consumer *c, struct encoding *e)
{
    list_del(&c->in_wanting);
    c->want = e != c->from ? e : NULL;
    if (c->want)
        list_add(&e->wanting, &c->in_wanting);
}

/* Encodings of one producer share its clock; then the time goes on as the producer's does.
 * Otherwise as much of it has passed as in the world. */
static uint32_t next_ts(const struct consumer *c, const struct encoding *e, uint32_t ts,
                        usec now)
{
    uint64_t ntp;
    uint32_t was;
    if (c->from && sl_clockmap_ntp(&e->clock, ts, &ntp) == E_OK &&
        sl_clockmap_ts(&c->from->clock, ntp, &was) == E_OK)
        return was + c->ts_shift;
    return sl_seqmap_ts_at(c->map, now, e->clock.clock_hz);
}

void sl_consumer_switch(struct consumer *c, const struct pkt *first, usec now)
{
    const struct media_pkt *m = media_in(first);
    struct encoding *e = c->want;
    uint32_t ts = next_ts(c, e, m->ts, now);
    uint16_t generation = sl_seqmap_switch(c->map, m->seq, m->ts, ts);
    struct consumer_source source = {
        .encoding = e, .generation = generation, .first = m->seq};
    sl_consumer_restart(c);
    if (c->begun)
        source.shift = sl_picmap_follow(c->pictures, picmap_at(&m->info));
    c->begun = true;
    list_del(&c->in_wanting);
    c->want = NULL;
    c->from = e;
    c->source = generation % CONSUMER_SOURCES;
    c->sources[c->source] = source;
    sl_audience_add(&e->audience, c);
    sl_pick_begin(c, m);
    /* Another voice begins: a receiver may adapt its buffer now (RFC 3551 §4.1). */
    c->spurt = c->conf.params.kind == MEDIA_AUDIO;
    if (consumer_hurries(c))
        sl_feedback_hurry(c->transport, now);
}

/* ---- packets ---- */

enum err sl_consumer_select(struct consumer *c, struct pkt *p, usec now, struct job *ret)
{
    const struct media_pkt *m = media_in(p);
    struct seqmap_out out;
    uint64_t facts = (uint64_t)c->source << FACT_SOURCE | (uint64_t)c->wait << FACT_WAIT;
    if (!c->mid_known && c->ext_id[EXT_MID])
        facts |= FACT_MID;
    if (c->spurt)
        facts |= FACT_MARKER;
    *ret = (struct job){.consumer = c, .pkt = p};
    if (consumer_pt(c, m->pt) == PT_NONE || m->payload_n == 0 ||
        (c->pick.asked && !sl_pick_pass(c, m, &facts))) {
        ret->kind = JOB_EMPTY;
        ret->facts = facts;
        ret->ts = m->ts + c->ts_shift;
        return sl_seqmap_drop(c->map, m->seq, &ret->seq) ? E_OK : E_ABSENT;
    }
    enum err e = sl_seqmap_pass(c->map, m->seq, m->ts, facts, now, &out);
    if (e)
        return e;
    c->spurt = false;
    c->ts_shift = out.ts - m->ts;
    c->packets++;
    c->octets += m->payload_n;
    ret->kind = JOB_MEDIA;
    ret->facts = facts;
    ret->seq = out.seq;
    ret->ts = out.ts;
    return E_OK;
}

/* Whether what is shown now hangs on it: no source and no key frame came after it. */
static bool is_needed(const struct consumer *c, const struct seqmap_sent *sent)
{
    const struct consumer_source *s = &c->sources[c->source];
    return c->from && c->from == s->encoding && s->generation == sent->generation &&
           sent->seq >= c->from->key;
}

enum err sl_consumer_resend(struct consumer *c, uint16_t seq, usec rtt, usec now,
                            struct job *ret)
{
    struct seqmap_sent sent;
    struct pkt *p;
    uint64_t out = unwrap_seq(sl_seqmap_next(c->map), seq);
    /* Who asks again before an answer can have come has not waited for it. A round trip is
     * never known so well that the whole of it could be demanded: who is a little early would
     * wait for another one. */
    usec least = rtt / 4 * 3 > RESEND_MIN ? rtt / 4 * 3 : RESEND_MIN;
    enum err e = sl_seqmap_resend(c->map, out, now, least, &sent);
    if (e)
        return e == E_FULL && is_needed(c, &sent) ? E_LATE : e;
    const struct consumer_source *from = &c->sources[sent.generation % CONSUMER_SOURCES];
    if (!from->encoding || from->generation != sent.generation ||
        !from->encoding->history)
        return E_ABSENT;
    if (sl_history_get(from->encoding->history, sent.seq, now, &p) != E_OK)
        return is_needed(c, &sent) ? E_LATE : E_ABSENT;
    bool rtx = c->rtx_pt_of[media_in(p)->pt] != PT_NONE && c->conf.rtx_ssrc != 0;
    if (!rtx && !c->resends_same)
        return E_ABSENT;
    *ret = (struct job){.consumer = c,
                        .pkt = p,
                        .seq = rtx ? c->rtx_next++ : out,
                        .ts = sent.ts,
                        .osn = seq,
                        .kind = rtx ? JOB_REPAIR : JOB_AGAIN,
                        .facts = sent.facts};
    return E_OK;
}

/* From the newest back, each once in a while; none that is much larger than what is due, as
 * the burst would not be of its rate. Not before the receiver told of a packet: RTX that a
 * receiver has before the stream itself is nothing to it, and Pion never begins that stream. */
static bool probe_again(struct consumer *c, size_t due, usec now, struct job *ret)
{
    uint64_t next = sl_seqmap_next(c->map);
    if (now - c->probed_at > PROBE_PAUSE)
        c->probed = next;
    c->probed_at = now;
    for (int i = 0; c->heard && due >= PROBE_DUE && i < PROBE_TRIES; i++)
        if (sl_consumer_resend(c, (uint16_t)--c->probed, PROBE_AGAIN, now, ret) == E_OK) {
            (void)sl_pkt_ref(ret->pkt);
            return true;
        }
    return false;
}

enum err sl_consumer_pad(struct consumer *c, size_t n, usec now, struct job *ret)
{
    if (c->padding_pt == PT_NONE)
        return E_UNSUPPORTED;
    if (probe_again(c, n, now, ret))
        return E_OK;
    struct pkt *p = sl_pkt_new(c->transport->shard->conf.pool);
    if (!p)
        return E_MEMORY;
    /* Its last octet counts it: RFC 3550 §5.1. */
    size_t octets = n < PADDING_MIN ? PADDING_MIN : n > UINT8_MAX ? UINT8_MAX : n;
    memset(p->data, 0, octets);
    p->data[octets - 1] = (uint8_t)octets;
    p->n = (uint16_t)octets;
    *media_of(p) = (struct media_pkt){.payload_n = (uint16_t)octets, .pt = c->padding_pt};
    *ret = (struct job){.consumer = c,
                        .pkt = p,
                        .seq = c->rtx_next++,
                        .ts = sl_seqmap_ts_at(c->map, now, VIDEO_HZ),
                        .kind = JOB_PADDING};
    return E_OK;
}

/* ---- headers ---- */

/* Absolute send time: seconds in 6.18 fixed point. */
static uint32_t abs_send_time(usec now)
{
    return (uint32_t)(((uint64_t)now << 18) / 1000000) & 0xffffff;
}

/* Whether an element of this packet needs the two-byte form (RFC 8285 §4.3). */
static bool needs_long(const struct consumer *c, const struct media_pkt *m,
                       uint64_t facts)
{
    for (uint8_t i = 0; i < m->exts_n; i++) {
        bool grows = m->exts[i].ext == EXT_DEPENDENCY && facts & PICK_TELL;
        if (c->ext_id[m->exts[i].ext] &&
            m->exts[i].len + (grows ? DD_GROWTH_MAX : 0) > ONE_BYTE_MAX)
            return true;
    }
    return false;
}

static uint8_t *put_elem(uint8_t *at, bool long_form, uint8_t id, size_t n)
{
    if (long_form) {
        *at++ = id;
        *at++ = (uint8_t)n;
    } else {
        *at++ = (uint8_t)((unsigned)id << 4 | (unsigned)(n - 1));
    }
    return at;
}

/* Of its pictures, since its source is not the first, or some are left out. */
static struct picmap shift_of(const struct job *j)
{
    struct picmap shift = consumer_source_of(j)->shift;
    shift.picture_id = (uint16_t)(shift.picture_id - pick_gaps(j->facts));
    return shift;
}

static uint8_t *put_dd(const struct job *j, uint8_t *at, bool long_form, uint8_t id,
                       struct span dd)
{
    uint8_t buf[DD_OCTETS_MAX];
    struct picmap shift = shift_of(j);
    size_t n = sl_pick_write_dd(j->facts, &shift, &media_in(j->pkt)->info, dd, buf);
    at = put_elem(at, long_form, id, n);
    memcpy(at, buf, n);
    return at + n;
}

/* Writes the extension block behind the fixed header; returns its end. */
static uint8_t *write_exts(const struct job *j, uint8_t *at, usec now)
{
    const struct consumer *c = j->consumer;
    const struct media_pkt *m = media_in(j->pkt);
    struct transport *t = c->transport;
    bool long_form = c->long_form || needs_long(c, m, j->facts);
    uint8_t *start = at;
    at += 4;
    if (c->ext_id[EXT_TWCC]) {
        uint16_t n = t->twcc_next++;
        at = put_elem(at, long_form, c->ext_id[EXT_TWCC], 2);
        *at++ = (uint8_t)(n >> 8);
        *at++ = (uint8_t)n;
    } else if (c->ext_id[EXT_ABS_SEND_TIME]) {
        uint32_t v = abs_send_time(now);
        at = put_elem(at, long_form, c->ext_id[EXT_ABS_SEND_TIME], 3);
        *at++ = (uint8_t)(v >> 16);
        *at++ = (uint8_t)(v >> 8);
        *at++ = (uint8_t)v;
    }
    if (j->facts & FACT_MID) {
        size_t n = strlen(c->conf.params.mid);
        at = put_elem(at, long_form, c->ext_id[EXT_MID], n);
        memcpy(at, c->conf.params.mid, n);
        at += n;
    }
    uint16_t wait = (uint16_t)(j->facts >> FACT_WAIT);
    for (uint8_t i = 0; i < m->exts_n; i++) {
        uint8_t id = c->ext_id[m->exts[i].ext];
        if (!id)
            continue;
        if (m->exts[i].ext == EXT_PLAYOUT_DELAY)
            wait = 0; /* its publisher says so itself */
        struct span ext = {j->pkt->data + m->exts[i].off, m->exts[i].len};
        if (m->exts[i].ext == EXT_DEPENDENCY) {
            at = put_dd(j, at, long_form, id, ext);
            continue;
        }
        at = put_elem(at, long_form, id, ext.n);
        memcpy(at, ext.p, ext.n);
        at += ext.n;
    }
    if (wait) {
        at = put_elem(at, long_form, c->ext_id[EXT_PLAYOUT_DELAY], PATIENCE_OCTETS);
        sl_patience_write(wait, at);
        at += PATIENCE_OCTETS;
    }
    size_t n = (size_t)(at - start) - 4;
    if (n == 0)
        return start;
    while (n % 4 != 0) {
        *at++ = 0;
        n++;
    }
    struct wr w = wr_of(start, 4);
    wr_u16(&w, long_form ? RTP_TWO_BYTE : RTP_ONE_BYTE);
    wr_u16(&w, (unsigned)(n / 4));
    return at;
}

/* Of a picture that is not what it was: its ids are put before the rest of the body. */
static void write_ids(const struct job *j, struct srtp_job *out, struct span body)
{
    const struct payload *info = &media_in(j->pkt)->info;
    struct picmap shift = shift_of(j);
    if (picmap_none(&shift))
        return;
    sl_picmap_write(&shift, info, body, out->pre + out->pre_n);
    out->pre_n = (uint8_t)(out->pre_n + info->ids_n);
    out->body += info->ids_n;
    out->body_n = (uint16_t)(out->body_n - info->ids_n);
}

void sl_consumer_write(const struct job *j, struct srtp_job *out, usec now)
{
    struct consumer *c = j->consumer;
    const struct media_pkt *m = media_in(j->pkt);
    bool repair = j->kind == JOB_REPAIR, padding = j->kind == JOB_PADDING;
    bool rtx = repair || padding;
    uint8_t pt = repair    ? c->rtx_pt_of[m->pt]
                 : padding ? c->padding_pt
                           : consumer_pt(c, m->pt);
    if (j->kind == JOB_EMPTY)
        pt = c->conf.params.codecs[0].pt;
    struct wr w = wr_of(out->dst, RTP_HEADER_MIN);
    uint8_t *end = out->dst + RTP_HEADER_MIN;
    struct span body = {j->pkt->data + m->payload,
                        j->kind == JOB_EMPTY ? 0 : m->payload_n};
    if (c->with_exts)
        end = write_exts(j, end, now);
    bool x = end != out->dst + RTP_HEADER_MIN;
    size_t red = c->red.blocks > 0 && j->kind == JOB_MEDIA
                     ? sl_redundancy_write(j, pt, end, now)
                     : 0;
    if (red > 0) {
        pt = c->red.pt;
        body = (struct span){end, red};
    }
    if (m->pt == c->red_pt && body.n > 0) {
        uint8_t primary;
        if (sl_red_primary(body, &primary, &body) != E_OK)
            body.n = 0;
    }
    wr_u8(&w, RTP_VERSION << 6 | (padding ? 0x20U : 0U) | (x ? 0x10U : 0U));
    wr_u8(&w, (m->marker || (j->facts & FACT_MARKER) ? 0x80U : 0U) | pt);
    wr_u16(&w, (unsigned)(j->seq & 0xffff));
    wr_u32(&w, j->ts);
    wr_u32(&w, rtx ? c->conf.rtx_ssrc : c->ssrc);
    out->guard = rtx ? &c->rtx_guard : &c->guard;
    out->index = j->seq;
    out->body = body.p;
    out->header_n = (uint16_t)(end - out->dst);
    out->body_n = (uint16_t)body.n;
    out->pre_n = 0;
    if (repair) {
        out->pre[out->pre_n++] = (uint8_t)(j->osn >> 8);
        out->pre[out->pre_n++] = (uint8_t)j->osn;
    }
    if (m->info.ids_n > 0 && out->body_n > 0)
        write_ids(j, out, body);
}

/* ---- reports ---- */

/* Whether a report has seen one of our packets: some tell of a stream before anything came. */
static bool was_heard(const struct consumer *c, const struct rtcp_block *b)
{
    return (uint16_t)(sl_seqmap_next(c->map) - 1 - b->last_seq) < c->packets;
}

void sl_consumer_report(struct consumer *c, const struct rtcp_block *b, usec now)
{
    c->mid_known = true;
    c->heard = c->heard || was_heard(c, b);
    sl_redundancy_report(c, b->fraction);
    c->lost = b->fraction;
    if (b->lsr == 0 || b->lsr != c->lsr)
        return;
    usec rtt = now - c->lsr_at - (usec)b->dlsr * 1000000 / 65536;
    if (rtt > 0 && rtt < SEC(10))
        c->rtt = rtt;
}

bool sl_consumer_sender(struct consumer *c, usec now, struct rtcp_sender *ret)
{
    uint64_t ntp;
    uint32_t ts;
    if (!c->from || (c->packets == c->packets_told && !consumer_hurries(c)) ||
        sl_clockmap_now(&c->from->clock, now, &ntp, &ts) != E_OK)
        return false;
    *ret = (struct rtcp_sender){.ntp = ntp,
                                .rtp_ts = ts + c->ts_shift,
                                .packets = (uint32_t)c->packets,
                                .octets = (uint32_t)c->octets};
    c->packets_told = c->packets;
    c->clocked = (uint8_t)(c->clocked + consumer_hurries(c));
    c->lsr = (uint32_t)(ntp >> 16);
    c->lsr_at = now;
    return true;
}
