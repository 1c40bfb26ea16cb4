#include "api/rooms_msg.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

TEST(what_is_a_request)
{
    static const struct {
        const char *name, *text;
        enum err want;
        enum rooms_ask type;
        const char *fault; /* of those that are none */
    } rows[] = {
        {"a join", "{'type':'join','v':1}", E_OK, ROOMS_ASK_JOIN, ""},
        {"with all it may say",
         "{'type':'join','id':7,'v':1,'token':'t','name':'Zo\u00eb','metadata':'{}',"
         "'connections':1,'create':false,'later':[1]}",
         E_OK, ROOMS_ASK_JOIN, ""},
        {"nothing", "", E_MALFORMED, 0, ""},
        {"no JSON", "{'type'", E_MALFORMED, 0, ""},
        {"no object", "['join']", E_MALFORMED, 0, ""},
        {"two of a name", "{'type':'ping','type':'ping'}", E_MALFORMED, 0, ""},
        {"more behind it", "{'type':'ping'} {}", E_MALFORMED, 0, ""},
        {"no type", "{'id':1}", E_MALFORMED, 0, "type"},
        {"a type that is none", "{'type':'jump'}", E_UNSUPPORTED, 0, ""},
        {"a type in capitals", "{'type':'PING'}", E_UNSUPPORTED, 0, ""},
        {"an id that is a text", "{'type':'ping','id':'1'}", E_MALFORMED, 0, "id"},
        {"an id below zero", "{'type':'ping','id':-1}", E_MALFORMED, 0, "id"},
        {"an id that no page can say", "{'type':'ping','id':9007199254740992}",
         E_MALFORMED, 0, "id"},
        {"no version", "{'type':'join'}", E_MALFORMED, 0, "v"},
        {"three connections", "{'type':'join','v':1,'connections':3}", E_MALFORMED, 0,
         "connections"},
        {"a truth that is a number", "{'type':'lock','locked':1}", E_MALFORMED, 0,
         "locked"},
        {"a NUL in a text", "{'type':'data','text':'a\\u0000b'}", E_MALFORMED, 0, ""},
        {"no UTF-8", "{'type':'data','text':'\xff'}", E_MALFORMED, 0, ""},
        {"for nobody", "{'type':'data','text':'a','to':[]}", E_MALFORMED, 0, "to"},
        {"for a number", "{'type':'data','text':'a','to':[1]}", E_MALFORMED, 0, "to"},
        {"a source with a blank",
         "{'type':'offer','sdp':'','tracks':{'0':{'source':'a b'}}}", E_MALFORMED, 0,
         "tracks"},
        {"a source that is too long",
         "{'type':'offer','sdp':'','tracks':{'0':{'source':'0123456789abcdef'}}}", E_FULL,
         0, "tracks"},
        {"too wide a place", "{'type':'want','track':'a','width':65536}", E_MALFORMED, 0,
         "width"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[256];
        struct rooms_msg m;
        (void)snprintf(text, sizeof text, "%s", rows[i].text);
        for (char *c = text; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        check_row(rows[i].name);
        CHECK_INT(sl_rooms_msg_read(span_of(text), &m), rows[i].want);
        if (rows[i].want == E_OK)
            CHECK_INT(m.type, rows[i].type);
        else
            CHECK_STR(m.fault, rows[i].fault);
        sl_rooms_msg_fini(&m);
    }
}

TEST(what_it_says)
{
    struct rooms_msg m;
    CHECK_INT(sl_rooms_msg_read(
                  span_of("{\"type\":\"offer\",\"id\":0,\"sdp\":\"v=0\\r\\n\",\"tracks\":"
                          "{\"1\":{\"source\":\"screen\",\"muted\":true},\"0\":{}}}"),
                  &m),
              E_OK);
    CHECK(m.has_id && m.id == 0 && span_is(m.sdp, "v=0\r\n"));
    CHECK_INT(m.tracks_n, 2);
    for (size_t i = 0; i < m.tracks_n; i++) {
        bool first = span_is(m.tracks[i].mid, "1");
        CHECK_INT(first, span_is(m.tracks[i].source, "screen"));
        CHECK_INT(first, m.tracks[i].muted);
        CHECK_INT(first, m.tracks[i].source.p != NULL);
    }
    sl_rooms_msg_fini(&m);

    CHECK_INT(sl_rooms_msg_read(span_of("{\"type\":\"join\",\"v\":1}"), &m), E_OK);
    CHECK(m.create && m.connections == 2 && !m.has_id && !m.name.p);
    sl_rooms_msg_fini(&m);

    CHECK_INT(sl_rooms_msg_read(span_of("{\"type\":\"update\",\"name\":\"\"}"), &m),
              E_OK);
    CHECK(m.name.p && m.name.n == 0 && !m.metadata.p); /* said, and empty */
    sl_rooms_msg_fini(&m);

    CHECK_INT(sl_rooms_msg_read(span_of("{\"type\":\"data\",\"text\":\"\",\"to\":"
                                        "[\"a\",\"b\",\"a\",\"a\"]}"),
                                &m),
              E_OK);
    CHECK_INT(m.to_n, 2);
    CHECK(span_is(m.to[0], "a") && span_is(m.to[1], "b"));
    sl_rooms_msg_fini(&m);
}

/* "{"type":"data","to":[...]}" of n, or a text of n octets. */
static enum err with(const char *before, const char *each, size_t n, const char *after)
{
    char *text = calloc(1, strlen(before) + n * strlen(each) + strlen(after) + 1), *at;
    at = stpcpy(text, before);
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, each);
    at = stpcpy(at, after);
    struct rooms_msg m;
    enum err e =
        sl_rooms_msg_read((struct span){(uint8_t *)text, (size_t)(at - text)}, &m);
    sl_rooms_msg_fini(&m);
    free(text);
    return e;
}

TEST(limits)
{
    static const struct {
        const char *name, *before, *each, *after;
        size_t most;
    } rows[] = {
        {"text", "{\"type\":\"data\",\"text\":\"", "x", "\"}", ROOMS_TEXT_MAX},
        {"recipients", "{\"type\":\"data\",\"text\":\"\",\"to\":[\"\"", ",\"a\"", "]}",
         ROOMS_TO_MAX - 1},
        {"a name", "{\"type\":\"update\",\"name\":\"", "x", "\"}", 128},
        {"metadata", "{\"type\":\"room\",\"metadata\":\"", "x", "\"}", 4096},
        {"a reason", "{\"type\":\"remove\",\"peer\":\"a\",\"reason\":\"", "x", "\"}",
         256},
        {"a mid", "{\"type\":\"offer\",\"sdp\":\"\",\"tracks\":{\"", "x", "\":{}}}", 31},
        {"all", "{\"type\":\"offer\",\"sdp\":\"", "x", "\"}", ROOMS_MSG_MAX - 25},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(with(rows[i].before, rows[i].each, rows[i].most, rows[i].after), E_OK);
        CHECK_INT(with(rows[i].before, rows[i].each, rows[i].most + 1, rows[i].after),
                  E_FULL);
    }
}
