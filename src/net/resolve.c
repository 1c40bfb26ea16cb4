#include "net/resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "net/sa.h"

struct question {
    char name[RESOLVE_NAME_MAX + 1];
    uint16_t port;
    void (*done)(void *user, const struct addr *a, size_t n);
    void *user;
    size_t n;
    struct addr found[RESOLVE_MAX];
};

static void work(void *user)
{
    struct question *q = user;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *all = NULL;
    if (getaddrinfo(q->name, NULL, &hints, &all) != 0)
        return;
    for (const struct addrinfo *i = all; i && q->n < RESOLVE_MAX; i = i->ai_next) {
        union sa sa = {0};
        if (i->ai_addrlen > sizeof sa)
            continue;
        memcpy(&sa, i->ai_addr, i->ai_addrlen);
        q->found[q->n] = sa_addr(&sa);
        q->found[q->n++].port = q->port;
    }
    freeaddrinfo(all);
}

static void worked(void *user)
{
    struct question *q = user;
    q->done(q->user, q->found, q->n);
    free(q);
}

enum err sl_resolve(struct loop *l, struct span name, uint16_t port,
                    void (*done)(void *user, const struct addr *a, size_t n), void *user)
{
    if (name.n > 1 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = (struct span){name.p + 1, name.n - 2};
    if (name.n == 0 || name.n > RESOLVE_NAME_MAX || memchr(name.p, '\0', name.n))
        return E_MALFORMED;
    struct question *q = calloc(1, sizeof *q);
    if (!q)
        return E_MEMORY;
    memcpy(q->name, name.p, name.n);
    q->port = port;
    q->done = done;
    q->user = user;
    enum err e = sl_loop_work(l, work, worked, q);
    if (e)
        free(q);
    return e;
}
