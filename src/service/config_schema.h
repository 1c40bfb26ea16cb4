#pragma once

/* The table of all settings, and how one value becomes a field (config_value). For config alone. */

#include "service/config.h"

enum setting_type {
    SET_BOOL,
    SET_INT,       /* uint32_t */
    SET_TIME,      /* usec; "500ms", "30s", "2m", "1h", or seconds */
    SET_STRING,    /* const char * */
    SET_ADDR_PORT, /* "192.0.2.1:80", "[2001:db8::1]:80" */
    SET_CHOICE,    /* uint32_t */
    SET_ADDRS,
    SET_STRINGS,
    SET_INTS,
    SET_CHOICES,
};

struct choice {
    const char *name;
    uint32_t value;
};

struct setting {
    const char *key; /* "rtc.port" */
    enum setting_type type;
    size_t at;         /* in struct config */
    const char *value; /* the default, as it would stand in the environment */
    uint32_t min, max; /* of SET_INT, SET_INTS */
    const struct choice *choices;
    const char *help; /* a sentence */
};

struct section {
    const char *name; /* "rtc" */
    const char *help;
};

extern const struct setting sl_settings[];
extern const size_t sl_settings_n;
extern const struct section sl_sections[];
extern const size_t sl_sections_n;

/* "rtc.port"; NULL: there is none. */
const struct setting *sl_setting_find(struct span key);

/* A list, or what is in it. */
bool sl_setting_is_list(const struct setting *s);

/* One value, from whatever source. */
struct value {
    enum value_kind { VALUE_TEXT, VALUE_INT, VALUE_BOOL } kind;
    struct span text;
    int64_t i;
    bool b;
};

/* Empties a list, so that values may be added. */
void sl_setting_clear(struct config *c, const struct setting *s);

/* Sets a field, or adds to a list. typed: a value of the file, which must be of the setting's
 * own kind; otherwise it is text. On error `why` says what is wrong with it. */
MUST_USE enum err sl_setting_put(struct config *c, const struct setting *s,
                                 const struct value *v, bool typed,
                                 char why[CONFIG_ERROR_MAX]);

/* All of a field, from text; the elements of a list stand between commas. */
MUST_USE enum err sl_setting_put_text(struct config *c, const struct setting *s,
                                      struct span text, char why[CONFIG_ERROR_MAX]);

/* Keeps a line to be said at the start. E_MEMORY; what exceeds the list is not kept. */
MUST_USE enum err sl_config_note(struct config *c, const char *text);
