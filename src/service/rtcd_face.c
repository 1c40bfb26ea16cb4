#include "service/rtcd_face.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"

#include "crypto/hash.h"
#include "net/loop.h"
#include "service/cpu_load.h"

struct rtcd_face {
    struct loop *loop;
    struct log *log;
    struct httpd *httpd;
    struct rtcd *rtcd;
    struct wsd *wsd;
    struct rtcd_calls *calls;
    struct rtcd_tallies *tallies;
    struct rtcd_carrier *carrier;
    const struct rooms *rooms; /* NULL: nobody carries calls */
    struct list links;
    void (*local_message)(void *ctx, struct span message);
    void *local_ctx;
    struct rtcd_conn *local; /* NULL: there is no client in this process */
    struct loop_timer turn;  /* of the next hash, or of an offer that did not come */
    struct cpu_load load;
    void (*settle)(void *ctx);
    void *settle_ctx;
    bool ending; /* no more hashes are begun */
};

/* A connection of a client, on both sides. */
struct link {
    struct list by_face;
    struct rtcd_face *f;
    struct wsd_conn *ws;
    struct rtcd_conn *conn;
};

void sl_rtcd_face_arm(struct rtcd_face *f)
{
    const usec due[] = {sl_rtcd_deadline(f->rtcd), sl_rtcd_calls_deadline(f->calls),
                        sl_rtcd_carrier_deadline(f->carrier)};
    usec at = USEC_NEVER;
    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++)
        at = due[i] < at ? due[i] : at;
    if (at == USEC_NEVER)
        sl_loop_timer_stop(f->loop, &f->turn);
    else if (sl_loop_timer_set(f->loop, &f->turn, at) != E_OK)
        LOG(f->log, LOG_ERROR, "out of memory");
}

static void settle(struct rtcd_face *f)
{
    sl_rtcd_face_arm(f);
    if (f->settle)
        f->settle(f->settle_ctx);
}

static void on_turn(void *user)
{
    struct rtcd_face *f = user;
    usec now = sl_loop_now();
    sl_rtcd_tick(f->rtcd, now);
    sl_rtcd_calls_tick(f->calls, now);
    sl_rtcd_carrier_tick(f->carrier, now);
    settle(f);
}

static enum err run(void *ctx, void (*work)(void *), void (*done)(void *), void *user)
{
    const struct rtcd_face *f = ctx;
    return f->ending ? E_STATE : sl_loop_work(f->loop, work, done, user);
}

static void reply(void *ctx, uint64_t id, const struct http_res *res)
{
    const struct rtcd_face *f = ctx;
    (void)sl_httpd_reply(f->httpd, id, res); /* who is gone needs none */
}

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    sl_random(p, n);
}

/* ---- connections ---- */

/* user: a link, or NULL for the client in this process. */
static enum err send_message(void *ctx, void *user, struct span message)
{
    const struct rtcd_face *f = ctx;
    const struct link *l = user;
    if (l)
        return sl_wsd_send(l->ws, WS_BINARY, message);
    f->local_message(f->local_ctx, message);
    return E_OK;
}

void sl_rtcd_face_local(struct rtcd_face *f, struct span message)
{
    sl_rtcd_calls_message(f->calls, f->local, message, sl_loop_now());
    settle(f);
}

static void on_message(void *user, enum ws_op op, struct span data)
{
    const struct link *l = user;
    struct rtcd_face *f = l->f;
    if (op == WS_BINARY)
        sl_rtcd_calls_message(f->calls, l->conn, data, sl_loop_now());
    else
        LOG(f->log, LOG_WARN, "rtcd message is text, and ignored");
    settle(f);
}

static void on_closed(void *user, uint16_t code)
{
    struct link *l = user;
    LOG(l->f->log, LOG_INFO, "rtcd connection closed", KV_UINT("code", code));
    sl_rtcd_calls_closed(l->f->calls, l->conn);
    list_del(&l->by_face);
    free(l);
}

static bool is_local(const struct rtcd_face *f, struct span client)
{
    return f->local && span_is(client, RTCD_LOCAL);
}

static void upgrade(void *ctx, uint64_t id, const char *accept, struct span client)
{
    struct rtcd_face *f = ctx;
    struct link *l = is_local(f, client) ? NULL : calloc(1, sizeof *l);
    enum err e = is_local(f, client) ? E_DENIED
                 : l                 ? sl_wsd_open(f->wsd, id, accept, l, &l->ws)
                                     : E_MEMORY;
    if (e) {
        free(l);
        reply(
            f, id,
            &(struct http_res){.status = e == E_MEMORY   ? 500
                                         : e == E_DENIED ? 403
                                                         : 400,
                               .fields = {{"Content-Type", "text/plain; charset=utf-8"}},
                               .body = span_of("no WebSocket here\n")});
        return;
    }
    l->f = f;
    if (sl_rtcd_calls_open(f->calls, client, l, &l->conn) != E_OK) {
        sl_wsd_conn_free(l->ws);
        free(l);
        return;
    }
    list_add(&f->links, &l->by_face);
    struct addr peer = sl_wsd_peer(l->ws);
    LOG(f->log, LOG_INFO, "rtcd connection", KV_SPAN("clientID", client),
        KV_PERSON_ADDR("addr", &peer));
}

static enum err sessions(void *ctx, struct span client, struct span call,
                         struct span session, struct wr *json, const char **missing)
{
    const struct rtcd_face *f = ctx;
    if (is_local(f, client)) {
        *missing = "group";
        return E_ABSENT;
    }
    return sl_rtcd_calls_json(f->calls, client, call, session, json, missing);
}

/* ---- start and end ---- */

static const struct wsd_conf ws_conf = {WSD_CONF, .message = on_message,
                                        .closed = on_closed};

enum err sl_rtcd_face_new(struct loop *l, struct httpd *httpd, struct log *log,
                          struct metrics *metrics, const struct rtcd_face_conf *conf,
                          struct rtcd_face **ret)
{
    struct rtcd_face *f = calloc(1, sizeof *f);
    if (!f)
        return E_MEMORY;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *f = (struct rtcd_face){.loop = l,
                            .httpd = httpd,
                            .log = log,
                            .turn = {.fn = on_turn, .user = f},
                            .rooms = conf->rooms,
                            .settle = conf->settle,
                            .settle_ctx = conf->settle_ctx};
    list_init(&f->links);
    f->local_message = conf->local_message;
    f->local_ctx = conf->local_ctx;
    const struct rtcd_conf rc = {.kv = conf->kv,
                                 .version = conf->version,
                                 .admin_secret = conf->admin_secret,
                                 .self_registration = conf->self_registration,
                                 .token_lifetime = conf->token_lifetime,
                                 .cores = cores > 0 ? (unsigned)cores : 1,
                                 .random = {.fill = fill},
                                 .ctx = f,
                                 .run = run,
                                 .reply = reply,
                                 .upgrade = upgrade,
                                 .sessions = sessions};
    f->tallies = sl_rtcd_tallies_new(metrics);
    const struct rtcd_carrier_conf ac = {.rooms = conf->rooms,
                                         .media = conf->media,
                                         .tallies = f->tallies,
                                         .random = {.fill = fill},
                                         .log = log};
    f->carrier = sl_rtcd_carrier_new(&ac);
    const struct rtcd_calls_conf cc = {
        .random = {.fill = fill},
        .tallies = f->tallies,
        .log = log,
        .sessions_max = conf->sessions_max,
        .media = f->carrier && conf->rooms ? sl_rtcd_carrier_media(f->carrier) : NULL,
        .ctx = f,
        .send = send_message};
    f->rtcd = sl_rtcd_new(&rc);
    f->calls = f->tallies && f->carrier ? sl_rtcd_calls_new(&cc) : NULL;
    f->wsd = httpd ? sl_wsd_new(l, httpd, &ws_conf) : NULL;
    enum err e = f->rtcd && f->calls && (f->wsd || !httpd) ? E_OK : E_MEMORY;
    if (!e)
        sl_rtcd_carrier_calls(f->carrier, f->calls);
    if (!e && conf->local_message)
        e = sl_rtcd_calls_open(f->calls, span_of(RTCD_LOCAL), NULL, &f->local);
    if (e)
        sl_rtcd_face_free(f);
    else
        *ret = f;
    return e;
}

void sl_rtcd_face_free(struct rtcd_face *f)
{
    if (!f)
        return;
    /* Requests still come while hashes are waited for, and must not make that endless. */
    f->ending = true;
    sl_loop_finish_work(f->loop);
    sl_loop_timer_stop(f->loop, &f->turn);
    sl_wsd_free(f->wsd);
    sl_rtcd_calls_free(f->calls);
    sl_rtcd_tallies_free(f->tallies);
    sl_rtcd_carrier_free(f->carrier);
    list_each_safe(struct link, link, &f->links, by_face) free(link);
    sl_rtcd_free(f->rtcd);
    free(f);
}

bool sl_rtcd_face_request(struct rtcd_face *f, const struct http_req *req)
{
    bool mine = sl_rtcd_request(f->rtcd, req, sl_loop_now());
    if (mine)
        sl_rtcd_face_arm(f);
    return mine;
}

void sl_rtcd_face_data(struct rtcd_face *f, uint64_t transport,
                       const struct media_data_event *ev)
{
    sl_rtcd_carrier_data(f->carrier, transport, ev, sl_loop_now());
}

void sl_rtcd_face_stale(struct rtcd_face *f, uint64_t transport)
{
    sl_rtcd_carrier_stale(f->carrier, transport);
}

void sl_rtcd_face_tick(struct rtcd_face *f)
{
    if (f->rooms)
        sl_rtcd_carrier_count(f->carrier);
    uint8_t text[1024];
    double load;
    int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (n > 0 && sl_cpu_load(&f->load, (struct span){text, (size_t)n}, sl_loop_now(),
                             &load) == E_OK)
        sl_rtcd_load(f->rtcd, load);
}

const struct rtcd_stats *sl_rtcd_face_stats(const struct rtcd_face *f)
{
    return sl_rtcd_stats(f->rtcd);
}

const struct rtcd_line_stats *sl_rtcd_face_lines(const struct rtcd_face *f)
{
    return sl_rtcd_carrier_lines(f->carrier);
}

const struct rtcd_calls_stats *sl_rtcd_face_calls(const struct rtcd_face *f)
{
    return sl_rtcd_calls_stats(f->calls);
}

const struct wsd_stats *sl_rtcd_face_ws(const struct rtcd_face *f)
{
    return f->wsd ? sl_wsd_stats(f->wsd) : NULL;
}
