#include "room/remote.h"

#include <stdio.h>

#include "base/word.h"

#include "room/offer.h"

enum { LINE_MAX_OCTETS = 512 };

void sl_remote_sdp(const struct remote_teller *t, const struct sdp *sdp, uint8_t *told)
{
    struct addr all[REMOTES_MAX];
    if (!t->fn || *told >= REMOTES_MAX)
        return;
    size_t n = sl_offer_candidates(sdp, all, (size_t)(REMOTES_MAX - *told));
    *told = (uint8_t)(*told + n);
    if (n > 0)
        t->fn(t->ctx, all, n);
}

void sl_remote_line(const struct remote_teller *t, struct span line, uint8_t *told)
{
    char text[LINE_MAX_OCTETS + 64];
    struct sdp *sdp;
    if (!t->fn || line.n == 0 || line.n > LINE_MAX_OCTETS)
        return;
    /* As a fragment of one section, so that it is read as those are. */
    int n =
        snprintf(text, sizeof text, "m=audio 9 RTP/AVP 0\r\n%s%.*s\r\n",
                 word_starts(line, "a=") ? "" : "a=", (int)line.n, (const char *)line.p);
    struct span fragment = {(const uint8_t *)text, (size_t)n};
    if (sl_sdp_new(fragment, SDP_FRAGMENT, NULL, &sdp) != E_OK)
        return;
    sl_remote_sdp(t, sdp, told);
    sl_sdp_free(sdp);
}
