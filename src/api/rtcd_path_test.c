#include "api/rtcd_path.h"

#include "check.h"

TEST(rtcd_paths_are_cleaned)
{
    static const struct {
        const char *path, *query, *want; /* NULL: it is clean */
    } rows[] = {
        {"/version", "", NULL},
        {"/", "", NULL},
        {"/version/", "", NULL},
        {"*", "", NULL},
        {"/a..b/.c", "", NULL},
        {"//version", "", "/version"},
        {"/calls//c/sessions", "", "/calls/c/sessions"},
        {"/./version", "", "/version"},
        {"/calls/../version", "a=b", "/version?a=b"},
        {"/../../version", "", "/version"},
        {"/version//", "", "/version/"},
        {"/..", "", "/"},
        {"/a/.", "", "/a"},
        {"//", "", "/"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        check_row(rows[i].path);
        CHECK(sl_rtcd_path_clean(span_of(rows[i].path), span_of(rows[i].query), &w) ==
              (rows[i].want != NULL));
        CHECK(!rows[i].want || span_is(wr_done(&w), rows[i].want));
    }
    /* One that does not fit is answered as it is. */
    uint8_t small[4];
    struct wr w = wr_of(small, sizeof small);
    CHECK(!sl_rtcd_path_clean(span_of("//version"), span_of(""), &w));
}
