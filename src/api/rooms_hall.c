#include <stdlib.h>

#include "api/codes.h"
#include "api/roomjson.h"
#include "api/rooms_session.h"

enum { COST = SEC(1) / ROOMS_PER_S };

/* ---- messages ---- */

struct wr sl_rooms_text(struct rooms_hall *h)
{
    return wr_of(h->text, ROOMS_TEXT_CAP);
}

static void say(struct rooms_line *l, const struct wr *w)
{
    if (w->bad)
        LOG(l->hall->conf.log, LOG_ERROR, "message too long");
    else if (!l->closing)
        l->hall->conf.send(l->hall->conf.ctx, l->socket, wr_done(w));
}

void sl_rooms_send(struct rooms_session *s, const struct wr *w)
{
    if (s->line)
        say(s->line, w);
}

static void refuse(struct rooms_line *l, rooms_id id, const char *code,
                   const char *detail)
{
    struct wr w = sl_rooms_text(l->hall);
    l->hall->stats.refused++;
    sl_rooms_say_error(&w, id, code, span_of(detail ? detail : ""));
    say(l, &w);
}

void sl_rooms_refuse(struct rooms_session *s, const char *code, const char *detail)
{
    if (s->line)
        refuse(s->line, ROOMS_NO_ID, code, detail);
    else
        s->hall->stats.refused++;
}

void sl_rooms_close_line(struct rooms_line *l, rooms_id id, unsigned code,
                         const char *name, const char *detail)
{
    struct wr w = sl_rooms_text(l->hall);
    if (l->closing)
        return;
    sl_rooms_say_closed(&w, id, name, span_of(detail));
    say(l, &w);
    l->closing = true;
    l->hall->conf.close(l->hall->conf.ctx, l->socket, code, name);
}

/* ---- sessions ---- */

static struct span id_key(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

struct rooms_crowd *sl_rooms_crowd(const struct rooms_hall *h, uint64_t room)
{
    struct map_node *n = sl_map_get(&h->crowds, id_key(&room));
    return n ? map_entry(n, struct rooms_crowd, by_room) : NULL;
}

static enum err enter_crowd(struct rooms_session *s, usec now)
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

static void forget_token(struct rooms_session *s, struct rooms_token *t)
{
    if (t->by_text.key.n > 0)
        sl_map_del(&s->hall->by_resume, &t->by_text);
    t->by_text.key.n = 0;
}

/* Whoever it was is in no room any more. */
static void end_session(struct rooms_session *s)
{
    if (s->line)
        s->line->session = NULL;
    if (s->hall->asks == s)
        s->hall->asks = NULL;
    leave_crowd(s);
    sl_timer_stop(&s->hall->losts, &s->lost);
    forget_token(s, &s->resume);
    forget_token(s, &s->former);
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
    end_session(s);
}

static const struct participant_events participant_events = {left};

struct rooms_session *sl_rooms_session_of(const struct participant *who)
{
    return who->events == &participant_events ? who->ctx : NULL;
}

void sl_rooms_session_leave(struct rooms_session *s, rooms_id id)
{
    if (s->line)
        sl_rooms_close_line(s->line, id, ROOMS_CLOSE_LEFT, "left", "");
    sl_participant_leave(s->hall->conf.rooms, s->who, MEDIA_GONE_LEFT, "");
    end_session(s);
}

/* ---- joining ---- */

/* False: there is more in the room than one message holds, and it has left. */
static bool tell_joined(struct rooms_session *s, rooms_id id, bool resumed)
{
    struct rooms_hall *h = s->hall;
    struct turn_credentials turn;
    uint64_t who = s->who->room->id ^ (uint64_t)s->who->since;
    const struct rooms_joined j = {
        .who = s->who,
        .resume = s->resume.text,
        .resumed = resumed,
        .ice = h->conf.ice,
        .ice_n = h->conf.ice_n,
        .turn =
            h->conf.turn && h->conf.turn(h->conf.face_ctx, who, &turn) ? &turn : NULL};
    struct wr w = sl_rooms_text(h);
    sl_rooms_say_joined(&w, id, &j);
    sl_rooms_send(s, &w);
    if (!w.bad)
        return true;
    refuse(s->line, id, "full", "room");
    sl_rooms_session_leave(s, ROOMS_NO_ID);
    return false;
}

static enum err keep_token(struct rooms_session *s, struct rooms_token *t)
{
    t->session = s;
    return sl_map_put(&s->hall->by_resume, span_of(t->text), &t->by_text);
}

/* In the place of one that nobody has used. */
static enum err new_token(struct rooms_session *s)
{
    forget_token(s, &s->resume);
    sl_chance_hex(&s->hall->conf.random, s->resume.text, sizeof s->resume.text - 1);
    return keep_token(s, &s->resume);
}

/* Whoever used it may lose his line again before he has heard of the next. */
static enum err renew_token(struct rooms_session *s, const struct rooms_token *used)
{
    if (used == &s->former)
        return new_token(s);
    forget_token(s, &s->former);
    forget_token(s, &s->resume);
    memcpy(s->former.text, s->resume.text, sizeof s->former.text);
    enum err e = keep_token(s, &s->former);
    return e ? e : new_token(s);
}

static void attach(struct rooms_session *s, struct rooms_line *l)
{
    l->session = s;
    s->line = l;
    sl_timer_stop(&l->hall->joins, &l->join);
    l->hall->stats.waiting--;
}

/* NULL: it may come in. */
static const char *why_not(struct rooms_line *l, const struct rooms_msg *m, usec now,
                           struct claims *claims)
{
    struct rooms_hall *h = l->hall;
    struct span token = m->token.n > 0 ? m->token : span_of(l->token);
    if (m->v != 1)
        return "version";
    if (h->draining)
        return "draining";
    if (sl_limit_take(h->conf.joins, &l->from, now) > 0)
        return "too_many";
    enum err e = h->conf.verify(h->conf.face_ctx, token, claims);
    if (e)
        return e == E_ABSENT  ? "token_missing"
               : e == E_LATE  ? "token_expired"
               : e == E_EARLY ? "token_early"
                              : "token_invalid";
    if (!sl_claims_permit(claims, MAY_PUBLISH, span_of(l->room)) &&
        !sl_claims_permit(claims, MAY_WATCH, span_of(l->room)))
        return "forbidden";
    return NULL;
}

static const char *admit(struct rooms_session *s, const struct rooms_line *l,
                         const struct rooms_msg *m, const struct claims *c, usec now)
{
    enum role role;
    if (!sl_role_claimed(c, &role))
        return "token_invalid";
    const struct admission a = {.tenant = span_of(c->tenant),
                                .room = span_of(l->room),
                                .id = span_of(c->id),
                                .name = c->name[0] ? span_of(c->name) : m->name,
                                .metadata = m->metadata,
                                .role = role,
                                .may = c->may,
                                .sources = c->sources,
                                .token = c->token,
                                .jti = c->jti,
                                .max_bps = c->max_bps,
                                .create = m->create,
                                .first_host = s->hall->conf.open,
                                .heirs = s->hall->conf.open,
                                .events = &participant_events,
                                .ctx = s};
    return sl_codes_entry(sl_participant_admit(s->hall->conf.rooms, &a, now, &s->who));
}

static void join(struct rooms_line *l, const struct rooms_msg *m, rooms_id id, usec now)
{
    struct rooms_hall *h = l->hall;
    struct claims claims = {0};
    const char *code = why_not(l, m, now, &claims);
    struct rooms_session *s = code ? NULL : calloc(1, sizeof *s);
    if (!code && !s)
        code = "internal";
    if (code) {
        refuse(l, id, code, NULL);
        return;
    }
    *s = (struct rooms_session){.hall = h, .one = m->connections == 1};
    list_init(&s->by_crowd);
    sl_rooms_data_init(&s->data);
    h->stats.sessions++;
    code = admit(s, l, m, &claims, now);
    const char *detail = NULL;
    if (!code && (new_token(s) != E_OK || enter_crowd(s, now) != E_OK))
        code = "internal";
    else if (!code && !sl_rooms_texts(s, (struct span){0}, (struct span){0})) {
        code = "full";
        detail = "metadata";
    }
    if (code) {
        if (s->who)
            sl_participant_leave(h->conf.rooms, s->who, MEDIA_GONE_LEFT, "");
        end_session(s);
        refuse(l, id, code, detail);
        return;
    }
    h->stats.joined++;
    attach(s, l);
    if (tell_joined(s, id, false))
        sl_rooms_media_begin(s, now);
}

/* One more of what costs so much, and of which so many may come at once. at: when all is paid for. */
static bool pay(usec *at, usec cost, unsigned burst, usec now)
{
    usec from = *at > now ? *at : now;
    if (from + cost > now + cost * burst)
        return false;
    *at = from + cost;
    return true;
}

/* NULL: it may be. */
static const char *why_not_resume(const struct rooms_line *l, const struct rooms_msg *m,
                                  struct rooms_session *s, usec now)
{
    if (m->v != 1)
        return "version";
    if (!s || !span_is(sl_room_name(s->who->room), l->room))
        return "resume";
    return pay(&s->resumes_at, SEC(1), ROOMS_RESUMES, now) ? NULL : "too_many";
}

static void resume(struct rooms_line *l, const struct rooms_msg *m, rooms_id id, usec now)
{
    struct rooms_hall *h = l->hall;
    struct map_node *n = sl_map_get(&h->by_resume, m->resume);
    struct rooms_token *t = n ? map_entry(n, struct rooms_token, by_text) : NULL;
    struct rooms_session *s = t ? t->session : NULL;
    const char *code = why_not_resume(l, m, s, now);
    if (!code && renew_token(s, t) != E_OK)
        code = "resume";
    if (code) {
        refuse(l, id, code, NULL);
        return;
    }
    if (s->line) {
        sl_rooms_close_line(s->line, ROOMS_NO_ID, ROOMS_CLOSE_REPLACED, "replaced", "");
        s->line->session = NULL;
    }
    sl_timer_stop(&h->losts, &s->lost);
    h->stats.resumed++;
    attach(s, l);
    if (tell_joined(s, id, true))
        sl_rooms_media_again(s);
}

/* ---- lines ---- */

static void take(struct rooms_line *l, const struct rooms_msg *m, rooms_id id, usec now)
{
    if (!l->session && m->type == ROOMS_ASK_JOIN) {
        join(l, m, id, now);
    } else if (!l->session && m->type == ROOMS_ASK_RESUME) {
        resume(l, m, id, now);
    } else if (!l->session) {
        refuse(l, id, "not_joined", NULL);
    } else {
        forget_token(l->session, &l->session->former);
        l->hall->asks = l->session;
        struct rooms_outcome o = sl_rooms_do(l->session, m, id, now);
        l->hall->asks = NULL;
        struct wr w = sl_rooms_text(l->hall);
        if (o.code)
            refuse(l, id, o.code, o.detail);
        else if (!o.silent && id >= 0)
            sl_rooms_say_done(&w, "done", id);
        if (w.n > 0)
            say(l, &w);
    }
}

void sl_rooms_hall_message(struct rooms_line *l, struct span text, usec now)
{
    struct rooms_msg m;
    if (l->closing)
        return;
    if (!pay(&l->quiet_at, COST, ROOMS_BURST, now)) {
        l->hall->stats.flooded++;
        sl_rooms_close_line(l, ROOMS_NO_ID, ROOMS_CLOSE_FLOOD, "flood", "");
        return;
    }
    enum err e = sl_rooms_msg_read(text, &m);
    rooms_id id = m.has_id ? m.id : ROOMS_NO_ID;
    if (e == E_OK) {
        take(l, &m, id, now);
    } else {
        l->hall->stats.malformed++;
        refuse(l, id,
               e == E_UNSUPPORTED ? "type"
               : e == E_FULL      ? "too_large"
                                  : "malformed",
               m.fault);
    }
    sl_rooms_msg_fini(&m);
}

/* It has waited too long, by the clock or since others come. */
static void time_out(struct timer *join)
{
    struct rooms_line *l = list_entry(join, struct rooms_line, join);
    l->hall->stats.waiting--;
    l->hall->stats.timed_out++;
    sl_rooms_close_line(l, ROOMS_NO_ID, ROOMS_CLOSE_TIMEOUT, "timeout", "");
}

enum err sl_rooms_hall_open(struct rooms_hall *h, struct span room, struct span token,
                            const struct addr *from, void *socket, usec now,
                            struct rooms_line **ret)
{
    if (room.n >= NAME_CAP)
        return E_FULL;
    if (h->stats.waiting >= ROOMS_WAITING_MAX)
        time_out(sl_timers_due(&h->joins, USEC_NEVER));
    struct rooms_line *l = calloc(1, sizeof *l);
    if (!l)
        return E_MEMORY;
    *l = (struct rooms_line){.hall = h, .socket = socket, .from = *from};
    memcpy(l->room, room.p, room.n);
    l->token = strndup(token.n > 0 ? (const char *)token.p : "", token.n);
    enum err e =
        l->token ? sl_timer_set(&h->joins, &l->join, now + ROOMS_JOIN_TIME) : E_MEMORY;
    if (e) {
        free(l->token);
        free(l);
        return e;
    }
    list_add(&h->lines, &l->by_hall);
    h->stats.lines++;
    h->stats.waiting++;
    *ret = l;
    return E_OK;
}

bool sl_rooms_hall_joined(const struct rooms_line *l)
{
    return l->session;
}

/* Whoever says goodbye leaves; whoever vanishes may come back. */
static void lose(struct rooms_session *s, unsigned code, usec now)
{
    s->line = NULL;
    if (code == 1000 || code == 1001 ||
        sl_timer_set(&s->hall->losts, &s->lost, now + ROOMS_RESUME) != E_OK)
        sl_rooms_session_leave(s, ROOMS_NO_ID);
}

void sl_rooms_hall_closed(struct rooms_line *l, unsigned code, usec now)
{
    struct rooms_hall *h = l->hall;
    if (l->join.pos > 0) {
        sl_timer_stop(&h->joins, &l->join);
        h->stats.waiting--;
    }
    if (l->session)
        lose(l->session, l->closing ? ROOMS_CLOSE_FLOOD : code, now);
    list_del(&l->by_hall);
    h->stats.lines--;
    free(l->token);
    free(l);
}

/* ---- time ---- */

usec sl_rooms_hall_deadline(const struct rooms_hall *h)
{
    usec joins = sl_timers_deadline(&h->joins), losts = sl_timers_deadline(&h->losts);
    usec first = joins < losts ? joins : losts;
    return first < h->beat ? first : h->beat;
}

void sl_rooms_hall_tick(struct rooms_hall *h, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&h->joins, now));)
        time_out(t);
    for (struct timer *t; (t = sl_timers_due(&h->losts, now));) {
        h->stats.lost++;
        sl_participant_leave(h->conf.rooms,
                             list_entry(t, struct rooms_session, lost)->who,
                             MEDIA_GONE_LOST, "");
    }
    if (now >= h->beat)
        sl_rooms_news_beat(h, now);
}

/* ---- start and end ---- */

struct rooms_hall *sl_rooms_hall_new(const struct rooms_hall_conf *conf)
{
    struct rooms_hall *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    uint64_t seed[2];
    h->conf = *conf;
    h->beat = h->quality = USEC_NEVER;
    list_init(&h->lines);
    conf->random.fill(conf->random.ctx, h->hash_key, sizeof h->hash_key);
    conf->random.fill(conf->random.ctx, seed, sizeof seed);
    sl_map_init(&h->by_resume, seed);
    sl_map_init(&h->crowds, seed);
    h->text = malloc(ROOMS_TEXT_CAP);
    h->part = malloc(ROOMS_TEXT_CAP);
    h->sdp = malloc(NEGOTIATE_ANSWER_MAX);
    h->datas = sl_rooms_datas_new(&h->conf.media);
    if (!h->text || !h->part || !h->sdp || !h->datas) {
        sl_rooms_hall_free(h);
        return NULL;
    }
    return h;
}

void sl_rooms_hall_free(struct rooms_hall *h)
{
    if (!h)
        return;
    for (struct map_node *n; (n = sl_map_next(&h->by_resume, NULL));)
        sl_participant_leave(h->conf.rooms,
                             map_entry(n, struct rooms_token, by_text)->session->who,
                             MEDIA_GONE_SHUTDOWN, "");
    list_each_safe(struct rooms_line, l, &h->lines, by_hall)
    {
        free(l->token);
        free(l);
    }
    sl_timers_fini(&h->joins);
    sl_timers_fini(&h->losts);
    sl_map_fini(&h->by_resume);
    sl_map_fini(&h->crowds);
    sl_rooms_datas_free(h->datas);
    free(h->text);
    free(h->part);
    free(h->sdp);
    free(h);
}

const struct rooms_stats_of_hall *sl_rooms_hall_stats(const struct rooms_hall *h)
{
    return &h->stats;
}

const struct rooms_data_stats *sl_rooms_hall_data_stats(const struct rooms_hall *h)
{
    return sl_rooms_datas_stats(h->datas);
}

void sl_rooms_hall_drain(struct rooms_hall *h, bool draining)
{
    h->draining = draining;
}
