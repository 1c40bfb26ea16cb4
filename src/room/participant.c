#include "room/participant.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/word.h"

#include "room/pass.h"
#include "room/rooms.h"

enum { MADE_ID_LEN = 10 };

/* ---- what it may send ---- */

bool sl_participant_may_send(const struct participant *p, enum media_kind kind,
                             const char *source)
{
    struct span rest = span_of(p->sources), word;
    const char *known;
    enum media_kind of = kind;
    if (!(p->can & CAN_PUBLISH) ||
        (sl_track_source(span_of(source), &known, &of) && of != kind))
        return false;
    if (rest.n == 0)
        return true;
    while ((word = word_next(&rest)).n > 0)
        if (span_is(word, source) ||
            span_is(word, kind == MEDIA_VIDEO ? "video" : "audio"))
            return true;
    return false;
}

const char *sl_participant_source(const struct participant *p, enum media_kind kind,
                                  const char *said)
{
    const char *plain = kind == MEDIA_VIDEO ? "camera" : "microphone", *known;
    enum media_kind of = kind;
    if (!said[0] || (sl_track_source(span_of(said), &known, &of) && of != kind))
        said = plain;
    return sl_participant_may_send(p, kind, said) ? said : "";
}

/* ---- what is told ---- */

static void tell(struct rooms *r, enum news_kind kind, const struct participant *p,
                 enum media_gone why, const char *reason)
{
    sl_rooms_tell(
        r, &(struct news){
               .kind = kind, .room = p->room, .who = p, .why = why, .reason = reason});
}

/* Others are told of it; or it is one of a number, from now on. */
static void show(struct rooms *r, struct participant *p)
{
    p->listed = p->role != ROLE_VIEWER;
    if (!p->listed)
        p->room->viewers_n++;
    tell(r, p->listed ? NEWS_JOINED : NEWS_VIEWERS, p, MEDIA_GONES, "");
}

static void hide(struct rooms *r, struct participant *p, enum media_gone why,
                 const char *reason)
{
    if (!p->listed)
        p->room->viewers_n--;
    tell(r, p->listed ? NEWS_LEFT : NEWS_VIEWERS, p, why, reason);
    p->listed = false;
}

/* ---- coming ---- */

static char *text_of(struct span s)
{
    char *text = malloc(s.n + 1);
    if (!text)
        return NULL;
    if (s.n > 0)
        memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return text;
}

void sl_participant_discard(struct participant *p)
{
    if (!p)
        return;
    list_del(&p->by_room);
    free(p->name);
    free(p->metadata);
    free(p);
}

struct participant *sl_participant_make(struct rooms *r, struct room *room,
                                        const struct admission *a, usec now)
{
    struct participant *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    list_init(&p->by_room);
    p->room = room;
    p->since = now;
    p->name = text_of(a->name);
    p->metadata = text_of(a->metadata);
    if (!p->name || !p->metadata) {
        sl_participant_discard(p);
        return NULL;
    }
    if (a->id.n > 0)
        memcpy(p->id, a->id.p, a->id.n);
    else
        sl_chance_hex(&r->maker.random, p->id, MADE_ID_LEN);
    p->role = a->role;
    p->may = a->may;
    p->can = sl_role_can(p->role, p->may);
    (void)snprintf(p->sources, sizeof p->sources, "%s", a->sources ? a->sources : "");
    p->max_bps = a->max_bps;
    p->token = a->token;
    (void)snprintf(p->jti, sizeof p->jti, "%s", a->jti ? a->jti : "");
    p->events = a->events;
    p->ctx = a->ctx;
    return p;
}

/* Somebody whose name was vouched for publishes under it, or may. */
static bool is_owned(const struct room *room, const char *stream)
{
    list_each (struct participant, p, &room->participants, by_room)
        if (!p->self_named && (strcmp(p->id, stream) == 0 ||
                               (p->sends && strcmp(p->sends->stream, stream) == 0)))
            return true;
    return false;
}

bool sl_participant_owns(const struct claims *by, struct span stream)
{
    return by && by->id[0] && span_is(stream, by->id);
}

bool sl_participant_stands(const struct peer *p)
{
    return !p->guest || !p->guest->self_named || !is_owned(p->room, p->stream);
}

enum err sl_participant_expect(struct rooms *r, struct peer *p, struct room *room,
                               const struct claims *by, usec now)
{
    static const struct claims anybody = {.may = MAY_PUBLISH | MAY_WATCH};
    const struct claims *c = by ? by : &anybody;
    struct admission a = {.id = span_of(p->stream),
                          .name = span_of(c->name[0] ? c->name : p->stream),
                          .may = c->may,
                          .sources = c->sources,
                          .max_bps = c->max_bps};
    bool vouched = c->id[0] != '\0';
    if ((vouched && strcmp(c->id, p->stream) != 0) || !sl_role_claimed(c, &a.role))
        return E_AUTH;
    if (!vouched && is_owned(room, p->stream))
        return E_EXISTS;
    p->guest = sl_participant_make(r, room, &a, now);
    if (!p->guest)
        return E_MEMORY;
    p->guest->self_named = !vouched;
    for (size_t i = 0; i < p->tracks_n; i++)
        if (!sl_participant_may_send(p->guest, p->tracks[i]->params.kind,
                                     p->tracks[i]->source))
            return E_AUTH;
    return E_OK;
}

static bool fits(struct span name, struct span metadata)
{
    return name.n <= LABEL_MAX && metadata.n <= METADATA_MAX;
}

/* Whoever else is there came by no signalling that could tell him that he is a host. */
static bool has_members(const struct room *room)
{
    list_each (struct participant, p, &room->participants, by_room)
        if (p->events)
            return true;
    return false;
}

static bool is_first_host(const struct room *room, const struct admission *a)
{
    return a->first_host && !(room && has_members(room));
}

static enum err may_come(struct rooms *r, const struct admission *a,
                         const struct room *room, const struct participant *before)
{
    bool again = before && before->events;
    enum err e = sl_rooms_check(r, a->tenant, a->room, room, again);
    if (e)
        return e;
    if ((a->id.n > 0 && !sl_name_valid(a->id)) || !fits(a->name, a->metadata))
        return E_DENIED;
    if (room && room->locked && a->role != ROLE_HOST && !is_first_host(room, a) && !again)
        return E_STATE;
    if (!room && (!a->create || (r->conf.hosts_create && a->role != ROLE_HOST)))
        return E_ABSENT;
    return E_OK;
}

static struct participant *same_as(const struct room *room, const struct admission *a)
{
    return room && a->id.n > 0 ? sl_participant_find(room, a->id) : NULL;
}

enum err sl_participant_check(struct rooms *r, const struct admission *a)
{
    const struct room *room = sl_rooms_find(r, a->tenant, a->room);
    return may_come(r, a, room, same_as(room, a));
}

/* Where nobody else could say who is a host, whoever is there for longest follows the last one. */
static void pass_on(struct rooms *r, struct room *room)
{
    struct participant *next = NULL;
    if (!room->heirs)
        return;
    list_each (struct participant, p, &room->participants, by_room) {
        if (p->events && p->role == ROLE_HOST)
            return;
        if (!next && p->events && p->listed)
            next = p;
    }
    if (!next)
        return;
    next->role = ROLE_HOST;
    next->can = sl_role_can(next->role, next->may);
    tell(r, NEWS_UPDATED, next, MEDIA_GONES, "");
}

enum err sl_participant_admit(struct rooms *r, const struct admission *a, usec now,
                              struct participant **ret)
{
    struct room *room = sl_rooms_find(r, a->tenant, a->room);
    struct participant *before = same_as(room, a);
    bool again = before && before->events, usurped = before && before->self_named;
    struct admission in = *a;
    if (is_first_host(room, a))
        in.role = ROLE_HOST;
    enum err e = may_come(r, a, room, before);
    if (!e && !room)
        e = sl_rooms_open(r, a->tenant, a->room, &room);
    if (e)
        return e;
    sl_rooms_count(r, room);
    room->heirs |= a->heirs;
    if (before && !again && !usurped)
        in.id = (struct span){0};
    struct participant *p = sl_participant_make(r, room, &in, now);
    if (!p) {
        sl_rooms_uncount(r, room);
        return E_MEMORY;
    }
    if (again || usurped)
        sl_participant_leave(r, before, MEDIA_GONE_REPLACED, "");
    list_add(&room->participants, &p->by_room);
    show(r, p);
    if (again || usurped)
        pass_on(r, room);
    *ret = p;
    return E_OK;
}

/* By such a connection alone: what is said to it goes nowhere, and it may see nothing. */
static unsigned can_by(const struct peer *p, unsigned can)
{
    bool sees = p->member || p->view.n > 0;
    return can & ~(unsigned)(sees ? CAN_DATA : CAN_DATA | CAN_SUBSCRIBE);
}

/* Who comes later may be somebody whose name it is, and who may do something else. */
void sl_participant_follow(struct rooms *r, struct peer *p, struct peer *before)
{
    struct participant *who = before->who, *guest = p->guest;
    p->who = who;
    who->sends = p;
    if (p->view.n > 0)
        who->receives = p;
    if (!guest)
        return;
    char *name = who->name;
    bool told = strcmp(name, guest->name) == 0 && who->role == guest->role;
    who->name = guest->name;
    guest->name = name;
    who->role = guest->role;
    who->may = guest->may;
    who->can = can_by(p, guest->can);
    memcpy(who->sources, guest->sources, sizeof who->sources);
    who->max_bps = guest->max_bps;
    who->self_named = guest->self_named;
    if (!told)
        tell(r, NEWS_UPDATED, who, MEDIA_GONES, "");
}

void sl_participant_begin(struct rooms *r, struct peer *p, usec now)
{
    if (p->who || p->kind == PEER_VIEWER)
        return;
    struct span id = span_of(p->stream);
    bool taken = id.n == 0 || sl_participant_find(p->room, id);
    const struct admission plain = {.id = taken ? (struct span){0} : id,
                                    .name = id,
                                    .role = ROLE_PARTICIPANT,
                                    .may = MAY_PUBLISH | MAY_WATCH};
    struct participant *who =
        p->guest ? p->guest : sl_participant_make(r, p->room, &plain, now);
    if (!who)
        return;
    if (p->guest && taken)
        sl_chance_hex(&r->maker.random, who->id, MADE_ID_LEN);
    p->guest = NULL;
    who->since = now;
    who->can = can_by(p, who->can);
    who->sends = p;
    who->receives = p->member || p->view.n > 0 ? p : NULL;
    p->who = who;
    list_add(&p->room->participants, &who->by_room);
    show(r, who);
}

/* ---- going ---- */

void sl_participant_end(struct rooms *r, struct peer *p, enum media_gone why)
{
    struct participant *who = p->who;
    p->who = NULL;
    if (!who)
        return;
    if (who->sends == p)
        who->sends = NULL;
    if (who->receives == p)
        who->receives = NULL;
    if (who->events || who->sends || who->receives)
        return; /* it stays, by its signalling or by what replaced this */
    hide(r, who, why, "");
    sl_participant_discard(who);
}

void sl_participant_leave(struct rooms *r, struct participant *p, enum media_gone why,
                          const char *reason)
{
    struct room *room = p->room;
    if (why == MEDIA_GONE_REMOVED)
        (void)sl_pass_revoke_all(r, room, span_of(p->id), false);
    if (!p->events) {
        sl_rooms_leave(r, p->sends ? p->sends : p->receives, why);
        return;
    }
    if (p->sends)
        sl_rooms_leave(r, p->sends, MEDIA_GONE_LEFT);
    if (p->receives)
        sl_rooms_leave(r, p->receives, MEDIA_GONE_LEFT);
    hide(r, p, why, reason);
    list_del(&p->by_room);
    if (why != MEDIA_GONE_LEFT)
        p->events->left(p->ctx, p, why, reason);
    bool host = p->role == ROLE_HOST;
    sl_participant_discard(p);
    if (host && why != MEDIA_GONE_ROOM && why != MEDIA_GONE_SHUTDOWN &&
        why != MEDIA_GONE_REPLACED)
        pass_on(r, room);
    sl_rooms_uncount(r, room);
}

/* ---- what changes ---- */

struct participant *sl_participant_find(const struct room *room, struct span id)
{
    list_each (struct participant, p, &room->participants, by_room)
        if (span_is(id, p->id))
            return p;
    return NULL;
}

struct track *sl_participant_track(const struct participant *p, struct span id)
{
    char text[TRACK_ID_CAP];
    for (size_t i = 0; p->sends && i < p->sends->tracks_n; i++) {
        sl_track_id(p->sends->tracks[i], text);
        if (span_is(id, text))
            return p->sends->tracks[i];
    }
    return NULL;
}

static enum err replace(char **text, struct span with)
{
    if (!with.p)
        return E_OK;
    char *copy = text_of(with);
    if (!copy)
        return E_MEMORY;
    free(*text);
    *text = copy;
    return E_OK;
}

enum err sl_participant_update(struct rooms *r, struct participant *p, struct span name,
                               struct span metadata)
{
    if (!fits(name, metadata))
        return E_DENIED;
    enum err e = replace(&p->name, name);
    e = e ? e : replace(&p->metadata, metadata);
    if (!e)
        tell(r, NEWS_UPDATED, p, MEDIA_GONES, "");
    return e;
}

/* Each track is asked for its name again. */
static void rename_tracks(struct participant *p, usec now)
{
    struct peer *peer = p->sends;
    for (size_t i = 0; peer && peer->member && i < peer->tracks_n; i++) {
        struct member *m = peer->member;
        struct track *t = peer->tracks[i];
        char source[SOURCE_CAP];
        (void)snprintf(source, sizeof source, "%s",
                       p->can & CAN_PUBLISH ? m->events->source(m->ctx, peer, t) : "");
        if (strcmp(source, t->source) != 0)
            sl_rooms_name(peer, t, source, now);
    }
}

enum err sl_participant_role(struct rooms *r, struct participant *p, enum role role,
                             usec now)
{
    bool listed = role != ROLE_VIEWER;
    if (!p->events)
        return E_UNSUPPORTED;
    p->role = role;
    p->can = sl_role_can(role, p->may);
    if (!listed)
        rename_tracks(p, now); /* end before it goes */
    if (p->listed != listed) {
        if (p->listed)
            hide(r, p, MEDIA_GONE_ROLE, "");
        else
            p->room->viewers_n--;
        show(r, p);
    }
    if (listed)
        rename_tracks(p, now);
    tell(r, NEWS_UPDATED, p, MEDIA_GONES, "");
    return E_OK;
}

/* ---- tokens ---- */

static struct participant *admitted_by(struct rooms *r, uint64_t token)
{
    for (struct room *room = NULL; (room = sl_rooms_next_room(r, room));)
        list_each (struct participant, p, &room->participants, by_room)
            if (p->token == token)
                return p;
    return NULL;
}

static struct peer *joined_by(struct rooms *r, uint64_t token)
{
    map_each (n, &r->by_key) {
        struct peer *p = map_entry(n, struct peer, by_key);
        if (p->token == token)
            return p;
    }
    return NULL;
}

size_t sl_participants_revoke(struct rooms *r, uint64_t token)
{
    size_t n = 0;
    struct participant *p;
    struct peer *peer;
    if (token == 0)
        return 0;
    for (; (p = admitted_by(r, token)); n++)
        sl_participant_leave(r, p, MEDIA_GONE_REVOKED, "");
    for (; (peer = joined_by(r, token)); n++)
        sl_rooms_leave(r, peer, MEDIA_GONE_REVOKED);
    return n;
}
