#include "api/rtcd_line.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/zip.h"

#include "api/limit.h"

#define LOCK_ASKED SEC(1) /* between two times that a client asks, it still waits */

struct rtcd_lines {
    struct rtcd_lines_conf conf;
    struct timers timers;
    struct rtcd_line_stats stats;
    uint8_t in[RTCD_DC_JSON_MAX];    /* a description, unpacked */
    uint8_t out[MEDIA_DATA_LONGEST]; /* the message being written */
};

struct rtcd_lines *sl_rtcd_lines_new(const struct rtcd_lines_conf *conf)
{
    struct rtcd_lines *ls = malloc(sizeof *ls);
    if (!ls)
        return NULL;
    memset(ls, 0, offsetof(struct rtcd_lines, in));
    ls->conf = *conf;
    return ls;
}

void sl_rtcd_lines_free(struct rtcd_lines *ls)
{
    if (!ls)
        return;
    sl_timers_fini(&ls->timers);
    free(ls);
}

const struct rtcd_line_stats *sl_rtcd_lines_stats(const struct rtcd_lines *ls)
{
    return &ls->stats;
}

void sl_rtcd_line_init(struct rtcd_lines *ls, struct rtcd_line *l,
                       struct rtcd_tally *tally)
{
    *l = (struct rtcd_line){.tally = tally};
    ls->conf.hold(ls->conf.ctx, l, true);
}

void sl_rtcd_line_none(struct rtcd_lines *ls, struct rtcd_line *l)
{
    ls->conf.hold(ls->conf.ctx, l, false);
}

void sl_rtcd_line_fini(struct rtcd_lines *ls, struct rtcd_line *l)
{
    sl_timer_stop(&ls->timers, &l->timer);
    l->open = false;
}

/* ---- telling ---- */

static enum err say(struct rtcd_lines *ls, const struct rtcd_line *l, bool text,
                    struct span message)
{
    const struct media_ops *m = ls->conf.media;
    enum err e =
        l->open ? m->data_send(m->ctx, l->transport, l->stream, text, message) : E_ABSENT;
    ls->stats.full += e == E_FULL;
    return e;
}

static void say_type(struct rtcd_lines *ls, const struct rtcd_line *l,
                     enum rtcd_dc_type type)
{
    struct wr w = wr_of(ls->out, sizeof ls->out);
    sl_rtcd_dc_write(&w, type);
    (void)say(ls, l, false, wr_done(&w)); /* who reads too slowly asks again */
}

enum err sl_rtcd_line_sdp(struct rtcd_lines *ls, const struct rtcd_line *l,
                          struct span json)
{
    struct wr w = wr_of(ls->out, sizeof ls->out);
    if (!l->open)
        return E_ABSENT;
    enum err e = sl_rtcd_dc_write_sdp(&w, json);
    return e == E_FULL ? E_MALFORMED : e ? e : say(ls, l, false, wr_done(&w));
}

enum err sl_rtcd_line_map(struct rtcd_lines *ls, const struct rtcd_line *l,
                          const struct rtcd_dc_track *tracks, size_t n)
{
    struct wr w = wr_of(ls->out, sizeof ls->out);
    sl_rtcd_dc_write_map(&w, tracks, n);
    enum err e = w.bad ? E_MALFORMED : say(ls, l, false, wr_done(&w));
    ls->stats.too_long += e == E_MALFORMED;
    return e;
}

/* ---- the lock ---- */

static void unlock(struct rtcd_lines *ls, struct rtcd_line *l, usec now)
{
    sl_histogram_add(&l->tally->held, (uint64_t)(now - l->locked_at));
    sl_timer_stop(&ls->timers, &l->timer);
    l->locked = false;
    ls->conf.hold(ls->conf.ctx, l, !l->open);
}

/* One that holds it already is refused, too: two of its threads may ask. */
static bool lock(struct rtcd_lines *ls, struct rtcd_line *l, usec now)
{
    if (l->locked || ls->conf.busy(ls->conf.ctx, l) ||
        sl_timer_set(&ls->timers, &l->timer, now + RTCD_LOCK_TIME) != E_OK)
        return false;
    l->locked = true;
    l->locked_at = now;
    ls->conf.hold(ls->conf.ctx, l, true);
    return true;
}

/* A client that gave up, and asks anew later, has not waited all the time. */
static void note_grab(struct rtcd_line *l, bool granted, usec now)
{
    bool waits = l->asked_at > 0 && now - l->asked_again < LOCK_ASKED;
    if (!waits)
        l->asked_at = now;
    l->asked_again = now;
    if (!granted)
        return;
    sl_histogram_add(&l->tally->grabbed, (uint64_t)(now - l->asked_at));
    l->asked_at = 0;
}

static void lock_asked(struct rtcd_lines *ls, struct rtcd_line *l, usec now)
{
    struct wr w = wr_of(ls->out, sizeof ls->out);
    bool had = l->locked, granted = lock(ls, l, now);
    if (!had)
        note_grab(l, granted, now);
    *(granted ? &ls->stats.granted : &ls->stats.refused) += 1;
    sl_rtcd_dc_write_lock(&w, granted);
    (void)say(ls, l, false, wr_done(&w));
}

/* Clients unlock after each answer that they hear, whether they locked or not. */
static void unlock_asked(struct rtcd_lines *ls, struct rtcd_line *l, usec now)
{
    if (l->locked)
        unlock(ls, l, now);
    else
        ls->stats.unasked++;
}

usec sl_rtcd_lines_deadline(const struct rtcd_lines *ls)
{
    return sl_timers_deadline(&ls->timers);
}

void sl_rtcd_lines_tick(struct rtcd_lines *ls, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&ls->timers, now));) {
        struct rtcd_line *l = list_entry(t, struct rtcd_line, timer);
        ls->stats.expired++;
        l->tally->errors[RTCD_ERROR_LOCK_TIMEOUT]++;
        unlock(ls, l, now);
    }
}

/* ---- what comes ---- */

static bool may_say(struct rtcd_lines *ls, struct rtcd_line *l, unsigned cost, usec now)
{
    const usec each = SEC(1) / RTCD_LINE_PER_S;
    bool may = sl_limit_pay(&l->quiet_at, each * cost, each * RTCD_LINE_BURST, now);
    ls->stats.flooded += !may;
    return may;
}

static void described(struct rtcd_lines *ls, struct rtcd_line *l, struct span zipped,
                      usec now)
{
    struct wr w = wr_of(ls->in, sizeof ls->in);
    enum err e = sl_unzip(&w, zipped);
    if (e) {
        *(e == E_FULL ? &ls->stats.oversized : &ls->stats.malformed) += 1;
        return;
    }
    ls->stats.descriptions++;
    ls->conf.sdp(ls->conf.ctx, l, wr_done(&w), now);
}

static void report(struct histogram *h, double value)
{
    enum { MILLION = 1000000, VALUE_MAX = 3600 };
    sl_histogram_add(h, (uint64_t)((value < VALUE_MAX ? value : VALUE_MAX) * MILLION));
}

static void message(struct rtcd_lines *ls, struct rtcd_line *l, struct span in, usec now)
{
    struct rtcd_dc m = {0};
    if (span_is(in, "ping")) {
        ls->stats.pings++;
        (void)say(ls, l, true, span_of("pong"));
        return;
    }
    if (sl_rtcd_dc_read(in, &m) != E_OK) {
        ls->stats.malformed++;
        return;
    }
    switch (m.type) {
    case RTCD_DC_PING:
        ls->stats.pings++;
        say_type(ls, l, RTCD_DC_PONG);
        break;
    case RTCD_DC_SDP:
        if (may_say(ls, l, RTCD_LINE_SDP_COST - 1, now))
            described(ls, l, m.zipped, now);
        break;
    case RTCD_DC_LOSS: report(&l->tally->loss, m.value); break;
    case RTCD_DC_RTT: report(&l->tally->rtt, m.value); break;
    case RTCD_DC_JITTER: report(&l->tally->jitter, m.value); break;
    case RTCD_DC_LOCK: lock_asked(ls, l, now); break;
    case RTCD_DC_UNLOCK: unlock_asked(ls, l, now); break;
    case RTCD_DC_PONG:
    case RTCD_DC_MEDIA_MAP: /* ours to say */
    case RTCD_DC_UNKNOWN:
    case RTCD_DC_TYPES: ls->stats.malformed++; break;
    }
}

static void opened(struct rtcd_lines *ls, struct rtcd_line *l, uint64_t transport,
                   uint16_t stream)
{
    const struct media_ops *m = ls->conf.media;
    if (l->open) {
        m->data_close(m->ctx, transport, stream);
        return;
    }
    l->open = true;
    l->transport = transport;
    l->stream = stream;
    ls->stats.opened++;
    ls->conf.hold(ls->conf.ctx, l, false);
}

static void closed(struct rtcd_lines *ls, struct rtcd_line *l, usec now)
{
    l->open = false;
    ls->stats.closed++;
    if (l->locked)
        unlock(ls, l, now);
    else
        ls->conf.hold(ls->conf.ctx, l, true);
}

void sl_rtcd_line_event(struct rtcd_lines *ls, struct rtcd_line *l, uint64_t transport,
                        const struct media_data_event *ev, usec now)
{
    bool mine = l->open && ev->stream == l->stream;
    switch (ev->kind) {
    case MEDIA_DATA_OPENED:
        if (ev->open)
            opened(ls, l, transport, ev->stream);
        break;
    case MEDIA_DATA_MESSAGE:
        if (mine && may_say(ls, l, 1, now))
            message(ls, l, ev->bytes, now);
        break;
    case MEDIA_DATA_CLOSED:
        if (mine)
            closed(ls, l, now);
        break;
    case MEDIA_DATA_ENDED:
        if (l->open)
            closed(ls, l, now);
        break;
    case MEDIA_DATA_ROOM: break;
    }
}
