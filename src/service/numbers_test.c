#include "service/numbers.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { WORKERS = 2 };

/* Everything that is counted in one process, with a few numbers of its own. */
struct all {
    struct node node;
    struct rooms_stats rooms;
    struct face face;
    struct httpd_stats public_face, private_face;
};

static char *text_of(const struct all *a)
{
    const struct numbers_of of = {&a->node, &a->rooms, &a->face, &a->public_face,
                                  &a->private_face};
    struct metrics *m = sl_metrics_new();
    size_t len = 0;
    CHECK_INT(sl_numbers_add(m, &of), E_OK);
    char *text = sl_metrics_text(m, &len);
    sl_metrics_free(m);
    return text;
}

TEST(numbers_each_is_there_under_its_name)
{
    static struct all a;
    static const char *const lines[] = {
        "\nsluice_forwarded_packets_total{worker=\"0\"} 7\n",
        "\nsluice_forwarded_packets_total{worker=\"1\"} 8\n",
        "\nsluice_dropped_total{worker=\"1\",reason=\"srtp_auth\"} 9\n",
        "\nsluice_worker_cpu_seconds_total{worker=\"0\"} 1.5\n",
        "\nsluice_limited_consumers{worker=\"1\",cause=\"viewport\"} 6\n",
        "\nsluice_dtls_handshakes_done_total 10\n",
        "\nsluice_publishers 11\n",
        "\nsluice_http_requests_total{face=\"private\"} 12\n",
        "\nsluice_http_requests_total{face=\"public\"} 13\n",
        "\nsluice_forward_delay_seconds_bucket{worker=\"1\",le=\"1.6e-05\"} 14\n",
        "\nsluice_forward_delay_seconds_bucket{worker=\"1\",le=\"+Inf\"} 15\n",
        "\nsluice_forward_delay_seconds_sum{worker=\"1\"} 2\n",
    };
    memset(&a, 0, sizeof a);
    a.node.conf.workers = WORKERS;
    a.node.stats.workers[0].shard.forwarded = 7;
    a.node.stats.workers[1].shard.forwarded = 8;
    a.node.stats.workers[1].shard.srtp_auth = 9;
    a.node.stats.workers[1].shard.causes[ALLOCATE_VIEWPORT] = 6;
    a.node.stats.workers[0].cpu_ns = 1500000000;
    a.node.stats.assoc.assoc.up = 10;
    a.rooms.publishers = 11;
    a.private_face.requests = 12;
    a.public_face.requests = 13;
    struct histogram *h = &a.node.stats.workers[1].shard.delay;
    *h = sl_delay_histogram();
    h->in[0] = 14;
    h->above = 1;
    h->sum = 2000000;
    char *text = text_of(&a);
    for (size_t i = 0; i < LEN(lines); i++) {
        check_row(lines[i] + 1);
        CHECK(text && strstr(text, lines[i]));
    }
    CHECK(text && !strstr(text, "worker=\"2\""));
    free(text);
}
