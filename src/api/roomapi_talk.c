#include "api/roomapi_talk.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "base/word.h"

#include "api/rooms_msg.h"

enum {
    VIEWERS_MAX = 100, /* on a page */
    JTI_LEN = 32,
};

static bool hears(const struct roomapi_call *c, const struct participant *p)
{
    const struct roomapi_talk *talk = &c->api->conf.talk;
    return talk->hears && talk->hears(talk->ctx, p);
}

/* ---- data ---- */

/* Whom it is for: *n 0 is everybody. False: refused. */
static bool find_all(struct roomapi_call *c, json_t *to,
                     struct participant *ret[ROOMS_TO_MAX], size_t *n)
{
    size_t i;
    json_t *id;
    *n = 0;
    if (to && (!json_is_array(to) || json_array_size(to) > ROOMS_TO_MAX)) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "to: a list of at most 32 peers");
        return false;
    }
    json_array_foreach(to, i, id)
    {
        ret[*n] = json_is_string(id)
                      ? sl_participant_find(c->room, span_of(json_string_value(id)))
                      : NULL;
        if (!ret[*n] || !hears(c, ret[*n])) {
            sl_roomapi_refuse(c, json_is_string(id) ? PROBLEM_NOT_FOUND : PROBLEM_REQUEST,
                              "to: a peer that came by the room WebSocket");
            return false;
        }
        (*n)++;
    }
    return true;
}

void sl_roomapi_send(struct roomapi_call *c)
{
    const struct roomapi_talk *talk = &c->api->conf.talk;
    struct participant *to[ROOMS_TO_MAX];
    const char *text = "";
    size_t text_n = 0, n = 0;
    json_t *ids = NULL;
    if (!sl_roomapi_unpack(c, "{s:s%,s?o!}", "text", &text, &text_n, "to", &ids) ||
        !find_all(c, ids, to, &n))
        return;
    if (text_n > ROOMS_TEXT_MAX) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "text: at most 16384 octets");
        return;
    }
    for (size_t i = 0; i < n; i++)
        talk->data(talk->ctx, c->room, to[i], roomapi_text(text, text_n));
    if (talk->data && !ids)
        talk->data(talk->ctx, c->room, NULL, roomapi_text(text, text_n));
    c->reply.status = 204;
}

/* ---- viewers ---- */

static bool page_of(struct roomapi_call *c, uint64_t *after, uint64_t *limit)
{
    uint8_t octets[8] = {0};
    struct wr w = wr_of(octets, sizeof octets);
    struct span id = sl_roomapi_parameter(c->req, "after");
    struct span n = sl_roomapi_parameter(c->req, "limit");
    bool good = id.n == 0 || (sl_hex_read(id, &w) == E_OK && w.n == sizeof octets);
    struct rd r = rd_of((struct span){octets, sizeof octets});
    *after = rd_u64(&r);
    *limit = VIEWERS_MAX;
    if (good && (!n.p || (word_number(n, VIEWERS_MAX, limit) && *limit > 0)))
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST, "after: an id; limit: 1 to 100");
    return false;
}

/* They stand in order of arrival, and so of their ids. */
void sl_roomapi_viewers(struct roomapi_call *c)
{
    uint64_t after, limit, n = 0;
    bool more = false;
    if (!page_of(c, &after, &limit))
        return;
    struct wr *w = sl_roomapi_body(c, 200);
    sl_text_put(w, "{\"viewers\":[");
    list_each (struct peer, p, &c->room->viewers, by_room) {
        if (p->transport <= after)
            continue;
        if (n == limit) {
            more = true;
            break;
        }
        sl_text_put(w, "%s{\"viewer\":\"%016" PRIx64 "\",\"stream\":", n++ ? "," : "",
                    p->transport);
        sl_json_write(w, span_of(p->view.stream));
        sl_text_put(w, ",\"connected\":%s,\"joined_ms\":%" PRId64 "}",
                    p->up ? "true" : "false", (int64_t)((c->now - p->since) / MSEC(1)));
    }
    sl_text_put(w, "],\"more\":%s}", more ? "true" : "false");
}

void sl_roomapi_remove_viewer(struct roomapi_call *c)
{
    uint64_t transport;
    if (sl_roomapi_id(c->seg[5], &transport))
        list_each (struct peer, p, &c->room->viewers, by_room)
            if (p->transport == transport) {
                sl_rooms_leave(c->api->conf.rooms, p, MEDIA_GONE_REMOVED);
                c->reply.status = 204;
                return;
            }
    sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such viewer");
}

/* ---- moving ---- */

static void copy(char *to, size_t cap, struct span from)
{
    size_t n = from.n < cap ? from.n : cap - 1;
    memcpy(to, from.p, n);
    to[n] = '\0';
}

/* What it might do here it may do there, as who it is; and it goes with the token by which it
 * came here. */
static enum err mint(struct roomapi_call *c, struct span room, struct wr *w)
{
    const struct roomapi_conf *conf = &c->api->conf;
    const struct participant *p = c->who;
    struct token t = {.perm = (p->may & MAY_PUBLISH ? (unsigned)TOKEN_PUBLISH : 0) |
                              (p->may & MAY_WATCH ? (unsigned)TOKEN_WATCH : 0) |
                              (p->may & MAY_ADMIN ? (unsigned)TOKEN_ADMIN : 0),
                      .iat = c->wall,
                      .exp = c->wall + ROOMAPI_MOVED_S,
                      .max_bps = p->max_bps};
    copy(t.tenant, sizeof t.tenant, sl_room_tenant(c->room));
    copy(t.room, sizeof t.room, room);
    copy(t.sub, sizeof t.sub, span_of(p->id));
    copy(t.role, sizeof t.role, span_of(sl_role_name(p->role)));
    copy(t.name, sizeof t.name, span_of(p->name ? p->name : ""));
    copy(t.sources, sizeof t.sources, span_of(p->sources));
    if (p->jti[0])
        copy(t.jti, sizeof t.jti, span_of(p->jti));
    else
        sl_chance_hex(&conf->random, t.jti, JTI_LEN);
    return conf->keys->n > 0 ? sl_token_mint(&conf->keys->keys[0], &t, w) : E_ABSENT;
}

/* Would it come in there? Else it is refused, and stays where it is. */
static bool may_come(struct roomapi_call *c, struct span room)
{
    const struct participant *p = c->who;
    const struct admission there = {.tenant = sl_room_tenant(c->room),
                                    .room = room,
                                    .id = span_of(p->id),
                                    .role = p->role,
                                    .create = true};
    enum err e = sl_participant_check(c->api->conf.rooms, &there);
    if (e == E_STATE)
        sl_roomapi_refuse(c, PROBLEM_STATE, "that room is locked");
    else if (e == E_ABSENT)
        sl_roomapi_refuse(c, PROBLEM_STATE, "only hosts make rooms");
    else if (e)
        sl_roomapi_fail(c, e);
    return !e;
}

/* It is told where to, by what token, and that it is over here: the rest is for the client. */
void sl_roomapi_move(struct roomapi_call *c)
{
    const struct roomapi_talk *talk = &c->api->conf.talk;
    uint8_t token[TOKEN_MAX];
    struct wr w = wr_of(token, sizeof token);
    const char *name = "";
    size_t n = 0;
    if (!sl_roomapi_unpack(c, "{s:s%!}", "room", &name, &n))
        return;
    struct span room = roomapi_text(name, n);
    if (!sl_name_valid(room)) {
        sl_roomapi_refuse(c, PROBLEM_NAME, "");
        return;
    }
    if (!hears(c, c->who) || span_eq(room, sl_room_name(c->room))) {
        sl_roomapi_refuse(c, PROBLEM_STATE,
                          "who came by the room WebSocket can be moved, to another room");
        return;
    }
    if (!may_come(c, room))
        return;
    enum err e = mint(c, room, &w);
    if (e) {
        sl_roomapi_fail(c, e);
        return;
    }
    talk->moved(talk->ctx, c->who, room, wr_done(&w));
    sl_participant_leave(c->api->conf.rooms, c->who, MEDIA_GONE_MOVED, "");
    c->reply.status = 204;
}
