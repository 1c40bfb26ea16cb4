#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool sl_addr_is_v4(const struct addr *a)
{
    return memcmp(a->ip, mapped, sizeof mapped) == 0;
}

bool sl_addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return sl_addr_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

bool sl_addr_is_link_local(const struct addr *a)
{
    if (sl_addr_is_v4(a))
        return a->ip[12] == 169 && a->ip[13] == 254;
    return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool sl_addr_is_any(const struct addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, sizeof zero) == 0 ||
           (sl_addr_is_v4(a) && memcmp(a->ip + 12, zero, 4) == 0);
}

struct span sl_addr_site(const struct addr *a)
{
    return (struct span){a->ip, sl_addr_is_v4(a) ? sizeof a->ip : sizeof a->ip / 2};
}

enum err sl_addr_parse(struct span text, uint16_t port, struct addr *ret)
{
    char buf[INET6_ADDRSTRLEN];
    struct addr a = {.port = port};
    if (text.n == 0 || text.n >= sizeof buf || memchr(text.p, '\0', text.n))
        return E_MALFORMED;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    if (inet_pton(AF_INET, buf, a.ip + 12) == 1)
        memcpy(a.ip, mapped, sizeof mapped);
    else if (inet_pton(AF_INET6, buf, a.ip) != 1)
        return E_MALFORMED;
    *ret = a;
    return E_OK;
}

const char *sl_addr_ip_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
    bool v4 = sl_addr_is_v4(a);
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + 12 : a->ip, buf, ADDR_TEXT_MAX))
        buf[0] = '\0';
    return buf;
}

const char *sl_addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
    char ip[ADDR_TEXT_MAX];
    (void)sl_addr_ip_text(a, ip);
    (void)snprintf(buf, ADDR_TEXT_MAX, sl_addr_is_v4(a) ? "%.45s:%u" : "[%.45s]:%u", ip,
                   a->port);
    return buf;
}
