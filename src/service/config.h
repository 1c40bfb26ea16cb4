#pragma once

/*
 * The settings: read once at the start, checked, and constant from then on.
 *
 * They come from the built-in defaults, a TOML file, the environment (SLUICE_RTC_PORT) and
 * the command line (--rtc.port=8443), each over the one before. Who packs the server may choose
 * other defaults (SLUICE_DEFAULT_RTC_PORT). What is unknown, of the wrong
 * type or out of range is an error that names where it stood. config_schema has the table
 * of all settings; help, the example file and the documentation are written from it. The file
 * and the variables of rtcd are taken as well (config_rtcd).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/span.h"

enum { CONFIG_LIST_MAX = 64, CONFIG_ERROR_MAX = 512 };

struct config_addrs {
    size_t n;
    struct addr v[CONFIG_LIST_MAX];
};

struct config_strings {
    size_t n;
    const char *v[CONFIG_LIST_MAX];
};

struct config_ints {
    size_t n;
    uint32_t v[CONFIG_LIST_MAX];
};

enum config_log_format { CONFIG_LOG_AUTO, CONFIG_LOG_TEXT, CONFIG_LOG_JSON };

/* A string that is not set is "", an address that is not set all zero. */
struct config {
    struct {
        uint32_t port;
        struct config_addrs listen;           /* without port; n 0: all of this machine */
        bool tcp;                             /* streams, too */
        uint32_t tcp_port;                    /* 0: the same */
        struct config_addrs tcp_listen;       /* n 0: as listen */
        bool ipv6;                            /* of this machine's addresses, too */
        struct config_strings public_address; /* addresses, a name, "shown/local" */
        uint32_t public_port;                 /* 0: the port itself */
        uint32_t workers;                     /* 0: one for each core */
        struct config_ints pin;               /* cores; n 0: no worker is pinned */
        uint32_t packet_pool;                 /* packets of each worker */
        uint32_t socket_buffer;               /* octets */
        struct config_ints srtp_profiles;     /* enum srtp_profile, the preferred first */
        struct config_strings ice_servers;
        const char *turn_secret;
        usec turn_lifetime;
    } rtc;
    struct {
        struct addr listen;
        const char *tls_cert, *tls_key;
        struct config_strings allowed_origins;
        bool behind_proxy;
    } http;
    struct {
        struct addr listen;
        const char *tls_cert, *tls_key;
    } admin;
    struct {
        bool self_registration;
        const char *admin_secret;
        usec token_lifetime;
        const char *version;
    } rtcd;
    struct {
        const char *directory;
        uint32_t size; /* MiB */
    } store;
    struct {
        const char *directory;
        uint32_t size; /* MiB of one, at most */
    } captures;
    struct {
        uint32_t level;  /* enum log_level */
        uint32_t format; /* enum config_log_format */
        bool anonymous;
        uint32_t per_second;
    } log;
    struct {
        bool required;
    } auth;
    struct {
        const char *api_secret;
        uint32_t loudest; /* 0: no limit */
        bool hosts_create, pass_any;
        usec empty_time;
    } rooms;
    struct {
        struct config_strings urls;
        const char *secret;
        usec keep, timeout;
        uint32_t queue; /* events */
    } webhooks;
    struct {
        const char *address, *username, *password, *tls_ca;
        uint32_t database;
        bool tls;
        const char *rooms, *owned, *requests, *answers;
        usec lease;
    } redis;
    struct {
        uint32_t rooms, peers, room_peers;
        uint32_t room_publishers; /* 0: all */
        uint32_t max_bps;         /* 0: any */
        uint32_t load;            /* percent; 0: any */
        uint32_t sessions_per_address, session_burst;
        uint32_t handshakes, pending_handshakes;
        uint32_t body;
        uint32_t connections, connections_per_address;
        uint32_t streams, streams_per_address;
    } limits;
    struct {
        usec deadline;
    } drain;
    struct {
        bool enabled;
    } demo;
    struct config_strings notes; /* to be said once: what was set and has no effect */
    struct config_text *texts;   /* the strings; config's own */
};

struct config_from {
    const char *const *env; /* "NAME=value" up to NULL; NULL: none */
    int argc;
    char **argv;      /* arguments that begin with "--" and have a dot in their name */
    const char *text; /* a file's, instead of one that is named; NULL: none */
};

/* The file is text, or the one that --config=FILE names, or else SLUICE_CONFIG in the environment, or
 * none. On success argv holds what is not a setting, argc of them. error: one line, for people.
 * E_ABSENT: the file cannot be read; E_MALFORMED: a setting is wrong; E_MEMORY. */
MUST_USE enum err sl_config_load(struct config_from *from, struct config **ret,
                                 char error[CONFIG_ERROR_MAX]);

/* The same, of a file that was read already; name is for errors. */
MUST_USE enum err sl_config_parse(struct span file, const char *name, struct config **ret,
                                  char error[CONFIG_ERROR_MAX]);
void sl_config_free(struct config *c);

/* A variable of the environment that begins as ours do and is none, or NULL: a slip perhaps,
 * but other programs name variables, too. */
const char *sl_config_stray(const char *const *env);

/* Lists for --help, an example file, and the table of docs/configuration.md. */
void sl_config_write_help(struct wr *w);
void sl_config_write_example(struct wr *w);
void sl_config_write_table(struct wr *w);

/* How the settings of rtcd are taken, for the same page. */
void sl_config_write_rtcd_table(struct wr *w);
