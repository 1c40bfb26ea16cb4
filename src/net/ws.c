#include "net/ws.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/utf8.h"

#include "crypto/hash.h"

enum {
    FIN = 0x80,
    RSV = 0x70,
    OP = 0x0f,
    MASK = 0x80,
    LEN = 0x7f,
    LEN16 = 126,
    LEN64 = 127,
    KEEP = 4096, /* octets of a connection's memory that stay between messages */
    KEY_OCTETS = 16,
};

void sl_ws_init(struct ws *w, size_t message_max, bool from_client)
{
    *w = (struct ws){.message_max = message_max, .masked = from_client};
}

void sl_ws_fini(struct ws *w)
{
    free(w->data.p);
    w->data = (struct wr){0};
}

static enum err refuse(struct ws *w, enum err e, uint16_t code)
{
    w->code = code;
    return e;
}

static enum err forbidden(struct ws *w)
{
    return refuse(w, E_MALFORMED, WS_CODE_PROTOCOL);
}

/* ---- frames ---- */

static bool is_control(uint8_t op)
{
    return op & 8;
}

/* Octets of the head, as far as is known from those that are here. */
static size_t head_len(const struct ws *w)
{
    size_t n = 2;
    if (w->head_n < n)
        return n;
    unsigned len = w->head[1] & LEN;
    n += len == LEN64 ? 8 : len == LEN16 ? 2 : 0;
    return n + (w->head[1] & MASK ? sizeof w->mask : 0);
}

/* False: such a frame may not come now (§5.2, §5.4, §5.5). */
static bool may_come(const struct ws *w, uint64_t n)
{
    if (is_control(w->op))
        return w->op <= WS_PONG && w->fin && n <= WS_CONTROL_MAX;
    if (w->op == WS_CONTINUED)
        return w->message != 0;
    return w->op <= WS_BINARY && w->message == 0;
}

static enum err take_head(struct ws *w)
{
    struct rd r = rd_of((struct span){w->head, w->head_n});
    uint8_t first = rd_u8(&r), second = rd_u8(&r);
    unsigned len = second & LEN;
    uint64_t n = len == LEN64 ? rd_u64(&r) : len == LEN16 ? rd_u16(&r) : len;
    w->fin = first & FIN;
    w->op = first & OP;
    if (first & RSV || !(second & MASK) != !w->masked)
        return forbidden(w);
    /* "The minimal number of bytes MUST be used" (§5.2), and 63 bits at most. */
    if ((len == LEN16 && n < LEN16) || (len == LEN64 && (n <= UINT16_MAX || n >> 63)))
        return forbidden(w);
    if (!may_come(w, n))
        return forbidden(w);
    if (w->masked)
        memcpy(w->mask, r.p, sizeof w->mask);
    w->turn = 0;
    w->left = n;
    w->in_payload = true;
    w->head_n = 0;
    if (is_control(w->op)) {
        w->control = wr_of(w->control_octets, sizeof w->control_octets);
        return E_OK;
    }
    if (w->op != WS_CONTINUED) {
        w->message = w->op;
        w->data.n = 0;
    }
    return n > w->message_max - w->data.n ? refuse(w, E_FULL, WS_CODE_TOO_BIG) : E_OK;
}

/* Makes place for n more octets of the message. It grows with what came, never with what was
 * announced. */
static enum err grow(struct ws *w, size_t n)
{
    size_t want = w->data.n + n, cap = w->data.cap > 0 ? w->data.cap : 256;
    while (cap < want)
        cap *= 2;
    if (cap == w->data.cap)
        return E_OK;
    uint8_t *p = realloc(w->data.p, cap);
    if (!p)
        return refuse(w, E_MEMORY, WS_CODE_INTERNAL);
    w->data.p = p;
    w->data.cap = cap;
    return E_OK;
}

void sl_ws_mask(uint8_t *p, size_t n, const uint8_t mask[4], unsigned turn)
{
    for (size_t i = 0; i < n; i++)
        p[i] ^= mask[(turn + i) & 3];
}

static enum err take_payload(struct ws *w, struct rd *in)
{
    size_t n = w->left < in->n ? (size_t)w->left : in->n;
    struct wr *to = is_control(w->op) ? &w->control : &w->data;
    if (!is_control(w->op)) {
        enum err e = grow(w, n);
        if (e)
            return e;
    }
    uint8_t *at = to->p + to->n;
    wr_span(to, rd_span(in, n));
    if (w->masked)
        sl_ws_mask(at, n, w->mask, w->turn);
    w->turn = (uint8_t)((w->turn + n) & 3);
    w->left -= n;
    return w->left > 0 ? E_SHORT : E_OK;
}

/* ---- messages ---- */

/* §7.4: which codes may stand in a frame. */
static bool is_code(uint16_t code)
{
    bool defined = code >= 1000 && code <= 1014 && code != 1004 && code != WS_CODE_NONE &&
                   code != WS_CODE_ABNORMAL;
    return defined || (code >= 3000 && code <= 4999);
}

static enum err end_close(struct ws *w, struct ws_msg *ret)
{
    struct rd r = rd_of(wr_done(&w->control));
    ret->op = WS_CLOSE;
    ret->code = WS_CODE_NONE;
    if (r.n > 0) {
        ret->code = rd_u16(&r);
        ret->data = rd_rest(&r);
        if (r.bad || !is_code(ret->code))
            return forbidden(w);
    }
    return sl_utf8_valid(ret->data) ? E_OK : refuse(w, E_MALFORMED, WS_CODE_NO_TEXT);
}

/* A frame is complete. E_SHORT: its message is not. */
static enum err end_frame(struct ws *w, struct ws_msg *ret)
{
    w->in_payload = false;
    *ret = (struct ws_msg){0};
    if (w->op == WS_CLOSE)
        return end_close(w, ret);
    if (is_control(w->op)) {
        ret->op = (enum ws_op)w->op;
        ret->data = wr_done(&w->control);
        return E_OK;
    }
    if (!w->fin)
        return E_SHORT;
    ret->op = (enum ws_op)w->message;
    ret->data = wr_done(&w->data);
    w->message = 0;
    if (ret->op == WS_TEXT && !sl_utf8_valid(ret->data))
        return refuse(w, E_MALFORMED, WS_CODE_NO_TEXT);
    return E_OK;
}

/* Of a large message that was given, the memory goes. */
static void shrink(struct ws *w)
{
    if (w->message == 0 && w->data.cap > KEEP)
        sl_ws_fini(w);
}

enum err sl_ws_read(struct ws *w, struct rd *in, struct ws_msg *ret)
{
    shrink(w);
    for (;;) {
        while (!w->in_payload) {
            size_t want = head_len(w) - w->head_n;
            if (want == 0) {
                enum err e = take_head(w);
                if (e)
                    return e;
                break;
            }
            size_t n = want < in->n ? want : in->n;
            if (n == 0)
                return E_SHORT;
            memcpy(w->head + w->head_n, rd_take(in, n), n);
            w->head_n = (uint8_t)(w->head_n + n);
        }
        enum err e = take_payload(w, in);
        if (!e)
            e = end_frame(w, ret);
        if (e != E_SHORT || in->n == 0)
            return e;
    }
}

/* ---- writing ---- */

void sl_ws_write_head(struct wr *w, enum ws_op op, uint64_t n, const uint8_t mask[4])
{
    unsigned masked = mask ? MASK : 0;
    wr_u8(w, FIN | (unsigned)op);
    if (n < LEN16) {
        wr_u8(w, masked | (unsigned)n);
    } else if (n <= UINT16_MAX) {
        wr_u8(w, masked | LEN16);
        wr_u16(w, (unsigned)n);
    } else {
        wr_u8(w, masked | LEN64);
        wr_u64(w, n);
    }
    if (mask)
        wr_span(w, (struct span){mask, 4});
}

void sl_ws_write_close(struct wr *w, uint16_t code, const char *reason)
{
    struct span text = span_of(reason);
    if (text.n > WS_REASON_MAX)
        text.n = WS_REASON_MAX;
    while (!sl_utf8_valid(text))
        text.n--;
    wr_u16(w, code);
    wr_span(w, text);
}

/* ---- handshake ---- */

static bool key_is_good(struct span key)
{
    uint8_t octets[KEY_OCTETS];
    struct wr w = wr_of(octets, sizeof octets);
    return sl_base64_read(key, &w) == E_OK && w.n == KEY_OCTETS;
}

unsigned sl_ws_accept(const struct http_req *req, char ret[WS_ACCEPT_CAP])
{
    struct span key = sl_http_header(req, "Sec-WebSocket-Key");
    struct span version = sl_http_header(req, "Sec-WebSocket-Version");
    if (req->method != HTTP_GET ||
        !sl_http_lists(sl_http_header(req, "Upgrade"), "websocket") ||
        !sl_http_lists(sl_http_header(req, "Connection"), "upgrade"))
        return 400;
    if (!span_is(version, "13"))
        return version.p ? 426 : 400;
    if (!key_is_good(key))
        return 400;
    uint8_t digest[SHA1_LEN];
    const struct span parts[] = {key, span_of("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")};
    sl_sha1(parts, 2, digest);
    struct wr w = wr_of((uint8_t *)ret, WS_ACCEPT_CAP - 1);
    sl_base64_write(&w, (struct span){digest, sizeof digest});
    ret[w.n] = '\0';
    return 0;
}
