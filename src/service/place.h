#pragma once

/*
 * A server in the process of a test, for clients of calls.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "free_port.h"
#include "pem.h"
#include "sluice/sluice.h"

#define KEY   "0123456789abcdef0123456789abcdef"
#define ADMIN "the administrator's"

/* The server in this process, at a port that it keeps when it is started again. */
struct place {
    struct sluice *server;
    uint16_t http, media;
    char dir[32];
    const struct pem *pem; /* NULL: without TLS */
};

static inline void quiet(void *ctx, enum sluice_level level, const char *line, size_t n)
{
    (void)ctx;
    if (level == SLUICE_ERROR)
        (void)fprintf(stderr, "# %.*s", (int)n, line);
}

static inline void place_start(struct place *p)
{
    char text[768], tls[192] = "", error[SLUICE_ERROR_MAX] = "";
    if (p->pem)
        (void)snprintf(tls, sizeof tls, "tls_cert = \"%s\"\ntls_key = \"%s\"\n",
                       p->pem->cert, p->pem->key);
    (void)snprintf(text, sizeof text,
                   "[rtc]\nport = %u\nworkers = 1\nlisten = [\"127.0.0.1\"]\n"
                   "packet_pool = 1024\n[http]\nlisten = \"\"\n"
                   "[admin]\nlisten = \"127.0.0.1:%u\"\n%s[store]\ndirectory = \"%s\"\n"
                   "[rtcd]\nadmin_secret = \"" ADMIN "\"\n",
                   p->media, p->http, tls, p->dir);
    const struct sluice_conf conf = {.settings = text, .log = quiet};
    CHECK_INT(sluice_start(&conf, &p->server, error), SLUICE_OK);
    if (*error)
        (void)fprintf(stderr, "# %s\n", error);
}

static inline void place_init_tls(struct place *p, const struct pem *pem)
{
    *p = (struct place){.http = free_port(), .media = free_port(), .pem = pem};
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/sluice-client-XXXXXX");
    CHECK(mkdtemp(p->dir) != NULL);
    place_start(p);
}

static inline void place_init(struct place *p)
{
    place_init_tls(p, NULL);
}

static inline void place_fini(struct place *p)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "owner"};
    char path[64];
    sluice_free(p->server);
    for (size_t i = 0; i < LEN(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->dir, files[i]);
        (void)unlink(path);
    }
    CHECK_INT(rmdir(p->dir), 0);
}
