#include "media/picmap.h"

#include <string.h>

#include "fuzz.h"

enum { PACKET_MAX = 255, PICTURES = 1 << 12, REACH = 60 };

static bool same(struct picmap a, struct picmap b)
{
    return a.picture_id == b.picture_id && a.dd_frame == b.dd_frame &&
           a.tl0picidx == b.tl0picidx;
}

static struct picmap minus(struct picmap a, struct picmap b)
{
    return (struct picmap){(uint16_t)((a.picture_id - b.picture_id) & 0x7fff),
                           (uint16_t)(a.dd_frame - b.dd_frame),
                           (uint8_t)(a.tl0picidx - b.tl0picidx)};
}

/* The names are read again as they were written, and shifted back the packet is what it was. */
static void rewrite(enum codec codec, struct span in, const struct payload *p,
                    const struct picmap *shift)
{
    uint8_t out[PACKET_MAX], ids[PAYLOAD_IDS_MAX];
    struct picmap want = sl_picmap_out(picmap_at(p), shift);
    struct picmap back = minus((struct picmap){0}, *shift);
    struct payload q;
    sl_picmap_write(shift, p, in, ids);
    memcpy(out, in.p, in.n);
    memcpy(out, ids, p->ids_n);
    MUST(sl_payload_read(codec, (struct span){out, in.n}, false, (struct span){0}, NULL,
                         &q) == E_OK);
    MUST(!p->pid_at ||
         ((q.picture_id ^ want.picture_id) & (p->long_id ? 0x7fff : 0x7f)) == 0);
    MUST(!p->tl0_at || q.tl0picidx == want.tl0picidx);
    sl_picmap_write(&back, &q, (struct span){out, in.n}, ids);
    MUST(memcmp(ids, in.p, p->ids_n) == 0);
}

/* Packets of sources that follow each other, each behind an octet that says whether its source
 * is a new one, and one with its length. */
static void follow(struct rd r)
{
    static const enum codec codecs[] = {CODEC_VP8, CODEC_VP9};
    enum codec codec = codecs[rd_u8(&r) % 2];
    struct picmap shift = {0}, in = {0}, out = {0};
    bool begun = false;
    while (r.n > 0) {
        bool other = rd_u8(&r) & 1;
        struct span packet = rd_span(&r, rd_u8(&r));
        struct payload p = {0};
        if (r.bad || packet.n == 0 ||
            sl_payload_read(codec, packet, false, (struct span){0}, NULL, &p) != E_OK)
            continue;
        struct picmap at = picmap_at(&p);
        if (begun && other)
            shift = sl_picmap_follow(out, at);
        struct picmap now = sl_picmap_out(at, &shift);
        if (begun && other)
            MUST(same(minus(now, out), (struct picmap){1, 1, 1}));
        else if (begun)
            MUST(same(minus(now, out), minus(at, in)));
        rewrite(codec, packet, &p, &shift);
        in = at;
        out = now;
        begun = true;
    }
}

/* Pictures come, late and again; those that were left out are counted as a plain list does. */
static void close_gaps(struct rd r)
{
    static bool dropped[PICTURES];
    struct picgaps g = {0};
    bool long_id = rd_u8(&r) & 1;
    unsigned first = rd_u16(&r), newest = 0;
    memset(dropped, 0, sizeof dropped);
    for (bool begun = false; r.n > 0 && newest + REACH < PICTURES; begun = true) {
        uint8_t b = rd_u8(&r);
        bool drop = b & 1;
        unsigned by = (b >> 2) % REACH, at = newest, before = 0;
        if (b & 2)
            at -= by < at ? by : at;
        else
            at += begun ? by : 0;
        if (at > newest || !begun)
            dropped[newest = at] = drop;
        for (unsigned i = 0; i < at; i++)
            before += dropped[i];
        struct payload p = {.picture_id =
                                (uint16_t)((first + at) & (long_id ? 0x7fffU : 0x7fU)),
                            .pid_at = 1,
                            .long_id = long_id,
                            .counted = true};
        MUST(sl_picgaps_note(&g, &p, drop) == before);
    }
}

/* Names go on where the last source ended; gaps close as a plain model's do. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    follow(rd_of((struct span){p, n}));
    close_gaps(rd_of((struct span){p, n}));
    return 0;
}
