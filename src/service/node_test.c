#include "service/node.h"

#include <time.h>

#include "check.h"
#include "free_port.h"
#include "sfu/mail.h"

enum { WORKERS = 2 };

static struct node_conf conf_of(void)
{
    return (struct node_conf){
        .at = {addr_v4(127, 0, 0, 1, free_port())},
        .at_n = 1,
        .workers = WORKERS,
        .packets = 64,
        .socket_buffer = 1 << 16,
        .profiles = {SRTP_GCM_128},
        .profiles_n = 1,
        .srtp = sl_srtp_backend_best(),
        .handshakes_per_s = 10,
        .handshakes_pending = 10,
    };
}

static void no_bell(void *ctx)
{
    (void)ctx; /* this thread looks by itself */
}

/* Takes answers until all threads have told what they counted, or half a minute passed. */
static void wait_for_answers(struct node *n)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 30000 && n->stats_asked > 0; i++) {
        struct mail m;
        unsigned from;
        while (sl_post_take(n->post, SHARD_TO_CONTROL, &from, &m))
            sl_node_answered(n, &m);
        (void)nanosleep(&pause, NULL);
    }
}

TEST(node_tells_what_its_threads_counted)
{
    static struct node n;
    struct node_conf conf = conf_of();
    CHECK_INT(sl_node_init(&n, &conf), E_OK);
    sl_post_bell(n.post, SHARD_TO_CONTROL, no_bell, NULL);
    CHECK_INT(sl_node_start(&n), E_OK);
    sl_node_ask(&n);
    CHECK_INT(n.stats_asked, WORKERS + 1);
    sl_node_ask(&n); /* they still owe an answer, so nothing is asked */
    CHECK_INT(n.stats_asked, WORKERS + 1);
    wait_for_answers(&n);
    CHECK_INT(n.stats_asked, 0);
    for (size_t i = 0; i < WORKERS; i++)
        CHECK(n.stats.workers[i].cpu_ns > 0);
    CHECK(n.stats.assoc.cpu_ns > 0);
    sl_node_fini(&n);
}

TEST(node_takes_no_port_of_another)
{
    static struct node first, second;
    struct node_conf conf = conf_of();
    CHECK_INT(sl_node_init(&first, &conf), E_OK);
    CHECK_INT(sl_node_init(&second, &conf), E_EXISTS);
    sl_node_fini(&second);
    sl_node_fini(&first);
}
