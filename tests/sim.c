#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "proto/stun.h"

enum { MAILS = 8192, CLIENTS = 64 };

struct letter {
    unsigned from, to;
    struct mail mail;
};

struct sim_io {
    struct sim *sim;
    unsigned shard;
};

static struct sim_io io[SIM_SHARDS];
static size_t clients_n, letters_head, letters_tail;
static struct sim_client *clients[CLIENTS];
static struct letter letters[MAILS];

/* ---- what shards send ---- */

static void take_rtp(struct sim_client *c, uint8_t *p, size_t n)
{
    struct sim_got *g = &c->rtp[c->rtp_n % SIM_GOT];
    uint64_t index;
    if (sl_srtp_unprotect(c->in, p, &n, &index) != E_OK) {
        c->bad_n++;
        return;
    }
    c->rtp_n++;
    g->n = (uint16_t)n;
    memcpy(g->bytes, p, n);
}

static void take_rtcp(struct sim_client *c, uint8_t *p, size_t n)
{
    struct sim_got *g = &c->rtcp[c->rtcp_n % SIM_GOT];
    if (sl_srtp_unprotect_rtcp(c->in, p, &n) != E_OK) {
        c->bad_n++;
        return;
    }
    c->rtcp_n++;
    g->n = (uint16_t)n;
    memcpy(g->bytes, p, n);
}

static void take(struct sim_client *c, const uint8_t *p, size_t n)
{
    if (dgram_of(p[0]) == DGRAM_STUN) {
        c->stun_n++;
        return;
    }
    struct sim_got *w = &c->wire[c->wire_n++ % SIM_GOT];
    uint8_t buf[sizeof w->bytes];
    CHECK(n <= sizeof buf);
    w->n = (uint16_t)n;
    memcpy(w->bytes, p, n);
    memcpy(buf, p, n);
    if (rtp_is_rtcp(p))
        take_rtcp(c, buf, n);
    else
        take_rtp(c, buf, n);
}

static struct sim_client *client_at(const struct addr *a)
{
    for (size_t i = 0; i < clients_n; i++)
        if (addr_eq(&clients[i]->addr, a))
            return clients[i];
    return NULL;
}

static void take_run(struct sim *s, const struct tx *tx)
{
    struct sim_client *c = client_at(&tx->to);
    size_t step = tx->segment ? tx->segment : tx->n;
    s->runs[s->runs_n++ % SIM_RUNS] = (struct sim_tx){
        .to = tx->to, .port = tx->port, .segment = tx->segment, .n = tx->n};
    for (size_t at = 0; at < tx->n; at += step) {
        if (c)
            take(c, tx->p + at, tx->n - at < step ? tx->n - at : step);
        s->lost += !c;
    }
}

static usec send_all(void *ctx, const struct tx *tx, size_t n)
{
    const struct sim_io *me = ctx;
    me->sim->inside = false;
    me->sim->sends++;
    for (size_t i = 0; i < n; i++)
        take_run(me->sim, &tx[i]);
    sl_capture_sent(&me->sim->captures[me->shard], tx, n, me->sim->now);
    me->sim->inside = true;
    return me->sim->now;
}

static bool post(void *ctx, unsigned to, const struct mail *m, size_t keep)
{
    const struct sim_io *me = ctx;
    bool full = me->sim->full[to] || (keep > 0 && me->sim->full_for_media[to]);
    struct capture *c = &me->sim->captures[me->shard];
    if (!c->over) {
        struct capture_letter l = sl_capture_letter(m);
        sl_capture_posted(c, to, &l, !full);
    }
    if (full)
        return false;
    CHECK(letters_tail - letters_head < MAILS);
    letters[letters_tail++ % MAILS] =
        (struct letter){.from = me->shard, .to = to, .mail = *m};
    return true;
}

static void proved(void *ctx, uint16_t port, uint16_t owner)
{
    const struct sim_io *me = ctx;
    me->sim->proved.n++;
    me->sim->proved.shard = me->shard;
    me->sim->proved.port = port;
    me->sim->proved.owner = owner;
    sl_capture_proved(&me->sim->captures[me->shard], port, owner);
}

/* ---- what shards are given ---- */

void sim_give_mail(struct sim *s, unsigned shard, unsigned from, const struct mail *m)
{
    sl_capture_mail(&s->captures[shard], from, m, s->now);
    s->inside = true;
    sl_shard_mail(s->shards[shard], from, m, s->now);
    s->inside = false;
}

void sim_tick(struct sim *s, unsigned shard)
{
    sl_capture_tick(&s->captures[shard], s->now);
    s->inside = true;
    sl_shard_tick(s->shards[shard], s->now);
    s->inside = false;
}

static void flush(struct sim *s, unsigned shard)
{
    sl_capture_flush(&s->captures[shard], s->now);
    s->inside = true;
    sl_shard_flush(s->shards[shard], s->now);
    s->inside = false;
}

struct span sim_captured(struct sim *s, unsigned shard)
{
    struct capture *c = &s->captures[shard];
    size_t n = sl_capture_end(c);
    return (struct span){c->out.p, n};
}

/* ---- time ---- */

static void deliver(struct sim *s)
{
    while (letters_head != letters_tail) {
        struct letter l = letters[letters_head++ % MAILS];
        if (l.to < SIM_SHARDS) {
            s->to_shards[l.mail.type]++;
            sim_give_mail(s, l.to, l.from, &l.mail);
        } else if (l.to == SHARD_TO_CONTROL) {
            s->to_control[l.mail.type]++;
            s->told[l.mail.type] = l.mail;
        } else {
            s->to_assoc++;
            if (l.mail.type == MAIL_DTLS)
                sim_give_mail(s, l.from, SHARD_TO_ASSOC,
                              &(struct mail){.type = MAIL_BACK, .p = l.mail.p});
        }
    }
}

void sim_settle(struct sim *s)
{
    for (int round = 0; round < 4; round++) {
        deliver(s);
        for (unsigned i = 0; i < SIM_SHARDS; i++)
            flush(s, i);
    }
    deliver(s);
}

void sim_run(struct sim *s, usec span)
{
    for (usec end = s->now + span; s->now < end; s->now += MSEC(1)) {
        for (unsigned i = 0; i < SIM_SHARDS; i++) {
            if (sl_shard_deadline(s->shards[i]) > s->now)
                continue;
            s->ticks++;
            sim_tick(s, i);
            CHECK(sl_shard_deadline(s->shards[i]) > s->now);
        }
        sim_settle(s);
    }
}

struct sim_conf sim_plain;

void sim_init(struct sim *s)
{
    sim_init_with(s, &sim_plain);
}

void sim_init_with(struct sim *s, const struct sim_conf *conf)
{
    size_t packets = conf->packets ? conf->packets : SIM_PACKETS;
    size_t leases = conf->leases ? conf->leases : SIM_PACKETS;
    memset(s, 0, sizeof *s);
    clients_n = letters_head = letters_tail = 0;
    s->now = SEC(100);
    for (unsigned i = 0; i < SIM_SHARDS; i++) {
        const struct capture_head head = {.worker = (uint16_t)i,
                                          .packets = (uint32_t)packets,
                                          .leases = (uint32_t)leases,
                                          .seed = i + 1,
                                          .hash_key = {1, 2}};
        io[i] = (struct sim_io){.sim = s, .shard = i};
        s->pools[i] = sl_pkt_pool_new(packets, leases, head.worker);
        s->shards[i] = sl_shard_new(
            &(struct shard_conf){.worker = head.worker,
                                 .pool = s->pools[i],
                                 .srtp = sl_srtp_backend_best(),
                                 .seed = head.seed,
                                 .hash_key = {head.hash_key[0], head.hash_key[1]},
                                 .io = {&io[i], send_all, post, proved}});
        CHECK(s->pools[i] && s->shards[i]);
        s->captures[i].over = true;
        if (conf->captures[i])
            sl_capture_init(&s->captures[i], wr_of(conf->captures[i], conf->captures_n),
                            &head, s->pools[i], USEC_NEVER);
    }
}

static void client_free(struct sim_client *c)
{
    sl_srtp_out_free(c->out);
    sl_srtp_in_free(c->in);
    sl_srtp_guard_fini(&c->guard);
    free(c);
}

void sim_fini(struct sim *s)
{
    sim_settle(s);
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sl_shard_free(s->shards[i]);
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sl_pkt_pool_free(s->pools[i]);
    while (clients_n > 0)
        client_free(clients[--clients_n]);
}

void sim_close_all(struct sim *s)
{
    for (size_t k = 0; k < clients_n; k++)
        for (unsigned i = 0; i < SIM_SHARDS; i++)
            sim_tell(s, i, MAIL_CLOSE, clients[k]->id, 0);
    for (uint64_t id = 1; id < 256; id++) /* producers, as tests number them */
        for (unsigned i = 0; i < SIM_SHARDS; i++)
            sim_tell(s, i, MAIL_PRODUCER_CLOSE, id, 0);
    sim_settle(s);
}

size_t sim_packets(const struct sim *s)
{
    size_t n = 0;
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        n += sl_pkt_pool_used(s->pools[i]);
    return n;
}

const struct shard_stats *sim_stats(const struct sim *s, unsigned shard)
{
    return sl_shard_stats(s->shards[shard]);
}

void *sim_copy(const void *p, size_t n)
{
    void *copy = malloc(n);
    if (!copy)
        abort();
    memcpy(copy, p, n);
    return copy;
}

/* ---- commands ---- */

void sim_mail(struct sim *s, unsigned shard, const struct mail *m)
{
    sim_give_mail(s, shard, SHARD_TO_CONTROL, m);
}

void sim_tell(struct sim *s, unsigned shard, enum mail_type type, uint64_t id,
              uint32_t arg)
{
    sim_mail(s, shard, &(struct mail){.type = type, .id = id, .arg = arg});
}

static void tell_credentials(struct sim_client *c, enum mail_type type)
{
    struct cmd_expect e = {
        .transport = c->id, .creds = c->creds, .single = c->sim->single};
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sim_mail(c->sim, i, &(struct mail){.type = type, .p = sim_copy(&e, sizeof e)});
}

struct sim_client *sim_client_new(struct sim *s, uint64_t id, unsigned shard,
                                  enum srtp_profile profile)
{
    struct sim_client *c = calloc(1, sizeof *c);
    if (!c || clients_n == CLIENTS)
        abort();
    c->sim = s;
    c->id = id;
    c->shard = shard;
    c->profile = profile;
    c->addr = addr_v4(10, 0, 0, (uint8_t)id, (uint16_t)(1000 + id));
    c->creds = sl_ice_creds_make();
    clients[clients_n++] = c;
    tell_credentials(c, MAIL_EXPECT);
    return c;
}

struct sim_client *sim_connected(struct sim *s, uint64_t id, unsigned shard,
                                 enum srtp_profile profile)
{
    struct sim_client *c = sim_client_new(s, id, shard, profile);
    sim_check(c);
    sim_settle(s);
    CHECK_INT(c->stun_n, 1);
    sim_keys(c);
    return c;
}

struct ice_creds sim_restart(struct sim_client *c)
{
    struct ice_creds old = c->creds;
    c->creds = sl_ice_creds_make();
    tell_credentials(c, MAIL_RESTART);
    return old;
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
    sim_give_mail(c->sim, c->shard, SHARD_TO_ASSOC,
                  &(struct mail){.type = MAIL_KEYS, .p = sim_copy(&k, sizeof k)});
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        if (i != c->shard)
            sim_tell(c->sim, i, MAIL_OWNER, c->id, c->shard);
}

void sim_ready(struct sim_client *c)
{
    sim_tell(c->sim, c->shard, MAIL_READY, c->id, 0);
}

void sim_produce(struct sim_client *c, const struct cmd_producer *p)
{
    struct cmd_producer cmd = *p;
    cmd.transport = c->id;
    cmd.origin = (uint16_t)c->shard;
    sim_mail(c->sim, c->shard,
             &(struct mail){.type = MAIL_PRODUCER, .p = sim_copy(&cmd, sizeof cmd)});
}

void sim_carry(struct sim_client *c, const struct cmd_producer *p, unsigned to)
{
    struct cmd_producer cmd = *p;
    cmd.transport = 0;
    cmd.origin = (uint16_t)c->shard;
    sim_mail(c->sim, to,
             &(struct mail){.type = MAIL_REMOTE, .p = sim_copy(&cmd, sizeof cmd)});
    sim_tell(c->sim, c->shard, MAIL_PIPE, p->id, to);
}

void sim_source(struct sim_client *c, uint64_t consumer, uint64_t producer)
{
    sim_mail(c->sim, c->shard,
             &(struct mail){.type = MAIL_SOURCE, .id = consumer, .id2 = producer});
}

void sim_consume(struct sim_client *c, const struct cmd_consumer *k, uint64_t producer)
{
    struct cmd_consumer cmd = *k;
    cmd.transport = c->id;
    sim_mail(c->sim, c->shard,
             &(struct mail){.type = MAIL_CONSUMER, .p = sim_copy(&cmd, sizeof cmd)});
    sim_source(c, k->id, producer);
}
