#pragma once

/*
 * Two ends of a connection, each a dialog, that know each other by text alone; and what each is
 * told, noted. For tests of room/dialog and for its fuzz target.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#include "room/dialog.h"

enum { ENDS_SLOTS = 12, ENDS_TEXT = 1 << 18 };

struct end {
    struct dialog *dialog;
    struct rng rng;
    struct negotiate_local local;
    struct negotiated *scratch;
    struct dialog_slot slots[ENDS_SLOTS];
    bool used[ENDS_SLOTS];
    unsigned made;    /* slots so far: names */
    uint32_t max_bps; /* that the other may send; 0: any */
    bool connected;
    /* The tracks that are received, by name; a name is one that the other end sends. */
    struct got {
        bool there;
        char name[DIALOG_STREAM_CAP];
        uint32_t ssrc;
    } got[DIALOG_RECEIVES_MAX];
    char log[4096];
    char text[ENDS_TEXT]; /* the description that it wrote last */
    size_t text_n;
};

static inline void end_note(struct end *e, const char *what, const char *name)
{
    size_t n = strlen(e->log);
    (void)snprintf(e->log + n, sizeof e->log - n, "%s%s%s\n", what, name[0] ? " " : "",
                   name);
}

static inline void end_fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *at = p; n > 0; at++, n--)
        *at = (uint8_t)sl_rng_u64(ctx);
}

static inline enum err end_connect(void *ctx, const struct dialog_remote *r)
{
    struct end *e = ctx;
    end_note(e, r->dtls_client ? "connect as client" : "connect as server",
             r->data.wanted ? "with data" : "");
    e->connected = true;
    return E_OK;
}

static inline enum err end_restart(void *ctx, const char *ufrag, const char *pwd)
{
    (void)pwd;
    end_note(ctx, "restart", ufrag[0] ? "" : "without credentials");
    return E_OK;
}

static inline enum err end_receive(void *ctx, const struct rtp_receive *r,
                                   struct span stream, struct span track, void **ret)
{
    struct end *e = ctx;
    (void)stream;
    for (size_t i = 0; i < DIALOG_RECEIVES_MAX; i++) {
        struct got *g = &e->got[i];
        if (g->there)
            continue;
        *g = (struct got){.there = true, .ssrc = r->encodings[0].ssrc};
        (void)snprintf(g->name, sizeof g->name, "%.*s", (int)track.n,
                       (const char *)track.p);
        end_note(e, "receive", g->name);
        *ret = g;
        return E_OK;
    }
    return E_FULL;
}

static inline void end_received(void *ctx, void *track)
{
    struct got *g = track;
    end_note(ctx, "received", g->name);
    g->there = false;
}

static inline enum err end_send(void *ctx, struct dialog_slot *slot,
                                const struct rtp_send *s)
{
    if (s->ssrc != slot->ssrc || s->params.kind != slot->kind || s->params.codecs_n == 0)
        return E_STATE;
    end_note(ctx, "send", slot->track);
    return E_OK;
}

static inline void end_sent(void *ctx, struct dialog_slot *slot)
{
    end_note(ctx, "sent", slot->track);
}

/* As many as it has are seated; ended where something is given back that was not. */
static inline struct dialog_slot *end_seat(void *ctx, struct dialog_slot *slot,
                                           const struct rtp_params *params)
{
    struct end *e = ctx;
    size_t i = 0;
    while (i < ENDS_SLOTS && e->used[i])
        i++;
    if (!slot && i < ENDS_SLOTS) {
        e->used[i] = true;
        slot = &e->slots[i];
        e->slots[i] = (struct dialog_slot){.kind = params->kind,
                                           .ssrc = (uint32_t)sl_rng_u64(&e->rng) | 1,
                                           .section = DIALOG_NOWHERE};
        (void)snprintf(slot->stream, sizeof slot->stream, "stream");
        (void)snprintf(slot->track, sizeof slot->track, "seat%u", ++e->made);
    }
    return slot;
}

static inline void end_unseat(void *ctx, struct dialog_slot *slot)
{
    struct end *e = ctx;
    size_t i = (size_t)(slot - e->slots);
    if (i >= ENDS_SLOTS || !e->used[i])
        abort();
    end_note(e, "unseat", slot->track);
    e->used[i] = false;
}

static inline void end_init_by(struct end *e, uint64_t seed, const struct dialog_ops *ops,
                               bool offers_data, const struct negotiate_local *local)
{
    static const enum codec codecs[] = {CODEC_OPUS, CODEC_VP8, CODEC_AV1};
    *e = (struct end){.rng = sl_rng_of(seed),
                      .local = *local,
                      .scratch = malloc(sizeof(struct negotiated))};
    const struct dialog_conf conf = {.ops = ops,
                                     .ctx = e,
                                     .random = {end_fill, &e->rng},
                                     .local = &e->local,
                                     .codecs = codecs,
                                     .codecs_n = 3,
                                     .data = true,
                                     .offers_data = offers_data,
                                     .letter = (char)('a' + seed % 26),
                                     .max_bps = &e->max_bps,
                                     .scratch = e->scratch};
    e->dialog = sl_dialog_new(&conf);
}

static inline void end_init_at(struct end *e, uint64_t seed, bool offers_data,
                               const struct negotiate_local *local)
{
    static const struct dialog_ops ops = {end_connect,  end_restart, end_receive,
                                          end_received, end_send,    end_sent};
    end_init_by(e, seed, &ops, offers_data, local);
}

/* It sends in sections of the other end. */
static inline void end_init_seating(struct end *e, uint64_t seed)
{
    static const uint8_t sha256[32] = {1};
    static const struct dialog_ops ops = {end_connect,  end_restart, end_receive,
                                          end_received, end_send,    end_sent,
                                          end_seat,     end_unseat};
    const struct negotiate_local local = {.sha256 = sha256};
    end_init_by(e, seed, &ops, false, &local);
}

static inline void end_init_with(struct end *e, uint64_t seed, bool offers_data)
{
    static const uint8_t sha256[32] = {1};
    const struct negotiate_local local = {.sha256 = sha256, .full = true};
    end_init_at(e, seed, offers_data, &local);
}

static inline void end_init(struct end *e, uint64_t seed)
{
    end_init_with(e, seed, false);
}

static inline void end_fini(struct end *e)
{
    sl_dialog_free(e->dialog);
    free(e->scratch);
}

static inline void end_add(struct end *e, size_t i, enum media_kind kind)
{
    struct dialog_slot *s = &e->slots[i];
    e->used[i] = true;
    *s = (struct dialog_slot){.kind = kind, .ssrc = (uint32_t)sl_rng_u64(&e->rng) | 1};
    if (kind == MEDIA_VIDEO)
        s->rtx_ssrc = s->ssrc ^ 2;
    (void)snprintf(s->stream, sizeof s->stream, "stream");
    (void)snprintf(s->track, sizeof s->track, "%c%u", kind == MEDIA_VIDEO ? 'v' : 'a',
                   ++e->made);
    sl_dialog_add(e->dialog, s);
}

static inline void end_remove(struct end *e, size_t i)
{
    e->used[i] = false;
    sl_dialog_remove(e->dialog, &e->slots[i]);
}

static inline enum err end_offer(struct end *e)
{
    struct wr w = wr_of((uint8_t *)e->text, sizeof e->text);
    enum err err = sl_dialog_offer(e->dialog, &w);
    e->text_n = w.n;
    return err;
}

static inline enum err end_offered(struct end *e, struct span text)
{
    struct wr w = wr_of((uint8_t *)e->text, sizeof e->text);
    enum negotiate_why why;
    struct sdp *sdp;
    enum err err = sl_sdp_new(text, SDP_DESCRIPTION, NULL, &sdp);
    if (err)
        return err;
    err = sl_dialog_offered(e->dialog, sdp, &w, &why);
    sl_sdp_free(sdp);
    e->text_n = w.n;
    return err;
}

static inline enum err end_answered(struct end *e, struct span text)
{
    enum negotiate_why why;
    struct sdp *sdp;
    enum err err = sl_sdp_new(text, SDP_DESCRIPTION, NULL, &sdp);
    if (err)
        return err;
    err = sl_dialog_answered(e->dialog, sdp, &why);
    sl_sdp_free(sdp);
    return err;
}

static inline struct span end_text(const struct end *e)
{
    return (struct span){(const uint8_t *)e->text, e->text_n};
}

/* One whole exchange. */
static inline enum err ends_exchange(struct end *from, struct end *to)
{
    enum err e = end_offer(from);
    e = e ? e : end_offered(to, end_text(from));
    return e ? e : end_answered(from, end_text(to));
}

/* What one sends is what the other receives, and nothing else: once no side has more to say. */
static inline bool ends_agree(const struct end *from, const struct end *to)
{
    size_t sent = 0, received = 0;
    for (size_t i = 0; i < DIALOG_RECEIVES_MAX; i++)
        received += to->got[i].there;
    for (size_t k = 0; k < ENDS_SLOTS; k++) {
        const struct dialog_slot *s = &from->slots[k];
        bool found = !from->used[k];
        if (from->used[k] && !s->sending)
            return false;
        sent += from->used[k];
        for (size_t i = 0; i < DIALOG_RECEIVES_MAX && !found; i++)
            found = to->got[i].there && to->got[i].ssrc == s->ssrc &&
                    strcmp(to->got[i].name, s->track) == 0;
        if (!found)
            return false;
    }
    return sent == received;
}

/* The other's offer stands, and its own is taken back; or an offer is never seen. */
static inline enum err ends_collide(struct end *polite, struct end *other)
{
    char *first = malloc(ENDS_TEXT);
    enum err e = end_offer(other);
    size_t n = other->text_n;
    memcpy(first, other->text, n);
    e = e ? e : end_offer(polite);
    if (!e && end_offered(other, end_text(polite)) != E_STATE)
        e = E_EXISTS;
    sl_dialog_expire(polite->dialog);
    e = e ? e : end_offered(polite, (struct span){(const uint8_t *)first, n});
    e = e ? e : end_answered(other, end_text(polite));
    free(first);
    return e;
}

/* Does what op stands for: a slot comes or goes, somebody offers, both do, or in vain. */
static inline enum err ends_step(struct end *a, struct end *b, uint8_t op)
{
    struct end *e = op & 1 ? a : b, *other = op & 1 ? b : a;
    size_t i = (op >> 1 & 15) % ENDS_SLOTS;
    if (op >> 5 <= 4 && e->used[i])
        end_remove(e, i);
    else if (op >> 5 <= 4)
        end_add(e, i, op & 32 ? MEDIA_VIDEO : MEDIA_AUDIO);
    else if (!sl_dialog_ready(e->dialog))
        return E_OK;
    else if (op >> 5 == 5)
        return ends_exchange(e, other);
    else if (op >> 5 == 6)
        return sl_dialog_ready(other->dialog) ? ends_collide(e, other) : E_OK;
    else if (end_offer(e) == E_OK)
        sl_dialog_expire(e->dialog);
    return E_OK;
}

/* Until nobody has more to say. */
static inline enum err ends_settle(struct end *a, struct end *b)
{
    enum err e = E_OK;
    for (int i = 0; i < 4 && !e; i++) {
        if (sl_dialog_ready(a->dialog))
            e = ends_exchange(a, b);
        if (!e && sl_dialog_ready(b->dialog))
            e = ends_exchange(b, a);
    }
    return e;
}
