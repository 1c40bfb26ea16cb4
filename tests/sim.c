#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "proto/stun.h"
#include "sfu/mail.h"

enum { MAILS = 4096 };

struct letter {
    unsigned from, to;
    struct mail mail;
};

struct sim_io {
    struct sim *sim;
    unsigned shard;
    size_t clients_n;
    struct sim_client *clients[16];
    size_t head, tail;
    struct letter letters[MAILS];
};

static struct sim_io
    io[SIM_SHARDS + 1]; /* the last holds the letters and clients of all */

static void take(struct sim_client *c, const uint8_t *p, size_t n)
{
    uint8_t buf[1600];
    uint64_t index;
    memcpy(buf, p, n);
    if (dgram_of(p[0]) == DGRAM_STUN) {
        c->stun_n++;
    } else if (rtp_is_rtcp(p)) {
        struct sim_got *g = &c->rtcp[c->rtcp_n % SIM_GOT];
        if (sl_srtp_unprotect_rtcp(c->in, buf, &n) == E_OK)
            c->rtcp_n++;
        else
            c->bad_n++;
        g->n = (uint16_t)n;
        memcpy(g->bytes, buf, n);
    } else {
        struct sim_got *g = &c->rtp[c->rtp_n % SIM_GOT];
        if (sl_srtp_unprotect(c->in, buf, &n, &index) == E_OK)
            c->rtp_n++;
        else
            c->bad_n++;
        g->n = (uint16_t)n;
        memcpy(g->bytes, buf, n);
    }
}

static usec send_all(void *ctx, const struct tx *tx, size_t n)
{
    const struct sim_io *me = ctx;
    const struct sim_io *all = &io[SIM_SHARDS];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < all->clients_n; k++) {
            size_t step = tx[i].segment ? tx[i].segment : tx[i].n;
            if (!addr_eq(&all->clients[k]->addr, &tx[i].to))
                continue;
            for (size_t at = 0; at < tx[i].n; at += step)
                take(all->clients[k], tx[i].p + at,
                     tx[i].n - at < step ? tx[i].n - at : step);
        }
    return me->sim->now;
}

static bool post(void *ctx, unsigned to, const struct mail *m, size_t keep)
{
    const struct sim_io *me = ctx;
    struct sim_io *all = &io[SIM_SHARDS];
    (void)keep;
    if (all->tail - all->head == MAILS)
        return false;
    all->letters[all->tail++ % MAILS] =
        (struct letter){.from = me->shard, .to = to, .mail = *m};
    return true;
}

static void deliver(struct sim *s)
{
    struct sim_io *all = &io[SIM_SHARDS];
    while (all->head != all->tail) {
        struct letter l = all->letters[all->head++ % MAILS];
        if (l.to < SIM_SHARDS) {
            sl_shard_mail(s->shards[l.to], l.from, &l.mail, s->now);
        } else if (l.to == SHARD_TO_CONTROL) {
            s->to_control[l.mail.type]++;
        } else {
            s->to_assoc++;
            if (l.mail.type == MAIL_DTLS)
                sl_pkt_unref(l.mail.p);
        }
    }
}

void sim_settle(struct sim *s)
{
    for (int round = 0; round < 4; round++) {
        deliver(s);
        for (unsigned i = 0; i < SIM_SHARDS; i++)
            sl_shard_flush(s->shards[i], s->now);
    }
    deliver(s);
}

void sim_run(struct sim *s, usec span)
{
    for (usec end = s->now + span; s->now < end; s->now += MSEC(1)) {
        for (unsigned i = 0; i < SIM_SHARDS; i++)
            if (sl_shard_deadline(s->shards[i]) <= s->now)
                sl_shard_tick(s->shards[i], s->now);
        sim_settle(s);
    }
}

void sim_init(struct sim *s)
{
    memset(s, 0, sizeof *s);
    memset(io, 0, sizeof io);
    s->now = SEC(100);
    for (unsigned i = 0; i < SIM_SHARDS; i++) {
        io[i] = (struct sim_io){.sim = s, .shard = i};
        s->pools[i] = sl_pkt_pool_new(SIM_PACKETS, SIM_PACKETS, (uint16_t)i);
        s->shards[i] = sl_shard_new(
            &(struct shard_conf){.worker = (uint16_t)i,
                                 .pool = s->pools[i],
                                 .srtp = sl_srtp_backend_best(),
                                 .seed = i + 1,
                                 .hash_key = {1, 2},
                                 .io = {.ctx = &io[i], .send = send_all, .post = post}});
        CHECK(s->pools[i] && s->shards[i]);
    }
}

void sim_fini(struct sim *s)
{
    sim_settle(s);
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sl_shard_free(s->shards[i]);
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sl_pkt_pool_free(s->pools[i]);
}

void *sim_copy(const void *p, size_t n)
{
    void *copy = malloc(n);
    if (!copy)
        abort();
    memcpy(copy, p, n);
    return copy;
}

void sim_mail(struct sim *s, unsigned shard, const struct mail *m)
{
    sl_shard_mail(s->shards[shard], SHARD_TO_CONTROL, m, s->now);
}

struct sim_client *sim_client_new(struct sim *s, uint64_t id, unsigned shard,
                                  enum srtp_profile profile)
{
    struct sim_client *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->sim = s;
    c->id = id;
    c->shard = shard;
    c->profile = profile;
    c->addr = addr_v4(10, 0, 0, (uint8_t)id, (uint16_t)(1000 + id));
    c->creds = sl_ice_creds_make();
    c->index = 100;
    io[SIM_SHARDS].clients[io[SIM_SHARDS].clients_n++] = c;
    struct cmd_expect e = {.transport = id, .creds = c->creds};
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sim_mail(s, i, &(struct mail){.type = MAIL_EXPECT, .p = sim_copy(&e, sizeof e)});
    return c;
}

void sim_client_free(struct sim_client *c)
{
    sl_srtp_out_free(c->out);
    sl_srtp_in_free(c->in);
    sl_srtp_guard_fini(&c->guard);
    free(c);
}

void sim_send_raw(struct sim_client *c, const uint8_t *p, size_t n)
{
    struct pkt *pkt = sl_pkt_new(c->sim->pools[c->shard]);
    if (!pkt)
        abort();
    memcpy(pkt->data, p, n);
    pkt->n = (uint16_t)n;
    pkt->from = c->addr;
    pkt->port = 0;
    pkt->at = c->sim->now;
    sl_shard_datagrams(c->sim->shards[c->shard], &pkt, 1, c->sim->now);
}

void sim_check(struct sim_client *c)
{
    uint8_t buf[256];
    char name[32];
    struct wr w = wr_of(buf, sizeof buf);
    size_t n = strlen(c->creds.ufrag);
    memcpy(name, c->creds.ufrag, n);
    memcpy(name + n, ":peer", 6);
    struct stun msg = {.class = STUN_REQUEST,
                       .method = STUN_BINDING,
                       .username = span_of(name),
                       .role = STUN_CONTROLLING,
                       .tie_breaker = 7,
                       .has_priority = true,
                       .priority = 1,
                       .use_candidate = true};
    struct hmac_sha1 key = sl_hmac_sha1_of(span_of(c->creds.pwd));
    sl_stun_build(&w, &msg, &key);
    CHECK(!w.bad);
    sim_send_raw(c, buf, w.n);
}

void sim_keys(struct sim_client *c)
{
    struct cmd_keys k = {.transport = c->id};
    k.in.profile = k.out.profile = c->profile;
    memset(k.in.key, (int)c->id, sizeof k.in.key);
    memset(k.out.key, (int)c->id + 100, sizeof k.out.key);
    c->out = sl_srtp_out_new(sl_srtp_backend("openssl"), &k.in);
    c->in = sl_srtp_in_new(sl_srtp_backend("openssl"), &k.out, 64);
    CHECK(c->out && c->in);
    CHECK_INT(sl_srtp_guard_init(&c->guard, 0), E_OK);
    sl_shard_mail(c->sim->shards[c->shard], SHARD_TO_ASSOC,
                  &(struct mail){.type = MAIL_KEYS, .p = sim_copy(&k, sizeof k)},
                  c->sim->now);
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        if (i != c->shard)
            sim_mail(c->sim, i,
                     &(struct mail){.type = MAIL_OWNER, .id = c->id, .arg = c->shard});
}

void sim_ready(struct sim_client *c)
{
    sim_mail(c->sim, c->shard, &(struct mail){.type = MAIL_READY, .id = c->id});
}

void sim_send_rtp(struct sim_client *c, const struct rtp *rtp)
{
    uint8_t dst[1600], body[1600];
    struct wr w = wr_of(dst, sizeof dst);
    struct rtp head = *rtp;
    head.payload.n = 0;
    sl_rtp_build(&w, &head);
    if (rtp->payload.n > 0)
        memcpy(body, rtp->payload.p, rtp->payload.n);
    struct srtp_job j = {.out = c->out,
                         .guard = &c->guard,
                         .index = c->index,
                         .dst = dst,
                         .body = body,
                         .header_n = (uint16_t)w.n,
                         .body_n = (uint16_t)rtp->payload.n};
    c->guard.next = 0; /* SSRCs share this guard: the test vouches for its numbers */
    j.index = (c->index & ~UINT64_C(0xffff)) | rtp->seq;
    sl_srtp_protect(&j, 1);
    CHECK_INT(j.err, E_OK);
    sim_send_raw(c, dst, w.n + rtp->payload.n + sl_srtp_tag_len(c->profile));
}

void sim_send_rtcp(struct sim_client *c, struct span plain)
{
    uint8_t buf[1600];
    size_t n = plain.n;
    memcpy(buf, plain.p, n);
    CHECK_INT(sl_srtp_protect_rtcp(c->out, buf, &n), E_OK);
    sim_send_raw(c, buf, n);
}
