#pragma once

/*
 * The settings that rtcd has, by the keys of its file and its variables, and what of them is set.
 * For config_rtcd, which says what they mean here.
 */

#include <stdbool.h>

#include "base/err.h"

struct toml_node;

#define RTCD_ENV_PREFIX "RTCD_"

/* In the order of the documentation. */
enum rtcd_key {
    RTCD_KEY_LISTEN,
    RTCD_KEY_TLS_ENABLE,
    RTCD_KEY_TLS_CERT,
    RTCD_KEY_TLS_KEY,
    RTCD_KEY_SELF_REGISTRATION,
    RTCD_KEY_ENABLE_ADMIN,
    RTCD_KEY_ADMIN_SECRET,
    RTCD_KEY_EXPIRATION,
    RTCD_KEY_ADDRESS_UDP,
    RTCD_KEY_PORT_UDP,
    RTCD_KEY_ADDRESS_TCP,
    RTCD_KEY_PORT_TCP,
    RTCD_KEY_HOST_OVERRIDE,
    RTCD_KEY_HOST_PORT_OVERRIDE,
    RTCD_KEY_ICE_SERVERS,
    RTCD_KEY_TURN_SECRET,
    RTCD_KEY_TURN_EXPIRATION,
    RTCD_KEY_ENABLE_IPV6,
    RTCD_KEY_UDP_SOCKETS,
    RTCD_KEY_NACK_BUFFER,
    RTCD_KEY_NACK_COPY,
    RTCD_KEY_DATA_SOURCE,
    RTCD_KEY_ENABLE_CONSOLE,
    RTCD_KEY_CONSOLE_JSON,
    RTCD_KEY_CONSOLE_LEVEL,
    RTCD_KEY_ENABLE_FILE,
    RTCD_KEY_FILE_JSON,
    RTCD_KEY_FILE_LEVEL,
    RTCD_KEY_FILE_LOCATION,
    RTCD_KEY_ENABLE_COLOR,
};

enum { CONFIG_RTCD_KEYS = 30 };

extern const struct rtcd_setting {
    const char *toml, *env; /* without the prefix */
    const char *ours;       /* what it becomes */
    const char *note;       /* said when it is set; NULL: it has its effect */
} sl_rtcd_settings[CONFIG_RTCD_KEYS];

/* As text, by the place in the table; NULL: not set. */
struct config_rtcd {
    char *value[CONFIG_RTCD_KEYS];
    bool any;
    bool listens; /* who packs the server says where: rtcd's own default does not count */
};

void sl_config_rtcd_fini(struct config_rtcd *r);

/* Takes what is rtcd's out of a file, of which root is the root. */
MUST_USE enum err sl_config_rtcd_file(struct config_rtcd *r,
                                      const struct toml_node *root);
MUST_USE enum err sl_config_rtcd_env(struct config_rtcd *r, const char *const *env);

/* Is it a key of rtcd's file, "rtc.ice_port_udp"? Without case. beneath: or a table with such
 * keys in it, "api.http". */
bool sl_config_rtcd_knows(const char *key, bool beneath);
