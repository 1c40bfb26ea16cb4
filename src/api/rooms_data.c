#include "api/rooms_data.h"

#include <stdlib.h>

enum { VERSION = 1, KINDS = 2 };

struct rooms_datas {
    const struct media_ops *media;
    struct rooms_data_stats stats;
};

/* Shared by all that it waits for. */
struct rooms_parcel {
    unsigned refs;
    enum rooms_channel channel;
    size_t n;
    uint8_t bytes[];
};

struct waiting {
    struct list link;
    struct rooms_parcel *parcel;
};

/* ---- frames ---- */

enum err sl_rooms_frame_read(struct span in, struct rooms_frame *ret)
{
    struct rd r = rd_of(in);
    struct rooms_frame f = {0};
    uint8_t version = rd_u8(&r);
    f.kind = rd_u8(&r);
    uint8_t named = rd_u8(&r);
    if (r.bad || version != VERSION || f.kind >= KINDS || named > ROOMS_DATA_TO_MAX)
        return E_MALFORMED;
    for (; named > 0; named--) {
        f.to[f.to_n] = rd_span(&r, rd_u8(&r));
        f.to_n += !span_among(f.to[f.to_n], f.to, f.to_n);
    }
    f.payload = rd_rest(&r);
    if (r.bad)
        return E_MALFORMED;
    if (f.payload.n > ROOMS_DATA_MAX)
        return E_FULL;
    *ret = f;
    return E_OK;
}

struct rooms_parcel *sl_rooms_parcel_new(const struct rooms_frame *f, const char *from)
{
    size_t id = strlen(from), n = 3 + id + f->payload.n;
    struct rooms_parcel *p = malloc(sizeof *p + n);
    if (!p)
        return NULL;
    *p = (struct rooms_parcel){.refs = 1, .channel = f->channel, .n = n};
    struct wr w = wr_of(p->bytes, n);
    wr_u8(&w, VERSION);
    wr_u8(&w, f->kind);
    wr_u8(&w, (uint8_t)id);
    wr_str(&w, from);
    wr_span(&w, f->payload);
    return p;
}

void sl_rooms_parcel_free(struct rooms_parcel *p)
{
    if (p && --p->refs == 0)
        free(p);
}

/* ---- readers ---- */

struct rooms_datas *sl_rooms_datas_new(const struct media_ops *media)
{
    struct rooms_datas *d = calloc(1, sizeof *d);
    if (d)
        d->media = media;
    return d;
}

void sl_rooms_datas_free(struct rooms_datas *d)
{
    free(d);
}

const struct rooms_data_stats *sl_rooms_datas_stats(const struct rooms_datas *d)
{
    return &d->stats;
}

void sl_rooms_data_init(struct rooms_reader *r)
{
    *r = (struct rooms_reader){0};
    list_init(&r->queue);
}

static void unqueue(struct rooms_reader *r, struct waiting *w)
{
    list_del(&w->link);
    r->queued -= w->parcel->n;
    sl_rooms_parcel_free(w->parcel);
    free(w);
}

static void drop_all(struct rooms_reader *r)
{
    list_each_safe(struct waiting, w, &r->queue, link) unqueue(r, w);
}

void sl_rooms_data_fini(struct rooms_reader *r)
{
    drop_all(r);
}

static void shut(struct rooms_reader *r, enum rooms_channel c)
{
    r->channel[c].open = false;
    if (c == ROOMS_RELIABLE)
        drop_all(r);
}

void sl_rooms_data_gone(struct rooms_datas *d, struct rooms_reader *r, uint64_t transport)
{
    (void)d;
    for (int c = 0; c < ROOMS_CHANNELS; c++)
        if (r->channel[c].transport == transport)
            shut(r, (enum rooms_channel)c);
}

static enum err send(struct rooms_datas *d, const struct rooms_reader *r,
                     const struct rooms_parcel *p)
{
    enum err e = d->media->data_send(d->media->ctx, r->channel[p->channel].transport,
                                     r->channel[p->channel].stream, false,
                                     (struct span){p->bytes, p->n});
    d->stats.frames_out += !e;
    return e;
}

/* What cannot wait for it any more: it may open the channel again, and knows what it missed. */
static void cut_off(struct rooms_datas *d, struct rooms_reader *r)
{
    d->stats.slow++;
    d->media->data_close(d->media->ctx, r->channel[ROOMS_RELIABLE].transport,
                         r->channel[ROOMS_RELIABLE].stream);
    shut(r, ROOMS_RELIABLE);
}

static void wait_for(struct rooms_datas *d, struct rooms_reader *r,
                     struct rooms_parcel *p)
{
    bool fits = r->queued + p->n <= ROOMS_DATA_QUEUE;
    struct waiting *w = fits ? malloc(sizeof *w) : NULL;
    if (!w) {
        cut_off(d, r);
        return;
    }
    w->parcel = p;
    p->refs++;
    r->queued += p->n;
    list_add(&r->queue, &w->link);
}

/* A reader of `reliable` misses nothing without a word but what is longer than it said that it takes. */
static void count_lost(struct rooms_datas *d, struct rooms_reader *r,
                       enum rooms_channel c, enum err e)
{
    if (e == E_MALFORMED)
        d->stats.too_large++;
    else if (c == ROOMS_LOSSY)
        d->stats.missed++;
    else
        cut_off(d, r);
}

void sl_rooms_data_give(struct rooms_datas *d, struct rooms_reader *r,
                        struct rooms_parcel *p)
{
    if (!r->channel[p->channel].open)
        return;
    if (p->channel == ROOMS_RELIABLE && !list_empty(&r->queue)) {
        wait_for(d, r, p);
        return;
    }
    enum err e = send(d, r, p);
    if (e == E_FULL && p->channel == ROOMS_RELIABLE)
        wait_for(d, r, p);
    else if (e)
        count_lost(d, r, p->channel, e);
}

static void catch_up(struct rooms_datas *d, struct rooms_reader *r)
{
    while (!list_empty(&r->queue)) {
        struct waiting *w = list_entry(r->queue.next, struct waiting, link);
        enum err e = send(d, r, w->parcel);
        if (e == E_FULL)
            return;
        unqueue(r, w);
        if (e)
            count_lost(d, r, ROOMS_RELIABLE, e);
    }
}

/* ---- what comes ---- */

static bool is_label(const struct dcep_open *open, enum rooms_channel *ret)
{
    static const char *const labels[ROOMS_CHANNELS] = {"reliable", "lossy"};
    for (int c = 0; c < ROOMS_CHANNELS; c++)
        if (open && span_is(dcep_span(&open->label), labels[c])) {
            *ret = (enum rooms_channel)c;
            return true;
        }
    return false;
}

static bool channel_of(const struct rooms_reader *r, uint64_t transport, uint16_t stream,
                       enum rooms_channel *ret)
{
    for (int c = 0; c < ROOMS_CHANNELS; c++)
        if (r->channel[c].open && r->channel[c].transport == transport &&
            r->channel[c].stream == stream) {
            *ret = (enum rooms_channel)c;
            return true;
        }
    return false;
}

static enum err take(struct rooms_datas *d, struct span bytes, struct rooms_frame *ret)
{
    enum rooms_channel c = ret->channel;
    enum err e = sl_rooms_frame_read(bytes, ret);
    d->stats.malformed += e == E_MALFORMED;
    d->stats.too_large += e == E_FULL;
    d->stats.frames_in += !e;
    ret->channel = c;
    return e;
}

enum err sl_rooms_data_event(struct rooms_datas *d, struct rooms_reader *r,
                             uint64_t transport, const struct media_data_event *ev,
                             struct rooms_frame *ret)
{
    enum rooms_channel c;
    switch (ev->kind) {
    case MEDIA_DATA_OPENED:
        if (is_label(ev->open, &c) &&
            (!r->channel[c].open || r->channel[c].transport != transport)) {
            shut(r, c); /* that of a transport which is over */
            r->channel[c].open = true;
            r->channel[c].transport = transport;
            r->channel[c].stream = ev->stream;
        }
        break;
    case MEDIA_DATA_MESSAGE:
        return channel_of(r, transport, ev->stream, &ret->channel)
                   ? take(d, ev->bytes, ret)
                   : E_ABSENT;
    case MEDIA_DATA_CLOSED:
        if (channel_of(r, transport, ev->stream, &c))
            shut(r, c);
        break;
    case MEDIA_DATA_ENDED: sl_rooms_data_gone(d, r, transport); break;
    case MEDIA_DATA_ROOM:
        if (r->channel[ROOMS_RELIABLE].open &&
            r->channel[ROOMS_RELIABLE].transport == transport)
            catch_up(d, r);
        break;
    }
    return E_ABSENT;
}
