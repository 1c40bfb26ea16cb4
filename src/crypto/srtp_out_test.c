#include "crypto/srtp_fixture.h"

enum { SSRC = 0x1234, TEXT = 200 };

static struct srtp_job job_of(struct srtp_out *o, struct srtp_guard *g, uint64_t index,
                              uint8_t *dst, const uint8_t *body)
{
    fixture_header(dst, SSRC, index);
    return (struct srtp_job){.out = o,
                             .guard = g,
                             .index = index,
                             .dst = dst,
                             .body = body,
                             .header_n = 12,
                             .body_n = TEXT};
}

static bool all_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && *p == 0)
        p++, n--;
    return n == 0;
}

enum body { FIRST, OTHER };

/* The way of one stream: a packet after another, through a guard that keeps 4 tags. */
static const struct step {
    const char *name;
    uint64_t index;
    enum body body;
    enum err want;
} with_slots[] =
    {
        {"new", 10, FIRST, E_OK},
        {"the same again", 10, FIRST, E_OK},
        {"the same index, other bytes", 10, OTHER, E_REPLAY},
        {"the refusal changed nothing", 10, FIRST, E_OK},
        {"a gap", 13, FIRST, E_OK},
        {"an index that was skipped", 12, FIRST, E_OK},
        {"skipped once, and no more", 12, OTHER, E_REPLAY},
        {"still among the last 4", 10, FIRST, E_OK},
        {"next", 14, FIRST, E_OK},
        {"not among the last 4", 10, FIRST, E_REPLAY},
        {"before the first", 1, FIRST, E_OK},
        {"last index of all", (UINT64_C(1) << 48) - 1, FIRST, E_OK},
        {"none is left", UINT64_C(1) << 48, FIRST, E_REPLAY},
},
  without_slots[] = {
      {"new", 10, FIRST, E_OK},
      {"the same again", 10, FIRST, E_REPLAY},
      {"next", 11, FIRST, E_OK},
      {"back", 10, FIRST, E_REPLAY},
      {"a gap", 13, FIRST, E_OK},
      {"an index that was skipped", 12, FIRST, E_OK},
      {"skipped once, and no more", 12, FIRST, E_REPLAY},
      {"over the roll-over", 65536 + 11, FIRST, E_OK},
      {"skipped, and too long ago to tell", 14, FIRST, E_REPLAY},
      {"the same sequence number of the time before", 11, FIRST, E_REPLAY},
};

/* together: all steps in one call; otherwise one by one. */
static void walk(const struct srtp_backend *b, enum srtp_profile p, const struct step *s,
                 size_t n, uint32_t slots, bool together)
{
    static uint8_t bufs[16][SRTP_PKT_MAX], body[2][TEXT + SRTP_HEAD];
    memset(body[OTHER], 1, sizeof body[OTHER]);
    struct srtp_master m = fixture_master(p, 1);
    struct srtp_out *o = sl_srtp_out_new(b, &m);
    struct srtp_guard g;
    CHECK_INT(sl_srtp_guard_init(&g, slots), E_OK);

    struct srtp_job jobs[16];
    size_t sealed_n = 12 + TEXT + sl_srtp_tag_len(p);
    for (size_t i = 0; i < n; i++)
        jobs[i] = job_of(o, &g, s[i].index, bufs[i], body[s[i].body]);
    if (together)
        sl_srtp_protect(jobs, n);
    for (size_t i = 0; i < n; i++) {
        if (!together)
            sl_srtp_protect(jobs + i, 1);
        check_row(s[i].name);
        CHECK_INT(jobs[i].err, s[i].want);
        CHECK((jobs[i].err == E_OK) != all_zero(bufs[i], sealed_n));
        for (size_t k = 0; k < i; k++)
            if (jobs[i].err == E_OK && jobs[k].err == E_OK && s[k].index == s[i].index)
                CHECK(memcmp(bufs[i], bufs[k], sealed_n) == 0);
    }
    sl_srtp_guard_fini(&g);
    sl_srtp_out_free(o);
}

static void guard_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    for (int together = 0; together < 2; together++) {
        walk(b, p, with_slots, LEN(with_slots), 4, together);
        walk(b, p, without_slots, LEN(without_slots), 0, together);
    }
}

TEST(srtp_index_never_protects_two_packets)
{
    each_kind(guard_kind);
}

/* Any way of a stream, beside a list of all that was used: mostly the next one, often one that
 * was skipped, was used or is too old, now and then a leap. */
static void any_way(const struct srtp_backend *b, uint64_t seed)
{
    enum { INDEXES = 8192 };
    static bool used[INDEXES];
    static uint8_t buf[SRTP_PKT_MAX], body[TEXT + SRTP_HEAD];
    struct srtp_master m = fixture_master(SRTP_GCM_128, 1);
    struct srtp_out *o = sl_srtp_out_new(b, &m);
    struct srtp_guard g = {0};
    struct rng r = sl_rng_of(seed);
    uint64_t next = 0, index;
    memset(used, 0, sizeof used);
    while ((index = next) < INDEXES) {
        uint32_t dice = rng_u32(&r) % 100;
        if (dice < 10)
            index = next - (SRTP_GUARD_WINDOW - 4 + rng_u32(&r) % 8);
        else if (dice < 30)
            index = next - rng_u32(&r) % (dice < 15 ? SRTP_GUARD_WINDOW : 12);
        else if (dice < 45)
            index = next + rng_u32(&r) % (dice < 31 ? SRTP_GUARD_WINDOW + 40 : 12);
        if (index >= INDEXES)
            continue; /* before the first, too */
        bool old = index < next && next - index > SRTP_GUARD_WINDOW;
        struct srtp_job j = job_of(o, &g, index, buf, body);
        sl_srtp_protect(&j, 1);
        CHECK_INT(j.err, old || used[index] ? E_REPLAY : E_OK);
        used[index] = true;
        next = index >= next ? index + 1 : next;
    }
    sl_srtp_out_free(o);
}

TEST(srtp_guard_knows_what_was_used)
{
    for (uint64_t seed = 1; seed <= 30; seed++)
        any_way(sl_srtp_backend_best(), seed);
}

/* What goes before the body, and where the body lies, makes no difference to the packet. */
static void pre_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    static uint8_t text[300 + SRTP_HEAD];
    uint8_t want[SRTP_PKT_MAX], got[SRTP_PKT_MAX];
    struct rng r = sl_rng_of(7);
    fixture_random(text, sizeof text, &r);
    struct srtp_master m = fixture_master(p, 2);
    struct srtp_out *o = sl_srtp_out_new(b, &m);
    for (uint16_t n = 0; n < 300; n = (uint16_t)(n < 100 ? n + 1 : n + 13)) {
        struct srtp_guard g = {0};
        struct srtp_job whole = job_of(o, &g, 5, want, text);
        whole.body_n = n;
        sl_srtp_protect(&whole, 1);
        for (uint8_t pre = 0; pre <= sizeof whole.pre && pre <= n; pre++)
            for (int in_place = 0; in_place < 2; in_place++) {
                g = (struct srtp_guard){0};
                struct srtp_job j = job_of(o, &g, 5, got, text + pre);
                j.pre_n = pre;
                j.body_n = (uint16_t)(n - pre);
                memcpy(j.pre, text, pre);
                if (in_place) {
                    memcpy(got + 12, text + pre, j.body_n);
                    j.body = got + 12;
                }
                sl_srtp_protect(&j, 1);
                CHECK_INT(j.err, E_OK);
                CHECK(memcmp(want, got, 12 + (size_t)n + sl_srtp_tag_len(p)) == 0);
            }
    }
    sl_srtp_out_free(o);
}

TEST(srtp_pre_and_body_are_one_payload)
{
    each_kind(pre_kind);
}

static void long_kind(const struct srtp_backend *b, enum srtp_profile p)
{
    static const struct {
        uint16_t text;
        enum err want;
    } rows[] = {{SRTP_PKT_MAX - SRTP_TAG_MAX - 12, E_OK},
                {SRTP_PKT_MAX - SRTP_TAG_MAX - 11, E_FULL}};
    static uint8_t buf[SRTP_PKT_MAX + 1];
    struct srtp_master m = fixture_master(p, 3);
    struct srtp_out *o = sl_srtp_out_new(b, &m);
    struct srtp_in *in = sl_srtp_in_new(b, &m, 1);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct srtp_guard g = {0};
        struct srtp_job j = job_of(o, &g, i, buf, buf + 12);
        memset(buf + 12, 0x55, sizeof buf - 12);
        j.body_n = rows[i].text;
        sl_srtp_protect(&j, 1);
        CHECK_INT(j.err, rows[i].want);
        uint64_t index;
        size_t n = 12 + (size_t)rows[i].text + sl_srtp_tag_len(p);
        CHECK_INT(sl_srtp_unprotect(in, buf, &n, &index),
                  rows[i].want == E_OK ? E_OK : E_MALFORMED);
    }
    sl_srtp_out_free(o);
    sl_srtp_in_free(in);
}

TEST(srtp_packets_have_a_longest)
{
    each_kind(long_kind);
}
