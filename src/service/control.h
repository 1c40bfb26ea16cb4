#pragma once

/*
 * The control thread: rooms, the two HTTP faces, and what goes between them and the media
 * threads. It runs in the caller's thread until it is told to stop.
 *
 * Draining: new streams are refused, those that are there and the calls of rtcd's face go on
 * until all have ended or the deadline passes.
 */

#include "base/log.h"

#include "api/face.h"
#include "auth/token.h"
#include "service/candidates.h"
#include "service/config.h"
#include "service/hooks.h"
#include "service/node.h"
#include "service/redis_face.h"
#include "service/rtcd_face.h"

struct control_conf {
    struct node_conf node;
    struct addr public_face, private_face; /* all zero: there is none */
    const char *tls_cert, *tls_key;        /* of the public face; NULL: plain HTTP */
    const char *private_cert, *private_key;
    struct rtcd_face_conf rtcd; /* kv NULL: not served */
    const char *api_secret;     /* of the room API; NULL: who comes may */
    uint32_t capture_mib;       /* of one capture, at most */
    bool pass_any;              /* passes may be issued without a fingerprint */
    struct hooks_conf hooks;    /* urls_n 0: nobody is told */
    struct redis_face_conf redis;
    /* What clients are told of addresses: struct outside_conf has it. */
    struct address_map maps[CONFIG_LIST_MAX];
    size_t maps_n;
    uint16_t shown_port;
    const char *name, *stun;
    const char *turn_secret; /* NULL: none; struct face_conf, turn */
    usec turn_lifetime;
    struct rooms_limits limits;
    unsigned loudest; /* struct rooms_conf, as the two below */
    bool hosts_create;
    usec empty_time;
    uint32_t max_bps; /* the same */
    struct limit_conf joins, changes;
    const struct ice_server *ice;
    size_t ice_n;
    size_t body_max;
    uint32_t conns_max, conns_per_ip;
    struct token_keys keys;
    const char *const *origins; /* of pages that may use the public face; NULL: all */
    size_t origins_n;
    bool open;           /* no token is asked for */
    bool proxied;        /* behind a proxy that appends to X-Forwarded-For */
    bool demo;           /* the demo page is served */
    usec drain_deadline; /* 0: none */
    struct log *log;
};

struct control;

/* Opens everything; E_SYS with errno set, or what the part says. `what` names the part that
 * failed. Free takes NULL. */
MUST_USE enum err sl_control_new(const struct control_conf *conf, struct control **ret,
                                 const char **what);
void sl_control_free(struct control *c);

/* What others wish it to do. For any thread and for signal handlers; the last wish holds, but
 * nothing takes an end back. */
enum control_wish { CONTROL_RUN, CONTROL_DRAIN, CONTROL_END };
void sl_control_wish(struct control *c, enum control_wish wish);
enum control_wish sl_control_wished(const struct control *c);

/* A message of rtcd's client in this process. For any thread. As sl_inbox_put. */
MUST_USE enum err sl_control_hear(struct control *c, struct span message);

/* The address of the public face, with the port that it has. */
struct addr sl_control_public(const struct control *c);
struct addr sl_control_private(const struct control *c);

/* Starts the media threads; E_SYS, and then it is only to be freed. They block the signals that
 * the caller blocks. */
MUST_USE enum err sl_control_start(struct control *c);

/* After the start: until it was drained or ended. */
void sl_control_run(struct control *c);
