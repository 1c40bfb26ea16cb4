#include <stdlib.h>

#include "api/limit.h"
#include "api/rooms_session.h"

#define COST (SEC(1) / ROOMS_PER_S)

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

void sl_rooms_refuse_line(struct rooms_line *l, rooms_id id, const char *code,
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
        sl_rooms_refuse_line(s->line, ROOMS_NO_ID, code, detail);
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

/* ---- lines ---- */

static void take(struct rooms_line *l, const struct rooms_msg *m, rooms_id id, usec now)
{
    if (!l->session && m->type == ROOMS_ASK_JOIN) {
        sl_rooms_entry_join(l, m, id, now);
    } else if (!l->session && m->type == ROOMS_ASK_RESUME) {
        sl_rooms_entry_resume(l, m, id, now);
    } else if (!l->session) {
        sl_rooms_refuse_line(l, id, "not_joined", NULL);
    } else {
        sl_rooms_entry_heard(l->session);
        l->hall->asks = l->session;
        struct rooms_outcome o = sl_rooms_do(l->session, m, id, now);
        l->hall->asks = NULL;
        struct wr w = sl_rooms_text(l->hall);
        if (o.code)
            sl_rooms_refuse_line(l, id, o.code, o.detail);
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
    if (!sl_limit_pay(&l->quiet_at, COST, COST * ROOMS_BURST, now)) {
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
        sl_rooms_refuse_line(l, id,
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
