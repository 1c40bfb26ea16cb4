#include <stdlib.h>

#include "api/codes.h"
#include "api/limit.h"
#include "api/rooms_session.h"

/* ---- what a session is taken up by ---- */

static void forget_token(struct rooms_session *s, struct rooms_token *t)
{
    if (t->by_text.key.n > 0)
        sl_map_del(&s->hall->by_resume, &t->by_text);
    t->by_text.key.n = 0;
}

void sl_rooms_entry_forget(struct rooms_session *s)
{
    forget_token(s, &s->resume);
    forget_token(s, &s->former);
}

void sl_rooms_entry_heard(struct rooms_session *s)
{
    forget_token(s, &s->former);
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

/* ---- coming in ---- */

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
    sl_rooms_refuse_line(s->line, id, "full", "room");
    sl_rooms_session_leave(s, ROOMS_NO_ID);
    return false;
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
                                .events = &sl_rooms_participant,
                                .ctx = s};
    return sl_codes_entry(sl_participant_admit(s->hall->conf.rooms, &a, now, &s->who));
}

void sl_rooms_entry_join(struct rooms_line *l, const struct rooms_msg *m, rooms_id id,
                         usec now)
{
    struct rooms_hall *h = l->hall;
    struct claims claims = {0};
    const char *code = why_not(l, m, now, &claims);
    struct rooms_session *s = code ? NULL : calloc(1, sizeof *s);
    if (!code && !s)
        code = "internal";
    if (code) {
        sl_rooms_refuse_line(l, id, code, NULL);
        return;
    }
    *s = (struct rooms_session){.hall = h, .one = m->connections == 1};
    list_init(&s->by_crowd);
    sl_rooms_data_init(&s->data);
    h->stats.sessions++;
    code = admit(s, l, m, &claims, now);
    const char *detail = NULL;
    if (!code && (new_token(s) != E_OK || sl_rooms_crowd_enter(s, now) != E_OK))
        code = "internal";
    else if (!code && !sl_rooms_texts(s, (struct span){0}, (struct span){0})) {
        code = "full";
        detail = "metadata";
    }
    if (code) {
        if (s->who)
            sl_participant_leave(h->conf.rooms, s->who, MEDIA_GONE_LEFT, "");
        sl_rooms_session_end(s);
        sl_rooms_refuse_line(l, id, code, detail);
        return;
    }
    h->stats.joined++;
    attach(s, l);
    if (tell_joined(s, id, false))
        sl_rooms_media_begin(s, now);
}

/* NULL: it may be. */
static const char *why_not_resume(const struct rooms_line *l, const struct rooms_msg *m,
                                  struct rooms_session *s, usec now)
{
    if (m->v != 1)
        return "version";
    if (!s || !span_is(sl_room_name(s->who->room), l->room))
        return "resume";
    return sl_limit_pay(&s->resumes_at, SEC(1), SEC(ROOMS_RESUMES), now) ? NULL
                                                                         : "too_many";
}

void sl_rooms_entry_resume(struct rooms_line *l, const struct rooms_msg *m, rooms_id id,
                           usec now)
{
    struct rooms_hall *h = l->hall;
    struct map_node *n = sl_map_get(&h->by_resume, m->resume);
    struct rooms_token *t = n ? map_entry(n, struct rooms_token, by_text) : NULL;
    struct rooms_session *s = t ? t->session : NULL;
    const char *code = why_not_resume(l, m, s, now);
    if (!code && renew_token(s, t) != E_OK)
        code = "resume";
    if (code) {
        sl_rooms_refuse_line(l, id, code, NULL);
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
