#pragma once

/* For the fuzz targets of the codecs: what holds of all that can be read. */

#include "fuzz.h"
#include "media/payload.h"

/* The facts hang together, and the marker tells of the end and of nothing else. */
static inline void must_hold(const struct payload *p, const struct payload *marked)
{
    MUST(!p->key || (p->start && p->spatial == 0 && !p->empty));
    MUST(p->temporal < 8 && p->spatial < 8);
    /* A descriptor may say of a frame that nobody needs it. */
    MUST(p->has_dd || p->in >> layer_at(p->spatial, p->temporal) & 1);
    MUST(p->begin == 0 || p->begin == LAYER_ANY || !p->key);
    MUST(p->ids_n <= PAYLOAD_IDS_MAX && p->pid_at <= p->ids_n && p->tl0_at <= p->ids_n);

    struct payload same = *marked;
    same.end = p->end;
    MUST(marked->end || !p->end);
    MUST(memcmp(&same, p, sizeof same) == 0);
}

/* Other ids can be written, are read again, and change nothing else. */
static inline void must_renumber(enum codec codec, struct span in,
                                 const struct payload *p)
{
    static uint8_t buf[1 << 16];
    uint8_t ids[PAYLOAD_IDS_MAX];
    struct payload other;
    if (in.n > sizeof buf)
        return;
    sl_payload_renumber(p, in, (uint16_t)~p->picture_id, (uint8_t)~p->tl0picidx, ids);
    memcpy(buf, in.p, in.n);
    memcpy(buf, ids, p->ids_n);
    MUST(sl_payload_read(codec, (struct span){buf, in.n}, false, (struct span){0}, NULL,
                         &other) == E_OK);
    MUST(!p->pid_at ||
         (uint16_t)(other.picture_id ^ p->picture_id) == (p->long_id ? 0x7fff : 0x7f));
    MUST(!p->tl0_at || (uint8_t)(other.tl0picidx ^ p->tl0picidx) == 0xff);
    other.picture_id = p->picture_id;
    other.tl0picidx = p->tl0picidx;
    MUST(memcmp(&other, p, sizeof other) == 0);
}

static inline int fuzz_codec(enum codec codec, const uint8_t *p, size_t n)
{
    struct span in = {p, n};
    struct payload a, b;
    enum err e = sl_payload_read(codec, in, false, (struct span){0}, NULL, &a);
    MUST(sl_payload_read(codec, in, true, (struct span){0}, NULL, &b) == e);
    if (e)
        return 0;
    must_hold(&a, &b);
    if (n > 0)
        must_renumber(codec, in, &a);
    return 0;
}
