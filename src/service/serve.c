#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keys.h"
#include "net/loop.h"
#include "service/command.h"
#include "service/settings.h"

enum { TTL_DAY = 86400, HELP_MAX = 64 * 1024 };

/* What a token is to say. */
struct wanted {
    const char *room;
    unsigned perm;
    long ttl_s;
};

/* What both commands begin with. NULL: an error was printed. */
static struct config *load(int *argc, char **argv)
{
    char error[CONFIG_ERROR_MAX];
    struct config *c = NULL;
    struct config_from from = {
        .env = (const char *const *)environ, .argc = *argc, .argv = argv};
    if (sl_config_load(&from, &c, error) != E_OK)
        (void)fprintf(stderr, "sluice: %s\n", error);
    *argc = from.argc;
    return c;
}

static bool load_keys(const struct config *c, struct token_keys *keys,
                      struct keys_made *made)
{
    struct kv *kv = NULL;
    const char *dir = c->store.directory;
    (void)mkdir(dir, 0700);
    enum err e = sl_kv_open(dir, (size_t)c->store.size << 20, &kv);
    if (!e)
        e = sl_keys_load(kv, keys, made);
    sl_kv_close(kv);
    if (e)
        (void)fprintf(stderr, "sluice: store.directory %s: %s\n", dir, sl_err_text(e));
    return e == E_OK;
}

static bool mint(const struct token_keys *keys, const struct wanted *want, char *buf,
                 size_t cap)
{
    struct token t = {.tenant = "default", .perm = want->perm};
    struct wr w = wr_of((uint8_t *)buf, cap - 1);
    t.iat = sl_wall_now() / SEC(1);
    t.exp = t.iat + want->ttl_s;
    (void)snprintf(t.room, sizeof t.room, "%s", want->room);
    if (sl_token_mint(&keys->keys[0], &t, &w) != E_OK)
        return false;
    buf[w.n] = '\0';
    return true;
}

static int token_help(void)
{
    (void)puts(
        "usage: sluice token [--room=ROOM] [--publish] [--watch] [--ttl=SECONDS]\n\n"
        "Prints a bearer token for one room, or for all; to publish and to watch, or "
        "for one\nof them; for a day, or for so many seconds. The key is that of "
        "--store.directory.");
    return EXIT_SUCCESS;
}

static bool read_wanted(int argc, char **argv, struct wanted *ret)
{
    static const struct option all[] = {
        {"room", required_argument, NULL, 'r'},
        {"publish", no_argument, NULL, 'P'},
        {"watch", no_argument, NULL, 'W'},
        {"ttl", required_argument, NULL, 't'},
        {0},
    };
    *ret = (struct wanted){.room = "*", .ttl_s = TTL_DAY};
    for (int c; (c = getopt_long(argc, argv, "", all, NULL)) != -1;)
        switch (c) {
        case 'r': ret->room = optarg; break;
        case 'P': ret->perm |= TOKEN_PUBLISH; break;
        case 'W': ret->perm |= TOKEN_WATCH; break;
        case 't': ret->ttl_s = strtol(optarg, NULL, 10); break;
        default: return false;
        }
    if (ret->perm == 0)
        ret->perm = TOKEN_PUBLISH | TOKEN_WATCH;
    return true;
}

int sl_command_token(int argc, char **argv)
{
    struct token_keys keys = {.n = 0};
    struct keys_made made = {.made = false};
    struct wanted want;
    char text[TOKEN_MAX + 1];
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return token_help();
    struct config *c = load(&argc, argv);
    bool good = c && read_wanted(argc, argv, &want) && load_keys(c, &keys, &made) &&
                mint(&keys, &want, text, sizeof text);
    sl_config_free(c);
    if (good)
        (void)puts(text);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int serve_help(void)
{
    static uint8_t text[HELP_MAX];
    struct wr w = wr_of(text, sizeof text);
    (void)puts("usage: sluice serve [--config=FILE] [--SECTION.KEY=VALUE...]\n");
    sl_config_write_help(&w);
    (void)fwrite(text, 1, w.n, stdout);
    return EXIT_SUCCESS;
}

/* For the person who started it: where to look, and with what. */
static void greet(const struct control *control, const struct settings *s,
                  const struct keys_made *made)
{
    static const struct wanted all = {"*", TOKEN_PUBLISH | TOKEN_WATCH, TTL_DAY};
    const struct control_conf *c = &s->control;
    struct addr at = sl_control_public(control);
    char token[TOKEN_MAX + 1], text[ADDR_TEXT_MAX];
    if (sl_addr_is_any(&at))
        at = addr_v4(127, 0, 0, 1, at.port);
    if (made->made)
        (void)printf("a key for tokens was made: %s %s\n", made->kid, made->secret);
    if (c->demo && mint(&c->keys, &all, token, sizeof token))
        (void)printf("demo page: http%s://%s/%s%s\n", c->tls_cert ? "s" : "",
                     sl_addr_text(&at, text),
                     c->open ? "" : "#token=", c->open ? "" : token);
    (void)fflush(stdout);
}

static int serve(const struct config *c, struct settings *s)
{
    struct log log = sl_settings_log(c);
    struct keys_made made = {.made = false};
    struct control *control = NULL;
    const char *what = "", *stray = sl_config_stray((const char *const *)environ);
    if (!load_keys(c, &s->control.keys, &made))
        return EXIT_FAILURE;
    if (stray)
        LOG(&log, LOG_WARN, "no such setting in the environment", KV_STR("is", stray));
    s->control.log = &log;
    enum err e = sl_control_new(&s->control, &control, &what);
    if (e) {
        (void)fprintf(stderr, "sluice: %s: %s%s%s\n", what, sl_err_text(e),
                      e == E_SYS ? ": " : "", e == E_SYS ? strerror(errno) : "");
        return EXIT_FAILURE;
    }
    greet(control, s, &made);
    LOG(&log, LOG_INFO, "ready", KV_UINT("workers", s->control.node.workers),
        KV_STR("srtp", sl_srtp_backend_name(s->control.node.srtp)));
    sl_control_run(control);
    sl_control_free(control);
    LOG(&log, LOG_INFO, "stopped");
    return EXIT_SUCCESS;
}

int sl_command_serve(int argc, char **argv)
{
    char error[CONFIG_ERROR_MAX];
    int status = EXIT_FAILURE;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return serve_help();
    struct config *c = load(&argc, argv);
    struct settings *s = calloc(1, sizeof *s);
    if (!c || !s)
        goto end;
    if (argc > 1)
        (void)fprintf(stderr, "sluice: %s: no such option\n", argv[1]);
    else if (sl_settings_init(s, c, error) != E_OK)
        (void)fprintf(stderr, "sluice: %s\n", error);
    else
        status = serve(c, s);
    sl_settings_fini(s);

end:
    free(s);
    sl_config_free(c);
    return status;
}
