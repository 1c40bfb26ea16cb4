#include "service/config_rtcd.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"
#include "base/word.h"

#include "net/udp.h"
#include "service/config_schema.h"

enum { KEY_MAX = 96, LISTED_MAX = 32, MINUTES_MAX = 100 * 365 * 24 * 60 };

/* In the order of the documentation. */
enum key {
    LISTEN,
    TLS_ENABLE,
    TLS_CERT,
    TLS_KEY,
    SELF_REGISTRATION,
    ENABLE_ADMIN,
    ADMIN_SECRET,
    EXPIRATION,
    ADDRESS_UDP,
    PORT_UDP,
    ADDRESS_TCP,
    PORT_TCP,
    HOST_OVERRIDE,
    HOST_PORT_OVERRIDE,
    ICE_SERVERS,
    TURN_SECRET,
    TURN_EXPIRATION,
    ENABLE_IPV6,
    UDP_SOCKETS,
    NACK_BUFFER,
    NACK_COPY,
    DATA_SOURCE,
    ENABLE_CONSOLE,
    CONSOLE_JSON,
    CONSOLE_LEVEL,
    ENABLE_FILE,
    FILE_JSON,
    FILE_LEVEL,
    FILE_LOCATION,
    ENABLE_COLOR,
};
_Static_assert(ENABLE_COLOR + 1 == CONFIG_RTCD_KEYS, "the table has all keys");

static const struct {
    const char *toml, *env;
    const char *ours; /* what it becomes */
    const char *note; /* said when it is set; NULL: it has its effect */
} keys[CONFIG_RTCD_KEYS] = {
    [LISTEN] = {"api.http.listen_address", "API_HTTP_LISTENADDRESS", "`admin.listen`",
                NULL},
    [TLS_ENABLE] = {"api.http.tls.enable", "API_HTTP_TLS_ENABLE", "the two below", NULL},
    [TLS_CERT] = {"api.http.tls.cert_file", "API_HTTP_TLS_CERTFILE", "`admin.tls_cert`",
                  NULL},
    [TLS_KEY] = {"api.http.tls.cert_key", "API_HTTP_TLS_CERTKEY", "`admin.tls_key`",
                 NULL},
    [SELF_REGISTRATION] = {"api.security.allow_self_registration",
                           "API_SECURITY_ALLOWSELFREGISTRATION",
                           "`rtcd.self_registration`", NULL},
    [ENABLE_ADMIN] = {"api.security.enable_admin", "API_SECURITY_ENABLEADMIN",
                      "the one below", NULL},
    [ADMIN_SECRET] = {"api.security.admin_secret_key", "API_SECURITY_ADMINSECRETKEY",
                      "`rtcd.admin_secret`", NULL},
    [EXPIRATION] = {"api.security.session_cache.expiration_minutes",
                    "API_SECURITY_SESSIONCACHE_EXPIRATIONMINUTES",
                    "`rtcd.token_lifetime`", NULL},
    [ADDRESS_UDP] = {"rtc.ice_address_udp", "RTC_ICEADDRESSUDP", "`rtc.listen`", NULL},
    [PORT_UDP] = {"rtc.ice_port_udp", "RTC_ICEPORTUDP", "`rtc.port`", NULL},
    [ADDRESS_TCP] = {"rtc.ice_address_tcp", "RTC_ICEADDRESSTCP", "`rtc.tcp_listen`",
                     NULL},
    [PORT_TCP] = {"rtc.ice_port_tcp", "RTC_ICEPORTTCP", "`rtc.tcp_port`", NULL},
    [HOST_OVERRIDE] = {"rtc.ice_host_override", "RTC_ICEHOSTOVERRIDE",
                       "`rtc.public_address`; a name is looked up each minute", NULL},
    [HOST_PORT_OVERRIDE] = {"rtc.ice_host_port_override", "RTC_ICEHOSTPORTOVERRIDE",
                            "`rtc.public_port`", NULL},
    [ICE_SERVERS] = {"rtc.ice_servers", "RTC_ICESERVERS",
                     "`rtc.ice_servers`: the first STUN server tells our public address; "
                     "clients of the "
                     "public face are told of all",
                     NULL},
    [TURN_SECRET] =
        {"rtc.turn.static_auth_secret", "RTC_TURNCONFIG_STATICAUTHSECRET",
         "`rtc.turn_secret`, for clients of the public face; the server makes "
         "no relayed candidates of its own",
         NULL},
    [TURN_EXPIRATION] = {"rtc.turn.credentials_expiration_minutes",
                         "RTC_TURNCONFIG_CREDENTIALSEXPIRATIONMINUTES",
                         "`rtc.turn_lifetime`", NULL},
    [ENABLE_IPV6] = {"rtc.enable_ipv6", "RTC_ENABLEIPV6", "`rtc.ipv6`", NULL},
    [UDP_SOCKETS] = {"rtc.udp_sockets_count", "RTC_UDPSOCKETSCOUNT", NULL,
                     "each worker has one socket for each address (rtc.workers)"},
    [NACK_BUFFER] = {"rtc.nack_buffer_size", "RTC_NACKBUFFERSIZE", NULL,
                     "what may be resent is bounded by rtc.packet_pool"},
    [NACK_COPY] = {"rtc.nack_disable_copy", "RTC_NACKDISABLECOPY", NULL,
                   "nothing is copied to be resent"},
    [DATA_SOURCE] = {"store.data_source", "STORE_DATASOURCE",
                     "`store.directory`; `sluice import-rtcd` brings clients along",
                     NULL},
    [ENABLE_CONSOLE] = {"logger.enable_console", "LOGGER_ENABLECONSOLE", NULL,
                        "logs go to standard error"},
    [CONSOLE_JSON] = {"logger.console_json", "LOGGER_CONSOLEJSON", "`log.format`", NULL},
    [CONSOLE_LEVEL] = {"logger.console_level", "LOGGER_CONSOLELEVEL", "`log.level`",
                       NULL},
    [ENABLE_FILE] = {"logger.enable_file", "LOGGER_ENABLEFILE", NULL,
                     "logs go to standard error, no file is written"},
    [FILE_JSON] = {"logger.file_json", "LOGGER_FILEJSON", NULL, "no file is written"},
    [FILE_LEVEL] = {"logger.file_level", "LOGGER_FILELEVEL", NULL, "no file is written"},
    [FILE_LOCATION] = {"logger.file_location", "LOGGER_FILELOCATION", NULL,
                       "no file is written"},
    [ENABLE_COLOR] = {"logger.enable_color", "LOGGER_ENABLECOLOR", NULL,
                      "logs have no colours"},
};

#define ENV_PREFIX "RTCD_"

/* ---- collecting ---- */

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
        if (strncasecmp(keys[i].toml, key, n) == 0 &&
            (keys[i].toml[n] == '\0' || (beneath && keys[i].toml[n] == '.')))
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
            if (i != ICE_SERVERS && strcasecmp(keys[i].toml, key) == 0)
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
        if (!value || strncmp(*env, ENV_PREFIX, strlen(ENV_PREFIX)) != 0)
            continue;
        const char *name = *env + strlen(ENV_PREFIX);
        for (size_t i = 0; i < CONFIG_RTCD_KEYS && !e; i++)
            if (strlen(keys[i].env) == (size_t)(value - name) &&
                strncmp(keys[i].env, name, (size_t)(value - name)) == 0)
                e = put(r, i, span_of(value + 1));
    }
    return e;
}

/* ---- meaning ---- */

struct applying {
    const struct config_rtcd *r;
    struct config *c;
    char *error;
};

__attribute__((format(printf, 2, 3))) static enum err fail(struct applying *a,
                                                           const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(a->error, CONFIG_ERROR_MAX, fmt, ap);
    va_end(ap);
    return E_MALFORMED;
}

static const char *text_of(const struct applying *a, enum key key, const char *otherwise)
{
    return a->r->value[key] ? a->r->value[key] : otherwise;
}

static enum err set(struct applying *a, const char *key, const char *value)
{
    char why[CONFIG_ERROR_MAX];
    enum err e =
        sl_setting_put_text(a->c, sl_setting_find(span_of(key)), span_of(value), why);
    return e == E_MALFORMED ? fail(a, "%s: %.400s", key, why) : e;
}

/* The words that rtcd takes. */
static enum err flag(struct applying *a, enum key key, bool otherwise, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    const char *text = a->r->value[key];
    *ret = otherwise;
    for (size_t i = 0; text && i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret = strcmp(text, yes[i]) == 0;
            return E_OK;
        }
    }
    return text ? fail(a, "%s: '%.40s' is neither true nor false", keys[key].toml, text)
                : E_OK;
}

/* A number, also in the forms 0x1f, 0o17 and 0b1. */
static bool read_number(const char *text, long long *ret)
{
    char *end = NULL;
    bool prefixed = text[0] == '0' && text[1];
    int base = !prefixed ? 10 : strchr("oO", text[1]) ? 8 : strchr("bB", text[1]) ? 2 : 0;
    *ret = strtoll(text + (base == 8 || base == 2 ? 2 : 0), &end, base);
    return *text && *end == '\0';
}

static enum err number(struct applying *a, enum key key, long long otherwise,
                       long long *ret)
{
    const char *text = a->r->value[key];
    *ret = otherwise;
    if (!text || read_number(text, ret))
        return E_OK;
    return fail(a, "%s: '%.40s' is no number", keys[key].toml, text);
}

/* ":8045" is any address, and names but this one are none here. */
static void listen_text(const char *at, size_t host, char *ret, size_t cap)
{
    static const char local[] = "localhost";
    bool is_local = host == sizeof local - 1 && strncmp(at, local, host) == 0;
    (void)snprintf(ret, cap, "%s%s",
                   host == 0  ? "0.0.0.0"
                   : is_local ? "127.0.0.1"
                              : "",
                   is_local ? at + host : at);
}

static enum err set_api(struct applying *a)
{
    bool tls, self, admin;
    long long minutes;
    char text[128];
    const char *at = text_of(a, LISTEN, ":8045"), *colon = strrchr(at, ':');
    enum err e = flag(a, TLS_ENABLE, false, &tls);
    e = e ? e : flag(a, SELF_REGISTRATION, false, &self);
    e = e ? e : flag(a, ENABLE_ADMIN, false, &admin);
    e = e ? e : number(a, EXPIRATION, 1440, &minutes);
    if (e)
        return e;
    if (!colon)
        return fail(a, "invalid ListenAddress value: '%.60s' has no port", at);
    listen_text(at, (size_t)(colon - at), text, sizeof text);
    e = set(a, "admin.listen", text);
    if (tls && !e) {
        if (!*text_of(a, TLS_CERT, "") || !*text_of(a, TLS_KEY, ""))
            return fail(a, "invalid TLS.%s value: should not be empty",
                        *text_of(a, TLS_CERT, "") ? "CertKey" : "CertFile");
        e = set(a, "admin.tls_cert", text_of(a, TLS_CERT, ""));
        e = e ? e : set(a, "admin.tls_key", text_of(a, TLS_KEY, ""));
    }
    if (admin && !*text_of(a, ADMIN_SECRET, ""))
        return fail(a, "invalid AdminSecretKey value: should not be empty");
    if (minutes <= 0 || minutes > MINUTES_MAX)
        return fail(a, "invalid ExpirationMinutes value: should be a positive number");
    a->c->rtcd.token_lifetime = SEC(60) * minutes;
    a->c->rtcd.self_registration = self;
    e = e ? e : set(a, "rtcd.admin_secret", admin ? text_of(a, ADMIN_SECRET, "") : "");
    return e;
}

static enum err check_port(struct applying *a, enum key key, const char *name,
                           long long *ret)
{
    enum { LOWEST = 80, HIGHEST = 49151 };
    enum err e = number(a, key, 8443, ret);
    if (!e && (*ret < LOWEST || *ret > HIGHEST))
        return fail(a, "invalid %s value: %lld is not in allowed range [%d, %d]", name,
                    *ret, LOWEST, HIGHEST);
    return e;
}

static enum err check_addresses(struct applying *a, enum key key, const char *name)
{
    struct span rest = span_of(text_of(a, key, ""));
    while (rest.n > 0) {
        struct span one = word_trim(word_cut(&rest, ','));
        struct addr addr;
        if (sl_addr_parse(one, 0, &addr) != E_OK)
            return fail(
                a,
                "invalid %s value: invalid ICEAddress value: %.*s is not a valid IP "
                "address",
                name, one.n < 80 ? (int)one.n : 80, (const char *)one.p);
    }
    return E_OK;
}

static enum err port_of_pair(struct applying *a, struct span pair, struct addr *ip,
                             uint64_t *port)
{
    struct span after = pair, host = word_cut(&after, '/');
    if (sl_addr_parse(host, 0, ip) != E_OK || !word_number(after, UINT16_MAX, port))
        return fail(
            a, "invalid ICEHostPortOverride value: failed to parse mapping: invalid map "
               "pairing syntax");
    return E_OK;
}

/* "ip/port,...": the first address of this machine that stands there decides. */
static enum err set_port_by_pairs(struct applying *a, const char *text)
{
    struct addr own[UDP_PORTS_MAX], ips[LISTED_MAX] = {0};
    uint64_t ports[LISTED_MAX] = {0};
    size_t n = 0, own_n = sl_udp_local_addrs(own, UDP_PORTS_MAX, 0);
    for (struct span rest = span_of(text); rest.n > 0 && n < LISTED_MAX; n++) {
        struct span pair = word_trim(word_cut(&rest, ','));
        enum err e = port_of_pair(a, pair, &ips[n], &ports[n]);
        if (e)
            return e;
        for (size_t i = 0; i < n; i++) {
            char ip[ADDR_TEXT_MAX];
            if (addr_eq(&ips[i], &ips[n]))
                return fail(a,
                            "invalid ICEHostPortOverride value: failed to parse mapping: "
                            "duplicate mapping found for %s",
                            sl_addr_ip_text(&ips[n], ip));
            if (ports[i] == ports[n])
                return fail(a,
                            "invalid ICEHostPortOverride value: failed to parse mapping: "
                            "duplicate port found for %u",
                            (unsigned)ports[n]);
        }
    }
    for (size_t i = 0; i < own_n; i++)
        for (size_t k = 0; k < n; k++)
            if (memcmp(own[i].ip, ips[k].ip, sizeof own[i].ip) == 0) {
                a->c->rtc.public_port = (uint32_t)ports[k];
                return E_OK;
            }
    return E_OK;
}

static enum err set_host_port(struct applying *a)
{
    const char *text = text_of(a, HOST_PORT_OVERRIDE, "");
    long long port;
    if (!*text)
        return E_OK;
    if (!read_number(text, &port))
        return set_port_by_pairs(a, text);
    enum err e = check_port(a, HOST_PORT_OVERRIDE, "ICEHostPortOverride", &port);
    if (!e)
        a->c->rtc.public_port = (uint32_t)port;
    return e;
}

static enum err check_nack(struct applying *a)
{
    enum { LEAST = 32, MOST = 8192 };
    long long sockets, nack;
    bool copy;
    enum err e = number(a, UDP_SOCKETS, 1, &sockets);
    e = e ? e : number(a, NACK_BUFFER, 0, &nack);
    e = e ? e : flag(a, NACK_COPY, true, &copy);
    if (e)
        return e;
    if (sockets <= 0)
        return fail(a, "invalid UDPSocketsCount value: should be greater than 0");
    if (nack != 0 && nack < LEAST)
        return fail(a, "invalid NACKBufferSize value: should be at least %d", LEAST);
    if (nack > MOST)
        return fail(a, "invalid NACKBufferSize value: should not exceed %d", MOST);
    if ((nack & (nack - 1)) != 0)
        return fail(a, "invalid NACKBufferSize value: must be a power of 2 (%lld)", nack);
    return E_OK;
}

static enum err set_rtc(struct applying *a)
{
    long long udp, tcp;
    bool v6;
    char text[16];
    enum err e = check_addresses(a, ADDRESS_UDP, "ICEAddressUDP");
    e = e ? e : check_addresses(a, ADDRESS_TCP, "ICEAddressTCP");
    e = e ? e : check_port(a, PORT_UDP, "ICEPortUDP", &udp);
    e = e ? e : check_port(a, PORT_TCP, "ICEPortTCP", &tcp);
    e = e ? e : flag(a, ENABLE_IPV6, false, &v6);
    if (e)
        return e;
    a->c->rtc.ipv6 = v6;
    (void)snprintf(text, sizeof text, "%lld", udp);
    e = set(a, "rtc.port", text);
    e = e ? e : set(a, "rtc.listen", text_of(a, ADDRESS_UDP, ""));
    (void)snprintf(text, sizeof text, "%lld", tcp);
    e = e ? e : set(a, "rtc.tcp_port", text);
    e = e ? e : set(a, "rtc.tcp_listen", text_of(a, ADDRESS_TCP, ""));
    e = e ? e : set(a, "rtc.public_address", text_of(a, HOST_OVERRIDE, ""));
    e = e ? e : set_host_port(a);
    return e ? e : check_nack(a);
}

static enum err set_turn(struct applying *a)
{
    enum { WEEK = 7 * 24 * 60 };
    const char *secret = text_of(a, TURN_SECRET, "");
    long long minutes;
    enum err e = number(a, TURN_EXPIRATION, 1440, &minutes);
    if (e || !*secret)
        return e;
    if (minutes <= 0 || minutes >= WEEK)
        return fail(a,
                    "invalid TURNConfig.CredentialsExpirationMinutes value: should be in "
                    "the range (0, 10080)");
    a->c->rtc.turn_lifetime = SEC(60) * minutes;
    e = set(a, "rtc.turn_secret", secret);
    return e ? e
             : sl_config_note(a->c, "rtc.turn.static_auth_secret: clients of the public "
                                    "face get credentials by it; the server makes no "
                                    "relayed candidates of its own");
}

static enum err level_of(struct applying *a, enum key key, const char *name,
                         const char **ret)
{
    static const char *const levels[][2] = {
        {"panic", "error"}, {"fatal", "error"}, {"error", "error"}, {"warn", "warn"},
        {"info", "info"},   {"debug", "debug"}, {"trace", "debug"}, {"stdlog", "info"}};
    const char *text = text_of(a, key, "info");
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcasecmp(text, levels[i][0]) == 0) {
            *ret = levels[i][1];
            return E_OK;
        }
    return fail(a, "invalid %s value \"%.40s\"", name, text);
}

static enum err set_log(struct applying *a)
{
    bool console, json, file, file_json, color;
    const char *level = "info", *file_level;
    enum err e = flag(a, ENABLE_CONSOLE, true, &console);
    e = e ? e : flag(a, CONSOLE_JSON, false, &json);
    e = e ? e : flag(a, ENABLE_FILE, true, &file);
    e = e ? e : flag(a, FILE_JSON, true, &file_json);
    e = e ? e : flag(a, ENABLE_COLOR, false, &color);
    if (!e && !console && !file)
        return fail(a, "should enable at least one logging target");
    if (!e && console)
        e = level_of(a, CONSOLE_LEVEL, "ConsoleLevel", &level);
    if (!e && file)
        e = level_of(a, FILE_LEVEL, "FileLevel", &file_level);
    if (!e && file && !*text_of(a, FILE_LOCATION, "rtcd.log"))
        return fail(a, "invalid FileLocation value: should not be empty");
    e = e ? e : set(a, "log.level", level);
    return e ? e : set(a, "log.format", json ? "json" : "auto");
}

/* ---- ICE servers ---- */

static enum err add_ice(struct applying *a, const char *url, const char *user,
                        const char *secret)
{
    char text[512], why[CONFIG_ERROR_MAX];
    struct span u = span_of(url);
    if (!*url)
        return fail(a, "invalid ICEServers value: invalid empty URL");
    if (!word_starts(u, "stun:") && !word_starts(u, "stuns:") &&
        !word_starts(u, "turn:") && !word_starts(u, "turns:"))
        return fail(a, "invalid ICEServers value: URL is not a valid STUN/TURN server");
    int n = snprintf(text, sizeof text, "%s%s%s%s%s", url, *user ? " " : "", user,
                     *secret ? " " : "", secret);
    if (n >= (int)sizeof text)
        return fail(a, "invalid ICEServers value: too long");
    const struct value v = {.kind = VALUE_TEXT, .text = span_of(text)};
    enum err e =
        sl_setting_put(a->c, sl_setting_find(span_of("rtc.ice_servers")), &v, true, why);
    return e == E_MALFORMED ? fail(a, "rtc.ice_servers: %.400s", why) : e;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* ["url", ...] or [{"urls": [...], "username", "credential"}, ...]. */
static enum err set_ice_json(struct applying *a, const json_t *list)
{
    size_t i, k;
    json_t *one, *url;
    enum err e = E_OK;
    json_array_foreach(list, i, one)
    {
        if (json_is_string(one))
            e = add_ice(a, json_string_value(one), "", "");
        else if (json_array_size(json_object_get(one, "urls")) == 0)
            e = fail(a, "invalid ICEServers value: invalid empty URLs");
        if (e)
            return e;
        json_array_foreach(json_object_get(one, "urls"), k, url)
        {
            const char *text = json_string_value(url);
            e = add_ice(a, text ? text : "", member(one, "username"),
                        member(one, "credential"));
            if (e)
                return e;
        }
    }
    return E_OK;
}

static enum err set_ice(struct applying *a)
{
    const char *text = text_of(a, ICE_SERVERS, "");
    if (!*text)
        return E_OK;
    json_t *list = json_loads(text, 0, NULL);
    enum err e = json_is_array(list) ? set_ice_json(a, list)
                                     : fail(a, "invalid ICEServers value: no JSON array");
    json_decref(list);
    return e;
}

static void copy_member(const struct toml_node *table, const char *name, char *ret,
                        size_t cap)
{
    const struct toml_node *n = sl_toml_get(table, name);
    bool text = n && n->type == TOML_STRING;
    (void)snprintf(ret, cap, "%.*s", text ? (int)n->text.n : 0,
                   text ? (const char *)n->text.p : "");
}

enum err sl_config_rtcd_ice(struct config *c, const struct toml_node *table,
                            char error[CONFIG_ERROR_MAX])
{
    struct applying a = {.c = c};
    a.error = error;
    char user[128], secret[128], url[256];
    const struct toml_node *urls = sl_toml_get(table, "urls");
    copy_member(table, "username", user, sizeof user);
    copy_member(table, "credential", secret, sizeof secret);
    if (!urls || urls->type != TOML_ARRAY || !urls->first)
        return fail(&a, "invalid ICEServers value: invalid empty URLs");
    enum err e = E_OK;
    for (const struct toml_node *at = urls->first; at && !e; at = at->next) {
        bool text = at->type == TOML_STRING;
        (void)snprintf(url, sizeof url, "%.*s", text ? (int)at->text.n : 0,
                       text ? (const char *)at->text.p : "");
        e = add_ice(&a, url, user, secret);
    }
    return e;
}

/* ---- all together ---- */

/* It asks for what is so here anyway. */
static bool is_so(struct applying *a, enum key key)
{
    bool on = false;
    if (key != ENABLE_CONSOLE && key != ENABLE_FILE && key != ENABLE_COLOR)
        return false;
    return flag(a, key, on, &on) == E_OK && on == (key == ENABLE_CONSOLE);
}

static enum err note(struct applying *a)
{
    char text[256];
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++) {
        if (!a->r->value[i] || !keys[i].note || is_so(a, (enum key)i))
            continue;
        (void)snprintf(text, sizeof text, "%s (" ENV_PREFIX "%s) has no effect: %s",
                       keys[i].toml, keys[i].env, keys[i].note);
        enum err e = sl_config_note(a->c, text);
        if (e)
            return e;
    }
    return E_OK;
}

enum err sl_config_rtcd_apply(const struct config_rtcd *r, struct config *c,
                              char error[CONFIG_ERROR_MAX])
{
    struct applying a = {.r = r, .c = c};
    a.error = error;
    if (r->value[DATA_SOURCE] && !*r->value[DATA_SOURCE])
        return fail(&a, "invalid DataSource value: should not be empty");
    /* rtcd has no public face, so its place may be somebody else's. */
    enum err e = set(&a, "http.listen", "127.0.0.1:0");
    e = e ? e : set(&a, "demo.enabled", "false");
    /* rtcd waits for its sessions without limit; who started it has one. */
    e = e ? e : set(&a, "drain.deadline", "0s");
    e = e ? e : set(&a, "store.directory", text_of(&a, DATA_SOURCE, "/tmp/rtcd_db"));
    e = e ? e : set_api(&a);
    e = e ? e : set_rtc(&a);
    e = e ? e : set_log(&a);
    e = e ? e : set_ice(&a);
    e = e ? e : set_turn(&a);
    return e ? e : note(&a);
}

void sl_config_write_rtcd_table(struct wr *w)
{
    char line[512];
    wr_str(w, "| rtcd's file | rtcd's variable | here |\n|---|---|---|\n");
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++) {
        (void)snprintf(line, sizeof line, "| `%s` | `" ENV_PREFIX "%s` | %s%s |\n",
                       keys[i].toml, keys[i].env,
                       keys[i].ours ? keys[i].ours : "no effect: ",
                       keys[i].ours ? "" : keys[i].note);
        wr_str(w, line);
    }
}
