#include "room/room.h"

#include <stdio.h>
#include <stdlib.h>

struct rooms {
    struct rooms_conf conf;
    struct peer_maker maker;
    struct map by_name, by_key, by_transport;
    struct timers timers;
    struct rooms_stats stats;
    struct list restless; /* struct member that may have something to offer */
    uint8_t *text;        /* of the offer being written: NEGOTIATE_ANSWER_MAX octets */
};

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
    return r;
}

void sl_rooms_free(struct rooms *r)
{
    if (!r)
        return;
    for (struct map_node *n; (n = sl_map_next(&r->by_key, NULL));)
        sl_rooms_leave(r, map_entry(n, struct peer, by_key), MEDIA_GONE_SHUTDOWN);
    sl_map_fini(&r->by_name);
    sl_map_fini(&r->by_key);
    sl_map_fini(&r->by_transport);
    sl_timers_fini(&r->timers);
    free(r->text);
    free(r);
}

void sl_rooms_remote(struct rooms *r, struct peer *p, struct span line)
{
    sl_remote_line(&r->maker.remote, line, &p->remotes);
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

/* ---- rooms ---- */

struct room_name {
    char text[2 * NAME_CAP];
};

static struct room_name name_of(struct span tenant, struct span name)
{
    struct room_name ret;
    (void)snprintf(ret.text, sizeof ret.text, "%.*s/%.*s", (int)tenant.n,
                   (const char *)tenant.p, (int)name.n, (const char *)name.p);
    return ret;
}

static struct room *room_find(const struct rooms *r, struct span tenant, struct span name)
{
    if (!sl_name_valid(tenant) || !sl_name_valid(name))
        return NULL;
    struct room_name full = name_of(tenant, name);
    struct map_node *n = sl_map_get(&r->by_name, span_of(full.text));
    return n ? map_entry(n, struct room, by_name) : NULL;
}

static enum err room_open(struct rooms *r, struct span tenant, struct span name,
                          struct room **ret)
{
    if (r->by_name.n >= r->conf.limits.rooms)
        return E_FULL;
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return E_MEMORY;
    struct room_name full = name_of(tenant, name);
    memcpy(room->name, full.text, sizeof room->name);
    enum err e = sl_map_put(&r->by_name, span_of(room->name), &room->by_name);
    if (e) {
        free(room);
        return e;
    }
    room->id = sl_peer_id(&r->maker);
    list_init(&room->publishers);
    list_init(&room->viewers);
    list_init(&room->members);
    sl_tracks_init(&room->tracks, &r->maker.media, r->conf.loudest);
    r->stats.rooms++;
    *ret = room;
    return E_OK;
}

static void room_close_if_empty(struct rooms *r, struct room *room)
{
    if (room->peers_n > 0)
        return;
    sl_map_del(&r->by_name, &room->by_name);
    r->stats.rooms--;
    free(room);
}

const struct room *sl_rooms_room(const struct rooms *r, struct span tenant,
                                 struct span name)
{
    return room_find(r, tenant, name);
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
    return publisher(room, stream);
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

/* Its transport is known by name, and must come up in time. */
static enum err expect(struct rooms *r, struct peer *p, usec now)
{
    enum err e = sl_timer_set(&r->timers, &p->timer, now + ROOM_CONNECT);
    if (e)
        return e;
    e = sl_map_put(&r->by_transport, id_key(&p->transport), &p->by_transport);
    if (e)
        sl_timer_stop(&r->timers, &p->timer);
    return e;
}

static enum err enter(struct rooms *r, struct peer *p, struct room *room, usec now)
{
    enum err e = sl_map_put(&r->by_key, span_of(p->key), &p->by_key);
    if (e)
        return e;
    p->room = room;
    p->since = now;
    room->peers_n++;
    list_add(list_of(room, p->kind), &p->by_room);
    (*count_of(&r->stats, p->kind))++;
    r->stats.joined++;
    return E_OK;
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

static enum err check(const struct rooms *r, const struct join *j,
                      const struct room *room)
{
    bool any = j->stream.n == 0 && j->job == NEGOTIATE_WATCH;
    if (!sl_name_valid(j->tenant) || !sl_name_valid(j->room) ||
        !(any || sl_name_valid(j->stream)))
        return E_DENIED;
    if (r->by_key.n >= r->conf.limits.peers ||
        (room && room->peers_n >= r->conf.limits.room_peers))
        return E_FULL;
    return E_OK;
}

enum err sl_rooms_join(struct rooms *r, const struct join *j, usec now, struct wr *answer,
                       struct refused *refused, struct peer **ret)
{
    struct room *room = room_find(r, j->tenant, j->room);
    enum err e = check(r, j, room);
    if (!e && !room)
        e = room_open(r, j->tenant, j->room, &room);
    if (e)
        return e;

    struct peer *p;
    e = sl_peer_new(&r->maker, j, room->id, answer, refused, &p);
    if (!e) {
        e = expect(r, p, now);
        e = e ? e : enter(r, p, room, now);
        if (e)
            forget(r, p);
    }
    if (e) {
        room_close_if_empty(r, room);
        return e;
    }
    tell(r, ROOM_JOINED, p, MEDIA_GONES);
    if (p->kind == PEER_VIEWER)
        sl_tracks_watch(&room->tracks, &p->view);
    *ret = p;
    return E_OK;
}

/* ---- members ---- */

enum err sl_rooms_enter(struct rooms *r, const struct enter *in, usec now,
                        struct peer **ret)
{
    struct room *room = room_find(r, in->tenant, in->room);
    const struct join j = {.job = NEGOTIATE_PUBLISH,
                           .tenant = in->tenant,
                           .room = in->room,
                           .stream = in->stream};
    enum err e = check(r, &j, room);
    if (!e && !room)
        e = room_open(r, in->tenant, in->room, &room);
    if (e)
        return e;
    const struct member_conf mc = {.events = in->events,
                                   .ctx = in->ctx,
                                   .codecs = in->codecs,
                                   .codecs_n = in->codecs_n,
                                   .data = in->data,
                                   .restless = &r->restless};
    struct peer *p;
    e = sl_member_new(&r->maker, &mc, in->stream, &p);
    if (!e) {
        e = enter(r, p, room, now);
        if (e)
            forget(r, p);
    }
    if (e) {
        room_close_if_empty(r, room);
        return e;
    }
    tell(r, ROOM_JOINED, p, MEDIA_GONES);
    *ret = p;
    return E_OK;
}

static enum err parse(struct span text, struct refused *refused, struct sdp **ret)
{
    *refused = (struct refused){0};
    enum err e = sl_sdp_new(text, SDP_DESCRIPTION, &refused->at, ret);
    return e && e != E_MEMORY ? E_MALFORMED : e;
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
    e = sl_dialog_offered(p->member->dialog, sdp, answer, &refused->why);
    if (!e)
        sl_remote_sdp(&r->maker.remote, sdp, &p->remotes);
    if (!e && first)
        e = expect(r, p, now);
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
    bool first = p->transport == 0;
    p->member->now = now;
    e = sl_dialog_answered(p->member->dialog, sdp, &refused->why);
    if (!sl_dialog_waits(p->member->dialog))
        sl_timer_stop(&r->timers, &p->timer);
    if (!e && first)
        e = expect(r, p, now);
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

void sl_rooms_mute(struct peer *p, struct track *track, bool muted)
{
    sl_tracks_mute(&p->room->tracks, track, muted);
}

/* Only a member that is up is offered anything: before that the peer speaks first. */
static void make_offer(struct rooms *r, struct member *m, usec now)
{
    struct peer *p = m->peer;
    if (m->held || !p->up || !sl_dialog_ready(m->dialog))
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
}

struct peer *sl_rooms_peer(const struct rooms *r, struct span key)
{
    struct map_node *n = sl_map_get(&r->by_key, key);
    return n ? map_entry(n, struct peer, by_key) : NULL;
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

enum err sl_rooms_wish(struct rooms *r, struct peer *p, struct span mid,
                       const struct rtp_wish *wish)
{
    enum err e = E_ABSENT;
    for (size_t i = 0; i < p->view.n; i++) {
        struct slot *slot = p->view.slots[i];
        if (!is_meant(slot, mid))
            continue;
        slot->wish = *wish;
        r->maker.media.consumer_wish(r->maker.media.ctx, slot->consumer, wish);
        e = E_OK;
    }
    return e;
}

/* ---- going ---- */

void sl_rooms_leave(struct rooms *r, struct peer *p, enum media_gone why)
{
    struct room *room = p->room;
    list_del(&p->by_room);
    room->peers_n--;
    (*count_of(&r->stats, p->kind))--;
    r->stats.gone[why]++;

    if (p->kind == PEER_MEMBER)
        sl_tracks_unfollow(&p->view);
    for (size_t i = 0; i < p->tracks_n; i++)
        if (!list_empty(&p->tracks[i]->live))
            sl_tracks_end(&room->tracks, p->tracks[i]);
    sl_tracks_unwatch(&p->view);
    tell(r, ROOM_GONE, p, why);
    if (p->member && why != MEDIA_GONE_LEFT)
        p->member->events->gone(p->member->ctx, p, why);
    forget(r, p);
    room_close_if_empty(r, room);
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

static void member_up(struct peer *p, usec now)
{
    struct tracks *tracks = &p->room->tracks;
    for (size_t i = 0; i < p->tracks_n; i++)
        sl_member_show(p->member, p->tracks[i], now);
    sl_tracks_follow(tracks, &p->view);
    p->member->events->up(p->member->ctx, p, now);
}

void sl_rooms_transport_up(struct rooms *r, uint64_t id, usec now)
{
    struct peer *p = by_transport(r, id);
    if (!p || p->up)
        return;
    sl_timer_stop(&r->timers, &p->timer);
    if (p->kind == PEER_PUBLISHER)
        go_live(r, p, now);
    p->up = true;
    tell(r, ROOM_UP, p, MEDIA_GONES);
    if (p->member)
        member_up(p, now);
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
        if (t->producer != producer ||
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
        if (p->member && p->tracks[i]->producer == producer)
            p->member->events->heard(p->member->ctx, p, p->tracks[i], voice, now);
        if (p->tracks[i]->producer == producer &&
            p->tracks[i]->params.kind == MEDIA_AUDIO &&
            sl_tracks_heard(&p->room->tracks, p->tracks[i], voice, now))
            tell(r, ROOM_SPEAKER, p, MEDIA_GONES);
    }
}

usec sl_rooms_deadline(const struct rooms *r)
{
    return sl_timers_deadline(&r->timers);
}

void sl_rooms_tick(struct rooms *r, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&r->timers, now));) {
        struct peer *p = list_entry(t, struct peer, timer);
        if (p->up) {
            sl_dialog_expire(p->member->dialog);
            sl_member_stir(p->member);
        } else {
            sl_rooms_leave(r, p, MEDIA_GONE_NEVER_UP);
        }
    }
}
