#include "media/probe.h"

#include <math.h>

#define STEP        1.5
#define CHASE       2.0  /* times as much follows */
#define WANTED_OVER 1.1  /* beyond what is wanted: to be there for good */
#define ARRIVED     0.8  /* of the packets and octets, at the least */
#define UNFILLED    0.9  /* arriving so fast, it was not held up at all */
#define BELOW       0.95 /* what held it up: so close to it we stay */
#define TOO_FAST    2.0  /* to arrive is no measurement */
#define SPAN_MAX    SEC(1)
#define AHEAD       200.0 /* octets */
#define MEANT       0.75  /* of the rate that was meant */
#define LATE        MSEC(5)
#define TOGETHER    (MSEC(3) / 10) /* two packets that no path has kept apart */
#define GIVE_UP     MSEC(200)      /* nobody pads */
#define CHASE_TIME  SEC(1)         /* a result that comes later is from another time */
/* After cuts to less than this share, what was before is tried again, less and less often. */
#define LARGE_CUT   0.66
#define CUT_BACK    0.85
#define CUT_FADE    0.7
#define AGAIN_MIN                                                                        \
    SEC(1) /* for the queue that was the reason to go, or of a try to show */
#define AGAIN_MAX  SEC(8)
/* After one that shows less than the last one did: two may have met the same accident. */
#define AGAIN_LESS MSEC(500)
#define SAME       0.92 /* of another result: less, and chance has a part in it */
#define NEAR       0.87 /* of what is known: by chance more or less than it */
#define EXACT      0.95 /* more, and it has not */
#define PASSED     0.9  /* of what was tried */

enum { PACED_MIN = 3 }; /* packets of a cluster that came one after the other */

static double limited(const struct probe *p, double bps)
{
    return fmin(bps, p->wanted_bps * WANTED_OVER);
}

static void push(struct probe *p, double bps)
{
    if (p->pending_n < PROBE_PENDING_MAX)
        p->pending[p->pending_n++] = limited(p, bps);
}

void sl_probe_start(struct probe *p, double start_bps)
{
    p->start_bps = start_bps;
    p->chasing = true;
    push(p, 3 * start_bps);
    if (p->wanted_bps > 3 * start_bps)
        push(p, 6 * start_bps);
}

void sl_probe_ask(struct probe *p, double bps)
{
    p->chasing = true;
    push(p, bps);
}

void sl_probe_cut(struct probe *p, double before_bps, usec now)
{
    p->pending_n = 0;
    p->chasing = false;
    p->cut_at = now;
    p->passed = false;
    if (p->before_bps == 0)
        p->again = AGAIN_MIN;
    p->before_bps = fmax(p->before_bps, before_bps);
}

/* ---- out ---- */

static void begin(struct probe *p, usec now)
{
    p->last_id = p->last_id == UINT8_MAX ? 1 : (uint8_t)(p->last_id + 1);
    p->id = p->last_id;
    if (p->span == 0)
        p->span = PROBE_SPAN;
    p->kept[p->id % PROBE_KEPT] =
        (struct cluster){.id = p->id, .bps = p->pending[0], .span = p->span};
    p->tried_bps = p->pending[0];
    p->began_at = p->tried_at = now;
    p->pending_n--;
    for (unsigned i = 0; i < p->pending_n; i++)
        p->pending[i] = p->pending[i + 1];
}

/* What is tried next; 0: nothing. While the application holds back, nobody is hurt by a wrong
 * answer, as little more is sent. While it uses all that it may, an answer is believed a step
 * at a time, as the burst may just have passed between those of others, and where the path is
 * known to be full nothing is tried beyond what there was before. */
static double next_try(const struct probe *p, double bps, enum probe_use use)
{
    double back = p->before_bps * CUT_BACK;
    if (use == PROBE_USE_LITTLE)
        return back > 0 ? back : bps * CHASE;
    if (back > 0)
        return fmin(back, fmax(bps * CHASE, p->start_bps));
    return use == PROBE_USE_RISING ? fmax(bps * STEP, p->start_bps) : 0;
}

static void think(struct probe *p, double bps, enum probe_use use, usec now)
{
    if (p->chasing && now - p->tried_at > CHASE_TIME)
        p->chasing = false;
    if (bps >= p->before_bps * LARGE_CUT)
        p->before_bps = 0;
    bool back = p->before_bps > 0;
    usec wait = p->passed ? AGAIN_MIN : back ? p->again : PROBE_INTERVAL;
    double next = next_try(p, bps, use);
    if (bps >= p->wanted_bps || next <= bps || now - p->tried_at < wait ||
        now - p->cut_at < (back ? AGAIN_MIN : PROBE_INTERVAL))
        return;
    push(p, next);
    p->chasing = use == PROBE_USE_LITTLE;
    if (!back || p->passed)
        p->again = AGAIN_MIN;
    else if (p->again < AGAIN_MAX)
        p->again *= 2;
    else
        p->before_bps *= CUT_FADE; /* it may be another path by now */
    p->passed = false;
}

void sl_probe_tick(struct probe *p, double bps, enum probe_use use, bool calm, usec now)
{
    if (p->id && now - p->began_at > GIVE_UP) {
        p->kept[p->id % PROBE_KEPT].id = 0;
        p->id = 0;
    }
    if (!calm || p->id)
        return;
    if (p->again_at != 0 && now >= p->again_at) {
        p->again_at = 0;
        push(p, p->tried_bps);
    }
    if (p->pending_n == 0)
        think(p, bps, use, now);
    while (p->pending_n > 0 && !p->id) {
        begin(p, now);
        if (p->tried_bps <= bps) /* known by now */
            p->id = 0;
    }
}

static double octets_of(const struct cluster *c)
{
    return c->bps * (double)c->span / SEC(1) / 8;
}

/* A packet is ahead of the rate: the first leaves at once. */
static double ahead_of(const struct cluster *c)
{
    return fmin(fmax(octets_of(c) / PROBE_PACKETS_MIN, 1), AHEAD);
}

static double due_of(const struct probe *p, const struct cluster *c, usec now)
{
    return c->bps * (double)(now - p->began_at) / SEC(1) / 8 + ahead_of(c) - c->octets;
}

void sl_probe_sent(struct probe *p, unsigned octets, usec now)
{
    struct cluster *c = &p->kept[p->id % PROBE_KEPT];
    if (c->packets == 0)
        p->began_at = now;
    /* Who comes late does not catch up: the burst would not be of this rate any more. */
    double late = due_of(p, c, now) * 8 * SEC(1) / c->bps - LATE;
    if (late > 0)
        p->began_at += (usec)late;
    c->packets++;
    c->octets += octets;
    if (c->packets >= PROBE_PACKETS_MIN && c->octets >= octets_of(c))
        p->id = 0;
}

unsigned sl_probe_padding(const struct probe *p, usec now)
{
    double due = p->id ? due_of(p, &p->kept[p->id % PROBE_KEPT], now) : 0;
    return due > 0 ? (unsigned)ceil(due) : 0;
}

usec sl_probe_deadline(const struct probe *p)
{
    const struct cluster *c = &p->kept[p->id % PROBE_KEPT];
    if (p->id == 0)
        return USEC_NEVER;
    double ahead = fmax(c->octets - ahead_of(c), 0);
    return p->began_at + (usec)ceil(ahead * 8 * SEC(1) / c->bps) + 1;
}

unsigned sl_probe_standing(const struct probe *p, double bps)
{
    double more = p->tried_bps > bps ? 1 - bps / p->tried_bps : 0;
    const struct cluster *c = &p->kept[p->last_id % PROBE_KEPT];
    return c->id == p->last_id ? (unsigned)(c->octets * more) : 0;
}

/* ---- back ---- */

/* Rates count the gaps between packets: of what was sent without the last one, of what came
 * without the first. */
static struct probe_result shown(const struct cluster *c)
{
    const struct probe_result none = {0};
    usec sent = c->last_sent - c->first_sent, got = c->last_got - c->first_got;
    double meant = fmax(c->packets, PROBE_PACKETS_MIN);
    if (c->got_packets < meant * ARRIVED ||
        c->got_octets < fmax(c->octets, octets_of(c)) * ARRIVED)
        return none;
    if (sent <= 0 || got <= 0 || sent > SPAN_MAX || got > SPAN_MAX)
        return none;
    unsigned octets = c->got_octets - c->stood_octets;
    if (c->got_packets - c->stood_packets < PACED_MIN)
        return none;
    double send_bps = (double)(octets - c->last_sent_octets) * 8 * SEC(1) / (double)sent;
    double got_bps = (double)(octets - c->first_got_octets) * 8 * SEC(1) / (double)got;
    /* Packets have different sizes, and each of the rates leaves another one out: what they
     * say is only believed where it took longer to arrive, too. */
    double stretched = (double)got / (double)sent;
    bool slow = got_bps < send_bps * UNFILLED;
    if (got_bps > send_bps * TOO_FAST)
        return none;
    if (slow && stretched > 1 / UNFILLED)
        return (struct probe_result){.bps = got_bps * BELOW, .full = true, .id = c->id};
    if (send_bps < c->bps * MEANT)
        return none; /* nobody padded: this is only what the application sends */
    double passed = fmin(send_bps, c->bps) / fmax(stretched, 1);
    return (struct probe_result){.bps = slow ? (passed + got_bps) / 2 : passed,
                                 .id = c->id};
}

/* Whether a packet is the first that came by itself, behind some that the receiver could not take and
 * found together later. When those would have come is not known: the rate is that of the others. */
static bool begins_anew(struct cluster *c, usec sent, usec arrival)
{
    bool together = arrival - c->last_got < TOGETHER;
    if (c->got_packets == 0 || c->paced)
        return false;
    if (together) {
        c->stood = c->stood || sent - c->last_sent > TOGETHER * 2;
        return false;
    }
    c->paced = true;
    return c->stood;
}

struct probe_result sl_probe_received(struct probe *p, uint8_t id, unsigned octets,
                                      usec sent, usec arrival)
{
    const struct probe_result none = {0};
    struct cluster *c = &p->kept[id % PROBE_KEPT];
    if (id == 0 || c->id != id)
        return none;
    if (begins_anew(c, sent, arrival)) {
        c->stood_octets = c->got_octets;
        c->stood_packets = c->got_packets;
        c->first_sent = sent;
        c->first_got = arrival;
        c->first_got_octets = octets;
    }
    if (c->got_packets == 0 || sent < c->first_sent)
        c->first_sent = sent;
    if (c->got_packets == 0 || sent >= c->last_sent) {
        c->last_sent = sent;
        c->last_sent_octets = octets;
    }
    if (c->got_packets == 0 || arrival < c->first_got) {
        c->first_got = arrival;
        c->first_got_octets = octets;
    }
    if (c->got_packets == 0 || arrival > c->last_got)
        c->last_got = arrival;
    c->got_packets++;
    c->got_octets += octets;
    return shown(c);
}

/* Whether a cluster shows what the last one did that was held up, too; or what itself did before
 * the last of it arrived. */
static bool agrees(struct probe *p, const struct probe_result *r)
{
    double less = fmin(r->bps, p->full_bps), more = fmax(r->bps, p->full_bps);
    bool first = p->full_bps == 0, other = p->full_id != r->id;
    p->full_bps = r->bps;
    p->full_id = r->id;
    if (!first && other && less > more * EXACT && p->span > PROBE_SPAN)
        p->span /= 2;
    return first || less > more * SAME;
}

/* Whether a cluster that was not held up shows much more than the last one that was. It may have
 * stood in a queue that the receiver emptied at once. */
static bool surprises(struct probe *p, const struct probe_result *r)
{
    bool much = !r->full && p->full_bps > 0 && r->bps * EXACT > p->full_bps / BELOW;
    if (much && p->doubted)
        p->full_bps = 0; /* it is another path now */
    p->doubted = much && !p->doubted;
    return p->doubted;
}

/* One that is near to what is known, held up or not, is one more measurement of the same. */
static void learn(struct probe *p, const struct probe_result *r)
{
    if (r->id != p->known_id)
        p->known_before_bps = p->known_bps;
    p->known_id = r->id;
    double before = p->known_before_bps;
    if (r->bps > before * NEAR && r->bps * NEAR < before)
        p->known_bps = (before + r->bps) / 2;
    else
        p->known_bps = r->full ? r->bps : 0;
}

/* Looks at it again, for longer. */
static bool refuse(struct probe *p, const struct probe_result *r)
{
    p->span = p->span < PROBE_SPAN_MAX ? p->span * 2 : PROBE_SPAN_MAX;
    p->refused_id = r->id;
    push(p, p->tried_bps);
    return false;
}

bool sl_probe_result(struct probe *p, const struct probe_result *r)
{
    if (r->id != 0 && r->id == p->refused_id) {
        p->full_bps = r->full ? r->bps : p->full_bps;
        return false; /* the rest of it changes nothing: the next one is on its way */
    }
    if (surprises(p, r))
        return refuse(p, r);
    p->passed = !r->full && r->bps >= p->tried_bps * PASSED;
    if (r->full && !agrees(p, r) && p->span < PROBE_SPAN_MAX)
        return refuse(p, r);
    if (r->full && r->bps < p->known_bps * SAME)
        p->again_at = p->tried_at + AGAIN_LESS;
    learn(p, r);
    if (r->full)
        p->before_bps = fmin(p->before_bps, r->bps); /* it is another path now */
    if (p->chasing && !r->full && p->pending_n == 0 && r->bps < p->wanted_bps)
        push(p, r->bps * CHASE);
    return true;
}
