#include "api/rtcd_dc.h"

#include "base/zip.h"

#include "check.h"

/* cc.. is how Go writes a small number, without it how JavaScript does. */
static const struct {
    const char *name, *hex;
    enum err err;
    enum rtcd_dc_type type;
    double value;
    bool granted;
} rows[] = {
    {"a ping of Go", "cc 01", E_OK, RTCD_DC_PING, 0, false},
    {"a ping of JavaScript", "01", E_OK, RTCD_DC_PING, 0, false},
    {"a type in 64 bits, signed", "d3 0000000000000002", E_OK, RTCD_DC_PONG, 0, false},
    {"loss", "04 cb 3fe0000000000000", E_OK, RTCD_DC_LOSS, 0.5, false},
    {"loss, a number without fraction", "04 00", E_OK, RTCD_DC_LOSS, 0, false},
    {"a round trip in 32 bits", "cc 05 ca 3e800000", E_OK, RTCD_DC_RTT, 0.25, false},
    {"jitter", "06 cb 3fd0000000000000", E_OK, RTCD_DC_JITTER, 0.25, false},
    {"a lock asked for", "cc 07", E_OK, RTCD_DC_LOCK, 0, false},
    {"a lock granted", "cc 07 c3", E_OK, RTCD_DC_LOCK, 0, true},
    {"a lock asked for, with something behind it", "07 a1 78", E_OK, RTCD_DC_LOCK, 0,
     false},
    {"an unlock", "08", E_OK, RTCD_DC_UNLOCK, 0, false},
    {"a media map", "09 81 a1 31 80", E_OK, RTCD_DC_MEDIA_MAP, 0, false},
    {"more behind it", "01 ff ff", E_OK, RTCD_DC_PING, 0, false},
    {"type 0", "00", E_UNSUPPORTED, 0, 0, false},
    {"a type of later", "0a", E_UNSUPPORTED, 0, 0, false},
    {"a large type", "cf 0000000100000001", E_UNSUPPORTED, 0, 0, false},
    {"nothing", "", E_SHORT, 0, 0, false},
    {"a text", "a4 70696e67", E_MALFORMED, 0, 0, false},
    {"the text that old clients say", "70696e67", E_UNSUPPORTED, 0, 0, false},
    {"half a type", "cd 00", E_SHORT, 0, 0, false},
    {"loss without a number", "04", E_SHORT, 0, 0, false},
    {"loss as a text", "04 a1 78", E_MALFORMED, 0, 0, false},
    {"loss below zero", "04 cb bfe0000000000000", E_MALFORMED, 0, 0, false},
    {"a round trip without end", "05 cb 7ff0000000000000", E_MALFORMED, 0, 0, false},
    {"jitter that is no number", "06 cb 7ff8000000000000", E_MALFORMED, 0, 0, false},
    {"a description that is a number", "03 07", E_MALFORMED, 0, 0, false},
    {"a description that ends", "03 c4 05 78", E_SHORT, 0, 0, false},
};

TEST(rtcd_dc_read)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rtcd_dc m = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_rtcd_dc_read(check_hex(rows[i].hex), &m), rows[i].err);
        CHECK_INT(m.type, rows[i].type);
        CHECK(m.value == rows[i].value && m.granted == rows[i].granted);
    }
}

static void check_written(const struct wr *w, const char *hex)
{
    CHECK(!w->bad && span_eq(wr_done(w), check_hex(hex)));
}

TEST(rtcd_dc_write)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcd_dc_write(&w, RTCD_DC_PONG);
    check_written(&w, "02");
    w.n = 0;
    sl_rtcd_dc_write_lock(&w, true);
    check_written(&w, "07 c3");
    w.n = 0;
    const struct rtcd_dc_track track = {span_of("1"), "voice", span_of("S")};
    sl_rtcd_dc_write_map(&w, &track, 1);
    check_written(&w,
                  "09 81 a1 31 82 a4 74797065 a5 766f696365 a9 73656e6465725f6964 a1 53");
}

TEST(rtcd_dc_sdp)
{
    static const char json[] = "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}";
    uint8_t buf[256], plain[256];
    struct wr w = wr_of(buf, sizeof buf), p = wr_of(plain, sizeof plain);
    struct rtcd_dc m;
    wr_u8(&w, 0);
    CHECK_INT(sl_rtcd_dc_write_sdp(&w, span_of(json)), E_OK);
    CHECK_INT(sl_rtcd_dc_read((struct span){buf + 1, w.n - 1}, &m), E_OK);
    CHECK_INT(m.type, RTCD_DC_SDP);
    CHECK_INT(sl_unzip(&p, m.zipped), E_OK);
    CHECK(span_is(wr_done(&p), json));

    for (size_t room = 0; room < w.n; room += room < 8 ? 1 : 7) { /* in no place half */
        struct wr small = wr_of(buf, room);
        CHECK_INT(sl_rtcd_dc_write_sdp(&small, span_of(json)),
                  room + 1 < w.n ? E_FULL : E_OK);
    }
}
