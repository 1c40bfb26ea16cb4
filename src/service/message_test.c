#include "service/message.h"

#include <string.h>

#include "api/rtcd_msg.h"
#include "check.h"

static const char longer[] =
    "0123456789012345678901234567890123456789012345678901234567890123"
    "01234567890123456789012345678901234567890123456789012345678901234";

static const struct {
    const char *name;
    struct sluice_message m;
    enum err want;
    enum rtcd_msg_type type;
    enum rtcd_rtc rtc;
} written[] = {
    {"a join", {SLUICE_JOIN, "c", "u", "s", "h", true, false}, E_OK, RTCD_MSG_JOIN},
    {"a leave", {SLUICE_LEAVE, .session = "s"}, E_OK, RTCD_MSG_LEAVE},
    {"a reconnect", {SLUICE_RECONNECT, .session = "s"}, E_OK, RTCD_MSG_RECONNECT},
    {"an offer",
     {SLUICE_SDP, .session = "s", .data = "{}", .data_n = 2},
     E_OK,
     RTCD_MSG_RTC,
     RTCD_RTC_SDP},
    {"a candidate", {SLUICE_ICE, .session = "s"}, E_OK, RTCD_MSG_RTC, RTCD_RTC_ICE},
    {"a mute", {SLUICE_MUTE, .session = "s"}, E_OK, RTCD_MSG_RTC, RTCD_RTC_MUTE},
    {"an unmute", {SLUICE_UNMUTE, .session = "s"}, E_OK, RTCD_MSG_RTC, RTCD_RTC_UNMUTE},
    {"a screen",
     {SLUICE_SCREEN_ON, .session = "s"},
     E_OK,
     RTCD_MSG_RTC,
     RTCD_RTC_SCREEN_ON},
    {"no camera",
     {SLUICE_VIDEO_OFF, .session = "s"},
     E_OK,
     RTCD_MSG_RTC,
     RTCD_RTC_VIDEO_OFF},
    {"no session", {SLUICE_MUTE}, E_MALFORMED, RTCD_MSG_UNKNOWN},
    {"data nowhere",
     {SLUICE_SDP, .session = "s", .data_n = 2},
     E_MALFORMED,
     RTCD_MSG_UNKNOWN},
    {"a name too long", {SLUICE_JOIN, longer, "u", "s"}, E_MALFORMED, RTCD_MSG_UNKNOWN},
    {"what the server says",
     {SLUICE_CLOSED, .session = "s"},
     E_MALFORMED,
     RTCD_MSG_UNKNOWN},
    {"no type", {.session = "s"}, E_MALFORMED, RTCD_MSG_UNKNOWN},
    {"no such type",
     {(enum sluice_type)99, .session = "s"},
     E_MALFORMED,
     RTCD_MSG_UNKNOWN},
};

TEST(message_of_a_client_is_what_the_server_reads)
{
    CHECK_INT(strlen(longer), SLUICE_ID_MAX + 1);
    for (size_t i = 0; i < LEN(written); i++) {
        uint8_t buf[512];
        struct wr w = wr_of(buf, sizeof buf);
        struct rtcd_msg m = {0};
        check_row(written[i].name);
        CHECK_INT(sl_message_write(&w, &written[i].m), written[i].want);
        if (written[i].want)
            continue;
        CHECK_INT(sl_rtcd_msg_read(wr_done(&w), &m), E_OK);
        CHECK_INT(m.type, written[i].type);
        CHECK_INT(m.rtc, written[i].rtc);
        CHECK(span_is(m.session, "s"));
        CHECK_INT(m.data.n, written[i].m.data_n);
    }
}

TEST(message_join_says_all)
{
    uint8_t buf[512];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcd_msg m = {0};
    CHECK_INT(sl_message_write(&w, &written[0].m), E_OK);
    CHECK_INT(sl_rtcd_msg_read(wr_done(&w), &m), E_OK);
    CHECK(span_is(m.call, "c") && span_is(m.user, "u") && span_is(m.channel, "h"));
    CHECK(m.av1 == RTCD_TRUE && m.dc_signaling == RTCD_FALSE);
}

TEST(message_does_not_fit)
{
    uint8_t buf[16];
    struct wr w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_message_write(&w, &written[0].m), E_FULL);
}

TEST(message_of_the_server)
{
    uint8_t buf[512];
    struct message got;
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcd_msg_write_hello(&w, span_of("c"), span_of("x"));
    CHECK_INT(sl_message_read(wr_done(&w), &got), E_OK);
    CHECK_INT(got.m.type, SLUICE_HELLO);
    CHECK(*got.m.session == '\0' && got.m.data_n == 0);

    w = wr_of(buf, sizeof buf);
    sl_rtcd_msg_write_close(&w, span_of("s"));
    CHECK_INT(sl_message_read(wr_done(&w), &got), E_OK);
    CHECK_INT(got.m.type, SLUICE_CLOSED);
    CHECK(strcmp(got.m.session, "s") == 0);

    static const struct {
        enum rtcd_rtc rtc;
        enum sluice_type want;
    } rows[] = {{RTCD_RTC_SDP, SLUICE_SDP},
                {RTCD_RTC_ICE, SLUICE_ICE},
                {RTCD_RTC_VOICE_ON, SLUICE_VOICE_ON},
                {RTCD_RTC_VOICE_OFF, SLUICE_VOICE_OFF}};
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct rtcd_rtc_msg r = {.group = span_of("g"),
                                       .user = span_of("u"),
                                       .session = span_of("s"),
                                       .call = span_of("c"),
                                       .type = rows[i].rtc,
                                       .data = span_of("xyz")};
        w = wr_of(buf, sizeof buf);
        sl_rtcd_msg_write_rtc(&w, &r);
        CHECK_INT(sl_message_read(wr_done(&w), &got), E_OK);
        CHECK_INT(got.m.type, rows[i].want);
        CHECK(strcmp(got.m.call, "c") == 0 && strcmp(got.m.user, "u") == 0);
        CHECK(got.m.data_n == 3 && memcmp(got.m.data, "xyz", 3) == 0);
    }
    w = wr_of(buf, sizeof buf);
    sl_rtcd_msg_write_about(&w, RTCD_MSG_LEAVE, span_of("s"));
    CHECK_INT(sl_message_read(wr_done(&w), &got), E_UNSUPPORTED);
    CHECK(sl_message_read(span_of("\xc1"), &got) != E_OK);
}
