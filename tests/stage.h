#pragma once

/*
 * For tests on tests/sim.h: the tracks and slots that most of them need, as plain values to
 * be changed before they are given away.
 */

#include "check.h"
#include "sim.h"

enum {
    VIDEO = 50,    /* a producer */
    AUDIO = 51,    /* another */
    CONSUMER = 60, /* and on */

    PT_VP8 = 96,
    PT_RTX = 97,
    PT_OPUS = 111,
    PT_RED = 63,
    SSRC_IN = 7, /* of the publisher's video, when its SDP told */
    RTX_IN = 8,
    AUDIO_IN = 9,

    PT_OUT = 120,
    RTX_OUT = 121,
    OPUS_OUT = 109,
    SSRC_OUT = 77,
    SSRC_RTX = 78,

    /* Of header extensions; of the publisher's side and the viewer's, which differ. */
    MID_IN = 1,
    RID_IN = 2,
    RRID_IN = 3,
    TWCC_IN = 5,
    LEVEL_IN = 6,
    DD_IN = 7,
    AST_IN = 8,
    MID_OUT = 11,
    TWCC_OUT = 12,
    LEVEL_OUT = 13,
    DD_OUT = 14,
    AST_OUT = 10,
};

/* S bit, P = 0 and P = 1 in the frame's first octet: RFC 7741 §4. */
static const uint8_t stage_key[] = {0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t stage_delta[] = {0x10, 0x01, 1, 2, 3, 4, 5, 6, 7, 8};

static inline struct rtp_codec stage_codec(enum codec codec, uint8_t pt, uint8_t rtx)
{
    bool video = sl_codec_kind(codec) == MEDIA_VIDEO;
    return (struct rtp_codec){.codec = codec,
                              .pt = pt,
                              .rtx_pt = rtx,
                              .nack = video,
                              .pli = video,
                              .profile = codec == CODEC_RED ? PT_OPUS : 0};
}

/* Without RTX, its SSRC in the SDP, and nothing but transport-cc among extensions. */
static inline struct cmd_producer stage_video(void)
{
    struct cmd_producer p = {.id = VIDEO};
    p.receive.params = (struct rtp_params){
        .kind = MEDIA_VIDEO,
        .mid = "v",
        .codecs_n = 1,
        .codecs = {stage_codec(CODEC_VP8, PT_VP8, PT_NONE)},
        .ext_id = {[EXT_TWCC] = TWCC_IN},
    };
    p.receive.encodings_n = 1;
    p.receive.encodings[0].ssrc = SSRC_IN;
    return p;
}

/* Its SSRCs are learnt, and it has RTX. */
static inline struct cmd_producer stage_unnamed(void)
{
    struct cmd_producer p = stage_video();
    p.receive.params.codecs[0].rtx_pt = PT_RTX;
    p.receive.params.ext_id[EXT_MID] = MID_IN;
    p.receive.encodings[0].ssrc = 0;
    return p;
}

/* Three encodings: l, m and h. */
static inline struct cmd_producer stage_simulcast(void)
{
    struct cmd_producer p = stage_unnamed();
    p.receive.params.ext_id[EXT_RID] = RID_IN;
    p.receive.params.ext_id[EXT_REPAIRED_RID] = RRID_IN;
    p.receive.encodings_n = 3;
    p.receive.encodings[0] = (struct rtp_encoding){.rid = "l"};
    p.receive.encodings[1] = (struct rtp_encoding){.rid = "m"};
    p.receive.encodings[2] = (struct rtp_encoding){.rid = "h"};
    return p;
}

static inline struct cmd_producer stage_audio(void)
{
    struct cmd_producer p = {.id = AUDIO};
    p.receive.params = (struct rtp_params){
        .kind = MEDIA_AUDIO,
        .mid = "a",
        .codecs_n = 1,
        .codecs = {stage_codec(CODEC_OPUS, PT_OPUS, PT_NONE)},
        .ext_id = {[EXT_AUDIO_LEVEL] = LEVEL_IN},
    };
    p.receive.encodings_n = 1;
    p.receive.encodings[0].ssrc = AUDIO_IN;
    return p;
}

/* rtx: RTX_OUT or PT_NONE. */
static inline struct cmd_consumer stage_viewer(uint8_t rtx)
{
    struct cmd_consumer k = {.id = CONSUMER, .send.cname = "c"};
    k.send.params = (struct rtp_params){
        .kind = MEDIA_VIDEO,
        .mid = "0",
        .codecs_n = 1,
        .codecs = {stage_codec(CODEC_VP8, PT_OUT, rtx)},
        .ext_id = {[EXT_MID] = MID_OUT, [EXT_TWCC] = TWCC_OUT},
    };
    k.send.ssrc = SSRC_OUT;
    k.send.rtx_ssrc = rtx == PT_NONE ? 0 : SSRC_RTX;
    return k;
}

static inline struct cmd_consumer stage_listener(void)
{
    struct cmd_consumer k = {.id = CONSUMER + 1, .send.cname = "c"};
    k.send.params = (struct rtp_params){
        .kind = MEDIA_AUDIO,
        .mid = "1",
        .codecs_n = 1,
        .codecs = {stage_codec(CODEC_OPUS, OPUS_OUT, PT_NONE)},
        .ext_id = {[EXT_MID] = MID_OUT, [EXT_AUDIO_LEVEL] = LEVEL_OUT},
    };
    k.send.ssrc = SSRC_OUT + 10;
    return k;
}

/* A packet that is a whole frame. */
static inline struct rtp stage_frame(uint32_t ssrc, uint16_t seq, bool key)
{
    return (struct rtp){.marker = true,
                        .pt = PT_VP8,
                        .seq = seq,
                        .ts = 3000U * seq,
                        .ssrc = ssrc,
                        .payload = key ? (struct span){stage_key, sizeof stage_key}
                                       : (struct span){stage_delta, sizeof stage_delta}};
}

static inline void stage_send(struct sim_client *c, uint32_t ssrc, uint16_t seq, bool key)
{
    struct rtp made = stage_frame(ssrc, seq, key);
    sim_send_rtp(c, &made);
}

/* Gives *r these elements, made in buf. */
static inline void stage_exts(struct rtp *r, uint8_t buf[600], const struct rtp_elem *e,
                              size_t n)
{
    struct wr w = wr_of(buf, 600);
    sl_rtp_elems_write(&w, e, n);
    r->ext_profile = rtp_be16(buf);
    r->ext = (struct span){buf + 4, w.n - 4};
}

static inline struct rtp_elem stage_elem(uint8_t id, const char *text)
{
    return (struct rtp_elem){.id = id, .data = span_of(text)};
}

/* A publisher of *p and one viewer of it, both ready. */
struct stage {
    struct sim sim;
    struct sim_client *pub, *sub;
};

static inline void stage_open(struct stage *s, const struct cmd_producer *p,
                              const struct cmd_consumer *k, unsigned viewer_shard,
                              enum srtp_profile profile)
{
    sim_init(&s->sim);
    s->pub = sim_connected(&s->sim, 1, 0, profile);
    s->sub = sim_connected(&s->sim, 2, viewer_shard, profile);
    sim_produce(s->pub, p);
    sim_ready(s->pub);
    if (viewer_shard != 0)
        sim_carry(s->pub, p, viewer_shard);
    sim_consume(s->sub, k, p->id);
    sim_ready(s->sub);
    sim_settle(&s->sim);
}

/* Whatever was in flight: afterwards no packet is out. */
static inline void stage_close(struct stage *s)
{
    sim_close_all(&s->sim);
    sim_settle(&s->sim);
    CHECK_INT(sim_packets(&s->sim), 0);
    sim_fini(&s->sim);
}
