#include "service/post.h"

#include <stdlib.h>

#include "net/tcpconn.h"
#include "sfu/mail.h"

/* What only its own thread touches stands on cache lines of its own. */
struct party {
    _Alignas(64) struct bell bell;
    _Alignas(64) void (*wake)(void *ctx);
    void *ctx;
    unsigned next;          /* whose box is read next */
    unsigned run;           /* mails of that box since another was read */
    bool rung[SHARD_PEERS]; /* whom it wrote to since the last ring */
    bool any;
};

struct post {
    size_t workers;
    struct party parties[SHARD_PEERS];
    struct mailbox *boxes[SHARD_PEERS][SHARD_PEERS]; /* from, to */
};

static bool exists(const struct post *p, unsigned who)
{
    return who < p->workers || (who >= SHARD_TO_CONTROL && who < SHARD_PEERS);
}

struct post *sl_post_new(size_t workers)
{
    struct post *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->workers = workers;
    for (unsigned i = 0; i < SHARD_PEERS; i++)
        for (unsigned j = 0; j < SHARD_PEERS; j++)
            if (i != j && exists(p, i) && exists(p, j) &&
                !(p->boxes[i][j] = sl_mailbox_new(POST_BOX))) {
                sl_post_free(p);
                return NULL;
            }
    return p;
}

void sl_post_free(struct post *p)
{
    struct mail m;
    for (unsigned i = 0; p && i < SHARD_PEERS; i++)
        for (unsigned j = 0; j < SHARD_PEERS; j++) {
            while (p->boxes[i][j] && sl_mailbox_take(p->boxes[i][j], &m)) {
                if (m.type == MAIL_STREAM)
                    sl_tcpconn_free(m.p);
                sl_mail_free(&m);
            }
            sl_mailbox_free(p->boxes[i][j]);
        }
    free(p);
}

size_t sl_post_workers(const struct post *p)
{
    return p->workers;
}

void sl_post_bell(struct post *p, unsigned who, void (*wake)(void *ctx), void *ctx)
{
    p->parties[who].wake = wake;
    p->parties[who].ctx = ctx;
}

bool sl_post_put(struct post *p, unsigned from, unsigned to, const struct mail *m,
                 size_t keep)
{
    if (!sl_mailbox_put(p->boxes[from][to], m, keep))
        return false;
    p->parties[from].rung[to] = true;
    p->parties[from].any = true;
    return true;
}

void sl_post_ring(struct post *p, unsigned from)
{
    struct party *me = &p->parties[from];
    if (!me->any)
        return;
    me->any = false;
    for (unsigned to = 0; to < SHARD_PEERS; to++) {
        if (!me->rung[to])
            continue;
        me->rung[to] = false;
        if (sl_bell_ring(&p->parties[to].bell))
            p->parties[to].wake(p->parties[to].ctx);
    }
}

bool sl_post_take(struct post *p, unsigned who, unsigned *from, struct mail *ret)
{
    struct party *me = &p->parties[who];
    struct mailbox *commands = p->boxes[SHARD_TO_CONTROL][who];
    if (commands && sl_mailbox_take(commands, ret)) {
        *from = SHARD_TO_CONTROL;
        return true;
    }
    if (me->run == POST_RUN) {
        me->next = (me->next + 1) % SHARD_PEERS;
        me->run = 0;
    }
    for (unsigned i = 0; i < SHARD_PEERS; i++) {
        unsigned at = (me->next + i) % SHARD_PEERS;
        if (p->boxes[at][who] && sl_mailbox_take(p->boxes[at][who], ret)) {
            *from = at;
            me->run = at == me->next ? me->run + 1 : 1;
            me->next = at; /* the same again: a batch stays together */
            return true;
        }
    }
    return false;
}

bool sl_post_may_sleep(struct post *p, unsigned who)
{
    sl_bell_sleep(&p->parties[who].bell);
    for (unsigned i = 0; i < SHARD_PEERS; i++)
        if (p->boxes[i][who] && !sl_mailbox_empty(p->boxes[i][who])) {
            sl_bell_wake(&p->parties[who].bell);
            return false;
        }
    return true;
}

void sl_post_awake(struct post *p, unsigned who)
{
    sl_bell_wake(&p->parties[who].bell);
}
