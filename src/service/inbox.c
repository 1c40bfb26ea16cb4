#include "service/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct letter {
    struct letter *next;
    size_t n;
    uint8_t p[];
};

struct inbox {
    pthread_mutex_t lock;
    struct letter *first, **end;
    size_t n, octets;
};

struct inbox *sl_inbox_new(void)
{
    struct inbox *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    if (pthread_mutex_init(&in->lock, NULL) != 0) {
        free(in);
        return NULL;
    }
    in->end = &in->first;
    return in;
}

static void ignore(void *ctx, struct span message)
{
    (void)ctx;
    (void)message;
}

void sl_inbox_free(struct inbox *in)
{
    if (!in)
        return;
    sl_inbox_take(in, ignore, NULL);
    (void)pthread_mutex_destroy(&in->lock);
    free(in);
}

enum err sl_inbox_put(struct inbox *in, struct span message)
{
    struct letter *l = malloc(sizeof *l + message.n);
    if (!l)
        return E_MEMORY;
    *l = (struct letter){.n = message.n};
    if (message.n > 0)
        memcpy(l->p, message.p, message.n);
    (void)pthread_mutex_lock(&in->lock);
    bool room = in->n < INBOX_MAX && message.n <= INBOX_OCTETS_MAX - in->octets;
    if (room) {
        *in->end = l;
        in->end = &l->next;
        in->n++;
        in->octets += message.n;
    }
    (void)pthread_mutex_unlock(&in->lock);
    if (!room)
        free(l);
    return room ? E_OK : E_FULL;
}

void sl_inbox_take(struct inbox *in, void (*fn)(void *ctx, struct span message),
                   void *ctx)
{
    (void)pthread_mutex_lock(&in->lock);
    struct letter *l = in->first;
    in->first = NULL;
    in->end = &in->first;
    in->n = 0;
    in->octets = 0;
    (void)pthread_mutex_unlock(&in->lock);
    while (l) {
        struct letter *next = l->next;
        fn(ctx, (struct span){l->p, l->n});
        free(l);
        l = next;
    }
}
