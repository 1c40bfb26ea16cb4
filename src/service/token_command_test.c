#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "service/command.h"

/* What the command says goes to nobody here; tests/operations reads it. */
static int run(const char *const *words, size_t n)
{
    char copy[8][64], *argv[9] = {NULL};
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(copy[i], sizeof copy[i], "%s", words[i]);
        argv[i] = copy[i];
    }
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    (void)fflush(stdout);
    CHECK(freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr));
    optind = 0; /* getopt begins anew */
    int status = sl_command_token((int)n, argv);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close(out);
    (void)close(err);
    return status;
}

TEST(token_command_knows_its_words)
{
    static const struct {
        const char *name;
        const char *words[5];
        size_t n;
        int want;
    } rows[] = {
        {"help", {"token", "--help"}, 2, EXIT_SUCCESS},
        {"no such option", {"token", "--rom", "a"}, 3, EXIT_FAILURE},
        {"no such setting", {"token", "--store.dir=x"}, 2, EXIT_FAILURE},
        {"no time", {"token", "--ttl", "soon"}, 3, EXIT_FAILURE},
        {"no time at all", {"token", "--ttl", "0"}, 3, EXIT_FAILURE},
        {"a unit that is none", {"token", "--ttl", "5w"}, 3, EXIT_FAILURE},
        {"more than ten years", {"token", "--ttl", "4000d"}, 3, EXIT_FAILURE},
        {"a word too many", {"token", "--watch", "a"}, 3, EXIT_FAILURE},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(run(rows[i].words, rows[i].n), rows[i].want);
    }
}
