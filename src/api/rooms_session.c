#include "api/rooms_session.h"

#include <stdlib.h>

#include "api/roomjson.h"

/* ---- those of one room ---- */

static struct span id_key(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

struct rooms_crowd *sl_rooms_crowd(const struct rooms_hall *h, uint64_t room)
{
    struct map_node *n = sl_map_get(&h->crowds, id_key(&room));
    return n ? map_entry(n, struct rooms_crowd, by_room) : NULL;
}

enum err sl_rooms_crowd_enter(struct rooms_session *s, usec now)
{
    struct rooms_hall *h = s->hall;
    const struct room *room = s->who->room;
    struct rooms_crowd *c = sl_rooms_crowd(h, room->id);
    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c)
            return E_MEMORY;
        *c = (struct rooms_crowd){
            .id = room->id, .room = room, .viewers = room->viewers_n};
        list_init(&c->sessions);
        enum err e = sl_map_put(&h->crowds, id_key(&c->id), &c->by_room);
        if (e) {
            free(c);
            return e;
        }
    }
    if (h->beat == USEC_NEVER) {
        h->beat = now + ROOMS_BEAT;
        h->quality = now + ROOMS_QUALITY;
    }
    s->crowd = c;
    list_add(&c->sessions, &s->by_crowd);
    return E_OK;
}

static void leave_crowd(struct rooms_session *s)
{
    struct rooms_crowd *c = s->crowd;
    if (!c)
        return;
    list_del(&s->by_crowd);
    c->texts -= s->texts;
    s->crowd = NULL;
    if (!list_empty(&c->sessions))
        return;
    sl_map_del(&s->hall->crowds, &c->by_room);
    free(c);
    if (s->hall->crowds.n == 0)
        s->hall->beat = s->hall->quality = USEC_NEVER;
}

static size_t octets_of(const char *text)
{
    return text ? sl_roomjson_text_n(span_of(text)) : 0;
}

bool sl_rooms_texts(struct rooms_session *s, struct span name, struct span metadata)
{
    const struct participant *who = s->who;
    size_t n = name.p ? sl_roomjson_text_n(name) : octets_of(who->name);
    n += metadata.p ? sl_roomjson_text_n(metadata) : octets_of(who->metadata);
    for (size_t i = 0; s->said && i < s->said->n; i++)
        n += octets_of(s->said->sections[i].name) +
             octets_of(s->said->sections[i].metadata);
    if (n > s->texts &&
        (n > ROOMS_TEXTS_OF_ONE || s->crowd->texts - s->texts + n > ROOMS_TEXTS_MAX))
        return false;
    s->crowd->texts += n - s->texts;
    s->texts = n;
    return true;
}

/* ---- their end ---- */

void sl_rooms_session_end(struct rooms_session *s)
{
    if (s->line)
        s->line->session = NULL;
    if (s->hall->asks == s)
        s->hall->asks = NULL;
    leave_crowd(s);
    sl_timer_stop(&s->hall->losts, &s->lost);
    sl_rooms_entry_forget(s);
    sl_rooms_media_fini(s);
    sl_rooms_data_fini(&s->data);
    s->hall->stats.sessions--;
    free(s);
}

static void left(void *ctx, struct participant *p, enum media_gone why,
                 const char *reason)
{
    static const struct {
        enum media_gone why;
        unsigned code;
        const char *name;
    } codes[] = {{MEDIA_GONE_REMOVED, ROOMS_CLOSE_REMOVED, "removed"},
                 {MEDIA_GONE_ROOM, ROOMS_CLOSE_ROOM, "room_closed"},
                 {MEDIA_GONE_REPLACED, ROOMS_CLOSE_REPLACED, "replaced"},
                 {MEDIA_GONE_MOVED, ROOMS_CLOSE_MOVED, "moved"},
                 {MEDIA_GONE_REVOKED, ROOMS_CLOSE_REVOKED, "revoked"},
                 {MEDIA_GONE_SHUTDOWN, ROOMS_CLOSE_SHUTDOWN, "shutdown"}};
    struct rooms_session *s = ctx;
    (void)p;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (s->line && codes[i].why == why)
            sl_rooms_close_line(s->line, ROOMS_NO_ID, codes[i].code, codes[i].name,
                                reason);
    sl_rooms_session_end(s);
}

const struct participant_events sl_rooms_participant = {left};

struct rooms_session *sl_rooms_session_of(const struct participant *who)
{
    return who->events == &sl_rooms_participant ? who->ctx : NULL;
}

void sl_rooms_session_leave(struct rooms_session *s, rooms_id id)
{
    if (s->line)
        sl_rooms_close_line(s->line, id, ROOMS_CLOSE_LEFT, "left", "");
    sl_participant_leave(s->hall->conf.rooms, s->who, MEDIA_GONE_LEFT, "");
    sl_rooms_session_end(s);
}
