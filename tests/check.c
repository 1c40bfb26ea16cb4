#include "check.h"

/* cmocka.h needs what stands before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

#include "base/span.h"

enum { TESTS_MAX = 256 };

static struct test *first, **last = &first;
static const char *row;
static int failures;
static void *held[256];
static size_t nheld;

void check_register(struct test *t)
{
    *last = t;
    last = &t->next;
}

void check_row(const char *name)
{
    row = name;
}

void check_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("# %s:%d: %s%s", file, line, row ? row : "", row ? ": " : "");
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    failures++;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct span check_hex(const char *hex)
{
    size_t n = 0;
    for (const char *c = hex; *c; c++)
        n += nibble(*c) >= 0;
    n /= 2;
    uint8_t *p = malloc(n ? n : 1);
    if (!p)
        abort();
    size_t i = 0;
    for (const char *c = hex; *c; c++)
        if (nibble(*c) >= 0) {
            uint8_t v = (uint8_t)nibble(*c);
            p[i / 2] = (uint8_t)(i % 2 ? p[i / 2] << 4 | v : v);
            i++;
        }
    if (nheld == LEN(held))
        abort();
    held[nheld++] = p;
    return (struct span){p, n};
}

struct span check_file(const char *path)
{
    char full[4096];
    const char *top = getenv("SLUICE_SOURCE");
    (void)snprintf(full, sizeof full, "%s/%s", top ? top : ".", path);
    FILE *f = fopen(full, "rb");
    if (!f || nheld == LEN(held)) {
        check_fail(__FILE__, __LINE__, "cannot read %s", full);
        if (f)
            (void)fclose(f);
        return (struct span){0};
    }
    size_t n = 0, cap = 1 << 20;
    uint8_t *p = malloc(cap);
    if (!p)
        abort();
    n = fread(p, 1, cap, f);
    (void)fclose(f);
    held[nheld++] = p;
    return (struct span){p, n};
}

static void run(void **state)
{
    const struct test *t = *state;
    failures = 0;
    row = NULL;
    t->fn();
    while (nheld > 0)
        free(held[--nheld]);
    if (failures)
        fail();
}

int main(void)
{
    static struct CMUnitTest tests[TESTS_MAX];
    size_t n = 0;
    for (struct test *t = first; t; t = t->next) {
        if (n == TESTS_MAX)
            abort();
        tests[n++] =
            (struct CMUnitTest){.name = t->name, .test_func = run, .initial_state = t};
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests("check", tests, n, NULL, NULL);
}
