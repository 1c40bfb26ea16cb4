#include "proto/stun.h"

#include "check.h"

#define SHARED_ID "2112a442 b7e7a701bc34d686fa87dfae"
#define PASSWORD  "VOkJxbRl1RmTxUk/WvJxBt" /* of the short-term vectors of RFC 5769 */

/* RFC 5769 §2.1 */
static const char request[] =
    "00010058" SHARED_ID "80220010 5354554e2074657374 20636c69656e74"
    "00240004 6e0001ff"
    "80290008 932ff9b151263b36"
    "00060009 6576746a3a68367659 202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004 e57a3bcf";

/* RFC 5769 §2.2 and §2.3 */
static const char response_v4[] =
    "0101003c" SHARED_ID "8022000b 7465737420766563746f72 20"
    "00200008 0001a147 e112a643"
    "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004 c07d4c96";
static const char response_v6[] =
    "01010048" SHARED_ID "8022000b 7465737420766563746f72 20"
    "00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004 c8fb0b4c";

static struct hmac_sha1 key_of(const char *pwd)
{
    return sl_hmac_sha1_of(span_of(pwd));
}

static struct addr addr_of(const char *ip, uint16_t port)
{
    struct addr a = {0};
    CHECK_INT(sl_addr_parse(span_of(ip), port, &a), E_OK);
    return a;
}

TEST(stun_rfc5769_request)
{
    struct hmac_sha1 key = key_of(PASSWORD), other = key_of("VOkJxbRl1RmTxUk/WvJxBT");
    struct stun m = {0};
    CHECK_INT(sl_stun_parse(check_hex(request), &m), E_OK);
    CHECK_INT(m.class, STUN_REQUEST);
    CHECK_INT(m.method, STUN_BINDING);
    CHECK(span_is(m.username, "evtj:h6vY"));
    CHECK(m.has_priority && m.priority == 0x6e0001ff);
    CHECK_INT(m.role, STUN_CONTROLLED);
    CHECK_INT(m.tie_breaker, (int64_t)0x932ff9b151263b36);
    CHECK(!m.use_candidate && !m.has_mapped && m.unknown_n == 0);
    CHECK(m.fingerprint);
    CHECK(sl_stun_verify(&m, &key));
    CHECK(!sl_stun_verify(&m, &other));
}

TEST(stun_rfc5769_responses)
{
    struct hmac_sha1 key = key_of(PASSWORD);
    struct stun m = {0};
    struct addr v4 = addr_of("192.0.2.1", 32853);
    struct addr v6 = addr_of("2001:db8:1234:5678:11:2233:4455:6677", 32853);
    CHECK_INT(sl_stun_parse(check_hex(response_v4), &m), E_OK);
    CHECK_INT(m.class, STUN_SUCCESS);
    CHECK(m.has_mapped && addr_eq(&m.mapped, &v4));
    CHECK(m.fingerprint && sl_stun_verify(&m, &key));
    CHECK_INT(sl_stun_parse(check_hex(response_v6), &m), E_OK);
    CHECK(m.has_mapped && addr_eq(&m.mapped, &v6));
    CHECK(m.fingerprint && sl_stun_verify(&m, &key));
}

static const struct {
    const char *name;
    const char *hex;
    enum err want;
} rows[] = {
    {"header alone", "00010000" SHARED_ID, E_OK},
    {"empty datagram", "", E_SHORT},
    {"half a header", "00010000 2112a442", E_SHORT},
    {"length past the end", "00010004" SHARED_ID, E_SHORT},
    {"octets behind the end", "00010000" SHARED_ID "80220000", E_MALFORMED},
    {"length not in words", "00010002" SHARED_ID "8022", E_MALFORMED},
    {"another cookie: RFC 3489", "00010000 2112a443 b7e7a701bc34d686fa87dfae",
     E_UNSUPPORTED},
    {"first bits are not zero", "80010000" SHARED_ID, E_MALFORMED},
    {"attribute past the end", "00010008" SHARED_ID "80220008 00000000", E_SHORT},
    {"attribute without its padding", "00010004" SHARED_ID "80220001", E_SHORT},
    {"an optional attribute without a value", "00010004" SHARED_ID "80220000", E_OK},
    {"priority of 3", "00010008" SHARED_ID "00240003 00000000", E_MALFORMED},
    {"role of 4", "00010008" SHARED_ID "802a0004 00000000", E_MALFORMED},
    {"use-candidate with a value", "00010008" SHARED_ID "00250004 00000000", E_MALFORMED},
    {"empty user name", "00010004" SHARED_ID "00060000", E_MALFORMED},
    {"integrity of 16", "00010014" SHARED_ID "00080010 00000000000000000000000000000000",
     E_MALFORMED},
    {"integrity of SHA-256 alone, cut to 16",
     "00010014" SHARED_ID "001c0010 00000000000000000000000000000000", E_OK},
    {"mapped address of family 3", "0101000c" SHARED_ID "00200008 0003a147 e112a643",
     E_MALFORMED},
    {"mapped IPv4 address of 16",
     "01010018" SHARED_ID "00200014 0001a147 0113a9faa5d3f179bc25f4b5bed2b9d9",
     E_MALFORMED},
    {"mapped address of nothing", "01010004" SHARED_ID "00200000", E_MALFORMED},
    {"error 487", "01110008" SHARED_ID "00090004 00000457", E_OK},
    {"an error code in a success response means nothing",
     "01010008" SHARED_ID "00090004 ffffffff", E_OK},
    {"error 299", "01110008" SHARED_ID "00090004 00000263", E_MALFORMED},
    {"error 4100", "01110008" SHARED_ID "00090004 00000464", E_MALFORMED},
    {"wrong fingerprint", "00010008" SHARED_ID "80280004 00000000", E_MALFORMED},
};

TEST(stun_parse)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stun m = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_stun_parse(check_hex(rows[i].hex), &m), rows[i].want);
    }
}

TEST(stun_user_name_of_508_octets_and_no_more)
{
    uint8_t buf[600] = {0};
    struct stun m;
    for (size_t n = STUN_USERNAME_MAX - 1; n <= STUN_USERNAME_MAX + 1; n++) {
        struct wr w = wr_of(buf, sizeof buf);
        wr_span(&w, check_hex("00010204" SHARED_ID "0006"));
        wr_u16(&w, (unsigned)n);
        (void)wr_take(&w, 512);
        CHECK_INT(sl_stun_parse(wr_done(&w), &m),
                  n <= STUN_USERNAME_MAX ? E_OK : E_MALFORMED);
    }
}

TEST(stun_no_change_to_a_message_goes_unseen)
{
    struct hmac_sha1 key = key_of(PASSWORD);
    struct span in = check_hex(request);
    uint8_t copy[128] = {0};
    CHECK(in.n <= sizeof copy);
    for (size_t i = 0; i < in.n; i++) {
        struct stun m;
        memcpy(copy, in.p, in.n);
        copy[i] ^= 0x04;
        CHECK(sl_stun_parse((struct span){copy, in.n}, &m) != E_OK || !m.fingerprint ||
              !sl_stun_verify(&m, &key));
    }
    /* Cut off behind MESSAGE-INTEGRITY, and in front of it: only what it covers counts. */
    struct stun m;
    memcpy(copy, in.p, in.n);
    copy[3] -= 8;
    CHECK_INT(sl_stun_parse((struct span){copy, in.n - 8}, &m), E_OK);
    CHECK(!m.fingerprint && sl_stun_verify(&m, &key));
    copy[3] -= 24;
    CHECK_INT(sl_stun_parse((struct span){copy, in.n - 32}, &m), E_OK);
    CHECK(!sl_stun_verify(&m, &key));
}

TEST(stun_order_and_duplicates)
{
    struct stun m = {0};
    CHECK_INT(sl_stun_parse(check_hex("00010020" SHARED_ID "00240004 00000001"
                                      "00240004 00000002 00060001 61000000"
                                      "00060001 62000000"),
                            &m),
              E_OK);
    CHECK_INT(m.priority, 1);
    CHECK(span_is(m.username, "a"));
    CHECK_INT(sl_stun_parse(check_hex("00010018" SHARED_ID "802a0008 0000000000000001"
                                      "80290008 0000000000000002"),
                            &m),
              E_OK);
    CHECK(m.role == STUN_CONTROLLING && m.tie_breaker == 1);
    /* What stands behind MESSAGE-INTEGRITY was not signed. */
    CHECK_INT(sl_stun_parse(check_hex("0001002c" SHARED_ID "00080014"
                                      "0000000000000000000000000000000000000000"
                                      "00250000 00240004 00000002 7fff0000 80220000"),
                            &m),
              E_OK);
    CHECK(!m.use_candidate && !m.has_priority && m.unknown_n == 0);
}

TEST(stun_what_stands_behind_the_fingerprint_is_refused)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct stun m = {.class = STUN_REQUEST, .method = STUN_BINDING};
    sl_stun_build(&w, &m, NULL);
    CHECK_INT(sl_stun_parse(wr_done(&w), &m), E_OK);
    CHECK(m.fingerprint);
    wr_u32(&w, 0x80220000);
    buf[3] += 4;
    struct wr crc = wr_of(buf + w.n - 8, 4); /* right for the length that it has now */
    wr_u32(&crc, sl_crc32((struct span){buf, STUN_HEADER}) ^ 0x5354554e);
    CHECK_INT(sl_stun_parse(wr_done(&w), &m), E_MALFORMED);
}

TEST(stun_unknown_attributes_are_named_up_to_a_limit)
{
    struct stun m = {0};
    CHECK_INT(sl_stun_parse(check_hex("00010028" SHARED_ID
                                      "7ff00000 c0010004 00000009 7ff10000 7ff20000"
                                      "7ff30000 7ff40000 7ff50000 7ff60000 7ff70000"),
                            &m),
              E_OK);
    CHECK_INT(m.unknown_n, STUN_UNKNOWN_MAX);
    CHECK(m.unknown[0] == 0x7ff0 && m.unknown[7] == 0x7ff7);
    CHECK(m.has_nomination && m.nomination == 9);
    CHECK_INT(sl_stun_parse(check_hex("0001002c" SHARED_ID
                                      "7ff00000 7ff10000 7ff20000 7ff30000 7ff40000"
                                      "7ff50000 7ff60000 7ff70000 7ff80000 7ff90000"
                                      "7ffa0000"),
                            &m),
              E_OK);
    CHECK_INT(m.unknown_n, STUN_UNKNOWN_MAX);
}

/* Everything that can be set, of a request and of both kinds of answer. */
TEST(stun_built_messages_parse_to_what_was_set)
{
    struct hmac_sha1 key = key_of("a password");
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    struct stun got = {0};
    struct stun check = {.class = STUN_REQUEST,
                         .method = STUN_BINDING,
                         .id = "twelve octet",
                         .username = span_of("theirs:ours"),
                         .role = STUN_CONTROLLING,
                         .tie_breaker = 0x0123456789abcdef,
                         .has_priority = true,
                         .priority = 0x6e7f1eff,
                         .has_nomination = true,
                         .nomination = 3,
                         .use_candidate = true};
    sl_stun_build(&w, &check, &key);
    CHECK(!w.bad);
    CHECK_INT(sl_stun_parse(wr_done(&w), &got), E_OK);
    CHECK(got.class == STUN_REQUEST && got.method == STUN_BINDING);
    CHECK(memcmp(got.id, check.id, STUN_ID) == 0);
    CHECK(span_is(got.username, "theirs:ours"));
    CHECK(got.role == STUN_CONTROLLING && got.tie_breaker == check.tie_breaker);
    CHECK(got.has_priority && got.priority == check.priority);
    CHECK(got.has_nomination && got.nomination == 3 && got.use_candidate);
    CHECK(got.fingerprint && sl_stun_verify(&got, &key));

    struct stun a = stun_answer(&got, 0);
    a.has_mapped = true;
    a.mapped = addr_of("2001:db8::5", 4711);
    w.n = 0;
    sl_stun_build(&w, &a, &key);
    CHECK(!w.bad && w.n <= STUN_ANSWER_MAX);
    CHECK_INT(sl_stun_parse(wr_done(&w), &got), E_OK);
    CHECK_INT(got.class, STUN_SUCCESS);
    CHECK(memcmp(got.id, check.id, STUN_ID) == 0);
    CHECK(got.has_mapped && addr_eq(&got.mapped, &a.mapped));
    CHECK(sl_stun_verify(&got, &key));

    a = stun_answer(&check, STUN_UNKNOWN_ATTRIBUTE);
    a.unknown_n = 3;
    memcpy(a.unknown, (uint16_t[]){1, 2, 3}, 6);
    w.n = 0;
    sl_stun_build(&w, &a, &key);
    CHECK(!w.bad && w.n <= STUN_ANSWER_MAX);
    CHECK_INT(sl_stun_parse(wr_done(&w), &got), E_OK);
    CHECK(got.class == STUN_ERROR && got.error == 420 && got.unknown_n == 3);
    CHECK_INT(got.unknown[2], 3);
    CHECK(sl_stun_verify(&got, &key));
}

TEST(stun_build_says_when_there_is_no_room)
{
    static uint8_t long_name[STUN_USERNAME_MAX + 1];
    struct hmac_sha1 key = key_of("a password");
    struct stun m = {.method = STUN_BINDING};
    uint8_t buf[1024];
    for (size_t cap = 0; cap < 52; cap++) {
        struct wr w = wr_of(buf, cap);
        sl_stun_build(&w, &m, &key);
        CHECK(w.bad && w.n <= cap);
    }
    struct wr w = wr_of(buf, 52);
    sl_stun_build(&w, &m, &key);
    CHECK(!w.bad && w.n == 52);
    m.username = (struct span){long_name, sizeof long_name};
    w = wr_of(buf, sizeof buf);
    sl_stun_build(&w, &m, &key);
    CHECK(w.bad);
}

TEST(stun_tells_datagrams_apart_by_their_first_octet)
{
    static const struct {
        int first, last;
        enum dgram want;
    } ranges[] = {
        {0, 3, DGRAM_STUN},      {4, 19, DGRAM_OTHER},   {20, 63, DGRAM_DTLS},
        {64, 79, DGRAM_CHANNEL}, {80, 127, DGRAM_OTHER}, {128, 191, DGRAM_RTP},
        {192, 255, DGRAM_OTHER},
    };
    for (size_t i = 0; i < LEN(ranges); i++)
        for (int b = ranges[i].first; b <= ranges[i].last; b++)
            CHECK_INT(dgram_of((uint8_t)b), ranges[i].want);
}
