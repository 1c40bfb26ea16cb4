#include "base/metric.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static double half(const void *user)
{
    return *(const double *)user / 2;
}

static const uint64_t bounds[] = {1000, 5000, 250000};

static const struct metric packets = {"sluice_packets_total", "Packets.", METRIC_COUNTER,
                                      0},
                           peers = {"sluice_peers", "Peers.", METRIC_GAUGE, 0},
                           delay = {"sluice_delay_seconds", "Delay.", METRIC_HISTOGRAM,
                                    1e-6},
                           odd = {"sluice_odd", "A \\ and\na \"line\".", METRIC_GAUGE, 0};

struct numbers {
    uint64_t a, b, peers;
    double three;
    struct histogram h;
};

static struct metrics *all(struct numbers *n)
{
    struct metrics *m = sl_metrics_new();
    *n = (struct numbers){.a = 5,
                          .b = UINT64_MAX,
                          .peers = 7,
                          .three = 3,
                          .h = {.n = LEN(bounds), .bounds = bounds}};
    struct metric_label w0[] = {{"worker", "0"}, {NULL, NULL}},
                        w1[] = {
                            {"worker", "1"}, {"path", "a\"b\\c\nd\xff"}, {NULL, NULL}};
    CHECK_INT(sl_metrics_add(m, &packets, w0, &n->a), E_OK);
    CHECK_INT(sl_metrics_add(m, &peers, NULL, &n->peers), E_OK);
    CHECK_INT(sl_metrics_add_histogram(m, &delay, w0, &n->h), E_OK);
    CHECK_INT(sl_metrics_add_fn(m, &odd, NULL, half, &n->three), E_OK);
    CHECK_INT(sl_metrics_add(m, &packets, w1, &n->b), E_OK);
    static const uint64_t delays[] = {0, 1000, 1001, 250000, 250001};
    for (size_t i = 0; i < LEN(delays); i++)
        sl_histogram_add(&n->h, delays[i]);
    return m;
}

TEST(metric_text)
{
    struct numbers n;
    struct metrics *m = all(&n);
    size_t len;
    char *text = sl_metrics_text(m, &len);
    static const char want[] =
        "# HELP sluice_packets_total Packets.\n"
        "# TYPE sluice_packets_total counter\n"
        "sluice_packets_total{worker=\"0\"} 5\n"
        "sluice_packets_total{worker=\"1\",path=\"a\\\"b\\\\c\\nd?\"} "
        "18446744073709551615\n"
        "# HELP sluice_peers Peers.\n"
        "# TYPE sluice_peers gauge\n"
        "sluice_peers 7\n"
        "# HELP sluice_delay_seconds Delay.\n"
        "# TYPE sluice_delay_seconds histogram\n"
        "sluice_delay_seconds_bucket{worker=\"0\",le=\"0.001\"} 2\n"
        "sluice_delay_seconds_bucket{worker=\"0\",le=\"0.005\"} 3\n"
        "sluice_delay_seconds_bucket{worker=\"0\",le=\"0.25\"} 4\n"
        "sluice_delay_seconds_bucket{worker=\"0\",le=\"+Inf\"} 5\n"
        "sluice_delay_seconds_sum{worker=\"0\"} 0.502002\n"
        "sluice_delay_seconds_count{worker=\"0\"} 5\n"
        "# HELP sluice_odd A \\\\ and\\na \"line\".\n"
        "# TYPE sluice_odd gauge\n"
        "sluice_odd 1.5\n";
    CHECK_INT(len, strlen(text));
    if (!span_is(span_of(text), want))
        check_fail(__FILE__, __LINE__, "%s", text);
    n.peers = 8;
    free(text);
    text = sl_metrics_text(m, &len);
    CHECK(strstr(text, "\nsluice_peers 8\n"));
    free(text);
    sl_metrics_free(m);
}

/* What Prometheus itself says to it, where it is installed. */
TEST(metric_text_pleases_promtool)
{
    if (access("/usr/bin/promtool", X_OK) != 0)
        return;
    struct numbers n;
    struct metrics *m = all(&n);
    size_t len;
    char *text = sl_metrics_text(m, &len);
    FILE *tool = popen("/usr/bin/promtool check metrics", "w");
    CHECK(tool && fwrite(text, 1, len, tool) == len);
    CHECK_INT(pclose(tool), 0);
    free(text);
    sl_metrics_free(m);
}

TEST(histogram_tells_what_part_of_all_does_not_exceed)
{
    static const struct {
        const char *name;
        uint64_t in[LEN(bounds)], above;
        double part, want;
    } rows[] = {
        {"nothing came", {0}, 0, 0.5, 0},
        {"half of the first bucket", {10}, 0, 0.5, 500},
        {"all of the first bucket", {10, 10}, 0, 0.5, 1000},
        {"a quarter into the third", {10, 0, 40}, 0, 0.4, 66250},
        {"everything, to the end of the last that has any", {1, 1}, 0, 1, 5000},
        {"beyond the last bound nothing is known", {1}, 99, 0.99, 250000},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct histogram h = {.n = LEN(bounds), .bounds = bounds, .above = rows[i].above};
        memcpy(h.in, rows[i].in, sizeof rows[i].in);
        check_row(rows[i].name);
        CHECK_INT((long long)(sl_histogram_at(&h, rows[i].part) * 1000 + 0.5),
                  (long long)(rows[i].want * 1000));
    }
}

TEST(metric_refuses)
{
    static const uint64_t n;
    struct metrics *m = sl_metrics_new();
    struct metric_label w0[] = {{"worker", "0"}, {NULL, NULL}},
                        five[] = {{"a", ""}, {"b", ""}, {"c", ""},
                                  {"d", ""}, {"e", ""}, {0}},
                        le[] = {{"le", "1"}, {NULL, NULL}},
                        dash[] = {{"a-b", ""}, {NULL}};
    CHECK_INT(sl_metrics_add(m, &packets, w0, &n), E_OK);
    CHECK_INT(sl_metrics_add(m, &packets, w0, &n), E_EXISTS);
    CHECK_INT(sl_metrics_add(m, &packets, NULL, &n), E_OK);
    struct metric other = packets;
    other.kind = METRIC_GAUGE;
    CHECK_INT(sl_metrics_add(m, &other, NULL, &n), E_EXISTS);
    other.name = "1st";
    CHECK_INT(sl_metrics_add(m, &other, NULL, &n), E_MALFORMED);
    other.name = "";
    CHECK_INT(sl_metrics_add(m, &other, NULL, &n), E_MALFORMED);
    CHECK_INT(sl_metrics_add(m, &peers, five, &n), E_FULL);
    CHECK_INT(sl_metrics_add(m, &peers, le, &n), E_MALFORMED);
    CHECK_INT(sl_metrics_add(m, &peers, dash, &n), E_MALFORMED);
    sl_metrics_free(m);
}

TEST(metric_text_grows)
{
    enum { SERIES = 2000 };
    static char values[SERIES][8];
    static const uint64_t n = 1;
    struct metrics *m = sl_metrics_new();
    size_t len, lines = 0;
    for (size_t i = 0; i < SERIES; i++) {
        (void)snprintf(values[i], sizeof values[i], "%zu", i);
        struct metric_label labels[] = {{"i", values[i]}, {NULL, NULL}};
        CHECK_INT(sl_metrics_add(m, &packets, labels, &n), E_OK);
    }
    char *text = sl_metrics_text(m, &len);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    CHECK_INT(lines, SERIES + 2);
    free(text);
    sl_metrics_free(m);
}

enum { ROUNDS = 100000 };

static void *owner(void *user)
{
    for (int i = 0; i < ROUNDS; i++)
        count_add(user, 1);
    return NULL;
}

/* A reader on another thread sees a number that only rises, and no half of one. */
TEST(metric_counts_are_read_by_other_threads)
{
    uint64_t n = 0, last = 0;
    pthread_t t;
    CHECK_INT(pthread_create(&t, NULL, owner, &n), 0);
    while (last < ROUNDS) {
        uint64_t now = count_get(&n);
        CHECK(now >= last);
        last = now;
    }
    CHECK_INT(pthread_join(t, NULL), 0);
    CHECK_INT(n, ROUNDS);
}
