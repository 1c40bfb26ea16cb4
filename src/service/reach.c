#include "service/reach.h"

#include <string.h>

#include "proto/stun.h"

static bool set(const struct addr *a)
{
    return !sl_addr_is_any(a);
}

/* ---- what is told ---- */

static size_t maps_of(const struct reach *r, struct address_map maps[REACH_MAPS_MAX])
{
    const struct candidates_of *of = &r->conf.of;
    size_t n = 0;
    for (; n < of->maps_n && n < REACH_MAPS_MAX; n++)
        maps[n] = of->maps[n];
    for (int v4 = 0; v4 < 2 && n < REACH_MAPS_MAX; v4++)
        if (set(&r->found[REACH_OURS][v4]))
            maps[n++] = (struct address_map){.shown = r->found[REACH_OURS][v4]};
    for (size_t i = 0; i < of->udp_n && n < REACH_MAPS_MAX; i++)
        if (set(&r->hosts[i].shown))
            maps[n++] =
                (struct address_map){.local = of->udp[i], .shown = r->hosts[i].shown};
    for (size_t i = 0; i < n; i++)
        maps[i].local.port = maps[i].shown.port = 0;
    return n;
}

static bool same(const struct negotiate_candidate *a, const struct negotiate_candidate *b)
{
    return a->tcp == b->tcp && addr_eq(&a->addr, &b->addr);
}

/* Works out anew what is told. */
static void tell(struct reach *r)
{
    struct address_map maps[REACH_MAPS_MAX];
    struct negotiate_candidate now[CANDIDATES_MAX];
    struct candidates_of of = r->conf.of;
    of.maps = maps;
    of.maps_n = maps_of(r, maps);
    size_t n = sl_candidates(&of, now), i = 0;
    while (i < n && i < r->told_n && same(&now[i], &r->told[i]))
        i++;
    if (i == n && i == r->told_n)
        return;
    memcpy(r->told, now, n * sizeof now[0]);
    r->told_n = n;
    if (r->ops.changed)
        r->ops.changed(r->ops.ctx);
}

void sl_reach_init(struct reach *r, const struct reach_conf *conf,
                   const struct reach_ops *ops)
{
    *r = (struct reach){.conf = *conf, .again = USEC_NEVER};
    tell(r);
    r->ops = *ops;
    if (!conf->wanted[REACH_OURS] && !conf->wanted[REACH_STUN])
        r->next = USEC_NEVER;
}

/* ---- asking ---- */

static void ask(struct reach *r, size_t host)
{
    const struct addr *from = &r->conf.of.udp[host];
    struct stun msg = {.class = STUN_REQUEST, .method = STUN_BINDING};
    uint8_t buf[64];
    struct wr id = wr_of(msg.id, sizeof msg.id), w = wr_of(buf, sizeof buf);
    wr_u64(&id, r->conf.key);
    wr_u32(&id, (uint32_t)host);
    sl_stun_build(&w, &msg, NULL);
    r->ops.send(r->ops.ctx, (uint16_t)host, &r->found[REACH_STUN][sl_addr_is_v4(from)],
                wr_done(&w));
}

/* Asks all that have not been answered. False: there are none. */
static bool ask_all(struct reach *r)
{
    bool any = false;
    for (size_t i = 0; i < r->conf.of.udp_n; i++) {
        if (!r->hosts[i].waits)
            continue;
        ask(r, i);
        any = true;
    }
    return any;
}

/* Loopback sees nothing of the world. */
static void begin(struct reach *r, usec now)
{
    for (size_t i = 0; i < r->conf.of.udp_n; i++) {
        const struct addr *a = &r->conf.of.udp[i];
        const struct addr *server = &r->found[REACH_STUN][sl_addr_is_v4(a)];
        r->hosts[i].waits =
            set(server) && sl_addr_is_loopback(a) == sl_addr_is_loopback(server);
    }
    r->begun = now;
    r->wait = REACH_AGAIN;
    r->again = ask_all(r) ? now + r->wait : USEC_NEVER;
}

void sl_reach_tick(struct reach *r, usec now)
{
    if (now >= r->next) {
        r->next = now + REACH_INTERVAL;
        r->rounds++;
        for (int i = 0; i < REACH_NAMES; i++) {
            if (!r->conf.wanted[i] || r->looking[i])
                continue;
            r->looking[i] = true;
            r->ops.look_up(r->ops.ctx, (enum reach_name)i);
        }
    }
    if (now < r->again)
        return;
    r->wait *= 2;
    r->again = now - r->begun < REACH_TIMEOUT && ask_all(r) ? now + r->wait : USEC_NEVER;
}

usec sl_reach_deadline(const struct reach *r)
{
    return r->again < r->next ? r->again : r->next;
}

void sl_reach_found(struct reach *r, enum reach_name what, const struct addr *a, size_t n,
                    usec now)
{
    bool had[2] = {false, false};
    r->looking[what] = false;
    for (size_t i = 0; i < n; i++) {
        bool v4 = sl_addr_is_v4(&a[i]);
        if (!had[v4])
            r->found[what][v4] = a[i];
        had[v4] = true;
    }
    if (what == REACH_STUN)
        begin(r, now);
    tell(r);
}

void sl_reach_seen(struct reach *r, uint16_t port, const struct addr *shown)
{
    if (port >= r->conf.of.udp_n || !r->hosts[port].waits || !set(shown))
        return;
    r->hosts[port].waits = false;
    r->hosts[port].shown = *shown;
    bool waits = false;
    for (size_t i = 0; i < r->conf.of.udp_n; i++)
        waits |= r->hosts[i].waits;
    if (!waits)
        r->again = USEC_NEVER;
    tell(r);
}

bool sl_reach_settled(const struct reach *r)
{
    if (r->next == USEC_NEVER || r->rounds > 1)
        return true;
    return r->rounds == 1 && !r->looking[REACH_OURS] && !r->looking[REACH_STUN] &&
           r->again == USEC_NEVER;
}

bool sl_reach_knows(const struct reach *r)
{
    bool any = set(&r->found[REACH_OURS][0]) || set(&r->found[REACH_OURS][1]);
    for (size_t i = 0; i < r->conf.of.udp_n; i++)
        any |= set(&r->hosts[i].shown);
    return any;
}
