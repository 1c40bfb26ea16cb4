#include "api/rooms_say.h"

#include <stdio.h>

#include "check.h"

static uint8_t buf[4097]; /* and a NUL */

static const char *said(struct wr *w)
{
    CHECK(!w->bad);
    buf[w->n] = '\0';
    return (const char *)buf;
}

TEST(what_json_escapes)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"letters", "abc", "abc"},
        {"more than ASCII", "\u00e9\U0001f600", "\u00e9\U0001f600"},
        {"quotes", "a\"b\\", "a\\\"b\\\\"},
        {"lines", "a\r\nb", "a\\r\\nb"},
        {"other controls", "\x01\x1f\x7f", "\\u0001\\u001f\x7f"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char want[128];
        struct wr w = wr_of(buf, sizeof buf - 1);
        check_row(rows[i].name);
        sl_rooms_say_data(&w, "a", span_of(rows[i].text));
        (void)snprintf(want, sizeof want,
                       "{\"type\":\"data\",\"from\":\"a\",\"text\":\"%s\"}",
                       rows[i].want);
        CHECK_STR(said(&w), want);
    }
}

TEST(what_does_not_fit)
{
    struct wr w = wr_of(buf, 20);
    sl_rooms_say_data(&w, "a", span_of("0123456789"));
    CHECK(w.bad);
}

TEST(answers)
{
    struct wr w = wr_of(buf, sizeof buf - 1);
    sl_rooms_say_done(&w, "pong", ROOMS_NO_ID);
    CHECK_STR(said(&w), "{\"type\":\"pong\"}");
    w = wr_of(buf, sizeof buf - 1);
    sl_rooms_say_error(&w, 0, "full", span_of("publishers"));
    CHECK_STR(
        said(&w),
        "{\"type\":\"error\",\"id\":0,\"code\":\"full\",\"detail\":\"publishers\"}");
    w = wr_of(buf, sizeof buf - 1);
    sl_rooms_say_quality(&w, span_of("{\"a\":1},{}"), span_of(""));
    CHECK_STR(said(&w), "{\"type\":\"quality\",\"receive\":[{\"a\":1},{}],\"send\":[]}");
}

TEST(who_comes_in_is_told_where_to_go)
{
    static const struct ice_server ice[] = {
        {"stun:a", NULL, NULL}, {"turn:b", NULL, NULL}, {"turn:c", "me", "secret"}};
    struct room room = {.name = "t/r"};
    char name[] = "Ann", none[] = "";
    struct participant p = {.id = "ann", .name = name, .metadata = none, .room = &room};
    struct turn_credentials turn = {"lent", "word"};
    struct wr w = wr_of(buf, sizeof buf - 1);
    list_init(&room.participants);
    sl_rooms_say_joined(&w, 1,
                        &(struct rooms_joined){&p, "token", false, ice, LEN(ice), &turn});
    CHECK(
        strstr(said(&w),
               "\"ice_servers\":[{\"urls\":\"stun:a\"},"
               "{\"urls\":\"turn:b\",\"username\":\"lent\",\"credential\":\"word\"},"
               "{\"urls\":\"turn:c\",\"username\":\"me\",\"credential\":\"secret\"}]}") !=
        NULL);
    CHECK(strstr(said(&w),
                 "\"room\":{\"name\":\"r\",\"metadata\":\"\",\"locked\":false}") != NULL);
}

TEST(the_loudest_come_first)
{
    enum { N = 20 };
    static struct participant p[N];
    struct room room = {.name = "t/r"};
    struct wr w = wr_of(buf, sizeof buf - 1);
    list_init(&room.participants);
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(p[i].id, sizeof p[i].id, "p%zu", i);
        p[i].listed = true;
        p[i].spoke = SEC(1);
        p[i].voice.below_dbov = (uint8_t)(100 - i);
        list_add(&room.participants, &p[i].by_room);
    }
    p[19].spoke = SEC(1) - 1; /* long ago */
    sl_rooms_say_speakers(&w, &room, SEC(1));
    CHECK(strstr(said(&w),
                 "\"peers\":[{\"peer\":\"p18\",\"level\":-82},{\"peer\":\"p17\"") !=
          NULL);
    CHECK(strstr(said(&w), "\"p3\"") && !strstr(said(&w), "\"p2\"")); /* sixteen */
}
