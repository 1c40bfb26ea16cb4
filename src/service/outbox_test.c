#include "service/outbox.h"

#include "check.h"
#include "sfu/mail.h"

enum { CONTROL = SHARD_TO_CONTROL, ASSOC = SHARD_TO_ASSOC };

/* The id of the next mail to `who`; 0: there is none. */
static uint64_t take(struct post *p, unsigned who)
{
    struct mail m = {0};
    unsigned from;
    return sl_post_take(p, who, &from, &m) ? m.id : 0;
}

TEST(outbox_keeps_what_finds_no_room_in_order_and_holds_up_nobody_else)
{
    struct post *p = sl_post_new(2);
    struct outbox o;
    uint64_t n = POST_BOX + 10, seen = 0;
    sl_outbox_init(&o, p);
    for (uint64_t i = 1; i <= n; i++)
        sl_outbox_put_id(&o, 0, MAIL_CLOSE, i, 0);
    CHECK(o.waiting >= 10);
    sl_outbox_put_id(&o, 1, MAIL_CLOSE, 7, 0);
    CHECK_INT(take(p, 1), 7);

    CHECK_INT(take(p, 0), ++seen);
    size_t waiting = o.waiting;
    sl_outbox_put_id(&o, 0, MAIL_CLOSE, n + 1,
                     0); /* there is room, but it is not first */
    CHECK_INT(o.waiting, waiting + 1);
    for (uint64_t id; seen <= n; seen = id) {
        sl_outbox_flush(&o);
        id = take(p, 0);
        CHECK_INT(id, seen + 1);
        if (id != seen + 1)
            break;
    }
    CHECK_INT(o.waiting, 0);
    CHECK_INT(take(p, 0), 0);
    sl_outbox_fini(&o);
    sl_post_free(p);
}

TEST(outbox_copies_and_tells_all_workers)
{
    struct post *p = sl_post_new(2);
    struct outbox o;
    struct cmd_expect c = {.transport = 5};
    struct mail m = {0};
    unsigned from;
    sl_outbox_init(&o, p);
    CHECK(sl_outbox_put_copy(&o, 1, MAIL_EXPECT, &c, sizeof c));
    c.transport = 6;
    CHECK(sl_post_take(p, 1, &from, &m));
    CHECK_INT(((struct cmd_expect *)m.p)->transport, 5);
    sl_mail_free(&m);
    sl_outbox_put_all(&o, MAIL_CLOSE, 9);
    CHECK_INT(take(p, 0), 9);
    CHECK_INT(take(p, 1), 9);
    CHECK_INT(take(p, ASSOC), 0);
    sl_outbox_fini(&o);
    sl_post_free(p);
}
