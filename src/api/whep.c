#include "api/whep.h"

#include "api/session.h"

static bool is_live(const struct ask *a, const struct claims *claims)
{
    const struct room *room =
        sl_rooms_room(a->face->conf.rooms, span_of(claims->tenant), a->room);
    return room && sl_room_publisher(room, a->stream);
}

void sl_whep_answer(struct ask *a)
{
    struct claims claims;
    if (a->req->method != HTTP_POST) {
        a->reply.status = 204;
        return;
    }
    if (!sl_session_admit(a, MAY_WATCH, &claims))
        return;
    if (a->stream.n > 0 && !is_live(a, &claims)) {
        sl_ask_refuse(a, PROBLEM_NOT_LIVE, NULL, "");
        sl_reply_retry_after(&a->reply, WHEP_RETRY);
        return;
    }
    sl_session_create(a, NEGOTIATE_WATCH, &claims);
}
