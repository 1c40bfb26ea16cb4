#include "service/plane.h"

#include <stdlib.h>

#include "media/bwe.h"
#include "service/wiring.h"

struct plane {
    struct plane_events events;
    struct wiring w;
    usec now;
};

void sl_plane_flush(struct plane *p)
{
    sl_outbox_flush(&p->w.out);
}

size_t sl_plane_waiting(const struct plane *p)
{
    return p->w.out.waiting;
}

/* ---- what rooms ask ---- */

static struct cmd_expect expect_of(uint64_t id, const char *ufrag, const char *pwd)
{
    struct cmd_expect c = {.transport = id};
    memcpy(c.creds.ufrag, ufrag, strnlen(ufrag, sizeof c.creds.ufrag - 1));
    memcpy(c.creds.pwd, pwd, strnlen(pwd, sizeof c.creds.pwd - 1));
    return c;
}

static bool tell_credentials(struct plane *p, enum mail_type type,
                             const struct cmd_expect *c)
{
    for (unsigned w = 0; w < sl_post_workers(p->w.out.post); w++)
        if (!sl_outbox_put_copy(&p->w.out, w, type, c, sizeof *c))
            return false;
    return true;
}

static enum err transport_add(void *ctx, const struct media_transport *mt)
{
    struct plane *p = ctx;
    if (p->w.out.waiting > 0)
        return E_FULL;
    struct pl_transport *t = calloc(1, sizeof *t);
    if (!t)
        return E_MEMORY;
    t->id = mt->id;
    t->data = (struct plane_data){
        .transport = mt->id, .conf = mt->data, .dtls_client = mt->dtls_client};
    enum err e = sl_wiring_add_transport(&p->w, t);
    if (e)
        return e;
    struct cmd_assoc a = {.transport = mt->id,
                          .client = mt->dtls_client,
                          .any = mt->any,
                          .hash = mt->peer.n,
                          .data = mt->data.wanted,
                          .data_port = mt->data.port,
                          .data_max = mt->data.message};
    _Static_assert(sizeof a.digest == sizeof mt->peer.bytes, "one size of digests");
    memcpy(a.digest, mt->peer.bytes, sizeof a.digest);
    struct cmd_expect c = expect_of(mt->id, mt->ufrag, mt->pwd);
    c.single = mt->single;
    /* The association thread first: DTLS may come as soon as a worker knows the ufrag. */
    if (!sl_outbox_put_copy(&p->w.out, SHARD_TO_ASSOC, MAIL_ASSOC, &a, sizeof a) ||
        !tell_credentials(p, MAIL_EXPECT, &c)) {
        sl_wiring_drop_transport(&p->w, t);
        return E_MEMORY;
    }
    return E_OK;
}

static enum err transport_restart(void *ctx, uint64_t id, const char *ufrag,
                                  const char *pwd)
{
    struct plane *p = ctx;
    struct cmd_expect c = expect_of(id, ufrag, pwd);
    if (!sl_wiring_transport(&p->w, id))
        return E_ABSENT;
    return tell_credentials(p, MAIL_RESTART, &c) ? E_OK : E_MEMORY;
}

static void transport_close(void *ctx, uint64_t id)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, id);
    if (t)
        sl_wiring_drop_transport(&p->w, t);
}

static void transport_ceiling(void *ctx, uint64_t id, uint32_t bps)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, id);
    if (!t)
        return;
    t->ceiling_bps = bps;
    sl_wiring_ceiling(&p->w, t);
}

static enum err producer_add(void *ctx, uint64_t id, uint64_t transport, uint64_t room,
                             const struct rtp_receive *r)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, transport);
    (void)room;
    if (!t)
        return E_ABSENT;
    struct pl_producer *pr = calloc(1, sizeof *pr);
    if (!pr)
        return E_MEMORY;
    pr->id = id;
    pr->transport = t;
    pr->receive = *r;
    return sl_wiring_add_producer(&p->w, pr);
}

static void producer_close(void *ctx, uint64_t id)
{
    struct plane *p = ctx;
    struct pl_producer *pr = sl_wiring_producer(&p->w, id);
    if (pr)
        sl_wiring_drop_producer(&p->w, pr);
}

static enum err consumer_add(void *ctx, uint64_t id, uint64_t transport, uint64_t room,
                             const struct rtp_send *s)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, transport);
    (void)room;
    if (!t)
        return E_ABSENT;
    struct pl_consumer *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    c->id = id;
    c->transport = t;
    c->send = *s;
    return sl_wiring_add_consumer(&p->w, c);
}

static void consumer_source(void *ctx, uint64_t consumer, uint64_t producer)
{
    struct plane *p = ctx;
    struct pl_consumer *c = sl_wiring_consumer(&p->w, consumer);
    struct pl_producer *pr = sl_wiring_producer(&p->w, producer);
    if (c && c->source != pr)
        sl_wiring_source(&p->w, c, pr);
}

static void consumer_close(void *ctx, uint64_t id)
{
    struct plane *p = ctx;
    struct pl_consumer *c = sl_wiring_consumer(&p->w, id);
    if (c)
        sl_wiring_drop_consumer(&p->w, c);
}

static void consumer_wish(void *ctx, uint64_t consumer, const struct rtp_wish *wish)
{
    struct plane *p = ctx;
    struct pl_consumer *c = sl_wiring_consumer(&p->w, consumer);
    if (!c)
        return;
    c->wishes = true;
    c->wish = *wish;
    sl_wiring_wish(&p->w, c);
}

/* ---- data channels ---- */

static enum err data_open(void *ctx, uint64_t transport, const struct dcep_open *open,
                          bool negotiated, uint16_t *stream)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, transport);
    return t ? sl_plane_data_open(&t->data, &p->w.out, open, negotiated, stream)
             : E_ABSENT;
}

static enum err data_send(void *ctx, uint64_t transport, uint16_t stream, bool text,
                          struct span message)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, transport);
    return t ? sl_plane_data_send(&t->data, &p->w.out, stream, text, message) : E_ABSENT;
}

static void data_close(void *ctx, uint64_t transport, uint16_t stream)
{
    struct plane *p = ctx;
    struct pl_transport *t = sl_wiring_transport(&p->w, transport);
    if (t)
        sl_plane_data_close(&t->data, &p->w.out, stream);
}

struct media_ops sl_plane_ops(struct plane *p)
{
    return (struct media_ops){.ctx = p,
                              .transport_add = transport_add,
                              .transport_restart = transport_restart,
                              .transport_close = transport_close,
                              .transport_ceiling = transport_ceiling,
                              .producer_add = producer_add,
                              .producer_close = producer_close,
                              .consumer_add = consumer_add,
                              .consumer_source = consumer_source,
                              .consumer_close = consumer_close,
                              .consumer_wish = consumer_wish,
                              .data_open = data_open,
                              .data_send = data_send,
                              .data_close = data_close};
}

const struct wiring *sl_plane_wiring(const struct plane *p)
{
    return &p->w;
}

/* ---- what comes back ---- */

static void note_path(struct pl_transport *t, const struct mail *m)
{
    enum bwe_cause cause = (enum bwe_cause)MAIL_ESTIMATE_CAUSE(m->id2);
    t->path = (struct plane_path){.bps = MAIL_ESTIMATE_BPS(m->id2),
                                  .rtt = m->arg,
                                  .lost = MAIL_ESTIMATE_LOST(m->id2),
                                  .cause = sl_bwe_cause_name(cause)};
}

bool sl_plane_path(const struct plane *p, uint64_t transport, struct plane_path *ret)
{
    const struct pl_transport *t = sl_wiring_transport(&p->w, transport);
    if (!t || !t->path.cause)
        return false;
    *ret = t->path;
    return true;
}

static void note_reception(struct pl_transport *t, const struct mail *m)
{
    t->reception =
        (struct plane_reception){.known = true, .lost = (uint8_t)m->id2, .rtt = m->arg};
}

bool sl_plane_reception(const struct plane *p, uint64_t producer,
                        struct plane_reception *ret)
{
    const struct pl_producer *pr = sl_wiring_producer(&p->w, producer);
    if (!pr || !pr->transport->reception.known)
        return false;
    *ret = pr->transport->reception;
    return true;
}

static void wanted(struct plane *p, const struct mail *m)
{
    struct pl_producer *pr = sl_wiring_producer(&p->w, m->id);
    if (!pr)
        return;
    pr->wanted_at = p->now;
    p->events.wanted(p->events.ctx, pr->transport->id, pr->id, (uint8_t)m->arg,
                     (uint32_t)m->id2);
}

usec sl_plane_wanted_at(const struct plane *p, uint64_t producer)
{
    const struct pl_producer *pr = sl_wiring_producer(&p->w, producer);
    return pr ? pr->wanted_at : 0;
}

static void excess(struct plane *p, const struct mail *m)
{
    struct pl_producer *pr = sl_wiring_producer(&p->w, m->id);
    if (!pr)
        return;
    pr->excess = (uint8_t)m->arg;
    p->events.excess(p->events.ctx, pr->transport->id, pr->id, pr->excess);
}

uint8_t sl_plane_excess(const struct plane *p, uint64_t producer)
{
    const struct pl_producer *pr = sl_wiring_producer(&p->w, producer);
    return pr ? pr->excess : 0;
}

static void voice(struct plane *p, const struct mail *m)
{
    const struct pl_producer *pr = sl_wiring_producer(&p->w, m->id);
    struct voice v = sl_voice_unpack(m->arg);
    if (pr)
        p->events.voice(p->events.ctx, pr->transport->id, pr->id, &v);
}

static void note_share(struct plane *p, const struct mail *m)
{
    struct pl_consumer *c = sl_wiring_consumer(&p->w, m->id);
    if (!c || !c->source)
        return;
    struct mail_share was = c->share.now, s = sl_mail_shared(m);
    if (!c->told || was.cause != s.cause || !layer_same(was.sent, s.sent))
        c->share.changed_at = p->now;
    c->share.now = s;
    c->told = true;
}

bool sl_plane_share(const struct plane *p, uint64_t consumer, struct plane_share *ret)
{
    const struct pl_consumer *c = sl_wiring_consumer(&p->w, consumer);
    if (!c || !c->told)
        return false;
    *ret = c->share;
    return true;
}

void sl_plane_time(struct plane *p, usec now)
{
    p->now = now;
}

static void take_data(struct plane *p, struct data_cmd *c)
{
    struct pl_transport *t = sl_wiring_transport(&p->w, c->transport);
    struct media_data_event ev;
    struct dcep_open open;
    sl_outbox_put(
        &p->w.out, SHARD_TO_ASSOC,
        &(struct mail){.type = MAIL_DATA_DONE, .id = c->transport, .id2 = data_cost(c)});
    if (t && p->events.data && sl_plane_data_event(&t->data, c, &open, &ev))
        p->events.data(p->events.ctx, t->id, &ev);
    free(c);
}

static void data_done(struct plane *p, struct pl_transport *t, size_t cost)
{
    if (sl_plane_data_done(&t->data, cost) && p->events.data)
        p->events.data(p->events.ctx, t->id,
                       &(struct media_data_event){.kind = MEDIA_DATA_ROOM});
}

void sl_plane_mail(struct plane *p, unsigned from, const struct mail *m)
{
    struct pl_transport *t = sl_wiring_transport(&p->w, m->id);
    struct mail unread = *m;
    (void)from;
    if (m->type == MAIL_STARTED) {
        if (sl_wiring_producer(&p->w, m->id))
            p->events.started(p->events.ctx, m->id);
    } else if (m->type == MAIL_WANTED) {
        wanted(p, m);
    } else if (m->type == MAIL_EXCESS) {
        excess(p, m);
    } else if (m->type == MAIL_SHARE) {
        note_share(p, m);
    } else if (m->type == MAIL_SPEAKER) {
        voice(p, m);
    } else if (m->type == MAIL_DATA) {
        take_data(p, m->p);
    } else if (!t) { /* NOLINT(bugprone-branch-clone): no other branch may see it */
        sl_mail_free(&unread); /* about something that is closed */
    } else if (m->type == MAIL_UP) {
        sl_wiring_adopt(&p->w, t, m->arg);
        p->events.up(p->events.ctx, m->id);
    } else if (m->type == MAIL_DATA_DONE) {
        data_done(p, t, m->id2);
    } else if (m->type == MAIL_ESTIMATE) {
        note_path(t, m);
    } else if (m->type == MAIL_RECEPTION) {
        note_reception(t, m);
    } else if (m->type == MAIL_FAILED) {
        p->events.gone(p->events.ctx, m->id, MEDIA_GONE_HANDSHAKE);
    } else if (m->type == MAIL_HUNG_UP) {
        p->events.gone(p->events.ctx, m->id, MEDIA_GONE_CLOSED);
    } else if (m->type == MAIL_STALE) {
        if (p->events.stale)
            p->events.stale(p->events.ctx, m->id);
    } else if (m->type == MAIL_LOST) {
        p->events.gone(p->events.ctx, m->id, MEDIA_GONE_CONSENT);
    } else {
        sl_mail_free(&unread);
    }
}

struct plane *sl_plane_new(struct post *post, const uint64_t hash_key[2],
                           const struct plane_events *events)
{
    struct plane *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    sl_wiring_init(&p->w, post, hash_key);
    p->events = *events;
    return p;
}

void sl_plane_free(struct plane *p)
{
    if (!p)
        return;
    sl_wiring_fini(&p->w);
    free(p);
}
