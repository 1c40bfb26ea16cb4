/* What a simulation's clients send. */

#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "proto/stun.h"
#include "sim.h"

void sim_send_raw(struct sim_client *c, const uint8_t *p, size_t n)
{
    struct pkt *pkt = sl_pkt_new(c->sim->pools[c->shard]);
    if (!pkt)
        return; /* counted by the pool */
    memcpy(pkt->data, p, n);
    pkt->n = (uint16_t)n;
    pkt->from = c->addr;
    pkt->port = c->port;
    pkt->at = c->sim->now;
    c->sim->waiting[c->sim->waiting_n++] = pkt;
    if (!c->sim->gathers || c->sim->waiting_n == SIM_BATCH)
        sim_deliver(c->sim, c->shard);
}

void sim_deliver(struct sim *s, unsigned shard)
{
    sl_capture_datagrams(&s->captures[shard], s->waiting, s->waiting_n, s->now);
    s->inside = true;
    sl_shard_datagrams(s->shards[shard], s->waiting, s->waiting_n, s->now);
    s->inside = false;
    s->waiting_n = 0;
}

static void check(struct sim_client *c, bool nominating)
{
    uint8_t buf[256];
    char name[64];
    struct wr w = wr_of(buf, sizeof buf);
    (void)snprintf(name, sizeof name, "%s:peer%" PRIu64, c->creds.ufrag, c->id);
    struct stun msg = {.class = STUN_REQUEST,
                       .method = STUN_BINDING,
                       .username = span_of(name),
                       .role = STUN_CONTROLLING,
                       .tie_breaker = 7,
                       .has_priority = true,
                       .priority = 1,
                       .use_candidate = nominating};
    struct hmac_sha1 key = sl_hmac_sha1_of(span_of(c->creds.pwd));
    sl_stun_build(&w, &msg, &key);
    CHECK(!w.bad);
    sim_send_raw(c, buf, w.n);
}

void sim_check(struct sim_client *c)
{
    check(c, true);
}

void sim_check_only(struct sim_client *c)
{
    check(c, false);
}

void sim_send_padded(struct sim_client *c, const struct rtp *rtp, uint8_t padding)
{
    uint8_t dst[1900], body[1900];
    struct wr w = wr_of(dst, sizeof dst), b = wr_of(body, sizeof body);
    struct rtp head = *rtp;
    head.payload.n = 0;
    sl_rtp_build(&w, &head);
    wr_span(&b, rtp->payload);
    for (uint8_t i = padding; i > 0; i--)
        wr_u8(&b, i == 1 ? padding : 0);
    if (padding)
        dst[0] |= 0x20;
    CHECK(!w.bad && !b.bad);
    struct srtp_job j = {.out = c->out,
                         .guard = &c->guard,
                         .index = (c->index & ~UINT64_C(0xffff)) | rtp->seq,
                         .dst = dst,
                         .body = body,
                         .header_n = (uint16_t)w.n,
                         .body_n = (uint16_t)b.n};
    c->guard.next = 0; /* SSRCs share this guard: the test vouches for its numbers */
    sl_srtp_protect(&j, 1);
    CHECK_INT(j.err, E_OK);
    sim_send_raw(c, dst, w.n + b.n + sl_srtp_tag_len(c->profile));
}

void sim_send_rtp(struct sim_client *c, const struct rtp *rtp)
{
    sim_send_padded(c, rtp, 0);
}

void sim_send_rtcp(struct sim_client *c, struct span plain)
{
    uint8_t buf[1600];
    size_t n = plain.n;
    memcpy(buf, plain.p, n);
    CHECK_INT(sl_srtp_protect_rtcp(c->out, buf, &n), E_OK);
    sim_send_raw(c, buf, n);
}

void sim_send_nack(struct sim_client *c, uint32_t media, const uint16_t *seqs, size_t n)
{
    uint8_t buf[1200];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    sl_rtcp_build_nack(&w, 1, media, seqs, n);
    CHECK(!w.bad);
    sim_send_rtcp(c, wr_done(&w));
}

void sim_send_pli(struct sim_client *c, uint32_t media)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    sl_rtcp_build_pli(&w, 1, media);
    sim_send_rtcp(c, wr_done(&w));
}
