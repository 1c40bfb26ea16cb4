#include "service/config_schema.h"

#include "crypto/srtp.h"
#include "sfu/shard.h"

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
    {"captures", "What workers were given and gave, to be replayed or read: keys, too."},
    {"log", "Logs, on standard error."},
    {"auth", "Who may do what."},
    {"rooms", "What happens in rooms."},
    {"webhooks", "What back ends are told of it, by HTTP."},
    {"redis", "Rooms for back ends that talk through Redis."},
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

    {"captures.directory", STRING(captures.directory), .value = "",
     .help = "Directory that captures and traces are written to, by callers of the room "
             "API who show rooms.api_secret; empty: nobody may make any."},
    {"captures.size", INT(captures.size, 1, MILLION), .value = "1024",
     .help = "MiB of one capture or trace, at most."},

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
     .help =
         "Voices that a viewer of a whole room, or a member, hears at once: those who "
         "speak, the loudest first; 0: as many as it has room for."},
    {"rooms.hosts_create", BOOL(rooms.hosts_create), .value = "false",
     .help = "Only hosts make rooms, by whatever way they come; others join them. Back "
             "ends do so still, by the room API and by that of rtcd."},
    {"rooms.pass_any", BOOL(rooms.pass_any), .value = "false",
     .help = "Passes may be issued without the certificate's fingerprint of who will use "
             "them; the first that is shown with the password then is good."},
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

    {"redis.address", STRING(redis.address), .value = "",
     .help = "Host and port of a Redis server, 6 or later; empty: none."},
    {"redis.username", STRING(redis.username), .value = "",
     .help = "Who we are there; empty: its default user."},
    {"redis.password", STRING(redis.password), .value = "",
     .help = "The password for it; empty: none."},
    {"redis.database", INT(redis.database, 0, MILLION), .value = "0",
     .help = "The number of the database; channels know no such."},
    {"redis.tls", BOOL(redis.tls), .value = "false", .help = "It is reached by TLS."},
    {"redis.tls_ca", STRING(redis.tls_ca), .value = "",
     .help = "PEM file with those who sign its certificate; empty: whom this machine "
             "trusts."},
    {"redis.rooms", STRING(redis.rooms), .value = "sluice:room:",
     .help = "What keys of rooms begin with; the room's name follows."},
    {"redis.owned", STRING(redis.owned), .value = "sluice:owned",
     .help = "The key of the set that names the rooms of this server; each server has "
             "another."},
    {"redis.lease", TIME(redis.lease), .value = "30s",
     .help = "How long a room is there that its server says no more of; 3 s or more."},
    {"redis.requests", STRING(redis.requests), .value = "sluice:requests",
     .help = "The channel on which this server is asked; each server has another."},
    {"redis.answers", STRING(redis.answers), .value = "sluice:answers:",
     .help = "What channels of answers begin with; ROOM:CLIENT follows."},

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
    {"limits.load", INT(limits.load, 0, 100), .value = "85",
     .help = "Percent of its time that a worker may be busy, with those who come: above "
             "that nobody more is taken in; 0: any."},
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
