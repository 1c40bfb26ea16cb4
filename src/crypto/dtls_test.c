#include "crypto/dtls.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "check.h"
#include "dtls_net.h"

/* ---- handshakes ---- */

TEST(dtls_handshake_takes_two_round_trips)
{
    struct net net;
    net_init(&net, MSEC(10));
    net_begin_right(&net);
    net_run(&net, MSEC(39));
    CHECK_INT(state(&net, SERVER), DTLS_UP);
    CHECK_INT(state(&net, CLIENT), DTLS_HANDSHAKE);
    net_run(&net, MSEC(2));
    check_up(&net, SRTP_GCM_128);
    CHECK_INT(sl_dtls_deadline(net.end[CLIENT].d), USEC_NEVER);
    CHECK_INT(sl_dtls_deadline(net.end[SERVER].d), USEC_NEVER);
    CHECK(net.longest <= DTLS_MTU);
    CHECK(net.sent[CLIENT] <= 3 && net.sent[SERVER] <= 2);
    net_fini(&net);
}

TEST(dtls_handshake_over_bad_networks)
{
    static const struct {
        const char *name;
        unsigned lose_pct, repeat_pct;
        usec jitter;
        unsigned seeds;
    } rows[] = {
        {"every second datagram twice", 0, 50, 0, 4},
        {"out of order", 0, 0, MSEC(60), 8},
        {"10 % lost", 10, 0, 0, 8},
        {"30 % lost, some twice, out of order", 30, 20, MSEC(60), 16},
        {"40 % lost", 40, 0, 0, 16},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        for (unsigned seed = 0; seed < rows[i].seeds; seed++) {
            check_row(rows[i].name);
            struct net net;
            net_init(&net, MSEC(20));
            net.rng = sl_rng_of(seed);
            net.lose_pct = rows[i].lose_pct;
            net.repeat_pct = rows[i].repeat_pct;
            net.jitter = rows[i].jitter;
            net_begin_right(&net);
            net_run(&net, SEC(30));
            check_up(&net, SRTP_GCM_128);
            CHECK(net.longest <= DTLS_MTU);
            net_fini(&net);
        }
}

TEST(dtls_first_flight_is_repeated_after_100_ms)
{
    struct net net;
    net_init(&net, MSEC(1));
    net.lose_pct = 100;
    net_begin_right(&net);
    net_run(&net, MSEC(80));
    CHECK_INT(net.sent[CLIENT], 1);
    net_run(&net, MSEC(25)); /* OpenSSL takes the last 15 ms for over */
    CHECK_INT(net.sent[CLIENT], 2);
    net_run(&net, MSEC(150));
    CHECK_INT(net.sent[CLIENT], 2);
    net_run(&net, MSEC(60));
    CHECK_INT(net.sent[CLIENT], 3);
    net_run(&net, SEC(30));
    CHECK_INT(state(&net, CLIENT), DTLS_FAILED);
    CHECK_INT(sl_dtls_error(net.end[CLIENT].d), E_LATE);
    CHECK_INT(state(&net, SERVER), DTLS_HANDSHAKE);
    net_fini(&net);
}

static bool lose_from_up(struct net *net, int to, struct span datagram)
{
    (void)datagram;
    if (to == CLIENT && state(net, SERVER) == DTLS_UP)
        net->lose_next = 1;
    net->tamper = NULL;
    return false;
}

static bool lose_when_up(struct net *net, int to, struct span datagram)
{
    return to == CLIENT && state(net, SERVER) == DTLS_UP ? lose_from_up(net, to, datagram)
                                                         : false;
}

TEST(dtls_server_repeats_its_last_flight_when_asked)
{
    struct net net;
    net_init(&net, MSEC(10));
    net.tamper = lose_when_up;
    net_begin_right(&net);
    net_run(&net, MSEC(100));
    CHECK_INT(state(&net, SERVER), DTLS_UP);
    CHECK_INT(state(&net, CLIENT), DTLS_HANDSHAKE);
    net_run(&net, MSEC(40));
    check_up(&net, SRTP_GCM_128);
    net_fini(&net);
}

/* ---- who the peer is ---- */

TEST(dtls_wrong_certificate_gets_no_key)
{
    for (int role = 0; role < 2; role++) {
        check_row(role == SERVER ? "the server is deceived" : "the client is deceived");
        struct net net;
        net_init(&net, MSEC(1));
        struct dtls_fingerprint right[2], wrong = print_of(&net.end[!role].cert);
        right[CLIENT] = print_of(&net.end[CLIENT].cert);
        right[SERVER] = print_of(&net.end[SERVER].cert);
        wrong.octets[31] ^= 1;
        net_begin(&net, role == CLIENT ? &wrong : &right[SERVER],
                  role == SERVER ? &wrong : &right[CLIENT]);
        net_run(&net, SEC(1));
        CHECK_INT(state(&net, role), DTLS_FAILED);
        CHECK_INT(sl_dtls_error(net.end[role].d), E_AUTH);
        CHECK_INT(state(&net, !role), DTLS_FAILED); /* an alert told it */
        CHECK_INT(sl_dtls_error(net.end[!role].d), E_CRYPTO);
        struct srtp_master in, out;
        CHECK_INT(sl_dtls_keys(net.end[0].d, &in, &out), E_STATE);
        CHECK_INT(sl_dtls_keys(net.end[1].d, &in, &out), E_STATE);
        CHECK_INT(sl_dtls_send(net.end[role].d, span_of("x"), net.now), E_STATE);
        net_fini(&net);
    }
}

TEST(dtls_where_nothing_was_announced_any_certificate_will_do)
{
    for (int role = 0; role < 2; role++) {
        check_row(role == SERVER ? "the server takes any" : "the client takes any");
        struct net net;
        net_init(&net, MSEC(1));
        struct dtls_fingerprint any = {.any = true}, right[2];
        right[CLIENT] = print_of(&net.end[CLIENT].cert);
        right[SERVER] = print_of(&net.end[SERVER].cert);
        CHECK(sl_dtls_fingerprint_known(&any));
        net_begin(&net, role == CLIENT ? &any : &right[SERVER],
                  role == SERVER ? &any : &right[CLIENT]);
        net_run(&net, SEC(1));
        check_up(&net, SRTP_GCM_128);
        net_fini(&net);
    }
}

TEST(dtls_fingerprints_of_longer_hashes)
{
    static const struct {
        uint8_t n;
        bool known;
    } rows[] = {{48, true}, {64, true}, {20, false}, {0, false}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct net net;
        net_init(&net, MSEC(1));
        const EVP_MD *hash = rows[i].n == 48 ? EVP_sha384() : EVP_sha512();
        struct dtls_fingerprint of_server = {.n = rows[i].n};
        X509_digest(net.end[SERVER].cert.x509, hash, of_server.octets, NULL);
        if (rows[i].known) {
            struct dtls_fingerprint of_client = print_of(&net.end[CLIENT].cert);
            net_begin(&net, &of_server, &of_client);
            net_run(&net, SEC(1));
            check_up(&net, SRTP_GCM_128);
        } else {
            CHECK(!sl_dtls_new(net.end[CLIENT].ctx, DTLS_CLIENT, &of_server, 0));
        }
        net_fini(&net);
    }
}

TEST(dtls_profile_is_the_servers_first_that_both_have)
{
    static const struct {
        const char *name;
        enum srtp_profile server[3], client[3]; /* up to SRTP_NONE */
        enum srtp_profile want;
    } rows[] = {
        {"chromium's order",
         {SRTP_GCM_128, SRTP_GCM_256, SRTP_CM_SHA1_80},
         {SRTP_CM_SHA1_80, SRTP_GCM_256, SRTP_GCM_128},
         SRTP_GCM_128},
        {"256 wanted",
         {SRTP_GCM_256, SRTP_GCM_128},
         {SRTP_GCM_128, SRTP_GCM_256},
         SRTP_GCM_256},
        {"an old client",
         {SRTP_GCM_128, SRTP_CM_SHA1_80},
         {SRTP_CM_SHA1_80},
         SRTP_CM_SHA1_80},
        {"none in common", {SRTP_GCM_128}, {SRTP_CM_SHA1_80}, SRTP_NONE},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        struct net net;
        net_init(&net, MSEC(1));
        for (int end = 0; end < 2; end++) {
            const enum srtp_profile *list =
                end == SERVER ? rows[i].server : rows[i].client;
            size_t n = 0;
            while (n < 3 && list[n] != SRTP_NONE)
                n++;
            sl_dtls_ctx_free(net.end[end].ctx);
            net.end[end].ctx = sl_dtls_ctx_new(&net.end[end].cert, list, n);
        }
        net_begin_right(&net);
        net_run(&net, SEC(1));
        if (rows[i].want) {
            check_up(&net, rows[i].want);
        } else {
            CHECK_INT(state(&net, SERVER), DTLS_FAILED);
            CHECK_INT(sl_dtls_error(net.end[SERVER].d), E_UNSUPPORTED);
            CHECK(state(&net, CLIENT) != DTLS_UP);
        }
        net_fini(&net);
    }
    struct cert cert;
    CHECK_INT(sl_cert_init(&cert), E_OK);
    CHECK(!sl_dtls_ctx_new(&cert, all_profiles, 0));
    CHECK(!sl_dtls_ctx_new(&cert, (enum srtp_profile[]){SRTP_NONE}, 1));
    sl_cert_fini(&cert);
}

/* ---- after the handshake ---- */

TEST(dtls_messages_and_close)
{
    for (int closer = 0; closer < 2; closer++) {
        struct net net;
        net_init(&net, MSEC(1));
        net_begin_right(&net);
        CHECK_INT(sl_dtls_send(net.end[SERVER].d, span_of("early"), 0), E_STATE);
        net_run(&net, SEC(1));
        CHECK_INT(sl_dtls_send(net.end[SERVER].d, span_of("to client"), net.now), E_OK);
        CHECK_INT(sl_dtls_send(net.end[SERVER].d, span_of("again"), net.now), E_OK);
        CHECK_INT(sl_dtls_send(net.end[CLIENT].d, span_of("to server"), net.now), E_OK);
        static const uint8_t zeros[DTLS_MTU];
        CHECK_INT(sl_dtls_send(net.end[CLIENT].d, (struct span){zeros, 1100}, net.now),
                  E_OK);
        CHECK_INT(sl_dtls_send(net.end[CLIENT].d, (struct span){zeros, 1200}, net.now),
                  E_FULL);
        CHECK_INT(sl_dtls_send(net.end[CLIENT].d, (struct span){0}, net.now), E_FULL);
        drain(&net, SERVER);
        drain(&net, CLIENT);
        net_run(&net, SEC(1));
        CHECK_INT(net.end[CLIENT].said_n, 2);
        CHECK(span_is(said(&net.end[CLIENT], 0), "to client"));
        CHECK(span_is(said(&net.end[CLIENT], 1), "again"));
        CHECK_INT(net.end[SERVER].said_n, 2);
        CHECK(span_is(said(&net.end[SERVER], 0), "to server"));
        CHECK_INT(said(&net.end[SERVER], 1).n, 1100);
        CHECK(net.longest <= DTLS_MTU);

        sl_dtls_close(net.end[closer].d, net.now);
        drain(&net, closer);
        CHECK_INT(state(&net, closer), DTLS_CLOSED);
        CHECK_INT(state(&net, !closer), DTLS_UP);
        net_run(&net, SEC(1));
        CHECK_INT(state(&net, !closer), DTLS_CLOSED);
        struct srtp_master in, out;
        CHECK_INT(sl_dtls_keys(net.end[0].d, &in, &out), E_STATE);
        net_fini(&net);
    }
}

TEST(dtls_queues_are_bounded)
{
    struct net net;
    net_init(&net, MSEC(1));
    net_begin_right(&net);
    net_run(&net, SEC(1));
    struct dtls *s = net.end[SERVER].d, *c = net.end[CLIENT].d;
    for (int i = 0; i < DTLS_QUEUE_MAX; i++)
        CHECK_INT(sl_dtls_send(s, span_of("x"), net.now), E_OK);
    CHECK_INT(sl_dtls_send(s, span_of("x"), net.now), E_FULL);

    struct dtls_out out;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < DTLS_QUEUE_MAX && sl_dtls_poll(s, &out); i++) {
            CHECK_INT(sl_dtls_input(c, out.bytes, net.now), E_OK);
            CHECK_INT(sl_dtls_send(s, span_of("y"), net.now), E_OK);
        }
    int got = 0;
    while (sl_dtls_poll(c, &out))
        got++;
    CHECK_INT(got, DTLS_QUEUE_MAX);
    net_fini(&net);
}

/* ---- at rest ---- */

TEST(dtls_rests_when_it_is_up_and_said_all)
{
    struct net net;
    struct srtp_master in, out;
    net_init(&net, MSEC(10));
    net_begin_right(&net);
    struct dtls *s = net.end[SERVER].d;
    CHECK(!sl_dtls_rest(s));
    net_run(&net, SEC(1));
    CHECK_INT(sl_dtls_send(s, span_of("x"), net.now), E_OK);
    CHECK(!sl_dtls_rest(s));
    drain(&net, SERVER);
    CHECK(sl_dtls_rest(s));
    CHECK(sl_dtls_rest(s));
    CHECK_INT(sl_dtls_state(s), DTLS_UP);
    CHECK_INT(sl_dtls_deadline(s), USEC_NEVER);
    CHECK_INT(sl_dtls_keys(s, &in, &out), E_STATE);
    CHECK_INT(sl_dtls_send(s, span_of("x"), net.now), E_STATE);
    CHECK_INT(sl_dtls_send(net.end[CLIENT].d, span_of("unheard"), net.now), E_OK);
    drain(&net, CLIENT);
    net_run(&net, SEC(1));
    CHECK_INT(net.end[SERVER].said_n, 0);
    CHECK_INT(sl_dtls_state(s), DTLS_UP);
    net_fini(&net);
}

TEST(dtls_at_rest_hears_and_says_goodbye)
{
    for (int resting = 0; resting < 2; resting++)
        for (int closer = 0; closer < 2; closer++) {
            struct net net;
            net_init(&net, MSEC(1));
            net_begin_right(&net);
            net_run(&net, SEC(1));
            CHECK(sl_dtls_rest(net.end[resting].d));
            sl_dtls_close(net.end[closer].d, net.now);
            drain(&net, closer);
            CHECK_INT(state(&net, closer), DTLS_CLOSED);
            CHECK_INT(state(&net, !closer), DTLS_UP);
            net_run(&net, SEC(1));
            CHECK_INT(state(&net, !closer), DTLS_CLOSED);
            CHECK_INT(sl_dtls_error(net.end[!closer].d), E_OK);
            net_fini(&net);
        }
}

static bool forge(struct net *net, int to, struct span datagram)
{
    uint8_t p[DTLS_MTU];
    memcpy(p, datagram.p, datagram.n);
    p[datagram.n - 1] ^= 1;
    CHECK_INT(sl_dtls_input(net->end[to].d, (struct span){p, datagram.n}, net->now),
              E_UNSUPPORTED);
    return true;
}

TEST(dtls_at_rest_is_not_fooled)
{
    struct net net;
    net_init(&net, MSEC(1));
    net_begin_right(&net);
    net_run(&net, SEC(1));
    CHECK(sl_dtls_rest(net.end[SERVER].d));
    sl_dtls_close(net.end[CLIENT].d, net.now);
    net.tamper = forge;
    drain(&net, CLIENT);
    net_run(&net, SEC(1));
    CHECK_INT(state(&net, SERVER), DTLS_UP);
    net_fini(&net);
}

TEST(dtls_at_rest_repeats_its_last_flight_when_asked)
{
    struct net net;
    net_init(&net, MSEC(10));
    net.tamper = lose_when_up;
    net_begin_right(&net);
    while (state(&net, SERVER) != DTLS_UP)
        net_run(&net, MSEC(1));
    drain(&net, SERVER);
    CHECK(sl_dtls_rest(net.end[SERVER].d));
    CHECK_INT(state(&net, CLIENT), DTLS_HANDSHAKE);
    net_run(&net, SEC(1));
    CHECK_INT(state(&net, CLIENT), DTLS_UP);
    net_fini(&net);
}
