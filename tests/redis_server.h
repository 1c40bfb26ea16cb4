#pragma once

/* A Redis server of the test's own, on 127.0.0.1, without a disk. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "free_port.h"

struct redis_server {
    pid_t pid;
    uint16_t port;
    char address[32];
    const char *cert, *key; /* NULL: no TLS */
    const char *password;   /* NULL: none */
};

static inline void redis_server_start(struct redis_server *s)
{
    if (s->port == 0)
        s->port = free_port();
    char port[8];
    (void)snprintf(port, sizeof port, "%u", s->port);
    (void)snprintf(s->address, sizeof s->address, "127.0.0.1:%u", s->port);
    char *words[32] = {0};
    size_t n = 0;
    const char *const always[] = {
        "redis-server",      "--bind", "127.0.0.1", "--save",    "",
        "--appendonly",      "no",     "--logfile", "/dev/null", "--port",
        s->cert ? "0" : port};
    const char *const tls[] = {
        "--tls-port",         port,   "--tls-cert-file",    s->cert,
        "--tls-key-file",     s->key, "--tls-ca-cert-file", s->cert,
        "--tls-auth-clients", "no"};
    for (size_t i = 0; i < LEN(always); i++)
        words[n++] = strdup(always[i]);
    for (size_t i = 0; s->cert && i < LEN(tls); i++)
        words[n++] = strdup(tls[i]);
    if (s->password) {
        words[n++] = strdup("--requirepass");
        words[n++] = strdup(s->password);
    }
    s->pid = fork();
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvp(words[0], words);
        (void)fprintf(stderr, "redis-server is not installed\n");
        _exit(127);
    }
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    CHECK(s->pid > 0);
}

static inline void redis_server_kill(struct redis_server *s)
{
    if (s->pid > 0) {
        (void)kill(s->pid, SIGKILL);
        (void)waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}
