#include "auth/token.h"

#include <stdio.h>

#include "base/text.h"

#include "check.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";

enum { NOW = 1800000000 };

static struct token_keys keys_of(const char *kid)
{
    struct token_keys keys = {0};
    CHECK_INT(sl_token_keys_add(&keys, span_of(kid), span_of(secret)), E_OK);
    return keys;
}

/* A token of any header and claims, signed with the secret, by other means than mint. */
static struct span token_of(const char *header, const char *claims, uint8_t buf[8192])
{
    struct hmac_sha256 key = sl_hmac_sha256_of(span_of(secret));
    uint8_t tag[SHA256_LEN];
    struct wr w = wr_of(buf, 8192);
    sl_base64url_write(&w, span_of(header));
    wr_u8(&w, '.');
    sl_base64url_write(&w, span_of(claims));
    struct span body = wr_done(&w);
    sl_hmac_sha256(&key, &body, 1, tag);
    wr_u8(&w, '.');
    sl_base64url_write(&w, (struct span){tag, sizeof tag});
    CHECK(!w.bad);
    return wr_done(&w);
}

/* RFC 7515 §A.1: made by somebody else, with line breaks in its JSON. */
TEST(token_of_the_rfc)
{
    struct span secret_text = span_of("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
                                      "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct token_keys keys = {0};
    struct token t;
    CHECK_INT(sl_base64url_read(secret_text, &w), E_OK);
    CHECK_INT(sl_token_keys_add(&keys, span_of("a"), wr_done(&w)), E_OK);
    struct span text =
        span_of("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly"
                "9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    /* The signature is right, and it is no token of ours: it names no room. */
    CHECK_INT(sl_token_verify(&keys, text, 1300819379, &t), E_MALFORMED);
    text.n--;
    CHECK_INT(sl_token_verify(&keys, text, 1300819379, &t), E_AUTH);
}

#define HS256 "{\"alg\":\"HS256\"}"
#define GOOD  "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000}"

static const struct {
    const char *name, *header, *claims;
    enum err want;
} rows[] = {
    {"the least", HS256, GOOD, E_OK},
    {"our kid", "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", GOOD, E_OK},
    {"another kid", "{\"alg\":\"HS256\",\"kid\":\"k2\"}", GOOD, E_AUTH},
    {"an empty kid", "{\"alg\":\"HS256\",\"kid\":\"\"}", GOOD, E_AUTH},
    {"a kid that is no text", "{\"alg\":\"HS256\",\"kid\":7}", GOOD, E_MALFORMED},
    {"alg none", "{\"alg\":\"none\"}", GOOD, E_UNSUPPORTED},
    {"alg in other case", "{\"alg\":\"hs256\"}", GOOD, E_UNSUPPORTED},
    {"alg HS512", "{\"alg\":\"HS512\"}", GOOD, E_UNSUPPORTED},
    {"alg RS256 (key confusion)", "{\"alg\":\"RS256\"}", GOOD, E_UNSUPPORTED},
    {"no alg", "{\"typ\":\"JWT\"}", GOOD, E_MALFORMED},
    {"alg twice", "{\"alg\":\"HS256\",\"alg\":\"none\"}", GOOD, E_MALFORMED},
    {"crit", "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", GOOD, E_UNSUPPORTED},
    {"header is an array", "[\"HS256\"]", GOOD, E_MALFORMED},
    {"header is cut", "{\"alg\":\"HS256\"", GOOD, E_MALFORMED},

    {"claims are no object", HS256, "7", E_MALFORMED},
    {"claims are empty", HS256, "{}", E_MALFORMED},
    {"claims are followed by more", HS256, GOOD "{}", E_MALFORMED},
    {"no room", HS256, "{\"perm\":\"watch\",\"exp\":1800000000}", E_MALFORMED},
    {"an empty room", HS256, "{\"room\":\"\",\"perm\":\"watch\",\"exp\":1800000000}",
     E_MALFORMED},
    {"a room that is a list", HS256,
     "{\"room\":[\"r\"],\"perm\":\"watch\",\"exp\":1800000000}", E_MALFORMED},
    {"a room of 66", HS256,
     "{\"room\":\"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\","
     "\"perm\":\"watch\",\"exp\":1800000000}",
     E_MALFORMED},
    {"a room of 65", HS256,
     "{\"room\":\"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\","
     "\"perm\":\"watch\",\"exp\":1800000000}",
     E_OK},
    {"a room with a NUL", HS256,
     "{\"room\":\"r\\u0000x\",\"perm\":\"watch\",\"exp\":1800000000}", E_MALFORMED},
    {"room twice", HS256,
     "{\"room\":\"r\",\"room\":\"q\",\"perm\":\"watch\",\"exp\":1800000000}",
     E_MALFORMED},
    {"no perm", HS256, "{\"room\":\"r\",\"exp\":1800000000}", E_MALFORMED},
    {"perm is a number", HS256, "{\"room\":\"r\",\"perm\":7,\"exp\":1800000000}",
     E_MALFORMED},
    {"an empty perm", HS256, "{\"room\":\"r\",\"perm\":\"\",\"exp\":1800000000}",
     E_DENIED},
    {"an unknown perm", HS256, "{\"room\":\"r\",\"perm\":\"fly\",\"exp\":1800000000}",
     E_DENIED},
    {"a known and an unknown perm", HS256,
     "{\"room\":\"r\",\"perm\":\"fly  watch\",\"exp\":1800000000}", E_OK},
    {"unknown claims", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"x\":[{\"room\":1}]}", E_OK},
    {"no exp", HS256, "{\"room\":\"r\",\"perm\":\"watch\"}", E_MALFORMED},
    {"exp is text", HS256, "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":\"1800000000\"}",
     E_MALFORMED},
    {"exp is negative", HS256, "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":-1}",
     E_MALFORMED},
    {"exp is 0", HS256, "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":0}", E_MALFORMED},
    {"exp is 1e300", HS256, "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1e300}",
     E_MALFORMED},
    {"exp has a fraction", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000.75}", E_OK},
    {"exp was 29 s ago", HS256, "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1799999971}",
     E_OK},
    {"exp was 30 s ago", HS256, "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1799999970}",
     E_LATE},
    {"valid in 30 s", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1900000000,\"nbf\":1800000030}", E_OK},
    {"valid in 31 s", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1900000000,\"nbf\":1800000031}",
     E_EARLY},
    {"nbf is text", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1900000000,\"nbf\":\"\"}", E_MALFORMED},
    {"a rate", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"max_bps\":4294967295}",
     E_OK},
    {"no rate at all", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"max_bps\":0}", E_MALFORMED},
    {"a rate beyond 32 bits", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"max_bps\":4294967296}",
     E_MALFORMED},
    {"a rate is text", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"max_bps\":\"9\"}",
     E_MALFORMED},
    {"sub is a number", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"sub\":1}", E_MALFORMED},
    {"an empty tenant", HS256,
     "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"tenant\":\"\"}",
     E_MALFORMED},
};

TEST(token_verify)
{
    struct token_keys keys = keys_of("k1");
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[8192];
        struct token t = {.perm = 99};
        struct span text = token_of(rows[i].header, rows[i].claims, buf);
        check_row(rows[i].name);
        CHECK_INT(sl_token_verify(&keys, text, NOW, &t), rows[i].want);
        CHECK_INT(t.perm, rows[i].want ? 99 : TOKEN_WATCH);
    }
}

TEST(token_that_is_none)
{
    static const struct {
        const char *name, *text;
        enum err want;
    } none[] = {
        {"nothing", "", E_ABSENT},
        {"a word", "token", E_MALFORMED},
        {"two parts", "eyJhbGciOiJIUzI1NiJ9.e30", E_MALFORMED},
        {"three dots", "...", E_MALFORMED},
        {"no signature", "eyJhbGciOiJIUzI1NiJ9.e30.", E_AUTH},
        {"four parts", "eyJhbGciOiJIUzI1NiJ9.e30.e30.e30", E_AUTH},
        {"a blank", "eyJhbGciOiJIUzI1NiJ9 .e30.e30", E_MALFORMED},
        {"padding", "eyJhbGciOiJIUzI1NiJ9==.e30.e30", E_MALFORMED},
    };
    struct token_keys keys = keys_of("k1"), no_keys = {0};
    struct token t;
    uint8_t buf[8192];
    for (size_t i = 0; i < LEN(none); i++) {
        check_row(none[i].name);
        CHECK_INT(sl_token_verify(&keys, span_of(none[i].text), NOW, &t), none[i].want);
    }
    check_row("no keys at all");
    CHECK_INT(sl_token_verify(&no_keys, token_of(HS256, GOOD, buf), NOW, &t), E_AUTH);

    check_row("too long");
    static char claims[5000];
    (void)snprintf(
        claims, sizeof claims,
        "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"x\":\"%02960d\"}", 0);
    struct span text = token_of(HS256, claims, buf);
    CHECK(text.n > TOKEN_MAX - 64 && text.n <= TOKEN_MAX);
    CHECK_INT(sl_token_verify(&keys, text, NOW, &t), E_OK);
    (void)snprintf(
        claims, sizeof claims,
        "{\"room\":\"r\",\"perm\":\"watch\",\"exp\":1800000000,\"x\":\"%03000d\"}", 0);
    text = token_of(HS256, claims, buf);
    CHECK(text.n > TOKEN_MAX);
    CHECK_INT(sl_token_verify(&keys, text, NOW, &t), E_FULL);
}

TEST(token_altered_anywhere_is_refused)
{
    struct token_keys keys = keys_of("k1");
    struct token t;
    uint8_t buf[8192];
    struct span text = token_of(HS256, GOOD, buf);
    for (size_t i = 0; i < text.n; i++) {
        uint8_t altered[8192];
        memcpy(altered, text.p, text.n);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        CHECK(sl_token_verify(&keys, (struct span){altered, text.n}, NOW, &t) != E_OK);
    }
    CHECK_INT(sl_token_verify(&keys, text, NOW, &t), E_OK);
}

TEST(token_minted_is_verified)
{
    struct token_keys keys = keys_of("k1");
    struct token want = {.tenant = "acme",
                         .room = "team-*",
                         .sub = "Zo\xc3\xab \"the\" \\ host",
                         .jti = "42",
                         .perm = TOKEN_PUBLISH | TOKEN_ADMIN,
                         .exp = NOW + 60,
                         .nbf = NOW - 5,
                         .iat = NOW,
                         .max_bps = 1500000};
    uint8_t buf[TOKEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_token_mint(&keys.keys[0], &want, &w), E_OK);
    struct token got;
    memset(&got, 0xee, sizeof got);
    CHECK_INT(sl_token_verify(&keys, wr_done(&w), NOW, &got), E_OK);
    CHECK(strcmp(got.tenant, want.tenant) == 0 && strcmp(got.room, want.room) == 0);
    CHECK(strcmp(got.sub, want.sub) == 0 && strcmp(got.jti, want.jti) == 0);
    CHECK_INT(got.perm, want.perm);
    CHECK(got.exp == want.exp && got.nbf == want.nbf && got.iat == want.iat);
    CHECK_INT(got.max_bps, want.max_bps);

    struct token least = {.room = "r", .perm = TOKEN_WATCH, .exp = NOW};
    w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_token_mint(&keys.keys[0], &least, &w), E_OK);
    CHECK_INT(sl_token_verify(&keys, wr_done(&w), NOW, &got), E_OK);
    CHECK(strcmp(got.tenant, "default") == 0 && got.sub[0] == 0 && got.nbf == 0);
    CHECK_INT(got.max_bps, 0);

    size_t n = w.n;
    w = wr_of(buf, n - 1);
    CHECK_INT(sl_token_mint(&keys.keys[0], &least, &w), E_FULL);
    CHECK_INT(w.n, 0);
    struct token bad[] = {least, least, least, least};
    bad[0].room[0] = 0;
    bad[1].perm = 8;
    bad[2].exp = 0;
    bad[3].nbf = -1;
    for (size_t i = 0; i < LEN(bad); i++) {
        w = wr_of(buf, sizeof buf);
        CHECK_INT(sl_token_mint(&keys.keys[0], &bad[i], &w), E_MALFORMED);
    }
}

TEST(token_keys)
{
    struct token_keys keys = {0};
    CHECK_INT(sl_token_keys_add(&keys, span_of("a"), (struct span){0}), E_SHORT);
    CHECK_INT(sl_token_keys_add(&keys, span_of("a"),
                                (struct span){(const uint8_t *)secret, 31}),
              E_SHORT);
    CHECK_INT(sl_token_keys_add(&keys, span_of(""), span_of(secret)), E_MALFORMED);
    CHECK_INT(sl_token_keys_add(&keys, span_of("a/b"), span_of(secret)), E_MALFORMED);
    CHECK_INT(sl_token_keys_add(&keys, span_of("123456789012345678901234567890123"),
                                span_of(secret)),
              E_MALFORMED);
    CHECK_INT(keys.n, 0);
    for (size_t i = 0; i < TOKEN_KEYS_MAX; i++)
        CHECK_INT(sl_token_keys_add(&keys, (struct span){(const uint8_t *)secret, i + 1},
                                    span_of(secret)),
                  E_OK);
    CHECK_INT(sl_token_keys_add(&keys, span_of("0"), span_of(secret)), E_EXISTS);
    CHECK_INT(sl_token_keys_add(&keys, span_of("z"), span_of(secret)), E_FULL);
}

/* While keys are changed, tokens of both are good; afterwards those of the new one. */
TEST(token_keys_change)
{
    static const char other[] = "another secret, of 32 octets too";
    struct token_keys both = keys_of("old"), new = {0};
    CHECK_INT(sl_token_keys_add(&both, span_of("new"), span_of(other)), E_OK);
    CHECK_INT(sl_token_keys_add(&new, span_of("new"), span_of(other)), E_OK);
    struct token t, want = {.room = "r", .perm = TOKEN_WATCH, .exp = NOW};
    for (size_t i = 0; i < 2; i++) {
        uint8_t buf[TOKEN_MAX];
        struct wr w = wr_of(buf, sizeof buf);
        CHECK_INT(sl_token_mint(&both.keys[i], &want, &w), E_OK);
        CHECK_INT(sl_token_verify(&both, wr_done(&w), NOW, &t), E_OK);
        CHECK_INT(sl_token_verify(&new, wr_done(&w), NOW, &t), i == 0 ? E_AUTH : E_OK);
    }
    uint8_t buf[8192]; /* an issuer that sends no kid */
    struct token_keys reversed = new;
    CHECK_INT(sl_token_keys_add(&reversed, span_of("old"), span_of(secret)), E_OK);
    CHECK_INT(sl_token_verify(&reversed, token_of(HS256, GOOD, buf), NOW, &t), E_OK);
}
