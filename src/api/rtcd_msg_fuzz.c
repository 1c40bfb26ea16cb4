#include "api/rtcd_msg.h"

#include "fuzz.h"

static bool within(struct span s, const uint8_t *p, size_t n)
{
    return s.n == 0 || (s.p >= p && s.p + s.n <= p + n);
}

/* What is read lies in the message; and said again, as the server says it, it is the same. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t buf[1 << 16];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcd_msg m, again;
    if (n > sizeof buf / 2 || sl_rtcd_msg_read((struct span){p, n}, &m) != E_OK)
        return 0;
    MUST(within(m.session, p, n) && within(m.data, p, n) && within(m.call, p, n));
    MUST(within(m.user, p, n) && within(m.channel, p, n) && m.rtc < RTCD_RTC_TYPES);
    if (m.type != RTCD_MSG_RTC || m.rtc == RTCD_RTC_VOICE_ON ||
        m.rtc == RTCD_RTC_VOICE_OFF)
        return 0;
    const struct rtcd_rtc_msg out = {.session = m.session, .type = m.rtc, .data = m.data};
    sl_rtcd_msg_write_rtc(&w, &out);
    MUST(!w.bad && sl_rtcd_msg_read(wr_done(&w), &again) == E_OK);
    MUST(again.type == RTCD_MSG_RTC && again.rtc == m.rtc);
    MUST(span_eq(again.session, m.session) && span_eq(again.data, m.data));
    return 0;
}
