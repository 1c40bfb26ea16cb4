/*
 * What an estimator costs: octets of each transport, nanoseconds for each packet sent and for
 * each packet that feedback tells of. Build it with optimisation: meson setup build/release
 * -Dbuildtype=release; build/release/bench/bwe_cost
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "media/bwe.h"
#include "media/sentlog.h"
#include "proto/twcc.h"

enum { ROUNDS = 20000, PACKETS = 50, TRANSPORTS = 64 };

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    /* Many in turn, as in a server: none stays in the first-level cache. */
    static struct bwe *b[TRANSPORTS];
    static struct twcc arrivals[TRANSPORTS];
    struct bwe_conf conf = {.start_bps = 300000, .min_bps = 50000, .max_bps = 5000000};
    double sent = 0, told = 0;
    uint16_t seq = 0;
    usec now = SEC(1);
    for (int i = 0; i < TRANSPORTS; i++)
        if (!(b[i] = sl_bwe_new(&conf, now)))
            return EXIT_FAILURE;
    for (int r = 0; r < ROUNDS / TRANSPORTS; r++, now += MSEC(100), seq += PACKETS) {
        double from = seconds();
        for (int k = 0; k < PACKETS; k++)
            for (int i = 0; i < TRANSPORTS; i++)
                sl_bwe_sent(b[i], (uint16_t)(seq + k), 1200, now + k * MSEC(2));
        sent += seconds() - from;
        for (int i = 0; i < TRANSPORTS; i++) {
            uint8_t bytes[TWCC_FB_OCTETS];
            struct wr w = wr_of(bytes, sizeof bytes);
            struct rd compound;
            struct rtcp p;
            struct rtcp_fb fb;
            struct rtcp_twcc t;
            for (int k = 0; k < PACKETS; k++)
                sl_twcc_add(&arrivals[i], (uint16_t)(seq + k), now + k * MSEC(2));
            (void)sl_twcc_build(&arrivals[i], 1, 2, &w);
            if (sl_rtcp_parse(wr_done(&w), &compound) != E_OK ||
                !sl_rtcp_next(&compound, &p) || sl_rtcp_fb(&p, &fb) != E_OK)
                return EXIT_FAILURE;
            from = seconds();
            if (sl_rtcp_twcc(&fb, &t) == E_OK)
                sl_bwe_feedback(b[i], &t, now + MSEC(150));
            told += seconds() - from;
        }
    }
    double rounds = (double)(ROUNDS / TRANSPORTS) * TRANSPORTS;
    printf("octets_per_transport %zu\n", sl_bwe_size(false));
    printf("octets_per_transport_remb %zu\n", sl_bwe_size(true));
    printf("ns_per_packet_sent %.1f\n", sent / rounds / PACKETS * 1e9);
    printf("ns_per_feedback_of_%d %.0f\n", PACKETS, told / rounds * 1e9);
    for (int i = 0; i < TRANSPORTS; i++)
        sl_bwe_free(b[i]);
    return EXIT_SUCCESS;
}
