/* Lost packets, on both sides of a shard. */

#include <stdio.h>

#include "check.h"
#include "lossy.h"

static const struct {
    const char *name;
    struct lossy_net publisher, viewer;
    unsigned least; /* frames in any second, of 30 */
    int longest_ms;
} rows[] = {
    {"nothing is lost", {0, MSEC(40)}, {0, MSEC(40)}, 29, 40},
    {"2 % to the viewer", {0, MSEC(40)}, {0.02, MSEC(60)}, 24, 300},
    {"10 % to the viewer, 60 ms", {0, MSEC(40)}, {0.1, MSEC(60)}, 24, 500},
    {"10 % from the publisher, 60 ms", {0.1, MSEC(60)}, {0, MSEC(40)}, 24, 500},
    {"10 % on both sides, 60 ms", {0.1, MSEC(60)}, {0.1, MSEC(60)}, 20, 500},
    {"10 % to the viewer, 200 ms", {0, MSEC(40)}, {0.1, MSEC(200)}, 0, 1500},
    {"20 % to the viewer, 60 ms", {0, MSEC(40)}, {0.2, MSEC(60)}, 0, 1000},
};

/* Frames are late, but they come: nearly all of them each second, and no picture stands. */
TEST(recovery_keeps_frames_coming)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct lossy_conf conf = {.publisher = rows[i].publisher,
                                  .viewer = rows[i].viewer,
                                  .fps = 30,
                                  .packets = 5,
                                  .span = SEC(60),
                                  .seed = i + 1};
        check_row(rows[i].name);
        struct lossy_result got = lossy_run(&conf);
        (void)printf("# %-32s %4.1f fps, least %2u, longest %4d ms, late %d %d %d ms, "
                     "resent %4.1f %%, twice %4.1f %%\n",
                     rows[i].name, (double)got.shown / 60, got.least,
                     (int)(got.longest / 1000), (int)(got.late[0] / 1000),
                     (int)(got.late[1] / 1000), (int)(got.late[2] / 1000),
                     got.resent * 100, got.twice * 100);
        CHECK(got.frames >= 1795 && got.shown + 30 >= got.frames);
        CHECK(got.least >= rows[i].least);
        CHECK(got.longest <= MSEC(rows[i].longest_ms));
    }
}
