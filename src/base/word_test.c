#include "base/word.h"

#include "check.h"

TEST(text_cut_takes_pieces_until_nothing_is_left)
{
    struct span rest = span_of("a;;b");
    CHECK(span_is(word_cut(&rest, ';'), "a"));
    CHECK(span_is(word_cut(&rest, ';'), ""));
    CHECK(span_is(word_cut(&rest, ';'), "b"));
    CHECK_INT(rest.n, 0);
    CHECK(span_is(word_cut(&rest, ';'), ""));
}

TEST(text_word_skips_any_number_of_blanks)
{
    struct span rest = span_of("  typ \t  host ");
    CHECK(span_is(word_next(&rest), "typ"));
    CHECK(span_is(word_next(&rest), "host"));
    CHECK(span_is(word_next(&rest), ""));
}

TEST(text_same_knows_no_case_but_knows_length)
{
    CHECK(word_same(span_of("SHA-256"), "sha-256"));
    CHECK(!word_same(span_of("sha-25"), "sha-256"));
    CHECK(!word_same(span_of("sha-2567"), "sha-256"));
    CHECK(word_starts(span_of("m=audio"), "m="));
    CHECK(!word_starts(span_of("m"), "m="));
}

static const struct {
    const char *text;
    uint64_t max;
    bool ok;
    uint64_t want;
} numbers[] = {
    {"0", 0, true, 0},
    {"127", 127, true, 127},
    {"128", 127, false, 0},
    {"65535", 65535, true, 65535},
    {"65536", 65535, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999999999", UINT64_MAX, false, 0},
    {"5", 3, false, 0},
    {"", 10, false, 0},
    {"-1", 10, false, 0},
    {"+1", 10, false, 0},
    {" 1", 10, false, 0},
    {"1x", 100, false, 0},
};

TEST(word_number)
{
    for (size_t i = 0; i < LEN(numbers); i++) {
        uint64_t v = 0;
        check_row(numbers[i].text);
        CHECK_INT(word_number(span_of(numbers[i].text), numbers[i].max, &v),
                  numbers[i].ok);
        CHECK(v == numbers[i].want);
    }
}
