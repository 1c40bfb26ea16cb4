#include "room/section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#include "room/match.h"

/* ---- slots ---- */

void sl_section_displace(struct dialog *d, struct dialog_slot *slot)
{
    bool sending = slot->sending;
    slot->section = DIALOG_NOWHERE;
    slot->sending = false;
    if (sending)
        d->conf.ops->sent(d->conf.ctx, slot);
}

static enum sdp_type type_of(enum media_kind kind)
{
    return kind == MEDIA_VIDEO ? SDP_VIDEO : SDP_AUDIO;
}

/* It is empty, and the peer knows. */
static bool is_idle(const struct section *s, enum media_kind kind)
{
    return s->ours && s->agreed && !s->stopped && !s->slot && s->said == 0 &&
           s->type == type_of(kind);
}

/* RFC 9429 §5.2.2: an m-section that was stopped may become another. */
static size_t find_place(const struct dialog *d, enum media_kind kind)
{
    for (size_t i = 0; i < d->n; i++)
        if (is_idle(&d->sections[i], kind))
            return i;
    for (size_t i = 0; i < d->n; i++)
        if (d->sections[i].stopped && d->sections[i].agreed)
            return i;
    return d->n;
}

/* NULL when memory ends. */
static struct section *append(struct dialog *d)
{
    if (d->n == d->cap) {
        size_t cap = d->cap > 0 ? 2 * d->cap : 4;
        struct section *grown = realloc(d->sections, cap * sizeof *grown);
        if (!grown)
            return NULL;
        d->sections = grown;
        d->cap = cap;
    }
    d->sections[d->n] = (struct section){0};
    return &d->sections[d->n++];
}

bool sl_section_has_place(const struct dialog *d, enum media_kind kind)
{
    return find_place(d, kind) < DIALOG_SECTIONS_MAX;
}

/* Not a mere number, as peers have them: where both make a section at once, these are two. */
static void name_section(struct dialog *d, struct section *s)
{
    (void)snprintf(s->mid, sizeof s->mid, "%c%u", d->conf.letter, d->made++);
}

bool sl_section_data(struct dialog *d)
{
    struct section *s = append(d);
    if (!s)
        return false;
    s->type = SDP_APPLICATION;
    s->ours = true;
    name_section(d, s);
    return true;
}

bool sl_section_place(struct dialog *d, struct dialog_slot *slot)
{
    size_t i = find_place(d, slot->kind);
    struct section *s = i < d->n                     ? &d->sections[i]
                        : d->n < DIALOG_SECTIONS_MAX ? append(d)
                                                     : NULL;
    if (!s)
        return false;
    if (s->stopped || !s->ours) {
        char *layers = s->layers;
        *s = (struct section){.type = type_of(slot->kind), .ours = true};
        free(layers);
        name_section(d, s);
    }
    list_del(&slot->link);
    slot->section = (uint16_t)i;
    s->slot = slot;
    s->deaf = false;
    return true;
}

/* ---- slots in sections of the peer's ---- */

static bool may_be_seated(const struct sdp_section *s)
{
    return (s->type == SDP_AUDIO || s->type == SDP_VIDEO) &&
           (s->direction & SDP_RECVONLY) && (s->m.port != 0 || s->bundle_only) &&
           s->mid.n > 0 && s->mid.n < PARAMS_NAME_MAX;
}

void sl_section_seat(struct dialog *d, const struct sdp *offer,
                     const struct negotiate_conf *conf, struct section_seats *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; d->conf.ops->seat && i < offer->sections_n; i++) {
        const struct sdp_section *s = &offer->sections[i];
        bool known = i < d->n && span_is(s->mid, d->sections[i].mid);
        struct dialog_slot *there = known ? d->sections[i].slot : NULL;
        struct rtp_params params;
        if (!may_be_seated(s))
            continue;
        sl_match(s, conf, &params);
        if (params.codecs_n == 0)
            continue;
        struct dialog_slot *slot = d->conf.ops->seat(d->conf.ctx, there, &params);
        if (there)
            continue;
        ret->at[i] = slot;
        memcpy(ret->mid[i], s->mid.p, s->mid.n);
    }
}

void sl_section_unseat(struct dialog *d, const struct section_seats *seats)
{
    for (size_t i = 0; i < DIALOG_SECTIONS_MAX; i++)
        if (seats->at[i])
            d->conf.ops->unseat(d->conf.ctx, seats->at[i]);
}

/* ---- what a description says of a section ---- */

static uint64_t print_of(const struct negotiated_section *ns)
{
    static const uint64_t key[2] = {0};
    uint8_t buf[1024];
    struct wr w = wr_of(buf, sizeof buf);
    for (size_t i = 0; i < ns->receive.encodings_n; i++) {
        wr_u32(&w, ns->receive.encodings[i].ssrc);
        wr_str(&w, ns->receive.encodings[i].rid);
        wr_u8(&w, 0);
    }
    wr_span(&w, ns->stream);
    wr_u8(&w, 0);
    wr_span(&w, ns->track);
    return sl_siphash(key, wr_done(&w));
}

static void end_receiving(struct dialog *d, struct section *s)
{
    if (s->receiving)
        d->conf.ops->received(d->conf.ctx, s->track);
    s->receiving = false;
    free(s->layers);
    s->layers = NULL;
}

static void keep_layers(struct section *s, const struct rtp_receive *r)
{
    char text[PARAMS_ENCODINGS_MAX * PARAMS_NAME_MAX] = "";
    size_t n = 0;
    for (size_t i = 0; i < r->encodings_n && r->encodings[i].rid[0]; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, n > 0 ? ";%s" : "%s",
                              r->encodings[i].rid);
    s->layers = n > 0 ? strdup(text) : NULL;
}

static enum err apply_receive(struct dialog *d, struct section *s,
                              const struct negotiated_section *ns)
{
    bool sends = ns->why == NEGOTIATE_OK && !ns->data && (ns->direction & SDP_RECVONLY);
    uint64_t print = sends ? print_of(ns) : 0;
    if (s->receiving && (!sends || s->print != print))
        end_receiving(d, s);
    if (!sends || s->receiving)
        return E_OK;
    enum err e =
        d->conf.ops->receive(d->conf.ctx, &ns->receive, ns->stream, ns->track, &s->track);
    if (e)
        return e;
    s->receiving = true;
    s->print = print;
    keep_layers(s, &ns->receive);
    return E_OK;
}

/* The section is not for what stands in it. */
static void abandon(struct dialog *d, struct section *s)
{
    struct dialog_slot *slot = s->slot;
    if (!slot)
        return;
    s->slot = NULL;
    sl_section_displace(d, slot);
    if (d->conf.ops->unseat)
        d->conf.ops->unseat(d->conf.ctx, slot);
}

static enum err apply_send(struct dialog *d, struct section *s,
                           const struct negotiated_section *ns)
{
    struct dialog_slot *slot = s->slot;
    bool takes = ns->why == NEGOTIATE_OK && (ns->direction & SDP_SENDONLY);
    if (!slot)
        return E_OK;
    if (slot->sending && !takes) {
        slot->sending = false;
        d->conf.ops->sent(d->conf.ctx, slot);
    }
    if (takes && !slot->sending) {
        enum err e = d->conf.ops->send(d->conf.ctx, slot, &ns->send);
        if (e)
            return e;
        slot->sending = true;
    }
    /* The peer wants no such section: it is not asked again. */
    if (ns->why != NEGOTIATE_OK)
        abandon(d, s);
    return E_OK;
}

/* The peer made a section, or made another of one that was stopped. */
static void become(struct dialog *d, struct section *s, const struct sdp_section *from)
{
    end_receiving(d, s);
    abandon(d, s);
    *s = (struct section){.type = from->type};
    if (from->mid.n > 0 && from->mid.n < sizeof s->mid)
        memcpy(s->mid, from->mid.p, from->mid.n);
}

/* It refuses what it was told of: where it offers without having seen our offer, a section that
 * it does not receive in says nothing. */
static bool is_deaf(const struct section *s, const struct sdp_section *from, bool answer)
{
    bool told = answer || (s->slot && s->slot->sending) || s->deaf;
    return told && !(from->direction & SDP_RECVONLY);
}

enum err sl_section_apply(struct dialog *d, const struct sdp *sdp,
                          const struct negotiated *n, const struct section_seats *seats)
{
    bool answer = !seats;
    for (size_t i = 0; i < n->sections_n; i++) {
        const struct sdp_section *from = &sdp->sections[i];
        const struct negotiated_section *ns = &n->sections[i];
        struct section *s = i < d->n ? &d->sections[i] : append(d);
        if (!s)
            return E_MEMORY;
        if (!answer && (s->mid[0] == '\0' || !span_is(from->mid, s->mid)))
            become(d, s, from);
        if (seats && seats->at[i]) {
            s->slot = seats->at[i];
            s->slot->section = (uint16_t)i;
        }
        s->agreed = true;
        s->stopped = ns->why != NEGOTIATE_OK;
        s->deaf = is_deaf(s, from, answer);
        enum err e = apply_receive(d, s, ns);
        e = e ? e : apply_send(d, s, ns);
        if (e)
            return e;
        if (!answer)
            s->said = s->slot && s->slot->sending ? s->slot->ssrc : 0;
    }
    return E_OK;
}
