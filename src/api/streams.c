#include "api/streams.h"

#include <stdio.h>

enum { ENTRY_MAX = 16 * 1024 }; /* octets, above any stream with all its tracks */

static void number(struct wr *w, const char *name, long long v)
{
    char text[48];
    (void)snprintf(text, sizeof text, "\"%s\":%lld", name, v);
    wr_str(w, text);
}

static void string(struct wr *w, const char *name, const char *v)
{
    wr_str(w, "\"");
    wr_str(w, name);
    wr_str(w, "\":\"");
    wr_str(w, v); /* our own words, and names that need no escape (sl_name_valid) */
    wr_str(w, "\"");
}

/* NULL: it publishes nothing. */
static const struct track *first_live(const struct peer *p)
{
    for (size_t i = 0; i < p->tracks_n; i++)
        if (!list_empty(&p->tracks[i]->live))
            return p->tracks[i];
    return NULL;
}

static void write_stream(struct wr *w, const struct peer *p, usec now)
{
    wr_str(w, "{");
    string(w, "name", p->stream);
    wr_str(w, ",");
    number(w, "live_ms", (now - first_live(p)->since) / MSEC(1));
    wr_str(w, ",\"tracks\":[");
    bool more = false;
    for (size_t i = 0; i < p->tracks_n; i++) {
        const struct track *t = p->tracks[i];
        if (list_empty(&t->live))
            continue;
        wr_str(w, more ? ",{" : "{");
        more = true;
        string(w, "kind", t->params.kind == MEDIA_VIDEO ? "video" : "audio");
        wr_str(w, ",");
        string(w, "source", t->source);
        wr_str(w, ",");
        string(w, "codec", sl_codec_name(t->params.codecs[0].codec));
        if (t->params.kind == MEDIA_AUDIO) {
            wr_str(w, ",");
            number(w, "level_dbov", -t->heard.voice.below_dbov);
        }
        wr_str(w, "}");
    }
    wr_str(w, "]}");
}

/* As many as one page takes, the oldest: hundreds of streams are not for a list. */
static bool write_all(struct wr *w, const struct list *peers, bool first, usec now)
{
    list_each (struct peer, p, peers, by_room) {
        if (!p->up || !first_live(p) || w->cap - w->n < ENTRY_MAX)
            continue;
        if (!first)
            wr_str(w, ",");
        first = false;
        write_stream(w, p, now);
    }
    return first;
}

static long long write_streams(struct wr *w, const struct room *room, usec now)
{
    bool first = write_all(w, &room->publishers, true, now);
    (void)write_all(w, &room->members, first, now);
    long long viewers = 0;
    list_each (struct peer, p, &room->viewers, by_room)
        viewers += p->up;
    return viewers;
}

void sl_streams_answer(struct ask *a)
{
    struct claims claims;
    if (!sl_ask_permitted(a, MAY_WATCH, &claims) ||
        !sl_ask_accepts(a, "application/json"))
        return;
    const struct room *room =
        sl_rooms_room(a->face->conf.rooms, span_of(claims.tenant), a->room);
    struct wr *w = &a->reply.body;
    long long viewers = 0;
    wr_str(w, "{\"streams\":[");
    if (room)
        viewers = write_streams(w, room, a->now);
    wr_str(w, "],");
    if (room && sl_tracks_speaker(&room->tracks)) {
        string(w, "speaker", sl_tracks_speaker(&room->tracks)->stream);
        wr_str(w, ",");
    }
    number(w, "viewers", viewers);
    wr_str(w, "}");
    a->reply.status = 200;
    sl_reply_field(&a->reply, "Content-Type", "application/json");
}
