/* The client of the embeddable API (sluice/sluice.h): a thread around a WebSocket. */

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/text.h"

#include "bench/web.h"
#include "bench/wsc.h"
#include "net/loop.h"
#include "net/tls.h"
#include "service/calls.h"
#include "service/inbox.h"
#include "service/message.h"
#include "sluice/sluice.h"

enum {
    WAIT_FIRST_MS = 1000, /* before a connection is made again; doubled up to the last */
    WAIT_LAST_MS = 30000,
    KEY_MIN = 32,
    KEY_MAX = 72, /* what bcrypt looks at */
    NAME_MAX_OCTETS = 256,
};

struct sluice_client {
    void *ctx;
    void (*message)(void *ctx, const struct sluice_message *m);
    void (*lost)(void *ctx);
    struct web *web;
    struct wsc *ws;    /* NULL: there is no connection */
    struct inbox *out; /* what the host said */
    int bell;          /* rung for out and for the end */
    bool broken;       /* a message could not be sent */
    struct calls *calls;
    pthread_t thread;
    atomic_bool ending;
};

/* ---- the thread ---- */

static void ring(const struct sluice_client *c)
{
    const uint64_t one = 1;
    (void)!write(c->bell, &one, sizeof one);
}

static void unring(const struct sluice_client *c)
{
    uint64_t n;
    (void)!read(c->bell, &n, sizeof n);
}

static void say(void *ctx, struct span message)
{
    struct sluice_client *c = ctx;
    if (!c->broken)
        c->broken = sl_wsc_send(c->ws, message) != E_OK;
}

/* Gives the host all that has come. Not E_EARLY: the connection is over. */
static enum err hear_all(struct sluice_client *c)
{
    struct span in;
    struct message m;
    enum err e;
    while (!(e = sl_wsc_receive(c->ws, &in)))
        if (sl_message_read(in, &m) == E_OK && !sl_calls_hear(c->calls, &m.m) &&
            c->message)
            c->message(c->ctx, &m.m);
    return e;
}

static void talk(struct sluice_client *c)
{
    struct pollfd p[] = {{.fd = sl_wsc_fd(c->ws), .events = POLLIN},
                         {.fd = c->bell, .events = POLLIN},
                         {.fd = sl_calls_fd(c->calls), .events = POLLIN}};
    c->broken = false;
    while (!atomic_load(&c->ending) && !c->broken && hear_all(c) == E_EARLY) {
        sl_calls_run(c->calls);
        sl_inbox_take(c->out, say, c);
        if (!c->broken)
            (void)poll(p, 3, sl_calls_wait(c->calls));
        if (p[1].revents)
            unring(c);
    }
    /* What was said last, as that somebody leaves, is said before the end. */
    if (atomic_load(&c->ending))
        sl_inbox_take(c->out, say, c);
}

/* Until the time is over or the end has come. Media goes on meanwhile, messages wait. */
static void rest(const struct sluice_client *c, int ms)
{
    struct pollfd p[] = {{.fd = c->bell, .events = POLLIN},
                         {.fd = sl_calls_fd(c->calls), .events = POLLIN}};
    usec until = sl_loop_now() + MSEC(ms);
    for (usec now; !atomic_load(&c->ending) && (now = sl_loop_now()) < until;) {
        int left = (int)((until - now) / MSEC(1)) + 1, due = sl_calls_wait(c->calls);
        (void)poll(p, 2, due >= 0 && due < left ? due : left);
        if (p[0].revents)
            unring(c);
        sl_calls_run(c->calls);
    }
}

static void *run(void *arg)
{
    struct sluice_client *c = arg;
    for (int wait = WAIT_FIRST_MS; !atomic_load(&c->ending);) {
        unsigned status;
        if (c->ws) {
            talk(c);
            sl_wsc_free(c->ws);
            c->ws = NULL;
            wait = WAIT_FIRST_MS;
            if (c->lost && !atomic_load(&c->ending))
                c->lost(c->ctx);
        }
        rest(c, wait);
        wait = wait * 2 < WAIT_LAST_MS ? wait * 2 : WAIT_LAST_MS;
        if (!atomic_load(&c->ending) &&
            sl_wsc_new(c->web, "/ws", &c->ws, &status) != E_OK)
            c->ws = NULL;
    }
    return NULL;
}

/* ---- start ---- */

static enum sluice_err fail(char *error, enum sluice_err e, const char *what,
                            const char *why)
{
    (void)snprintf(error, SLUICE_ERROR_MAX, "%s%s%s", what, *why ? ": " : "", why);
    return e;
}

static enum sluice_err unreached(char *error, enum err e)
{
    if (e == E_MEMORY)
        return fail(error, SLUICE_MEMORY, sl_err_text(e), "");
    if (e == E_AUTH)
        return fail(error, SLUICE_START, "the server's certificate is not believed", "");
    return fail(error, SLUICE_START, "the server cannot be reached", sl_err_text(e));
}

/* The server's own words, if it has any. */
static enum sluice_err refused(char *error, const struct web_answer *a)
{
    json_t *o = json_loadb((const char *)a->body.p, a->body.n, 0, NULL);
    const char *why = json_string_value(json_object_get(o, "error"));
    char status[32];
    (void)snprintf(status, sizeof status, "status %u", a->status);
    enum sluice_err e =
        fail(error, SLUICE_REFUSED, "the server refuses", why ? why : status);
    json_decref(o);
    return e;
}

static enum sluice_err enrol(struct sluice_client *c,
                             const struct sluice_client_conf *conf, char *error)
{
    struct web_answer answer = {0};
    json_t *o = json_pack("{ssss}", "clientID", conf->id, "authKey", conf->key);
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    enum err e = body ? sl_web_basic(c->web, "", conf->admin_key ? conf->admin_key : "")
                      : E_MEMORY;
    e = e ? e
          : sl_web_ask(c->web, "POST", "/register", NULL, "application/json",
                       span_of(body), &answer);
    free(body);
    json_decref(o);
    if (e)
        return unreached(error, e);
    return answer.status == 201 ? SLUICE_OK : refused(error, &answer);
}

static enum sluice_err dial(struct sluice_client *c,
                            const struct sluice_client_conf *conf, char *error)
{
    unsigned status = 0;
    enum err e = sl_web_basic(c->web, conf->id, conf->key);
    e = e ? e : sl_wsc_new(c->web, "/ws", &c->ws, &status);
    if (e == E_DENIED)
        return fail(error, SLUICE_REFUSED, "the server refuses the client or its key",
                    "");
    return e ? unreached(error, e) : SLUICE_OK;
}

static bool is_good(const struct sluice_client_conf *conf)
{
    size_t id = conf->id ? strlen(conf->id) : 0, key = conf->key ? strlen(conf->key) : 0;
    return id > 0 && id <= NAME_MAX_OCTETS && !strchr(conf->id, ':') && key >= KEY_MIN &&
           key <= KEY_MAX;
}

static bool read_pin(const char *text, uint8_t ret[TLS_PIN])
{
    uint8_t digits[HEX_LEN(TLS_PIN)];
    struct wr all = wr_of(digits, sizeof digits), out = wr_of(ret, TLS_PIN);
    for (; *text; text++)
        if (*text != ':')
            wr_u8(&all, (uint8_t)*text);
    return !all.bad && sl_hex_read(wr_done(&all), &out) == E_OK && out.n == TLS_PIN;
}

static enum sluice_err set_trust(struct sluice_client *c,
                                 const struct sluice_client_conf *conf, char *error)
{
    uint8_t pin[TLS_PIN];
    if (!conf->ca && !conf->pin)
        return SLUICE_OK;
    if (conf->pin && !read_pin(conf->pin, pin))
        return fail(error, SLUICE_SETTING, "the pin is no SHA-256", "");
    enum err e = sl_web_trust(c->web, conf->ca, conf->pin ? pin : NULL);
    if (e == E_CRYPTO)
        return fail(error, SLUICE_SETTING, "no certificates can be read",
                    conf->ca ? conf->ca : "");
    return e ? fail(error, SLUICE_MEMORY, sl_err_text(e), "") : SLUICE_OK;
}

/* The host's signals are for the host's threads. */
static bool start(struct sluice_client *c)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    bool good = pthread_create(&c->thread, NULL, run, c) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return good;
}

static void give_back(struct sluice_client *c)
{
    sl_calls_free(c->calls);
    sl_wsc_free(c->ws);
    sl_web_free(c->web);
    sl_inbox_free(c->out);
    if (c->bell >= 0)
        (void)close(c->bell);
    free(c);
}

static enum sluice_err say_for_call(void *client, const struct sluice_message *m)
{
    return sluice_client_send(client, m);
}

enum sluice_err sluice_client_connect(const struct sluice_client_conf *conf,
                                      struct sluice_client **ret,
                                      char error[SLUICE_ERROR_MAX])
{
    struct sluice_client *c = calloc(1, sizeof *c);
    if (!c)
        return fail(error, SLUICE_MEMORY, sl_err_text(E_MEMORY), "");
    c->ctx = conf->ctx;
    c->message = conf->message;
    c->lost = conf->lost;
    c->out = sl_inbox_new();
    c->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum err made = sl_web_new(conf->url ? conf->url : "", &c->web);
    enum sluice_err e = SLUICE_OK;
    c->calls = sl_calls_new(say_for_call, c);
    if (!c->out || c->bell < 0 || !c->calls || made == E_MEMORY)
        e = fail(error, SLUICE_MEMORY, sl_err_text(E_MEMORY), "");
    else if (made)
        e = made == E_ABSENT ? unreached(error, made)
                             : fail(error, SLUICE_SETTING, "that is no URL", "");
    else if (!is_good(conf))
        e = fail(error, SLUICE_SETTING, "that is no client, or no key of one", "");
    e = e ? e : set_trust(c, conf, error);
    e = e ? e : dial(c, conf, error);
    if (e == SLUICE_REFUSED && conf->registers) {
        e = enrol(c, conf, error);
        e = e ? e : dial(c, conf, error);
    }
    if (!e && !start(c))
        e = fail(error, SLUICE_START, "no thread can be started", "");
    if (e)
        give_back(c);
    else
        *ret = c;
    return e;
}

/* ---- use, and end ---- */

static enum err queue(void *ctx, struct span message)
{
    return sl_inbox_put(ctx, message);
}

enum sluice_err sluice_client_send(struct sluice_client *c,
                                   const struct sluice_message *m)
{
    enum sluice_err e = sl_message_give(m, queue, c->out);
    if (!e)
        ring(c);
    return e;
}

enum sluice_err sluice_call_join(struct sluice_client *c,
                                 const struct sluice_call_conf *conf,
                                 struct sluice_call **ret)
{
    return sl_calls_join(c->calls, conf, ret);
}

void sluice_client_free(struct sluice_client *c)
{
    if (!c)
        return;
    atomic_store(&c->ending, true);
    ring(c);
    (void)pthread_join(c->thread, NULL);
    give_back(c);
}
