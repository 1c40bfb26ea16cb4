#include "service/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "crypto/srtp.h"

static char error[CONFIG_ERROR_MAX];

static struct config *parse(const char *text)
{
    struct config *c = NULL;
    if (sl_config_parse(span_of(text), "f", &c, error) != E_OK)
        check_fail(__FILE__, __LINE__, "%s", error);
    return c;
}

TEST(config_defaults)
{
    struct config *c = parse("");
    struct addr face = addr_v4(0, 0, 0, 0, 8080), admin = addr_v4(127, 0, 0, 1, 8045);
    CHECK_INT(c->rtc.port, 8443);
    CHECK_INT(c->rtc.workers, 0);
    CHECK_INT(c->rtc.listen.n, 0);
    CHECK_INT(c->rtc.srtp_profiles.n, 3);
    CHECK_INT(c->rtc.srtp_profiles.v[0], SRTP_GCM_128);
    CHECK(addr_eq(&c->http.listen, &face));
    CHECK(addr_eq(&c->admin.listen, &admin));
    CHECK(span_is(span_of(c->http.tls_cert), ""));
    CHECK_INT(c->http.allowed_origins.n, 1);
    CHECK_INT(c->log.level, LOG_INFO);
    CHECK_INT(c->drain.deadline, SEC(30));
    CHECK(c->auth.required && c->demo.enabled && !c->http.behind_proxy);
    sl_config_free(c);
}

TEST(config_from_a_file)
{
    struct config *c = parse("[rtc]\n"
                             "listen = [\"192.0.2.1\", \"2001:db8::1\"]\n"
                             "pin = [1, 3]\n"
                             "srtp_profiles = [\"aes-cm-128-hmac-sha1-80\"]\n"
                             "[http]\n"
                             "tls_cert = \"/c\"\n"
                             "tls_key = \"/k\"\n"
                             "allowed_origins = []\n"
                             "[drain]\n"
                             "deadline = \"500ms\"\n"
                             "[log]\n"
                             "format = \"json\"\n"
                             "[demo]\n"
                             "enabled = false\n");
    struct addr first = addr_v4(192, 0, 2, 1, 0);
    CHECK_INT(c->rtc.listen.n, 2);
    CHECK(addr_eq(&c->rtc.listen.v[0], &first));
    CHECK_INT(c->rtc.pin.n, 2);
    CHECK_INT(c->rtc.pin.v[1], 3);
    CHECK_INT(c->rtc.srtp_profiles.n, 1);
    CHECK_INT(c->rtc.srtp_profiles.v[0], SRTP_CM_SHA1_80);
    CHECK(span_is(span_of(c->http.tls_key), "/k"));
    CHECK_INT(c->http.allowed_origins.n, 0);
    CHECK_INT(c->drain.deadline, MSEC(500));
    CHECK_INT(c->log.format, CONFIG_LOG_JSON);
    CHECK(!c->demo.enabled);
    sl_config_free(c);
    c = parse("[drain]\ndeadline = 90\n");
    CHECK_INT(c->drain.deadline, SEC(90));
    sl_config_free(c);
}

TEST(config_errors_say_where)
{
    static const struct {
        const char *name, *text, *error;
    } rows[] = {
        {"no TOML", "[rtc\n",
         "f:1:5: a header ends with a bracket for each that it begins with"},
        {"no such section", "[rtp]\n", "f:1:2: rtp: no such section"},
        {"a setting outside of sections", "port = 1\n", "f:1:1: port: no such section"},
        {"a section that is a value", "rtc = 1\n",
         "f:1:1: rtc: this is a section, [rtc]"},
        {"no such setting", "[rtc]\n\n  prot = 1\n", "f:3:3: rtc.prot: no such setting"},
        {"out of range", "[rtc]\nport = 70000\n",
         "f:2:1: rtc.port: 70000 is not between 1 and 65535"},
        {"negative", "[rtc]\nport = -1\n",
         "f:2:1: rtc.port: -1 is not between 1 and 65535"},
        {"a string for a number", "[rtc]\nport = \"8443\"\n",
         "f:2:1: rtc.port: a string stands where an integer should"},
        {"a number for a string", "[store]\ndirectory = 1\n",
         "f:2:1: store.directory: an integer stands where a string should"},
        {"a number for a boolean", "[demo]\nenabled = 1\n",
         "f:2:1: demo.enabled: an integer stands where a boolean should"},
        {"a boolean for a time", "[drain]\ndeadline = true\n",
         "f:2:1: drain.deadline: a boolean stands where a string should"},
        {"a float", "[rtc]\nport = 1.0\n",
         "f:2:1: rtc.port: a value of type float cannot stand here"},
        {"a table", "[rtc.port]\n",
         "f:1:6: rtc.port: a value of type table cannot stand here"},
        {"one for a list", "[rtc]\nlisten = \"::1\"\n",
         "f:2:1: rtc.listen: a list stands in brackets"},
        {"a list for one", "[rtc]\nport = [1]\n",
         "f:2:1: rtc.port: a value of type array cannot stand here"},
        {"an element of a list", "[rtc]\nlisten = [\n\"::1\",\n \"x\",\n]\n",
         "f:4:2: rtc.listen: 'x' is not an address"},
        {"an element of another type", "[rtc]\npin = [1, \"2\"]\n",
         "f:2:11: rtc.pin: a string stands where an integer should"},
        {"a NUL", "[http]\ntls_cert = \"a\\u0000b\"\n",
         "f:2:1: http.tls_cert: 'a' has a NUL behind it"},
        {"a certificate without key", "[http]\ntls_cert = \"/c\"\n",
         "http.tls_cert and http.tls_key: one is of no use without the other"},
        {"no profile", "[rtc]\nsrtp_profiles = []\n",
         "rtc.srtp_profiles: there must be one"},
        {"two faces", "[admin]\nlisten = \"0.0.0.0:8080\"\n",
         "http.listen and admin.listen: two faces cannot have one address"},
        {"no one address", "[rtc]\nlisten = [\"0.0.0.0\"]\n",
         "rtc.listen: clients are told these addresses, so each must be one; leave it "
         "empty "
         "for all"},
        {"one address twice", "[rtc]\nlisten = [\"::1\", \"::1\"]\n",
         "rtc.listen: an address stands there twice"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct config *c = NULL;
        check_row(rows[i].name);
        CHECK_INT(sl_config_parse(span_of(rows[i].text), "f", &c, error), E_MALFORMED);
        CHECK(!c);
        if (strcmp(error, rows[i].error) != 0)
            check_fail(__FILE__, __LINE__, "%s", error);
    }
}

TEST(config_each_source_is_over_the_one_before)
{
    char path[] = "/tmp/sluice-config-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "[rtc]\nport = 1001\nworkers = 2\npacket_pool = 2048\n";
    CHECK_INT(write(fd, text, sizeof text - 1), sizeof text - 1);
    (void)close(fd);
    char config[64];
    (void)snprintf(config, sizeof config, "--config=%s", path);
    const char *const env[] = {"HOME=/",
                               "SLUICE_CONFIG=/nonexistent",
                               "SLUICE_RTC_WORKERS=3",
                               "SLUICE_RTC_PACKET_POOL=4096",
                               "SLUICE_LIMITS_ROOM_PEERS=7",
                               NULL};
    char *argv[] = {(char[]){"serve"},
                    (char[]){"--rtc.packet_pool=8192"},
                    (char[]){"--verbose"},
                    config,
                    (char[]){"--rtc.listen=::1,127.0.0.1"},
                    (char[]){"x.y"},
                    NULL};
    struct config_from from = {env, LEN(argv) - 1, argv};
    struct config *c = NULL;
    CHECK_INT(sl_config_load(&from, &c, error), E_OK);
    CHECK_INT(c->rtc.port, 1001);
    CHECK_INT(c->rtc.workers, 3);
    CHECK_INT(c->rtc.packet_pool, 8192);
    CHECK_INT(c->limits.room_peers, 7);
    CHECK_INT(c->rtc.listen.n, 2);
    CHECK_INT(c->limits.rooms, 10000);
    /* What is no setting is left to the command. */
    CHECK_INT(from.argc, 3);
    CHECK(span_is(span_of(argv[1]), "--verbose") && span_is(span_of(argv[2]), "x.y"));
    sl_config_free(c);
    (void)unlink(path);
}

/* What an image says of the server in it, and what its operator does. */
TEST(config_defaults_of_who_packs_it)
{
    static const struct {
        const char *name, *env, *arg, *text, *want;
    } rows[] = {
        {"nobody says otherwise", "A=b", "a", "", "0.0.0.0:9045"},
        {"the environment", "SLUICE_ADMIN_LISTEN=127.0.0.1:1", "a", "", "127.0.0.1:1"},
        {"the command line", "A=b", "--admin.listen=127.0.0.1:2", "", "127.0.0.1:2"},
        {"a file", "A=b", "a", "[admin]\nlisten = \"127.0.0.1:3\"\n", "127.0.0.1:3"},
        {"a file that says nothing of it", "A=b", "a", "[rtc]\nport = 9\n",
         "0.0.0.0:9045"},
        {"rtcd's variable", "RTCD_API_HTTP_LISTENADDRESS=127.0.0.1:4", "a", "",
         "127.0.0.1:4"},
        {"rtcd's file", "A=b", "a", "[api]\nhttp.listen_address = \"127.0.0.1:5\"\n",
         "127.0.0.1:5"},
        {"rtcd's variables that say nothing of it", "RTCD_RTC_ICEPORTUDP=8443", "a", "",
         "0.0.0.0:9045"},
        {"rtcd's file that says nothing of it", "A=b", "a",
         "[rtc]\nice_port_udp = 8443\n", "0.0.0.0:9045"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char arg[64], at[ADDR_TEXT_MAX];
        char *argv[] = {(char[]){"serve"}, arg, NULL};
        const char *const env[] = {rows[i].env,
                                   "SLUICE_DEFAULT_ADMIN_LISTEN=0.0.0.0:9045", NULL};
        struct config_from from = {
            .env = env, .argc = 2, .argv = argv, .text = rows[i].text};
        struct config *c = NULL;
        (void)snprintf(arg, sizeof arg, "%s", rows[i].arg);
        check_row(rows[i].name);
        CHECK_INT(sl_config_load(&from, &c, error), E_OK);
        if (c && strcmp(sl_addr_text(&c->admin.listen, at), rows[i].want) != 0)
            check_fail(__FILE__, __LINE__, "%s: at %s", rows[i].name, at);
        sl_config_free(c);
    }
}

TEST(config_errors_of_other_sources)
{
    static const struct {
        const char *name, *env, *arg, *error;
        enum err want;
    } rows[] = {
        {"no such file", "A=b", "--config=/nonexistent",
         "/nonexistent: No such file or directory", E_ABSENT},
        {"no such file, by the environment", "SLUICE_CONFIG=/nonexistent", "a",
         "/nonexistent: No such file or directory", E_ABSENT},
        {"a directory", "A=b", "--config=/", "/: Is a directory", E_MALFORMED},
        {"the environment", "SLUICE_RTC_PORT=x", "a",
         "SLUICE_RTC_PORT: rtc.port: 'x' is not a number", E_MALFORMED},
        {"a default in the environment", "SLUICE_DEFAULT_RTC_PORT=x", "a",
         "SLUICE_DEFAULT_RTC_PORT: rtc.port: 'x' is not a number", E_MALFORMED},
        {"the command line", "A=b", "--rtc.port=0",
         "--rtc.port: 0 is not between 1 and 65535", E_MALFORMED},
        {"no such flag", "A=b", "--rtc.prot=1", "--rtc.prot=1: no such setting",
         E_MALFORMED},
        {"a flag without value", "A=b", "--demo.enabled",
         "--demo.enabled: a value follows, --demo.enabled=VALUE", E_MALFORMED},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char arg[64];
        char *argv[] = {(char[]){"serve"}, arg, NULL};
        const char *const env[] = {rows[i].env, NULL};
        struct config_from from = {env, 2, argv};
        struct config *c = NULL;
        (void)snprintf(arg, sizeof arg, "%s", rows[i].arg);
        check_row(rows[i].name);
        CHECK_INT(sl_config_load(&from, &c, error), rows[i].want);
        if (strcmp(error, rows[i].error) != 0)
            check_fail(__FILE__, __LINE__, "%s", error);
    }
}

TEST(config_stray_variables)
{
    const char *const fine[] = {"SLUICE_RTC_PORT=1",
                                "SLUICE_CONFIG=x",
                                "RTC_PROT=1",
                                "SLUICE_SERVICE_HOST=10.0.0.1",
                                "SLUICE_DEFAULT_RTC_PORT=1",
                                NULL};
    const char *const slip[] = {"SLUICE_RTC_PORT=1", "SLUICE_RTC_PROT=1", NULL};
    const char *const other[] = {"SLUICE_DEFAULT_RTC_PROT=1", NULL};
    CHECK(!sl_config_stray(fine));
    CHECK(sl_config_stray(slip) == slip[1]);
    CHECK(sl_config_stray(other) == other[0]);
    CHECK(!sl_config_stray(NULL));
}
