#include "api/rtcd_calls.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/utf8.h"

enum { MESSAGE_MAX = 1 << 20 };

struct rtcd_call {
    struct list by_group;
    struct list sessions;
    char id[RTCD_ID_MAX + 1];
};

struct rtcd_calls {
    struct rtcd_calls_conf conf;
    struct rtcd_groups groups;
    struct map sessions;
    struct timers timers;
    struct rtcd_calls_stats stats;
    uint8_t out[MESSAGE_MAX]; /* the message being written */
};

struct rtcd_calls *sl_rtcd_calls_new(const struct rtcd_calls_conf *conf)
{
    uint64_t seed[2];
    struct rtcd_calls *c = malloc(sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, offsetof(struct rtcd_calls, out));
    c->conf = *conf;
    conf->random.fill(conf->random.ctx, seed, sizeof seed);
    c->groups = (struct rtcd_groups){
        .tallies = conf->tallies, .ctx = conf->ctx, .send = conf->send};
    sl_map_init(&c->groups.by_client, seed);
    sl_map_init(&c->sessions, seed);
    return c;
}

const struct rtcd_calls_stats *sl_rtcd_calls_stats(const struct rtcd_calls *c)
{
    return &c->stats;
}

/* ---- whose they are ---- */

struct span sl_rtcd_calls_client(const struct rtcd_session *s)
{
    return rtcd_group_name(s->group);
}

struct span sl_rtcd_calls_call(const struct rtcd_session *s)
{
    return span_of(s->call->id);
}

/* ---- telling ---- */

void sl_rtcd_calls_tell(struct rtcd_calls *c, struct rtcd_session *s, enum rtcd_rtc type,
                        struct span data)
{
    struct wr w = wr_of(c->out, sizeof c->out);
    const struct rtcd_rtc_msg m = {.group = rtcd_group_name(s->group),
                                   .user = span_of(s->user),
                                   .session = span_of(s->id),
                                   .call = span_of(s->call->id),
                                   .type = type,
                                   .data = data};
    bool vad = type == RTCD_RTC_VOICE_ON || type == RTCD_RTC_VOICE_OFF;
    s->tally->messages[RTCD_OUT][vad ? RTCD_MSG_VAD : RTCD_MSG_RTC]++;
    sl_rtcd_msg_write_rtc(&w, &m);
    if (!w.bad && sl_rtcd_group_deliver(&c->groups, s->group, s->route, wr_done(&w)))
        return;
    c->stats.lost++;
    LOG(c->conf.log, LOG_WARN, "rtcd message lost",
        KV_SPAN("clientID", rtcd_group_name(s->group)), KV_STR("sessionID", s->id),
        KV_UINT("type", type));
}

/* ---- sessions ---- */

static struct rtcd_session *session_find(const struct rtcd_calls *c, struct span client,
                                         struct span id)
{
    uint8_t key[512];
    struct wr w = wr_of(key, sizeof key);
    wr_span(&w, client);
    wr_u8(&w, 0);
    wr_span(&w, id);
    struct map_node *n = w.bad ? NULL : sl_map_get(&c->sessions, wr_done(&w));
    return n ? map_entry(n, struct rtcd_session, by_id) : NULL;
}

static struct rtcd_call *call_find(const struct rtcd_group *g, struct span id)
{
    list_each (struct rtcd_call, call, &g->calls, by_group)
        if (span_is(id, call->id))
            return call;
    return NULL;
}

static struct rtcd_call *call_open(struct rtcd_calls *c, struct rtcd_group *g,
                                   struct span id)
{
    struct rtcd_call *call = call_find(g, id);
    if (call)
        return call;
    call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    memcpy(call->id, id.p, id.n);
    list_init(&call->sessions);
    list_add(&g->calls, &call->by_group);
    c->stats.calls++;
    return call;
}

static void call_close_if_empty(struct rtcd_calls *c, struct rtcd_call *call)
{
    if (!list_empty(&call->sessions))
        return;
    list_del(&call->by_group);
    free(call);
    c->stats.calls--;
}

/* A text that may stand in JSON, logs and the maps here. */
static bool is_id(struct span s)
{
    return s.n > 0 && s.n <= RTCD_ID_MAX && !memchr(s.p, '\0', s.n) && sl_utf8_valid(s);
}

static void session_free(struct rtcd_calls *c, struct rtcd_session *s)
{
    sl_timer_stop(&c->timers, &s->timer);
    sl_map_del(&c->sessions, &s->by_id);
    list_del(&s->by_call);
    list_del(&s->by_route);
    call_close_if_empty(c, s->call);
    s->tally->sessions--;
    c->stats.sessions--;
    c->stats.ended++;
    free(s);
}

void sl_rtcd_calls_end(struct rtcd_calls *c, struct rtcd_session *s)
{
    struct rtcd_group *g = s->group;
    if (c->conf.media)
        c->conf.media->ended(c->conf.media->ctx, s);
    LOG(c->conf.log, LOG_INFO, "session ended", KV_SPAN("clientID", rtcd_group_name(g)),
        KV_STR("callID", s->call->id), KV_STR("sessionID", s->id));
    if (!sl_rtcd_group_ended(&c->groups, g, s->route, s->id))
        c->stats.lost++;
    session_free(c, s);
    sl_rtcd_group_close_if_empty(&c->groups, g);
}

static enum err session_new(struct rtcd_calls *c, struct rtcd_conn *conn,
                            const struct rtcd_msg *m, usec now)
{
    struct rtcd_group *g = conn->group;
    size_t key_n = g->client_n + 1 + m->session.n;
    struct rtcd_session *s = calloc(1, sizeof *s + key_n);
    struct rtcd_call *call = s ? call_open(c, g, m->call) : NULL;
    enum err e = E_MEMORY;
    if (!call)
        goto no_call;
    struct wr w = wr_of(s->key, key_n);
    wr_span(&w, rtcd_group_name(g));
    wr_u8(&w, 0);
    wr_span(&w, m->session);
    memcpy(s->id, m->session.p, m->session.n);
    memcpy(s->user, m->user.p, m->user.n);
    s->has_channel = is_id(m->channel);
    if (s->has_channel)
        memcpy(s->channel, m->channel.p, m->channel.n);
    s->av1 = m->av1;
    s->dc_signaling = m->dc_signaling;
    s->group = g;
    s->call = call;
    s->route = conn;
    s->tally = g->tally;
    s->joined = now;
    e = sl_timer_set(&c->timers, &s->timer, now + RTCD_OFFER_TIME);
    if (e)
        goto no_timer;
    e = sl_map_put(&c->sessions, wr_done(&w), &s->by_id);
    if (e)
        goto no_place;
    list_add(&call->sessions, &s->by_call);
    list_add(&conn->routed, &s->by_route);
    s->tally->sessions++;
    c->stats.sessions++;
    c->stats.joined++;
    LOG(c->conf.log, LOG_INFO, "session joined", KV_SPAN("clientID", rtcd_group_name(g)),
        KV_STR("callID", call->id), KV_STR("sessionID", s->id));
    return E_OK;

no_place:
    sl_timer_stop(&c->timers, &s->timer);
no_timer:
    call_close_if_empty(c, call);
no_call:
    free(s);
    return e;
}

/* ---- messages ---- */

static void refuse(struct rtcd_calls *c, const struct rtcd_conn *conn,
                   const struct rtcd_msg *m, const char *why)
{
    c->stats.refused++;
    LOG(c->conf.log, LOG_INFO, "rtcd message refused", KV_STR("why", why),
        KV_SPAN("clientID", rtcd_group_name(conn->group)), KV_STR("connID", conn->id),
        KV_SPAN("message", m->name), KV_SPAN("sessionID", m->session));
}

static void join(struct rtcd_calls *c, struct rtcd_conn *conn, const struct rtcd_msg *m,
                 usec now)
{
    if (conn->group->client_n == 0)
        refuse(c, conn, m, "an admin has no calls");
    else if (!is_id(m->call) || !is_id(m->user) || !is_id(m->session))
        refuse(c, conn, m, "no call, user or session");
    else if (session_find(c, rtcd_group_name(conn->group), m->session))
        refuse(c, conn, m, "the session is there already");
    else if (c->stats.sessions >= c->conf.sessions_max)
        refuse(c, conn, m, "too many sessions");
    else if (session_new(c, conn, m, now) != E_OK)
        refuse(c, conn, m, sl_err_text(E_MEMORY));
}

static void rtc(struct rtcd_calls *c, struct rtcd_session *s, const struct rtcd_msg *m,
                usec now)
{
    const struct rtcd_media *media = c->conf.media;
    enum err e =
        media ? media->signal(media->ctx, s, m->rtc, m->data, now) : E_UNSUPPORTED;
    if (m->rtc != RTCD_RTC_SDP || s->offered)
        return;
    if (e) {
        LOG(c->conf.log, LOG_INFO, "first offer refused", KV_STR("sessionID", s->id),
            KV_ERR(e));
        sl_rtcd_calls_end(c, s);
        return;
    }
    s->offered = true;
    sl_timer_stop(&c->timers, &s->timer);
}

static void about_session(struct rtcd_calls *c, struct rtcd_conn *conn,
                          const struct rtcd_msg *m, usec now)
{
    struct rtcd_session *s = session_find(c, rtcd_group_name(conn->group), m->session);
    if (!s && m->type == RTCD_MSG_LEAVE)
        return; /* it is as it should be */
    if (!s) {
        refuse(c, conn, m, "no such session of this client");
        return;
    }
    if (m->type == RTCD_MSG_LEAVE) {
        sl_rtcd_calls_end(c, s);
    } else if (m->type == RTCD_MSG_RECONNECT) {
        list_del(&s->by_route);
        list_add(&conn->routed, &s->by_route);
        s->route = conn;
    } else if (m->rtc == RTCD_RTC_NONE) {
        c->stats.malformed++;
        refuse(c, conn, m, "no such type");
    } else {
        rtc(c, s, m, now);
    }
}

void sl_rtcd_calls_message(struct rtcd_calls *c, struct rtcd_conn *conn,
                           struct span message, usec now)
{
    struct rtcd_msg m = {0};
    enum err e = sl_rtcd_msg_read(message, &m);
    if (e || m.type == RTCD_MSG_UNKNOWN || m.type > RTCD_MSG_RTC) {
        c->stats.malformed++;
        LOG(c->conf.log, LOG_INFO, "no rtcd message", KV_STR("connID", conn->id),
            KV_SPAN("message", m.name), KV_ERR(e));
        return;
    }
    conn->group->tally->messages[RTCD_IN][m.type]++;
    if (m.type == RTCD_MSG_JOIN) {
        join(c, conn, &m, now);
    } else {
        about_session(c, conn, &m, now);
    }
}

/* ---- connections ---- */

enum err sl_rtcd_calls_open(struct rtcd_calls *c, struct span client, void *user,
                            struct rtcd_conn **ret)
{
    struct rtcd_conn *conn = sl_rtcd_conn_new(&c->groups, client, user, &c->conf.random);
    if (!conn)
        return E_MEMORY;
    c->stats.conns++;
    struct wr w = wr_of(c->out, sizeof c->out);
    sl_rtcd_msg_write_hello(&w, client, span_of(conn->id));
    /* One that cannot even take this is closing, which will be told. */
    if (c->conf.send(c->conf.ctx, user, wr_done(&w)) == E_OK)
        sl_rtcd_group_settle(&c->groups, conn);
    *ret = conn;
    return E_OK;
}

void sl_rtcd_calls_closed(struct rtcd_calls *c, struct rtcd_conn *conn)
{
    list_each_safe(struct rtcd_session, s, &conn->routed, by_route)
    {
        list_del(&s->by_route);
        s->route = NULL;
    }
    sl_rtcd_conn_free(&c->groups, conn);
    c->stats.conns--;
}

void sl_rtcd_calls_free(struct rtcd_calls *c)
{
    if (!c)
        return;
    for (struct map_node *n; (n = sl_map_next(&c->sessions, NULL));) {
        struct rtcd_session *s = map_entry(n, struct rtcd_session, by_id);
        if (c->conf.media)
            c->conf.media->ended(c->conf.media->ctx, s);
        session_free(c, s);
    }
    sl_rtcd_groups_fini(&c->groups);
    sl_map_fini(&c->sessions);
    sl_timers_fini(&c->timers);
    free(c);
}

/* ---- what is asked ---- */

static json_t *text_json(const char *text, bool there)
{
    return there ? json_string(text) : json_null();
}

static json_t *truth_json(enum rtcd_truth t)
{
    return t == RTCD_ABSENT ? json_null() : json_boolean(t == RTCD_TRUE);
}

static json_t *session_json(const struct rtcd_session *s)
{
    json_t *props = json_object(), *o = json_object();
    (void)json_object_set_new(props, "av1Support", truth_json(s->av1));
    (void)json_object_set_new(props, "channelID", text_json(s->channel, s->has_channel));
    (void)json_object_set_new(props, "dcSignaling", truth_json(s->dc_signaling));
    (void)json_object_set_new(
        o, "GroupID", json_stringn((const char *)s->group->client, s->group->client_n));
    (void)json_object_set_new(o, "CallID", json_string(s->call->id));
    (void)json_object_set_new(o, "UserID", json_string(s->user));
    (void)json_object_set_new(o, "SessionID", json_string(s->id));
    (void)json_object_set_new(o, "Props", props);
    return o;
}

static enum err put_json(struct wr *w, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) {
        wr_str(w, text);
        wr_u8(w, '\n');
    }
    free(text);
    json_decref(json);
    return !text ? E_MEMORY : w->bad ? E_FULL : E_OK;
}

enum err sl_rtcd_calls_json(const struct rtcd_calls *c, struct span client,
                            struct span call, struct span session, struct wr *json,
                            const char **missing)
{
    const struct rtcd_group *g = sl_rtcd_group_find(&c->groups, client);
    if (!g || list_empty(&g->calls)) {
        *missing = "group";
        return E_ABSENT;
    }
    const struct rtcd_call *at = call_find(g, call);
    if (!at) {
        *missing = "call";
        return E_ABSENT;
    }
    json_t *all = session.p ? NULL : json_array();
    list_each (struct rtcd_session, s, &at->sessions, by_call) {
        if (session.p && span_is(session, s->id))
            return put_json(json, session_json(s));
        if (!session.p)
            (void)json_array_append_new(all, session_json(s));
    }
    if (!session.p)
        return put_json(json, all);
    *missing = "session";
    return E_ABSENT;
}

/* ---- time ---- */

usec sl_rtcd_calls_deadline(const struct rtcd_calls *c)
{
    return sl_timers_deadline(&c->timers);
}

void sl_rtcd_calls_tick(struct rtcd_calls *c, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&c->timers, now));) {
        c->stats.no_offer++;
        sl_rtcd_calls_end(c, list_entry(t, struct rtcd_session, timer));
    }
}
