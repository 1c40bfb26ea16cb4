#include "sfu/assoc.h"

#include "check.h"
#include "wall_clock.h"

/* One assoc, and peers at the other end of a network without delay. */
enum { PEERS_MAX = 16, EVENTS_MAX = 64, ID = 1000 };

struct rig {
    usec now;
    struct cert ours, theirs;
    struct dtls_ctx *our_ctx, *their_ctx;
    struct assoc *a;
    struct dtls *peer[PEERS_MAX]; /* of transport ID + i */
    unsigned worker;              /* that the peers' datagrams land on */
    bool deaf;                    /* what assoc sends is lost */
    struct assoc_out event[EVENTS_MAX];
    size_t events;
};

static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};

static struct dtls_fingerprint print_of(const struct cert *c)
{
    struct dtls_fingerprint f = {.n = sizeof c->sha256};
    memcpy(f.octets, c->sha256, f.n);
    return f;
}

static void rig_init(struct rig *r, uint32_t pending_max, uint32_t per_s)
{
    *r = (struct rig){.worker = 3};
    wall_now = 0;
    CHECK_INT(sl_cert_init(&r->ours), E_OK);
    CHECK_INT(sl_cert_init(&r->theirs), E_OK);
    r->our_ctx = sl_dtls_ctx_new(&r->ours, profiles, LEN(profiles));
    r->their_ctx = sl_dtls_ctx_new(&r->theirs, profiles, LEN(profiles));
    r->a = sl_assoc_new(&(struct assoc_conf){
        .dtls = r->our_ctx, .pending_max = pending_max, .handshakes_per_s = per_s});
    CHECK(r->our_ctx && r->their_ctx && r->a);
}

static void rig_fini(struct rig *r)
{
    sl_assoc_free(r->a);
    for (size_t i = 0; i < PEERS_MAX; i++)
        sl_dtls_free(r->peer[i]);
    sl_dtls_ctx_free(r->our_ctx);
    sl_dtls_ctx_free(r->their_ctx);
    sl_cert_fini(&r->ours);
    sl_cert_fini(&r->theirs);
}

static const struct assoc_stats *stats(const struct rig *r)
{
    return sl_assoc_stats(r->a);
}

static void expect(struct rig *r, size_t i, enum dtls_role role)
{
    struct dtls_fingerprint f = print_of(&r->theirs);
    CHECK_INT(sl_assoc_expect(r->a, ID + i, role, &f), E_OK);
}

/* The peer of transport ID + i; a client says hello into the void. */
static void peer_new(struct rig *r, size_t i, enum dtls_role role)
{
    struct dtls_fingerprint f = print_of(&r->ours);
    r->peer[i] = sl_dtls_new(r->their_ctx, role, &f, r->now);
    CHECK(r->peer[i] != NULL);
}

/* What assoc says is noted, and reaches the peers. */
static void hear(struct rig *r)
{
    struct assoc_out out;
    while (sl_assoc_poll(r->a, &out, r->now)) {
        CHECK(r->events < EVENTS_MAX);
        if (r->events < EVENTS_MAX)
            r->event[r->events++] = out;
        struct dtls *peer = r->peer[out.transport - ID];
        if (out.kind == ASSOC_SEND && peer && !r->deaf)
            CHECK(sl_dtls_input(peer, out.bytes, r->now) != E_FULL);
    }
}

static void say(struct rig *r, size_t i)
{
    struct dtls_out out;
    while (sl_dtls_poll(r->peer[i], &out))
        if (out.kind == DTLS_OUT_DATAGRAM)
            sl_assoc_datagram(r->a, ID + i, r->worker, out.bytes, r->now);
}

/* To and fro, until all is said. */
static void talk(struct rig *r)
{
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < PEERS_MAX; i++)
            if (r->peer[i])
                say(r, i);
        hear(r);
    }
}

static void advance(struct rig *r, usec by)
{
    for (usec end = r->now + by; r->now < end;) {
        usec at = sl_assoc_deadline(r->a);
        for (size_t i = 0; i < PEERS_MAX; i++)
            if (r->peer[i] && sl_dtls_deadline(r->peer[i]) < at)
                at = sl_dtls_deadline(r->peer[i]);
        at = at < r->now ? r->now : at;
        at = at > end ? end : at;
        wall_now += at - r->now;
        r->now = at;
        sl_assoc_tick(r->a, r->now);
        for (size_t i = 0; i < PEERS_MAX; i++)
            if (r->peer[i])
                sl_dtls_tick(r->peer[i], r->now);
        talk(r);
    }
}

static size_t count(const struct rig *r, enum assoc_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < r->events; i++)
        n += r->event[i].kind == kind;
    return n;
}

static const struct assoc_out *last(const struct rig *r, enum assoc_kind kind)
{
    static const struct assoc_out none;
    for (size_t i = r->events; i-- > 0;)
        if (r->event[i].kind == kind)
            return &r->event[i];
    CHECK(!"no such event");
    return &none;
}

static bool same(const struct srtp_master *a, const struct srtp_master *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void check_keys(const struct rig *r, size_t i)
{
    struct srtp_master in, out;
    const struct assoc_out *keys = last(r, ASSOC_KEYS);
    CHECK_INT(sl_dtls_keys(r->peer[i], &in, &out), E_OK);
    CHECK(same(&in, &keys->out) && same(&out, &keys->in));
}

/* ---- one transport ---- */

TEST(assoc_keys_come_before_the_last_flight)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_SERVER);
    peer_new(&r, 0, DTLS_CLIENT);
    say(&r, 0);
    hear(&r);
    CHECK_INT(count(&r, ASSOC_KEYS), 0);
    CHECK(count(&r, ASSOC_SEND) > 0);
    CHECK_INT(stats(&r)->pending, 1);

    r.events = 0;
    say(&r, 0);
    CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_HANDSHAKE);
    hear(&r);
    CHECK_INT(r.event[0].kind, ASSOC_KEYS);
    CHECK_INT(r.event[1].kind, ASSOC_SEND);
    CHECK_INT(r.event[r.events - 1].kind, ASSOC_UP);
    CHECK_INT(r.event[r.events - 1].profile, SRTP_GCM_128);
    for (size_t i = 0; i < r.events; i++)
        CHECK(r.event[i].transport == ID && r.event[i].worker == 3);
    check_keys(&r, 0);
    CHECK_INT(stats(&r)->pending, 0);
    CHECK_INT(stats(&r)->up, 1);
    CHECK_INT(sl_assoc_deadline(r.a), USEC_NEVER);
    rig_fini(&r);
}

TEST(assoc_keys_go_to_the_worker_that_saw_the_end)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_SERVER);
    peer_new(&r, 0, DTLS_CLIENT);
    say(&r, 0);
    hear(&r);
    CHECK_INT(last(&r, ASSOC_SEND)->worker, 3);
    r.worker = 5; /* the peer's address changed */
    say(&r, 0);
    hear(&r);
    CHECK_INT(count(&r, ASSOC_KEYS), 1);
    CHECK_INT(last(&r, ASSOC_KEYS)->worker, 5);
    CHECK_INT(last(&r, ASSOC_SEND)->worker, 5);
    CHECK_INT(last(&r, ASSOC_UP)->worker, 5);

    r.worker = 2; /* and once more: 5 still owns it */
    sl_dtls_close(r.peer[0], r.now);
    talk(&r);
    CHECK_INT(last(&r, ASSOC_SEND)->worker, 5);
    CHECK_INT(last(&r, ASSOC_CLOSED)->why, E_OK);
    CHECK_INT(count(&r, ASSOC_KEYS), 1);
    rig_fini(&r);
}

TEST(assoc_repeats_the_last_flight)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_SERVER);
    peer_new(&r, 0, DTLS_CLIENT);
    say(&r, 0);
    hear(&r);
    say(&r, 0);
    r.deaf = true;
    hear(&r);
    r.deaf = false;
    CHECK_INT(count(&r, ASSOC_UP), 1);
    CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_HANDSHAKE);
    advance(&r, MSEC(110));
    check_keys(&r, 0);
    CHECK_INT(count(&r, ASSOC_KEYS), 1);
    CHECK_INT(count(&r, ASSOC_UP), 1);
    rig_fini(&r);
}

TEST(assoc_begins_where_we_are_the_client)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_CLIENT);
    peer_new(&r, 0, DTLS_SERVER);
    talk(&r);
    CHECK_INT(r.events, 0);
    sl_assoc_path(r.a, ID, 4, r.now);
    sl_assoc_path(r.a, ID, 6, r.now);
    CHECK_INT(stats(&r)->begun, 1);
    hear(&r);
    CHECK_INT(last(&r, ASSOC_SEND)->worker, 6);
    talk(&r);
    CHECK_INT(count(&r, ASSOC_UP), 1);
    check_keys(&r, 0);

    /* A path means nothing to a server, to who is up, and to who is unknown. */
    expect(&r, 1, DTLS_SERVER);
    sl_assoc_path(r.a, ID, 4, r.now);
    sl_assoc_path(r.a, ID + 1, 4, r.now);
    sl_assoc_path(r.a, ID + 2, 4, r.now);
    CHECK_INT(stats(&r)->begun, 1);
    CHECK_INT(last(&r, ASSOC_UP)->worker, r.worker);
    rig_fini(&r);
}

TEST(assoc_wrong_certificate_fails_without_keys)
{
    for (int role = 0; role < 2; role++) {
        struct rig r;
        rig_init(&r, 8, 100);
        struct dtls_fingerprint wrong = print_of(&r.ours);
        CHECK_INT(sl_assoc_expect(r.a, ID, (enum dtls_role)role, &wrong), E_OK);
        peer_new(&r, 0, role == DTLS_SERVER ? DTLS_CLIENT : DTLS_SERVER);
        sl_assoc_path(r.a, ID, 1, r.now);
        talk(&r);
        CHECK_INT(count(&r, ASSOC_KEYS) + count(&r, ASSOC_UP), 0);
        CHECK_INT(count(&r, ASSOC_FAILED), 1);
        CHECK_INT(last(&r, ASSOC_FAILED)->why, E_AUTH);
        CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_FAILED);
        CHECK_INT(stats(&r)->pending, 0);

        /* It has failed for good. */
        sl_dtls_free(r.peer[0]);
        peer_new(&r, 0, DTLS_CLIENT);
        talk(&r);
        CHECK_INT(stats(&r)->begun, 1);
        CHECK_INT(stats(&r)->unasked, 1);
        rig_fini(&r);
    }
}

TEST(assoc_forget)
{
    struct rig r;
    rig_init(&r, 8, 100);
    struct dtls_fingerprint f = print_of(&r.theirs);
    for (size_t i = 0; i < 3; i++)
        expect(&r, i, DTLS_SERVER);
    CHECK_INT(sl_assoc_expect(r.a, ID, DTLS_SERVER, &f), E_EXISTS);
    f.n = 20;
    CHECK_INT(sl_assoc_expect(r.a, ID + 9, DTLS_SERVER, &f), E_UNSUPPORTED);
    peer_new(&r, 0, DTLS_CLIENT);
    talk(&r);
    peer_new(&r, 1, DTLS_CLIENT);
    say(&r, 1);
    hear(&r);
    r.events = 0;

    for (size_t i = 0; i < 4; i++)
        sl_assoc_forget(r.a, ID + i, r.now);
    hear(&r);
    CHECK_INT(r.events, 1); /* close_notify, to who was up; and of the others no word */
    CHECK_INT(r.event[0].kind, ASSOC_SEND);
    CHECK_INT(r.event[0].worker, 3);
    CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_CLOSED);
    CHECK_INT(stats(&r)->transports, 0);
    CHECK_INT(stats(&r)->pending, 0);
    CHECK_INT(sl_assoc_deadline(r.a), USEC_NEVER);

    say(&r, 1);
    CHECK(stats(&r)->unknown > 0);
    hear(&r);
    CHECK_INT(r.events, 1);

    expect(&r, 2, DTLS_SERVER);
    peer_new(&r, 2, DTLS_CLIENT);
    talk(&r);
    sl_assoc_forget(r.a, ID + 2, r.now);
    rig_fini(&r); /* with close_notify unsaid */
}

/* ---- at rest ---- */

/* A server keeps its last flight, and rests when that was said; a client when it heard that its peer
 * is up. Whoever ends it then, the other is told. */
TEST(assoc_rests_once_openssl_is_not_needed)
{
    static const struct {
        const char *name;
        enum dtls_role role;
        bool by_peer;    /* ends it */
        uint64_t rested; /* before the peer is heard */
    } rows[] = {
        {"a server, left by its peer", DTLS_SERVER, true, 1},
        {"a server that leaves", DTLS_SERVER, false, 1},
        {"a client, left by its peer", DTLS_CLIENT, true, 0},
        {"a client that leaves", DTLS_CLIENT, false, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        bool client = rows[i].role == DTLS_CLIENT;
        check_row(rows[i].name);
        rig_init(&r, 8, 100);
        expect(&r, 0, rows[i].role);
        sl_assoc_heard(r.a, ID); /* of nothing that is there */
        peer_new(&r, 0, client ? DTLS_SERVER : DTLS_CLIENT);
        sl_assoc_path(r.a, ID, 0, r.now);
        hear(&r);
        CHECK_INT(stats(&r)->rested, 0);
        talk(&r);
        CHECK_INT(stats(&r)->up, 1);
        CHECK_INT(stats(&r)->rested, rows[i].rested);
        sl_assoc_heard(r.a, ID);
        hear(&r);
        CHECK_INT(stats(&r)->rested, 1);
        CHECK_INT(stats(&r)->closed, 0);
        r.events = 0;
        if (rows[i].by_peer) {
            sl_dtls_close(r.peer[0], r.now);
            talk(&r);
            CHECK_INT(last(&r, ASSOC_CLOSED)->why, E_OK);
        } else {
            sl_assoc_forget(r.a, ID, r.now);
            hear(&r);
            CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_CLOSED);
        }
        CHECK_INT(count(&r, ASSOC_SEND), 1);
        rig_fini(&r);
    }
}

/* The peer misses what was said last, and asks for it of an association that rests. */
TEST(assoc_at_rest_repeats_its_last_flight)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_SERVER);
    peer_new(&r, 0, DTLS_CLIENT);
    while (stats(&r)->up == 0) {
        say(&r, 0);
        r.deaf = sl_dtls_state(r.peer[0]) == DTLS_HANDSHAKE && r.events > 0;
        hear(&r);
    }
    CHECK_INT(stats(&r)->rested, 1);
    CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_HANDSHAKE);
    r.deaf = false;
    advance(&r, SEC(2));
    CHECK_INT(sl_dtls_state(r.peer[0]), DTLS_UP);
    rig_fini(&r);
}

TEST(assoc_with_data_does_not_rest)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_SERVER);
    CHECK_INT(sl_assoc_expect_data(r.a, ID, 5000, 65536), E_OK);
    peer_new(&r, 0, DTLS_CLIENT);
    talk(&r);
    sl_assoc_heard(r.a, ID);
    hear(&r);
    CHECK_INT(stats(&r)->up, 1);
    CHECK_INT(stats(&r)->rested, 0);
    rig_fini(&r);
}

/* ---- limits ---- */

TEST(assoc_only_a_hello_begins)
{
    static const struct {
        const char *name, *hex;
        uint64_t begun;
    } rows[] = {
        {"nothing", "", 0},
        {"a header", "16 fefd 0000 000000000000 0001", 0},
        {"data", "17 fefd 0000 000000000000 0001 01", 0},
        {"another message", "16 fefd 0000 000000000000 0001 02", 0},
        {"the tail of a hello",
         "16 fefd 0000 000000000000 000e 01 000100 0000 0000f0 000002 aaaa", 1},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        struct rig r;
        rig_init(&r, 8, 100);
        expect(&r, 0, DTLS_SERVER);
        sl_assoc_datagram(r.a, ID, 1, check_hex(rows[i].hex), r.now);
        CHECK_INT(stats(&r)->begun, rows[i].begun);
        CHECK_INT(stats(&r)->unasked, !rows[i].begun);
        rig_fini(&r);
    }
}

TEST(assoc_gives_up_after_30_seconds)
{
    struct rig r;
    rig_init(&r, 8, 100);
    expect(&r, 0, DTLS_SERVER);
    sl_assoc_datagram(
        r.a, ID, 1,
        check_hex("16 fefd 0000 000000000000 000e 01 000100 0000 0000f0 000002 aaaa"),
        r.now);
    advance(&r, ASSOC_HANDSHAKE_MAX - MSEC(1));
    CHECK_INT(r.events, 0);
    CHECK_INT(stats(&r)->pending, 1);
    advance(&r, MSEC(2));
    CHECK_INT(r.events, 1);
    CHECK_INT(last(&r, ASSOC_FAILED)->why, E_LATE);
    CHECK_INT(stats(&r)->pending, 0);
    CHECK_INT(stats(&r)->failed, 1);
    rig_fini(&r);
}

TEST(assoc_limits_how_many_are_begun)
{
    struct rig r;
    rig_init(&r, PEERS_MAX, 20); /* five at once, then one each 50 ms */
    for (size_t i = 0; i < 8; i++) {
        expect(&r, i, DTLS_SERVER);
        peer_new(&r, i, DTLS_CLIENT);
        say(&r, i);
    }
    CHECK_INT(stats(&r)->begun, 5);
    CHECK_INT(stats(&r)->over_rate, 3);
    talk(&r);
    CHECK_INT(count(&r, ASSOC_UP), 5);
    advance(&r, SEC(1)); /* the others say hello again, and again */
    CHECK_INT(count(&r, ASSOC_UP), 8);
    rig_fini(&r);
}

TEST(assoc_limits_how_many_are_under_way)
{
    struct rig r;
    rig_init(&r, 2, 1000);
    for (size_t i = 0; i < 3; i++) {
        expect(&r, i, DTLS_SERVER);
        peer_new(&r, i, DTLS_CLIENT);
        say(&r, i);
    }
    CHECK_INT(stats(&r)->begun, 2);
    CHECK_INT(stats(&r)->over_limit, 1);
    sl_assoc_forget(r.a, ID, r.now);
    hear(&r);
    advance(&r, MSEC(110));
    CHECK_INT(stats(&r)->begun, 3);
    CHECK_INT(count(&r, ASSOC_UP), 2);
    rig_fini(&r);
}

TEST(assoc_ours_wait_in_line)
{
    struct rig r;
    rig_init(&r, 2, 4); /* one at once, then one each 250 ms */
    for (size_t i = 0; i < 4; i++) {
        expect(&r, i, DTLS_CLIENT);
        sl_assoc_path(r.a, ID + i, 1, r.now);
    }
    CHECK_INT(stats(&r)->begun, 1);
    hear(&r);
    r.events = 0;
    sl_assoc_forget(r.a, ID + 1, r.now); /* from the middle of the line */
    advance(&r, MSEC(240));
    CHECK_INT(stats(&r)->begun, 1);
    advance(&r, MSEC(20));
    CHECK_INT(stats(&r)->begun, 2);
    advance(&r, SEC(2)); /* two are under way, and nobody answers */
    CHECK_INT(stats(&r)->begun, 2);
    sl_assoc_forget(r.a, ID, r.now);
    CHECK_INT(stats(&r)->begun, 3);
    hear(&r);
    CHECK_INT(last(&r, ASSOC_SEND)->transport, ID + 3);
    rig_fini(&r);
}

TEST(assoc_line_moves_when_one_is_up)
{
    struct rig r;
    rig_init(&r, 1, 1000);
    expect(&r, 0, DTLS_SERVER);
    expect(&r, 1, DTLS_CLIENT);
    peer_new(&r, 0, DTLS_CLIENT);
    say(&r, 0);
    hear(&r);
    sl_assoc_path(r.a, ID + 1, 1, r.now);
    CHECK_INT(stats(&r)->begun, 1);
    say(&r, 0);
    CHECK_INT(stats(&r)->begun, 2);
    rig_fini(&r);
}

TEST(assoc_asks_to_be_woken_for_the_line)
{
    struct rig r;
    rig_init(&r, 8, 20);
    for (size_t i = 0; i < 6; i++) {
        expect(&r, i, DTLS_CLIENT);
        sl_assoc_path(r.a, ID + i, 1, r.now);
    }
    CHECK_INT(stats(&r)->begun, 5);
    CHECK_INT(sl_assoc_deadline(r.a), MSEC(50));
    rig_fini(&r);
}
