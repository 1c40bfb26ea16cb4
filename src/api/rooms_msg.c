#include "api/rooms_msg.h"

#include <jansson.h>
#include <string.h>

#include "room/participant.h"

enum kind { TEXT, WHOLE, TRUTH, TRACKS, TO };

#define JSON_WHOLE_MAX ((INT64_C(1) << 53) - 1)

/* most: octets of a text, or the greatest number. */
struct member {
    const char *name;
    enum kind kind;
    size_t at;
    int64_t most;
};

#define AT(field) offsetof(struct rooms_msg, field)
#define SET(...)                                                                         \
    (const char *const[])                                                                \
    {                                                                                    \
        __VA_ARGS__, NULL                                                                \
    }

static const struct member members[] = {
    {"v", WHOLE, AT(v), UINT16_MAX},
    {"token", TEXT, AT(token), 4096},
    {"name", TEXT, AT(name), LABEL_MAX},
    {"metadata", TEXT, AT(metadata), METADATA_MAX},
    {"connections", WHOLE, AT(connections), 2},
    {"create", TRUTH, AT(create), 0},
    {"resume", TEXT, AT(resume), 64},
    {"sdp", TEXT, AT(sdp), ROOMS_MSG_MAX},
    {"tracks", TRACKS, 0, 0},
    {"offer", WHOLE, AT(offer), UINT32_MAX},
    {"of", TEXT, AT(of), 16},
    {"candidate", TEXT, AT(candidate), 1024},
    {"mid", TEXT, AT(mid), 32},
    {"peer", TEXT, AT(peer), NAME_MAX_LEN},
    {"track", TEXT, AT(track), 16},
    {"muted", TRUTH, AT(muted), 0},
    {"width", WHOLE, AT(width), UINT16_MAX},
    {"height", WHOLE, AT(height), UINT16_MAX},
    {"fps", WHOLE, AT(fps), UINT8_MAX},
    {"priority", WHOLE, AT(priority), UINT8_MAX},
    {"paused", TRUTH, AT(paused), 0},
    {"on", TRUTH, AT(on), 0},
    {"to", TO, 0, 0},
    {"text", TEXT, AT(text), ROOMS_TEXT_MAX},
    {"reason", TEXT, AT(reason), 256},
    {"role", TEXT, AT(role), 16},
    {"locked", TRUTH, AT(locked), 0},
    {"after", TEXT, AT(after), NAME_MAX_LEN},
};

#define ROOMS_ASK_NAME(name, text) [ROOMS_ASK_##name] = text,
static const char *const names[ROOMS_ASKS] = {ROOMS_ASK_LIST(ROOMS_ASK_NAME)};
#undef ROOMS_ASK_NAME

static const struct {
    const char *const *must, *const *may; /* NULL: none */
} shapes[ROOMS_ASKS] = {
    [ROOMS_ASK_JOIN] = {SET("v"),
                        SET("token", "name", "metadata", "connections", "create")},
    [ROOMS_ASK_RESUME] = {SET("v", "resume"), NULL},
    [ROOMS_ASK_OFFER] = {SET("sdp"), SET("tracks")},
    [ROOMS_ASK_ANSWER] = {SET("offer", "sdp"), NULL},
    [ROOMS_ASK_CANDIDATE] = {SET("of", "candidate"), SET("mid")},
    [ROOMS_ASK_RESTART] = {SET("of"), NULL},
    [ROOMS_ASK_MUTE] = {SET("track", "muted"), SET("peer")},
    [ROOMS_ASK_UPDATE] = {NULL, SET("name", "metadata")},
    [ROOMS_ASK_WANT] = {SET("track"),
                        SET("width", "height", "fps", "priority", "paused")},
    [ROOMS_ASK_SUBSCRIBE] = {SET("track", "on"), NULL},
    [ROOMS_ASK_DATA] = {SET("text"), SET("to")},
    [ROOMS_ASK_REMOVE] = {SET("peer"), SET("reason")},
    [ROOMS_ASK_ROLE] = {SET("peer", "role"), NULL},
    [ROOMS_ASK_WATCHERS] = {NULL, SET("after")},
    [ROOMS_ASK_LOCK] = {SET("locked"), NULL},
    [ROOMS_ASK_ROOM] = {SET("metadata"), NULL},
};

static struct span text_of(const json_t *s)
{
    return (struct span){(const uint8_t *)json_string_value(s), json_string_length(s)};
}

/* A name, and what is said of it. Absent is good, and p stays NULL. */
static enum err read_text(const json_t *v, size_t most, struct span *ret)
{
    if (!v)
        return E_OK;
    if (!json_is_string(v))
        return E_MALFORMED;
    if (json_string_length(v) > most)
        return E_FULL;
    *ret = text_of(v);
    return E_OK;
}

bool sl_rooms_source_valid(struct span s)
{
    if (s.n == 0 || s.n >= SOURCE_CAP)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

static enum err read_sent(const char *mid, const json_t *v, struct rooms_sent *ret)
{
    const json_t *muted = json_object_get(v, "muted");
    ret->mid = span_of(mid);
    if (!json_is_object(v) || (muted && !json_is_boolean(muted)))
        return E_MALFORMED;
    if (ret->mid.n >= PARAMS_NAME_MAX)
        return E_FULL;
    enum err e = read_text(json_object_get(v, "source"), SOURCE_CAP - 1, &ret->source);
    if (!e && ret->source.p && !sl_rooms_source_valid(ret->source))
        e = E_MALFORMED;
    e = e ? e : read_text(json_object_get(v, "name"), LABEL_MAX, &ret->name);
    e = e ? e : read_text(json_object_get(v, "metadata"), METADATA_MAX, &ret->metadata);
    ret->muted = json_is_true(muted);
    return e;
}

static enum err read_tracks(json_t *v, struct rooms_msg *m)
{
    const char *mid;
    json_t *sent;
    enum err e = E_OK;
    if (!json_is_object(v))
        return E_MALFORMED;
    if (json_object_size(v) > ROOMS_TRACKS_MAX)
        return E_FULL;
    json_object_foreach(v, mid, sent)
    {
        e = e ? e : read_sent(mid, sent, &m->tracks[m->tracks_n]);
        m->tracks_n += !e;
    }
    return e;
}

static enum err read_to(const json_t *v, struct rooms_msg *m)
{
    if (!json_is_array(v) || json_array_size(v) == 0)
        return E_MALFORMED;
    if (json_array_size(v) > ROOMS_TO_MAX)
        return E_FULL;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *name = json_array_get(v, i);
        enum err e = json_is_string(name) ? E_OK : E_MALFORMED;
        e = e ? e : read_text(name, NAME_MAX_LEN, &m->to[m->to_n]);
        if (e)
            return e;
        m->to_n += !span_among(m->to[m->to_n], m->to, m->to_n);
    }
    return E_OK;
}

static enum err read_whole(const json_t *v, int64_t most, int64_t *ret)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > most)
        return E_MALFORMED;
    *ret = json_integer_value(v);
    return E_OK;
}

static enum err read_member(const struct member *at, json_t *v, struct rooms_msg *m)
{
    void *to = (char *)m + at->at;
    switch (at->kind) {
    case TEXT: return read_text(v, (size_t)at->most, to);
    case WHOLE: return read_whole(v, at->most, to);
    case TRUTH:
        *(bool *)to = json_is_true(v);
        return json_is_boolean(v) ? E_OK : E_MALFORMED;
    case TRACKS: return read_tracks(v, m);
    case TO: return read_to(v, m);
    }
    return E_MALFORMED;
}

static enum err read_one(const char *name, bool must, struct rooms_msg *m)
{
    json_t *v = json_object_get(m->json, name);
    size_t i = 0;
    if (!v && !must)
        return E_OK;
    while (strcmp(members[i].name, name) != 0)
        i++;
    m->fault = members[i].name;
    return v ? read_member(&members[i], v, m) : E_MALFORMED;
}

static enum err read_all(const char *const *set, bool must, struct rooms_msg *m)
{
    enum err e = E_OK;
    for (size_t i = 0; !e && set && set[i]; i++)
        e = read_one(set[i], must, m);
    return e;
}

static bool read_type(const json_t *v, enum rooms_ask *ret)
{
    for (int i = 0; json_is_string(v) && i < ROOMS_ASKS; i++)
        if (strcmp(json_string_value(v), names[i]) == 0) {
            *ret = (enum rooms_ask)i;
            return true;
        }
    return false;
}

enum err sl_rooms_msg_read(struct span text, struct rooms_msg *ret)
{
    *ret = (struct rooms_msg){.fault = "", .connections = 2, .create = true};
    if (text.n > ROOMS_MSG_MAX)
        return E_FULL;
    ret->json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object((json_t *)ret->json))
        return E_MALFORMED;
    const json_t *type = json_object_get(ret->json, "type"),
                 *id = json_object_get(ret->json, "id");
    ret->has_id = id && read_whole(id, JSON_WHOLE_MAX, &ret->id) == E_OK;
    if (id && !ret->has_id) {
        ret->fault = "id";
        return E_MALFORMED;
    }
    if (!json_is_string(type)) {
        ret->fault = "type";
        return E_MALFORMED;
    }
    if (!read_type(type, &ret->type))
        return E_UNSUPPORTED;
    enum err e = read_all(shapes[ret->type].must, true, ret);
    return e ? e : read_all(shapes[ret->type].may, false, ret);
}

void sl_rooms_msg_fini(struct rooms_msg *m)
{
    json_decref(m->json);
    m->json = NULL;
}
