#include "proto/rtcp.h"

enum { VERSION = 2, P_BIT = 0x20, COUNT_MASK = 0x1f }; /* first octet */
enum { SDES_END = 0, SDES_CNAME = 1 };
enum { SENDER = 20, BLOCK = 24, FIR_ENTRY = 8 }; /* octets of these parts */

#define REMB_ID 0x52454d42U /* "REMB" */

/* ---- the compound ---- */

static enum err next_packet(struct rd *r, struct rtcp *ret)
{
    uint8_t b0 = rd_u8(r);
    uint8_t type = rd_u8(r);
    struct span body = rd_span(r, sizeof(uint32_t) * rd_u16(r));
    if (r->bad)
        return E_SHORT;
    if (b0 >> 6 != VERSION)
        return E_MALFORMED;
    if (b0 & P_BIT) {
        /* In whole words and in the last packet alone, says RFC 3550 §6.4.1; browsers pad
         * transport feedback by one to three octets, wherever it stands. */
        size_t pad = body.n > 0 ? body.p[body.n - 1] : 0;
        if (pad == 0 || pad > body.n)
            return E_MALFORMED;
        body.n -= pad;
    }
    *ret = (struct rtcp){.type = type, .count = b0 & COUNT_MASK, .body = body};
    return E_OK;
}

enum err sl_rtcp_parse(struct span in, struct rd *ret)
{
    struct rd r = rd_of(in);
    struct rtcp p;
    do {
        enum err e = next_packet(&r, &p);
        if (e)
            return e;
    } while (r.n > 0);
    *ret = rd_of(in);
    return E_OK;
}

bool sl_rtcp_next(struct rd *compound, struct rtcp *ret)
{
    return compound->n > 0 && next_packet(compound, ret) == E_OK;
}

/* ---- reports ---- */

enum err sl_rtcp_report(const struct rtcp *p, struct rtcp_report *ret)
{
    struct rd r = rd_of(p->body);
    struct rtcp_report rep = {.ssrc = rd_u32(&r)};
    if (p->type == RTCP_SR) {
        rep.sender.ntp = rd_u64(&r);
        rep.sender.rtp_ts = rd_u32(&r);
        rep.sender.packets = rd_u32(&r);
        rep.sender.octets = rd_u32(&r);
    }
    rep.blocks = rd_of(rd_span(&r, (size_t)p->count * BLOCK));
    if (r.bad)
        return E_SHORT;
    *ret = rep;
    return E_OK;
}

bool sl_rtcp_block_next(struct rd *blocks, struct rtcp_block *ret)
{
    if (blocks->n < BLOCK)
        return false;
    ret->ssrc = rd_u32(blocks);
    uint32_t loss = rd_u32(blocks);
    ret->fraction = (uint8_t)(loss >> 24);
    ret->lost = (int32_t)(loss << 8) >> 8;
    ret->last_seq = rd_u32(blocks);
    ret->jitter = rd_u32(blocks);
    ret->lsr = rd_u32(blocks);
    ret->dlsr = rd_u32(blocks);
    return true;
}

/* A chunk: an SSRC, then items up to one of type 0, then zeros to the next word. */
bool sl_rtcp_cname_next(struct rd *chunks, uint32_t *ssrc, struct span *cname)
{
    struct rd *r = chunks;
    while (r->n > 0) {
        bool found = false;
        size_t start = r->n;
        uint32_t who = rd_u32(r);
        for (uint8_t type; (type = rd_u8(r)) != SDES_END && !r->bad;) {
            struct span text = rd_span(r, rd_u8(r));
            if (type == SDES_CNAME && !r->bad) {
                *cname = text;
                found = true;
            }
        }
        if (r->bad)
            return false;
        (void)rd_take(r, (4 - (start - r->n) % 4) % 4);
        if (found) {
            *ssrc = who;
            return true;
        }
    }
    return false;
}

enum err sl_rtcp_bye(const struct rtcp *p, struct rd *ret)
{
    struct rd r = rd_of(p->body);
    struct span ssrcs = rd_span(&r, sizeof(uint32_t) * p->count);
    if (r.bad)
        return E_SHORT;
    *ret = rd_of(ssrcs);
    return E_OK;
}

/* ---- feedback ---- */

enum err sl_rtcp_fb(const struct rtcp *p, struct rtcp_fb *ret)
{
    struct rd r = rd_of(p->body);
    struct rtcp_fb fb = {.sender = rd_u32(&r)};
    fb.media = rd_u32(&r);
    if (r.bad)
        return E_SHORT;
    fb.fci = r;
    *ret = fb;
    return E_OK;
}

bool sl_rtcp_nack_next(struct rtcp_nacks *it, uint16_t *seq)
{
    if (it->left == 0) {
        if (it->fci.n < 4)
            return false;
        it->seq = rd_u16(&it->fci);
        it->left = (uint32_t)rd_u16(&it->fci) << 1 | 1;
    }
    int skip = __builtin_ctz(it->left);
    *seq = (uint16_t)(it->seq + skip);
    it->left >>= skip;
    it->left &= ~1U;
    it->seq = *seq;
    return true;
}

bool sl_rtcp_fir_next(struct rd *fci, uint32_t *ssrc, uint8_t *seq)
{
    if (fci->n < FIR_ENTRY)
        return false;
    *ssrc = rd_u32(fci);
    *seq = rd_u8(fci);
    (void)rd_take(fci, 3);
    return true;
}

enum err sl_rtcp_remb(const struct rtcp_fb *fb, struct rtcp_remb *ret)
{
    struct rd r = fb->fci;
    if (rd_u32(&r) != REMB_ID || r.bad)
        return E_UNSUPPORTED;
    uint8_t n = rd_u8(&r);
    uint32_t rate = (uint32_t)rd_u8(&r) << 16 | rd_u16(&r);
    struct span ssrcs = rd_span(&r, sizeof(uint32_t) * n);
    if (r.bad)
        return E_SHORT;
    unsigned exp = rate >> 18;
    uint64_t mantissa = rate & 0x3ffff;
    bool fits = exp < 63 && mantissa <= (uint64_t)INT64_MAX >> exp;
    *ret = (struct rtcp_remb){.bps = fits ? mantissa << exp : INT64_MAX,
                              .ssrcs = rd_of(ssrcs)};
    return E_OK;
}

/* ---- transport-wide feedback ---- */

/* Statuses, which tell the size of the delta; MISSING: no chunk is left. */
enum { LOST, SMALL, LARGE, RESERVED, MISSING };

/* A run: 0, 2 bits of status, 13 of length. A vector: 1, then 0 and 14 statuses of one bit,
 * or 1 and 7 of two. */
static void next_chunk(struct rtcp_twcc *it)
{
    uint16_t c = rd_u16(&it->chunks);
    if (!(c & 0x8000)) {
        it->bits = 0;
        it->symbols = c >> 13;
        it->run = c & TWCC_RUN_MAX;
    } else {
        it->bits = c & 0x4000 ? 2 : 1;
        it->symbols = (uint16_t)(c << 2);
        it->run = it->bits == 2 ? 7 : 14;
    }
}

static unsigned next_status(struct rtcp_twcc *it)
{
    while (it->run == 0 && it->chunks.n > 0)
        next_chunk(it);
    if (it->run == 0)
        return MISSING;
    it->run--;
    if (it->bits == 0)
        return it->symbols;
    unsigned status = (unsigned)it->symbols >> (16 - it->bits);
    it->symbols = (uint16_t)(it->symbols << it->bits);
    return status;
}

/* How many chunks there are follows from what they say; the deltas stand behind them. */
enum err sl_rtcp_twcc(const struct rtcp_fb *fb, struct rtcp_twcc *ret)
{
    struct rd r = fb->fci;
    struct rtcp_twcc t = {.base_seq = rd_u16(&r)};
    t.count = rd_u16(&r);
    uint32_t ref = rd_u32(&r);
    t.ref = ref >> 8;
    t.fb_count = ref & 0xff;
    t.at = (usec)t.ref * TWCC_REF_US;
    t.chunks = r;
    if (r.bad)
        return E_SHORT;
    if (t.count > TWCC_COUNT_MAX)
        return E_FULL;

    struct rtcp_twcc look = t;
    size_t octets = 0;
    for (unsigned i = 0; i < t.count; i++) {
        unsigned status = next_status(&look);
        if (status >= RESERVED)
            return status == MISSING ? E_SHORT : E_MALFORMED;
        octets += status;
    }
    t.deltas = look.chunks;
    if (octets > t.deltas.n)
        return E_SHORT;
    *ret = t;
    return E_OK;
}

bool sl_rtcp_twcc_next(struct rtcp_twcc *it, struct rtcp_arrival *ret)
{
    if (it->done == it->count)
        return false;
    unsigned status = next_status(it);
    if (status == SMALL)
        it->at += (usec)rd_u8(&it->deltas) * TWCC_TICK_US;
    else if (status == LARGE)
        it->at += (usec)(int16_t)rd_u16(&it->deltas) * TWCC_TICK_US;
    ret->seq = (uint16_t)(it->base_seq + it->done++);
    ret->received = status != LOST;
    ret->at = it->at;
    return true;
}

/* ---- writing ---- */

static void header(struct wr *w, size_t count, enum rtcp_type type, size_t body)
{
    wr_u8(w, VERSION << 6 | (unsigned)count);
    wr_u8(w, type);
    wr_u16(w, (unsigned)(body / 4));
}

static void block(struct wr *w, const struct rtcp_block *b)
{
    wr_u32(w, b->ssrc);
    wr_u32(w, (uint32_t)b->fraction << 24 | ((uint32_t)b->lost & 0xffffff));
    wr_u32(w, b->last_seq);
    wr_u32(w, b->jitter);
    wr_u32(w, b->lsr);
    wr_u32(w, b->dlsr);
}

void sl_rtcp_build_report(struct wr *w, uint32_t ssrc, const struct rtcp_sender *sender,
                          const struct rtcp_block *blocks, size_t n)
{
    do {
        size_t now = n;
        if (now > RTCP_COUNT_MAX)
            now = RTCP_COUNT_MAX;
        size_t body = 4 + (sender ? SENDER : 0U) + now * BLOCK;
        header(w, now, sender ? RTCP_SR : RTCP_RR, body);
        wr_u32(w, ssrc);
        if (sender) {
            wr_u64(w, sender->ntp);
            wr_u32(w, sender->rtp_ts);
            wr_u32(w, sender->packets);
            wr_u32(w, sender->octets);
        }
        for (size_t i = 0; i < now; i++)
            block(w, blocks++);
        sender = NULL;
        n -= now;
    } while (n > 0);
}

void sl_rtcp_build_cname(struct wr *w, uint32_t ssrc, struct span cname)
{
    if (cname.n > UINT8_MAX) {
        w->bad = true;
        return;
    }
    size_t used = 4 + 2 + cname.n;
    size_t body = used / 4 * 4 + 4; /* at least one zero ends the chunk */
    header(w, 1, RTCP_SDES, body);
    wr_u32(w, ssrc);
    wr_u8(w, SDES_CNAME);
    wr_u8(w, (unsigned)cname.n);
    wr_span(w, cname);
    for (; used < body; used++)
        wr_u8(w, 0);
}

void sl_rtcp_build_bye(struct wr *w, uint32_t ssrc)
{
    header(w, 1, RTCP_BYE, 4);
    wr_u32(w, ssrc);
}

static void feedback(struct wr *w, unsigned format, enum rtcp_type type, uint32_t sender,
                     uint32_t media, size_t fci)
{
    header(w, format, type, 8 + fci);
    wr_u32(w, sender);
    wr_u32(w, media);
}

/* Takes the seqs that one word can tell; returns how many those are. */
static size_t nack_word(const uint16_t *seqs, size_t n, uint32_t *word)
{
    size_t i = 1;
    uint32_t mask = 0;
    for (; i < n; i++) {
        uint16_t ahead = (uint16_t)(seqs[i] - seqs[0]);
        if (ahead > 16)
            break;
        if (ahead > 0)
            mask |= 1U << (ahead - 1);
    }
    *word = (uint32_t)seqs[0] << 16 | mask;
    return i;
}

void sl_rtcp_build_nack(struct wr *w, uint32_t sender, uint32_t media,
                        const uint16_t *seqs, size_t n)
{
    size_t words = 0;
    uint32_t word;
    for (size_t i = 0; i < n; i += nack_word(seqs + i, n - i, &word))
        words++;
    feedback(w, RTPFB_NACK, RTCP_RTPFB, sender, media, 4 * words);
    for (size_t i = 0; i < n;) {
        i += nack_word(seqs + i, n - i, &word);
        wr_u32(w, word);
    }
}

void sl_rtcp_build_pli(struct wr *w, uint32_t sender, uint32_t media)
{
    feedback(w, PSFB_PLI, RTCP_PSFB, sender, media, 0);
}

/* The media source stands in the entry, and zero in the header: RFC 5104 §4.3.1.2. */
void sl_rtcp_build_fir(struct wr *w, uint32_t sender, uint32_t media, uint8_t seq)
{
    feedback(w, PSFB_FIR, RTCP_PSFB, sender, 0, FIR_ENTRY);
    wr_u32(w, media);
    wr_u32(w, (uint32_t)seq << 24);
}

void sl_rtcp_build_remb(struct wr *w, uint32_t sender, uint64_t bps,
                        const uint32_t *ssrcs, size_t n)
{
    uint32_t exp = 0;
    for (; bps > 0x3ffff; bps >>= 1)
        exp++;
    feedback(w, PSFB_REMB, RTCP_PSFB, sender, 0, 8 + 4 * n);
    wr_u32(w, REMB_ID);
    wr_u32(w, (uint32_t)n << 24 | exp << 18 | (uint32_t)bps);
    for (size_t i = 0; i < n; i++)
        wr_u32(w, ssrcs[i]);
}
