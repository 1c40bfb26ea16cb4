/* `sluice serve`: a program around the library. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"

#include "service/command.h"
#include "service/config.h"
#include "sluice/sluice.h"

enum { HELP_MAX = 64 * 1024 };

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
static void greet(const struct sluice_info *info)
{
    if (*info->new_kid)
        (void)printf(
            "a key to sign tokens with was made; it is shown once, and kept in the "
            "store:\n  kid    %s\n  secret %s\n",
            info->new_kid, info->new_secret);
    if (*info->demo_url) {
        const char *token = strchr(info->demo_url, '#');
        (void)printf("demo page: %s\nstreams by WHIP and WHEP: %s/streams%s\n",
                     info->demo_url, info->public_url, token ? token : "");
    }
    (void)fflush(stdout);
}

static struct sluice *server; /* of the signal handlers */

/* The first SIGTERM or SIGINT drains, the second ends at once; SIGUSR2 takes a drain back. */
static void on_signal(int signum)
{
    int saved = errno;
    if (signum == SIGUSR2)
        sluice_resume(server);
    else if (sluice_state(server) == SLUICE_RUNNING)
        sluice_drain(server);
    else
        sluice_stop(server);
    errno = saved;
}

static void catch_signals(sigset_t *held)
{
    static const int caught[] = {SIGTERM, SIGINT, SIGUSR2};
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigemptyset(held);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        (void)sigaddset(held, caught[i]);
    /* One at a time: otherwise the handlers of two that wait run in reverse order. */
    sa.sa_mask = *held;
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        (void)sigaction(caught[i], &sa, NULL);
}

int sl_command_serve(int argc, char **argv)
{
    char error[SLUICE_ERROR_MAX];
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return serve_help();
    /* A signal that comes while it starts waits until there is something to stop. */
    sigset_t held;
    catch_signals(&held);
    (void)sigprocmask(SIG_BLOCK, &held, NULL);
    const struct sluice_conf conf = {.env = (const char *const *)environ,
                                     .args = (const char *const *)(argv + 1)};
    if (sluice_start(&conf, &server, error) != SLUICE_OK) {
        (void)fprintf(stderr, "sluice: %s\n", error);
        return EXIT_FAILURE;
    }
    greet(sluice_info(server));
    (void)sigprocmask(SIG_UNBLOCK, &held, NULL);
    sluice_wait(server);
    (void)sigprocmask(SIG_BLOCK, &held, NULL);
    sluice_free(server);
    return EXIT_SUCCESS;
}
