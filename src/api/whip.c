#include "api/whip.h"

#include "api/session.h"

void sl_whip_answer(struct ask *a)
{
    struct claims claims;
    if (a->req->method != HTTP_POST) {
        a->reply.status = 204; /* RFC 9725 §4.1: a GET finds no representation */
        return;
    }
    if (!sl_session_admit(a, MAY_PUBLISH, &claims))
        return;
    if (a->stream.n == 0)
        a->stream = span_of(claims.id[0] ? claims.id : WHIP_STREAM);
    sl_session_create(a, NEGOTIATE_PUBLISH, &claims);
}
