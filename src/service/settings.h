#pragma once

/*
 * What the parts of the server are made with, from the settings and this machine: its
 * addresses, its cores, the terminal.
 */

#include "service/config.h"
#include "service/control.h"

struct settings {
    struct control_conf control; /* all but keys and log */
    struct ice_server ice[CONFIG_LIST_MAX];
    char *ice_text[CONFIG_LIST_MAX]; /* what those point into */
};

/* c must live as long as *ret, which is to be given to fini in any case. E_MALFORMED: error
 * says which setting does not fit this machine; E_MEMORY. */
MUST_USE enum err sl_settings_init(struct settings *ret, const struct config *c,
                                   char error[CONFIG_ERROR_MAX]);
void sl_settings_fini(struct settings *s);

/* A log to standard error. */
struct log sl_settings_log(const struct config *c);
