#include "net/sa.h"

#include "check.h"

TEST(sa_and_back)
{
    struct addr rows[] = {addr_v4(192, 0, 2, 1, 8443), {.port = 9}};
    rows[1].ip[0] = 0x20;
    rows[1].ip[15] = 7;
    for (size_t i = 0; i < LEN(rows); i++) {
        union sa sa = {0};
        bool v4 = sl_addr_is_v4(&rows[i]);
        CHECK_INT(sa_of(&rows[i], v4, &sa), v4 ? sizeof sa.v4 : sizeof sa.v6);
        CHECK_INT(sa.any.sa_family, v4 ? AF_INET : AF_INET6);
        struct addr back = sa_addr(&sa);
        CHECK(addr_eq(&back, &rows[i]));
    }
}

/* A socket of both families would be told of an IPv4 client in this form. */
TEST(sa_mapped_is_the_same_address)
{
    struct addr a = addr_v4(192, 0, 2, 1, 8443);
    union sa sa = {0};
    CHECK_INT(sa_of(&a, false, &sa), sizeof sa.v6);
    struct addr back = sa_addr(&sa);
    CHECK(addr_eq(&back, &a));
}
