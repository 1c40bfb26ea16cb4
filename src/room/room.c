#include <stdio.h>
#include <stdlib.h>

#include "room/pass.h"
#include "room/rooms.h"

struct rooms *sl_rooms_new(const struct rooms_conf *conf)
{
    struct rooms *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->conf = *conf;
    r->maker = (struct peer_maker){
        .media = conf->media,
        .random = conf->random,
        .local = conf->local,
        .remote = conf->remote,
        .codecs = conf->codecs,
        .codecs_n = conf->codecs_n,
        .max_bps = conf->max_bps,
        .last_id = (uint64_t)conf->node << 48,
    };
    uint64_t seed[2];
    conf->random.fill(conf->random.ctx, r->maker.hash_key, sizeof r->maker.hash_key);
    conf->random.fill(conf->random.ctx, seed, sizeof seed);
    sl_map_init(&r->by_name, seed);
    sl_map_init(&r->by_key, seed);
    sl_map_init(&r->by_transport, seed);
    list_init(&r->restless);
    list_init(&r->emptied);
    return r;
}

void sl_rooms_free(struct rooms *r)
{
    if (!r)
        return;
    for (struct map_node *n; (n = sl_map_next(&r->by_key, NULL));)
        sl_rooms_leave(r, map_entry(n, struct peer, by_key), MEDIA_GONE_SHUTDOWN);
    for (struct room *room; (room = sl_rooms_next_room(r, NULL));)
        sl_rooms_close(r, room, "");
    sl_map_fini(&r->by_name);
    sl_map_fini(&r->by_key);
    sl_map_fini(&r->by_transport);
    sl_timers_fini(&r->timers);
    sl_timers_fini(&r->empty);
    free(r->text);
    free(r);
}

void sl_rooms_candidates(struct rooms *r, const struct negotiate_candidate *c, size_t n)
{
    r->maker.local.candidates = c;
    r->maker.local.candidates_n = n;
}

const struct rooms_stats *sl_rooms_stats(const struct rooms *r)
{
    return &r->stats;
}

static void tell(struct rooms *r, enum room_event ev, const struct peer *p,
                 enum media_gone why)
{
    if (r->conf.event)
        r->conf.event(r->conf.event_ctx, ev, p, why);
}

static struct peer *publisher(const struct room *room, struct span stream)
{
    list_each (struct peer, p, &room->publishers, by_room)
        if (p->up && span_is(stream, p->stream))
            return p;
    return NULL;
}

const struct peer *sl_room_publisher(const struct room *room, struct span stream)
{
    list_each (struct track, t, &room->tracks.live, live)
        if (span_is(stream, t->stream))
            return list_entry(t->owner, struct peer, view);
    return NULL;
}

/* ---- coming ---- */

static struct list *list_of(struct room *room, enum peer_kind kind)
{
    switch (kind) {
    case PEER_PUBLISHER: return &room->publishers;
    case PEER_VIEWER: return &room->viewers;
    case PEER_MEMBER: break;
    }
    return &room->members;
}

static uint64_t *count_of(struct rooms_stats *s, enum peer_kind kind)
{
    switch (kind) {
    case PEER_PUBLISHER: return &s->publishers;
    case PEER_VIEWER: return &s->viewers;
    case PEER_MEMBER: break;
    }
    return &s->members;
}

static struct span id_key(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

enum err sl_rooms_expect(struct rooms *r, struct peer *p, usec until)
{
    enum err e = sl_timer_set(&r->timers, &p->timer, until);
    if (e)
        return e;
    e = sl_map_put(&r->by_transport, id_key(&p->transport), &p->by_transport);
    if (e)
        sl_timer_stop(&r->timers, &p->timer);
    return e;
}

/* Who was admitted counts once, and without its transports. */
static bool is_counted(const struct peer *p)
{
    return !p->who || !p->who->events;
}

static void forget(struct rooms *r, struct peer *p)
{
    sl_timer_stop(&r->timers, &p->timer);
    if (p->by_key.key.n > 0)
        sl_map_del(&r->by_key, &p->by_key);
    if (p->by_transport.key.n > 0)
        sl_map_del(&r->by_transport, &p->by_transport);
    sl_peer_free(&r->maker, p);
}

static enum err place(struct rooms *r, struct peer *p, struct room *room, usec now)
{
    enum err e = sl_map_put(&r->by_key, span_of(p->key), &p->by_key);
    if (e)
        return e;
    p->room = room;
    p->since = now;
    if (is_counted(p))
        sl_rooms_count(r, room);
    list_add(list_of(room, p->kind), &p->by_room);
    (*count_of(&r->stats, p->kind))++;
    r->stats.joined++;
    tell(r, ROOM_JOINED, p, MEDIA_GONES);
    return E_OK;
}

static enum err find_or_open(struct rooms *r, const struct join *j, bool makes, bool host,
                             struct room **ret)
{
    bool any = j->stream.n == 0 && j->job == NEGOTIATE_WATCH;
    struct room *room = sl_rooms_find(r, j->tenant, j->room);
    bool again = room && j->job == NEGOTIATE_PUBLISH && publisher(room, j->stream) &&
                 sl_participant_owns(j->by, j->stream);
    enum err e = any || sl_name_valid(j->stream) ? E_OK : E_DENIED;
    e = e ? e : sl_rooms_check(r, j->tenant, j->room, room, again);
    if (!e && room && room->locked && !host && !again)
        e = E_STATE;
    if (!e && !room && r->conf.hosts_create && !makes)
        e = E_ABSENT;
    if (!e && !room)
        e = sl_rooms_open(r, j->tenant, j->room, &room);
    if (!e)
        *ret = room;
    return e;
}

/* What was made of the peer, if anything was, is placed; or the room may be empty again. */
static enum err settle(struct rooms *r, struct peer *p, struct room *room, enum err e,
                       usec now)
{
    if (!e) {
        e = place(r, p, room, now);
        if (e)
            forget(r, p);
    }
    if (e)
        sl_rooms_vacate(r, room);
    return e;
}

enum err sl_rooms_join(struct rooms *r, const struct join *j, usec now, struct wr *answer,
                       struct refused *refused, struct peer **ret)
{
    struct room *room;
    struct peer *p = NULL;
    enum role role = ROLE_PARTICIPANT;
    bool publishes = j->job == NEGOTIATE_PUBLISH;
    if (j->by && !sl_role_claimed(j->by, &role))
        return E_AUTH;
    enum err e = find_or_open(r, j, role == ROLE_HOST, role == ROLE_HOST, &room);
    if (e)
        return e;
    uint32_t max_bps = peer_lower(j->by ? j->by->max_bps : 0, room->settings.max_bps);
    if (publishes)
        e = sl_rooms_check_publisher(r, room, j->stream);
    e = e ? e : sl_peer_new(&r->maker, j, room->id, max_bps, answer, refused, &p);
    if (!e) {
        e = publishes ? sl_participant_expect(r, p, room, j->by, now) : E_OK;
        e = e ? e : sl_rooms_expect(r, p, now + ROOM_CONNECT);
        if (e)
            forget(r, p);
    }
    e = settle(r, p, room, e, now);
    if (e)
        return e;
    sl_tracks_watch(&room->tracks, &p->view);
    *ret = p;
    return E_OK;
}

enum err sl_rooms_place(struct rooms *r, struct peer *p, struct room *room, usec now)
{
    enum err e = place(r, p, room, now);
    if (e)
        forget(r, p);
    else
        sl_tracks_watch(&room->tracks, &p->view);
    return e;
}

enum err sl_rooms_enter(struct rooms *r, const struct enter *in, usec now,
                        struct peer **ret)
{
    struct room *room = in->who ? in->who->room : NULL;
    const struct join j = {.job = NEGOTIATE_PUBLISH,
                           .tenant = in->tenant,
                           .room = in->room,
                           .stream = in->stream};
    enum err e = in->who ? E_OK : find_or_open(r, &j, true, false, &room);
    if (e)
        return e;
    uint32_t own = in->who ? in->who->max_bps : 0;
    const struct member_conf mc = {.events = in->events,
                                   .ctx = in->ctx,
                                   .codecs = in->codecs,
                                   .codecs_n = in->codecs_n,
                                   .data = in->data,
                                   .way = in->way,
                                   .max_bps = peer_lower(own, room->settings.max_bps),
                                   .restless = &r->restless};
    struct peer *p;
    e = sl_member_new(&r->maker, &mc, in->stream, &p);
    if (!e)
        p->who = in->who;
    e = settle(r, p, room, e, now);
    if (e)
        return e;
    if (in->who && in->way != MEMBER_RECEIVES)
        in->who->sends = p;
    if (in->who && in->way != MEMBER_SENDS)
        in->who->receives = p;
    if (in->way == MEMBER_RECEIVES)
        sl_tracks_follow(&room->tracks, &p->view);
    *ret = p;
    return E_OK;
}

struct peer *sl_rooms_peer(const struct rooms *r, struct span key)
{
    struct map_node *n = sl_map_get(&r->by_key, key);
    return n ? map_entry(n, struct peer, by_key) : NULL;
}

/* ---- going ---- */

static void watchers(struct rooms *r, struct room *room, int more)
{
    room->viewers_n += (size_t)more;
    sl_rooms_tell(r, &(struct news){.kind = NEWS_VIEWERS, .room = room});
}

void sl_rooms_leave(struct rooms *r, struct peer *p, enum media_gone why)
{
    struct room *room = p->room;
    bool counted = is_counted(p);
    list_del(&p->by_room);
    (*count_of(&r->stats, p->kind))--;
    r->stats.gone[why]++;

    if (p->kind == PEER_MEMBER)
        sl_tracks_unfollow(&p->view);
    for (size_t i = 0; i < p->tracks_n; i++)
        if (!list_empty(&p->tracks[i]->live))
            sl_tracks_end(&room->tracks, p->tracks[i]);
    sl_tracks_unwatch(&p->view);
    tell(r, ROOM_GONE, p, why);
    sl_participant_end(r, p, why);
    if (p->kind == PEER_VIEWER && p->up)
        watchers(r, room, -1);
    if (p->pass && !p->up)
        sl_pass_over(r, why);
    if (p->member && why != MEDIA_GONE_LEFT)
        p->member->events->gone(p->member->ctx, p, why);
    forget(r, p);
    if (counted)
        sl_rooms_uncount(r, room);
}

/* ---- what the media plane says, and time ---- */

static struct peer *by_transport(const struct rooms *r, uint64_t id)
{
    struct map_node *n = sl_map_get(&r->by_transport, id_key(&id));
    return n ? map_entry(n, struct peer, by_transport) : NULL;
}

const struct peer *sl_rooms_of_transport(const struct rooms *r, uint64_t id)
{
    return by_transport(r, id);
}

const struct peer *sl_rooms_next(const struct rooms *r, const struct peer *p)
{
    struct map_node *n = sl_map_next(&r->by_transport, p ? &p->by_transport : NULL);
    return n ? map_entry(n, struct peer, by_transport) : NULL;
}

static struct track *track_named(const struct peer *p, const struct track *like)
{
    for (size_t i = 0; p && i < p->tracks_n; i++)
        if (strcmp(p->tracks[i]->source, like->source) == 0)
            return p->tracks[i];
    return NULL;
}

static void go_live(struct rooms *r, struct peer *p, usec now)
{
    struct tracks *tracks = &p->room->tracks;
    struct peer *before = publisher(p->room, span_of(p->stream));
    if (before && before->who) /* the same, to others: only its tracks change */
        sl_participant_follow(r, p, before);
    sl_participant_begin(r, p, now);
    for (size_t i = 0; i < p->tracks_n; i++) {
        struct track *from = track_named(before, p->tracks[i]);
        if (from)
            sl_tracks_replace(tracks, from, p->tracks[i], now);
        else
            sl_tracks_start(tracks, p->tracks[i], now);
    }
    if (before)
        sl_rooms_leave(r, before, MEDIA_GONE_REPLACED);
}

static void member_up(struct rooms *r, struct peer *p, usec now)
{
    struct tracks *tracks = &p->room->tracks;
    sl_participant_begin(r, p, now);
    for (size_t i = 0; i < p->tracks_n; i++)
        sl_member_show(p->member, p->tracks[i], now);
    if (p->member->way == MEMBER_BOTH)
        sl_tracks_follow(tracks, &p->view);
    sl_member_stir(p->member); /* what came while it was not up is still to be offered */
    if (p->member->events->up)
        p->member->events->up(p->member->ctx, p, now);
}

void sl_rooms_transport_up(struct rooms *r, uint64_t id, usec now)
{
    struct peer *p = by_transport(r, id);
    if (!p || p->up)
        return;
    if (!sl_participant_stands(p)) {
        sl_rooms_leave(r, p, MEDIA_GONE_REPLACED);
        return;
    }
    sl_timer_stop(&r->timers, &p->timer);
    if (p->pass)
        sl_pass_used(r);
    if (p->kind == PEER_PUBLISHER)
        go_live(r, p, now);
    p->up = true;
    tell(r, ROOM_UP, p, MEDIA_GONES);
    if (p->member)
        member_up(r, p, now);
    else if (p->kind == PEER_VIEWER)
        watchers(r, p->room, 1);
}

void sl_rooms_transport_gone(struct rooms *r, uint64_t id, enum media_gone why)
{
    struct peer *p = by_transport(r, id);
    if (p)
        sl_rooms_leave(r, p, why);
}

bool sl_rooms_ceiling(struct rooms *r, uint64_t transport, uint32_t bps)
{
    struct peer *p = by_transport(r, transport);
    if (!p || p->kind == PEER_VIEWER)
        return false;
    p->max_bps = bps;
    r->maker.media.transport_ceiling(r->maker.media.ctx, transport, bps);
    return true;
}

void sl_rooms_wanted(struct rooms *r, uint64_t transport, uint64_t producer,
                     uint8_t encodings, uint32_t most_bps)
{
    struct peer *p = by_transport(r, transport);
    for (size_t i = 0; p && i < p->tracks_n; i++) {
        struct track *t = p->tracks[i];
        /* A voice that rests is not heard here either, and so would never be among the
         * loudest whom others are given. */
        if (t->producer != producer || t->params.kind == MEDIA_AUDIO ||
            (t->wanted == encodings && t->most_bps == most_bps))
            continue;
        t->wanted = encodings;
        t->most_bps = most_bps;
        if (r->conf.wanted)
            r->conf.wanted(r->conf.event_ctx, p, t);
    }
}

void sl_rooms_voice(struct rooms *r, uint64_t transport, uint64_t producer,
                    const struct voice *voice, usec now)
{
    struct peer *p = by_transport(r, transport);
    for (size_t i = 0; p && p->up && i < p->tracks_n; i++) {
        if (p->who && p->tracks[i]->producer == producer && voice_speaks(voice) &&
            !p->tracks[i]->muted) {
            p->who->voice = *voice;
            p->who->spoke = now;
        }
        if (p->member && p->member->events->heard && p->tracks[i]->producer == producer)
            p->member->events->heard(p->member->ctx, p, p->tracks[i], voice, now);
        if (p->tracks[i]->producer == producer &&
            p->tracks[i]->params.kind == MEDIA_AUDIO &&
            sl_tracks_heard(&p->room->tracks, p->tracks[i], voice, now)) {
            tell(r, ROOM_SPEAKER, p, MEDIA_GONES);
            sl_rooms_tell(
                r, &(struct news){.kind = NEWS_SPEAKER, .room = p->room, .who = p->who});
        }
    }
}

usec sl_rooms_deadline(const struct rooms *r)
{
    usec peers = sl_timers_deadline(&r->timers), rooms = sl_timers_deadline(&r->empty);
    return peers < rooms ? peers : rooms;
}

void sl_rooms_tick(struct rooms *r, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&r->timers, now));) {
        struct peer *p = list_entry(t, struct peer, timer);
        if (p->up || p->transport == 0) { /* it owes an answer */
            sl_dialog_expire(p->member->dialog);
            sl_member_stir(p->member);
        } else {
            sl_rooms_leave(r, p, MEDIA_GONE_NEVER_UP);
        }
    }
    sl_rooms_tick_empty(r, now);
}
