#include "crypto/srtp_fixture.h"

enum { SSRC = 0xcafe, TEXT = 60 };

struct ends {
    struct srtp_out *out;
    struct srtp_in *in;
};

static struct ends ends_of(const struct srtp_backend *b, enum srtp_profile p,
                           size_t ssrcs)
{
    struct srtp_master m = fixture_master(p, 11);
    return (struct ends){sl_srtp_out_new(b, &m), sl_srtp_in_new(b, &m, ssrcs)};
}

static void ends_free(struct ends *e)
{
    sl_srtp_out_free(e->out);
    sl_srtp_in_free(e->in);
}

static enum err send(struct ends *e, uint32_t ssrc, uint64_t index, uint64_t *got)
{
    uint8_t buf[SRTP_PKT_MAX];
    size_t n = fixture_protect(e->out, buf, ssrc, index, TEXT, 0x33);
    enum err r = sl_srtp_unprotect(e->in, buf, &n, got);
    if (r == E_OK)
        CHECK(n == 12 + TEXT && buf[12] == 0x33 && buf[n - 1] == 0x33);
    return r;
}

#define ROC(n) (UINT64_C(65536) * (n))

static const struct {
    const char *name;
    uint64_t index;
    enum err want;
} arrivals[] = {
    {"first", 60000, E_OK},
    {"again", 60000, E_REPLAY},
    {"lost ones between", 65000, E_OK},
    {"late by 1023", 65000 - 1023, E_OK},
    {"late by 1023, again", 65000 - 1023, E_REPLAY},
    {"late by 1024", 65000 - 1024, E_REPLAY},
    {"rolled over", ROC(1) + 100, E_OK},
    {"from before the roll-over", 65535, E_OK},
    {"from before the roll-over, again", 65535, E_REPLAY},
    {"the farthest jump that is understood", ROC(1) + 100 + 32767, E_OK},
    {"farther: taken for one from the past", ROC(2) + 300, E_REPLAY},
    {"a whole round lost: taken for the next one", ROC(2) + 32868, E_AUTH},
    {"in between is forgotten", ROC(1) + 100 + 32767 - 1024, E_REPLAY},
    {"in between, near", ROC(1) + 100 + 32767 - 1000, E_OK},
    {"to the end of a round", ROC(2) - 1, E_OK},
    {"and over it", ROC(2), E_OK},
    {"just behind, again", ROC(2) - 1, E_REPLAY},
};

static void arrivals_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 1);
    for (size_t i = 0; i < LEN(arrivals); i++) {
        uint64_t got = 0;
        check_row(arrivals[i].name);
        CHECK_INT(send(&e, SSRC, arrivals[i].index, &got), arrivals[i].want);
        if (arrivals[i].want == E_OK)
            CHECK_INT(got, arrivals[i].index);
    }
    ends_free(&e);
}

TEST(srtp_in_follows_roll_over_and_refuses_replay)
{
    each_kind(arrivals_kind);
}

/* Each place of the window is used many times over, and is as good as new each time. */
static void gaps_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 1);
    uint64_t got;
    for (uint64_t i = 0; i < 3000; i++) {
        CHECK_INT(send(&e, SSRC, 3 * i, &got), E_OK);
        if (i >= 300) {
            CHECK_INT(send(&e, SSRC, 3 * (i - 300) + 1, &got), E_OK); /* late, and new */
            CHECK_INT(send(&e, SSRC, 3 * (i - 300), &got), E_REPLAY);
        }
    }
    ends_free(&e);
}

TEST(srtp_in_takes_late_packets_once)
{
    each_kind(gaps_kind);
}

/* A stream that begins high in the first round, and whose second packet is far below: there
 * is no round before the first, so it is ahead. */
static void first_round_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 1);
    uint64_t got;
    CHECK_INT(send(&e, SSRC, 10, &got), E_OK);
    CHECK_INT(send(&e, SSRC, 60000, &got), E_OK);
    CHECK_INT(got, 60000);
    ends_free(&e);
}

TEST(srtp_in_knows_no_round_before_the_first)
{
    each_kind(first_round_kind);
}

/* Forged packets, far ahead in sequence number and with unknown SSRCs, change nothing. */
static void forged_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 2);
    struct rng r = sl_rng_of(3);
    uint64_t got;
    CHECK_INT(send(&e, SSRC, 40000, &got), E_OK);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t buf[SRTP_PKT_MAX];
        size_t n = fixture_protect(e.out, buf, SSRC, 40001 + 20 * i, TEXT, 0), was = n;
        buf[3] ^= (uint8_t)(1 + rng_u32(&r) % 255); /* another number */
        if (i % 2)
            buf[8] = 1; /* another SSRC */
        enum err err = sl_srtp_unprotect(e.in, buf, &n, &got);
        CHECK(err == E_AUTH || err == E_REPLAY);
        CHECK_INT(n, was);
    }
    CHECK_INT(send(&e, SSRC, 40001, &got), E_OK);
    CHECK_INT(got, 40001);
    CHECK_INT(send(&e, SSRC + 1, 1, &got), E_OK); /* the second place is still free */
    ends_free(&e);
}

TEST(srtp_in_learns_nothing_from_forged_packets)
{
    each_kind(forged_kind);
}

/* Every octet of a packet is guarded, and every length but the right one is refused. */
static void tamper_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 1);
    uint8_t good[SRTP_PKT_MAX], buf[SRTP_PKT_MAX];
    size_t whole = fixture_protect(e.out, good, SSRC, 1, TEXT, 0x77);
    uint64_t index;
    for (size_t i = 0; i < whole; i++) {
        memcpy(buf, good, whole);
        buf[i] ^= 0x01;
        size_t n = whole;
        enum err err = sl_srtp_unprotect(e.in, buf, &n, &index);
        CHECK(err == E_AUTH || (i == 0 && (err == E_SHORT || err == E_MALFORMED)));
    }
    for (size_t cut = 0; cut < whole; cut++) {
        uint8_t *exact = malloc(cut + 1);
        size_t n = cut;
        if (!exact)
            abort();
        memcpy(exact, good, cut);
        enum err err = sl_srtp_unprotect(e.in, exact, &n, &index);
        CHECK_INT(err, cut < 12 + sl_srtp_tag_len(p) ? E_SHORT : E_AUTH);
        free(exact);
    }
    CHECK_INT(sl_srtp_unprotect(e.in, good, &whole, &index), E_OK);
    ends_free(&e);
}

TEST(srtp_in_refuses_what_was_changed)
{
    each_kind(tamper_kind);
}

static const struct {
    const char *name, *hex; /* with 16 octets of tag, and not authentic */
    enum err want;
} headers[] = {
    {"version 1", "40600001 00000002 00000003", E_MALFORMED},
    {"csrcs", "82600001 00000002 00000003 aaaaaaaa bbbbbbbb", E_AUTH},
    {"csrc inside the tag", "84600001 00000002 00000003 aaaaaaaa bbbbbbbb", E_SHORT},
    {"extension", "90600001 00000002 00000003 bede0001 11223344", E_AUTH},
    {"extension inside the tag", "90600001 00000002 00000003 bede0002 11223344", E_SHORT},
    {"extension beyond the end", "90600001 00000002 00000003 bedeffff 11223344", E_SHORT},
    {"nothing", "", E_SHORT},
};

static void header_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 1);
    for (size_t i = 0; i < LEN(headers); i++) {
        uint8_t buf[64] = {0};
        struct span h = check_hex(headers[i].hex);
        size_t n = h.n ? h.n + sl_srtp_tag_len(p) : 0;
        uint64_t index;
        memcpy(buf, h.p, h.n);
        check_row(headers[i].name);
        CHECK_INT(sl_srtp_unprotect(e.in, buf, &n, &index), headers[i].want);
    }
    ends_free(&e);
}

TEST(srtp_in_reads_headers_with_care)
{
    each_kind(header_kind);
}

static void limit_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    enum { MAX = 5 };
    struct ends e = ends_of(b, p, MAX);
    uint64_t got;
    for (uint32_t i = 0; i < MAX; i++)
        CHECK_INT(send(&e, SSRC + i, 1, &got), E_OK);
    CHECK_INT(send(&e, SSRC + MAX, 1, &got), E_FULL);
    for (uint32_t i = 0; i < MAX; i++)
        CHECK_INT(send(&e, SSRC + i, 2, &got), E_OK);
    ends_free(&e);
}

TEST(srtp_in_holds_no_more_ssrcs_than_allowed)
{
    each_kind(limit_kind);
}

/* A peer whose tracks come and go sends on new SSRCs each time, for as long as a call lasts. */
static void retire_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    enum { MAX = 5 };
    struct ends e = ends_of(b, p, MAX);
    uint64_t got;
    for (uint32_t i = 0; i < MAX; i++)
        CHECK_INT(send(&e, SSRC + i, 1, &got), E_OK);
    sl_srtp_in_retire(e.in, SSRC + 1, true);
    sl_srtp_in_retire(e.in, SSRC + 3, true);
    sl_srtp_in_retire(e.in, SSRC + 3, false);     /* it is used again */
    sl_srtp_in_retire(e.in, SSRC + 99, true);     /* nobody knows it */
    CHECK_INT(send(&e, SSRC + 1, 2, &got), E_OK); /* what is on its way passes */
    CHECK_INT(send(&e, SSRC + MAX, 1, &got), E_OK);
    CHECK_INT(send(&e, SSRC + MAX + 1, 1, &got), E_FULL);
    CHECK_INT(send(&e, SSRC + 1, 3, &got), E_FULL);
    for (uint32_t i = 0; i <= MAX; i++)
        if (i != 1)
            CHECK_INT(send(&e, SSRC + i, 2, &got), E_OK);
    ends_free(&e);
}

TEST(srtp_in_makes_room_where_tracks_have_ended)
{
    each_kind(retire_kind);
}

static size_t report(struct srtp_out *o, uint8_t *buf, uint32_t ssrc, size_t n)
{
    struct wr w = wr_of(buf, n);
    wr_u16(&w, 0x80c9);
    wr_u16(&w, (unsigned)n / 4 - 1);
    wr_u32(&w, ssrc);
    while (w.n < n)
        wr_u8(&w, 0x5a);
    CHECK_INT(sl_srtp_protect_rtcp(o, buf, &n), E_OK);
    return n;
}

static void rtcp_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    struct ends e = ends_of(b, p, 2);
    uint8_t early[256], buf[256];
    size_t early_n = report(e.out, early, SSRC, 8), whole = 0;
    CHECK_INT(early_n, 8 + 4 + sl_srtp_tag_len(p));
    for (unsigned i = 0; i < 100; i++) {
        size_t n = whole = report(e.out, buf, SSRC, 8 + 4 * (i % 40));
        CHECK_INT(sl_srtp_unprotect_rtcp(e.in, buf, &n), E_OK);
        CHECK_INT(n, 8 + 4 * (i % 40));
        CHECK(n == 8 || (buf[8] == 0x5a && buf[n - 1] == 0x5a));
    }
    uint8_t copy[256];
    size_t n = early_n;
    memcpy(copy, early, n);
    CHECK_INT(sl_srtp_unprotect_rtcp(e.in, early, &n), E_OK); /* late */
    n = early_n;
    CHECK_INT(sl_srtp_unprotect_rtcp(e.in, copy, &n), E_REPLAY);

    whole = report(e.out, buf, SSRC, 48);
    for (size_t i = 0; i < whole; i++) {
        memcpy(copy, buf, whole);
        copy[i] ^= 0x80;
        n = whole;
        enum err err = sl_srtp_unprotect_rtcp(e.in, copy, &n);
        CHECK(err != E_OK);
        CHECK_INT(n, whole);
    }
    for (n = 0; n < whole;) {
        size_t was = n;
        uint8_t *exact = malloc(n + 1);
        if (!exact)
            abort();
        memcpy(exact, buf, n);
        CHECK(sl_srtp_unprotect_rtcp(e.in, exact, &n) != E_OK);
        CHECK_INT(n, was);
        free(exact);
        n = was + 1;
    }
    n = whole;
    CHECK_INT(sl_srtp_unprotect_rtcp(e.in, buf, &n), E_OK);
    ends_free(&e);
}

TEST(srtcp_comes_back_once_and_unchanged)
{
    each_kind(rtcp_kind);
}
