#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load.h"
#include "check.h"
#include "free_port.h"
#include "service/command.h"
#include "sluice/sluice.h"

/* The whole server in this process, and many clients of it. */

static void nothing(void *ctx, enum sluice_level level, const char *line, size_t n)
{
    (void)ctx;
    if (level == SLUICE_ERROR)
        (void)fprintf(stderr, "# %.*s", (int)n, line);
}

static struct sluice *server(const char *limits)
{
    char text[512], error[SLUICE_ERROR_MAX] = "";
    struct sluice *s = NULL;
    (void)snprintf(text, sizeof text,
                   "[rtc]\nport = %u\nworkers = 2\nlisten = [\"127.0.0.1\"]\n"
                   "packet_pool = 1024\n[http]\nlisten = \"127.0.0.1:0\"\n"
                   "[admin]\nlisten = \"\"\n[auth]\nrequired = false\n"
                   "[store]\ndirectory = \"\"\n[limits]\nsessions_per_address = 0\n%s",
                   free_port(), limits);
    const struct sluice_conf conf = {.settings = text, .log = nothing};
    CHECK_INT(sluice_start(&conf, &s, error), SLUICE_OK);
    if (*error)
        (void)fprintf(stderr, "# %s\n", error);
    return s;
}

TEST(bench_all_packets_arrive_at_all)
{
    static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};
    struct sluice *s = server("");
    for (size_t i = 0; i < LEN(profiles); i++) {
        struct load_conf conf = {.url = sluice_info(s)->public_url,
                                 .room = i ? "a" : "b",
                                 .rooms = 2,
                                 .publishers = 2,
                                 .subscribers = 3,
                                 .audio = true,
                                 .video = true,
                                 .profile = profiles[i],
                                 .heard = i == 1};
        struct load_phase phase = {
            .rooms = 2, .burst = 3, .size = 400, .rate_hz = 25, .duration = MSEC(600)};
        struct load *l = NULL;
        struct load_joined joined;
        char error[LOAD_ERROR_MAX] = "";
        CHECK_INT(sl_load_new(&conf, &l, error), E_OK);
        CHECK_INT(sl_load_join(l, &joined, error), E_OK);
        CHECK_INT(joined.clients, 10);
        /* Each of six has had two tracks of two, or nothing. */
        CHECK_INT(sl_load_received(l) >= 24, i == 1);
        CHECK_INT(sl_load_received(l) == 0, i == 0);
        for (int audio = 0; audio < 2; audio++) {
            struct load_result r;
            phase.audio = audio;
            CHECK_INT(sl_load_run(l, &phase, NULL, NULL, &r, error), E_OK);
            CHECK(r.sent >= 60);
            CHECK_INT(r.expected, r.sent * 3);
            CHECK_INT(r.lost + r.counts.bad + r.counts.late, 0);
            CHECK(r.counts.packets > 0 && r.counts.delay.n > 0 && r.datagrams > r.sent);
        }
        if (error[0])
            (void)fprintf(stderr, "# %s\n", error);
        sl_load_leave(l);
        sl_load_free(l);
    }
    sluice_free(s);
}

/* Who is late comes while others are sent to, and counts from the next phase on. */
TEST(bench_some_come_late)
{
    static const struct {
        const char *name, *limits;
        unsigned taken; /* of six who are late, besides the four who are there */
    } rows[] = {{"there is room for all", "", 6}, {"for eight", "peers = 8\n", 4}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct sluice *s = server(rows[i].limits);
        const struct load_conf conf = {.url = sluice_info(s)->public_url,
                                       .room = "late",
                                       .rooms = 2,
                                       .publishers = 1,
                                       .subscribers = 1,
                                       .late = 3,
                                       .video = true,
                                       .profile = SRTP_GCM_128};
        struct load_phase phase = {.rooms = 2,
                                   .burst = 2,
                                   .size = 400,
                                   .rate_hz = 25,
                                   .late_hz = 100,
                                   .duration = MSEC(100)};
        struct load *l = NULL;
        struct load_joined joined;
        struct load_result r;
        char error[LOAD_ERROR_MAX] = "";
        check_row(rows[i].name);
        CHECK_INT(sl_load_new(&conf, &l, error), E_OK);
        CHECK_INT(sl_load_join(l, &joined, error), E_OK);
        CHECK_INT(joined.clients, 4);
        CHECK_INT(sl_load_run(l, &phase, NULL, NULL, &r, error), E_OK);
        CHECK_INT(r.late.asked, 6);
        CHECK_INT(r.late.refused, 6 - rows[i].taken);
        CHECK_INT(r.late.to_media.n, rows[i].taken);
        CHECK_INT(r.late.retry_after > 0, rows[i].taken < 6);
        CHECK_INT(r.late.before_refusal, rows[i].taken < 6 ? rows[i].taken : 0);
        CHECK_INT(r.expected, r.sent);
        CHECK_INT(r.lost, 0);
        phase.late_hz = 0;
        CHECK_INT(sl_load_run(l, &phase, NULL, NULL, &r, error), E_OK);
        CHECK_INT(r.late.asked, 0);
        CHECK_INT(r.expected, r.sent * (2 + rows[i].taken) / 2);
        CHECK_INT(r.lost, 0);
        if (error[0])
            (void)fprintf(stderr, "# %s\n", error);
        sl_load_leave(l);
        sl_load_free(l);
        sluice_free(s);
    }
}

TEST(bench_refuses_options)
{
    static const char *const rows[] = {"--rooms=x", "--burst=99", "--profile=rot13",
                                       "--nonsense", "more"};
    for (size_t i = 0; i < LEN(rows); i++) {
        char arg[32];
        (void)snprintf(arg, sizeof arg, "%s", rows[i]);
        char *argv[] = {(char[]){"bench"}, arg, NULL};
        CHECK_INT(sl_command_bench(2, argv), EXIT_FAILURE);
    }
}
