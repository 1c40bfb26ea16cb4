#include "service/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/loop.h"

struct config *sl_setup_config(int *argc, char **argv)
{
    char error[CONFIG_ERROR_MAX];
    struct config *c = NULL;
    struct config_from from = {
        .env = (const char *const *)environ, .argc = *argc, .argv = argv};
    if (sl_config_load(&from, &c, error) != E_OK)
        (void)fprintf(stderr, "sluice: %s\n", error);
    *argc = from.argc;
    return c;
}

bool sl_setup_keys(const struct config *c, struct token_keys *keys,
                   struct keys_made *made)
{
    struct kv *kv = NULL;
    const char *dir = c->store.directory;
    (void)mkdir(dir,
                0700); /* its parent is the operator's; opening tells what is wrong */
    enum err e = sl_kv_open(dir, (size_t)c->store.size << 20, &kv);
    if (!e)
        e = sl_keys_load(kv, keys, made);
    sl_kv_close(kv);
    if (e)
        (void)fprintf(stderr, "sluice: store.directory %s: %s\n", dir, sl_err_text(e));
    return e == E_OK;
}

enum err sl_setup_token(const struct token_keys *keys, const char *rooms, unsigned perm,
                        int64_t seconds, char ret[TOKEN_MAX + 1])
{
    struct token t = {.tenant = "default", .perm = perm};
    struct wr w = wr_of((uint8_t *)ret, TOKEN_MAX);
    size_t n = strlen(rooms);
    if (n >= sizeof t.room)
        return E_MALFORMED;
    memcpy(t.room, rooms, n);
    t.iat = sl_wall_now() / SEC(1);
    t.exp = t.iat + seconds;
    enum err e = sl_token_mint(&keys->keys[0], &t, &w);
    ret[w.n] = '\0';
    return e;
}
