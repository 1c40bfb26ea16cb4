/* usage: bwe_record CAPTURE RECORDING
 *
 * Replays what a worker was given (sfu/capture), and writes what was given to the estimator that
 * was told of the most packets: tests/bwe_recording.h. Linked so that each call of media/bwe that
 * changes an estimator comes by here. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bwe_recording.h"
#include "media/bwe.h"
#include "sfu/replay.h"

enum { SEEN_MAX = 64, RECORDING_MAX = 1 << 22 };

static struct seen {
    const struct bwe *of;
    struct wr out;
    usec last;
    uint16_t seq;
    size_t packets;
} all[SEEN_MAX];
static size_t all_n;

static struct wr *record(const struct bwe *b, enum bwe_record what, usec now)
{
    for (size_t i = all_n; i-- > 0;) {
        struct seen *s = &all[i];
        if (s->of != b)
            continue;
        bwe_rec_put(&s->out, what);
        bwe_rec_put(&s->out, (uint64_t)(now - s->last));
        s->last = now;
        return &s->out;
    }
    return NULL;
}

/* The names are the linker's: what is called in place of sl_X, and sl_X itself. */
#define WRAP(ret_, name_, ...)                                                           \
    ret_ __real_sl_bwe_##name_(__VA_ARGS__); /* NOLINT(*-reserved-identifier) */         \
    ret_ __wrap_sl_bwe_##name_(__VA_ARGS__); /* NOLINT(*-reserved-identifier) */         \
    ret_ __wrap_sl_bwe_##name_(__VA_ARGS__)  /* NOLINT(*-reserved-identifier) */

WRAP(struct bwe *, new, const struct bwe_conf *conf, usec now)
{
    struct bwe *b = __real_sl_bwe_new(conf, now);
    uint8_t *memory = all_n < SEEN_MAX && !conf->remb ? malloc(RECORDING_MAX) : NULL;
    if (!b || !memory) {
        free(memory);
        return b;
    }
    struct seen *s = &all[all_n++];
    *s = (struct seen){.of = b, .out = wr_of(memory, RECORDING_MAX), .last = now};
    wr_u32(&s->out, conf->start_bps);
    wr_u32(&s->out, conf->min_bps);
    wr_u32(&s->out, conf->max_bps);
    return b;
}

WRAP(void, free, struct bwe *b)
{
    for (size_t i = 0; i < all_n; i++)
        if (all[i].of == b)
            all[i].of = NULL; /* its memory may be another's soon */
    __real_sl_bwe_free(b);
}

WRAP(void, sent, struct bwe *b, uint16_t seq, size_t octets, usec now)
{
    __real_sl_bwe_sent(b, seq, octets, now);
    for (size_t i = 0; i < all_n; i++) {
        struct seen *s = &all[i];
        if (s->of != b)
            continue;
        bool next = s->packets++ > 0 && seq == (uint16_t)(s->seq + 1);
        struct wr *w = record(b, next ? BWE_REC_NEXT : BWE_REC_SENT, now);
        if (!next)
            bwe_rec_put(w, seq);
        bwe_rec_put(w, octets);
        s->seq = seq;
    }
}

enum { FCI_HEAD = 8 };

WRAP(void, feedback, struct bwe *b, struct rtcp_twcc *fb, usec now)
{
    struct wr *w = record(b, BWE_REC_TOLD, now);
    if (w) {
        /* Nothing of it was walked over yet. */
        struct span fci = {fb->chunks.p - FCI_HEAD, fb->chunks.n + FCI_HEAD};
        bwe_rec_put(w, fci.n);
        wr_span(w, fci);
    }
    __real_sl_bwe_feedback(b, fb, now);
}

/* They have no time of their own: that of the record before. */
static void say(const struct bwe *b, enum bwe_record what, uint64_t bps)
{
    for (size_t i = 0; i < all_n; i++)
        if (all[i].of == b)
            bwe_rec_put(record(b, what, all[i].last), bps);
}

WRAP(void, want, struct bwe *b, uint64_t bps)
{
    say(b, BWE_REC_WANT, bps);
    __real_sl_bwe_want(b, bps);
}

WRAP(void, ask, struct bwe *b, uint64_t bps, usec now)
{
    struct wr *w = record(b, BWE_REC_ASK, now);
    if (w)
        bwe_rec_put(w, bps);
    __real_sl_bwe_ask(b, bps, now);
}

WRAP(void, tick, struct bwe *b, usec now)
{
    (void)record(b, BWE_REC_TICK, now);
    __real_sl_bwe_tick(b, now);
}

static bool write_most(const char *path)
{
    struct seen *most = NULL;
    for (size_t i = 0; i < all_n; i++)
        if (!most || all[i].packets > most->packets)
            most = &all[i];
    if (!most || most->out.bad)
        return false;
    struct span all_of_it = wr_done(&most->out);
    FILE *f = fopen(path, "w");
    bool ok = f && fwrite(all_of_it.p, 1, all_of_it.n, f) == all_of_it.n;
    ok &= f && fclose(f) == 0;
    printf("%s: %zu packets, %zu octets\n", path, most->packets, all_of_it.n);
    return ok;
}

int main(int argc, char **argv)
{
    struct replay_conf conf = {.srtp = sl_srtp_backend_best(), .blind = true};
    struct replay_report report;
    struct stat st;
    if (argc != 3)
        return EXIT_FAILURE;
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return EXIT_FAILURE;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return EXIT_FAILURE;
    enum err e = sl_replay((struct span){p, (size_t)st.st_size}, &conf, &report);
    if (e)
        (void)fprintf(stderr, "%s: octet %zu: %s\n", argv[1], report.at, sl_err_text(e));
    return !e && write_most(argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
}
