#include "api/roomapi_rooms.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/word.h"

#include "api/roomjson.h"

enum {
    ROOM_ROOM = METADATA_MAX * 6 + 1024, /* octets, above any room without its peers */
    REASON_MAX = 256,
    COUNT_MAX = 1000000,
    EMPTY_S = 300, /* that a room which was made here waits for somebody */
    EMPTY_S_MAX = 7 * 86400,
    UUID_LEN = 36,
};

static bool reason_of(struct roomapi_call *c, char ret[REASON_MAX + 1])
{
    struct wr w = wr_of((uint8_t *)ret, REASON_MAX);
    bool good = sl_http_unescape(sl_roomapi_parameter(c->req, "reason"), &w) == E_OK;
    for (size_t i = 0; i < w.n; i++)
        good &= w.p[i] >= ' ' && w.p[i] <= '~';
    ret[good ? w.n : 0] = '\0';
    if (!good)
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "reason: at most 256 characters of ASCII");
    return good;
}

/* ---- rooms ---- */

static int by_name(const void *a, const void *b)
{
    const struct room *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static bool is_wanted(const struct room *room, struct span tenant, const char *after)
{
    return (!tenant.p || span_eq(tenant, sl_room_tenant(room))) &&
           strcmp(room->name, after) > 0;
}

static void write_rooms(struct wr *w, struct room **rooms, size_t n)
{
    bool more = false;
    size_t at = 0;
    wr_str(w, "{\"rooms\":[");
    for (; at < n; at++) {
        if (w->cap - w->n < ROOM_ROOM) {
            more = true;
            break;
        }
        wr_str(w, at > 0 ? "," : "");
        sl_roomjson_room(w, rooms[at]);
    }
    wr_str(w, more ? "],\"more\":true}" : "],\"more\":false}");
}

void sl_roomapi_list_rooms(struct roomapi_call *c)
{
    struct rooms *r = c->api->conf.rooms;
    char after[2 * NAME_CAP] = "";
    struct span tenant = sl_roomapi_parameter(c->req, "tenant");
    if (!sl_roomapi_after(c, after))
        return;
    if (tenant.p && !sl_name_valid(tenant)) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "tenant: a name");
        return;
    }
    struct room **all = calloc(sl_rooms_stats(r)->rooms + 1, sizeof(struct room *));
    size_t n = 0;
    if (!all) {
        sl_roomapi_refuse(c, PROBLEM_INTERNAL, "");
        return;
    }
    for (struct room *room = NULL; (room = sl_rooms_next_room(r, room));)
        if (is_wanted(room, tenant, after))
            all[n++] = room;
    qsort(all, n, sizeof(struct room *), by_name);
    write_rooms(sl_roomapi_body(c, 200), all, n);
    free(all);
}

static void uuid(const struct random *r, char ret[UUID_LEN + 1])
{
    char hex[33];
    sl_chance_hex(r, hex, 32);
    hex[12] = '4'; /* RFC 9562 §5.4 */
    hex[16] = "89ab"[hex[16] & 3];
    (void)snprintf(ret, UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

#define UNSAID INT64_MIN

struct wanted {
    const char *tenant, *name, *metadata;
    size_t tenant_n, name_n, metadata_n;
    int locked;                                             /* -1: not said */
    json_int_t peers_max, publishers_max, max_bps, empty_s; /* UNSAID */
};

#define WANTED                                                                           \
    {                                                                                    \
        .tenant = "default", .tenant_n = strlen("default"), .locked = -1,                \
        .peers_max = UNSAID, .publishers_max = UNSAID, .max_bps = UNSAID,                \
        .empty_s = UNSAID                                                                \
    }

static bool fits(struct roomapi_call *c, const char *name, json_int_t v, json_int_t least,
                 json_int_t most)
{
    return v == UNSAID || sl_roomapi_within(c, name, v, least, most);
}

/* Members that are absent leave what is there. */
static bool read_settings(struct roomapi_call *c, const struct wanted *w,
                          struct room_settings *ret)
{
    if (!fits(c, "peers_max", w->peers_max, 0, COUNT_MAX) ||
        !fits(c, "publishers_max", w->publishers_max, 0, COUNT_MAX) ||
        !fits(c, "max_bps", w->max_bps, 0, UINT32_MAX) ||
        !fits(c, "empty_s", w->empty_s, 1, EMPTY_S_MAX))
        return false;
    if (w->peers_max != UNSAID)
        ret->peers_max = (size_t)w->peers_max;
    if (w->publishers_max != UNSAID)
        ret->publishers_max = (size_t)w->publishers_max;
    if (w->max_bps != UNSAID)
        ret->max_bps = (uint32_t)w->max_bps;
    if (w->empty_s != UNSAID)
        ret->empty_time = SEC(w->empty_s);
    return true;
}

static bool describe(struct roomapi_call *c, const struct wanted *w)
{
    struct rooms *r = c->api->conf.rooms;
    if (w->metadata) {
        enum err e =
            sl_rooms_describe(r, c->room, roomapi_text(w->metadata, w->metadata_n));
        if (e == E_DENIED)
            sl_roomapi_refuse(c, PROBLEM_REQUEST, "metadata: at most 4096 octets");
        else if (e)
            sl_roomapi_fail(c, e);
        if (e)
            return false;
    }
    if (w->locked >= 0)
        sl_rooms_lock(r, c->room, w->locked);
    return true;
}

/* Made, or refused. */
static bool make_room(struct roomapi_call *c, struct wanted *w, char id[UUID_LEN + 1])
{
    struct roomapi *a = c->api;
    struct room_settings s = {.empty_time = SEC(EMPTY_S)};
    if (w->metadata_n > METADATA_MAX) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "metadata: at most 4096 octets");
        return false;
    }
    if (!read_settings(c, w, &s))
        return false;
    if (!w->name) {
        uuid(&a->conf.random, id);
        w->name = id;
        w->name_n = UUID_LEN;
    }
    enum err e = sl_rooms_create(a->conf.rooms, roomapi_text(w->tenant, w->tenant_n),
                                 roomapi_text(w->name, w->name_n), &s, c->now, &c->room);
    if (e)
        sl_roomapi_fail(c, e);
    return !e && describe(c, w);
}

void sl_roomapi_create_room(struct roomapi_call *c)
{
    struct wanted w = WANTED;
    char id[UUID_LEN + 1];
    if (!sl_roomapi_unpack(c, "{s?s%,s?s%,s?s%,s?b,s?I,s?I,s?I,s?I!}", "tenant",
                           &w.tenant, &w.tenant_n, "room", &w.name, &w.name_n, "metadata",
                           &w.metadata, &w.metadata_n, "locked", &w.locked, "peers_max",
                           &w.peers_max, "publishers_max", &w.publishers_max, "max_bps",
                           &w.max_bps, "empty_s", &w.empty_s) ||
        !make_room(c, &w, id))
        return;
    sl_reply_field(&c->reply, "Location", "/v1/rooms/%s", c->room->name);
    sl_roomjson_room(sl_roomapi_body(c, 201), c->room);
}

/* For those who know nothing but that they want one. */
void sl_roomapi_create_any(struct roomapi_call *c)
{
    struct wanted w = WANTED;
    char id[UUID_LEN + 1];
    if ((c->in && !sl_roomapi_unpack(c, "{s?s%,s?s%!}", "tenant", &w.tenant, &w.tenant_n,
                                     "roomID", &w.name, &w.name_n)) ||
        !make_room(c, &w, id))
        return;
    struct wr *out = sl_roomapi_body(c, 201);
    wr_str(out, "{\"roomID\":");
    sl_roomjson_text(out, sl_room_name(c->room));
    wr_str(out, ",\"occupancyCount\":0,\"occupants\":{}}");
}

/* Everybody who is a participant, in order of arrival; viewers, too. */
void sl_roomapi_show_room(struct roomapi_call *c)
{
    struct span after = sl_roomapi_parameter(c->req, "after");
    const struct participant *last =
        after.n > 0 ? sl_participant_find(c->room, after) : NULL;
    if (after.n > 0 && !last) {
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "after: no such peer is there now");
        return;
    }
    struct wr *w = sl_roomapi_body(c, 200);
    char rest[sizeof "],\"more\":false}"];
    bool more = false, first = true;
    wr_str(w, "{\"info\":");
    sl_roomjson_room(w, c->room);
    wr_str(w, ",\"peers\":[");
    list_each (struct participant, p, &c->room->participants, by_room) {
        if (last) {
            last = p == last ? NULL : last;
            continue;
        }
        struct wr one = wr_of(w->p + w->n, w->cap - w->n - sizeof rest);
        wr_str(&one, first ? "" : ",");
        sl_roomjson_peer(&one, p, true);
        more = one.bad;
        if (more)
            break;
        first = false;
        w->n += one.n;
    }
    (void)snprintf(rest, sizeof rest, "],\"more\":%s}", more ? "true" : "false");
    wr_str(w, rest);
}

void sl_roomapi_change_room(struct roomapi_call *c)
{
    struct wanted w = WANTED;
    struct room_settings s = c->room->settings;
    if (!sl_roomapi_unpack(c, "{s?s%,s?b,s?I,s?I,s?I,s?I!}", "metadata", &w.metadata,
                           &w.metadata_n, "locked", &w.locked, "peers_max", &w.peers_max,
                           "publishers_max", &w.publishers_max, "max_bps", &w.max_bps,
                           "empty_s", &w.empty_s) ||
        !read_settings(c, &w, &s) || !describe(c, &w))
        return;
    enum err e = sl_rooms_settings(c->api->conf.rooms, c->room, &s, c->now);
    if (e)
        sl_roomapi_fail(c, e);
    else
        sl_roomjson_room(sl_roomapi_body(c, 200), c->room);
}

void sl_roomapi_close_room(struct roomapi_call *c)
{
    char reason[REASON_MAX + 1];
    if (!reason_of(c, reason))
        return;
    sl_rooms_close(c->api->conf.rooms, c->room, reason);
    c->reply.status = 204;
}

/* ---- peers ---- */

void sl_roomapi_show_peer(struct roomapi_call *c)
{
    sl_roomjson_peer(sl_roomapi_body(c, 200), c->who, true);
}

void sl_roomapi_change_peer(struct roomapi_call *c)
{
    struct rooms *r = c->api->conf.rooms;
    const char *name = NULL, *metadata = NULL, *word = NULL;
    size_t name_n = 0, metadata_n = 0, word_n = 0;
    enum role role = c->who->role;
    if (!sl_roomapi_unpack(c, "{s?s%,s?s%,s?s%!}", "name", &name, &name_n, "metadata",
                           &metadata, &metadata_n, "role", &word, &word_n))
        return;
    if (word && !sl_role_of(roomapi_text(word, word_n), &role)) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "role: host, participant or viewer");
        return;
    }
    if (role != c->who->role && !c->who->events) {
        sl_roomapi_refuse(c, PROBLEM_STATE, "who came by WHIP or rtcd keeps its role");
        return;
    }
    enum err e = sl_participant_update(r, c->who, roomapi_text(name, name_n),
                                       roomapi_text(metadata, metadata_n));
    if (!e && role != c->who->role)
        e = sl_participant_role(r, c->who, role, c->now);
    if (e == E_DENIED)
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "name: at most 128 octets; metadata: 4096");
    else if (e)
        sl_roomapi_fail(c, e);
    else
        sl_roomapi_show_peer(c);
}

void sl_roomapi_remove_peer(struct roomapi_call *c)
{
    char reason[REASON_MAX + 1];
    if (!reason_of(c, reason))
        return;
    sl_participant_leave(c->api->conf.rooms, c->who, MEDIA_GONE_REMOVED, reason);
    c->reply.status = 204;
}

void sl_roomapi_change_track(struct roomapi_call *c)
{
    struct track *t = sl_participant_track(c->who, c->seg[7]);
    int muted = 0;
    if (!t) {
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such track");
        return;
    }
    if (!sl_roomapi_unpack(c, "{s:b!}", "muted", &muted))
        return;
    sl_rooms_mute(c->who->sends, t, muted);
    if (c->api->conf.talk.muted)
        c->api->conf.talk.muted(c->api->conf.talk.ctx, c->who, t);
    sl_roomjson_track(sl_roomapi_body(c, 200), t);
}
