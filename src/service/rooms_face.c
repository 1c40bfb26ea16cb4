#include "service/rooms_face.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"

#include "api/origin.h"
#include "api/rooms_msg.h"
#include "net/loop.h"

struct rooms_face {
    struct rooms_face_conf conf;
    struct rooms_hall *hall;
    struct wsd *wsd;
    struct list links;
    struct loop_timer turn;
};

/* A socket, on both sides. */
struct link {
    struct list by_face;
    struct rooms_face *f;
    struct wsd_conn *ws;
    struct rooms_line *line;
};

void sl_rooms_face_arm(struct rooms_face *f)
{
    usec at = sl_rooms_hall_deadline(f->hall);
    if (at == USEC_NEVER)
        sl_loop_timer_stop(f->conf.loop, &f->turn);
    else if (sl_loop_timer_set(f->conf.loop, &f->turn, at) != E_OK)
        LOG(f->conf.log, LOG_ERROR, "out of memory");
}

static void settle(struct rooms_face *f)
{
    sl_rooms_face_arm(f);
    f->conf.settle(f->conf.settle_ctx);
}

static void on_turn(void *user)
{
    struct rooms_face *f = user;
    sl_rooms_hall_tick(f->hall, sl_loop_now());
    settle(f);
}

/* ---- sockets ---- */

/* One that takes too little is closed by wsd, and heard of then. */
static void send_text(void *ctx, void *socket, struct span text)
{
    const struct link *l = socket;
    (void)ctx;
    if (sl_wsd_send(l->ws, WS_TEXT, text) != E_OK)
        LOG(l->f->conf.log, LOG_DEBUG, "room message not sent");
}

static void close_socket(void *ctx, void *socket, unsigned code, const char *reason)
{
    const struct link *l = socket;
    (void)ctx;
    sl_wsd_close(l->ws, (uint16_t)code, reason);
}

static void on_message(void *user, enum ws_op op, struct span data)
{
    const struct link *l = user;
    struct rooms_face *f = l->f;
    if (op == WS_TEXT)
        sl_rooms_hall_message(l->line, data, sl_loop_now());
    else
        sl_rooms_hall_message(l->line, (struct span){0}, sl_loop_now()); /* is none */
    if (sl_rooms_hall_joined(l->line))
        sl_wsd_yield(l->ws, false);
    settle(f);
}

static void on_closed(void *user, uint16_t code)
{
    struct link *l = user;
    struct rooms_face *f = l->f;
    sl_rooms_hall_closed(l->line, code, sl_loop_now());
    list_del(&l->by_face);
    free(l);
    settle(f);
}

static const struct wsd_conf ws_conf = {.protocol = ROOMS_PROTOCOL,
                                        .message_max = ROOMS_MSG_MAX,
                                        .queue_max = 8 << 20,
                                        .ping_every = SEC(10),
                                        .silence = SEC(20),
                                        .write_time = SEC(10),
                                        .close_time = SEC(5),
                                        .message = on_message,
                                        .closed = on_closed};

/* ---- requests ---- */

static bool is_ours(struct span path, struct span *room)
{
    struct span seg[3] = {0};
    for (size_t i = 0; i < 3; i++)
        if (!sl_http_segment(&path, &seg[i]))
            return false;
    *room = seg[1];
    return path.n == 0 && span_is(seg[0], "rooms") && span_is(seg[2], "ws");
}

/* 0, or the status to refuse with. */
static unsigned may_upgrade(const struct rooms_face *f, const struct http_req *req,
                            struct span room, char accept[WS_ACCEPT_CAP])
{
    const struct face_conf *fc = &f->conf.face->conf;
    if (req->method != HTTP_GET)
        return 405;
    if (!sl_name_valid(room))
        return 400;
    if (fc->origins && sl_origin_of(req, fc->origins, fc->origins_n) == ORIGIN_REFUSED)
        return 403;
    if (!sl_http_lists(sl_http_header(req, "Sec-WebSocket-Protocol"), ROOMS_PROTOCOL))
        return 400;
    return sl_ws_accept(req, accept);
}

static enum problem problem_of(unsigned status)
{
    return status == 403   ? PROBLEM_ORIGIN
           : status == 405 ? PROBLEM_METHOD
           : status == 500 ? PROBLEM_INTERNAL
           : status == 503 ? PROBLEM_FULL
                           : PROBLEM_REQUEST;
}

static void refuse(const struct rooms_face *f, uint64_t id, unsigned status)
{
    f->conf.face->refused[problem_of(status)]++;
    struct http_res res = {.status = status,
                           .fields = {{"Content-Type", "text/plain; charset=utf-8"},
                                      {"Sec-WebSocket-Version", "13"},
                                      {status == 405 ? "Allow" : NULL, "GET"}},
                           .body = span_of("a WebSocket of " ROOMS_PROTOCOL "\n")};
    (void)sl_httpd_reply(f->conf.httpd, id, &res); /* who is gone needs none */
}

static unsigned open_link(struct rooms_face *f, const struct http_req *req,
                          struct span room, const char *accept)
{
    struct addr from = sl_face_client(f->conf.face, req);
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        return 500;
    l->f = f;
    list_init(&l->by_face);
    enum err e = sl_rooms_hall_open(f->hall, room, sl_face_bearer(req), &from, l,
                                    sl_loop_now(), &l->line);
    if (e) {
        free(l);
        return 503;
    }
    e = sl_wsd_open(f->wsd, req->id, accept, l, &l->ws);
    if (e) {
        sl_rooms_hall_closed(l->line, WS_CODE_ABNORMAL, sl_loop_now());
        free(l);
        return e == E_MEMORY ? 500 : 400;
    }
    sl_wsd_yield(l->ws, true);
    list_add(&f->links, &l->by_face);
    return 0;
}

bool sl_rooms_face_request(struct rooms_face *f, const struct http_req *req)
{
    char accept[WS_ACCEPT_CAP];
    struct span room;
    if (req->refuse || !is_ours(req->path, &room))
        return false;
    unsigned status = may_upgrade(f, req, room, accept);
    if (status == 0)
        status = open_link(f, req, room, accept);
    if (status != 0)
        refuse(f, req->id, status);
    sl_rooms_face_arm(f);
    return true;
}

/* ---- start and end ---- */

enum err sl_rooms_face_new(const struct rooms_face_conf *conf, struct rooms_face **ret)
{
    struct rooms_face *f = calloc(1, sizeof *f);
    if (!f)
        return E_MEMORY;
    f->conf = *conf;
    f->turn = (struct loop_timer){.fn = on_turn, .user = f};
    list_init(&f->links);
    struct rooms_hall_conf hc = conf->hall;
    hc.send = send_text;
    hc.close = close_socket;
    hc.ctx = f;
    f->hall = sl_rooms_hall_new(&hc);
    f->wsd = sl_wsd_new(conf->loop, conf->httpd, &ws_conf);
    if (!f->hall || !f->wsd) {
        sl_rooms_face_free(f);
        return E_MEMORY;
    }
    *ret = f;
    return E_OK;
}

void sl_rooms_face_free(struct rooms_face *f)
{
    if (!f)
        return;
    sl_loop_timer_stop(f->conf.loop, &f->turn);
    sl_rooms_hall_free(f->hall);
    sl_wsd_free(f->wsd);
    list_each_safe(struct link, l, &f->links, by_face) free(l);
    free(f);
}

struct rooms_hall *sl_rooms_face_hall(const struct rooms_face *f)
{
    return f->hall;
}

const struct wsd_stats *sl_rooms_face_ws(const struct rooms_face *f)
{
    return sl_wsd_stats(f->wsd);
}
