#include "api/redis_passes.h"

#include <stdio.h>

#include "api/codes.h"

static const char *fail(char detail[PASSJSON_FAULT_CAP], const char *code,
                        const char *text)
{
    (void)snprintf(detail, PASSJSON_FAULT_CAP, "%s", text);
    return code;
}

const char *sl_redis_pass_issue(const struct redis_pass_conf *conf,
                                const struct redis_msg *m, usec now, uint8_t *scratch,
                                struct wr *payload, char detail[PASSJSON_FAULT_CAP])
{
    struct passjson a;
    struct peer *p;
    struct wr offer = wr_of(scratch, NEGOTIATE_ANSWER_MAX);
    const struct room *room = sl_rooms_room(conf->rooms, m->tenant, m->name);
    detail[0] = '\0';
    enum err e = sl_passjson_read(m->pass, conf->any, &a, detail);
    if (e)
        return e == E_STATE ? "fingerprint" : "malformed";
    if (a.pass.id.p)
        return fail(detail, "malformed", "peer: it is clientID");
    a.pass.id = m->client;
    if (!a.has_role && !room)
        a.pass.role = ROLE_HOST; /* who makes it */
    e = sl_pass_issue_in(conf->rooms, m->tenant, m->name, &a.pass, now, &offer, &p);
    if (e == E_DENIED || e == E_UNSUPPORTED)
        return fail(detail, "malformed", sl_passjson_fault(e));
    if (e)
        return e == E_EXISTS ? "taken" : sl_codes_entry(e);
    sl_passjson_write(payload, &a, p, wr_done(&offer), conf->wall() / SEC(1));
    return NULL;
}

bool sl_redis_pass_revoke(struct rooms *r, const struct redis_msg *m)
{
    struct room *room = sl_rooms_find(r, m->tenant, m->name);
    return room && sl_pass_revoke_all(r, room, m->client, true) > 0;
}
