#include "bench/web.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/word.h"

#include "bench/conn.h"
#include "net/sa.h"
#include "net/tls.h"

enum {
    HOST_MAX = 256,
    PREFIX_MAX = 256,
    AUTH_MAX = 1024,
    HEAD_MAX = 4096,          /* of a request */
    ANSWER_MAX = 1024 * 1024, /* head and body; /metrics of 64 workers fits */
};

struct web {
    struct addr addr;
    char host[HOST_MAX]; /* with the port, as it was given */
    char name[HOST_MAX]; /* without */
    char prefix[PREFIX_MAX];
    char auth[AUTH_MAX]; /* base64 of user and key, or "" */
    const char *fields;  /* of each request, or "" */
    bool secure;
    struct tls_client *trust; /* NULL: not yet, or never */
    struct conn *conn;        /* NULL: not connected */
    size_t n;
    uint8_t in[ANSWER_MAX];
};

/* "host", "host:port" or "[address]:port" to its two parts. */
static const char *split(struct web *w)
{
    const char *from = w->host, *end = from[0] == '[' ? strchr(from, ']') : NULL;
    const char *port = strchr(end ? end : from, ':');
    size_t n = end ? (size_t)(end - ++from) : port ? (size_t)(port - from) : strlen(from);
    memcpy(w->name, from, n);
    return port ? port + 1 : w->secure ? "443" : "80";
}

/* Servers listen by IPv4 first, unless they are told. */
static enum err resolve(struct web *w)
{
    static const int families[] = {AF_INET, AF_INET6};
    const char *port = split(w);
    for (int i = 0; i < 2; i++) {
        struct addrinfo want = {.ai_family = families[i], .ai_socktype = SOCK_STREAM},
                        *got;
        union sa sa = {0};
        if (getaddrinfo(w->name, port, &want, &got) != 0)
            continue;
        memcpy(&sa, got->ai_addr,
               got->ai_addrlen < sizeof sa ? got->ai_addrlen : sizeof sa);
        freeaddrinfo(got);
        w->addr = sa_addr(&sa);
        return E_OK;
    }
    return E_ABSENT;
}

static const char *skip(const char *s, const char *start)
{
    return strncmp(s, start, strlen(start)) == 0 ? s + strlen(start) : NULL;
}

enum err sl_web_new(const char *url, struct web **ret)
{
    struct web *w = calloc(1, sizeof *w);
    enum err e = E_MALFORMED;
    if (!w)
        return E_MEMORY;
    const char *plain = skip(url, "http://"), *secure = skip(url, "https://");
    const char *host = plain ? plain : secure;
    if (!host)
        goto fail;
    w->secure = secure;
    w->fields = "";
    size_t n = strcspn(host, "/"), prefix = strlen(host + n);
    while (prefix > 0 && host[n + prefix - 1] == '/')
        prefix--;
    if (n == 0 || n >= HOST_MAX || prefix >= PREFIX_MAX)
        goto fail;
    memcpy(w->host, host, n);
    memcpy(w->prefix, host + n, prefix);
    e = resolve(w);
    if (e)
        goto fail;
    *ret = w;
    return E_OK;

fail:
    sl_web_free(w);
    return e;
}

static void hang_up(struct web *w)
{
    sl_conn_free(w->conn);
    w->conn = NULL;
}

void sl_web_free(struct web *w)
{
    if (!w)
        return;
    hang_up(w);
    sl_tls_client_free(w->trust);
    free(w);
}

const struct addr *sl_web_addr(const struct web *w)
{
    return &w->addr;
}

enum err sl_web_trust(struct web *w, const char *ca, const uint8_t *pin)
{
    struct tls_client *trust = NULL;
    enum err e = sl_tls_client_new(ca, pin, &trust);
    if (e)
        return e;
    hang_up(w);
    sl_tls_client_free(w->trust);
    w->trust = trust;
    return E_OK;
}

static enum err dial(struct web *w)
{
    enum err e = w->secure && !w->trust ? sl_web_trust(w, NULL, NULL) : E_OK;
    return e ? e : sl_conn_new(&w->addr, w->secure ? w->trust : NULL, w->name, &w->conn);
}

static enum err receive_more(struct web *w)
{
    size_t n;
    if (w->n == sizeof w->in)
        return E_FULL;
    enum err e = sl_conn_receive(w->conn, w->in + w->n, sizeof w->in - w->n, true, &n);
    if (!e)
        w->n += n;
    return e;
}

static struct span next_line(struct span *rest)
{
    struct span line = word_cut(rest, '\n');
    line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
    return line;
}

static enum err read_head(struct span head, struct web_answer *ret, size_t *length,
                          bool *chunked)
{
    struct span line = next_line(&head), version = word_cut(&line, ' ');
    uint64_t v = 0;
    *ret = (struct web_answer){0};
    *length = 0;
    *chunked = false;
    if (!word_starts(version, "HTTP/1.") || !word_number(word_cut(&line, ' '), 999, &v))
        return E_MALFORMED;
    ret->status = (unsigned)v;
    while (head.n > 0) {
        line = next_line(&head);
        struct span name = word_cut(&line, ':'), value = word_trim(line);
        if (word_same(name, "transfer-encoding")) {
            if (!word_same(value, "chunked"))
                return E_UNSUPPORTED;
            *chunked = true;
        }
        if (word_same(name, "content-length") && word_number(value, ANSWER_MAX, &v))
            *length = (size_t)v;
        if (word_same(name, "retry-after") && word_number(value, UINT16_MAX, &v))
            ret->retry_after_s = (unsigned)v;
        if (word_same(name, "location"))
            (void)snprintf(ret->location, sizeof ret->location, "%.*s", (int)value.n,
                           (const char *)value.p);
    }
    return E_OK;
}

/* The line at *at, which then is behind it. */
static enum err receive_line(struct web *w, size_t *at, struct span *ret)
{
    const uint8_t *end;
    enum err e;
    while (!(end = memchr(w->in + *at, '\n', w->n - *at)))
        if ((e = receive_more(w)) != E_OK)
            return e;
    struct span rest = {w->in + *at, (size_t)(end + 1 - w->in) - *at};
    *at += rest.n;
    *ret = next_line(&rest);
    return E_OK;
}

static bool chunk_size(struct span line, size_t *ret)
{
    struct span digits = word_trim(word_cut(&line, ';'));
    size_t v = 0;
    for (size_t i = 0; i < digits.n; i++) {
        int c = digits.p[i] | 32;
        if (!isxdigit(c) || v > ANSWER_MAX)
            return false;
        v = v << 4 | (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret = v;
    return digits.n > 0;
}

/* RFC 9112 §7.1. What is in the chunks is moved together, over their sizes. */
static enum err receive_chunks(struct web *w, size_t body, struct span *ret)
{
    size_t at = body, end = body, size;
    struct span line;
    enum err e;
    do {
        if ((e = receive_line(w, &at, &line)) != E_OK)
            return e;
        if (!chunk_size(line, &size))
            return E_MALFORMED;
        while (w->n - at < size)
            if ((e = receive_more(w)) != E_OK)
                return e;
        memmove(w->in + end, w->in + at, size);
        end += size;
        at += size;
        /* The end of the chunk's line; behind the last one, of the trailers. */
        do
            e = receive_line(w, &at, &line);
        while (!e && size == 0 && line.n > 0);
        if (e || line.n > 0)
            return e ? e : E_MALFORMED;
    } while (size > 0);
    *ret = (struct span){w->in + body, end - body};
    return E_OK;
}

static enum err receive(struct web *w, struct web_answer *ret)
{
    const uint8_t *end;
    enum err e;
    w->n = 0;
    while (!(end = memmem(w->in, w->n, "\r\n\r\n", 4)))
        if ((e = receive_more(w)) != E_OK)
            return e;
    size_t length, head = (size_t)(end - w->in);
    bool chunked;
    e = read_head((struct span){w->in, head}, ret, &length, &chunked);
    if (!e && chunked)
        return receive_chunks(w, head + 4, &ret->body);
    while (!e && w->n < head + 4 + length)
        e = receive_more(w);
    ret->body = (struct span){w->in + head + 4, length};
    return e;
}

enum err sl_web_basic(struct web *w, const char *user, const char *key)
{
    char both[AUTH_MAX / 2];
    int n = snprintf(both, sizeof both, "%s:%s", user, key);
    struct wr out = wr_of((uint8_t *)w->auth, sizeof w->auth - 1);
    if (n < 0 || (size_t)n >= sizeof both)
        return E_FULL;
    sl_base64_write(&out, (struct span){(uint8_t *)both, (size_t)n});
    w->auth[out.n] = '\0';
    return out.bad ? E_FULL : E_OK;
}

void sl_web_fields(struct web *w, const char *fields)
{
    w->fields = fields ? fields : "";
}

/* fields end with a line's end, if there are any. */
static enum err ask(struct web *w, const char *method, const char *path,
                    const char *token, const char *fields, struct span body,
                    struct web_answer *ret)
{
    char head[HEAD_MAX];
    const char *scheme = token      ? "Authorization: Bearer "
                         : *w->auth ? "Authorization: Basic "
                                    : "";
    int n =
        snprintf(head, sizeof head,
                 "%s %s%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n%s%s%s%s%s\r\n",
                 method, w->prefix, path, w->host, body.n, scheme,
                 token ? token : w->auth, *scheme ? "\r\n" : "", w->fields, fields);
    if (n < 0 || (size_t)n >= sizeof head)
        return E_FULL;
    enum err e = E_SYS;
    /* A connection that was kept may be closed by now: then once more, with a new one. */
    for (bool fresh = false; e && !fresh;) {
        fresh = !w->conn;
        e = fresh ? dial(w) : E_OK;
        e = e ? e : sl_conn_send(w->conn, (struct span){(uint8_t *)head, (size_t)n});
        e = e ? e : sl_conn_send(w->conn, body);
        e = e ? e : receive(w, ret);
        if (e) {
            int was = errno;
            hang_up(w);
            errno = was;
        }
    }
    return e;
}

enum err sl_web_ask(struct web *w, const char *method, const char *path,
                    const char *token, const char *type, struct span body,
                    struct web_answer *ret)
{
    char fields[HEAD_MAX] = "";
    if (type)
        (void)snprintf(fields, sizeof fields, "Content-Type: %s\r\n", type);
    return ask(w, method, path, token, fields, body, ret);
}

enum err sl_web_upgrade(struct web *w, const char *path, const char *fields,
                        struct web_answer *ret, struct conn **conn)
{
    hang_up(w);
    enum err e = ask(w, "GET", path, NULL, fields, (struct span){0}, ret);
    if (e || ret->status != 101)
        return e;
    /* It has no length: what follows is the other protocol's. */
    ret->body.n = (size_t)(w->in + w->n - ret->body.p);
    *conn = w->conn;
    w->conn = NULL;
    return E_OK;
}
