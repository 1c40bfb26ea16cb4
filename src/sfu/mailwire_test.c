#include "sfu/mailwire.h"

#include <stdlib.h>

#include "sfu/look.h"
#include "sfu/mail.h"
#include "sfu/producer.h"
#include "stage.h"

static struct pkt_pool *pool;

static void drop(struct mail *m)
{
    if (m->type == MAIL_RTP || m->type == MAIL_RAW || m->type == MAIL_DTLS_OUT)
        sl_pkt_unref(m->p);
    else
        sl_mail_free(m);
}

static struct span put(const struct mail *m)
{
    static uint8_t buf[2][MAILWIRE_MAX];
    static unsigned turn;
    struct wr w = wr_of(buf[turn++ % 2], MAILWIRE_MAX);
    sl_mailwire_put(&w, m);
    CHECK(!w.bad);
    return wr_done(&w);
}

/* What is written and read is written the same; each octet less is one too few. */
static void there_and_back(const struct mail *m)
{
    struct span wire = put(m);
    struct mail got = {0};
    struct rd r = rd_of(wire);
    CHECK_INT(sl_mailwire_get(&r, pool, &got), E_OK);
    CHECK_INT(r.n, 0);
    CHECK(got.type == m->type && got.id == m->id && got.arg == m->arg);
    if (got.type != m->type)
        return;
    CHECK(span_eq(put(&got), wire));
    drop(&got);
    for (size_t n = 0; n < wire.n; n++) {
        r = rd_of((struct span){wire.p, n});
        CHECK_INT(sl_mailwire_get(&r, pool, &got), E_SHORT);
    }
    CHECK_INT(sl_pkt_pool_left(pool), sl_pkt_pool_size(pool) - 1);
}

static struct pkt *media(void)
{
    struct pkt *p = sl_pkt_new(pool);
    struct media_pkt *m = media_of(p);
    memset(p->meta, 0, sizeof p->meta);
    p->n = 40;
    memset(p->data, 7, 40);
    p->from = addr_v4(192, 0, 2, 7, 77);
    p->at = SEC(5);
    p->port = 3;
    *m = (struct media_pkt){.seq = 1 << 20, .ts = 5, .payload = 20, .payload_n = 20};
    m->exts_n = 1;
    m->exts[0].off = 36;
    m->exts[0].len = 4;
    m->exts[0].ext = EXT_AUDIO_LEVEL;
    m->info = (struct payload){
        .key = true, .spatial = 7, .pid_at = 2, .long_id = true, .ids_n = 4};
    return p;
}

TEST(mailwire_there_and_back)
{
    struct cmd_expect expect = {
        .transport = 9, .creds = {"ufrag", "password"}, .single = true};
    struct cmd_keys keys = {.transport = 9,
                            .in = {.profile = SRTP_GCM_256, .key = {1}, .salt = {2}},
                            .out = {.profile = SRTP_CM_SHA1_80, .key = {3}}};
    struct cmd_producer producer = stage_simulcast();
    struct cmd_consumer consumer = stage_viewer(RTX_OUT);
    struct cmd_send send = {.to = addr_v4(192, 0, 2, 1, 2), .n = 3, .bytes = {1, 2, 3}};
    struct cmd_clock clock = {
        .producer = 4, .epoch = 2, .clock = {.known = true, .ntp = 8}};
    struct cmd_asleep asleep = {.producer = 4, .seen = {.n = 1, .layers = {{.bps = 5}}}};
    struct look look = {.n = 1, .at = {{.id = 3, .kind = LOOK_CONSUMER}}};
    pool = sl_pkt_pool_new(2, 0, 0);
    struct pkt *pkt = media();
    const struct {
        const char *name;
        struct mail mail;
    } rows[] = {
        {"expect", {.type = MAIL_EXPECT, .p = &expect}},
        {"restart", {.type = MAIL_RESTART, .p = &expect}},
        {"owner", {.type = MAIL_OWNER, .id = 9, .arg = 2}},
        {"keys", {.type = MAIL_KEYS, .p = &keys}},
        {"producer", {.type = MAIL_PRODUCER, .p = &producer}},
        {"remote", {.type = MAIL_REMOTE, .p = &producer}},
        {"consumer", {.type = MAIL_CONSUMER, .p = &consumer}},
        {"source", {.type = MAIL_SOURCE, .id = 1, .id2 = 2}},
        {"send", {.type = MAIL_SEND, .p = &send}},
        {"clock", {.type = MAIL_CLOCK, .p = &clock}},
        {"asleep", {.type = MAIL_ASLEEP, .p = &asleep}},
        {"look", {.type = MAIL_LOOK, .p = &look}},
        {"record", {.type = MAIL_DTLS_OUT, .id = 9, .p = pkt}},
        {"datagram", {.type = MAIL_RAW, .id = 9, .p = pkt}},
        {"media", {.type = MAIL_RTP, .id = 50, .arg = 2, .p = pkt}},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        there_and_back(&rows[i].mail);
    }
    sl_pkt_unref(pkt);
    sl_pkt_pool_free(pool);
}

/* What is not said is not there: the layers behind the last, the answers to a look. */
TEST(mailwire_reads_what_was_written)
{
    struct cmd_consumer was = stage_viewer(RTX_OUT);
    struct rd r = rd_of(put(&(struct mail){.type = MAIL_CONSUMER, .p = &was}));
    struct mail m = {0};
    pool = sl_pkt_pool_new(1, 0, 0);
    CHECK_INT(sl_mailwire_get(&r, pool, &m), E_OK);
    const struct cmd_consumer *is = m.p;
    CHECK_INT(is->send.ssrc, was.send.ssrc);
    CHECK_INT(is->send.rtx_ssrc, was.send.rtx_ssrc);
    CHECK_STR(is->send.params.mid, was.send.params.mid);
    CHECK_INT(is->send.params.codecs_n, was.send.params.codecs_n);
    CHECK_INT(is->send.params.codecs[0].codec, was.send.params.codecs[0].codec);
    CHECK_INT(is->send.params.codecs[0].rtx_pt, was.send.params.codecs[0].rtx_pt);
    CHECK_INT(is->send.params.ext_id[EXT_TWCC], was.send.params.ext_id[EXT_TWCC]);
    sl_mail_free(&m);
    sl_pkt_pool_free(pool);
}

/* Octets of a written mail that are others. */
TEST(mailwire_refuses)
{
    enum { HEAD = 13, PACKET = HEAD + 1 + 18 + 2 + 8 + 2 + 40 };
    struct cmd_producer producer = stage_simulcast();
    struct cmd_keys keys = {.in.profile = SRTP_GCM_128, .out.profile = SRTP_GCM_128};
    pool = sl_pkt_pool_new(2, 0, 0);
    struct pkt *pkt = media();
    const struct {
        const char *name;
        struct mail mail;
        size_t at;
        uint8_t is;
        enum err want;
    } rows[] = {
        {"a type that is none", {.type = MAIL_READY}, 0, 0xee, E_UNSUPPORTED},
        {"a packet of its own",
         {.type = MAIL_RAW, .p = pkt},
         0,
         MAIL_BACK,
         E_UNSUPPORTED},
        {"what is not for shards", {.type = MAIL_READY}, 0, MAIL_STREAM, E_UNSUPPORTED},
        {"keys of no profile", {.type = MAIL_KEYS, .p = &keys}, HEAD + 8, 0, E_MALFORMED},
        {"of an unknown one", {.type = MAIL_KEYS, .p = &keys}, HEAD + 8, 9, E_MALFORMED},
        {"a worker too many",
         {.type = MAIL_PRODUCER, .p = &producer},
         HEAD + 16,
         64,
         E_MALFORMED},
        {"neither sound nor picture",
         {.type = MAIL_PRODUCER, .p = &producer},
         HEAD + 17,
         2,
         E_MALFORMED},
        {"25 codecs",
         {.type = MAIL_PRODUCER, .p = &producer},
         HEAD + 18 + 32,
         25,
         E_MALFORMED},
        {"an owner that is nobody",
         {.type = MAIL_RAW, .p = pkt},
         HEAD,
         SHARD_PEERS,
         E_MALFORMED},
        {"an empty datagram", {.type = MAIL_RAW, .p = pkt}, PACKET - 41, 0, E_MALFORMED},
        {"a payload behind its end",
         {.type = MAIL_RTP, .p = pkt},
         PACKET + 13,
         21,
         E_MALFORMED},
        {"an extension behind its end",
         {.type = MAIL_RTP, .p = pkt},
         PACKET + 23,
         5,
         E_MALFORMED},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t wire[MAILWIRE_MAX];
        struct span was = put(&rows[i].mail);
        struct rd r = rd_of((struct span){wire, was.n});
        struct mail m = {0};
        check_row(rows[i].name);
        memcpy(wire, was.p, was.n);
        wire[rows[i].at] = rows[i].is;
        CHECK_INT(sl_mailwire_get(&r, pool, &m), rows[i].want);
    }
    sl_pkt_unref(pkt);
    sl_pkt_pool_free(pool);
}

TEST(mailwire_needs_a_packet_for_a_packet)
{
    struct mail m = {0};
    pool = sl_pkt_pool_new(1, 0, 0);
    struct pkt *pkt = media();
    struct rd r = rd_of(put(&(struct mail){.type = MAIL_RAW, .p = pkt}));
    CHECK_INT(sl_mailwire_get(&r, pool, &m), E_FULL);
    sl_pkt_unref(pkt);
    sl_pkt_pool_free(pool);
}
