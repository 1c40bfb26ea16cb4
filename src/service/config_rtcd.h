#pragma once

/*
 * The settings of rtcd, which keep their meaning here: its variables (RTCD_RTC_ICEPORTUDP) and
 * the keys of its file. Where any is there, what is not set has rtcd's default rather than ours,
 * but for where the private face listens if who packs the server says that; our own settings
 * count over them. For config alone.
 */

#include "service/config.h"
#include "service/config_rtcd_keys.h"

/* Sets what of c these mean, and notes what has no effect here. E_MALFORMED: error is what rtcd
 * would say. */
MUST_USE enum err sl_config_rtcd_apply(const struct config_rtcd *r, struct config *c,
                                       char error[CONFIG_ERROR_MAX]);

/* {urls, username, credential} of the file as texts of rtc.ice_servers. */
MUST_USE enum err sl_config_rtcd_ice(struct config *c, const struct toml_node *table,
                                     char error[CONFIG_ERROR_MAX]);
