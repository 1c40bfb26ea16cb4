#include "service/plane.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"

#include "media/bwe.h"
#include "sfu/data.h"
#include "sfu/mail.h"

/* A mail that found its box full. */
struct late {
    struct late *next;
    struct mail mail;
};

struct late_queue {
    struct late *first, *last;
};

struct pl_transport {
    uint64_t id;
    struct map_node by_id;
    unsigned owner; /* SHARD_WORKERS_MAX: nobody yet */
    struct list producers, consumers;
    struct plane_path path; /* no cause: not known */
    struct media_data data;
    bool dtls_client;
    bool data_full;    /* a message was refused */
    size_t data_below; /* cost of what the association thread has not done */
    uint64_t channels; /* streams in use */
};

struct pl_producer {
    uint64_t id;
    struct map_node by_id;
    struct pl_transport *transport;
    struct list in_transport;
    struct list consumers;             /* that have it as their source */
    uint32_t piped[SHARD_WORKERS_MAX]; /* for how many consumers there */
    struct rtp_receive receive;
};

struct pl_consumer {
    uint64_t id;
    struct map_node by_id;
    struct pl_transport *transport;
    struct list in_transport;
    struct pl_producer *source; /* NULL: none */
    struct list in_source;
    bool fed;             /* its worker was told of the source */
    bool wishes;          /* and is to be told of this */
    struct rtp_wish wish; /* of the viewer */
    bool told;            /* and told us what is sent: */
    struct plane_share share;
    struct rtp_send send;
};

struct plane {
    struct post *post;
    struct plane_events events;
    struct map transports, producers, consumers;
    struct late_queue late[SHARD_PEERS];
    size_t waiting;
    usec now;
};

static struct span key_of(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

static struct pl_transport *transport_of(const struct plane *p, uint64_t id)
{
    struct map_node *n = sl_map_get(&p->transports, key_of(&id));
    return n ? map_entry(n, struct pl_transport, by_id) : NULL;
}

static struct pl_producer *producer_of(const struct plane *p, uint64_t id)
{
    struct map_node *n = sl_map_get(&p->producers, key_of(&id));
    return n ? map_entry(n, struct pl_producer, by_id) : NULL;
}

static struct pl_consumer *consumer_of(const struct plane *p, uint64_t id)
{
    struct map_node *n = sl_map_get(&p->consumers, key_of(&id));
    return n ? map_entry(n, struct pl_consumer, by_id) : NULL;
}

static bool owned(const struct pl_transport *t)
{
    return t->owner != SHARD_WORKERS_MAX;
}

/* ---- mail ---- */

/* In order: behind what waits for the same box already. */
static void put(struct plane *p, unsigned to, const struct mail *m)
{
    struct late_queue *q = &p->late[to];
    if (!q->first && sl_post_put(p->post, SHARD_TO_CONTROL, to, m, 0))
        return;
    struct late *l = malloc(sizeof *l);
    if (!l) {
        /* The thing that this mail is about stays half made; closing it still works. */
        struct mail lost = *m;
        sl_mail_free(&lost);
        return;
    }
    *l = (struct late){.mail = *m};
    *(q->last ? &q->last->next : &q->first) = l;
    q->last = l;
    p->waiting++;
}

void sl_plane_flush(struct plane *p)
{
    for (unsigned to = 0; to < SHARD_PEERS; to++) {
        struct late_queue *q = &p->late[to];
        while (q->first &&
               sl_post_put(p->post, SHARD_TO_CONTROL, to, &q->first->mail, 0)) {
            struct late *l = q->first;
            q->first = l->next;
            if (!q->first)
                q->last = NULL;
            free(l);
            p->waiting--;
        }
    }
    sl_post_ring(p->post, SHARD_TO_CONTROL);
}

size_t sl_plane_waiting(const struct plane *p)
{
    return p->waiting;
}

static void put_id(struct plane *p, unsigned to, enum mail_type type, uint64_t id,
                   unsigned arg)
{
    put(p, to, &(struct mail){.type = type, .id = id, .arg = arg});
}

/* With a copy of what stands at `from`; false when memory ends. */
static bool put_copy(struct plane *p, unsigned to, enum mail_type type, const void *from,
                     size_t n)
{
    void *copy = malloc(n);
    if (!copy)
        return false;
    memcpy(copy, from, n);
    put(p, to, &(struct mail){.type = type, .p = copy});
    return true;
}

static void put_all(struct plane *p, enum mail_type type, uint64_t id)
{
    for (unsigned w = 0; w < sl_post_workers(p->post); w++)
        put_id(p, w, type, id, 0);
}

/* ---- producers and the pipes that carry them ---- */

static void tell_producer(struct plane *p, const struct pl_producer *pr, unsigned to,
                          enum mail_type type)
{
    struct cmd_producer c = {.id = pr->id,
                             .transport = type == MAIL_PRODUCER ? pr->transport->id : 0,
                             .origin = (uint16_t)pr->transport->owner,
                             .receive = pr->receive};
    (void)put_copy(p, to, type, &c, sizeof c);
}

/* The consumer's worker is told of its source once both ends have an owner. A producer that
 * lives elsewhere is carried there first, once for all consumers on that worker. */
static void feed(struct plane *p, struct pl_consumer *c)
{
    struct pl_producer *pr = c->source;
    if (!pr || c->fed || !owned(c->transport) || !owned(pr->transport))
        return;
    unsigned at = c->transport->owner, from = pr->transport->owner;
    if (at != from && pr->piped[at]++ == 0) {
        tell_producer(p, pr, at, MAIL_REMOTE);
        put_id(p, from, MAIL_PIPE, pr->id, at);
    }
    put(p, at, &(struct mail){.type = MAIL_SOURCE, .id = c->id, .id2 = pr->id});
    c->fed = true;
}

static void unfeed(struct plane *p, struct pl_consumer *c)
{
    struct pl_producer *pr = c->source;
    if (pr && c->fed) {
        unsigned at = c->transport->owner, from = pr->transport->owner;
        put(p, at, &(struct mail){.type = MAIL_SOURCE, .id = c->id, .id2 = 0});
        if (at != from && --pr->piped[at] == 0) {
            put_id(p, from, MAIL_UNPIPE, pr->id, at);
            put_id(p, at, MAIL_PRODUCER_CLOSE, pr->id, 0);
        }
    }
    c->fed = false;
    c->told = false;
    c->source = NULL;
    list_del(&c->in_source);
}

static void drop_consumer(struct plane *p, struct pl_consumer *c)
{
    unfeed(p, c);
    if (owned(c->transport))
        put_id(p, c->transport->owner, MAIL_CONSUMER_CLOSE, c->id, 0);
    list_del(&c->in_transport);
    sl_map_del(&p->consumers, &c->by_id);
    free(c);
}

static void drop_producer(struct plane *p, struct pl_producer *pr)
{
    list_each_safe(struct pl_consumer, c, &pr->consumers, in_source) unfeed(p, c);
    if (owned(pr->transport))
        put_id(p, pr->transport->owner, MAIL_PRODUCER_CLOSE, pr->id, 0);
    list_del(&pr->in_transport);
    sl_map_del(&p->producers, &pr->by_id);
    free(pr);
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
    for (unsigned w = 0; w < sl_post_workers(p->post); w++)
        if (!put_copy(p, w, type, c, sizeof *c))
            return false;
    return true;
}

static void drop_transport(struct plane *p, struct pl_transport *t)
{
    list_each_safe(struct pl_consumer, c, &t->consumers, in_transport)
        drop_consumer(p, c);
    list_each_safe(struct pl_producer, pr, &t->producers, in_transport)
        drop_producer(p, pr);
    put_all(p, MAIL_CLOSE, t->id);
    put_id(p, SHARD_TO_ASSOC, MAIL_CLOSE, t->id, 0);
    sl_map_del(&p->transports, &t->by_id);
    free(t);
}

static enum err transport_add(void *ctx, const struct media_transport *mt)
{
    struct plane *p = ctx;
    if (p->waiting > 0)
        return E_FULL;
    struct pl_transport *t = calloc(1, sizeof *t);
    if (!t)
        return E_MEMORY;
    t->id = mt->id;
    t->owner = SHARD_WORKERS_MAX;
    t->data = mt->data;
    t->dtls_client = mt->dtls_client;
    list_init(&t->producers);
    list_init(&t->consumers);
    enum err e = sl_map_put(&p->transports, key_of(&t->id), &t->by_id);
    if (e) {
        free(t);
        return e;
    }
    struct cmd_assoc a = {.transport = mt->id,
                          .client = mt->dtls_client,
                          .hash = mt->peer.n,
                          .data = mt->data.wanted,
                          .data_port = mt->data.port,
                          .data_max = mt->data.message};
    _Static_assert(sizeof a.digest == sizeof mt->peer.bytes, "one size of digests");
    memcpy(a.digest, mt->peer.bytes, sizeof a.digest);
    struct cmd_expect c = expect_of(mt->id, mt->ufrag, mt->pwd);
    /* The association thread first: DTLS may come as soon as a worker knows the ufrag. */
    if (!put_copy(p, SHARD_TO_ASSOC, MAIL_ASSOC, &a, sizeof a) ||
        !tell_credentials(p, MAIL_EXPECT, &c)) {
        drop_transport(p, t);
        return E_MEMORY;
    }
    return E_OK;
}

static enum err transport_restart(void *ctx, uint64_t id, const char *ufrag,
                                  const char *pwd)
{
    struct plane *p = ctx;
    struct cmd_expect c = expect_of(id, ufrag, pwd);
    if (!transport_of(p, id))
        return E_ABSENT;
    return tell_credentials(p, MAIL_RESTART, &c) ? E_OK : E_MEMORY;
}

static void transport_close(void *ctx, uint64_t id)
{
    struct plane *p = ctx;
    struct pl_transport *t = transport_of(p, id);
    if (t)
        drop_transport(p, t);
}

static enum err producer_add(void *ctx, uint64_t id, uint64_t transport, uint64_t room,
                             const struct rtp_receive *r)
{
    struct plane *p = ctx;
    struct pl_transport *t = transport_of(p, transport);
    (void)room;
    if (!t)
        return E_ABSENT;
    struct pl_producer *pr = calloc(1, sizeof *pr);
    if (!pr)
        return E_MEMORY;
    pr->id = id;
    pr->transport = t;
    pr->receive = *r;
    list_init(&pr->consumers);
    enum err e = sl_map_put(&p->producers, key_of(&pr->id), &pr->by_id);
    if (e) {
        free(pr);
        return e;
    }
    list_add(&t->producers, &pr->in_transport);
    if (owned(t))
        tell_producer(p, pr, t->owner, MAIL_PRODUCER);
    return E_OK;
}

static void producer_close(void *ctx, uint64_t id)
{
    struct plane *p = ctx;
    struct pl_producer *pr = producer_of(p, id);
    if (pr)
        drop_producer(p, pr);
}

static void tell_wish(struct plane *p, const struct pl_consumer *c)
{
    struct mail m = sl_mail_wish(c->id, &c->wish);
    put(p, c->transport->owner, &m);
}

static void tell_consumer(struct plane *p, const struct pl_consumer *c)
{
    struct cmd_consumer cmd = {
        .id = c->id, .transport = c->transport->id, .send = c->send};
    (void)put_copy(p, c->transport->owner, MAIL_CONSUMER, &cmd, sizeof cmd);
    if (c->wishes)
        tell_wish(p, c);
}

static enum err consumer_add(void *ctx, uint64_t id, uint64_t transport, uint64_t room,
                             const struct rtp_send *s)
{
    struct plane *p = ctx;
    struct pl_transport *t = transport_of(p, transport);
    (void)room;
    if (!t)
        return E_ABSENT;
    struct pl_consumer *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    c->id = id;
    c->transport = t;
    c->send = *s;
    list_init(&c->in_source);
    enum err e = sl_map_put(&p->consumers, key_of(&c->id), &c->by_id);
    if (e) {
        free(c);
        return e;
    }
    list_add(&t->consumers, &c->in_transport);
    if (owned(t))
        tell_consumer(p, c);
    return E_OK;
}

static void consumer_source(void *ctx, uint64_t consumer, uint64_t producer)
{
    struct plane *p = ctx;
    struct pl_consumer *c = consumer_of(p, consumer);
    struct pl_producer *pr = producer_of(p, producer);
    if (!c || c->source == pr)
        return;
    unfeed(p, c);
    if (!pr)
        return;
    c->source = pr;
    list_add(&pr->consumers, &c->in_source);
    feed(p, c);
}

static void consumer_close(void *ctx, uint64_t id)
{
    struct plane *p = ctx;
    struct pl_consumer *c = consumer_of(p, id);
    if (c)
        drop_consumer(p, c);
}

static void consumer_wish(void *ctx, uint64_t consumer, const struct rtp_wish *wish)
{
    struct plane *p = ctx;
    struct pl_consumer *c = consumer_of(p, consumer);
    if (!c)
        return;
    c->wishes = true;
    c->wish = *wish;
    if (owned(c->transport))
        tell_wish(p, c);
}

/* ---- data channels ---- */

_Static_assert((int)MEDIA_DATA_PORT == DATA_PORT &&
                   (int)MEDIA_DATA_LONGEST == DATA_MESSAGE_MAX,
               "we are as we say");

static enum err put_data(struct plane *p, struct pl_transport *t, struct data_cmd *c)
{
    if (!c)
        return E_MEMORY;
    t->data_below += data_cost(c);
    put(p, SHARD_TO_ASSOC,
        &(struct mail){.type = MAIL_DATA, .p = c}); /* in order with its opening */
    return E_OK;
}

/* RFC 8832 §6: the DTLS client's are even. SCTP_STREAMS: none is left. */
static uint16_t free_stream(const struct pl_transport *t)
{
    uint16_t i = t->dtls_client ? 0 : 1;
    while (i < SCTP_STREAMS && t->channels >> i & 1)
        i += 2;
    return i < SCTP_STREAMS ? i : SCTP_STREAMS;
}

static enum err data_open(void *ctx, uint64_t transport, const struct dcep_open *open,
                          bool negotiated, uint16_t *stream)
{
    struct plane *p = ctx;
    struct pl_transport *t = transport_of(p, transport);
    uint8_t buf[DCEP_OPEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    if (!t || !t->data.wanted)
        return E_ABSENT;
    uint16_t i = negotiated ? *stream : free_stream(t);
    if (i >= SCTP_STREAMS || t->data_below >= DATA_BELOW_MAX)
        return E_FULL;
    if (t->channels >> i & 1)
        return E_EXISTS;
    sl_dcep_write(&w, &(struct dcep){.type = DCEP_OPEN, .open = *open});
    struct data_cmd *c = sl_data_cmd(t->id, DATA_OPEN, i, wr_done(&w));
    if (c)
        c->negotiated = negotiated;
    enum err e = put_data(p, t, c);
    if (e)
        return e;
    t->channels |= UINT64_C(1) << i;
    *stream = i;
    return E_OK;
}

static bool has_channel(const struct pl_transport *t, uint16_t stream)
{
    return t && stream < SCTP_STREAMS && t->channels >> stream & 1;
}

static enum err data_send(void *ctx, uint64_t transport, uint16_t stream, bool text,
                          struct span message)
{
    struct plane *p = ctx;
    struct pl_transport *t = transport_of(p, transport);
    if (!has_channel(t, stream))
        return E_ABSENT;
    if (message.n > SCTP_MESSAGE_MAX ||
        (t->data.message > 0 && message.n > t->data.message))
        return E_MALFORMED;
    t->data_full = t->data_below > 0 && t->data_below + message.n > DATA_BELOW_MAX;
    if (t->data_full)
        return E_FULL;
    struct data_cmd *c = sl_data_cmd(t->id, DATA_MESSAGE, stream, message);
    if (c)
        c->text = text;
    return put_data(p, t, c);
}

static void data_close(void *ctx, uint64_t transport, uint16_t stream)
{
    struct plane *p = ctx;
    struct pl_transport *t = transport_of(p, transport);
    if (has_channel(t, stream))
        (void)put_data(p, t, sl_data_cmd(t->id, DATA_CLOSE, stream, (struct span){0}));
}

struct media_ops sl_plane_ops(struct plane *p)
{
    return (struct media_ops){.ctx = p,
                              .transport_add = transport_add,
                              .transport_restart = transport_restart,
                              .transport_close = transport_close,
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

/* ---- what comes back ---- */

/* The transport's keys went to a worker: that one is told all that hangs on it, the others
 * where to hand over what they receive for it. */
static void adopt(struct plane *p, struct pl_transport *t, unsigned owner)
{
    if (owned(t) || owner >= sl_post_workers(p->post))
        return;
    t->owner = owner;
    for (unsigned w = 0; w < sl_post_workers(p->post); w++)
        if (w != owner)
            put_id(p, w, MAIL_OWNER, t->id, owner);
    list_each (struct pl_producer, pr, &t->producers, in_transport)
        tell_producer(p, pr, owner, MAIL_PRODUCER);
    list_each (struct pl_consumer, c, &t->consumers, in_transport)
        tell_consumer(p, c);
    put_id(p, owner, MAIL_READY, t->id, 0);
    list_each (struct pl_consumer, c, &t->consumers, in_transport)
        feed(p, c);
    list_each (struct pl_producer, pr, &t->producers, in_transport)
        list_each (struct pl_consumer, c, &pr->consumers, in_source)
            feed(p, c);
}

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
    const struct pl_transport *t = transport_of(p, transport);
    if (!t || !t->path.cause)
        return false;
    *ret = t->path;
    return true;
}

static void voice(struct plane *p, const struct mail *m)
{
    const struct pl_producer *pr = producer_of(p, m->id);
    struct voice v = sl_voice_unpack(m->arg);
    if (pr)
        p->events.voice(p->events.ctx, pr->transport->id, pr->id, &v);
}

static void note_share(struct plane *p, const struct mail *m)
{
    struct pl_consumer *c = consumer_of(p, m->id);
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
    const struct pl_consumer *c = consumer_of(p, consumer);
    if (!c || !c->told)
        return false;
    *ret = c->share;
    return true;
}

void sl_plane_time(struct plane *p, usec now)
{
    p->now = now;
}

static void data_event(struct plane *p, const struct data_cmd *c, struct pl_transport *t)
{
    static const enum media_data_kind kinds[] = {[DATA_OPEN] = MEDIA_DATA_OPENED,
                                                 [DATA_MESSAGE] = MEDIA_DATA_MESSAGE,
                                                 [DATA_CLOSE] = MEDIA_DATA_CLOSED,
                                                 [DATA_DOWN] = MEDIA_DATA_ENDED};
    struct media_data_event ev = {.kind = kinds[c->verb],
                                  .stream = c->stream,
                                  .text = c->text,
                                  .bytes = {c->bytes, c->n}};
    struct dcep m;
    uint64_t bit = UINT64_C(1) << c->stream;
    if (c->verb == DATA_OPEN && c->n > 0 && sl_dcep_parse(ev.bytes, &m) == E_OK) {
        ev.open = &m.open;
        t->channels |= bit;
    } else if (c->verb != DATA_DOWN && !(t->channels & bit)) {
        return;
    }
    if (c->verb == DATA_CLOSE)
        t->channels &= ~bit;
    if (c->verb == DATA_DOWN)
        t->channels = 0;
    p->events.data(p->events.ctx, t->id, &ev);
}

static void take_data(struct plane *p, struct data_cmd *c, struct pl_transport *t)
{
    put(p, SHARD_TO_ASSOC,
        &(struct mail){.type = MAIL_DATA_DONE, .id = c->transport, .id2 = data_cost(c)});
    if (t && p->events.data)
        data_event(p, c, t);
    free(c);
}

static void data_done(struct plane *p, struct pl_transport *t, size_t cost)
{
    t->data_below -= cost < t->data_below ? cost : t->data_below;
    if (!t->data_full || t->data_below > DATA_BELOW_MAX / 2 || !p->events.data)
        return;
    t->data_full = false;
    p->events.data(p->events.ctx, t->id,
                   &(struct media_data_event){.kind = MEDIA_DATA_ROOM});
}

void sl_plane_mail(struct plane *p, unsigned from, const struct mail *m)
{
    struct pl_transport *t = transport_of(p, m->id);
    struct mail unread = *m;
    (void)from;
    if (m->type == MAIL_STARTED) {
        if (producer_of(p, m->id))
            p->events.started(p->events.ctx, m->id);
    } else if (m->type == MAIL_WANTED) {
        const struct pl_producer *pr = producer_of(p, m->id);
        if (pr)
            p->events.wanted(p->events.ctx, pr->transport->id, pr->id, (uint8_t)m->arg);
    } else if (m->type == MAIL_SHARE) {
        note_share(p, m);
    } else if (m->type == MAIL_SPEAKER) {
        voice(p, m);
    } else if (m->type == MAIL_DATA) {
        take_data(p, m->p, transport_of(p, ((struct data_cmd *)m->p)->transport));
    } else if (!t) { /* NOLINT(bugprone-branch-clone): no other branch may see it */
        sl_mail_free(&unread); /* about something that is closed */
    } else if (m->type == MAIL_UP) {
        adopt(p, t, m->arg);
        p->events.up(p->events.ctx, m->id);
    } else if (m->type == MAIL_DATA_DONE) {
        data_done(p, t, m->id2);
    } else if (m->type == MAIL_ESTIMATE) {
        note_path(t, m);
    } else if (m->type == MAIL_FAILED) {
        p->events.gone(p->events.ctx, m->id, MEDIA_GONE_HANDSHAKE);
    } else if (m->type == MAIL_HUNG_UP) {
        p->events.gone(p->events.ctx, m->id, MEDIA_GONE_CLOSED);
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
    p->post = post;
    p->events = *events;
    sl_map_init(&p->transports, hash_key);
    sl_map_init(&p->producers, hash_key);
    sl_map_init(&p->consumers, hash_key);
    return p;
}

void sl_plane_free(struct plane *p)
{
    if (!p)
        return;
    for (struct map_node *n; (n = sl_map_next(&p->transports, NULL));)
        drop_transport(p, map_entry(n, struct pl_transport, by_id));
    for (unsigned to = 0; to < SHARD_PEERS; to++)
        for (struct late *l = p->late[to].first, *next; l; l = next) {
            next = l->next;
            sl_mail_free(&l->mail);
            free(l);
        }
    sl_map_fini(&p->transports);
    sl_map_fini(&p->producers);
    sl_map_fini(&p->consumers);
    free(p);
}
