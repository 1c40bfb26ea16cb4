#include "proto/pcapng.h"

/* Of the draft: blocks (§4), options of any block (§3.5), of sections (§4.1), interfaces (§4.2) and
 * packets (§4.3). */
enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BLOCK_LENGTH = 4, /* octets of the length, which stands at the end, too */
    BYTE_ORDER = 0x1a2b3c4d,
    ALIGNED = 4,
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    SECTION_WRITER = 4,
    INTERFACE_NAME = 2,
    INTERFACE_ABOUT = 3,
    INTERFACE_RESOLUTION = 9,
    PACKET_FLAGS = 2,
    FLAGS_RECEIVED = 1,
    FLAGS_SENT = 2,
    LINKTYPE_RAW = 101,
    NANOSECONDS = 9, /* 10^-9 s */
};

enum {
    IP_UDP = 17,
    IP_HOPS = 64,
    IP4_ADDR = 4,
    IP4_HEADER = 20,
    IP4_CHECKSUM = 10,  /* octets before it */
    IP4_WHOLE = 0x4000, /* don't fragment */
    IP6_ADDR = 16,
    IP6_HEADER = 40,
    UDP_HEADER = 8,
    UDP_CHECKSUM = 6,
};

/* ---- blocks ---- */

/* The length is written last: until then, for whoever finds the file of a process that died, the
 * block is not there. */
static size_t begin(struct wr *w, uint32_t type)
{
    size_t at = w->n;
    wr_u32(w, type);
    wr_u32(w, 0);
    return at;
}

static void end(struct wr *w, size_t at)
{
    uint32_t n = (uint32_t)(w->n - at + BLOCK_LENGTH);
    wr_u32(w, n);
    if (w->bad)
        return;
    struct wr length = wr_of(w->p + at + BLOCK_LENGTH, BLOCK_LENGTH);
    wr_u32(&length, n);
}

/* Zeros behind n octets. */
static void align(struct wr *w, size_t n)
{
    static const uint8_t zero[ALIGNED] = {0};
    wr_span(w, (struct span){zero, (ALIGNED - n % ALIGNED) % ALIGNED});
}

static void option(struct wr *w, unsigned code, struct span value)
{
    wr_u16(w, code);
    wr_u16(w, (unsigned)value.n);
    wr_span(w, value);
    align(w, value.n);
}

static void end_options(struct wr *w)
{
    option(w, OPTION_END, (struct span){0});
}

void sl_pcapng_section(struct wr *w, const char *writer, const char *comment)
{
    size_t at = begin(w, BLOCK_SECTION);
    wr_u32(w, BYTE_ORDER);
    wr_u16(w, 1); /* version 1.0 */
    wr_u16(w, 0);
    wr_u64(w, UINT64_MAX); /* its length is not told */
    option(w, OPTION_COMMENT, span_of(comment));
    option(w, SECTION_WRITER, span_of(writer));
    end_options(w);
    end(w, at);
}

void sl_pcapng_interface(struct wr *w, const char *name, const char *about)
{
    static const uint8_t resolution = NANOSECONDS;
    size_t at = begin(w, BLOCK_INTERFACE);
    wr_u16(w, LINKTYPE_RAW);
    wr_u16(w, 0);
    wr_u32(w, 0); /* packets are whole */
    option(w, INTERFACE_NAME, span_of(name));
    option(w, INTERFACE_ABOUT, span_of(about));
    option(w, INTERFACE_RESOLUTION, (struct span){&resolution, 1});
    end_options(w);
    end(w, at);
}

/* ---- datagrams ---- */

/* RFC 1071: sums of 16 bits, whose carries are added in the end. */
static uint64_t sum(uint64_t so_far, struct span s)
{
    for (size_t i = 0; i + 1 < s.n; i += 2)
        so_far += (uint64_t)s.p[i] << 8 | s.p[i + 1];
    return s.n % 2 ? so_far + ((uint64_t)s.p[s.n - 1] << 8) : so_far;
}

static uint16_t checksum(uint64_t of)
{
    while (of >> 16)
        of = (of & 0xffff) + (of >> 16);
    return (uint16_t)~of;
}

static void patch(const struct wr *w, size_t at, uint16_t v)
{
    if (w->bad)
        return;
    struct wr place = wr_of(w->p + at, sizeof v);
    wr_u16(&place, v);
}

/* n: octets of an address in the header; of IPv4 they are the last of its mapped form. */
static struct span ip_of(const struct addr *a, size_t n)
{
    return (struct span){a->ip + sizeof a->ip - n, n};
}

static void put_ip4(struct wr *w, const struct pcapng_packet *p, size_t udp)
{
    size_t at = w->n;
    wr_u16(w, 0x4500); /* version 4, five words */
    wr_u16(w, (unsigned)(IP4_HEADER + udp));
    wr_u16(w, 0);
    wr_u16(w, IP4_WHOLE);
    wr_u8(w, IP_HOPS);
    wr_u8(w, IP_UDP);
    wr_u16(w, 0);
    wr_span(w, ip_of(&p->from, IP4_ADDR));
    wr_span(w, ip_of(&p->to, IP4_ADDR));
    if (!w->bad)
        patch(w, at + IP4_CHECKSUM,
              checksum(sum(0, (struct span){w->p + at, IP4_HEADER})));
}

static void put_ip6(struct wr *w, const struct pcapng_packet *p, size_t udp)
{
    wr_u32(w, 0x60000000); /* version 6 */
    wr_u16(w, (unsigned)udp);
    wr_u8(w, IP_UDP);
    wr_u8(w, IP_HOPS);
    wr_span(w, ip_of(&p->from, IP6_ADDR));
    wr_span(w, ip_of(&p->to, IP6_ADDR));
}

/* pseudo: what of the IP header is part of the sum (RFC 768, RFC 8200 §8.1). */
static void put_udp(struct wr *w, const struct pcapng_packet *p, size_t udp,
                    uint64_t pseudo)
{
    size_t at = w->n;
    wr_u16(w, p->from.port);
    wr_u16(w, p->to.port);
    wr_u16(w, (unsigned)udp);
    wr_u16(w, 0);
    for (int i = 0; i < PCAPNG_PARTS; i++)
        wr_span(w, p->parts[i]);
    if (w->bad)
        return;
    uint16_t c = checksum(sum(pseudo, (struct span){w->p + at, udp}));
    patch(w, at + UDP_CHECKSUM, c == 0 ? UINT16_MAX : c);
}

void sl_pcapng_packet(struct wr *w, const struct pcapng_packet *p)
{
    bool v4 = sl_addr_is_v4(&p->from) && sl_addr_is_v4(&p->to);
    size_t addr = v4 ? IP4_ADDR : IP6_ADDR, udp = UDP_HEADER;
    for (int i = 0; i < PCAPNG_PARTS; i++)
        udp += p->parts[i].n;
    uint64_t pseudo = sum(sum(IP_UDP + udp, ip_of(&p->from, addr)), ip_of(&p->to, addr));
    size_t n = udp + (v4 ? IP4_HEADER : IP6_HEADER), at = begin(w, BLOCK_PACKET);
    wr_u32(w, p->interface);
    wr_u64(w, p->at_ns);
    wr_u32(w, (uint32_t)n); /* as it is there, and as it was */
    wr_u32(w, (uint32_t)n);
    if (v4)
        put_ip4(w, p, udp);
    else
        put_ip6(w, p, udp);
    put_udp(w, p, udp, pseudo);
    align(w, n);
    const uint8_t flags[] = {0, 0, 0, p->sent ? FLAGS_SENT : FLAGS_RECEIVED};
    option(w, PACKET_FLAGS, (struct span){flags, sizeof flags});
    end_options(w);
    end(w, at);
}
