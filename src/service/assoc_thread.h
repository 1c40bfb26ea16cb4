#pragma once

/*
 * The thread of DTLS: it joins the associations (sfu/assoc) to the mailboxes.
 */

#include "base/err.h"

#include "service/post.h"
#include "sfu/assoc.h"

struct assoc_thread;

struct assoc_thread_conf {
    struct post *post;
    struct assoc_conf assoc;
};

/* E_MEMORY, E_SYS. Free takes NULL, and a thread that was stopped, as the workers were. */
MUST_USE enum err sl_assoc_thread_new(const struct assoc_thread_conf *conf,
                                      struct assoc_thread **ret);
MUST_USE enum err sl_assoc_thread_start(struct assoc_thread *t);
void sl_assoc_thread_stop(struct assoc_thread *t);
void sl_assoc_thread_free(struct assoc_thread *t);

/* What MAIL_STATS is filled with. */
struct assoc_thread_stats {
    struct assoc_stats assoc;
    uint64_t
        dropped; /* datagrams for which there was no buffer or no room in a mailbox */
    uint64_t cpu_ns;
};
