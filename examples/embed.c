/*
 * A process with a media server inside: a client of calls that has no port but that of media.
 *
 *   cc embed.c -o embed $(pkg-config --cflags --libs sluice)
 *   ./embed --rtc.port=8443
 *
 * Each line that it reads is a message to the server, and each that it prints one from there, so
 * that any program that has a way to its users can be the other end of the pipes:
 *
 *   join CALL USER SESSION
 *   leave SESSION
 *   sdp SESSION {"type":"offer","sdp":"v=0..."}      ice, screen_on, video_on in the same way
 *   mute SESSION                                     unmute, screen_off, video_off as well
 *
 * The end of its input is a call to drain: it ends with the last session.
 */

#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [SLUICE_JOIN] = "join",
    [SLUICE_LEAVE] = "leave",
    [SLUICE_RECONNECT] = "reconnect",
    [SLUICE_SDP] = "sdp",
    [SLUICE_ICE] = "ice",
    [SLUICE_MUTE] = "mute",
    [SLUICE_UNMUTE] = "unmute",
    [SLUICE_SCREEN_ON] = "screen_on",
    [SLUICE_SCREEN_OFF] = "screen_off",
    [SLUICE_VIDEO_ON] = "video_on",
    [SLUICE_VIDEO_OFF] = "video_off",
    [SLUICE_HELLO] = "hello",
    [SLUICE_CLOSED] = "closed",
    [SLUICE_VOICE_ON] = "voice_on",
    [SLUICE_VOICE_OFF] = "voice_off",
};
enum { NAMES = sizeof names / sizeof names[0] };

/* On a thread of the server: what is written here should not wait for long. */
static void print(void *ctx, const struct sluice_message *m)
{
    (void)ctx;
    (void)printf("%s %s %.*s\n", names[m->type], m->session, (int)m->data_n,
                 m->data ? m->data : "");
    (void)fflush(stdout);
}

/* Cuts the next word off. */
static char *word(char **rest)
{
    char *at = *rest;
    at += strspn(at, " ");
    *rest = at + strcspn(at, " ");
    if (**rest)
        *(*rest)++ = '\0';
    return at;
}

static enum sluice_err say(struct sluice *server, char *line)
{
    struct sluice_message m = {0};
    const char *name = word(&line);
    for (int i = SLUICE_JOIN; i < NAMES; i++)
        if (strcmp(name, names[i]) == 0)
            m.type = (enum sluice_type)i;
    if (m.type == SLUICE_JOIN) {
        m.call = word(&line);
        m.user = word(&line);
    }
    m.session = word(&line);
    m.data = line;
    m.data_n = strlen(line);
    return sluice_send(server, &m);
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
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        if (say(server, line) != SLUICE_OK)
            (void)fprintf(stderr, "the server does not take this\n");
    }
    free(line);
    sluice_drain(server);
    sluice_wait(server);
    sluice_free(server);
    return EXIT_SUCCESS;
}
