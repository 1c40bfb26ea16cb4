#pragma once

/*
 * For tests: the media threads as they run in the server, on the loopback interface, with a
 * directory for their files. The test's thread stands in for control.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "free_port.h"
#include "service/node.h"
#include "service/plane.h"
#include "sfu/mail.h"

enum { NODE_STAGE_WORKERS = 2 };
#define NODE_STAGE_PATIENCE                                                              \
    SEC(20) /* bounds a failure: what is waited for comes at once */

struct node_stage {
    struct node node;
    struct plane *plane;
    struct media_ops ops;
    char dir[32];
    uint64_t up; /* the transport that was last */
    void (*captured)(unsigned from, const struct mail *m); /* MAIL_CAPTURE */
};

static inline void node_stage_up(void *ctx, uint64_t transport)
{
    ((struct node_stage *)ctx)->up = transport;
}

static inline void node_stage_gone(void *ctx, uint64_t transport, enum media_gone why)
{
    (void)ctx, (void)transport, (void)why;
}

static inline void node_stage_started(void *ctx, uint64_t producer)
{
    (void)ctx, (void)producer;
}

static inline void node_stage_wanted(void *ctx, uint64_t transport, uint64_t producer,
                                     uint8_t encodings, uint32_t most_bps)
{
    (void)ctx, (void)transport, (void)producer, (void)encodings, (void)most_bps;
}

static inline void node_stage_voice(void *ctx, uint64_t transport, uint64_t producer,
                                    const struct voice *v)
{
    (void)ctx, (void)transport, (void)producer, (void)v;
}

static inline void node_stage_bell(void *ctx)
{
    (void)ctx; /* the test looks by itself */
}

/* The directory alone. */
static inline void node_stage_dir(struct node_stage *s)
{
    memset(s, 0, sizeof *s);
    (void)snprintf(s->dir, sizeof s->dir, "/tmp/sluice-node-XXXXXX");
    CHECK(mkdtemp(s->dir) != NULL);
}

static inline void node_stage_open(struct node_stage *s)
{
    node_stage_dir(s);
    const struct node_conf conf = {.at = {addr_v4(127, 0, 0, 1, free_port())},
                                   .at_n = 1,
                                   .captures = s->dir,
                                   .workers = NODE_STAGE_WORKERS,
                                   .packets = 1024,
                                   .socket_buffer = 1 << 20,
                                   .profiles = {SRTP_GCM_128},
                                   .profiles_n = 1,
                                   .srtp = sl_srtp_backend_best(),
                                   .handshakes_per_s = 1000,
                                   .handshakes_pending = 1000};
    const struct plane_events events = {.ctx = s,
                                        .up = node_stage_up,
                                        .gone = node_stage_gone,
                                        .started = node_stage_started,
                                        .wanted = node_stage_wanted,
                                        .voice = node_stage_voice};
    CHECK_INT(sl_node_init(&s->node, &conf), E_OK);
    sl_post_bell(s->node.post, SHARD_TO_CONTROL, node_stage_bell, NULL);
    s->plane = sl_plane_new(s->node.post, (const uint64_t[2]){1, 2}, &events);
    s->ops = sl_plane_ops(s->plane);
    CHECK_INT(sl_node_start(&s->node), E_OK);
}

/* The directory stays, with what is in it. */
static inline void node_stage_close(struct node_stage *s)
{
    sl_plane_free(s->plane);
    sl_node_fini(&s->node);
}

/* What control does in a round. */
static inline void node_stage_control(struct node_stage *s)
{
    struct mail m;
    unsigned from;
    while (sl_post_take(s->node.post, SHARD_TO_CONTROL, &from, &m)) {
        if (m.type == MAIL_STATS)
            sl_node_answered(&s->node, &m);
        else if (m.type == MAIL_CAPTURE)
            s->captured(from, &m);
        else
            sl_plane_mail(s->plane, from, &m);
    }
    sl_plane_flush(s->plane);
    sl_node_ask(&s->node);
}

static inline bool node_stage_until(struct node_stage *s, bool (*is)(void))
{
    usec late = sl_udp_now() + NODE_STAGE_PATIENCE;
    while (!is() && sl_udp_now() < late) {
        node_stage_control(s);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return is();
}

static inline const char *node_stage_path(const struct node_stage *s, const char *name,
                                          char buf[256])
{
    (void)snprintf(buf, 256, "%s/%s", s->dir, name);
    return buf;
}
