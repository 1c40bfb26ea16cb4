/*
 * What protecting a packet costs, for each back end and profile: CPU time of this thread, the
 * median over rounds. To be held against the "crypto only" rows of fanout_limit, in the
 * same minute: these have 20 octets of header, a key for each packet and batches of 100, too.
 *
 *   srtp_cost [SESSIONS]     100 unless told
 */

#include <assert.h>
#include <endian.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/srtp.h"

enum { HEADER = 20, ROUNDS = 401, ROOM = 1280, SESSIONS_MAX = 4000 };

struct bed {
    const struct srtp_backend *backend;
    struct srtp_master master;
    size_t sessions, text;
    uint8_t pre;
    size_t batch; /* jobs for one call */
    struct srtp_out **outs;
    struct srtp_guard *guards;
    struct srtp_job *jobs;
    uint8_t *packets, *body;
};

static void *must(void *p)
{
    if (!p) {
        perror("srtp_cost");
        exit(1);
    }
    return p;
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void put_header(uint8_t *p, size_t session, uint64_t index)
{
    const uint32_t words[] = {
        htobe32(0x90600000 | (uint32_t)(index & 0xffff)),
        htobe32((uint32_t)index * 3000),
        htobe32(0x1000 + (uint32_t)session),
        htobe32(0xbede0001),
        htobe32(0x11000000 | (uint32_t)(index & 0xffff) << 8),
    };
    static_assert(sizeof words == HEADER, "one extension");
    memcpy(p, words, HEADER);
}

static void send_to_all(struct bed *b, uint64_t index)
{
    for (size_t at = 0; at < b->sessions; at += b->batch) {
        size_t n = b->sessions - at < b->batch ? b->sessions - at : b->batch;
        for (size_t i = 0; i < n; i++) {
            struct srtp_job *j = &b->jobs[i];
            uint8_t *dst = b->packets + ROOM * i;
            put_header(dst, at + i, index);
            j->out = b->outs[at + i];
            j->guard = &b->guards[at + i];
            j->index = index;
            j->dst = dst;
            j->body = b->body;
            j->header_n = HEADER;
            j->body_n = (uint16_t)(b->text - b->pre);
            j->pre_n = b->pre;
        }
        sl_srtp_protect(b->jobs, n);
        if (b->jobs[0].err) {
            (void)fprintf(stderr, "srtp_cost: %s\n", sl_err_name(b->jobs[0].err));
            exit(1);
        }
    }
}

static double median_send(struct bed *b)
{
    double t[ROUNDS];
    uint64_t index = 65000; /* soon over the roll-over */
    for (size_t i = 0; i < b->sessions; i++)
        b->guards[i] = (struct srtp_guard){0};
    for (int r = -20; r < ROUNDS; r++) {
        double a = cpu_ns();
        send_to_all(b, index++);
        if (r >= 0)
            t[r] = (cpu_ns() - a) / (double)b->sessions;
    }
    qsort(t, ROUNDS, sizeof *t, by_value);
    return t[ROUNDS / 2];
}

/* One stream coming in, 64 packets between two looks at the clock. */
static double median_receive(struct bed *b)
{
    enum { BURST = 64 };
    double t[ROUNDS];
    uint64_t index = 0, got;
    struct srtp_out *o = must(sl_srtp_out_new(b->backend, &b->master));
    struct srtp_in *in = must(sl_srtp_in_new(b->backend, &b->master, 1));
    struct srtp_guard g = {0};
    for (int r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < BURST; i++, index++) {
            put_header(b->packets + ROOM * i, 0, index);
            b->jobs[i] = (struct srtp_job){.out = o,
                                           .guard = &g,
                                           .index = index,
                                           .dst = b->packets + ROOM * i,
                                           .body = b->body,
                                           .header_n = HEADER,
                                           .body_n = (uint16_t)b->text};
        }
        sl_srtp_protect(b->jobs, BURST);
        double a = cpu_ns();
        for (size_t i = 0; i < BURST; i++) {
            size_t n = HEADER + b->text + sl_srtp_tag_len(b->master.profile);
            if (sl_srtp_unprotect(in, b->packets + ROOM * i, &n, &got)) {
                (void)fprintf(stderr, "srtp_cost: not authentic\n");
                exit(1);
            }
        }
        t[r] = (cpu_ns() - a) / BURST;
    }
    sl_srtp_out_free(o);
    sl_srtp_in_free(in);
    qsort(t, ROUNDS, sizeof *t, by_value);
    return t[ROUNDS / 2];
}

static void run(struct bed *b)
{
    sl_srtp_out_free(
        must(sl_srtp_out_new(b->backend, &b->master))); /* first use is dear */
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < b->sessions; i++) {
        b->master.key[0] = (uint8_t)i;
        b->master.key[1] = (uint8_t)(i >> 8);
        b->outs[i] = must(sl_srtp_out_new(b->backend, &b->master));
    }
    printf("%s, %s: %zu octets a session\n", sl_srtp_backend_name(b->backend),
           sl_srtp_name(b->master.profile),
           (mallinfo2().uordblks - before) / b->sessions);
    static const size_t lengths[] = {1100, 100};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        b->text = lengths[i];
        b->batch = 100;
        double all = median_send(b);
        b->pre = 4;
        double pre = median_send(b);
        b->pre = 0;
        b->batch = 1;
        double lone = median_send(b);
        printf("  %4zu octets: %4.0f ns, with 4 of pre %4.0f, in batches of one %4.0f; "
               "unprotect %4.0f\n",
               b->text, all, pre, lone, median_receive(b));
    }
    for (size_t i = 0; i < b->sessions; i++)
        sl_srtp_out_free(b->outs[i]);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"avx512", "vaes256", "avx2", "openssl"};
    static const enum srtp_profile profiles[] = {SRTP_CM_SHA1_80, SRTP_GCM_128,
                                                 SRTP_GCM_256};
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    if (n < 1 || n > SESSIONS_MAX) {
        (void)fprintf(stderr, "usage: srtp_cost [SESSIONS], at most %d\n", SESSIONS_MAX);
        return 2;
    }
    struct bed b = {.sessions = n};
    b.outs = must(calloc(n, sizeof(struct srtp_out *)));
    b.guards = must(calloc(n, sizeof *b.guards));
    b.jobs = must(calloc(100, sizeof *b.jobs));
    b.packets = must(calloc(100, ROOM));
    b.body = must(calloc(1, ROOM));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        b.backend = sl_srtp_backend(names[i]);
        if (!b.backend)
            continue;
        for (size_t k = 0; k < sizeof profiles / sizeof *profiles; k++) {
            b.master.profile = profiles[k];
            run(&b);
        }
    }
    free(b.outs);
    free(b.guards);
    free(b.jobs);
    free(b.packets);
    free(b.body);
    return 0;
}
