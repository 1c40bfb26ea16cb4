/*
 * Janus: the videoroom of its package, spoken to by its HTTP API.
 *
 * Set as its makers advise for a benchmark: no log, no events, no other plugins; ICE-lite, as
 * Sluice is. A publisher offers; a subscriber is made an offer. Nobody listens to the session's
 * events once a client is in, so sessions do not time out.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "net/udp.h"
#include "peer.h"

enum {
    SDP_MAX = 64 * 1024,
    EVENTS_MAX = 32, /* of a session, before the one that is waited for */
    ROOM_FIRST = 1000,
    NO_SUCH_FEED = 428, /* JANUS_VIDEOROOM_ERROR_NO_SUCH_FEED */
};
#define LATER MSEC(10)

/* ---- the process ---- */

static const char janus_conf[] = "general: {\n"
                                 "  debug_level = 1\n"
                                 "  session_timeout = 0\n"
                                 "%s"
                                 "}\n"
                                 "media: { slowlink_threshold = 0 }\n"
                                 "nat: { ice_lite = true, ice_enforce_list = \"%s\" }\n"
                                 "plugins: { disable = \"%s\" }\n"
                                 "transports: { disable = \"%s\" }\n"
                                 "events: { broadcast = false }\n";

static const char http_conf[] = "general: {\n"
                                "  json = \"compact\"\n"
                                "  base_path = \"/janus\"\n"
                                "  http = true\n"
                                "  ip = \"%s\"\n"
                                "  port = %u\n"
                                "  https = false\n"
                                "}\n"
                                "admin: { admin_http = false, admin_https = false }\n";

static const char plugins_off[] =
    "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,"
    "libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,"
    "libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so";
static const char transports_off[] =
    "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,"
    "libjanus_websockets.so";

static bool is_ready(const struct server *s)
{
    return server_answers(s->url, "/janus/info");
}

static bool start(const struct peer *peer, struct server *s, const char *address,
                  int core)
{
    uint16_t port = server_free_port(address, false);
    char at[sizeof s->state + 32];
    if (!server_prepare(s))
        return false;
    (void)snprintf(s->url, sizeof s->url, "http://%s:%u", address, port);
    if (!server_file(s, "janus.jcfg", janus_conf,
                     peer->variant ? "  event_loops = 1\n" : "", address, plugins_off,
                     transports_off) ||
        !server_file(s, "janus.transport.http.jcfg", http_conf, address, port) ||
        !server_file(s, "janus.plugin.videoroom.jcfg", "general: { }\n"))
        return false;
    (void)snprintf(at, sizeof at, "--configs-folder=%s", s->state);
    char *argv[] = {(char *)(uintptr_t)peer->program, at, (char[]){"--disable-colors"},
                    NULL};
    return server_spawn(s, argv, core, is_ready);
}

/* ---- signaling ---- */

/* One request, and its answer as JSON; NULL: error says why. Takes body's reference. */
static json_t *ask(struct web *web, const char *path, json_t *body, char *error)
{
    struct web_answer answer;
    json_error_t why;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    enum err e = sl_web_ask(web, body ? "POST" : "GET", path, NULL,
                            body ? "application/json" : NULL,
                            text ? span_of(text) : (struct span){0}, &answer);
    json_t *ret = NULL;
    if (e)
        (void)sl_signaling_unanswered(error, e, path);
    else if (!(ret = json_loadb((const char *)answer.body.p, answer.body.n, 0, &why)))
        (void)sl_signaling_fail(error, E_MALFORMED, "%s: %s", path, why.text);
    free(text);
    json_decref(body);
    return ret;
}

/* create and attach: the id of what was made; 0: error says why. */
static json_int_t make(struct web *web, const char *path, json_t *body, char *error)
{
    json_int_t id = 0;
    json_t *a = ask(web, path, body, error);
    if (a && json_unpack(a, "{s:{s:I}}", "data", "id", &id) != 0)
        (void)sl_signaling_fail(error, E_DENIED, "%s: nothing was made", path);
    json_decref(a);
    return id;
}

/* Whether the plugin refused, and in what words. That a feed is not there, when its publisher
 * was answered, is said until the first of its keys are in. */
static enum err refused(const json_t *event, char *error)
{
    const char *text = NULL;
    json_t *plugin = json_object_get(event, "plugindata");
    json_t *data = json_object_get(plugin, "data");
    if (json_object_get(event, "error"))
        text =
            json_string_value(json_object_get(json_object_get(event, "error"), "reason"));
    else if (json_object_get(data, "error"))
        text = json_string_value(json_object_get(data, "error"));
    else
        return E_OK;
    json_int_t code = json_integer_value(json_object_get(data, "error_code"));
    return sl_signaling_fail(error, code == NO_SUCH_FEED ? E_EARLY : E_DENIED,
                             "janus: %s", text ? text : "refused");
}

/* A message to the plugin, and its reply, which comes at once or as an event of the session;
 * to be released. Takes the references of body and jsep. */
static enum err tell(struct web *web, const char *session, const char *handle,
                     json_t *body, json_t *jsep, json_t **ret, char *error)
{
    static const char name[] = "now";
    json_t *message = json_pack("{s:s, s:s, s:o}", "janus", "message", "transaction",
                                name, "body", body);
    enum err e = E_OK;
    if (jsep)
        (void)json_object_set_new(message, "jsep", jsep);
    json_t *a = ask(web, handle, message, error);
    for (int i = 0; a && i < EVENTS_MAX; i++) {
        const char *kind = json_string_value(json_object_get(a, "janus"));
        const char *whose = json_string_value(json_object_get(a, "transaction"));
        e = refused(a, error);
        if (!e && kind && whose && strcmp(kind, "ack") != 0 && strcmp(whose, name) == 0) {
            *ret = a;
            return E_OK;
        }
        json_decref(a);
        a = e ? NULL : ask(web, session, NULL, error);
    }
    if (a)
        e = sl_signaling_fail(error, E_LATE, "janus: no event for what was asked");
    json_decref(a);
    return e ? e : E_DENIED;
}

static json_t *jsep_of(const char *type, struct span sdp)
{
    return json_pack("{s:s, s:s%}", "type", type, "sdp", (const char *)sdp.p, sdp.n);
}

static struct span sdp_of(const json_t *event)
{
    const char *sdp =
        json_string_value(json_object_get(json_object_get(event, "jsep"), "sdp"));
    return sdp ? span_of(sdp) : (struct span){0};
}

static enum err read_sdp(struct client *c, const json_t *event, struct wr *answer,
                         char *error)
{
    enum negotiate_why why;
    struct span sdp = sdp_of(event);
    usec now = sl_udp_now();
    enum err e = answer ? sl_client_accept(c, sdp, now, answer, &why)
                        : sl_client_answer(c, sdp, now, &why);
    return e ? sl_signaling_fail(error, e, "SDP of janus: %s",
                                 why ? sl_negotiate_text(why) : sl_err_text(e))
             : E_OK;
}

static enum err publish(struct web *web, const struct signaling_who *who,
                        struct client *c, const char *session, const char *handle,
                        char *error)
{
    static uint8_t offer[SDP_MAX];
    struct wr w = wr_of(offer, sizeof offer);
    int room = ROOM_FIRST + (int)who->room_nth;
    if (who->publisher == 0) {
        json_t *made;
        enum err e =
            tell(web, session, handle,
                 json_pack("{s:s, s:i, s:i, s:i, s:s, s:s}", "request", "create", "room",
                           room, "publishers", (int)who->publishers, "bitrate", 0,
                           "audiocodec", "opus", "videocodec", "vp8"),
                 NULL, &made, error);
        if (e)
            return e;
        json_decref(made);
    }
    sl_client_offer(c, &w);
    json_t *event;
    enum err e =
        tell(web, session, handle,
             json_pack("{s:s, s:s, s:i, s:i}", "request", "joinandconfigure", "ptype",
                       "publisher", "room", room, "id", (int)who->publisher + 1),
             jsep_of("offer", wr_done(&w)), &event, error);
    if (e)
        return e;
    e = read_sdp(c, event, NULL, error);
    json_decref(event);
    return e;
}

static enum err subscribe(struct web *web, const struct signaling_who *who,
                          struct client *c, const char *session, const char *handle,
                          char *error)
{
    static uint8_t answer[SDP_MAX];
    struct wr w = wr_of(answer, sizeof answer);
    json_t *event, *feeds = json_array();
    for (unsigned i = 0; i < who->publishers; i++)
        (void)json_array_append_new(feeds, json_pack("{s:i}", "feed", (int)i + 1));
    enum err e =
        tell(web, session, handle,
             json_pack("{s:s, s:s, s:i, s:o}", "request", "join", "ptype", "subscriber",
                       "room", ROOM_FIRST + (int)who->room_nth, "streams", feeds),
             NULL, &event, error);
    if (e)
        return e;
    e = read_sdp(c, event, &w, error);
    json_decref(event);
    if (e)
        return e;
    e = tell(web, session, handle, json_pack("{s:s}", "request", "start"),
             jsep_of("answer", wr_done(&w)), &event, error);
    if (!e)
        json_decref(event);
    return e;
}

static enum err leave(struct web *web, const char *token, const char *seat)
{
    char error[SIGNALING_ERROR_MAX];
    (void)token;
    json_t *a =
        ask(web, seat, json_pack("{s:s, s:s}", "janus", "destroy", "transaction", "end"),
            error);
    if (!a)
        return E_DENIED;
    json_decref(a);
    return E_OK;
}

static enum err join(struct web *web, const struct signaling_who *who, struct client *c,
                     char *seat, usec *later, char *error)
{
    char handle[WEB_LOCATION_MAX];
    json_int_t id =
        make(web, "/janus",
             json_pack("{s:s, s:s}", "janus", "create", "transaction", "create"), error);
    if (id == 0)
        return E_DENIED;
    (void)snprintf(seat, WEB_LOCATION_MAX, "/janus/%" JSON_INTEGER_FORMAT, id);
    id = make(web, seat,
              json_pack("{s:s, s:s, s:s}", "janus", "attach", "transaction", "attach",
                        "plugin", "janus.plugin.videoroom"),
              error);
    if (id == 0)
        return E_DENIED;
    (void)snprintf(handle, sizeof handle, "%.64s/%" JSON_INTEGER_FORMAT, seat, id);
    enum err e = who->publishes ? publish(web, who, c, seat, handle, error)
                                : subscribe(web, who, c, seat, handle, error);
    if (e == E_EARLY) {
        (void)leave(web, NULL, seat);
        seat[0] = '\0';
        *later = LATER;
    }
    return e;
}

static const struct signaling janus_api = {.join = join, .leave = leave};

const struct peer peer_janus = {.name = "janus",
                                .program = "janus",
                                .signaling = &janus_api,
                                .start = start};
const struct peer peer_janus_loop = {.name = "janus, one loop",
                                     .program = "janus",
                                     .signaling = &janus_api,
                                     .variant = 1,
                                     .start = start};
