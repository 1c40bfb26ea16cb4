#pragma once

/*
 * Which web pages may use the public face (the Origin of the Fetch standard, RFC 6454).
 */

#include "net/http.h"

enum origin {
    ORIGIN_NONE,    /* no page asks, or one of our own */
    ORIGIN_ALLOWED, /* a page of another origin, which may */
    ORIGIN_REFUSED,
};

/* list: origins such as "https://example.org", or "*" for all. */
enum origin sl_origin_of(const struct http_req *req, const char *const *list, size_t n);
