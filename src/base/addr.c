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

/* The registries of special addresses, RFC 6890; IPv6 has global ones in 2000::/3 only. */
bool sl_addr_is_public(const struct addr *a)
{
    static const struct {
        uint8_t ip[4], bits;
    } special[] = {{{0}, 8},
                   {{10}, 8},
                   {{100, 64}, 10},
                   {{127}, 8},
                   {{169, 254}, 16},
                   {{172, 16}, 12},
                   {{192, 0, 0}, 24},
                   {{192, 0, 2}, 24},
                   {{192, 88, 99}, 24},
                   {{192, 168}, 16},
                   {{198, 18}, 15},
                   {{198, 51, 100}, 24},
                   {{203, 0, 113}, 24},
                   {{224}, 3}};
    if (!sl_addr_is_v4(a))
        return (a->ip[0] & 0xe0) == 0x20 && !(a->ip[0] == 0x20 && a->ip[1] == 1 &&
                                              a->ip[2] == 0xd && a->ip[3] == 0xb8);
    uint32_t ip = 0;
    for (int i = 12; i < 16; i++)
        ip = ip << 8 | a->ip[i];
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        const uint8_t *s = special[i].ip;
        uint32_t net =
            (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
        if (((ip ^ net) >> (32 - special[i].bits)) == 0)
            return false;
    }
    return true;
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
