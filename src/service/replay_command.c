#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/command.h"
#include "sfu/replay.h"

static const char usage[] =
    "usage: sluice replay [--blind] FILE\n\n"
    "Runs a worker again on what it was given when FILE was captured, without sockets, "
    "and\n"
    "says whether it gives the same, or where the first difference is.\n\n"
    "  --blind   what is given is not looked at: to count what a worker costs by "
    "itself\n";

/* NULL: what is wrong was printed. */
static uint8_t *map_file(const char *path, size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *p = MAP_FAILED;
    *n = 0;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        *n = (size_t)st.st_size;
        p = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (p == MAP_FAILED)
        (void)fprintf(stderr, "sluice: %s: %s\n", path, strerrordesc_np(errno));
    if (fd >= 0)
        (void)close(fd);
    return p == MAP_FAILED ? NULL : p;
}

static double seconds(usec t)
{
    return (double)t / (double)SEC(1);
}

static int say(const char *path, enum err e, bool blind, const struct replay_report *r)
{
    if (e && e != E_STATE) {
        (void)fprintf(stderr, "sluice: %s: octet %zu: %s\n", path, r->at, sl_err_text(e));
        return EXIT_FAILURE;
    }
    (void)printf("%s: %" PRIu64 " datagrams and %" PRIu64 " mails in %.3f s\n", path,
                 r->datagrams, r->mails, seconds(r->span));
    (void)printf("gave %" PRIu64 " datagrams of %" PRIu64 " octets, %" PRIu64
                 " packets forwarded among them, and %" PRIu64 " mails\n",
                 r->sent, r->sent_octets, r->stats.forwarded, r->posted);
    if (r->cut)
        (void)printf("the capture ends inside the call at octet %zu\n", r->at);
    if (e)
        (void)printf("differs after %.6f s, in the call at octet %zu: %s\n",
                     seconds(r->span), r->at, r->difference);
    else
        (void)puts(blind ? "not compared" : "the same");
    return e ? EXIT_FAILURE : EXIT_SUCCESS;
}

int sl_command_replay(int argc, char **argv)
{
    static const struct option options[] = {
        {"blind", no_argument, NULL, 'b'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct replay_conf conf = {.srtp = sl_srtp_backend_best()};
    struct replay_report report;
    size_t n;
    optind = 1;
    /* Before any thread: getopt's own variables are nobody else's. */
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) !=
                -1;) // NOLINT(concurrency-mt-unsafe)
        switch (c) {
        case 'b': conf.blind = true; break;
        case 'h': return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        default: return EXIT_FAILURE;
        }
    if (optind + 1 != argc) {
        (void)fputs(usage, stderr);
        return EXIT_FAILURE;
    }
    uint8_t *p = map_file(argv[optind], &n);
    if (!p)
        return EXIT_FAILURE;
    enum err e = sl_replay((struct span){p, n}, &conf, &report);
    int status = say(argv[optind], e, conf.blind, &report);
    (void)munmap(p, n);
    return status;
}
