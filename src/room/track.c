#include "room/track.h"

#include <inttypes.h>
#include <stdio.h>

void sl_tracks_init(struct tracks *t, const struct media_ops *media, unsigned loudest)
{
    t->media = media;
    t->loudest = loudest;
    sl_voices_init(&t->voices);
    list_init(&t->live);
    list_init(&t->waiting);
    list_init(&t->followers);
}

enum { KNOWN = 2 }; /* of each kind */
static const char *const known[KNOWN][2] = {
    {[MEDIA_AUDIO] = "microphone", [MEDIA_VIDEO] = "camera"},
    {[MEDIA_AUDIO] = "screen-audio", [MEDIA_VIDEO] = "screen"},
};

bool sl_track_source(struct span word, const char **ret, enum media_kind *kind)
{
    for (unsigned i = 0; i < KNOWN * 2; i++) {
        const char *at = known[i / 2][i % 2];
        if (!span_is(word, at))
            continue;
        *ret = at;
        *kind = (enum media_kind)(i % 2);
        return true;
    }
    return false;
}

void sl_track_name(char ret[SOURCE_CAP], enum media_kind kind, unsigned nth)
{
    bool video = kind == MEDIA_VIDEO;
    if (nth < KNOWN)
        (void)snprintf(ret, SOURCE_CAP, "%s", known[nth][kind]);
    else
        (void)snprintf(ret, SOURCE_CAP, "%s-%u", video ? "video" : "audio", nth + 1);
}

void sl_track_id(const struct track *track, char ret[TRACK_ID_CAP])
{
    (void)snprintf(ret, TRACK_ID_CAP, "%016" PRIx64, track->producer);
}

static void change(struct tracks *t, struct track *track, enum track_change what)
{
    if (t->changed)
        t->changed(t, track, what);
}

/* A sender uses the first codec of the answer unless someone tells it otherwise, so that
 * one decides: a slot that only knows a later one would take the track and stay dark. */
bool sl_track_fits(const struct track *track, const struct slot *slot)
{
    if (track->params.kind != slot->params.kind || track->params.codecs_n == 0)
        return false;
    const struct rtp_codec *sent = &track->params.codecs[0];
    for (size_t i = 0; i < slot->params.codecs_n; i++) {
        const struct rtp_codec *c = &slot->params.codecs[i];
        if (c->codec == sent->codec && c->profile == sent->profile)
            return true;
    }
    return false;
}

static bool is_playing(const struct view *view, const struct track *track)
{
    for (size_t i = 0; i < view->n; i++)
        if (view->slots[i]->track == track)
            return true;
    return false;
}

static bool is_audio(const struct track *track)
{
    return track && track->params.kind == MEDIA_AUDIO;
}

/* As many others play sound beside the slot as may. */
static bool is_crowded(const struct tracks *t, const struct slot *slot)
{
    const struct view *view = slot->view;
    size_t n = 0;
    if (t->loudest == 0 || slot->params.kind != MEDIA_AUDIO || view->stream[0] != '\0')
        return false;
    for (size_t i = 0; i < view->n; i++)
        n += view->slots[i] != slot && is_audio(view->slots[i]->track);
    return n >= t->loudest;
}

static bool wants(const struct tracks *t, const struct slot *slot,
                  const struct track *track)
{
    const char *stream = slot->view->stream;
    return !slot->fixed && !track->muted && track->owner != slot->view &&
           (stream[0] == '\0' || strcmp(stream, track->stream) == 0) &&
           sl_track_fits(track, slot) && !is_playing(slot->view, track) &&
           !is_crowded(t, slot);
}

/* The one place that changes what a slot plays. */
static void play(struct tracks *t, struct slot *slot, struct track *track)
{
    list_del(&slot->link);
    list_add(track ? &track->slots : &t->waiting, &slot->link);
    slot->track = track;
    if (slot->consumer != 0)
        t->media->consumer_source(t->media->ctx, slot->consumer,
                                  track ? track->producer : 0);
}

static struct track *find(const struct tracks *t, const struct slot *slot)
{
    if (slot->params.kind == MEDIA_AUDIO) {
        list_each (struct track, track, &t->voices.order, heard.in_order)
            if (wants(t, slot, track))
                return track;
    } else {
        list_each (struct track, track, &t->live, live)
            if (wants(t, slot, track))
                return track;
    }
    return NULL;
}

static void offer(struct tracks *t, struct track *track)
{
    list_each_safe(struct slot, slot, &t->waiting, link) if (wants(t, slot, track))
        play(t, slot, track);
}

/* ---- followers ---- */

static void invite(struct tracks *t, struct track *track)
{
    list_each (struct view, view, &t->followers, following)
        if (view != track->owner)
            view->seats->take(view, track);
}

void sl_tracks_follow(struct tracks *t, struct view *view)
{
    list_add(&t->followers, &view->following);
    list_each (struct track, track, &t->live, live)
        if (view != track->owner)
            view->seats->take(view, track);
}

void sl_tracks_unfollow(struct view *view)
{
    list_del(&view->following);
}

/* Others of its view may be heard in its place. */
static bool is_limited(const struct tracks *t, const struct slot *slot)
{
    return t->loudest > 0 && slot->fixed && is_audio(slot->track);
}

static bool may_sound(const struct slot *slot)
{
    return slot->fixed && is_audio(slot->track) && !slot->track->muted &&
           !slot->wish.paused;
}

void sl_tracks_feed(struct tracks *t, struct slot *slot)
{
    if (slot->consumer != 0 && slot->track)
        t->media->consumer_source(
            t->media->ctx, slot->consumer,
            slot->track->muted || slot->unheard ? 0 : slot->track->producer);
}

static void hush(struct tracks *t, struct slot *slot, bool unheard)
{
    if (slot->unheard == unheard)
        return;
    slot->unheard = unheard;
    sl_tracks_feed(t, slot);
}

static uint64_t place_of(const struct slot *slot)
{
    return slot->track->heard.place;
}

/* Of what may sound in the view the first in the order of the voices are heard, as many as may be. */
static void settle(struct tracks *t, const struct view *view)
{
    for (bool settled = false; !settled;) {
        struct slot *first = NULL, *last = NULL; /* of the unheard, and of the heard */
        size_t n = 0;
        for (size_t i = 0; i < view->n; i++) {
            struct slot *slot = view->slots[i];
            if (!may_sound(slot))
                continue;
            n += !slot->unheard;
            if (slot->unheard && (!first || place_of(slot) < place_of(first)))
                first = slot;
            if (!slot->unheard && (!last || place_of(slot) > place_of(last)))
                last = slot;
        }
        if (first && n < t->loudest)
            hush(t, first, false);
        else if (first && last && place_of(first) < place_of(last))
            hush(t, last, true);
        else
            settled = true;
    }
}

/* Its track, or its viewer, changed its mind. */
static void settle_again(struct tracks *t, struct slot *slot)
{
    if (!may_sound(slot))
        hush(t, slot, true);
    settle(t, slot->view);
}

void sl_tracks_seat(struct tracks *t, struct track *track, struct slot *slot)
{
    slot->fixed = true;
    slot->track = track;
    list_add(&track->slots, &slot->link);
    slot->unheard = is_limited(t, slot);
    if (slot->unheard)
        settle(t, slot->view);
}

void sl_tracks_unseat(struct tracks *t, struct slot *slot)
{
    const struct view *view = slot->view;
    bool limited = is_limited(t, slot);
    list_del(&slot->link);
    view->seats->leave(slot);
    if (limited)
        settle(t, view);
}

void sl_tracks_wish(struct tracks *t, struct slot *slot, const struct rtp_wish *wish)
{
    slot->wish = *wish;
    slot->wished = true;
    if (slot->consumer != 0)
        t->media->consumer_wish(t->media->ctx, slot->consumer, wish);
    if (is_limited(t, slot))
        settle_again(t, slot);
}

const char *sl_tracks_silence(const struct slot *slot)
{
    if (!slot->unheard || slot->track->muted)
        return NULL;
    return slot->wish.paused ? "paused_by_viewer" : "not_among_the_loudest";
}

void sl_tracks_await(struct tracks *t, struct slot *slot)
{
    slot->track = NULL;
    list_add(&t->waiting, &slot->link);
    struct track *track = find(t, slot);
    if (track)
        play(t, slot, track);
}

void sl_tracks_forgo(struct slot *slot)
{
    list_del(&slot->link);
    slot->track = NULL;
}

/* ---- tracks ---- */

static void play_other(struct tracks *t, struct slot *slot)
{
    if (slot->fixed)
        sl_tracks_unseat(t, slot);
    else
        play(t, slot, find(t, slot));
}

void sl_tracks_start(struct tracks *t, struct track *track, usec now)
{
    list_init(&track->slots);
    list_add(&t->live, &track->live);
    list_init(&track->heard.in_order);
    if (is_audio(track))
        sl_voices_add(&t->voices, &track->heard);
    track->since = now;
    change(t, track, TRACK_STARTED);
    offer(t, track);
    invite(t, track);
}

void sl_tracks_end(struct tracks *t, struct track *track)
{
    list_del(&track->live);
    if (is_audio(track))
        sl_voices_remove(&t->voices, &track->heard);
    change(t, track, TRACK_ENDED);
    list_each_safe(struct slot, slot, &track->slots, link) play_other(t, slot);
}

void sl_tracks_changed(struct tracks *t, struct track *track)
{
    if (!list_empty(&track->live))
        change(t, track, TRACK_CHANGED);
}

void sl_tracks_mute(struct tracks *t, struct track *track, bool muted)
{
    if (track->muted == muted)
        return;
    track->muted = muted;
    list_each_safe(struct slot, slot, &track->slots, link)
    {
        if (is_limited(t, slot))
            settle_again(t, slot);
        else if (slot->fixed)
            sl_tracks_feed(t, slot);
        else if (muted)
            play(t, slot, find(t, slot));
    }
    sl_tracks_changed(t, track);
    if (!muted && !list_empty(&track->live))
        offer(t, track);
}

void sl_tracks_replace(struct tracks *t, struct track *from, struct track *to, usec now)
{
    list_init(&to->slots);
    to->muted |= from->muted; /* who silenced it did not mean that connection alone */
    list_add(&from->live, &to->live); /* before `from`: the same age in the queue */
    list_init(&to->heard.in_order);
    if (is_audio(to) && is_audio(from))
        sl_voices_replace(&t->voices, &from->heard, &to->heard);
    else if (is_audio(to))
        sl_voices_add(&t->voices, &to->heard);
    to->since = now;
    list_each_safe(struct slot, slot, &from->slots,
                   link) if (!slot->fixed && sl_track_fits(to, slot)) play(t, slot, to);
    sl_tracks_end(t, from);
    change(t, to, TRACK_STARTED);
    offer(t, to);
    invite(t, to);
}

void sl_tracks_watch(struct tracks *t, struct view *view)
{
    for (size_t i = 0; i < view->n; i++) {
        struct slot *slot = view->slots[i];
        slot->view = view;
        slot->track = NULL;
        list_add(&t->waiting, &slot->link);
    }
    for (size_t i = 0; i < view->n; i++) {
        struct track *track = find(t, view->slots[i]);
        if (track)
            play(t, view->slots[i], track);
    }
}

/* The order changed for one track only, so each view changes one slot at most: the one that
 * plays what comes last in the order, if that comes behind the track. */
static void let_be_heard(struct tracks *t, struct track *track)
{
    for (struct list *at = t->voices.order.prev; at != &track->heard.in_order;
         at = at->prev) {
        struct track *behind = list_entry(at, struct track, heard.in_order);
        list_each_safe(struct slot, slot, &behind->slots, link) if (wants(t, slot, track))
            play(t, slot, track);
    }
    list_each (struct slot, slot, &track->slots, link)
        if (slot->unheard)
            settle(t, slot->view);
}

/* Of a view without a place for the track: whose it may take. NULL: nobody's, or it would not be heard. */
static struct slot *to_give_up(const struct tracks *t, const struct view *view,
                               const struct track *track)
{
    struct slot *last = NULL;
    size_t before = 0;
    for (size_t i = 0; i < view->n; i++) {
        struct slot *slot = view->slots[i];
        if (!slot->fixed || !is_audio(slot->track))
            continue;
        if (place_of(slot) < track->heard.place)
            before += may_sound(slot);
        else if (slot->unheard && (!last || place_of(slot) > place_of(last)))
            last = slot;
    }
    return before < t->loudest ? last : NULL;
}

static void admit(struct tracks *t, struct track *track)
{
    list_each (struct view, view, &t->followers, following) {
        bool lacks = view != track->owner && view->seats->lacks(view, track);
        struct slot *slot = lacks ? to_give_up(t, view, track) : NULL;
        if (!slot)
            continue;
        list_del(&slot->link);
        view->seats->trade(slot, track);
    }
}

bool sl_tracks_heard(struct tracks *t, struct track *track, const struct voice *voice,
                     usec now)
{
    if (list_empty(&track->live))
        return false;
    if (sl_voices_input(&t->voices, &track->heard, voice, now))
        let_be_heard(t, track);
    if (t->loudest > 0 && !track->muted && voice_speaks(voice))
        admit(t, track);
    return sl_voices_decide(&t->voices, &track->heard, now);
}

const struct track *sl_tracks_speaker(const struct tracks *t)
{
    return t->voices.speaker ? list_entry(t->voices.speaker, struct track, heard) : NULL;
}

void sl_tracks_unwatch(struct view *view)
{
    for (size_t i = 0; i < view->n; i++) {
        list_del(&view->slots[i]->link);
        view->slots[i]->track = NULL;
        view->slots[i]->unheard = false;
    }
}
