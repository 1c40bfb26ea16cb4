#pragma once

/*
 * Mail from the control thread that keeps its order: what a mailbox has no room for waits here,
 * and all later mail for the same reader waits behind it. For the control thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/post.h"
#include "sfu/mail.h"

struct late;

struct outbox {
    struct post *post;
    struct late_queue {
        struct late *first, *last;
    } late[SHARD_PEERS];
    size_t waiting;
};

/* post is borrowed. Fini frees what waits. */
void sl_outbox_init(struct outbox *o, struct post *post);
void sl_outbox_fini(struct outbox *o);

/* Takes what the mail carries, also when memory ends: then the mail is lost, and the thing that
 * it is about stays half made; closing it still works. */
void sl_outbox_put(struct outbox *o, unsigned to, const struct mail *m);
void sl_outbox_put_id(struct outbox *o, unsigned to, enum mail_type type, uint64_t id,
                      unsigned arg);
void sl_outbox_put_all(struct outbox *o, enum mail_type type, uint64_t id);
/* With a copy of what stands at `from`; false when memory ends. */
bool sl_outbox_put_copy(struct outbox *o, unsigned to, enum mail_type type,
                        const void *from, size_t n);

/* Sends what waits, as far as there is room, and wakes the readers. */
void sl_outbox_flush(struct outbox *o);
