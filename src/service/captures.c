#include "service/captures.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "base/word.h"

#include "net/loop.h"
#include "sfu/mail.h"

enum { MIB_USUAL = 64, SECONDS_USUAL = 60, SECONDS_MAX = 3600 };

bool sl_captures_permitted(const struct captures *cs, struct roomapi_call *c)
{
    if (cs->permitted && *cs->node->conf.captures)
        return true;
    sl_roomapi_refuse(c, PROBLEM_FORBIDDEN,
                      "captures.directory and rooms.api_secret are to be set");
    return false;
}

bool sl_captures_bounds(const struct captures *cs, struct roomapi_call *c,
                        struct captures_bounds *ret)
{
    json_int_t seconds = SECONDS_USUAL;
    json_int_t mib = cs->mib_max < MIB_USUAL ? cs->mib_max : MIB_USUAL;
    if (!sl_roomapi_unpack(c, "{s?I, s?I}", "seconds", &seconds, "mib", &mib) ||
        !sl_roomapi_within(c, "seconds", seconds, 1, SECONDS_MAX) ||
        !sl_roomapi_within(c, "mib", mib, 1, cs->mib_max))
        return false;
    *ret = (struct captures_bounds){.length = SEC(seconds),
                                    .size = (size_t)mib * CAPTURES_MIB};
    return true;
}

struct tape *sl_captures_file(const struct captures *cs, struct roomapi_call *c,
                              unsigned worker, uint64_t transport,
                              const struct captures_bounds *b)
{
    struct tape *t = NULL;
    const char *dir = cs->node->conf.captures;
    enum err e = sl_tape_new(dir, worker, transport, b->size, sl_wall_now(), &t);
    if (e) {
        LOG(cs->log, LOG_ERROR, "no file for a capture", KV_STR("directory", dir),
            KV_ERR(e), KV_STR("errno", e == E_SYS ? strerrorname_np(errno) : ""));
        sl_roomapi_refuse(c, PROBLEM_INTERNAL, "the log says why");
        return NULL;
    }
    t->length = b->length;
    t->request = c->req->id;
    return t;
}

/* ---- of workers ---- */

static void write_one(struct wr *w, const struct tape *t)
{
    sl_text_put(w, "{\"worker\":%u,\"file\":\"%s\",\"seconds\":%d,\"mib\":%zu}",
                t->worker, t->name, (int)(t->length / SEC(1)), t->size / CAPTURES_MIB);
}

static void list(const struct captures *cs, struct roomapi_call *c)
{
    struct wr *w = sl_roomapi_body(c, 200);
    bool any = false;
    sl_text_put(w, "{\"captures\":[");
    for (size_t i = 0; i < cs->node->conf.workers; i++) {
        const struct tape *t = cs->node->tapes[i];
        if (!t || t->told != TAPE_RUNS)
            continue;
        sl_text_put(w, any ? "," : "");
        write_one(w, t);
        any = true;
    }
    sl_text_put(w, "]}");
}

static void stop(const struct captures *cs, struct roomapi_call *c)
{
    uint64_t worker;
    struct tape *t = word_number(c->seg[2], cs->node->conf.workers - 1, &worker)
                         ? cs->node->tapes[worker]
                         : NULL;
    if (!t || t->told != TAPE_RUNS) {
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such capture");
        return;
    }
    LOG(cs->log, LOG_WARN, "capture is to end", KV_STR("file", t->name),
        KV_PERSON_ADDR("by", &c->req->peer));
    atomic_store_explicit(&t->stop, true, memory_order_relaxed);
    c->reply.status = 204;
}

static void lend(const struct captures *cs, struct roomapi_call *c, struct tape *t)
{
    struct node *n = cs->node;
    const struct mail m = {.type = MAIL_CAPTURE, .p = t};
    if (!sl_post_put(n->post, SHARD_TO_CONTROL, t->worker, &m, 0)) {
        t->state = TAPE_REFUSED;
        (void)sl_tape_close(t, n->conf.captures);
        sl_roomapi_refuse(c, PROBLEM_FULL, "");
        return;
    }
    LOG(cs->log, LOG_WARN, "capture asked for: the file will hold keys",
        KV_STR("file", t->name), KV_UINT("worker", t->worker),
        KV_INT("seconds", t->length / SEC(1)), KV_UINT("mib", t->size / CAPTURES_MIB),
        KV_PERSON_ADDR("by", &c->req->peer));
    n->tapes[t->worker] = t;
    c->later = true;
    sl_post_ring(n->post, SHARD_TO_CONTROL);
}

static void begin(const struct captures *cs, struct roomapi_call *c)
{
    json_int_t worker = 0;
    struct captures_bounds b;
    const struct node *n = cs->node;
    if (!sl_roomapi_unpack(c, "{s?I}", "worker", &worker) ||
        !sl_roomapi_within(c, "worker", worker, 0, (json_int_t)n->conf.workers - 1) ||
        !sl_captures_bounds(cs, c, &b))
        return;
    if (n->tapes[worker]) {
        sl_roomapi_refuse(c, PROBLEM_EXISTS, "one of this worker is not over");
        return;
    }
    struct tape *t = sl_captures_file(cs, c, (unsigned)worker, 0, &b);
    if (t)
        lend(cs, c, t);
}

void sl_captures_asked(void *ctx, struct roomapi_call *c)
{
    const struct captures *cs = ctx;
    if (!sl_captures_permitted(cs, c))
        return;
    if (c->req->method == HTTP_POST)
        begin(cs, c);
    else if (c->req->method == HTTP_DELETE)
        stop(cs, c);
    else
        list(cs, c);
}

static void answer(const struct captures *cs, const struct tape *t, bool begun)
{
    struct roomapi_call c = sl_roomapi_late(cs->api);
    if (begun)
        write_one(sl_roomapi_body(&c, 201), t);
    else
        sl_roomapi_refuse(&c, PROBLEM_STATE,
                          "a capture begins with a worker that has no transports");
    struct http_res res = sl_reply_done(&c.reply);
    cs->reply(cs->ctx, t->request, &res);
}

void sl_captures_told(struct captures *cs, const struct mail *m)
{
    struct tape *t = m->p;
    if (t->told == TAPE_ASKED)
        answer(cs, t, m->arg != TAPE_REFUSED);
    t->told = (enum tape_state)m->arg;
    if (t->told == TAPE_RUNS)
        return;
    char name[TAPE_NAME];
    memcpy(name, t->name, sizeof name);
    cs->node->tapes[t->worker] = NULL;
    uint64_t octets = sl_tape_close(t, cs->node->conf.captures);
    LOG(cs->log, LOG_WARN,
        m->arg == TAPE_OVER ? "capture over" : "no capture: worker is busy",
        KV_STR("file", name), KV_UINT("octets", octets));
}
