/* The embeddable API (sluice/sluice.h): the whole server, on threads of its own. */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "service/control.h"
#include "service/message.h"
#include "service/settings.h"
#include "service/setup.h"

enum { DEMO_TOKEN_S = 86400 };

static_assert((int)SLUICE_PUBLISH == TOKEN_PUBLISH && (int)SLUICE_WATCH == TOKEN_WATCH,
              "what a token allows");
static_assert((int)SLUICE_DEBUG == LOG_DEBUG && (int)SLUICE_ERROR == LOG_ERROR, "levels");
static_assert((int)SLUICE_ERROR_MAX == CONFIG_ERROR_MAX, "room for an error");

/* usrsctp, whose state belongs to the process, allows one. */
static atomic_flag taken = ATOMIC_FLAG_INIT;

struct sluice {
    void *ctx;
    void (*log_fn)(void *ctx, enum sluice_level level, const char *line, size_t n);
    void (*message)(void *ctx, const struct sluice_message *m);
    struct config *config;
    struct settings settings;
    struct log log;
    struct kv *kv;
    struct keys_made made;
    struct control *control;
    struct sluice_info info;
    char public_url[SLUICE_URL_MAX], private_url[SLUICE_URL_MAX];
    char demo_url[SLUICE_URL_MAX + TOKEN_MAX];
    pthread_t thread;
    bool started, joined;
    atomic_bool ended;
};

/* ---- on the server's thread ---- */

static void take_line(void *ctx, enum log_level level, struct span line)
{
    const struct sluice *s = ctx;
    s->log_fn(s->ctx, (enum sluice_level)level, (const char *)line.p, line.n);
}

static void take_message(void *ctx, struct span in)
{
    const struct sluice *s = ctx;
    struct message m;
    /* The hello is of the connection, and there is none. */
    if (sl_message_read(in, &m) == E_OK && m.m.type != SLUICE_HELLO)
        s->message(s->ctx, &m.m);
}

static void *run(void *arg)
{
    struct sluice *s = arg;
    sl_control_run(s->control);
    atomic_store(&s->ended, true);
    return NULL;
}

/* ---- start ---- */

static enum sluice_err fail(char *error, enum sluice_err e, const char *what,
                            const char *why)
{
    (void)snprintf(error, SLUICE_ERROR_MAX, "%s%s%s", what, why ? ": " : "",
                   why ? why : "");
    return e;
}

/* Arguments are a list that reading them shortens. */
static enum sluice_err read_settings(struct sluice *s, const struct sluice_conf *conf,
                                     char *error)
{
    int argc = 1;
    while (conf->args && conf->args[argc - 1])
        argc++;
    char **argv = calloc((size_t)argc + 1, sizeof *argv);
    if (!argv)
        return fail(error, SLUICE_MEMORY, sl_err_text(E_MEMORY), NULL);
    for (int i = 1; i < argc; i++)
        memcpy(&argv[i], &conf->args[i - 1], sizeof argv[i]); /* is not written to */
    struct config_from from = {
        .env = conf->env, .argc = argc, .argv = argv, .text = conf->settings};
    enum err e = sl_config_load(&from, &s->config, error);
    enum sluice_err ret = e == E_MEMORY ? SLUICE_MEMORY : e ? SLUICE_SETTING : SLUICE_OK;
    if (!e && from.argc > 1)
        ret = fail(error, SLUICE_SETTING, argv[1], "no such option");
    free(argv);
    return ret;
}

static void say_notes(struct sluice *s, const char *const *env)
{
    const struct config *c = s->config;
    const char *stray = sl_config_stray(env);
    for (size_t i = 0; i < c->notes.n; i++)
        LOG(&s->log, LOG_WARN, "setting", KV_STR("says", c->notes.v[i]));
    if (stray)
        LOG(&s->log, LOG_WARN, "no such setting in the environment", KV_STR("is", stray));
}

static enum sluice_err open_all(struct sluice *s, const struct sluice_conf *conf,
                                char *error)
{
    const char *what = "";
    enum sluice_err ret = read_settings(s, conf, error);
    if (ret)
        return ret;
    if (sl_settings_init(&s->settings, s->config, error) != E_OK)
        return SLUICE_SETTING;
    s->log = sl_settings_log(s->config);
    if (s->log_fn) {
        s->log.take = take_line;
        s->log.ctx = s;
    }
    if (!sl_setup_open(s->config, &s->kv, error))
        return SLUICE_START;
    struct control_conf *cc = &s->settings.control;
    enum err e = sl_keys_load(s->kv, &cc->keys, &s->made);
    if (e)
        return fail(error, SLUICE_START, "the keys in the store", sl_err_text(e));
    say_notes(s, conf->env);
    cc->log = &s->log;
    cc->rtcd.kv = s->kv;
    cc->hooks.kv = s->kv;
    cc->rtcd.local_message = s->message ? take_message : NULL;
    cc->rtcd.local_ctx = s;
    e = sl_control_new(cc, &s->control, &what);
    if (e)
        return fail(error, e == E_MEMORY ? SLUICE_MEMORY : SLUICE_START, what,
                    e == E_SYS      ? strerrordesc_np(errno)
                    : e == E_EXISTS ? "the address is in use"
                                    : sl_err_text(e));
    return SLUICE_OK;
}

/* "" where there is no such face. */
static void write_url(char ret[SLUICE_URL_MAX], struct addr at, bool tls)
{
    char text[ADDR_TEXT_MAX];
    if (at.port == 0)
        return;
    if (sl_addr_is_any(&at))
        at = addr_v4(127, 0, 0, 1, at.port);
    (void)snprintf(ret, SLUICE_URL_MAX, "http%s://%s", tls ? "s" : "",
                   sl_addr_text(&at, text));
}

static void write_info(struct sluice *s)
{
    const struct control_conf *cc = &s->settings.control;
    char token[TOKEN_MAX + 1] = "";
    write_url(s->public_url, sl_control_public(s->control), cc->tls_cert);
    write_url(s->private_url, sl_control_private(s->control), cc->private_cert);
    if (cc->demo && *s->public_url &&
        sl_setup_token(&cc->keys, "*", TOKEN_PUBLISH | TOKEN_WATCH, DEMO_TOKEN_S, 0,
                       token) == E_OK)
        (void)snprintf(s->demo_url, sizeof s->demo_url, "%s/%s%s", s->public_url,
                       cc->open ? "" : "#token=", cc->open ? "" : token);
    s->info = (struct sluice_info){.public_url = s->public_url,
                                   .private_url = s->private_url,
                                   .demo_url = s->demo_url,
                                   .new_kid = s->made.made ? s->made.kid : "",
                                   .new_secret = s->made.made ? s->made.secret : ""};
}

/* The host's signals are for the host's threads. */
static enum err start_threads(struct sluice *s)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    enum err e = sl_control_start(s->control);
    if (!e && pthread_create(&s->thread, NULL, run, s) != 0)
        e = E_SYS;
    s->started = !e;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return e;
}

static void give_back(struct sluice *s)
{
    sl_control_free(s->control);
    sl_kv_close(s->kv);
    sl_settings_fini(&s->settings);
    sl_config_free(s->config);
    sl_wipe(&s->made, sizeof s->made);
    free(s);
    atomic_flag_clear(&taken);
}

enum sluice_err sluice_start(const struct sluice_conf *conf, struct sluice **ret,
                             char error[SLUICE_ERROR_MAX])
{
    if (atomic_flag_test_and_set(&taken))
        return fail(error, SLUICE_BUSY, "a server runs in this process already", NULL);
    struct sluice *s = calloc(1, sizeof *s);
    if (!s) {
        atomic_flag_clear(&taken);
        return fail(error, SLUICE_MEMORY, sl_err_text(E_MEMORY), NULL);
    }
    s->ctx = conf->ctx;
    s->log_fn = conf->log;
    s->message = conf->message;
    enum sluice_err e = open_all(s, conf, error);
    if (!e) {
        write_info(s);
        LOG(&s->log, LOG_INFO, "ready",
            KV_UINT("workers", s->settings.control.node.workers),
            KV_STR("srtp", sl_srtp_backend_name(s->settings.control.node.srtp)));
        if (start_threads(s) != E_OK)
            e = fail(error, SLUICE_START, "the threads", strerrordesc_np(errno));
    }
    if (e)
        give_back(s);
    else
        *ret = s;
    return e;
}

/* ---- while it runs ---- */

void sluice_drain(struct sluice *s)
{
    sl_control_wish(s->control, CONTROL_DRAIN);
}

void sluice_resume(struct sluice *s)
{
    sl_control_wish(s->control, CONTROL_RUN);
}

void sluice_stop(struct sluice *s)
{
    sl_control_wish(s->control, CONTROL_END);
}

enum sluice_state sluice_state(const struct sluice *s)
{
    if (atomic_load(&s->ended))
        return SLUICE_ENDED;
    return sl_control_wished(s->control) == CONTROL_RUN ? SLUICE_RUNNING
                                                        : SLUICE_DRAINING;
}

const struct sluice_info *sluice_info(const struct sluice *s)
{
    return &s->info;
}

enum sluice_err sluice_token(const struct sluice *s, const char *rooms, unsigned may,
                             long seconds, char *ret, size_t n)
{
    char token[TOKEN_MAX + 1];
    if (sl_setup_token(&s->settings.control.keys, rooms, may, seconds, 0, token) != E_OK)
        return SLUICE_REFUSED;
    size_t len = strlen(token);
    if (len >= n)
        return SLUICE_FULL;
    memcpy(ret, token, len + 1);
    return SLUICE_OK;
}

static enum err hear(void *ctx, struct span message)
{
    return sl_control_hear(ctx, message);
}

enum sluice_err sluice_send(struct sluice *s, const struct sluice_message *m)
{
    return s->message ? sl_message_give(m, hear, s->control) : SLUICE_REFUSED;
}

/* ---- end ---- */

void sluice_wait(struct sluice *s)
{
    if (s->started && !s->joined)
        (void)pthread_join(s->thread, NULL);
    s->joined = true;
}

void sluice_free(struct sluice *s)
{
    if (!s)
        return;
    if (!atomic_load(&s->ended))
        sluice_stop(s);
    sluice_wait(s);
    LOG(&s->log, LOG_INFO, "stopped");
    give_back(s);
}
