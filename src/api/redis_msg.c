#include "api/redis_msg.h"

#include <jansson.h>

#include "base/word.h"

#include "api/roomjson.h"
#include "room/participant.h"

#define REDIS_ASK_NAME(name, text) [REDIS_ASK_##name] = text,
static const char *const names[REDIS_ASKS] = {REDIS_ASK_LIST(REDIS_ASK_NAME)};
#undef REDIS_ASK_NAME

static struct span text_of(const json_t *s)
{
    return (struct span){(const uint8_t *)json_string_value(s), json_string_length(s)};
}

/* ---- who, and where ---- */

/* "ROOM", which is of the tenant "default", or "TENANT/ROOM". */
static bool read_room(struct span room, struct redis_msg *m)
{
    struct span rest = room;
    m->tenant = span_of("default");
    m->name = room;
    if (room.n > 0 && memchr(room.p, '/', room.n)) {
        m->tenant = word_cut(&rest, '/');
        m->name = rest;
    }
    return sl_name_valid(m->tenant) && sl_name_valid(m->name);
}

static enum err read_names(struct redis_msg *m)
{
    const json_t *client = json_object_get(m->json, "clientID"),
                 *room = json_object_get(m->json, "roomID");
    bool named = json_is_string(room) && read_room(text_of(room), m);
    m->fault = "roomID";
    if (named)
        m->room = text_of(room);
    if (json_is_string(client) && sl_name_valid(text_of(client)))
        m->client = text_of(client);
    else
        m->fault = "clientID";
    return named && m->client.p ? E_OK : E_MALFORMED;
}

/* ---- payloads ---- */

/* Text, or an object with that text, as browsers write it. */
static enum err read_text(const json_t *payload, const char *name, size_t most,
                          struct span *ret)
{
    const json_t *v = json_is_object(payload) ? json_object_get(payload, name) : payload;
    if (!json_is_string(v))
        return E_MALFORMED;
    if (json_string_length(v) > most)
        return E_FULL;
    *ret = text_of(v);
    return E_OK;
}

static enum err read_payload(struct redis_msg *m)
{
    const json_t *payload = json_object_get(m->json, "payload");
    m->fault = "payload";
    switch (m->type) {
    case REDIS_ASK_OFFER:
    case REDIS_ASK_ANSWER: return read_text(payload, "sdp", REDIS_MSG_MAX, &m->sdp);
    case REDIS_ASK_CANDIDATE:
        if (!json_is_null(payload)) /* which means that there are no more */
            return read_text(payload, "candidate", REDIS_CANDIDATE_MAX, &m->candidate);
        m->candidate = span_of("");
        return E_OK;
    case REDIS_ASK_PASS:
        m->pass = json_object_get(m->json, "payload");
        return json_is_object(m->pass) ? E_OK : E_MALFORMED;
    case REDIS_ASK_LEAVE:
    case REDIS_ASKS: break;
    }
    return E_OK;
}

static enum err read_rest(struct redis_msg *m)
{
    const json_t *host = json_object_get(m->json, "isHost"),
                 *offers = json_object_get(m->json, "offers"),
                 *label = json_object_get(m->json, "name");
    m->fault = "isHost";
    if (host && !json_is_boolean(host))
        return E_MALFORMED;
    m->has_host = host != NULL;
    m->host = json_is_true(host);
    m->fault = "offers";
    if (offers && !json_is_boolean(offers))
        return E_MALFORMED;
    m->offers = json_is_true(offers);
    m->fault = "name";
    return label
               ? read_text(json_is_string(label) ? label : NULL, "", LABEL_MAX, &m->label)
               : E_OK;
}

/* ---- messages ---- */

static bool read_type(const json_t *v, enum redis_ask *ret)
{
    for (int i = 0; json_is_string(v) && i < REDIS_ASKS; i++)
        if (strcmp(json_string_value(v), names[i]) == 0) {
            *ret = (enum redis_ask)i;
            return true;
        }
    return false;
}

enum err sl_redis_msg_read(struct span text, struct redis_msg *ret)
{
    *ret = (struct redis_msg){.fault = ""};
    if (text.n > REDIS_MSG_MAX)
        return E_FULL;
    ret->json = json_loadb(text.n > 0 ? (const char *)text.p : "", text.n,
                           JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object((json_t *)ret->json))
        return E_MALFORMED;
    const json_t *type = json_object_get(ret->json, "type");
    enum err e = read_names(ret);
    if (e)
        return e;
    ret->fault = "type";
    if (!json_is_string(type))
        return E_MALFORMED;
    if (!read_type(type, &ret->type))
        return E_UNSUPPORTED;
    e = read_payload(ret);
    return e ? e : read_rest(ret);
}

void sl_redis_msg_fini(struct redis_msg *m)
{
    json_decref(m->json);
    m->json = NULL;
}

/* ---- what is said ---- */

static void put(struct wr *w, const char *before, struct span text)
{
    wr_str(w, before);
    sl_roomjson_text(w, text);
}

void sl_redis_say(struct wr *w, const char *type, struct span client, struct span room,
                  struct span payload)
{
    put(w, "{\"type\":", span_of(type));
    put(w, ",\"clientID\":", client);
    put(w, ",\"roomID\":", room);
    wr_str(w, ",\"payload\":");
    wr_span(w, payload);
    wr_u8(w, '}');
}

void sl_redis_put_description(struct wr *w, const char *type, struct span sdp)
{
    put(w, "{\"type\":", span_of(type));
    put(w, ",\"sdp\":", sdp);
    wr_u8(w, '}');
}

/* All is bundled: the candidates of the first section are those of all. */
bool sl_redis_put_candidate(struct wr *w, struct span *rest)
{
    while (rest->n > 0) {
        struct span line = word_cut(rest, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (!word_starts(line, "a=candidate:"))
            continue;
        put(w, "{\"candidate\":", (struct span){line.p + 2, line.n - 2});
        wr_str(w, ",\"sdpMLineIndex\":0}");
        return true;
    }
    return false;
}

void sl_redis_put_error(struct wr *w, const char *code, struct span detail)
{
    put(w, "{\"code\":", span_of(code));
    put(w, ",\"detail\":", detail);
    wr_u8(w, '}');
}

void sl_redis_put_reason(struct wr *w, const char *reason, struct span detail)
{
    put(w, "{\"reason\":", span_of(reason));
    put(w, ",\"detail\":", detail);
    wr_u8(w, '}');
}
