#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "service/command.h"
#include "service/settings.h"
#include "service/setup.h"

enum { DEMO_TOKEN_S = 86400, HELP_MAX = 64 * 1024 };

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
    const struct control_conf *c = &s->control;
    struct addr at = sl_control_public(control);
    char token[TOKEN_MAX + 1], text[ADDR_TEXT_MAX];
    if (sl_addr_is_any(&at))
        at = addr_v4(127, 0, 0, 1, at.port);
    if (made->made)
        (void)printf(
            "a key to sign tokens with was made; it is shown once, and kept in the "
            "store:\n  kid    %s\n  secret %s\n",
            made->kid, made->secret);
    if (c->demo && sl_setup_token(&c->keys, "*", TOKEN_PUBLISH | TOKEN_WATCH,
                                  DEMO_TOKEN_S, token) == E_OK)
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
    struct kv *kv = NULL;
    if (!sl_setup_store(c, &kv))
        return EXIT_FAILURE;
    enum err e = sl_keys_load(kv, &s->control.keys, &made);
    if (e) {
        (void)fprintf(stderr, "sluice: the keys in %s: %s\n", c->store.directory,
                      sl_err_text(e));
        sl_kv_close(kv);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < c->notes.n; i++)
        LOG(&log, LOG_WARN, "setting", KV_STR("says", c->notes.v[i]));
    if (stray)
        LOG(&log, LOG_WARN, "no such setting in the environment", KV_STR("is", stray));
    s->control.log = &log;
    s->control.rtcd.kv = kv;
    e = sl_control_new(&s->control, &control, &what);
    if (e) {
        const char *why = e == E_SYS ? strerrordesc_np(errno) : sl_err_text(e);
        if (e == E_EXISTS)
            why = "the address is in use";
        (void)fprintf(stderr, "sluice: %s: %s\n", what, why);
        sl_kv_close(kv);
        return EXIT_FAILURE;
    }
    greet(control, s, &made);
    sl_wipe(&made, sizeof made);
    LOG(&log, LOG_INFO, "ready", KV_UINT("workers", s->control.node.workers),
        KV_STR("srtp", sl_srtp_backend_name(s->control.node.srtp)));
    sl_control_run(control);
    sl_control_free(control);
    sl_kv_close(kv);
    LOG(&log, LOG_INFO, "stopped");
    return EXIT_SUCCESS;
}

int sl_command_serve(int argc, char **argv)
{
    char error[CONFIG_ERROR_MAX];
    int status = EXIT_FAILURE;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return serve_help();
    struct config *c = sl_setup_config(&argc, argv);
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
