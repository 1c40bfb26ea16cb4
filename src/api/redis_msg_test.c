#include "api/redis_msg.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

#define WHO "\"clientID\":\"ann\",\"roomID\":\"r\""

TEST(redis_messages_are_read)
{
    static const struct {
        const char *name, *text;
        enum err want;
        const char *fault, *sdp, *candidate;
    } rows[] = {
        {"an offer as text", "{\"type\":\"offer\"," WHO ",\"payload\":\"v=0\"}", E_OK,
         NULL, "v=0", NULL},
        {"as browsers write it",
         "{\"type\":\"offer\"," WHO ",\"payload\":{\"type\":\"offer\",\"sdp\":\"v=0\"}}",
         E_OK, NULL, "v=0", NULL},
        {"an answer", "{\"type\":\"answer\"," WHO ",\"payload\":\"v=0\"}", E_OK, NULL,
         "v=0", NULL},
        {"a candidate",
         "{\"type\":\"candidate\"," WHO
         ",\"payload\":{\"candidate\":\"c\",\"sdpMid\":\"0\"}}",
         E_OK, NULL, NULL, "c"},
        {"no more candidates", "{\"type\":\"candidate\"," WHO ",\"payload\":null}", E_OK,
         NULL, NULL, ""},
        {"leave", "{\"type\":\"leave\"," WHO "}", E_OK, NULL, NULL, NULL},
        {"a pass", "{\"type\":\"pass\"," WHO ",\"payload\":{}}", E_OK, NULL, NULL, NULL},
        {"of nothing", "{\"type\":\"pass\"," WHO "}", E_MALFORMED, "payload", NULL, NULL},
        {"what is not known is not looked at", "{\"type\":\"leave\"," WHO ",\"more\":[]}",
         E_OK, NULL, NULL, NULL},
        {"no JSON", "offer", E_MALFORMED, "", NULL, NULL},
        {"nothing", "", E_MALFORMED, "", NULL, NULL},
        {"no object", "[]", E_MALFORMED, "", NULL, NULL},
        {"twice the same", "{\"type\":\"leave\",\"type\":\"offer\"," WHO "}", E_MALFORMED,
         "", NULL, NULL},
        {"no type", "{" WHO "}", E_MALFORMED, "type", NULL, NULL},
        {"another type", "{\"type\":\"done\"," WHO "}", E_UNSUPPORTED, "type", NULL,
         NULL},
        {"nobody", "{\"type\":\"leave\",\"roomID\":\"r\"}", E_MALFORMED, "clientID", NULL,
         NULL},
        {"no name of somebody",
         "{\"type\":\"leave\",\"roomID\":\"r\",\"clientID\":\"a:b\"}", E_MALFORMED,
         "clientID", NULL, NULL},
        {"nowhere", "{\"type\":\"leave\",\"clientID\":\"ann\"}", E_MALFORMED, "roomID",
         NULL, NULL},
        {"no name of a room",
         "{\"type\":\"leave\",\"clientID\":\"ann\",\"roomID\":\"../r\"}", E_MALFORMED,
         "roomID", NULL, NULL},
        {"an offer of nothing", "{\"type\":\"offer\"," WHO "}", E_MALFORMED, "payload",
         NULL, NULL},
        {"of a number", "{\"type\":\"offer\"," WHO ",\"payload\":{\"sdp\":1}}",
         E_MALFORMED, "payload", NULL, NULL},
        {"a candidate of nothing", "{\"type\":\"candidate\"," WHO "}", E_MALFORMED,
         "payload", NULL, NULL},
        {"no truth", "{\"type\":\"leave\"," WHO ",\"isHost\":1}", E_MALFORMED, "isHost",
         NULL, NULL},
        {"no promise", "{\"type\":\"leave\"," WHO ",\"offers\":\"yes\"}", E_MALFORMED,
         "offers", NULL, NULL},
        {"no name", "{\"type\":\"leave\"," WHO ",\"name\":{}}", E_MALFORMED, "name", NULL,
         NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct redis_msg m;
        check_row(rows[i].name);
        CHECK_INT(sl_redis_msg_read(span_of(rows[i].text), &m), rows[i].want);
        if (rows[i].fault)
            CHECK_STR(m.fault, rows[i].fault);
        CHECK(!rows[i].sdp || span_is(m.sdp, rows[i].sdp));
        CHECK(!rows[i].candidate ||
              (m.candidate.p && span_is(m.candidate, rows[i].candidate)));
        sl_redis_msg_fini(&m);
    }
}

TEST(redis_messages_name_rooms_of_tenants)
{
    static const struct {
        const char *room, *tenant, *name; /* NULL: it is no room */
    } rows[] = {
        {"r", "default", "r"}, {"t/r", "t", "r"},  {"t/r/x", NULL, NULL},
        {"/r", NULL, NULL},    {"t/", NULL, NULL}, {"", NULL, NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[128];
        struct redis_msg m;
        check_row(rows[i].room);
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"leave\",\"clientID\":\"ann\",\"roomID\":\"%s\"}",
                       rows[i].room);
        CHECK_INT(sl_redis_msg_read(span_of(text), &m),
                  rows[i].tenant ? E_OK : E_MALFORMED);
        CHECK(!m.room.p == !rows[i].tenant);
        CHECK(!rows[i].tenant || span_is(m.tenant, rows[i].tenant));
        CHECK(!rows[i].name || span_is(m.name, rows[i].name));
        sl_redis_msg_fini(&m);
    }
}

TEST(redis_messages_have_limits)
{
    enum { CAP = REDIS_MSG_MAX + 512 };
    static const struct {
        const char *name, *before, *after;
        size_t n;
        enum err want;
    } rows[] = {
        {"a candidate", "{\"type\":\"candidate\"," WHO ",\"payload\":\"", "\"}", 1024,
         E_OK},
        {"one octet more", "{\"type\":\"candidate\"," WHO ",\"payload\":\"", "\"}", 1025,
         E_FULL},
        {"a name", "{\"type\":\"leave\"," WHO ",\"name\":\"", "\"}", 128, E_OK},
        {"one more", "{\"type\":\"leave\"," WHO ",\"name\":\"", "\"}", 129, E_FULL},
        {"a message", "{\"type\":\"leave\"," WHO ",\"x\":\"", "\"}", REDIS_MSG_MAX,
         E_FULL},
    };
    char *text = malloc(CAP);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct redis_msg m;
        check_row(rows[i].name);
        size_t at = (size_t)snprintf(text, CAP, "%s", rows[i].before);
        memset(text + at, 'x', rows[i].n);
        (void)snprintf(text + at + rows[i].n, CAP - at - rows[i].n, "%s", rows[i].after);
        CHECK_INT(sl_redis_msg_read(span_of(text), &m), rows[i].want);
        sl_redis_msg_fini(&m);
    }
    free(text);
}

TEST(redis_messages_are_written)
{
    uint8_t buf[512], part[256];
    struct wr w = wr_of(buf, sizeof buf), p = wr_of(part, sizeof part);
    struct span sdp = span_of("v=0\r\na=candidate:1 x\r\na=mid:0\r\na=candidate:2 y\r\n");
    CHECK(sl_redis_put_candidate(&p, &sdp));
    sl_redis_say(&w, "candidate", span_of("ann"), span_of("t/r"), wr_done(&p));
    CHECK(span_is(
        wr_done(&w),
        "{\"type\":\"candidate\",\"clientID\":\"ann\",\"roomID\":\"t/r\",\"payload\":"
        "{\"candidate\":\"candidate:1 x\",\"sdpMLineIndex\":0}}"));
    p = wr_of(part, sizeof part);
    CHECK(sl_redis_put_candidate(&p, &sdp));
    CHECK(!sl_redis_put_candidate(&p, &sdp));
    CHECK(span_is(wr_done(&p), "{\"candidate\":\"candidate:2 y\",\"sdpMLineIndex\":0}"));
    p = wr_of(part, sizeof part);
    sl_redis_put_description(&p, "answer", span_of("v=0\r\n"));
    CHECK(span_is(wr_done(&p), "{\"type\":\"answer\",\"sdp\":\"v=0\\r\\n\"}"));
    p = wr_of(part, sizeof part);
    sl_redis_put_error(&p, "glare", span_of("\""));
    CHECK(span_is(wr_done(&p), "{\"code\":\"glare\",\"detail\":\"\\\"\"}"));
    p = wr_of(part, sizeof part);
    sl_redis_put_reason(&p, "left", span_of(""));
    CHECK(span_is(wr_done(&p), "{\"reason\":\"left\",\"detail\":\"\"}"));
}
