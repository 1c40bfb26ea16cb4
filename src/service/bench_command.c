#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"

#include "bench/load.h"
#include "service/command.h"

struct options {
    struct load_conf load;
    struct load_phase phase;
    bool json;
};

static const char usage[] =
    "usage: sluice bench [OPTION...]\n"
    "       sluice bench rtcd [OPTION...]    calls of rtcd: see its --help\n\n"
    "Joins rooms of a server with many clients of WHIP and WHEP, sends, and tells what\n"
    "arrived. It should have a core of its own.\n\n"
    "  --url=URL          the server's public face (http://127.0.0.1:8080)\n"
    "  --token=TOKEN      a bearer token for all rooms\n"
    "  --room=NAME        rooms are called NAME0, NAME1, ... (bench)\n"
    "  --rooms=N          (1)\n"
    "  --publishers=N     in each room, at most 16 (1)\n"
    "  --subscribers=N    in each room, each sees all its publishers (1)\n"
    "  --audio            Opus instead of VP8\n"
    "  --rate=N           bursts a second of each publisher (30; audio: 50)\n"
    "  --burst=N          packets in a burst, at most 32 (8; audio: 1)\n"
    "  --size=N           octets of payload, 40 to 1300 (1100; audio: 100)\n"
    "  --profile=NAME     of SRTP: aes128-gcm, aes256-gcm, aes128-cm-sha1-80 (the "
    "first)\n"
    "  --plain            subscribers tell nobody what their paths carry\n"
    "  --duration=N       seconds that count (10)\n"
    "  --settle=N         seconds before that (1)\n"
    "  --json             the result as JSON\n";

static const struct {
    const char *name;
    enum srtp_profile profile;
} profiles[] = {
    {"aes128-gcm", SRTP_GCM_128},
    {"aes256-gcm", SRTP_GCM_256},
    {"aes128-cm-sha1-80", SRTP_CM_SHA1_80},
};

enum { PROFILES = sizeof profiles / sizeof profiles[0], SECONDS_MAX = 86400 };

static bool number(const char *text, uint64_t max, unsigned *ret)
{
    uint64_t v = 0;
    if (!word_number(span_of(text), max, &v))
        return false;
    *ret = (unsigned)v;
    return true;
}

static bool seconds(const char *text, usec *ret)
{
    unsigned v = 0;
    bool ok = number(text, SECONDS_MAX, &v);
    *ret = SEC(v);
    return ok;
}

static bool profile(const char *text, enum srtp_profile *ret)
{
    for (size_t i = 0; i < PROFILES; i++)
        if (strcmp(text, profiles[i].name) == 0) {
            *ret = profiles[i].profile;
            return true;
        }
    return false;
}

static bool set(struct options *o, int c)
{
    switch (c) {
    case 'u': o->load.url = optarg; return true;
    case 't': o->load.token = optarg; return true;
    case 'o': o->load.room = optarg; return true;
    case 'r': return number(optarg, LOAD_CLIENTS_MAX, &o->load.rooms);
    case 'p': return number(optarg, LOAD_PUBLISHERS_MAX, &o->load.publishers);
    case 's': return number(optarg, LOAD_CLIENTS_MAX, &o->load.subscribers);
    case 'a': o->phase.audio = true; return true;
    case 'f': return number(optarg, 10000, &o->phase.rate_hz);
    case 'b': return number(optarg, SOURCE_BURST_MAX, &o->phase.burst);
    case 'z': return number(optarg, SOURCE_SIZE_MAX, &o->phase.size);
    case 'l': o->load.plain = true; return true;
    case 'P': return profile(optarg, &o->load.profile);
    case 'd': return seconds(optarg, &o->phase.duration);
    case 'e': return seconds(optarg, &o->phase.settle);
    case 'j': o->json = true; return true;
    default: return false;
    }
}

/* Returns 0, or what the program ends with, plus one. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option all[] = {
        {"url", required_argument, NULL, 'u'},
        {"token", required_argument, NULL, 't'},
        {"room", required_argument, NULL, 'o'},
        {"rooms", required_argument, NULL, 'r'},
        {"publishers", required_argument, NULL, 'p'},
        {"subscribers", required_argument, NULL, 's'},
        {"audio", no_argument, NULL, 'a'},
        {"rate", required_argument, NULL, 'f'},
        {"burst", required_argument, NULL, 'b'},
        {"size", required_argument, NULL, 'z'},
        {"profile", required_argument, NULL, 'P'},
        {"plain", no_argument, NULL, 'l'},
        {"duration", required_argument, NULL, 'd'},
        {"settle", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "", all, NULL)) != -1;) {
        if (c == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS + 1;
        }
        if (c == '?')
            return EXIT_FAILURE + 1;
        if (!set(o, c)) {
            (void)fprintf(stderr, "sluice bench: '%s' is no value for %s\n", optarg,
                          argv[optind - 1]);
            return EXIT_FAILURE + 1;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "sluice bench: what is '%s'?\n", argv[optind]);
        return EXIT_FAILURE + 1;
    }
    o->load.audio = o->phase.audio;
    o->load.video = !o->phase.audio;
    o->phase.rooms = o->load.rooms;
    if (o->phase.rate_hz == 0)
        o->phase.rate_hz = o->phase.audio ? 50 : 30;
    if (o->phase.burst == 0)
        o->phase.burst = o->phase.audio ? 1 : 8;
    if (o->phase.size == 0)
        o->phase.size = o->phase.audio ? 100 : 1100;
    return 0;
}

static void print_json(const struct load_joined *j, const struct load_result *r)
{
    const struct quantiles *d = &r->counts.delay;
    (void)printf("{\"clients\": %u, \"join_s\": %.3f, \"duration_s\": %.3f, "
                 "\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"lost\": %" PRIu64
                 ", \"late\": %" PRIu64 ", \"bad\": %" PRIu64 ", \"octets\": %" PRIu64
                 ", \"unanswered_checks\": %" PRIu64 ", \"overruns\": %" PRIu64
                 ", \"delay_us\": {\"p50\": %" PRIu64 ", \"p95\": %" PRIu64
                 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64 "}}\n",
                 j->clients, (double)j->duration / 1e6, (double)r->duration / 1e6,
                 r->sent, r->counts.packets, r->lost, r->counts.late, r->counts.bad,
                 r->counts.octets, r->unanswered, r->overruns, sl_quantiles_at(d, 500),
                 sl_quantiles_at(d, 950), sl_quantiles_at(d, 990), d->max);
}

static void print_text(const struct load_joined *j, const struct load_result *r)
{
    const struct quantiles *d = &r->counts.delay;
    double s = (double)r->duration / 1e6;
    (void)printf("joined    %u clients in %.2f s, %.0f a second\n", j->clients,
                 (double)j->duration / 1e6,
                 j->duration > 0 ? j->clients * 1e6 / (double)j->duration : 0);
    (void)printf("sent      %" PRIu64 " packets by publishers\n", r->sent);
    (void)printf("received  %" PRIu64 " packets, %.0f a second, %.1f Mbit/s\n",
                 r->counts.packets, (double)r->counts.packets / s,
                 (double)r->counts.octets * 8 / 1e6 / s);
    (void)printf("lost      %" PRIu64 " of %" PRIu64 "; out of order %" PRIu64
                 ", not as sent %" PRIu64 ", checks without answer %" PRIu64 "\n",
                 r->lost, r->expected, r->counts.late, r->counts.bad, r->unanswered);
    (void)printf("delay     p50 %" PRIu64 ", p95 %" PRIu64 ", p99 %" PRIu64
                 ", max %" PRIu64 " microseconds\n",
                 sl_quantiles_at(d, 500), sl_quantiles_at(d, 950),
                 sl_quantiles_at(d, 990), d->max);
    if (r->overruns > 0)
        (void)printf("warning   %" PRIu64 " bursts left late: this side is too slow\n",
                     r->overruns);
}

int sl_command_bench(int argc, char **argv)
{
    struct options o = {.load = {.url = "http://127.0.0.1:8080",
                                 .room = "bench",
                                 .rooms = 1,
                                 .publishers = 1,
                                 .subscribers = 1,
                                 .profile = SRTP_GCM_128},
                        .phase = {.settle = SEC(1), .duration = SEC(10)}};
    struct load *l = NULL;
    struct load_joined joined;
    struct load_result result;
    char error[LOAD_ERROR_MAX] = "";
    if (argc > 1 && strcmp(argv[1], "rtcd") == 0)
        return sl_command_bench_rtcd(argc - 1, argv + 1);
    int done = read_options(argc, argv, &o);
    if (done)
        return done - 1;
    enum err e = sl_load_new(&o.load, &l, error);
    if (!e) {
        assert(l);
        e = sl_load_join(l, &joined, error);
    }
    if (!e)
        e = sl_load_run(l, &o.phase, NULL, NULL, &result, error);
    if (l)
        sl_load_leave(l);
    sl_load_free(l);
    if (e) {
        (void)fprintf(stderr, "sluice bench: %s\n", error);
        return EXIT_FAILURE;
    }
    if (o.json)
        print_json(&joined, &result);
    else
        print_text(&joined, &result);
    return result.lost > 0 || result.counts.bad > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
