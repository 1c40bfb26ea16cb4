/*
 * Messages of calls as lines, for the examples:
 *
 *   join CALL USER SESSION
 *   leave SESSION
 *   sdp SESSION {"type":"offer","sdp":"v=0..."}      ice, screen_on, video_on in the same way
 *   mute SESSION                                     unmute, screen_off, video_off as well
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

/* m points into the line. */
static struct sluice_message read_line(char *line)
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
    return m;
}

/* Gives each line of the input to send, up to the end. */
static void read_lines(enum sluice_err (*send)(void *to, const struct sluice_message *m),
                       void *to)
{
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        const struct sluice_message m = read_line(line);
        if (send(to, &m) != SLUICE_OK)
            (void)fprintf(stderr, "this is no message, or cannot be taken\n");
    }
    free(line);
}
