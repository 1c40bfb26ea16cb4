#include "service/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "check.h"

static char error[CONFIG_ERROR_MAX];

static struct config *parse(const char *text)
{
    struct config *c = NULL;
    if (sl_config_parse(span_of(text), "f", &c, error) != E_OK)
        check_fail(__FILE__, __LINE__, "%s", error);
    return c;
}

TEST(settings_by_default)
{
    struct config *c = parse("");
    struct settings s;
    CHECK_INT(sl_settings_init(&s, c, error), E_OK);
    const struct node_conf *n = &s.control.node;
    CHECK_INT(n->workers, sysconf(_SC_NPROCESSORS_ONLN));
    CHECK(n->at_n > 0 && n->tcp_at_n == n->at_n);
    CHECK(s.control.maps_n == 0 && !s.control.name && !s.control.stun);
    CHECK_INT(n->at[0].port, 8443);
    CHECK_INT(n->profiles_n, 3);
    CHECK_INT(n->cpus_n, 0);
    CHECK(!s.control.tls_cert && !s.control.tls_key && !s.control.origins);
    CHECK_INT(s.control.joins.every, MSEC(100));
    CHECK(!s.control.open && s.control.demo);
    sl_settings_fini(&s);
    sl_config_free(c);
}

TEST(settings_from_a_file)
{
    struct config *c = parse("[rtc]\nport = 1234\nlisten = [\"127.0.0.1\", \"::1\"]\n"
                             "public_address = \"192.0.2.7\"\nworkers = 3\npin = [1, 2]\n"
                             "ice_servers = [\"stun:a:1\", \"turn:b:2 ann  secret\"]\n"
                             "[http]\nallowed_origins = []\n"
                             "[auth]\nrequired = false\n"
                             "[limits]\nsessions_per_address = 0\n");
    struct settings s;
    CHECK_INT(sl_settings_init(&s, c, error), E_OK);
    const struct control_conf *k = &s.control;
    struct addr first = addr_v4(127, 0, 0, 1, 1234), told = addr_v4(192, 0, 2, 7, 0);
    CHECK_INT(k->node.at_n, 2);
    CHECK(addr_eq(&k->node.at[0], &first));
    CHECK_INT(k->maps_n, 1);
    CHECK(addr_eq(&k->maps[0].shown, &told) && sl_addr_is_any(&k->maps[0].local));
    CHECK(!k->stun); /* what is written down needs not to be asked */
    CHECK_INT(k->node.tcp_at_n, 2);
    CHECK(addr_eq(&k->node.tcp_at[0], &first));
    CHECK_INT(k->node.workers, 3);
    CHECK_INT(k->node.cpus_n, 2);
    CHECK_INT(k->node.cpus[1], 2);
    CHECK_INT(k->ice_n, 2);
    CHECK(span_is(span_of(k->ice[0].url), "stun:a:1") && !k->ice[0].username);
    CHECK(span_is(span_of(k->ice[1].url), "turn:b:2"));
    CHECK(span_is(span_of(k->ice[1].username), "ann"));
    CHECK(span_is(span_of(k->ice[1].credential), "secret"));
    CHECK(k->origins);
    CHECK_INT(k->origins_n, 0);
    CHECK(k->open);
    CHECK_INT(k->joins.every, 0);
    sl_settings_fini(&s);
    sl_config_free(c);
}

TEST(settings_of_streams)
{
    struct config *c =
        parse("[rtc]\nport = 1234\ntcp_port = 443\nlisten = [\"127.0.0.1\"]\n"
              "tcp_listen = [\"127.0.0.2\", \"::1\"]\n");
    struct settings s;
    struct addr want = addr_v4(127, 0, 0, 2, 443);
    CHECK_INT(sl_settings_init(&s, c, error), E_OK);
    CHECK_INT(s.control.node.tcp_at_n, 2);
    CHECK(addr_eq(&s.control.node.tcp_at[0], &want));
    sl_settings_fini(&s);
    sl_config_free(c);
    c = parse("[rtc]\ntcp = false\nlisten = [\"127.0.0.1\"]\n");
    CHECK_INT(sl_settings_init(&s, c, error), E_OK);
    CHECK_INT(s.control.node.tcp_at_n, 0);
    sl_settings_fini(&s);
    sl_config_free(c);
}

TEST(settings_of_public_addresses)
{
    static const struct {
        const char *set;
        size_t maps;
        const char *name, *stun, *error;
    } rows[] = {
        {"ice_servers = [\"turn:a\", \"stun:b:1\", \"stun:c\"]", 0, NULL, "stun:b:1",
         NULL},
        {"ice_servers = [\"stun:b\"]\npublic_address = \"a.example\"", 0, "a.example",
         NULL, NULL},
        {"public_address = [\"192.0.2.1\", \"2001:db8::1\"]", 2, NULL, NULL, NULL},
        {"public_address = [\"192.0.2.1/10.0.0.1\", \"192.0.2.2/10.0.0.2\"]", 2, NULL,
         NULL, NULL},
        {"public_address = \"192.0.2.1/\"", 0, NULL, NULL,
         "rtc.public_address: '192.0.2.1/' is not a pair of addresses"},
        {"public_address = \"a.example/10.0.0.1\"", 0, NULL, NULL,
         "rtc.public_address: 'a.example/10.0.0.1' is not a pair of addresses"},
        {"public_address = [\"a.example\", \"b.example\"]", 0, NULL, NULL,
         "rtc.public_address: 'b.example' is a second name"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[256];
        struct settings s;
        (void)snprintf(text, sizeof text, "[rtc]\n%s\n", rows[i].set);
        struct config *c = parse(text);
        check_row(rows[i].set);
        CHECK_INT(sl_settings_init(&s, c, error), rows[i].error ? E_MALFORMED : E_OK);
        if (rows[i].error) {
            CHECK(strcmp(error, rows[i].error) == 0);
        } else {
            const struct control_conf *k = &s.control;
            CHECK_INT(k->maps_n, rows[i].maps);
            CHECK(!k->name == !rows[i].name && !k->stun == !rows[i].stun);
            CHECK(!k->name || strcmp(k->name, rows[i].name) == 0);
            CHECK(!k->stun || strcmp(k->stun, rows[i].stun) == 0);
        }
        sl_settings_fini(&s);
        sl_config_free(c);
    }
}

TEST(settings_of_webhooks)
{
    static const struct {
        const char *urls, *secret, *error;
    } rows[] = {
        {"", "", NULL},
        {"\"https://a.example/b\", \"http://[::1]:80/\"", "24 octets, and not fewer.",
         NULL},
        {"\"https://a.example/b\"", "", "webhooks.secret: less than 24 octets"},
        {"\"https://a.example/b\"", "whsec_?",
         "webhooks.secret: no base64 behind whsec_"},
        {"\"ftp://a.example/b\"", "24 octets, and not fewer.",
         "webhooks.urls: 'ftp://a.example/b' is no URL of http"},
        {"\"http://a\",\"http://a\",\"http://a\",\"http://a\",\"http://a\",\"http://a\","
         "\"http://a\",\"http://a\",\"http://b\"",
         "24 octets, and not fewer.", "webhooks.urls: 'http://b' is one too many"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[512];
        struct settings s;
        (void)snprintf(text, sizeof text, "[webhooks]\nurls = [%s]\nsecret = \"%s\"\n",
                       rows[i].urls, rows[i].secret);
        struct config *c = parse(text);
        check_row(rows[i].urls);
        error[0] = '\0';
        enum err e = sl_settings_init(&s, c, error);
        CHECK_INT(e == E_OK, rows[i].error == NULL);
        CHECK(!rows[i].error || strcmp(error, rows[i].error) == 0);
        sl_settings_fini(&s);
        sl_config_free(c);
    }
}

TEST(settings_of_redis)
{
    static const struct {
        const char *set, *error;
    } rows[] = {
        {"", NULL},
        {"lease = \"1s\"", NULL}, /* of nothing */
        {"address = \"localhost:6379\"", NULL},
        {"address = \"[::1]:6379\"\nlease = 3", NULL},
        {"address = \"localhost\"",
         "redis.address: not a host and a port such as \"localhost:6379\""},
        {"address = \"a:1\"\nlease = \"2s\"", "redis.lease: not between 3 s and a day"},
        {"address = \"a:1\"\nrequests = \"\"", "redis.requests: empty"},
        {"address = \"a:1\"\nowned = \"\"", "redis.owned: empty"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[256];
        struct settings s;
        (void)snprintf(text, sizeof text, "[redis]\n%s\n", rows[i].set);
        struct config *c = parse(text);
        check_row(rows[i].set);
        CHECK_INT(sl_settings_init(&s, c, error), rows[i].error ? E_MALFORMED : E_OK);
        if (rows[i].error)
            CHECK_STR(error, rows[i].error);
        CHECK(!s.control.redis.redis.address == (rows[i].error || i < 2));
        sl_settings_fini(&s);
        sl_config_free(c);
    }
}

TEST(settings_refuse_half_an_ice_server)
{
    static const char *const bad[] = {"turn:b:2 ann", "turn:b:2 ann secret more", " "};
    for (size_t i = 0; i < LEN(bad); i++) {
        char text[128];
        struct settings s;
        (void)snprintf(text, sizeof text, "[rtc]\nice_servers = [\"%s\"]\n", bad[i]);
        struct config *c = parse(text);
        check_row(bad[i]);
        CHECK_INT(sl_settings_init(&s, c, error), E_MALFORMED);
        CHECK(strstr(error, "rtc.ice_servers: '"));
        sl_settings_fini(&s);
        sl_config_free(c);
    }
}

TEST(settings_log)
{
    struct config *c =
        parse("[log]\nformat = \"json\"\nlevel = \"warn\"\nanonymous = true\n");
    struct log log = sl_settings_log(c);
    CHECK_INT(log.format, LOG_JSON);
    CHECK_INT(log.level, LOG_WARN);
    CHECK(log.blank);
    CHECK_INT(log.fd, STDERR_FILENO);
    sl_config_free(c);
}
