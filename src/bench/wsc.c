#include "bench/wsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "bench/conn.h"
#include "bench/web.h"
#include "crypto/hash.h"
#include "net/ws.h"

enum { KEY_OCTETS = 16, IN_MAX = 64 * 1024 };

struct wsc {
    struct conn *conn;
    struct ws ws;
    size_t at, n; /* of in: what is not read yet */
    uint8_t in[IN_MAX];
};

/* That the answer fits the key is not looked at: it shows that the server is one of WebSockets,
 * and its status says so. */
enum err sl_wsc_new(struct web *web, const char *path, struct wsc **ret, unsigned *status)
{
    uint8_t octets[KEY_OCTETS], text[32] = {0};
    char fields[256];
    struct web_answer answer = {0};
    struct wr key = wr_of(text, sizeof text - 1);
    struct wsc *w = calloc(1, sizeof *w);
    if (!w)
        return E_MEMORY;
    sl_random(octets, sizeof octets);
    sl_base64_write(&key, (struct span){octets, sizeof octets});
    (void)snprintf(fields, sizeof fields,
                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
                   (const char *)text);
    enum err e = sl_web_upgrade(web, path, fields, &answer, &w->conn);
    *status = answer.status;
    if (!e && !w->conn)
        e = E_DENIED;
    if (!e && answer.body.n > IN_MAX)
        e = E_FULL;
    if (e) {
        sl_conn_free(w->conn);
        free(w);
        return e;
    }
    w->n = answer.body.n;
    if (w->n > 0)
        memcpy(w->in, answer.body.p, w->n);
    sl_ws_init(&w->ws, WSC_MESSAGE_MAX, false);
    *ret = w;
    return E_OK;
}

void sl_wsc_free(struct wsc *w)
{
    if (!w)
        return;
    sl_ws_fini(&w->ws);
    sl_conn_free(w->conn);
    free(w);
}

int sl_wsc_fd(const struct wsc *w)
{
    return sl_conn_fd(w->conn);
}

/* ---- sending ---- */

static enum err send_frame(struct wsc *w, enum ws_op op, struct span payload)
{
    uint8_t mask[4];
    uint8_t *p = malloc(WS_HEAD_MAX + payload.n);
    if (!p)
        return E_MEMORY;
    struct wr out = wr_of(p, WS_HEAD_MAX + payload.n);
    sl_random(mask, sizeof mask);
    sl_ws_write_head(&out, op, payload.n, mask);
    size_t head = out.n;
    wr_span(&out, payload);
    sl_ws_mask(p + head, payload.n, mask, 0);
    enum err e = sl_conn_send(w->conn, wr_done(&out));
    free(p);
    return e;
}

enum err sl_wsc_send(struct wsc *w, struct span message)
{
    return send_frame(w, WS_BINARY, message);
}

/* ---- receiving ---- */

static enum err read_more(struct wsc *w)
{
    w->at = w->n = 0;
    return sl_conn_receive(w->conn, w->in, sizeof w->in, false, &w->n);
}

static enum err read_message(struct wsc *w, struct ws_msg *ret)
{
    struct rd r = rd_of((struct span){w->in + w->at, w->n - w->at});
    enum err e = sl_ws_read(&w->ws, &r, ret);
    w->at = w->n - r.n;
    return e;
}

enum err sl_wsc_receive(struct wsc *w, struct span *ret)
{
    for (;;) {
        struct ws_msg m = {0};
        enum err e = w->at < w->n ? read_message(w, &m) : E_SHORT;
        if (e == E_SHORT)
            e = read_more(w);
        else if (!e && m.op == WS_PING)
            e = send_frame(w, WS_PONG, m.data);
        else if (!e && m.op == WS_CLOSE) {
            (void)send_frame(w, WS_CLOSE, (struct span){0});
            e = E_SHORT;
        } else if (!e && m.op == WS_BINARY) {
            *ret = m.data;
            return E_OK;
        }
        if (e)
            return e;
    }
}
