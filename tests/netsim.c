#include "netsim.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

enum {
    PACKET = 1200,
    HEADERS = 12 + 8 + 10 + 28, /* RTP, its extension, SRTP, UDP and IP */
    PADDING = 255,
    ACK = 40,
    SEGMENT = 1500,
    FB_MAX = 1400,
};
#define FRAME          (SEC(1) / 30)
#define FRAME_SPREAD   MSEC(15) /* over which the packets of a frame leave */
#define FEEDBACK_EVERY MSEC(100)
#define WAKE           MSEC(1) /* no loop wakes more exactly */
#define ASK_EVERY      SEC(3)
#define UP             1.15 /* times its rate, before a layer is taken */
#define RETRY          SEC(1)
/* The receiver's clock: its feedback's wraps after half a minute. */
#define CLOCK          (TWCC_WRAP_US - SEC(30))

struct net_fb {
    struct net_fb *next;
    uint64_t id;
    size_t n;
    uint8_t bytes[FB_MAX];
};

static double chance(struct rng *r)
{
    return (double)(sl_rng_u64(r) >> 11) / 9007199254740992.0;
}

/* About normal, deviation 1, never beyond 3. */
static double bell(struct rng *r)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += chance(r);
    return fmin(fmax(sum, -3), 3);
}

/* ---- events ---- */

static bool before(const struct net_event *a, const struct net_event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void at(struct net_flow *f, usec when,
               void (*fn)(struct net_flow *, uint64_t, usec), uint64_t arg, usec arg2)
{
    struct net *n = f->net;
    if (n->n == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 1024;
        n->heap = realloc(n->heap, n->cap * sizeof *n->heap);
        assert(n->heap);
    }
    size_t i = n->n++;
    n->heap[i] = (struct net_event){when, n->order++, fn, f, arg, arg2};
    while (i > 0 && before(&n->heap[i], &n->heap[(i - 1) / 2])) {
        struct net_event e = n->heap[i];
        n->heap[i] = n->heap[(i - 1) / 2];
        n->heap[(i - 1) / 2] = e;
        i = (i - 1) / 2;
    }
}

static struct net_event take(struct net *n)
{
    struct net_event first = n->heap[0];
    n->heap[0] = n->heap[--n->n];
    for (size_t i = 0;;) {
        size_t c = 2 * i + 1;
        if (c + 1 < n->n && before(&n->heap[c + 1], &n->heap[c]))
            c++;
        if (c >= n->n || !before(&n->heap[c], &n->heap[i]))
            return first;
        struct net_event e = n->heap[i];
        n->heap[i] = n->heap[c];
        n->heap[c] = e;
        i = c;
    }
}

/* ---- links ---- */

double net_link_bps(const struct net_link *l, usec when)
{
    double bps = INFINITY;
    for (size_t i = 0; i < NET_STEPS && l->steps[i].bps > 0; i++)
        if (when >= l->steps[i].from)
            bps = l->steps[i].bps;
    return bps;
}

static usec next_step(const struct net_link *l, usec when)
{
    for (size_t i = 0; i < NET_STEPS && l->steps[i].bps > 0; i++)
        if (l->steps[i].from > when)
            return l->steps[i].from;
    return USEC_NEVER;
}

/* When so many bits have passed that begin to at `when`. */
static usec passed(const struct net_link *l, usec when, double bits)
{
    for (;;) {
        double bps = net_link_bps(l, when);
        usec step = next_step(l, when);
        if (isinf(bps))
            return when;
        double takes = bits / bps * SEC(1);
        if (step == USEC_NEVER || (double)when + takes <= (double)step)
            return when + (usec)ceil(takes);
        bits -= bps * (double)(step - when) / SEC(1);
        when = step;
    }
}

/* When it comes out at the other end; USEC_NEVER when it does not. */
static usec pass(struct net *n, struct net_link *l, size_t octets, usec *waited)
{
    const struct net_loss *loss = &l->loss;
    double change = l->is_bad ? loss->to_good : loss->to_bad;
    if (change > 0 && chance(&n->rng) < change)
        l->is_bad = !l->is_bad;
    double lost = l->is_bad ? loss->bad : loss->good;
    usec begins = l->busy_until > n->now ? l->busy_until : n->now;
    *waited = begins - n->now;
    if (l->queue > 0 && *waited > l->queue)
        return USEC_NEVER;
    l->busy_until = passed(l, begins, (double)octets * 8);
    if (lost > 0 && chance(&n->rng) < lost)
        return USEC_NEVER; /* on the air: it had its time on the link */
    l->octets += octets;
    usec out = l->busy_until + l->delay;
    if (l->jitter_ms > 0)
        out += (usec)(bell(&n->rng) * l->jitter_ms * 1000);
    if (out < l->last_out)
        out = l->last_out;
    l->last_out = out;
    return out;
}

/* ---- a flow with an estimator ---- */

static void feedback_arrives(struct net_flow *f, uint64_t id, usec unused)
{
    (void)unused;
    struct net_fb **p = &f->net->fbs;
    while (*p && (*p)->id != id)
        p = &(*p)->next;
    struct net_fb *m = *p;
    assert(m);
    *p = m->next;
    struct rd compound;
    struct rtcp r;
    struct rtcp_fb fb;
    struct rtcp_twcc t;
    bool whole = sl_rtcp_parse((struct span){m->bytes, m->n}, &compound) == E_OK &&
                 sl_rtcp_next(&compound, &r) && sl_rtcp_fb(&r, &fb) == E_OK &&
                 sl_rtcp_twcc(&fb, &t) == E_OK;
    assert(whole);
    if (whole)
        sl_bwe_feedback(f->bwe, &t, f->net->now);
    free(m);
}

static void send_feedback(struct net_flow *f, uint64_t unused, usec unused2)
{
    static uint64_t ids;
    (void)unused, (void)unused2;
    struct net *n = f->net;
    while (sl_twcc_pending(&f->twcc)) {
        struct net_fb *m = malloc(sizeof *m);
        assert(m);
        struct wr w = wr_of(m->bytes, sizeof m->bytes);
        usec waited;
        if (!sl_twcc_build(&f->twcc, 1, 2, &w)) {
            free(m);
            break;
        }
        m->n = w.n;
        m->id = ++ids;
        usec out = pass(n, f->back, m->n + 28 + 14, &waited);
        if (out == USEC_NEVER) {
            free(m);
            continue;
        }
        m->next = n->fbs;
        n->fbs = m;
        at(f, out, feedback_arrives, m->id, 0);
    }
    at(f, n->now + FEEDBACK_EVERY, send_feedback, 0, 0);
}

static void packet_arrives(struct net_flow *f, uint64_t octets, usec waited)
{
    (void)waited;
    f->arrived += octets >> 16;
    sl_twcc_add(&f->twcc, (uint16_t)octets, f->net->now + CLOCK);
}

static void send_packet(struct net_flow *f, size_t octets)
{
    usec waited;
    uint16_t seq = f->seq++;
    sl_bwe_sent(f->bwe, seq, octets, f->net->now);
    usec out = pass(f->net, f->there, octets, &waited);
    f->sent += octets;
    f->packets++;
    f->last_delay = waited;
    f->delays[waited < MSEC(3999) ? waited / 1000 : 3999]++;
    if (out == USEC_NEVER)
        f->lost++;
    else
        at(f, out, packet_arrives, (uint64_t)octets << 16 | seq, waited);
}

static void media_packet(struct net_flow *f, uint64_t octets, usec unused)
{
    (void)unused;
    send_packet(f, octets);
}

/* The layers of a viewer: the highest that fits; the next one only once it was shown that it
 * does, with something to spare. */
static double layer_for(struct net_flow *f, double target_bps)
{
    double rate = f->layers[0];
    for (size_t i = 1; i < NET_LAYERS && f->layers[i] > 0; i++)
        if (f->layers[i] * (f->layers[i] > f->rate_bps ? UP : 1) <= target_bps)
            rate = f->layers[i];
    return rate;
}

/* What an allocator asks for: the next layer. */
static void ask(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    double target = (double)sl_bwe_state(f->bwe).target_bps;
    at(f, f->net->now + ASK_EVERY, ask, 0, 0);
    for (size_t i = 1; i < NET_LAYERS && f->layers[i] > 0; i++)
        if (f->layers[i] > f->rate_bps && f->layers[i] * UP > target) {
            sl_bwe_ask(f->bwe, (uint64_t)(f->layers[i] * UP), f->net->now);
            return;
        }
}

static bool silent(const struct net_flow *f, usec now)
{
    return now < f->from || (f->until && now >= f->until) ||
           (now >= f->pause_from && now < f->pause_until);
}

static void frame(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    struct net *n = f->net;
    double target = (double)sl_bwe_state(f->bwe).target_bps;
    f->rate_bps = f->layers[0] > 0 ? layer_for(f, target) : fmin(target, f->most_bps);
    at(f, n->now + FRAME, frame, 0, 0);
    if (silent(f, n->now))
        return;
    /* Frames differ in size. */
    double octets = f->rate_bps * FRAME / SEC(1) / 8 * (0.8 + 0.4 * chance(&n->rng));
    size_t packets = (size_t)ceil(octets / PACKET);
    for (size_t i = 0; i < packets; i++)
        at(f, n->now + (usec)i * FRAME_SPREAD / (usec)packets, media_packet,
           (uint64_t)(octets / (double)packets), 0);
}

static void wake(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    struct net *n = f->net;
    at(f, n->now + WAKE, wake, 0, 0);
    if (n->now < sl_bwe_deadline(f->bwe) && n->now < sl_bwe_probe_deadline(f->bwe))
        return;
    sl_bwe_tick(f->bwe, n->now);
    for (size_t due; !f->cannot_pad && !silent(f, n->now) &&
                     (due = sl_bwe_padding(f->bwe, n->now)) > 0;) {
        size_t octets = (due < PADDING ? due : PADDING) + HEADERS;
        f->padding += octets;
        send_packet(f, octets);
    }
}

/* ---- a greedy flow: Reno's window, without its retransmissions' content ---- */

static void pump(struct net_flow *f);

static void acked(struct net_flow *f, uint64_t number, usec unused)
{
    (void)unused;
    if (number < f->unacked)
        return;
    /* Nothing overtakes: what was passed over is lost. */
    bool lost = number > f->unacked;
    f->unacked = number + 1;
    f->acked_at = f->net->now;
    f->left -= SEGMENT;
    if (lost && number >= f->recover) {
        f->threshold = fmax(f->window / 2, 2);
        f->window = f->threshold;
        f->recover = f->next;
    } else if (f->window < f->threshold) {
        f->window += 1;
    } else {
        f->window += 1 / f->window;
    }
    pump(f);
}

static void segment_arrives(struct net_flow *f, uint64_t number, usec waited)
{
    f->arrived += SEGMENT;
    usec out = pass(f->net, f->back, ACK, &waited);
    if (out != USEC_NEVER)
        at(f, out, acked, number, 0);
}

static void new_file(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    f->window = 10;
    f->threshold = 1e9;
    f->left = f->file_octets > 0 ? f->file_octets : INFINITY;
    f->unacked = f->recover = f->next;
    f->acked_at = f->net->now;
    pump(f);
}

static void pump(struct net_flow *f)
{
    struct net *n = f->net;
    if (silent(f, n->now))
        return;
    if (f->left <= 0) {
        if (!isinf(f->left))
            at(f, n->now + f->file_pause, new_file, 0, 0);
        f->left = -INFINITY;
        return;
    }
    while (f->left > 0 && (double)(f->next - f->unacked) < f->window &&
           (double)(f->next - f->unacked) * SEGMENT < f->left) {
        usec waited;
        usec out = pass(n, f->there, SEGMENT, &waited);
        f->packets++;
        f->lost += out == USEC_NEVER;
        if (out != USEC_NEVER)
            at(f, out, segment_arrives, f->next, waited);
        f->next++;
    }
}

static void retry(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    if (f->next > f->unacked && f->net->now - f->acked_at >= RETRY) {
        f->threshold = fmax(f->window / 2, 2);
        f->window = 1;
        f->unacked = f->recover = f->next;
        f->acked_at = f->net->now;
        pump(f);
    }
    at(f, f->net->now + MSEC(100), retry, 0, 0);
}

/* ---- the run ---- */

static void sample(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    struct net *n = f->net;
    at(f, n->now + NET_EVERY, sample, 0, 0);
    if (f->samples_n == NET_SAMPLES)
        return;
    struct bwe_state s = f->bwe ? sl_bwe_state(f->bwe) : (struct bwe_state){0};
    f->samples[f->samples_n++] = (struct net_sample){
        .seconds = (double)n->now / SEC(1),
        .target_kbps = (double)s.target_bps / 1000,
        .arrived_kbps = (double)(f->arrived - f->sampled_octets) * 8 * 1000 / NET_EVERY,
        .capacity_kbps = net_link_bps(f->there, n->now) / 1000,
        .delay_ms = (double)f->last_delay / 1000,
        .cause = s.cause,
    };
    f->sampled_octets = f->arrived;
}

static void begin(struct net_flow *f, uint64_t unused, usec unused2)
{
    (void)unused, (void)unused2;
    if (f->greedy) {
        new_file(f, 0, 0);
        retry(f, 0, 0);
        return;
    }
    f->bwe = sl_bwe_new(&f->conf, f->net->now);
    assert(f->bwe);
    f->seq = (uint16_t)sl_rng_u64(&f->net->rng);
    frame(f, 0, 0);
    wake(f, 0, 0);
    send_feedback(f, 0, 0);
    if (f->layers[0] > 0)
        at(f, f->net->now + ASK_EVERY, ask, 0, 0);
}

void net_init(struct net *n, uint64_t seed)
{
    *n = (struct net){.rng = sl_rng_of(seed)};
}

void net_fini(struct net *n)
{
    for (size_t i = 0; i < n->flows_n; i++)
        sl_bwe_free(n->flows[i]->bwe);
    for (struct net_fb *m = n->fbs, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    free(n->heap);
}

void net_add(struct net *n, struct net_flow *f)
{
    assert(n->flows_n < NET_FLOWS);
    f->net = n;
    n->flows[n->flows_n++] = f;
    at(f, f->from > 0 ? f->from : 1, begin, 0, 0); /* 0 is no time to send at */
    at(f, NET_EVERY, sample, 0, 0);
}

void net_run(struct net *n, usec until)
{
    while (n->n > 0 && n->heap[0].at <= until) {
        struct net_event e = take(n);
        n->now = e.at;
        e.fn(e.flow, e.arg, e.arg2);
    }
    n->now = until;
}

void net_clear(struct net_flow *f)
{
    f->sampled_octets -= f->arrived;
    f->sent = f->arrived = f->padding = f->packets = f->lost = 0;
    memset(f->delays, 0, sizeof f->delays);
}

double net_bps(const struct net_flow *f, usec span)
{
    return (double)f->arrived * 8 * SEC(1) / (double)span;
}

double net_delay_ms(const struct net_flow *f, double share)
{
    double want = share * (double)f->packets, n = 0;
    int ms = 0;
    while (ms < 3999 && (n += f->delays[ms]) < want)
        ms++;
    return ms;
}

double net_lost(const struct net_flow *f)
{
    return f->packets ? (double)f->lost / (double)f->packets : 0;
}

double net_settled(const struct net_flow *f, usec from, usec until, double low_bps,
                   double high_bps)
{
    double since = -1, first = (double)from / SEC(1);
    for (size_t i = 0; i < f->samples_n; i++) {
        const struct net_sample *s = &f->samples[i];
        if (s->seconds < first || s->seconds > (double)until / SEC(1))
            continue;
        bool in = s->target_kbps * 1000 >= low_bps && s->target_kbps * 1000 <= high_bps;
        if (!in)
            since = -1;
        else if (since < 0)
            since = s->seconds;
        if (since >= 0 && s->seconds - since >= 1)
            return since - first;
    }
    return INFINITY;
}

void net_plot(const struct net *n, const char *name)
{
    static const char *const colours[NET_FLOWS] = {"#1f77b4", "#d62728", "#2ca02c",
                                                   "#9467bd"};
    struct plot p;
    double seconds = (double)n->now / SEC(1), most = 0, delay = 20;
    for (size_t i = 0; i < n->flows_n; i++)
        for (size_t k = 0; k < n->flows[i]->samples_n; k++) {
            const struct net_sample *s = &n->flows[i]->samples[k];
            most = fmax(most, fmax(s->arrived_kbps, s->target_kbps));
            delay = fmax(delay, s->delay_ms);
        }
    if (!plot_begin(&p, name, seconds))
        return;
    plot_panel(&p, "kbit/s: capacity (grey), target (line), arrived (thin)", most * 1.05);
    plot_line(&p, "#bbbbbb", 3);
    for (size_t k = 0; k < n->flows[0]->samples_n; k++)
        plot_point(&p, n->flows[0]->samples[k].seconds,
                   fmin(n->flows[0]->samples[k].capacity_kbps, most * 1.05));
    for (size_t i = 0; i < n->flows_n; i++)
        for (int thin = 0; thin < 2; thin++) {
            const struct net_flow *f = n->flows[i];
            plot_line(&p, colours[i], thin ? 0.5 : 1.5);
            for (size_t k = 0; k < f->samples_n; k++)
                plot_point(&p, f->samples[k].seconds,
                           thin ? f->samples[k].arrived_kbps : f->samples[k].target_kbps);
        }
    plot_panel(&p, "ms in the queue", delay * 1.05);
    for (size_t i = 0; i < n->flows_n; i++) {
        plot_line(&p, colours[i], 1);
        for (size_t k = 0; k < n->flows[i]->samples_n; k++)
            plot_point(&p, n->flows[i]->samples[k].seconds,
                       n->flows[i]->samples[k].delay_ms);
    }
    plot_end(&p);
}
