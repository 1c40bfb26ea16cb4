#include "net/resolve.h"

#include "check.h"

struct heard {
    unsigned times;
    size_t n;
    struct addr first;
};

static void done(void *user, const struct addr *a, size_t n)
{
    struct heard *h = user;
    h->times++;
    h->n = n;
    if (n > 0)
        h->first = a[0];
}

TEST(resolve_addresses_are_what_they_are)
{
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1:53"},
        {"2001:db8::1", "[2001:db8::1]:53"},
        {"[2001:db8::1]", "[2001:db8::1]:53"},
        {"no-such-name.invalid", NULL},
    };
    struct loop *l = sl_loop_new();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct heard h = {0};
        char text[ADDR_TEXT_MAX];
        check_row(rows[i].name);
        CHECK_INT(sl_resolve(l, span_of(rows[i].name), 53, done, &h), E_OK);
        CHECK_INT(h.times, 0); /* not from inside the call */
        sl_loop_finish_work(l);
        CHECK_INT(h.times, 1);
        CHECK((h.n > 0) == (rows[i].want != NULL));
        if (rows[i].want)
            CHECK(strcmp(sl_addr_text(&h.first, text), rows[i].want) == 0);
    }
    sl_loop_free(l);
}

TEST(resolve_refuses_what_is_no_name)
{
    static const char nul[] = "a\0b";
    static char far_too_long[400];
    struct heard h = {0};
    struct loop *l = sl_loop_new();
    memset(far_too_long, 'a', sizeof far_too_long);
    struct span bad[] = {{0},
                         {(const uint8_t *)nul, 3},
                         {(const uint8_t *)far_too_long, sizeof far_too_long}};
    for (size_t i = 0; i < LEN(bad); i++)
        CHECK_INT(sl_resolve(l, bad[i], 53, done, &h), E_MALFORMED);
    sl_loop_finish_work(l);
    CHECK_INT(h.times, 0);
    sl_loop_free(l);
}
