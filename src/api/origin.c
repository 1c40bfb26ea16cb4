#include "api/origin.h"

#include "base/word.h"

/* "scheme://host:port" of the page, and "host:port" that the request was sent to. The scheme
 * is not compared: a proxy may have taken TLS off. */
static bool is_ours(struct span origin, struct span host)
{
    static const char sep[] = "://";
    const uint8_t *at = memmem(origin.p, origin.n, sep, strlen(sep));
    if (!at || host.n == 0)
        return false;
    size_t n = origin.n - (size_t)(at - origin.p) - strlen(sep);
    return n == host.n &&
           strncasecmp((const char *)at + strlen(sep), (const char *)host.p, n) == 0;
}

enum origin sl_origin_of(const struct http_req *req, const char *const *list, size_t n)
{
    struct span origin = sl_http_header(req, "Origin");
    if (!origin.p || is_ours(origin, sl_http_header(req, "Host")))
        return ORIGIN_NONE;
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], "*") == 0 || word_same(origin, list[i]))
            return ORIGIN_ALLOWED;
    return ORIGIN_REFUSED;
}
