#include "media/ntp.h"

#include "check.h"

TEST(ntp_of_unix)
{
    CHECK_INT(ntp_of_unix(0) >> 32, 2208988800);
    CHECK_INT(ntp_of_unix(SEC(1) / 2) & 0xffffffff, 0x80000000);
    /* Era 1 begins in 2036: the upper word starts again. */
    CHECK_INT(ntp_of_unix(SEC(2085978496)), 0);
}

TEST(ntp_span_is_exact)
{
    static const usec rows[] = {0, 1, 2, 333333, 999999, 1000000, SEC(86400) + 123457};
    for (size_t i = 0; i < LEN(rows); i++)
        CHECK_INT(ntp_span(ntp_of_span(rows[i])), rows[i]);
}

TEST(ntp_mid)
{
    /* RFC 3550 §6.4.1, figure 2: 0xb44db705:20000000 has the middle 0xb7052000. */
    CHECK_INT(ntp_mid(0xb44db70520000000), 0xb7052000);
    CHECK_INT(ntp_mid(ntp_of_span(SEC(5) + MSEC(250))), 0x00054000);
}
