#include <stdio.h>
#include <stdlib.h>

#include "service/command.h"
#include "service/place.h"

static int bench(const struct place *p, const char *key, const char *more)
{
    char url[64], with_key[64], last[32];
    (void)snprintf(url, sizeof url, "--url=http://127.0.0.1:%u", p->http);
    (void)snprintf(with_key, sizeof with_key, "--key=%s", key);
    (void)snprintf(last, sizeof last, "%s", more);
    char name[] = "rtcd", id[] = "--id=bench", admin[] = "--admin-key=" ADMIN;
    char sessions[] = "--sessions=4", calls[] = "--calls=2", speakers[] = "--speakers=2";
    char duration[] = "--duration=1", settle[] = "--settle=0", json[] = "--json";
    char *argv[] = {name,     url,      id,     with_key, admin, sessions, calls,
                    speakers, duration, settle, json,     last,  NULL};
    int argc = (int)(sizeof argv / sizeof argv[0]) - 1;
    return sl_command_bench_rtcd(last[0] ? argc : argc - 1, argv);
}

/* Two calls of four sessions, of which two talk: all that is sent comes to all others. */
TEST(bench_rtcd_all_voices_arrive_at_all)
{
    struct place p;
    place_init(&p);
    CHECK_INT(bench(&p, KEY, ""), EXIT_SUCCESS);
    static const char *const wrong[] = {"--sessions=0", "--sessions=129", "--calls=x",
                                        "--nothing", "what"};
    for (size_t i = 0; i < LEN(wrong); i++) {
        check_row(wrong[i]);
        CHECK_INT(bench(&p, KEY, wrong[i]), EXIT_FAILURE);
    }
    CHECK_INT(bench(&p, "too short", ""), EXIT_FAILURE);
    place_fini(&p);
}
