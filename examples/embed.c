/*
 * A process with a media server inside: a client of calls that has no port but that of media.
 *
 *   cc embed.c -o embed $(pkg-config --cflags --libs sluice)
 *   ./embed --rtc.port=8443
 *
 * Each line that it reads is a message to the server, and each that it prints one from there
 * (lines.h), so that any program that has a way to its users can be the other end of the pipes.
 * The end of its input is a call to drain: it ends with the last session.
 */

#include "lines.h"

static enum sluice_err send_to(void *server, const struct sluice_message *m)
{
    return sluice_send(server, m);
}

int main(int argc, char **argv)
{
    char error[SLUICE_ERROR_MAX];
    struct sluice *server = NULL;
    (void)argc;
    const struct sluice_conf conf = {
        .settings = "[http]\nlisten = \"\"\n[admin]\nlisten = \"\"\n"
                    "[store]\ndirectory = \"\"\n[drain]\ndeadline = \"0s\"\n",
        .args = (const char *const *)(argv + 1),
        .message = print,
    };
    if (sluice_start(&conf, &server, error) != SLUICE_OK) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    read_lines(send_to, server);
    sluice_drain(server);
    sluice_wait(server);
    sluice_free(server);
    return EXIT_SUCCESS;
}
