#include "proto/pcapng.h"

#include "check.h"

static void check_octets(struct span got, const char *hex)
{
    struct span want = check_hex(hex);
    CHECK_INT(got.n, want.n);
    for (size_t i = 0; i < got.n && i < want.n; i++)
        if (got.p[i] != want.p[i]) {
            check_fail(__FILE__, __LINE__, "octet %zu: got %02x, want %02x", i, got.p[i],
                       want.p[i]);
            return;
        }
}

TEST(pcapng_head)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    sl_pcapng_section(&w, "x", "call");
    check_octets(wr_done(&w), "0a0d0d0a 00000030 1a2b3c4d 0001 0000 ffffffffffffffff"
                              "0001 0004 63616c6c"  /* a comment */
                              "0004 0001 78 000000" /* the program */
                              "0000 0000 00000030");
    w.n = 0;
    sl_pcapng_interface(&w, "udp0", "a");
    check_octets(wr_done(&w), "00000001 00000030 0065 0000 00000000"
                              "0002 0004 75647030"
                              "0003 0001 61 000000"
                              "0009 0001 09 000000" /* nanoseconds */
                              "0000 0000 00000030");
}

/* Checksums are another implementation's. Both ends have the same address in each family. */
static const struct {
    const char *name;
    struct pcapng_packet packet;
    bool v6;
    const char *parts[PCAPNG_PARTS];
    const char *hex;
} rows[] = {
    {"received by IPv4",
     {.interface = 1, .at_ns = UINT64_C(0x17d78400abcdef01)},
     false,
     {"8060", "", ""},
     "00000006 0000004c 00000001 17d78400 abcdef01 0000001e 0000001e"
     "4500001e 00004000 4011b6cb c0000201 c0000202"
     "c82220fb 000a 1258 8060 0000"
     "0002 0004 00000001 0000 0000 0000004c"},
    {"sent, of parts whose ends are odd",
     {.sent = true},
     false,
     {"80", "6000", "0102"},
     "00000006 00000050 00000000 00000000 00000000 00000021 00000021"
     "45000021 00004000 4011b6c8 c0000202 c0000201"
     "20fbc822 000d 1051 8060000102 000000"
     "0002 0004 00000002 0000 0000 00000050"},
    {"a sum of zero, which would say that there is none",
     {.interface = 0},
     false,
     {"92b8", "", ""},
     "00000006 0000004c 00000000 00000000 00000000 0000001e 0000001e"
     "4500001e 00004000 4011b6cb c0000201 c0000202"
     "c82220fb 000a ffff 92b8 0000"
     "0002 0004 00000001 0000 0000 0000004c"},
    {"received by IPv6",
     {.interface = 0},
     true,
     {"8060", "", "ffff"},
     "00000006 00000060 00000000 00000000 00000000 00000034 00000034"
     "60000000 000c 11 40"
     "20010db8000000000000000000000001 20010db8000000000000000000000002"
     "c82220fb 000c 3ae3 8060ffff"
     "0002 0004 00000001 0000 0000 00000060"},
};

static struct pcapng_packet packet_of(size_t row, uint8_t parts[PCAPNG_PARTS][16])
{
    struct pcapng_packet p = rows[row].packet;
    struct addr peer = addr_v4(192, 0, 2, 1, 51234), us = addr_v4(192, 0, 2, 2, 8443);
    if (rows[row].v6) {
        CHECK_INT(sl_addr_parse(span_of("2001:db8::1"), peer.port, &peer), E_OK);
        CHECK_INT(sl_addr_parse(span_of("2001:db8::2"), us.port, &us), E_OK);
    }
    p.from = p.sent ? us : peer;
    p.to = p.sent ? peer : us;
    for (int k = 0; k < PCAPNG_PARTS; k++) {
        struct span s = check_hex(rows[row].parts[k]);
        if (s.n > 0)
            memcpy(parts[k], s.p, s.n);
        p.parts[k] = (struct span){parts[k], s.n};
    }
    return p;
}

TEST(pcapng_packets)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[256], parts[PCAPNG_PARTS][16];
        struct wr w = wr_of(buf, sizeof buf);
        struct pcapng_packet p = packet_of(i, parts);
        check_row(rows[i].name);
        sl_pcapng_packet(&w, &p);
        CHECK(!w.bad);
        check_octets(wr_done(&w), rows[i].hex);
    }
}

TEST(pcapng_what_does_not_fit)
{
    uint8_t buf[256], parts[PCAPNG_PARTS][16];
    struct pcapng_packet p = packet_of(0, parts);
    for (size_t cap = 0; cap <= 76; cap++) {
        struct wr w = wr_of(buf, cap);
        sl_pcapng_packet(&w, &p);
        CHECK_INT(w.bad, cap < 76);
    }
}
