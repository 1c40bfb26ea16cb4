#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/command.h"
#include "service/config.h"

enum { TEXT_MAX = 64 * 1024 };

static int print(void (*write_text)(struct wr *w))
{
    static uint8_t text[TEXT_MAX];
    struct wr w = wr_of(text, sizeof text);
    write_text(&w);
    bool good = !w.bad && fwrite(text, 1, w.n, stdout) == w.n && fflush(stdout) == 0;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check(int argc, char **argv)
{
    char error[CONFIG_ERROR_MAX];
    struct config *c = NULL;
    struct config_from from = {
        .env = (const char *const *)environ, .argc = argc, .argv = argv};
    enum err e = sl_config_load(&from, &c, error);
    if (!e && from.argc > 1) {
        (void)snprintf(error, sizeof error, "%.100s: no such option", from.argv[1]);
        e = E_UNSUPPORTED;
    }
    sl_config_free(c);
    if (e)
        (void)fprintf(stderr, "sluice: %s\n", error);
    else
        (void)puts("the settings are good");
    return e ? EXIT_FAILURE : EXIT_SUCCESS;
}

int sl_command_config(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "--help") == 0) {
        (void)puts(
            "usage: sluice config [--config=FILE] [--SECTION.KEY=VALUE...]  check "
            "the settings\n"
            "       sluice config --example  print a file with all of them\n"
            "       sluice config --table    print the table of the documentation\n"
            "       sluice config --rtcd     print how the settings of rtcd are taken\n");
        return print(sl_config_write_help);
    }
    if (strcmp(what, "--example") == 0)
        return print(sl_config_write_example);
    if (strcmp(what, "--table") == 0)
        return print(sl_config_write_table);
    if (strcmp(what, "--rtcd") == 0)
        return print(sl_config_write_rtcd_table);
    return check(argc, argv);
}
