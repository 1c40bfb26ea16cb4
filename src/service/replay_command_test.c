#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "service/command.h"
#include "sfu/capture.h"

static char path[] = "/tmp/sluice-replay-XXXXXX";

/* What the command says goes to nobody here. */
static int run(const char *const *words, size_t n)
{
    char copy[4][64], *argv[5] = {NULL};
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(copy[i], sizeof copy[i], "%s", words[i]);
        argv[i] = copy[i];
    }
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    (void)fflush(stdout);
    CHECK(freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr));
    optind = 0; /* getopt begins anew */
    int status = sl_command_replay((int)n, argv);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close(out);
    (void)close(err);
    return status;
}

static void write_file(const uint8_t *p, size_t n)
{
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

TEST(replay_command_knows_its_words)
{
    static const struct {
        const char *name;
        const char *words[3];
        size_t n;
        int want;
    } rows[] = {
        {"help", {"replay", "--help"}, 2, EXIT_SUCCESS},
        {"no file", {"replay", "--blind"}, 2, EXIT_FAILURE},
        {"two files", {"replay", "a", "b"}, 3, EXIT_FAILURE},
        {"no such file", {"replay", "/nowhere/at/all"}, 2, EXIT_FAILURE},
        {"a directory", {"replay", "/tmp"}, 2, EXIT_FAILURE},
        {"no such option", {"replay", "--loud", "a"}, 3, EXIT_FAILURE},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(run(rows[i].words, rows[i].n), rows[i].want);
    }
}

/* Its status says whether it was the same. */
TEST(replay_command_compares)
{
    uint8_t file[1024] = {0};
    struct capture c;
    struct pkt_pool *pool = sl_pkt_pool_new(2, 2, 0);
    int fd = mkstemp(path);
    const char *words[] = {"replay", path}, *blind[] = {"replay", "--blind", path};
    CHECK(fd >= 0);
    (void)close(fd);
    CHECK_INT(run(words, 2), EXIT_FAILURE); /* of no octets */

    sl_capture_init(&c, wr_of(file, sizeof file),
                    &(struct capture_head){.packets = 2, .leases = 2}, pool, USEC_NEVER);
    sl_capture_tick(&c, SEC(1));
    sl_capture_flush(&c, SEC(1));
    write_file(file, sl_capture_end(&c));
    CHECK_INT(run(words, 2), EXIT_SUCCESS);
    CHECK_INT(run(blind, 3), EXIT_SUCCESS);

    sl_capture_init(&c, wr_of(file, sizeof file),
                    &(struct capture_head){.packets = 2, .leases = 2}, pool, USEC_NEVER);
    sl_capture_flush(&c, SEC(1));
    sl_capture_proved(&c, 300, 0); /* so it said, and would not */
    sl_capture_flush(&c, SEC(2));
    write_file(file, sl_capture_end(&c));
    CHECK_INT(run(words, 2), EXIT_FAILURE);
    sl_pkt_pool_free(pool);
    (void)unlink(path);
}
