#pragma once

/*
 * The settings of rtcd, which keep their meaning here: its variables (RTCD_RTC_ICEPORTUDP) and
 * the keys of its file. Where any is there, what is not set has rtcd's default rather than ours;
 * our own settings count over them. For config alone.
 */

#include "service/config.h"

struct toml_node;

enum { CONFIG_RTCD_KEYS = 30 };

/* As text, by the place in the table; NULL: not set. */
struct config_rtcd {
    char *value[CONFIG_RTCD_KEYS];
    bool any;
};

void sl_config_rtcd_fini(struct config_rtcd *r);

/* Takes what is rtcd's out of a file, of which root is the root. */
MUST_USE enum err sl_config_rtcd_file(struct config_rtcd *r,
                                      const struct toml_node *root);
MUST_USE enum err sl_config_rtcd_env(struct config_rtcd *r, const char *const *env);

/* Is it a key of rtcd's file, "rtc.ice_port_udp"? Without case. beneath: or a table with such
 * keys in it, "api.http". */
bool sl_config_rtcd_knows(const char *key, bool beneath);

/* Sets what of c these mean, and notes what has no effect here. E_MALFORMED: error is what rtcd
 * would say. */
MUST_USE enum err sl_config_rtcd_apply(const struct config_rtcd *r, struct config *c,
                                       char error[CONFIG_ERROR_MAX]);

/* {urls, username, credential} of the file as texts of rtc.ice_servers. */
MUST_USE enum err sl_config_rtcd_ice(struct config *c, const struct toml_node *table,
                                     char error[CONFIG_ERROR_MAX]);
