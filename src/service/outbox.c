#include "service/outbox.h"

#include <stdlib.h>
#include <string.h>

struct late {
    struct late *next;
    struct mail mail;
};

void sl_outbox_init(struct outbox *o, struct post *post)
{
    *o = (struct outbox){.post = post};
}

void sl_outbox_fini(struct outbox *o)
{
    for (unsigned to = 0; to < SHARD_PEERS; to++)
        for (struct late *l = o->late[to].first, *next; l; l = next) {
            next = l->next;
            sl_mail_free(&l->mail);
            free(l);
        }
    *o = (struct outbox){0};
}

void sl_outbox_put(struct outbox *o, unsigned to, const struct mail *m)
{
    struct late_queue *q = &o->late[to];
    if (!q->first && sl_post_put(o->post, SHARD_TO_CONTROL, to, m, 0))
        return;
    struct late *l = malloc(sizeof *l);
    if (!l) {
        struct mail lost = *m;
        sl_mail_free(&lost);
        return;
    }
    *l = (struct late){.mail = *m};
    *(q->last ? &q->last->next : &q->first) = l;
    q->last = l;
    o->waiting++;
}

void sl_outbox_put_id(struct outbox *o, unsigned to, enum mail_type type, uint64_t id,
                      unsigned arg)
{
    sl_outbox_put(o, to, &(struct mail){.type = type, .id = id, .arg = arg});
}

void sl_outbox_put_all(struct outbox *o, enum mail_type type, uint64_t id)
{
    for (unsigned w = 0; w < sl_post_workers(o->post); w++)
        sl_outbox_put_id(o, w, type, id, 0);
}

bool sl_outbox_put_copy(struct outbox *o, unsigned to, enum mail_type type,
                        const void *from, size_t n)
{
    void *copy = malloc(n);
    if (!copy)
        return false;
    memcpy(copy, from, n);
    sl_outbox_put(o, to, &(struct mail){.type = type, .p = copy});
    return true;
}

void sl_outbox_flush(struct outbox *o)
{
    for (unsigned to = 0; to < SHARD_PEERS; to++) {
        struct late_queue *q = &o->late[to];
        while (q->first &&
               sl_post_put(o->post, SHARD_TO_CONTROL, to, &q->first->mail, 0)) {
            struct late *l = q->first;
            q->first = l->next;
            if (!q->first)
                q->last = NULL;
            free(l);
            o->waiting--;
        }
    }
    sl_post_ring(o->post, SHARD_TO_CONTROL);
}
