#include "api/rtcd_msg.h"

#include "check.h"

/* "join" 61.., hex of what is said by writers of several languages. */
static const struct {
    const char *name, *hex;
    enum err err;
    enum rtcd_msg_type type;
    const char *session, *data;
    enum rtcd_rtc rtc;
} rows[] = {
    {"leave", "a5 6c65617665 81 a9 73657373696f6e4944 a1 73", E_OK, RTCD_MSG_LEAVE, "s",
     "", 0},
    {"no data", "a5 6c65617665 c0", E_OK, RTCD_MSG_LEAVE, "", "", 0},
    {"reconnect, with a key nobody knows",
     "a9 7265636f6e6e656374 82 a1 78 93 01 02 03 a9 73657373696f6e4944 a1 73", E_OK,
     RTCD_MSG_RECONNECT, "s", "", 0},
    {"a mute, as the plugin says it",
     "a3 727463 85 a8 67726f75705f6964 a0 a7 757365725f6964 a0 aa 73657373696f6e5f6964 "
     "a1 73 "
     "a7 63616c6c5f6964 a0 a4 74797065 03",
     E_OK, RTCD_MSG_RTC, "s", "", RTCD_RTC_MUTE},
    {"data as text, the type in 64 bits",
     "a3 727463 83 aa 73657373696f6e5f6964 a1 73 a4 74797065 d3 0000000000000002 "
     "a4 64617461 a2 7b7d",
     E_OK, RTCD_MSG_RTC, "s", "{}", RTCD_RTC_SDP},
    {"data as octets", "a3 727463 82 a4 74797065 01 a4 64617461 c4 02 7b7d", E_OK,
     RTCD_MSG_RTC, "", "{}", RTCD_RTC_ICE},
    {"as a list", "a3 727463 96 a0 a0 a1 73 a0 0a c4 01 78", E_OK, RTCD_MSG_RTC, "s", "x",
     RTCD_RTC_VIDEO_OFF},
    {"a type that is none", "a3 727463 81 a4 74797065 0b", E_OK, RTCD_MSG_RTC, "", "", 0},
    {"a negative type", "a3 727463 81 a4 74797065 ff", E_OK, RTCD_MSG_RTC, "", "", 0},
    {"a session that is a number", "a5 6c65617665 81 a9 73657373696f6e4944 07", E_OK,
     RTCD_MSG_LEAVE, "", "", 0},
    {"keys that are numbers", "a5 6c65617665 81 01 a1 73", E_OK, RTCD_MSG_LEAVE, "", "",
     0},
    {"a message nobody knows", "a2 6869 93 01 02 03", E_OK, RTCD_MSG_UNKNOWN, "", "", 0},
    {"more behind it", "a5 6c65617665 80 ff ff ff", E_OK, RTCD_MSG_LEAVE, "", "", 0},
    {"nothing", "", E_SHORT, 0, "", "", 0},
    {"a name alone", "a5 6c65617665", E_SHORT, 0, "", "", 0},
    {"a map that ends", "a5 6c65617665 82 a9 73657373696f6e4944", E_SHORT, 0, "", "", 0},
    {"a name that is a number", "05 80", E_MALFORMED, 0, "", "", 0},
    {"what is never used", "a5 6c65617665 c1", E_MALFORMED, 0, "", "", 0},
};

TEST(rtcd_msg_read)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rtcd_msg m = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_rtcd_msg_read(check_hex(rows[i].hex), &m), rows[i].err);
        CHECK_INT(m.type, rows[i].type);
        CHECK(span_is(m.session, rows[i].session) && span_is(m.data, rows[i].data));
        CHECK_INT(m.rtc, rows[i].rtc);
    }
}

static void put(struct wr *w, const char *key, const char *value)
{
    sl_msgpack_put_str(w, span_of(key));
    sl_msgpack_put_str(w, span_of(value));
}

TEST(rtcd_msg_join)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcd_msg m;
    sl_msgpack_put_str(&w, span_of("join"));
    sl_msgpack_put_map(&w, 7);
    put(&w, "groupID", "forged");
    put(&w, "callID", "c");
    put(&w, "userID", "u");
    put(&w, "sessionID", "s");
    put(&w, "channelID", "ch");
    sl_msgpack_put_str(&w, span_of("av1Support"));
    sl_msgpack_put_bool(&w, false);
    sl_msgpack_put_str(&w, span_of("dcSignaling"));
    sl_msgpack_put_nil(&w);
    CHECK_INT(sl_rtcd_msg_read(wr_done(&w), &m), E_OK);
    CHECK_INT(m.type, RTCD_MSG_JOIN);
    CHECK(span_is(m.call, "c") && span_is(m.user, "u") && span_is(m.session, "s"));
    CHECK(span_is(m.channel, "ch"));
    CHECK_INT(m.av1, RTCD_FALSE);
    CHECK_INT(m.dc_signaling, RTCD_ABSENT);
}

TEST(rtcd_msg_write)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcd_msg_write_hello(&w, span_of("a"), span_of("b"));
    CHECK(span_eq(wr_done(&w), check_hex("a5 68656c6c6f 82 a8 636c69656e744944 a1 61 "
                                         "a6 636f6e6e4944 a1 62")));
    w.n = 0;
    sl_rtcd_msg_write_close(&w, span_of("s"));
    CHECK(
        span_eq(wr_done(&w), check_hex("a5 636c6f7365 81 a9 73657373696f6e4944 a1 73")));
    w.n = 0;
    struct rtcd_rtc_msg m = {.group = span_of("g"),
                             .user = span_of("u"),
                             .session = span_of("s"),
                             .call = span_of("c"),
                             .type = RTCD_RTC_VOICE_ON};
    sl_rtcd_msg_write_rtc(&w, &m);
    CHECK(span_eq(
        wr_done(&w),
        check_hex("a3 766164 85 a8 67726f75705f6964 a1 67 a7 757365725f6964 a1 75 "
                  "aa 73657373696f6e5f6964 a1 73 a7 63616c6c5f6964 a1 63 "
                  "a4 74797065 07")));
    w.n = 0;
    m.type = RTCD_RTC_SDP;
    m.data = span_of("{}");
    sl_rtcd_msg_write_rtc(&w, &m);
    CHECK(span_eq((struct span){w.p, 5}, check_hex("a3 727463 86")));
    CHECK(span_eq((struct span){w.p + w.n - 9, 9}, check_hex("a4 64617461 c4 02 7b7d")));
}
