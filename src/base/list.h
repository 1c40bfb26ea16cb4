#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A doubly linked list threaded through its members. An empty node points to itself. */
struct list {
    struct list *prev, *next;
};

#define list_entry(p, type, field) ((type *)(void *)((char *)(p)-offsetof(type, field)))

/* The node inside. A loop ends at the head, which no such type is around, and whose place may not
 * be one for it: so it is not reached as a member. */
#define list_node(it, type, field)                                                       \
    ((const struct list *)(const void *)((const char *)(it) + offsetof(type, field)))

/* The body may not remove what it stands on; see list_each_safe. */
#define list_each(type, it, head, field)                                                 \
    for (type *it = list_entry((head)->next, type, field);                               \
         list_node(it, type, field) != (head);                                           \
         it = list_entry(it->field.next, type, field))

/* The body may remove and free what it stands on, and nothing else of the list. */
#define list_each_safe(type, it, head, field)                                            \
    for (type *it = list_entry((head)->next, type, field),                               \
              *it##_next = list_entry(list_node(it, type, field)->next, type, field);    \
         list_node(it, type, field) != (head); it = it##_next,                           \
              it##_next = list_entry(list_node(it, type, field)->next, type, field))

static inline void list_init(struct list *l)
{
    l->prev = l;
    l->next = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Before head: at the end of the list that it heads. */
static inline void list_add(struct list *head, struct list *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* Leaves l empty, so that removing twice is harmless. */
static inline void list_del(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}
