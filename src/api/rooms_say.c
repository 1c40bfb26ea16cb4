#include "api/rooms_say.h"

#include <stdio.h>

#include "api/roomjson.h"

enum { SPEAKERS_MAX = 16 };

/* ---- JSON ---- */

static void put_string(struct wr *w, struct span s)
{
    sl_roomjson_text(w, s);
}

static void put_name(struct wr *w, const char *name)
{
    uint8_t last = w->n > 0 ? w->p[w->n - 1] : '{';
    if (last != '{' && last != '[')
        wr_u8(w, ',');
    put_string(w, span_of(name));
    wr_u8(w, ':');
}

static void put_text(struct wr *w, const char *name, const char *text)
{
    put_name(w, name);
    put_string(w, span_of(text ? text : ""));
}

static void put_span(struct wr *w, const char *name, struct span text)
{
    put_name(w, name);
    put_string(w, text);
}

static void put_number(struct wr *w, const char *name, int64_t n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    put_name(w, name);
    wr_str(w, text);
}

static void put_truth(struct wr *w, const char *name, bool truth)
{
    put_name(w, name);
    wr_str(w, truth ? "true" : "false");
}

/* Before an element of a list. */
static void put_comma(struct wr *w)
{
    if (w->n > 0 && w->p[w->n - 1] != '[')
        wr_u8(w, ',');
}

static void begin(struct wr *w, const char *type, rooms_id id)
{
    wr_u8(w, '{');
    put_text(w, "type", type);
    if (id >= 0)
        put_number(w, "id", id);
}

/* ---- what is in a room ---- */

static void put_permissions(struct wr *w, unsigned can)
{
    static const struct {
        unsigned can;
        const char *name;
    } all[] = {{CAN_PUBLISH, "publish"},
               {CAN_SUBSCRIBE, "subscribe"},
               {CAN_DATA, "data"},
               {CAN_MODERATE, "moderate"}};
    put_name(w, "permissions");
    wr_u8(w, '[');
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (can & all[i].can) {
            put_comma(w);
            put_string(w, span_of(all[i].name));
        }
    wr_u8(w, ']');
}

/* One's own: whether they are live or not, and with their mids. */
static void put_own_tracks(struct wr *w, const struct participant *p)
{
    put_name(w, "tracks");
    wr_u8(w, '[');
    for (size_t i = 0; p->sends && i < p->sends->tracks_n; i++) {
        put_comma(w);
        sl_roomjson_track(w, p->sends->tracks[i]);
        if (!w->bad) {
            w->n--; /* one more member before its brace */
            put_text(w, "mid", p->sends->tracks[i]->params.mid);
            wr_u8(w, '}');
        }
    }
    wr_u8(w, ']');
}

static void put_who(struct wr *w, const struct participant *p)
{
    put_text(w, "peer", p->id);
    put_text(w, "name", p->name);
    put_text(w, "role", sl_role_name(p->role));
    put_text(w, "metadata", p->metadata);
}

static void put_room(struct wr *w, const struct room *room)
{
    put_name(w, "room");
    wr_u8(w, '{');
    put_span(w, "name", sl_room_name(room));
    put_text(w, "metadata", room->metadata);
    put_truth(w, "locked", room->locked);
    wr_u8(w, '}');
}

/* ---- answers ---- */

void sl_rooms_say_done(struct wr *w, const char *type, rooms_id id)
{
    begin(w, type, id);
    wr_u8(w, '}');
}

static void say_code(struct wr *w, const char *type, rooms_id id, const char *code,
                     struct span detail)
{
    begin(w, type, id);
    put_text(w, "code", code);
    put_span(w, "detail", detail);
    wr_u8(w, '}');
}

void sl_rooms_say_error(struct wr *w, rooms_id id, const char *code, struct span detail)
{
    say_code(w, "error", id, code, detail);
}

void sl_rooms_say_closed(struct wr *w, rooms_id id, const char *code, struct span detail)
{
    say_code(w, "closed", id, code, detail);
}

static void put_ice(struct wr *w, const struct rooms_joined *j)
{
    put_name(w, "ice_servers");
    wr_u8(w, '[');
    for (size_t i = 0; i < j->ice_n; i++) {
        const struct ice_server *s = &j->ice[i];
        bool lent = j->turn && strncmp(s->url, "turn", 4) == 0 && !s->username;
        put_comma(w);
        wr_u8(w, '{');
        put_text(w, "urls", s->url);
        if (lent || s->username) {
            put_text(w, "username", lent ? j->turn->username : s->username);
            put_text(w, "credential", lent ? j->turn->password : s->credential);
        }
        wr_u8(w, '}');
    }
    wr_u8(w, ']');
}

void sl_rooms_say_joined(struct wr *w, rooms_id id, const struct rooms_joined *j)
{
    begin(w, "joined", id);
    put_number(w, "v", 1);
    put_who(w, j->who);
    put_permissions(w, j->who->can);
    put_text(w, "resume", j->resume);
    put_truth(w, "resumed", j->resumed);
    put_room(w, j->who->room);
    put_name(w, "peers");
    wr_u8(w, '[');
    list_each (struct participant, p, &j->who->room->participants, by_room) {
        if (p == j->who || !p->listed)
            continue;
        put_comma(w);
        sl_roomjson_peer(w, p, true);
    }
    wr_u8(w, ']');
    put_number(w, "viewers", (int64_t)j->who->room->viewers_n);
    put_own_tracks(w, j->who);
    put_ice(w, j);
    wr_u8(w, '}');
}

void sl_rooms_say_watchers(struct wr *w, rooms_id id, const struct room *room,
                           const struct participant *after, size_t most)
{
    size_t n = 0;
    bool behind = !after;
    begin(w, "watchers", id);
    put_name(w, "watchers");
    wr_u8(w, '[');
    list_each (struct participant, p, &room->participants, by_room) {
        bool here = behind && !p->listed && p->events;
        behind |= p == after;
        if (here && n++ < most) {
            put_comma(w);
            wr_u8(w, '{');
            put_who(w, p);
            wr_u8(w, '}');
        }
    }
    wr_u8(w, ']');
    put_truth(w, "more", n > most);
    wr_u8(w, '}');
}

/* What a track is published by; "" for what nobody is told of. */
static const char *publisher_of(const struct track *t)
{
    const struct peer *p = list_entry(t->owner, struct peer, view);
    return p->who ? p->who->id : t->stream;
}

void sl_rooms_say_offer(struct wr *w, uint32_t number, struct span sdp,
                        const struct peer *to)
{
    begin(w, "offer", ROOMS_NO_ID);
    put_number(w, "offer", number);
    put_span(w, "sdp", sdp);
    put_name(w, "tracks");
    wr_u8(w, '{');
    for (size_t i = 0; i < to->view.n; i++) {
        const struct slot *slot = to->view.slots[i];
        const char *mid = sl_dialog_mid(to->member->dialog, &seat_of(slot)->dialog);
        char id[TRACK_ID_CAP];
        if (mid[0] == '\0')
            continue;
        sl_track_id(slot->track, id);
        put_name(w, mid);
        wr_u8(w, '{');
        put_text(w, "peer", publisher_of(slot->track));
        put_text(w, "track", id);
        wr_u8(w, '}');
    }
    wr_str(w, "}}");
}

void sl_rooms_say_answer(struct wr *w, rooms_id id, struct span sdp,
                         const struct peer *to)
{
    begin(w, "answer", id);
    put_span(w, "sdp", sdp);
    put_name(w, "tracks");
    wr_u8(w, '{');
    for (size_t i = 0; i < to->tracks_n; i++) {
        char track[TRACK_ID_CAP];
        sl_track_id(to->tracks[i], track);
        put_text(w, to->tracks[i]->params.mid, track);
    }
    wr_str(w, "}}");
}

/* ---- events ---- */

void sl_rooms_say_gone(struct wr *w, const char *of, enum media_gone why)
{
    begin(w, "gone", ROOMS_NO_ID);
    put_text(w, "of", of);
    put_text(w, "reason", sl_media_gone_name(why));
    wr_u8(w, '}');
}

static void say_track(struct wr *w, const char *type, const struct news *n)
{
    begin(w, type, ROOMS_NO_ID);
    put_text(w, "peer", n->who->id);
    put_name(w, "track");
    sl_roomjson_track(w, n->track);
    wr_u8(w, '}');
}

bool sl_rooms_say_news(struct wr *w, const struct news *n, bool own)
{
    char id[TRACK_ID_CAP];
    if (own && n->kind != NEWS_UPDATED && n->kind != NEWS_ROOM)
        return false;
    switch (n->kind) {
    case NEWS_JOINED:
        begin(w, "peer_joined", ROOMS_NO_ID);
        put_name(w, "peer");
        sl_roomjson_peer(w, n->who, true);
        break;
    case NEWS_UPDATED:
        if (!own && !n->who->listed)
            return false;
        begin(w, "peer_updated", ROOMS_NO_ID);
        put_who(w, n->who);
        if (own)
            put_permissions(w, n->who->can);
        break;
    case NEWS_LEFT:
        begin(w, "peer_left", ROOMS_NO_ID);
        put_text(w, "peer", n->who->id);
        put_text(w, "reason", sl_media_gone_name(n->why));
        break;
    case NEWS_TRACK: say_track(w, "track_started", n); return true;
    case NEWS_TRACK_UPDATED: say_track(w, "track_updated", n); return true;
    case NEWS_TRACK_ENDED:
        begin(w, "track_ended", ROOMS_NO_ID);
        sl_track_id(n->track, id);
        put_text(w, "peer", n->who->id);
        put_text(w, "track", id);
        break;
    case NEWS_ROOM:
        begin(w, "room_updated", ROOMS_NO_ID);
        put_room(w, n->room);
        break;
    case NEWS_OPENED:
    case NEWS_CLOSED:
    case NEWS_VIEWERS:
    case NEWS_SPEAKER: return false;
    }
    wr_u8(w, '}');
    return true;
}

void sl_rooms_say_viewers(struct wr *w, size_t n)
{
    begin(w, "viewers", ROOMS_NO_ID);
    put_number(w, "count", (int64_t)n);
    wr_u8(w, '}');
}

/* The loudest come first; of more than there is place for the others are not told. */
static size_t collect(const struct room *room, usec since,
                      const struct participant *ret[SPEAKERS_MAX])
{
    size_t n = 0;
    list_each (struct participant, p, &room->participants, by_room) {
        if (!p->listed || p->spoke == 0 || p->spoke < since)
            continue;
        size_t at = n < SPEAKERS_MAX ? n++ : SPEAKERS_MAX;
        while (at > 0 && ret[at - 1]->voice.below_dbov > p->voice.below_dbov) {
            if (at < SPEAKERS_MAX)
                ret[at] = ret[at - 1];
            at--;
        }
        if (at < SPEAKERS_MAX)
            ret[at] = p;
    }
    return n;
}

void sl_rooms_say_speakers(struct wr *w, const struct room *room, usec since)
{
    const struct participant *who[SPEAKERS_MAX];
    const struct track *speaker = sl_tracks_speaker(&room->tracks);
    size_t n = collect(room, since, who);
    begin(w, "speakers", ROOMS_NO_ID);
    put_name(w, "peers");
    wr_u8(w, '[');
    for (size_t i = 0; i < n; i++) {
        put_comma(w);
        wr_u8(w, '{');
        put_text(w, "peer", who[i]->id);
        put_number(w, "level", -(int64_t)who[i]->voice.below_dbov);
        wr_u8(w, '}');
    }
    wr_u8(w, ']');
    if (speaker)
        put_text(w, "active", publisher_of(speaker));
    wr_u8(w, '}');
}

void sl_rooms_say_quality(struct wr *w, struct span receive, struct span send)
{
    begin(w, "quality", ROOMS_NO_ID);
    put_name(w, "receive");
    wr_u8(w, '[');
    wr_span(w, receive);
    wr_u8(w, ']');
    put_name(w, "send");
    wr_u8(w, '[');
    wr_span(w, send);
    wr_str(w, "]}");
}

void sl_rooms_say_wanted(struct wr *w, const struct track *t)
{
    char id[TRACK_ID_CAP];
    sl_track_id(t, id);
    begin(w, "wanted", ROOMS_NO_ID);
    put_text(w, "track", id);
    put_name(w, "encodings");
    wr_u8(w, '[');
    for (uint8_t i = 0; i < t->encodings_n; i++)
        if (t->wanted >> i & 1) {
            put_comma(w);
            put_string(w, span_of(t->rids[i]));
        }
    wr_u8(w, ']');
    if (t->most_bps != TRACK_ANY_BPS)
        put_number(w, "most_bps", t->most_bps);
    wr_u8(w, '}');
}

void sl_rooms_say_muted(struct wr *w, const struct track *t, const char *by)
{
    char id[TRACK_ID_CAP];
    sl_track_id(t, id);
    begin(w, "muted", ROOMS_NO_ID);
    put_text(w, "track", id);
    put_truth(w, "muted", t->muted);
    put_text(w, "by", by);
    wr_u8(w, '}');
}

void sl_rooms_say_moved(struct wr *w, struct span room, struct span token)
{
    begin(w, "moved", ROOMS_NO_ID);
    put_span(w, "room", room);
    put_span(w, "token", token);
    wr_u8(w, '}');
}

void sl_rooms_say_data(struct wr *w, const char *from, struct span text)
{
    begin(w, "data", ROOMS_NO_ID);
    put_text(w, "from", from);
    put_span(w, "text", text);
    wr_u8(w, '}');
}
