#include "room/rooms.h"

#include <stdio.h>
#include <stdlib.h>

void sl_rooms_tell(struct rooms *r, const struct news *n)
{
    if (r->conf.news.tell)
        r->conf.news.tell(r->conf.news.ctx, n);
}

static void tell(struct rooms *r, enum news_kind kind, const struct room *room)
{
    sl_rooms_tell(r, &(struct news){.kind = kind, .room = room});
}

/* ---- names ---- */

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

struct room *sl_rooms_find(const struct rooms *r, struct span tenant, struct span name)
{
    if (!sl_name_valid(tenant) || !sl_name_valid(name))
        return NULL;
    struct room_name full = name_of(tenant, name);
    struct map_node *n = sl_map_get(&r->by_name, span_of(full.text));
    return n ? map_entry(n, struct room, by_name) : NULL;
}

const struct room *sl_rooms_room(const struct rooms *r, struct span tenant,
                                 struct span name)
{
    return sl_rooms_find(r, tenant, name);
}

struct room *sl_rooms_next_room(const struct rooms *r, const struct room *room)
{
    struct map_node *n = sl_map_next(&r->by_name, room ? &room->by_name : NULL);
    return n ? map_entry(n, struct room, by_name) : NULL;
}

static size_t tenant_len(const struct room *room)
{
    return (size_t)(strchr(room->name, '/') - room->name);
}

struct span sl_room_tenant(const struct room *room)
{
    return (struct span){(const uint8_t *)room->name, tenant_len(room)};
}

struct span sl_room_name(const struct room *room)
{
    return span_of(room->name + tenant_len(room) + 1);
}

struct track *sl_room_track(const struct room *room, struct span id)
{
    char text[TRACK_ID_CAP];
    list_each (struct track, t, &room->tracks.live, live) {
        sl_track_id(t, text);
        if (span_is(id, text))
            return t;
    }
    return NULL;
}

/* ---- coming to be ---- */

bool sl_rooms_loaded(const struct rooms *r)
{
    return r->conf.door.open && !r->conf.door.open(r->conf.door.ctx);
}

enum err sl_rooms_check(struct rooms *r, struct span tenant, struct span name,
                        const struct room *room, bool again)
{
    size_t most = room && room->settings.peers_max > 0 ? room->settings.peers_max
                                                       : r->conf.limits.room_peers;
    if (!sl_name_valid(tenant) || !sl_name_valid(name))
        return E_DENIED;
    if (again)
        return E_OK;
    bool crowded = r->people >= r->conf.limits.peers || (room && room->peers_n >= most);
    bool loaded = !crowded && sl_rooms_loaded(r);
    r->stats.refused_limit += crowded;
    r->stats.refused_load += loaded;
    return crowded || loaded ? E_FULL : E_OK;
}

bool sl_rooms_may_publish(const struct peer *p)
{
    return !p->who || (p->who->may & (MAY_PUBLISH | MAY_ADMIN));
}

/* Whatever its role is at the time: who is to watch for a while keeps its place. */
static bool publishes(const struct peer *p)
{
    return p->tracks_n > 0 && sl_rooms_may_publish(p);
}

enum err sl_rooms_check_publisher(struct rooms *r, const struct room *room,
                                  struct span stream)
{
    size_t most = room->settings.publishers_max > 0 ? room->settings.publishers_max
                                                    : r->conf.limits.room_publishers;
    size_t n = 0;
    if (most == 0)
        return E_OK;
    list_each (struct peer, p, &room->publishers, by_room)
        n += publishes(p) && !span_is(stream, p->stream);
    list_each (struct peer, p, &room->members, by_room)
        n += publishes(p);
    if (n < most)
        return E_OK;
    r->stats.refused_publishers++;
    return E_FULL;
}

static void on_track(struct tracks *tracks, struct track *track, enum track_change change)
{
    static const enum news_kind kinds[] = {[TRACK_STARTED] = NEWS_TRACK,
                                           [TRACK_CHANGED] = NEWS_TRACK_UPDATED,
                                           [TRACK_ENDED] = NEWS_TRACK_ENDED};
    struct room *room = list_entry(tracks, struct room, tracks);
    const struct peer *p = list_entry(track->owner, struct peer, view);
    if (p->who && p->who->listed)
        sl_rooms_tell(room->all, &(struct news){.kind = kinds[change],
                                                .room = room,
                                                .who = p->who,
                                                .track = track});
}

enum err sl_rooms_open(struct rooms *r, struct span tenant, struct span name,
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
    room->all = r;
    room->id = sl_peer_id(&r->maker);
    list_init(&room->publishers);
    list_init(&room->viewers);
    list_init(&room->members);
    list_init(&room->participants);
    list_init(&room->emptied);
    room->settings.empty_time = r->conf.empty_time;
    sl_tracks_init(&room->tracks, &r->maker.media, r->conf.loudest);
    room->tracks.changed = on_track;
    r->stats.rooms++;
    tell(r, NEWS_OPENED, room);
    *ret = room;
    return E_OK;
}

enum err sl_rooms_create(struct rooms *r, struct span tenant, struct span name,
                         const struct room_settings *settings, usec now,
                         struct room **ret)
{
    struct room *room = sl_rooms_find(r, tenant, name);
    if (room)
        return E_EXISTS;
    enum err e = sl_rooms_check(r, tenant, name, NULL, false);
    e = e ? e : sl_rooms_open(r, tenant, name, &room);
    if (e)
        return e;
    room->settings = *settings;
    e = sl_timer_set(&r->empty, &room->empty, now + settings->empty_time);
    if (e) {
        sl_rooms_vacate(r, room);
        return e;
    }
    *ret = room;
    return E_OK;
}

/* ---- being empty ---- */

static void discard(struct rooms *r, struct room *room)
{
    tell(r, NEWS_CLOSED, room);
    list_del(&room->emptied);
    sl_timer_stop(&r->empty, &room->empty);
    sl_map_del(&r->by_name, &room->by_name);
    r->stats.rooms--;
    free(room->metadata);
    free(room);
}

void sl_rooms_vacate(struct rooms *r, struct room *room)
{
    if (room->peers_n > 0)
        return;
    if (room->settings.empty_time == 0)
        discard(r, room);
    else if (list_empty(&room->emptied))
        list_add(&r->emptied, &room->emptied);
}

void sl_rooms_count(struct rooms *r, struct room *room)
{
    r->people++;
    room->peers_n++;
    list_del(&room->emptied);
    sl_timer_stop(&r->empty, &room->empty);
}

void sl_rooms_uncount(struct rooms *r, struct room *room)
{
    r->people--;
    room->peers_n--;
    sl_rooms_vacate(r, room);
}

void sl_rooms_keep(struct rooms *r, usec now)
{
    list_each_safe(struct room, room, &r->emptied, emptied)
    {
        list_del(&room->emptied);
        if (sl_timer_set(&r->empty, &room->empty, now + room->settings.empty_time) !=
            E_OK)
            discard(r, room);
    }
}

void sl_rooms_tick_empty(struct rooms *r, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&r->empty, now));)
        discard(r, list_entry(t, struct room, empty));
}

/* ---- what operators and hosts do to it ---- */

/* What its owner may send by itself, and what anybody may here. */
static void cap(struct rooms *r, const struct room *room, const struct list *peers)
{
    list_each (struct peer, p, peers, by_room) {
        const struct participant *who = p->who ? p->who : p->guest;
        uint32_t own = peer_lower(who ? who->max_bps : 0, r->maker.max_bps);
        p->max_bps = peer_lower(own, room->settings.max_bps);
        if (p->transport)
            r->maker.media.transport_ceiling(r->maker.media.ctx, p->transport,
                                             p->max_bps);
    }
}

enum err sl_rooms_settings(struct rooms *r, struct room *room,
                           const struct room_settings *settings, usec now)
{
    bool caps = settings->max_bps != room->settings.max_bps;
    bool waits = room->peers_n == 0 && settings->empty_time != room->settings.empty_time;
    enum err e =
        waits ? sl_timer_set(&r->empty, &room->empty, now + settings->empty_time) : E_OK;
    if (e)
        return e;
    room->settings = *settings;
    if (caps) {
        cap(r, room, &room->publishers);
        cap(r, room, &room->members);
    }
    return E_OK;
}

static void send_away(struct rooms *r, struct list *peers)
{
    while (!list_empty(peers))
        sl_rooms_leave(r, list_entry(peers->next, struct peer, by_room), MEDIA_GONE_ROOM);
}

void sl_rooms_close(struct rooms *r, struct room *room, const char *reason)
{
    sl_rooms_count(r, room); /* it stays while we are at it */
    while (!list_empty(&room->participants))
        sl_participant_leave(
            r, list_entry(room->participants.next, struct participant, by_room),
            MEDIA_GONE_ROOM, reason);
    send_away(r, &room->publishers);
    send_away(r, &room->viewers);
    send_away(r, &room->members);
    room->settings.empty_time = 0;
    sl_rooms_uncount(r, room);
}

void sl_rooms_lock(struct rooms *r, struct room *room, bool locked)
{
    if (room->locked == locked)
        return;
    room->locked = locked;
    tell(r, NEWS_ROOM, room);
}

enum err sl_rooms_describe(struct rooms *r, struct room *room, struct span metadata)
{
    if (metadata.n > METADATA_MAX)
        return E_DENIED;
    char *text = malloc(metadata.n + 1);
    if (!text)
        return E_MEMORY;
    if (metadata.n > 0)
        memcpy(text, metadata.p, metadata.n);
    text[metadata.n] = '\0';
    free(room->metadata);
    room->metadata = text;
    tell(r, NEWS_ROOM, room);
    return E_OK;
}
