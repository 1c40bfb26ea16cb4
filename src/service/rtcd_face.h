#pragma once

/*
 * rtcd's face: its API and its WebSocket on the private port, with the threads that hash, the
 * clock, and what this machine says of its load.
 */

#include "base/log.h"

#include "api/rtcd.h"
#include "api/rtcd_carrier.h"
#include "net/wsd.h"

struct rtcd_face_conf {
    struct kv *kv;
    const char *version;
    const char *admin_secret; /* NULL: nobody is admin */
    bool self_registration;
    usec token_lifetime;
    size_t sessions_max;
    /* What a client in this process, RTCD_LOCAL, is told by. NULL: there is none. */
    void (*local_message)(void *ctx, struct span message);
    void *local_ctx;
    struct rooms *rooms;       /* that carry its calls; NULL: nobody does */
    struct media_ops media;    /* under those rooms */
    void (*settle)(void *ctx); /* after anything that may have changed them; NULL */
    void *settle_ctx;
};

/* No other can be this client, whatever name it registered. */
#define RTCD_LOCAL "local"

struct rtcd_face;

/* Answers requests of httpd, which must live longer; NULL: only the local client is served, if
 * there is one. What rtcd counts is added to metrics. E_MEMORY. Free takes NULL, and waits for
 * hashes that are being made. */
MUST_USE enum err sl_rtcd_face_new(struct loop *l, struct httpd *httpd, struct log *log,
                                   struct metrics *metrics,
                                   const struct rtcd_face_conf *conf,
                                   struct rtcd_face **ret);
void sl_rtcd_face_free(struct rtcd_face *f);

/* False: the request is none of rtcd's, and was not answered. */
bool sl_rtcd_face_request(struct rtcd_face *f, const struct http_req *req);

/* A message of the client in this process. */
void sl_rtcd_face_local(struct rtcd_face *f, struct span message);
/* After what the media plane said; and what it said of data channels. */
void sl_rtcd_face_arm(struct rtcd_face *f);
void sl_rtcd_face_data(struct rtcd_face *f, uint64_t transport,
                       const struct media_data_event *ev);
/* As sl_rtcd_carrier_stale. */
void sl_rtcd_face_stale(struct rtcd_face *f, uint64_t transport);

/* Once a second: reads how busy the machine is, and counts what there is. */
void sl_rtcd_face_tick(struct rtcd_face *f);

const struct rtcd_stats *sl_rtcd_face_stats(const struct rtcd_face *f);
const struct rtcd_calls_stats *sl_rtcd_face_calls(const struct rtcd_face *f);
const struct rtcd_line_stats *sl_rtcd_face_lines(const struct rtcd_face *f);
/* NULL without httpd. */
const struct wsd_stats *sl_rtcd_face_ws(const struct rtcd_face *f);
