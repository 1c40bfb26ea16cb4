#include "service/config_rtcd.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

/* rtcd's sample file, as an operator has it. */
static const char sample[] = "[api]\n"
                             "http.listen_address = \":8045\"\n"
                             "http.tls.enable = false\n"
                             "http.tls.cert_file = \"\"\n"
                             "http.tls.cert_key = \"\"\n"
                             "security.allow_self_registration = true\n"
                             "security.enable_admin = true\n"
                             "security.admin_secret_key = \"secret\"\n"
                             "security.session_cache.expiration_minutes = 60\n"
                             "[rtc]\n"
                             "ice_address_udp = \"10.0.0.1, 10.0.0.2\"\n"
                             "ice_port_udp = 8444\n"
                             "ice_address_tcp = \"10.0.0.1\"\n"
                             "ice_port_tcp = 8445\n"
                             "ice_host_override = \"192.0.2.7\"\n"
                             "ice_host_port_override = 30443\n"
                             "ice_servers = [\"stun:a:1\", {urls = [\"turn:b:2\", "
                             "\"turns:c:3\"], username = \"u\", "
                             "credential = \"s\"}]\n"
                             "turn.static_auth_secret = \"x\"\n"
                             "enable_ipv6 = false\n"
                             "nack_buffer_size = 512\n"
                             "[store]\n"
                             "data_source = \"/var/rtcd\"\n"
                             "[logger]\n"
                             "enable_console = true\n"
                             "console_json = true\n"
                             "console_level = \"TRACE\"\n"
                             "enable_file = true\n"
                             "some_day = \"a new one\"\n";

static struct config *parse(const char *text, char error[CONFIG_ERROR_MAX])
{
    struct config *c = NULL;
    error[0] = '\0';
    enum err e = sl_config_parse(span_of(text), "rtcd.toml", &c, error);
    CHECK((e == E_OK) == (c != NULL));
    return c;
}

static struct config *with_env(const char *const *env, char error[CONFIG_ERROR_MAX])
{
    struct config_from from = {.env = env};
    struct config *c = NULL;
    error[0] = '\0';
    enum err e = sl_config_load(&from, &c, error);
    CHECK((e == E_OK) == (c != NULL));
    return c;
}

static bool noted(const struct config *c, const char *what)
{
    for (size_t i = 0; i < c->notes.n; i++)
        if (strstr(c->notes.v[i], what))
            return true;
    return false;
}

static void check_addr(const struct addr *a, const char *want)
{
    char text[ADDR_TEXT_MAX];
    CHECK(strcmp(sl_addr_text(a, text), want) == 0);
}

TEST(config_of_rtcd_from_its_file)
{
    char error[CONFIG_ERROR_MAX];
    struct config *c = parse(sample, error);
    CHECK(strcmp(error, "") == 0);
    if (!c)
        return;
    check_addr(&c->admin.listen, "0.0.0.0:8045");
    CHECK(c->rtcd.self_registration && strcmp(c->rtcd.admin_secret, "secret") == 0);
    CHECK_INT(c->rtcd.token_lifetime, SEC(3600));
    CHECK(!*c->admin.tls_cert);
    CHECK_INT(c->rtc.listen.n, 2);
    CHECK_INT(c->rtc.port, 8444);
    CHECK_INT(c->rtc.tcp_port, 8445);
    CHECK_INT(c->rtc.tcp_listen.n, 1);
    CHECK(c->rtc.tcp);
    CHECK_INT(c->rtc.public_address.n, 1);
    CHECK(strcmp(c->rtc.public_address.v[0], "192.0.2.7") == 0);
    CHECK_INT(c->rtc.public_port, 30443);
    CHECK(!c->rtc.ipv6);
    CHECK_INT(c->rtc.ice_servers.n, 3);
    CHECK(strcmp(c->rtc.ice_servers.v[0], "stun:a:1") == 0);
    CHECK(strcmp(c->rtc.ice_servers.v[2], "turns:c:3 u s") == 0);
    CHECK(strcmp(c->store.directory, "/var/rtcd") == 0);
    CHECK_INT(c->log.level, LOG_DEBUG);
    CHECK_INT(c->log.format, CONFIG_LOG_JSON);
    CHECK(!c->demo.enabled);
    CHECK_INT(c->http.listen.port, 0);
    CHECK_INT(c->drain.deadline, 0);
    CHECK(noted(c, "rtc.nack_buffer_size (RTCD_RTC_NACKBUFFERSIZE) has no effect"));
    CHECK(noted(c, "logger.enable_file") && noted(c, "makes no relayed candidates"));
    CHECK(strcmp(c->rtc.turn_secret, "x") == 0 && c->rtc.turn_lifetime == SEC(86400));
    CHECK(!noted(c, "rtc.ice_port_udp") && !noted(c, "nack_disable_copy"));
    CHECK(!noted(c, "logger.enable_console")); /* which is so */
    sl_config_free(c);
}

TEST(config_of_rtcd_from_its_variables)
{
    static const char *const env[] = {
        "RTCD_API_SECURITY_ALLOWSELFREGISTRATION=T",
        "RTCD_RTC_ICEPORTUDP=0x20fb",
        "RTCD_RTC_ICESERVERS=[{\"urls\":[\"stun:x\"]}]",
        "RTCD_RTC_ICEHOSTOVERRIDE=1.1.1.1/1.1.1.1, 2.2.2.2/10.0.0.1",
        "RTCD_UNKNOWN=1",
        "SLUICE_HTTP_LISTEN=127.0.0.1:9000",
        NULL};
    char error[CONFIG_ERROR_MAX];
    struct config *c = with_env(env, error);
    CHECK(strcmp(error, "") == 0);
    if (!c)
        return;
    CHECK(c->rtcd.self_registration && !*c->rtcd.admin_secret);
    CHECK_INT(c->rtc.port, 8443);
    CHECK_INT(c->rtc.ice_servers.n, 1);
    CHECK_INT(c->rtc.public_address.n, 2);
    CHECK(strcmp(c->rtc.public_address.v[1], "2.2.2.2/10.0.0.1") == 0);
    /* What is not set has rtcd's default; ours count over them. */
    check_addr(&c->admin.listen, "0.0.0.0:8045");
    check_addr(&c->http.listen, "127.0.0.1:9000");
    CHECK(strcmp(c->store.directory, "/tmp/rtcd_db") == 0);
    CHECK_INT(c->notes.n, 0);
    sl_config_free(c);

    /* None of rtcd's: our own defaults. */
    c = with_env(&env[4], error);
    CHECK(c && c->rtc.ipv6 && c->demo.enabled &&
          strcmp(c->store.directory, "state") == 0);
    sl_config_free(c);
}

TEST(config_of_rtcd_that_it_would_refuse)
{
    static const struct {
        const char *env, *error;
    } rows[] = {
        {"RTCD_RTC_ICEPORTUDP=79",
         "invalid ICEPortUDP value: 79 is not in allowed range [80, 49151]"},
        {"RTCD_RTC_ICEPORTTCP=49152",
         "invalid ICEPortTCP value: 49152 is not in allowed range [80, 49151]"},
        {"RTCD_RTC_ICEPORTUDP=", "rtc.ice_port_udp: '' is no number"},
        {"RTCD_RTC_ICEPORTUDP=84 43", "rtc.ice_port_udp: '84 43' is no number"},
        {"RTCD_RTC_ENABLEIPV6=yes", "rtc.enable_ipv6: 'yes' is neither true nor false"},
        {"RTCD_RTC_ENABLEIPV6=", "rtc.enable_ipv6: '' is neither true nor false"},
        {"RTCD_RTC_ICEADDRESSUDP=10.0.0.1,x",
         "invalid ICEAddressUDP value: invalid ICEAddress value: x is not a valid IP "
         "address"},
        {"RTCD_RTC_ICEHOSTPORTOVERRIDE=45",
         "invalid ICEHostPortOverride value: 45 is not in allowed range [80, 49151]"},
        {"RTCD_RTC_ICEHOSTPORTOVERRIDE=127.0.0.1/8443,127.0.0.1/8444",
         "invalid ICEHostPortOverride value: failed to parse mapping: duplicate mapping "
         "found "
         "for 127.0.0.1"},
        {"RTCD_RTC_ICEHOSTPORTOVERRIDE=127.0.0.1/8443,127.0.0.2/8443",
         "invalid ICEHostPortOverride value: failed to parse mapping: duplicate port "
         "found for "
         "8443"},
        {"RTCD_RTC_ICEHOSTPORTOVERRIDE=127.0.0.1,8443",
         "invalid ICEHostPortOverride value: failed to parse mapping: invalid map "
         "pairing syntax"},
        {"RTCD_RTC_ICESERVERS=[\"http://a\"]",
         "invalid ICEServers value: URL is not a valid STUN/TURN server"},
        {"RTCD_RTC_ICESERVERS=[{\"urls\":[]}]",
         "invalid ICEServers value: invalid empty URLs"},
        {"RTCD_RTC_ICESERVERS=[\"\"]", "invalid ICEServers value: invalid empty URL"},
        {"RTCD_RTC_TURNCONFIG_CREDENTIALSEXPIRATIONMINUTES=x",
         "rtc.turn.credentials_expiration_minutes: 'x' is no number"},
        {"RTCD_RTC_UDPSOCKETSCOUNT=0",
         "invalid UDPSocketsCount value: should be greater than 0"},
        {"RTCD_RTC_NACKBUFFERSIZE=16",
         "invalid NACKBufferSize value: should be at least 32"},
        {"RTCD_RTC_NACKBUFFERSIZE=16384",
         "invalid NACKBufferSize value: should not exceed 8192"},
        {"RTCD_RTC_NACKBUFFERSIZE=33",
         "invalid NACKBufferSize value: must be a power of 2 (33)"},
        {"RTCD_STORE_DATASOURCE=", "invalid DataSource value: should not be empty"},
        {"RTCD_LOGGER_CONSOLELEVEL=loud", "invalid ConsoleLevel value \"loud\""},
        {"RTCD_LOGGER_FILELEVEL=loud", "invalid FileLevel value \"loud\""},
        {"RTCD_LOGGER_FILELOCATION=", "invalid FileLocation value: should not be empty"},
        {"RTCD_API_SECURITY_ENABLEADMIN=true",
         "invalid AdminSecretKey value: should not be empty"},
        {"RTCD_API_HTTP_LISTENADDRESS=", "invalid ListenAddress value: '' has no port"},
        {"RTCD_API_SECURITY_SESSIONCACHE_EXPIRATIONMINUTES=0",
         "invalid ExpirationMinutes value: should be a positive number"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char error[CONFIG_ERROR_MAX];
        const char *const env[] = {rows[i].env, NULL};
        check_row(rows[i].env);
        struct config *c = with_env(env, error);
        CHECK(!c);
        if (strcmp(error, rows[i].error) != 0)
            check_fail(__FILE__, __LINE__, "error: %s", error);
        sl_config_free(c);
    }
    static const char *const silent[] = {"RTCD_LOGGER_ENABLECONSOLE=0",
                                         "RTCD_LOGGER_ENABLEFILE=f", NULL};
    char error[CONFIG_ERROR_MAX];
    CHECK(!with_env(silent, error));
    CHECK(strcmp(error, "should enable at least one logging target") == 0);
}

/* What of the logger has no effect is said once, and what is so here anyway is not. */
TEST(config_of_rtcd_and_its_logger)
{
    static const struct {
        const char *env, *file;
        size_t notes;
    } rows[] = {
        {"RTCD_LOGGER_ENABLECONSOLE=true", "enable_console = true", 0},
        {"RTCD_LOGGER_ENABLECONSOLE=false", "enable_console = false", 1},
        {"RTCD_LOGGER_CONSOLEJSON=true", "console_json = true", 0},
        {"RTCD_LOGGER_CONSOLELEVEL=WARN", "console_level = \"WARN\"", 0},
        {"RTCD_LOGGER_ENABLEFILE=false", "enable_file = false", 0},
        {"RTCD_LOGGER_ENABLEFILE=true", "enable_file = true", 1},
        {"RTCD_LOGGER_FILEJSON=false", "file_json = false", 1},
        {"RTCD_LOGGER_FILELEVEL=WARN", "file_level = \"WARN\"", 1},
        {"RTCD_LOGGER_FILELOCATION=/var/log/rtcd.log",
         "file_location = \"/var/log/rtcd.log\"", 1},
        {"RTCD_LOGGER_ENABLECOLOR=false", "enable_color = false", 0},
        {"RTCD_LOGGER_ENABLECOLOR=true", "enable_color = true", 1},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char error[CONFIG_ERROR_MAX], text[96];
        const char *const env[] = {rows[i].env, NULL};
        (void)snprintf(text, sizeof text, "[logger]\n%s\n", rows[i].file);
        struct config *by[] = {with_env(env, error), parse(text, error)};
        check_row(rows[i].env);
        for (size_t k = 0; k < LEN(by); k++) {
            CHECK(by[k] && by[k]->notes.n == rows[i].notes &&
                  (rows[i].notes == 0 || noted(by[k], " has no effect: ")));
            sl_config_free(by[k]);
        }
    }
}

/* In a file of ours a slip is an error as before; in one of rtcd's it is said and left. */
TEST(config_of_rtcd_and_slips)
{
    char error[CONFIG_ERROR_MAX];
    struct config *c = parse("[rtc]\nprot = 1\n", error);
    CHECK(!c && strcmp(error, "rtcd.toml:2:1: rtc.prot: no such setting") == 0);
    c = parse("[rtc]\nprot = 1\nICE_Port_UDP = 9000\n", error);
    CHECK(c && c->rtc.port == 9000 && noted(c, "rtc.prot: no such setting"));
    sl_config_free(c);
    c = parse("[rtc]\nice_port_udp = 9000\nport = 9001\n", error);
    CHECK(c && c->rtc.port == 9001);
    sl_config_free(c);
    CHECK(sl_config_rtcd_knows("RTC.ice_port_udp", false));
    CHECK(sl_config_rtcd_knows("api.http", true) &&
          !sl_config_rtcd_knows("api.http", false));
    CHECK(!sl_config_rtcd_knows("rtc.port", true));
}

TEST(config_file_the_way_rtcd_names_it)
{
    char path[] = "/tmp/sluice-config-XXXXXX", serve[] = "serve", flag[] = "-config";
    char error[CONFIG_ERROR_MAX];
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    CHECK(f && fputs(sample, f) >= 0 && fclose(f) == 0);
    char *argv[] = {serve, flag, path, NULL};
    struct config_from from = {.argc = 3, .argv = argv};
    struct config *c = NULL;
    CHECK_INT(sl_config_load(&from, &c, error), E_OK);
    CHECK(c && c->rtc.port == 8444 && from.argc == 1);
    sl_config_free(c);
    CHECK_INT(remove(path), 0);
}
