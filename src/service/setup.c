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

static bool tell(const char *dir, enum err e, char *error)
{
    const char *why = e == E_BUSY ? "another process of Sluice holds it" : sl_err_text(e);
    (void)snprintf(error, CONFIG_ERROR_MAX, "store.directory %.200s: %s", dir, why);
    return false;
}

static bool failed(const char *dir, enum err e)
{
    char error[CONFIG_ERROR_MAX];
    (void)tell(dir, e, error);
    (void)fprintf(stderr, "sluice: %s\n", error);
    return false;
}

bool sl_setup_open(const struct config *c, struct kv **ret, char error[CONFIG_ERROR_MAX])
{
    const char *dir = c->store.directory;
    if (!*dir) {
        *ret = sl_kv_open_memory();
        return *ret || tell(dir, E_MEMORY, error);
    }
    /* Its parent is the operator's; opening tells what is wrong. */
    (void)mkdir(dir, 0700);
    enum err e = sl_kv_open(dir, (size_t)c->store.size << 20, ret);
    return e ? tell(dir, e, error) : true;
}

bool sl_setup_store(const struct config *c, struct kv **ret)
{
    char error[CONFIG_ERROR_MAX];
    bool good = sl_setup_open(c, ret, error);
    if (!good)
        (void)fprintf(stderr, "sluice: %s\n", error);
    return good;
}

bool sl_setup_keys(const struct config *c, struct token_keys *keys,
                   struct keys_made *made)
{
    struct kv *kv = NULL;
    const char *dir = c->store.directory;
    enum err e = sl_kv_open_reader(dir, &kv);
    if (!e) {
        /* A store without a key: one is made, which a reader is denied. */
        e = sl_keys_load(kv, keys, made);
        sl_kv_close(kv);
        kv = NULL;
    }
    if (e != E_ABSENT && e != E_DENIED)
        return e ? failed(dir, e) : true;
    if (!sl_setup_store(c, &kv))
        return false;
    e = sl_keys_load(kv, keys, made);
    sl_kv_close(kv);
    return e ? failed(dir, e) : true;
}

enum err sl_setup_token(const struct token_keys *keys, const char *rooms, unsigned perm,
                        int64_t seconds, uint32_t max_bps, char ret[TOKEN_MAX + 1])
{
    struct token t = {.tenant = "default", .perm = perm, .max_bps = max_bps};
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
