#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#include "auth/clients.h"
#include "crypto/hash.h"
#include "net/loop.h"
#include "service/command.h"
#include "service/setup.h"
#include "store/bitcask.h"

static const char usage[] =
    "usage: sluice import-rtcd [--config=FILE] DIR\n\n"
    "Takes the registered clients over from DIR, the data_source of an rtcd that is not\n"
    "running, into store.directory. DIR stays as it is. Clients that are known here "
    "already\n"
    "keep the key that they have here.\n";

/* What the log says in the end of each key. */
struct found {
    struct map_node node;
    uint8_t hash[PASSWORD_HASH_CAP];
    size_t hash_n; /* 0: it was deleted */
    size_t name_n;
    uint8_t name[];
};

struct import {
    struct map names;
    uint64_t now_s;
    enum err e;
};

static struct found *found_of(struct import *im, struct span name)
{
    struct map_node *n = sl_map_get(&im->names, name);
    if (n)
        return map_entry(n, struct found, node);
    struct found *f = calloc(1, sizeof *f + name.n);
    if (!f)
        return NULL;
    memcpy(f->name, name.p, name.n);
    f->name_n = name.n;
    if (sl_map_put(&im->names, (struct span){f->name, f->name_n}, &f->node) != E_OK) {
        free(f);
        return NULL;
    }
    return f;
}

static bool note(void *ctx, const struct bitcask_entry *entry)
{
    struct import *im = ctx;
    struct found *f = found_of(im, entry->key);
    if (!f) {
        im->e = E_MEMORY;
        return false;
    }
    bool over = entry->expiry != 0 && entry->expiry <= im->now_s;
    /* A value that is no hash is kept one octet too long, and refused below. */
    f->hash_n = over                              ? 0
                : entry->value.n < sizeof f->hash ? entry->value.n
                                                  : sizeof f->hash;
    memcpy(f->hash, entry->value.p, f->hash_n);
    return true;
}

static enum err put_all(struct import *im, struct kv *kv)
{
    size_t taken = 0, known = 0, odd = 0;
    map_each (n, &im->names) {
        const struct found *f = map_entry(n, struct found, node);
        struct span name = {f->name, f->name_n};
        enum err e =
            f->hash_n > 0
                ? sl_clients_add_hash(kv, name, (struct span){f->hash, f->hash_n})
                : E_ABSENT;
        taken += e == E_OK;
        known += e == E_EXISTS;
        odd += e == E_MALFORMED;
        if (e == E_MALFORMED)
            (void)fprintf(stderr, "sluice: %.*s: not a client's key; left out\n",
                          (int)name.n, (const char *)name.p);
        else if (e && e != E_EXISTS && e != E_ABSENT)
            return e;
    }
    (void)printf("%zu clients taken over, %zu known already, %zu left out\n", taken,
                 known, odd);
    return E_OK;
}

static int import(struct kv *kv, const char *dir)
{
    struct import im = {.now_s = (uint64_t)(sl_wall_now() / SEC(1))};
    uint64_t seed[2];
    sl_random(seed, sizeof seed);
    sl_map_init(&im.names, seed);
    enum err e = sl_bitcask_each(dir, note, &im);
    if (e == E_MALFORMED)
        (void)fprintf(stderr,
                      "sluice: %s: a log is damaged; what stands before is taken\n", dir);
    else if (e == E_ABSENT)
        (void)fprintf(stderr, "sluice: %s: no store of rtcd is there\n", dir);
    else if (e || im.e)
        (void)fprintf(stderr, "sluice: %s: %s\n", dir, sl_err_text(e ? e : im.e));
    bool damaged = e == E_MALFORMED;
    if (damaged || (!e && !im.e)) {
        e = put_all(&im, kv);
        if (e)
            (void)fprintf(stderr, "sluice: the store: %s\n", sl_err_text(e));
    }
    for (struct map_node *n; (n = sl_map_next(&im.names, NULL));) {
        sl_map_del(&im.names, n);
        free(map_entry(n, struct found, node));
    }
    sl_map_fini(&im.names);
    return e || im.e || damaged ? EXIT_FAILURE : EXIT_SUCCESS;
}

int sl_command_import_rtcd(int argc, char **argv)
{
    struct kv *kv = NULL;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    struct config *config = sl_setup_config(&argc, argv);
    if (!config)
        return EXIT_FAILURE;
    int status = EXIT_FAILURE;
    if (argc != 2 || argv[1][0] == '-')
        (void)fputs(usage, stderr);
    else if (sl_setup_store(config, &kv))
        status = import(kv, argv[1]);
    sl_kv_close(kv);
    sl_config_free(config);
    return status;
}
