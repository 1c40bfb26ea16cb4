#include "room/dialog.h"

#include "dialogs.h"
#include "fuzz.h"

/* Whatever two ends do, in the end each receives what the other sends; and a stranger's offer
 * after all that is refused, or answered with what can be parsed, and so can our next offer. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct end a, b;
    const uint8_t *text = memchr(p, '\0', n);
    size_t steps = text ? (size_t)(text - p) : n;
    end_init(&a, 1);
    end_init(&b, 2);
    for (size_t i = 0; i < steps && i < 200; i++)
        MUST(ends_step(&a, &b, p[i]) == E_OK);
    MUST(ends_settle(&a, &b) == E_OK);
    MUST(ends_agree(&a, &b) && ends_agree(&b, &a));

    struct sdp *sdp;
    if (text && end_offered(&a, (struct span){text + 1, n - steps - 1}) == E_OK) {
        MUST(sl_sdp_new(end_text(&a), SDP_DESCRIPTION, NULL, &sdp) == E_OK);
        sl_sdp_free(sdp);
        if (!a.used[0])
            end_add(&a, 0, MEDIA_AUDIO);
        if (sl_dialog_ready(a.dialog) && end_offer(&a) == E_OK) {
            MUST(sl_sdp_new(end_text(&a), SDP_DESCRIPTION, NULL, &sdp) == E_OK);
            sl_sdp_free(sdp);
        }
    }
    end_fini(&a);
    end_fini(&b);
    return 0;
}
