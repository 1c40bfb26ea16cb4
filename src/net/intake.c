#include "net/intake.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_FIRST = 4096 /* what a body gets before it has shown that it is longer */ };

struct intake *sl_intake_new(size_t body_max)
{
    struct intake *i = malloc(sizeof *i);
    if (!i)
        return NULL;
    memset(i, 0, offsetof(struct intake, in));
    i->body_max = body_max;
    return i;
}

void sl_intake_free(struct intake *i)
{
    if (!i)
        return;
    free(i->body.p);
    free(i);
}

uint8_t *sl_intake_room(struct intake *i, size_t *n)
{
    *n = INTAKE_IN_MAX - i->n;
    return i->in + i->n;
}

static void refuse(struct intake *i, unsigned status)
{
    i->state = INTAKE_REFUSED;
    i->status = status;
    i->head.keep_alive = false;
}

static void done(struct intake *i)
{
    i->state = INTAKE_DONE;
    i->head.req.body = wr_done(&i->body);
}

static void done_without_body(struct intake *i)
{
    i->state = INTAKE_DONE;
    i->head.keep_alive = false;
    i->head.req.refuse = 413;
}

static void take_head(struct intake *i)
{
    /* An empty line may stand before a request (RFC 9112 §2.2). */
    while (i->at < 2 && i->n >= 2 && i->in[0] == '\r' && i->in[1] == '\n') {
        i->at = 0;
        i->n -= 2;
        memmove(i->in, i->in + 2, i->n);
    }
    i->state = i->n > 0 ? INTAKE_HEAD : INTAKE_EMPTY;
    enum err e = sl_http1_find((struct span){i->in, i->n}, &i->at);
    if (e == E_MALFORMED) {
        refuse(i, 400);
    } else if (i->at > INTAKE_HEAD_MAX) {
        refuse(i, 431);
    } else if (e == E_OK) {
        unsigned status = sl_http1_parse((struct span){i->in, i->at}, &i->head);
        if (status)
            refuse(i, status);
        else if (i->head.length > i->body_max)
            done_without_body(i);
        else
            i->state = INTAKE_BODY;
        i->left = i->head.length;
    }
}

/* Makes place for n more octets, or for as many as may come. */
static bool grow(struct intake *i, size_t n)
{
    size_t want = i->body.n + n, cap = i->body.cap > 0 ? i->body.cap : BODY_FIRST;
    while (cap < want)
        cap *= 2;
    if (cap > i->body_max)
        cap = i->body_max;
    if (cap <= i->body.cap)
        return true;
    uint8_t *p = realloc(i->body.p, cap);
    if (!p)
        return false;
    i->body.p = p;
    i->body.cap = cap;
    return true;
}

static enum err move_body(struct intake *i, struct rd *in)
{
    if (i->head.chunked)
        return sl_http1_dechunk(&i->chunked, in, &i->body);
    size_t n = i->left < in->n ? (size_t)i->left : in->n;
    wr_span(&i->body, rd_span(in, n));
    i->left -= n;
    return i->left == 0 ? E_OK : E_SHORT;
}

static void take_body(struct intake *i)
{
    struct rd in = rd_of((struct span){i->in + i->at, i->n - i->at});
    if (in.n > 0 && !grow(i, in.n)) {
        refuse(i, 503);
        return;
    }
    enum err e = move_body(i, &in);
    if (in.n > 0)
        memmove(i->in + i->at, in.p, in.n);
    i->n = i->at + in.n;
    if (e == E_OK)
        done(i);
    else if (e == E_FULL)
        done_without_body(i);
    else if (e != E_SHORT)
        refuse(i, 400);
}

static enum intake_state work(struct intake *i)
{
    if (i->state == INTAKE_EMPTY || i->state == INTAKE_HEAD)
        take_head(i);
    if (i->state == INTAKE_BODY)
        take_body(i);
    return i->state;
}

enum intake_state sl_intake_put(struct intake *i, size_t n)
{
    i->n += n;
    return work(i);
}

enum intake_state sl_intake_next(struct intake *i)
{
    size_t behind = i->n - i->at, body_max = i->body_max;
    memmove(i->in, i->in + i->at, behind);
    free(i->body.p);
    memset(i, 0, offsetof(struct intake, in));
    i->body_max = body_max;
    i->n = behind;
    return work(i);
}
