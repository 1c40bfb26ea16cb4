#pragma once

/*
 * The server as seen from outside: joins service/reach to the loop, the resolver and the media
 * port. Control thread.
 */

#include "base/log.h"

#include "net/loop.h"
#include "service/post.h"
#include "service/reach.h"

struct outside;

/* Texts and addresses are borrowed for its life. */
struct outside_conf {
    struct loop *loop;
    struct post *post;
    struct log *log;
    struct candidates_of of;
    const char *name; /* ours, to be looked up; NULL: none */
    const char *stun; /* "stun:host:port" that is asked; NULL: none */
    uint64_t key;     /* as the workers have it (sfu/shard.h) */
    void *ctx;
    void (*changed)(void *ctx); /* what is told, or whether it is settled */
};

/* E_MALFORMED: that is no STUN server; E_MEMORY. Nothing is asked before start. Free takes NULL,
 * and waits for questions that are under way. */
MUST_USE enum err sl_outside_new(const struct outside_conf *conf, struct outside **ret);
void sl_outside_free(struct outside *o);
void sl_outside_start(struct outside *o);

/* MAIL_SEEN came. */
void sl_outside_mail(struct outside *o, const struct mail *m);

/* A peer may be reached there. Where we are behind a NAT, it lets nobody in that we have not sent
 * to: an indication goes there by the media port, if it is an address of the world, and not too
 * many went before. */
void sl_outside_open(struct outside *o, const struct addr *to, size_t n);

/* What clients are told; borrowed until it changes. */
const struct negotiate_candidate *sl_outside_told(const struct outside *o, size_t *n);

/* It knows, as far as it can. */
bool sl_outside_settled(const struct outside *o);
