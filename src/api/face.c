#include "api/face.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/word.h"

#include "api/layer.h"
#include "api/origin.h"
#include "api/session.h"
#include "api/streams.h"
#include "api/whep.h"
#include "api/whip.h"

enum { BUF_CAP = REPLY_FIELDS_ROOM + NEGOTIATE_ANSWER_MAX };

/* ---- one face ---- */

/* A quoted-string (RFC 9110 §5.6.4). False: it holds what no header can. */
static bool write_quoted(struct wr *w, const char *name, const char *value)
{
    wr_str(w, "; ");
    wr_str(w, name);
    wr_str(w, "=\"");
    for (; *value; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7f)
            return false;
        if (*value == '"' || *value == '\\')
            wr_u8(w, '\\');
        wr_u8(w, (uint8_t)*value);
    }
    wr_str(w, "\"");
    return true;
}

static bool is_turn(const struct ice_server *s)
{
    return strncmp(s->url, "turn", 4) == 0;
}

/* RFC 9725 §4.6. turn: credentials of servers that have none of their own, or NULL. */
static enum err make_link(const struct face_conf *conf,
                          const struct turn_credentials *turn, char **ret)
{
    char buf[REPLY_FIELDS_ROOM / 2];
    struct wr w = wr_of((uint8_t *)buf, sizeof buf - 1);
    for (size_t i = 0; i < conf->ice_n; i++) {
        const struct ice_server *s = &conf->ice[i];
        bool lent = turn && is_turn(s) && !s->username;
        const char *name = lent ? turn->username : s->username;
        const char *password = lent ? turn->password : s->credential;
        for (const char *c = s->url; *c; c++)
            if (*c <= ' ' || *c > '~' || *c == '<' || *c == '>')
                return E_MALFORMED;
        wr_str(&w, i > 0 ? ", <" : "<");
        wr_str(&w, s->url);
        wr_str(&w, ">; rel=\"ice-server\"");
        if (name && !(write_quoted(&w, "username", name) &&
                      write_quoted(&w, "credential", password) &&
                      write_quoted(&w, "credential-type", "password")))
            return E_MALFORMED;
    }
    if (w.bad)
        return E_MALFORMED;
    buf[w.n] = '\0';
    *ret = strdup(buf);
    return *ret ? E_OK : E_MEMORY;
}

enum err sl_face_init(struct face *f, const struct face_conf *conf)
{
    *f = (struct face){.conf = *conf, .buf = malloc(BUF_CAP)};
    enum err e = f->buf ? E_OK : E_MEMORY;
    if (!e && conf->ice_n > 0)
        e = make_link(conf, NULL, &f->link);
    if (e)
        sl_face_fini(f);
    return e;
}

const char *sl_face_link(struct face *f, uint64_t transport)
{
    const struct face_conf *c = &f->conf;
    struct turn_credentials turn;
    char *link;
    if (c->turn && f->link && c->turn(c->turn_ctx, transport, &turn) &&
        make_link(c, &turn, &link) == E_OK) {
        free(f->link);
        f->link = link;
    }
    return f->link;
}

void sl_face_fini(struct face *f)
{
    free(f->link);
    free(f->buf);
    *f = (struct face){0};
}

/* ---- what its modules ask of a request ---- */

void sl_ask_refuse(struct ask *a, enum problem p, const char *code, const char *detail)
{
    a->face->refused[p]++;
    sl_reply_problem(&a->reply, p, code, detail);
}

/* RFC 6750 §2.1; empty when there is none. */
struct span sl_face_bearer(const struct http_req *req)
{
    static const char scheme[] = "Bearer ";
    struct span v = sl_http_header(req, "Authorization");
    size_t n = sizeof scheme - 1;
    if (v.n < n || strncasecmp((const char *)v.p, scheme, n) != 0)
        return (struct span){0};
    while (n < v.n && v.p[n] == ' ')
        n++;
    return (struct span){v.p + n, v.n - n};
}

bool sl_ask_permitted(struct ask *a, enum may what, struct claims *ret)
{
    const struct face_conf *c = &a->face->conf;
    enum err e = c->verify(c->verify_ctx, sl_face_bearer(a->req), ret);
    if (!e && sl_claims_permit(ret, what, a->room))
        return true;

    enum problem p = PROBLEM_TOKEN_INVALID;
    const char *error = ", error=\"invalid_token\"";
    if (e == E_OK) {
        p = PROBLEM_FORBIDDEN;
        error = ", error=\"insufficient_scope\"";
    } else if (e == E_ABSENT) {
        p = PROBLEM_TOKEN_MISSING;
        error = ""; /* RFC 6750 §3.1: nothing was wrong with what was not sent */
    } else if (e == E_LATE) {
        p = PROBLEM_TOKEN_EXPIRED;
    } else if (e == E_EARLY) {
        p = PROBLEM_TOKEN_EARLY;
    }
    sl_ask_refuse(a, p, NULL, "");
    sl_reply_field(&a->reply, "WWW-Authenticate", "Bearer realm=\"sluice\"%s", error);
    return false;
}

/* Behind a proxy, all come from the proxy's address. The last element of the last of these
 * fields is what the proxy saw; everything before it is what the client says of itself. */
struct addr sl_face_client(const struct face *f, const struct http_req *req)
{
    struct addr ret = req->peer;
    struct span list = {0};
    for (size_t i = 0; f->conf.proxied && i < req->nheaders; i++)
        if (word_same(req->headers[i].name, "X-Forwarded-For"))
            list = req->headers[i].value;
    size_t from = list.n;
    while (from > 0 && list.p[from - 1] != ',' && list.p[from - 1] != ' ')
        from--;
    if (list.n > 0 &&
        sl_addr_parse((struct span){list.p + from, list.n - from}, 0, &ret) != E_OK)
        ret = req->peer;
    return ret;
}

bool sl_ask_within(struct ask *a, struct limit *l)
{
    struct addr from = sl_face_client(a->face, a->req);
    usec wait = sl_limit_take(l, &from, a->now);
    if (wait == 0)
        return true;
    sl_ask_refuse(a, PROBLEM_TOO_MANY, NULL, "");
    sl_reply_retry_after(&a->reply, wait);
    return false;
}

bool sl_ask_accepts(struct ask *a, const char *type)
{
    struct span accept = sl_http_header(a->req, "Accept");
    char any[32];
    (void)snprintf(any, sizeof any, "%.*s/*", (int)strcspn(type, "/"), type);
    if (accept.n == 0 || sl_http_lists(accept, type) || sl_http_lists(accept, any) ||
        sl_http_lists(accept, "*/*"))
        return true;
    sl_ask_refuse(a, PROBLEM_NOT_ACCEPTABLE, NULL, type);
    return false;
}

bool sl_ask_sends(struct ask *a, const char *type)
{
    if (sl_http_lists(sl_http_header(a->req, "Content-Type"), type))
        return true;
    sl_ask_refuse(a, PROBLEM_MEDIA_TYPE, NULL, type);
    return false;
}

/* ---- resources and methods ---- */

/* /first/ROOM[/STREAM], /first/KEY, /first/KEY/last, /first/ROOM/last */
enum shape { NAMES, KEY, PART, LIST };

struct resource {
    const char *first;
    enum shape shape;
    const char *last;
    unsigned methods;          /* bits; OPTIONS is answered here */
    const char *allow;         /* the same in words */
    const char *accept, *type; /* the field that says what may be sent, or NULL */
    void (*answer)(struct ask *a);
};

#define M(method) (1u << HTTP_##method)

static const struct resource resources[] = {
    {"whip", NAMES, NULL, M(GET) | M(HEAD) | M(POST), "GET, HEAD, OPTIONS, POST",
     "Accept-Post", SESSION_OFFER, sl_whip_answer},
    {"whep", NAMES, NULL, M(GET) | M(HEAD) | M(POST), "GET, HEAD, OPTIONS, POST",
     "Accept-Post", SESSION_OFFER, sl_whep_answer},
    {"session", KEY, NULL, M(GET) | M(HEAD) | M(PATCH) | M(DELETE),
     "DELETE, GET, HEAD, OPTIONS, PATCH", "Accept-Patch", SESSION_FRAGMENT,
     sl_session_answer},
    {"session", PART, "layer", M(GET) | M(HEAD) | M(POST), "GET, HEAD, OPTIONS, POST",
     "Accept-Post", "application/json", sl_layer_answer},
    {"session", PART, "events", M(GET) | M(HEAD), "GET, HEAD, OPTIONS", NULL, NULL,
     sl_layer_events},
    {"rooms", LIST, "streams", M(GET) | M(HEAD), "GET, HEAD, OPTIONS", NULL, NULL,
     sl_streams_answer},
};

static bool has_key(const struct resource *r)
{
    return r->shape == KEY || r->shape == PART;
}

static bool fits(const struct resource *r, const struct span *seg, size_t n)
{
    switch (r->shape) {
    case NAMES: return n == 2 || n == 3;
    case KEY: return n == 2;
    case PART:
    case LIST: return n == 3 && span_is(seg[2], r->last);
    }
    return false;
}

/* NULL: the path names no resource. */
static const struct resource *find(struct span path, struct ask *ret)
{
    struct span seg[3] = {0};
    size_t n = 0;
    while (n < 3 && sl_http_segment(&path, &seg[n]))
        n++;
    if (n == 0 || path.n > 0)
        return NULL;
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        const struct resource *r = &resources[i];
        if (!span_is(seg[0], r->first) || !fits(r, seg, n))
            continue;
        *(has_key(r) ? &ret->key : &ret->room) = seg[1];
        if (r->shape == NAMES)
            ret->stream = seg[2];
        return r;
    }
    return NULL;
}

bool sl_face_has(struct span path)
{
    struct ask a = {0};
    return find(path, &a) != NULL;
}

/* Also the preflight of a browser (CORS), which comes without a token. */
static void answer_options(struct ask *a, const struct resource *r)
{
    a->reply.status = 200;
    sl_reply_field(&a->reply, "Allow", "%s", r->allow);
    if (r->accept)
        sl_reply_field(&a->reply, r->accept, "%s", r->type);
    sl_reply_field(&a->reply, "Access-Control-Allow-Methods", "%s", r->allow);
    sl_reply_field(&a->reply, "Access-Control-Allow-Headers",
                   "Authorization, Content-Type, If-Match");
    sl_reply_field(&a->reply, "Access-Control-Max-Age", "7200");
}

/* The server could not take the body, and has settled the status. */
static void answer_refused(struct ask *a)
{
    enum problem p = PROBLEM_REQUEST;
    if (a->req->refuse == 413)
        p = PROBLEM_TOO_LARGE;
    sl_ask_refuse(a, p, NULL, "");
    a->reply.status = a->req->refuse;
}

static bool names_valid(struct ask *a, const struct resource *r, bool has_stream)
{
    if (has_key(r) ||
        (sl_name_valid(a->room) && (!has_stream || sl_name_valid(a->stream))))
        return true;
    sl_ask_refuse(a, PROBLEM_NAME, NULL,
                  "1 to 64 letters, digits, and -._~, without a dot at the beginning");
    return false;
}

/* The answer, too, is then for pages of that origin only. */
static bool origin_may(struct ask *a)
{
    const struct face_conf *c = &a->face->conf;
    enum origin o = sl_origin_of(a->req, c->origins, c->origins_n);
    sl_reply_origin(&a->reply, o == ORIGIN_ALLOWED ? sl_http_header(a->req, "Origin")
                                                   : (struct span){0});
    return o != ORIGIN_REFUSED;
}

struct http_res sl_face_answer(struct face *f, const struct http_req *req, usec now)
{
    struct ask a = {
        .face = f,
        .req = req,
        .reply = sl_reply_of(f->buf, BUF_CAP),
        .now = now,
    };
    const struct resource *r = find(req->path, &a);
    if (f->conf.origins && !origin_may(&a)) {
        sl_ask_refuse(&a, PROBLEM_ORIGIN, NULL, "");
    } else if (!r) {
        sl_ask_refuse(&a, PROBLEM_NOT_FOUND, NULL, "");
    } else if (req->refuse) {
        answer_refused(&a);
    } else if (req->method == HTTP_OPTIONS) {
        answer_options(&a, r);
    } else if ((r->methods & 1u << req->method) == 0) {
        sl_ask_refuse(&a, PROBLEM_METHOD, NULL, "");
        sl_reply_field(&a.reply, "Allow", "%s", r->allow);
    } else if (names_valid(&a, r, a.stream.p != NULL)) {
        r->answer(&a);
    }
    return sl_reply_done(&a.reply);
}
