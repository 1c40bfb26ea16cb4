#pragma once

/*
 * The room WebSocket on the public face: sockets of net/wsd, and who talks on them (api/rooms_hall).
 * For the control thread.
 */

#include "api/rooms_hall.h"
#include "net/wsd.h"

struct rooms_face_conf {
    struct loop *loop;
    struct httpd *httpd; /* outlives it */
    struct log *log;
    struct face *face;           /* origins, whose address it is, and what is refused */
    struct rooms_hall_conf hall; /* without what sockets are for */
    void (*settle)(void *ctx);   /* after anything that may have changed rooms */
    void *settle_ctx;
};

struct rooms_face;

/* E_MEMORY. Free takes NULL; who is there is sent away. */
MUST_USE enum err sl_rooms_face_new(const struct rooms_face_conf *conf,
                                    struct rooms_face **ret);
void sl_rooms_face_free(struct rooms_face *f);
struct rooms_hall *sl_rooms_face_hall(const struct rooms_face *f);
const struct wsd_stats *sl_rooms_face_ws(const struct rooms_face *f);

/* False: the request is for none of this, and was not answered. */
bool sl_rooms_face_request(struct rooms_face *f, const struct http_req *req);

/* After anything that may have given it something to wait for. */
void sl_rooms_face_arm(struct rooms_face *f);
