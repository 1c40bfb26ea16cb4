#include "sfu/hearing.h"

#include "check.h"
#include "media/speaker.h"
#include "stage.h"

static struct stage s;
static uint16_t seq;

/* So many packets of 20 ms. below < 0: without a level. */
static void talk(int packets, int below, size_t octets)
{
    static const uint8_t sound[40];
    for (int i = 0; i < packets; i++, seq++) {
        uint8_t buf[600], octet = (uint8_t)below;
        struct rtp r = {.pt = PT_OPUS, .seq = seq, .ts = 960U * seq, .ssrc = AUDIO_IN};
        struct rtp_elem e = {.id = LEVEL_IN, .data = {&octet, 1}};
        r.payload = (struct span){sound, octets};
        if (below >= 0)
            stage_exts(&r, buf, &e, 1);
        sim_send_rtp(s.pub, &r);
        sim_run(&s.sim, MSEC(20));
    }
}

static void open_stage(void)
{
    struct cmd_producer p = stage_audio();
    struct cmd_consumer k = stage_listener();
    seq = 0;
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
}

static uint64_t mails(void)
{
    uint64_t n = s.sim.to_control[MAIL_SPEAKER];
    s.sim.to_control[MAIL_SPEAKER] = 0;
    return n;
}

static struct voice last(void)
{
    CHECK_INT(s.sim.told[MAIL_SPEAKER].id, AUDIO);
    return sl_voice_unpack(s.sim.told[MAIL_SPEAKER].arg);
}

/* Control hears of speech while it lasts and of its end, and nothing of silence. */
TEST(hearing_tells_of_speech)
{
    open_stage();
    talk(100, 127, 40);
    CHECK_INT(mails(), 0);
    talk(50, 30, 40);
    CHECK_INT(mails(), 10);
    struct voice v = last();
    CHECK(voice_speaks(&v) && v.told && v.below_dbov < 60 && v.longs > 5);
    talk(100, 127, 40);
    CHECK(mails() <= 12); /* until the mean has fallen, too */
    v = last();
    CHECK(!voice_speaks(&v) && v.below_dbov > 110);
    talk(100, 127, 40);
    CHECK_INT(mails(), 0);
    stage_close(&s);
}

/* A background is told once a second, not for each packet; a change is told. */
TEST(hearing_tells_of_backgrounds_seldom)
{
    open_stage();
    talk(200, 70, 40);
    CHECK(mails() <= 12);
    talk(100, 70, 40);
    talk(100, 72, 40);
    uint64_t n = mails();
    CHECK(n >= 3 && n <= 4);
    stage_close(&s);
}

/* Who is muted, or gone, within a word is told to be silent. */
TEST(hearing_ends_with_the_packets)
{
    open_stage();
    talk(50, 127, 40);
    talk(50, 30, 40);
    CHECK(mails() > 0);
    sim_run(&s.sim, SEC(1));
    struct voice v = last();
    CHECK_INT(v.medium, 0);
    CHECK_INT(v.below_dbov, LEVEL_SILENCE);
    CHECK(mails() > 0);
    uint64_t ticks = s.sim.ticks;
    sim_run(&s.sim, SEC(2));
    CHECK_INT(mails(), 0);
    CHECK(s.sim.ticks - ticks < 40); /* nobody looks any more */
    talk(10, 30, 40);
    CHECK(mails() > 0);
    stage_close(&s);
}

/* No level: whoever sends sound is heard, whoever says nothing by DTX is not. */
TEST(hearing_without_levels)
{
    open_stage();
    talk(50, -1, 40);
    struct voice v = last();
    CHECK(voice_speaks(&v) && !v.told);
    talk(50, -1, 2);
    v = last();
    CHECK(!voice_speaks(&v));
    stage_close(&s);
}

/* A box without room: what was not told is told when there is. */
TEST(hearing_waits_for_room)
{
    open_stage();
    talk(50, 127, 40);
    s.sim.full_for_media[SHARD_TO_CONTROL] = true;
    talk(50, 30, 40);
    CHECK_INT(mails(), 0);
    CHECK(sim_stats(&s.sim, 0)->mail_full > 0);
    s.sim.full_for_media[SHARD_TO_CONTROL] = false;
    talk(6, 127, 40);
    CHECK(mails() > 0);
    stage_close(&s);
}

/* ---- another voice in the same slot ---- */

enum { OTHER = AUDIO + 1, OTHER_IN = AUDIO_IN + 20 };

/* Two talk, each on a worker of its own, with numbers of their own; what they say is their
 * names. The listener is with the second. */
struct talk {
    struct sim_client *second;
    uint16_t seq[2];
    uint32_t ts[2];
    usec sent; /* when the last packet that arrived was sent */
    size_t got;
};

static void open_talk(struct talk *t)
{
    struct cmd_producer p = stage_audio(), q = stage_audio();
    struct cmd_consumer k = stage_listener();
    *t = (struct talk){.seq = {65530, 100}, .ts = {UINT32_MAX - 2000, 77777}};
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
    t->second = sim_connected(&s.sim, 3, 1, SRTP_GCM_128);
    q.id = OTHER;
    q.receive.encodings[0].ssrc = OTHER_IN;
    sim_produce(t->second, &q);
    sim_ready(t->second);
}

static void say(struct talk *t, int who, bool lost)
{
    struct rtp r = {.pt = PT_OPUS,
                    .seq = t->seq[who]++,
                    .ts = t->ts[who],
                    .ssrc = who ? OTHER_IN : AUDIO_IN,
                    .payload = span_of(who ? "second" : "first")};
    struct sim_client *c = who ? t->second : s.pub;
    t->ts[who] += 960;
    c->index += r.seq == 0 ? 65536 : 0;
    if (!lost)
        sim_send_rtp(c, &r);
}

/* 20 ms of both, which are 7 ms apart; checks what the listener got of it. */
static void talk_on(struct talk *t, int heard, bool begins)
{
    struct rtp before = t->got > 0 ? sim_rtp(s.sub, t->got - 1) : (struct rtp){0};
    for (int who = 0; who < 2; who++) {
        size_t n = s.sub->rtp_n;
        say(t, who, false);
        sim_settle(&s.sim);
        if (who == heard) {
            CHECK_INT(s.sub->rtp_n, n + 1);
            struct rtp r = sim_rtp(s.sub, n);
            CHECK(span_is(r.payload, who ? "second" : "first"));
            CHECK_INT(r.marker, begins);
            CHECK_INT(r.ssrc, SSRC_OUT + 10);
            if (t->got > 0) {
                CHECK_INT((uint16_t)(r.seq - before.seq), 1);
                CHECK_INT(r.ts - before.ts, (s.sim.now - t->sent) * 48 / 1000);
            }
            t->sent = s.sim.now;
            t->got = n + 1;
        } else {
            CHECK_INT(s.sub->rtp_n, n);
        }
        sim_run(&s.sim, who ? MSEC(13) : MSEC(7));
    }
}

/* One slot, whose source changes between workers: numbers go on, time goes on as much as in
 * the world, and the receiver is told that a talkspurt begins. */
TEST(voices_change_smoothly)
{
    struct talk t;
    open_talk(&t);
    for (int turn = 0; turn < 6; turn++) {
        if (turn > 0)
            sim_source(s.sub, CONSUMER + 1, turn % 2 ? OTHER : AUDIO);
        sim_settle(&s.sim);
        for (int i = 0; i < 10; i++)
            talk_on(&t, turn % 2, i == 0);
    }
    CHECK_INT(sim_stats(&s.sim, 1)->srtp_refused, 0);
    CHECK_INT(s.sub->bad_n, 0);
    stage_close(&s);
}

/* A slot for one voice, which is silent while others are louder: when it is heard again its numbers
 * go on, as if it had paused for so long. */
TEST(voice_comes_back)
{
    static const int away[] = {1, 50, 500}; /* times 20 ms */
    struct talk t;
    open_talk(&t);
    for (size_t turn = 0; turn <= LEN(away); turn++) {
        for (int i = 0; i < 10; i++)
            talk_on(&t, 0, i == 0);
        if (turn == LEN(away))
            break;
        sim_source(s.sub, CONSUMER + 1, 0);
        sim_settle(&s.sim);
        for (int i = 0; i < away[turn]; i++)
            talk_on(&t, -1, false);
        sim_source(s.sub, CONSUMER + 1, AUDIO);
        sim_settle(&s.sim);
    }
    CHECK_INT(sim_stats(&s.sim, 0)->srtp_refused, 0);
    CHECK_INT(s.sub->bad_n, 0);
    stage_close(&s);
}

/* A pause between two voices is as long as it was; what the first said last, and what was
 * lost of it, does not come after the second began. */
TEST(voices_do_not_mix)
{
    struct talk t;
    open_talk(&t);
    for (int i = 0; i < 10; i++)
        talk_on(&t, 0, i == 0);
    say(&t, 0, true);
    sim_source(s.sub, CONSUMER + 1, OTHER);
    sim_settle(&s.sim);
    sim_run(&s.sim, SEC(3));
    for (int i = 0; i < 10; i++) {
        talk_on(&t, 1, i == 0);
        if (i == 0) { /* one that was late by 3 s */
            struct rtp r = {.pt = PT_OPUS,
                            .seq = (uint16_t)(t.seq[0] - 2),
                            .ts = t.ts[0] - 1920,
                            .ssrc = AUDIO_IN,
                            .payload = span_of("first")};
            sim_send_rtp(s.pub, &r);
            sim_settle(&s.sim);
        }
    }
    stage_close(&s);
}
