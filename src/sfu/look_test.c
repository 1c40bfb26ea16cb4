#include "sfu/look.h"

#include "check.h"
#include "stage.h"

static struct stage s;
static struct look l;

static const struct look_item *look_at(unsigned shard, enum look_kind kind, uint64_t id)
{
    l.n = 1;
    l.at[0] = (struct look_item){.id = id, .kind = kind};
    sl_look(s.sim.shards[shard], &l, s.sim.now);
    return &l.at[0];
}

/* A publisher on worker 0, its viewer on worker 1. 12 packets come, but for the fifth. */
static void play(void)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
    for (uint16_t i = 1; i <= 12; i++) {
        if (i != 5)
            stage_send(s.pub, SSRC_IN, i, i == 1);
        sim_run(&s.sim, MSEC(5));
    }
    sim_run(&s.sim, MSEC(100));
}

TEST(look_sees_what_was_counted)
{
    play();
    const struct look_item *at = look_at(0, LOOK_PRODUCER, VIDEO);
    const struct look_encoding *e = &at->producer.encodings[0];
    CHECK(at->found);
    CHECK_INT(at->producer.encodings_n, 1);
    CHECK_INT(e->ssrc, SSRC_IN);
    CHECK_INT(e->packets, 11);
    CHECK_INT(e->lost, 1);
    CHECK(e->octets > 0 && e->silent >= MSEC(100) && e->silent < MSEC(110));

    at = look_at(0, LOOK_TRANSPORT, s.pub->id);
    CHECK(at->found && at->transport.sendable && !at->transport.stream);
    CHECK(addr_eq(&at->transport.remote, &s.pub->addr));
    CHECK_INT(at->transport.paths, 1);
    CHECK_INT(at->transport.packets_in, 11);
    CHECK_INT(at->transport.packets_out, 0);

    at = look_at(1, LOOK_CONSUMER, CONSUMER);
    CHECK(at->found && !at->consumer.waits);
    CHECK_INT(at->consumer.packets, s.sub->rtp_n);
    at = look_at(1, LOOK_TRANSPORT, s.sub->id);
    CHECK_INT(at->transport.packets_out, s.sub->rtp_n);
    stage_close(&s);
}

/* On the viewer's worker the same producer is what came by pipe. */
TEST(look_sees_the_end_of_a_pipe)
{
    play();
    const struct look_item *at = look_at(1, LOOK_PRODUCER, VIDEO);
    CHECK(at->found);
    CHECK_INT(at->producer.consumers, 1);
    CHECK_INT(at->producer.encodings[0].packets, 11);
    CHECK_INT(at->producer.encodings[0].lost, 0);
    stage_close(&s);
}

TEST(look_sees_nothing_where_nothing_is)
{
    static const struct {
        const char *name;
        unsigned shard;
        enum look_kind kind;
        uint64_t id;
    } rows[] = {
        {"a producer that was never here", 2, LOOK_PRODUCER, VIDEO},
        {"another kind of the same id", 0, LOOK_CONSUMER, VIDEO},
        {"no transport", 0, LOOK_TRANSPORT, VIDEO},
    };
    play();
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK(!look_at(rows[i].shard, rows[i].kind, rows[i].id)->found);
    }
    stage_close(&s);
}

/* By mail, as control asks: it goes back as it came, filled; where there is no room it ends. */
TEST(look_goes_back_by_mail)
{
    play();
    l = (struct look){.n = 1, .at = {{.id = VIDEO, .kind = LOOK_PRODUCER}}};
    struct look *lent = sim_copy(&l, sizeof l);
    struct mail m = {.type = MAIL_LOOK, .p = lent};
    sl_shard_mail(s.sim.shards[0], SHARD_TO_CONTROL, &m, s.sim.now);
    sim_settle(&s.sim);
    CHECK_INT(s.sim.to_control[MAIL_LOOK], 1);
    CHECK(s.sim.told[MAIL_LOOK].p == lent && lent->at[0].found);
    s.sim.full[SHARD_TO_CONTROL] = true;
    sl_shard_mail(s.sim.shards[0], SHARD_TO_CONTROL, &m, s.sim.now); /* freed */
    sim_settle(&s.sim);
    CHECK_INT(s.sim.to_control[MAIL_LOOK], 1);
    stage_close(&s);
}
