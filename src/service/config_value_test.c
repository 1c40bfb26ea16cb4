#include <stdlib.h>

#include "check.h"
#include "service/config_schema.h"

TEST(config_values_from_text)
{
    static const struct {
        const char *name, *key, *text, *why; /* NULL: it is good */
    } rows[] = {
        {"a number", "rtc.port", "1", NULL},
        {"the largest", "rtc.port", "65535", NULL},
        {"one more", "rtc.port", "65536", "65536 is not between 1 and 65535"},
        {"one less than the least", "rtc.port", "0", "0 is not between 1 and 65535"},
        {"a number that overflows", "rtc.port", "99999999999999999999",
         "'99999999999999999999' is not a number"},
        {"a sign", "rtc.port", "-1", "'-1' is not a number"},
        {"a word", "rtc.port", "https", "'https' is not a number"},
        {"nothing", "rtc.port", "", "'' is not a number"},
        {"true", "demo.enabled", "true", NULL},
        {"yes", "demo.enabled", "yes", "'yes' is neither true nor false"},
        {"1", "demo.enabled", "1", "'1' is neither true nor false"},
        {"seconds", "drain.deadline", "30s", NULL},
        {"seconds without saying so", "drain.deadline", "30", NULL},
        {"days", "drain.deadline", "1d",
         "'1d' is not a time such as \"500ms\", \"30s\" or \"2m\""},
        {"a unit alone", "drain.deadline", "s",
         "'s' is not a time such as \"500ms\", \"30s\" or \"2m\""},
        {"an address and port", "http.listen", "192.0.2.1:80", NULL},
        {"IPv6", "http.listen", "[2001:db8::1]:80", NULL},
        {"port 0: any that is free", "http.listen", "127.0.0.1:0", NULL},
        {"IPv6 without brackets", "http.listen", "2001:db8::1:80",
         "'2001:db8::1:80' is not an address and port such as \"0.0.0.0:80\" or "
         "\"[::1]:80\""},
        {"half a bracket", "http.listen", "[::1:80",
         "'[::1:80' is not an address and port such as \"0.0.0.0:80\" or \"[::1]:80\""},
        {"a port alone", "http.listen", ":80",
         "':80' is not an address and port such as \"0.0.0.0:80\" or \"[::1]:80\""},
        {"no port", "http.listen", "192.0.2.1",
         "'192.0.2.1' is not an address and port such as \"0.0.0.0:80\" or \"[::1]:80\""},
        {"a port too large", "http.listen", "192.0.2.1:65536",
         "'192.0.2.1:65536' is not an address and port such as \"0.0.0.0:80\" or "
         "\"[::1]:80\""},
        {"a name", "http.listen", "localhost:80",
         "'localhost:80' is not an address and port such as \"0.0.0.0:80\" or "
         "\"[::1]:80\""},
        {"a choice", "log.level", "warn", NULL},
        {"no choice", "log.level", "loud", "'loud' is none of debug, info, warn, error"},
        {"a list", "rtc.listen", "::1, 127.0.0.1 ,192.0.2.1", NULL},
        {"a list of nothing", "rtc.listen", "", NULL},
        {"an element of nothing", "rtc.listen", "::1,,127.0.0.1", "'' is not an address"},
        {"cores", "rtc.pin", "0,2", NULL},
        {"no core", "rtc.pin", "0,x", "'x' is not a number"},
        {"choices", "rtc.srtp_profiles", "aes-cm-128-hmac-sha1-80", NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct config *c = calloc(1, sizeof *c);
        char why[CONFIG_ERROR_MAX] = "";
        check_row(rows[i].name);
        const struct setting *s = sl_setting_find(span_of(rows[i].key));
        CHECK_INT(sl_setting_put_text(c, s, span_of(rows[i].text), why),
                  rows[i].why ? E_MALFORMED : E_OK);
        if (rows[i].why && strcmp(why, rows[i].why) != 0)
            check_fail(__FILE__, __LINE__, "%s", why);
        sl_config_free(c);
    }
}

TEST(config_lists_have_an_end)
{
    struct config *c = calloc(1, sizeof *c);
    char text[4 * CONFIG_LIST_MAX + 8] = "", why[CONFIG_ERROR_MAX];
    for (int i = 0; i < CONFIG_LIST_MAX; i++)
        strcat(text, "1, ");
    const struct setting *s = sl_setting_find(span_of("rtc.pin"));
    CHECK_INT(sl_setting_put_text(c, s, span_of(text), why), E_OK);
    CHECK_INT(c->rtc.pin.n, CONFIG_LIST_MAX);
    strcat(text, "1");
    CHECK_INT(sl_setting_put_text(c, s, span_of(text), why), E_MALFORMED);
    CHECK(span_is(span_of(why), "more than 64 elements"));
    sl_config_free(c);
}
