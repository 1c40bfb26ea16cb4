#include "sfu/feedback.h"

#include "check.h"
#include "stage.h"

/* A viewer waits for an encoding of which nothing was ever sent: nobody can be asked, and
 * the shard sleeps until its first packet tells the SSRC. */
TEST(feedback_asks_for_a_key_frame_once_the_ssrc_is_known)
{
    static struct stage s;
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    sim_run(&s.sim, SEC(2));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 0);

    struct rtp r = stage_frame(1234, 1, false);
    uint8_t exts[600];
    const struct rtp_elem named[] = {stage_elem(MID_IN, "v"), stage_elem(RID_IN, "l")};
    stage_exts(&r, exts, named, LEN(named));
    sim_send_rtp(s.pub, &r);
    sim_run(&s.sim, MSEC(2));
    struct rtcp pli;
    struct rtcp_fb fb;
    CHECK_INT(sim_rtcp(s.pub, RTCP_PSFB, PSFB_PLI, &pli, 1), 1);
    CHECK(sl_rtcp_fb(&pli, &fb) == E_OK && fb.media == 1234);
    stage_close(&s);
}
