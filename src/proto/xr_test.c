#include "proto/xr.h"

#include "check.h"

static struct rtcp first(struct span in)
{
    struct rd r;
    struct rtcp p = {0};
    CHECK_INT(sl_rtcp_parse(in, &r), E_OK);
    CHECK(sl_rtcp_next(&r, &p));
    return p;
}

static const struct {
    const char *name, *hex;
    size_t n;
    uint32_t ssrc, dlrr; /* of the last */
} rows[] = {
    {"one", "80cf0005 00000007 05000003 00000001 00020003 00010000", 1, 1, 65536},
    {"two",
     "80cf0008 00000007 05000006 00000001 00020003 00010000 00000002 00020003 00000009",
     2, 2, 9},
    {"behind a block of something else",
     "80cf0008 00000007 2a000002 ffffffff ffffffff 05000003 00000003 00020003 00000001",
     1, 3, 1},
    {"in two blocks",
     "80cf0009 00000007 05000003 00000001 00000000 00000000 05000003 00000004 00000000 "
     "00000005",
     2, 4, 5},
    {"half of one", "80cf0004 00000007 05000002 00000001 00020003", 0, 0, 0},
    {"a block that goes past the end", "80cf0003 00000007 05000003 00000001", 0, 0, 0},
    {"nothing", "80cf0001 00000007", 0, 0, 0},
    {"not even who sends it", "80cf0000", 0, 0, 0},
};

TEST(xr_says)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rtcp p = first(check_hex(rows[i].hex));
        struct xr_walk it = sl_xr_walk_of(&p);
        struct xr_dlrr d = {0};
        size_t n = 0;
        check_row(rows[i].name);
        while (sl_xr_dlrr_next(&it, &d))
            n++;
        CHECK_INT(n, rows[i].n);
        CHECK_INT(d.ssrc, rows[i].ssrc);
        CHECK_INT(d.dlrr, rows[i].dlrr);
        CHECK(!sl_xr_dlrr_next(&it, &d));
    }
}

TEST(xr_tells_a_reference_time)
{
    uint8_t buf[32];
    struct wr w = wr_of(buf, sizeof buf);
    sl_xr_build_rrtr(&w, 7, 0x0102030405060708);
    CHECK(
        span_eq(wr_done(&w), check_hex("80cf0004 00000007 04000002 01020304 05060708")));
    struct rtcp p = first(wr_done(&w));
    struct xr_walk it = sl_xr_walk_of(&p);
    CHECK_INT(p.type, RTCP_XR);
    CHECK(!sl_xr_dlrr_next(&it, &(struct xr_dlrr){0}));
}
