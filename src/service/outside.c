#include "service/outside.h"

#include <stdlib.h>
#include <string.h>

#include "base/word.h"

#include "crypto/hash.h"
#include "net/resolve.h"
#include "net/udp.h"
#include "proto/stun.h"
#include "sfu/mail.h"

enum {
    STUN_PORT = 3478, /* RFC 8489 §8 */
    OPENED_MAX = 200, /* datagrams in a second to where peers say that they are */
};

struct outside {
    struct outside_conf conf;
    struct span names[REACH_NAMES];
    uint16_t ports[REACH_NAMES];
    struct loop_timer timer;
    struct reach reach;
    bool settled;
    usec opened_since; /* this second, */
    unsigned opened;   /* and how many were sent in it */
};

static void arm(struct outside *o)
{
    usec at = sl_reach_deadline(&o->reach);
    if (at != USEC_NEVER && sl_loop_timer_set(o->conf.loop, &o->timer, at) != E_OK)
        LOG(o->conf.log, LOG_ERROR, "out of memory");
    if (o->settled || !sl_reach_settled(&o->reach))
        return;
    o->settled = true;
    if ((o->conf.name || o->conf.stun) && !sl_reach_knows(&o->reach))
        LOG(o->conf.log, LOG_WARN,
            "nobody tells how this server is reached from outside; clients are told of "
            "its local addresses",
            KV_STR("name", o->conf.name ? o->conf.name : ""),
            KV_STR("stun", o->conf.stun ? o->conf.stun : ""));
    o->conf.changed(o->conf.ctx);
}

static void on_timer(void *user)
{
    struct outside *o = user;
    sl_reach_tick(&o->reach, sl_loop_now());
    arm(o);
}

/* ---- what is asked ---- */

static void found(struct outside *o, enum reach_name what, const struct addr *a, size_t n)
{
    if (n == 0)
        LOG(o->conf.log, LOG_WARN, "a name has no address",
            KV_STR("name", what == REACH_OURS ? o->conf.name : o->conf.stun));
    sl_reach_found(&o->reach, what, a, n, sl_loop_now());
    arm(o);
}

static void found_ours(void *user, const struct addr *a, size_t n)
{
    found(user, REACH_OURS, a, n);
}

static void found_stun(void *user, const struct addr *a, size_t n)
{
    found(user, REACH_STUN, a, n);
}

static void look_up(void *ctx, enum reach_name what)
{
    struct outside *o = ctx;
    if (sl_resolve(o->conf.loop, o->names[what], o->ports[what],
                   what == REACH_OURS ? found_ours : found_stun, o) != E_OK)
        found(o, what, NULL, 0);
}

/* Any worker has a socket for each address; the first has the least to do with this. */
static void send_datagram(void *ctx, uint16_t port, const struct addr *to,
                          struct span datagram)
{
    struct outside *o = ctx;
    struct cmd_send *c = datagram.n <= CMD_SEND_MAX ? malloc(sizeof *c) : NULL;
    if (!c)
        return;
    *c = (struct cmd_send){.to = *to, .port = port, .n = (uint16_t)datagram.n};
    memcpy(c->bytes, datagram.p, datagram.n);
    struct mail m = sl_mail_of(MAIL_SEND, c);
    if (!sl_post_put(o->conf.post, SHARD_TO_CONTROL, 0, &m, 0))
        sl_mail_free(&m);
    sl_post_ring(o->conf.post, SHARD_TO_CONTROL);
}

static void changed(void *ctx)
{
    const struct outside *o = ctx;
    for (size_t i = 0; i < o->reach.told_n; i++)
        LOG(o->conf.log, LOG_INFO, "clients are told of",
            KV_ADDR("addr", &o->reach.told[i].addr),
            KV_STR("by", o->reach.told[i].tcp ? "tcp" : "udp"));
    o->conf.changed(o->conf.ctx);
}

void sl_outside_mail(struct outside *o, const struct mail *m)
{
    struct addr shown = {.port = (uint16_t)m->arg};
    struct wr w = wr_of(shown.ip, sizeof shown.ip);
    wr_u64(&w, m->id);
    wr_u64(&w, m->id2);
    sl_reach_seen(&o->reach, (uint16_t)(m->arg >> 16), &shown);
    arm(o);
}

/* ---- the way in ---- */

/* Which of our sockets the kernel would send by; false: none of them. */
static bool socket_to(const struct outside *o, const struct addr *to, uint16_t *ret)
{
    struct addr from;
    if (!sl_udp_source(to, &from))
        return false;
    for (size_t i = 0; i < o->conf.of.udp_n; i++)
        if (memcmp(o->conf.of.udp[i].ip, from.ip, sizeof from.ip) == 0) {
            *ret = (uint16_t)i;
            return true;
        }
    return false;
}

/* An indication (RFC 8445 §11) asks for no answer, so what a peer names is sent nothing twice. */
void sl_outside_open(struct outside *o, const struct addr *to, size_t n)
{
    usec now = sl_loop_now();
    if (!o->conf.name && !o->conf.stun && o->conf.of.maps_n == 0)
        return;
    if (now - o->opened_since >= SEC(1)) {
        o->opened_since = now;
        o->opened = 0;
    }
    for (size_t i = 0; i < n && o->opened < OPENED_MAX; i++) {
        struct stun msg = {.class = STUN_INDICATION, .method = STUN_BINDING};
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        uint16_t port;
        if (to[i].port == 0 || !sl_addr_is_public(&to[i]) || !socket_to(o, &to[i], &port))
            continue;
        o->opened++;
        sl_random(msg.id, sizeof msg.id);
        sl_stun_build(&w, &msg, NULL);
        send_datagram(o, port, &to[i], wr_done(&w));
    }
}

/* ---- its life ---- */

/* "stun:host", "stun:host:port", "stun:[ipv6]:port". */
static enum err read_stun(struct outside *o, const char *text)
{
    static const char scheme[] = "stun:";
    struct span s = span_of(text);
    uint64_t port = STUN_PORT;
    if (!word_starts(s, scheme))
        return E_MALFORMED;
    s = (struct span){s.p + sizeof scheme - 1, s.n - (sizeof scheme - 1)};
    size_t host = s.n;
    if (s.n > 0 && s.p[s.n - 1] != ']')
        for (size_t i = s.n; i-- > 0 && s.p[i] != ']';)
            if (s.p[i] == ':') {
                host = i;
                break;
            }
    if (host < s.n &&
        !word_number((struct span){s.p + host + 1, s.n - host - 1}, UINT16_MAX, &port))
        return E_MALFORMED;
    o->names[REACH_STUN] = (struct span){s.p, host};
    o->ports[REACH_STUN] = (uint16_t)port;
    return host > 0 && port > 0 ? E_OK : E_MALFORMED;
}

enum err sl_outside_new(const struct outside_conf *conf, struct outside **ret)
{
    struct outside *o = calloc(1, sizeof *o);
    if (!o)
        return E_MEMORY;
    o->conf = *conf;
    o->timer = (struct loop_timer){.fn = on_timer, .user = o};
    if (conf->stun && read_stun(o, conf->stun) != E_OK) {
        free(o);
        return E_MALFORMED;
    }
    o->names[REACH_OURS] = conf->name ? span_of(conf->name) : (struct span){0};
    const struct reach_conf rc = {.of = conf->of,
                                  .wanted = {conf->name != NULL, conf->stun != NULL},
                                  .key = conf->key};
    const struct reach_ops ops = {o, look_up, send_datagram, changed};
    sl_reach_init(&o->reach, &rc, &ops);
    o->settled = sl_reach_settled(&o->reach);
    *ret = o;
    return E_OK;
}

void sl_outside_free(struct outside *o)
{
    if (!o)
        return;
    sl_loop_finish_work(o->conf.loop);
    sl_loop_timer_stop(o->conf.loop, &o->timer);
    free(o);
}

void sl_outside_start(struct outside *o)
{
    on_timer(o);
}

const struct negotiate_candidate *sl_outside_told(const struct outside *o, size_t *n)
{
    *n = o->reach.told_n;
    return o->reach.told;
}

bool sl_outside_settled(const struct outside *o)
{
    return o->settled;
}
