#include "crypto/srtp_fixture.h"

/* Each back end beside OpenSSL's: what one seals is what the other seals, octet for octet, and
 * either opens it. Nothing here when the CPU has OpenSSL's alone. */

enum { SESSIONS = 24, LONGEST = 1500, JOBS = 150, PROFILES = 3 };

static const struct srtp_backend *pair[2];

static void each_pair(void (*fn)(void))
{
    pair[0] = sl_srtp_backend("openssl");
    for (size_t i = 0; i < LEN(all_backends); i++) {
        pair[1] = sl_srtp_backend(all_backends[i]);
        if (!pair[1] || pair[1] == pair[0])
            continue;
        check_row(all_backends[i]);
        fn();
    }
    check_row(NULL);
}

struct sent {
    uint8_t *dst; /* of exactly the packet's size, so that a stray octet is noticed */
    uint8_t *body;
    size_t n;
};

static uint8_t *exactly(size_t n)
{
    uint8_t *p = malloc(n ? n : 1);
    if (!p)
        abort();
    return p;
}

static void random_header(uint8_t *p, size_t n, uint32_t ssrc, uint64_t index,
                          struct rng *r)
{
    size_t words = (n - 16) / 4;
    fixture_header(p, ssrc, index);
    fixture_random(p + 12, n - 12, r);
    p[0] |= 0x10;
    p[14] = (uint8_t)(words >> 8);
    p[15] = (uint8_t)words;
}

/* A job with the given text length; all else is r's choice. */
static struct srtp_job make_job(struct srtp_out *o, struct srtp_guard *g, uint64_t index,
                                size_t text_n, struct rng *r, struct sent *s)
{
    struct srtp_job j = {.out = o, .guard = g, .index = index};
    size_t pre_max = text_n < sizeof j.pre ? text_n : sizeof j.pre;
    size_t extension = sl_rng_u64(r) % 8 ? sl_rng_u64(r) % 12 : sl_rng_u64(r) % 60;
    j.header_n = (uint16_t)(16 + 4 * extension);
    j.pre_n = (uint8_t)(sl_rng_u64(r) % 2 ? sl_rng_u64(r) % (pre_max + 1) : 0);
    j.body_n = (uint16_t)(text_n - j.pre_n);
    s->n = j.header_n + text_n + sl_srtp_tag_len(sl_srtp_out_profile(o));
    s->dst = exactly(s->n);
    s->body = exactly(j.body_n);
    fixture_random(j.pre, j.pre_n, r);
    fixture_random(s->body, j.body_n, r);
    random_header(s->dst, j.header_n, 77, index, r);
    j.dst = s->dst;
    j.body = s->body;
    return j;
}

/* Opens with the other back end, and compares with the plaintext. */
static void check_open(const struct srtp_job *j, const struct sent *s,
                       const struct srtp_backend *b, const struct srtp_master *m)
{
    struct srtp_in *in = sl_srtp_in_new(b, m, 1);
    size_t n = s->n;
    uint64_t index;
    CHECK_INT(sl_srtp_unprotect(in, s->dst, &n, &index), E_OK);
    CHECK_INT(n, j->header_n + j->pre_n + j->body_n);
    CHECK_INT(index, j->index);
    CHECK(memcmp(s->dst + j->header_n, j->pre, j->pre_n) == 0);
    CHECK(memcmp(s->dst + j->header_n + j->pre_n, s->body, j->body_n) == 0);
    sl_srtp_in_free(in);
}

/* Batches of random size, in which sessions, profiles, header and text lengths are mixed;
 * pick chooses the next text length. */
static void run_mixed(size_t rounds, size_t (*pick)(struct rng *r, size_t round))
{
    struct srtp_master m[SESSIONS];
    struct srtp_out *outs[2][SESSIONS];
    struct srtp_guard guards[2][SESSIONS] = {0};
    struct rng chance = sl_rng_of(99);
    for (size_t i = 0; i < SESSIONS; i++) {
        m[i] = fixture_master(all_profiles[i % PROFILES], i);
        for (size_t k = 0; k < 2; k++)
            outs[k][i] = sl_srtp_out_new(pair[k], &m[i]);
    }
    for (size_t round = 0, at = 0; round < rounds;) {
        struct srtp_job jobs[2][JOBS];
        struct sent sent[2][JOBS];
        size_t who[JOBS], n = 1 + sl_rng_u64(&chance) % JOBS;
        for (size_t i = 0; i < n; i++, round++, at++) {
            size_t text_n = pick(&chance, round);
            who[i] = sl_rng_u64(&chance) % SESSIONS;
            struct rng same[2] = {chance, chance};
            for (size_t k = 0; k < 2; k++)
                jobs[k][i] = make_job(outs[k][who[i]], &guards[k][who[i]], at, text_n,
                                      &same[k], &sent[k][i]);
            chance = same[0];
        }
        for (size_t k = 0; k < 2; k++)
            sl_srtp_protect(jobs[k], n);
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(jobs[0][i].err, E_OK);
            CHECK_INT(jobs[1][i].err, E_OK);
            CHECK_INT(sent[0][i].n, sent[1][i].n);
            CHECK(memcmp(sent[0][i].dst, sent[1][i].dst, sent[0][i].n) == 0);
            for (size_t k = 0; k < 2; k++) {
                if (i % 8 == 0)
                    check_open(&jobs[k][i], &sent[k][i], pair[1 - k], &m[who[i]]);
                free(sent[k][i].dst);
                free(sent[k][i].body);
            }
        }
    }
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < SESSIONS; i++)
            sl_srtp_out_free(outs[k][i]);
}

static size_t any_length(struct rng *r, size_t round)
{
    (void)round;
    return sl_rng_u64(r) % (LONGEST + 1);
}

static size_t audio_and_video(struct rng *r, size_t round)
{
    return round % 3 ? 1100 + sl_rng_u64(r) % 2 : 40 + sl_rng_u64(r) % 120;
}

static void agree_on_any_mixture(void)
{
    run_mixed(6000, any_length);
    run_mixed(4000, audio_and_video);
}

TEST(srtp_backends_agree_on_any_mixture)
{
    each_pair(agree_on_any_mixture);
}

static size_t ascending(struct rng *r, size_t round)
{
    (void)r;
    return round % (LONGEST + 1);
}

static void agree_on_neighbouring_lengths(void)
{
    run_mixed((size_t)9 * (LONGEST + 1), ascending);
}

/* Lengths go up by one, so that lanes of a group end in all ways. */
TEST(srtp_backends_agree_on_neighbouring_lengths)
{
    each_pair(agree_on_neighbouring_lengths);
}

/* Every number of packets of one length that can run together, for every length. */
static void agree_on_equal_lengths(void)
{
    for (size_t p = 0; p < PROFILES; p++) {
        struct srtp_master m = fixture_master(all_profiles[p], p);
        struct srtp_out *outs[2];
        for (size_t k = 0; k < 2; k++)
            outs[k] = sl_srtp_out_new(pair[k], &m);
        for (size_t text = 0; text <= LONGEST; text++) {
            static uint8_t dst[2][20][1600], body[1600];
            struct srtp_guard g[2] = {0};
            struct srtp_job jobs[20];
            size_t n = 1 + text % 20;
            for (size_t k = 0; k < 2; k++) {
                for (size_t i = 0; i < n; i++) {
                    fixture_header(dst[k][i], 5, i);
                    jobs[i] = (struct srtp_job){.out = outs[k],
                                                .guard = &g[k],
                                                .index = i,
                                                .dst = dst[k][i],
                                                .body = body,
                                                .header_n = 12,
                                                .body_n = (uint16_t)text};
                }
                sl_srtp_protect(jobs, n);
            }
            for (size_t i = 0; i < n; i++)
                CHECK(memcmp(dst[0][i], dst[1][i],
                             12 + text + sl_srtp_tag_len(all_profiles[p])) == 0);
        }
        for (size_t k = 0; k < 2; k++)
            sl_srtp_out_free(outs[k]);
    }
}

TEST(srtp_backends_agree_on_equal_lengths)
{
    each_pair(agree_on_equal_lengths);
}

/* RTCP of every length, sealed by one and opened by the other. */
static void agree_on_rtcp(void)
{
    for (size_t p = 0; p < PROFILES; p++) {
        struct srtp_master m = fixture_master(all_profiles[p], 40 + p);
        struct srtp_out *outs[2];
        struct srtp_in *ins[2];
        for (size_t k = 0; k < 2; k++) {
            outs[k] = sl_srtp_out_new(pair[k], &m);
            ins[k] = sl_srtp_in_new(pair[k], &m, 1);
        }
        for (size_t n = 8; n <= LONGEST; n++) {
            static uint8_t buf[2][LONGEST + SRTP_RTCP_MAX];
            size_t len[2] = {n, n};
            for (size_t k = 0; k < 2; k++) {
                memset(buf[k], (int)n, n);
                memcpy(buf[k], (const uint8_t[8]){0x80, 200}, 8);
                CHECK_INT(sl_srtp_protect_rtcp(outs[k], buf[k], &len[k]), E_OK);
            }
            CHECK_INT(len[0], len[1]);
            CHECK(memcmp(buf[0], buf[1], len[0]) == 0);
            for (size_t k = 0; k < 2; k++) {
                CHECK_INT(sl_srtp_unprotect_rtcp(ins[1 - k], buf[k], &len[k]), E_OK);
                CHECK_INT(len[k], n);
                CHECK(n == 8 || buf[k][n - 1] == (uint8_t)n);
            }
        }
        for (size_t k = 0; k < 2; k++) {
            sl_srtp_out_free(outs[k]);
            sl_srtp_in_free(ins[k]);
        }
    }
}

TEST(srtp_backends_agree_on_rtcp)
{
    each_pair(agree_on_rtcp);
}
