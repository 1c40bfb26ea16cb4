#include "bench/load.h"

#include "check.h"

/* With a server it is tested in service, where one can be had. */

static const struct load_conf least = {.url = "http://127.0.0.1:1",
                                       .room = "r",
                                       .rooms = 1,
                                       .publishers = 1,
                                       .subscribers = 1,
                                       .video = true,
                                       .profile = SRTP_GCM_128};

TEST(load_refuses_what_cannot_be)
{
    struct load *l = NULL;
    char error[LOAD_ERROR_MAX];
    struct load_conf rows[] = {least, least, least, least, least, least};
    rows[0].rooms = 0;
    rows[1].publishers = LOAD_PUBLISHERS_MAX + 1;
    rows[2].video = false;
    rows[3].rooms = 2;
    rows[3].subscribers = LOAD_CLIENTS_MAX;
    rows[4].url = "gopher://x";
    rows[5].late = LOAD_CLIENTS_MAX;
    for (size_t i = 0; i < LEN(rows); i++) {
        error[0] = '\0';
        CHECK_INT(sl_load_new(&rows[i], &l, error), E_MALFORMED);
        CHECK(error[0] != '\0');
    }
}

TEST(load_refuses_phases_that_cannot_be)
{
    static const struct load_phase good = {
        .rooms = 1, .burst = 1, .size = 100, .rate_hz = 1};
    struct load_phase rows[] = {good, good, good, good, good};
    struct load *l = NULL;
    struct load_result result;
    char error[LOAD_ERROR_MAX];
    rows[0].rooms = 2;
    rows[1].burst = SOURCE_BURST_MAX + 1;
    rows[2].size = 1;
    rows[3].rate_hz = 0;
    rows[4].audio = true; /* which was not negotiated */
    CHECK_INT(sl_load_new(&least, &l, error), E_OK);
    for (size_t i = 0; i < LEN(rows); i++)
        CHECK_INT(sl_load_run(l, &rows[i], NULL, NULL, &result, error), E_MALFORMED);
    sl_load_free(l);
}
