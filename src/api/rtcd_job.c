#include "api/rtcd_job.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/word.h"

/* ---- the request ---- */

static struct span put(struct rtcd_job *j, struct span s)
{
    uint8_t *at = j->text.p + j->text.n;
    wr_span(&j->text, s);
    return j->text.bad ? (struct span){0} : (struct span){at, s.n};
}

/* "Basic " and base64 of user:key, or "Bearer " and a token. */
static void read_auth(struct rtcd_job *j, struct span header)
{
    static const char basic[] = "Basic ", bearer[] = "Bearer ";
    if (word_starts(header, bearer)) {
        j->auth = RTCD_AUTH_BEARER;
        j->key = put(j, (struct span){header.p + sizeof bearer - 1,
                                      header.n - (sizeof bearer - 1)});
        return;
    }
    struct span scheme = {header.p, header.n < sizeof basic - 1 ? 0 : sizeof basic - 1};
    if (!word_same(scheme, basic))
        return;
    uint8_t *at = j->text.p + j->text.n;
    size_t before = j->text.n;
    if (sl_base64_read((struct span){header.p + scheme.n, header.n - scheme.n},
                       &j->text) != E_OK)
        return;
    struct span rest = {at, j->text.n - before};
    if (rest.n == 0 || !memchr(rest.p, ':', rest.n))
        return;
    j->user = word_cut(&rest, ':');
    j->key = rest;
    j->auth = RTCD_AUTH_BASIC;
}

static const char *kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_INTEGER:
    case JSON_REAL: return "number";
    case JSON_TRUE:
    case JSON_FALSE: return "bool";
    case JSON_STRING:
    case JSON_NULL: break;
    }
    return "string";
}

static bool is_blank(struct span s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) && s.p[0])
        s = (struct span){s.p + 1, s.n - 1};
    return s.n == 0;
}

/* The words of rtcd's own decoder, where callers could look for them. */
static void read_object(struct rtcd_job *j, json_t *body)
{
    const char *name;
    json_t *value;
    if (json_is_null(body))
        return;
    if (!json_is_object(body)) {
        (void)snprintf(
            j->body_error, sizeof j->body_error,
            "json: cannot unmarshal %s into Go value of type map[string]string",
            kind_of(body));
        return;
    }
    json_object_foreach(body, name, value)
    {
        if (!json_is_string(value)) {
            if (!json_is_null(value))
                (void)snprintf(j->body_error, sizeof j->body_error,
                               "json: cannot unmarshal %s into Go value of type string",
                               kind_of(value));
            continue;
        }
        struct span s = {(const uint8_t *)json_string_value(value),
                         json_string_length(value)};
        if (strcmp(name, "clientID") == 0)
            j->client = put(j, s);
        else if (strcmp(name, "authKey") == 0)
            j->client_key = put(j, s);
    }
}

void sl_rtcd_job_read_body(struct rtcd_job *j, struct span body)
{
    json_error_t why;
    if (is_blank(body)) {
        (void)snprintf(j->body_error, sizeof j->body_error, "EOF");
        return;
    }
    /* What stands behind the first value is not looked at, by rtcd neither. */
    json_t *json = json_loadb((const char *)body.p, body.n,
                              JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &why);
    if (json)
        read_object(j, json);
    else
        (void)snprintf(j->body_error, sizeof j->body_error, "%s",
                       json_error_code(&why) == json_error_premature_end_of_input
                           ? "unexpected EOF"
                           : "invalid character in the request body");
    json_decref(json);
}

/* Percent signs of a path are no part of a name. */
static struct span put_segment(struct rtcd_job *j, struct span s)
{
    uint8_t *at = j->text.p + j->text.n;
    size_t before = j->text.n;
    if (sl_http_unescape(s, &j->text) != E_OK)
        return put(j, s);
    return (struct span){at, j->text.n - before};
}

struct rtcd_job *sl_rtcd_job_new(struct rtcd *r, struct kv *kv,
                                 const struct http_req *req, enum rtcd_ask ask,
                                 struct span call, struct span session)
{
    struct span auth = sl_http_header(req, "Authorization");
    size_t room = auth.n + req->body.n + req->path.n * 2 + 1;
    struct rtcd_job *j = calloc(1, sizeof *j + room);
    if (!j)
        return NULL;
    *j = (struct rtcd_job){.r = r, .kv = kv, .id = req->id, .ask = ask};
    j->text = wr_of((uint8_t *)(j + 1), room);
    list_init(&j->link);
    if (ask != RTCD_LOGIN)
        read_auth(j, auth);
    if (ask == RTCD_REGISTER || ask == RTCD_UNREGISTER || ask == RTCD_LOGIN)
        sl_rtcd_job_read_body(j, req->body);
    if (ask == RTCD_SESSIONS) {
        j->call = put_segment(j, call);
        if (session.p)
            j->session = put_segment(j, session);
    }
    return j;
}

void sl_rtcd_job_free(struct rtcd_job *j)
{
    list_del(&j->link);
    sl_password_wipe(j->text.p, j->text.cap);
    free(j->kept);
    free(j);
}

enum err sl_rtcd_job_keep(struct rtcd_job *j, struct span s, struct span *ret)
{
    j->kept = malloc(s.n + 1);
    if (!j->kept)
        return E_MEMORY;
    if (s.n > 0)
        memcpy(j->kept, s.p, s.n);
    *ret = (struct span){j->kept, s.n};
    return E_OK;
}

unsigned sl_rtcd_may_upgrade(const struct http_req *req, char accept[WS_ACCEPT_CAP])
{
    struct span origin = sl_http_header(req, "Origin"),
                host = sl_http_header(req, "Host");
    unsigned refuse = sl_ws_accept(req, accept);
    if (refuse || !origin.p)
        return refuse;
    const uint8_t *at = origin.n > 0 ? memmem(origin.p, origin.n, "://", 3) : NULL;
    if (!at)
        return 403;
    struct span from = {at + 3, origin.n - (size_t)(at + 3 - origin.p)};
    return from.n == host.n && from.n > 0 &&
                   strncasecmp((const char *)from.p, (const char *)host.p, from.n) == 0
               ? 0
               : 403;
}

/* ---- steps ---- */

void sl_rtcd_job_work(struct rtcd_job *j)
{
    switch (j->step) {
    case RTCD_STEP_AUTH: j->result = sl_clients_check(j->kv, j->user, j->key); break;
    case RTCD_STEP_ADD:
        j->result = sl_clients_add(j->kv, j->client, j->client_key);
        break;
    case RTCD_STEP_DEL: j->result = sl_clients_del(j->kv, j->client); break;
    case RTCD_STEP_LOGIN:
        j->result = sl_clients_check(j->kv, j->client, j->client_key);
        break;
    }
}

static const char *why_not_added(const struct rtcd_job *j)
{
    if (j->result == E_SHORT)
        return "key not long enough";
    if (j->result == E_EXISTS)
        return "already registered";
    if (j->client.n == 0)
        return "error: empty key";
    if (j->client.n > CLIENT_NAME_MAX)
        return "error: key too large";
    if (j->client_key.n > PASSWORD_MAX)
        return "bcrypt: password length exceeds 72 bytes";
    return j->result == E_MALFORMED ? "bcrypt: the key has a NUL octet" : NULL;
}

static const char *why_not_known(const struct rtcd_job *j)
{
    if (j->client.n == 0)
        return ": error: empty key";
    if (j->result == E_ABSENT || j->client.n > CLIENT_NAME_MAX)
        return ": error: not found";
    return j->result == E_AUTH ? "" : NULL;
}

void sl_rtcd_job_error(const struct rtcd_job *j, char *error, size_t cap,
                       unsigned *status)
{
    const char *begin = "", *why = NULL;
    if (j->result == E_OK)
        return;
    *status = 400;
    switch (j->step) {
    case RTCD_STEP_AUTH:
        *status = 401;
        why = "authentication failed";
        break;
    case RTCD_STEP_ADD:
        begin = "registration failed: ";
        why = why_not_added(j);
        break;
    case RTCD_STEP_DEL:
        begin = "unregister failed: ";
        why =
            j->result == E_ABSENT || j->result == E_MALFORMED ? "error: not found" : NULL;
        break;
    case RTCD_STEP_LOGIN:
        begin = "login failed: authentication failed";
        why = why_not_known(j);
        break;
    }
    if (!why) {
        *status = 500;
        why = sl_err_text(j->result);
    }
    (void)snprintf(error, cap, "%s%s", begin, why);
}

void sl_rtcd_envelope(struct wr *w, unsigned status, const char *key, struct span value)
{
    char code[8];
    (void)snprintf(code, sizeof code, "%u", status);
    json_t *o = json_object();
    (void)json_object_set_new(o, "code", json_string(code));
    if (key)
        (void)json_object_set_new(o, key,
                                  json_stringn_nocheck((const char *)value.p, value.n));
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    wr_str(w, text ? text : "{\"code\":\"500\"}");
    wr_u8(w, '\n');
    free(text);
    json_decref(o);
}
