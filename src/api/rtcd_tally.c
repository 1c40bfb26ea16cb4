#include "api/rtcd_tally.h"

#include <stdlib.h>

#include "base/map.h"

enum { NAME_MAX_SHOWN = 256 };

struct entry {
    struct map_node by_name;
    struct rtcd_tally tally;
    char name[NAME_MAX_SHOWN + 1];
};

struct rtcd_tallies {
    struct metrics *metrics;
    struct map by_name;
    uint64_t states[RTCD_CONN_STATES];
    struct entry rest; /* of all that have none of their own */
    bool rest_shown;
};

/* ---- names ---- */

#define COUNTER(name, help)                                                              \
    {                                                                                    \
        name, help, METRIC_COUNTER, 0, true                                              \
    }
#define GAUGE(name, help)                                                                \
    {                                                                                    \
        name, help, METRIC_GAUGE, 0, false                                               \
    }

/* Gauges called _total are rtcd's choice. */
static const struct metric
    states_of = COUNTER("rtcd_rtc_conn_states_total", "Connections by state entered."),
    sessions_of = GAUGE("rtcd_rtc_sessions_total", "Sessions of calls."),
    tracks_of = GAUGE("rtcd_rtc_rtp_tracks_total", "Tracks received and sent."),
    errors_of = COUNTER("rtcd_rtc_errors_total", "What went wrong in sessions, by kind."),
    conns_of = GAUGE("rtcd_ws_connections_total", "WebSocket connections of clients."),
    messages_of = COUNTER("rtcd_ws_messages_total", "Messages of WebSockets.");

static const char *const state_names[] = {"connected", "disconnected", "failed",
                                          "closed"};
static const char *const error_names[] = {"signaling", "ice", "track",
                                          "signaling_lock_timeout"};
static const char *const direction_names[] = {"in", "out"};
static const char *const mime_names[] = {"audio/opus", "video/VP8", "video/AV1"};

/* Bounds are rtcd's, in microseconds and millionths. */
static const uint64_t waits[] = {5000,   10000,   25000,   50000,   100000,  250000,
                                 500000, 1000000, 2500000, 5000000, 10000000};
static const uint64_t times[] = {1000,   5000,   7500,   10000,  25000,  50000,  75000,
                                 100000, 250000, 300000, 400000, 500000, 750000, 1000000};
static const uint64_t losses[] = {1000,  5000,   7500,   10000,  25000,  50000,
                                  75000, 100000, 250000, 500000, 750000, 1000000};

#define HISTOGRAM(field, name, help, bounds)                                             \
    {                                                                                    \
        {name, help, METRIC_HISTOGRAM, 1e-6, true}, offsetof(struct rtcd_tally, field),  \
            sizeof(bounds) / sizeof(bounds)[0], bounds                                   \
    }
static const struct {
    struct metric of;
    size_t at, n;
    const uint64_t *bounds;
} histograms[] = {
    HISTOGRAM(connected, "rtcd_rtc_connection_time", "Seconds from joining to connected.",
              waits),
    HISTOGRAM(opened, "rtcd_rtc_dc_open_time",
              "Seconds from the first answer to the data channel.", waits),
    HISTOGRAM(held, "rtcd_rtc_signaling_lock_locked_time",
              "Seconds that a client held the signaling lock.", waits),
    HISTOGRAM(grabbed, "rtcd_rtc_signaling_lock_grab_time",
              "Seconds that a client asked for the signaling lock, until it had it.",
              waits),
    HISTOGRAM(loss, "rtcd_rtc_client_loss_rate", "Losses that clients report.", losses),
    HISTOGRAM(rtt, "rtcd_rtc_client_rtt", "Seconds of round trip that clients report.",
              times),
    HISTOGRAM(jitter, "rtcd_rtc_client_jitter", "Seconds of jitter that clients report.",
              times),
};
enum { HISTOGRAMS = sizeof histograms / sizeof histograms[0] };

/* ---- series ---- */

struct adding {
    struct metrics *metrics;
    const char *who; /* the name of the client */
    enum err e;      /* the first error */
};

static void add(struct adding *a, const struct metric *of,
                const struct metric_label *labels, const uint64_t *n)
{
    if (!a->e)
        a->e = sl_metrics_add(a->metrics, of, labels, n);
}

static void add_media(struct adding *a, const struct rtcd_tally *t)
{
    add(a, &sessions_of, (struct metric_label[]){{"groupID", a->who}, {0}}, &t->sessions);
    for (int d = 0; d < RTCD_DIRECTIONS; d++)
        for (int m = 0; m < RTCD_MIMES; m++)
            add(a, &tracks_of,
                (struct metric_label[]){{"direction", direction_names[d]},
                                        {"groupID", a->who},
                                        {"type", mime_names[m]},
                                        {0}},
                &t->tracks[d][m]);
    for (int i = 0; i < RTCD_ERRORS; i++)
        add(a, &errors_of,
            (struct metric_label[]){{"groupID", a->who}, {"type", error_names[i]}, {0}},
            &t->errors[i]);
}

static void add_messages(struct adding *a, const struct rtcd_tally *t)
{
    add(a, &conns_of, (struct metric_label[]){{"clientID", a->who}, {0}}, &t->conns);
    for (int d = 0; d < RTCD_DIRECTIONS; d++)
        for (int m = RTCD_MSG_UNKNOWN + 1; m < RTCD_MSG_TYPES; m++)
            add(a, &messages_of,
                (struct metric_label[]){{"clientID", a->who},
                                        {"direction", direction_names[d]},
                                        {"type", sl_rtcd_msg_name((enum rtcd_msg_type)m)},
                                        {0}},
                &t->messages[d][m]);
}

static void add_histograms(struct adding *a, struct rtcd_tally *t)
{
    for (size_t i = 0; i < HISTOGRAMS; i++) {
        struct histogram *h = (void *)((char *)t + histograms[i].at);
        *h = (struct histogram){.n = histograms[i].n, .bounds = histograms[i].bounds};
        if (!a->e)
            a->e = sl_metrics_add_histogram(
                a->metrics, &histograms[i].of,
                (struct metric_label[]){{"groupID", a->who}, {0}}, h);
    }
}

/* A series that memory had no room for is missing in the text; what it counts is not. */
static enum err show(struct rtcd_tallies *ts, struct entry *e)
{
    struct adding a = {.metrics = ts->metrics, .who = e->name};
    add_histograms(&a, &e->tally);
    add_media(&a, &e->tally);
    add_messages(&a, &e->tally);
    return a.e;
}

/* ---- tallies ---- */

struct rtcd_tallies *sl_rtcd_tallies_new(struct metrics *metrics)
{
    static const uint64_t no_secret[2] = {0}; /* registered clients are no strangers */
    struct rtcd_tallies *ts = calloc(1, sizeof *ts);
    if (!ts)
        return NULL;
    ts->metrics = metrics;
    sl_map_init(&ts->by_name, no_secret);
    struct adding a = {.metrics = metrics};
    for (int i = 0; i < RTCD_CONN_STATES; i++)
        add(&a, &states_of, (struct metric_label[]){{"type", state_names[i]}, {0}},
            &ts->states[i]);
    if (a.e) {
        sl_rtcd_tallies_free(ts);
        return NULL;
    }
    return ts;
}

void sl_rtcd_tallies_free(struct rtcd_tallies *ts)
{
    if (!ts)
        return;
    for (struct map_node *n; (n = sl_map_next(&ts->by_name, NULL));) {
        sl_map_del(&ts->by_name, n);
        free(map_entry(n, struct entry, by_name));
    }
    sl_map_fini(&ts->by_name);
    free(ts);
}

static struct rtcd_tally *rest_of(struct rtcd_tallies *ts)
{
    if (!ts->rest_shown)
        ts->rest_shown = show(ts, &ts->rest) == E_OK;
    return &ts->rest.tally;
}

struct rtcd_tally *sl_rtcd_tally(struct rtcd_tallies *ts, struct span client)
{
    char name[NAME_MAX_SHOWN + 1];
    size_t n = 0;
    while (n < client.n && n < NAME_MAX_SHOWN && client.p[n] != '\0') {
        name[n] = (char)client.p[n];
        n++;
    }
    name[n] = '\0';
    struct map_node *node = sl_map_get(&ts->by_name, span_of(name));
    if (node)
        return &map_entry(node, struct entry, by_name)->tally;
    struct entry *e =
        n > 0 && ts->by_name.n < RTCD_TALLIES_MAX ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return rest_of(ts);
    memcpy(e->name, name, n + 1);
    if (sl_map_put(&ts->by_name, span_of(e->name), &e->by_name) != E_OK) {
        free(e);
        return rest_of(ts);
    }
    (void)show(ts, e);
    return &e->tally;
}

void sl_rtcd_tally_state(struct rtcd_tallies *ts, enum rtcd_conn_state state)
{
    ts->states[state]++;
}

void sl_rtcd_tallies_no_tracks(struct rtcd_tallies *ts)
{
    memset(ts->rest.tally.tracks, 0, sizeof ts->rest.tally.tracks);
    map_each (node, &ts->by_name) {
        struct rtcd_tally *t = &map_entry(node, struct entry, by_name)->tally;
        memset(t->tracks, 0, sizeof t->tracks);
    }
}
