#pragma once

/*
 * The mailboxes between all threads: workers, control and the association thread.
 *
 * There is one for each pair and direction, and a bell for each thread. What a thread puts
 * is seen at once by a reader that is awake; one that sleeps is woken when the writer says
 * that it is done for now (sl_post_ring): once for a batch.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mailbox.h"

#include "sfu/shard.h"

enum {
    POST_BOX = 4096, /* mails in one mailbox; media leaves a quarter to commands */
    POST_RUN = 256,  /* mails of one mailbox that are taken in a row while others wait */
};

struct post;

/* Parties are numbered as in sfu/shard.h: workers from 0, SHARD_TO_CONTROL, SHARD_TO_ASSOC.
 * NULL when memory ends. Free takes NULL, and frees what nobody read. */
struct post *sl_post_new(size_t workers);
void sl_post_free(struct post *p);
size_t sl_post_workers(const struct post *p);

/* How `who` is woken. Before any thread starts. */
void sl_post_bell(struct post *p, unsigned who, void (*wake)(void *ctx), void *ctx);

/* For the thread `from`. False: full but for `keep` places. */
bool sl_post_put(struct post *p, unsigned from, unsigned to, const struct mail *m,
                 size_t keep);
void sl_post_ring(struct post *p, unsigned from);

/* For the thread `who`. Control's mails first, since others may be about what it announced;
 * then those of all others in turn. False: none is there. */
bool sl_post_take(struct post *p, unsigned who, unsigned *from, struct mail *ret);

/* Before `who` sleeps: false, something came meanwhile. After it woke: sl_post_awake. */
bool sl_post_may_sleep(struct post *p, unsigned who);
void sl_post_awake(struct post *p, unsigned who);
