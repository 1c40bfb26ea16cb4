#pragma once

/* For tests: an HTTP server that knows its answer by heart. */

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* A server that says one thing to whoever asks, on as many connections as it is told. */
struct stage {
    int fd;
    pthread_t thread;
    const char *answer;
    int connections, requests; /* of each connection, before it is closed */
    char asked[4096];
    char url[64];
};

/* A request whole, with its body: closing with something unread would be a reset. */
static inline bool hear(struct stage *s, int fd)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, s->asked + n, sizeof s->asked - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        s->asked[n] = '\0';
        const char *end = strstr(s->asked, "\r\n\r\n");
        const char *length = strcasestr(s->asked, "content-length:");
        if (!end)
            continue;
        size_t body = length ? strtoul(length + strlen("content-length:"), NULL, 10) : 0;
        if (s->asked + n >= end + 4 + body || n == sizeof s->asked - 1)
            return true;
    }
}

static inline void *serve(void *arg)
{
    struct stage *s = arg;
    for (int i = 0; i < s->connections; i++) {
        int fd = accept(s->fd, NULL, NULL);
        for (int k = 0; k < s->requests; k++) {
            if (hear(s, fd))
                (void)send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
        }
        (void)close(fd);
    }
    return NULL;
}

static inline void stage_open(struct stage *s, const char *answer, int connections,
                              int requests)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    *s = (struct stage){
        .answer = answer, .connections = connections, .requests = requests};
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(s->fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(s->fd, 4) == 0);
    CHECK(getsockname(s->fd, (struct sockaddr *)&sa, &n) == 0);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/base/",
                   ntohs(sa.sin_port));
    CHECK_INT(pthread_create(&s->thread, NULL, serve, s), 0);
}

static inline void stage_close(struct stage *s)
{
    (void)pthread_join(s->thread, NULL);
    (void)close(s->fd);
}
