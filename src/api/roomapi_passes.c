#include "api/roomapi_passes.h"

#include <jansson.h>
#include <stdlib.h>

#include "api/passjson.h"

static void refuse(struct roomapi_call *c, enum err e)
{
    if (e == E_DENIED || e == E_UNSUPPORTED)
        sl_roomapi_refuse(c, PROBLEM_REQUEST, sl_passjson_fault(e));
    else if (e == E_STATE)
        sl_roomapi_refuse(c, PROBLEM_STATE, "the room is locked");
    else if (e == E_EXISTS)
        sl_roomapi_refuse(c, PROBLEM_EXISTS, "somebody of that name is in the room");
    else
        sl_roomapi_fail(c, e);
}

static bool read_asked(struct roomapi_call *c, struct passjson *a)
{
    char fault[PASSJSON_FAULT_CAP];
    enum err e = sl_passjson_read(c->in, c->api->conf.pass_any, a, fault);
    if (e)
        sl_roomapi_refuse(c,
                          e == E_STATE    ? PROBLEM_STATE
                          : e == E_DENIED ? PROBLEM_NAME
                                          : PROBLEM_REQUEST,
                          fault);
    return !e;
}

void sl_roomapi_issue(struct roomapi_call *c)
{
    struct passjson a;
    struct peer *p;
    if (!read_asked(c, &a))
        return;
    uint8_t *text = malloc(NEGOTIATE_ANSWER_MAX);
    struct wr offer = wr_of(text, text ? NEGOTIATE_ANSWER_MAX : 0);
    enum err e =
        text ? sl_pass_issue(c->api->conf.rooms, c->room, &a.pass, c->now, &offer, &p)
             : E_MEMORY;
    if (e) {
        refuse(c, e);
    } else {
        sl_passjson_write(sl_roomapi_body(c, 201), &a, p, wr_done(&offer), c->wall);
        sl_reply_field(&c->reply, "Cache-Control", "no-store");
    }
    free(text);
}

void sl_roomapi_revoke_pass(struct roomapi_call *c)
{
    uint64_t transport = 0;
    if (!sl_roomapi_id(c->seg[5], &transport) ||
        sl_pass_revoke(c->api->conf.rooms, c->room, transport) != E_OK)
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND, "no such pass");
    else
        c->reply.status = 204;
}
