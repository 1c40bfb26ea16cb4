#include "room/role.h"

static const struct {
    const char *name;
    unsigned can;
} roles[ROLES] = {
    [ROLE_VIEWER] = {"viewer", CAN_SUBSCRIBE},
    [ROLE_PARTICIPANT] = {"participant", CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA},
    [ROLE_HOST] = {"host", CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA | CAN_MODERATE},
};

unsigned sl_role_can(enum role role, unsigned may)
{
    unsigned can = roles[role].can;
    if (!(may & (MAY_PUBLISH | MAY_ADMIN)))
        can &= ~(unsigned)CAN_PUBLISH;
    if (!(may & (MAY_WATCH | MAY_ADMIN)))
        can &= ~(unsigned)CAN_SUBSCRIBE;
    return can;
}

const char *sl_role_name(enum role role)
{
    return roles[role].name;
}

bool sl_role_of(struct span name, enum role *ret)
{
    for (unsigned i = 0; i < ROLES; i++)
        if (span_is(name, roles[i].name)) {
            *ret = (enum role)i;
            return true;
        }
    return false;
}

bool sl_role_claimed(const struct claims *c, enum role *ret)
{
    if (c->role[0])
        return sl_role_of(span_of(c->role), ret);
    *ret = c->may & MAY_ADMIN     ? ROLE_HOST
           : c->may & MAY_PUBLISH ? ROLE_PARTICIPANT
                                  : ROLE_VIEWER;
    return true;
}
