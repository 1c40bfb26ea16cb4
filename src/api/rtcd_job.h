#pragma once

/*
 * One request to rtcd's API while it is worked on: what it says, copied, and the steps that take
 * a hash or a disk. For rtcd alone.
 */

#include "base/list.h"

#include "api/rtcd.h"
#include "auth/bearer.h"
#include "auth/clients.h"
#include "net/ws.h"

enum rtcd_ask { RTCD_REGISTER, RTCD_UNREGISTER, RTCD_LOGIN, RTCD_SESSIONS, RTCD_WS };
enum rtcd_auth { RTCD_AUTH_NONE, RTCD_AUTH_BASIC, RTCD_AUTH_BEARER };

enum rtcd_step {
    RTCD_STEP_AUTH,  /* is it the key of who asks? */
    RTCD_STEP_ADD,   /* the client of the body */
    RTCD_STEP_DEL,   /* the same */
    RTCD_STEP_LOGIN, /* is it the key of the client of the body? */
};

/* All spans point into text, but for who, which may be the job's own. */
struct rtcd_job {
    struct list link;
    struct rtcd *r;
    struct kv *kv;
    uint64_t id; /* of the request */
    usec at;
    enum rtcd_ask ask;
    enum rtcd_auth auth;
    struct span user, key; /* as the request names itself; a bearer has a key only */
    struct span client, client_key; /* of the body */
    struct span call, session;      /* of the path; session.p NULL: none */
    struct span who;                /* who asks, found to be true */
    bool admin;
    unsigned refuse;
    char accept[WS_ACCEPT_CAP];
    char body_error[128]; /* "": the body is good */
    uint8_t *kept;        /* by sl_rtcd_job_keep */
    enum rtcd_step step;
    enum err result; /* of the step */
    struct wr text;
};

/* NULL when memory ends. Free wipes what was secret. */
struct rtcd_job *sl_rtcd_job_new(struct rtcd *r, struct kv *kv,
                                 const struct http_req *req, enum rtcd_ask ask,
                                 struct span call, struct span session);
void sl_rtcd_job_free(struct rtcd_job *j);

/* A copy that lives as long as the job; once. */
MUST_USE enum err sl_rtcd_job_keep(struct rtcd_job *j, struct span s, struct span *ret);

/* Does the step; on a thread that may wait. */
void sl_rtcd_job_work(struct rtcd_job *j);

/* What its result means: *status stays 200 when it went well. */
void sl_rtcd_job_error(const struct rtcd_job *j, char *error, size_t cap,
                       unsigned *status);

/* 0, with the value of Sec-WebSocket-Accept; or the status to refuse with. A page may come
 * from this host only (Origin). */
unsigned sl_rtcd_may_upgrade(const struct http_req *req, char accept[WS_ACCEPT_CAP]);

/* {"code":"201","KEY":"value"}, in the order of the alphabet; key NULL: the code alone. */
void sl_rtcd_envelope(struct wr *w, unsigned status, const char *key, struct span value);

/* The body as clientID and authKey of j. error: as rtcd would say it. */
void sl_rtcd_job_read_body(struct rtcd_job *j, struct span body);
