#include "net/httpd.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/list.h"
#include "base/map.h"

#include "net/intake.h"
#include "net/stream.h"
#include "net/tls.h"

#define LINGER_TIME SEC(1)

enum conn_state {
    CONN_IDLE,   /* between requests; in `idle` */
    CONN_HEAD,   /* part of a head came */
    CONN_BODY,   /* part of a body may have come */
    CONN_WAIT,   /* the request is with the handler; in `waiting` */
    CONN_SEND,   /* an answer is leaving */
    CONN_LINGER, /* all was said, and what still comes is thrown away */
    CONN_LINK,   /* another protocol's, by a struct httpd_link that is this */
    CONN_DEAD,   /* only its memory is left, for those who still hold it */
};

/* All connections of one site. */
struct origin {
    struct map_node node;
    struct addr addr; /* one of it */
    uint32_t conns;
};

struct conn {
    struct httpd *h;
    struct stream *s;
    struct intake *in; /* NULL while idle */
    enum conn_state state;
    unsigned held; /* by how many functions on the stack */
    struct loop_timer timer;
    struct list by_server, by_idle;
    struct origin *origin;
    uint64_t id; /* of the request that waits, and the node's key */
    struct map_node by_id;
    size_t queued;             /* of the answer, when the timer was set */
    bool eof;                  /* the client will say no more */
    void (*evict)(void *user); /* of a link that yields; in `idle` */
    void *user;
};

struct httpd {
    struct loop *loop;
    struct httpd_conf conf;
    struct tls_server *tls;
    struct listener *listener; /* NULL while draining */
    struct addr addr;
    struct list conns, idle;
    struct map waiting, origins;
    uint64_t last_id;
    struct httpd_stats stats;
};

static struct span id_key(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

static void no_longer_waits(struct conn *c)
{
    if (c->state != CONN_WAIT)
        return;
    sl_map_del(&c->h->waiting, &c->by_id);
    c->h->stats.waiting--;
}

/* Ends the connection, of which only the memory is left until nobody holds it. */
static void drop(struct conn *c)
{
    struct httpd *h = c->h;
    assert(c->held > 0);
    if (c->state == CONN_DEAD)
        return;
    no_longer_waits(c);
    c->state = CONN_DEAD;
    if (--c->origin->conns == 0) {
        sl_map_del(&h->origins, &c->origin->node);
        free(c->origin);
    }
    h->stats.conns--;
    sl_loop_timer_stop(h->loop, &c->timer);
    list_del(&c->by_server);
    list_del(&c->by_idle);
    sl_stream_free(c->s);
    sl_intake_free(c->in);
}

static void hold(struct conn *c)
{
    c->held++;
}

static void let_go(struct conn *c)
{
    if (--c->held > 0)
        return;
    if (c->state == CONN_LINK) {
        sl_intake_free(c->in);
        c->in = NULL;
    } else if (c->state == CONN_DEAD) {
        free(c);
    }
}

static void end(struct conn *c)
{
    hold(c);
    drop(c);
    let_go(c);
}

static void set_state(struct conn *c, enum conn_state state, usec time)
{
    no_longer_waits(c);
    list_del(&c->by_idle);
    if (state == CONN_IDLE)
        list_add(&c->h->idle, &c->by_idle);
    c->state = state;
    /* What cannot be limited in time cannot stay. */
    if (sl_loop_timer_set(c->h->loop, &c->timer, sl_loop_now() + time) != E_OK)
        drop(c);
}

/* E_MALFORMED, E_FULL: nothing was sent, as the fields are no header. */
static enum err send_answer(struct conn *c, const struct http_res *res)
{
    uint8_t buf[HTTPD_ANSWER_HEAD_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    struct http1_head *head = &c->in->head;
    if (!c->h->listener)
        head->keep_alive = false;
    enum err e = sl_http1_answer(&w, res, head->keep_alive, sl_wall_now());
    if (e)
        return e;
    struct span body = res->body;
    if (head->req.method == HTTP_HEAD || res->status == 204 || res->status == 304)
        body.n = 0;
    if (sl_stream_write(c->s, wr_done(&w), body, res->body_is_static) != E_OK) {
        drop(c);
        return E_OK;
    }
    c->queued = sl_stream_queued(c->s);
    set_state(c, CONN_SEND, c->h->conf.write_time);
    return E_OK;
}

/* Answers without the handler, and takes no further request from this client. */
static void refuse(struct conn *c, unsigned status)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"title\":\"%s\",\"status\":%u}\n",
                   sl_http_reason(status), status);
    c->in->head.keep_alive = false;
    if (send_answer(c, &(struct http_res){
                           .status = status,
                           .fields = {{"Content-Type", "application/problem+json"}},
                           .body = span_of(body)}) != E_OK)
        drop(c);
}

static void hand_over(struct conn *c)
{
    struct httpd *h = c->h;
    struct http_req *req = &c->in->head.req;
    c->id = req->id = ++h->last_id;
    if (sl_map_put(&h->waiting, id_key(&c->id), &c->by_id) != E_OK) {
        refuse(c, 503);
        return;
    }
    h->stats.waiting++;
    h->stats.requests++;
    h->stats.too_large += req->refuse == 413;
    set_state(c, CONN_WAIT, h->conf.reply_time);
    if (c->state != CONN_WAIT)
        return;
    req->peer = sl_stream_peer(c->s);
    req->local = sl_stream_local(c->s);
    req->secure = sl_stream_secure(c->s);
    h->conf.request(h->conf.user, req);
}

static void take_state(struct conn *c, enum conn_state state, usec time)
{
    if (c->state != state)
        set_state(c, state, time);
}

static void go_on(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!c->in->head.expect_continue)
        return;
    c->in->head.expect_continue = false;
    if (sl_stream_write(c->s, span_of(text), (struct span){0}, true) != E_OK)
        drop(c);
}

/* Follows the intake; for a connection that has no request before this one under way. */
static void work(struct conn *c, enum intake_state in)
{
    const struct httpd_conf *conf = &c->h->conf;
    switch (in) {
    case INTAKE_EMPTY: break;
    case INTAKE_HEAD: take_state(c, CONN_HEAD, conf->head_time); break;
    case INTAKE_BODY:
        take_state(c, CONN_BODY, conf->body_time);
        if (c->state == CONN_BODY)
            go_on(c);
        break;
    case INTAKE_DONE: hand_over(c); break;
    case INTAKE_REFUSED:
        c->h->stats.malformed++;
        refuse(c, c->in->status);
        break;
    }
    if (c->eof && c->state < CONN_WAIT)
        drop(c);
}

static struct room room(void *user)
{
    struct conn *c = user;
    struct room r = {0};
    if (!c->in)
        c->in = sl_intake_new(c->h->conf.body_max);
    if (!c->in)
        return r;
    if (c->state == CONN_LINGER)
        return (struct room){c->in->in, sizeof c->in->in};
    r.p = sl_intake_room(c->in, &r.n);
    return r;
}

static void on_data(void *user, size_t n)
{
    struct conn *c = user;
    if (c->state == CONN_LINGER)
        return;
    hold(c);
    enum intake_state in = sl_intake_put(c->in, n);
    if (c->state < CONN_WAIT)
        work(c, in);
    let_go(c);
}

static void next_request(struct conn *c)
{
    set_state(c, CONN_IDLE, c->h->conf.idle_time);
    if (c->state == CONN_DEAD)
        return;
    enum intake_state in = sl_intake_next(c->in);
    if (in == INTAKE_EMPTY) {
        sl_intake_free(c->in);
        c->in = NULL;
    }
    work(c, in);
    if (c->state != CONN_DEAD)
        sl_stream_resume(c->s);
}

/* Closing while something lies here unread would reset the connection, and take the answer
 * away from the client (RFC 9112 §9.6). */
static void linger(struct conn *c)
{
    if (c->eof) {
        drop(c);
        return;
    }
    sl_stream_shutdown(c->s);
    set_state(c, CONN_LINGER, LINGER_TIME);
    if (c->state != CONN_DEAD)
        sl_stream_resume(c->s);
}

static void on_sent(void *user)
{
    struct conn *c = user;
    if (c->state != CONN_SEND)
        return; /* that was a 100, or TLS speaking for itself */
    hold(c);
    if (c->in->head.keep_alive)
        next_request(c);
    else
        linger(c);
    let_go(c);
}

static void on_ended(void *user, bool broken)
{
    struct conn *c = user;
    hold(c);
    c->eof = true;
    if (broken && c->state != CONN_LINGER)
        c->h->stats.broken++;
    if (broken || c->state == CONN_LINGER || c->state < CONN_WAIT)
        drop(c);
    let_go(c);
}

static void on_time(void *user)
{
    struct conn *c = user;
    hold(c);
    switch (c->state) {
    case CONN_HEAD:
    case CONN_BODY:
        c->h->stats.slow++;
        refuse(c, 408);
        break;
    case CONN_WAIT:
        c->h->stats.slow++;
        refuse(c, 503);
        break;
    case CONN_SEND:
        if (sl_stream_queued(c->s) < c->queued) {
            c->queued = sl_stream_queued(c->s);
            set_state(c, CONN_SEND, c->h->conf.write_time);
            break;
        }
        c->h->stats.slow++;
        drop(c);
        break;
    case CONN_IDLE:
    case CONN_LINGER: drop(c); break;
    case CONN_LINK:
    case CONN_DEAD: break;
    }
    let_go(c);
}

static struct origin *origin_of(struct httpd *h, const struct addr *peer)
{
    struct map_node *node = sl_map_get(&h->origins, sl_addr_site(peer));
    if (node)
        return map_entry(node, struct origin, node);
    struct origin *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->addr = *peer;
    if (sl_map_put(&h->origins, sl_addr_site(&o->addr), &o->node) != E_OK) {
        free(o);
        return NULL;
    }
    return o;
}

static bool make_place(struct httpd *h)
{
    if (h->stats.conns < h->conf.conns_max)
        return true;
    if (list_empty(&h->idle))
        return false;
    struct conn *longest = list_entry(h->idle.next, struct conn, by_idle);
    if (longest->evict)
        longest->evict(longest->user);
    else
        end(longest);
    h->stats.evicted++;
    return true;
}

static void on_accepted(void *user, struct stream *s)
{
    static const struct stream_handler handler = {room, on_data, on_sent, on_ended};
    struct httpd *h = user;
    struct addr peer = sl_stream_peer(s);
    if (!make_place(h)) {
        h->stats.full++;
        sl_stream_free(s);
        return;
    }
    struct conn *c = calloc(1, sizeof *c);
    struct origin *o = c ? origin_of(h, &peer) : NULL;
    if (!o || o->conns >= h->conf.conns_per_ip) {
        h->stats.full_ip += o != NULL;
        free(c);
        sl_stream_free(s);
        return;
    }
    *c = (struct conn){.h = h, .s = s, .origin = o, .timer = {.fn = on_time, .user = c}};
    o->conns++;
    h->stats.conns++;
    h->stats.accepted++;
    list_init(&c->by_idle);
    list_add(&h->conns, &c->by_server);
    sl_stream_start(s, &handler, c);
    hold(c);
    set_state(c, CONN_IDLE, h->conf.head_time);
    let_go(c);
}

enum err sl_httpd_new(struct loop *l, const struct httpd_conf *conf, struct httpd **ret)
{
    struct httpd *h = calloc(1, sizeof *h);
    uint64_t seed[2];
    enum err e = E_MEMORY;
    if (!h)
        return e;
    *h = (struct httpd){.loop = l, .conf = *conf};
    list_init(&h->conns);
    list_init(&h->idle);
    if (getrandom(seed, sizeof seed, 0) != sizeof seed) {
        e = E_SYS;
        goto fail;
    }
    sl_map_init(&h->waiting, seed);
    sl_map_init(&h->origins, seed);
    e = conf->cert ? sl_tls_server_new(conf->cert, conf->key, &h->tls) : E_OK;
    if (!e)
        e = sl_listener_new(l, &conf->addr, h->tls, on_accepted, h, &h->listener);
    if (e)
        goto fail;
    h->addr = sl_listener_addr(h->listener);
    *ret = h;
    return E_OK;

fail:
    sl_httpd_free(h);
    return e;
}

void sl_httpd_free(struct httpd *h)
{
    if (!h)
        return;
    sl_listener_free(h->listener);
    list_each_safe(struct conn, c, &h->conns, by_server) end(c);
    sl_map_fini(&h->waiting);
    sl_map_fini(&h->origins);
    sl_tls_server_free(h->tls);
    free(h);
}

void sl_httpd_drain(struct httpd *h)
{
    sl_listener_free(h->listener);
    h->listener = NULL;
    list_each_safe(struct conn, c, &h->idle, by_idle) if (!c->evict) end(c);
}

struct addr sl_httpd_addr(const struct httpd *h)
{
    return h->addr;
}

const struct httpd_stats *sl_httpd_stats(const struct httpd *h)
{
    return &h->stats;
}

enum err sl_httpd_reply(struct httpd *h, uint64_t id, const struct http_res *res)
{
    struct map_node *node = sl_map_get(&h->waiting, id_key(&id));
    if (!node) {
        h->stats.gone++;
        return E_ABSENT;
    }
    struct conn *c = map_entry(node, struct conn, by_id);
    struct http_res answer = *res;
    if (c->in->head.req.refuse)
        answer.status = c->in->head.req.refuse;
    hold(c);
    enum err e = send_answer(c, &answer);
    if (e)
        refuse(c, 500);
    let_go(c);
    return e;
}

/* ---- other protocols ---- */

static struct conn *conn_of(struct httpd_link *l)
{
    return (struct conn *)(void *)l;
}

/* Octets that stand behind the request already: of whose protocol, nobody can say. */
static bool said_more(const struct intake *in)
{
    return in->n > in->at;
}

enum err sl_httpd_upgrade(struct httpd *h, uint64_t id, const struct http_res *res,
                          const struct stream_handler *handler, void *user,
                          struct httpd_link **ret)
{
    struct map_node *node = sl_map_get(&h->waiting, id_key(&id));
    if (!node) {
        h->stats.gone++;
        return E_ABSENT;
    }
    struct conn *c = map_entry(node, struct conn, by_id);
    uint8_t buf[HTTPD_ANSWER_HEAD_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    if (!c->in->head.keep_alive || c->in->head.req.body.n > 0 || said_more(c->in) ||
        c->eof)
        return E_MALFORMED;
    enum err e = sl_http1_answer(&w, res, true, sl_wall_now());
    if (!e)
        e = sl_stream_write(c->s, wr_done(&w), (struct span){0}, false);
    if (e)
        return e;
    /* The request, which its handler may still be reading, goes when nobody holds c. */
    hold(c);
    no_longer_waits(c);
    sl_loop_timer_stop(h->loop, &c->timer);
    c->state = CONN_LINK;
    c->user = user;
    h->stats.upgraded++;
    sl_stream_start(c->s, handler, user);
    let_go(c);
    *ret = (struct httpd_link *)(void *)c;
    return E_OK;
}

void sl_httpd_link_free(struct httpd_link *l)
{
    if (l)
        end(conn_of(l));
}

void sl_httpd_link_yield(struct httpd_link *l, void (*evict)(void *user))
{
    struct conn *c = conn_of(l);
    list_del(&c->by_idle);
    c->evict = evict;
    if (evict)
        list_add(&c->h->idle, &c->by_idle);
}

struct stream *sl_httpd_link_stream(struct httpd_link *l)
{
    return conn_of(l)->s;
}
