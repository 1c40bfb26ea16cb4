#include "proto/sctp.h"

#include <usrsctp.h>

#include "check.h"
#include "proto/channels.h"
#include "wall_clock.h"

/* What data channels do with it is in channels_test; here a peer keeps no rule of theirs. The
 * network is without delay. */
struct rig {
    usec now;
    struct sctp_stack *stack;
    struct sctp *peer;
    struct channels *us;
    void (*change)(uint8_t *p, size_t n); /* of what the peer sends; NULL: nothing */
    size_t from_us;                       /* datagrams */
    uint8_t init_ack[64];
    struct channels_out last;
    size_t opened, messages, closed, resets, down;
};

static void rig_init(struct rig *r, uint32_t receive_max,
                     void (*change)(uint8_t *p, size_t n))
{
    *r = (struct rig){.change = change};
    wall_now = 0;
    r->stack = sl_sctp_stack_new(0);
    r->us = sl_channels_new(r->stack,
                            &(struct channels_conf){.local_port = 5000,
                                                    .remote_port = 5001,
                                                    .receive_max = receive_max},
                            0);
    r->peer = sl_sctp_new(r->stack,
                          &(struct sctp_conf){.local_port = 5001,
                                              .remote_port = 5000,
                                              .receive_max = SCTP_MESSAGE_MAX},
                          0);
    CHECK(r->stack && r->us && r->peer);
}

static void rig_fini(struct rig *r)
{
    sl_channels_free(r->us);
    sl_sctp_free(r->peer);
    sl_sctp_stack_free(r->stack);
}

static void hear_peer(struct rig *r)
{
    struct sctp_out o;
    while (sl_sctp_poll(r->peer, &o)) {
        uint8_t d[SCTP_DATAGRAM_MAX];
        r->resets += o.kind == SCTP_RESET_IN;
        if (o.kind != SCTP_SEND || o.bytes.n > sizeof d)
            continue;
        memcpy(d, o.bytes.p, o.bytes.n);
        if (r->change)
            r->change(d, o.bytes.n);
        sl_channels_input(r->us, (struct span){d, o.bytes.n}, r->now);
    }
}

static void hear_us(struct rig *r)
{
    enum { INIT_ACK = 2, HEADER = 12 };
    struct channels_out o;
    while (sl_channels_poll(r->us, &o, r->now)) {
        r->opened += o.kind == CHANNELS_OPENED;
        r->messages += o.kind == CHANNELS_MESSAGE;
        r->closed += o.kind == CHANNELS_CLOSED;
        r->down += o.kind == CHANNELS_DOWN;
        r->last = o;
        if (o.kind != CHANNELS_SEND)
            continue;
        r->from_us++;
        if (o.bytes.n >= sizeof r->init_ack && o.bytes.p[HEADER] == INIT_ACK)
            memcpy(r->init_ack, o.bytes.p, sizeof r->init_ack);
        sl_sctp_input(r->peer, o.bytes, r->now);
    }
}

static void run(struct rig *r, usec span)
{
    for (usec until = r->now + span; r->now < until; r->now += MSEC(10)) {
        wall_now = r->now;
        sl_sctp_stack_tick(r->stack, r->now);
        for (int i = 0; i < 8; i++) {
            hear_peer(r);
            hear_us(r);
        }
    }
}

static enum err say(struct rig *r, uint16_t stream, uint32_t ppid, const char *hex)
{
    struct sctp_message m = {.stream = stream, .ppid = ppid, .bytes = check_hex(hex)};
    return sl_sctp_send(r->peer, &m, r->now);
}

#define OPEN "03 00 0000 00000000 0000 0000"

/* Each breaks a rule, and ends as a reset of its stream, or as nothing. We are the DTLS
 * server, so that the peer opens on even streams. */
TEST(sctp_peer_without_rules)
{
    static const struct {
        const char *name;
        uint16_t stream;
        uint32_t ppid;
        const char *first, *then;
        size_t opened, messages, resets;
    } rows[] = {
        {"as it should be", 2, PPID_STRING, OPEN, "61", 1, 1, 0},
        {"opened on our streams", 3, PPID_STRING, OPEN, "61", 0, 0, 1},
        {"opened twice", 2, PPID_DCEP, OPEN, OPEN, 1, 0, 1},
        {"no message of DCEP", 2, PPID_STRING, "ff", "61", 0, 0, 1},
        {"an answer to nothing", 2, PPID_STRING, "02", "61", 0, 0, 0},
        {"a payload of no known kind", 2, 99, OPEN, "61", 1, 0, 1},
        {"a message too long", 2, PPID_STRING, OPEN, "6161616161616161616161616161616161",
         1, 0, 1},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        check_row(rows[i].name);
        rig_init(&r, 16, NULL);
        run(&r, SEC(1));
        CHECK_INT(say(&r, rows[i].stream, PPID_DCEP, rows[i].first), E_OK);
        CHECK_INT(say(&r, rows[i].stream, rows[i].ppid, rows[i].then), E_OK);
        run(&r, SEC(1));
        CHECK_INT(r.opened, rows[i].opened);
        CHECK_INT(r.messages, rows[i].messages);
        CHECK_INT(r.resets, rows[i].resets);
        CHECK_INT(r.down, 0);
        rig_fini(&r);
    }
}

/* Of an INIT: how many streams it asks for, and how many it would take. */
static void ask_for_all_streams(uint8_t *p, size_t n)
{
    enum { INIT = 1, CHUNK = 12, STREAMS = 24, CRC = 8 };
    if (n < 32 || p[CHUNK] != INIT)
        return;
    memset(p + STREAMS, 0xff, 4);
    memset(p + CRC, 0, 4);
    uint32_t crc = usrsctp_crc32c(p, n);
    memcpy(p + CRC, &crc, sizeof crc);
}

TEST(sctp_all_streams_asked_for)
{
    enum { STREAMS = 24 };
    struct rig r;
    rig_init(&r, 16, ask_for_all_streams);
    hear_peer(&r); /* its INIT comes first, and is answered */
    run(&r, SEC(1));
    CHECK_INT(r.init_ack[STREAMS] << 8 | r.init_ack[STREAMS + 1], SCTP_STREAMS);
    CHECK_INT(r.init_ack[STREAMS + 2] << 8 | r.init_ack[STREAMS + 3], SCTP_STREAMS);
    CHECK_INT(say(&r, SCTP_STREAMS, PPID_DCEP, OPEN), E_MALFORMED);
    CHECK_INT(say(&r, SCTP_STREAMS - 2, PPID_DCEP, OPEN), E_OK);
    run(&r, SEC(1));
    CHECK_INT(r.opened, 1);
    rig_fini(&r);
}

static void damage(uint8_t *p, size_t n)
{
    p[n - 1] ^= 1;
}

TEST(sctp_damaged_packets_are_nothing)
{
    struct rig r;
    rig_init(&r, 16, damage);
    run(&r, SEC(2));
    CHECK_INT(say(&r, 2, PPID_DCEP, OPEN), E_STATE); /* never up */
    r.change = NULL;
    run(&r, SEC(10));
    CHECK_INT(say(&r, 2, PPID_DCEP, OPEN), E_OK);
    rig_fini(&r);
}

/* What is said after an association was freed goes nowhere, and the next one is another. */
TEST(sctp_free_says_nothing_more)
{
    struct rig r;
    rig_init(&r, 16, NULL);
    run(&r, SEC(1));
    CHECK_INT(say(&r, 2, PPID_DCEP, OPEN), E_OK);
    sl_channels_free(r.us);
    r.us = sl_channels_new(
        r.stack, &(struct channels_conf){.local_port = 5000, .remote_port = 5001}, r.now);
    CHECK(r.us != NULL);
    sl_sctp_stack_tick(r.stack, r.now + SEC(30));
    rig_fini(&r);
}
