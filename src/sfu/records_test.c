#include "sfu/records.h"

#include <string.h>

#include "check.h"
#include "sfu/inside.h"
#include "sfu/transport.h"
#include "sim.h"

static struct sim s;
static const uint8_t farewell[] = {21, 0xfe, 0xfd, 0, 1, 2, 3};

/* Hands it to a shard as the association thread does. */
static void say(unsigned shard, uint64_t transport)
{
    struct pkt *p = sl_pkt_new(s.pools[SIM_SHARDS - 1]);
    memcpy(p->data, farewell, sizeof farewell);
    p->n = sizeof farewell;
    sim_mail(&s, shard, &(struct mail){.type = MAIL_DTLS_OUT, .id = transport, .p = p});
    sim_settle(&s);
}

static void check_told(const struct sim_client *c, size_t times)
{
    CHECK_INT(c->wire_n, times);
    CHECK(times == 0 || (c->wire[0].n == sizeof farewell &&
                         memcmp(c->wire[0].bytes, farewell, sizeof farewell) == 0));
}

/* By the owner, whether control has closed it already or not. */
TEST(records_find_their_peer)
{
    static const struct row {
        const char *name;
        bool connected, closed;
        uint64_t of;
        size_t told;
    } rows[] = {
        {"of a transport that is there", true, false, 1, 1},
        {"of one that has just gone", true, true, 1, 1},
        {"of one that was never up", false, true, 1, 0},
        {"of one that nobody knows", true, false, 2, 0},
        {"of none", false, false, 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct row *r = &rows[i];
        check_row(r->name);
        sim_init(&s);
        struct sim_client *c = r->connected ? sim_connected(&s, 1, 0, SRTP_GCM_128)
                                            : sim_client_new(&s, 1, 0, SRTP_GCM_128);
        if (r->closed)
            sim_tell(&s, 0, MAIL_CLOSE, 1, 0);
        say(0, r->of);
        check_told(c, r->told);
        sim_close_all(&s);
        CHECK_INT(sim_packets(&s), 0);
        sim_fini(&s);
    }
}

/* The last that went are known, as many as there is room for. */
TEST(records_know_the_last)
{
    sim_init(&s);
    struct sim_client *c = sim_connected(&s, 1, 0, SRTP_GCM_128);
    struct transport t = *sl_shard_transport(s.shards[0], 1);
    for (t.id = 2; t.id < 2 + RECORDS_GONE; t.id++)
        sl_records_closed(s.shards[0], &t);
    say(0, 2);
    check_told(c, 1);
    sl_records_closed(s.shards[0], &t);
    say(0, 2);
    check_told(c, 1); /* it had to make room */
    say(0, t.id);
    check_told(c, 2);
    sim_fini(&s);
}
