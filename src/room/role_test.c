#include "room/role.h"

#include "check.h"

TEST(what_roles_permit)
{
    static const struct {
        const char *name;
        enum role role;
        unsigned may, can;
    } rows[] = {
        {"a viewer", ROLE_VIEWER, MAY_PUBLISH | MAY_WATCH, CAN_SUBSCRIBE},
        {"a participant", ROLE_PARTICIPANT, MAY_PUBLISH | MAY_WATCH,
         CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA},
        {"a host", ROLE_HOST, MAY_PUBLISH | MAY_WATCH,
         CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA | CAN_MODERATE},
        {"a token that only watches", ROLE_HOST, MAY_WATCH,
         CAN_SUBSCRIBE | CAN_DATA | CAN_MODERATE},
        {"a token that only publishes", ROLE_PARTICIPANT, MAY_PUBLISH,
         CAN_PUBLISH | CAN_DATA},
        {"admin is all", ROLE_PARTICIPANT, MAY_ADMIN,
         CAN_PUBLISH | CAN_SUBSCRIBE | CAN_DATA},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        enum role back;
        check_row(rows[i].name);
        CHECK_INT(sl_role_can(rows[i].role, rows[i].may), rows[i].can);
        CHECK(sl_role_of(span_of(sl_role_name(rows[i].role)), &back) &&
              back == rows[i].role);
    }
    enum role none;
    CHECK(!sl_role_of(span_of("hos"), &none));
}

TEST(roles_that_tokens_give)
{
    static const struct {
        const char *name;
        struct claims claims;
        bool good;
        enum role want;
    } rows[] = {
        {"what it says", {.may = MAY_WATCH, .role = "host"}, true, ROLE_HOST},
        {"admin", {.may = MAY_ADMIN}, true, ROLE_HOST},
        {"publish", {.may = MAY_PUBLISH | MAY_WATCH}, true, ROLE_PARTICIPANT},
        {"watch", {.may = MAY_WATCH}, true, ROLE_VIEWER},
        {"no role that there is", {.may = MAY_ADMIN, .role = "king"}, false, ROLES},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        enum role role = ROLES;
        check_row(rows[i].name);
        CHECK_INT(sl_role_claimed(&rows[i].claims, &role), rows[i].good);
        CHECK_INT(role, rows[i].want);
    }
}
