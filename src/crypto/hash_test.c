#include "crypto/hash.h"

#include "check.h"

/* Runs of one octet stand for the long keys and texts of the RFCs. */
struct vector {
    const char *name, *key;
    uint8_t key_octet, key_n; /* where key is NULL */
    const char *data;
    uint8_t data_octet, data_n; /* where data is NULL */
    const char *want;
};

static const struct vector sha1[] = {
    /* RFC 2202 §3 */
    {"1", NULL, 0x0b, 20, "Hi There", 0, 0, "b617318655057264e28bc0b6fb378c8ef146be00"},
    {"2", "Jefe", 0, 0, "what do ya want for nothing?", 0, 0,
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"3", NULL, 0xaa, 20, NULL, 0xdd, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {"6, a key longer than a block", NULL, 0xaa, 80,
     "Test Using Larger Than Block-Size Key - Hash Key First", 0, 0,
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {"7", NULL, 0xaa, 80,
     "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", 0, 0,
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
};

static const struct vector sha256[] = {
    /* RFC 4231 §4 */
    {"1", NULL, 0x0b, 20, "Hi There", 0, 0,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"2", "Jefe", 0, 0, "what do ya want for nothing?", 0, 0,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"3", NULL, 0xaa, 20, NULL, 0xdd, 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"6, a key longer than a block", NULL, 0xaa, 131,
     "Test Using Larger Than Block-Size Key - Hash Key First", 0, 0,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static struct span run_or_text(const char *text, uint8_t octet, size_t n, uint8_t *buf)
{
    memset(buf, octet, n);
    return text ? span_of(text) : (struct span){buf, n};
}

/* All in one piece, and in two that split it anywhere, must come to the same. */
static void check_hmac(const struct vector *v, bool is_sha1)
{
    uint8_t key_buf[256], data_buf[256], got[SHA256_LEN];
    struct span key = run_or_text(v->key, v->key_octet, v->key_n, key_buf);
    struct span data = run_or_text(v->data, v->data_octet, v->data_n, data_buf);
    struct span want = check_hex(v->want);
    check_row(v->name);
    struct hmac_sha1 h1 = sl_hmac_sha1_of(key);
    struct hmac_sha256 h256 = sl_hmac_sha256_of(key);
    for (size_t cut = 0; cut <= data.n; cut++) {
        struct span parts[] = {{data.p, cut}, {data.p + cut, data.n - cut}};
        if (is_sha1)
            sl_hmac_sha1(&h1, parts, LEN(parts), got);
        else
            sl_hmac_sha256(&h256, parts, LEN(parts), got);
        CHECK(span_eq((struct span){got, want.n}, want));
    }
}

TEST(hmac_sha1)
{
    for (size_t i = 0; i < LEN(sha1); i++)
        check_hmac(&sha1[i], true);
}

TEST(hmac_sha256)
{
    for (size_t i = 0; i < LEN(sha256); i++)
        check_hmac(&sha256[i], false);
}

TEST(sha256_of_pieces)
{
    uint8_t got[SHA256_LEN];
    struct span abc[] = {span_of("a"), {NULL, 0}, span_of("bc")}; /* FIPS 180-4 */
    sl_sha256(abc, LEN(abc), got);
    CHECK(span_eq((struct span){got, sizeof got},
                  check_hex("ba7816bf8f01cfea414140de5dae2223"
                            "b00361a396177a9cb410ff61f20015ad")));
}

TEST(crc32_of_known_texts)
{
    static const struct {
        const char *text;
        uint32_t want;
    } rows[] = {
        {"", 0},
        {"a", 0xe8b7be43},
        {"123456789", 0xcbf43926}, /* the check value of this CRC */
        {"The quick brown fox jumps over the lazy dog", 0x414fa339},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].text);
        CHECK_INT(sl_crc32(span_of(rows[i].text)), rows[i].want);
    }
    /* Every entry of the table, against the division bit by bit. */
    for (unsigned octet = 0; octet < 256; octet++) {
        uint32_t want = ~0u ^ octet;
        for (int bit = 0; bit < 8; bit++)
            want = want >> 1 ^ (want & 1 ? 0xedb88320u : 0);
        CHECK_INT(sl_crc32((struct span){(uint8_t[]){(uint8_t)octet}, 1}), ~want);
    }
}

/* RFC 5769 §2.1: both attributes of a request, whose length field is not the final one while
 * the integrity is computed. */
TEST(stun_request_of_rfc5769)
{
    struct span msg = check_hex(
        "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573"
        "7420636c 69656e74 00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009"
        "6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249"
        "c1b571a2 80280004 e57a3bcf");
    struct hmac_sha1 key = sl_hmac_sha1_of(span_of("VOkJxbRl1RmTxUk/WvJxBt"));
    const uint8_t header[] = {0x00, 0x01, 0x00, 0x50};
    struct span parts[] = {{header, 4}, {msg.p + 4, msg.n - 8 - 24 - 4}};
    uint8_t tag[SHA1_LEN];
    sl_hmac_sha1(&key, parts, LEN(parts), tag);
    CHECK(
        sl_secret_eq((struct span){tag, SHA1_LEN}, (struct span){msg.p + 80, SHA1_LEN}));
    CHECK_INT(sl_crc32((struct span){msg.p, msg.n - 8}) ^ 0x5354554e, 0xe57a3bcf);
}

TEST(secrets)
{
    CHECK(sl_secret_eq(span_of("same"), span_of("same")));
    CHECK(!sl_secret_eq(span_of("same"), span_of("sama")));
    CHECK(!sl_secret_eq(span_of("same"), span_of("sam")));
    CHECK(sl_secret_eq((struct span){0}, (struct span){0}));

    /* Each octet is drawn: none of them stays zero through 32 draws. */
    uint8_t buf[5000], any[5000] = {0};
    for (int i = 0; i < 32; i++) {
        sl_random(buf, sizeof buf);
        for (size_t j = 0; j < sizeof buf; j++)
            any[j] |= buf[j];
    }
    for (size_t j = 0; j < sizeof any; j++)
        CHECK(any[j] != 0);
    sl_wipe(buf, sizeof buf);
    for (size_t j = 0; j < sizeof buf; j++)
        CHECK_INT(buf[j], 0);
}

/* RFC 3174 §7.3 */
TEST(sha1_vectors)
{
    uint8_t got[SHA1_LEN];
    sl_sha1((const struct span[]){span_of("ab"), span_of("c")}, 2, got);
    CHECK(span_eq((struct span){got, sizeof got},
                  check_hex("a9993e364706816aba3e25717850c26c9cd0d89d")));
    sl_sha1(NULL, 0, got);
    CHECK(span_eq((struct span){got, sizeof got},
                  check_hex("da39a3ee5e6b4b0d3255bfef95601890afd80709")));
}
