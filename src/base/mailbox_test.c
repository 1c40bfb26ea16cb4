#include "base/mailbox.h"

#include <pthread.h>

#include "check.h"

TEST(mailbox_is_bounded_and_keeps_places)
{
    struct mailbox *m = sl_mailbox_new(4);
    struct mail mail = {.id = 0};
    CHECK(!sl_mailbox_take(m, &mail));
    for (uint64_t i = 0; i < 3; i++)
        CHECK(sl_mailbox_put(m, &(struct mail){.id = i}, 1));
    CHECK(!sl_mailbox_put(m, &(struct mail){.id = 9}, 1));
    CHECK(sl_mailbox_put(m, &(struct mail){.id = 3}, 0));
    CHECK(!sl_mailbox_put(m, &(struct mail){.id = 9}, 0));
    for (uint64_t i = 0; i < 4; i++)
        CHECK(sl_mailbox_take(m, &mail) && mail.id == i);
    CHECK(!sl_mailbox_take(m, &mail));
    sl_mailbox_free(m);
}

enum { MAILS = 200000 };

static void *write_all(void *p)
{
    for (uint64_t i = 0; i < MAILS;)
        i += sl_mailbox_put(p, &(struct mail){.id = i, .arg = (uint32_t)i * 3}, 0);
    return NULL;
}

TEST(mailbox_between_threads_loses_and_reorders_nothing)
{
    struct mailbox *m = sl_mailbox_new(64);
    pthread_t t;
    uint64_t bad = 0;
    CHECK_INT(pthread_create(&t, NULL, write_all, m), 0);
    for (uint64_t want = 0; want < MAILS;) {
        struct mail mail;
        if (!sl_mailbox_take(m, &mail))
            continue;
        bad += mail.id != want || mail.arg != (uint32_t)want * 3;
        want++;
    }
    CHECK_INT(bad, 0);
    CHECK_INT(pthread_join(t, NULL), 0);
    sl_mailbox_free(m);
}

TEST(bell_rings_once_for_each_sleep)
{
    struct bell b = {false};
    CHECK(!sl_bell_ring(&b));
    sl_bell_sleep(&b);
    CHECK(sl_bell_ring(&b) && !sl_bell_ring(&b));
    sl_bell_sleep(&b);
    sl_bell_wake(&b);
    CHECK(!sl_bell_ring(&b));
}
