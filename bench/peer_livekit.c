/*
 * LiveKit's server, entered by its own WHIP, which both publishes and, told of whom, watches: one
 * offer, one answer, no data channel, no WebSocket, and no estimate of the viewer's path.
 *
 * Set as its makers advise for many clients: one UDP port, for one core; no log, no TURN. Once as it
 * comes, which sends each packet at once, and once in batches as they are shown in its
 * sample of settings, which cost less, and wait up to 2 ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#include "crypto/hash.h"
#include "net/udp.h"
#include "peer.h"

enum {
    HTTP_PORT = 7880,
    MEDIA_PORT = 7882,
    SDP_MAX = 64 * 1024,
    CLAIMS_MAX = 256,
    TOKEN_CAP = 432, /* with its NUL; a seat has it, and the path before */
    FIELDS_MAX = 2048,
    HOUR = 3600,
};

/* ---- the process ---- */

#define KEY    "bench"
#define SECRET "a secret for a server that lives for a minute"

static const char config[] = "port: %d\n"
                             "bind_addresses: [\"%s\"]\n"
                             "keys: {" KEY ": \"" SECRET "\"}\n"
                             "logging: {level: error}\n"
                             "rtc:\n"
                             "  udp_port: %d\n"
                             "  tcp_port: 0\n"
                             "  use_external_ip: false\n"
                             "  ips: {includes: [\"%s/32\"]}\n"
                             "%s";
static const char batches[] = "  batch_io: {batch_size: 128, max_flush_interval: 2ms}\n";

static bool is_ready(const struct server *s)
{
    return server_answers(s->url, "/");
}

static bool start(const struct peer *peer, struct server *s, const char *address,
                  int core)
{
    char file[sizeof s->state + 32];
    if (!server_prepare(s) ||
        !server_file(s, "livekit.yaml", config, HTTP_PORT, address, MEDIA_PORT, address,
                     peer->variant ? batches : ""))
        return false;
    (void)snprintf(s->url, sizeof s->url, "http://%s:%d", address, HTTP_PORT);
    (void)snprintf(file, sizeof file, "%s/livekit.yaml", s->state);
    char *argv[] = {(char *)(uintptr_t)peer->program,
                    (char[]){"--config"},
                    file,
                    (char[]){"--node-ip"},
                    (char *)(uintptr_t)address,
                    NULL};
    return server_spawn(s, argv, core, is_ready);
}

/* ---- signaling ---- */

/* A JSON Web Token with the claims that LiveKit has for a participant. False: no room. */
static bool make_token(const struct signaling_who *who, char *ret)
{
    static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    struct hmac_sha256 key = sl_hmac_sha256_of(span_of(SECRET));
    struct wr w = wr_of((uint8_t *)ret, TOKEN_CAP - 1);
    char claims[CLAIMS_MAX], name[32];
    uint8_t mac[SHA256_LEN];
    uint32_t nth = who->publisher;
    if (!who->publishes)
        sl_random(&nth, sizeof nth);
    (void)snprintf(name, sizeof name, "%c%u", who->publishes ? 's' : 'v', nth);
    (void)snprintf(claims, sizeof claims,
                   "{\"iss\":\"" KEY "\",\"sub\":\"%s\",\"exp\":%lld,\"video\":{"
                   "\"room\":\"%.64s%u\",\"roomJoin\":true,\"canPublish\":%s,"
                   "\"canSubscribe\":%s}}",
                   name, (long long)time(NULL) + HOUR, who->room, who->room_nth,
                   who->publishes ? "true" : "false", who->publishes ? "false" : "true");
    sl_base64url_write(&w, span_of(head));
    wr_u8(&w, '.');
    sl_base64url_write(&w, span_of(claims));
    sl_hmac_sha256(&key, (const struct span[]){wr_done(&w)}, 1, mac);
    wr_u8(&w, '.');
    sl_base64url_write(&w, (struct span){mac, sizeof mac});
    ret[w.n] = '\0';
    return !w.bad;
}

/* The tracks that a viewer's answer waits for. Who publishes by WHIP has them by these names. */
static bool name_tracks(const struct signaling_who *who, char *ret)
{
    struct wr w = wr_of((uint8_t *)ret, FIELDS_MAX - 1);
    wr_str(&w, "X-LiveKit-ClientInfo: {\"subscribedParticipantTrackNames\":{");
    for (unsigned i = 0; i < who->publishers; i++)
        sl_text_put(&w, "%s\"s%u\":[\"synthesized-camera\",\"synthesized-microphone\"]",
                    i > 0 ? "," : "", i);
    wr_str(&w, "}}\r\n");
    ret[w.n] = '\0';
    return !w.bad;
}

static enum err join(struct web *web, const struct signaling_who *who, struct client *c,
                     char *seat, usec *later, char *error)
{
    static const char path[] = "/whip/v1";
    static uint8_t offer[SDP_MAX];
    char token[TOKEN_CAP], fields[FIELDS_MAX];
    struct web_answer answer;
    enum negotiate_why why;
    struct wr w = wr_of(offer, sizeof offer);
    (void)later;
    if (!make_token(who, token) || !name_tracks(who, fields))
        return sl_signaling_fail(error, E_FULL, "livekit: too many names");
    sl_client_offer(c, &w);
    sl_web_fields(web, who->publishes ? NULL : fields);
    enum err e =
        sl_web_ask(web, "POST", path, token, "application/sdp", wr_done(&w), &answer);
    sl_web_fields(web, NULL);
    if (e)
        return sl_signaling_unanswered(error, e, path);
    if (answer.status != 201)
        return sl_signaling_fail(error, E_DENIED, "livekit: status %u: %.*s",
                                 answer.status, (int)answer.body.n,
                                 (const char *)answer.body.p);
    (void)snprintf(seat, WEB_LOCATION_MAX, "%.60s?access_token=%s", answer.location,
                   token);
    e = sl_client_answer(c, answer.body, sl_udp_now(), &why);
    return e ? sl_signaling_fail(error, e, "SDP of livekit: %s",
                                 why ? sl_negotiate_text(why) : sl_err_text(e))
             : E_OK;
}

static enum err leave(struct web *web, const char *token, const char *seat)
{
    struct web_answer answer;
    (void)token;
    return sl_web_ask(web, "DELETE", seat, NULL, NULL, (struct span){0}, &answer);
}

static const struct signaling livekit_api = {.join = join, .leave = leave};

struct peer peer_livekit(const char *program, bool in_batches)
{
    return (struct peer){.name = in_batches ? "livekit, batches" : "livekit",
                         .program = program,
                         .signaling = &livekit_api,
                         .variant = in_batches,
                         .start = start};
}
