/*
 * Rooms: conferences in which everybody sends a voice and a picture and receives all others,
 * many small rooms at once, and people who come and go all the time.
 *
 * Clients are those of libsluice, with real connections; they come by the API of rtcd, which is one
 * of the ways into the same rooms. All run in one thread here: what it can take bounds the rates.
 */

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/quantiles.h"
#include "net/loop.h"
#include "rows.h"
#include "server.h"
#include "sluice/sluice.h"

#define KEY "a key of this benchmark, which is long enough"

enum {
    PEOPLE_MAX = 3000,
    VOICE = 100, /* octets of payload */
    PICTURE = 1000,
    SMALL_ROOM = 3,
    WIDE = 10, /* people, up to whom any estimate has room for all pictures */
    CHURN_A_MINUTE = 5000,
    ROUNDS = 15, /* of them, whose memory is compared */
};
#define PATIENCE SEC(60) /* bounds a failure only */

/* A participant. seen: tracks of others that it has now. */
struct person {
    struct sluice_call *call;
    char name[32], room[32];
    usec begun;
    unsigned others; /* tracks that were there when it came */
    atomic_uint seen;
    atomic_bool up;
    _Atomic usec done; /* when it was connected and had all of them; 0: not yet */
};

struct bench {
    struct rows rows;
    unsigned only; /* of conferences, the one of so many; 0: everything */
    struct server server;
    struct sluice_client *client;
    struct person people[PEOPLE_MAX];
    unsigned n, born; /* places in use; all that ever came */
    atomic_ullong received[SLUICE_MEDIA];
    atomic_uint ended;
};

static struct bench b;

static void rest_until(usec at)
{
    usec left = at - sl_loop_now();
    if (left > 0)
        (void)nanosleep(&(struct timespec){.tv_sec = left / SEC(1),
                                           .tv_nsec = (long)(left % SEC(1)) * 1000},
                        NULL);
}

/* ---- people ---- */

static void look(struct person *p)
{
    usec no = 0;
    if (p->up && p->seen >= p->others)
        (void)atomic_compare_exchange_strong(&p->done, &no, sl_loop_now());
}

static void on_up(void *ctx)
{
    struct person *p = ctx;
    p->up = true;
    look(p);
}

static void *on_track(void *ctx, const struct sluice_track *t, bool begins)
{
    struct person *p = ctx;
    (void)t;
    if (begins)
        p->seen++;
    else
        p->seen--;
    look(p);
    return NULL;
}

static void on_packet(void *ctx, const struct sluice_track *t,
                      const struct sluice_packet *p)
{
    (void)ctx, (void)p;
    b.received[t->medium]++;
}

static void on_ended(void *ctx, const char *why)
{
    const struct person *p = ctx;
    (void)fprintf(stderr, "rooms: %s: %s\n", p->name, why);
    b.ended++;
}

/* others: who is in the room. */
static bool join(struct person *p, unsigned room, unsigned others)
{
    const struct sluice_call_conf conf = {.call = p->room,
                                          .user = p->name,
                                          .session = p->name,
                                          .camera = true,
                                          .ctx = p,
                                          .up = on_up,
                                          .track = on_track,
                                          .packet = on_packet,
                                          .ended = on_ended};
    (void)snprintf(p->room, sizeof p->room, "room%u", room);
    (void)snprintf(p->name, sizeof p->name, "p%u", b.born++);
    p->others = others * 2; /* a voice and a picture of each */
    p->seen = 0;
    p->up = false;
    p->done = 0;
    p->begun = sl_loop_now();
    return sluice_call_join(b.client, &conf, &p->call) == SLUICE_OK;
}

static bool is_done(const struct person *p)
{
    return p->done != 0;
}

static bool sees_room(const struct person *p, unsigned size)
{
    return p->up && p->seen == (size - 1) * 2;
}

static bool wait_for(const struct person *p, unsigned n, unsigned size)
{
    usec until = sl_loop_now() + PATIENCE;
    for (unsigned i = 0; i < n; i++)
        while (size ? !sees_room(&p[i], size) : !is_done(&p[i])) {
            if (b.ended > 0 || sl_loop_now() > until) {
                (void)fprintf(stderr, "rooms: %s: up %d, %u tracks of %u\n", p[i].name,
                              p[i].up, p[i].seen, p[i].others);
                return false;
            }
            rest_until(sl_loop_now() + MSEC(1));
        }
    return true;
}

static void leave_all(void)
{
    for (unsigned i = 0; i < b.n; i++)
        sluice_call_leave(b.people[i].call);
    b.n = 0;
}

/* All rooms have ended, and what was theirs was let go. */
static bool settled(void)
{
    usec until = sl_loop_now() + PATIENCE;
    while (server_metric(&b.server, "sluice_rooms") > 0 ||
           server_metric(&b.server, "sluice_members") > 0) {
        if (sl_loop_now() > until)
            return false;
        rest_until(sl_loop_now() + MSEC(20));
    }
    return true;
}

/* ---- media ---- */

static uint64_t send_all(enum sluice_medium medium, size_t octets, uint32_t ts)
{
    static uint8_t payload[PICTURE] = {0x10}; /* of VP8, a key frame: RFC 7741 §4.3 */
    const struct sluice_packet p = {
        .payload = payload, .n = octets, .timestamp = ts, .marker = true};
    uint64_t sent = 0;
    for (unsigned i = 0; i < b.n; i++)
        sent += sluice_call_send(b.people[i].call, medium, &p) == SLUICE_OK;
    return sent;
}

/* Everybody sends so many voices and pictures a second. sent: all of each medium. */
static void talk(unsigned voice_hz, unsigned picture_hz, usec span,
                 uint64_t sent[SLUICE_MEDIA])
{
    usec begun = sl_loop_now(), end = begun + span;
    unsigned voices = 0, pictures = 0;
    sent[SLUICE_VOICE] = sent[SLUICE_CAMERA] = 0;
    for (;;) {
        usec v = begun + voices * SEC(1) / voice_hz;
        usec p = begun + pictures * SEC(1) / picture_hz;
        rest_until(v < p ? v : p);
        if (sl_loop_now() >= end)
            return;
        if (v <= p)
            sent[SLUICE_VOICE] +=
                send_all(SLUICE_VOICE, VOICE, voices++ * (48000 / voice_hz));
        else
            sent[SLUICE_CAMERA] +=
                send_all(SLUICE_CAMERA, PICTURE, pictures++ * (90000 / picture_hz));
    }
}

/* ---- rows ---- */

__attribute__((format(printf, 5, 6))) static void
row(const char *unit, double value, double bar, const char *note, const char *fmt, ...)
{
    struct row r = {.unit = unit, .value = value, .bar = bar};
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(r.name, sizeof r.name, fmt, ap);
    va_end(ap);
    (void)snprintf(r.note, sizeof r.note, "%s", note);
    rows_add(&b.rows, &r);
}

static void join_rows(const struct quantiles *q, unsigned n, double bar_ms)
{
    row("ms", (double)sl_quantiles_at(q, 500) / 1e3, 0,
        "to a connection and all tracks that are there", "conference of %u, join p50", n);
    row("ms", (double)sl_quantiles_at(q, 950) / 1e3, bar_ms, "",
        "conference of %u, join p95", n);
}

/* Answers of clients to offers of the server. A client says one offer and one word that its camera
 * is on by itself. */
static double offers_answered(unsigned joined)
{
    return server_metric(&b.server, "rtcd_ws_messages_total{clientID=\"bench\","
                                    "direction=\"in\",type=\"sdp\"") +
           server_metric(&b.server, "rtcd_ws_messages_total{clientID=\"bench\","
                                    "direction=\"in\",type=\"rtc\"") -
           2.0 * joined;
}

/* ---- what is measured ---- */

/* One after the other comes in; then all talk. */
static bool conference(unsigned n, unsigned voice_hz, unsigned picture_hz, double bar_ms)
{
    static struct quantiles joins;
    char note[ROW_NOTE_MAX];
    double offers = offers_answered(b.born), memory = (double)server_resident(&b.server);
    joins = (struct quantiles){0};
    for (b.n = 0; b.n < n; b.n++) {
        struct person *p = &b.people[b.n];
        if (!join(p, 0, b.n) || !wait_for(p, 1, 0))
            return false;
        sl_quantiles_add(&joins, (uint64_t)(p->done - p->begun));
    }
    if (!wait_for(b.people, n, n))
        return false;
    rest_until(sl_loop_now() + MSEC(300));
    offers = offers_answered(b.born) - offers;
    memory = ((double)server_resident(&b.server) - memory) / n;
    uint64_t sent[SLUICE_MEDIA];
    talk(voice_hz, picture_hz, SEC(10), sent); /* until paths are found out */
    rest_until(sl_loop_now() + MSEC(300));
    uint64_t voices = b.received[SLUICE_VOICE], pictures = b.received[SLUICE_CAMERA];
    uint64_t cpu = server_cpu(&b.server);
    usec begun = sl_loop_now();
    talk(voice_hz, picture_hz, SEC(5), sent);
    double spent = (double)(server_cpu(&b.server) - cpu) / 1e3;
    double span = (double)(sl_loop_now() - begun);
    rest_until(sl_loop_now() + MSEC(500));
    voices = b.received[SLUICE_VOICE] - voices;
    pictures = b.received[SLUICE_CAMERA] - pictures;
    double all_voices = (double)sent[SLUICE_VOICE] * (n - 1);
    double all_pictures = (double)sent[SLUICE_CAMERA] * (n - 1);
    join_rows(&joins, n, bar_ms);
    /* Each who comes is heard of by all who are there, once. The first has nobody to hear of. */
    row("offers", offers / (n * (n - 1.0) / 2 + n - 1), 1.2,
        "to each who is there, for each who comes", "conference of %u, renegotiation", n);
    (void)snprintf(note, sizeof note, "%u voices and %u pictures a second of each",
                   voice_hz, picture_hz);
    row("% of a core", 100 * spent / span, 0, note, "conference of %u, CPU", n);
    row("us", spent / (double)(voices + pictures), 0, "CPU of the server",
        "conference of %u, packet", n);
    row("kB", memory / 1e3, 0, "", "conference of %u, memory of each", n);
    row("%", 100 * fabs(all_voices - (double)voices) / all_voices, 0.1, "",
        "conference of %u, voices lost", n);
    struct row shown = {.unit = "%",
                        .value = 100 * (double)pictures / all_pictures,
                        .bar = n <= WIDE ? 95 : 50,
                        .least = true,
                        .note = "what the estimate of a path withholds is no loss"};
    (void)snprintf(shown.name, sizeof shown.name, "conference of %u, pictures shown", n);
    rows_add(&b.rows, &shown);
    leave_all();
    return settled();
}

/* So many rooms of three, all at once. */
static bool many(unsigned rooms)
{
    double memory = (double)server_resident(&b.server);
    usec begun = sl_loop_now();
    unsigned n = rooms * SMALL_ROOM;
    for (b.n = 0; b.n < n; b.n++)
        if (!join(&b.people[b.n], b.n / SMALL_ROOM, 0))
            return false;
    if (!wait_for(b.people, n, SMALL_ROOM))
        return false;
    row("1/s", n * 1e6 / (double)(sl_loop_now() - begun), 0,
        "all come at once, and are done when each sees all of its room",
        "%u rooms of three, joins", rooms);
    memory = ((double)server_resident(&b.server) - memory) / n;
    row("kB", memory / 1e3, 0, "", "%u rooms of three, memory of each", rooms);
    uint64_t cpu = server_cpu(&b.server);
    begun = sl_loop_now();
    rest_until(begun + SEC(5));
    row("% of a core",
        100 * (double)(server_cpu(&b.server) - cpu) / 1e3 /
            (double)(sl_loop_now() - begun),
        0, "nobody sends", "%u rooms of three, CPU", rooms);
    leave_all();
    return settled();
}

/* People come and go, one by one, in a hundred rooms. */
static bool churn(usec span, bool counts)
{
    static struct quantiles joins;
    enum { PEOPLE = 300 };
    joins = (struct quantiles){0};
    for (b.n = 0; b.n < PEOPLE; b.n++)
        if (!join(&b.people[b.n], b.n / SMALL_ROOM, 0))
            return false;
    if (!wait_for(b.people, PEOPLE, SMALL_ROOM))
        return false;
    usec begun = sl_loop_now();
    uint64_t cpu = server_cpu(&b.server);
    unsigned i = 0;
    for (; sl_loop_now() - begun < span; i++) {
        /* Neighbours in time are of different rooms, so who comes finds two who are there. */
        unsigned place = i % (PEOPLE / SMALL_ROOM) * SMALL_ROOM +
                         i / (PEOPLE / SMALL_ROOM) % SMALL_ROOM;
        struct person *p = &b.people[place];
        rest_until(begun + i * SEC(60) / CHURN_A_MINUTE);
        if (!wait_for(p, 1, 0)) /* it had long enough to come */
            return false;
        if (p->done > begun)
            sl_quantiles_add(&joins, (uint64_t)(p->done - p->begun));
        sluice_call_leave(p->call);
        p->call = NULL;
        if (!join(p, place / SMALL_ROOM, SMALL_ROOM - 1))
            return false;
    }
    double took = (double)(sl_loop_now() - begun);
    double spent = (double)(server_cpu(&b.server) - cpu) / 1e3;
    if (!wait_for(b.people, PEOPLE, SMALL_ROOM))
        return false;
    if (counts) {
        struct row rate = {.unit = "1/min",
                           .value = i * 60e6 / took,
                           .bar = CHURN_A_MINUTE * 0.99,
                           .least = true,
                           .note = "each after one has left"};
        (void)snprintf(rate.name, sizeof rate.name, "joins and leaves in %d rooms",
                       PEOPLE / SMALL_ROOM);
        rows_add(&b.rows, &rate);
        row("ms", (double)sl_quantiles_at(&joins, 950) / 1e3, 500, "",
            "the same %u rooms, join p95", PEOPLE / SMALL_ROOM);
        row("% of a core", 100 * spent / took, 0, "", "the same %u rooms, CPU",
            PEOPLE / SMALL_ROOM);
    }
    leave_all();
    return settled();
}

static int by_value(const void *left, const void *right)
{
    double x = *(const double *)left, y = *(const double *)right;
    return (x > y) - (x < y);
}

/* The slope that half of all pairs of points exceed: no single point bends it (Theil and Sen). */
static double slope_of(const double *x, const double *y, unsigned n)
{
    double slopes[ROUNDS * (ROUNDS - 1) / 2];
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            slopes[k++] = (y[i] - y[j]) / (x[i] - x[j]);
    qsort(slopes, k, sizeof slopes[0], by_value);
    return slopes[k / 2];
}

/* What the allocator keeps goes up and down by more than a round leaves behind, so the trend
 * of some rounds counts. */
static bool growth(void)
{
    double born[ROUNDS], resident[ROUNDS];
    for (int i = 0; i < 6; i++) /* what the process takes once is taken */
        if (!churn(SEC(10), false))
            return false;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!churn(i == 0 ? SEC(20) : SEC(8), i == 0))
            return false;
        born[i] = b.born;
        resident[i] = (double)server_resident(&b.server);
    }
    row("octets", slope_of(born, resident, ROUNDS), 400,
        "of memory for each who came and went, once all rooms have ended",
        "growth, %d rounds after %.0f", ROUNDS - 1, born[0]);
    return true;
}

static bool run(void)
{
    static const struct {
        unsigned n, voice_hz, picture_hz;
        double bar_ms;
    } conferences[] = {
        {2, 50, 15, 250}, {10, 50, 15, 250}, {25, 50, 15, 400}, {50, 10, 3, 600}};
    for (size_t i = 0; i < sizeof conferences / sizeof conferences[0]; i++)
        if ((b.only == 0 || b.only == conferences[i].n) &&
            !conference(conferences[i].n, conferences[i].voice_hz,
                        conferences[i].picture_hz, conferences[i].bar_ms))
            return false;
    return b.only > 0 || (growth() && many(1000));
}

int main(int argc, char **argv)
{
    char error[SLUICE_ERROR_MAX] = "";
    bool check = false;
    struct rlimit files;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: rooms SERVER JSON [--check] [--only=N]\n");
        return EXIT_FAILURE;
    }
    for (int i = 3; i < argc; i++) {
        check |= strcmp(argv[i], "--check") == 0;
        if (strncmp(argv[i], "--only=", 7) == 0)
            b.only = (unsigned)strtoul(argv[i] + 7, NULL, 10);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)setenv("RTCD_API_SECURITY_ALLOWSELFREGISTRATION", "true", 1);
    if (!server_start(&b.server, argv[1], "127.0.0.1", -1))
        return EXIT_FAILURE;
    const struct sluice_client_conf conf = {
        .url = b.server.admin, .id = "bench", .key = KEY, .registers = true};
    bool ok = sluice_client_connect(&conf, &b.client, error) == SLUICE_OK;
    if (!ok)
        (void)fprintf(stderr, "rooms: %s\n", error);
    rows_head();
    ok = ok && run();
    leave_all();
    if (b.client)
        sluice_client_free(b.client);
    server_stop(&b.server);
    if (!ok || !rows_write(&b.rows, argv[2]))
        return EXIT_FAILURE;
    size_t missed = rows_missed(&b.rows);
    (void)printf("%zu rows, %zu missed their bar\n", b.rows.n, missed);
    return check && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
