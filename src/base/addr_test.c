#include "base/addr.h"

#include "check.h"

static const struct {
    const char *text;
    const char *with_port; /* NULL: refused */
    bool v4, loopback, link_local, any;
} rows[] = {
    {"192.0.2.1", "192.0.2.1:5", true, false, false, false},
    {"127.8.9.1", "127.8.9.1:5", true, true, false, false},
    {"169.254.0.1", "169.254.0.1:5", true, false, true, false},
    {"0.0.0.0", "0.0.0.0:5", true, false, false, true},
    {"2001:db8::1", "[2001:db8::1]:5", false, false, false, false},
    {"::1", "[::1]:5", false, true, false, false},
    {"fe80::1", "[fe80::1]:5", false, false, true, false},
    {"::", "[::]:5", false, false, false, true},
    {"::ffff:1.2.3.4", "1.2.3.4:5", true, false, false, false},
    {"", NULL, false, false, false, false},
    {"1.2.3", NULL, false, false, false, false},
    {"host.local", NULL, false, false, false, false},
    {"1.2.3.4 ", NULL, false, false, false, false},
    {"fe80::1%eth0", NULL, false, false, false, false},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222", NULL, false, false, false,
     false},
};

TEST(addr_parses_and_writes)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        char buf[ADDR_TEXT_MAX];
        struct addr a = {0};
        check_row(rows[i].text);
        enum err e = sl_addr_parse(span_of(rows[i].text), 5, &a);
        CHECK_INT(e, rows[i].with_port ? E_OK : E_MALFORMED);
        if (e)
            continue;
        CHECK(strcmp(sl_addr_text(&a, buf), rows[i].with_port) == 0);
        CHECK_INT(sl_addr_is_v4(&a), rows[i].v4);
        CHECK_INT(sl_addr_is_loopback(&a), rows[i].loopback);
        CHECK_INT(sl_addr_is_link_local(&a), rows[i].link_local);
        CHECK_INT(sl_addr_is_any(&a), rows[i].any);
    }
}

TEST(addr_site_is_what_one_customer_has)
{
    static const struct {
        const char *name, *a, *b;
        bool same;
    } pairs[] = {
        {"one IPv4 address", "192.0.2.1", "192.0.2.1", true},
        {"two IPv4 addresses", "192.0.2.1", "192.0.2.2", false},
        {"IPv4 in its two forms", "192.0.2.1", "::ffff:192.0.2.1", true},
        {"two of one /64", "2001:db8::1", "2001:db8::ffff:0:0:1", true},
        {"two networks", "2001:db8::1", "2001:db8:0:1::1", false},
        {"an IPv6 address that has zeros where IPv4 has", "::1", "0.0.0.1", false},
    };
    for (size_t i = 0; i < LEN(pairs); i++) {
        struct addr a, b;
        check_row(pairs[i].name);
        CHECK_INT(sl_addr_parse(span_of(pairs[i].a), 1, &a), E_OK);
        CHECK_INT(sl_addr_parse(span_of(pairs[i].b), 2, &b), E_OK);
        CHECK_INT(span_eq(sl_addr_site(&a), sl_addr_site(&b)), pairs[i].same);
    }
}

TEST(addr_of_the_world)
{
    static const struct {
        const char *text;
        bool want;
    } world[] = {
        {"1.1.1.1", true},
        {"100.63.255.255", true},
        {"100.64.0.1", false},
        {"100.128.0.1", true},
        {"10.1.2.3", false},
        {"11.0.0.1", true},
        {"127.0.0.1", false},
        {"172.15.0.1", true},
        {"172.31.255.255", false},
        {"172.32.0.1", true},
        {"192.168.255.1", false},
        {"192.169.0.1", true},
        {"169.254.169.254", false},
        {"198.19.0.1", false},
        {"198.20.0.1", true},
        {"223.255.255.1", true},
        {"224.0.0.1", false},
        {"255.255.255.255", false},
        {"0.0.0.0", false},
        {"192.0.2.1", false},
        {"203.0.113.9", false},
        {"2606:4700::1", true},
        {"3fff::1", true},
        {"2001:db8::1", false},
        {"fe80::1", false},
        {"fd00::1", false},
        {"ff02::1", false},
        {"::1", false},
        {"::", false},
        {"64:ff9b::1", false},
    };
    for (size_t i = 0; i < LEN(world); i++) {
        struct addr a;
        check_row(world[i].text);
        CHECK_INT(sl_addr_parse(span_of(world[i].text), 1, &a), E_OK);
        CHECK_INT(sl_addr_is_public(&a), world[i].want);
    }
}
