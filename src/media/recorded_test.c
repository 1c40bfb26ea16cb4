/* The estimator on real networks: what it was given in calls of Chromium through a path that was
 * limited, recorded (tests/bwe_recording.h), and given again. What was sent then cannot change, so
 * this shows what it makes of arrivals as they are: not what would have come of another rate. */

#include <stdio.h>
#include <stdlib.h>

#include "bwe_recording.h"
#include "check.h"
#include "media/bwe.h"
#include "plot.h"

enum { RECORDING_MAX = 1 << 20, SAMPLES = 1000 };
#define SAMPLE MSEC(100)

/* After `settle` seconds the target is between low and high, in shares of the link, for most of
 * the time. */
static const struct {
    const char *name;
    double kbps, settle, until;
} rows[] = {
    {"rate-400", 400, 6, 22},        {"rate-1000", 1000, 6, 22},
    {"rate-1000-far", 1000, 10, 22}, {"loss-2-1500", 1500, 6, 22},
    {"drop", 400, 18, 22},
};

#define LOW  0.85
#define HIGH 1.05
#define MOST 0.9 /* of the time */

static struct {
    uint8_t file[RECORDING_MAX];
    double target_kbps[SAMPLES], acked_kbps[SAMPLES];
    size_t samples_n;
} run;

static struct span read_file(const char *name)
{
    char path[1024];
    const char *source = getenv("SLUICE_SOURCE");
    (void)snprintf(path, sizeof path, "%s/tests/recordings/%s.bwe", source ? source : ".",
                   name);
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    size_t n = f ? fread(run.file, 1, sizeof run.file, f) : 0;
    if (f)
        (void)fclose(f);
    CHECK(n > 0 && n < sizeof run.file);
    return (struct span){run.file, n};
}

static void sample(const struct bwe *b, usec now)
{
    for (; run.samples_n < SAMPLES && (usec)run.samples_n * SAMPLE <= now;
         run.samples_n++) {
        struct bwe_state s = sl_bwe_state(b);
        run.target_kbps[run.samples_n] = (double)s.target_bps / 1000;
        run.acked_kbps[run.samples_n] = (double)s.acked_bps / 1000;
    }
}

static void tell(struct bwe *b, struct rd *r, usec now)
{
    struct rtcp_fb fb = {.fci = rd_of(rd_span(r, bwe_rec_get(r)))};
    struct rtcp_twcc told;
    CHECK_INT(sl_rtcp_twcc(&fb, &told), E_OK);
    sl_bwe_feedback(b, &told, now);
}

static void give(struct bwe *b, struct rd *r)
{
    usec now = 0;
    uint16_t seq = 0;
    while (r->n > 0 && !r->bad) {
        uint64_t what = bwe_rec_get(r);
        now += (usec)bwe_rec_get(r);
        sample(b, now);
        switch (what) {
        case BWE_REC_SENT:
        case BWE_REC_NEXT:
            seq = what == BWE_REC_NEXT ? (uint16_t)(seq + 1) : (uint16_t)bwe_rec_get(r);
            sl_bwe_sent(b, seq, bwe_rec_get(r), now);
            break;
        case BWE_REC_TOLD: tell(b, r, now); break;
        case BWE_REC_WANT: sl_bwe_want(b, bwe_rec_get(r)); break;
        case BWE_REC_ASK: sl_bwe_ask(b, bwe_rec_get(r), now); break;
        case BWE_REC_TICK: sl_bwe_tick(b, now); break;
        default: CHECK(false); return;
        }
    }
    CHECK(!r->bad);
}

static void draw(const char *name, double kbps)
{
    struct plot p;
    char file[64];
    double span = (double)run.samples_n * SAMPLE / SEC(1);
    (void)snprintf(file, sizeof file, "recorded-%s", name);
    if (!plot_begin(&p, file, span))
        return;
    plot_panel(&p, "kbit/s: link, target, arriving", kbps * 1.6);
    plot_line(&p, "#bbb", 3);
    plot_point(&p, 0, kbps);
    plot_point(&p, span, kbps);
    plot_line(&p, "#d62728", 1.5);
    for (size_t i = 0; i < run.samples_n; i++)
        plot_point(&p, (double)i / 10, run.target_kbps[i]);
    plot_line(&p, "#1f77b4", 1);
    for (size_t i = 0; i < run.samples_n; i++)
        plot_point(&p, (double)i / 10, run.acked_kbps[i]);
    plot_end(&p);
}

TEST(bwe_on_recorded_networks)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        struct rd r = rd_of(read_file(rows[i].name));
        struct bwe_conf conf = {.start_bps = rd_u32(&r)};
        conf.min_bps = rd_u32(&r);
        conf.max_bps = rd_u32(&r);
        struct bwe *b = sl_bwe_new(&conf, 0);
        run.samples_n = 0;
        give(b, &r);
        sl_bwe_free(b);
        draw(rows[i].name, rows[i].kbps);
        size_t good = 0, from = (size_t)(rows[i].settle * 10),
               until = (size_t)(rows[i].until * 10);
        CHECK(run.samples_n >= until);
        for (size_t k = from; k < until; k++)
            good += run.target_kbps[k] >= LOW * rows[i].kbps &&
                    run.target_kbps[k] <= HIGH * rows[i].kbps;
        CHECK((double)good >= MOST * (double)(until - from));
    }
}
