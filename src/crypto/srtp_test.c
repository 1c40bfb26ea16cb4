#include "crypto/srtp.h"

#include "crypto/srtp_fixture.h"

TEST(srtp_profiles_have_the_lengths_of_their_rfcs)
{
    static const struct {
        enum srtp_profile p;
        size_t key, salt, tag;
    } rows[] = {
        {SRTP_NONE, 0, 0, 0},
        {SRTP_CM_SHA1_80, 16, 14, 10},
        {SRTP_GCM_128, 16, 12, 16},
        {SRTP_GCM_256, 32, 12, 16},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(sl_srtp_name(rows[i].p));
        CHECK_INT(sl_srtp_key_len(rows[i].p), rows[i].key);
        CHECK_INT(sl_srtp_salt_len(rows[i].p), rows[i].salt);
        CHECK_INT(sl_srtp_tag_len(rows[i].p), rows[i].tag);
    }
}

TEST(srtp_backends_are_found_by_name)
{
    const struct srtp_backend *b = sl_srtp_backend("openssl");
    CHECK(b && strcmp(sl_srtp_backend_name(b), "openssl") == 0);
    CHECK(!sl_srtp_backend("none"));
    b = sl_srtp_backend_best();
    CHECK(b && sl_srtp_backend(sl_srtp_backend_name(b)) == b);
}

/* RFC 3711 B.3. */
TEST(srtp_keys_are_derived)
{
    static const struct {
        const char *name, *hex;
        unsigned label;
    } rows[] = {
        {"cipher key", "c61e7a93744f39ee10734afe3ff7a087", SRTP_LABEL_CIPHER},
        {"cipher salt", "30cbbc08863d8c85d49db34a9ae1", SRTP_LABEL_SALT},
        {"auth key",
         "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327"
         "ad1"
         "75578ef72270986371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766"
         "b68"
         "642c59bbfc2f34db60dbdfb2dc68",
         SRTP_LABEL_AUTH},
    };
    struct srtp_master m = {.profile = SRTP_CM_SHA1_80};
    memcpy(m.key, check_hex("e1f97a0d3e018be0d64fa32c06de4139").p, 16);
    memcpy(m.salt, check_hex("0ec675ad498afeebb6960b3aabe6").p, 14);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct span want = check_hex(rows[i].hex);
        uint8_t got[128];
        check_row(rows[i].name);
        CHECK_INT(sl_srtp_derive(&m, rows[i].label, got, want.n), E_OK);
        CHECK(memcmp(got, want.p, want.n) == 0);
    }
}

/* ---- packets of given session keys ---- */

static struct srtp_secrets secrets_of(const char *cipher, const char *salt)
{
    struct srtp_secrets s = {0};
    struct span c = check_hex(cipher), t = check_hex(salt);
    memcpy(s.cipher, c.p, c.n);
    memcpy(s.salt, t.p, t.n);
    return s;
}

#define KEY_128 "000102030405060708090a0b0c0d0e0f"
#define KEY_256 KEY_128 "101112131415161718191a1b1c1d1e1f"
#define SALT    "517569642070726f2071756f" /* "Quid pro quo" */
#define HEADER  "8040f17b 8041f8d3 5501a0b2"
#define GALLIA                                                                           \
    "47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 "  \
    "6573"
#define REPORT                                                                           \
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 "           \
    "deadbeef deadbeef deadbeef deadbeef deadbeef"

static const struct vector {
    const char *name;
    enum srtp_profile p;
    const char *cipher, *salt;
    const char *header, *text, *sealed; /* sealed: as far as it is known */
} rtp_vectors[] = {
    {"RFC 3711 B.2, key stream", SRTP_CM_SHA1_80, "2b7e151628aed2a6abf7158809cf4f3c",
     "f0f1f2f3f4f5f6f7f8f9fafbfcfd", "80600000 00000000 00000000",
     "00000000000000000000000000000000 00000000000000000000000000000000"
     "00000000000000000000000000000000",
     "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab"
     "41e95b3bb0a2e8dd477901e4fca894c0"},
    {"RFC 7714 16.1.1", SRTP_GCM_128, KEY_128, SALT, HEADER, GALLIA,
     "f24de3a3fb34de6cacba861c9d7e4bca be633bd50d294e6f42a5f47a51c7d19b"
     "36de3adf8833 899d7f27beb16a9152cf765ee4390cce"},
    {"RFC 7714 16.2.1", SRTP_GCM_256, KEY_256, SALT, HEADER, GALLIA,
     "32b1de78a822fe12ef9f78fa332e33aa b18012389a58e2f3b50b2a0276ffae0f"
     "1ba63799b87b 7aa3db36dfffd6b0f9bb7878d7a76c13"},
};

static void run_rtp_vector(const struct srtp_backend *b, const struct vector *v)
{
    struct srtp_secrets s = secrets_of(v->cipher, v->salt);
    struct srtp_pair a, z;
    CHECK_INT(sl_srtp_pair_make(&a, b, v->p, &s, &s), E_OK);
    CHECK_INT(sl_srtp_pair_make(&z, b, v->p, &s, &s), E_OK);
    struct srtp_out *o = sl_srtp_out_of(a);
    struct srtp_in *in = sl_srtp_in_of(z, 1);

    struct span header = check_hex(v->header), text = check_hex(v->text);
    struct span sealed = check_hex(v->sealed);
    uint8_t buf[SRTP_PKT_MAX];
    memcpy(buf, header.p, header.n);
    struct srtp_guard g = {0};
    struct srtp_job j = {.out = o,
                         .guard = &g,
                         .index = srtp_u32(buf) & 0xffff,
                         .dst = buf,
                         .body = text.p,
                         .header_n = (uint16_t)header.n,
                         .body_n = (uint16_t)text.n};
    sl_srtp_protect(&j, 1);
    CHECK_INT(j.err, E_OK);
    CHECK(memcmp(buf + header.n, sealed.p, sealed.n) == 0);

    uint64_t index;
    size_t n = header.n + text.n + sl_srtp_tag_len(v->p);
    CHECK_INT(sl_srtp_unprotect(in, buf, &n, &index), E_OK);
    CHECK_INT(index, j.index);
    CHECK_INT(n, header.n + text.n);
    CHECK(memcmp(buf, header.p, header.n) == 0);
    CHECK(memcmp(buf + header.n, text.p, text.n) == 0);
    sl_srtp_out_free(o);
    sl_srtp_in_free(in);
}

TEST(srtp_vectors)
{
    for (size_t i = 0; i < LEN(all_backends); i++)
        for (size_t k = 0; sl_srtp_backend(all_backends[i]) && k < LEN(rtp_vectors);
             k++) {
            check_row(rtp_vectors[k].name);
            run_rtp_vector(sl_srtp_backend(all_backends[i]), &rtp_vectors[k]);
        }
}

/* RFC 7714 17.1: the packet with index 1492 of a session. */
static void run_rtcp_vector(const struct srtp_backend *b)
{
    struct srtp_secrets s = secrets_of(KEY_128, SALT);
    struct srtp_pair a, z;
    CHECK_INT(sl_srtp_pair_make(&a, b, SRTP_GCM_128, &s, &s), E_OK);
    CHECK_INT(sl_srtp_pair_make(&z, b, SRTP_GCM_128, &s, &s), E_OK);
    struct srtp_out *o = sl_srtp_out_of(a);
    struct srtp_in *in = sl_srtp_in_of(z, 1);

    struct span plain = check_hex(REPORT);
    struct span want = check_hex("81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e99"
                                 "7ff5c0f76c06f32dc676a5f1730d6fda"
                                 "4ce09b4686303ded0bb9275b"
                                 "c84aa45896cf4d2fc5abf87245d9eade 800005d4");
    uint8_t buf[128];
    size_t n = 0;
    for (int i = 0; i <= 1492; i++) {
        n = plain.n;
        memcpy(buf, plain.p, n);
        CHECK_INT(sl_srtp_protect_rtcp(o, buf, &n), E_OK);
    }
    CHECK_INT(n, want.n);
    CHECK(memcmp(buf, want.p, want.n) == 0);
    CHECK_INT(sl_srtp_unprotect_rtcp(in, buf, &n), E_OK);
    CHECK_INT(n, plain.n);
    CHECK(memcmp(buf, plain.p, plain.n) == 0);

    /* RFC 7714 17.3: authentic, and not encrypted. No profile of ours sends that. */
    struct span bare = check_hex(REPORT "841dd9683dd78ec92ae58790125f62b3 000005d4");
    memcpy(buf, bare.p, bare.n);
    n = bare.n;
    CHECK_INT(sl_srtp_unprotect_rtcp(in, buf, &n), E_MALFORMED);
    sl_srtp_out_free(o);
    sl_srtp_in_free(in);
}

TEST(srtcp_vector)
{
    for (size_t i = 0; i < LEN(all_backends); i++)
        if (sl_srtp_backend(all_backends[i]))
            run_rtcp_vector(sl_srtp_backend(all_backends[i]));
}
