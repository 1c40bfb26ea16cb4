/*
 * What FlexFEC would be worth beside NACK: the table of docs/loss.md, in some seconds.
 *
 *     build/release/bench/fec_model
 *
 * Ten minutes of 30 frames a second, each of 5 packets that leave together, and of 0, 1 or 2
 * packets of FEC behind them. A frame is whole when any 5 of its packets are there: the best
 * that a code can do, and more than the XOR of FlexFEC does. What is missing is noticed by
 * the next packet that arrives, and if FEC has not replaced it by then, asked for each 100 ms
 * as browsers do that only receive. Requests and answers are lost as well; who is asked twice
 * within three quarters of a round trip answers once, and ten times at the most. A frame is
 * shown when it and all before it are whole; its lateness is measured from when it would have
 * arrived without losses.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"

enum {
    FRAMES = 30 * 600,
    MEDIA = 5,
    FEC_MAX = 2,
    FRAME_MAX = MEDIA + FEC_MAX,
    TRIES = 10,
};

#define FRAME     (SEC(1) / 30)
#define ASK_AGAIN MSEC(100)

struct path {
    double loss;
    double burst; /* packets that are lost one after the other, on average */
    usec rtt;
};

struct outcome {
    usec late[3];      /* 50, 95, 99 % */
    double beside;     /* what is sent beside the media, as a share of it */
    double unrepaired; /* frames that FEC alone does not make whole */
};

struct model {
    struct path path;
    struct rng rng;
    bool losing; /* the packet before was lost */
    bool came[FRAMES][FRAME_MAX];
    usec late[FRAMES];
};

static bool chance(struct model *m, double p)
{
    return rng_u32(&m->rng) < p * UINT32_MAX;
}

/* Of packets that follow each other: by chance, or in bursts (Gilbert's two states). */
static bool lost(struct model *m)
{
    const struct path *p = &m->path;
    double next = p->loss / p->burst / (1 - p->loss);
    if (p->burst <= 1)
        return chance(m, p->loss);
    m->losing = m->losing ? !chance(m, 1 / p->burst) : chance(m, next);
    return m->losing;
}

/* When one that was missed at `at` comes at last; `sent` counts the answers. */
static usec resent(struct model *m, usec at, size_t *sent)
{
    usec answered = -SEC(10);
    for (int i = 0; i < TRIES; at += ASK_AGAIN) {
        if (chance(m, m->path.loss) || at - answered < m->path.rtt * 3 / 4)
            continue;
        i++;
        answered = at;
        *sent += 1;
        if (!chance(m, m->path.loss))
            return at + m->path.rtt;
    }
    return USEC_NEVER;
}

/* When it is noticed that packet k of a frame is missing: with the first that comes after it. */
static usec noticed(const struct model *m, size_t frame, size_t k, size_t all)
{
    for (size_t f = frame; f < FRAMES; f++)
        for (size_t i = f == frame ? k + 1 : 0; i < all; i++)
            if (m->came[f][i])
                return (usec)f * FRAME;
    return USEC_NEVER;
}

static int by_size(const void *a, const void *b)
{
    usec x = *(const usec *)a, y = *(const usec *)b;
    return (x > y) - (x < y);
}

/* When a frame is whole, `had` packets of it having come at once. */
static usec whole(struct model *m, size_t frame, size_t had, size_t all, size_t *sent)
{
    usec times[MEDIA];
    size_t n = 0;
    for (size_t k = 0; k < MEDIA; k++) {
        usec at = m->came[frame][k] ? USEC_NEVER : noticed(m, frame, k, all);
        if (at != USEC_NEVER)
            times[n++] = resent(m, at, sent);
    }
    qsort(times, n, sizeof times[0], by_size);
    return had + n >= MEDIA ? times[MEDIA - had - 1] : USEC_NEVER;
}

static struct outcome run(struct model *m, const struct path *path, size_t fec)
{
    size_t all = MEDIA + fec, sent = 0, unrepaired = 0, shown = 0;
    usec before = 0;
    *m = (struct model){.path = *path, .rng = sl_rng_of(1)};
    for (size_t f = 0; f < FRAMES; f++)
        for (size_t i = 0; i < all; i++)
            m->came[f][i] = !lost(m);
    for (size_t f = 0; f < FRAMES; f++) {
        usec due = (usec)f * FRAME, at = due;
        size_t had = 0;
        for (size_t i = 0; i < all; i++)
            had += m->came[f][i];
        if (had < MEDIA) {
            unrepaired++;
            at = whole(m, f, had, all, &sent);
        }
        if (at == USEC_NEVER)
            continue; /* never: a key frame comes instead */
        before = at > before ? at : before;
        m->late[shown++] = before - due;
    }
    qsort(m->late, shown, sizeof m->late[0], by_size);
    return (struct outcome){.late = {m->late[shown / 2], m->late[shown * 95 / 100],
                                     m->late[shown * 99 / 100]},
                            .beside = (double)fec / MEDIA +
                                      (double)sent / ((double)FRAMES * MEDIA),
                            .unrepaired = (double)unrepaired / FRAMES};
}

int main(void)
{
    static const struct path paths[] = {
        {0.05, 1, MSEC(60)},  {0.05, 1, MSEC(200)}, {0.05, 1, MSEC(300)},
        {0.10, 1, MSEC(60)},  {0.10, 1, MSEC(200)}, {0.10, 1, MSEC(300)},
        {0.20, 1, MSEC(60)},  {0.20, 1, MSEC(200)}, {0.20, 1, MSEC(300)},
        {0.05, 3, MSEC(200)}, {0.10, 3, MSEC(60)},  {0.10, 3, MSEC(200)},
        {0.20, 3, MSEC(300)},
    };
    struct model *m = malloc(sizeof *m);
    if (!m)
        return EXIT_FAILURE;
    (void)printf(
        "| loss | round trip | NACK and RTX alone | with 20 %% FEC | with 40 %% FEC "
        "| broken without NACK |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        (void)printf("| %.0f %%, %s | %d ms", paths[i].loss * 100,
                     paths[i].burst > 1 ? "bursts of 3" : "single",
                     (int)(paths[i].rtt / 1000));
        struct outcome o = {0};
        for (size_t fec = 0; fec <= FEC_MAX; fec++) {
            o = run(m, &paths[i], fec);
            (void)printf(" | %d/%d/%d, %.0f %%", (int)(o.late[0] / 1000),
                         (int)(o.late[1] / 1000), (int)(o.late[2] / 1000),
                         o.beside * 100);
        }
        (void)printf(" | %.1f %% |\n", o.unrepaired * 100);
    }
    free(m);
    return EXIT_SUCCESS;
}
