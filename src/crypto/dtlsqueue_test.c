#include "crypto/dtlsqueue.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "crypto/dtls.h"

TEST(dtlsqueue_gives_what_it_was_given_in_order)
{
    struct dtlsqueue q;
    sl_dtlsqueue_init(&q);
    CHECK(sl_dtlsqueue_take(&q) == NULL);
    sl_dtlsqueue_put(&q, "one", 3);
    sl_dtlsqueue_put(&q, "three", 5);
    struct dtlschunk *first = sl_dtlsqueue_take(&q);
    sl_dtlsqueue_put_chunk(&q, first); /* behind the other */
    sl_dtlsqueue_put_chunk(&q, NULL);
    CHECK_INT(q.n, 2);
    CHECK(first->n == 3 && memcmp(first->p, "one", 3) == 0);
    free(first);
    struct dtlschunk *second = sl_dtlsqueue_take(&q), *again = sl_dtlsqueue_take(&q);
    CHECK(second->n == 5 && memcmp(second->p, "three", 5) == 0);
    CHECK(again->n == 3 && memcmp(again->p, "one", 3) == 0);
    CHECK(sl_dtlsqueue_take(&q) == NULL);
    free(second);
    free(again);
    sl_dtlsqueue_fini(&q);
}

TEST(dtlsqueue_has_an_end)
{
    struct dtlsqueue q;
    sl_dtlsqueue_init(&q);
    for (unsigned i = 0; i < DTLS_QUEUE_MAX + 3; i++)
        sl_dtlsqueue_put(&q, &i, sizeof i);
    CHECK_INT(q.n, DTLS_QUEUE_MAX);
    for (unsigned i = 0, got; i < DTLS_QUEUE_MAX; i++) {
        struct dtlschunk *c = sl_dtlsqueue_take(&q);
        memcpy(&got, c->p, sizeof got);
        CHECK_INT(got, i); /* the late ones are lost, not the early */
        free(c);
    }
    sl_dtlsqueue_fini(&q);
}

TEST(dtlsqueue_joins_a_flight)
{
    static const uint8_t octets[DTLS_MTU] = {0};
    static const struct {
        const char *name;
        size_t a, b; /* octets of two records; 0: there is none */
        size_t joined;
    } rows[] = {
        {"nothing", 0, 0, 0},
        {"one record", 100, 0, 100},
        {"two", 100, 50, 150},
        {"as long as a datagram", DTLS_MTU - 50, 50, DTLS_MTU},
        {"longer", DTLS_MTU - 50, 51, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct dtlsqueue q;
        check_row(rows[i].name);
        sl_dtlsqueue_init(&q);
        if (rows[i].a > 0)
            sl_dtlsqueue_put(&q, octets, rows[i].a);
        if (rows[i].b > 0)
            sl_dtlsqueue_put(&q, octets, rows[i].b);
        size_t before = q.n;
        struct dtlschunk *c = sl_dtlsqueue_joined(&q);
        CHECK_INT(c ? c->n : 0, rows[i].joined);
        CHECK_INT(q.n, before);
        free(c);
        sl_dtlsqueue_fini(&q);
    }
}
