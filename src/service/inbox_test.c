#include "service/inbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { WRITERS = 4, EACH = 500 };

struct writer {
    struct inbox *in;
    uint8_t number;
};

static void *write_all(void *arg)
{
    const struct writer *w = arg;
    for (int i = 0; i < EACH; i++) {
        uint8_t text[3] = {w->number, (uint8_t)(i >> 8), (uint8_t)i};
        CHECK_INT(sl_inbox_put(w->in, (struct span){text, sizeof text}), E_OK);
    }
    return NULL;
}

struct reader {
    int from[WRITERS];
    bool in_order;
};

static void read_one(void *ctx, struct span message)
{
    struct reader *r = ctx;
    int *n = &r->from[message.p[0]];
    r->in_order = r->in_order && (message.p[1] << 8 | message.p[2]) == *n;
    ++*n;
}

TEST(inbox_keeps_the_order_of_each_writer)
{
    struct inbox *in = sl_inbox_new();
    struct reader r = {.in_order = true};
    struct writer w[WRITERS];
    pthread_t t[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){in, (uint8_t)i};
        CHECK_INT(pthread_create(&t[i], NULL, write_all, &w[i]), 0);
    }
    sl_inbox_take(in, read_one, &r); /* between them */
    for (int i = 0; i < WRITERS; i++)
        CHECK_INT(pthread_join(t[i], NULL), 0);
    sl_inbox_take(in, read_one, &r);
    CHECK(r.in_order);
    for (int i = 0; i < WRITERS; i++)
        CHECK_INT(r.from[i], EACH);
    sl_inbox_free(in);
}

static void count(void *ctx, struct span message)
{
    size_t *octets = ctx;
    *octets += message.n;
}

TEST(inbox_is_bounded_and_empty_again_when_it_was_read)
{
    struct inbox *in = sl_inbox_new();
    size_t octets = 0;
    for (int i = 0; i < INBOX_MAX; i++)
        CHECK_INT(sl_inbox_put(in, span_of("x")), E_OK);
    CHECK_INT(sl_inbox_put(in, span_of("x")), E_FULL);
    sl_inbox_take(in, count, &octets);
    CHECK_INT(octets, INBOX_MAX);

    uint8_t *large = calloc(1, INBOX_OCTETS_MAX);
    CHECK(large != NULL);
    CHECK_INT(sl_inbox_put(in, (struct span){large, INBOX_OCTETS_MAX}), E_OK);
    CHECK_INT(sl_inbox_put(in, span_of("x")), E_FULL);
    CHECK_INT(sl_inbox_put(in, (struct span){0}), E_OK);
    free(large);
    sl_inbox_free(in); /* with what nobody read */
}
