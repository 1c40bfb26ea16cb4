#pragma once

/*
 * An HTTP/1.1 server on one address; a program has as many as it has faces.
 *
 * The handler is called once for each request, when the body is complete, and answers then or
 * later. Requests of one connection are answered one after the other. Everything a stranger
 * can lengthen is bounded: heads, bodies, connections in all and from one address, and the
 * time that each step may take. The loop's thread only.
 */

#include "base/clock.h"

#include "net/http.h"
#include "net/loop.h"

enum { HTTPD_ANSWER_HEAD_MAX = 8 * 1024 };

struct httpd_conf {
    struct addr addr;
    const char *cert, *key; /* PEM files; NULL: no TLS */
    size_t body_max;        /* octets of a request's body; more is refused with 413 */
    uint32_t conns_max, conns_per_ip; /* in all; of one site (sl_addr_site) */
    usec head_time;  /* from the first octet of a head, or from accepting, to its end */
    usec body_time;  /* from then to the end of the body */
    usec reply_time; /* that the handler may take; then 503 is sent */
    usec write_time; /* that the client may take none of an answer */
    usec idle_time;  /* between requests */
    void (*request)(void *user, const struct http_req *req);
    void *user;
};

/* Times and counts that suit a public face. */
#define HTTPD_CONF                                                                       \
    .body_max = 65536, .conns_max = 4096, .conns_per_ip = 64, .head_time = SEC(5),       \
    .body_time = SEC(10), .reply_time = SEC(15), .write_time = SEC(10),                  \
    .idle_time = SEC(30)

struct httpd_stats {
    uint64_t accepted, requests;
    uint64_t full, full_ip; /* connections refused, in all and for one address */
    uint64_t evicted; /* closed to make place for new ones: idle, or links that yield */
    uint64_t malformed, too_large;
    uint64_t slow;           /* closed for the time that client or handler took */
    uint64_t broken;         /* by the client, or in TLS */
    uint64_t gone;           /* answers that came too late */
    uint64_t upgraded;       /* connections that went over to another protocol */
    uint64_t conns, waiting; /* now: connections, and requests without an answer */
};

struct httpd;

/* E_CRYPTO: certificate or key; otherwise as sl_listener_new. */
MUST_USE enum err sl_httpd_new(struct loop *l, const struct httpd_conf *conf,
                               struct httpd **ret);

/* Closes everything at once; not to be called by the handler. Takes NULL. */
void sl_httpd_free(struct httpd *h);

/* Accepts no more, closes what is idle, and everything else after its answer. */
void sl_httpd_drain(struct httpd *h);

struct addr sl_httpd_addr(const struct httpd *h);
const struct httpd_stats *sl_httpd_stats(const struct httpd *h);

/* Answers the request of that id, once. E_ABSENT: the client is gone, or has its answer.
 * E_MALFORMED, E_FULL: fields that no header can hold; the client gets a 500. */
enum err sl_httpd_reply(struct httpd *h, uint64_t id, const struct http_res *res);

/* A connection that HTTP was left on. It still counts among those of the server and of its
 * site, and must be freed before the server is. */
struct httpd_link;
struct stream_handler;

/* Answers the request of that id with res, 101, and leaves the connection to the caller: its
 * stream (sl_httpd_link_stream) calls h from then on, and no time is limited any more.
 * E_ABSENT: the client is gone; E_MALFORMED: it did not offer this in HTTP/1.1, or said more
 * before it had its answer; nothing was sent then. Free takes NULL, and closes at once. */
MUST_USE enum err sl_httpd_upgrade(struct httpd *h, uint64_t id,
                                   const struct http_res *res,
                                   const struct stream_handler *handler, void *user,
                                   struct httpd_link **ret);
void sl_httpd_link_free(struct httpd_link *l);
/* From now on it is as good as idle, and goes where a new connection finds no place: evict is called
 * and frees it, with the user that its stream's handler has. NULL: it stays. */
void sl_httpd_link_yield(struct httpd_link *l, void (*evict)(void *user));
struct stream *sl_httpd_link_stream(struct httpd_link *l);
