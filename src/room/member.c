#include "room/member.h"

#include <stdio.h>
#include <stdlib.h>

#include "room/room.h"

void sl_member_stir(struct member *m)
{
    if (list_empty(&m->restless))
        list_add(m->all_restless, &m->restless);
}

/* ---- what descriptions lead to ---- */

static enum err connect(void *ctx, const struct dialog_remote *r)
{
    struct member *m = ctx;
    struct media_transport t = {.id = sl_peer_id(m->maker),
                                .peer = r->peer,
                                .dtls_client = r->dtls_client,
                                .data = r->data};
    memcpy(t.ufrag, sl_dialog_ufrag(m->dialog), sizeof t.ufrag);
    memcpy(t.pwd, sl_dialog_pwd(m->dialog), sizeof t.pwd);
    memcpy(m->peer->ufrag, t.ufrag, sizeof t.ufrag);
    enum err e = m->maker->media.transport_add(m->maker->media.ctx, &t);
    if (e)
        return e;
    m->peer->transport = t.id;
    if (m->peer->max_bps > 0)
        m->maker->media.transport_ceiling(m->maker->media.ctx, t.id, m->peer->max_bps);
    return E_OK;
}

static enum err restart(void *ctx, const char *ufrag, const char *pwd)
{
    struct member *m = ctx;
    memcpy(m->peer->ufrag, ufrag, sizeof m->peer->ufrag);
    return m->maker->media.transport_restart(m->maker->media.ctx, m->peer->transport,
                                             ufrag, pwd);
}

static char *text_of(struct span s)
{
    char *text = malloc(s.n + 1);
    if (!text)
        return NULL;
    if (s.n > 0)
        memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return text;
}

void sl_member_show(struct member *m, struct track *t, usec now)
{
    if (t->source[0] == '\0')
        return;
    sl_tracks_start(&m->peer->room->tracks, t, now);
}

static enum err receive(void *ctx, const struct rtp_receive *r, struct span stream,
                        struct span track, void **ret)
{
    struct member *m = ctx;
    struct track *t = calloc(1, sizeof *t);
    (void)track;
    if (!t)
        return E_MEMORY;
    *t = (struct track){.stream = m->peer->stream,
                        .owner = &m->peer->view,
                        .msid = text_of(stream),
                        .producer = sl_peer_id(m->maker),
                        .params = r->params,
                        .encodings_n = r->encodings_n,
                        .wanted = UINT8_MAX,
                        .most_bps = TRACK_ANY_BPS};
    for (uint8_t i = 0; i < r->encodings_n; i++)
        memcpy(t->rids[i], r->encodings[i].rid, sizeof t->rids[i]);
    list_init(&t->live);
    list_init(&t->slots);
    enum err e = t->msid ? sl_peer_keep_track(m->peer, t) : E_MEMORY;
    if (e) {
        free(t->msid);
        free(t);
        return e;
    }
    struct rtp_receive receive = *r;
    (void)snprintf(t->source, sizeof t->source, "%s",
                   m->events->source(m->ctx, m->peer, t));
    receive.screen = strcmp(t->source, "screen") == 0;
    receive.obeys = m->events->obeys && t->params.kind == MEDIA_VIDEO;
    if (m->events->label)
        m->events->label(m->ctx, m->peer, t);
    e = m->maker->media.producer_add(m->maker->media.ctx, t->producer, m->peer->transport,
                                     m->peer->room->id, &receive);
    if (e) {
        sl_peer_drop_track(m->peer, t);
        return e;
    }
    *ret = t;
    if (m->peer->up)
        sl_member_show(m, t, m->now);
    return E_OK;
}

static void received(void *ctx, void *track)
{
    struct member *m = ctx;
    struct track *t = track;
    if (!list_empty(&t->live))
        sl_tracks_end(&m->peer->room->tracks, t);
    m->maker->media.producer_close(m->maker->media.ctx, t->producer);
    sl_peer_drop_track(m->peer, t);
}

static struct seat *seat_in(struct dialog_slot *slot)
{
    return list_entry(slot, struct seat, dialog);
}

static enum err begin_sending(void *ctx, struct dialog_slot *slot,
                              const struct rtp_send *s)
{
    struct member *m = ctx;
    struct slot *at = &seat_in(slot)->slot;
    uint64_t id = sl_peer_id(m->maker);
    enum err e = m->maker->media.consumer_add(m->maker->media.ctx, id, m->peer->transport,
                                              m->peer->room->id, s);
    if (e)
        return e;
    at->consumer = id;
    at->params = s->params;
    if (at->wished)
        m->maker->media.consumer_wish(m->maker->media.ctx, id, &at->wish);
    sl_tracks_feed(&m->peer->room->tracks, at);
    return E_OK;
}

static void name_streams(const struct member *m, struct dialog_slot *slot)
{
    slot->ssrc = sl_chance_ssrc(&m->maker->random);
    if (slot->kind == MEDIA_VIDEO)
        slot->rtx_ssrc = sl_chance_ssrc(&m->maker->random);
}

static void sent(void *ctx, struct dialog_slot *slot)
{
    struct member *m = ctx;
    struct slot *at = &seat_in(slot)->slot;
    m->maker->media.consumer_close(m->maker->media.ctx, at->consumer);
    at->consumer = 0;
    /* What comes next counts its packets anew, which the same SSRC may not with the same keys
     * (RFC 3711 §9.1). */
    name_streams(m, slot);
    if (!at->fixed)
        sl_tracks_forgo(at);
}

static const struct dialog_ops dialog_ops = {.connect = connect,
                                             .restart = restart,
                                             .receive = receive,
                                             .received = received,
                                             .send = begin_sending,
                                             .sent = sent};

/* ---- seats ---- */

static struct member *member_of(struct view *view)
{
    return list_entry(view, struct peer, view)->member;
}

/* What the slot is called that shows the track. */
static void name_slot(struct member *m, const struct track *track,
                      struct dialog_slot *slot)
{
    const struct peer *from = list_entry(track->owner, struct peer, view);
    char id[TRACK_ID_CAP];
    if (m->events->name) {
        m->events->name(m->ctx, m->peer, track, slot);
        return;
    }
    sl_track_id(track, id);
    (void)snprintf(slot->stream, sizeof slot->stream, "%s",
                   from->who ? from->who->id : track->stream);
    (void)snprintf(slot->track, sizeof slot->track, "%s", id);
}

/* NULL: there is no place, or memory ends. */
static struct seat *add_seat(struct member *m, enum media_kind kind)
{
    bool full = m->peer->view.n >= DIALOG_SECTIONS_MAX;
    struct seat *seat = full ? NULL : calloc(1, sizeof *seat);
    if (!seat)
        return NULL;
    seat->slot.view = &m->peer->view;
    list_init(&seat->slot.link);
    list_init(&seat->dialog.link);
    if (sl_peer_keep_slot(m->peer, &seat->slot) != E_OK) {
        free(seat);
        return NULL;
    }
    seat->dialog.kind = kind;
    seat->slot.params.kind = kind;
    name_streams(m, &seat->dialog);
    return seat;
}

/* Where memory ends the track is not seen, and all else goes on. */
static void take_seat(struct view *view, struct track *track)
{
    struct member *m = member_of(view);
    const struct peer *from = list_entry(track->owner, struct peer, view);
    bool own = from->who && from->who == m->peer->who;
    struct seat *seat = !own && m->events->wants(m->ctx, m->peer, track)
                            ? add_seat(m, track->params.kind)
                            : NULL;
    if (!seat)
        return;
    name_slot(m, track, &seat->dialog);
    sl_tracks_seat(&m->peer->room->tracks, track, &seat->slot);
    sl_dialog_add(m->dialog, &seat->dialog);
    sl_member_stir(m);
}

static struct slot *slot_for(const struct peer *p, const struct track *t)
{
    for (size_t i = 0; i < p->view.n; i++)
        if (p->view.slots[i]->track == t)
            return p->view.slots[i];
    return NULL;
}

/* Those for whom there was no seat, the oldest first. */
static void fill_seats(struct member *m)
{
    struct view *view = &m->peer->view;
    list_each (struct track, t, &m->peer->room->tracks.live, live)
        if (t->owner != view && !slot_for(m->peer, t))
            take_seat(view, t);
}

static void leave_seat(struct slot *slot)
{
    struct member *m = member_of(slot->view);
    bool full = m->peer->view.n >= DIALOG_SECTIONS_MAX;
    sl_dialog_remove(m->dialog, &((struct seat *)(void *)slot)->dialog);
    sl_peer_drop_slot(m->peer, slot);
    sl_member_stir(m);
    if (full && !list_empty(&m->peer->view.following))
        fill_seats(m);
}

static bool lacks_seat(struct view *view, const struct track *track)
{
    struct member *m = member_of(view);
    return view->n >= DIALOG_SECTIONS_MAX && !slot_for(m->peer, track) &&
           m->events->wants(m->ctx, m->peer, track);
}

/* Nobody else takes the place between. */
static void trade_seat(struct slot *slot, struct track *track)
{
    struct view *view = slot->view;
    struct member *m = member_of(view);
    sl_dialog_remove(m->dialog, &((struct seat *)(void *)slot)->dialog);
    sl_peer_drop_slot(m->peer, slot);
    take_seat(view, track);
}

static const struct track_seats seats = {take_seat, leave_seat, lacks_seat, trade_seat};

void sl_member_rewant(struct member *m, struct track *t)
{
    struct slot *slot = slot_for(m->peer, t);
    bool wants = m->events->wants(m->ctx, m->peer, t);
    if (slot && !wants) {
        sl_tracks_unseat(&m->peer->room->tracks, slot);
    } else if (!slot && wants && !list_empty(&t->live) &&
               !list_empty(&m->peer->view.following)) {
        take_seat(&m->peer->view, t);
    }
}

/* ---- seats of who is only answered ---- */

/* The nth section of sound and the nth of pictures are one stream, so that a page has as many streams
 * as others may be there. */
static struct dialog_slot *seat_loosely(void *ctx, struct dialog_slot *there,
                                        const struct rtp_params *params)
{
    static const char *const kinds[] = {[MEDIA_AUDIO] = "audio", [MEDIA_VIDEO] = "video"};
    struct member *m = ctx;
    struct seat *seat = there ? seat_in(there) : add_seat(m, params->kind);
    if (!seat)
        return NULL;
    if (!there) {
        unsigned nth = ++m->seated[params->kind];
        (void)snprintf(seat->dialog.stream, sizeof seat->dialog.stream, "others-%u", nth);
        (void)snprintf(seat->dialog.track, sizeof seat->dialog.track, "%s-%u",
                       kinds[params->kind], nth);
        seat->dialog.section = DIALOG_NOWHERE;
    }
    if (list_empty(&seat->slot.link)) {
        seat->slot.params = *params;
        sl_tracks_await(&m->peer->room->tracks, &seat->slot);
    }
    return &seat->dialog;
}

static void unseat(void *ctx, struct dialog_slot *slot)
{
    struct member *m = ctx;
    struct seat *seat = seat_in(slot);
    sl_tracks_forgo(&seat->slot);
    sl_peer_drop_slot(m->peer, &seat->slot);
}

static const struct dialog_ops answered_ops = {.connect = connect,
                                               .restart = restart,
                                               .receive = receive,
                                               .received = received,
                                               .send = begin_sending,
                                               .sent = sent,
                                               .seat = seat_loosely,
                                               .unseat = unseat};

/* ---- a member ---- */

enum err sl_member_new(struct peer_maker *maker, const struct member_conf *conf,
                       struct span stream, struct peer **ret)
{
    struct peer *p = calloc(1, sizeof *p);
    struct member *m = calloc(1, sizeof *m);
    if (!p || !m)
        goto fail;
    *m = (struct member){.peer = p,
                         .maker = maker,
                         .events = conf->events,
                         .ctx = conf->ctx,
                         .way = conf->way,
                         .all_restless = conf->restless};
    list_init(&m->restless);
    bool answered = conf->way == MEMBER_ANSWERED;
    const struct dialog_conf dc = {.ops = answered ? &answered_ops : &dialog_ops,
                                   .ctx = m,
                                   .random = maker->random,
                                   .local = &maker->local,
                                   .codecs = conf->codecs,
                                   .codecs_n = conf->codecs_n,
                                   .data = conf->data,
                                   .letter = 's',
                                   .max_bps = &p->max_bps,
                                   .scratch = &maker->agreed};
    m->dialog = sl_dialog_new(&dc);
    if (!m->dialog)
        goto fail;
    p->kind = PEER_MEMBER;
    p->max_bps = peer_lower(conf->max_bps, maker->max_bps);
    p->member = m;
    p->view.seats = &seats;
    list_init(&p->by_room);
    list_init(&p->view.following);
    sl_chance_hex(&maker->random, p->key, PEER_KEY_CAP - 1);
    memcpy(p->stream, stream.p, stream.n);
    *ret = p;
    return E_OK;

fail:
    free(p);
    free(m);
    return E_MEMORY;
}

void sl_member_free(struct member *m)
{
    if (!m)
        return;
    list_del(&m->restless);
    sl_dialog_free(m->dialog);
    free(m);
}
