#include "sfu/landing.h"

#include "media/bwe.h"
#include "proto/rtp.h"
#include "proto/stun.h"
#include "sfu/address.h"
#include "sfu/inside.h"
#include "sfu/pipe.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum { FETCHED = 8 /* datagrams at a time */ };

/* ---- checks ---- */

/* A valid check. Its address is learnt each time: another transport may have had it since. */
static void checked(struct transport *t, const struct ice_change *change,
                    const struct pkt *p)
{
    const struct shard_io *io = &t->shard->conf.io;
    if (change->restarted)
        sl_transport_adopt(t);
    sl_address_learn(t, &p->from, p->port);
    if (tx_is_stream(p->port) && io->proved)
        io->proved(io->ctx, p->port, t->owner);
}

static void take_check(struct shard *s, struct transport *t, const struct stun *msg,
                       const struct pkt *p, usec now)
{
    struct ice_change change = {false, false, false};
    uint8_t *room = sl_batch_room(s->batch, STUN_ANSWER_MAX);
    struct wr answer = wr_of(room, STUN_ANSWER_MAX);
    enum err e = sl_ice_check(&t->ice, msg, &p->from, p->port, now, &answer, &change);
    if (answer.n > 0 && !answer.bad) {
        sl_batch_put(s->batch, &p->from, p->port, answer.n);
        s->stats.stun_answered++;
    }
    if (e) {
        *(e == E_EXISTS ? &s->stats.stun_taken : &s->stats.stun_refused) += 1;
        return;
    }
    checked(t, &change, p);
    if (change.pair && t->owner == TP_NOBODY)
        sl_shard_post(s, SHARD_TO_ASSOC, &(struct mail){.type = MAIL_PATH, .id = t->id},
                      0);
    sl_transport_checked(t, now);
}

/* The owner answers. What comes from there later is its own, too; our view of its ICE serves
 * to know who may say so. False: nobody answers this. */
static bool vouched(struct transport *t, const struct stun *msg, const struct pkt *p,
                    usec now)
{
    struct ice_change change;
    uint8_t room[STUN_ANSWER_MAX];
    struct wr unsent = wr_of(room, sizeof room);
    enum err e = sl_ice_check(&t->ice, msg, &p->from, p->port, now, &unsent, &change);
    if (e == E_OK)
        checked(t, &change, p);
    return e != E_AUTH && e != E_STATE;
}

/* Who answers control's question was asked: nobody else knows the id. */
static bool seen(struct shard *s, const struct stun *msg)
{
    struct rd id = rd_of((struct span){msg->id, sizeof msg->id});
    struct rd ip = rd_of((struct span){msg->mapped.ip, sizeof msg->mapped.ip});
    if (msg->class != STUN_SUCCESS || !msg->has_mapped ||
        rd_u64(&id) != s->conf.probe_key)
        return false;
    struct mail m = {.type = MAIL_SEEN, .arg = rd_u32(&id) << 16 | msg->mapped.port};
    m.id = rd_u64(&ip);
    m.id2 = rd_u64(&ip);
    sl_shard_post(s, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA);
    return true;
}

void sl_landing_stun(struct shard *s, struct pkt *p, usec now)
{
    struct stun msg;
    s->stats.stun++;
    if (sl_stun_parse((struct span){p->data, p->n}, &msg) != E_OK) {
        s->stats.malformed++;
        sl_pkt_unref(p);
        return;
    }
    if (seen(s, &msg)) {
        sl_pkt_unref(p);
        return;
    }
    struct map_node *n = sl_map_get(&s->ufrags, sl_ice_ufrag(&msg));
    struct transport *t = n ? map_entry(n, struct tp_name, node)->transport : NULL;
    if (!t) {
        s->stats.stun_unknown++;
    } else if (t->owner == s->conf.worker || t->owner == TP_NOBODY) {
        take_check(s, t, &msg, p, now);
    } else if (vouched(t, &msg, p, now)) {
        s->stats.handed_over++;
        sl_pipe_hand(s, t->owner, MAIL_RAW, t->id, p);
        return;
    } else {
        s->stats.stun_refused++;
    }
    sl_pkt_unref(p);
}

/* ---- others ---- */

static enum dgram kind_of(const struct pkt *p)
{
    return p->n > 0 ? dgram_of(p->data[0]) : DGRAM_OTHER;
}

/* One that is no STUN, of t, which is NULL when nobody is known there. Takes its reference. */
static void take(struct shard *s, struct transport *t, struct pkt *p, usec now)
{
    enum dgram kind = kind_of(p);
    if (kind == DGRAM_DTLS) {
        s->stats.dtls++;
        s->stats.dtls_stray += !t;
        if (t) {
            sl_pipe_hand(s, SHARD_TO_ASSOC, MAIL_DTLS, t->id, p);
            return;
        }
    } else if (t && t->owner != s->conf.worker && t->owner != TP_NOBODY) {
        s->stats.handed_over++;
        sl_pipe_hand(s, t->owner, MAIL_RAW, t->id, p);
        return;
    } else if (t) {
        sl_transport_srtp(t, p, now);
        return;
    } else {
        s->stats.stray += kind == DGRAM_RTP;
        s->stats.malformed += kind != DGRAM_RTP;
    }
    sl_pkt_unref(p);
}

static bool is_report(const struct pkt *p)
{
    return p->n >= RTP_HEADER_MIN && kind_of(p) == DGRAM_RTP && rtp_is_rtcp(p->data);
}

static void fetch(const void *from, const void *end)
{
    for (const uint8_t *at = from; at < (const uint8_t *)end; at += 64)
        __builtin_prefetch(at);
}

/* What t points to that a datagram needs, which is there now. */
static void fetch_far(const struct transport *t, const struct pkt *p)
{
    __builtin_prefetch(t->in);
    if (!is_report(p))
        __builtin_prefetch(t->rx);
    else if (t->bwe)
        sl_bwe_fetch(t->bwe);
}

/* And what lies behind that. */
static void fetch_farther(const struct transport *t, const struct pkt *p)
{
    if (!t->in)
        return;
    sl_srtp_in_fetch(t->in, is_report(p));
    if (is_report(p)) {
        if (t->bwe)
            sl_bwe_fetch_told(t->bwe);
    } else if (t->rx && t->rx->streams_n > 0) {
        sl_producer_fetch(t->rx->streams[0].encoding);
        if (t->rx->twcc)
            __builtin_prefetch(t->rx->twcc, 1);
    }
}

/* And behind that, of media. */
static void fetch_farthest(const struct transport *t, const struct pkt *p)
{
    if (!t->in || is_report(p) || !t->rx || t->rx->streams_n == 0)
        return;
    sl_producer_fetch_far(t->rx->streams[0].encoding);
    if (t->rx->twcc)
        twcc_fetch(t->rx->twcc);
}

/* Who sent them: NULL where nobody is known there. */
static void find(const struct shard *s, struct pkt *const *pkts, size_t n,
                 struct transport **ret)
{
    struct address_asked asked[FETCHED];
    for (size_t i = 0; i < n; i++) {
        asked[i] = address_ask(s, &pkts[i]->from, pkts[i]->port);
        sl_map_fetch(&s->addrs, asked[i].hash);
    }
    for (size_t i = 0; i < n; i++)
        sl_map_fetch_node(&s->addrs, asked[i].hash);
    for (size_t i = 0; i < n; i++) {
        bool known = kind_of(pkts[i]) == DGRAM_RTP || kind_of(pkts[i]) == DGRAM_DTLS;
        const struct tp_addr *a = known ? address_found(s, &asked[i]) : NULL;
        ret[i] = a ? a->transport : NULL;
    }
}

/* Thousands send in turn, so that what a datagram needs lies in places that the cache has
 * forgotten: for feedback some forty lines. They are fetched for a group of datagrams, not
 * waited for one after the other. */
static void take_group(struct shard *s, struct pkt *const *pkts, size_t n, usec now)
{
    struct transport *of[FETCHED];
    find(s, pkts, n, of);
    for (size_t i = 0; i < n; i++)
        if (of[i])
            fetch(of[i], &of[i]->id);
    for (size_t i = 0; i < n; i++)
        if (of[i])
            fetch_far(of[i], pkts[i]);
    for (size_t i = 0; i < n; i++)
        if (of[i])
            fetch_farther(of[i], pkts[i]);
    for (size_t i = 0; i < n; i++)
        if (of[i])
            fetch_farthest(of[i], pkts[i]);
    for (size_t i = 0; i < n; i++)
        take(s, of[i], pkts[i], now);
}

/* A check may give an address to another transport: what follows it is looked up after it. */
void sl_landing_take(struct shard *s, struct pkt *const *pkts, size_t n, usec now)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = 0;
        while (k < FETCHED && i + k < n && kind_of(pkts[i + k]) != DGRAM_STUN)
            k++;
        take_group(s, pkts + i, k, now);
        if (k == 0)
            sl_landing_stun(s, pkts[i + k++], now);
    }
}
