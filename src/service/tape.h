#pragma once

/*
 * A worker's capture (sfu/capture), or a trace of one of its transports (sfu/trace), on its way to
 * a file: made by control, lent to the worker (MAIL_CAPTURE), and back when it is over.
 *
 * The file is mapped, so the worker writes memory and waits for no disk; its size is set aside at
 * the start and cut to what was written at the end. It is there as far as it was written even if
 * the process dies. Only its owner may read it: it holds keys, or what was encrypted.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#include "sfu/capture.h"
#include "sfu/trace.h"

enum {
    TAPE_NAME = 96,
    TAPE_ABOUT = 512,
    TAPE_TRACES_MAX = 4, /* of a node at a time: an operator looks at one or two people */
};

enum tape_state { TAPE_ASKED, TAPE_RUNS, TAPE_REFUSED, TAPE_OVER };

struct tape {
    /* Set by control before it is lent. */
    char name[TAPE_NAME]; /* of the file, in its directory */
    unsigned worker;
    uint64_t transport;     /* that is traced; 0: the worker is captured */
    char about[TAPE_ABOUT]; /* for who opens a trace */
    usec length;
    uint64_t request; /* that waits for an answer */
    int fd;
    uint8_t *memory;
    size_t size;
    /* Control's at any time. */
    enum tape_state told; /* the last that the worker said */
    atomic_bool stop;
    /* The worker's while it is lent. */
    enum tape_state state;
    struct capture capture;
    struct trace trace;
};

/* A file in dir that was not there, of so many octets, for a worker's capture, or where transport
 * is not 0 for a trace of that; wall: microseconds since 1970, for its name. E_SYS: errno tells;
 * E_MEMORY. */
MUST_USE enum err sl_tape_new(const char *dir, unsigned worker, uint64_t transport,
                              size_t size, usec wall, struct tape **ret);

/* The worker has it no more, or runs no more. Returns the octets that were kept: what was refused
 * leaves no file. */
size_t sl_tape_close(struct tape *t, const char *dir);
