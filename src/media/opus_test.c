#include "media/opus.h"

#include "media/payload_check.h"

static const struct payload_row opus[] = {
    {"20 ms of CELT", "f8 fffe00", E_OK, "key start end"},
    {"table-of-contents octet alone", "f8", E_OK, "key start end dtx"},
    {"two octets", "08 00", E_OK, "key start end dtx"},
    {"three octets", "08 0000", E_OK, "key start end"},
    {"keep-alive", "", E_OK, "empty"},
};

/* Header of an older block: 80 | payload type, 14 bits of age, 10 bits of length. */
static const struct payload_row red[] = {
    {"primary alone", "6f f8fffe00", E_OK, "key start end"},
    {"one older block", "ef 0f0002 6f aabb f8fffe00", E_OK, "key start end"},
    {"one older block, primary silent", "ef 0f0002 6f aabb f8", E_OK,
     "key start end dtx"},
    {"primary of no octets", "ef 0f0002 6f aabb", E_OK, "key start end dtx"},
    {"two older blocks", "ef 1e0001 ef 0f0002 6f aa bbbb f8fffe", E_OK, "key start end"},
    {"block longer than the packet", "ef 0f0009 6f aabb", E_MALFORMED, ""},
    {"block of 1023, 256 too many bits of age", "ef ffffff 6f aabb", E_MALFORMED, ""},
    {"headers never end", "ef 0f0002 ef", E_MALFORMED, ""},
};

TEST(opus_read)
{
    check_payloads(CODEC_OPUS, opus, LEN(opus));
}

TEST(red_read)
{
    check_payloads(CODEC_RED, red, LEN(red));
}

TEST(red_primary)
{
    struct span primary = {0};
    uint8_t pt = 0;

    CHECK_INT(
        sl_red_primary(check_hex("ee 1e0001 ee 0f0002 6f aa bbbb f8fffe"), &pt, &primary),
        E_OK);
    CHECK_INT(pt, 111);
    CHECK(span_eq(primary, check_hex("f8fffe")));
}

/* What was written is read again, and the older blocks stand where RFC 2198 §3 has them. */
TEST(red_write)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct red_block older[] = {{1920, check_hex("aa")}, {960, check_hex("bbbb")}};
    sl_red_write(&w, 111, older, 2, check_hex("f8fffe"));
    CHECK(span_eq(wr_done(&w), check_hex("ef 1e0001 ef 0f0002 6f aa bbbb f8fffe")));
    w = wr_of(buf, sizeof buf);
    sl_red_write(&w, 111, NULL, 0, check_hex("f8fffe"));
    CHECK(span_eq(wr_done(&w), check_hex("6f f8fffe")));
    older[0].age = (1 << 14) - 1;
    w = wr_of(buf, sizeof buf);
    sl_red_write(&w, 111, older, 1, check_hex("f8fffe"));
    CHECK(span_eq(wr_done(&w), check_hex("ef fffc01 6f aa f8fffe")));
    w = wr_of(buf, 8);
    sl_red_write(&w, 111, older, 1, check_hex("f8fffe"));
    CHECK(w.bad);
}
