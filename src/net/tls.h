#pragma once

/*
 * TLS 1.2 and 1.3, over memory: bytes of the network in and out, and bytes of the application
 * between them. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { TLS_PIN = 32 };

struct tls_server;
struct tls_client;
struct tls;

/* cert: a PEM file with the certificate and its chain; key: a PEM file. E_CRYPTO: they
 * cannot be read, or do not fit together. Free takes NULL; connections keep what they need. */
MUST_USE enum err sl_tls_server_new(const char *cert, const char *key,
                                    struct tls_server **ret);
void sl_tls_server_free(struct tls_server *s);

/* Servers prove to be who they are by what this machine trusts, or by those in a PEM file alone. pin:
 * the SHA-256 of the one certificate (DER) that is right, or NULL. With a pin and no file that
 * certificate is believed whoever signed it and whatever its name and dates. E_CRYPTO: the file
 * cannot be read. Free takes NULL, after the last connection. */
MUST_USE enum err sl_tls_client_new(const char *ca, const uint8_t pin[TLS_PIN],
                                    struct tls_client **ret);
void sl_tls_client_free(struct tls_client *c);

/* One connection; to a server of that name, or address. NULL when memory ends. Free takes NULL. */
struct tls *sl_tls_new(struct tls_server *s);
struct tls *sl_tls_dial(const struct tls_client *c, const char *host);
void sl_tls_free(struct tls *t);

/* The handshake is over. */
bool sl_tls_is_up(const struct tls *t);

/* Shakes hands without reading. E_SHORT: more must come in first; E_AUTH: the server is not whom we
 * believe; E_CRYPTO: broken. Whichever it is, there may be output. */
MUST_USE enum err sl_tls_handshake(struct tls *t);

/* Takes what the network brought. */
MUST_USE enum err sl_tls_input(struct tls *t, struct span in);

/* Gives what the peer said, at most cap octets. E_SHORT: more must come in first; E_ABSENT: it
 * said that this was all; E_CRYPTO: broken. Whichever it is, there may be output. */
MUST_USE enum err sl_tls_read(struct tls *t, uint8_t *p, size_t cap, size_t *ret);

/* Encrypts for the peer; n > 0. E_STATE: the handshake is not over. */
MUST_USE enum err sl_tls_write(struct tls *t, struct span in);

/* Says that nothing more will be written. */
void sl_tls_end(struct tls *t);

/* What is to be sent, valid until the next call but these two; and: it was taken. */
struct span sl_tls_output(const struct tls *t);
void sl_tls_taken(struct tls *t);
