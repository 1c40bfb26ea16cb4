#include <stdio.h>
#include <stdlib.h>

#include "room/rooms.h"

/* ---- descriptions ---- */

static enum err parse(struct span text, struct refused *refused, struct sdp **ret)
{
    *refused = (struct refused){0};
    enum err e = sl_sdp_new(text, SDP_DESCRIPTION, &refused->at, ret);
    return e && e != E_MEMORY ? E_MALFORMED : e;
}

/* What is not received in the end, for its codecs perhaps, counts as well. */
static bool begins_to_publish(const struct peer *p, const struct sdp *offer)
{
    if (p->tracks_n > 0 || !sl_rooms_may_publish(p))
        return false;
    for (size_t i = 0; i < offer->sections_n; i++) {
        const struct sdp_section *s = &offer->sections[i];
        if ((s->type == SDP_AUDIO || s->type == SDP_VIDEO) &&
            (s->m.port != 0 || s->bundle_only) && (s->direction & SDP_SENDONLY))
            return true;
    }
    return false;
}

enum err sl_rooms_offered(struct rooms *r, struct peer *p, struct span offer, usec now,
                          struct wr *answer, struct refused *refused)
{
    struct sdp *sdp;
    enum err e = parse(offer, refused, &sdp);
    if (e)
        return e;
    bool first = p->transport == 0;
    p->member->now = now;
    if (begins_to_publish(p, sdp))
        e = sl_rooms_check_publisher(r, p->room, (struct span){0});
    refused->crowded = e == E_FULL;
    e = e ? e : sl_dialog_offered(p->member->dialog, sdp, answer, &refused->why);
    if (!e)
        sl_remote_sdp(&r->maker.remote, sdp, &p->remotes);
    if (!e && first)
        e = sl_rooms_expect(r, p, now + ROOM_CONNECT);
    sl_sdp_free(sdp);
    sl_member_stir(p->member);
    return e;
}

enum err sl_rooms_answered(struct rooms *r, struct peer *p, struct span answer, usec now,
                           struct refused *refused)
{
    struct sdp *sdp;
    enum err e = parse(answer, refused, &sdp);
    if (e)
        return e;
    bool first = p->transport == 0, waited = sl_dialog_waits(p->member->dialog);
    p->member->now = now;
    e = sl_dialog_answered(p->member->dialog, sdp, &refused->why);
    if (waited && !sl_dialog_waits(p->member->dialog)) /* else it is for the connection */
        sl_timer_stop(&r->timers, &p->timer);
    if (!e && first)
        e = sl_rooms_expect(r, p, now + ROOM_CONNECT);
    sl_sdp_free(sdp);
    sl_member_stir(p->member);
    return e;
}

void sl_rooms_hold(struct peer *p, bool held)
{
    p->member->held = held;
    sl_member_stir(p->member);
}

void sl_rooms_name(struct peer *p, struct track *track, const char *source, usec now)
{
    if (!list_empty(&track->live))
        sl_tracks_end(&p->room->tracks, track);
    (void)snprintf(track->source, sizeof track->source, "%s", source);
    if (p->up)
        sl_member_show(p->member, track, now);
}

/* *changed stays as it is where the text is the same. */
static enum err set(char **text, struct span to, bool *changed)
{
    if (!to.p || span_is(to, *text ? *text : ""))
        return E_OK;
    char *copy = malloc(to.n + 1);
    if (!copy)
        return E_MEMORY;
    memcpy(copy, to.p, to.n);
    copy[to.n] = '\0';
    free(*text);
    *text = copy;
    *changed = true;
    return E_OK;
}

enum err sl_rooms_label(struct peer *p, struct track *track, struct span label,
                        struct span metadata)
{
    bool changed = false;
    enum err e = set(&track->label, label, &changed);
    e = e ? e : set(&track->metadata, metadata, &changed);
    if (changed)
        sl_tracks_changed(&p->room->tracks, track);
    return e;
}

void sl_rooms_mute(struct peer *p, struct track *track, bool muted)
{
    sl_tracks_mute(&p->room->tracks, track, muted);
}

/* Before it is up the peer speaks first, unless there is nothing for it to say. */
static bool may_hear(const struct member *m)
{
    const struct peer *p = m->peer;
    return !m->held && m->way != MEMBER_ANSWERED &&
           (p->up || (m->way == MEMBER_RECEIVES && p->transport == 0));
}

static void make_offer(struct rooms *r, struct member *m, usec now)
{
    struct peer *p = m->peer;
    if (!may_hear(m) || !sl_dialog_ready(m->dialog))
        return;
    if (!r->text)
        r->text = malloc(NEGOTIATE_ANSWER_MAX);
    struct wr w = wr_of(r->text, r->text ? NEGOTIATE_ANSWER_MAX : 0);
    if (sl_timer_set(&r->timers, &p->timer, now + DIALOG_ANSWER_TIME) == E_OK &&
        sl_dialog_offer(m->dialog, &w) == E_OK)
        m->events->offer(m->ctx, p, wr_done(&w));
}

void sl_rooms_flush(struct rooms *r, usec now)
{
    list_each_safe(struct member, m, &r->restless, restless)
    {
        list_del(&m->restless);
        make_offer(r, m, now);
    }
    sl_rooms_keep(r, now);
}

enum err sl_rooms_restart(struct peer *p)
{
    if (p->transport == 0)
        return E_STATE;
    sl_dialog_restart(p->member->dialog);
    sl_member_stir(p->member);
    return E_OK;
}

enum err sl_rooms_ice(struct rooms *r, struct peer *p, struct span fragment,
                      struct wr *answer, bool *restarted)
{
    return sl_peer_ice(&r->maker, p, fragment, answer, restarted);
}

static bool is_meant(const struct slot *slot, struct span mid)
{
    return mid.n > 0 ? span_is(mid, slot->params.mid) : slot->params.kind == MEDIA_VIDEO;
}

enum err sl_rooms_wish(struct peer *p, struct span mid, const struct rtp_wish *wish)
{
    enum err e = E_ABSENT;
    for (size_t i = 0; i < p->view.n; i++) {
        struct slot *slot = p->view.slots[i];
        if (!is_meant(slot, mid))
            continue;
        sl_tracks_wish(&p->room->tracks, slot, wish);
        e = E_OK;
    }
    return e;
}

enum err sl_rooms_want(struct peer *p, const struct track *track,
                       const struct rtp_wish *wish)
{
    for (size_t i = 0; i < p->view.n; i++)
        if (p->view.slots[i]->track == track) {
            sl_tracks_wish(&p->room->tracks, p->view.slots[i], wish);
            return E_OK;
        }
    return E_ABSENT;
}

void sl_rooms_rewant(struct peer *p, struct track *track)
{
    sl_member_rewant(p->member, track);
}

void sl_rooms_remote(struct rooms *r, struct peer *p, struct span line)
{
    sl_remote_line(&r->maker.remote, line, &p->remotes);
}
