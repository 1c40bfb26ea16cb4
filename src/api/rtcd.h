#pragma once

/*
 * rtcd's HTTP API: who may use the service, and the way into its WebSocket.
 *
 *   GET  /version /system          about this server
 *   POST /register /unregister     clients come and go
 *   POST /login                    a bearer token for a client's key
 *   GET  /calls/CALL/sessions[/S]  who is in a call of the client's
 *   GET  /ws                       signalling, upgraded
 *
 * Statuses and bodies are those of rtcd, on which its callers rely, odd ones included: a login
 * that fails is a 400. Checking a key takes a hash's time, so it is done elsewhere (conf.run), and
 * only so often in a second; requests wait their turn here, and are answered later. Sans-IO but
 * for the store, which is asked where the hashes are made. For the control thread.
 */

#include "net/http.h"
#include "room/peer.h"
#include "store/kv.h"

enum {
    RTCD_HASHES_PER_S = 12, /* of each core, as rtcd has it */
};
#define RTCD_WAIT_MAX SEC(10) /* for a turn; then the request is refused */

struct rtcd_conf {
    struct kv *kv;
    const char *version; /* that callers are told: they ask for 0.17.0, 1.0.0, 1.1.0 */
    const char *admin_secret; /* NULL: nobody is admin */
    bool self_registration;
    usec token_lifetime;
    unsigned cores;
    struct random random;
    void *ctx;
    /* Calls work on another thread, then done on this one; not E_OK: no more of it (503). */
    enum err (*run)(void *ctx, void (*work)(void *user), void (*done)(void *user),
                    void *user);
    void (*reply)(void *ctx, uint64_t id, const struct http_res *res);
    /* The request of that id is to become a WebSocket of this client; "" for an admin. NULL:
     * there is no /ws. */
    void (*upgrade)(void *ctx, uint64_t id, const char *accept, struct span client);
    /* Appends the sessions of a call, or the one named, as JSON. E_ABSENT: *missing says what
     * there is not: "group", "call", "session". session.p NULL: all, as a list. NULL: there
     * are no calls. */
    enum err (*sessions)(void *ctx, struct span client, struct span call,
                         struct span session, struct wr *json, const char **missing);
};

struct rtcd_stats {
    uint64_t registered, unregistered, logins;
    uint64_t refused; /* for who asked, or with what key */
    uint64_t crowded; /* no turn in time */
    uint64_t waiting; /* now, for a turn or a hash */
};

struct rtcd;

/* NULL when memory ends. Free takes NULL; no job may be under way (conf.run). */
struct rtcd *sl_rtcd_new(const struct rtcd_conf *conf);
void sl_rtcd_free(struct rtcd *r);
const struct rtcd_stats *sl_rtcd_stats(const struct rtcd *r);

/* What /system says; anything that is no finite number becomes a large one. */
void sl_rtcd_load(struct rtcd *r, double cpu_load);

/* False: the path is none of these, and was not answered. */
bool sl_rtcd_request(struct rtcd *r, const struct http_req *req, usec now);

/* When to tick next, or USEC_NEVER. */
usec sl_rtcd_deadline(const struct rtcd *r);
void sl_rtcd_tick(struct rtcd *r, usec now);
