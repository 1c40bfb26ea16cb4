#include "bench/source.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "media/ntp.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "room/offer.h"

enum {
    MARK = 0x534c4231, /* "SLB1" */
    MARK_AT = 16,      /* behind what a codec has at its beginning */
    MARK_N = 16,
    EXT_N = 8, /* profile, length, one element of three octets, padding */
    FIRST_MASK = 0x7fff,
    PICTURE_FIRST =
        0x4000, /* a small id may be written shorter on the way, and moves the mark */
    VIDEO_HZ = 90000,
    AUDIO_HZ = 48000,
};

void sl_source_init(struct source *s, uint32_t number, bool video, uint32_t ssrc,
                    uint8_t twcc_id,
                    uint16_t *twcc) // NOLINT(readability-non-const-parameter): kept
{
    uint16_t first;
    sl_random(&first, sizeof first);
    *s = (struct source){.number = number,
                         .video = video,
                         .ssrc = ssrc,
                         .first = first & FIRST_MASK,
                         .twcc_id = twcc_id,
                         .twcc = twcc};
    sl_random(&s->ts, sizeof s->ts);
}

/* RFC 7741 §4: a descriptor with a picture id of 15 bits; before the first packet of a frame
 * the header of a key frame, 640 by 360 (RFC 6386 §9.1). */
static void put_vp8(struct wr *w, uint64_t picture, bool start)
{
    wr_u8(w, start ? 0x90 : 0x80);
    wr_u8(w, 0x80);
    wr_u16(w, 0x8000U | ((PICTURE_FIRST + picture) & 0x7fff));
    if (!start)
        return;
    wr_u8(w, 0x10); /* a key frame that is shown */
    wr_u16(w, 0);
    wr_u8(w, 0x9d);
    wr_u16(w, 0x012a);
    wr_u16(w, 0x8002);
    wr_u16(w, 0x6801);
}

static void put_header(struct wr *w, struct source *s, bool marker)
{
    bool x = s->twcc_id != 0;
    wr_u8(w, RTP_VERSION << 6 | (x ? 0x10U : 0U));
    wr_u8(w, (marker ? 0x80U : 0U) | (s->video ? OFFER_PT_VP8 : OFFER_PT_OPUS));
    wr_u16(w, (uint16_t)(s->first + s->next));
    wr_u32(w, s->ts);
    wr_u32(w, s->ssrc);
    if (!x)
        return;
    wr_u16(w, RTP_ONE_BYTE);
    wr_u16(w, 1);
    wr_u8(w, (unsigned)s->twcc_id << 4 | 1);
    wr_u16(w, (*s->twcc)++);
    wr_u8(w, 0);
}

static void put_payload(const struct source *s, uint8_t *p, size_t size, bool start)
{
    struct wr w = wr_of(p, MARK_AT);
    memset(p, (int)(s->next & 0xff), size);
    if (s->video)
        put_vp8(&w, s->next, start);
    else
        wr_u8(&w, 0x78); /* Opus, 20 ms of one frame */
    w = wr_of(p + MARK_AT, MARK_N);
    wr_u32(&w, MARK);
    wr_u32(&w, s->number);
    wr_u64(&w, s->next);
}

size_t sl_source_burst(struct source *s, struct srtp_out *out, size_t n, size_t size,
                       uint32_t rate_hz, usec now, uint8_t *at)
{
    struct srtp_job jobs[SOURCE_BURST_MAX];
    size_t head = RTP_HEADER_MIN + (s->twcc_id ? EXT_N : 0U);
    if (n > SOURCE_BURST_MAX || size < SOURCE_SIZE_MIN || size > SOURCE_SIZE_MAX)
        return 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = at + i * SOURCE_STRIDE;
        struct wr w = wr_of(p, head);
        uint64_t index = s->first + s->next;
        put_header(&w, s, s->video && i + 1 == n);
        put_payload(s, p + head, size, i == 0);
        jobs[i] = (struct srtp_job){.out = out,
                                    .guard = &s->guard,
                                    .index = index,
                                    .dst = p,
                                    .header_n = (uint16_t)head,
                                    .body = p + head,
                                    .body_n = (uint16_t)size};
        s->sent[s->next++ % SOURCE_RING] = now;
        s->octets += (uint32_t)size;
        if (!s->video)
            s->ts += AUDIO_HZ / 50;
    }
    if (s->video)
        s->ts += VIDEO_HZ / (rate_hz ? rate_hz : 1);
    sl_srtp_protect(jobs, n);
    for (size_t i = 0; i < n; i++)
        if (jobs[i].err)
            return 0;
    return head + size + sl_srtp_tag_len(sl_srtp_out_profile(out));
}

size_t sl_source_report(const struct source *s, struct srtp_out *out, usec wall,
                        uint8_t *at)
{
    struct wr w = wr_of(at, 128 - SRTP_RTCP_MAX);
    struct rtcp_sender sender = {.ntp = ntp_of_unix(wall),
                                 .rtp_ts = s->ts,
                                 .packets = (uint32_t)s->next,
                                 .octets = s->octets};
    sl_rtcp_build_report(&w, s->ssrc, &sender, NULL, 0);
    sl_rtcp_build_cname(&w, s->ssrc, span_of("bench"));
    size_t n = w.n;
    return !w.bad && sl_srtp_protect_rtcp(out, at, &n) == E_OK ? n : 0;
}

bool sl_source_mark(struct span payload, struct source_mark *ret)
{
    struct rd r = rd_of(payload);
    (void)rd_span(&r, MARK_AT);
    uint32_t mark = rd_u32(&r), source = rd_u32(&r);
    uint64_t number = rd_u64(&r);
    if (r.bad || mark != MARK)
        return false;
    *ret = (struct source_mark){source, number};
    return true;
}
