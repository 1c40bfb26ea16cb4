#include "service/config_rtcd_keys.h"

#include <string.h>

#include "check.h"

TEST(config_rtcd_keys_have_names_of_their_own)
{
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++) {
        const struct rtcd_setting *s = &sl_rtcd_settings[i];
        CHECK(s->toml && s->env);
        check_row(s->toml);
        CHECK(sl_config_rtcd_knows(s->toml, false));
        CHECK(s->ours || s->note); /* it is something here, or it is said */
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(s->toml, sl_rtcd_settings[k].toml) != 0 &&
                  strcmp(s->env, sl_rtcd_settings[k].env) != 0);
    }
}

static const struct {
    const char *name, *key;
    bool beneath, want;
} rows[] = {
    {"a key", "rtc.ice_port_udp", false, true},
    {"in any case", "RTC.ICE_Port_UDP", false, true},
    {"a table is no key", "api.http", false, false},
    {"but has some", "api.http", true, true},
    {"half a word of one has not", "api.htt", true, false},
    {"ours", "rtc.workers", true, false},
};

TEST(config_rtcd_keys_are_known)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK(sl_config_rtcd_knows(rows[i].key, rows[i].beneath) == rows[i].want);
    }
}

/* A variable that is set again counts the last time; those of others are not looked at. */
TEST(config_rtcd_keys_from_variables)
{
    static const char *const env[] = {"RTCD_RTC_ICEPORTUDP=1", "RTCD_RTC_ICEPORTUDP=2",
                                      "RTC_ICEPORTUDP=3", "RTCD_NONE=4", NULL};
    struct config_rtcd r = {.any = false};
    CHECK_INT(sl_config_rtcd_env(&r, env + 2), E_OK);
    CHECK(!r.any);
    CHECK_INT(sl_config_rtcd_env(&r, env), E_OK);
    CHECK(r.any && strcmp(r.value[RTCD_KEY_PORT_UDP], "2") == 0);
    CHECK(r.value[RTCD_KEY_PORT_TCP] == NULL);
    sl_config_rtcd_fini(&r);
}
