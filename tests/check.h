#pragma once

/*
 * The test harness. TEST(name) registers itself; CHECK and CHECK_INT report and go on,
 * so that one run shows every failing row; cmocka runs the tests and prints TAP.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct test {
    const char *name;
    void (*fn)(void);
    struct test *next;
};

void check_register(struct test *t);
void check_row(const char *name); /* names the table row that following checks speak of */
void check_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Octets written as hex with blanks, in a buffer of exactly their size. */
struct span check_hex(const char *hex);

/* A file of the source tree, "tests/sdp/x.sdp", at most 1 MiB; valid until the test ends. */
struct span check_file(const char *path);

#define TEST(name_)                                                                      \
    static void test_##name_(void);                                                      \
    __attribute__((constructor)) static void reg_##name_(void)                           \
    {                                                                                    \
        static struct test t = {.name = #name_, .fn = test_##name_};                     \
        check_register(&t);                                                              \
    }                                                                                    \
    static void test_##name_(void)

#define CHECK(c)                                                                         \
    do {                                                                                 \
        if (!(c))                                                                        \
            check_fail(__FILE__, __LINE__, "%s", #c);                                    \
    } while (0)
#define CHECK_INT(got, want)                                                             \
    check_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_STR(got, want) check_str(__FILE__, __LINE__, #got, got, want)
#define LEN(a)               (sizeof(a) / sizeof(a)[0])

static inline void check_int(const char *file, int line, const char *what, int64_t got,
                             int64_t want)
{
    if (got != want)
        check_fail(file, line, "%s: got %" PRId64 ", want %" PRId64, what, got, want);
}

static inline void check_str(const char *file, int line, const char *what,
                             const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        check_fail(file, line, "%s: got\n%s\nwant\n%s", what, got, want);
}
