#include "bench/sink.h"

#include <string.h>

#include "media/unwrap.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "room/offer.h"

enum {
    FORGOTTEN = 10000000
}; /* microseconds: a delay above this is a clock that was set */

static struct sink_track *track_of(struct sink *s, uint32_t ssrc, uint8_t pt)
{
    for (size_t i = 0; i < s->tracks_n; i++)
        if (s->tracks[i].ssrc == ssrc)
            return &s->tracks[i];
    if (s->tracks_n == SINK_TRACKS_MAX)
        return NULL;
    struct sink_track *t = &s->tracks[s->tracks_n++];
    *t = (struct sink_track){.ssrc = ssrc};
    t->stats.clock_hz = pt == OFFER_PT_OPUS ? 48000 : 90000;
    return t;
}

/* The transport-wide number, in the one-byte form that such small extensions have. */
static bool wide_number(const struct sink *s, const uint8_t *p, size_t n, uint16_t *ret)
{
    struct rd r = rd_of((struct span){p, n});
    (void)rd_span(&r, RTP_HEADER_MIN);
    *ret = rtp_seq(p);
    if (s->unasked)
        return true;
    if (s->twcc_id == 0 || !(p[0] & 0x10) || rd_u16(&r) != RTP_ONE_BYTE)
        return false;
    struct rd exts = rd_of(rd_span(&r, sizeof(uint32_t) * rd_u16(&r)));
    while (exts.n > 0) {
        uint8_t b = rd_u8(&exts);
        if (b == 0)
            continue;
        struct rd elem = rd_of(rd_span(&exts, (b & 15U) + 1));
        if (b >> 4 == s->twcc_id) {
            *ret = rd_u16(&elem);
            return !elem.bad;
        }
    }
    return false;
}

static struct source *named(const struct sink *s, uint32_t number)
{
    for (size_t i = 0; i < s->sources_n; i++)
        if (s->sources[i]->number == number)
            return s->sources[i];
    return NULL;
}

/* Decrypts one packet and compares it with what its number says. */
static void sample(struct sink *s, struct sink_track *t, struct srtp_in *in, uint8_t *p,
                   size_t n, uint64_t seq)
{
    struct rtp rtp;
    struct source_mark mark;
    uint64_t index;
    t->to_sample = SINK_SAMPLE - 1;
    if (sl_srtp_unprotect(in, p, &n, &index) != E_OK ||
        sl_rtp_parse((struct span){p, n}, &rtp) != E_OK ||
        !sl_source_mark(rtp.payload, &mark)) {
        s->counts->bad++;
        t->to_sample = 0;
        return;
    }
    if (!t->from) {
        t->from = named(s, mark.source);
        t->shift = mark.number - seq;
        t->next = mark.number;
    }
    s->counts->bad +=
        !t->from || mark.source != t->from->number || mark.number != seq + t->shift;
}

static void note_delay(struct sink *s, const struct sink_track *t, uint64_t number,
                       usec at)
{
    if (number >= t->from->next || t->from->next - number > SOURCE_RING)
        return;
    usec delay = at - t->from->sent[number % SOURCE_RING];
    if (delay < FORGOTTEN)
        sl_quantiles_add(&s->counts->delay, delay > 0 ? (uint64_t)delay : 0);
}

void sl_sink_input(struct sink *s, struct srtp_in *in, uint8_t *p, size_t n, usec at)
{
    uint16_t wide;
    if (n < RTP_HEADER_MIN)
        return;
    if (rtp_is_rtcp(p)) {
        s->counts->rtcp++;
        return;
    }
    /* Repairs and probes too: who does not tell of them looks like a path that is cut. */
    if (wide_number(s, p, n, &wide))
        sl_twcc_add(&s->twcc, wide, at);
    if (rtp_pt(p) == OFFER_PT_RTX) {
        s->counts->repaired++;
        return;
    }
    struct sink_track *t = track_of(s, rtp_ssrc(p), rtp_pt(p));
    if (!t)
        return;
    uint64_t near = t->stats.received ? t->stats.highest : SEQ_FIRST;
    uint64_t seq = unwrap_seq(near, rtp_seq(p));
    sl_stats_input(&t->stats, seq, rtp_ts(p), n, at);
    if (t->to_sample == 0)
        sample(s, t, in, p, n, seq);
    else
        t->to_sample--;
    s->counts->packets++;
    s->counts->octets += n;
    if (!t->from)
        return;
    uint64_t number = seq + t->shift;
    s->taken += number >= t->from->counted;
    if (number < t->next)
        s->counts->late++;
    else
        t->next = number + 1;
    note_delay(s, t, number, at);
}

int64_t sl_sink_lost(const struct sink *s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->tracks_n; i++)
        n += sl_stats_lost(&s->tracks[i].stats);
    return n;
}

size_t sl_sink_flowing(const struct sink *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->tracks_n; i++)
        n += s->tracks[i].from != NULL;
    return n;
}

/* ---- reports ---- */

usec sl_sink_deadline(const struct sink *s)
{
    return s->next_report < s->next_feedback ? s->next_report : s->next_feedback;
}

static void report(struct sink *s, struct wr *w, usec now)
{
    struct rtcp_block blocks[SINK_TRACKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < s->tracks_n; i++) {
        sl_stats_report(&s->tracks[i].stats, now, &blocks[n]);
        blocks[n++].ssrc = s->tracks[i].ssrc;
    }
    sl_rtcp_build_report(w, s->ssrc, NULL, blocks, n);
}

size_t sl_sink_poll(struct sink *s, struct srtp_out *out, usec now, uint8_t *at)
{
    struct wr w = wr_of(at, SINK_RTCP_MAX - SRTP_RTCP_MAX);
    if (now >= s->next_report) {
        s->next_report = now + SINK_REPORT;
        report(s, &w, now);
    } else if (now >= s->next_feedback) {
        uint32_t media = s->tracks_n > 0 ? s->tracks[0].ssrc : 0;
        if (!sl_twcc_build(&s->twcc, s->ssrc, media, &w))
            s->next_feedback = now + SINK_FEEDBACK;
    }
    size_t n = w.n;
    if (n == 0 || w.bad || sl_srtp_protect_rtcp(out, at, &n) != E_OK)
        return 0;
    return n;
}
