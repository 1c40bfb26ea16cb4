#include "media/clockmap.h"

#include "check.h"
#include "media/ntp.h"

enum { HZ = 90000 };

#define NTP UINT64_C(0xb44db70520000000)

TEST(clockmap_before_a_report)
{
    struct clockmap c = {.clock_hz = HZ};
    uint64_t ntp;
    uint32_t ts;

    CHECK_INT(sl_clockmap_ntp(&c, 0, &ntp), E_ABSENT);
    CHECK_INT(sl_clockmap_ts(&c, 0, &ts), E_ABSENT);
    CHECK_INT(sl_clockmap_now(&c, 0, &ntp, &ts), E_ABSENT);
}

static const struct {
    const char *name;
    int32_t ticks; /* from the report */
    int64_t ntp;
} rows[] = {
    {"the report's", 0, 0},
    {"a second later", HZ, INT64_C(1) << 32},
    {"a second earlier", -HZ, -(INT64_C(1) << 32)},
    {"half a second later", HZ / 2, INT64_C(1) << 31},
    {"a frame later", 3000, INT64_C(143165576)}, /* 2^32 / 30, cut off */
    {"a frame earlier", -3000, -INT64_C(143165576)},
    {"6 hours later", 6 * 3600 * HZ, 6 * 3600 * (INT64_C(1) << 32)},
    {"6 hours earlier", -6 * 3600 * HZ, -6 * 3600 * (INT64_C(1) << 32)},
};

TEST(clockmap_there_and_back)
{
    struct clockmap c = {.clock_hz = HZ};
    sl_clockmap_sr(&c, NTP, 0xfffffff0, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        uint32_t ts = 0xfffffff0 + (uint32_t)rows[i].ticks, back = 0;
        uint64_t ntp = 0;
        check_row(rows[i].name);
        CHECK_INT(sl_clockmap_ntp(&c, ts, &ntp), E_OK);
        CHECK_INT(ntp - NTP, rows[i].ntp);
        CHECK_INT(sl_clockmap_ts(&c, ntp, &back), E_OK);
        CHECK_INT(back, ts);
    }
}

TEST(clockmap_now)
{
    struct clockmap c = {.clock_hz = HZ};
    uint64_t ntp = 0;
    uint32_t ts = 0;

    sl_clockmap_sr(&c, NTP, 1000, SEC(100));
    CHECK_INT(sl_clockmap_now(&c, SEC(103), &ntp, &ts), E_OK);
    CHECK_INT(ntp - NTP, INT64_C(3) << 32);
    CHECK_INT(ts, 1000 + 3 * HZ);
}

TEST(clockmap_takes_the_newest_report)
{
    struct clockmap c = {.clock_hz = HZ};

    sl_clockmap_sr(&c, NTP, 1000, SEC(100));
    sl_clockmap_sr(&c, NTP + ntp_of_span(SEC(1)), 2000, SEC(101));
    CHECK_INT(c.ts, 2000);
    sl_clockmap_sr(&c, NTP, 1000, SEC(101)); /* late */
    CHECK_INT(c.ts, 2000);
    sl_clockmap_sr(&c, NTP - ntp_of_span(SEC(3600)), 3000, SEC(102)); /* set back */
    CHECK_INT(c.ts, 3000);
}
