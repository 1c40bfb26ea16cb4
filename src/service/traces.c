#include "service/traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "service/wiring.h"
#include "sfu/mail.h"

enum { EACH_MAX = 2 /* transports of one participant */ };

static void write_one(struct wr *w, const struct tape *t)
{
    sl_text_put(w,
                "{\"transport\":\"%016" PRIx64 "\",\"file\":\"%s\",\"seconds\":%d,"
                "\"mib\":%zu}",
                t->transport, t->name, (int)(t->length / SEC(1)), t->size / CAPTURES_MIB);
}

/* request 0: of all that run; or those of one request, that ran at least. Returns how many. */
static size_t write_all(const struct node *n, uint64_t request, struct wr *w)
{
    size_t written = 0;
    sl_text_put(w, "{\"traces\":[");
    for (size_t i = 0; i < TAPE_TRACES_MAX; i++) {
        const struct tape *t = n->traces[i];
        if (!t || (request ? t->request != request || t->told == TAPE_REFUSED
                           : t->told != TAPE_RUNS))
            continue;
        sl_text_put(w, written > 0 ? "," : "");
        write_one(w, t);
        written++;
    }
    sl_text_put(w, "]}");
    return written;
}

/* NULL: it is not traced. */
static struct tape **place_of(struct node *n, uint64_t transport)
{
    for (size_t i = 0; i < TAPE_TRACES_MAX; i++)
        if (n->traces[i] && n->traces[i]->transport == transport)
            return &n->traces[i];
    return NULL;
}

static struct tape **free_place(struct node *n)
{
    for (size_t i = 0; i < TAPE_TRACES_MAX; i++)
        if (!n->traces[i])
            return &n->traces[i];
    return NULL;
}

static void stop(const struct captures *cs, struct roomapi_call *c)
{
    uint64_t id;
    struct tape **at = sl_roomapi_id(c->seg[2], &id) ? place_of(cs->node, id) : NULL;
    if (!at || (*at)->told != TAPE_RUNS) {
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such trace");
        return;
    }
    LOG(cs->log, LOG_WARN, "trace is to end", KV_STR("file", (*at)->name),
        KV_PERSON_ADDR("by", &c->req->peer));
    atomic_store_explicit(&(*at)->stop, true, memory_order_relaxed);
    c->reply.status = 204;
}

/* ---- begin ---- */

/* The transports that are asked for and live on a worker. */
static size_t asked_for(const struct captures *cs, const struct roomapi_call *c,
                        const struct pl_transport *ret[EACH_MAX])
{
    const struct wiring *all = sl_plane_wiring(cs->plane);
    uint64_t ids[EACH_MAX] = {0};
    size_t n = 0;
    if (c->who) {
        ids[0] = c->who->sends ? c->who->sends->transport : 0;
        ids[1] = c->who->receives && c->who->receives != c->who->sends
                     ? c->who->receives->transport
                     : 0;
    } else if (!sl_roomapi_id(c->seg[2], &ids[0])) {
        return 0;
    }
    for (size_t i = 0; i < EACH_MAX; i++) {
        const struct pl_transport *t = sl_wiring_transport(all, ids[i]);
        if (t && pl_owned(t))
            ret[n++] = t;
    }
    return n;
}

static void name_whom(const struct roomapi_call *c, struct tape *t)
{
    int n = snprintf(t->about, sizeof t->about, "RTP and RTCP of transport %016" PRIx64,
                     t->transport);
    if (c->who && n > 0)
        (void)snprintf(t->about + n, sizeof t->about - (size_t)n,
                       " of participant %s in room %s", c->who->id, c->room->name);
}

/* False: its worker's mailbox is full. */
static bool lend(const struct captures *cs, const struct roomapi_call *c, struct tape *t)
{
    struct node *n = cs->node;
    const struct mail m = {.type = MAIL_CAPTURE, .p = t};
    if (!sl_post_put(n->post, SHARD_TO_CONTROL, t->worker, &m, 0)) {
        (void)sl_tape_close(t, n->conf.captures);
        return false;
    }
    *free_place(n) = t;
    LOG(cs->log, LOG_WARN, "trace asked for: the file will hold what was encrypted",
        KV_STR("file", t->name), KV_STR("room", c->room ? c->room->name : ""),
        KV_PERSON("peer", c->who ? c->who->id : ""),
        KV_INT("seconds", t->length / SEC(1)), KV_UINT("mib", t->size / CAPTURES_MIB),
        KV_PERSON_ADDR("by", &c->req->peer));
    return true;
}

/* There is a place for each, and none is traced already. */
static bool has_room(const struct captures *cs, struct roomapi_call *c,
                     const struct pl_transport *const *of, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < TAPE_TRACES_MAX; i++)
        used += cs->node->traces[i] != NULL;
    for (size_t i = 0; i < n; i++)
        if (place_of(cs->node, of[i]->id)) {
            sl_roomapi_refuse(c, PROBLEM_EXISTS, "one of this transport is not over");
            return false;
        }
    if (used + n <= TAPE_TRACES_MAX)
        return true;
    sl_roomapi_refuse(c, PROBLEM_STATE, "as many run as may");
    return false;
}

static void begin(const struct captures *cs, struct roomapi_call *c)
{
    const struct pl_transport *of[EACH_MAX];
    struct tape *made[EACH_MAX];
    struct captures_bounds b;
    if (!sl_captures_bounds(cs, c, &b))
        return;
    size_t n = asked_for(cs, c, of), done = 0;
    if (n == 0) {
        sl_roomapi_refuse(c, PROBLEM_STATE, "it is not connected");
        return;
    }
    if (!has_room(cs, c, of, n))
        return;
    while (done < n &&
           (made[done] = sl_captures_file(cs, c, of[done]->owner, of[done]->id, &b)))
        name_whom(c, made[done++]);
    for (size_t i = 0; i < done; i++) {
        if (done < n)
            (void)sl_tape_close(made[i], cs->node->conf.captures);
        else
            c->later |= lend(cs, c, made[i]);
    }
    if (done == n && !c->later)
        sl_roomapi_refuse(c, PROBLEM_FULL, "");
    sl_post_ring(cs->node->post, SHARD_TO_CONTROL);
}

void sl_traces_asked(void *ctx, struct roomapi_call *c)
{
    const struct captures *cs = ctx;
    if (!sl_captures_permitted(cs, c))
        return;
    if (c->req->method == HTTP_POST)
        begin(cs, c);
    else if (c->req->method == HTTP_DELETE)
        stop(cs, c);
    else
        (void)write_all(cs->node, 0, sl_roomapi_body(c, 200));
}

/* ---- what workers say ---- */

/* Once all of a request have said whether they begin. */
static void answer(const struct captures *cs, uint64_t request)
{
    for (size_t i = 0; i < TAPE_TRACES_MAX; i++) {
        const struct tape *t = cs->node->traces[i];
        if (t && t->request == request && t->told == TAPE_ASKED)
            return;
    }
    struct roomapi_call c = sl_roomapi_late(cs->api);
    if (write_all(cs->node, request, sl_roomapi_body(&c, 201)) == 0) {
        c = sl_roomapi_late(cs->api);
        sl_roomapi_refuse(&c, PROBLEM_STATE, "it is not connected");
    }
    struct http_res res = sl_reply_done(&c.reply);
    cs->reply(cs->ctx, request, &res);
}

void sl_traces_told(struct captures *cs, const struct mail *m)
{
    struct tape *t = m->p;
    bool asked = t->told == TAPE_ASKED;
    t->told = (enum tape_state)m->arg;
    if (asked)
        answer(cs, t->request);
    if (t->told == TAPE_RUNS)
        return;
    char name[TAPE_NAME];
    memcpy(name, t->name, sizeof name);
    *place_of(cs->node, t->transport) = NULL;
    uint64_t octets = sl_tape_close(t, cs->node->conf.captures);
    LOG(cs->log, LOG_WARN,
        m->arg == TAPE_OVER ? "trace over" : "no trace: it does not live there",
        KV_STR("file", name), KV_UINT("octets", octets));
}
