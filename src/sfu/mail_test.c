#include "sfu/mail.h"

#include "check.h"
#include "sim.h"

/* Every type, its pointer owned or not: the sanitizer tells of what was not freed, or of what
 * was and should not have been. */
TEST(mail_frees_what_it_owns)
{
    static const struct {
        enum mail_type type;
        bool owns;
    } rows[] = {
        {MAIL_NONE, false},
        {MAIL_EXPECT, true},
        {MAIL_RESTART, true},
        {MAIL_OWNER, false},
        {MAIL_PRODUCER, true},
        {MAIL_REMOTE, true},
        {MAIL_PRODUCER_CLOSE, false},
        {MAIL_PIPE, false},
        {MAIL_UNPIPE, false},
        {MAIL_CONSUMER, true},
        {MAIL_SOURCE, false},
        {MAIL_WISH, false},
        {MAIL_CONSUMER_CLOSE, false},
        {MAIL_READY, false},
        {MAIL_CEILING, false},
        {MAIL_CLOSE, false},
        {MAIL_SEND, true},
        {MAIL_ASSOC, true},
        {MAIL_UP, false},
        {MAIL_FAILED, false},
        {MAIL_HUNG_UP, false},
        {MAIL_DATA, true},
        {MAIL_DATA_DONE, false},
        {MAIL_KEYS, true},
        {MAIL_DTLS_OUT, false},
        {MAIL_PATH, false},
        {MAIL_DTLS, false},
        {MAIL_HEARD, false},
        {MAIL_RAW, false},
        {MAIL_RTP, false},
        {MAIL_CLOCK, true},
        {MAIL_ASLEEP, true},
        {MAIL_KEYFRAME, false},
        {MAIL_WANTED, false},
        {MAIL_EXCESS, false},
        {MAIL_STREAM, false},
        {MAIL_BACK, false},
        {MAIL_STALE, false},
        {MAIL_LOST, false},
        {MAIL_STARTED, false},
        {MAIL_ESTIMATE, false},
        {MAIL_RECEPTION, false},
        {MAIL_SPEAKER, false},
        {MAIL_SEEN, false},
        {MAIL_SHARE, false},
        {MAIL_STATS, false},
        {MAIL_LOOK, true},
    };
    CHECK_INT(LEN(rows), MAIL_LOOK + 1);
    for (size_t i = 0; i < LEN(rows); i++) {
        int stays = 7;
        struct mail m = {.type = rows[i].type};
        m.p = rows[i].owns ? sim_copy(&stays, sizeof stays) : &stays;
        CHECK_INT(rows[i].type, i);
        sl_mail_free(&m);
        CHECK_INT(stays, 7);
    }
}

TEST(mail_carries_a_wish)
{
    const struct rtp_wish w = {.width = 65535,
                               .height = 1,
                               .fps = 255,
                               .priority = 254,
                               .encoding = 253,
                               .spatials = 252,
                               .temporals = 251,
                               .paused = true};
    struct mail m = sl_mail_wish(7, &w);
    struct rtp_wish got = sl_mail_wished(&m);
    CHECK_INT(m.id, 7);
    CHECK_INT(got.width, 65535);
    CHECK_INT(got.height, 1);
    CHECK_INT(got.fps, 255);
    CHECK_INT(got.priority, 254);
    CHECK_INT(got.encoding, 253);
    CHECK_INT(got.spatials, 252);
    CHECK_INT(got.temporals, 251);
    CHECK(got.paused);
}

TEST(mail_carries_a_share)
{
    const struct mail_share s = {.bps = UINT32_MAX,
                                 .cause = 255,
                                 .sent = {LAYER_NONE, 1, 2},
                                 .wanted = {3, 15, 14},
                                 .lost = 254,
                                 .rtt_ms = 65533};
    struct mail m = sl_mail_share(9, &s);
    struct mail_share got = sl_mail_shared(&m);
    CHECK_INT(m.id, 9);
    CHECK_INT(got.bps, UINT32_MAX);
    CHECK_INT(got.cause, 255);
    CHECK(layer_same(got.sent, s.sent));
    CHECK(layer_same(got.wanted, s.wanted));
    CHECK_INT(got.lost, 254);
    CHECK_INT(got.rtt_ms, 65533);
}
