#include "api/rtcd.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"

#include "api/rtcd_job.h"
#include "api/rtcd_path.h"
#include "net/ws.h"

enum { JSON_MAX = 1024 * 1024 }; /* 4000 sessions of a call */

struct rtcd {
    struct rtcd_conf conf;
    struct bearers *bearers;
    struct list waiting; /* struct rtcd_job, by their time */
    usec last_turn;
    double cpu_load;
    struct rtcd_stats stats;
    usec now; /* of the call under way, for what follows a job */
    uint8_t json[JSON_MAX];
};

struct rtcd *sl_rtcd_new(const struct rtcd_conf *conf)
{
    uint64_t seed[2];
    struct rtcd *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->conf = *conf;
    list_init(&r->waiting);
    conf->random.fill(conf->random.ctx, seed, sizeof seed);
    r->bearers = sl_bearers_new(conf->token_lifetime, seed);
    if (!r->bearers) {
        free(r);
        return NULL;
    }
    return r;
}

void sl_rtcd_free(struct rtcd *r)
{
    if (!r)
        return;
    list_each_safe(struct rtcd_job, j, &r->waiting, link) sl_rtcd_job_free(j);
    sl_bearers_free(r->bearers);
    free(r);
}

const struct rtcd_stats *sl_rtcd_stats(const struct rtcd *r)
{
    return &r->stats;
}

void sl_rtcd_load(struct rtcd *r, double cpu_load)
{
    r->cpu_load = isfinite(cpu_load) ? cpu_load : DBL_MAX / 2;
}

/* ---- answers ---- */

static void send_as(struct rtcd *r, uint64_t id, unsigned status, const char *type,
                    struct span body)
{
    r->conf.reply(r->conf.ctx, id,
                  &(struct http_res){.status = status,
                                     .fields = {{"Content-Type", type},
                                                {"X-Content-Type-Options", "nosniff"}},
                                     .body = body});
}

static void send_text(struct rtcd *r, uint64_t id, unsigned status, const char *text)
{
    send_as(r, id, status, "text/plain; charset=utf-8", span_of(text));
}

static void send_json(struct rtcd *r, uint64_t id, unsigned status, struct span body)
{
    send_as(r, id, status, "application/json", body);
}

static void not_found(struct rtcd *r, uint64_t id)
{
    send_text(r, id, 404, "404 page not found\n");
}

static void end(struct rtcd *r, struct rtcd_job *j)
{
    r->stats.waiting--;
    sl_rtcd_job_free(j);
}

/* The answer of the three that speak JSON. */
static void answer(struct rtcd *r, struct rtcd_job *j, unsigned status, const char *key,
                   struct span value)
{
    struct wr w = wr_of(r->json, sizeof r->json);
    sl_rtcd_envelope(&w, status, key, value);
    send_json(r, j->id, status, wr_done(&w));
    end(r, j);
}

static void refuse(struct rtcd *r, struct rtcd_job *j, unsigned status, const char *error)
{
    r->stats.refused += status == 401 || status == 403;
    if (j->ask == RTCD_SESSIONS || j->ask == RTCD_WS) {
        send_text(r, j->id, 401, "unauthorized\n");
        end(r, j);
        return;
    }
    answer(r, j, status, "error", span_of(error));
}

/* ---- turns ---- */

static void work(void *user)
{
    sl_rtcd_job_work(user);
}

static void worked(void *user);

static void run(struct rtcd *r, struct rtcd_job *j)
{
    enum err e = r->conf.run(r->conf.ctx, work, worked, j);
    if (e)
        refuse(r, j, 503, sl_err_text(e));
}

static const char *crowded(const struct rtcd_job *j)
{
    static const char *const texts[] = {
        [RTCD_STEP_AUTH] = "authentication failed",
        [RTCD_STEP_ADD] = "registration failed: rate: no turn within 10 s",
        [RTCD_STEP_LOGIN] =
            "login failed: authentication failed: rate: no turn within 10 s",
    };
    return texts[j->step];
}

/* Runs the step, which costs a hash, when it is its turn. */
static void take_turn(struct rtcd *r, struct rtcd_job *j, enum rtcd_step step)
{
    usec every = SEC(1) / (RTCD_HASHES_PER_S * (usec)r->conf.cores);
    usec at = r->last_turn + every;
    j->step = step;
    if (at < r->now)
        at = r->now;
    if (at - r->now > RTCD_WAIT_MAX) {
        r->stats.crowded++;
        refuse(r, j, step == RTCD_STEP_AUTH ? 401 : 400, crowded(j));
        return;
    }
    r->last_turn = at;
    j->at = at;
    if (at > r->now)
        list_add(&r->waiting, &j->link);
    else
        run(r, j);
}

usec sl_rtcd_deadline(const struct rtcd *r)
{
    return list_empty(&r->waiting)
               ? USEC_NEVER
               : list_entry(r->waiting.next, struct rtcd_job, link)->at;
}

void sl_rtcd_tick(struct rtcd *r, usec now)
{
    r->now = now;
    while (sl_rtcd_deadline(r) <= now) {
        struct rtcd_job *j = list_entry(r->waiting.next, struct rtcd_job, link);
        list_del(&j->link);
        run(r, j);
    }
}

/* ---- what is asked, by somebody who is known ---- */

static void go_on_register(struct rtcd *r, struct rtcd_job *j)
{
    if (*j->body_error)
        refuse(r, j, 400, j->body_error);
    else
        take_turn(r, j, RTCD_STEP_ADD);
}

static void go_on_unregister(struct rtcd *r, struct rtcd_job *j)
{
    if (*j->body_error) {
        refuse(r, j, 400, j->body_error);
    } else if (j->client.n == 0) {
        refuse(r, j, 400, "client id should not be empty");
    } else if (!j->admin && !span_eq(j->client, j->who)) {
        refuse(r, j, 403, "client id not valid");
    } else {
        j->step = RTCD_STEP_DEL;
        run(r, j);
    }
}

static void go_on_sessions(struct rtcd *r, struct rtcd_job *j)
{
    struct wr w = wr_of(r->json, sizeof r->json);
    const char *missing = "";
    char text[128];
    if (j->admin) { /* who has no calls of his own */
        refuse(r, j, 401, "");
        return;
    }
    enum err e = E_ABSENT;
    if (r->conf.sessions)
        e = r->conf.sessions(r->conf.ctx, j->who, j->call, j->session, &w, &missing);
    else
        missing = "group";
    if (e == E_ABSENT) {
        (void)snprintf(text, sizeof text,
                       "failed to get session config%s: %s not found\n",
                       j->session.p ? "" : "s", missing);
        send_text(r, j->id, 404, text);
    } else if (e || w.bad) {
        send_text(r, j->id, 500, "too many sessions\n");
    } else {
        send_json(r, j->id, 200, wr_done(&w));
    }
    end(r, j);
}

static void go_on(struct rtcd *r, struct rtcd_job *j)
{
    switch (j->ask) {
    case RTCD_REGISTER: go_on_register(r, j); break;
    case RTCD_UNREGISTER: go_on_unregister(r, j); break;
    case RTCD_SESSIONS: go_on_sessions(r, j); break;
    case RTCD_WS:
        r->conf.upgrade(r->conf.ctx, j->id, j->accept, j->who);
        end(r, j);
        break;
    case RTCD_LOGIN:
        if (*j->body_error)
            refuse(r, j, 400, j->body_error);
        else
            take_turn(r, j, RTCD_STEP_LOGIN);
        break;
    }
}

static void logged_in(struct rtcd *r, struct rtcd_job *j)
{
    uint8_t random[24];
    char token[BEARER_CAP];
    r->conf.random.fill(r->conf.random.ctx, random, sizeof random);
    enum err e = sl_bearers_make(r->bearers, j->client, random, r->now, token);
    if (e) {
        refuse(r, j, 500, sl_err_text(e));
        return;
    }
    r->stats.logins++;
    answer(r, j, 200, "bearerToken", span_of(token));
}

/* A step is done, and j->result says how it went. */
static void worked(void *user)
{
    struct rtcd_job *j = user;
    struct rtcd *r = j->r;
    char error[160];
    unsigned status = 200;
    sl_rtcd_job_error(j, error, sizeof error, &status);
    if (status != 200) {
        refuse(r, j, status, error);
        return;
    }
    switch (j->step) {
    case RTCD_STEP_AUTH:
        j->who = j->user;
        go_on(r, j);
        break;
    case RTCD_STEP_ADD:
        r->stats.registered++;
        answer(r, j, 201, "clientID", j->client);
        break;
    case RTCD_STEP_DEL:
        r->stats.unregistered++;
        sl_bearers_drop(r->bearers, j->client);
        answer(r, j, 200, NULL, (struct span){0});
        break;
    case RTCD_STEP_LOGIN: logged_in(r, j); break;
    }
}

/* ---- who asks ---- */

static void authenticate(struct rtcd *r, struct rtcd_job *j)
{
    struct span who;
    enum err e;
    switch (j->auth) {
    case RTCD_AUTH_NONE:
        refuse(r, j, 401, "authentication failed: invalid auth header");
        return;
    case RTCD_AUTH_BEARER:
        e = sl_bearers_find(r->bearers, j->key, r->now, &who);
        if (e) {
            refuse(r, j, 401,
                   e == E_LATE ? "authentication failed: session is expired"
                               : "authentication failed: token is invalid");
            return;
        }
        if (sl_rtcd_job_keep(j, who, &j->who) == E_OK)
            go_on(r, j);
        else
            refuse(r, j, 500, sl_err_text(E_MEMORY));
        return;
    case RTCD_AUTH_BASIC: break;
    }
    if (r->conf.admin_secret && sl_password_same(j->key, span_of(r->conf.admin_secret))) {
        j->admin = true;
        go_on(r, j);
    } else if (j->user.n == 0) {
        refuse(r, j, 401, "authentication failed: unauthorized");
    } else {
        take_turn(r, j, RTCD_STEP_AUTH);
    }
}

static void start(struct rtcd *r, const struct http_req *req, enum rtcd_ask ask,
                  struct span call, struct span session)
{
    struct rtcd_job *j = sl_rtcd_job_new(r, r->conf.kv, req, ask, call, session);
    if (!j) {
        send_text(r, req->id, 500, "out of memory\n");
        return;
    }
    r->stats.waiting++;
    if (ask == RTCD_WS && (j->refuse = sl_rtcd_may_upgrade(req, j->accept)) != 0) {
        send_text(r, j->id, j->refuse, "no WebSocket handshake\n");
        end(r, j);
    } else if (ask == RTCD_UNREGISTER && !r->conf.admin_secret &&
               !r->conf.self_registration) {
        refuse(r, j, 403, "unregister not enabled");
    } else if (ask == RTCD_LOGIN || (ask == RTCD_REGISTER && r->conf.self_registration)) {
        go_on(r, j);
    } else {
        authenticate(r, j);
    }
}

/* ---- paths ---- */

static void version(struct rtcd *r, uint64_t id)
{
    char *text = (char *)r->json; /* settings are far smaller */
    int n = snprintf(text, sizeof r->json,
                     "{\"buildDate\":\"\",\"buildVersion\":\"%s\",\"buildHash\":\"\","
                     "\"goVersion\":\"\",\"goOS\":\"linux\",\"goArch\":\"\"}\n",
                     r->conf.version);
    send_json(r, id, 200, (struct span){r->json, (size_t)n});
}

static void load(struct rtcd *r, uint64_t id)
{
    char text[64];
    int n = snprintf(text, sizeof text, "{\"cpu_load\":%.17g}\n", r->cpu_load);
    send_json(r, id, 200, (struct span){(uint8_t *)text, (size_t)n});
}

/* "/calls/CALL/sessions" and "/calls/CALL/sessions/SESSION". */
static bool calls(struct rtcd *r, const struct http_req *req)
{
    struct span path = req->path, part, call, session = {0};
    if (!sl_http_segment(&path, &part) || !span_is(part, "calls"))
        return false;
    bool good = sl_http_segment(&path, &call) && call.n > 0 &&
                sl_http_segment(&path, &part) && span_is(part, "sessions") &&
                (path.n == 0 || (sl_http_segment(&path, &session) && session.n > 0)) &&
                path.n == 0 && req->method == HTTP_GET;
    if (good)
        start(r, req, RTCD_SESSIONS, call, session);
    else
        not_found(r, req->id);
    return true;
}

static bool redirect(struct rtcd *r, const struct http_req *req)
{
    struct wr w = wr_of(r->json, sizeof r->json - 1);
    if (!sl_rtcd_path_clean(req->path, req->query, &w))
        return false;
    r->json[w.n] = '\0';
    r->conf.reply(r->conf.ctx, req->id,
                  &(struct http_res){.status = 301,
                                     .fields = {{"Location", (const char *)r->json}}});
    return true;
}

bool sl_rtcd_request(struct rtcd *r, const struct http_req *req, usec now)
{
    static const struct {
        const char *path;
        enum http_method method;
        enum rtcd_ask ask;
    } asks[] = {
        {"/register", HTTP_POST, RTCD_REGISTER},
        {"/unregister", HTTP_POST, RTCD_UNREGISTER},
        {"/login", HTTP_POST, RTCD_LOGIN},
        {"/ws", HTTP_GET, RTCD_WS},
    };
    const struct span none = {0};
    r->now = now;
    if (redirect(r, req))
        return true;
    bool about = span_is(req->path, "/version") || span_is(req->path, "/system");
    if (about && req->method == HTTP_GET) {
        (req->path.p[1] == 'v' ? version : load)(r, req->id);
        return true;
    }
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        if (span_is(req->path, asks[i].path) &&
            (asks[i].ask != RTCD_WS || r->conf.upgrade)) {
            if (req->method == asks[i].method)
                start(r, req, asks[i].ask, none, none);
            else
                not_found(r, req->id);
            return true;
        }
    if (about)
        not_found(r, req->id);
    return about || calls(r, req);
}
