#include "service/control.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "free_port.h"
#include "net/loop.h"

static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = sl_wall_now};

static struct control_conf conf_of(void)
{
    struct control_conf c = {
        .node = {.at = {addr_v4(127, 0, 0, 1, free_port())},
                 .at_n = 1,
                 .workers = 1,
                 .packets = 64,
                 .socket_buffer = 1 << 16,
                 .profiles = {SRTP_GCM_128},
                 .profiles_n = 1,
                 .srtp = sl_srtp_backend_best(),
                 .handshakes_per_s = 10,
                 .handshakes_pending = 10},
        .public_face = addr_v4(127, 0, 0, 1, 0),
        .private_face = addr_v4(127, 0, 0, 1, 0),
        .limits = {.rooms = 1, .peers = 1, .room_peers = 1},
        .joins = {.burst = 1, .addresses = 1},
        .changes = {.burst = 1, .addresses = 1},
        .body_max = 1024,
        .conns_max = 4,
        .conns_per_ip = 4,
        .drain_deadline = SEC(60),
        .log = &quiet,
    };
    return c;
}

static void *drain(void *arg)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    (void)nanosleep(&pause, NULL);
    sl_control_wish(arg, CONTROL_DRAIN);
    return NULL;
}

/* With nobody there draining is done at once: the deadline of a minute is not waited for. */
TEST(control_ends_when_it_is_told_to_and_nobody_is_left)
{
    struct control_conf conf = conf_of();
    struct control *c = NULL;
    const char *what = "";
    pthread_t t;
    CHECK_INT(sl_control_new(&conf, &c, &what), E_OK);
    CHECK(sl_control_public(c).port != 0 && sl_control_private(c).port != 0);
    CHECK(sl_control_public(c).port != sl_control_private(c).port);
    usec begun = sl_loop_now();
    CHECK_INT(pthread_create(&t, NULL, drain, c), 0);
    CHECK_INT(sl_control_start(c), E_OK);
    sl_control_run(c);
    CHECK(sl_loop_now() - begun < SEC(30));
    CHECK_INT(pthread_join(t, NULL), 0);
    sl_control_free(c);
}

TEST(control_names_the_part_that_failed)
{
    struct control_conf conf = conf_of();
    struct control *first = NULL, *second = NULL;
    const char *what = "";
    CHECK_INT(sl_control_new(&conf, &first, &what), E_OK);
    CHECK_INT(sl_control_new(&conf, &second, &what), E_EXISTS);
    CHECK(strcmp(what, "the media sockets") == 0);
    conf.node.at[0].port = free_port();
    conf.public_face = sl_control_public(first);
    CHECK_INT(sl_control_new(&conf, &second, &what), E_EXISTS);
    CHECK(strcmp(what, "the public face") == 0);
    sl_control_free(first);
}

TEST(control_does_not_take_an_end_back)
{
    struct control_conf conf = conf_of();
    struct control *c = NULL;
    const char *what = "";
    CHECK_INT(sl_control_new(&conf, &c, &what), E_OK);
    CHECK_INT(sl_control_wished(c), CONTROL_RUN);
    sl_control_wish(c, CONTROL_DRAIN);
    CHECK_INT(sl_control_wished(c), CONTROL_DRAIN);
    sl_control_wish(c, CONTROL_RUN);
    CHECK_INT(sl_control_wished(c), CONTROL_RUN);
    sl_control_wish(c, CONTROL_END);
    sl_control_wish(c, CONTROL_RUN);
    CHECK_INT(sl_control_wished(c), CONTROL_END);
    CHECK_INT(sl_control_start(c), E_OK);
    sl_control_run(c); /* what was wished before it ran holds */
    sl_control_free(c);
}
