#include "api/redis_hall.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "dialogs.h"
#include "media_log.h"

enum { SAID_CAP = 1 << 18, MESSAGE_CAP = 1 << 17 };

/* Rooms above a media plane that takes notes, and what is published, a line for each:
 * "CHANNEL MESSAGE". */
struct stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct redis_hall *hall;
    size_t changed;
    char said[SAID_CAP];
    struct end ann, bob;
};

static usec no_time(void)
{
    return 0;
}
static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = no_time};

static void publish(void *ctx, struct span channel, struct span text)
{
    struct stage *s = ctx;
    size_t at = strlen(s->said);
    CHECK(at + channel.n + text.n + 3 < sizeof s->said);
    (void)snprintf(s->said + at, sizeof s->said - at, "%.*s %.*s\n", (int)channel.n,
                   (const char *)channel.p, (int)text.n, (const char *)text.p);
}

static void changed(void *ctx, const struct room *room)
{
    struct stage *s = ctx;
    CHECK(room != NULL);
    s->changed++;
}

static struct stage *stage_new_of(bool hosts_create)
{
    static const uint8_t sha256[32] = {9};
    static const struct negotiate_candidate candidates[] = {
        {.addr = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 8443}}};
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(3);
    s->rooms = sl_rooms_new(&(struct rooms_conf){
        .media = ml_ops(&s->log),
        .random = {end_fill, &s->rng},
        .limits = {.rooms = 2, .peers = 10, .room_peers = 2},
        .local = {.sha256 = sha256, .candidates = candidates, .candidates_n = 1},
        .hosts_create = hosts_create,
    });
    s->hall = sl_redis_hall_new(&(struct redis_hall_conf){.rooms = s->rooms,
                                                          .log = &quiet,
                                                          .answers = "a:",
                                                          .pass_any = true,
                                                          .wall = no_time,
                                                          .publish = publish,
                                                          .changed = changed,
                                                          .ctx = s});
    end_init(&s->ann, 1);
    end_init(&s->bob, 2);
    return s;
}

static struct stage *stage_new(void)
{
    return stage_new_of(false);
}

static void stage_free(struct stage *s)
{
    sl_redis_hall_free(s->hall);
    CHECK_INT(sl_rooms_stats(s->rooms)->members, 0);
    sl_rooms_free(s->rooms);
    end_fini(&s->ann);
    end_fini(&s->bob);
    free(s);
}

/* A single quote stands for a double one. What was said before is forgotten. */
static const char *say_at(struct stage *s, usec now, const char *text)
{
    static char message[MESSAGE_CAP];
    (void)snprintf(message, sizeof message, "%s", text);
    for (char *c = message; (c = strchr(c, '\''));)
        *c = '"';
    s->said[0] = '\0';
    sl_redis_hall_message(s->hall, span_of(message), false, now);
    sl_rooms_flush(s->rooms, now);
    return s->said;
}

static const char *say(struct stage *s, const char *text)
{
    return say_at(s, 0, text);
}

/* A description, as a back end passes it on. */
static const char *pass_on(struct stage *s, const char *type, const char *client,
                           struct span sdp, const char *more)
{
    static char message[MESSAGE_CAP];
    size_t n = (size_t)snprintf(
        message, sizeof message,
        "{'type':'%s','clientID':'%s','roomID':'r'%s,'payload':{'type':'%s','sdp':'",
        type, client, more, type);
    for (size_t i = 0; i < sdp.n; i++) {
        char c = (char)sdp.p[i];
        if (c == '\r' || c == '\n') {
            message[n++] = '\\';
            c = c == '\r' ? 'r' : 'n';
        }
        message[n++] = c;
    }
    (void)snprintf(message + n, sizeof message - n, "'}}");
    return say(s, message);
}

/* That of an end. */
static const char *describe(struct stage *s, const char *type, const char *client,
                            const struct end *e, const char *more)
{
    return pass_on(s, type, client, end_text(e), more);
}

/* The description in the last message of that type to the client. */
static const char *heard(const struct stage *s, const char *type, const char *client)
{
    static char ret[MESSAGE_CAP];
    char begins[128];
    (void)snprintf(
        begins, sizeof begins,
        "a:r:%s {\"type\":\"%s\",\"clientID\":\"%s\",\"roomID\":\"r\",\"payload\":"
        "{\"type\":\"%s\",\"sdp\":\"",
        client, type, client, type);
    const char *at = strstr(s->said, begins);
    char *w = ret;
    CHECK(at != NULL);
    for (at = at ? at + strlen(begins) : ""; *at && *at != '"'; at++) {
        static const char escapes[] = "rn", meant[] = "\r\n";
        const char *escape = *at == '\\' ? strchr(escapes, *++at) : NULL;
        *w++ = escape ? meant[escape - escapes] : *at;
    }
    *w = '\0';
    return ret;
}

static uint64_t transport(const struct stage *s, bool up)
{
    for (const struct peer *p = NULL; (p = sl_rooms_next(s->rooms, p));)
        if (p->up == up)
            return p->transport;
    return 0;
}

static void connect_all(struct stage *s)
{
    for (uint64_t t; (t = transport(s, false)) != 0;)
        sl_rooms_transport_up(s->rooms, t, SEC(1));
    s->said[0] = '\0';
    sl_rooms_flush(s->rooms, SEC(1));
}

/* It offers a track of sound, is answered, and connected. */
static void join(struct stage *s, const char *client, struct end *e)
{
    end_add(e, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(e), E_OK);
    (void)describe(s, "offer", client, e, ",'offers':true");
    CHECK_INT(end_answered(e, span_of(heard(s, "answer", client))), E_OK);
    connect_all(s);
}

static const struct participant *who(const struct stage *s, const char *id)
{
    const struct room *room = sl_rooms_room(s->rooms, span_of("default"), span_of("r"));
    return room ? sl_participant_find(room, span_of(id)) : NULL;
}

TEST(redis_client_joins_by_its_offer)
{
    struct stage *s = stage_new();
    end_add(&s->ann, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&s->ann), E_OK);
    const char *said = describe(s, "offer", "ann", &s->ann, ",'name':'Ann'");
    CHECK_INT(end_answered(&s->ann, span_of(heard(s, "answer", "ann"))), E_OK);
    CHECK(strstr(said,
                 "a:r:ann {\"type\":\"candidate\",\"clientID\":\"ann\",\"roomID\":\"r\","
                 "\"payload\":{\"candidate\":\"candidate:"));
    CHECK(strstr(said, "192.0.2.1 8443 typ host"));
    CHECK(strstr(
        said,
        "{\"type\":\"done\",\"clientID\":\"ann\",\"roomID\":\"r\",\"payload\":null}"));
    const struct participant *ann = who(s, "ann");
    CHECK(ann != NULL);
    if (!ann)
        return;
    CHECK_INT(ann->role, ROLE_HOST); /* who makes the room */
    CHECK_STR(ann->name, "Ann");
    CHECK(!sl_redis_hall_present(ann));
    CHECK_INT(s->changed, 0);
    connect_all(s);
    CHECK(sl_redis_hall_present(ann));
    CHECK_INT(s->changed, 1);
    CHECK_STR(say(s, "{'type':'candidate','clientID':'ann','roomID':'r','payload':null}"),
              "");
    CHECK(strstr(say(s, "{'type':'leave','clientID':'ann','roomID':'r'}"),
                 "\"left\",\"clientID\":\"ann\",\"roomID\":\"r\",\"payload\":{\"reason\":"
                 "\"left\""));
    CHECK(!who(s, "ann"));
    stage_free(s);
}

TEST(redis_clients_are_offered_what_others_send)
{
    struct stage *s = stage_new();
    join(s, "ann", &s->ann);
    join(s, "bob", &s->bob);
    CHECK_INT(who(s, "bob")->role, ROLE_PARTICIPANT);
    /* Each of them the other's sound, as soon as it is there. */
    CHECK_INT(end_offered(&s->bob, span_of(heard(s, "offer", "bob"))), E_OK);
    CHECK(strstr(s->bob.log, "receive"));
    CHECK_STR(describe(s, "answer", "bob", &s->bob, ""), "");
    CHECK(strstr(describe(s, "answer", "bob", &s->bob, ""), "\"code\":\"stale\""));
    stage_free(s);
}

TEST(redis_clients_whose_back_end_passes_on_no_offers)
{
    struct stage *s = stage_new();
    static const char page[] =
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v\r\n"
        "a=ice-ufrag:peer\r\na=ice-pwd:0123456789012345678901\r\n"
        "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
        "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\na=sendrecv\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtcp-mux\r\n"
        "a=rtpmap:96 VP8/90000\r\na=sendrecv\r\n";
    (void)pass_on(s, "offer", "ann", span_of(page), "");
    CHECK(strstr(heard(s, "answer", "ann"), "a=sendrecv"));
    connect_all(s);
    (void)ml_look(&s->log);
    (void)pass_on(s, "offer", "bob", span_of(page), "");
    CHECK(strstr(heard(s, "answer", "bob"), "a=msid:others-1 audio-1"));
    connect_all(s);
    CHECK(!strstr(s->said, "\"offer\""));
    /* Each hears and sees the other, whoever came first. */
    CHECK_STR(ml_look(&s->log),
              "transport 7\nproducer 8 on 7 in 1 opus\nconsumer 9 on 7 in 1 audio\n"
              "source 9 from 3\nproducer 10 on 7 in 1 VP8\nconsumer 11 on 7 in 1 video\n"
              "source 11 from 5\nsource 4 from 8\nsource 6 from 10\n");
    stage_free(s);
}

TEST(redis_clients_are_hosts_as_their_back_end_says)
{
    static const struct {
        const char *more;
        enum role role;
    } rows[] = {{"", ROLE_HOST},
                {",'isHost':true", ROLE_HOST},
                {",'isHost':false", ROLE_PARTICIPANT}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new();
        check_row(rows[i].more);
        end_add(&s->ann, 0, MEDIA_AUDIO);
        CHECK_INT(end_offer(&s->ann), E_OK);
        (void)describe(s, "offer", "ann", &s->ann, rows[i].more);
        CHECK(who(s, "ann") && who(s, "ann")->role == rows[i].role);
        stage_free(s);
    }
}

TEST(redis_clients_where_hosts_alone_make_rooms)
{
    static const struct {
        const char *more;
        bool in;
    } rows[] = {{"", false}, {",'isHost':false", false}, {",'isHost':true", true}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new_of(true);
        check_row(rows[i].more);
        end_add(&s->ann, 0, MEDIA_AUDIO);
        CHECK_INT(end_offer(&s->ann), E_OK);
        const char *said = describe(s, "offer", "ann", &s->ann, rows[i].more);
        CHECK(!strstr(said, "\"code\":\"no_room\"") == rows[i].in);
        CHECK(!who(s, "ann") == !rows[i].in);
        CHECK_INT(sl_redis_hall_stats(s->hall)->refused, !rows[i].in);
        stage_free(s);
    }
}

/* An offer of one section of sound, of the same page each time. */
static const char *sound(struct stage *s, const char *client, const char *direction)
{
    char page[1024];
    (void)snprintf(page, sizeof page,
                   "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                   "a=group:BUNDLE a\r\na=ice-ufrag:peer\r\n"
                   "a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 "
                   "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
                   "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n"
                   "a=setup:actpass\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\n"
                   "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=%s\r\n",
                   direction);
    return pass_on(s, "offer", client, span_of(page), "");
}

TEST(redis_clients_publish_as_many_as_may)
{
    static const char full[] =
        "\"payload\":{\"code\":\"full\",\"detail\":\"publishers\"}";
    struct stage *s = stage_new();
    (void)sound(s, "ann", "sendrecv");
    CHECK(who(s, "ann") != NULL);
    sl_rooms_find(s->rooms, span_of("default"), span_of("r"))->settings.publishers_max =
        1;
    CHECK(strstr(sound(s, "bob", "sendrecv"), full));
    CHECK(!who(s, "bob"));
    (void)sound(s, "bob", "recvonly");
    CHECK(strstr(heard(s, "answer", "bob"), "a=sendonly"));
    /* He stays, and goes on as he was. */
    CHECK(strstr(sound(s, "bob", "sendrecv"), full));
    CHECK(who(s, "bob") && !strstr(s->said, "\"left\""));
    (void)sound(s, "ann", "sendonly");
    CHECK(strstr(heard(s, "answer", "ann"), "a=recvonly"));
    CHECK_INT(sl_redis_hall_stats(s->hall)->refused, 2);
    stage_free(s);
}

TEST(redis_refuses_by_codes)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"no JSON", "x",
         "a:errors {\"type\":\"error\",\"clientID\":\"\",\"roomID\":\"\","
         "\"payload\":{\"code\":\"malformed\",\"detail\":\"\"}}\n"},
        {"no room", "{'type':'leave','clientID':'eve'}",
         "a:errors "
         "{\"type\":\"error\",\"clientID\":\"eve\",\"roomID\":\"\",\"payload\":{\"code\":"
         "\"malformed\",\"detail\":\"roomID\"}}\n"},
        {"no such type", "{'type':'dance','clientID':'eve','roomID':'r'}",
         "a:r:eve "
         "{\"type\":\"error\",\"clientID\":\"eve\",\"roomID\":\"r\",\"payload\":{"
         "\"code\":"
         "\"type\",\"detail\":\"type\"}}\n"},
        {"who has not joined", "{'type':'leave','clientID':'eve','roomID':'r'}",
         "a:r:eve "
         "{\"type\":\"error\",\"clientID\":\"eve\",\"roomID\":\"r\",\"payload\":{"
         "\"code\":"
         "\"not_joined\",\"detail\":\"\"}}\n"},
        {"no description", "{'type':'offer','clientID':'eve','roomID':'r','payload':'x'}",
         "\"payload\":{\"code\":\"sdp\""},
        {"an o= line of one word",
         "{'type':'offer','clientID':'eve','roomID':'r','payload':'v=0\\r\\no=x'}",
         "\"payload\":{\"code\":\"sdp\""},
        {"the third of two",
         "{'type':'offer','clientID':'eve','roomID':'r','payload':'v=0'}",
         "\"payload\":{\"code\":\"full\""},
    };
    struct stage *s = stage_new();
    join(s, "ann", &s->ann);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        if (i + 1 == LEN(rows))
            join(s, "bob", &s->bob);
        CHECK(strstr(say(s, rows[i].text), rows[i].want));
        CHECK(!who(s, "eve")); /* nobody joins by what is refused */
        CHECK(!strstr(s->said, "\"left\""));
    }
    s->said[0] = '\0';
    sl_redis_hall_message(s->hall, (struct span){0}, true, 0);
    CHECK(strstr(s->said, "\"too_large\""));
    CHECK_INT(sl_redis_hall_stats(s->hall)->malformed, 4);
    sl_redis_hall_drain(s->hall, true);
    CHECK(strstr(say(s, "{'type':'offer','clientID':'eve','roomID':'r','payload':'v=0'}"),
                 "\"draining\""));
    stage_free(s);
}

TEST(redis_offer_of_a_page_that_was_loaded_again_begins_anew)
{
    struct stage *s = stage_new();
    join(s, "ann", &s->ann);
    uint64_t before = transport(s, true);
    /* The same peer connection has one more track. */
    end_add(&s->ann, 1, MEDIA_VIDEO);
    CHECK_INT(end_offer(&s->ann), E_OK);
    (void)describe(s, "offer", "ann", &s->ann, "");
    CHECK_INT(end_answered(&s->ann, span_of(heard(s, "answer", "ann"))), E_OK);
    CHECK_INT(transport(s, true), before);

    struct end again;
    end_init(&again, 5);
    end_add(&again, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&again), E_OK);
    size_t told = s->changed;
    (void)describe(s, "offer", "ann", &again, "");
    CHECK_INT(end_answered(&again, span_of(heard(s, "answer", "ann"))), E_OK);
    CHECK_INT(transport(s, true), 0);
    CHECK(transport(s, false) != before);
    CHECK_INT(s->changed, told + 1);
    CHECK(who(s, "ann") && !sl_redis_hall_present(who(s, "ann")));
    CHECK_INT(sl_redis_hall_stats(s->hall)->joined, 1); /* it never left */
    end_fini(&again);
    stage_free(s);
}

TEST(redis_client_whose_transport_is_gone_has_left)
{
    struct stage *s = stage_new();
    join(s, "ann", &s->ann);
    s->said[0] = '\0';
    sl_rooms_transport_gone(s->rooms, transport(s, true), MEDIA_GONE_CONSENT);
    sl_redis_hall_settle(s->hall);
    CHECK_STR(s->said, "a:r:ann {\"type\":\"left\",\"clientID\":\"ann\",\"roomID\":\"r\","
                       "\"payload\":{\"reason\":\"consent\",\"detail\":\"\"}}\n");
    CHECK(!who(s, "ann"));
    CHECK_INT(sl_redis_hall_stats(s->hall)->clients, 0);
    stage_free(s);
}

TEST(redis_client_that_never_connects_has_left)
{
    struct stage *s = stage_new();
    end_add(&s->ann, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&s->ann), E_OK);
    (void)describe(s, "offer", "ann", &s->ann, "");
    sl_rooms_tick(s->rooms, ROOM_CONNECT - MSEC(1));
    sl_redis_hall_settle(s->hall);
    CHECK(who(s, "ann") != NULL);
    s->said[0] = '\0';
    sl_rooms_tick(s->rooms, ROOM_CONNECT);
    sl_redis_hall_settle(s->hall);
    CHECK(!who(s, "ann"));
    CHECK(strstr(s->said, "\"never_up\""));
    stage_free(s);
}

TEST(redis_client_is_told_why_it_had_to_go)
{
    struct stage *s = stage_new();
    join(s, "ann", &s->ann);
    struct room *room = sl_rooms_find(s->rooms, span_of("default"), span_of("r"));
    struct participant *ann = sl_participant_find(room, span_of("ann"));
    s->said[0] = '\0';
    sl_participant_leave(s->rooms, ann, MEDIA_GONE_REMOVED, "noise");
    CHECK(strstr(s->said, "{\"reason\":\"removed\",\"detail\":\"noise\"}"));
    join(s, "bob", &s->bob);
    s->said[0] = '\0';
    sl_rooms_close(s->rooms, sl_rooms_find(s->rooms, span_of("default"), span_of("r")),
                   "");
    CHECK(strstr(s->said, "{\"reason\":\"room_closed\",\"detail\":\"\"}"));
    CHECK_INT(sl_redis_hall_stats(s->hall)->clients, 0);
    stage_free(s);
}

TEST(redis_pass_is_had_and_revoked)
{
    static const char ask[] = "{'type':'pass','clientID':'ann','roomID':'r',"
                              "'payload':{'send':['microphone']}}",
                      leave[] = "{'type':'leave','clientID':'ann','roomID':'r'}",
                      revoked[] = "a:r:ann {\"type\":\"left\",\"clientID\":\"ann\","
                                  "\"roomID\":\"r\",\"payload\":{\"reason\":"
                                  "\"revoked\",\"detail\":\"\"}}\n";
    struct stage *s = stage_new();
    CHECK(strstr(say(s, ask), "a:r:ann {\"type\":\"pass\",\"clientID\":\"ann\","
                              "\"roomID\":\"r\",\"payload\":{\"transport\":"));
    CHECK_INT(sl_rooms_stats(s->rooms)->passes, 1);
    CHECK_STR(say(s, leave), revoked);
    CHECK_INT(sl_rooms_stats(s->rooms)->passes, 0);
    CHECK(strstr(say(s, leave), "\"not_joined\""));
    (void)say(s, ask);
    connect_all(s); /* by the pass: she is there, and present */
    CHECK(who(s, "ann") && sl_redis_hall_present(who(s, "ann")));
    CHECK_STR(say(s, leave), revoked);
    CHECK(!who(s, "ann"));
    join(s, "ann", &s->ann);
    CHECK(strstr(say(s, ask), "\"taken\""));
    sl_redis_hall_drain(s->hall, true);
    CHECK(strstr(say(s, ask), "\"draining\""));
    stage_free(s);
}

TEST(redis_client_that_floods_is_not_heard)
{
    static const char text[] =
        "{'type':'answer','clientID':'ann','roomID':'r','payload':'v=0'}";
    struct stage *s = stage_new();
    join(s, "ann", &s->ann);
    size_t heard_n = 0;
    for (int i = 0; i < 2 * REDIS_BURST; i++)
        heard_n += say_at(s, SEC(1), text)[0] != '\0';
    CHECK_INT(heard_n, REDIS_BURST);
    CHECK_INT(sl_redis_hall_stats(s->hall)->flooded, REDIS_BURST);
    CHECK(say_at(s, SEC(2), text)[0] != '\0'); /* a little later it is */
    stage_free(s);
}
