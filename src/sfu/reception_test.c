#include "sfu/reception.h"

#include "check.h"
#include "stage.h"

static struct stage s;

/* The publisher's answer to the last time that it was told: so long after it came. 0: it was
 * told none. */
static uint32_t answer(usec since, uint32_t whose, struct wr *w)
{
    struct rtcp all[SIM_GOT];
    size_t n = sim_rtcp(s.pub, RTCP_XR, 0, all, LEN(all));
    if (n == 0)
        return 0;
    struct rd r = rd_of(all[(n < LEN(all) ? n : LEN(all)) - 1].body);
    uint32_t us = rd_u32(&r);
    (void)rd_u32(&r);
    uint64_t ntp = rd_u64(&r);
    wr_u32(w, 0x80cf0005);
    wr_u32(w, SSRC_IN);
    wr_u32(w, 0x05000003);
    wr_u32(w, whose ? whose : us);
    wr_u32(w, (uint32_t)(ntp >> 16));
    wr_u32(w, (uint32_t)(since * 65536 / SEC(1)));
    return us;
}

static void send(uint16_t from, uint16_t to, unsigned one_in)
{
    for (uint16_t i = from; i < to; i++) {
        if (one_in == 0 || i % one_in != 0)
            stage_send(s.pub, SSRC_IN, i, i == from);
        sim_run(&s.sim, MSEC(10));
    }
}

static const struct {
    const char *name;
    usec passes, since; /* in all; at the publisher */
    uint32_t whose;     /* 0: ours */
    usec want;          /* to 1/65536 s */
} rows[] = {
    {"at once", MSEC(80), 0, 0, MSEC(80)},
    {"after a while", MSEC(340), MSEC(300), 0, MSEC(40)},
    {"less than nothing: clocks tick", 0, MSEC(2), 0, 1},
    {"to somebody else", MSEC(80), 0, 99, 0},
    {"an hour ago", MSEC(80), -SEC(3600), 0, 0},
};

/* Who only receives learns the round trip by RFC 3611. */
TEST(reception_knows_the_round_trip)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(PT_NONE);
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        check_row(rows[i].name);
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        send(1, 100, 0);
        size_t n = sim_rtcp_count(s.pub, RTCP_XR, 0);
        while (sim_rtcp_count(s.pub, RTCP_XR, 0) == n)
            sim_run(&s.sim, MSEC(1));
        CHECK(answer(rows[i].since, rows[i].whose, &w) != 0);
        sim_run(&s.sim, rows[i].passes);
        sim_send_rtcp(s.pub, wr_done(&w));
        send(100, 210, 0);
        CHECK(s.sim.to_control[MAIL_RECEPTION] > 0);
        usec off = (usec)s.sim.told[MAIL_RECEPTION].arg - rows[i].want;
        CHECK(off > -MSEC(2) && off < MSEC(2));
        stage_close(&s);
    }
}

/* It is told when it changes, and not each second. */
TEST(reception_tells_of_losses)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(PT_NONE);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    send(1, 500, 0);
    CHECK_INT(s.sim.to_control[MAIL_RECEPTION], 1);
    CHECK_INT(s.sim.told[MAIL_RECEPTION].id2, 0);
    send(500, 900, 4);
    CHECK(s.sim.told[MAIL_RECEPTION].id2 >= 60 && s.sim.told[MAIL_RECEPTION].id2 <= 68);
    CHECK_INT(s.sim.told[MAIL_RECEPTION].id, s.pub->id);
    send(900, 1300, 0);
    CHECK_INT(s.sim.told[MAIL_RECEPTION].id2, 0);
    stage_close(&s);
}
