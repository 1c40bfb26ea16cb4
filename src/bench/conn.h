#pragma once

/*
 * A client's TCP connection, with TLS or without. One thread; it waits only where it says so, and
 * ten seconds at most.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

struct conn;
struct tls_client;

/* Connects, and waits for that. With tls, which must live longer, the server there proves that it
 * is host. E_SYS, with errno set; E_SHORT: it hung up; E_AUTH, E_CRYPTO: as sl_tls_handshake;
 * E_MEMORY. Free takes NULL, and says no good-bye. */
MUST_USE enum err sl_conn_new(const struct addr *to, const struct tls_client *tls,
                              const char *host, struct conn **ret);
void sl_conn_free(struct conn *c);

/* To be polled for reading once sl_conn_receive has said E_EARLY, which it may have more than. */
int sl_conn_fd(const struct conn *c);

/* Waits while the server takes none. E_SYS, with errno set; E_CRYPTO. */
MUST_USE enum err sl_conn_send(struct conn *c, struct span s);

/* Gives what came, at most cap octets; if it waits, at least one. E_EARLY: nothing is there, and it
 * does not wait; E_SHORT: this was all; E_SYS, with errno set; E_CRYPTO. */
MUST_USE enum err sl_conn_receive(struct conn *c, uint8_t *p, size_t cap, bool waits,
                                  size_t *n);
