#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load.h"
#include "check.h"
#include "service/command.h"
#include "service/control.h"
#include "service/settings.h"

/* The whole server in this process, and many clients of it. */

struct server {
    struct config *config;
    struct settings settings;
    struct log log;
    struct control *control;
    pthread_t thread;
    char url[64];
};

static void *run(void *arg)
{
    sl_control_run(arg);
    return NULL;
}

/* One that the kernel gives to nobody else for a while. */
static uint16_t free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&sa, n) == 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    (void)close(fd);
    return ntohs(sa.sin_port);
}

static void server_start(struct server *s)
{
    char text[512], error[CONFIG_ERROR_MAX];
    const char *what = "";
    int n = snprintf(text, sizeof text,
                     "[rtc]\nport = %u\nworkers = 2\nlisten = [\"127.0.0.1\"]\n"
                     "packet_pool = 1024\n[http]\nlisten = \"127.0.0.1:0\"\n"
                     "[admin]\nlisten = \"127.0.0.1:0\"\n[auth]\nrequired = false\n"
                     "[limits]\nsessions_per_address = 0\n",
                     free_port());
    memset(s, 0, sizeof *s);
    CHECK_INT(sl_config_parse((struct span){(uint8_t *)text, (size_t)n}, "test",
                              &s->config, error),
              E_OK);
    CHECK_INT(sl_settings_init(&s->settings, s->config, error), E_OK);
    s->log = sl_settings_log(s->config);
    s->log.level = LOG_ERROR;
    s->settings.control.log = &s->log;
    CHECK_INT(sl_control_new(&s->settings.control, &s->control, &what), E_OK);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u",
                   sl_control_public(s->control).port);
    CHECK_INT(pthread_create(&s->thread, NULL, run, s->control), 0);
}

static void server_stop(struct server *s)
{
    (void)kill(getpid(), SIGTERM);
    (void)pthread_join(s->thread, NULL);
    sl_control_free(s->control);
    sl_settings_fini(&s->settings);
    sl_config_free(s->config);
}

TEST(bench_all_packets_arrive_at_all)
{
    static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};
    static struct server s;
    server_start(&s);
    for (size_t i = 0; i < LEN(profiles); i++) {
        struct load_conf conf = {.url = s.url,
                                 .room = i ? "a" : "b",
                                 .rooms = 2,
                                 .publishers = 2,
                                 .subscribers = 3,
                                 .audio = true,
                                 .video = true,
                                 .profile = profiles[i]};
        struct load_phase phase = {
            .rooms = 2, .burst = 3, .size = 400, .rate_hz = 25, .duration = MSEC(600)};
        struct load *l = NULL;
        struct load_joined joined;
        char error[LOAD_ERROR_MAX] = "";
        CHECK_INT(sl_load_new(&conf, &l, error), E_OK);
        CHECK_INT(sl_load_join(l, &joined, error), E_OK);
        CHECK_INT(joined.clients, 10);
        for (int audio = 0; audio < 2; audio++) {
            struct load_result r;
            phase.audio = audio;
            CHECK_INT(sl_load_run(l, &phase, NULL, NULL, &r, error), E_OK);
            CHECK(r.sent >= 4 * 3 * 5);
            CHECK_INT(r.expected, r.sent * 3);
            CHECK_INT(r.lost + r.counts.bad + r.counts.late, 0);
            CHECK(r.counts.packets > 0 && r.counts.delay.n > 0 && r.datagrams > r.sent);
        }
        if (error[0])
            (void)fprintf(stderr, "# %s\n", error);
        sl_load_leave(l);
        sl_load_free(l);
    }
    server_stop(&s);
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
