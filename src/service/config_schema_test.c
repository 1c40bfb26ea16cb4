#include "service/config_schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

TEST(config_every_setting_is_in_a_section_and_its_default_is_good)
{
    for (size_t i = 0; i < sl_settings_n; i++) {
        const struct setting *s = &sl_settings[i];
        char why[CONFIG_ERROR_MAX] = "";
        struct config *c = calloc(1, sizeof *c);
        size_t sections = 0;
        check_row(s->key);
        for (size_t k = 0; k < sl_sections_n; k++) {
            size_t n = strlen(sl_sections[k].name);
            sections += strncmp(s->key, sl_sections[k].name, n) == 0 && s->key[n] == '.';
        }
        CHECK_INT(sections, 1);
        CHECK(sl_setting_find(span_of(s->key)) == s); /* no two of one name */
        CHECK_INT(sl_setting_put_text(c, s, span_of(s->value), why), E_OK);
        CHECK(s->help[strlen(s->help) - 1] == '.');
        sl_config_free(c);
    }
}
