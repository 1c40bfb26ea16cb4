#include "sfu/trace.h"

#include "base/tx.h"

#include "proto/pcapng.h"
#include "sfu/transport.h"

/* Interfaces of the file. */
enum { BY_UDP, BY_TCP };

_Static_assert((int)TRACE_PARTS == (int)PCAPNG_PARTS,
               "a packet is written as it is made");

/* Or nothing behind n, where there was no room for all. */
static void keep(struct trace *tr, size_t n)
{
    if (!tr->out.bad)
        return;
    tr->out.n = n;
    tr->out.bad = false;
    tr->over = true;
}

void sl_trace_init(struct trace *tr, struct wr memory, const struct trace_conf *conf)
{
    *tr = (struct trace){.out = memory, .conf = *conf};
    sl_pcapng_section(&tr->out, "sluice", conf->about);
    sl_pcapng_interface(&tr->out, "udp", "datagrams, SRTP taken off");
    sl_pcapng_interface(&tr->out, "tcp",
                        "datagrams in frames of RFC 4571, as if they came by UDP");
    keep(tr, 0);
}

void sl_trace_begin(struct trace *tr, struct transport *t)
{
    tr->of = t;
    t->trace = tr;
    t->traced = true;
}

size_t sl_trace_end(struct trace *tr)
{
    if (tr->of) {
        tr->of->trace = NULL;
        tr->of->traced = false;
        tr->of = NULL;
    }
    tr->over = true;
    return tr->out.n;
}

/* A stream's own end is not known here: it is one of our addresses of the peer's family. */
static struct addr ours(const struct trace *tr, uint16_t port, const struct addr *peer)
{
    struct addr a = {.port = 0};
    for (size_t i = tr->conf.at_n; i-- > 0;)
        if (sl_addr_is_v4(&tr->conf.at[i]) == sl_addr_is_v4(peer))
            a = tr->conf.at[i];
    return port < tr->conf.at_n ? tr->conf.at[port] : a;
}

static void put(struct trace *tr, struct pcapng_packet *p, const struct addr *peer,
                uint16_t port, usec at)
{
    size_t before = tr->out.n;
    struct addr us = ours(tr, port, peer);
    if (tr->over)
        return;
    if (at >= tr->conf.until) {
        tr->over = true;
        return;
    }
    p->interface = tx_is_stream(port) ? BY_TCP : BY_UDP;
    p->at_ns = (uint64_t)(tr->conf.wall + at) * 1000;
    p->from = p->sent ? us : *peer;
    p->to = p->sent ? *peer : us;
    sl_pcapng_packet(&tr->out, p);
    keep(tr, before);
}

void sl_trace_received(const struct transport *t, const struct pkt *p)
{
    struct pcapng_packet out = {.parts = {{p->data, p->n}}};
    put(t->trace, &out, &p->from, p->port, p->at);
}

void sl_trace_sent(const struct transport *t, const struct span parts[TRACE_PARTS],
                   usec now)
{
    struct pcapng_packet out = {.sent = true, .parts = {parts[0], parts[1], parts[2]}};
    put(t->trace, &out, &t->to, t->port, now);
}
