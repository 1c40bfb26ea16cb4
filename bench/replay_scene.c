/* Makes captures of a worker that forwards to many, the same each time: what
 * `./dev bench replay` counts instructions on. usage: replay_scene DIRECTORY */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

enum { VIEWERS = 50, BURSTS = 100, MEMORY = 64 << 20, FIRST_SSRC = 1000 };

static const struct scene {
    const char *name;
    bool audio;
    unsigned burst; /* packets that come at once */
    size_t octets;  /* of a payload */
    enum srtp_profile profile;
} scenes[] = {
    {"video-8-gcm", false, 8, 1100, SRTP_GCM_128},
    {"video-8-cm", false, 8, 1100, SRTP_CM_SHA1_80},
    {"video-1-gcm", false, 1, 1100, SRTP_GCM_128},
    {"audio-1-gcm", true, 1, 100, SRTP_GCM_128},
};

void check_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe)
}

static void watch(struct sim *s, const struct scene *sc, uint32_t i, uint64_t producer)
{
    struct sim_client *c = sim_connected(s, 2 + i, 0, sc->profile);
    struct cmd_consumer k = sc->audio ? stage_listener() : stage_viewer(PT_NONE);
    k.id = CONSUMER + i;
    k.send.ssrc = FIRST_SSRC + i;
    sim_consume(c, &k, producer);
    sim_ready(c);
}

static void speak(struct sim *s, struct sim_client *pub, const struct scene *sc)
{
    static uint8_t payload[1200];
    struct rtp rtp = {.pt = sc->audio ? PT_OPUS : PT_VP8,
                      .ssrc = sc->audio ? AUDIO_IN : SSRC_IN,
                      .payload = {payload, sc->octets}};
    memcpy(payload, stage_key, sizeof stage_key);
    s->gathers = true;
    for (unsigned i = 0; i < BURSTS; i++) {
        for (unsigned k = 0; k < sc->burst; k++, rtp.seq++) {
            rtp.marker = k + 1 == sc->burst;
            if (!sc->audio) /* a frame of so many packets, of which the first begins it */
                memcpy(payload, i % 50 ? stage_delta : stage_key, sizeof stage_key);
            payload[0] = sc->audio ? 0xfc : k == 0 ? stage_key[0] : 0;
            sim_send_rtp(pub, &rtp);
        }
        sim_deliver(s, 0);
        sim_run(s, MSEC(20));
        rtp.ts += sc->audio ? 960 : 1800;
    }
}

static void play(const struct scene *sc, const char *dir)
{
    static uint8_t memory[MEMORY] = {0};
    static struct sim s;
    char path[4096];
    struct cmd_producer p = sc->audio ? stage_audio() : stage_video();
    const struct sim_conf conf = {.captures = {memory}, .captures_n = MEMORY};
    sim_init_with(&s, &conf);
    struct sim_client *pub = sim_connected(&s, 1, 0, sc->profile);
    sim_produce(pub, &p);
    sim_ready(pub);
    for (uint32_t i = 0; i < VIEWERS; i++)
        watch(&s, sc, i, p.id);
    speak(&s, pub, sc);
    CHECK_INT(sim_stats(&s, 0)->forwarded, VIEWERS * BURSTS * sc->burst);
    struct span file = sim_captured(&s, 0);
    (void)snprintf(path, sizeof path, "%s/%s.capture", dir, sc->name);
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(file.p, 1, file.n, f) == file.n && fclose(f) == 0);
    sim_fini(&s);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: replay_scene DIRECTORY\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < LEN(scenes); i++)
        play(&scenes[i], argv[1]);
    return EXIT_SUCCESS;
}
