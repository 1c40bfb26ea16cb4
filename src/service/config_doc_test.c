#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "service/config_schema.h"

enum { TEXT_MAX = 64 * 1024 };

static struct span text_of(void (*write_text)(struct wr *w))
{
    static uint8_t text[TEXT_MAX];
    struct wr w = wr_of(text, sizeof text);
    write_text(&w);
    CHECK(!w.bad);
    return wr_done(&w);
}

static bool holds(struct span all, struct span part)
{
    return memmem(all.p, all.n, part.p, part.n) != NULL;
}

/* `sluice config --example > deploy/sluice.toml` makes it so. */
TEST(config_example_is_in_the_tree)
{
    CHECK(span_eq(check_file("deploy/sluice.toml"), text_of(sl_config_write_example)));
}

/* `sluice config --table` prints what is to stand there. */
TEST(config_table_is_in_the_documentation)
{
    CHECK(holds(check_file("docs/configuration.md"), text_of(sl_config_write_table)));
}

/* `sluice config --rtcd`, too. */
TEST(config_of_rtcd_is_in_the_documentation)
{
    CHECK(
        holds(check_file("docs/configuration.md"), text_of(sl_config_write_rtcd_table)));
}

TEST(config_help_names_all)
{
    struct span help = text_of(sl_config_write_help);
    for (size_t i = 0; i < sl_settings_n; i++) {
        char flag[80] = "--";
        check_row(sl_settings[i].key);
        strcat(flag, sl_settings[i].key);
        CHECK(holds(help, span_of(flag)));
    }
}

/* With every # taken away from the settings, the example says what is so without it. */
TEST(config_example_has_the_defaults)
{
    struct span example = text_of(sl_config_write_example);
    uint8_t *text = malloc(example.n);
    struct wr w = wr_of(text, example.n);
    for (size_t i = 0; i < example.n; i++) {
        bool hidden = example.p[i] == '#' && i + 1 < example.n && example.p[i + 1] != ' ';
        if (!hidden)
            wr_u8(&w, example.p[i]);
    }
    CHECK(w.n <= example.n - sl_settings_n);
    struct config *said = NULL, *silent = NULL;
    char error[CONFIG_ERROR_MAX] = "";
    CHECK_INT(sl_config_parse(wr_done(&w), "example", &said, error), E_OK);
    CHECK_INT(sl_config_parse(example, "example", &silent, error), E_OK);
    CHECK(span_is(span_of(error), ""));
    /* Strings are in places of their own, and compared there. */
    CHECK(span_is(span_of(said->store.directory), silent->store.directory));
    CHECK_INT(said->rtc.port, silent->rtc.port);
    CHECK(memcmp(&said->limits, &silent->limits, sizeof said->limits) == 0);
    CHECK(memcmp(&said->rtc.srtp_profiles, &silent->rtc.srtp_profiles,
                 sizeof said->rtc.srtp_profiles) == 0);
    CHECK(addr_eq(&said->http.listen, &silent->http.listen));
    CHECK_INT(said->drain.deadline, silent->drain.deadline);
    sl_config_free(said);
    sl_config_free(silent);
    free(text);
}
