#include "base/toml_scalar.h"

#include <math.h>

#include "check.h"

TEST(toml_scalar)
{
    static const struct {
        const char *name, *text;
        bool good;
        enum toml_type type;
        double number;
    } rows[] = {
        {"zero", "0", true, TOML_INT, 0},
        {"a sign", "+99", true, TOML_INT, 99},
        {"minus zero", "-0", true, TOML_INT, 0},
        {"the least integer", "-9223372036854775808", true, TOML_INT,
         -9223372036854775808.0},
        {"less than that", "-9223372036854775809", false, 0, 0},
        {"more than the largest", "9223372036854775808", false, 0, 0},
        {"underscores", "1_2_3", true, TOML_INT, 123},
        {"an underscore in front", "_1", false, 0, 0},
        {"an underscore behind", "1_", false, 0, 0},
        {"two underscores", "1__2", false, 0, 0},
        {"an underscore beside a point", "1_.5", false, 0, 0},
        {"a zero in front", "01", false, 0, 0},
        {"a zero in front, behind a sign", "-01", false, 0, 0},
        {"hexadecimal in either case", "0xfF", true, TOML_INT, 255},
        {"the largest hexadecimal", "0x7fffffffffffffff", true, TOML_INT,
         9223372036854775807.0},
        {"one more", "0x8000000000000000", false, 0, 0},
        {"hexadecimal with a sign", "+0xff", false, 0, 0},
        {"hexadecimal of nothing", "0x", false, 0, 0},
        {"a large X", "0Xff", false, 0, 0},
        {"octal", "0o17", true, TOML_INT, 15},
        {"an eight in octal", "0o8", false, 0, 0},
        {"binary", "0b101", true, TOML_INT, 5},
        {"a float", "1.5", true, TOML_FLOAT, 1.5},
        {"an exponent", "1e2", true, TOML_FLOAT, 100},
        {"one that looks like a date", "1.5e-10", true, TOML_FLOAT, 1.5e-10},
        {"zeros in front of an exponent", "1e06", true, TOML_FLOAT, 1e6},
        {"no digit before the point", ".5", false, 0, 0},
        {"no digit behind the point", "5.", false, 0, 0},
        {"a point before an exponent", "5.e1", false, 0, 0},
        {"an exponent of nothing", "5e", false, 0, 0},
        {"infinity", "-inf", true, TOML_FLOAT, -INFINITY},
        {"infinity in large letters", "Inf", false, 0, 0},
        {"true", "true", true, TOML_BOOL, 0},
        {"True", "True", false, 0, 0},
        {"a date", "2000-02-29", true, TOML_DATE_LOCAL, 0},
        {"no such day", "1900-02-29", false, 0, 0},
        {"no such month", "2000-13-01", false, 0, 0},
        {"a time", "23:59:60.123456789", true, TOML_TIME_LOCAL, 0},
        {"no such hour", "24:00:00", false, 0, 0},
        {"no seconds", "23:59", false, 0, 0},
        {"a date and time", "2000-01-01t00:00:00", true, TOML_DATETIME_LOCAL, 0},
        {"with an offset", "2000-01-01 00:00:00+23:59", true, TOML_DATETIME, 0},
        {"no such offset", "2000-01-01T00:00:00+24:00", false, 0, 0},
        {"a point without digits", "2000-01-01T00:00:00.Z", false, 0, 0},
        {"a time that ends early", "2000-01-01T", false, 0, 0},
        {"nothing", "", false, 0, 0},
        {"a word", "yes", false, 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct toml_node n = {.line = 7};
        check_row(rows[i].name);
        CHECK_INT(sl_toml_scalar(span_of(rows[i].text), &n), rows[i].good);
        if (!rows[i].good)
            continue;
        CHECK_INT(n.type, rows[i].type);
        CHECK_INT(n.line, 7);
        if (n.type == TOML_INT)
            CHECK((double)n.i == rows[i].number);
        else if (n.type == TOML_FLOAT)
            CHECK(n.f == rows[i].number);
    }
}

TEST(toml_scalar_len)
{
    static const struct {
        const char *name, *text;
        size_t n;
    } rows[] = {
        {"up to a comma", "12,3", 2},
        {"up to a bracket", "12]", 2},
        {"up to a comment", "12#", 2},
        {"up to a line end", "12\r\n", 2},
        {"a date and its time", "2000-01-01 00:00:00Z,", 20},
        {"a date and a comment", "2000-01-01 # x", 10},
        {"no date", "2000.01.01 00", 10},
        {"nothing", ", 1", 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(sl_toml_scalar_len(span_of(rows[i].text)), rows[i].n);
    }
}
