#include "net/http.h"

#include <string.h>

#include "base/word.h"

const char *sl_http_method_name(enum http_method m)
{
    static const char *const names[HTTP_METHODS] = {"GET",   "HEAD",   "POST",   "PUT",
                                                    "PATCH", "DELETE", "OPTIONS"};
    return names[m];
}

const char *sl_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } all[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].status == status)
            return all[i].reason;
    return "";
}

struct span sl_http_header(const struct http_req *req, const char *name)
{
    for (size_t i = 0; i < req->nheaders; i++)
        if (word_same(req->headers[i].name, name))
            return req->headers[i].value;
    return (struct span){0};
}

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

bool sl_http_lists(struct span list, const char *word)
{
    size_t i = 0;
    while (i < list.n) {
        while (i < list.n && (blank(list.p[i]) || list.p[i] == ','))
            i++;
        size_t from = i;
        while (i < list.n && list.p[i] != ',' && list.p[i] != ';' && !blank(list.p[i]))
            i++;
        if (word_same((struct span){list.p + from, i - from}, word))
            return true;
        while (i < list.n && list.p[i] != ',')
            i++;
    }
    return false;
}

bool sl_http_segment(struct span *path, struct span *ret)
{
    if (path->n == 0 || path->p[0] != '/')
        return false;
    const uint8_t *from = path->p + 1;
    size_t left = path->n - 1;
    const uint8_t *slash = left > 0 ? memchr(from, '/', left) : NULL;
    size_t n = slash ? (size_t)(slash - from) : left;
    *ret = (struct span){from, n};
    *path = (struct span){from + n, left - n};
    return true;
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err sl_http_unescape(struct span in, struct wr *out)
{
    for (size_t i = 0; i < in.n; i++) {
        int c = in.p[i];
        if (c == '%') {
            int hi = i + 2 < in.n ? hex(in.p[i + 1]) : -1;
            int lo = hi >= 0 ? hex(in.p[i + 2]) : -1;
            if (lo < 0)
                return E_MALFORMED;
            c = hi << 4 | lo;
            i += 2;
        }
        if (c < 0x20)
            return E_MALFORMED;
        wr_u8(out, (unsigned)c);
    }
    return out->bad ? E_FULL : E_OK;
}
