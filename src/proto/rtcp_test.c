#include "proto/rtcp.h"

#include <stdio.h>

#include "check.h"

static const struct {
    const char *name;
    const char *hex;
    enum err want;
    int packets;
} compounds[] = {
    {"RR alone", "80c90001 00000001", E_OK, 1},
    {"RR and BYE", "80c90001 00000001 81cb0001 00000001", E_OK, 2},
    {"reduced size: feedback alone", "81ce0002 00000001 00000002", E_OK, 1},
    {"a type of tomorrow", "80df0000 80c90001 00000001", E_OK, 2},
    {"BYE of nobody", "80cb0000", E_OK, 1},
    {"a padded one in front", "a0c90002 00000001 00000004 80cb0000", E_OK, 2},
    {"padding of 1, as browsers pad feedback", "afcd0001 00000001", E_OK, 1},
    {"empty", "", E_SHORT, 0},
    {"half a header", "80c9", E_SHORT, 0},
    {"length past the end", "80c90002 00000001", E_SHORT, 0},
    {"second one is cut", "80c90001 00000001 81cb", E_SHORT, 0},
    {"version 1 behind a good one", "80c90001 00000001 40cb0000", E_MALFORMED, 0},
    {"padding of 0", "a0c90001 00000000", E_MALFORMED, 0},
    {"padding longer than the body", "a0c90001 00000005", E_MALFORMED, 0},
    {"padding of nothing", "a0c90000", E_MALFORMED, 0},
};

TEST(rtcp_parse_takes_a_compound_whole_or_not_at_all)
{
    for (size_t i = 0; i < LEN(compounds); i++) {
        struct rd r = {0};
        struct rtcp p;
        int n = 0;
        check_row(compounds[i].name);
        CHECK_INT(sl_rtcp_parse(check_hex(compounds[i].hex), &r), compounds[i].want);
        while (sl_rtcp_next(&r, &p))
            n++;
        CHECK_INT(n, compounds[i].packets);
    }
}

/* The only packet of a compound. */
static struct rtcp one(const char *hex)
{
    struct rd r = {0};
    struct rtcp p = {0};
    CHECK_INT(sl_rtcp_parse(check_hex(hex), &r), E_OK);
    CHECK(sl_rtcp_next(&r, &p));
    return p;
}

static struct rtcp_fb fb(const char *hex)
{
    struct rtcp p = one(hex);
    struct rtcp_fb fb = {0};
    CHECK_INT(sl_rtcp_fb(&p, &fb), E_OK);
    return fb;
}

TEST(rtcp_report_of_a_sender)
{
    struct rtcp p = one("81c8000d 01020304 e1234567 80000000 00000bb8 00000064 0001e240"
                        "0a0b0c0d 40fffffe 00010005 00000010 45678000 00008000"
                        "ffffffff"); /* an extension of the profile */
    struct rtcp_report rep = {0};
    struct rtcp_block b = {0};
    CHECK_INT(sl_rtcp_report(&p, &rep), E_OK);
    CHECK_INT(rep.ssrc, 0x01020304);
    CHECK_INT(rep.sender.ntp, (int64_t)0xe123456780000000);
    CHECK_INT(rep.sender.rtp_ts, 3000);
    CHECK_INT(rep.sender.packets, 100);
    CHECK_INT(rep.sender.octets, 123456);
    CHECK(sl_rtcp_block_next(&rep.blocks, &b));
    CHECK_INT(b.ssrc, 0x0a0b0c0d);
    CHECK_INT(b.fraction, 64);
    CHECK_INT(b.lost, -2);
    CHECK_INT(b.last_seq, 65541);
    CHECK_INT(b.jitter, 16);
    CHECK_INT(b.lsr, 0x45678000);
    CHECK_INT(b.dlsr, 32768);
    CHECK(!sl_rtcp_block_next(&rep.blocks, &b));
}

TEST(rtcp_what_a_packet_counts_must_be_there)
{
    struct rd r;
    struct rtcp_report rep;
    struct rtcp_fb f;
    struct rtcp_remb remb;
    struct rtcp p = one("9fc90001 00000001");
    CHECK_INT(sl_rtcp_report(&p, &rep), E_SHORT);
    p = one("80c80005 00000001 00000000 00000000 00000000 00000000");
    CHECK_INT(sl_rtcp_report(&p, &rep), E_SHORT);
    p = one("82cb0001 00000001");
    CHECK_INT(sl_rtcp_bye(&p, &r), E_SHORT);
    p = one("81ce0001 00000001");
    CHECK_INT(sl_rtcp_fb(&p, &f), E_SHORT);
    f = fb("8fce0005 00000001 00000000 52454d42 02000001 00000007");
    CHECK_INT(sl_rtcp_remb(&f, &remb), E_SHORT);
    f = fb("8fce0004 00000001 00000000 52454d43 00000001");
    CHECK_INT(sl_rtcp_remb(&f, &remb), E_UNSUPPORTED);
}

static const struct {
    const char *name;
    const char *hex;
    const char *want; /* ssrc=cname ... */
} sdes[] = {
    {"one chunk", "81ca0003 00000001 0103 616263 000000", "1=abc "},
    {"full to the word: four zeros more", "81ca0003 00000001 0102 6162 00000000",
     "1=ab "},
    {"cname behind a name", "81ca0004 00000001 0201 78 0103 616263 00000000", "1=abc "},
    {"a chunk without a cname", "82ca0004 00000001 0201 7800 00000002 0101 7900", "2=y "},
    {"two", "82ca0004 00000001 0101 7800 00000002 0101 7900", "1=x 2=y "},
    {"two, four zeros between", "82ca0005 00000001 0102 6162 00000000 00000002 0101 7900",
     "1=ab 2=y "},
    {"item past the end", "81ca0002 00000001 0109 6162", ""},
    {"no end of the items", "81ca0002 00000001 0102 6162", ""},
    {"nobody", "80ca0000", ""},
};

TEST(rtcp_cname_next)
{
    for (size_t i = 0; i < LEN(sdes); i++) {
        check_row(sdes[i].name);
        struct rtcp p = one(sdes[i].hex);
        struct rd r = rd_of(p.body);
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        uint32_t ssrc;
        struct span cname;
        while (sl_rtcp_cname_next(&r, &ssrc, &cname)) {
            wr_u8(&w, '0' + ssrc);
            wr_u8(&w, '=');
            wr_span(&w, cname);
            wr_u8(&w, ' ');
        }
        CHECK(span_is(wr_done(&w), sdes[i].want));
    }
}

static const struct {
    const char *name;
    const char *hex; /* of the FCI */
    const char *seqs;
} nacks[] = {
    {"one", "0005 0000", "0005"},
    {"the next one, and the 16th after", "0005 8001", "0005 0006 0015"},
    {"across the wrap", "ffff 0003", "ffff 0000 0001"},
    {"two words", "0001 0001 0100 0000", "0001 0002 0100"},
    {"none", "", ""},
};

TEST(rtcp_nack_next)
{
    for (size_t i = 0; i < LEN(nacks); i++) {
        struct rtcp_fb f = {.fci = rd_of(check_hex(nacks[i].hex))};
        struct rtcp_nacks it = rtcp_nacks_of(&f);
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        uint16_t seq;
        check_row(nacks[i].name);
        while (sl_rtcp_nack_next(&it, &seq))
            wr_u16(&w, seq);
        CHECK(span_eq(wr_done(&w), check_hex(nacks[i].seqs)));
    }
}

TEST(rtcp_fir_next)
{
    struct rtcp_fb f =
        fb("84ce0006 00000001 00000000 00000007 09000000 00000008 0a000000");
    uint32_t ssrc = 0;
    uint8_t seq = 0;
    CHECK(sl_rtcp_fir_next(&f.fci, &ssrc, &seq));
    CHECK(ssrc == 7 && seq == 9);
    CHECK(sl_rtcp_fir_next(&f.fci, &ssrc, &seq));
    CHECK(ssrc == 8 && seq == 10);
    CHECK(!sl_rtcp_fir_next(&f.fci, &ssrc, &seq));
}

static const struct {
    const char *name;
    const char *rate; /* number of SSRCs, exponent, mantissa */
    int64_t bps;
} rembs[] = {
    {"zero", "00000000", 0},
    {"no exponent", "0003ffff", 262143},
    {"3 Mbit/s", "00 12dc6c", 3000000},
    {"more than 64 bits hold", "00 ffffff", INT64_MAX},
    {"one bit more than fits", "00 bbffff", INT64_MAX},
    {"the most", "00 b7ffff", 262143LL << 45},
};

TEST(rtcp_remb)
{
    for (size_t i = 0; i < LEN(rembs); i++) {
        char hex[64];
        struct rtcp_remb remb = {0};
        (void)snprintf(hex, sizeof hex, "52454d42 %s", rembs[i].rate);
        struct rtcp_fb f = {.fci = rd_of(check_hex(hex))};
        check_row(rembs[i].name);
        CHECK_INT(sl_rtcp_remb(&f, &remb), E_OK);
        CHECK_INT(remb.bps, rembs[i].bps);
    }
}

static const struct {
    const char *name;
    const char *fci;
    enum err want;
    const char *packets; /* number@microseconds since the reference time, or number- */
} twccs[] = {
    {"run of 3 small deltas", "0064 0003 000001 00 2003 00 04 08", E_OK,
     "100@0 101@1000 102@3000 "},
    {"run of 2 large ones, one negative", "0001 0002 000001 00 4002 0100 fffc", E_OK,
     "1@64000 2@63000 "},
    {"run longer than the count", "0001 0001 000001 00 2fff 02", E_OK, "1@500 "},
    {"vector of bits", "0001 0004 000001 00 a800 01 01", E_OK,
     "1@250 2@250- 3@500 4@500- "},
    {"vector of pairs", "0001 0003 000001 00 d800 01 ff00", E_OK,
     "1@250 2@-63750 3@-63750- "},
    {"across the wrap", "ffff 0002 000001 00 2002 00 00", E_OK, "65535@0 0@0 "},
    {"nothing lost, nothing told", "0001 0000 000001 00", E_OK, ""},
    {"a run of none, then one", "0001 0001 000001 00 0000 2001 01", E_OK, "1@250 "},
    {"reserved status in a run", "0001 0001 000001 00 6001 0000", E_MALFORMED, ""},
    {"reserved status in a vector", "0001 0002 000001 00 dc00 0000 0000", E_MALFORMED,
     ""},
    {"chunks end before the count", "0001 0010 000001 00 0004", E_SHORT, ""},
    {"deltas end before the packets", "0001 0003 000001 00 2003 00 04", E_SHORT, ""},
    {"65535 of one chunk each 8191", "0001 ffff 000001 00 1fff 1fff 1fff 1fff", E_FULL,
     ""},
    {"no reference time", "0001 0001", E_SHORT, ""},
};

TEST(rtcp_twcc)
{
    for (size_t i = 0; i < LEN(twccs); i++) {
        struct rtcp_fb f = {.fci = rd_of(check_hex(twccs[i].fci))};
        struct rtcp_twcc t = {0};
        struct rtcp_arrival a;
        char buf[256];
        size_t n = 0;
        check_row(twccs[i].name);
        CHECK_INT(sl_rtcp_twcc(&f, &t), twccs[i].want);
        buf[0] = '\0';
        while (sl_rtcp_twcc_next(&t, &a) && n < sizeof buf)
            n += (size_t)snprintf(buf + n, sizeof buf - n, "%u@%d%s ", a.seq,
                                  (int)(a.at - TWCC_REF_US), a.received ? "" : "-");
        if (!span_is(span_of(buf), twccs[i].packets))
            check_fail(__FILE__, __LINE__, "got %s", buf);
    }
}

/* ---- writing ---- */

static void writes(const struct wr *w, const char *hex)
{
    CHECK(!w->bad && span_eq(wr_done(w), check_hex(hex)));
}

TEST(rtcp_builders)
{
    static const struct rtcp_sender sender = {0x1111111122222222, 3, 4, 5};
    static const struct rtcp_block block = {7, 64, -2, 65541, 16, 0x45678000, 32768};
    static const uint16_t seqs[] = {0xfffe, 0xffff, 0x000e, 0x000f, 0x0100};
    static const uint32_t ssrcs[] = {7, 8};
    uint8_t buf[128];
    struct wr w = wr_of(buf, sizeof buf);

    sl_rtcp_build_report(&w, 1, &sender, &block, 1);
    writes(&w, "81c8000c 00000001 11111111 22222222 00000003 00000004 00000005"
               "00000007 40fffffe 00010005 00000010 45678000 00008000");
    w.n = 0;
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    writes(&w, "80c90001 00000001");
    w.n = 0;
    sl_rtcp_build_cname(&w, 1, span_of("abc"));
    writes(&w, "81ca0003 00000001 0103 616263 000000");
    w.n = 0;
    sl_rtcp_build_cname(&w, 1, span_of("ab"));
    writes(&w, "81ca0003 00000001 0102 6162 00000000");
    w.n = 0;
    sl_rtcp_build_bye(&w, 9);
    writes(&w, "81cb0001 00000009");
    w.n = 0;
    sl_rtcp_build_nack(&w, 1, 2, seqs, LEN(seqs));
    writes(&w, "81cd0005 00000001 00000002 fffe8001 000f0000 01000000");
    w.n = 0;
    sl_rtcp_build_pli(&w, 1, 2);
    writes(&w, "81ce0002 00000001 00000002");
    w.n = 0;
    sl_rtcp_build_fir(&w, 1, 2, 3);
    writes(&w, "84ce0004 00000001 00000000 00000002 03000000");
    w.n = 0;
    sl_rtcp_build_remb(&w, 1, 3000000, ssrcs, LEN(ssrcs));
    writes(&w, "8fce0006 00000001 00000000 52454d42 0212dc6c 00000007 00000008");
}

TEST(rtcp_40_blocks_take_two_packets)
{
    struct rtcp_block blocks[40] = {0};
    uint8_t buf[1200];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd r;
    struct rtcp p;
    struct rtcp_report rep;
    struct rtcp_block b;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < LEN(blocks); i++)
        blocks[i].ssrc = i;
    sl_rtcp_build_report(&w, 1, &(struct rtcp_sender){.ntp = 5}, blocks, LEN(blocks));
    CHECK(!w.bad);
    CHECK_INT(sl_rtcp_parse(wr_done(&w), &r), E_OK);
    while (sl_rtcp_next(&r, &p)) {
        CHECK_INT(p.type, seen == 0 ? RTCP_SR : RTCP_RR);
        CHECK_INT(sl_rtcp_report(&p, &rep), E_OK);
        while (sl_rtcp_block_next(&rep.blocks, &b))
            CHECK_INT(b.ssrc, seen++);
    }
    CHECK_INT(seen, 40);
}
