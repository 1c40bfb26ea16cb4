#include "media/groups.h"

/* The receiver's clock jumped when arrivals moved so much more than sendings. */
#define CLOCK_JUMP SEC(3)

static usec later(usec a, usec b)
{
    return a > b ? a : b;
}

static bool belongs(const struct group *g, usec sent, usec arrival)
{
    usec d_sent = sent - g->last_sent;
    usec d_arrival = arrival - g->last_arrival;
    if (sent - g->first_sent <= GROUP_SPAN)
        return true;
    return d_arrival - d_sent < 0 && d_arrival <= GROUP_SPAN &&
           arrival - g->first_arrival < GROUP_MAX &&
           arrival - g->first_arrival > -GROUP_MAX;
}

/* The group is complete: compares it with the one before. */
static bool compare(struct groups *g, struct group_delta *ret)
{
    struct group_delta d = {.sent = g->now.last_sent - g->before.last_sent,
                            .arrival = g->now.last_arrival - g->before.last_arrival,
                            .at = g->now.last_arrival};
    if (d.arrival < 0 || d.arrival - d.sent > CLOCK_JUMP) {
        *g = (struct groups){0};
        return false;
    }
    *ret = d;
    return true;
}

bool sl_groups_input(struct groups *g, usec sent, usec arrival, struct group_delta *ret)
{
    bool told = false;
    if (g->any && sent < g->now.first_sent)
        return false; /* resent feedback, or packets that overtook: too late to say much */
    if (g->any && belongs(&g->now, sent, arrival)) {
        g->now.last_sent = later(g->now.last_sent, sent);
        g->now.last_arrival = later(g->now.last_arrival, arrival);
        return false;
    }
    if (g->any) {
        told = g->two && compare(g, ret);
        g->two = g->any;
        g->before = g->now;
    }
    g->any = true;
    g->now = (struct group){sent, sent, arrival, arrival};
    return told;
}
