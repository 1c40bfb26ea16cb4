#pragma once

/*
 * Two ends of DTLS and a network between them that loses, repeats and delays, in exact time.
 * Include it once in a program.
 */

#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "crypto/dtls.h"
#include "wall_clock.h"

enum { CLIENT, SERVER, FLYING_MAX = 256 };

struct end {
    struct cert cert;
    struct dtls_ctx *ctx;
    struct dtls *d;
    struct {
        size_t n;
        uint8_t p[DTLS_MTU];
    } said[8]; /* the messages that came out */
    size_t said_n;
};

struct flying {
    usec at;
    int to;
    size_t n;
    uint8_t p[DTLS_INPUT_MAX];
};

struct net {
    usec now;
    struct end end[2];
    unsigned lose_pct, repeat_pct;
    usec delay, jitter;
    struct rng rng;
    size_t sent[2], longest; /* by whom */
    size_t lose_next;        /* datagrams of the server to lose, whatever the chance */
    bool (*tamper)(struct net *net, int to, struct span datagram); /* true: taken */
    struct flying *flying;
    size_t flying_n;
};

static const enum srtp_profile all_profiles[] = {SRTP_GCM_128, SRTP_GCM_256,
                                                 SRTP_CM_SHA1_80};

static inline struct dtls_fingerprint print_of(const struct cert *c)
{
    struct dtls_fingerprint f = {.n = sizeof c->sha256};
    memcpy(f.octets, c->sha256, f.n);
    return f;
}

static inline void net_init(struct net *net, usec delay)
{
    *net = (struct net){.delay = delay,
                        .rng = sl_rng_of(1),
                        .flying = calloc(FLYING_MAX, sizeof *net->flying)};
    wall_now = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(sl_cert_init(&net->end[i].cert), E_OK);
        net->end[i].ctx =
            sl_dtls_ctx_new(&net->end[i].cert, all_profiles, LEN(all_profiles));
        CHECK(net->end[i].ctx != NULL);
    }
}

static inline void net_fini(struct net *net)
{
    for (int i = 0; i < 2; i++) {
        struct end *e = &net->end[i];
        sl_dtls_free(e->d);
        sl_dtls_ctx_free(e->ctx);
        sl_cert_fini(&e->cert);
    }
    free(net->flying);
}

static inline void fly(struct net *net, int to, struct span datagram)
{
    if (rng_u32(&net->rng) % 100 < net->lose_pct)
        return;
    if (to == CLIENT && net->lose_next > 0) {
        net->lose_next--;
        return;
    }
    if (net->flying_n == FLYING_MAX || datagram.n > DTLS_INPUT_MAX)
        abort();
    struct flying *f = &net->flying[net->flying_n++];
    f->at = net->now + net->delay +
            (net->jitter ? (usec)(rng_u32(&net->rng) % net->jitter) : 0);
    f->to = to;
    f->n = datagram.n;
    memcpy(f->p, datagram.p, datagram.n);
}

static inline void hear(struct end *e, struct span message)
{
    if (e->said_n == LEN(e->said) || message.n > DTLS_MTU)
        abort();
    memcpy(e->said[e->said_n].p, message.p, message.n);
    e->said[e->said_n++].n = message.n;
}

static inline struct span said(const struct end *e, size_t i)
{
    return (struct span){e->said[i].p, e->said[i].n};
}

static inline void drain(struct net *net, int from)
{
    struct dtls_out out;
    while (sl_dtls_poll(net->end[from].d, &out)) {
        uint8_t buf[DTLS_INPUT_MAX]; /* tamper may poll, too */
        struct span copy = {buf, out.bytes.n};
        memcpy(buf, out.bytes.p, out.bytes.n);
        if (out.kind == DTLS_OUT_MESSAGE) {
            hear(&net->end[from], copy);
            continue;
        }
        net->sent[from]++;
        net->longest = copy.n > net->longest ? copy.n : net->longest;
        if (net->tamper && net->tamper(net, !from, copy))
            continue;
        fly(net, !from, copy);
        if (rng_u32(&net->rng) % 100 < net->repeat_pct)
            fly(net, !from, copy);
    }
}

static inline void give(struct net *net, int to, struct span datagram)
{
    enum dtls_state s = sl_dtls_state(net->end[to].d);
    enum err e = sl_dtls_input(net->end[to].d, datagram, net->now);
    bool open = s == DTLS_HANDSHAKE || s == DTLS_UP;
    CHECK(open ? e == E_OK || e == E_UNSUPPORTED : e == E_STATE);
    drain(net, to);
}

/* Begins with the client's first flight under way. */
static inline void net_begin(struct net *net, const struct dtls_fingerprint *of_server,
                             const struct dtls_fingerprint *of_client)
{
    struct end *c = &net->end[CLIENT], *s = &net->end[SERVER];
    s->d = sl_dtls_new(s->ctx, DTLS_SERVER, of_client, net->now);
    c->d = sl_dtls_new(c->ctx, DTLS_CLIENT, of_server, net->now);
    CHECK(s->d && c->d);
    drain(net, CLIENT);
}

static inline void net_begin_right(struct net *net)
{
    struct dtls_fingerprint of_server = print_of(&net->end[SERVER].cert);
    struct dtls_fingerprint of_client = print_of(&net->end[CLIENT].cert);
    net_begin(net, &of_server, &of_client);
}

/* The earliest datagram that flies, or NULL. */
static inline struct flying *next_to_land(const struct net *net)
{
    struct flying *f = NULL;
    for (size_t i = 0; i < net->flying_n; i++)
        if (!f || net->flying[i].at < f->at)
            f = &net->flying[i];
    return f;
}

static inline void net_run(struct net *net, usec span)
{
    usec end = net->now + span;
    for (;;) {
        struct flying *f = next_to_land(net);
        usec deadline[2] = {sl_dtls_deadline(net->end[0].d),
                            sl_dtls_deadline(net->end[1].d)};
        int first = deadline[1] < deadline[0];
        bool landing = f && f->at <= deadline[first];
        usec at = landing ? f->at : deadline[first];
        if (at > end)
            break;
        wall_now += at - net->now;
        net->now = at;
        if (landing) {
            struct flying landed = *f;
            net->flying_n--;
            memmove(f, f + 1, sizeof *f * (size_t)(net->flying + net->flying_n - f));
            give(net, landed.to, (struct span){landed.p, landed.n});
        } else {
            sl_dtls_tick(net->end[first].d, at);
            drain(net, first);
        }
    }
    wall_now += end - net->now;
    net->now = end;
}

static inline enum dtls_state state(const struct net *net, int end)
{
    return sl_dtls_state(net->end[end].d);
}

static inline bool same(const struct srtp_master *a, const struct srtp_master *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline void check_up(const struct net *net, enum srtp_profile profile)
{
    struct srtp_master in[2], out[2];
    for (int i = 0; i < 2; i++) {
        memset(&in[i], 0, sizeof in[i]);
        memset(&out[i], 0, sizeof out[i]);
        CHECK_INT(state(net, i), DTLS_UP);
        CHECK_INT(sl_dtls_keys(net->end[i].d, &in[i], &out[i]), E_OK);
    }
    CHECK(same(&in[CLIENT], &out[SERVER]) && same(&out[CLIENT], &in[SERVER]));
    CHECK(!same(&in[CLIENT], &out[CLIENT]));
    CHECK_INT(in[CLIENT].profile, profile);
}
