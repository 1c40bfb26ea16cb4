#include "net/httpc.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"

enum {
    ANSWER_MAX = 64 * 1024
}; /* octets of an answer that we hear out, to keep its connection */

struct httpc {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    struct list requests;
    char *ca;
};

struct request {
    struct list by_client;
    CURL *curl;
    struct curl_slist *headers;
    size_t heard;
    char why[CURL_ERROR_SIZE];
    void (*done)(void *user, unsigned status, const char *why);
    void *user;
};

struct watch {
    uv_poll_t poll;
    struct httpc *client;
    curl_socket_t fd;
};

/* ---- requests ---- */

static void request_free(struct httpc *c, struct request *r)
{
    list_del(&r->by_client);
    if (r->curl)
        (void)curl_multi_remove_handle(c->multi, r->curl);
    curl_easy_cleanup(r->curl);
    curl_slist_free_all(r->headers);
    free(r);
}

static void finish(struct httpc *c, struct request *r, CURLcode code)
{
    void (*done)(void *, unsigned, const char *) = r->done;
    void *user = r->user;
    long status = 0;
    char why[CURL_ERROR_SIZE];
    if (code == CURLE_OK)
        (void)curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    memcpy(why, r->why, sizeof why);
    if (code != CURLE_OK && why[0] == '\0')
        (void)snprintf(why, sizeof why, "%s", curl_easy_strerror(code));
    request_free(c, r);
    done(user, (unsigned)status, why);
}

/* done may post again, or free the client's owner, but not the client. */
static void collect(struct httpc *c)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        CURLcode code = m->data.result;
        char *private = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        finish(c, (struct request *)(void *)private, code);
    }
}

/* The answer's body says nothing to us; one without end is cut. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t hear(char *p, size_t size, size_t n, void *user)
{
    struct request *r = user;
    (void)p;
    r->heard += size * n;
    return r->heard <= ANSWER_MAX ? size * n : 0;
}

/* ---- the loop ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *w = poll->data;
    struct httpc *c = w->client;
    int running, flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    (void)curl_multi_socket_action(c->multi, w->fd, flags, &running);
    collect(c);
}

static void on_time(void *user)
{
    struct httpc *c = user;
    int running;
    (void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(c);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static int set_socket(CURL *curl, curl_socket_t fd, int what, void *user, void *at)
{
    struct httpc *c = user;
    struct watch *w = at;
    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            uv_close((uv_handle_t *)&w->poll, on_closed);
        (void)curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w)
            return -1;
        *w = (struct watch){.client = c, .fd = fd};
        if (uv_poll_init_socket(sl_loop_uv(c->loop), &w->poll, fd) != 0) {
            free(w);
            return -1;
        }
        w->poll.data = w;
        (void)curl_multi_assign(c->multi, fd, w);
    }
    int events = what == CURL_POLL_IN    ? UV_READABLE
                 : what == CURL_POLL_OUT ? UV_WRITABLE
                                         : UV_READABLE | UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_poll);
}

static int set_timer(CURLM *multi, long ms, void *user)
{
    struct httpc *c = user;
    (void)multi;
    if (ms < 0) {
        sl_loop_timer_stop(c->loop, &c->timer);
        return 0;
    }
    return sl_loop_timer_set(c->loop, &c->timer, sl_loop_now() + MSEC(ms)) == E_OK ? 0
                                                                                   : -1;
}

/* ---- the client ---- */

struct httpc *sl_httpc_new(struct loop *l, const char *ca)
{
    struct httpc *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct httpc){.loop = l, .timer = {.fn = on_time, .user = c}};
    list_init(&c->requests);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        c->multi = curl_multi_init();
    c->ca = ca ? strdup(ca) : NULL;
    if (!c->multi || (ca && !c->ca)) {
        sl_httpc_free(c);
        return NULL;
    }
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return c;
}

void sl_httpc_free(struct httpc *c)
{
    if (!c)
        return;
    list_each_safe(struct request, r, &c->requests, by_client) request_free(c, r);
    (void)curl_multi_cleanup(
        c->multi); /* takes NULL; tells set_socket of kept connections */
    sl_loop_timer_stop(c->loop, &c->timer);
    curl_global_cleanup();
    free(c->ca);
    free(c);
}

static enum err add_header(struct request *r, const struct http_field *f)
{
    char line[1024];
    int n = snprintf(line, sizeof line, "%s: %s", f->name, f->value);
    if (n < 0 || (size_t)n >= sizeof line || strpbrk(line, "\r\n"))
        return E_MALFORMED;
    struct curl_slist *more = curl_slist_append(r->headers, line);
    if (!more)
        return E_MEMORY;
    r->headers = more;
    return E_OK;
}

bool sl_httpc_url_valid(const char *url)
{
    char *scheme = NULL, *host = NULL;
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host != '\0' &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return ok;
}

static bool set_up(const struct httpc *c, struct request *r, const struct httpc_post *p)
{
    CURL *h = r->curl;
    return curl_easy_setopt(h, CURLOPT_URL, p->url) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)p->body.n) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_COPYPOSTFIELDS, p->body.p) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HTTPHEADER, r->headers) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_USERAGENT, "Sluice") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(p->limit / MSEC(1))) ==
               CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_ERRORBUFFER, r->why) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, hear) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, r) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PRIVATE, r) == CURLE_OK &&
           (!c->ca || curl_easy_setopt(h, CURLOPT_CAINFO, c->ca) == CURLE_OK);
}

enum err sl_httpc_post(struct httpc *c, const struct httpc_post *p)
{
    if (!sl_httpc_url_valid(p->url))
        return E_MALFORMED;
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return E_MEMORY;
    *r = (struct request){.done = p->done, .user = p->user};
    list_add(&c->requests, &r->by_client);
    enum err e =
        add_header(r, &(struct http_field){"Expect", ""}); /* no wait for a 100 */
    for (const struct http_field *f = p->fields; f && f->name && !e; f++)
        e = add_header(r, f);
    r->curl = e ? NULL : curl_easy_init();
    if (!e && (!r->curl || !set_up(c, r, p) ||
               curl_multi_add_handle(c->multi, r->curl) != CURLM_OK))
        e = E_MEMORY;
    if (e)
        request_free(c, r);
    return e;
}
