#include <srtp2/srtp.h>

#include "crypto/srtp_fixture.h"

/* libsrtp2 as the other end: what one protects, the other must understand, and both must
 * take and refuse the same packets of a network that loses, repeats, reorders and breaks. */

enum { SSRC = 0xdecade, PACKETS = 6000 };

struct oracle {
    srtp_t tx, rx;
};

static srtp_t oracle_session(const struct srtp_master *m, srtp_ssrc_type_t dir)
{
    uint8_t key[SRTP_KEY_MAX + SRTP_SALT_MAX];
    srtp_policy_t p = {.ssrc.type = dir, .key = key, .window_size = 1024};
    size_t key_n = sl_srtp_key_len(m->profile);
    memcpy(key, m->key, key_n);
    memcpy(key + key_n, m->salt, sl_srtp_salt_len(m->profile));
    switch (m->profile) {
    case SRTP_CM_SHA1_80:
        srtp_crypto_policy_set_rtp_default(&p.rtp);
        srtp_crypto_policy_set_rtcp_default(&p.rtcp);
        break;
    case SRTP_GCM_128:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&p.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&p.rtcp);
        break;
    case SRTP_GCM_256:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&p.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&p.rtcp);
        break;
    case SRTP_NONE: break;
    }
    srtp_t s = NULL;
    CHECK_INT(srtp_create(&s, &p), srtp_err_status_ok);
    return s;
}

static void oracle_init(void)
{
    static bool done;
    if (!done)
        CHECK_INT(srtp_init(), srtp_err_status_ok);
    done = true;
}

struct wire {
    uint8_t p[400];
    size_t n;
};

/* Packets of one stream from 500 before a roll-over, numbered without a gap. */
static uint64_t index_of(size_t i)
{
    return 65036 + i;
}

static size_t text_of(size_t i)
{
    return i * 7 % 300;
}

static struct wire *ours(struct srtp_out *o, size_t n)
{
    struct wire *w = calloc(n, sizeof *w);
    for (size_t i = 0; w && i < n; i++)
        w[i].n = fixture_protect(o, w[i].p, SSRC, index_of(i), text_of(i), (uint8_t)i);
    return w;
}

static struct wire *theirs(srtp_t tx, size_t n)
{
    struct wire *w = calloc(n, sizeof *w);
    for (size_t i = 0; w && i < n; i++) {
        int len = 12 + (int)text_of(i);
        fixture_header(w[i].p, SSRC, index_of(i));
        memset(w[i].p + 12, (uint8_t)i, text_of(i));
        CHECK_INT(srtp_protect(tx, w[i].p, &len), srtp_err_status_ok);
        w[i].n = (size_t)len;
    }
    return w;
}

static enum err as_err(srtp_err_status_t s)
{
    if (s == srtp_err_status_ok)
        return E_OK;
    return s == srtp_err_status_replay_fail || s == srtp_err_status_replay_old ? E_REPLAY
                                                                               : E_AUTH;
}

/* One datagram to both. A truncated one ends for them at different checks: what counts is
 * that both refuse it. */
static enum err give_both(struct srtp_in *in, srtp_t rx, const struct wire *w, size_t n,
                          int flip)
{
    struct wire a = *w, b = *w;
    uint64_t index;
    size_t an = n;
    int bn = (int)n;
    if (flip >= 0)
        a.p[flip] = b.p[flip] = (uint8_t)(w->p[flip] ^ 0x10);
    enum err e = sl_srtp_unprotect(in, a.p, &an, &index);
    enum err f = as_err(srtp_unprotect(rx, b.p, &bn));
    if (n < w->n && (e == E_SHORT || e == E_AUTH))
        e = f = f == E_OK ? E_OK : E_AUTH;
    CHECK_INT(e, f);
    if (e == E_OK) {
        CHECK_INT(an, bn);
        CHECK(memcmp(a.p, b.p, an) == 0);
    }
    return e;
}

static void network(struct srtp_in *in, srtp_t rx, const struct wire *w, size_t n)
{
    struct rng r = sl_rng_of(5);
    size_t accepted = 0, replayed = 0, refused = 0;
    for (size_t at = 0; at < n; at++) {
        /* Mostly in order, now and then far back or some ahead; some twice, some never. */
        size_t i = at;
        if (sl_rng_u64(&r) % 4 == 0)
            i = at - sl_rng_u64(&r) % (at < 1100 ? at + 1 : 1100);
        if (sl_rng_u64(&r) % 50 == 0 && at + 300 < n)
            i = at + sl_rng_u64(&r) % 300;
        size_t cut = w[i].n;
        int flip = -1;
        if (sl_rng_u64(&r) % 20 == 0)
            cut = sl_rng_u64(&r) % cut;
        else if (sl_rng_u64(&r) % 20 == 0)
            flip = 2 + (int)(sl_rng_u64(&r) % (cut - 2));
        enum err e = give_both(in, rx, &w[i], cut, flip);
        accepted += e == E_OK;
        replayed += e == E_REPLAY;
        refused += e == E_AUTH;
    }
    CHECK(accepted > n / 2 && replayed > n / 20 && refused > n / 50);
}

static void rtp_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    oracle_init();
    struct srtp_master m = fixture_master(p, 21);
    for (int from_them = 0; from_them < 2; from_them++) {
        struct srtp_out *out = sl_srtp_out_new(b, &m);
        struct srtp_in *in = sl_srtp_in_new(b, &m, 4);
        struct oracle o = {oracle_session(&m, ssrc_any_outbound),
                           oracle_session(&m, ssrc_any_inbound)};
        struct wire *w = from_them ? theirs(o.tx, PACKETS) : ours(out, PACKETS);
        network(in, o.rx, w, PACKETS);
        free(w);
        srtp_dealloc(o.tx);
        srtp_dealloc(o.rx);
        sl_srtp_out_free(out);
        sl_srtp_in_free(in);
    }
}

TEST(srtp_and_libsrtp_take_the_same_packets)
{
    each_kind(rtp_kind);
}

/* The roll-over counter has 32 bits, and all of them count. */
static void far_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    static const uint32_t rocs[] = {1, 0xffff, 0x10000, 0x12345678, 0xffffffff};
    oracle_init();
    struct srtp_master m = fixture_master(p, 22);
    struct srtp_out *out = sl_srtp_out_new(b, &m);
    for (size_t i = 0; i < LEN(rocs); i++) {
        srtp_t rx = oracle_session(&m, ssrc_any_inbound);
        struct wire w = {0};
        /* A first packet makes the stream there, whose counter can be set then. */
        w.n = fixture_protect(out, w.p, SSRC, 700, 10, 1);
        int n = (int)w.n;
        CHECK_INT(srtp_unprotect(rx, w.p, &n), srtp_err_status_ok);
        CHECK_INT(srtp_set_stream_roc(rx, SSRC, rocs[i]), srtp_err_status_ok);
        w.n = fixture_protect(out, w.p, SSRC, (uint64_t)rocs[i] << 16 | 701, 10, 2);
        n = (int)w.n;
        CHECK_INT(srtp_unprotect(rx, w.p, &n), srtp_err_status_ok);
        CHECK(n == 22 && w.p[12] == 2);
        srtp_dealloc(rx);
    }
    sl_srtp_out_free(out);
}

TEST(srtp_counts_roll_overs_in_32_bits)
{
    each_kind(far_kind);
}

static size_t rtcp_packet(uint8_t *p, size_t i)
{
    size_t n = 8 + i % 90 * 4;
    memset(p, (uint8_t)i, n);
    struct wr w = wr_of(p, 8);
    wr_u16(&w, 0x81c9);
    wr_u16(&w, (unsigned)n / 4 - 1);
    wr_u32(&w, SSRC + (uint32_t)(i % 3));
    return n;
}

static void rtcp_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    oracle_init();
    struct srtp_master m = fixture_master(p, 23);
    struct srtp_out *out = sl_srtp_out_new(b, &m);
    struct srtp_in *in = sl_srtp_in_new(b, &m, 3);
    struct oracle o = {oracle_session(&m, ssrc_any_outbound),
                       oracle_session(&m, ssrc_any_inbound)};
    for (size_t i = 0; i < 500; i++) {
        uint8_t plain[400], buf[400 + SRTP_RTCP_MAX + SRTP_MAX_TRAILER_LEN];
        size_t whole = rtcp_packet(plain, i), n = whole;
        memcpy(buf, plain, n);
        CHECK_INT(sl_srtp_protect_rtcp(out, buf, &n), E_OK);
        int len = (int)n;
        CHECK_INT(srtp_unprotect_rtcp(o.rx, buf, &len), srtp_err_status_ok);
        CHECK(len == (int)whole && memcmp(buf, plain, whole) == 0);

        memcpy(buf, plain, whole);
        len = (int)whole;
        CHECK_INT(srtp_protect_rtcp(o.tx, buf, &len), srtp_err_status_ok);
        n = (size_t)len;
        CHECK_INT(sl_srtp_unprotect_rtcp(in, buf, &n), E_OK);
        CHECK(n == whole && memcmp(buf, plain, whole) == 0);
    }
    srtp_dealloc(o.tx);
    srtp_dealloc(o.rx);
    sl_srtp_out_free(out);
    sl_srtp_in_free(in);
}

TEST(srtcp_and_libsrtp_understand_each_other)
{
    each_kind(rtcp_kind);
}
