#include "service/config_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"

#include "crypto/srtp.h"
#include "sfu/shard.h"

struct config_text {
    struct config_text *next;
    char text[];
};

static const struct choice levels[] = {{"debug", LOG_DEBUG},
                                       {"info", LOG_INFO},
                                       {"warn", LOG_WARN},
                                       {"error", LOG_ERROR},
                                       {0}};
static const struct choice formats[] = {{"auto", CONFIG_LOG_AUTO},
                                        {"text", CONFIG_LOG_TEXT},
                                        {"json", CONFIG_LOG_JSON},
                                        {0}};
static const struct choice profiles[] = {{"aead-aes-128-gcm", SRTP_GCM_128},
                                         {"aead-aes-256-gcm", SRTP_GCM_256},
                                         {"aes-cm-128-hmac-sha1-80", SRTP_CM_SHA1_80},
                                         {0}};

/* The place of a field, which must have the C type that the setting's type writes. */
#define AT(ctype, field)                                                                 \
    .at = offsetof(struct config, field) +                                               \
          0 * sizeof(_Generic(((struct config *)0)->field, ctype : 0))
#define BOOL(f)       .type = SET_BOOL, AT(bool, f)
#define INT(f, a, b)  .type = SET_INT, AT(uint32_t, f), .min = (a), .max = (b)
#define TIME(f)       .type = SET_TIME, AT(usec, f)
#define STRING(f)     .type = SET_STRING, AT(const char *, f)
#define ADDR_PORT(f)  .type = SET_ADDR_PORT, AT(struct addr, f)
#define CHOICE(f, c)  .type = SET_CHOICE, AT(uint32_t, f), .choices = (c)
#define ADDRS(f)      .type = SET_ADDRS, AT(struct config_addrs, f)
#define STRINGS(f)    .type = SET_STRINGS, AT(struct config_strings, f)
#define INTS(f, a, b) .type = SET_INTS, AT(struct config_ints, f), .min = (a), .max = (b)
#define CHOICES(f, c) .type = SET_CHOICES, AT(struct config_ints, f), .choices = (c)

#define MILLION 1000000

const struct section sl_sections[] = {
    {"rtc", "Media."},
    {"http", "The public face: WHIP, WHEP, the demo page."},
    {"admin", "The private face: rtcd's API, metrics, health. Not for strangers."},
    {"rtcd",
     "The API of rtcd on the private face, for back ends such as Mattermost Calls."},
    {"store", "What is kept on disk."},
    {"log", "Logs, on standard error."},
    {"auth", "Who may do what."},
    {"rooms", "What happens in rooms."},
    {"webhooks", "What back ends are told of it, by HTTP."},
    {"limits", "How much there may be of anything that a stranger can ask for."},
    {"drain", "How the server stops."},
    {"demo", "The demo page."},
};
const size_t sl_sections_n = sizeof sl_sections / sizeof sl_sections[0];

const struct setting sl_settings[] = {
    {"rtc.port", INT(rtc.port, 1, 65535), .value = "8443",
     .help = "The port that all media goes through, by UDP; by TCP, too, unless rtc.tcp "
             "says otherwise."},
    {"rtc.listen", ADDRS(rtc.listen), .value = "",
     .help = "Local addresses for media; empty: all that this machine has."},
    {"rtc.tcp", BOOL(rtc.tcp), .value = "true",
     .help = "Media over TCP, too, for clients that UDP does not reach."},
    {"rtc.tcp_port", INT(rtc.tcp_port, 0, 65535), .value = "0",
     .help = "The TCP port for media; 0: the number of rtc.port."},
    {"rtc.tcp_listen", ADDRS(rtc.tcp_listen), .value = "",
     .help = "Local addresses for media over TCP; empty: those of rtc.listen."},
    {"rtc.ipv6", BOOL(rtc.ipv6), .value = "true",
     .help = "Use the IPv6 addresses of this machine, too, where rtc.listen names none."},
    {"rtc.public_address", STRINGS(rtc.public_address), .value = "",
     .help =
         "What clients are told instead of local addresses, where a NAT stands between: "
         "an address, a name that is looked up each minute, or pairs "
         "\"shown/local\"; empty: what the first STUN server in rtc.ice_servers sees, "
         "and without one the local addresses."},
    {"rtc.public_port", INT(rtc.public_port, 0, 65535), .value = "0",
     .help = "The port that clients are told with the public address, where a NAT "
             "changes it; "
             "0: rtc.port."},
    {"rtc.workers", INT(rtc.workers, 0, SHARD_WORKERS_MAX), .value = "0",
     .help = "Threads for media; 0: one for each core."},
    {"rtc.pin", INTS(rtc.pin, 0, 4095), .value = "",
     .help = "Cores that the workers are bound to, in turn; empty: the kernel decides."},
    {"rtc.packet_pool", INT(rtc.packet_pool, 1024, MILLION), .value = "16384",
     .help =
         "Packet buffers of each worker, of about 2 kB; they hold what may be resent."},
    {"rtc.socket_buffer", INT(rtc.socket_buffer, 65536, 1024 * MILLION),
     .value = "4194304",
     .help = "Octets asked of the kernel for each media socket and direction."},
    {"rtc.srtp_profiles", CHOICES(rtc.srtp_profiles, profiles),
     .value = "aead-aes-128-gcm, aead-aes-256-gcm, aes-cm-128-hmac-sha1-80",
     .help = "Protection of media, the preferred first."},
    {"rtc.ice_servers", STRINGS(rtc.ice_servers), .value = "",
     .help = "STUN and TURN servers that clients are told: \"stun:host:port\", or "
             "\"turn:host:port username credential\"."},
    {"rtc.turn_secret", STRING(rtc.turn_secret), .value = "",
     .help =
         "The secret that the TURN servers in rtc.ice_servers share with us (coturn's "
         "static-auth-secret): clients get a username and a credential of their own."},
    {"rtc.turn_lifetime", TIME(rtc.turn_lifetime), .value = "24h",
     .help = "How long those are good, a week at most."},

    {"http.listen", ADDR_PORT(http.listen), .value = "0.0.0.0:8080",
     .help = "Address and port of the public face; empty: there is none."},
    {"http.tls_cert", STRING(http.tls_cert), .value = "",
     .help = "PEM file with the certificate and its chain; empty: plain HTTP."},
    {"http.tls_key", STRING(http.tls_key), .value = "",
     .help = "PEM file with the key of the certificate."},
    {"http.allowed_origins", STRINGS(http.allowed_origins), .value = "*",
     .help =
         "Origins of the pages that may use the public face, \"https://example.org\"; "
         "\"*\": all."},
    {"http.behind_proxy", BOOL(http.behind_proxy), .value = "false",
     .help =
         "A proxy stands in front and appends the client's address to X-Forwarded-For."},

    {"admin.listen", ADDR_PORT(admin.listen), .value = "127.0.0.1:8045",
     .help = "Address and port of the private face; empty: there is none."},
    {"admin.tls_cert", STRING(admin.tls_cert), .value = "",
     .help = "PEM file with the certificate of the private face and its chain; empty: "
             "plain HTTP."},
    {"admin.tls_key", STRING(admin.tls_key), .value = "",
     .help = "PEM file with the key of that certificate."},

    {"rtcd.self_registration", BOOL(rtcd.self_registration), .value = "false",
     .help = "Whoever reaches the private face may register a client, and unregister his "
             "own."},
    {"rtcd.admin_secret", STRING(rtcd.admin_secret), .value = "",
     .help = "The password by which an admin registers and unregisters clients; empty: "
             "nobody is admin."},
    {"rtcd.token_lifetime", TIME(rtcd.token_lifetime), .value = "24h",
     .help = "How long a client's bearer token is good."},
    {"rtcd.version", STRING(rtcd.version), .value = "v1.2.6",
     .help =
         "The version of rtcd that callers are told; they choose by it what they use."},

    {"store.directory", STRING(store.directory), .value = "state",
     .help =
         "Directory for keys; it is made where there is none. Empty: they are kept in "
         "memory, and lost at the end."},
    {"store.size", INT(store.size, 1, MILLION), .value = "64",
     .help = "MiB that the store may grow to."},

    {"log.level", CHOICE(log.level, levels), .value = "info",
     .help = "The least that is written."},
    {"log.format", CHOICE(log.format, formats), .value = "auto",
     .help = "Lines for people, or JSON for programs; auto: text on a terminal."},
    {"log.anonymous", BOOL(log.anonymous), .value = "false",
     .help = "Write no names and addresses of persons."},
    {"log.per_second", INT(log.per_second, 0, MILLION), .value = "1000",
     .help =
         "Lines below warn that are written in a second; what is dropped is counted; 0: "
         "all."},

    {"auth.required", BOOL(auth.required), .value = "true",
     .help = "Ask for a token; without, anybody may publish and watch anything."},

    {"rooms.api_secret", STRING(rooms.api_secret), .value = "",
     .help = "What callers of the room API show as a bearer token; empty: nothing, and "
             "whoever reaches the private face may use it."},
    {"rooms.loudest", INT(rooms.loudest, 0, 64), .value = "0",
     .help = "Voices that a viewer of a whole room hears at once: those who speak, the "
             "loudest first; 0: as many as it has room for."},
    {"rooms.hosts_create", BOOL(rooms.hosts_create), .value = "false",
     .help = "Over the room WebSocket only hosts make rooms; others join them."},
    {"rooms.empty_time", TIME(rooms.empty_time), .value = "0s",
     .help =
         "How long a room is kept, locked and described as it was, when all have left."},

    {"webhooks.urls", STRINGS(webhooks.urls), .value = "",
     .help = "Where events are posted to, eight at most; empty: nowhere."},
    {"webhooks.secret", STRING(webhooks.secret), .value = "",
     .help = "What signs them: 24 octets or more, or such in base64 behind \"whsec_\"."},
    {"webhooks.keep", TIME(webhooks.keep), .value = "24h",
     .help = "How long an event is kept for a back end that does not answer."},
    {"webhooks.timeout", TIME(webhooks.timeout), .value = "10s",
     .help = "Time that a back end has for an answer."},
    {"webhooks.queue", INT(webhooks.queue, 100, MILLION), .value = "10000",
     .help = "Events that wait for a back end; then the oldest are given up."},

    {"limits.rooms", INT(limits.rooms, 1, 100 * MILLION), .value = "10000",
     .help = "Rooms of this server."},
    {"limits.peers", INT(limits.peers, 1, 100 * MILLION), .value = "20000",
     .help = "Participants of this server."},
    {"limits.room_peers", INT(limits.room_peers, 1, 100 * MILLION), .value = "5000",
     .help = "Participants of one room."},
    {"limits.room_publishers", INT(limits.room_publishers, 0, 100 * MILLION),
     .value = "0", .help = "Participants of one room who publish; 0: all."},
    {"limits.max_bps", INT(limits.max_bps, 0, 1000 * MILLION), .value = "0",
     .help =
         "Bits/s that one publisher may send, if its token does not say less; 0: any."},
    {"limits.sessions_per_address", INT(limits.sessions_per_address, 0, MILLION),
     .value = "10",
     .help =
         "New sessions of one address in a second; an IPv6 address counts as its /64; "
         "0: any number."},
    {"limits.session_burst", INT(limits.session_burst, 1, MILLION), .value = "100",
     .help = "New sessions of one address that may come at once."},
    {"limits.handshakes", INT(limits.handshakes, 1, MILLION), .value = "1000",
     .help = "DTLS handshakes that are begun in a second."},
    {"limits.pending_handshakes", INT(limits.pending_handshakes, 1, MILLION),
     .value = "4096", .help = "DTLS handshakes under way."},
    {"limits.body", INT(limits.body, 1024, 64 * MILLION), .value = "262144",
     .help = "Octets of a request's body."},
    {"limits.connections", INT(limits.connections, 1, MILLION), .value = "4096",
     .help = "HTTP connections of each face."},
    {"limits.connections_per_address", INT(limits.connections_per_address, 1, MILLION),
     .value = "256", .help = "HTTP connections of one address."},
    {"limits.streams", INT(limits.streams, 1, 65000), .value = "8192",
     .help = "TCP connections for media."},
    {"limits.streams_per_address", INT(limits.streams_per_address, 1, 65000),
     .value = "1024",
     .help = "TCP connections for media from one address to each worker."},

    {"drain.deadline", TIME(drain.deadline), .value = "30s",
     .help =
         "Time that sessions have to end after SIGTERM, 0s: any; a second SIGTERM ends "
         "them."},

    {"demo.enabled", BOOL(demo.enabled), .value = "true", .help = "Serve the demo page."},
};
const size_t sl_settings_n = sizeof sl_settings / sizeof sl_settings[0];

const struct setting *sl_setting_find(struct span key)
{
    for (size_t i = 0; i < sl_settings_n; i++)
        if (span_is(key, sl_settings[i].key))
            return &sl_settings[i];
    return NULL;
}

bool sl_setting_is_list(const struct setting *s)
{
    return s->type >= SET_ADDRS;
}

void sl_setting_clear(struct config *c, const struct setting *s)
{
    void *at = (char *)c + s->at;
    if (s->type == SET_ADDRS)
        ((struct config_addrs *)at)->n = 0;
    else if (s->type == SET_STRINGS)
        ((struct config_strings *)at)->n = 0;
    else if (s->type == SET_INTS || s->type == SET_CHOICES)
        ((struct config_ints *)at)->n = 0;
}

static enum err wrong(char why[CONFIG_ERROR_MAX], struct span text, const char *what)
{
    enum { SHOWN = 80 };
    (void)snprintf(why, CONFIG_ERROR_MAX, "'%.*s' %s",
                   text.n < SHOWN ? (int)text.n : SHOWN, (const char *)text.p, what);
    return E_MALFORMED;
}

static enum err copy(struct config *c, struct span text, const char **ret)
{
    struct config_text *t = malloc(sizeof *t + text.n + 1);
    if (!t)
        return E_MEMORY;
    if (text.n > 0)
        memcpy(t->text, text.p, text.n);
    t->text[text.n] = '\0';
    t->next = c->texts;
    c->texts = t;
    *ret = t->text;
    return E_OK;
}

enum err sl_config_note(struct config *c, const char *text)
{
    if (c->notes.n == CONFIG_LIST_MAX)
        return E_OK;
    enum err e = copy(c, span_of(text), &c->notes.v[c->notes.n]);
    c->notes.n += e == E_OK;
    return e;
}

void sl_config_free(struct config *c)
{
    if (!c)
        return;
    while (c->texts) {
        struct config_text *t = c->texts;
        c->texts = t->next;
        free(t);
    }
    free(c);
}

static enum err read_int(const struct setting *s, const struct value *v, uint32_t *ret,
                         char *why)
{
    uint64_t n = UINT64_MAX;
    bool number = v->kind == VALUE_INT || word_number(v->text, UINT64_MAX, &n);
    if (v->kind == VALUE_INT && v->i >= 0)
        n = (uint64_t)v->i;
    if (!number)
        return wrong(why, v->text, "is not a number");
    if (n < s->min || n > s->max) {
        char text[32];
        int len = v->kind == VALUE_INT
                      ? snprintf(text, sizeof text, "%lld", (long long)v->i)
                      : snprintf(text, sizeof text, "%.*s", (int)v->text.n,
                                 (const char *)v->text.p);
        (void)snprintf(why, CONFIG_ERROR_MAX, "%.*s is not between %u and %u", len, text,
                       s->min, s->max);
        return E_MALFORMED;
    }
    *ret = (uint32_t)n;
    return E_OK;
}

/* "500ms", "30s", "2m", "1h"; a number alone is seconds. */
static enum err read_time(const struct value *v, usec *ret, char *why)
{
    static const struct {
        const char *unit;
        usec us;
    } units[] = {
        {"", SEC(1)}, {"ms", MSEC(1)}, {"s", SEC(1)}, {"m", SEC(60)}, {"h", SEC(3600)}};
    struct span unit = v->text;
    uint64_t n = v->i >= 0 ? (uint64_t)v->i : UINT64_MAX;
    if (v->kind == VALUE_TEXT) {
        size_t digits = 0;
        while (digits < unit.n && unit.p[digits] >= '0' && unit.p[digits] <= '9')
            digits++;
        if (!word_number((struct span){unit.p, digits}, UINT32_MAX, &n))
            return wrong(why, v->text,
                         "is not a time such as \"500ms\", \"30s\" or \"2m\"");
        unit = (struct span){unit.p + digits, unit.n - digits};
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0] && n <= UINT32_MAX; i++)
        if (span_is(unit, units[i].unit)) {
            *ret = (usec)n * units[i].us;
            return E_OK;
        }
    return wrong(why, v->text, "is not a time such as \"500ms\", \"30s\" or \"2m\"");
}

static enum err read_addr_port(struct span text, struct addr *ret, char *why)
{
    static const char what[] =
        "is not an address and port such as \"0.0.0.0:80\" or \"[::1]:80\"";
    size_t n = text.n;
    uint64_t port;
    while (n > 0 && text.p[n - 1] != ':')
        n--;
    if (n == 0 || !word_number((struct span){text.p + n, text.n - n}, UINT16_MAX, &port))
        return wrong(why, text, what);
    struct span ip = {text.p, n - 1};
    bool v6 = memchr(ip.p, ':', ip.n) != NULL;
    if (v6 && (ip.p[0] != '[' || ip.p[ip.n - 1] != ']'))
        return wrong(why, text, what);
    if (v6)
        ip = (struct span){ip.p + 1, ip.n - 2};
    if (sl_addr_parse(ip, (uint16_t)port, ret) != E_OK)
        return wrong(why, text, what);
    return E_OK;
}

static enum err read_addr(struct span text, struct addr *ret, char *why)
{
    return sl_addr_parse(text, 0, ret) == E_OK ? E_OK
                                               : wrong(why, text, "is not an address");
}

static enum err read_choice(const struct setting *s, struct span text, uint32_t *ret,
                            char *why)
{
    for (const struct choice *c = s->choices; c->name; c++)
        if (span_is(text, c->name)) {
            *ret = c->value;
            return E_OK;
        }
    (void)wrong(why, text, "is none of");
    for (const struct choice *c = s->choices; c->name; c++) {
        size_t n = strlen(why);
        (void)snprintf(why + n, CONFIG_ERROR_MAX - n, "%s %s", c == s->choices ? "" : ",",
                       c->name);
    }
    return E_MALFORMED;
}

static enum err read_bool(const struct value *v, bool *ret, char *why)
{
    *ret = v->kind == VALUE_BOOL ? v->b : span_is(v->text, "true");
    return v->kind == VALUE_BOOL || *ret || span_is(v->text, "false")
               ? E_OK
               : wrong(why, v->text, "is neither true nor false");
}

/* The kind of value that a file must have for it. */
static bool kind_fits(const struct setting *s, enum value_kind kind, char *why)
{
    static const char *const kinds[] = {"a string", "an integer", "a boolean"};
    bool number = s->type == SET_INT || s->type == SET_INTS;
    enum value_kind want = number                ? VALUE_INT
                           : s->type == SET_BOOL ? VALUE_BOOL
                                                 : VALUE_TEXT;
    if (kind == want || (s->type == SET_TIME && kind == VALUE_INT))
        return true;
    (void)snprintf(why, CONFIG_ERROR_MAX, "%s stands where %s should", kinds[kind],
                   kinds[want]);
    return false;
}

static bool room_for_one(size_t n, char *why)
{
    if (n == CONFIG_LIST_MAX)
        (void)snprintf(why, CONFIG_ERROR_MAX, "more than %d elements", CONFIG_LIST_MAX);
    return n < CONFIG_LIST_MAX;
}

static enum err add_int(const struct setting *s, const struct value *v,
                        struct config_ints *list, char *why)
{
    if (!room_for_one(list->n, why))
        return E_MALFORMED;
    enum err e = s->type == SET_INTS ? read_int(s, v, &list->v[list->n], why)
                                     : read_choice(s, v->text, &list->v[list->n], why);
    list->n += e == E_OK;
    return e;
}

static enum err add_string(struct config *c, const struct value *v,
                           struct config_strings *list, char *why)
{
    if (!room_for_one(list->n, why))
        return E_MALFORMED;
    enum err e = copy(c, v->text, &list->v[list->n]);
    list->n += e == E_OK;
    return e;
}

static enum err add_addr(const struct value *v, struct config_addrs *list, char *why)
{
    if (!room_for_one(list->n, why))
        return E_MALFORMED;
    enum err e = read_addr(v->text, &list->v[list->n], why);
    list->n += e == E_OK;
    return e;
}

static enum err put_field(struct config *c, const struct setting *s,
                          const struct value *v, char *why)
{
    void *at = (char *)c + s->at;
    switch (s->type) {
    case SET_BOOL: return read_bool(v, at, why);
    case SET_INT: return read_int(s, v, at, why);
    case SET_TIME: return read_time(v, at, why);
    case SET_STRING: return copy(c, v->text, at);
    case SET_ADDR_PORT:
        if (v->text.n > 0)
            return read_addr_port(v->text, at, why);
        *(struct addr *)at = (struct addr){0};
        break;
    case SET_CHOICE: return read_choice(s, v->text, at, why);
    case SET_ADDRS: return add_addr(v, at, why);
    case SET_STRINGS: return add_string(c, v, at, why);
    case SET_INTS:
    case SET_CHOICES: return add_int(s, v, at, why);
    }
    return E_OK;
}

enum err sl_setting_put(struct config *c, const struct setting *s, const struct value *v,
                        bool typed, char why[CONFIG_ERROR_MAX])
{
    if (typed && !kind_fits(s, v->kind, why))
        return E_MALFORMED;
    if (v->kind == VALUE_TEXT && v->text.n > 0 && memchr(v->text.p, '\0', v->text.n))
        return wrong(why, v->text, "has a NUL behind it");
    return put_field(c, s, v, why);
}

enum err sl_setting_put_text(struct config *c, const struct setting *s, struct span text,
                             char why[CONFIG_ERROR_MAX])
{
    struct value v = {.kind = VALUE_TEXT, .text = word_trim(text)};
    if (!sl_setting_is_list(s))
        return sl_setting_put(c, s, &v, false, why);
    sl_setting_clear(c, s);
    for (struct span rest = v.text; rest.n > 0;) {
        v.text = word_trim(word_cut(&rest, ','));
        enum err e = sl_setting_put(c, s, &v, false, why);
        if (e)
            return e;
    }
    return E_OK;
}
