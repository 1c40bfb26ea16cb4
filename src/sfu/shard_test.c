#include "sfu/shard.h"

#include <string.h>

#include "check.h"
#include "sfu/mail.h"
#include "sim.h"

enum {
    PRODUCER = 50,
    CONSUMER = 60,
    PT_IN = 96,
    PT_OUT = 120,
    RTX_OUT = 121,
    SSRC_IN = 7
};
enum { SSRC_OUT = 77, SSRC_RTX = 78, MID_EXT = 4, TWCC_EXT = 3 };

static const uint8_t vp8_key[] = {0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8};   /* S, P = 0 */
static const uint8_t vp8_delta[] = {0x10, 0x01, 1, 2, 3, 4, 5, 6, 7, 8}; /* S, P = 1 */

static struct rtp_codec vp8(uint8_t pt, uint8_t rtx)
{
    return (struct rtp_codec){
        .codec = CODEC_VP8, .pt = pt, .rtx_pt = rtx, .nack = true, .pli = true};
}

static void add_producer(struct sim_client *c)
{
    struct cmd_producer p = {
        .id = PRODUCER, .transport = c->id, .origin = (uint16_t)c->shard};
    p.receive.params = (struct rtp_params){
        .kind = MEDIA_VIDEO, .mid = "0", .codecs_n = 1, .codecs = {vp8(PT_IN, PT_NONE)}};
    p.receive.params.ext_id[EXT_TWCC] = TWCC_EXT;
    p.receive.encodings_n = 1;
    p.receive.encodings[0].ssrc = SSRC_IN;
    sim_mail(c->sim, c->shard,
             &(struct mail){.type = MAIL_PRODUCER, .p = sim_copy(&p, sizeof p)});
}

/* From the shard of the publisher to another, as control would arrange it. */
static void add_pipe(struct sim_client *pub, unsigned to)
{
    struct cmd_producer p = {.id = PRODUCER, .origin = (uint16_t)pub->shard};
    p.receive.params = (struct rtp_params){
        .kind = MEDIA_VIDEO, .mid = "0", .codecs_n = 1, .codecs = {vp8(PT_IN, PT_NONE)}};
    p.receive.encodings_n = 1;
    sim_mail(pub->sim, to,
             &(struct mail){.type = MAIL_REMOTE, .p = sim_copy(&p, sizeof p)});
    sim_mail(pub->sim, pub->shard,
             &(struct mail){.type = MAIL_PIPE, .id = PRODUCER, .arg = to});
}

static void add_consumer(struct sim_client *c, uint64_t id, uint8_t rtx)
{
    struct cmd_consumer k = {.id = id, .transport = c->id};
    k.send.params = (struct rtp_params){
        .kind = MEDIA_VIDEO, .mid = "v", .codecs_n = 1, .codecs = {vp8(PT_OUT, rtx)}};
    k.send.params.ext_id[EXT_MID] = MID_EXT;
    k.send.params.ext_id[EXT_TWCC] = TWCC_EXT;
    k.send.ssrc = SSRC_OUT;
    k.send.rtx_ssrc = rtx == PT_NONE ? 0 : SSRC_RTX;
    sim_mail(c->sim, c->shard,
             &(struct mail){.type = MAIL_CONSUMER, .p = sim_copy(&k, sizeof k)});
    sim_mail(c->sim, c->shard,
             &(struct mail){.type = MAIL_SOURCE, .id = id, .id2 = PRODUCER});
}

static struct sim_client *connected(struct sim *s, uint64_t id, unsigned shard,
                                    enum srtp_profile profile)
{
    struct sim_client *c = sim_client_new(s, id, shard, profile);
    sim_check(c);
    sim_settle(s);
    CHECK_INT(c->stun_n, 1);
    sim_keys(c);
    return c;
}

static void send_video(struct sim_client *c, uint16_t seq, bool key)
{
    struct rtp r = {.marker = true,
                    .pt = PT_IN,
                    .seq = seq,
                    .ts = 3000U * seq,
                    .ssrc = SSRC_IN,
                    .payload = key ? (struct span){vp8_key, sizeof vp8_key}
                                   : (struct span){vp8_delta, sizeof vp8_delta}};
    sim_send_rtp(c, &r);
}

static struct rtp got(const struct sim_client *c, size_t i)
{
    struct rtp r = {0};
    CHECK_INT(sl_rtp_parse((struct span){c->rtp[i].bytes, c->rtp[i].n}, &r), E_OK);
    return r;
}

/* How many RTCP packets of a type and format a client received. */
static size_t count_rtcp(const struct sim_client *c, uint8_t type, uint8_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < c->rtcp_n && i < SIM_GOT; i++) {
        struct rd compound;
        struct rtcp r;
        CHECK_INT(sl_rtcp_parse((struct span){c->rtcp[i].bytes, c->rtcp[i].n}, &compound),
                  E_OK);
        while (sl_rtcp_next(&compound, &r))
            n += r.type == type && r.count == count;
    }
    return n;
}

static void forwarding(enum srtp_profile profile, unsigned viewer_shard)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = connected(&s, 1, 0, profile);
    struct sim_client *sub = connected(&s, 2, viewer_shard, profile);
    add_producer(pub);
    sim_ready(pub);
    if (viewer_shard != 0)
        add_pipe(pub, viewer_shard);
    add_consumer(sub, CONSUMER, RTX_OUT);
    sim_ready(sub);

    send_video(pub, 65534, false);
    sim_run(&s, MSEC(20));
    CHECK_INT(sub->rtp_n, 0); /* a viewer begins with a key frame */
    CHECK_INT(count_rtcp(pub, RTCP_PSFB, PSFB_PLI), 1);

    send_video(pub, 65535, true);
    pub->index += 65536; /* the numbers roll over */
    send_video(pub, 0, false);
    send_video(pub, 2, false); /* 1 is lost on its way to us */
    sim_run(&s, MSEC(20));
    CHECK_INT(sub->rtp_n, 3);
    CHECK_INT(sub->bad_n + pub->bad_n, 0);
    struct rtp a = got(sub, 0), b = got(sub, 1), c = got(sub, 2);
    CHECK(a.ssrc == SSRC_OUT && a.pt == PT_OUT && a.marker && a.seq < 0x8000);
    CHECK_INT((uint16_t)(b.seq - a.seq), 1);
    CHECK_INT((uint16_t)(c.seq - a.seq), 3); /* a loss stays a loss */
    CHECK_INT(b.ts - a.ts, (uint32_t)(0 - 65535U * 3000U));
    CHECK(a.payload.n == sizeof vp8_key &&
          memcmp(a.payload.p, vp8_key, a.payload.n) == 0);
    CHECK(a.ext_profile == RTP_ONE_BYTE);
    CHECK_INT(count_rtcp(pub, RTCP_RTPFB, RTPFB_NACK) > 0, true);

    /* It comes after all, and fills its place. */
    send_video(pub, 1, false);
    sim_run(&s, MSEC(5));
    CHECK_INT(sub->rtp_n, 4);
    CHECK_INT((uint16_t)(got(sub, 3).seq - a.seq), 2);
    CHECK_INT(sl_shard_stats(s.shards[0])->piped, viewer_shard != 0 ? 5 : 0);

    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    uint16_t seq = b.seq;
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    sl_rtcp_build_nack(&w, 1, SSRC_OUT, &seq, 1);
    sim_send_rtcp(sub, wr_done(&w));
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 5);
    struct rtp x = got(sub, 4);
    CHECK(x.ssrc == SSRC_RTX && x.pt == RTX_OUT && x.ts == b.ts);
    CHECK(x.payload.n == b.payload.n + 2 && rtp_be16(x.payload.p) == b.seq);
    CHECK(memcmp(x.payload.p + 2, b.payload.p, b.payload.n) == 0);

    sim_mail(&s, 0, &(struct mail){.type = MAIL_CLOSE, .id = 1});
    sim_mail(&s, 1, &(struct mail){.type = MAIL_CLOSE, .id = 1});
    sim_mail(&s, viewer_shard, &(struct mail){.type = MAIL_CLOSE, .id = 2});
    if (viewer_shard != 0)
        sim_mail(&s, viewer_shard,
                 &(struct mail){.type = MAIL_PRODUCER_CLOSE, .id = PRODUCER});
    sim_settle(&s);
    CHECK_INT(sl_pkt_pool_used(s.pools[0]) + sl_pkt_pool_used(s.pools[1]), 0);
    sim_fini(&s);
    sim_client_free(pub);
    sim_client_free(sub);
}

TEST(shard_forwards_on_one_worker)
{
    forwarding(SRTP_GCM_128, 0);
    forwarding(SRTP_CM_SHA1_80, 0);
}

TEST(shard_forwards_to_another_worker)
{
    forwarding(SRTP_GCM_128, 1);
}

/* Without RTX a resend is the first packet again, octet for octet. */
TEST(shard_resends_the_same_without_rtx)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = connected(&s, 1, 0, SRTP_CM_SHA1_80);
    struct sim_client *sub = connected(&s, 2, 0, SRTP_CM_SHA1_80);
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    add_producer(pub);
    sim_ready(pub);
    add_consumer(sub, CONSUMER, PT_NONE);
    sim_ready(sub);
    send_video(pub, 1, true);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 1);
    uint16_t seq = got(sub, 0).seq;
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    sl_rtcp_build_nack(&w, 1, SSRC_OUT, &seq, 1);
    sim_send_rtcp(sub, wr_done(&w));
    sim_run(&s, MSEC(2));
    /* The client's replay window takes it for the same packet, as it should. */
    CHECK_INT(sub->rtp_n, 1);
    CHECK_INT(sub->bad_n, 1);
    CHECK_INT(sl_shard_stats(s.shards[0])->retransmitted, 1);
    CHECK_INT(sl_shard_stats(s.shards[0])->srtp_refused, 0);
    sim_fini(&s);
    sim_client_free(pub);
    sim_client_free(sub);
}

/* What lands with another worker than the transport's is handed over, checks too. */
TEST(shard_hands_over_to_the_owner)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = connected(&s, 2, 0, SRTP_GCM_128);
    add_producer(pub);
    sim_ready(pub);
    add_consumer(sub, CONSUMER, RTX_OUT);
    sim_ready(sub);
    pub->shard = 1;
    pub->addr.port++; /* another network: another address, another worker */
    sim_check(pub);
    sim_settle(&s);
    CHECK_INT(pub->stun_n, 2);
    send_video(pub, 1, true);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 1);
    CHECK_INT(sl_shard_stats(s.shards[1])->handed_over, 2);
    CHECK_INT(sl_shard_stats(s.shards[1])->stray, 0);
    sim_fini(&s);
    sim_client_free(pub);
    sim_client_free(sub);
}

TEST(shard_holds_what_comes_before_it_is_ready)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = connected(&s, 2, 0, SRTP_GCM_128);
    add_consumer(sub, CONSUMER, RTX_OUT);
    sim_ready(sub);
    send_video(pub, 1, true);
    for (uint16_t i = 2; i < 50; i++)
        send_video(pub, i, false);
    add_producer(pub);
    sim_mail(&s, 0, &(struct mail){.type = MAIL_SOURCE, .id = CONSUMER, .id2 = PRODUCER});
    sim_ready(pub);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 32);
    CHECK_INT(sl_shard_stats(s.shards[0])->srtp_early, 49 - 32);
    sim_fini(&s);
    sim_client_free(pub);
    sim_client_free(sub);
}

TEST(shard_stops_sending_without_consent)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = connected(&s, 2, 0, SRTP_GCM_128);
    add_producer(pub);
    sim_ready(pub);
    add_consumer(sub, CONSUMER, RTX_OUT);
    sim_ready(sub);
    send_video(pub, 1, true);
    sim_run(&s, ICE_CONSENT - MSEC(100));
    send_video(pub, 2, false);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 2);
    sim_run(&s, SEC(2));
    size_t before = sub->rtp_n;
    CHECK_INT(s.to_control[MAIL_STALE], 2);
    sim_check(pub);
    send_video(pub, 3, false);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, before);
    sim_check(sub); /* it is back, and begins with a key frame */
    send_video(pub, 4, false);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, before);
    send_video(pub, 5, true);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, before + 1);
    CHECK_INT(s.to_control[MAIL_LOST], 0);
    sim_run(&s, ICE_CONSENT + SEC(14));
    CHECK_INT(s.to_control[MAIL_LOST], 0);
    sim_run(&s, SEC(3));
    CHECK_INT(s.to_control[MAIL_LOST], 2);
    sim_fini(&s);
    sim_client_free(pub);
    sim_client_free(sub);
}

TEST(shard_drops_strangers)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *c = sim_client_new(&s, 1, 0, SRTP_GCM_128);
    static const uint8_t dtls[20] = {22, 0xfe, 0xfd}, rtp[20] = {0x80, 96},
                         junk[20] = {9};
    sim_send_raw(c, dtls, sizeof dtls);
    sim_send_raw(c, rtp, sizeof rtp);
    sim_send_raw(c, junk, sizeof junk);
    c->creds.pwd[0] ^= 1; /* a check with the wrong password gets no answer */
    sim_check(c);
    sim_settle(&s);
    const struct shard_stats *st = sl_shard_stats(s.shards[0]);
    CHECK_INT(st->dtls_stray, 1);
    CHECK_INT(st->stray, 1);
    CHECK_INT(st->malformed, 1);
    CHECK_INT(st->stun_refused, 1);
    CHECK_INT(c->stun_n, 0);
    CHECK_INT(s.to_assoc, 0);
    CHECK_INT(sl_pkt_pool_used(s.pools[0]), 0);
    sim_fini(&s);
    sim_client_free(c);
}

/* Histories hold a second of packets; a pool that is smaller than that stays usable. */
TEST(shard_gives_up_history_before_it_drops_what_comes)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = connected(&s, 2, 0, SRTP_GCM_128);
    struct pkt *taken[SIM_PACKETS - 400];
    add_producer(pub);
    sim_ready(pub);
    add_consumer(sub, CONSUMER, RTX_OUT);
    sim_ready(sub);
    for (size_t i = 0; i < LEN(taken); i++)
        taken[i] = sl_pkt_new(s.pools[0]);
    for (uint16_t i = 0; i < 1000; i++) {
        send_video(pub, i, i == 0);
        sim_run(&s, MSEC(1));
    }
    CHECK_INT(sub->rtp_n, 1000);
    CHECK_INT(sl_pkt_pool_empty(s.pools[0]), 0);
    CHECK(sl_shard_stats(s.shards[0])->squeezed > 0);
    for (size_t i = 0; i < LEN(taken); i++)
        sl_pkt_unref(taken[i]);
    sim_fini(&s);
    sim_client_free(pub);
    sim_client_free(sub);
}
