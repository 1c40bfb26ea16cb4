#include "service/faces.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "net/loop.h"
#include "service/control.h"

static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = sl_wall_now};

struct server {
    struct control_conf conf;
    struct loop *loop;
    struct loop_wake *stop;
    struct metrics *metrics;
    struct rooms *rooms;
    struct faces faces;
    unsigned settled;
    pthread_t thread;
};

static void settle(void *ctx)
{
    struct server *s = ctx;
    s->settled++;
}

static void on_stop(void *user)
{
    struct server *s = user;
    sl_loop_stop(s->loop);
}

static void *run(void *user)
{
    struct server *s = user;
    sl_loop_run(s->loop);
    return NULL;
}

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 7, n);
}

static void server_open(struct server *s, bool ready, bool draining)
{
    const struct rooms_conf rc = {.random = {.fill = fill},
                                  .limits = {.rooms = 1, .peers = 1, .room_peers = 1}};
    *s = (struct server){.conf = {.public_face = addr_v4(127, 0, 0, 1, 0),
                                  .private_face = addr_v4(127, 0, 0, 1, 0),
                                  .joins = {.burst = 9, .addresses = 9},
                                  .changes = {.burst = 9, .addresses = 9},
                                  .body_max = 1024,
                                  .conns_max = 9,
                                  .conns_per_ip = 9,
                                  .demo = true},
                         .loop = sl_loop_new(),
                         .metrics = sl_metrics_new(),
                         .rooms = sl_rooms_new(&rc)};
    s->stop = sl_loop_wake_new(s->loop, on_stop, s);
    const struct faces_conf fc = {.of = &s->conf,
                                  .loop = s->loop,
                                  .log = &quiet,
                                  .rooms = s->rooms,
                                  .metrics = s->metrics,
                                  .settle = settle,
                                  .ctx = s};
    CHECK_INT(sl_faces_init(&s->faces, &fc), E_OK);
    CHECK_INT(sl_faces_listen_public(&s->faces), E_OK);
    CHECK_INT(sl_faces_listen_private(&s->faces), E_OK);
    sl_faces_serve(&s->faces, ready, draining);
    CHECK_INT(pthread_create(&s->thread, NULL, run, s), 0);
}

static void server_close(struct server *s)
{
    sl_loop_wake_ring(s->stop);
    CHECK_INT(pthread_join(s->thread, NULL), 0);
    sl_faces_fini(&s->faces);
    sl_metrics_free(s->metrics);
    sl_rooms_free(s->rooms);
    sl_loop_wake_free(s->stop);
    sl_loop_free(s->loop);
}

/* The status; text has the whole answer. */
static int ask(const struct httpd *at, const char *line, const char *more, char *text,
               size_t cap)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(sl_httpd_addr(at).port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    int n = snprintf(text, cap, "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n",
                     line, more);
    CHECK(connect(fd, (struct sockaddr *)(void *)&sa, sizeof sa) == 0);
    CHECK(send(fd, text, (size_t)n, MSG_NOSIGNAL) == n);
    size_t got = 0;
    for (ssize_t k; (k = recv(fd, text + got, cap - 1 - got, 0)) > 0;)
        got += (size_t)k;
    text[got] = '\0';
    (void)close(fd);
    CHECK_INT(sscanf(text, "HTTP/1.1 %d", &status), 1);
    return status;
}

TEST(faces_answer_what_is_theirs)
{
    static const struct {
        const char *name;
        bool ready, draining, private;
        const char *line, *more;
        int status;
    } rows[] = {
        {"the demo page", true, false, false, "GET /", "", 200},
        {"which is only read", true, false, false, "DELETE /", "", 404},
        {"a room, without a token", true, false, false, "GET /rooms/r/streams", "", 401},
        {"with one of nobody's", true, false, false, "GET /rooms/r/streams",
         "Authorization: Bearer a.b.c\r\n", 401},
        {"health is no matter of the public", true, false, false, "GET /health/ready", "",
         404},
        {"ready", true, false, true, "GET /health/ready", "", 200},
        {"not ready yet", false, false, true, "GET /health/ready", "", 503},
        {"draining", false, true, true, "GET /health/ready", "", 503},
        {"alive all the same", false, true, true, "GET /health/live", "", 200},
        {"pages are no matter of the private", true, false, true, "GET /", "", 404},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        static char text[1 << 18];
        struct server s;
        check_row(rows[i].name);
        server_open(&s, rows[i].ready, rows[i].draining);
        CHECK_INT(ask(rows[i].private ? s.faces.private_face : s.faces.public_face,
                      rows[i].line, rows[i].more, text, sizeof text),
                  rows[i].status);
        server_close(&s);
        CHECK_INT(s.settled, rows[i].private ? 0 : 1);
    }
}

TEST(faces_give_a_page_once)
{
    static char text[1 << 18];
    char more[128];
    struct server s;
    server_open(&s, true, false);
    CHECK_INT(ask(s.faces.public_face, "GET /", "", text, sizeof text), 200);
    CHECK(strstr(text, "\r\nContent-Security-Policy: "));
    const char *etag = strstr(text, "\r\nETag: ");
    CHECK(etag != NULL);
    (void)snprintf(more, sizeof more, "If-None-Match: %.*s\r\n",
                   etag ? (int)strcspn(etag + 8, "\r") : 0, etag ? etag + 8 : "");
    CHECK_INT(ask(s.faces.public_face, "GET /", more, text, sizeof text), 304);
    CHECK(strlen(strstr(text, "\r\n\r\n")) == 4);
    server_close(&s);
}

TEST(faces_that_nobody_wants)
{
    const struct control_conf none = {.joins = {.burst = 1, .addresses = 1},
                                      .changes = {.burst = 1, .addresses = 1}};
    const struct faces_conf fc = {.of = &none, .settle = settle};
    struct faces f;
    CHECK_INT(sl_faces_init(&f, &fc), E_OK);
    CHECK_INT(sl_faces_listen_public(&f), E_OK);
    CHECK_INT(sl_faces_listen_private(&f), E_OK);
    CHECK(!f.public_face && !f.private_face && !f.rtcd);
    sl_faces_fini(&f);
}
