/* The program: what its first argument says. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", sl_command_serve, "run the server"},
    {"config", sl_command_config, "check the settings, or print all that there are"},
    {"bench", sl_command_bench, "load a server with many clients, and measure it"},
    {"replay", sl_command_replay, "run a worker again on what was captured of one"},
    {"import-rtcd", sl_command_import_rtcd,
     "take the registered clients of an rtcd over"},
    {"token", sl_command_token, "print a bearer token made with the stored key"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int help(FILE *to)
{
    (void)fprintf(to, "usage: sluice COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(to, "\nsluice COMMAND --help tells the options of a command.\n");
    return to == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0)
        return help(stdout);
    if (strcmp(name, "--version") == 0) {
        (void)puts("sluice " SLUICE_VERSION);
        return EXIT_SUCCESS;
    }
    /* rtcd has one command and does not name it. */
    if (strncmp(name, "-config", 7) == 0 || strncmp(name, "--config", 8) == 0)
        return sl_command_serve(argc, argv);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "sluice: no command '%s'\n\n", name);
    return help(stderr);
}
