#include "api/origin.h"

#include "check.h"

TEST(origin_of)
{
    static const char *const all[] = {"https://x.org", "*"}, *const some[] = {
                                                                 "https://x.org",
                                                                 "http://y.org:8080"};
    static const struct {
        const char *name, *origin, *host;
        const char *const *list;
        size_t n;
        enum origin want;
    } rows[] = {
        {"no page", NULL, "a.org", some, 2, ORIGIN_NONE},
        {"our own page", "http://a.org:8080", "a.org:8080", some, 2, ORIGIN_NONE},
        {"ours behind a proxy that speaks TLS", "https://a.org", "A.org", NULL, 0,
         ORIGIN_NONE},
        {"another port is another origin", "http://a.org:81", "a.org:8080", some, 2,
         ORIGIN_REFUSED},
        {"one of the list", "https://x.org", "a.org", some, 2, ORIGIN_ALLOWED},
        {"the last of the list, in other case", "HTTP://Y.org:8080", "a.org", some, 2,
         ORIGIN_ALLOWED},
        {"another scheme", "http://x.org", "a.org", some, 2, ORIGIN_REFUSED},
        {"one that begins like ours", "http://a.org.evil.org", "a.org", some, 2,
         ORIGIN_REFUSED},
        {"one that ends like ours", "http://evil-a.org", "a.org", some, 2,
         ORIGIN_REFUSED},
        {"anybody", "https://z.org", "a.org", all, 2, ORIGIN_ALLOWED},
        {"a page in a sandbox", "null", "a.org", some, 2, ORIGIN_REFUSED},
        {"a page in a sandbox, where all may", "null", "a.org", all, 2, ORIGIN_ALLOWED},
        {"nobody may", "https://x.org", "a.org", NULL, 0, ORIGIN_REFUSED},
        {"no host", "https://", "", some, 2, ORIGIN_REFUSED},
        {"an empty origin", "", "", some, 2, ORIGIN_REFUSED},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct http_req req = {.headers = {{span_of("host"), span_of(rows[i].host)}},
                               .nheaders = 1};
        if (rows[i].origin)
            req.headers[req.nheaders++] =
                (struct http_header){span_of("origin"), span_of(rows[i].origin)};
        check_row(rows[i].name);
        CHECK_INT(sl_origin_of(&req, rows[i].list, rows[i].n), rows[i].want);
    }
}
