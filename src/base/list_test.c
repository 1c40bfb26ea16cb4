#include "base/list.h"

#include "check.h"

struct item {
    int v;
    struct list in;
};

static int joined(const struct list *head)
{
    int n = 0;
    list_each (const struct item, it, head, in)
        n = n * 10 + it->v;
    return n;
}

TEST(list_keeps_order_and_survives_removal)
{
    struct item a = {.v = 1}, b = {.v = 2}, c = {.v = 3};
    struct list head;
    list_init(&head);
    CHECK(list_empty(&head));
    list_add(&head, &a.in);
    list_add(&head, &b.in);
    list_add(&head, &c.in);
    CHECK_INT(joined(&head), 123);
    list_del(&b.in);
    list_del(&b.in);
    CHECK_INT(joined(&head), 13);
    list_each_safe(struct item, it, &head, in) list_del(&it->in);
    CHECK(list_empty(&head));
}
