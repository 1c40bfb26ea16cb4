#include <stdio.h>

#include "api/rooms_session.h"

typedef struct rooms_outcome outcome;

static outcome done(void)
{
    return (outcome){0};
}

static outcome refuse(const char *code, const char *detail)
{
    return (outcome){.code = code, .detail = detail};
}

static struct participant *peer_of(const struct rooms_session *s,
                                   const struct rooms_msg *m)
{
    return sl_participant_find(s->who->room, m->peer);
}

static outcome mute(struct rooms_session *s, const struct rooms_msg *m)
{
    bool other = m->peer.p && !span_is(m->peer, s->who->id);
    struct participant *who = other ? peer_of(s, m) : s->who;
    if (other && (!(s->who->can & CAN_MODERATE) || !m->muted))
        return refuse("forbidden", NULL);
    if (!who)
        return refuse("not_found", "peer");
    struct track *t = sl_participant_track(who, m->track);
    if (!t)
        return refuse("not_found", "track");
    sl_rooms_mute(who->sends, t, m->muted);
    if (other)
        sl_rooms_hall_muted(s->hall, who, t, s->who->id);
    return done();
}

static outcome update(struct rooms_session *s, const struct rooms_msg *m)
{
    if (!sl_rooms_texts(s, m->name, m->metadata))
        return refuse("full", "metadata");
    enum err e = sl_participant_update(s->hall->conf.rooms, s->who, m->name, m->metadata);
    return e ? refuse("internal", NULL) : done();
}

static outcome data(struct rooms_session *s, const struct rooms_msg *m)
{
    struct wr w = sl_rooms_text(s->hall);
    struct participant *to[ROOMS_TO_MAX];
    for (size_t i = 0; i < m->to_n; i++) {
        to[i] = sl_participant_find(s->who->room, m->to[i]);
        if (!to[i])
            return refuse("not_found", "peer");
    }
    sl_rooms_say_data(&w, s->who->id, m->text);
    s->told += w.n;
    for (size_t i = 0; i < m->to_n; i++) {
        struct rooms_session *other = sl_rooms_session_of(to[i]);
        if (other)
            sl_rooms_send(other, &w);
    }
    list_each (struct rooms_session, other, &s->crowd->sessions, by_crowd)
        if (m->to_n == 0 && other != s)
            sl_rooms_send(other, &w);
    return done();
}

static outcome remove_peer(struct rooms_session *s, const struct rooms_msg *m)
{
    char reason[257];
    struct participant *who = peer_of(s, m);
    if (!who)
        return refuse("not_found", "peer");
    if (who == s->who)
        return refuse("forbidden", "leave");
    (void)snprintf(reason, sizeof reason, "%.*s", (int)m->reason.n,
                   m->reason.n > 0 ? (const char *)m->reason.p : "");
    sl_participant_leave(s->hall->conf.rooms, who, MEDIA_GONE_REMOVED, reason);
    return done();
}

static outcome set_role(struct rooms_session *s, const struct rooms_msg *m, usec now)
{
    struct participant *who = peer_of(s, m);
    enum role role;
    if (!sl_role_of(m->role, &role))
        return refuse("malformed", "role");
    if (!who)
        return refuse("not_found", "peer");
    if (sl_participant_role(s->hall->conf.rooms, who, role, now) != E_OK)
        return refuse("forbidden", "peer");
    return done();
}

static outcome watchers(struct rooms_session *s, const struct rooms_msg *m, rooms_id id)
{
    const struct room *room = s->who->room;
    const struct participant *after =
        m->after.p ? sl_participant_find(room, m->after) : NULL;
    struct wr w = sl_rooms_text(s->hall);
    if (m->after.p && !after)
        return refuse("not_found", "after");
    sl_rooms_say_watchers(&w, id, room, after, ROOMS_WATCHERS_MAX);
    s->told += w.n;
    sl_rooms_send(s, &w);
    return (outcome){.silent = true};
}

static outcome describe(struct rooms_session *s, const struct rooms_msg *m)
{
    enum err e = sl_rooms_describe(s->hall->conf.rooms, s->who->room, m->metadata);
    return e ? refuse("internal", NULL) : done();
}

static outcome candidate(struct rooms_session *s, const struct rooms_msg *m)
{
    bool receive = span_is(m->of, "receive");
    struct peer *p = receive ? s->who->receives : s->who->sends;
    if (!receive && !span_is(m->of, "send"))
        return refuse("malformed", "of");
    if (p)
        sl_rooms_remote(s->hall->conf.rooms, p, m->candidate);
    return done();
}

/* What each needs; 0: nothing but to have joined. */
static const unsigned needs[ROOMS_ASKS] = {
    [ROOMS_ASK_WANT] = CAN_SUBSCRIBE,    [ROOMS_ASK_SUBSCRIBE] = CAN_SUBSCRIBE,
    [ROOMS_ASK_DATA] = CAN_DATA,         [ROOMS_ASK_REMOVE] = CAN_MODERATE,
    [ROOMS_ASK_ROLE] = CAN_MODERATE,     [ROOMS_ASK_LOCK] = CAN_MODERATE,
    [ROOMS_ASK_ROOM] = CAN_MODERATE,     [ROOMS_ASK_CLOSE] = CAN_MODERATE,
    [ROOMS_ASK_WATCHERS] = CAN_MODERATE,
};

/* Those by which others are told as much as their sender says, or he is told much. */
static const bool tells[ROOMS_ASKS] = {
    [ROOMS_ASK_OFFER] = true, [ROOMS_ASK_MUTE] = true,     [ROOMS_ASK_UPDATE] = true,
    [ROOMS_ASK_DATA] = true,  [ROOMS_ASK_ROLE] = true,     [ROOMS_ASK_LOCK] = true,
    [ROOMS_ASK_ROOM] = true,  [ROOMS_ASK_WATCHERS] = true,
};

static bool may_tell(struct rooms_session *s, usec now)
{
    usec forgotten = (now - s->told_at) * ROOMS_TOLD_PER_S / SEC(1);
    s->told -= forgotten < (usec)s->told ? (size_t)forgotten : s->told;
    s->told_at = now;
    return s->told < ROOMS_TOLD_MAX;
}

struct rooms_outcome sl_rooms_do(struct rooms_session *s, const struct rooms_msg *m,
                                 rooms_id id, usec now)
{
    struct rooms *rooms = s->hall->conf.rooms;
    struct wr w;
    if (needs[m->type] & ~s->who->can)
        return refuse("forbidden", NULL);
    if (tells[m->type] && !may_tell(s, now))
        return refuse("too_many", NULL);
    switch (m->type) {
    case ROOMS_ASK_JOIN:
    case ROOMS_ASK_RESUME: return refuse("joined", NULL);
    case ROOMS_ASK_OFFER: return sl_rooms_media_offer(s, m, id, now);
    case ROOMS_ASK_ANSWER: return sl_rooms_media_answer(s, m, now);
    case ROOMS_ASK_CANDIDATE: return candidate(s, m);
    case ROOMS_ASK_RESTART:
        return span_is(m->of, "receive") ? sl_rooms_media_restart(s, now)
                                         : refuse("malformed", "of");
    case ROOMS_ASK_MUTE: return mute(s, m);
    case ROOMS_ASK_UPDATE: return update(s, m);
    case ROOMS_ASK_WANT: return sl_rooms_media_want(s, m);
    case ROOMS_ASK_SUBSCRIBE: return sl_rooms_media_subscribe(s, m);
    case ROOMS_ASK_DATA: return data(s, m);
    case ROOMS_ASK_REMOVE: return remove_peer(s, m);
    case ROOMS_ASK_ROLE: return set_role(s, m, now);
    case ROOMS_ASK_WATCHERS: return watchers(s, m, id);
    case ROOMS_ASK_LOCK: sl_rooms_lock(rooms, s->who->room, m->locked); return done();
    case ROOMS_ASK_ROOM: return describe(s, m);
    case ROOMS_ASK_CLOSE:
        sl_rooms_close(rooms, s->who->room, "");
        return (outcome){.silent = true};
    case ROOMS_ASK_PING:
        w = sl_rooms_text(s->hall);
        sl_rooms_say_done(&w, "pong", id);
        sl_rooms_send(s, &w);
        return (outcome){.silent = true};
    case ROOMS_ASK_LEAVE: sl_rooms_session_leave(s, id); return (outcome){.silent = true};
    case ROOMS_ASKS: break;
    }
    return refuse("type", NULL);
}
