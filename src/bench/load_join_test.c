#include <string.h>

#include "bench/load.h"
#include "check.h"

/* How many come, and how soon, is tested in service, where there is a server. */

TEST(load_join_says_that_nobody_is_there)
{
    const struct load_conf conf = {.url = "http://127.0.0.1:1",
                                   .room = "r",
                                   .rooms = 1,
                                   .publishers = 1,
                                   .subscribers = 1,
                                   .video = true,
                                   .profile = SRTP_GCM_128};
    struct load *l = NULL;
    struct load_joined joined;
    char error[LOAD_ERROR_MAX];
    CHECK_INT(sl_load_new(&conf, &l, error), E_OK);
    CHECK_INT(sl_load_join(l, &joined, error), E_SYS);
    CHECK(strstr(error, "/whip/r0/s0") != NULL);
    sl_load_free(l);
}
