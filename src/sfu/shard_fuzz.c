#include <stdarg.h>

#include "fuzz.h"
#include "sfu/replay.h"
#include "stage.h"

/*
 * Whatever peers send and control tells, in whatever order and however full mailboxes and
 * pools are: an SRTP index is never used twice, what is forwarded is RTP on an SSRC of ours,
 * no deadline is already past, when all is closed nothing is left, and a replay of what was
 * captured gives the same. The input is a script
 * of operations over three shards and their clients; the RTP and RTCP in it are authentic,
 * since anybody can have keys.
 */

enum {
    PEERS = 6,
    SLOTS = 4,         /* producers and consumers of a client */
    PRODUCER_ID = 10,  /* and on */
    CONSUMER_ID = 100, /* and on; its SSRC is OUT_SSRC + id, of its RTX 1000 more */
    OUT_SSRC = 5000,
    OPS_MAX = 400,
    PACKETS = 192,
    CAPTURED = 1 << 20, /* octets of each shard; what is behind them is not replayed */
};

static struct sim s;
static struct peer {
    struct sim_client *c;
    unsigned owner; /* the shard with its keys */
    bool keys;
    uint16_t seq;
    size_t looked; /* at so many of what it received */
} peers[PEERS];

void check_fail(const char *file, int line, const char *fmt, ...)
{
    (void)file, (void)line, (void)fmt;
    __builtin_trap(); /* what the simulation takes for granted */
}

/* ---- what control tells ---- */

static void tell(unsigned shard, enum mail_type type, const void *p, size_t n)
{
    sim_mail(&s, shard, &(struct mail){.type = type, .p = sim_copy(p, n)});
}

static struct cmd_producer producer_of(unsigned kind)
{
    struct cmd_producer all = stage_simulcast();
    static const enum codec codecs[] = {CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_H265,
                                        CODEC_AV1};
    switch (kind % 5) {
    case 0: return stage_video();
    case 1: return stage_unnamed();
    case 2: return stage_simulcast();
    case 3: return stage_audio();
    }
    all.receive.params.codecs_n = LEN(codecs);
    for (uint8_t i = 0; i < LEN(codecs); i++)
        all.receive.params.codecs[i] =
            stage_codec(codecs[i], PT_VP8 + 2 * i, PT_VP8 + 2 * i + 1);
    all.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
    all.receive.params.ext_id[EXT_ABS_SEND_TIME] = AST_IN;
    return all;
}

static struct cmd_consumer consumer_of(unsigned kind)
{
    struct cmd_consumer k = stage_viewer(kind % 2 ? RTX_OUT : PT_NONE);
    if (kind % 4 == 3)
        return stage_listener();
    if (kind % 4 == 2) {
        struct cmd_producer p = producer_of(4);
        k.send.params.codecs_n = p.receive.params.codecs_n;
        memcpy(k.send.params.codecs, p.receive.params.codecs,
               sizeof k.send.params.codecs);
        k.send.params.ext_id[EXT_DEPENDENCY] = DD_OUT;
        k.send.params.ext_id[EXT_ABS_SEND_TIME] = AST_OUT;
    }
    return k;
}

static void add_producer(const struct peer *p, uint64_t id, unsigned kind)
{
    struct cmd_producer cmd = producer_of(kind);
    cmd.id = id;
    cmd.transport = p->c->id;
    cmd.origin = (uint16_t)p->owner;
    tell(p->owner, MAIL_PRODUCER, &cmd, sizeof cmd);
}

static void carry(const struct peer *p, uint64_t id, unsigned kind, unsigned to)
{
    struct cmd_producer cmd = producer_of(kind);
    cmd.id = id;
    cmd.origin = (uint16_t)p->owner;
    if (to == p->owner)
        return;
    tell(to, MAIL_REMOTE, &cmd, sizeof cmd);
    sim_tell(&s, p->owner, MAIL_PIPE, id, to);
}

static void add_consumer(const struct peer *p, uint64_t id, unsigned kind)
{
    struct cmd_consumer cmd = consumer_of(kind);
    cmd.id = id;
    cmd.transport = p->c->id;
    cmd.send.ssrc = OUT_SSRC + (uint32_t)id;
    cmd.send.rtx_ssrc =
        cmd.send.params.codecs[0].rtx_pt == PT_NONE ? 0 : OUT_SSRC + 1000 + (uint32_t)id;
    tell(p->owner, MAIL_CONSUMER, &cmd, sizeof cmd);
}

static void give_keys(struct peer *p)
{
    if (p->keys)
        return;
    p->keys = true;
    p->owner = p->c->shard;
    sim_keys(p->c);
}

/* Thing a of a client, or of another. */
static void command(struct peer *p, struct rd *r)
{
    uint8_t what = rd_u8(r), a = rd_u8(r), b = rd_u8(r);
    unsigned number = (unsigned)(p - peers) * SLOTS + a % SLOTS;
    uint64_t producer = PRODUCER_ID + number, consumer = CONSUMER_ID + number;
    unsigned shard = b % SIM_SHARDS;
    switch (what % 14) {
    case 0: give_keys(p); break;
    case 1: sim_tell(&s, p->owner, MAIL_READY, p->c->id, 0); break;
    case 2:
        if (p->keys)
            add_producer(p, producer, b);
        break;
    case 3: carry(p, producer, b, (b / 5U) % SIM_SHARDS); break;
    case 4:
        if (p->keys)
            add_consumer(p, consumer, b);
        break;
    case 5:
        sim_mail(&s, p->owner,
                 &(struct mail){.type = MAIL_SOURCE,
                                .id = consumer,
                                .id2 = b % 32 ? PRODUCER_ID + b % (PEERS * SLOTS) : 0});
        break;
    case 6: sim_tell(&s, p->owner, MAIL_UNPIPE, producer, shard); break;
    case 7: sim_tell(&s, shard, MAIL_PRODUCER_CLOSE, producer, 0); break;
    case 8: sim_tell(&s, p->owner, MAIL_CONSUMER_CLOSE, consumer, 0); break;
    case 9: (void)sim_restart(p->c); break;
    case 10: sim_tell(&s, shard, MAIL_CLOSE, p->c->id, 0); break;
    case 11: s.full_for_media[shard] = a & 1; break;
    case 12:
        sim_mail(&s, p->owner,
                 &(struct mail){.type = MAIL_CEILING, .id = p->c->id, .id2 = 1000U * b});
        break;
    case 13: sim_tell(&s, shard, MAIL_EXCESS, producer, a); break;
    }
}

/* ---- what peers send ---- */

static uint32_t ssrc_of(unsigned n)
{
    static const uint32_t some[] = {SSRC_IN, RTX_IN, AUDIO_IN, 1001, 1002, 1003, 1004};
    return n < LEN(some) ? some[n] : n;
}

static void send_rtp(struct peer *p, struct rd *r)
{
    uint8_t bits = rd_u8(r), ts = rd_u8(r);
    struct rtp rtp = {.marker = bits & 1, .pt = rd_u8(r) & 0x7f, .ts = ts * 900U};
    rtp.ssrc = ssrc_of(rd_u8(r));
    p->seq = (uint16_t)(p->seq + (int8_t)rd_u8(r));
    rtp.seq = p->seq;
    if (bits & 2) {
        rtp.ext_profile = bits & 4 ? RTP_TWO_BYTE : RTP_ONE_BYTE;
        rtp.ext = rd_span(r, 4U * (rd_u8(r) & 15));
    }
    rtp.payload = rd_span(r, rd_u8(r));
    if (p->keys)
        sim_send_padded(p->c, &rtp, bits & 8 ? bits >> 4 : 0);
}

static void send_rtcp(const struct peer *p, struct rd *r)
{
    struct span plain = rd_span(r, rd_u8(r));
    if (p->keys && plain.n >= 8)
        sim_send_rtcp(p->c, plain);
}

/* A viewer's wish about what it was really sent. */
static void ask(const struct peer *p, struct rd *r)
{
    uint8_t back = rd_u8(r), n = rd_u8(r) % 64;
    uint16_t seqs[64];
    if (!p->keys || p->c->rtp_n == 0)
        return;
    struct rtp last = sim_rtp(p->c, (p->c->rtp_n - 1) % SIM_GOT);
    for (uint8_t i = 0; i < n; i++)
        seqs[i] = (uint16_t)(last.seq - back + i);
    if (n > 0)
        sim_send_nack(p->c, last.ssrc, seqs, n);
    else
        sim_send_pli(p->c, last.ssrc);
}

static void roam(struct peer *p, uint8_t to)
{
    p->c->addr.port = (uint16_t)(2000 + 10 * p->c->id + to % 8);
    p->c->shard = to % SIM_SHARDS;
}

static void send_raw(const struct peer *p, struct rd *r)
{
    struct span d = rd_span(r, rd_u8(r));
    static uint8_t some[256];
    memcpy(some, d.p ? d.p : some, d.n);
    sim_send_raw(p->c, some, d.n);
}

/* ---- what must hold ---- */

/* From deadline to deadline, none of which may stand still. */
static void pass(usec span)
{
    usec end = s.now + span;
    for (;;) {
        unsigned first = 0;
        for (unsigned i = 1; i < SIM_SHARDS; i++)
            if (sl_shard_deadline(s.shards[i]) < sl_shard_deadline(s.shards[first]))
                first = i;
        usec at = sl_shard_deadline(s.shards[first]);
        if (at > end)
            break;
        s.now = at > s.now ? at : s.now;
        sim_tick(&s, first);
        MUST(sl_shard_deadline(s.shards[first]) > s.now);
        sim_settle(&s);
    }
    s.now = end;
}

static void look(void)
{
    for (size_t i = 0; i < PEERS; i++) {
        struct peer *p = &peers[i];
        if (p->c->rtp_n - p->looked > SIM_GOT)
            p->looked = p->c->rtp_n - SIM_GOT;
        for (; p->looked < p->c->rtp_n; p->looked++) {
            const struct sim_got *g = &p->c->rtp[p->looked % SIM_GOT];
            struct rtp rtp;
            MUST(sl_rtp_parse((struct span){g->bytes, g->n}, &rtp) == E_OK);
            uint32_t id = (rtp.ssrc - OUT_SSRC) % 1000;
            MUST(id >= CONSUMER_ID + i * SLOTS && id < CONSUMER_ID + (i + 1) * SLOTS);
        }
    }
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        MUST(sim_stats(&s, i)->srtp_refused == 0);
}

static void operate(struct rd *r)
{
    uint8_t op = rd_u8(r);
    struct peer *p = &peers[op % PEERS];
    switch (op / PEERS % 10) {
    case 0: command(p, r); break;
    case 1: send_rtp(p, r); break;
    case 2: send_rtcp(p, r); break;
    case 3: ask(p, r); break;
    case 4: sim_check(p->c); break;
    case 5: sim_check_only(p->c); break;
    case 6: roam(p, rd_u8(r)); break;
    case 7: send_raw(p, r); break;
    case 8: pass(MSEC(rd_u8(r))); break;
    case 9: pass(MSEC(100) * rd_u8(r)); break;
    }
    sim_settle(&s);
    look();
}

static void replay(unsigned shard)
{
    const struct replay_conf conf = {.srtp = sl_srtp_backend_best()};
    struct replay_report r;
    MUST(sl_replay(sim_captured(&s, shard), &conf, &r) == E_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
    struct rd r = rd_of((struct span){in, n});
    static uint8_t memory[SIM_SHARDS][CAPTURED];
    struct sim_conf conf = {
        .packets = PACKETS, .leases = PACKETS, .captures_n = CAPTURED};
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        conf.captures[i] = memory[i];
    sim_init_with(&s, &conf);
    for (unsigned i = 0; i < PEERS; i++) {
        enum srtp_profile profile = i % 2 ? SRTP_GCM_128 : SRTP_CM_SHA1_80;
        unsigned shard = i % SIM_SHARDS;
        peers[i] =
            (struct peer){.c = sim_client_new(&s, 1 + i, shard, profile), .owner = shard};
    }
    for (int ops = 0; r.n > 0 && ops < OPS_MAX; ops++)
        operate(&r);

    memset(s.full_for_media, 0, sizeof s.full_for_media);
    sim_settle(&s);
    sim_close_all(&s);
    sim_settle(&s);
    MUST(sim_packets(&s) == 0);
    for (unsigned i = 0; i < SIM_SHARDS; i++) {
        const struct shard_stats *st = sim_stats(&s, i);
        MUST(st->transports + st->expected + st->producers + st->consumers == 0);
        replay(i);
    }
    sim_fini(&s);
    return 0;
}
