#include "service/objects.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/word.h"

#include "service/object_json.h"

/* What was asked for; its look travels to the worker and back, and so all of it does. */
struct page {
    struct look look; /* first */
    uint64_t request;
    enum page_of { PAGE_TRANSPORTS, PAGE_PIPES, PAGE_TRANSPORT, PAGE_ONE } of;
    unsigned worker;
    bool more; /* behind it */
};

_Static_assert((int)OBJECTS_PAGE_MAX <= (int)LOOK_MAX, "a page is one look");
_Static_assert(1 + (int)DIALOG_SECTIONS_MAX <= (int)LOOK_MAX, "so is a transport");

static const struct wiring *wiring(const struct objects *o)
{
    return sl_plane_wiring(o->conf.plane);
}

static void absent(struct roomapi_call *c)
{
    sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "");
}

/* ---- what is asked for ---- */

/* The page's length. False: refused. */
static bool limit_of(struct roomapi_call *c, size_t *ret)
{
    uint64_t n = OBJECTS_PAGE_MAX;
    struct span text = sl_roomapi_parameter(c->req, "limit");
    if (text.p && (!word_number(text, OBJECTS_PAGE_MAX, &n) || n == 0)) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "limit: 1 to 100");
        return false;
    }
    *ret = (size_t)n;
    return true;
}

/* The lowest of those above `after`, rising, and whether there are others. */
struct ids {
    uint64_t after;
    size_t n, most;
    bool more;
    uint64_t at[OBJECTS_PAGE_MAX];
};

static void ids_add(struct ids *s, uint64_t id)
{
    if (id <= s->after)
        return;
    size_t i = s->n;
    while (i > 0 && s->at[i - 1] > id)
        i--;
    if (s->n == s->most)
        s->more = true;
    else
        s->n++;
    if (i == s->n)
        return;
    memmove(&s->at[i + 1], &s->at[i], (s->n - 1 - i) * sizeof s->at[0]);
    s->at[i] = id;
}

static bool ids_begin(struct roomapi_call *c, struct ids *s)
{
    struct span after = sl_roomapi_parameter(c->req, "after");
    *s = (struct ids){.after = 0};
    if (!limit_of(c, &s->most))
        return false;
    if (!after.p || after.n == 0 || sl_roomapi_id(after, &s->after))
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST, "after: an id");
    return false;
}

/* ---- what of a room is on a worker ---- */

/* transports, pipes: to be added to; NULL. */
static void view_peer(const struct objects *o, const struct peer *peer,
                      struct router_view *v, struct ids *transports, struct ids *pipes)
{
    const struct pl_transport *t = sl_wiring_transport(wiring(o), peer->transport);
    if (!t || !pl_owned(t))
        return;
    list_each (struct pl_producer, pr, &t->producers, in_transport) {
        v->producers += t->owner == v->worker;
        if (t->owner == v->worker || pr->piped[v->worker] == 0)
            continue;
        v->pipes++;
        if (pipes)
            ids_add(pipes, pr->id);
    }
    if (t->owner != v->worker)
        return;
    v->transports++;
    list_each (struct pl_consumer, k, &t->consumers, in_transport)
        v->consumers++;
    if (transports)
        ids_add(transports, t->id);
}

/* False: nothing. */
static bool view(const struct objects *o, const struct room *room, unsigned worker,
                 struct router_view *v, struct ids *transports, struct ids *pipes)
{
    const struct list *all[] = {&room->publishers, &room->viewers, &room->members};
    *v = (struct router_view){.room = room, .worker = worker};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        list_each (struct peer, p, all[i], by_room)
            view_peer(o, p, v, transports, pipes);
    return v->transports > 0;
}

static void list_workers(struct objects *o, struct roomapi_call *c)
{
    struct wr *w = sl_roomapi_body(c, 200);
    sl_text_put(w, "{\"workers\":[");
    for (unsigned i = 0; i < o->conf.node->conf.workers; i++) {
        struct router_view v;
        uint64_t routers = 0;
        const struct room *room = NULL;
        while ((room = sl_rooms_next_room(o->conf.rooms, room)))
            routers += view(o, room, i, &v, NULL, NULL);
        sl_text_put(w, i > 0 ? "," : "");
        sl_object_worker(w, i, routers, &o->conf.node->stats.workers[i]);
    }
    sl_text_put(w, "]}");
}

/* The routers of the rooms that come first behind `after`, by name. */
static void list_routers(struct objects *o, struct roomapi_call *c, unsigned worker)
{
    struct router_view at[OBJECTS_PAGE_MAX], v;
    char after[2 * NAME_CAP] = "";
    size_t n = 0, most;
    bool more = false;
    if (!limit_of(c, &most) || !sl_roomapi_after(c, after))
        return;
    for (const struct room *r = NULL; (r = sl_rooms_next_room(o->conf.rooms, r));) {
        if (strcmp(r->name, after) <= 0 || !view(o, r, worker, &v, NULL, NULL))
            continue;
        size_t i = n;
        while (i > 0 && strcmp(at[i - 1].room->name, r->name) > 0)
            i--;
        more |= n == most;
        n += n < most;
        if (i == n)
            continue;
        memmove(&at[i + 1], &at[i], (n - 1 - i) * sizeof at[0]);
        at[i] = v;
    }
    struct wr *w = sl_roomapi_body(c, 200);
    sl_text_put(w, "{\"routers\":[");
    for (size_t i = 0; i < n; i++) {
        sl_text_put(w, i > 0 ? "," : "");
        sl_object_router(w, &at[i]);
    }
    sl_text_put(w, "],\"more\":%s}", more ? "true" : "false");
}

/* ---- pages ---- */

static void add(struct page *p, enum look_kind kind, uint64_t id)
{
    p->look.at[p->look.n++] = (struct look_item){.id = id, .kind = kind};
}

static struct page *page_new(struct roomapi_call *c, enum page_of of, unsigned worker)
{
    struct page *p = calloc(1, sizeof *p);
    if (!p) {
        sl_roomapi_refuse(c, PROBLEM_INTERNAL, "");
        return NULL;
    }
    p->request = c->req->id;
    p->of = of;
    p->worker = worker;
    return p;
}

static const struct slot *slot_of(const struct objects *o, const struct pl_consumer *c)
{
    const struct peer *p = sl_rooms_of_transport(o->conf.rooms, c->transport->id);
    for (size_t i = 0; p && i < p->view.n; i++)
        if (p->view.slots[i]->consumer == c->id)
            return p->view.slots[i];
    return NULL;
}

static void write_item(const struct objects *o, const struct look_item *at,
                       unsigned worker, bool pipe, struct wr *w)
{
    const struct wiring *all = wiring(o);
    const struct pl_transport *t = sl_wiring_transport(all, at->id);
    const struct pl_producer *pr = sl_wiring_producer(all, at->id);
    const struct pl_consumer *k = sl_wiring_consumer(all, at->id);
    if (at->kind == LOOK_TRANSPORT && t)
        sl_object_transport(w, t, sl_rooms_of_transport(o->conf.rooms, t->id),
                            &at->transport);
    else if (at->kind == LOOK_PRODUCER && pr && pipe)
        sl_object_pipe(w, pr, worker, &at->producer);
    else if (at->kind == LOOK_PRODUCER && pr)
        sl_object_producer(w, pr, sl_rooms_of_transport(o->conf.rooms, pr->transport->id),
                           &at->producer);
    else if (at->kind == LOOK_CONSUMER && k)
        sl_object_consumer(w, k, slot_of(o, k), &at->consumer);
}

/* Those of a kind from the first on, with commas; what has ended meanwhile is left out. */
static void write_items(const struct objects *o, const struct page *p, size_t first,
                        enum look_kind kind, struct wr *w)
{
    size_t last = w->n;
    for (size_t i = first; i < p->look.n; i++) {
        if (p->look.at[i].kind != kind)
            continue;
        size_t was = w->n;
        sl_text_put(w, w->n > last ? "," : "");
        size_t from = w->n;
        write_item(o, &p->look.at[i], p->worker, p->of == PAGE_PIPES, w);
        if (w->n == from)
            w->n = was;
    }
}

static bool is_there(const struct objects *o, const struct look_item *at)
{
    const struct wiring *all = wiring(o);
    return at->kind == LOOK_TRANSPORT  ? sl_wiring_transport(all, at->id) != NULL
           : at->kind == LOOK_PRODUCER ? sl_wiring_producer(all, at->id) != NULL
                                       : sl_wiring_consumer(all, at->id) != NULL;
}

static void write_page(const struct objects *o, const struct page *p,
                       struct roomapi_call *c)
{
    if ((p->of == PAGE_TRANSPORT || p->of == PAGE_ONE) && !is_there(o, &p->look.at[0])) {
        absent(c);
        return;
    }
    struct wr *w = sl_roomapi_body(c, 200);
    switch (p->of) {
    case PAGE_ONE: write_item(o, &p->look.at[0], p->worker, false, w); break;
    case PAGE_TRANSPORT:
        sl_text_put(w, "{\"transport\":");
        write_item(o, &p->look.at[0], p->worker, false, w);
        sl_text_put(w, ",\"producers\":[");
        write_items(o, p, 1, LOOK_PRODUCER, w);
        sl_text_put(w, "],\"consumers\":[");
        write_items(o, p, 1, LOOK_CONSUMER, w);
        sl_text_put(w, "]}");
        break;
    case PAGE_TRANSPORTS:
    case PAGE_PIPES:
        sl_text_put(w, p->of == PAGE_PIPES ? "{\"pipes\":[" : "{\"transports\":[");
        write_items(o, p, 0, p->look.at[0].kind, w);
        sl_text_put(w, "],\"more\":%s}", p->more ? "true" : "false");
        break;
    }
}

/* Its worker is asked; where there is none, or nothing to ask, there is nothing to wait for. */
static void ask(struct objects *o, struct roomapi_call *c, struct page *p)
{
    struct mail m = {.type = MAIL_LOOK, .p = &p->look};
    if (p->worker == SHARD_WORKERS_MAX || p->look.n == 0) {
        write_page(o, p, c);
        free(p);
    } else if (sl_post_put(o->conf.node->post, SHARD_TO_CONTROL, p->worker, &m, 0)) {
        c->later = true;
        sl_post_ring(o->conf.node->post, SHARD_TO_CONTROL);
    } else {
        sl_roomapi_refuse(c, PROBLEM_FULL, "");
        free(p);
    }
}

void sl_objects_looked(struct objects *o, const struct mail *m)
{
    struct page *p = m->p;
    struct roomapi_call c = sl_roomapi_late(o->conf.api);
    write_page(o, p, &c);
    struct http_res res = sl_reply_done(&c.reply);
    o->conf.reply(o->conf.ctx, p->request, &res);
    free(p);
}

static void list_inside(struct objects *o, struct roomapi_call *c,
                        const struct room *room, unsigned worker, bool pipes)
{
    struct ids ids;
    struct router_view v;
    struct page *p;
    if (!ids_begin(c, &ids))
        return;
    if (!view(o, room, worker, &v, pipes ? NULL : &ids, pipes ? &ids : NULL)) {
        absent(c);
        return;
    }
    if (!(p = page_new(c, pipes ? PAGE_PIPES : PAGE_TRANSPORTS, worker)))
        return;
    for (size_t i = 0; i < ids.n; i++)
        add(p, pipes ? LOOK_PRODUCER : LOOK_TRANSPORT, ids.at[i]);
    p->more = ids.more;
    ask(o, c, p);
}

static void show_transport(struct objects *o, struct roomapi_call *c, uint64_t id)
{
    const struct pl_transport *t = sl_wiring_transport(wiring(o), id);
    struct page *p = t ? page_new(c, PAGE_TRANSPORT, t->owner) : NULL;
    if (!t)
        absent(c);
    if (!p)
        return;
    add(p, LOOK_TRANSPORT, id);
    list_each (struct pl_producer, pr, &t->producers, in_transport)
        if (p->look.n < LOOK_MAX)
            add(p, LOOK_PRODUCER, pr->id);
    list_each (struct pl_consumer, k, &t->consumers, in_transport)
        if (p->look.n < LOOK_MAX)
            add(p, LOOK_CONSUMER, k->id);
    ask(o, c, p);
}

static void show_one(struct objects *o, struct roomapi_call *c, enum look_kind kind,
                     uint64_t id)
{
    const struct pl_producer *pr = sl_wiring_producer(wiring(o), id);
    const struct pl_consumer *k = sl_wiring_consumer(wiring(o), id);
    const struct pl_transport *t = kind == LOOK_PRODUCER ? (pr ? pr->transport : NULL)
                                   : k                   ? k->transport
                                                         : NULL;
    struct page *p = t ? page_new(c, PAGE_ONE, t->owner) : NULL;
    if (!t)
        absent(c);
    if (!p)
        return;
    add(p, kind, id);
    ask(o, c, p);
}

/* ---- the tree ---- */

static void of_worker(struct objects *o, struct roomapi_call *c, unsigned worker)
{
    struct router_view v;
    if (!c->seg[4].p) {
        list_routers(o, c, worker);
        return;
    }
    const struct room *room = sl_name_valid(c->seg[4]) && sl_name_valid(c->seg[5])
                                  ? sl_rooms_find(o->conf.rooms, c->seg[4], c->seg[5])
                                  : NULL;
    if (!room || !view(o, room, worker, &v, NULL, NULL))
        absent(c);
    else if (c->seg[6].p)
        list_inside(o, c, room, worker, span_is(c->seg[6], "pipes"));
    else
        sl_object_router(sl_roomapi_body(c, 200), &v);
}

void sl_objects_asked(void *ctx, struct roomapi_call *c)
{
    struct objects *o = ctx;
    uint64_t n;
    if (span_is(c->seg[1], "workers")) {
        if (!c->seg[2].p)
            list_workers(o, c);
        else if (word_number(c->seg[2], o->conf.node->conf.workers - 1, &n))
            of_worker(o, c, (unsigned)n);
        else
            absent(c);
    } else if (!sl_roomapi_id(c->seg[2], &n)) {
        absent(c);
    } else if (span_is(c->seg[1], "transports")) {
        show_transport(o, c, n);
    } else {
        show_one(o, c, span_is(c->seg[1], "producers") ? LOOK_PRODUCER : LOOK_CONSUMER,
                 n);
    }
}
