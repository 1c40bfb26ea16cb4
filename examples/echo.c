/*
 * A participant of a call that gives back what it hears and sees: who is alone with it learns what
 * others would get. The first voice and the first camera are taken, and the next when those end.
 *
 *   cc echo.c -o echo $(pkg-config --cflags --libs sluice)
 *   ./echo http://127.0.0.1:8045 ID KEY CALL
 *
 * Packets are passed on as they come, so that nothing is decoded. It leaves when its input ends.
 */

#include <sluice/sluice.h>
#include <stdio.h>
#include <stdlib.h>

/* What one medium is taken from; of the client's thread, as all callbacks. */
struct source {
    bool taken;
    struct sluice_track track;
    char session[SLUICE_ID_MAX + 1], id[SLUICE_ID_MAX + 1];
};

struct echo {
    struct sluice_call *call;
    struct source from[SLUICE_MEDIA]; /* by what it is */
};

static void say(const char *what, const char *whose)
{
    (void)printf("%s %s\n", what, whose);
    (void)fflush(stdout);
}

static void up(void *ctx)
{
    (void)ctx;
    say("up", "");
}

static bool gives_back(enum sluice_medium m)
{
    return m == SLUICE_VOICE || m == SLUICE_CAMERA;
}

/* What is returned comes back as the user of the track's packets: NULL for those left alone. */
static void *track(void *ctx, const struct sluice_track *t, bool begins)
{
    struct echo *e = ctx;
    struct source *s = &e->from[t->medium];
    if (!begins) {
        if (t->user)
            s->taken = false;
        return NULL;
    }
    if (s->taken || !gives_back(t->medium))
        return NULL;
    s->taken = true;
    s->track = *t;
    (void)snprintf(s->session, sizeof s->session, "%s", t->session);
    (void)snprintf(s->id, sizeof s->id, "%s", t->id);
    s->track.session = s->session;
    s->track.id = s->id;
    say(t->medium == SLUICE_VOICE ? "hears" : "sees", t->session);
    return s;
}

static void packet(void *ctx, const struct sluice_track *t, const struct sluice_packet *p)
{
    const struct echo *e = ctx;
    if (t->user)
        (void)sluice_call_send(e->call, t->medium,
                               p); /* lost, while it is not connected */
}

/* Whoever sees our camera needs a key frame: only the one whose camera it is can make it. */
static void key(void *ctx, enum sluice_medium medium)
{
    const struct echo *e = ctx;
    if (e->from[medium].taken)
        sluice_call_want_key(e->call, &e->from[medium].track);
}

static void ended(void *ctx, const char *why)
{
    (void)ctx;
    say("ended:", why);
}

int main(int argc, char **argv)
{
    char error[SLUICE_ERROR_MAX], session[SLUICE_ID_MAX + 1];
    struct sluice_client *client = NULL;
    struct echo echo = {0};
    if (argc != 5) {
        (void)fprintf(stderr, "usage: echo URL ID KEY CALL\n");
        return EXIT_FAILURE;
    }
    (void)snprintf(session, sizeof session, "echo-%s", argv[4]); /* of this client one */
    const struct sluice_client_conf who = {
        .url = argv[1], .id = argv[2], .key = argv[3], .registers = true};
    const struct sluice_call_conf conf = {.call = argv[4],
                                          .user = "echo",
                                          .session = session,
                                          .camera = true,
                                          .ctx = &echo,
                                          .up = up,
                                          .track = track,
                                          .packet = packet,
                                          .key = key,
                                          .ended = ended};
    if (sluice_client_connect(&who, &client, error) != SLUICE_OK) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    if (sluice_call_join(client, &conf, &echo.call) == SLUICE_OK)
        while (getchar() != EOF)
            ;
    else
        (void)fprintf(stderr, "this is no call, or has an echo already\n");
    sluice_call_leave(echo.call);
    sluice_client_free(client);
    return EXIT_SUCCESS;
}
