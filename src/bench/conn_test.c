#include "bench/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "net/tls.h"
#include "pem.h"

/* A server that takes one connection, sends back what it is sent, and ends after "bye". */
struct echo {
    int fd;
    struct addr addr;
    struct tls_server *tls; /* NULL: none */
    pthread_t thread;
};

static void back(int fd, struct tls *tls, struct span s)
{
    if (tls) {
        CHECK_INT(sl_tls_write(tls, s), E_OK);
        s = sl_tls_output(tls);
    }
    CHECK_INT(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
    if (tls)
        sl_tls_taken(tls);
}

/* What is readable of what came; an empty span: nothing yet. */
static struct span open_up(int fd, struct tls *tls, uint8_t *p, size_t n, size_t cap)
{
    size_t got = n;
    if (tls) {
        CHECK_INT(sl_tls_input(tls, (struct span){p, n}), E_OK);
        if (sl_tls_read(tls, p, cap, &got) != E_OK)
            got = 0;
        struct span out = sl_tls_output(tls);
        (void)send(fd, out.p, out.n, MSG_NOSIGNAL);
        sl_tls_taken(tls);
    }
    return (struct span){p, got};
}

static void *run(void *arg)
{
    struct echo *s = arg;
    struct tls *tls = s->tls ? sl_tls_new(s->tls) : NULL;
    uint8_t in[4096];
    int fd = accept(s->fd, NULL, NULL);
    for (ssize_t n; (n = recv(fd, in, sizeof in, 0)) > 0;) {
        struct span got = open_up(fd, tls, in, (size_t)n, sizeof in);
        if (got.n > 0)
            back(fd, tls, got);
        if (span_is(got, "bye"))
            break;
    }
    (void)close(fd);
    sl_tls_free(tls);
    return NULL;
}

static void echo_start(struct echo *s, const struct pem *pem)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    *s = (struct echo){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    if (pem)
        CHECK_INT(sl_tls_server_new(pem->cert, pem->key, &s->tls), E_OK);
    CHECK(bind(s->fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(s->fd, 4) == 0);
    CHECK(getsockname(s->fd, (struct sockaddr *)&sa, &n) == 0);
    s->addr = addr_v4(127, 0, 0, 1, ntohs(sa.sin_port));
    CHECK_INT(pthread_create(&s->thread, NULL, run, s), 0);
}

static void echo_stop(struct echo *s)
{
    CHECK_INT(pthread_join(s->thread, NULL), 0);
    (void)close(s->fd);
    sl_tls_server_free(s->tls);
}

/* Without waiting in the connection, but for as long as it takes. */
static enum err receive(struct conn *c, uint8_t *p, size_t cap, size_t *n)
{
    struct pollfd f = {.fd = sl_conn_fd(c), .events = POLLIN};
    enum err e;
    while ((e = sl_conn_receive(c, p, cap, false, n)) == E_EARLY)
        (void)poll(&f, 1, 10000);
    return e;
}

static void talk(const struct pem *pem)
{
    struct echo s;
    struct tls_client *trust = NULL;
    struct conn *c = NULL;
    uint8_t got[100];
    size_t n = 0;
    echo_start(&s, pem);
    if (pem)
        CHECK_INT(sl_tls_client_new(pem->cert, NULL, &trust), E_OK);
    CHECK_INT(sl_conn_new(&s.addr, trust, "127.0.0.1", &c), E_OK);
    CHECK_INT(sl_conn_receive(c, got, sizeof got, false, &n), E_EARLY);
    CHECK_INT(sl_conn_send(c, (struct span){0}), E_OK);
    CHECK_INT(sl_conn_send(c, span_of("hello")), E_OK);
    CHECK_INT(sl_conn_receive(c, got, 3, true, &n), E_OK);
    CHECK(span_is((struct span){got, n}, "hel"));
    CHECK_INT(sl_conn_receive(c, got, sizeof got, false, &n), E_OK);
    CHECK(span_is((struct span){got, n}, "lo"));
    CHECK_INT(sl_conn_receive(c, got, sizeof got, false, &n), E_EARLY);
    CHECK_INT(sl_conn_send(c, span_of("bye")), E_OK);
    CHECK_INT(receive(c, got, sizeof got, &n), E_OK);
    CHECK(span_is((struct span){got, n}, "bye"));
    CHECK_INT(receive(c, got, sizeof got, &n), E_SHORT);
    CHECK_INT(sl_conn_receive(c, got, sizeof got, true, &n), E_SHORT);
    sl_conn_free(c);
    sl_tls_client_free(trust);
    echo_stop(&s);
}

TEST(conn_talks)
{
    talk(NULL);
}

TEST(conn_talks_by_tls)
{
    struct pem pem = pem_named("IP:127.0.0.1");
    talk(&pem);
    pem_remove(&pem);
}

TEST(conn_is_not_made)
{
    struct pem pem = pem_named("IP:127.0.0.1"), other = pem_new();
    const struct {
        const char *name;
        const struct pem *shown; /* NULL: a server without TLS */
        const char *ca;
        enum err want;
    } rows[] = {
        {"with whom it does not believe", &pem, other.cert, E_AUTH},
        {"with one that sends back what it is sent", NULL, pem.cert, E_CRYPTO},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct echo s;
        struct tls_client *trust = NULL;
        struct conn *c = NULL;
        check_row(rows[i].name);
        echo_start(&s, rows[i].shown);
        CHECK_INT(sl_tls_client_new(rows[i].ca, NULL, &trust), E_OK);
        CHECK_INT(sl_conn_new(&s.addr, trust, "127.0.0.1", &c), rows[i].want);
        CHECK(c == NULL);
        sl_tls_client_free(trust);
        echo_stop(&s);
        check_row("with nobody");
        CHECK_INT(sl_conn_new(&s.addr, NULL, "", &c), E_SYS);
        CHECK_INT(errno, ECONNREFUSED);
    }
    pem_remove(&pem);
    pem_remove(&other);
}
