#include "sfu/data.h"

#include <stdlib.h>

#include "check.h"
#include "wall_clock.h"

/* Two transports' data, joined by a network without delay. Control is this test: it may
 * leave what it is given unacknowledged. */
enum { A, B };

struct rig {
    usec now;
    struct sctp_stack *stack;
    struct data *end[2];
    size_t messages[2], octets[2], opened[2], closed[2];
    size_t done[2], owed[2];
    uint16_t stream; /* the last that was opened */
};

static void begin(struct rig *r)
{
    wall_now = 0;
    *r = (struct rig){.stack = sl_sctp_stack_new(0)};
    for (unsigned i = A; i <= B; i++) {
        r->end[i] = sl_data_new(&(struct data_conf){.transport = i,
                                                    .remote_port = DATA_PORT,
                                                    .dtls_client = i == A,
                                                    .user = &r->end[i]});
        CHECK(r->stack && r->end[i]);
    }
}

static void end(struct rig *r)
{
    sl_data_free(r->end[A]);
    sl_data_free(r->end[B]);
    sl_sctp_stack_free(r->stack);
}

static void take(struct rig *r, unsigned at, struct data_cmd *c)
{
    CHECK_INT(c->transport, at);
    r->messages[at] += c->verb == DATA_MESSAGE;
    r->octets[at] += c->verb == DATA_MESSAGE ? c->n : 0;
    r->opened[at] += c->verb == DATA_OPEN;
    r->closed[at] += c->verb == DATA_CLOSE;
    r->stream = c->stream;
    r->owed[at] += data_cost(c);
    free(c);
}

static void run(struct rig *r, usec span)
{
    for (usec until = r->now + span; r->now < until; r->now += MSEC(10)) {
        wall_now = r->now;
        sl_sctp_stack_tick(r->stack, r->now);
        for (int i = 0; i < 8; i++) {
            struct data_out o;
            unsigned at = (unsigned)i % 2;
            while (sl_data_poll(r->end[at], false, &o, r->now)) {
                if (o.kind == DATA_SEND)
                    sl_data_input(r->end[1 - at], o.bytes, r->now);
                else if (o.kind == DATA_UP)
                    take(r, at, o.cmd);
                else
                    r->done[at] += o.cost;
            }
        }
    }
}

static size_t command(struct rig *r, unsigned at, enum data_verb verb, struct span bytes)
{
    struct data_cmd *c = sl_data_cmd(at, verb, 0, bytes);
    CHECK(c != NULL);
    if (!c)
        return 0;
    sl_data_command(r->end[at], c);
    return bytes.n + DATA_COST;
}

static size_t open_one(struct rig *r)
{
    uint8_t buf[DCEP_OPEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    sl_dcep_write(&w, &(struct dcep){.type = DCEP_OPEN});
    return command(r, A, DATA_OPEN, wr_done(&w));
}

/* What is asked before DTLS is up waits for it, and all is acknowledged, in order. */
TEST(data_commands_wait_and_keep_order)
{
    struct rig r;
    begin(&r);
    size_t cost = open_one(&r);
    cost += command(&r, A, DATA_MESSAGE, span_of("hello"));
    cost += command(&r, A, DATA_CLOSE, (struct span){0});
    run(&r, SEC(1));
    CHECK_INT(r.done[A], 0);
    CHECK(!sl_data_begun(r.end[A]));
    for (unsigned i = A; i <= B; i++)
        CHECK_INT(sl_data_begin(r.end[i], r.stack, r.now), E_OK);
    run(&r, SEC(5));
    CHECK_INT(r.done[A], cost);
    CHECK_INT(r.opened[B], 1);
    CHECK_INT(r.messages[B], 1);
    CHECK_INT(r.octets[B], 5);
    CHECK_INT(r.closed[B], 1);
    CHECK_INT(r.closed[A], 1);
    end(&r);
}

/* Control that does not read stops the peer; small messages count for more than they hold. */
TEST(data_above_is_bounded)
{
    static const struct {
        const char *name;
        size_t n, messages;
    } rows[] = {{"16 kB", 16384, 100}, {"one octet", 1, 4000}};
    static const uint8_t octets[16384];
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        check_row(rows[i].name);
        begin(&r);
        for (unsigned k = A; k <= B; k++)
            CHECK_INT(sl_data_begin(r.end[k], r.stack, 0), E_OK);
        open_one(&r);
        for (size_t k = 0; k < rows[i].messages; k++)
            command(&r, A, DATA_MESSAGE, (struct span){octets, rows[i].n});
        run(&r, SEC(20));
        CHECK(r.owed[B] >= DATA_ABOVE_MAX);
        CHECK(r.owed[B] < DATA_ABOVE_MAX + DATA_MESSAGE_MAX);
        CHECK(r.messages[B] < rows[i].messages);
        for (int k = 0; k < 40; k++) {
            sl_data_done(r.end[B], r.owed[B]);
            r.owed[B] = 0;
            run(&r, SEC(1));
        }
        CHECK_INT(r.messages[B], rows[i].messages);
        end(&r);
    }
}
