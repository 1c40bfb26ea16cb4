#include "proto/channels.h"

#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "wall_clock.h"

/* Two ends in one stack, and a network between them that delays and loses. */
enum { NET_MAX = 4096, EVENTS_MAX = 512 };
enum { A, B };

struct flying {
    usec at;
    unsigned to;
    size_t n;
    uint8_t p[SCTP_DATAGRAM_MAX];
};

struct event {
    int kind;
    uint16_t stream;
    bool text;
    size_t n;
    uint8_t first, last;
    struct dcep_open open;
};

struct rig {
    usec now;
    struct sctp_stack *stack;
    struct channels *end[2];
    struct rng rng;
    unsigned lost_of_100;
    bool deaf[2]; /* this end's messages are not polled */
    struct flying *net;
    size_t net_first, net_n;
    struct event event[2][EVENTS_MAX];
    size_t events[2], longest;
    uint64_t octets[2];
};

static struct rig rig;

static void rig_init(struct rig *r, unsigned lost_of_100)
{
    *r = (struct rig){.lost_of_100 = lost_of_100, .rng = sl_rng_of(7)};
    wall_now = 0;
    r->net = calloc(NET_MAX, sizeof *r->net);
    r->stack = sl_sctp_stack_new(0);
    CHECK(r->net && r->stack);
    for (unsigned i = 0; i < 2; i++)
        r->end[i] =
            sl_channels_new(r->stack,
                            &(struct channels_conf){.local_port = 5000,
                                                    .remote_port = 5000,
                                                    .receive_max = SCTP_MESSAGE_MAX,
                                                    .dtls_client = i == A},
                            0);
    CHECK(r->end[A] && r->end[B]);
}

static void rig_fini(struct rig *r)
{
    sl_channels_free(r->end[A]);
    sl_channels_free(r->end[B]);
    sl_sctp_stack_free(r->stack);
    free(r->net);
}

static void fly(struct rig *r, unsigned from, struct span d)
{
    r->longest = d.n > r->longest ? d.n : r->longest;
    CHECK(d.n <= SCTP_DATAGRAM_MAX);
    CHECK(r->net_n < NET_MAX);
    if (rng_u32(&r->rng) % 100 < r->lost_of_100 || r->net_n == NET_MAX)
        return;
    struct flying *f = &r->net[(r->net_first + r->net_n++) % NET_MAX];
    *f = (struct flying){.at = r->now + MSEC(20), .to = 1 - from, .n = d.n};
    memcpy(f->p, d.p, d.n);
}

static void note(struct rig *r, unsigned at, const struct channels_out *o)
{
    struct event e = {
        .kind = o->kind, .stream = o->stream, .text = o->text, .n = o->bytes.n};
    if (o->bytes.n > 0) {
        e.first = o->bytes.p[0];
        e.last = o->bytes.p[o->bytes.n - 1];
    }
    if (o->open)
        e.open = *o->open;
    r->octets[at] += o->bytes.n;
    if (r->events[at] < EVENTS_MAX)
        r->event[at][r->events[at]] = e;
    r->events[at]++;
}

static void poll_all(struct rig *r)
{
    for (struct channels *c; (c = sl_channels_talking(r->stack));) {
        unsigned at = c == r->end[A] ? A : B;
        struct channels_out o;
        while (r->deaf[at] ? sl_channels_poll_datagram(c, &o)
                           : sl_channels_poll(c, &o, r->now))
            if (o.kind == CHANNELS_SEND)
                fly(r, at, o.bytes);
            else
                note(r, at, &o);
    }
}

static void run(struct rig *r, usec span)
{
    for (usec until = r->now + span; r->now < until;) {
        poll_all(r);
        r->now += MSEC(5);
        wall_now = r->now;
        while (r->net_n > 0 && r->net[r->net_first].at <= r->now) {
            struct flying f = r->net[r->net_first];
            r->net_first = (r->net_first + 1) % NET_MAX;
            r->net_n--;
            sl_channels_input(r->end[f.to], (struct span){f.p, f.n}, r->now);
            poll_all(r);
        }
        if (r->now >= sl_sctp_stack_deadline(r->stack))
            sl_sctp_stack_tick(r->stack, r->now);
    }
    poll_all(r);
}

/* The only thing that happened there since it was last asked. */
static struct event the_one(struct rig *r, unsigned at)
{
    CHECK_INT(r->events[at], 1);
    struct event e = r->events[at] > 0 ? r->event[at][0] : (struct event){.kind = -1};
    r->events[at] = 0;
    return e;
}

static enum err open_at(struct rig *r, unsigned at, uint16_t stream, const char *label,
                        struct dcep_open o)
{
    CHECK(sl_dcep_text(&o.label, span_of(label)));
    return sl_channels_open(r->end[at], stream, &o, false, r->now);
}

static const struct dcep_open plain;

/* A opens stream 0, and B knows. */
static void opened(struct rig *r)
{
    CHECK_INT(open_at(r, A, 0, "x", plain), E_OK);
    run(r, SEC(1));
    CHECK_INT(the_one(r, A).kind, CHANNELS_OPENED);
    CHECK_INT(the_one(r, B).kind, CHANNELS_OPENED);
}

TEST(channels_are_opened_by_both)
{
    const struct dcep_open lossy = {
        .unordered = true, .reliability = DCEP_RESENDS, .limit = 2, .priority = 128};
    rig_init(&rig, 0);
    CHECK_INT(open_at(&rig, A, 1, "not ours", plain), E_MALFORMED);
    CHECK_INT(open_at(&rig, A, 64, "no such", plain), E_MALFORMED);
    CHECK_INT(open_at(&rig, A, 2, "chat", lossy), E_OK);
    CHECK_INT(open_at(&rig, A, 2, "again", plain), E_EXISTS);
    CHECK_INT(sl_channels_send(rig.end[A], 2, true, span_of("x"), 0), E_EARLY);
    CHECK_INT(sl_channels_send(rig.end[A], 4, true, span_of("x"), 0), E_ABSENT);
    run(&rig, SEC(1));
    struct event e = the_one(&rig, B);
    CHECK_INT(e.kind, CHANNELS_OPENED);
    CHECK_INT(e.stream, 2);
    CHECK(e.open.unordered && e.open.reliability == DCEP_RESENDS);
    CHECK_INT(e.open.limit, 2);
    CHECK_INT(e.open.priority, 128);
    CHECK(span_is(dcep_span(&e.open.label), "chat"));
    CHECK_INT(the_one(&rig, A).kind, CHANNELS_OPENED);
    CHECK_INT(open_at(&rig, B, 1, "back", plain), E_OK);
    run(&rig, SEC(1));
    CHECK_INT(the_one(&rig, A).stream, 1);
    CHECK_INT(the_one(&rig, B).kind, CHANNELS_OPENED);
    rig_fini(&rig);
}

TEST(channels_messages)
{
    static const uint8_t octets[SCTP_MESSAGE_MAX] = {'a', [SCTP_MESSAGE_MAX - 1] = 'z'};
    static const struct {
        const char *name;
        bool text;
        size_t n;
    } rows[] = {
        {"one character", true, 1},
        {"an empty text", true, 0},
        {"one octet", false, 1},
        {"nothing at all", false, 0},
        {"more than a datagram", false, 5000},
        {"more than one reading", true, 70000},
        {"the longest", false, SCTP_MESSAGE_MAX},
    };
    rig_init(&rig, 0);
    opened(&rig);
    for (size_t i = 0; i < LEN(rows); i++)
        for (unsigned from = A; from <= B; from++) {
            check_row(rows[i].name);
            struct span m = {octets + SCTP_MESSAGE_MAX - rows[i].n, rows[i].n};
            CHECK_INT(sl_channels_send(rig.end[from], 0, rows[i].text, m, rig.now), E_OK);
            run(&rig, SEC(5));
            struct event e = the_one(&rig, 1 - from);
            CHECK_INT(e.kind, CHANNELS_MESSAGE);
            CHECK_INT(e.text, rows[i].text);
            CHECK_INT(e.n, rows[i].n);
            CHECK_INT(e.last, rows[i].n > 0 ? 'z' : 0);
            CHECK_INT(e.first, rows[i].n == 0                  ? 0
                               : rows[i].n == 1                ? 'z'
                               : rows[i].n == SCTP_MESSAGE_MAX ? 'a'
                                                               : 0);
        }
    CHECK_INT(sl_channels_send(rig.end[A], 0, true,
                               (struct span){octets, sizeof octets + 1}, rig.now),
              E_MALFORMED);
    rig_fini(&rig);
}

TEST(channels_keep_order_over_losses)
{
    rig_init(&rig, 10);
    CHECK_INT(open_at(&rig, A, 0, "x", plain), E_OK);
    run(&rig, SEC(20));
    CHECK_INT(the_one(&rig, B).kind, CHANNELS_OPENED);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t m[1000] = {(uint8_t)i};
        while (sl_channels_send(rig.end[A], 0, false, (struct span){m, sizeof m},
                                rig.now) == E_FULL)
            run(&rig, MSEC(50));
        run(&rig, MSEC(5));
    }
    run(&rig, SEC(60));
    CHECK_INT(rig.events[B], 200);
    for (size_t i = 0; i < rig.events[B] && i < 200; i++)
        CHECK_INT(rig.event[B][i].first, (uint8_t)i);
    rig_fini(&rig);
}

/* RFC 3758: what is not resent is missing, and the rest comes. */
TEST(channels_lossy_ones_lose)
{
    const struct dcep_open lossy = {.unordered = true, .reliability = DCEP_RESENDS};
    rig_init(&rig, 0);
    CHECK_INT(open_at(&rig, A, 0, "x", lossy), E_OK);
    run(&rig, SEC(1));
    rig.events[B] = 0;
    rig.lost_of_100 = 20;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t m[100] = {(uint8_t)i};
        CHECK_INT(
            sl_channels_send(rig.end[A], 0, false, (struct span){m, sizeof m}, rig.now),
            E_OK);
        run(&rig, MSEC(20));
    }
    rig.lost_of_100 = 0;
    run(&rig, SEC(10));
    CHECK(rig.events[B] > 120 && rig.events[B] < 199);
    rig_fini(&rig);
}

TEST(channels_close_and_open_again)
{
    rig_init(&rig, 0);
    opened(&rig);
    for (unsigned by = A; by <= B; by++) {
        CHECK_INT(sl_channels_send(rig.end[by], 0, true, span_of("last"), rig.now), E_OK);
        sl_channels_close(rig.end[by], 0, rig.now);
        CHECK_INT(sl_channels_send(rig.end[by], 0, true, span_of("x"), rig.now),
                  E_ABSENT);
        run(&rig, SEC(2));
        CHECK_INT(the_one(&rig, by).kind, CHANNELS_CLOSED);
        CHECK_INT(rig.events[1 - by], 2);
        CHECK_INT(rig.event[1 - by][0].kind, CHANNELS_MESSAGE);
        CHECK_INT(rig.event[1 - by][1].kind, CHANNELS_CLOSED);
        rig.events[1 - by] = 0;
        opened(&rig);
    }
    rig_fini(&rig);
}

/* The stream's number is not free while one direction still stands. */
TEST(channels_closed_when_both_directions_are)
{
    rig_init(&rig, 0);
    opened(&rig);
    rig.deaf[B] = true; /* and so does not answer in kind */
    sl_channels_close(rig.end[A], 0, rig.now);
    run(&rig, SEC(3));
    CHECK_INT(rig.events[A], 0);
    CHECK_INT(open_at(&rig, A, 0, "x", plain), E_EXISTS);
    rig.deaf[B] = false;
    sl_channels_input(rig.end[B], (struct span){(const uint8_t *)"", 0}, rig.now);
    run(&rig, SEC(3));
    CHECK_INT(the_one(&rig, A).kind, CHANNELS_CLOSED);
    CHECK_INT(the_one(&rig, B).kind, CHANNELS_CLOSED);
    rig_fini(&rig);
}

/* What comes is given at once, and nothing is missing. */
TEST(channels_unordered)
{
    const struct dcep_open unordered = {.unordered = true};
    size_t turned = 0;
    rig_init(&rig, 0);
    CHECK_INT(open_at(&rig, A, 0, "x", unordered), E_OK);
    run(&rig, SEC(1));
    rig.events[B] = 0;
    rig.lost_of_100 = 20;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t m[100] = {(uint8_t)i};
        CHECK_INT(
            sl_channels_send(rig.end[A], 0, false, (struct span){m, sizeof m}, rig.now),
            E_OK);
        run(&rig, MSEC(20));
    }
    run(&rig, SEC(30));
    CHECK_INT(rig.events[B], 200);
    for (size_t i = 1; i < 200; i++)
        turned += rig.event[B][i].first < rig.event[B][i - 1].first;
    CHECK(turned > 0);
    rig_fini(&rig);
}

/* Agreed on elsewhere: nothing is said, and messages pass. */
TEST(channels_negotiated)
{
    rig_init(&rig, 0);
    for (unsigned i = A; i <= B; i++)
        CHECK_INT(sl_channels_open(rig.end[i], 9, &plain, true, 0), E_OK);
    run(&rig, SEC(1));
    CHECK_INT(rig.events[A] + rig.events[B], 0);
    CHECK_INT(sl_channels_send(rig.end[B], 9, true, span_of("x"), rig.now), E_OK);
    run(&rig, SEC(1));
    CHECK_INT(the_one(&rig, A).kind, CHANNELS_MESSAGE);
    rig_fini(&rig);
}

/* A reader that stops costs its writer what fits, and then E_FULL; nothing is lost. */
TEST(channels_slow_reader)
{
    static const uint8_t m[16384];
    size_t sent = 0;
    rig_init(&rig, 0);
    opened(&rig);
    rig.deaf[B] = true;
    enum err e = E_OK;
    for (int i = 0; i < 1000 && e == E_OK; i++) {
        e = sl_channels_send(rig.end[A], 0, false, (struct span){m, sizeof m}, rig.now);
        sent += e == E_OK ? sizeof m : 0;
        run(&rig, MSEC(50));
    }
    CHECK_INT(e, E_FULL);
    CHECK(sent <= SCTP_SEND_MAX + SCTP_RECEIVE_MAX + 2 * sizeof m);
    run(&rig, SEC(5));
    CHECK_INT(rig.octets[B], 0);
    rig.deaf[B] = false;
    sl_channels_input(rig.end[B], (struct span){m, 0}, rig.now); /* it is polled again */
    run(&rig, SEC(20));
    CHECK_INT(rig.octets[B], sent);
    rig_fini(&rig);
}

/* The peer goes without a word: the association is over after ATTEMPTS. */
TEST(channels_end_when_nobody_answers)
{
    rig_init(&rig, 0);
    opened(&rig);
    rig.lost_of_100 = 100;
    CHECK_INT(sl_channels_send(rig.end[A], 0, true, span_of("hello?"), rig.now), E_OK);
    run(&rig, SEC(20));
    CHECK_INT(rig.events[A], 0);
    run(&rig, SEC(100));
    CHECK_INT(the_one(&rig, A).kind, CHANNELS_DOWN);
    CHECK_INT(sl_channels_send(rig.end[A], 0, true, span_of("x"), rig.now), E_STATE);
    rig_fini(&rig);
}

TEST(channels_one_stack)
{
    struct sctp_stack *st = sl_sctp_stack_new(0);
    CHECK(st != NULL);
    CHECK(sl_sctp_stack_new(0) == NULL);
    CHECK_INT(sl_sctp_stack_deadline(st), USEC_NEVER);
    sl_sctp_stack_free(st);
}
