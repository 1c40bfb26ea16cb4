#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/word.h"

#include "bench/quantiles.h"
#include "net/loop.h"
#include "service/command.h"
#include "sluice/sluice.h"

/* Calls of rtcd's sessions, as many as are asked for, by the client that anybody has. */

enum {
    SESSIONS_MAX = 5000,
    IN_CALL_MAX = 128, /* what a session may see of others */
    SECONDS_MAX = 86400,
    MARK = 0x736c6332,
    PAYLOAD = 100,
    VOICE_HZ = 50,
};
#define JOIN_PATIENCE SEC(60)
#define DRAIN         SEC(5) /* what is under way when sending ends comes by then, or is lost */
#define LEAVE         MSEC(500) /* what was said last is sent */

struct options {
    const char *url, *id, *key, *admin_key, *ca, *pin;
    unsigned calls, sessions, speakers;
    usec duration, settle;
    bool json;
};

struct bench;

struct session {
    struct bench *bench;
    struct sluice_call *call;
    char name[48], of[32];
    bool speaks;
    bool heard[IN_CALL_MAX]; /* by whom of its call was spoken */
};

struct bench {
    struct options o;
    struct sluice_client *client;
    struct session *sessions;
    unsigned n;
    atomic_uint up, tracks, ended, heard;
    _Atomic usec begin, end; /* of what counts, by when it was sent */
    uint64_t sent;
    _Atomic uint64_t received;
    /* Of the client's thread; to be read once that is gone. */
    uint64_t wrong;
    struct quantiles delay;
};

static const char usage[] =
    "usage: sluice bench rtcd --id=CLIENT --key=KEY [OPTION...]\n\n"
    "Makes calls through a server's private face as a back end of rtcd's does, with "
    "real\n"
    "sessions whose voices are sent and received, and tells what arrived. It should have "
    "a\n"
    "core of its own.\n\n"
    "  --url=URL          the server's private face (http://127.0.0.1:8045)\n"
    "  --id=CLIENT        who this is to the server; registered if it is not known\n"
    "  --key=KEY          of 32 to 72 octets\n"
    "  --admin-key=KEY    to register with, where not everybody may\n"
    "  --ca=FILE          with https: who signs certificates (those whom this machine "
    "trusts)\n"
    "  --pin=SHA256       with https: the server's certificate\n"
    "  --calls=N          (1)\n"
    "  --sessions=N       in each call, at most 128 (10)\n"
    "  --speakers=N       of them, who talk (3)\n"
    "  --duration=N       seconds that count (10)\n"
    "  --settle=N         seconds before that (2)\n"
    "  --json             the result as JSON\n";

/* ---- sessions ---- */

static void on_up(void *ctx)
{
    struct session *s = ctx;
    s->bench->up++;
}

static void *on_track(void *ctx, const struct sluice_track *t, bool begins)
{
    struct session *s = ctx;
    (void)t;
    if (begins)
        s->bench->tracks++;
    return NULL;
}

static void on_packet(void *ctx, const struct sluice_track *t,
                      const struct sluice_packet *p)
{
    struct session *s = ctx;
    struct bench *b = s->bench;
    struct rd r = rd_of((struct span){p->payload, p->n});
    (void)t;
    (void)rd_u8(&r);
    uint32_t mark = rd_u32(&r);
    uint8_t nth = rd_u8(&r);
    usec at = (usec)rd_u64(&r), begin = b->begin, now = sl_loop_now();
    if (r.bad || mark != MARK || nth >= IN_CALL_MAX || p->n != PAYLOAD) {
        b->wrong++;
        return;
    }
    if (!s->heard[nth]) {
        s->heard[nth] = true;
        b->heard++;
    }
    if (begin == 0 || at < begin || (b->end > 0 && at >= b->end))
        return;
    b->received++;
    sl_quantiles_add(&b->delay, now > at ? (uint64_t)(now - at) : 0);
}

static void on_ended(void *ctx, const char *why)
{
    const struct session *s = ctx;
    (void)fprintf(stderr, "sluice bench rtcd: %s: %s\n", s->name, why);
    s->bench->ended++;
}

static enum sluice_err join(struct bench *b, unsigned i)
{
    struct session *s = &b->sessions[i];
    unsigned nth = i % b->o.sessions;
    *s = (struct session){.bench = b, .speaks = nth < b->o.speakers};
    (void)snprintf(s->of, sizeof s->of, "bench%u", i / b->o.sessions);
    (void)snprintf(s->name, sizeof s->name, "%s-%u", s->of, nth);
    const struct sluice_call_conf conf = {.call = s->of,
                                          .user = s->name,
                                          .session = s->name,
                                          .ctx = s,
                                          .up = on_up,
                                          .track = on_track,
                                          .packet = on_packet,
                                          .ended = on_ended};
    return sluice_call_join(b->client, &conf, &s->call);
}

/* ---- phases ---- */

static void rest_until(usec at)
{
    usec left = at - sl_loop_now();
    if (left > 0)
        (void)nanosleep(&(struct timespec){.tv_sec = left / SEC(1),
                                           .tv_nsec = (long)(left % SEC(1)) * 1000},
                        NULL);
}

/* All are connected, and each hears of all others. */
static bool settle(const struct bench *b)
{
    unsigned tracks = b->n * (b->o.sessions - 1);
    usec until = sl_loop_now() + JOIN_PATIENCE;
    while ((b->up < b->n || b->tracks < tracks) && b->ended == 0 && sl_loop_now() < until)
        rest_until(sl_loop_now() + MSEC(20));
    if (b->up == b->n && b->tracks >= tracks)
        return true;
    (void)fprintf(stderr,
                  "sluice bench rtcd: %u of %u sessions connected, %u of %u tracks\n",
                  b->up, b->n, b->tracks, tracks);
    return false;
}

static void talk(struct bench *b, uint32_t nth, usec now)
{
    uint8_t payload[PAYLOAD] = {0x78};
    const struct sluice_packet p = {
        .payload = payload, .n = sizeof payload, .timestamp = nth * (48000 / VOICE_HZ)};
    for (unsigned i = 0; i < b->n; i++) {
        struct wr w = wr_of(payload + 1, sizeof payload - 1);
        wr_u32(&w, MARK);
        wr_u8(&w, (uint8_t)(i % b->o.sessions));
        wr_u64(&w, (uint64_t)now);
        if (b->sessions[i].speaks &&
            sluice_call_send(b->sessions[i].call, SLUICE_VOICE, &p) == SLUICE_OK &&
            b->begin > 0)
            b->sent++;
    }
}

static uint64_t expected(const struct bench *b)
{
    return b->sent * (b->o.sessions - 1);
}

/* It counts once all have heard all who speak: a track that was told of is heard when its
 * description has been answered. */
static void run(struct bench *b)
{
    unsigned speakers = b->o.speakers < b->o.sessions ? b->o.speakers : b->o.sessions;
    unsigned voices = b->o.calls * speakers * (b->o.sessions - 1);
    usec begun = sl_loop_now(), counts = 0;
    for (uint32_t i = 0;; i++) {
        rest_until(begun + (usec)i * SEC(1) / VOICE_HZ);
        usec now = sl_loop_now();
        if (counts == 0 && (b->heard == voices || now >= begun + JOIN_PATIENCE))
            counts = now + b->o.settle;
        if (counts > 0 && now >= counts + b->o.duration)
            break;
        if (counts > 0 && b->begin == 0 && now >= counts)
            b->begin = now;
        talk(b, i, now);
    }
    b->end = sl_loop_now();
    while (b->received < expected(b) && sl_loop_now() < b->end + DRAIN)
        rest_until(sl_loop_now() + MSEC(20));
}

static void leave(struct bench *b)
{
    for (unsigned i = 0; i < b->n; i++)
        sluice_call_leave(b->sessions[i].call);
    rest_until(sl_loop_now() + LEAVE);
    sluice_client_free(b->client);
}

/* ---- options and results ---- */

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

static bool set(struct options *o, int c)
{
    switch (c) {
    case 'u': o->url = optarg; return true;
    case 'i': o->id = optarg; return true;
    case 'k': o->key = optarg; return true;
    case 'a': o->admin_key = optarg; return true;
    case 'f': o->ca = optarg; return true;
    case 'p': o->pin = optarg; return true;
    case 'c': return number(optarg, SESSIONS_MAX, &o->calls) && o->calls > 0;
    case 's': return number(optarg, IN_CALL_MAX, &o->sessions) && o->sessions > 0;
    case 't': return number(optarg, IN_CALL_MAX, &o->speakers);
    case 'd': return seconds(optarg, &o->duration);
    case 'e': return seconds(optarg, &o->settle);
    case 'j': o->json = true; return true;
    default: return false;
    }
}

/* Returns 0, or what the program ends with, plus one. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option all[] = {
        {"url", required_argument, NULL, 'u'},
        {"id", required_argument, NULL, 'i'},
        {"key", required_argument, NULL, 'k'},
        {"admin-key", required_argument, NULL, 'a'},
        {"ca", required_argument, NULL, 'f'},
        {"pin", required_argument, NULL, 'p'},
        {"calls", required_argument, NULL, 'c'},
        {"sessions", required_argument, NULL, 's'},
        {"speakers", required_argument, NULL, 't'},
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
        if (set(o, c))
            continue;
        (void)fprintf(stderr, "sluice bench rtcd: '%s' is no value for %s\n", optarg,
                      argv[optind - 1]);
        return EXIT_FAILURE + 1;
    }
    if (optind == argc && o->id && o->key && o->calls * o->sessions <= SESSIONS_MAX)
        return 0;
    (void)fputs(usage, stderr);
    return EXIT_FAILURE + 1;
}

static void print(const struct bench *b, usec joined)
{
    const struct quantiles *d = &b->delay;
    uint64_t sent = expected(b), received = b->received;
    uint64_t lost = sent > received ? sent - received : 0;
    if (b->o.json) {
        (void)printf("{\"sessions\": %u, \"join_s\": %.3f, \"sent\": %" PRIu64
                     ", \"received\": %" PRIu64 ", \"lost\": %" PRIu64
                     ", \"bad\": %" PRIu64 ", \"delay_us\": {\"p50\": %" PRIu64
                     ", \"p95\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64
                     "}}\n",
                     b->n, (double)joined / 1e6, b->sent, received, lost, b->wrong,
                     sl_quantiles_at(d, 500), sl_quantiles_at(d, 950),
                     sl_quantiles_at(d, 990), d->max);
        return;
    }
    (void)printf("joined    %u sessions in %.2f s, each with all voices of its call\n",
                 b->n, (double)joined / 1e6);
    (void)printf("sent      %" PRIu64 " packets of voices\n", b->sent);
    (void)printf("received  %" PRIu64 " of %" PRIu64 " packets, lost %" PRIu64
                 ", not as sent %" PRIu64 "\n",
                 received, sent, lost, b->wrong);
    (void)printf("delay     p50 %" PRIu64 ", p95 %" PRIu64 ", p99 %" PRIu64
                 ", max %" PRIu64 " microseconds, to this program\n",
                 sl_quantiles_at(d, 500), sl_quantiles_at(d, 950),
                 sl_quantiles_at(d, 990), d->max);
}

int sl_command_bench_rtcd(int argc, char **argv)
{
    static struct bench b;
    char error[SLUICE_ERROR_MAX] = "";
    b = (struct bench){.o = {.url = "http://127.0.0.1:8045",
                             .calls = 1,
                             .sessions = 10,
                             .speakers = 3,
                             .duration = SEC(10),
                             .settle = SEC(2)}};
    int done = read_options(argc, argv, &b.o);
    if (done)
        return done - 1;
    const struct sluice_client_conf conf = {.url = b.o.url,
                                            .id = b.o.id,
                                            .key = b.o.key,
                                            .ca = b.o.ca,
                                            .pin = b.o.pin,
                                            .registers = true,
                                            .admin_key = b.o.admin_key};
    b.n = b.o.calls * b.o.sessions;
    b.sessions = calloc(b.n, sizeof *b.sessions);
    if (!b.sessions || sluice_client_connect(&conf, &b.client, error) != SLUICE_OK) {
        (void)fprintf(stderr, "sluice bench rtcd: %s\n", error);
        free(b.sessions);
        return EXIT_FAILURE;
    }
    usec begun = sl_loop_now();
    bool good = true;
    for (unsigned i = 0; good && i < b.n; i++)
        good = join(&b, i) == SLUICE_OK;
    good = good && settle(&b);
    usec joined = sl_loop_now() - begun;
    if (good)
        run(&b);
    leave(&b);
    free(b.sessions);
    if (good)
        print(&b, joined);
    return good && b.wrong == 0 && b.received == expected(&b) ? EXIT_SUCCESS
                                                              : EXIT_FAILURE;
}
