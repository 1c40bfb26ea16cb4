#include "api/roomjson.h"

#include <stdio.h>

/* RFC 8259 §7, of UTF-8: what stands for an octet, or "" where it stands for itself. */
static const char *escape(uint8_t c, char code[8])
{
    code[0] = '\0';
    if (c == '\r' || c == '\n') /* of descriptions, which have many */
        return c == '\r' ? "\\r" : "\\n";
    if (c == '"' || c == '\\')
        return c == '"' ? "\\\"" : "\\\\";
    if (c < 0x20)
        (void)snprintf(code, 8, "\\u%04x", c);
    return code;
}

void sl_roomjson_text(struct wr *w, struct span text)
{
    size_t from = 0;
    wr_u8(w, '"');
    for (size_t i = 0; i < text.n; i++) {
        char code[8];
        const char *escaped = escape(text.p[i], code);
        if (!*escaped)
            continue;
        wr_span(w, (struct span){text.p + from, i - from});
        wr_str(w, escaped);
        from = i + 1;
    }
    wr_span(w, (struct span){text.p + from, text.n - from});
    wr_u8(w, '"');
}

size_t sl_roomjson_text_n(struct span text)
{
    size_t n = text.n;
    for (size_t i = 0; i < text.n; i++) {
        char code[8];
        size_t escaped = strlen(escape(text.p[i], code));
        n += escaped > 0 ? escaped - 1 : 0;
    }
    return n;
}

/* ,"name":"value"; without the comma behind a brace. */
static void member(struct wr *w, const char *name, struct span value)
{
    if (w->n > 0 && w->p[w->n - 1] != '{')
        wr_u8(w, ',');
    sl_roomjson_text(w, span_of(name));
    wr_u8(w, ':');
    sl_roomjson_text(w, value);
}

static void text(struct wr *w, const char *name, const char *value)
{
    member(w, name, span_of(value ? value : ""));
}

static void raw(struct wr *w, const char *name, const char *value)
{
    wr_u8(w, ',');
    sl_roomjson_text(w, span_of(name));
    wr_u8(w, ':');
    wr_str(w, value);
}

static void number(struct wr *w, const char *name, unsigned long long n)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%llu", n);
    raw(w, name, digits);
}

static void flag(struct wr *w, const char *name, bool is)
{
    raw(w, name, is ? "true" : "false");
}

static size_t listed(const struct room *room)
{
    size_t n = 0;
    list_each (struct participant, p, &room->participants, by_room)
        n += p->listed;
    return n;
}

static void room_names(struct wr *w, const struct room *room)
{
    member(w, "tenant", sl_room_tenant(room));
    member(w, "room", sl_room_name(room));
}

static void room_state(struct wr *w, const struct room *room)
{
    text(w, "metadata", room->metadata);
    flag(w, "locked", room->locked);
}

void sl_roomjson_room(struct wr *w, const struct room *room)
{
    wr_u8(w, '{');
    room_names(w, room);
    room_state(w, room);
    number(w, "peers_n", listed(room));
    number(w, "viewers", room->viewers_n);
    number(w, "peers_max", room->settings.peers_max);
    number(w, "publishers_max", room->settings.publishers_max);
    number(w, "max_bps", room->settings.max_bps);
    number(w, "empty_s", (unsigned long long)(room->settings.empty_time / SEC(1)));
    wr_u8(w, '}');
}

void sl_roomjson_track(struct wr *w, const struct track *t)
{
    char id[TRACK_ID_CAP];
    sl_track_id(t, id);
    wr_u8(w, '{');
    text(w, "track", id);
    text(w, "kind", t->params.kind == MEDIA_VIDEO ? "video" : "audio");
    text(w, "source", t->source);
    text(w, "name", t->label);
    text(w, "metadata", t->metadata);
    flag(w, "muted", t->muted);
    wr_u8(w, '}');
}

static void tracks_of(struct wr *w, const struct participant *p)
{
    bool more = false;
    wr_str(w, ",\"tracks\":[");
    for (size_t i = 0; p->sends && i < p->sends->tracks_n; i++) {
        const struct track *t = p->sends->tracks[i];
        if (list_empty(&t->live))
            continue;
        if (more)
            wr_u8(w, ',');
        more = true;
        sl_roomjson_track(w, t);
    }
    wr_u8(w, ']');
}

void sl_roomjson_peer(struct wr *w, const struct participant *p, bool tracks)
{
    wr_u8(w, '{');
    text(w, "peer", p->id);
    text(w, "name", p->name);
    text(w, "role", sl_role_name(p->role));
    text(w, "metadata", p->metadata);
    if (tracks)
        tracks_of(w, p);
    wr_u8(w, '}');
}

/* How it is called outside; NULL: it is not told. Speakers and numbers of viewers change too often
 * for a queue. */
static const char *type_of(enum news_kind kind)
{
    switch (kind) {
    case NEWS_OPENED: return "room_opened";
    case NEWS_CLOSED: return "room_closed";
    case NEWS_ROOM: return "room_updated";
    case NEWS_JOINED: return "peer_joined";
    case NEWS_UPDATED: return "peer_updated";
    case NEWS_LEFT: return "peer_left";
    case NEWS_TRACK: return "track_started";
    case NEWS_TRACK_UPDATED: return "track_updated";
    case NEWS_TRACK_ENDED: return "track_ended";
    case NEWS_VIEWERS:
    case NEWS_SPEAKER: break;
    }
    return NULL;
}

bool sl_roomjson_news(struct wr *w, const struct news *n)
{
    const char *type = type_of(n->kind);
    if (!type)
        return false;
    text(w, "type", type);
    room_names(w, n->room);
    if (n->kind == NEWS_ROOM)
        room_state(w, n->room);
    if (n->track) {
        text(w, "peer", n->who->id);
        wr_str(w, ",\"track\":");
        sl_roomjson_track(w, n->track);
    } else if (n->who) {
        wr_str(w, ",\"peer\":");
        sl_roomjson_peer(w, n->who, false);
    }
    if (n->kind == NEWS_LEFT) {
        text(w, "why", sl_media_gone_name(n->why));
        text(w, "reason", n->reason);
    }
    return true;
}
