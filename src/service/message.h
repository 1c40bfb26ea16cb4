#pragma once

/*
 * The messages of the embeddable API, and the same as rtcd's WebSocket has them.
 */

#include "base/err.h"
#include "base/span.h"

#include "sluice/sluice.h"

enum {
    MESSAGE_MAX = 1 << 20,       /* octets of one, as rtcd limits them */
    MESSAGE_OVERHEAD_MAX = 1024, /* of one that has no data */
};

/* Appends what a client sends. E_MALFORMED: nothing that a client can say: the type is the
 * server's, there is no session, or a text is longer than SLUICE_ID_MAX; E_FULL: no room. */
MUST_USE enum err sl_message_write(struct wr *w, const struct sluice_message *m);

/* Writes the message, and gives it to put, for who returns what that says. */
enum sluice_err sl_message_give(const struct sluice_message *m,
                                enum err (*put)(void *ctx, struct span message),
                                void *ctx);

/* What a server says. Its texts are here, data points into what was read. */
struct message {
    struct sluice_message m;
    char call[SLUICE_ID_MAX + 1], user[SLUICE_ID_MAX + 1], session[SLUICE_ID_MAX + 1];
};

/* m points into *ret, which must not be moved. E_MALFORMED, E_SHORT: no message;
 * E_UNSUPPORTED: of a type that servers do not send. */
MUST_USE enum err sl_message_read(struct span in, struct message *ret);
