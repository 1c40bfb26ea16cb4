#pragma once

/*
 * WebSocket as bytes (RFC 6455): the handshake's answer, frames in, frames out. Sans-IO.
 *
 * The reader gives whole messages. Its memory is one message, which grows as its octets come
 * and is bounded, however it is cut into fragments. What the RFC forbids is refused with the
 * status that the closing frame then names; nothing is repaired. No extensions.
 */

#include "base/err.h"
#include "base/span.h"

#include "net/http.h"

enum ws_op {
    WS_CONTINUED = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

/* RFC 6455 §7.4.1 */
enum ws_code {
    WS_CODE_NORMAL = 1000,
    WS_CODE_GOING_AWAY = 1001,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NONE = 1005,     /* a closing frame that named none; never sent */
    WS_CODE_ABNORMAL = 1006, /* no closing frame came; never sent */
    WS_CODE_NO_TEXT = 1007,  /* not UTF-8 */
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_INTERNAL = 1011,
};

enum {
    WS_CONTROL_MAX = 125, /* octets in a control frame (§5.5) */
    WS_HEAD_MAX = 14,     /* octets before a frame's payload */
    WS_ACCEPT_CAP = 29,   /* Sec-WebSocket-Accept and a NUL */
    WS_REASON_MAX = WS_CONTROL_MAX - 2,
};

/* data is valid until the next call. A closing frame: code is the peer's, or WS_CODE_NONE,
 * and data the reason. */
struct ws_msg {
    enum ws_op op;
    uint16_t code;
    struct span data;
};

/* To be read: code, after sl_ws_read failed. */
struct ws {
    size_t message_max;
    bool masked; /* what comes has to be masked, or must not be */
    uint16_t code;
    uint8_t head[WS_HEAD_MAX];
    uint8_t head_n;
    bool in_payload;
    bool fin;
    uint8_t op;      /* of the frame */
    uint8_t message; /* the op of the message that is not complete; 0: none */
    uint8_t mask[4];
    uint8_t turn; /* the octet of the mask that comes next */
    uint64_t left;
    struct wr data;
    struct wr control;
    uint8_t control_octets[WS_CONTROL_MAX];
};

/* from_client: frames come masked, else they must not be (§5.1). Fini takes a zero struct. */
void sl_ws_init(struct ws *w, size_t message_max, bool from_client);
void sl_ws_fini(struct ws *w);

/* Reads on. E_OK: *ret is a message, or a control frame; E_SHORT: all of in was taken, and
 * more must come; anything else is the end, of which w->code tells the peer why. */
MUST_USE enum err sl_ws_read(struct ws *w, struct rd *in, struct ws_msg *ret);

/* Writes what stands before a payload of n octets in a frame that is not a fragment. mask:
 * NULL from a server. */
void sl_ws_write_head(struct wr *w, enum ws_op op, uint64_t n, const uint8_t mask[4]);

/* The payload of a closing frame; a reason that is too long is cut. */
void sl_ws_write_close(struct wr *w, uint16_t code, const char *reason);

/* Masks or unmasks n octets, the first of which is masked by octet `turn` of the mask. */
void sl_ws_mask(uint8_t *p, size_t n, const uint8_t mask[4], unsigned turn);

/* Is the request a good opening handshake (§4.2.1)? Returns 0 and the value of
 * Sec-WebSocket-Accept; 426: another version, to be answered with "Sec-WebSocket-Version:
 * 13"; 400. */
MUST_USE unsigned sl_ws_accept(const struct http_req *req, char ret[WS_ACCEPT_CAP]);
