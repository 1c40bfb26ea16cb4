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

enum { LISTED_MAX = 32, MINUTES_MAX = 100 * 365 * 24 * 60 };

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

static const char *text_of(const struct applying *a, enum rtcd_key key,
                           const char *otherwise)
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
static enum err flag(struct applying *a, enum rtcd_key key, bool otherwise, bool *ret)
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
    return text ? fail(a, "%s: '%.40s' is neither true nor false",
                       sl_rtcd_settings[key].toml, text)
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

static enum err number(struct applying *a, enum rtcd_key key, long long otherwise,
                       long long *ret)
{
    const char *text = a->r->value[key];
    *ret = otherwise;
    if (!text || read_number(text, ret))
        return E_OK;
    return fail(a, "%s: '%.40s' is no number", sl_rtcd_settings[key].toml, text);
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
    const char *at = text_of(a, RTCD_KEY_LISTEN, ":8045"), *colon = strrchr(at, ':');
    enum err e = flag(a, RTCD_KEY_TLS_ENABLE, false, &tls);
    e = e ? e : flag(a, RTCD_KEY_SELF_REGISTRATION, false, &self);
    e = e ? e : flag(a, RTCD_KEY_ENABLE_ADMIN, false, &admin);
    e = e ? e : number(a, RTCD_KEY_EXPIRATION, 1440, &minutes);
    if (e)
        return e;
    if (!colon)
        return fail(a, "invalid ListenAddress value: '%.60s' has no port", at);
    listen_text(at, (size_t)(colon - at), text, sizeof text);
    if (a->r->value[RTCD_KEY_LISTEN] || !a->r->listens)
        e = set(a, "admin.listen", text);
    if (tls && !e) {
        if (!*text_of(a, RTCD_KEY_TLS_CERT, "") || !*text_of(a, RTCD_KEY_TLS_KEY, ""))
            return fail(a, "invalid TLS.%s value: should not be empty",
                        *text_of(a, RTCD_KEY_TLS_CERT, "") ? "CertKey" : "CertFile");
        e = set(a, "admin.tls_cert", text_of(a, RTCD_KEY_TLS_CERT, ""));
        e = e ? e : set(a, "admin.tls_key", text_of(a, RTCD_KEY_TLS_KEY, ""));
    }
    if (admin && !*text_of(a, RTCD_KEY_ADMIN_SECRET, ""))
        return fail(a, "invalid AdminSecretKey value: should not be empty");
    if (minutes <= 0 || minutes > MINUTES_MAX)
        return fail(a, "invalid ExpirationMinutes value: should be a positive number");
    a->c->rtcd.token_lifetime = SEC(60) * minutes;
    a->c->rtcd.self_registration = self;
    e = e ? e
          : set(a, "rtcd.admin_secret",
                admin ? text_of(a, RTCD_KEY_ADMIN_SECRET, "") : "");
    return e;
}

static enum err check_port(struct applying *a, enum rtcd_key key, const char *name,
                           long long *ret)
{
    enum { LOWEST = 80, HIGHEST = 49151 };
    enum err e = number(a, key, 8443, ret);
    if (!e && (*ret < LOWEST || *ret > HIGHEST))
        return fail(a, "invalid %s value: %lld is not in allowed range [%d, %d]", name,
                    *ret, LOWEST, HIGHEST);
    return e;
}

static enum err check_addresses(struct applying *a, enum rtcd_key key, const char *name)
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
    const char *text = text_of(a, RTCD_KEY_HOST_PORT_OVERRIDE, "");
    long long port;
    if (!*text)
        return E_OK;
    if (!read_number(text, &port))
        return set_port_by_pairs(a, text);
    enum err e = check_port(a, RTCD_KEY_HOST_PORT_OVERRIDE, "ICEHostPortOverride", &port);
    if (!e)
        a->c->rtc.public_port = (uint32_t)port;
    return e;
}

static enum err check_nack(struct applying *a)
{
    enum { LEAST = 32, MOST = 8192 };
    long long sockets, nack;
    bool copy;
    enum err e = number(a, RTCD_KEY_UDP_SOCKETS, 1, &sockets);
    e = e ? e : number(a, RTCD_KEY_NACK_BUFFER, 0, &nack);
    e = e ? e : flag(a, RTCD_KEY_NACK_COPY, true, &copy);
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
    enum err e = check_addresses(a, RTCD_KEY_ADDRESS_UDP, "ICEAddressUDP");
    e = e ? e : check_addresses(a, RTCD_KEY_ADDRESS_TCP, "ICEAddressTCP");
    e = e ? e : check_port(a, RTCD_KEY_PORT_UDP, "ICEPortUDP", &udp);
    e = e ? e : check_port(a, RTCD_KEY_PORT_TCP, "ICEPortTCP", &tcp);
    e = e ? e : flag(a, RTCD_KEY_ENABLE_IPV6, false, &v6);
    if (e)
        return e;
    a->c->rtc.ipv6 = v6;
    (void)snprintf(text, sizeof text, "%lld", udp);
    e = set(a, "rtc.port", text);
    e = e ? e : set(a, "rtc.listen", text_of(a, RTCD_KEY_ADDRESS_UDP, ""));
    (void)snprintf(text, sizeof text, "%lld", tcp);
    e = e ? e : set(a, "rtc.tcp_port", text);
    e = e ? e : set(a, "rtc.tcp_listen", text_of(a, RTCD_KEY_ADDRESS_TCP, ""));
    e = e ? e : set(a, "rtc.public_address", text_of(a, RTCD_KEY_HOST_OVERRIDE, ""));
    e = e ? e : set_host_port(a);
    return e ? e : check_nack(a);
}

static enum err set_turn(struct applying *a)
{
    enum { WEEK = 7 * 24 * 60 };
    const char *secret = text_of(a, RTCD_KEY_TURN_SECRET, "");
    long long minutes;
    enum err e = number(a, RTCD_KEY_TURN_EXPIRATION, 1440, &minutes);
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

static enum err level_of(struct applying *a, enum rtcd_key key, const char *name,
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
    enum err e = flag(a, RTCD_KEY_ENABLE_CONSOLE, true, &console);
    e = e ? e : flag(a, RTCD_KEY_CONSOLE_JSON, false, &json);
    e = e ? e : flag(a, RTCD_KEY_ENABLE_FILE, true, &file);
    e = e ? e : flag(a, RTCD_KEY_FILE_JSON, true, &file_json);
    e = e ? e : flag(a, RTCD_KEY_ENABLE_COLOR, false, &color);
    if (!e && !console && !file)
        return fail(a, "should enable at least one logging target");
    if (!e && console)
        e = level_of(a, RTCD_KEY_CONSOLE_LEVEL, "ConsoleLevel", &level);
    if (!e && file)
        e = level_of(a, RTCD_KEY_FILE_LEVEL, "FileLevel", &file_level);
    if (!e && file && !*text_of(a, RTCD_KEY_FILE_LOCATION, "rtcd.log"))
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
    const char *text = text_of(a, RTCD_KEY_ICE_SERVERS, "");
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
static bool is_so(struct applying *a, enum rtcd_key key)
{
    bool on = false;
    if (key != RTCD_KEY_ENABLE_CONSOLE && key != RTCD_KEY_ENABLE_FILE &&
        key != RTCD_KEY_ENABLE_COLOR)
        return false;
    return flag(a, key, on, &on) == E_OK && on == (key == RTCD_KEY_ENABLE_CONSOLE);
}

static enum err note(struct applying *a)
{
    char text[256];
    for (size_t i = 0; i < CONFIG_RTCD_KEYS; i++) {
        if (!a->r->value[i] || !sl_rtcd_settings[i].note || is_so(a, (enum rtcd_key)i))
            continue;
        (void)snprintf(text, sizeof text, "%s (" RTCD_ENV_PREFIX "%s) has no effect: %s",
                       sl_rtcd_settings[i].toml, sl_rtcd_settings[i].env,
                       sl_rtcd_settings[i].note);
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
    if (r->value[RTCD_KEY_DATA_SOURCE] && !*r->value[RTCD_KEY_DATA_SOURCE])
        return fail(&a, "invalid DataSource value: should not be empty");
    /* rtcd has no public face, so its place may be somebody else's. */
    enum err e = set(&a, "http.listen", "127.0.0.1:0");
    e = e ? e : set(&a, "demo.enabled", "false");
    /* rtcd waits for its sessions without limit; who started it has one. */
    e = e ? e : set(&a, "drain.deadline", "0s");
    e = e ? e
          : set(&a, "store.directory", text_of(&a, RTCD_KEY_DATA_SOURCE, "/tmp/rtcd_db"));
    e = e ? e : set_api(&a);
    e = e ? e : set_rtc(&a);
    e = e ? e : set_log(&a);
    e = e ? e : set_ice(&a);
    e = e ? e : set_turn(&a);
    return e ? e : note(&a);
}
