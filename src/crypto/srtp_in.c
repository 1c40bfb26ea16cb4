#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/srtp_backend.h"

enum {
    WINDOW = 1024
}; /* RFC 3711 §3.3.2 asks for 64; a video burst and its resends pass */
enum {
    FETCHED = 192 /* octets of a key: of RTCP all, of RTP those that are read first */
};

/* The indices that came, up to WINDOW behind the highest: a ring of bits. */
struct window {
    uint64_t next; /* the highest plus one; 0: none came */
    uint64_t bits[WINDOW / 64];
};

struct stream {
    struct window rtp, rtcp;
    bool retired; /* its place may be had */
};

struct srtp_in {
    struct srtp_pair keys;
    struct stream *streams; /* of ssrcs, by the same number */
    size_t n, cap, max;
    uint32_t ssrcs[];
};

static bool window_seen(const struct window *w, uint64_t i)
{
    if (i >= w->next)
        return false;
    return w->next - i > WINDOW || (w->bits[i % WINDOW / 64] >> i % 64 & 1);
}

static void window_add(struct window *w, uint64_t i)
{
    if (i >= w->next + WINDOW)
        memset(w->bits, 0, sizeof w->bits);
    else
        for (uint64_t skipped = w->next; skipped < i; skipped++)
            w->bits[skipped % WINDOW / 64] &= ~(UINT64_C(1) << skipped % 64);
    w->bits[i % WINDOW / 64] |= UINT64_C(1) << i % 64;
    if (i >= w->next)
        w->next = i + 1;
}

/* RFC 3711 §3.3.1: the index nearest to the highest that came. Before the first roll-over
 * there is nothing behind, so a number is taken as it is. */
static uint64_t guess_index(const struct window *w, uint16_t seq)
{
    if (w->next == 0)
        return seq;
    uint64_t top = w->next - 1;
    int64_t i = (int64_t)top + (int16_t)(uint16_t)(seq - (uint16_t)top);
    return i < 0 ? seq : (uint64_t)i;
}

struct srtp_in *sl_srtp_in_of(struct srtp_pair pair, size_t ssrcs_max)
{
    struct srtp_in *in = calloc(1, sizeof *in + ssrcs_max * sizeof *in->ssrcs);
    if (in) {
        in->keys = pair;
        in->max = ssrcs_max;
    } else {
        sl_srtp_pair_fini(&pair);
    }
    return in;
}

struct srtp_in *sl_srtp_in_new(const struct srtp_backend *b, const struct srtp_master *m,
                               size_t ssrcs_max)
{
    struct srtp_pair pair;
    return sl_srtp_pair_init(&pair, b, m) == E_OK ? sl_srtp_in_of(pair, ssrcs_max) : NULL;
}

void sl_srtp_in_free(struct srtp_in *in)
{
    if (!in)
        return;
    sl_srtp_pair_fini(&in->keys);
    free(in->streams);
    free(in);
}

static struct stream *find(struct srtp_in *in, uint32_t ssrc)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->ssrcs[i] == ssrc)
            return &in->streams[i];
    return NULL;
}

/* A place for one more; in->n: it is a new one, in->max: there is none. */
static size_t place(const struct srtp_in *in)
{
    size_t i = 0;
    if (in->n < in->max)
        return in->n;
    assert(in->streams || in->n == 0);
    while (i < in->n && !in->streams[i].retired)
        i++;
    return i;
}

static struct stream *add(struct srtp_in *in, uint32_t ssrc)
{
    size_t i = place(in);
    assert(i < in->max);
    if (i == in->cap) {
        size_t cap = in->cap ? 2 * in->cap : 2;
        struct stream *s = realloc(in->streams, cap * sizeof *s);
        if (!s)
            return NULL;
        in->streams = s;
        in->cap = cap;
    }
    assert(in->streams);
    in->n += i == in->n;
    in->ssrcs[i] = ssrc;
    in->streams[i] = (struct stream){0};
    return &in->streams[i];
}

void sl_srtp_in_retire(struct srtp_in *in, uint32_t ssrc, bool retired)
{
    struct stream *s = find(in, ssrc);
    if (s)
        s->retired = retired;
}

void sl_srtp_in_fetch(const struct srtp_in *in, bool rtcp)
{
    const uint8_t *key = (const uint8_t *)(rtcp ? in->keys.rtcp : in->keys.rtp);
    for (size_t at = 0; at < FETCHED; at += 64)
        __builtin_prefetch(key + at);
    if (in->n == 0)
        return;
    const struct window *w = rtcp ? &in->streams->rtcp : &in->streams->rtp;
    __builtin_prefetch(&w->next, 1);
    __builtin_prefetch(&w->bits[w->next % WINDOW / 64], 1);
}

enum err sl_srtp_unprotect(struct srtp_in *in, uint8_t *p, size_t *n, uint64_t *index)
{
    static const struct window none;
    size_t tag_n = sl_srtp_tag_len(in->keys.rtp->profile);
    struct rd r = rd_of((struct span){p, *n});
    uint8_t b0 = rd_u8(&r);
    rd_u8(&r);
    uint16_t seq = rd_u16(&r);
    rd_u32(&r);
    uint32_t ssrc = rd_u32(&r);
    rd_span(&r, sizeof(uint32_t) * (b0 & 0x0f));
    if (b0 & 0x10) {
        rd_u16(&r);
        rd_span(&r, sizeof(uint32_t) * rd_u16(&r));
    }
    if (r.bad || r.n < tag_n)
        return E_SHORT;
    if (b0 >> 6 != SRTP_VERSION || *n > SRTP_PKT_MAX)
        return E_MALFORMED;

    struct stream *s = find(in, ssrc);
    if (!s && place(in) == in->max)
        return E_FULL;
    const struct window *w = s ? &s->rtp : &none;
    uint64_t i = guess_index(w, seq);
    if (i >= SRTP_INDEX_END || window_seen(w, i))
        return E_REPLAY;

    struct srtp_op op;
    size_t header_n = *n - r.n, text_n = r.n - tag_n;
    srtp_lay(&op, in->keys.rtp, p, header_n, text_n, i);
    if (!in->keys.backend->open(&op))
        return E_AUTH;
    if (!s && !(s = add(in, ssrc)))
        return E_MEMORY;
    window_add(&s->rtp, i);
    *n -= tag_n;
    *index = i;
    return E_OK;
}

enum err sl_srtp_unprotect_rtcp(struct srtp_in *in, uint8_t *p, size_t *n)
{
    bool cm = in->keys.rtcp->profile == SRTP_CM_SHA1_80;
    size_t trailer = SRTP_RTCP_WORD + sl_srtp_tag_len(in->keys.rtcp->profile);
    if (*n < SRTP_RTCP_HEADER + trailer)
        return E_SHORT;
    uint32_t word = srtp_u32(p + *n - (cm ? trailer : SRTP_RTCP_WORD));
    /* Each profile of RFC 5764 encrypts SRTCP: a packet that is not comes from no peer. */
    if (p[0] >> 6 != SRTP_VERSION || !(word & SRTCP_E_FLAG) || *n > SRTP_PKT_MAX)
        return E_MALFORMED;

    uint32_t ssrc = srtp_u32(p + 4), i = word & ~SRTCP_E_FLAG;
    struct stream *s = find(in, ssrc);
    if (!s && place(in) == in->max)
        return E_FULL;
    if (s && window_seen(&s->rtcp, i))
        return E_REPLAY;

    struct srtp_op op;
    uint8_t aad[SRTP_RTCP_HEADER + SRTP_RTCP_WORD];
    sl_srtp_lay_rtcp(&op, in->keys.rtcp, p, *n - trailer, i, aad);
    if (!in->keys.backend->open(&op))
        return E_AUTH;
    if (!s && !(s = add(in, ssrc)))
        return E_MEMORY;
    window_add(&s->rtcp, i);
    *n -= trailer;
    return E_OK;
}
