#include "service/tape.h"

#include <errno.h>
#include <sys/stat.h>

#include "net/loop.h"
#include "node_stage.h"
#include "peer.h"
#include "service/wiring.h"
#include "sfu/replay.h"

enum { SIZE = 1 << 16 };

static struct node_stage stage;

static off_t size_of(const char *name, mode_t *mode)
{
    char path[256];
    struct stat st;
    if (stat(node_stage_path(&stage, name, path), &st) != 0)
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
    node_stage_dir(&stage);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct tape *t = NULL;
        struct pkt_pool *pool = sl_pkt_pool_new(1, 1, 0);
        mode_t mode = 0;
        check_row(rows[i].name);
        CHECK_INT(sl_tape_new(stage.dir, 3, 0, SIZE, SEC(INT64_C(1767323045)) + 7, &t),
                  E_OK);
        if (!t)
            return;
        CHECK_STR(t->name, "worker-3-20260102T030405.000007Z.capture");
        char name[TAPE_NAME];
        memcpy(name, t->name, sizeof name);
        CHECK_INT(size_of(name, &mode), SIZE);
        CHECK_INT(mode, 0600); /* keys are on it */
        struct tape *again = NULL;
        CHECK_INT(
            sl_tape_new(stage.dir, 3, 0, SIZE, SEC(INT64_C(1767323045)) + 7, &again),
            E_SYS);
        CHECK_INT(errno, EEXIST);
        CHECK_INT(size_of(name, &mode), SIZE); /* and is still there */
        t->state = rows[i].state;
        sl_capture_init(&t->capture, wr_of(t->memory, t->size), &(struct capture_head){0},
                        pool, USEC_NEVER);
        for (int k = 0; k < rows[i].ticks; k++)
            sl_capture_tick(&t->capture, k);
        size_t kept = sl_tape_close(t, stage.dir);
        CHECK_INT(size_of(name, &mode), rows[i].want);
        CHECK_INT(kept, rows[i].want > 0 ? rows[i].want : 0);
        char path[256];
        (void)unlink(node_stage_path(&stage, name, path));
        sl_pkt_pool_free(pool);
    }
    CHECK_INT(rmdir(stage.dir), 0);
}

TEST(tape_of_a_transport_has_its_name)
{
    struct tape *t = NULL;
    node_stage_dir(&stage);
    CHECK_INT(sl_tape_new(stage.dir, 3, 42, SIZE, SEC(INT64_C(1767323045)) + 7, &t),
              E_OK);
    if (!t)
        return;
    CHECK_STR(t->name, "transport-000000000000002a-20260102T030405.000007Z.pcapng");
    CHECK_INT(sl_tape_close(t, stage.dir), 0); /* nobody had it */
    CHECK_INT(rmdir(stage.dir), 0);
}

TEST(tape_without_a_directory)
{
    struct tape *t = NULL;
    CHECK_INT(sl_tape_new("/nowhere/at/all", 0, 0, SIZE, 0, &t), E_SYS);
    CHECK_INT(errno, ENOENT);
}

/* ---- workers with clients ---- */

/*
 * Two workers and the association thread as they run in the server, with real clients on the
 * loopback interface, captured and replayed.
 */
enum { WORKERS = NODE_STAGE_WORKERS, PT = 111, SSRC = 5, LENT = 32 << 20 };

static uint64_t last_id;
static struct tape *asked;     /* that a worker is to speak of */
static enum tape_state answer; /* what it said; TAPE_ASKED: nothing yet */

static void captured(unsigned from, const struct mail *m)
{
    (void)from;
    CHECK(m->p == asked);
    answer = (enum tape_state)m->arg;
}

static bool answered(void)
{
    return answer != TAPE_ASKED;
}

static void begin(void)
{
    node_stage_open(&stage);
    stage.captured = captured;
    last_id = 0;
}

/* What its worker says of it. */
static enum tape_state said_of(struct tape *t)
{
    asked = t;
    answer = TAPE_ASKED;
    (void)node_stage_until(&stage, answered);
    return answer;
}

static enum tape_state lend(unsigned worker, uint64_t transport, struct tape **ret)
{
    CHECK_INT(sl_tape_new(stage.dir, worker, transport, LENT, sl_wall_now(), ret), E_OK);
    (*ret)->length = SEC(600);
    asked = *ret;
    const struct mail m = {.type = MAIL_CAPTURE, .p = *ret};
    CHECK(sl_post_put(stage.node.post, SHARD_TO_CONTROL, worker, &m, 0));
    sl_post_ring(stage.node.post, SHARD_TO_CONTROL);
    return said_of(*ret);
}

static void run(struct peer *p, usec span, bool (*stop)(const struct peer *p))
{
    for (usec until = sl_udp_now() + span; sl_udp_now() < until && !(stop && stop(p));) {
        sl_peer_run(p, sl_udp_now() + MSEC(2), stop);
        node_stage_control(&stage);
    }
}

static uint64_t connect_one(struct peer *p)
{
    struct ice_creds creds = sl_ice_creds_make();
    struct peer_remote remote = {
        .at = stage.node.conf.at[0], .ufrag = creds.ufrag, .pwd = creds.pwd};
    CHECK_INT(sl_peer_init(p), E_OK);
    struct dtls_fingerprint print = sl_peer_print(p);
    struct media_transport t = {.id = ++last_id,
                                .peer = {.hash = MEDIA_SHA256, .n = print.n}};
    memcpy(t.ufrag, creds.ufrag, sizeof t.ufrag);
    memcpy(t.pwd, creds.pwd, sizeof t.pwd);
    memcpy(t.peer.bytes, print.octets, print.n);
    remote.print.n = sizeof stage.node.cert.sha256;
    memcpy(remote.print.octets, stage.node.cert.sha256, remote.print.n);
    CHECK_INT(stage.ops.transport_add(stage.ops.ctx, &t), E_OK);
    node_stage_control(&stage);
    sl_peer_connect(p, &remote);
    run(p, NODE_STAGE_PATIENCE, sl_peer_is_up);
    for (usec until = sl_udp_now() + NODE_STAGE_PATIENCE;
         stage.up != t.id && sl_udp_now() < until;)
        run(p, MSEC(2), NULL);
    CHECK_INT(stage.up, t.id);
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
    uint64_t ids[LISTENERS], from = connect_one(&pub), producer = ++last_id;
    const struct rtp_receive receive = {
        .params = opus(), .encodings_n = 1, .encodings = {{.ssrc = SSRC}}};
    CHECK_INT(stage.ops.producer_add(stage.ops.ctx, producer, from, 1, &receive), E_OK);
    for (int i = 0; i < LISTENERS; i++) {
        const struct rtp_send send = {.params = opus(), .ssrc = 100 + (uint32_t)i};
        ids[i] = connect_one(&subs[i]);
        CHECK_INT(stage.ops.consumer_add(stage.ops.ctx, ++last_id, ids[i], 1, &send),
                  E_OK);
        stage.ops.consumer_source(stage.ops.ctx, last_id, producer);
    }
    for (uint32_t i = 0; i < N; i++) {
        const uint8_t payload[100] = {0xfc, (uint8_t)i};
        struct rtp rtp = {
            .pt = PT, .ssrc = SSRC, .ts = i * 960, .payload = {payload, sizeof payload}};
        sl_peer_send(&pub, &rtp);
        node_stage_control(&stage);
        for (int k = 0; i % 4 == 3 && k < LISTENERS; k++)
            sl_peer_run(&subs[k], sl_udp_now() + MSEC(1), NULL);
    }
    stage.ops.transport_close(stage.ops.ctx, from);
    for (int i = 0; i < LISTENERS; i++) {
        run(&subs[i], MSEC(20), NULL);
        CHECK(subs[i].rtp > 0);
        CHECK_INT(subs[i].bad, 0);
        stage.ops.transport_close(stage.ops.ctx, ids[i]);
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
    FILE *f = fopen(node_stage_path(&stage, name, path), "r");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    CHECK(f && fclose(f) == 0 && n < sizeof bytes);
    CHECK_INT(sl_replay((struct span){bytes, n}, &conf, r), E_OK);
    CHECK_STR(r->difference, "");
    CHECK(!r->cut);
    CHECK_INT(unlink(path), 0);
}

/* Its worker is told to end it. Returns the octets that were kept. */
static size_t take_back(struct tape *t, char name[TAPE_NAME])
{
    memcpy(name, t->name, TAPE_NAME);
    atomic_store(&t->stop, true);
    CHECK_INT(said_of(t), TAPE_OVER);
    return sl_tape_close(t, stage.dir);
}

TEST(tape_of_two_workers_is_replayed)
{
    struct replay_report r[WORKERS];
    struct tape *lent[WORKERS];
    char name[TAPE_NAME];
    begin();
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK_INT(lend(i, 0, &lent[i]), TAPE_RUNS);
    call();
    for (unsigned i = 0; i < WORKERS; i++) {
        CHECK(take_back(lent[i], name) > CAPTURE_HEAD);
        replay(name, &r[i]);
    }
    CHECK(r[0].stats.rtp + r[1].stats.rtp > 300);
    CHECK(r[0].stats.forwarded + r[1].stats.forwarded > 900);
    CHECK(r[0].mails > 0 && r[1].mails > 0);
    node_stage_close(&stage);
    CHECK_INT(rmdir(stage.dir), 0);
}

/* Who uses the server notices nothing, and what was counted goes on. */
TEST(tape_of_a_worker_with_a_past)
{
    static struct peer p;
    struct replay_report r;
    struct tape *lent;
    char name[TAPE_NAME];
    begin();
    call();
    uint64_t id = connect_one(&p), before = stage.node.stats.workers[0].shard.rtp;
    CHECK_INT(lend(0, 0, &lent), TAPE_REFUSED); /* somebody is there */
    CHECK_INT(sl_tape_close(lent, stage.dir), 0);
    stage.ops.transport_close(stage.ops.ctx, id);
    node_stage_control(&stage);
    CHECK_INT(lend(0, 0, &lent), TAPE_RUNS);
    call();
    CHECK(take_back(lent, name) > CAPTURE_HEAD);
    replay(name, &r);
    CHECK(r.datagrams + r.mails > 0);
    run(&p, MSEC(20), NULL);
    CHECK(stage.node.stats.workers[0].shard.rtp >= before + r.stats.rtp);
    sl_peer_fini(&p);
    node_stage_close(&stage);
    CHECK_INT(rmdir(stage.dir), 0);
}

/* The server ends, and its tapes with it. */
TEST(tape_ends_with_the_server)
{
    struct replay_report r;
    struct tape *lent;
    char name[TAPE_NAME];
    begin();
    CHECK_INT(lend(1, 0, &lent), TAPE_RUNS);
    stage.node.tapes[1] = lent;
    memcpy(name, lent->name, sizeof name);
    call();
    node_stage_close(&stage);
    replay(name, &r);
    CHECK(r.records > 0);
    CHECK_INT(rmdir(stage.dir), 0);
}

/* The worker on which it lives, that has more to do; it goes on as before. */
static unsigned owner_of(uint64_t transport)
{
    return sl_wiring_transport(sl_plane_wiring(stage.plane), transport)->owner;
}

enum { N = 40 };

static bool all_came(void)
{
    const struct worker_stats *w = stage.node.stats.workers;
    return w[0].shard.rtp + w[1].shard.rtp >= N;
}

TEST(tape_of_a_transport_in_use)
{
    static struct peer p, other;
    static const uint8_t payload[100] = {0xfc};
    struct rtp rtp = {.pt = PT, .ssrc = SSRC, .payload = {payload, sizeof payload}};
    struct tape *lent, *again;
    char name[TAPE_NAME], beside[TAPE_NAME], path[256];
    begin();
    uint64_t id = connect_one(&p), stranger = connect_one(&other);
    unsigned owner = owner_of(id);
    CHECK_INT(lend(1 - owner, id, &lent), TAPE_REFUSED); /* it does not live there */
    CHECK_INT(sl_tape_close(lent, stage.dir), 0);
    CHECK_INT(lend(owner, id, &lent), TAPE_RUNS);
    CHECK_INT(lend(owner_of(stranger), stranger, &again), TAPE_RUNS); /* beside it */
    for (uint32_t i = 0; i < N; i++) {
        sl_peer_send(&p, &rtp);
        run(&p, MSEC(1), NULL);
    }
    CHECK(node_stage_until(&stage, all_came));
    size_t n = take_back(lent, name), head = take_back(again, beside);
    CHECK(strstr(name, "transport-") == name && strstr(name, ".pcapng"));
    CHECK(n >= head + N * sizeof payload); /* of the other nothing was said */
    mode_t mode = 0;
    CHECK_INT(size_of(name, &mode), n);
    CHECK_INT(mode, 0600);
    CHECK_INT(unlink(node_stage_path(&stage, name, path)), 0);
    CHECK_INT(unlink(node_stage_path(&stage, beside, path)), 0);
    CHECK_INT(lend(owner, id, &lent), TAPE_RUNS);
    stage.ops.transport_close(stage.ops.ctx, id); /* and its trace ends by itself */
    CHECK_INT(said_of(lent), TAPE_OVER);
    memcpy(name, lent->name, sizeof name);
    CHECK(sl_tape_close(lent, stage.dir) > 0);
    CHECK_INT(unlink(node_stage_path(&stage, name, path)), 0);
    sl_peer_fini(&p);
    sl_peer_fini(&other);
    node_stage_close(&stage);
    CHECK_INT(rmdir(stage.dir), 0);
}
