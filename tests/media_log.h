#pragma once

/*
 * A media plane that only writes down what it was asked, one line for each call, with the
 * counters of the ids: "source 5 from 3". What can fail does so when it was told to.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "room/media.h"

struct media_log {
    char text[1 << 16];
    size_t n;
    const char *fail; /* the beginning of the line that fails next, once */
    enum err with;
    struct media_transport transport; /* as last added */
    struct rtp_send send;
    char ufrag[MEDIA_UFRAG_MAX]; /* as last restarted */
    char pwd[MEDIA_PWD_MAX];
};

__attribute__((format(printf, 2, 3))) static inline enum err ml_note(void *ctx,
                                                                     const char *fmt, ...)
{
    struct media_log *l = ctx;
    char line[96];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (l->fail && strncmp(line, l->fail, strlen(l->fail)) == 0) {
        l->fail = NULL;
        return l->with;
    }
    size_t n = strlen(line) + 1;
    if (l->n + n < sizeof l->text) {
        memcpy(l->text + l->n, line, n);
        l->n += n;
        l->text[l->n - 1] = '\n';
        l->text[l->n] = '\0';
    }
    return E_OK;
}

static inline uint64_t ml_id(uint64_t id)
{
    return id & 0xffffffffffff;
}

static inline enum err ml_transport_add(void *ctx, const struct media_transport *t)
{
    ((struct media_log *)ctx)->transport = *t;
    return ml_note(ctx, "transport %" PRIu64, ml_id(t->id));
}

static inline enum err ml_transport_restart(void *ctx, uint64_t id, const char *ufrag,
                                            const char *pwd)
{
    struct media_log *l = ctx;
    snprintf(l->ufrag, sizeof l->ufrag, "%s", ufrag);
    snprintf(l->pwd, sizeof l->pwd, "%s", pwd);
    return ml_note(ctx, "restart %" PRIu64, ml_id(id));
}

static inline void ml_transport_close(void *ctx, uint64_t id)
{
    (void)ml_note(ctx, "close transport %" PRIu64, ml_id(id));
}

static inline void ml_transport_ceiling(void *ctx, uint64_t id, uint32_t bps)
{
    (void)ml_note(ctx, "ceiling %" PRIu64 " %" PRIu32, ml_id(id), bps);
}

static inline enum err ml_producer_add(void *ctx, uint64_t id, uint64_t transport,
                                       uint64_t room, const struct rtp_receive *r)
{
    return ml_note(ctx, "producer %" PRIu64 " on %" PRIu64 " in %" PRIu64 " %s%s",
                   ml_id(id), ml_id(transport), ml_id(room),
                   sl_codec_name(r->params.codecs[0].codec), r->obeys ? ", obeys" : "");
}

static inline void ml_producer_close(void *ctx, uint64_t id)
{
    (void)ml_note(ctx, "close producer %" PRIu64, ml_id(id));
}

static inline enum err ml_consumer_add(void *ctx, uint64_t id, uint64_t transport,
                                       uint64_t room, const struct rtp_send *s)
{
    ((struct media_log *)ctx)->send = *s;
    return ml_note(ctx, "consumer %" PRIu64 " on %" PRIu64 " in %" PRIu64 " %s",
                   ml_id(id), ml_id(transport), ml_id(room),
                   s->params.kind == MEDIA_VIDEO ? "video" : "audio");
}

static inline void ml_consumer_source(void *ctx, uint64_t consumer, uint64_t producer)
{
    (void)ml_note(ctx, "source %" PRIu64 " from %" PRIu64, ml_id(consumer),
                  ml_id(producer));
}

static inline void ml_consumer_close(void *ctx, uint64_t id)
{
    (void)ml_note(ctx, "close consumer %" PRIu64, ml_id(id));
}

static inline void ml_consumer_wish(void *ctx, uint64_t consumer,
                                    const struct rtp_wish *w)
{
    (void)ml_note(ctx, "wish %" PRIu64 " %ux%u@%u p%u e%u s%u t%u%s", ml_id(consumer),
                  w->width, w->height, w->fps, w->priority, w->encoding, w->spatials,
                  w->temporals, w->paused ? " paused" : "");
}

static inline struct media_ops ml_ops(struct media_log *l)
{
    return (struct media_ops){l,
                              ml_transport_add,
                              ml_transport_restart,
                              ml_transport_close,
                              ml_transport_ceiling,
                              ml_producer_add,
                              ml_producer_close,
                              ml_consumer_add,
                              ml_consumer_source,
                              ml_consumer_close,
                              ml_consumer_wish};
}

/* What was asked since the last look. */
static inline const char *ml_look(struct media_log *l)
{
    static char seen[sizeof l->text];
    memcpy(seen, l->text, sizeof seen);
    l->n = 0;
    l->text[0] = '\0';
    return seen;
}
