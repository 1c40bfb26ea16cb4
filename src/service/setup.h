#pragma once

/*
 * What the commands of the program begin with: the settings, and the keys in the store.
 */

#include "auth/keys.h"
#include "service/config.h"
#include "store/kv.h"

/* Reads --config=FILE, the environment and the settings among the arguments; what is left of
 * them stays in argv. NULL: an error was printed. Free with sl_config_free. */
struct config *sl_setup_config(int *argc, char **argv);

/* The store, which is made where there is none, for this process alone; where no directory is
 * set, one in memory. False: error says why. */
bool sl_setup_open(const struct config *c, struct kv **ret, char error[CONFIG_ERROR_MAX]);

/* The same. False: an error was printed. */
bool sl_setup_store(const struct config *c, struct kv **ret);

/* The keys of the store, of which one is made where there is none. A server that is running
 * holds the store, and its keys are read beside it. False: an error was printed. */
bool sl_setup_keys(const struct config *c, struct token_keys *keys,
                   struct keys_made *made);

/* A token for all rooms or those of the pattern, made with the first key, as text of at most
 * TOKEN_MAX octets and a NUL. max_bps 0: any. E_MALFORMED: no such pattern. */
MUST_USE enum err sl_setup_token(const struct token_keys *keys, const char *rooms,
                                 unsigned perm, int64_t seconds, uint32_t max_bps,
                                 char ret[TOKEN_MAX + 1]);
