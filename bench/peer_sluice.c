/* Sluice itself, beside the others. */
#include "peer.h"

static bool start(const struct peer *peer, struct server *s, const char *address,
                  int core)
{
    return server_start(s, peer->program, address, core);
}

struct peer peer_sluice(const char *program)
{
    return (struct peer){.name = "sluice",
                         .program = program,
                         .signaling = &sl_signaling_whip,
                         .start = start};
}
