#include <stdlib.h>

#include "check.h"
#include "sfu/assoc.h"
#include "wall_clock.h"

/* The whole way of a message, from a command to the other's control: two transports of one
 * assoc are each other's peers, by real DTLS and SCTP. */
enum { A = 1, B = 2 };

struct rig {
    usec now;
    struct cert cert;
    struct dtls_ctx *ctx;
    struct assoc *a;
    size_t records, longest;     /* that were sent */
    size_t opened[3], closed[3]; /* by transport */
    size_t messages[3], octets[3], done[3];
    bool holds; /* control acknowledges nothing */
};

static void rig_init(struct rig *r, bool data)
{
    static const enum srtp_profile profile = SRTP_GCM_128;
    *r = (struct rig){.now = 0};
    wall_now = 0;
    CHECK_INT(sl_cert_init(&r->cert), E_OK);
    r->ctx = sl_dtls_ctx_new(&r->cert, &profile, 1);
    r->a = sl_assoc_new(
        &(struct assoc_conf){.dtls = r->ctx, .pending_max = 8, .handshakes_per_s = 100});
    struct dtls_fingerprint f = {.n = sizeof r->cert.sha256};
    memcpy(f.octets, r->cert.sha256, f.n);
    for (uint64_t id = A; id <= B; id++) {
        CHECK_INT(sl_assoc_expect(r->a, id, id == A ? DTLS_CLIENT : DTLS_SERVER, &f),
                  E_OK);
        if (data)
            CHECK_INT(sl_assoc_expect_data(r->a, id, DATA_PORT, 0), E_OK);
    }
    sl_assoc_path(r->a, A, 0, 0);
}

static void rig_fini(struct rig *r)
{
    sl_assoc_free(r->a);
    sl_dtls_ctx_free(r->ctx);
    sl_cert_fini(&r->cert);
}

static void take(struct rig *r, struct data_cmd *c)
{
    uint64_t id = c->transport;
    r->opened[id] += c->verb == DATA_OPEN;
    r->closed[id] += c->verb == DATA_CLOSE;
    r->messages[id] += c->verb == DATA_MESSAGE;
    r->octets[id] += c->verb == DATA_MESSAGE ? c->n : 0;
    if (!r->holds)
        sl_assoc_data_done(r->a, id, data_cost(c));
    free(c);
}

static void run(struct rig *r, usec span)
{
    for (usec until = r->now + span; r->now < until; r->now += MSEC(10)) {
        struct assoc_out o;
        wall_now = r->now;
        sl_assoc_tick(r->a, r->now);
        while (sl_assoc_poll(r->a, &o, r->now)) {
            if (o.kind == ASSOC_SEND) {
                uint8_t d[DTLS_INPUT_MAX];
                r->records++;
                r->longest = o.bytes.n > r->longest ? o.bytes.n : r->longest;
                memcpy(d, o.bytes.p, o.bytes.n);
                sl_assoc_datagram(r->a, o.transport == A ? B : A, 0,
                                  (struct span){d, o.bytes.n}, r->now);
            } else if (o.kind == ASSOC_DATA) {
                take(r, o.cmd);
            } else if (o.kind == ASSOC_DONE) {
                r->done[o.transport] += o.cost;
            }
        }
    }
}

static void command(struct rig *r, uint64_t id, enum data_verb verb, struct span bytes)
{
    struct data_cmd *c = sl_data_cmd(id, verb, 0, bytes);
    CHECK(c != NULL);
    if (c)
        sl_assoc_data(r->a, c);
}

static void open_one(struct rig *r)
{
    uint8_t buf[DCEP_OPEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    sl_dcep_write(&w, &(struct dcep){.type = DCEP_OPEN});
    command(r, A, DATA_OPEN, wr_done(&w));
}

TEST(assoc_data_from_control_to_control)
{
    static const uint8_t octets[DATA_MESSAGE_MAX];
    struct rig r;
    rig_init(&r, true);
    open_one(&r); /* before anything is up */
    run(&r, SEC(2));
    CHECK_INT(r.opened[A], 1);
    CHECK_INT(r.opened[B], 1);
    command(&r, A, DATA_MESSAGE, span_of("x"));
    command(&r, A, DATA_MESSAGE, (struct span){0});
    command(&r, B, DATA_MESSAGE, (struct span){octets, sizeof octets});
    run(&r, SEC(5));
    CHECK_INT(r.messages[B], 2);
    CHECK_INT(r.octets[B], 1);
    CHECK_INT(r.messages[A], 1);
    CHECK_INT(r.octets[A], sizeof octets);
    CHECK_INT(r.done[B], sizeof octets + DATA_COST);
    CHECK(r.longest <= DTLS_MTU);
    command(&r, B, DATA_CLOSE, (struct span){0});
    run(&r, SEC(2));
    CHECK_INT(r.closed[A], 1);
    CHECK_INT(r.closed[B], 1);
    CHECK_INT(sl_assoc_stats(r.a)->messages, 0);
    sl_assoc_forget(r.a, A, r.now);
    run(&r, SEC(1));
    CHECK_INT(sl_assoc_stats(r.a)->closed, 1); /* B heard of it */
    rig_fini(&r);
}

/* Nothing runs, and nobody is woken, for who carries no data. */
TEST(assoc_data_only_where_it_is_wanted)
{
    struct rig r;
    rig_init(&r, false);
    run(&r, SEC(2));
    CHECK_INT(sl_assoc_stats(r.a)->up, 2);
    open_one(&r);
    run(&r, SEC(2));
    CHECK_INT(r.opened[B], 0);
    CHECK_INT(sl_assoc_deadline(r.a), USEC_NEVER);
    rig_fini(&r);
}

/* A flood of small messages fills what control leaves unread, of this transport and of all,
 * and then waits in the sender. */
TEST(assoc_data_flood)
{
    struct rig r;
    rig_init(&r, true);
    open_one(&r);
    run(&r, SEC(2));
    r.holds = true;
    for (int i = 0; i < 20000; i++)
        command(&r, A, DATA_MESSAGE, span_of("x"));
    run(&r, SEC(10));
    CHECK(r.messages[B] > 1000 && r.messages[B] <= ASSOC_ABOVE_MAX);
    r.holds = false;
    for (size_t i = r.messages[B]; i > 0; i--)
        sl_assoc_data_done(r.a, B, 1 + DATA_COST);
    run(&r, SEC(100));
    CHECK_INT(r.messages[B], 20000);
    rig_fini(&r);
}

/* He is read at the pace that is his, and none of it is lost; nor does another wait for him. */
TEST(assoc_data_of_who_sends_too_fast)
{
    static const uint8_t octets[DATA_MESSAGE_MAX];
    static const struct {
        const char *name;
        size_t n, messages, at_once, per_s;
    } rows[] = {
        {"small ones", 1, 3000, DATA_READ_MESSAGES, DATA_READ_MESSAGES_PER_S},
        {"large ones", sizeof octets, 40, DATA_READ_BURST / sizeof octets,
         DATA_READ_PER_S / sizeof octets},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        check_row(rows[i].name);
        rig_init(&r, true);
        open_one(&r);
        run(&r, SEC(2));
        for (size_t k = 0; k < rows[i].messages; k++)
            command(&r, A, DATA_MESSAGE, (struct span){octets, rows[i].n});
        run(&r, SEC(4));
        CHECK(r.messages[B] > rows[i].at_once);
        CHECK(r.messages[B] <= rows[i].at_once + 4 * rows[i].per_s + 1);
        command(&r, B, DATA_MESSAGE, span_of("x"));
        run(&r, MSEC(200));
        CHECK_INT(r.messages[A], 1);
        usec left =
            SEC(1) * (usec)(rows[i].messages - rows[i].at_once) / (usec)rows[i].per_s;
        run(&r, left - SEC(3));
        CHECK_INT(r.messages[B], rows[i].messages);
        CHECK_INT(r.octets[B], rows[i].messages * rows[i].n);
        rig_fini(&r);
    }
}
