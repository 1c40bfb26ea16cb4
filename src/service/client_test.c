#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#include "check.h"
#include "service/place.h"
#include "sluice/sluice.h"

/* A host, and how often it heard what. */
struct host {
    struct sluice_client *client;
    pthread_mutex_t lock;
    pthread_cond_t news;
    unsigned heard[SLUICE_VOICE_OFF + 1], lost;
    char closed[SLUICE_ID_MAX + 1], error[SLUICE_ERROR_MAX];
};

#define HOST                                                                             \
    {                                                                                    \
        .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER              \
    }

static void on_message(void *ctx, const struct sluice_message *m)
{
    struct host *h = ctx;
    (void)pthread_mutex_lock(&h->lock);
    h->heard[m->type]++;
    if (m->type == SLUICE_CLOSED)
        (void)snprintf(h->closed, sizeof h->closed, "%s", m->session);
    (void)pthread_cond_broadcast(&h->news);
    (void)pthread_mutex_unlock(&h->lock);
}

static void on_lost(void *ctx)
{
    struct host *h = ctx;
    (void)pthread_mutex_lock(&h->lock);
    h->lost++;
    (void)pthread_cond_broadcast(&h->news);
    (void)pthread_mutex_unlock(&h->lock);
}

static void wait_for(struct host *h, const unsigned *count, unsigned n)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    (void)pthread_mutex_lock(&h->lock);
    while (*count < n && pthread_cond_timedwait(&h->news, &h->lock, &until) == 0)
        ;
    CHECK_INT(*count, n);
    (void)pthread_mutex_unlock(&h->lock);
}

static enum sluice_err dial(struct host *h, const struct place *p, const char *id,
                            const char *key, const char *admin_key)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", p->http);
    const struct sluice_client_conf conf = {.url = url,
                                            .id = id,
                                            .key = key,
                                            .registers = admin_key,
                                            .admin_key = admin_key,
                                            .ctx = h,
                                            .message = on_message,
                                            .lost = on_lost};
    return sluice_client_connect(&conf, &h->client, h->error);
}

static void say(struct host *h, enum sluice_type type, const char *session)
{
    const struct sluice_message m = {
        .type = type, .call = "call", .user = "user", .session = session};
    CHECK_INT(sluice_client_send(h->client, &m), SLUICE_OK);
}

TEST(client_registers_joins_and_leaves)
{
    struct place p;
    struct host a = HOST, b = HOST;
    place_init(&p);
    CHECK_INT(dial(&a, &p, "a", KEY, NULL), SLUICE_REFUSED);
    CHECK_INT(dial(&a, &p, "a", KEY, ADMIN), SLUICE_OK);
    wait_for(&a, &a.heard[SLUICE_HELLO], 1);
    CHECK_INT(dial(&b, &p, "b", KEY, ADMIN), SLUICE_OK);
    say(&a, SLUICE_JOIN, "s1");
    say(&a, SLUICE_JOIN, "s2");
    say(&b, SLUICE_LEAVE, "s2"); /* which is not b's */
    say(&b, SLUICE_JOIN, "s2");
    say(&a, SLUICE_LEAVE, "s1");
    wait_for(&a, &a.heard[SLUICE_CLOSED], 1);
    CHECK(strcmp(a.closed, "s1") == 0);
    say(&b, SLUICE_LEAVE, "s2");
    wait_for(&b, &b.heard[SLUICE_CLOSED], 1);
    sluice_client_free(a.client);
    sluice_client_free(b.client);
    CHECK_INT(a.heard[SLUICE_CLOSED], 1);
    CHECK_INT(a.lost + b.lost, 0);
    place_fini(&p);
}

TEST(client_says_what_is_wrong)
{
    struct place p;
    struct host h = HOST;
    place_init(&p);
    CHECK_INT(dial(&h, &p, "a", KEY, ADMIN), SLUICE_OK);
    sluice_client_free(h.client);
    static const struct {
        const char *name, *id, *key, *admin, *says;
        enum sluice_err want;
    } rows[] = {
        {"another key", "a", KEY "x", NULL, "key", SLUICE_REFUSED},
        {"another key, and registering", "a", KEY "x", ADMIN, "already registered",
         SLUICE_REFUSED},
        {"another administrator", "c", KEY, "another's", "unauthorized", SLUICE_REFUSED},
        {"a short key", "c", "short", ADMIN, "key", SLUICE_SETTING},
        {"no name", "", KEY, ADMIN, "client", SLUICE_SETTING},
        {"a name with a colon", "a:b", KEY, ADMIN, "client", SLUICE_SETTING},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        h.client = NULL;
        check_row(rows[i].name);
        CHECK_INT(dial(&h, &p, rows[i].id, rows[i].key, rows[i].admin), rows[i].want);
        CHECK(h.client == NULL && strstr(h.error, rows[i].says));
    }
    check_row("nobody there");
    uint16_t was = p.http;
    p.http = free_port();
    CHECK_INT(dial(&h, &p, "a", KEY, NULL), SLUICE_START);
    p.http = was;
    check_row("no URL");
    const struct sluice_client_conf conf = {.url = "nonsense", .id = "a", .key = KEY};
    CHECK_INT(sluice_client_connect(&conf, &h.client, h.error), SLUICE_SETTING);
    place_fini(&p);
}

/* What is said while there is no server reaches the next one. */
TEST(client_comes_back)
{
    struct place p;
    struct host h = HOST;
    place_init(&p);
    CHECK_INT(dial(&h, &p, "a", KEY, ADMIN), SLUICE_OK);
    wait_for(&h, &h.heard[SLUICE_HELLO], 1);
    sluice_free(p.server);
    wait_for(&h, &h.lost, 1);
    say(&h, SLUICE_JOIN, "s");
    say(&h, SLUICE_LEAVE, "s");
    place_start(&p);
    wait_for(&h, &h.heard[SLUICE_HELLO], 2);
    wait_for(&h, &h.heard[SLUICE_CLOSED], 1);
    sluice_client_free(h.client);
    CHECK_INT(h.lost, 1);
    place_fini(&p);
}

/* The digits as openssl x509 -fingerprint prints them, and as sha256sum does. */
static void print_pin(const uint8_t sha256[32], bool colons, char ret[96])
{
    size_t n = 0;
    for (size_t i = 0; i < 32; i++)
        n += (size_t)snprintf(ret + n, 96 - n, "%s%02X", colons && i > 0 ? ":" : "",
                              sha256[i]);
}

/* Who is not believed does not see the key, and nobody is registered there. */
TEST(client_believes_who_it_should)
{
    struct pem pem = pem_named("IP:127.0.0.1"), other = pem_new();
    char with[96], without[96], another[96], longer[97], url[64], plain[64];
    struct place p;
    print_pin(pem.sha256, true, with);
    print_pin(pem.sha256, false, without);
    print_pin(other.sha256, true, another);
    (void)snprintf(longer, sizeof longer, "%s0", another);
    place_init_tls(&p, &pem);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", p.http);
    (void)snprintf(plain, sizeof plain, "http://127.0.0.1:%u", p.http);
    const struct {
        const char *name, *url, *ca, *pin, *says;
        enum sluice_err want;
    } rows[] = {
        {"nobody", url, NULL, NULL, "certificate is not believed", SLUICE_START},
        {"another", url, other.cert, NULL, "certificate is not believed", SLUICE_START},
        {"another's pin", url, NULL, another, "certificate is not believed",
         SLUICE_START},
        {"without TLS", plain, NULL, NULL, "cannot be reached", SLUICE_START},
        {"no file", url, "/nonexistent", NULL, "/nonexistent", SLUICE_SETTING},
        {"no pin", url, NULL, "12:34", "no SHA-256", SLUICE_SETTING},
        {"a pin and a digit", url, NULL, longer, "no SHA-256", SLUICE_SETTING},
        {"who signed it", url, pem.cert, NULL, "", SLUICE_OK},
        {"its pin", url, NULL, with, "", SLUICE_OK},
        {"its pin, and who signed it", url, pem.cert, without, "", SLUICE_OK},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct host h = HOST;
        const struct sluice_client_conf conf = {.url = rows[i].url,
                                                .id = "a",
                                                .key = KEY,
                                                .ca = rows[i].ca,
                                                .pin = rows[i].pin,
                                                .registers = true,
                                                .admin_key = ADMIN,
                                                .ctx = &h,
                                                .message = on_message,
                                                .lost = on_lost};
        check_row(rows[i].name);
        CHECK_INT(sluice_client_connect(&conf, &h.client, h.error), rows[i].want);
        CHECK(strstr(h.error, rows[i].says));
        if (rows[i].want != SLUICE_OK)
            continue;
        wait_for(&h, &h.heard[SLUICE_HELLO], 1);
        say(&h, SLUICE_JOIN, "s");
        say(&h, SLUICE_LEAVE, "s");
        wait_for(&h, &h.heard[SLUICE_CLOSED], 1);
        sluice_client_free(h.client);
        CHECK_INT(h.lost, 0);
    }
    place_fini(&p);
    pem_remove(&pem);
    pem_remove(&other);
}

/* The end of a server by TLS is an end as without, and the next is believed anew. */
TEST(client_comes_back_by_tls)
{
    struct pem pem = pem_named("IP:127.0.0.1");
    struct place p;
    struct host h = HOST;
    char url[64];
    place_init_tls(&p, &pem);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", p.http);
    const struct sluice_client_conf conf = {.url = url,
                                            .id = "a",
                                            .key = KEY,
                                            .ca = pem.cert,
                                            .registers = true,
                                            .admin_key = ADMIN,
                                            .ctx = &h,
                                            .message = on_message,
                                            .lost = on_lost};
    CHECK_INT(sluice_client_connect(&conf, &h.client, h.error), SLUICE_OK);
    wait_for(&h, &h.heard[SLUICE_HELLO], 1);
    sluice_free(p.server);
    wait_for(&h, &h.lost, 1);
    place_start(&p);
    wait_for(&h, &h.heard[SLUICE_HELLO], 2);
    say(&h, SLUICE_JOIN, "s");
    say(&h, SLUICE_LEAVE, "s");
    wait_for(&h, &h.heard[SLUICE_CLOSED], 1);
    sluice_client_free(h.client);
    CHECK_INT(h.lost, 1);
    place_fini(&p);
    pem_remove(&pem);
}
