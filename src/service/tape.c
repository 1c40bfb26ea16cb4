#include "service/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sfu/mail.h"

/* worker-0-20260102T030405.678901Z.capture, transport-000000000000002a-20260102T030405.678901Z.pcapng */
static void name_it(struct tape *t, usec wall)
{
    struct tm tm;
    char when[32] = "", who[32];
    time_t s = (time_t)(wall / SEC(1));
    if (gmtime_r(&s, &tm))
        (void)strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm);
    if (t->transport)
        (void)snprintf(who, sizeof who, "transport-%016" PRIx64, t->transport);
    else
        (void)snprintf(who, sizeof who, "worker-%u", t->worker);
    (void)snprintf(t->name, sizeof t->name, "%s-%s.%06dZ.%s", who, when,
                   (int)(wall % SEC(1)), t->transport ? "pcapng" : "capture");
}

static const char *path_of(const struct tape *t, const char *dir, char *buf, size_t cap)
{
    int n = snprintf(buf, cap, "%s/%s", dir, t->name);
    return n > 0 && (size_t)n < cap ? buf : NULL;
}

enum { PATH_CAP = 4096 };

/* The disk has to have room for all of it: a mapped file that finds none ends the process. */
static enum err open_file(struct tape *t, const char *dir)
{
    char buf[PATH_CAP];
    const char *path = path_of(t, dir, buf, sizeof buf);
    errno = ENAMETOOLONG;
    t->fd =
        path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    if (t->fd < 0)
        return E_SYS;
    errno = posix_fallocate(t->fd, 0, (off_t)t->size);
    if (errno != 0)
        return E_SYS;
    void *p =
        mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, t->fd, 0);
    if (p == MAP_FAILED)
        return E_SYS;
    t->memory = p;
    return E_OK;
}

enum err sl_tape_new(const char *dir, unsigned worker, uint64_t transport, size_t size,
                     usec wall, struct tape **ret)
{
    struct tape *t = calloc(1, sizeof *t);
    if (!t)
        return E_MEMORY;
    t->worker = worker;
    t->transport = transport;
    t->size = size;
    t->fd = -1;
    t->state = TAPE_REFUSED; /* as long as nobody has it, it leaves nothing */
    name_it(t, wall);
    enum err e = open_file(t, dir);
    if (e) {
        int why = errno;
        (void)sl_tape_close(t, dir);
        errno = why;
        return e;
    }
    t->state = TAPE_ASKED;
    *ret = t;
    return E_OK;
}

size_t sl_tape_close(struct tape *t, const char *dir)
{
    char buf[PATH_CAP];
    bool written = t->state == TAPE_RUNS || t->state == TAPE_OVER;
    size_t n = !written       ? 0
               : t->transport ? sl_trace_end(&t->trace)
                              : sl_capture_end(&t->capture);
    const char *path = path_of(t, dir, buf, sizeof buf);
    if (t->memory)
        (void)munmap(t->memory, t->size);
    if (t->fd >= 0) {
        if (ftruncate(t->fd, (off_t)n) != 0 || (!written && path && unlink(path) != 0))
            n = 0; /* it stays as long as it was, zero behind the end */
        (void)close(t->fd);
    }
    free(t);
    return n;
}
