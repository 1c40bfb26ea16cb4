#include "service/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/word.h"

#include "auth/signature.h"
#include "net/httpc.h"
#include "net/loop.h"

enum { ADDRESSES = 4096 /* that joins and changes are counted of at once */ };

struct log sl_settings_log(const struct config *c)
{
    bool text = c->log.format == CONFIG_LOG_TEXT ||
                (c->log.format == CONFIG_LOG_AUTO && isatty(STDERR_FILENO));
    return (struct log){.fd = STDERR_FILENO,
                        .level = (enum log_level)c->log.level,
                        .format = text ? LOG_TEXT : LOG_JSON,
                        .blank = c->log.anonymous,
                        .wall = sl_wall_now,
                        .per_second = c->log.per_second};
}

static size_t workers_of(const struct config *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = c->rtc.workers > 0 ? c->rtc.workers : cores > 0 ? (size_t)cores : 1;
    return n < SHARD_WORKERS_MAX ? n : SHARD_WORKERS_MAX;
}

static size_t local_addrs(struct addr ret[UDP_PORTS_MAX], uint16_t port, bool ipv6)
{
    size_t n = sl_udp_local_addrs(ret, UDP_PORTS_MAX, port), kept = 0;
    for (size_t i = 0; i < n; i++)
        if (ipv6 || sl_addr_is_v4(&ret[i]))
            ret[kept++] = ret[i];
    return kept;
}

/* As rtc.listen has it, unless it is told otherwise. */
static void set_tcp(struct node_conf *n, const struct config *c)
{
    const struct config_addrs *listen = &c->rtc.tcp_listen;
    uint32_t port = c->rtc.tcp_port ? c->rtc.tcp_port : c->rtc.port;
    n->tcp_max = c->limits.streams;
    n->tcp_per_address = c->limits.streams_per_address;
    n->tcp_at_n = !c->rtc.tcp ? 0 : listen->n > 0 ? listen->n : n->at_n;
    if (n->tcp_at_n > TCP_LISTENERS_MAX)
        n->tcp_at_n = TCP_LISTENERS_MAX;
    for (size_t i = 0; i < n->tcp_at_n; i++) {
        n->tcp_at[i] = listen->n > 0 ? listen->v[i] : n->at[i];
        n->tcp_at[i].port = (uint16_t)port;
    }
}

static enum err wrong_public(const char *text, const char *why, char *error)
{
    (void)snprintf(error, CONFIG_ERROR_MAX, "rtc.public_address: '%.80s' %s", text, why);
    return E_MALFORMED;
}

/* "shown", "shown/local", or a name, of which there is one at most. */
static enum err set_public(struct control_conf *to, const struct config *c, char *error)
{
    const struct config_strings *all = &c->rtc.public_address;
    to->shown_port = (uint16_t)c->rtc.public_port;
    for (size_t i = 0; i < all->n; i++) {
        struct address_map *m = &to->maps[to->maps_n];
        struct span local = span_of(all->v[i]), shown = word_cut(&local, '/');
        bool pair = strchr(all->v[i], '/') != NULL;
        if (sl_addr_parse(word_trim(shown), 0, &m->shown) == E_OK) {
            if (pair && sl_addr_parse(word_trim(local), 0, &m->local) != E_OK)
                return wrong_public(all->v[i], "is not a pair of addresses", error);
            to->maps_n++;
        } else if (pair || to->name) {
            return wrong_public(all->v[i],
                                pair ? "is not a pair of addresses" : "is a second name",
                                error);
        } else {
            to->name = all->v[i];
        }
    }
    for (size_t i = 0; i < c->rtc.ice_servers.n && !to->stun; i++)
        if (all->n == 0 && strncmp(c->rtc.ice_servers.v[i], "stun:", 5) == 0)
            to->stun = c->rtc.ice_servers.v[i];
    return E_OK;
}

static enum err set_media(struct control_conf *to, const struct config *c, char *error)
{
    struct node_conf *n = &to->node;
    uint16_t port = (uint16_t)c->rtc.port;
    if (c->rtc.listen.n > UDP_PORTS_MAX) {
        (void)snprintf(error, CONFIG_ERROR_MAX, "rtc.listen: more than %d addresses",
                       UDP_PORTS_MAX);
        return E_MALFORMED;
    }
    for (size_t i = 0; i < c->rtc.listen.n; i++) {
        n->at[n->at_n] = c->rtc.listen.v[i];
        n->at[n->at_n++].port = port;
    }
    if (n->at_n == 0)
        n->at_n = local_addrs(n->at, port, c->rtc.ipv6);
    if (n->at_n == 0) {
        (void)snprintf(error, CONFIG_ERROR_MAX,
                       "rtc.listen: this machine has no address");
        return E_MALFORMED;
    }
    set_tcp(n, c);
    enum err e = set_public(to, c, error);
    if (e)
        return e;
    n->workers = workers_of(c);
    for (; n->cpus_n < c->rtc.pin.n && n->cpus_n < SHARD_WORKERS_MAX; n->cpus_n++)
        n->cpus[n->cpus_n] = (int)c->rtc.pin.v[n->cpus_n];
    for (; n->profiles_n < c->rtc.srtp_profiles.n && n->profiles_n < NODE_PROFILES_MAX;
         n->profiles_n++)
        n->profiles[n->profiles_n] =
            (enum srtp_profile)c->rtc.srtp_profiles.v[n->profiles_n];
    n->packets = c->rtc.packet_pool;
    n->captures = c->captures.directory;
    n->socket_buffer = (int)c->rtc.socket_buffer;
    n->srtp = sl_srtp_backend_best();
    n->handshakes_per_s = c->limits.handshakes;
    n->handshakes_pending = c->limits.pending_handshakes;
    n->load = c->limits.load;
    return E_OK;
}

/* "stun:host:port", or "turn:host:port username credential". */
static enum err set_ice(struct settings *s, const struct config *c, char *error)
{
    for (size_t i = 0; i < c->rtc.ice_servers.n; i++) {
        char *text = strdup(c->rtc.ice_servers.v[i]), *rest = NULL;
        if (!text)
            return E_MEMORY;
        s->ice_text[i] = text;
        s->ice[i].url = strtok_r(text, " ", &rest);
        s->ice[i].username = strtok_r(NULL, " ", &rest);
        s->ice[i].credential = strtok_r(NULL, " ", &rest);
        if (!s->ice[i].url || !s->ice[i].username != !s->ice[i].credential ||
            strtok_r(NULL, " ", &rest)) {
            (void)snprintf(error, CONFIG_ERROR_MAX,
                           "rtc.ice_servers: '%.80s' is neither an URL nor one with a "
                           "username and a credential",
                           c->rtc.ice_servers.v[i]);
            return E_MALFORMED;
        }
    }
    if (*c->rtc.turn_secret) {
        s->control.turn_secret = c->rtc.turn_secret;
        s->control.turn_lifetime = c->rtc.turn_lifetime;
    }
    if (c->rtc.turn_lifetime < SEC(1) ||
        c->rtc.turn_lifetime > SEC((usec)TURN_LIFETIME_MAX)) {
        (void)snprintf(error, CONFIG_ERROR_MAX,
                       "rtc.turn_lifetime: from a second to a week");
        return E_MALFORMED;
    }
    s->control.ice = s->ice;
    s->control.ice_n = c->rtc.ice_servers.n;
    return E_OK;
}

static void set_faces(struct control_conf *to, const struct config *c)
{
    uint32_t rate = c->limits.sessions_per_address;
    struct limit_conf limit = {.every = rate > 0 ? SEC(1) / rate : 0,
                               .burst = c->limits.session_burst,
                               .addresses = ADDRESSES};
    const struct config_strings *origins = &c->http.allowed_origins;
    bool all = origins->n == 1 && strcmp(origins->v[0], "*") == 0;
    to->public_face = c->http.listen;
    to->private_face = c->admin.listen;
    to->tls_cert = *c->http.tls_cert ? c->http.tls_cert : NULL;
    to->tls_key = *c->http.tls_key ? c->http.tls_key : NULL;
    to->private_cert = *c->admin.tls_cert ? c->admin.tls_cert : NULL;
    to->private_key = *c->admin.tls_key ? c->admin.tls_key : NULL;
    to->rtcd = (struct rtcd_face_conf){
        .version = c->rtcd.version,
        .admin_secret = *c->rtcd.admin_secret ? c->rtcd.admin_secret : NULL,
        .self_registration = c->rtcd.self_registration,
        .token_lifetime = c->rtcd.token_lifetime,
        .sessions_max = c->limits.peers};
    to->origins = all ? NULL : origins->v;
    to->origins_n = origins->n;
    to->limits = (struct rooms_limits){.rooms = c->limits.rooms,
                                       .peers = c->limits.peers,
                                       .room_peers = c->limits.room_peers,
                                       .room_publishers = c->limits.room_publishers};
    to->capture_mib = c->captures.size;
    to->api_secret = *c->rooms.api_secret ? c->rooms.api_secret : NULL;
    to->loudest = c->rooms.loudest;
    to->hosts_create = c->rooms.hosts_create;
    to->pass_any = c->rooms.pass_any;
    to->empty_time = c->rooms.empty_time;
    to->max_bps = c->limits.max_bps;
    to->joins = limit;
    to->changes = limit;
    to->body_max = c->limits.body;
    to->conns_max = c->limits.connections;
    to->conns_per_ip = c->limits.connections_per_address;
    to->open = !c->auth.required;
    to->proxied = c->http.behind_proxy;
    to->demo = c->demo.enabled;
    to->drain_deadline = c->drain.deadline;
}

static enum err set_webhooks(struct control_conf *to, const struct config *c, char *error)
{
    const struct config_strings *urls = &c->webhooks.urls;
    struct hmac_sha256 key;
    for (size_t i = 0; i < urls->n; i++)
        if (i == HOOKS_MAX || !sl_httpc_url_valid(urls->v[i])) {
            (void)snprintf(error, CONFIG_ERROR_MAX, "webhooks.urls: '%.80s' is %s",
                           urls->v[i],
                           i == HOOKS_MAX ? "one too many" : "no URL of http");
            return E_MALFORMED;
        }
    enum err e = urls->n > 0 ? sl_signature_key(span_of(c->webhooks.secret), &key) : E_OK;
    if (e)
        (void)snprintf(error, CONFIG_ERROR_MAX, "webhooks.secret: %s",
                       e == E_SHORT ? "less than 24 octets" : "no base64 behind whsec_");
    sl_wipe(&key, sizeof key);
    to->hooks = (struct hooks_conf){.urls = urls->v,
                                    .urls_n = urls->n,
                                    .secret = c->webhooks.secret,
                                    .keep = c->webhooks.keep,
                                    .limit = c->webhooks.timeout,
                                    .most = c->webhooks.queue};
    return e;
}

static enum err refuse_redis(char *error, const char *name, const char *what)
{
    (void)snprintf(error, CONFIG_ERROR_MAX, "redis.%s: %s", name, what);
    return E_MALFORMED;
}

static enum err set_redis(struct control_conf *to, const struct config *c, char *error)
{
    const char *address = c->redis.address;
    if (address[0] == '\0')
        return E_OK;
    if (!sl_redis_address_valid(address))
        return refuse_redis(error, "address",
                            "not a host and a port such as \"localhost:6379\"");
    if (strlen(c->redis.rooms) > BOOK_PREFIX_MAX)
        return refuse_redis(error, "rooms", "longer than 128 octets");
    if (strlen(c->redis.answers) > BOOK_PREFIX_MAX)
        return refuse_redis(error, "answers", "longer than 128 octets");
    if (c->redis.requests[0] == '\0' || c->redis.owned[0] == '\0')
        return refuse_redis(error, c->redis.owned[0] ? "requests" : "owned", "empty");
    if (c->redis.lease < SEC(3) || c->redis.lease > SEC(86400))
        return refuse_redis(error, "lease", "not between 3 s and a day");
    to->redis = (struct redis_face_conf){.redis = {.address = address,
                                                   .username = c->redis.username,
                                                   .password = c->redis.password,
                                                   .database = c->redis.database,
                                                   .tls = c->redis.tls,
                                                   .ca = c->redis.tls_ca},
                                         .book = {.rooms = c->redis.rooms,
                                                  .owned = c->redis.owned,
                                                  .lease = c->redis.lease},
                                         .requests = c->redis.requests,
                                         .answers = c->redis.answers};
    return E_OK;
}

enum err sl_settings_init(struct settings *ret, const struct config *c,
                          char error[CONFIG_ERROR_MAX])
{
    *ret = (struct settings){0};
    set_faces(&ret->control, c);
    enum err e = set_media(&ret->control, c, error);
    if (!e)
        e = set_ice(ret, c, error);
    if (!e)
        e = set_webhooks(&ret->control, c, error);
    if (!e)
        e = set_redis(&ret->control, c, error);
    if (e == E_MEMORY)
        (void)snprintf(error, CONFIG_ERROR_MAX, "%s", sl_err_text(e));
    return e;
}

void sl_settings_fini(struct settings *s)
{
    for (size_t i = 0; i < CONFIG_LIST_MAX; i++)
        free(s->ice_text[i]);
    *s = (struct settings){0};
}
