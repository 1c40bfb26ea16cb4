#include "api/reply.h"

#include <stdarg.h>
#include <stdio.h>

static const char allow_origin[] = "Access-Control-Allow-Origin";

struct reply sl_reply_of(uint8_t *buf, size_t cap)
{
    struct reply r = {
        .status = 500,
        .text = wr_of(buf, REPLY_FIELDS_ROOM),
        .body = wr_of(buf + REPLY_FIELDS_ROOM, cap - REPLY_FIELDS_ROOM),
    };
    sl_reply_field(&r, allow_origin, "*");
    sl_reply_field(&r, "Access-Control-Expose-Headers",
                   "Location, ETag, Link, Accept-Post, Accept-Patch, Allow, Retry-After, "
                   "WWW-Authenticate");
    sl_reply_field(&r, "Cache-Control", "no-store");
    return r;
}

void sl_reply_field(struct reply *r, const char *name, const char *fmt, ...)
{
    char *at = (char *)r->text.p + r->text.n;
    size_t room = r->text.cap - r->text.n;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(at, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room || r->fields_n == HTTP_FIELDS_MAX) {
        r->text.bad = true;
        return;
    }
    r->text.n += (size_t)n + 1;
    r->fields[r->fields_n++] = (struct http_field){name, at};
}

void sl_reply_origin(struct reply *r, struct span origin)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->fields_n; i++)
        if (r->fields[i].name != allow_origin)
            r->fields[kept++] = r->fields[i];
    r->fields_n = kept;
    sl_reply_field(r, "Vary", "Origin");
    if (origin.n > 0)
        sl_reply_field(r, allow_origin, "%.*s", (int)origin.n, (const char *)origin.p);
}

void sl_reply_problem(struct reply *r, enum problem p, const char *code,
                      const char *detail)
{
    r->status = sl_problem_status(p);
    r->body.n = 0;
    r->body.bad = false;
    sl_reply_field(r, "Content-Type", "%s", PROBLEM_CONTENT_TYPE);
    sl_problem_write(&r->body, p, code, span_of(detail));
}

void sl_reply_retry_after(struct reply *r, usec wait)
{
    usec seconds = (wait + SEC(1) - 1) / SEC(1);
    sl_reply_field(r, "Retry-After", "%lld", (long long)(seconds > 0 ? seconds : 1));
}

struct http_res sl_reply_done(const struct reply *r)
{
    if (r->text.bad || r->body.bad)
        return (struct http_res){.status = 500};
    struct http_res res = {.status = r->status, .body = wr_done(&r->body)};
    memcpy(res.fields, r->fields, r->fields_n * sizeof r->fields[0]);
    return res;
}
