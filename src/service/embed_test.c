#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "bench/web.h"
#include "check.h"
#include "free_port.h"
#include "net/loop.h"
#include "sluice/sluice.h"

#define SOON SEC(60) /* bounds a failure only */

/* A host, and what it heard. */
struct host {
    struct sluice *server;
    pthread_mutex_t lock;
    pthread_cond_t news;
    unsigned closed, lines;
    char last[SLUICE_ID_MAX + 1]; /* session that was closed last */
    bool blocked;                 /* its signals are, where it is called */
    char settings[512], error[SLUICE_ERROR_MAX];
};

static void on_message(void *ctx, const struct sluice_message *m)
{
    struct host *h = ctx;
    sigset_t now;
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    (void)pthread_mutex_lock(&h->lock);
    h->blocked = sigismember(&now, SIGTERM) && sigismember(&now, SIGALRM);
    h->closed += m->type == SLUICE_CLOSED;
    (void)snprintf(h->last, sizeof h->last, "%s", m->session);
    (void)pthread_cond_signal(&h->news);
    (void)pthread_mutex_unlock(&h->lock);
}

static void on_line(void *ctx, enum sluice_level level, const char *line, size_t n)
{
    struct host *h = ctx;
    (void)pthread_mutex_lock(&h->lock);
    CHECK(level <= SLUICE_ERROR && n > 1 && line[n - 1] == '\n');
    h->lines++;
    (void)pthread_mutex_unlock(&h->lock);
}

static enum sluice_err start(struct host *h, const char *faces, const char *const *args,
                             bool hears)
{
    (void)snprintf(
        h->settings, sizeof h->settings,
        "[rtc]\nport = %u\nworkers = 1\nlisten = [\"127.0.0.1\"]\n"
        "packet_pool = 1024\n[http]\nlisten = \"%s\"\n[admin]\nlisten = \"%s\"\n"
        "[store]\ndirectory = \"\"\n[drain]\ndeadline = \"0s\"\n",
        free_port(), faces, faces);
    const struct sluice_conf conf = {.settings = h->settings,
                                     .args = args,
                                     .ctx = h,
                                     .log = on_line,
                                     .message = hears ? on_message : NULL};
    enum sluice_err e = sluice_start(&conf, &h->server, h->error);
    if (e)
        (void)fprintf(stderr, "# %s\n", h->error);
    return e;
}

#define HOST                                                                             \
    {                                                                                    \
        .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER              \
    }

static void wait_closed(struct host *h, unsigned n)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SOON / SEC(1);
    (void)pthread_mutex_lock(&h->lock);
    while (h->closed < n && pthread_cond_timedwait(&h->news, &h->lock, &until) == 0)
        ;
    CHECK_INT(h->closed, n);
    (void)pthread_mutex_unlock(&h->lock);
}

TEST(embed_serves_what_the_settings_say)
{
    static const char *const args[] = {"--demo.enabled=false", NULL};
    struct host h = HOST;
    struct web *web = NULL;
    struct web_answer answer;
    char token[1024], tiny[8];
    CHECK_INT(start(&h, "127.0.0.1:0", args, false), SLUICE_OK);
    const struct sluice_info *info = sluice_info(h.server);
    CHECK(*info->public_url && *info->private_url && !*info->demo_url);
    CHECK(*info->new_kid && *info->new_secret); /* nothing was stored before */

    CHECK_INT(sl_web_new(info->private_url, &web), E_OK);
    CHECK_INT(
        sl_web_ask(web, "GET", "/health/ready", NULL, NULL, (struct span){0}, &answer),
        E_OK);
    CHECK_INT(answer.status, 200);
    sl_web_free(web);

    static const struct {
        const char *name, *rooms;
        unsigned may, status;
    } rows[] = {{"a token for another room", "other", SLUICE_PUBLISH, 403},
                {"a token to watch", "room", SLUICE_WATCH, 403},
                {"one to publish, without an offer", "room", SLUICE_PUBLISH, 415}};
    CHECK_INT(sl_web_new(info->public_url, &web), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(
            sluice_token(h.server, rows[i].rooms, rows[i].may, 60, token, sizeof token),
            SLUICE_OK);
        CHECK_INT(sl_web_ask(web, "POST", "/whip/room", token, "text/plain", span_of("x"),
                             &answer),
                  E_OK);
        CHECK_INT(answer.status, rows[i].status);
    }
    check_row(NULL);
    sl_web_free(web);
    CHECK_INT(sluice_token(h.server, "room", SLUICE_WATCH, 60, tiny, sizeof tiny),
              SLUICE_FULL);
    CHECK_INT(
        sluice_send(h.server, &(struct sluice_message){SLUICE_LEAVE, .session = "s"}),
        SLUICE_REFUSED); /* nobody would hear the answer */
    CHECK(h.lines > 0);
    sluice_free(h.server);
}

TEST(embed_host_is_a_client_without_a_port)
{
    static const char *const sessions[] = {"s1", "s2"};
    struct host h = HOST;
    CHECK_INT(start(&h, "", NULL, true), SLUICE_OK);
    CHECK(!*sluice_info(h.server)->public_url && !*sluice_info(h.server)->private_url);
    struct sluice_message m = {.type = SLUICE_JOIN, .call = "c", .user = "u"};
    for (size_t i = 0; i < LEN(sessions); i++) {
        m.session = sessions[i];
        CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    }
    m = (struct sluice_message){.type = SLUICE_LEAVE, .session = "s2"};
    CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    wait_closed(&h, 1);
    CHECK(strcmp(h.last, "s2") == 0);
    CHECK(h.blocked);

    /* A description that is none ends the session, as it does over a socket. */
    m = (struct sluice_message){
        .type = SLUICE_SDP, .session = "s1", .data = "{}", .data_n = 2};
    CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    wait_closed(&h, 2);
    CHECK(strcmp(h.last, "s1") == 0);
    m.type = SLUICE_CLOSED;
    CHECK_INT(sluice_send(h.server, &m), SLUICE_REFUSED);
    sluice_free(h.server);
}

/* Draining waits for calls, which may still be joined; without a deadline for as long as they
 * last. */
TEST(embed_drains)
{
    struct host h = HOST;
    CHECK_INT(start(&h, "", NULL, true), SLUICE_OK);
    CHECK_INT(sluice_state(h.server), SLUICE_RUNNING);
    struct sluice_message m = {
        .type = SLUICE_JOIN, .call = "c", .user = "u", .session = "s1"};
    CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    sluice_drain(h.server);
    CHECK_INT(sluice_state(h.server), SLUICE_DRAINING);
    m.session = "s2";
    CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    m = (struct sluice_message){.type = SLUICE_LEAVE, .session = "s1"};
    CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    wait_closed(&h, 1);
    sluice_resume(h.server);
    CHECK_INT(sluice_state(h.server), SLUICE_RUNNING);
    sluice_drain(h.server);
    CHECK_INT(sluice_state(h.server), SLUICE_DRAINING);
    m.session = "s2";
    CHECK_INT(sluice_send(h.server, &m), SLUICE_OK);
    sluice_wait(h.server);
    CHECK_INT(h.closed, 2);
    CHECK_INT(sluice_state(h.server), SLUICE_ENDED);
    sluice_free(h.server);
}

TEST(embed_says_what_is_wrong)
{
    static const struct {
        const char *name, *arg, *says;
        enum sluice_err want;
    } rows[] = {
        {"a setting that is none", "--rtc.prt=1", "no such setting", SLUICE_SETTING},
        {"an option that is none", "more", "no such option", SLUICE_SETTING},
        {"a port that is none", "--rtc.port=x", "rtc.port", SLUICE_SETTING},
        {"a store in no directory", "--store.directory=/nowhere/at/all",
         "store.directory", SLUICE_START},
        {"an address of nobody here", "--http.listen=192.0.2.1:80", "the public face",
         SLUICE_START},
        {"no certificate", "--http.tls_cert=/nowhere", "tls_key", SLUICE_SETTING},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const char *args[] = {rows[i].arg, NULL};
        struct host h = HOST;
        check_row(rows[i].name);
        CHECK_INT(start(&h, "127.0.0.1:0", args, false), rows[i].want);
        CHECK(h.server == NULL);
        CHECK(strstr(h.error, rows[i].says) != NULL);
    }
}

TEST(embed_one_at_a_time)
{
    struct host first = HOST, second = HOST;
    CHECK_INT(start(&first, "", NULL, false), SLUICE_OK);
    CHECK_INT(start(&second, "", NULL, false), SLUICE_BUSY);
    CHECK(second.server == NULL && *second.error);
    sluice_free(first.server);
    sluice_free(NULL);
    CHECK_INT(start(&second, "", NULL, false), SLUICE_OK);
    sluice_stop(second.server);
    sluice_wait(second.server);
    CHECK_INT(sluice_state(second.server), SLUICE_ENDED);
    sluice_free(second.server);
}
