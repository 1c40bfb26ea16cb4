#include "service/wiring.h"

#include <stdlib.h>

#include "check.h"
#include "sfu/mail.h"

/* How many mails of that type the worker is sent; all are read. */
static unsigned mails(struct wiring *w, unsigned who, enum mail_type type)
{
    struct mail m;
    unsigned from, n = 0;
    while (sl_post_take(w->out.post, who, &from, &m)) {
        n += m.type == type;
        sl_mail_free(&m);
    }
    return n;
}

static struct pl_transport *transport(struct wiring *w, uint64_t id)
{
    struct pl_transport *t = calloc(1, sizeof *t);
    t->id = id;
    CHECK_INT(sl_wiring_add_transport(w, t), E_OK);
    return t;
}

static struct pl_consumer *consumer(struct wiring *w, struct pl_transport *on,
                                    uint64_t id, struct pl_producer *source)
{
    struct pl_consumer *c = calloc(1, sizeof *c);
    c->id = id;
    c->transport = on;
    CHECK_INT(sl_wiring_add_consumer(w, c), E_OK);
    sl_wiring_source(w, c, source);
    return c;
}

TEST(wiring_pipes_a_producer_once_to_each_worker_that_needs_it)
{
    struct post *post = sl_post_new(2);
    struct wiring w;
    sl_wiring_init(&w, post, (const uint64_t[2]){1, 2});
    struct pl_transport *from = transport(&w, 1), *to = transport(&w, 2);
    struct pl_producer *pr = calloc(1, sizeof *pr);
    pr->id = 11;
    pr->transport = from;
    CHECK_INT(sl_wiring_add_producer(&w, pr), E_OK);
    struct pl_consumer *a = consumer(&w, to, 21, pr), *b = consumer(&w, to, 22, pr);
    sl_wiring_adopt(&w, from, 0);
    CHECK_INT(mails(&w, 0, MAIL_PIPE), 0); /* nobody knows where to */
    sl_wiring_adopt(&w, to, 1);
    CHECK_INT(mails(&w, 0, MAIL_PIPE), 1);
    CHECK_INT(mails(&w, 1, MAIL_SOURCE), 2);

    sl_wiring_drop_consumer(&w, a);
    CHECK_INT(mails(&w, 0, MAIL_UNPIPE), 0);
    sl_wiring_source(&w, b, NULL);
    CHECK_INT(mails(&w, 0, MAIL_UNPIPE), 1);
    sl_wiring_source(&w, b, pr);
    CHECK_INT(mails(&w, 0, MAIL_PIPE), 1);

    sl_wiring_drop_transport(&w, from);
    CHECK(sl_wiring_transport(&w, 1) == NULL && sl_wiring_producer(&w, 11) == NULL);
    CHECK(sl_wiring_consumer(&w, 22) == b && b->source == NULL);
    sl_wiring_fini(&w);
    sl_post_free(post);
}
