#include "api/rooms_session.h"

#define SPOKE SEC(1) /* who spoke so lately speaks */

/* ---- news ---- */

void sl_rooms_hall_news(struct rooms_hall *h, const struct news *n)
{
    struct rooms_crowd *c = sl_rooms_crowd(h, n->room->id);
    if (!c)
        return;
    struct wr others = wr_of(h->part, ROOMS_TEXT_CAP);
    bool told = sl_rooms_say_news(&others, n, false);
    if (told && h->asks)
        h->asks->told += others.n;
    list_each (struct rooms_session, s, &c->sessions, by_crowd) {
        struct wr own = sl_rooms_text(h);
        if (n->who != s->who && told)
            sl_rooms_send(s, &others);
        else if (n->who == s->who && sl_rooms_say_news(&own, n, true))
            sl_rooms_send(s, &own);
    }
}

void sl_rooms_hall_wanted(struct rooms_hall *h, const struct peer *p,
                          const struct track *track)
{
    struct rooms_session *s = p->who ? sl_rooms_session_of(p->who) : NULL;
    if (!s)
        return;
    struct wr w = sl_rooms_text(h);
    sl_rooms_say_wanted(&w, track);
    sl_rooms_send(s, &w);
}

void sl_rooms_hall_tell(struct rooms_hall *h, const struct room *room,
                        const struct participant *who, struct span text)
{
    struct rooms_crowd *c = sl_rooms_crowd(h, room->id);
    struct wr w = sl_rooms_text(h);
    if (!c)
        return;
    sl_rooms_say_data(&w, "", text);
    list_each (struct rooms_session, s, &c->sessions, by_crowd)
        if (!who || s->who == who)
            sl_rooms_send(s, &w);
}

void sl_rooms_hall_muted(struct rooms_hall *h, const struct participant *who,
                         const struct track *track, const char *by)
{
    struct rooms_session *s = sl_rooms_session_of(who);
    struct wr w = sl_rooms_text(h);
    if (!s)
        return;
    sl_rooms_say_muted(&w, track, by);
    sl_rooms_send(s, &w);
}

bool sl_rooms_hall_has(const struct participant *who)
{
    return sl_rooms_session_of(who) != NULL;
}

void sl_rooms_hall_moved(struct rooms_hall *h, const struct participant *who,
                         struct span room, struct span token)
{
    struct rooms_session *s = sl_rooms_session_of(who);
    struct wr w = sl_rooms_text(h);
    if (!s)
        return;
    sl_rooms_say_moved(&w, room, token);
    sl_rooms_send(s, &w);
}

static void give(struct rooms_hall *h, struct rooms_session *from,
                 const struct rooms_frame *f)
{
    struct rooms_parcel *p = sl_rooms_parcel_new(f, from->who->id);
    if (!p)
        return;
    for (size_t i = 0; i < f->to_n; i++) {
        struct participant *to = sl_participant_find(from->who->room, f->to[i]);
        struct rooms_session *s = to ? sl_rooms_session_of(to) : NULL;
        if (s)
            sl_rooms_data_give(h->datas, &s->data, p);
    }
    list_each (struct rooms_session, s, &from->crowd->sessions, by_crowd)
        if (f->to_n == 0 && s != from)
            sl_rooms_data_give(h->datas, &s->data, p);
    sl_rooms_parcel_free(p);
}

void sl_rooms_hall_data(struct rooms_hall *h, uint64_t transport,
                        const struct media_data_event *ev)
{
    const struct peer *p = sl_rooms_of_transport(h->conf.rooms, transport);
    struct rooms_session *s = p && p->who ? sl_rooms_session_of(p->who) : NULL;
    struct rooms_frame f;
    enum err e =
        s ? sl_rooms_data_event(h->datas, &s->data, transport, ev, &f) : E_ABSENT;
    if (e == E_ABSENT)
        return;
    if (e)
        sl_rooms_refuse(s, e == E_FULL ? "too_large" : "malformed", "data");
    else if (!(s->who->can & CAN_DATA))
        sl_rooms_refuse(s, "forbidden", "data");
    else
        give(h, s, &f);
}

/* ---- time ---- */

static void tell_all(struct rooms_crowd *c, const struct wr *w)
{
    list_each (struct rooms_session, s, &c->sessions, by_crowd)
        sl_rooms_send(s, w);
}

static void tell_beat(struct rooms_hall *h, struct rooms_crowd *c, usec now)
{
    struct wr w = sl_rooms_text(h);
    if (c->viewers != c->room->viewers_n) {
        c->viewers = c->room->viewers_n;
        sl_rooms_say_viewers(&w, c->viewers);
        tell_all(c, &w);
    }
    w = sl_rooms_text(h);
    sl_rooms_say_speakers(&w, c->room, now > SPOKE ? now - SPOKE : 1);
    uint64_t print = sl_siphash(h->hash_key, wr_done(&w));
    if (c->speakers != print && (c->speakers != 0 || sl_tracks_speaker(&c->room->tracks)))
        tell_all(c, &w);
    if (c->speakers != 0 || sl_tracks_speaker(&c->room->tracks))
        c->speakers = print;
}

static void tell_quality(struct rooms_hall *h, struct rooms_session *s)
{
    const struct peer *receives = s->who->receives, *sends = s->who->sends;
    struct wr in = wr_of(h->part, ROOMS_TEXT_CAP / 2), out;
    if (!s->line || (!receives && !sends))
        return;
    if (receives)
        h->conf.explain(h->conf.face_ctx, receives, &in);
    out = wr_of(h->part + in.n, ROOMS_TEXT_CAP / 2);
    if (sends && sends != receives)
        h->conf.explain(h->conf.face_ctx, sends, &out);
    struct wr w = sl_rooms_text(h);
    sl_rooms_say_quality(&w, wr_done(&in), wr_done(&out));
    if (in.n + out.n > 0)
        sl_rooms_send(s, &w);
}

void sl_rooms_news_beat(struct rooms_hall *h, usec now)
{
    bool quality = now >= h->quality;
    map_each (n, &h->crowds) {
        struct rooms_crowd *c = map_entry(n, struct rooms_crowd, by_room);
        tell_beat(h, c, now);
        list_each (struct rooms_session, s, &c->sessions, by_crowd)
            if (quality && h->conf.explain)
                tell_quality(h, s);
    }
    h->beat = now + ROOMS_BEAT;
    if (quality)
        h->quality = now + ROOMS_QUALITY;
}
