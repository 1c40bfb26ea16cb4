#include "service/candidates.h"

#include <stdio.h>
#include <string.h>

#include "base/word.h"

#include "check.h"

/* Addresses and maps in words: "shown/local" or "shown". */
static const struct {
    const char *name, *udp, *tcp, *maps;
    uint16_t port;
    const char *want;
} rows[] = {
    {"as they are, loopback last", "127.0.0.1 10.0.0.1 2001:db8::1", "", "", 0,
     "udp [2001:db8::1]:8443 udp 10.0.0.1:8443 udp 127.0.0.1:8443"},
    {"streams come last", "10.0.0.1", "10.0.0.1 127.0.0.1", "", 0,
     "udp 10.0.0.1:8443 tcp 10.0.0.1:8444 tcp 127.0.0.1:8444"},
    {"streams alone", "", "10.0.0.1", "", 0, "tcp 10.0.0.1:8444"},
    {"one address stands for all of its family", "10.0.0.1 172.17.0.1 2001:db8::1",
     "10.0.0.1", "192.0.2.7", 0,
     "udp [2001:db8::1]:8443 udp 192.0.2.7:8443 tcp 192.0.2.7:8444"},
    {"but for loopback, which stays", "10.0.0.1 127.0.0.1", "", "192.0.2.7", 0,
     "udp 192.0.2.7:8443 udp 127.0.0.1:8443"},
    {"unless that is all there is", "127.0.0.1", "127.0.0.1", "192.0.2.7", 0,
     "udp 192.0.2.7:8443 tcp 192.0.2.7:8444"},
    {"one for each family", "10.0.0.1 fd00::1", "", "192.0.2.7 2001:db8::7", 0,
     "udp [2001:db8::7]:8443 udp 192.0.2.7:8443"},
    {"a pair maps its own", "10.0.0.1 10.0.0.2", "", "192.0.2.7/10.0.0.2", 0,
     "udp 10.0.0.1:8443 udp 192.0.2.7:8443"},
    {"pairs, and one for the rest", "10.0.0.1 10.0.0.2 10.0.0.3", "",
     "192.0.2.9 192.0.2.7/10.0.0.2", 0, "udp 192.0.2.9:8443 udp 192.0.2.7:8443"},
    {"a pair to itself keeps it", "10.0.0.1 10.0.0.2", "", "192.0.2.9 10.0.0.1/10.0.0.1",
     0, "udp 10.0.0.1:8443 udp 192.0.2.9:8443"},
    {"a pair for what is not here", "10.0.0.1", "", "192.0.2.7/10.0.0.9", 0,
     "udp 10.0.0.1:8443"},
    {"loopback, if it is named", "127.0.0.1 10.0.0.1", "", "192.0.2.7/127.0.0.1", 0,
     "udp 192.0.2.7:8443 udp 10.0.0.1:8443"},
    {"the port of what is mapped", "10.0.0.1 127.0.0.1", "10.0.0.1", "192.0.2.7", 30443,
     "udp 192.0.2.7:30443 udp 127.0.0.1:8443 tcp 192.0.2.7:30443"},
    {"nothing is mapped, so no port is", "10.0.0.1", "", "", 30443, "udp 10.0.0.1:8443"},
    {"several behind one address are told once", "10.0.0.1 10.0.0.2", "",
     "192.0.2.7/10.0.0.1 192.0.2.7/10.0.0.2", 0, "udp 192.0.2.7:8443"},
};

static size_t read_addrs(const char *text, uint16_t port, struct addr *ret)
{
    size_t n = 0;
    for (struct span rest = span_of(text); rest.n > 0; n++)
        CHECK_INT(sl_addr_parse(word_cut(&rest, ' '), port, &ret[n]), E_OK);
    return n;
}

static size_t read_maps(const char *text, struct address_map *ret)
{
    size_t n = 0;
    for (struct span rest = span_of(text); rest.n > 0; n++) {
        struct span local = word_cut(&rest, ' '), outside = word_cut(&local, '/');
        ret[n] = (struct address_map){.local = {.port = 0}};
        CHECK_INT(sl_addr_parse(outside, 0, &ret[n].shown), E_OK);
        if (local.n > 0)
            CHECK_INT(sl_addr_parse(local, 0, &ret[n].local), E_OK);
    }
    return n;
}

TEST(candidates_are_what_the_world_sees)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct addr udp[8], tcp[8];
        struct address_map maps[8];
        struct candidates_of of = {.udp = udp,
                                   .udp_n = read_addrs(rows[i].udp, 8443, udp),
                                   .tcp = tcp,
                                   .tcp_n = read_addrs(rows[i].tcp, 8444, tcp),
                                   .maps = maps,
                                   .maps_n = read_maps(rows[i].maps, maps),
                                   .shown_port = rows[i].port};
        struct negotiate_candidate got[CANDIDATES_MAX];
        size_t n = sl_candidates(&of, got);
        char all[512] = "";
        for (size_t k = 0; k < n; k++) {
            char ip[ADDR_TEXT_MAX];
            size_t at = strlen(all);
            (void)snprintf(all + at, sizeof all - at, "%s%s %s", at ? " " : "",
                           got[k].tcp ? "tcp" : "udp", sl_addr_text(&got[k].addr, ip));
        }
        check_row(rows[i].name);
        if (strcmp(all, rows[i].want) != 0)
            check_fail(__FILE__, __LINE__, "got %s, want %s", all, rows[i].want);
    }
}
