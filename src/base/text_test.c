#include "base/text.h"

#include "check.h"

/* RFC 4648 §10. */
static const struct {
    const char *octets, *base64, *base64url, *hex;
} vectors[] = {
    {"", "", "", ""},
    {"f", "Zg==", "Zg", "66"},
    {"fo", "Zm8=", "Zm8", "666f"},
    {"foo", "Zm9v", "Zm9v", "666f6f"},
    {"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
    {"\xfb\xff\xfe", "+//+", "-__-", "fbfffe"},
};

TEST(text_writes_and_reads_back)
{
    for (size_t i = 0; i < LEN(vectors); i++) {
        struct span octets = span_of(vectors[i].octets);
        check_row(vectors[i].base64);
        uint8_t buf[16];
        struct wr w = wr_of(buf, BASE64_LEN(octets.n));
        sl_base64_write(&w, octets);
        CHECK(!w.bad && span_is(wr_done(&w), vectors[i].base64));
        w = wr_of(buf, BASE64URL_LEN(octets.n));
        sl_base64url_write(&w, octets);
        CHECK(!w.bad && span_is(wr_done(&w), vectors[i].base64url));
        w = wr_of(buf, HEX_LEN(octets.n));
        sl_hex_write(&w, octets);
        CHECK(!w.bad && span_is(wr_done(&w), vectors[i].hex));

        w = wr_of(buf, octets.n);
        CHECK_INT(sl_base64_read(span_of(vectors[i].base64), &w), E_OK);
        CHECK(span_eq(wr_done(&w), octets));
        w = wr_of(buf, octets.n);
        CHECK_INT(sl_base64url_read(span_of(vectors[i].base64url), &w), E_OK);
        CHECK(span_eq(wr_done(&w), octets));
        w = wr_of(buf, octets.n);
        CHECK_INT(sl_hex_read(span_of(vectors[i].hex), &w), E_OK);
        CHECK(span_eq(wr_done(&w), octets));
    }
}

static const struct {
    const char *name;
    enum err (*read)(struct span, struct wr *);
    const char *text;
    enum err want;
} bad[] = {
    {"hex of odd length", sl_hex_read, "abc", E_MALFORMED},
    {"a letter beyond f", sl_hex_read, "0g", E_MALFORMED},
    {"hex in upper case is hex", sl_hex_read, "AF", E_OK},
    {"padding missing", sl_base64_read, "Zg", E_MALFORMED},
    {"padding of three", sl_base64_read, "Z===", E_MALFORMED},
    {"padding in the middle", sl_base64_read, "Zg==Zg==", E_MALFORMED},
    {"padding alone", sl_base64_read, "====", E_MALFORMED},
    {"bits behind the last octet", sl_base64_read, "Zh==", E_MALFORMED},
    {"a line break", sl_base64_read, "Zm9\n", E_MALFORMED},
    {"the alphabet of URLs in base64", sl_base64_read, "-_-_", E_MALFORMED},
    {"the common alphabet in base64url", sl_base64url_read, "+/+/", E_MALFORMED},
    {"padding in base64url", sl_base64url_read, "Zg==", E_MALFORMED},
    {"one character holds no octet", sl_base64url_read, "Zm9vZ", E_MALFORMED},
    {"bits behind, without padding", sl_base64url_read, "Zm9", E_MALFORMED},
    {"more octets than room", sl_base64url_read, "Zm9vYmFy", E_FULL},
    {"more hex than room", sl_hex_read, "0001020304", E_FULL},
};

TEST(text_reads_one_form_only)
{
    for (size_t i = 0; i < LEN(bad); i++) {
        check_row(bad[i].name);
        uint8_t buf[4];
        struct wr w = wr_of(buf, sizeof buf);
        CHECK_INT(bad[i].read(span_of(bad[i].text), &w), bad[i].want);
        CHECK_INT(w.n, bad[i].want ? 0 : 1);
        CHECK(!w.bad);
    }
}

TEST(text_writer_without_room_turns_bad)
{
    uint8_t buf[5];
    struct wr w = wr_of(buf, sizeof buf);
    sl_hex_write(&w, span_of("abc"));
    CHECK(w.bad && w.n == 0);
    w = wr_of(buf, sizeof buf);
    sl_base64_write(&w, span_of("abcd"));
    CHECK(w.bad && w.n == 0);
    w = wr_of(buf, sizeof buf);
    sl_base64url_write(&w, span_of("abcd"));
    CHECK(w.bad && w.n == 0);
}

TEST(json_strings)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "\"\""},
        {"high-1", "\"high-1\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\x7f\xff", "\"\\u000a\\u007f\\u00ff\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        sl_json_write(&w, span_of(rows[i].in));
        check_row(rows[i].out);
        CHECK(!w.bad && span_is(wr_done(&w), rows[i].out));
    }
}

TEST(text_put)
{
    uint8_t buf[6];
    struct wr w = wr_of(buf, sizeof buf);
    sl_text_put(&w, "%d", 12);
    sl_text_put(&w, "%s", "abc");
    CHECK(!w.bad && span_is(wr_done(&w), "12abc"));
    sl_text_put(&w, "%c", 'd'); /* there is no place for a NUL */
    CHECK(w.bad && w.n == 5);
    sl_text_put(&w, "%s", "");
    CHECK(w.bad && w.n == 5);
}
