#include "service/tape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "net/loop.h"
#include "peer.h"
#include "service/node.h"
#include "service/plane.h"
#include "sfu/mail.h"
#include "sfu/replay.h"

enum { SIZE = 1 << 16 };

static char dir[32];

static void make_dir(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/sluice-tape-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
}

static off_t size_of(const char *name, mode_t *mode)
{
    char path[256];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    if (stat(path, &st) != 0)
        return -1;
    *mode = st.st_mode & 07777;
    return st.st_size;
}

TEST(tape_is_as_long_as_what_is_on_it)
{
    static const struct {
        const char *name;
        enum tape_state state;
        int ticks;
        off_t want; /* -1: no file */
    } rows[] = {
        {"written", TAPE_RUNS, 3, CAPTURE_HEAD + 3 * 17},
        {"and over", TAPE_OVER, 3, CAPTURE_HEAD + 3 * 17},
        {"full", TAPE_RUNS, SIZE, CAPTURE_HEAD + (SIZE - CAPTURE_HEAD) / 17 * 17},
        {"refused", TAPE_REFUSED, 0, -1},
        {"taken by nobody", TAPE_ASKED, 0, -1},
    };
    make_dir();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct tape *t = NULL;
        struct pkt_pool *pool = sl_pkt_pool_new(1, 1, 0);
        mode_t mode = 0;
        check_row(rows[i].name);
        CHECK_INT(sl_tape_new(dir, 3, SIZE, SEC(INT64_C(1767323045)) + 7, &t), E_OK);
        if (!t)
            return;
        CHECK_STR(t->name, "worker-3-20260102T030405.000007Z.capture");
        char name[TAPE_NAME];
        memcpy(name, t->name, sizeof name);
        CHECK_INT(size_of(name, &mode), SIZE);
        CHECK_INT(mode, 0600); /* keys are on it */
        struct tape *again = NULL;
        CHECK_INT(sl_tape_new(dir, 3, SIZE, SEC(INT64_C(1767323045)) + 7, &again), E_SYS);
        CHECK_INT(errno, EEXIST);
        CHECK_INT(size_of(name, &mode), SIZE); /* and is still there */
        t->state = rows[i].state;
        sl_capture_init(&t->capture, wr_of(t->memory, t->size), &(struct capture_head){0},
                        pool, USEC_NEVER);
        for (int k = 0; k < rows[i].ticks; k++)
            sl_capture_tick(&t->capture, k);
        size_t kept = sl_tape_close(t, dir);
        CHECK_INT(size_of(name, &mode), rows[i].want);
        CHECK_INT(kept, rows[i].want > 0 ? rows[i].want : 0);
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", dir, name);
        (void)unlink(path);
        sl_pkt_pool_free(pool);
    }
    CHECK_INT(rmdir(dir), 0);
}

TEST(tape_without_a_directory)
{
    struct tape *t = NULL;
    CHECK_INT(sl_tape_new("/nowhere/at/all", 0, SIZE, 0, &t), E_SYS);
    CHECK_INT(errno, ENOENT);
}

/* ---- workers with clients ---- */

/*
 * Two workers and the association thread as they run in the server, with real clients on the
 * loopback interface, captured and replayed. This thread stands in for control.
 */
enum { WORKERS = 2, PT = 111, SSRC = 5, LENT = 32 << 20 };

static struct {
    struct node node;
    struct plane *plane;
    struct media_ops ops;
    struct addr at;
    uint64_t last, up;
    enum tape_state told[WORKERS];
} s;

static void up(void *ctx, uint64_t transport)
{
    (void)ctx;
    s.up = transport;
}

static void gone(void *ctx, uint64_t transport, enum media_gone why)
{
    (void)ctx, (void)transport, (void)why;
}

static void no_bell(void *ctx)
{
    (void)ctx; /* this thread looks by itself */
}

static void started(void *ctx, uint64_t producer)
{
    (void)ctx, (void)producer;
}

static void wanted(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps)
{
    (void)ctx, (void)transport, (void)producer, (void)encodings, (void)most_bps;
}

static void voice(void *ctx, uint64_t transport, uint64_t producer, const struct voice *v)
{
    (void)ctx, (void)transport, (void)producer, (void)v;
}

static struct addr free_port(void)
{
    struct addr at = addr_v4(127, 0, 0, 1, 0);
    for (uint16_t port = 20000; port < 30000; port++) {
        struct udp *u = NULL;
        at.port = (uint16_t)(port + sl_udp_now() % 10000);
        if (sl_udp_new(&at, 1, 0, &u) == E_OK) {
            sl_udp_free(u);
            return at;
        }
    }
    CHECK(!"a free port");
    return at;
}

static void begin(void)
{
    memset(&s, 0, sizeof s);
    make_dir();
    s.at = free_port();
    const struct node_conf conf = {.at = {s.at},
                                   .at_n = 1,
                                   .captures = dir,
                                   .workers = WORKERS,
                                   .packets = 1024,
                                   .socket_buffer = 1 << 20,
                                   .profiles = {SRTP_GCM_128},
                                   .profiles_n = 1,
                                   .srtp = sl_srtp_backend_best(),
                                   .handshakes_per_s = 1000,
                                   .handshakes_pending = 1000};
    const struct plane_events events = {
        .up = up, .gone = gone, .started = started, .wanted = wanted, .voice = voice};
    CHECK_INT(sl_node_init(&s.node, &conf), E_OK);
    sl_post_bell(s.node.post, SHARD_TO_CONTROL, no_bell, NULL);
    s.plane = sl_plane_new(s.node.post, (const uint64_t[2]){1, 2}, &events);
    s.ops = sl_plane_ops(s.plane);
    CHECK_INT(sl_node_start(&s.node), E_OK);
}

/* What control does in a round. */
static void control(void)
{
    struct mail m;
    unsigned from;
    while (sl_post_take(s.node.post, SHARD_TO_CONTROL, &from, &m)) {
        if (m.type == MAIL_STATS)
            sl_node_answered(&s.node, &m);
        else if (m.type == MAIL_CAPTURE)
            s.told[from] = (enum tape_state)m.arg;
        else
            sl_plane_mail(s.plane, from, &m);
    }
    sl_plane_flush(s.plane);
    sl_node_ask(&s.node);
}

static bool told(unsigned worker, enum tape_state state)
{
    for (usec end = sl_udp_now() + SEC(20);
         s.told[worker] == TAPE_ASKED && sl_udp_now() < end;) {
        control();
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return s.told[worker] == state;
}

static bool lend(unsigned worker, enum tape_state want)
{
    struct tape *t = NULL;
    s.told[worker] = TAPE_ASKED;
    CHECK_INT(sl_tape_new(dir, worker, LENT, sl_wall_now(), &t), E_OK);
    if (!t)
        return false;
    t->length = SEC(600);
    s.node.tapes[worker] = t;
    const struct mail m = {.type = MAIL_CAPTURE, .p = t};
    CHECK(sl_post_put(s.node.post, SHARD_TO_CONTROL, worker, &m, 0));
    sl_post_ring(s.node.post, SHARD_TO_CONTROL);
    return told(worker, want);
}

static void run(struct peer *p, usec span, bool (*stop)(const struct peer *p))
{
    for (usec until = sl_udp_now() + span; sl_udp_now() < until && !(stop && stop(p));) {
        sl_peer_run(p, sl_udp_now() + MSEC(2), stop);
        control();
    }
}

static uint64_t connect_one(struct peer *p)
{
    struct ice_creds creds = sl_ice_creds_make();
    struct peer_remote remote = {.at = s.at, .ufrag = creds.ufrag, .pwd = creds.pwd};
    CHECK_INT(sl_peer_init(p), E_OK);
    struct dtls_fingerprint print = sl_peer_print(p);
    struct media_transport t = {.id = ++s.last,
                                .peer = {.hash = MEDIA_SHA256, .n = print.n}};
    memcpy(t.ufrag, creds.ufrag, sizeof t.ufrag);
    memcpy(t.pwd, creds.pwd, sizeof t.pwd);
    memcpy(t.peer.bytes, print.octets, print.n);
    remote.print.n = sizeof s.node.cert.sha256;
    memcpy(remote.print.octets, s.node.cert.sha256, remote.print.n);
    CHECK_INT(s.ops.transport_add(s.ops.ctx, &t), E_OK);
    control();
    sl_peer_connect(p, &remote);
    run(p, SEC(20), sl_peer_is_up);
    for (usec until = sl_udp_now() + SEC(20); s.up != t.id && sl_udp_now() < until;)
        run(p, MSEC(2), NULL);
    CHECK_INT(s.up, t.id);
    return t.id;
}

static struct rtp_params opus(void)
{
    return (struct rtp_params){
        .kind = MEDIA_AUDIO,
        .mid = "0",
        .codecs_n = 1,
        .codecs = {{.codec = CODEC_OPUS, .pt = PT, .rtx_pt = PT_NONE, .channels = 2}}};
}

/* One speaks to three, who live wherever the kernel put them. */
static void call(void)
{
    enum { LISTENERS = 3, N = 400 };
    static struct peer pub, subs[LISTENERS];
    uint64_t ids[LISTENERS], from = connect_one(&pub), producer = ++s.last;
    const struct rtp_receive receive = {
        .params = opus(), .encodings_n = 1, .encodings = {{.ssrc = SSRC}}};
    CHECK_INT(s.ops.producer_add(s.ops.ctx, producer, from, 1, &receive), E_OK);
    for (int i = 0; i < LISTENERS; i++) {
        const struct rtp_send send = {.params = opus(), .ssrc = 100 + (uint32_t)i};
        ids[i] = connect_one(&subs[i]);
        CHECK_INT(s.ops.consumer_add(s.ops.ctx, ++s.last, ids[i], 1, &send), E_OK);
        s.ops.consumer_source(s.ops.ctx, s.last, producer);
    }
    for (uint32_t i = 0; i < N; i++) {
        const uint8_t payload[100] = {0xfc, (uint8_t)i};
        struct rtp rtp = {
            .pt = PT, .ssrc = SSRC, .ts = i * 960, .payload = {payload, sizeof payload}};
        sl_peer_send(&pub, &rtp);
        control();
        for (int k = 0; i % 4 == 3 && k < LISTENERS; k++)
            sl_peer_run(&subs[k], sl_udp_now() + MSEC(1), NULL);
    }
    s.ops.transport_close(s.ops.ctx, from);
    for (int i = 0; i < LISTENERS; i++) {
        run(&subs[i], MSEC(20), NULL);
        CHECK(subs[i].rtp > 0);
        CHECK_INT(subs[i].bad, 0);
        s.ops.transport_close(s.ops.ctx, ids[i]);
        sl_peer_fini(&subs[i]);
    }
    run(&pub, MSEC(50), NULL);
    sl_peer_fini(&pub);
}

/* The file of a tape that nobody writes any more, which is gone then. */
static void replay(const char *name, struct replay_report *r)
{
    static uint8_t bytes[LENT];
    char path[256];
    const struct replay_conf conf = {.srtp = sl_srtp_backend_best()};
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    CHECK(f && fclose(f) == 0 && n < sizeof bytes);
    CHECK_INT(sl_replay((struct span){bytes, n}, &conf, r), E_OK);
    CHECK_STR(r->difference, "");
    CHECK(!r->cut);
    CHECK_INT(unlink(path), 0);
}

static void end(void)
{
    sl_plane_free(s.plane);
    sl_node_fini(&s.node);
}

static void take_back(unsigned worker, struct replay_report *r)
{
    char name[TAPE_NAME];
    struct tape *t = s.node.tapes[worker];
    memcpy(name, t->name, sizeof name);
    s.told[worker] = TAPE_ASKED;
    atomic_store(&t->stop, true);
    CHECK(told(worker, TAPE_OVER));
    s.node.tapes[worker] = NULL;
    CHECK(sl_tape_close(t, dir) > CAPTURE_HEAD);
    replay(name, r);
}

TEST(tape_of_two_workers_is_replayed)
{
    struct replay_report r[WORKERS];
    begin();
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK(lend(i, TAPE_RUNS));
    call();
    for (unsigned i = 0; i < WORKERS; i++)
        take_back(i, &r[i]);
    CHECK(r[0].stats.rtp + r[1].stats.rtp > 300);
    CHECK(r[0].stats.forwarded + r[1].stats.forwarded > 900);
    CHECK(r[0].mails > 0 && r[1].mails > 0);
    end();
    CHECK_INT(rmdir(dir), 0);
}

/* Who uses the server notices nothing, and what was counted goes on. */
TEST(tape_of_a_worker_with_a_past)
{
    static struct peer p;
    struct replay_report r;
    begin();
    call();
    uint64_t id = connect_one(&p), before = s.node.stats.workers[0].shard.rtp;
    CHECK(lend(0, TAPE_REFUSED)); /* somebody is there */
    CHECK_INT(sl_tape_close(s.node.tapes[0], dir), 0);
    s.node.tapes[0] = NULL;
    s.ops.transport_close(s.ops.ctx, id);
    control();
    CHECK(lend(0, TAPE_RUNS));
    call();
    take_back(0, &r);
    CHECK(r.datagrams + r.mails > 0);
    run(&p, MSEC(20), NULL);
    CHECK(s.node.stats.workers[0].shard.rtp >= before + r.stats.rtp);
    sl_peer_fini(&p);
    end();
    CHECK_INT(rmdir(dir), 0);
}

/* The server ends, and its tapes with it. */
TEST(tape_ends_with_the_server)
{
    struct replay_report r;
    char name[TAPE_NAME];
    begin();
    CHECK(lend(1, TAPE_RUNS));
    memcpy(name, s.node.tapes[1]->name, sizeof name);
    call();
    end();
    replay(name, &r);
    CHECK(r.records > 0);
    CHECK_INT(rmdir(dir), 0);
}
