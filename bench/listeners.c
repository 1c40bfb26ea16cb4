/*
 * Ten thousand listeners of one talker: what each costs, and whether all of them hear everything.
 *
 *     listeners SERVER JSON [--check] [--only=N]
 *
 * The server has one worker and, with all its threads, one core; the load generator (src/bench)
 * another. All come by WHEP, ICE and DTLS, without data channels, into one room. Then one talks:
 * for a minute in packets of 60 ms, with all of them answering as browsers do; then, for what
 * it tells, in packets of 20 ms. Memory is what the server has grown by with all connected,
 * after that minute. --only=N: so many listeners. Those with a data channel:
 * tests/interop/rtcd/listeners.go.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/load.h"
#include "measure.h"
#include "rows.h"
#include "server.h"

enum {
    LISTENERS = 10000,
    VOICE = 100,       /* octets of payload */
    SPARSE_HZ = 17,    /* packets of 60 ms, and a little more often */
    DENSE_HZ = 50,     /* of 20 ms */
    MEMORY_BAR = 40000 /* octets, user's and kernel's */
};

struct bench {
    struct rows rows;
    struct server server;
    struct load *load;
    unsigned n;
};

static bool talk(struct bench *b, const char *how, unsigned hz, usec span, double bar)
{
    const struct load_phase p = {.rooms = 1,
                                 .audio = true,
                                 .burst = 1,
                                 .size = VOICE,
                                 .rate_hz = hz,
                                 .settle = SEC(2),
                                 .duration = span};
    char name[ROW_NAME_MAX];
    struct measured m;
    if (!measure(b->load, &b->server, &p, &m))
        return false;
    (void)snprintf(name, sizeof name, "%s: packets lost", how);
    rows_say(&b->rows, name, "packets", (double)m.lost, bar, "of %.0f",
             (double)hz * (double)span / SEC(1) * b->n);
    (void)snprintf(name, sizeof name, "%s: server", how);
    rows_say(&b->rows, name, "% of a core", m.load * 100, 0,
             "%.0f ns for each packet; %.2f datagrams "
             "received for each",
             m.ns, m.extra);
    (void)snprintf(name, sizeof name, "%s: delay p50", how);
    rows_say(&b->rows, name, "us", (double)m.p50, 0,
             "to send one packet to all takes %.0f ms", m.ns * b->n / 1e6);
    (void)snprintf(name, sizeof name, "%s: delay p99", how);
    rows_say(&b->rows, name, "us", (double)m.p99, 0, "max %.1f ms; %.1f %% left late",
             (double)m.max / 1e3, m.late * 100);
    return true;
}

static bool run(struct bench *b)
{
    struct load_joined joined;
    char error[LOAD_ERROR_MAX];
    double user = (double)server_resident(&b->server);
    double kernel = (double)server_kernel(&b->server);
    if (sl_load_join(b->load, &joined, error) != E_OK) {
        (void)fprintf(stderr, "listeners: %s\n", error);
        return false;
    }
    rows_say(&b->rows, "listeners that joined", "1/s",
             joined.clients * 1e6 / (double)joined.duration, 0,
             "%u, one after the other, from one thread", b->n);
    if (!talk(b, "60 ms", SPARSE_HZ, SEC(60), 0.5))
        return false;
    user = ((double)server_resident(&b->server) - user) / b->n;
    kernel = ((double)server_kernel(&b->server) - kernel) / b->n;
    rows_say(&b->rows, "memory of a listener, user", "octets", user, 0,
             "growth of the process");
    rows_say(&b->rows, "memory of a listener, kernel", "octets", kernel, 0, "%s",
             b->server.group.path[0] ? "growth of what is charged to its cgroup"
                                     : "of its page tables; for all of it be root");
    rows_say(&b->rows, "memory of a listener", "octets", user + kernel, MEMORY_BAR,
             "with all connected; no data channel");
    return talk(b, "20 ms", DENSE_HZ, SEC(10), 0);
}

int main(int argc, char **argv)
{
    static struct bench b = {.n = LISTENERS};
    char error[LOAD_ERROR_MAX];
    if (argc < 3) {
        (void)fprintf(stderr, "usage: listeners SERVER JSON [--check] [--only=N]\n");
        return EXIT_FAILURE;
    }
    const struct rows_options o = rows_options(argc, argv, 3);
    if (o.only)
        b.n = (unsigned)strtoul(o.only, NULL, 10);
    bool pinned = measure_place();
    if (!server_start(&b.server, argv[1], "127.0.0.1", pinned ? SERVER_CORE : -1))
        return EXIT_FAILURE;
    const struct load_conf conf = {.url = b.server.url,
                                   .room = "listeners",
                                   .rooms = 1,
                                   .publishers = 1,
                                   .subscribers = b.n,
                                   .audio = true,
                                   .profile = SRTP_GCM_128};
    rows_head();
    bool ok = sl_load_new(&conf, &b.load, error) == E_OK;
    if (!ok)
        (void)fprintf(stderr, "listeners: %s\n", error);
    ok = ok && run(&b);
    sl_load_free(b.load);
    server_stop(&b.server);
    return ok ? rows_conclude(&b.rows, argv[2], o.check) : EXIT_FAILURE;
}
