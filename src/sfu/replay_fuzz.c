#include "sfu/replay.h"

#include "check.h"
#include "fuzz.h"
#include "sfu/capture.h"

enum { PACKETS = 4096 };

void check_fail(const char *file, int line, const char *fmt, ...)
{
    (void)file, (void)line, (void)fmt;
    __builtin_trap(); /* of the folder's simulation, which is linked, too */
}

/*
 * A file may say anything: the replay ends, in one of the ways that it has, and the same way when
 * it is run again.
 */
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
    const struct replay_conf conf = {.srtp = sl_srtp_backend_best()};
    struct span file = {in, n};
    struct rd r = rd_of(file);
    struct capture_head head;
    struct replay_report a, b;
    if (sl_capture_head_get(&r, &head) == E_OK &&
        (head.packets > PACKETS || head.leases > PACKETS))
        return 0;
    enum err e = sl_replay(file, &conf, &a);
    MUST(e == E_OK || e == E_STATE || e == E_SHORT || e == E_MALFORMED ||
         e == E_UNSUPPORTED || e == E_FULL);
    MUST((e == E_STATE) == (a.difference[0] != '\0'));
    MUST(a.at <= n);
    MUST(sl_replay(file, &conf, &b) == e);
    MUST(a.at == b.at && a.records == b.records && a.sent == b.sent &&
         memcmp(&a.stats, &b.stats, sizeof a.stats) == 0);
    return 0;
}
