#include "base/span.h"

#include "crypto/srtp_backend.h"
#include "fuzz.h"

/* A peer that has the keys and one that has not, on one path. The first octet chooses the
 * profile; records follow: what to do, a length, and that many octets. All back ends are
 * given the same and must answer the same. What is accepted is what was sealed, and seals
 * to the same octets again; what was changed on the way is never accepted. */

enum { PLAIN_MAX = 255, ROOM = PLAIN_MAX + SRTP_RTCP_MAX + 1, SSRCS = 4 };

/* What to do; the upper four bits are the roll-over counter. */
enum { RTCP = 1, SEALED = 2, CHANGED = 4 };

struct end {
    struct srtp_out *out;
    struct srtp_in *in;
};

static const char *const names[] = {"openssl", "avx2", "vaes256", "avx512"};
enum { ENDS = sizeof names / sizeof *names };

static struct end ends[ENDS];
static size_t n_ends;

static void open_ends(enum srtp_profile p)
{
    struct srtp_master m = {.profile = p, .key = {1, 2, 3}, .salt = {4, 5, 6}};
    n_ends = 0;
    for (size_t i = 0; i < ENDS; i++) {
        const struct srtp_backend *b = sl_srtp_backend(names[i]);
        if (b)
            ends[n_ends++] =
                (struct end){sl_srtp_out_new(b, &m), sl_srtp_in_new(b, &m, SSRCS)};
    }
}

static void close_ends(void)
{
    for (size_t i = 0; i < n_ends; i++) {
        sl_srtp_out_free(ends[i].out);
        sl_srtp_in_free(ends[i].in);
    }
}

/* 0: no RTP header that could be sent. */
static size_t header_of(struct span s)
{
    struct rd r = rd_of(s);
    uint8_t b0 = rd_u8(&r);
    rd_span(&r, 11 + sizeof(uint32_t) * (b0 & 0x0f));
    if (b0 & 0x10) {
        rd_u16(&r);
        rd_span(&r, sizeof(uint32_t) * rd_u16(&r));
    }
    return r.bad || b0 >> 6 != SRTP_VERSION ? 0 : s.n - r.n;
}

/* Seals plain at index into buf, with end k's arithmetic. Returns its length. */
static size_t seal(size_t k, uint8_t *buf, struct span plain, uint64_t index)
{
    size_t header_n = header_of(plain);
    struct srtp_guard any = {.next = index};
    struct srtp_job j = {.out = ends[k].out,
                         .guard = &any,
                         .index = index,
                         .dst = buf,
                         .body = buf + header_n,
                         .header_n = (uint16_t)header_n,
                         .body_n = (uint16_t)(plain.n - header_n)};
    memcpy(buf, plain.p, plain.n);
    sl_srtp_protect(&j, 1);
    MUST(j.err == E_OK);
    return plain.n + sl_srtp_tag_len(sl_srtp_out_profile(ends[k].out));
}

/* What the path makes of an honest packet: the index's low bits are the header's. */
static size_t send_rtp(uint8_t *buf, struct span plain, unsigned round)
{
    if (header_of(plain) == 0)
        return 0;
    uint64_t seq = (uint64_t)plain.p[2] << 8 | plain.p[3];
    return seal(0, buf, plain, (uint64_t)round << 16 | seq);
}

static size_t send_rtcp(uint8_t *buf, struct span plain)
{
    size_t n = plain.n;
    if (n < SRTP_RTCP_HEADER || plain.p[0] >> 6 != SRTP_VERSION)
        return 0;
    memcpy(buf, plain.p, n);
    MUST(sl_srtp_protect_rtcp(ends[0].out, buf, &n) == E_OK);
    return n;
}

static enum err receive(size_t k, bool rtcp, uint8_t *buf, size_t *n, uint64_t *index)
{
    return rtcp ? sl_srtp_unprotect_rtcp(ends[k].in, buf, n)
                : sl_srtp_unprotect(ends[k].in, buf, n, index);
}

static void deliver(const uint8_t *wire, size_t n, bool rtcp, bool honest)
{
    uint8_t got[ENDS][ROOM];
    uint64_t index[ENDS] = {0};
    size_t len[ENDS];
    enum err e[ENDS];
    for (size_t k = 0; k < n_ends; k++) {
        memcpy(got[k], wire, n);
        len[k] = n;
        e[k] = receive(k, rtcp, got[k], &len[k], &index[k]);
        MUST(e[k] == e[0] && len[k] == len[0] && index[k] == index[0]);
        MUST(e[k] == E_OK || len[k] == n);
    }
    if (e[0] != E_OK)
        return;
    MUST(honest);
    for (size_t k = 1; k < n_ends; k++) {
        MUST(memcmp(got[0], got[k], len[0]) == 0);
        if (!rtcp) {
            uint8_t again[ROOM];
            MUST(seal(k, again, (struct span){got[0], len[0]}, index[0]) == n);
            MUST(memcmp(again, wire, n) == 0);
        }
    }
    size_t twice = n;
    memcpy(got[0], wire, n);
    MUST(receive(0, rtcp, got[0], &twice, &index[0]) == E_REPLAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const enum srtp_profile profiles[] = {SRTP_CM_SHA1_80, SRTP_GCM_128,
                                                 SRTP_GCM_256};
    struct rd r = rd_of((struct span){p, n});
    open_ends(profiles[rd_u8(&r) % 3]);
    while (r.n > 0) {
        uint8_t buf[ROOM];
        uint8_t what = rd_u8(&r);
        struct span s = rd_span(&r, rd_u8(&r));
        size_t wire_n = s.n;
        bool rtcp = what & RTCP, honest = what & SEALED;
        if (r.bad)
            break;
        if (honest)
            wire_n = rtcp ? send_rtcp(buf, s) : send_rtp(buf, s, what >> 4);
        else if (s.n > 0)
            memcpy(buf, s.p, s.n);
        if (honest && wire_n > 0 && (what & CHANGED)) {
            uint8_t at = rd_u8(&r), by = rd_u8(&r);
            buf[at % wire_n] ^= by;
            honest = by == 0;
        }
        if (wire_n > 0)
            deliver(buf, wire_n, rtcp, honest);
    }
    close_ends();
    return 0;
}
