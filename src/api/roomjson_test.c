#include "api/roomjson.h"

#include "check.h"
#include "room_stage.h"

static const char *done(struct wr *w)
{
    static char text[8192];
    CHECK(!w->bad);
    (void)snprintf(text, sizeof text, "%.*s", (int)w->n, (const char *)w->p);
    w->n = 0;
    return text;
}

TEST(roomjson_texts)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "\"\""},
        {"Zo\xc3\xab", "\"Zo\xc3\xab\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"a\nb\x1f", "\"a\\nb\\u001f\""},
        {"\r\x01\x01", "\"\\r\\u0001\\u0001\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        sl_roomjson_text(&w, span_of(rows[i].text));
        CHECK_INT(sl_roomjson_text_n(span_of(rows[i].text)) + 2, w.n);
        CHECK_STR(done(&w), rows[i].want);
    }
}

#define ANN "{\"peer\":\"ann\",\"name\":\"Name\",\"role\":\"host\",\"metadata\":\"\"}"

TEST(roomjson_of_what_happens)
{
    struct room_stage *s = room_stage_new(&(struct rooms_conf){0});
    CHECK_INT(stage_admit(s, 0, "ann", ROLE_HOST, true), E_OK);
    struct participant *ann = s->of[0].who;
    struct room *room = ann->room;
    struct track track = {.producer = 10, .source = "screen", .muted = true};
    struct peer sends = {.tracks_n = 1, .tracks = (struct track *[]){&track}};
    struct list live;
    list_init(&live);
    list_add(&live, &track.live);
    CHECK_INT(sl_rooms_describe(s->rooms, room, span_of("\"7\"")), E_OK);
    const struct {
        struct news news;
        const char *want; /* NULL: nobody is told */
    } rows[] = {
        {{NEWS_OPENED, room}, "\"type\":\"room_opened\",\"tenant\":\"t\",\"room\":\"r\""},
        {{NEWS_CLOSED, room}, "\"type\":\"room_closed\",\"tenant\":\"t\",\"room\":\"r\""},
        {{NEWS_ROOM, room},
         "\"type\":\"room_updated\",\"tenant\":\"t\",\"room\":\"r\","
         "\"metadata\":\"\\\"7\\\"\",\"locked\":false"},
        {{NEWS_JOINED, room, ann},
         "\"type\":\"peer_joined\",\"tenant\":\"t\",\"room\":\"r\",\"peer\":" ANN},
        {{NEWS_UPDATED, room, ann},
         "\"type\":\"peer_updated\",\"tenant\":\"t\",\"room\":\"r\",\"peer\":" ANN},
        {{NEWS_LEFT, room, ann, NULL, MEDIA_GONE_REMOVED, "noise"},
         "\"type\":\"peer_left\",\"tenant\":\"t\",\"room\":\"r\",\"peer\":" ANN
         ",\"why\":\"removed\",\"reason\":\"noise\""},
        {{NEWS_TRACK, room, ann, &track},
         "\"type\":\"track_started\",\"tenant\":\"t\",\"room\":\"r\",\"peer\":\"ann\","
         "\"track\":{\"track\":\"000000000000000a\",\"kind\":\"audio\","
         "\"source\":\"screen\",\"name\":\"\",\"metadata\":\"\",\"muted\":true}"},
        {{NEWS_SPEAKER, room, ann}, NULL},
        {{NEWS_VIEWERS, room, ann}, NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[1024];
        struct wr w = wr_of(buf, sizeof buf);
        CHECK_INT(sl_roomjson_news(&w, &rows[i].news), rows[i].want != NULL);
        CHECK_STR(done(&w), rows[i].want ? rows[i].want : "");
    }

    uint8_t buf[1024];
    struct wr w = wr_of(buf, sizeof buf);
    track.params.kind = MEDIA_VIDEO;
    ann->sends = &sends;
    sl_roomjson_peer(&w, ann, true);
    CHECK_STR(done(&w), "{\"peer\":\"ann\",\"name\":\"Name\",\"role\":\"host\","
                        "\"metadata\":\"\",\"tracks\":[{\"track\":\"000000000000000a\","
                        "\"kind\":\"video\",\"source\":\"screen\",\"name\":\"\","
                        "\"metadata\":\"\",\"muted\":true}]}");
    ann->sends = NULL;
    CHECK_INT(stage_admit(s, 1, "eve", ROLE_VIEWER, true), E_OK);
    sl_rooms_lock(s->rooms, room, true);
    sl_roomjson_room(&w, room);
    CHECK_STR(done(&w), "{\"tenant\":\"t\",\"room\":\"r\",\"metadata\":\"\\\"7\\\"\","
                        "\"locked\":true,\"peers_n\":1,\"viewers\":1,\"peers_max\":0,"
                        "\"publishers_max\":0,\"max_bps\":0,\"empty_s\":0}");
    room_stage_free(s);
}

/* The largest that there may be fits into what is said to be enough. */
TEST(roomjson_sizes)
{
    static uint8_t buf[ROOMJSON_NEWS_MAX];
    static char metadata[METADATA_MAX + 1], name[LABEL_MAX + 1];
    struct wr w = wr_of(buf, sizeof buf);
    struct room room = {.name = "t/r"};
    memset(metadata, 1, METADATA_MAX);
    memset(name, 1, LABEL_MAX);
    const struct participant who = {.name = name, .metadata = metadata};
    const struct news n = {NEWS_LEFT, &room, &who, NULL, MEDIA_GONE_REMOVED, name};
    list_init(&room.participants);
    CHECK(sl_roomjson_news(&w, &n) && !w.bad);
}
