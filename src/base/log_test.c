#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"

/* 2021-01-02 03:04:05.678901 */
#define WALL  (SEC(1609556645) + 678901)
#define START "{\"time\":\"2021-01-02T03:04:05.678901Z\",\"level\":\"info\",\"msg\":\"m\""

static usec wall_at = WALL;

static usec wall(void)
{
    return wall_at;
}

static struct span line(struct log *log, const struct log_kv *kvs)
{
    static uint8_t buf[LOG_LINE_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    sl_log_line(&w, log, LOG_INFO, WALL, "m", kvs);
    CHECK(!w.bad);
    return wr_done(&w);
}

static bool ends_with(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && memcmp(s.p + s.n - n, text, n) == 0;
}

TEST(log_values)
{
    struct addr addr = addr_v4(192, 0, 2, 1, 8443);
    const struct {
        const char *name;
        struct log_kv kv;
        const char *json, *text;
    } rows[] = {
        {"a word", KV_STR("k", "room-1"), "\"room-1\"", "room-1"},
        {"a number", KV_INT("k", -5), "-5", "-5"},
        {"the largest number", KV_UINT("k", UINT64_MAX), "18446744073709551615",
         "18446744073709551615"},
        {"a truth", KV_BOOL("k", true), "true", "true"},
        {"an id is no number", KV_ID("k", 0x1000000000000042), "\"1000000000000042\"",
         "1000000000000042"},
        {"an address", KV_ADDR("k", &addr), "\"192.0.2.1:8443\"", "192.0.2.1:8443"},
        {"nothing", KV_STR("k", ""), "\"\"", "\"\""},
        {"blanks", KV_STR("k", "a b"), "\"a b\"", "\"a b\""},
        {"an equals sign", KV_STR("k", "a=b"), "\"a=b\"", "\"a=b\""},
        {"quotes", KV_STR("k", "\"\\"), "\"\\\"\\\\\"", "\"\\\"\\\\\""},
        {"a line that would be another", KV_STR("k", "a\r\n{}"), "\"a\\u000d\\u000a{}\"",
         "\"a\\u000d\\u000a{}\""},
        {"the escape of a terminal", KV_STR("k", "\x1b[2J"), "\"\\u001b[2J\"",
         "\"\\u001b[2J\""},
        {"the same in one octet", KV_STR("k", "\xc2\x9b"), "\"\\u009b\"", "\"\\u009b\""},
        {"text that runs backwards", KV_STR("k", "\xe2\x80\xae"), "\"\\u202e\"",
         "\"\\u202e\""},
        {"letters beyond ASCII", KV_STR("k", "\xc3\xa4"), "\"\xc3\xa4\"", "\"\xc3\xa4\""},
        {"no UTF-8", KV_STR("k", "a\xff\xc3"), "\"a\\ufffd\\ufffd\"",
         "\"a\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct log log = {.format = LOG_JSON};
        struct log_kv kvs[] = {rows[i].kv, {.key = NULL}};
        char want[256];
        check_row(rows[i].name);
        (void)snprintf(want, sizeof want, START ",\"k\":%s}\n", rows[i].json);
        CHECK(span_is(line(&log, kvs), want));
        log.format = LOG_TEXT;
        (void)snprintf(want, sizeof want, " info  m k=%s\n", rows[i].text);
        CHECK(ends_with(line(&log, kvs), want));
    }
}

TEST(log_blanks_persons_and_nobody_else)
{
    struct addr addr = addr_v4(192, 0, 2, 1, 1);
    struct log log = {.format = LOG_JSON, .blank = true};
    struct log_kv kvs[] = {KV_PERSON("user", "ann"),
                           KV_PERSON_ADDR("from", &addr),
                           KV_ADDR("at", &addr),
                           KV_STR("room", "r"),
                           {.key = NULL}};
    CHECK(span_is(line(&log, kvs), START ",\"user\":\"*\",\"from\":\"*\","
                                         "\"at\":\"192.0.2.1:1\",\"room\":\"r\"}\n"));
    log.blank = false;
    CHECK(span_is(line(&log, kvs), START ",\"user\":\"ann\",\"from\":\"192.0.2.1:1\","
                                         "\"at\":\"192.0.2.1:1\",\"room\":\"r\"}\n"));
}

TEST(log_lines_have_a_limit_and_keep_their_form)
{
    struct log log = {.format = LOG_JSON};
    static char longest[LOG_VALUE_MAX + 10], escapes[LOG_VALUE_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    memset(escapes, '\n', sizeof escapes - 1);
    struct log_kv one[] = {KV_STR("k", longest), {.key = NULL}};
    CHECK(ends_with(line(&log, one), "xxx...\"}\n"));
    CHECK_INT(line(&log, one).n,
              strlen(START ",\"k\":\"") + LOG_VALUE_MAX + strlen("...\"}\n"));
    struct log_kv many[] = {KV_STR("a", escapes), KV_STR("b", escapes), {.key = NULL}};
    CHECK(ends_with(line(&log, many), "\\u000a\",\"cut\":true}\n"));
    /* A cut does not leave half a letter, nor make one look broken. */
    memset(longest + LOG_VALUE_MAX - 1, 0xc3, 1);
    memset(longest + LOG_VALUE_MAX, 0xa4, 1);
    CHECK(ends_with(line(&log, one), "xx...\"}\n"));
}

/* Whatever is left at the end of a line, it is enough for what ends it. */
TEST(log_lines_end_at_any_length)
{
    struct log log = {.format = LOG_JSON};
    static char fill[LOG_VALUE_MAX + 1], last[LOG_VALUE_MAX + 1];
    memset(fill, 'x', sizeof fill - 1);
    for (size_t n = 0; n < LOG_VALUE_MAX; n++) {
        memset(last, 'y', n);
        struct log_kv kvs[] = {KV_STR("a", fill), KV_STR("b", fill), KV_STR("c", fill),
                               KV_STR("d", fill), KV_STR("e", fill), KV_STR("f", fill),
                               KV_STR("g", fill), KV_STR("h", last), KV_INT("i", 12345),
                               {.key = NULL}};
        struct span s = line(&log, kvs);
        CHECK(ends_with(s, ":12345}\n") || ends_with(s, ",\"cut\":true}\n"));
    }
}

static size_t take(int fd, char *buf, size_t cap)
{
    ssize_t n = read(fd, buf, cap - 1);
    buf[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

TEST(log_writes_by_level)
{
    int fd[2], evaluated = 0;
    char buf[LOG_LINE_MAX];
    CHECK_INT(pipe2(fd, O_NONBLOCK), 0);
    struct log log = {.fd = fd[1],
                      .level = LOG_INFO,
                      .format = LOG_JSON,
                      .wall = wall,
                      .thread = "control"};
    LOG(&log, LOG_DEBUG, "m", KV_INT("n", ++evaluated));
    CHECK_INT(take(fd[0], buf, sizeof buf), 0);
    CHECK_INT(evaluated, 0);
    LOG(&log, LOG_INFO, "m");
    (void)take(fd[0], buf, sizeof buf);
    CHECK(span_is(span_of(buf), START ",\"thread\":\"control\"}\n"));
    LOG(&log, LOG_ERROR, "m", KV_INT("n", ++evaluated), KV_ERR(E_FULL));
    (void)take(fd[0], buf, sizeof buf);
    CHECK(strstr(buf, "\"level\":\"error\""));
    CHECK(strstr(buf, "\"n\":1,\"err\":\"FULL\"}\n"));
    (void)close(fd[0]);
    (void)close(fd[1]);
}

/* The pipe is a blocking one, as standard error is. */
TEST(log_never_waits_for_its_reader)
{
    int fd[2];
    char buf[LOG_LINE_MAX];
    CHECK_INT(pipe(fd), 0);
    struct log log = {.fd = fd[1], .format = LOG_JSON, .wall = wall};
    while (log.dropped < 3)
        LOG(&log, LOG_INFO, "m");
    while (log.dropped > 0) {
        (void)take(fd[0], buf, sizeof buf);
        LOG(&log, LOG_INFO, "again");
    }
    (void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
    static char all[1 << 17];
    size_t n = 0;
    for (size_t got; (got = take(fd[0], all + n, sizeof all - n)) > 0;)
        n += got;
    CHECK(strstr(all, "\"msg\":\"again\",\"dropped\":"));
    (void)close(fd[0]);
    (void)close(fd[1]);
}

TEST(log_has_a_rate)
{
    int fd[2];
    char buf[LOG_LINE_MAX];
    CHECK_INT(pipe2(fd, O_NONBLOCK), 0);
    struct log log = {.fd = fd[1], .format = LOG_JSON, .wall = wall, .per_second = 3};
    for (int i = 0; i < 10; i++)
        LOG(&log, LOG_INFO, "m");
    CHECK_INT(log.dropped, 7);
    CHECK_INT(take(fd[0], buf, sizeof buf), 3 * strlen(START "}\n"));
    LOG(&log, LOG_WARN, "m"); /* someone should look at it */
    (void)take(fd[0], buf, sizeof buf);
    CHECK(strstr(buf, "\"dropped\":7}"));
    wall_at += SEC(1);
    LOG(&log, LOG_INFO, "m");
    CHECK(take(fd[0], buf, sizeof buf) > 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

TEST(log_level_of)
{
    enum log_level level = LOG_DEBUG;
    CHECK_INT(sl_log_level_of("warn", &level), E_OK);
    CHECK_INT(level, LOG_WARN);
    CHECK_INT(sl_log_level_of("loud", &level), E_ABSENT);
}
