#include "net/ws.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { MESSAGE_MAX = 300 };

/* Frames as they came, and what they mean, "op:data" each. */
static const struct {
    const char *name, *hex, *want;
    uint16_t code; /* not 0: refused */
    bool from_server;
} rows[] = {
    /* RFC 6455 §5.7 */
    {"a text, not masked", "81 05 48 65 6c 6c 6f", "1:Hello ", 0, true},
    {"a masked text", "81 85 37 fa 21 3d 7f 9f 4d 51 58", "1:Hello ", 0, false},
    {"in two fragments", "01 03 48 65 6c 80 02 6c 6f", "1:Hello ", 0, true},
    {"a ping", "89 05 48 65 6c 6c 6f", "9:Hello ", 0, true},
    {"a masked pong", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", "10:Hello ", 0, false},

    {"binary, empty", "82 80 00 00 00 00", "2: ", 0, false},
    {"two frames in one piece", "82 81 00 00 00 00 61 82 81 00 00 00 00 62", "2:a 2:b ",
     0, false},
    {"a ping among fragments",
     "02 81 00 00 00 00 61 89 81 00 00 00 00 70 80 81 00 00 00 00 62", "9:p 2:ab ", 0,
     false},
    {"an empty fragment at the end", "02 81 00 00 00 00 61 80 80 00 00 00 00", "2:a ", 0,
     false},
    {"not complete", "82 85 00 00 00 00 61", "", 0, false},
    {"close without a code", "88 80 00 00 00 00", "8(1005): ", 0, false},
    {"close with a reason", "88 85 00 00 00 00 03 e8 62 79 65", "8(1000):bye ", 0, false},
    {"close with a code of an application", "88 82 00 00 00 00 0f a0", "8(4000): ", 0,
     false},

    {"not masked, from a client (§5.1)", "81 02 68 69", "", WS_CODE_PROTOCOL, false},
    {"masked, from a server (§5.1)", "81 80 00 00 00 00", "", WS_CODE_PROTOCOL, true},
    {"a reserved bit (§5.2)", "c1 80 00 00 00 00", "", WS_CODE_PROTOCOL, false},
    {"opcode 3 (§5.2)", "83 80 00 00 00 00", "", WS_CODE_PROTOCOL, false},
    {"opcode 11 (§5.2)", "8b 80 00 00 00 00", "", WS_CODE_PROTOCOL, false},
    {"5 octets in 16 bits (§5.2)", "82 fe 00 05 00 00 00 00", "", WS_CODE_PROTOCOL,
     false},
    {"5 octets in 64 bits (§5.2)", "82 ff 00 00 00 00 00 00 00 05 00 00 00 00", "",
     WS_CODE_PROTOCOL, false},
    {"more than 63 bits (§5.2)", "82 ff 80 00 00 00 00 00 00 00 00 00 00 00", "",
     WS_CODE_PROTOCOL, false},
    {"a continuation of nothing (§5.4)", "80 80 00 00 00 00", "", WS_CODE_PROTOCOL,
     false},
    {"a message in a message (§5.4)", "02 80 00 00 00 00 82 80 00 00 00 00", "",
     WS_CODE_PROTOCOL, false},
    {"a ping in fragments (§5.5)", "09 80 00 00 00 00", "", WS_CODE_PROTOCOL, false},
    {"a ping of 126 octets (§5.5)", "89 fe 00 7e 00 00 00 00", "", WS_CODE_PROTOCOL,
     false},
    {"close of one octet (§5.5.1)", "88 81 00 00 00 00 03", "", WS_CODE_PROTOCOL, false},
    {"close with 1005 (§7.4.1)", "88 82 00 00 00 00 03 ed", "", WS_CODE_PROTOCOL, false},
    {"close with 999 (§7.4.2)", "88 82 00 00 00 00 03 e7", "", WS_CODE_PROTOCOL, false},
    {"close with 5000 (§7.4.2)", "88 82 00 00 00 00 13 88", "", WS_CODE_PROTOCOL, false},
    {"a reason that is no text (§5.5.1)", "88 83 00 00 00 00 03 e8 ff", "",
     WS_CODE_NO_TEXT, false},
    {"a text that is none (§8.1)", "81 82 00 00 00 00 c3 28", "", WS_CODE_NO_TEXT, false},
    {"301 octets announced", "82 fe 01 2d 00 00 00 00", "", WS_CODE_TOO_BIG, false},
    {"an endless length", "82 ff 7f ff ff ff ff ff ff ff 00 00 00 00", "",
     WS_CODE_TOO_BIG, false},
    {"fragments that exceed together", "02 81 00 00 00 00 61 80 fe 01 2c 00 00 00 00", "",
     WS_CODE_TOO_BIG, false},
};

/* All messages as one text; the last error. */
static enum err read_in_pieces(struct ws *ws, struct span hex, size_t piece, char *text,
                               size_t cap)
{
    enum err e = E_SHORT;
    size_t n = 0;
    text[0] = '\0';
    while (hex.n > 0 && (e == E_OK || e == E_SHORT)) {
        size_t k = piece < hex.n ? piece : hex.n;
        struct rd in = rd_of((struct span){hex.p, k});
        struct ws_msg m;
        hex = (struct span){hex.p + k, hex.n - k};
        while ((e = sl_ws_read(ws, &in, &m)) == E_OK) {
            char code[16] = "";
            if (m.op == WS_CLOSE)
                (void)snprintf(code, sizeof code, "(%u)", m.code);
            n += (size_t)snprintf(text + n, cap - n, "%d%s:%.*s ", m.op, code,
                                  (int)m.data.n, (const char *)m.data.p);
        }
    }
    return e;
}

TEST(frames_are_read)
{
    static const size_t pieces[] = {1000, 1, 3};
    for (size_t i = 0; i < LEN(rows); i++)
        for (size_t k = 0; k < LEN(pieces); k++) {
            struct ws ws;
            char text[128];
            check_row(rows[i].name);
            sl_ws_init(&ws, MESSAGE_MAX, !rows[i].from_server);
            enum err e =
                read_in_pieces(&ws, check_hex(rows[i].hex), pieces[k], text, sizeof text);
            CHECK_INT(ws.code, rows[i].code);
            CHECK((e != E_SHORT) == (rows[i].code != 0));
            if (strcmp(text, rows[i].want) != 0)
                check_fail(__FILE__, __LINE__, "got '%s'", text);
            sl_ws_fini(&ws);
        }
}

/* A frame of every form of length, masked and not, is read back. */
TEST(frames_are_written)
{
    static const size_t lens[] = {0, 1, 125, 126, 127, 65535, 65536, 200000};
    static const uint8_t mask[4] = {1, 0x80, 3, 0xff};
    for (size_t i = 0; i < LEN(lens); i++)
        for (int masked = 0; masked < 2; masked++) {
            struct ws ws;
            struct ws_msg m;
            size_t n = lens[i];
            uint8_t *buf = malloc(n + WS_HEAD_MAX), *want = malloc(n + 1);
            struct wr w = wr_of(buf, n + WS_HEAD_MAX);
            for (size_t k = 0; k < n; k++)
                want[k] = (uint8_t)(k * 7);
            sl_ws_write_head(&w, WS_BINARY, n, masked ? mask : NULL);
            uint8_t *at = w.p + w.n;
            wr_span(&w, (struct span){want, n});
            if (masked)
                sl_ws_mask(at, n, mask, 0);
            sl_ws_init(&ws, 200000, masked);
            struct rd in = rd_of(wr_done(&w));
            CHECK_INT(sl_ws_read(&ws, &in, &m), E_OK);
            CHECK(span_eq(m.data, (struct span){want, n}));
            CHECK_INT(in.n, 0);
            sl_ws_fini(&ws);
            free(buf);
            free(want);
        }
}

/* A peer that cuts a message into single octets makes us hold no more than the message. */
TEST(memory_is_that_of_one_message)
{
    static const uint8_t first[] = {0x02, 0x81, 0, 0, 0, 0, 'a'};
    static const uint8_t more[] = {0x00, 0x81, 0, 0, 0, 0, 'a'};
    struct ws ws;
    struct ws_msg m;
    sl_ws_init(&ws, 1 << 20, true);
    for (int i = 0; i < 10000; i++) {
        struct rd in = rd_of((struct span){i ? more : first, sizeof more});
        CHECK_INT(sl_ws_read(&ws, &in, &m), E_SHORT);
    }
    CHECK_INT(ws.data.n, 10000);
    CHECK(ws.data.cap < 20000);
    struct rd in = rd_of(check_hex("80 80 00 00 00 00 82 80 00 00 00 00"));
    CHECK_INT(sl_ws_read(&ws, &in, &m), E_OK);
    CHECK_INT(m.data.n, 10000);
    CHECK_INT(sl_ws_read(&ws, &in, &m), E_OK);
    CHECK(ws.data.cap < 5000); /* what was large is given back */
    sl_ws_fini(&ws);
}

TEST(a_reason_is_cut_between_characters)
{
    char reason[200] = {0};
    uint8_t buf[WS_CONTROL_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    for (size_t i = 0; i < 120; i += 3)
        memcpy(reason + i, "\xe2\x82\xac", 3);
    memcpy(reason + 120, "ab\xe2\x82\xac", 5);
    sl_ws_write_close(&w, WS_CODE_POLICY, reason);
    CHECK(!w.bad);
    CHECK_INT(w.n, 2 + 122);
}

static struct http_req request(const char *upgrade, const char *connection,
                               const char *key, const char *version)
{
    const char *const fields[][2] = {{"upgrade", upgrade},
                                     {"Connection", connection},
                                     {"Sec-WebSocket-Key", key},
                                     {"sec-websocket-version", version}};
    struct http_req req = {.method = HTTP_GET};
    for (size_t i = 0; i < LEN(fields); i++)
        if (fields[i][1])
            req.headers[req.nheaders++] = (struct http_header){
                .name = span_of(fields[i][0]), .value = span_of(fields[i][1])};
    return req;
}

TEST(handshake)
{
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* RFC 6455 §1.3 */
    static const struct {
        const char *name, *upgrade, *connection, *key, *version;
        unsigned want;
    } all[] = {
        {"of the RFC", "websocket", "Upgrade", key, "13", 0},
        {"other case, other tokens", "WebSocket", "keep-alive, upgrade", key, "13", 0},
        {"another protocol", "h2c", "Upgrade", key, "13", 400},
        {"no upgrade", NULL, "Upgrade", key, "13", 400},
        {"not asked of this hop", "websocket", "keep-alive", key, "13", 400},
        {"a draft's version", "websocket", "Upgrade", key, "8", 426},
        {"no version", "websocket", "Upgrade", key, NULL, 400},
        {"no key", "websocket", "Upgrade", NULL, "13", 400},
        {"a key of 15 octets", "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25j", "13", 400},
        {"a key that is no base64", "websocket", "Upgrade",
         "dGhlIHNhbXBsZSBub25j*Q==", "13", 400},
    };
    for (size_t i = 0; i < LEN(all); i++) {
        char accept[WS_ACCEPT_CAP] = "";
        struct http_req req =
            request(all[i].upgrade, all[i].connection, all[i].key, all[i].version);
        check_row(all[i].name);
        CHECK_INT(sl_ws_accept(&req, accept), all[i].want);
        CHECK(strcmp(accept, all[i].want ? "" : "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
        req.method = HTTP_POST;
        CHECK_INT(sl_ws_accept(&req, accept), 400);
    }
}
