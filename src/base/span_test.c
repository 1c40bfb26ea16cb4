#include "base/span.h"

#include "check.h"

TEST(rd_stays_bad_once_it_was_asked_for_too_much)
{
    struct rd r = rd_of(check_hex("01 0203 04050607"));
    CHECK_INT(rd_u8(&r), 1);
    CHECK_INT(rd_u16(&r), 0x0203);
    CHECK_INT(rd_u64(&r), 0);
    CHECK(r.bad);
    CHECK_INT(rd_u8(&r), 0);
    CHECK_INT(rd_rest(&r).n, 0);
}

TEST(wr_writes_what_fits_and_nothing_after)
{
    uint8_t buf[7];
    struct wr w = wr_of(buf, sizeof buf);
    wr_u8(&w, 1);
    wr_u16(&w, 0x0203);
    CHECK(!w.bad);
    wr_u64(&w, 1);
    CHECK(w.bad);
    wr_u8(&w, 9);
    CHECK(w.bad);
    CHECK(span_eq((struct span){buf, 3}, check_hex("01 0203")));
}

TEST(span_compares_by_bytes)
{
    CHECK(span_is(span_of("abc"), "abc") && !span_is(span_of("abc"), "abd"));
    CHECK(!span_is(span_of("ab"), "abc") && span_is((struct span){0}, ""));
    const struct span others[] = {span_of("a"), span_of("ab")};
    CHECK(span_among(span_of("ab"), others, 2) && !span_among(span_of("ab"), others, 1));
}
