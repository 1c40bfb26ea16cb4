#include "service/outside.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"
#include "proto/stun.h"
#include "service/node.h"

/*
 * A worker's real media socket asks a STUN server on the loopback interface, which lies about
 * what it sees.
 */

enum { KEY_OCTETS = 8 };

static const struct addr lie = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7},
                                4711,
                                0};

struct rig {
    struct node node;
    struct loop *loop;
    struct outside *outside;
    struct log log;
    unsigned changes;
    int server;
};

static void changed(void *ctx)
{
    struct rig *r = ctx;
    r->changes++;
    if (sl_outside_settled(r->outside))
        sl_loop_stop(r->loop);
}

static void take_mail(void *ctx)
{
    struct rig *r = ctx;
    struct mail m;
    unsigned from;
    do {
        while (sl_post_take(r->node.post, SHARD_TO_CONTROL, &from, &m))
            if (m.type == MAIL_SEEN)
                sl_outside_mail(r->outside, &m);
    } while (!sl_post_may_sleep(r->node.post, SHARD_TO_CONTROL));
}

static void ring(void *ctx)
{
    sl_loop_wake_ring(ctx);
}

/* Answers what has come to the server; with another's id if it is to be forged. */
static void serve(struct rig *r, bool forged)
{
    uint8_t in[128], out[128];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    struct stun msg;
    ssize_t n = recvfrom(r->server, in, sizeof in, 0, (struct sockaddr *)&from, &len);
    CHECK(n > 0 && sl_stun_parse((struct span){in, (size_t)n}, &msg) == E_OK);
    CHECK_INT(ntohs(from.sin_port), r->node.conf.at[0].port);
    struct stun a = stun_answer(&msg, 0);
    a.id[KEY_OCTETS - 1] ^= forged;
    a.has_mapped = true;
    a.mapped = lie;
    struct wr w = wr_of(out, sizeof out);
    sl_stun_build(&w, &a, NULL);
    CHECK_INT(sendto(r->server, out, w.n, 0, (struct sockaddr *)&from, len), w.n);
}

static void on_late(void *ctx)
{
    struct rig *r = ctx;
    sl_loop_stop(r->loop);
}

static void run_for(struct rig *r, usec span)
{
    struct loop_timer late = {.fn = on_late, .user = r};
    CHECK_INT(sl_loop_timer_set(r->loop, &late, sl_loop_now() + span), E_OK);
    sl_loop_run(r->loop);
    sl_loop_timer_stop(r->loop, &late);
}

TEST(outside_asks_by_the_media_port_and_tells_what_it_heard)
{
    static struct rig r;
    char stun[32];
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    r.log = (struct log){.fd = STDERR_FILENO, .level = LOG_ERROR};
    r.server = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_INT(setsockopt(r.server, SOL_SOCKET, SO_RCVTIMEO,
                         &(struct timeval){.tv_sec = 5}, sizeof(struct timeval)),
              0);
    CHECK_INT(bind(r.server, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(getsockname(r.server, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(stun, sizeof stun, "stun:127.0.0.1:%u", ntohs(at.sin_port));
    struct node_conf nc = {.at_n = 1,
                           .workers = 2,
                           .packets = 64,
                           .profiles = {SRTP_GCM_128},
                           .profiles_n = 1,
                           .srtp = sl_srtp_backend_best()};
    enum err e = E_EXISTS;
    for (uint16_t i = 0; i < 100 && e; i++) {
        nc.at[0] = addr_v4(127, 0, 0, 1, (uint16_t)(21000 + (sl_udp_now() + i) % 9000));
        e = sl_udp_free_ports(nc.at, 1);
    }
    CHECK_INT(sl_node_init(&r.node, &nc), E_OK);
    r.loop = sl_loop_new();
    struct loop_wake *wake = sl_loop_wake_new(r.loop, take_mail, &r);
    sl_post_bell(r.node.post, SHARD_TO_CONTROL, ring, wake);
    const struct outside_conf oc = {.loop = r.loop,
                                    .post = r.node.post,
                                    .log = &r.log,
                                    .of = {.udp = r.node.conf.at, .udp_n = 1},
                                    .stun = stun,
                                    .key = r.node.probe_key,
                                    .ctx = &r,
                                    .changed = changed};
    CHECK_INT(sl_outside_new(&oc, &r.outside), E_OK);
    CHECK_INT(sl_node_start(&r.node), E_OK);
    take_mail(&r);
    sl_outside_start(r.outside);
    run_for(&r, MSEC(100)); /* the name is looked up, and the question sent */
    serve(&r, true);
    run_for(&r, MSEC(700)); /* so the question is repeated */
    CHECK_INT(r.changes, 0);
    serve(&r, false);
    run_for(&r, SEC(5));
    size_t n;
    const struct negotiate_candidate *told = sl_outside_told(r.outside, &n);
    struct addr want = addr_v4(192, 0, 2, 7, nc.at[0].port);
    CHECK(n == 1 && addr_eq(&told[0].addr, &want));
    CHECK(sl_outside_settled(r.outside));
    sl_outside_free(r.outside);
    sl_node_fini(&r.node);
    sl_loop_wake_free(wake);
    sl_loop_free(r.loop);
    (void)close(r.server);
}

TEST(outside_reads_a_stun_server)
{
    static const struct {
        const char *text;
        enum err want;
    } rows[] = {
        {"stun:a.example", E_OK},     {"stun:a.example:3479", E_OK},
        {"stun:[2001:db8::1]", E_OK}, {"stun:[2001:db8::1]:99", E_OK},
        {"stun:", E_MALFORMED},       {"stun::99", E_MALFORMED},
        {"stun:a:0", E_MALFORMED},    {"stun:a:65536", E_MALFORMED},
        {"stun:a:", E_MALFORMED},     {"turn:a", E_MALFORMED},
    };
    struct loop *l = sl_loop_new();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct outside *o = NULL;
        const struct outside_conf oc = {.loop = l, .stun = rows[i].text};
        check_row(rows[i].text);
        CHECK_INT(sl_outside_new(&oc, &o), rows[i].want);
        sl_outside_free(o);
    }
    sl_loop_free(l);
}
