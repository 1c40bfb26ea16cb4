#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/span.h"

#include "check.h"
#include "service/command.h"

enum { SAID_MAX = 64 * 1024 };

/* What the command says, on whichever of its outputs. */
static int run(int argc, char **argv, char said[SAID_MAX])
{
    int fd[2], old[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    FILE *f = tmpfile();
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++)
        fd[i] = dup2(fileno(f), i == 0 ? STDOUT_FILENO : STDERR_FILENO);
    int status = sl_command_config(argc, argv);
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++) {
        (void)dup2(old[i], fd[i]);
        (void)close(old[i]);
    }
    rewind(f);
    size_t n = fread(said, 1, SAID_MAX - 1, f);
    said[n] = '\0';
    (void)fclose(f);
    return status;
}

TEST(config_command)
{
    static const struct {
        const char *name, *arg;
        int want;
        const char *says;
    } rows[] = {
        {"checks", "--rtc.port=1", EXIT_SUCCESS, "the settings are good\n"},
        {"says what is wrong", "--rtc.port=0", EXIT_FAILURE,
         "sluice: --rtc.port: 0 is not between 1 and 65535\n"},
        {"a file that is not there", "--config=/nonexistent", EXIT_FAILURE,
         "sluice: /nonexistent: No such file or directory\n"},
        {"an unknown option", "--colour", EXIT_FAILURE,
         "sluice: --colour: no such option\n"},
        {"the example", "--example", EXIT_SUCCESS, "\n#port = 8443\n"},
        {"the table", "--table", EXIT_SUCCESS, "| `rtc.port` | `8443` | 1 to 65535 |"},
        {"help", "--help", EXIT_SUCCESS, "\n  --rtc.port=8443  (1 to 65535)\n"},
    };
    static char said[SAID_MAX];
    for (size_t i = 0; i < LEN(rows); i++) {
        char arg[64];
        char *argv[] = {(char[]){"config"}, arg, NULL};
        (void)snprintf(arg, sizeof arg, "%s", rows[i].arg);
        check_row(rows[i].name);
        CHECK_INT(run(2, argv, said), rows[i].want);
        if (!strstr(said, rows[i].says))
            check_fail(__FILE__, __LINE__, "%s", said);
    }
}
