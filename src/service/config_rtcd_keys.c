#include "service/config_rtcd_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"

#include "service/config.h"

enum { KEY_MAX = 96 };

_Static_assert(RTCD_KEY_ENABLE_COLOR + 1 == CONFIG_RTCD_KEYS, "the table has all keys");

const struct rtcd_setting sl_rtcd_settings[CONFIG_RTCD_KEYS] = {
    [RTCD_KEY_LISTEN] = {"api.http.listen_address", "API_HTTP_LISTENADDRESS",
                         "`admin.listen`", NULL},
    [RTCD_KEY_TLS_ENABLE] = {"api.http.tls.enable", "API_HTTP_TLS_ENABLE",
                             "the two below", NULL},
    [RTCD_KEY_TLS_CERT] = {"api.http.tls.cert_file", "API_HTTP_TLS_CERTFILE",
                           "`admin.tls_cert`", NULL},
    [RTCD_KEY_TLS_KEY] = {"api.http.tls.cert_key", "API_HTTP_TLS_CERTKEY",
                          "`admin.tls_key`", NULL},
    [RTCD_KEY_SELF_REGISTRATION] = {"api.security.allow_self_registration",
                                    "API_SECURITY_ALLOWSELFREGISTRATION",
                                    "`rtcd.self_registration`", NULL},
    [RTCD_KEY_ENABLE_ADMIN] = {"api.security.enable_admin", "API_SECURITY_ENABLEADMIN",
                               "the one below", NULL},
    [RTCD_KEY_ADMIN_SECRET] = {"api.security.admin_secret_key",
                               "API_SECURITY_ADMINSECRETKEY", "`rtcd.admin_secret`",
                               NULL},
    [RTCD_KEY_EXPIRATION] = {"api.security.session_cache.expiration_minutes",
                             "API_SECURITY_SESSIONCACHE_EXPIRATIONMINUTES",
                             "`rtcd.token_lifetime`", NULL},
    [RTCD_KEY_ADDRESS_UDP] = {"rtc.ice_address_udp", "RTC_ICEADDRESSUDP", "`rtc.listen`",
                              NULL},
    [RTCD_KEY_PORT_UDP] = {"rtc.ice_port_udp", "RTC_ICEPORTUDP", "`rtc.port`", NULL},
    [RTCD_KEY_ADDRESS_TCP] = {"rtc.ice_address_tcp", "RTC_ICEADDRESSTCP",
                              "`rtc.tcp_listen`", NULL},
    [RTCD_KEY_PORT_TCP] = {"rtc.ice_port_tcp", "RTC_ICEPORTTCP", "`rtc.tcp_port`", NULL},
    [RTCD_KEY_HOST_OVERRIDE] = {"rtc.ice_host_override", "RTC_ICEHOSTOVERRIDE",
                                "`rtc.public_address`; a name is looked up each minute",
                                NULL},
    [RTCD_KEY_HOST_PORT_OVERRIDE] = {"rtc.ice_host_port_override",
                                     "RTC_ICEHOSTPORTOVERRIDE", "`rtc.public_port`",
                                     NULL},
    [RTCD_KEY_ICE_SERVERS] =
        {"rtc.ice_servers", "RTC_ICESERVERS",
         "`rtc.ice_servers`: the first STUN server tells our public address; "
         "clients of the "
         "public face are told of all",
         NULL},
    [RTCD_KEY_TURN_SECRET] =
        {"rtc.turn.static_auth_secret", "RTC_TURNCONFIG_STATICAUTHSECRET",
         "`rtc.turn_secret`, for clients of the public face; the server makes "
         "no relayed candidates of its own",
         NULL},
    [RTCD_KEY_TURN_EXPIRATION] = {"rtc.turn.credentials_expiration_minutes",
                                  "RTC_TURNCONFIG_CREDENTIALSEXPIRATIONMINUTES",
                                  "`rtc.turn_lifetime`", NULL},
    [RTCD_KEY_ENABLE_IPV6] = {"rtc.enable_ipv6", "RTC_ENABLEIPV6", "`rtc.ipv6`", NULL},
    [RTCD_KEY_UDP_SOCKETS] =
        {"rtc.udp_sockets_count", "RTC_UDPSOCKETSCOUNT", NULL,
         "each worker has one socket for each address (rtc.workers)"},
    [RTCD_KEY_NACK_BUFFER] = {"rtc.nack_buffer_size", "RTC_NACKBUFFERSIZE", NULL,
                              "what may be resent is bounded by rtc.packet_pool"},
    [RTCD_KEY_NACK_COPY] = {"rtc.nack_disable_copy", "RTC_NACKDISABLECOPY", NULL,
                            "nothing is copied to be resent"},
    [RTCD_KEY_DATA_SOURCE] =
        {"store.data_source", "STORE_DATASOURCE",
         "`store.directory`; `sluice import-rtcd` brings clients along", NULL},
    [RTCD_KEY_ENABLE_CONSOLE] = {"logger.enable_console", "LOGGER_ENABLECONSOLE", NULL,
                                 "logs go to standard error"},
    [RTCD_KEY_CONSOLE_JSON] = {"logger.console_json", "LOGGER_CONSOLEJSON",
                               "`log.format`", NULL},
    [RTCD_KEY_CONSOLE_LEVEL] = {"logger.console_level", "LOGGER_CONSOLELEVEL",
                                "`log.level`", NULL},
    [RTCD_KEY_ENABLE_FILE] = {"logger.enable_file", "LOGGER_ENABLEFILE", NULL,
                              "logs go to standard error, no file is written"},
    [RTCD_KEY_FILE_JSON] = {"logger.file_json", "LOGGER_FILEJSON", NULL,
                            "no file is written"},
    [RTCD_KEY_FILE_LEVEL] = {"logger.file_level", "LOGGER_FILELEVEL", NULL,
                             "no file is written"},
    [RTCD_KEY_FILE_LOCATION] = {"logger.file_location", "LOGGER_FILELOCATION", NULL,
                                "no file is written"},
    [RTCD_KEY_ENABLE_COLOR] = {"logger.enable_color", "LOGGER_ENABLECOLOR", NULL,
                               "logs have no colours"},
};

void sl_config_rtcd_fini(struct config_rtcd *r)
{
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++)
        free(r->value[i]);
    *r = (struct config_rtcd){0};
}

static enum err put(struct config_rtcd *r, size_t key, struct span text)
{
    char *copy = strndup((const char *)text.p, text.n);
    if (!copy)
        return E_MEMORY;
    free(r->value[key]);
    r->value[key] = copy;
    r->any = true;
    return E_OK;
}

bool sl_config_rtcd_knows(const char *key, bool beneath)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++)
        if (strncasecmp(sl_rtcd_settings[i].toml, key, n) == 0 &&
            (sl_rtcd_settings[i].toml[n] == '\0' ||
             (beneath && sl_rtcd_settings[i].toml[n] == '.')))
            return true;
    return false;
}

static enum err put_node(struct config_rtcd *r, size_t key, const struct toml_node *node)
{
    char text[32];
    switch (node->type) { // NOLINT(clang-diagnostic-switch-enum)
    case TOML_INT: (void)snprintf(text, sizeof text, "%lld", (long long)node->i); break;
    case TOML_BOOL:
        (void)snprintf(text, sizeof text, "%s", node->b ? "true" : "false");
        break;
    case TOML_STRING: return put(r, key, node->text);
    case TOML_TABLE:
    case TOML_ARRAY:
    case TOML_FLOAT:
    case TOML_DATETIME:
    case TOML_DATETIME_LOCAL:
    case TOML_DATE_LOCAL:
    case TOML_TIME_LOCAL: return E_OK; /* of another type than any of rtcd's */
    }
    return put(r, key, span_of(text));
}

/* As deep as keys of rtcd are. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum err walk(struct config_rtcd *r, const struct toml_node *table,
                     const char *above)
{
    char key[KEY_MAX];
    enum err e = E_OK;
    for (const struct toml_node *at = table->first; at && !e; at = at->next) {
        int n = snprintf(key, sizeof key, "%s%s%.*s", above, *above ? "." : "",
                         at->key.n < KEY_MAX ? (int)at->key.n : KEY_MAX,
                         (const char *)at->key.p);
        if (n >= KEY_MAX)
            continue;
        if (at->type == TOML_TABLE && sl_config_rtcd_knows(key, true))
            e = walk(r, at, key);
        /* ice_servers is a setting of ours, too, and read as such. */
        for (size_t i = 0; i < CONFIG_RTCD_KEYS && !e && at->type != TOML_TABLE; i++)
            if (i != RTCD_KEY_ICE_SERVERS &&
                strcasecmp(sl_rtcd_settings[i].toml, key) == 0)
                e = put_node(r, i, at);
    }
    return e;
}

enum err sl_config_rtcd_file(struct config_rtcd *r, const struct toml_node *root)
{
    return walk(r, root, "");
}

enum err sl_config_rtcd_env(struct config_rtcd *r, const char *const *env)
{
    enum err e = E_OK;
    for (; env && *env && !e; env++) {
        const char *value = strchr(*env, '=');
        if (!value || strncmp(*env, RTCD_ENV_PREFIX, strlen(RTCD_ENV_PREFIX)) != 0)
            continue;
        const char *name = *env + strlen(RTCD_ENV_PREFIX);
        for (size_t i = 0; i < CONFIG_RTCD_KEYS && !e; i++)
            if (strlen(sl_rtcd_settings[i].env) == (size_t)(value - name) &&
                strncmp(sl_rtcd_settings[i].env, name, (size_t)(value - name)) == 0)
                e = put(r, i, span_of(value + 1));
    }
    return e;
}

void sl_config_write_rtcd_table(struct wr *w)
{
    char line[512];
    wr_str(w, "| rtcd's file | rtcd's variable | here |\n|---|---|---|\n");
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++) {
        (void)snprintf(line, sizeof line, "| `%s` | `" RTCD_ENV_PREFIX "%s` | %s%s |\n",
                       sl_rtcd_settings[i].toml, sl_rtcd_settings[i].env,
                       sl_rtcd_settings[i].ours ? sl_rtcd_settings[i].ours
                                                : "no effect: ",
                       sl_rtcd_settings[i].ours ? "" : sl_rtcd_settings[i].note);
        wr_str(w, line);
    }
}
