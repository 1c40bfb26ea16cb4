#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"

#include "crypto/hash.h"
#include "service/command.h"
#include "service/setup.h"

enum { DAY_S = 86400, YEARS_MAX = 10 };

struct wanted {
    const char *rooms;
    unsigned perm;
    uint64_t seconds, max_bps;
};

static const char usage[] =
    "usage: sluice token [--config=FILE] [OPTION...]\n\n"
    "  --room NAME   the room that it opens, \"team-*\" or \"*\" (all)\n"
    "  --publish     may publish (with neither of these: both)\n"
    "  --watch       may watch\n"
    "  --ttl TIME    how long it is valid: 90s, 15m, 12h, 30d (24h)\n"
    "  --max-bps N   bits/s that a session may send (any)\n\n"
    "The key is that of store.directory, which is made where there is none.\n";

/* "90", "90s", "15m", "12h", "30d" in seconds; 0: no such time. */
static uint64_t seconds_of(const char *text)
{
    static const struct {
        char unit;
        uint64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_S}};
    size_t n = strlen(text);
    uint64_t each = 1, value = 0, max = (uint64_t)YEARS_MAX * 366 * DAY_S;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && n > 0; i++)
        if (text[n - 1] == units[i].unit) {
            each = units[i].s;
            n--;
            break;
        }
    return word_number((struct span){(const uint8_t *)text, n}, max / each, &value)
               ? value * each
               : 0;
}

/* False: what is wrong was printed. */
static bool read_wanted(int argc, char **argv, struct wanted *ret)
{
    static const struct option options[] = {
        {"room", required_argument, NULL, 'r'},    {"publish", no_argument, NULL, 'p'},
        {"watch", no_argument, NULL, 'w'},         {"ttl", required_argument, NULL, 't'},
        {"max-bps", required_argument, NULL, 'b'}, {0},
    };
    bool good = true;
    *ret = (struct wanted){.rooms = "*", .seconds = DAY_S};
    /* Before any thread: getopt's own variables are nobody else's. */
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) !=
                -1;) // NOLINT(concurrency-mt-unsafe)
        switch (c) {
        case 'r': ret->rooms = optarg; break;
        case 'p': ret->perm |= TOKEN_PUBLISH; break;
        case 'w': ret->perm |= TOKEN_WATCH; break;
        case 't': ret->seconds = seconds_of(optarg); break;
        case 'b':
            good = word_number(span_of(optarg), UINT32_MAX, &ret->max_bps) &&
                   ret->max_bps > 0;
            break;
        default: return false;
        }
    if (ret->perm == 0)
        ret->perm = TOKEN_PUBLISH | TOKEN_WATCH;
    if (optind < argc || ret->seconds == 0 || !good) {
        (void)fputs(usage, stderr);
        return false;
    }
    return true;
}

int sl_command_token(int argc, char **argv)
{
    struct token_keys keys = {.n = 0};
    struct keys_made made = {.made = false};
    struct wanted want;
    char text[TOKEN_MAX + 1];
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    struct config *config = sl_setup_config(&argc, argv);
    if (!config)
        return EXIT_FAILURE;
    bool good = read_wanted(argc, argv, &want) && sl_setup_keys(config, &keys, &made);
    sl_config_free(config);
    sl_wipe(&made, sizeof made);
    if (!good)
        return EXIT_FAILURE;
    enum err e = sl_setup_token(&keys, want.rooms, want.perm, (int64_t)want.seconds,
                                (uint32_t)want.max_bps, text);
    if (e) {
        (void)fprintf(stderr, "sluice: --room %s: %s\n", want.rooms, sl_err_text(e));
        return EXIT_FAILURE;
    }
    return puts(text) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
