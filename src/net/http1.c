#include "net/http1.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/word.h"

enum { EXTRA_MAX = 1024 /* octets of chunk extensions and trailers; nobody sends any */ };

enum err sl_http1_find(struct span in, size_t *at)
{
    for (size_t i = *at; i < in.n; i++) {
        if (in.p[i] != '\n')
            continue;
        if (i == 0 || in.p[i - 1] != '\r')
            return E_MALFORMED;
        if (i >= 3 && in.p[i - 2] == '\n') {
            *at = i + 1;
            return E_OK;
        }
    }
    *at = in.n;
    return E_SHORT;
}

/* RFC 9110 §5.6.2 */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

/* RFC 9110 §5.5: visible octets, blanks, and what lies beyond ASCII. */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Takes what stands before the separator, and the separator. False: there is none. */
static bool take_until(struct span *s, const char *sep, struct span *ret)
{
    size_t n = strlen(sep);
    const uint8_t *at = s->n > 0 ? memmem(s->p, s->n, sep, n) : NULL;
    if (!at)
        return false;
    size_t before = (size_t)(at - s->p);
    *ret = (struct span){s->p, before};
    *s = (struct span){at + n, s->n - before - n};
    return true;
}

/* The absolute form is for proxies, but a server must take it (RFC 9112 §3.2.2). */
static void cut_origin(struct span *target)
{
    size_t scheme = word_starts(*target, "http://")    ? 7
                    : word_starts(*target, "https://") ? 8
                                                       : 0;
    if (scheme == 0)
        return;
    size_t n = scheme;
    while (n < target->n && target->p[n] != '/' && target->p[n] != '?')
        n++;
    *target = (struct span){target->p + n, target->n - n};
}

static unsigned parse_target(struct span target, struct http_req *req)
{
    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] <= 0x20 || target.p[i] >= 0x7f || target.p[i] == '#')
            return 400;
    bool absolute = target.n > 0 && target.p[0] != '/';
    if (span_is(target, "*")) {
        req->path = target;
        return req->method == HTTP_OPTIONS ? 0 : 400;
    }
    cut_origin(&target);
    req->path = target;
    struct span before;
    if (take_until(&target, "?", &before)) {
        req->path = before;
        req->query = target;
    }
    if (absolute && req->path.n == 0)
        req->path = span_of("/");
    return req->path.n > 0 && req->path.p[0] == '/' ? 0 : 400;
}

static unsigned parse_request_line(struct span line, struct http_req *req, bool *old)
{
    struct span method, target;
    if (!take_until(&line, " ", &method) || !take_until(&line, " ", &target))
        return 400;
    if (!is_token(method))
        return 400;
    if (!word_starts(line, "HTTP/"))
        return 400;
    *old = span_is(line, "HTTP/1.0");
    if (!*old && !span_is(line, "HTTP/1.1"))
        return 505;
    for (int m = 0; m < HTTP_METHODS; m++)
        if (span_is(method, sl_http_method_name((enum http_method)m))) {
            req->method = (enum http_method)m;
            return parse_target(target, req);
        }
    return 501;
}

static unsigned parse_headers(struct span in, struct http_req *req)
{
    for (;;) {
        struct span line, name;
        if (!take_until(&in, "\r\n", &line))
            return 400;
        if (line.n == 0)
            return in.n == 0 ? 0 : 400;
        /* No blank may stand in a name, so this refuses folded lines and "Name : value"
         * as well (RFC 9112 §5.1, §5.2). */
        if (!take_until(&line, ":", &name) || !is_token(name) || !is_value(line))
            return 400;
        if (req->nheaders == HTTP_HEADERS_MAX)
            return 431;
        req->headers[req->nheaders++] = (struct http_header){name, word_trim(line)};
    }
}

static size_t count(const struct http_req *req, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < req->nheaders; i++)
        n += word_same(req->headers[i].name, name);
    return n;
}

/* RFC 9112 §6. Where it lets a server choose, this one refuses. */
static unsigned parse_framing(struct http1_head *h, bool old)
{
    size_t lengths = count(&h->req, "content-length");
    size_t codings = count(&h->req, "transfer-encoding");
    if (codings > 0) {
        struct span coding = sl_http_header(&h->req, "transfer-encoding");
        if (old || lengths > 0)
            return 400;
        if (codings > 1 || !word_same(coding, "chunked"))
            return 501;
        h->chunked = true;
        return 0;
    }
    if (lengths > 1)
        return 400;
    struct span length = sl_http_header(&h->req, "content-length");
    return lengths == 0 || word_number(length, INT64_MAX, &h->length) ? 0 : 400;
}

static unsigned parse_connection(struct http1_head *h, bool old)
{
    static const char *const once[] = {"host", "content-type", "authorization", "origin"};
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
        if (count(&h->req, once[i]) > 1)
            return 400;
    if (!old && count(&h->req, "host") == 0)
        return 400; /* RFC 9112 §3.2 */
    h->keep_alive = !old;
    for (size_t i = 0; i < h->req.nheaders; i++)
        if (word_same(h->req.headers[i].name, "connection") &&
            sl_http_lists(h->req.headers[i].value, "close"))
            h->keep_alive = false;
    struct span expect = sl_http_header(&h->req, "expect");
    if (!expect.p || old)
        return 0;
    h->expect_continue = sl_http_lists(expect, "100-continue");
    return h->expect_continue ? 0 : 417;
}

unsigned sl_http1_parse(struct span head, struct http1_head *ret)
{
    struct http1_head h = {0};
    struct span line;
    bool old = false;
    if (!take_until(&head, "\r\n", &line))
        return 400;
    unsigned refuse = parse_request_line(line, &h.req, &old);
    if (!refuse)
        refuse = parse_headers(head, &h.req);
    if (!refuse)
        refuse = parse_framing(&h, old);
    if (!refuse)
        refuse = parse_connection(&h, old);
    if (!refuse)
        *ret = h;
    return refuse;
}

/* A chunk is SIZE [EXT] CR LF DATA CR LF; the last one is empty, and trailers follow it. */
enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXT,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START,
    TRAILER,
    TRAILER_LF,
    CHUNKS_END_LF,
};

static enum err extra_octet(struct http1_chunked *c, uint8_t b)
{
    if (++c->extra > EXTRA_MAX)
        return E_FULL;
    return is_value((struct span){&b, 1}) ? E_SHORT : E_MALFORMED;
}

static enum err size_octet(struct http1_chunked *c, uint8_t b)
{
    enum { DIGITS_MAX = 8 };
    uint8_t low = b | 0x20;
    bool letter = low >= 'a' && low <= 'f';
    if (letter || (b >= '0' && b <= '9')) {
        if (++c->digits > DIGITS_MAX)
            return E_FULL;
        c->left = c->left << 4 | (unsigned)(letter ? low - 'a' + 10 : b - '0');
        return E_SHORT;
    }
    if (c->digits == 0)
        return E_MALFORMED;
    if (b == '\r')
        c->state = CHUNK_SIZE_LF;
    else if (b == ';')
        c->state = CHUNK_EXT;
    else
        return E_MALFORMED;
    return E_SHORT;
}

static enum err expect_octet(struct http1_chunked *c, uint8_t b, uint8_t want,
                             enum chunk_state next)
{
    if (b != want)
        return E_MALFORMED;
    c->state = (uint8_t)next;
    return E_SHORT;
}

static enum err chunk_octet(struct http1_chunked *c, uint8_t b)
{
    switch ((enum chunk_state)c->state) {
    case CHUNK_SIZE: return size_octet(c, b);
    case CHUNK_EXT:
        if (b != '\r')
            return extra_octet(c, b);
        c->state = CHUNK_SIZE_LF;
        return E_SHORT;
    case CHUNK_SIZE_LF:
        c->digits = 0;
        return expect_octet(c, b, '\n', c->left > 0 ? CHUNK_DATA : TRAILER_START);
    case CHUNK_DATA: return E_STATE; /* taken as a whole by the caller */
    case CHUNK_DATA_CR: return expect_octet(c, b, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF: return expect_octet(c, b, '\n', CHUNK_SIZE);
    case TRAILER_START:
        c->state = b == '\r' ? CHUNKS_END_LF : TRAILER;
        return b == '\r' ? E_SHORT : extra_octet(c, b);
    case TRAILER:
        if (b != '\r')
            return extra_octet(c, b);
        c->state = TRAILER_LF;
        return E_SHORT;
    case TRAILER_LF: return expect_octet(c, b, '\n', TRAILER_START);
    case CHUNKS_END_LF: return b == '\n' ? E_OK : E_MALFORMED;
    }
    return E_STATE;
}

enum err sl_http1_dechunk(struct http1_chunked *c, struct rd *in, struct wr *out)
{
    while (in->n > 0) {
        if (c->state == CHUNK_DATA) {
            size_t n = c->left < in->n ? (size_t)c->left : in->n;
            wr_span(out, rd_span(in, n));
            if (out->bad)
                return E_FULL;
            c->left -= n;
            if (c->left == 0)
                c->state = CHUNK_DATA_CR;
            continue;
        }
        enum err e = chunk_octet(c, rd_u8(in));
        if (e != E_SHORT)
            return e;
    }
    return E_SHORT;
}

static void write_date(struct wr *w, usec wall)
{
    char text[40];
    struct tm tm;
    time_t s = (time_t)(wall / SEC(1));
    if (gmtime_r(&s, &tm) &&
        strftime(text, sizeof text, "%a, %d %b %Y %T GMT", &tm) > 0) {
        wr_str(w, "Date: ");
        wr_str(w, text);
        wr_str(w, "\r\n");
    }
}

enum err sl_http1_answer(struct wr *w, const struct http_res *res, bool keep_alive,
                         usec wall)
{
    char line[96];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %03u %s\r\n", res->status % 1000,
                   sl_http_reason(res->status));
    wr_str(w, line);
    write_date(w, wall);
    for (size_t i = 0; i < HTTP_FIELDS_MAX && res->fields[i].name; i++) {
        const struct http_field *f = &res->fields[i];
        if (!is_token(span_of(f->name)) || !is_value(span_of(f->value)))
            return E_MALFORMED;
        wr_str(w, f->name);
        wr_str(w, ": ");
        wr_str(w, f->value);
        wr_str(w, "\r\n");
    }
    if (!keep_alive)
        wr_str(w, "Connection: close\r\n");
    /* These have no body by definition (RFC 9110 §8.6). */
    if (res->status >= 200 && res->status != 204 && res->status != 304) {
        (void)snprintf(line, sizeof line, "Content-Length: %zu\r\n", res->body.n);
        wr_str(w, line);
    }
    wr_str(w, "\r\n");
    return w->bad ? E_FULL : E_OK;
}
