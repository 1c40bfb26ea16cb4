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

static void write_stream(struct wr *w, const struct peer *p, usec now)
{
    wr_str(w, "{");
    string(w, "name", p->stream);
    wr_str(w, ",");
    number(w, "live_ms", (now - p->tracks[0]->since) / MSEC(1));
    wr_str(w, ",\"tracks\":[");
    for (size_t i = 0; i < p->tracks_n; i++) {
        const struct track *t = p->tracks[i];
        wr_str(w, i > 0 ? ",{" : "{");
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

static long long write_streams(struct wr *w, const struct room *room, usec now)
{
    bool first = true;
    list_each (struct peer, p, &room->publishers, by_room) {
        if (!p->up)
            continue;
        if (w->cap - w->n < ENTRY_MAX)
            break; /* a page of the oldest; hundreds of streams are not for a list */
        if (!first)
            wr_str(w, ",");
        first = false;
        write_stream(w, p, now);
    }
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
