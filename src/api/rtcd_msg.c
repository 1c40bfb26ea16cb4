#include "api/rtcd_msg.h"

static const char *const names[] = {
    [RTCD_MSG_UNKNOWN] = "",    [RTCD_MSG_JOIN] = "join",
    [RTCD_MSG_LEAVE] = "leave", [RTCD_MSG_RECONNECT] = "reconnect",
    [RTCD_MSG_RTC] = "rtc",     [RTCD_MSG_HELLO] = "hello",
    [RTCD_MSG_CLOSE] = "close", [RTCD_MSG_VAD] = "vad"};

const char *sl_rtcd_msg_name(enum rtcd_msg_type type)
{
    return names[type];
}

/* ---- reading ---- */

static enum err ignore_kind(enum err e)
{
    return e == E_UNSUPPORTED ? E_OK : e;
}

static enum err read_text(struct rd *r, struct span *ret)
{
    return ignore_kind(sl_msgpack_text(r, ret));
}

static enum err read_truth(struct rd *r, enum rtcd_truth *ret)
{
    struct msgpack m;
    enum err e = sl_msgpack_next(r, &m);
    if (e)
        return e;
    if (m.type == MSGPACK_BOOL)
        *ret = m.b ? RTCD_TRUE : RTCD_FALSE;
    return sl_msgpack_skip_rest(r, &m);
}

static enum err read_rtc_type(struct rd *r, enum rtcd_rtc *ret)
{
    uint64_t n = 0;
    enum err e = ignore_kind(sl_msgpack_uint(r, &n));
    *ret = n < RTCD_RTC_TYPES ? (enum rtcd_rtc)n : RTCD_RTC_NONE;
    return e;
}

static enum err read_session_value(struct rd *r, struct span key, struct rtcd_msg *m)
{
    if (span_is(key, "callID"))
        return read_text(r, &m->call);
    if (span_is(key, "userID"))
        return read_text(r, &m->user);
    if (span_is(key, "sessionID"))
        return read_text(r, &m->session);
    if (span_is(key, "channelID"))
        return read_text(r, &m->channel);
    if (span_is(key, "av1Support"))
        return read_truth(r, &m->av1);
    if (span_is(key, "dcSignaling"))
        return read_truth(r, &m->dc_signaling);
    return sl_msgpack_skip(r);
}

static enum err read_rtc_value(struct rd *r, struct span key, struct rtcd_msg *m)
{
    if (span_is(key, "session_id"))
        return read_text(r, &m->session);
    if (span_is(key, "type"))
        return read_rtc_type(r, &m->rtc);
    if (span_is(key, "data"))
        return read_text(r, &m->data);
    if (span_is(key, "user_id"))
        return read_text(r, &m->user);
    if (span_is(key, "call_id"))
        return read_text(r, &m->call);
    return sl_msgpack_skip(r);
}

static bool is_rtc(enum rtcd_msg_type type)
{
    return type == RTCD_MSG_RTC || type == RTCD_MSG_VAD;
}

static enum err read_map(struct rd *r, uint32_t n, struct rtcd_msg *m)
{
    for (uint32_t i = 0; i < n; i++) {
        struct span key = {0};
        enum err e = read_text(r, &key);
        if (!e)
            e = is_rtc(m->type) ? read_rtc_value(r, key, m)
                                : read_session_value(r, key, m);
        if (e)
            return e;
    }
    return E_OK;
}

/* Some writers give a struct as the list of its fields, in their order. */
static enum err read_rtc_list(struct rd *r, uint32_t n, struct rtcd_msg *m)
{
    static const char *const fields[] = {"group_id", "user_id", "session_id",
                                         "call_id",  "type",    "data"};
    for (uint32_t i = 0; i < n; i++) {
        enum err e = i < sizeof fields / sizeof fields[0]
                         ? read_rtc_value(r, span_of(fields[i]), m)
                         : sl_msgpack_skip(r);
        if (e)
            return e;
    }
    return E_OK;
}

static enum rtcd_msg_type type_of(struct span name)
{
    for (int i = RTCD_MSG_JOIN; i < RTCD_MSG_TYPES; i++)
        if (span_is(name, names[i]))
            return (enum rtcd_msg_type)i;
    return RTCD_MSG_UNKNOWN;
}

enum err sl_rtcd_msg_read(struct span in, struct rtcd_msg *ret)
{
    struct rd r = rd_of(in);
    struct rtcd_msg m = {0};
    struct msgpack data;
    enum err e = sl_msgpack_text(&r, &m.name);
    if (e)
        return e == E_UNSUPPORTED ? E_MALFORMED : e;
    m.type = type_of(m.name);
    e = sl_msgpack_next(&r, &data);
    if (e)
        return e;
    if (data.type == MSGPACK_MAP)
        e = read_map(&r, data.n, &m);
    else if (data.type == MSGPACK_ARRAY && is_rtc(m.type))
        e = read_rtc_list(&r, data.n, &m);
    else
        e = sl_msgpack_skip_rest(&r, &data);
    if (!e)
        *ret = m;
    return e;
}

/* ---- writing ---- */

static void put_pair(struct wr *w, const char *key, struct span value)
{
    sl_msgpack_put_str(w, span_of(key));
    sl_msgpack_put_str(w, value);
}

void sl_rtcd_msg_write_hello(struct wr *w, struct span client, struct span conn)
{
    sl_msgpack_put_str(w, span_of("hello"));
    sl_msgpack_put_map(w, 2);
    put_pair(w, "clientID", client);
    put_pair(w, "connID", conn);
}

void sl_rtcd_msg_write_close(struct wr *w, struct span session)
{
    sl_rtcd_msg_write_about(w, RTCD_MSG_CLOSE, session);
}

static void put_truth(struct wr *w, const char *key, enum rtcd_truth t)
{
    sl_msgpack_put_str(w, span_of(key));
    sl_msgpack_put_bool(w, t == RTCD_TRUE);
}

void sl_rtcd_msg_write_join(struct wr *w, const struct rtcd_msg *m)
{
    const struct {
        const char *key;
        struct span value;
    } texts[] = {{"callID", m->call},
                 {"userID", m->user},
                 {"sessionID", m->session},
                 {"channelID", m->channel}};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    uint32_t n = 0;
    for (size_t i = 0; i < TEXTS; i++)
        n += texts[i].value.p != NULL;
    n += m->av1 != RTCD_ABSENT;
    n += m->dc_signaling != RTCD_ABSENT;
    sl_msgpack_put_str(w, span_of(names[RTCD_MSG_JOIN]));
    sl_msgpack_put_map(w, n);
    for (size_t i = 0; i < TEXTS; i++)
        if (texts[i].value.p)
            put_pair(w, texts[i].key, texts[i].value);
    if (m->av1 != RTCD_ABSENT)
        put_truth(w, "av1Support", m->av1);
    if (m->dc_signaling != RTCD_ABSENT)
        put_truth(w, "dcSignaling", m->dc_signaling);
}

void sl_rtcd_msg_write_about(struct wr *w, enum rtcd_msg_type type, struct span session)
{
    sl_msgpack_put_str(w, span_of(names[type]));
    sl_msgpack_put_map(w, 1);
    put_pair(w, "sessionID", session);
}

void sl_rtcd_msg_write_rtc(struct wr *w, const struct rtcd_rtc_msg *m)
{
    bool vad = m->type == RTCD_RTC_VOICE_ON || m->type == RTCD_RTC_VOICE_OFF;
    sl_msgpack_put_str(w, span_of(vad ? "vad" : "rtc"));
    sl_msgpack_put_map(w, m->data.n > 0 ? 6 : 5);
    put_pair(w, "group_id", m->group);
    put_pair(w, "user_id", m->user);
    put_pair(w, "session_id", m->session);
    put_pair(w, "call_id", m->call);
    sl_msgpack_put_str(w, span_of("type"));
    sl_msgpack_put_uint(w, (uint64_t)m->type);
    if (m->data.n > 0) {
        sl_msgpack_put_str(w, span_of("data"));
        sl_msgpack_put_bin(w, m->data);
    }
}
