#include "api/codes.h"

#include <stdio.h>

const char *sl_codes_entry(enum err e)
{
    return e == E_OK       ? NULL
           : e == E_ABSENT ? "no_room"
           : e == E_STATE  ? "locked"
           : e == E_FULL   ? "full"
           : e == E_DENIED ? "forbidden"
                           : "internal";
}

const char *sl_codes_description(enum err e, const struct refused *refused,
                                 char detail[CODES_DETAIL_CAP])
{
    detail[0] = '\0';
    if (e == E_MALFORMED) {
        if (refused->at > 0)
            (void)snprintf(detail, CODES_DETAIL_CAP, "line %zu", refused->at);
        return "sdp";
    }
    if (e == E_UNSUPPORTED) {
        (void)snprintf(detail, CODES_DETAIL_CAP, "%s: %s",
                       sl_negotiate_code(refused->why), sl_negotiate_text(refused->why));
        return "offer";
    }
    if (e == E_FULL && refused->crowded)
        (void)snprintf(detail, CODES_DETAIL_CAP, "publishers");
    return e == E_STATE ? "glare" : e == E_FULL ? "full" : "internal";
}
