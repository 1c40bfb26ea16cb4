#include "api/roomapi_passes.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/roomjson.h"
#include "room/bundle.h"
#include "room/codecs.h"
#include "room/pass.h"

enum {
    PASS_S = 30,
    PASS_S_MAX = 59,
    FINGERPRINT_TEXT_MAX = 256,
};

/* ---- what is asked ---- */

struct asked {
    struct pass pass;
    enum codec codecs[PASS_CODECS_MAX];
};

static bool read_sends(struct roomapi_call *c, json_t *words, struct pass *pass)
{
    size_t i;
    json_t *word;
    bool good = !words || json_is_array(words);
    json_array_foreach(words, i, word)
    {
        enum media_kind kind;
        const char *source = NULL;
        good &= json_is_string(word) && i < PASS_SENDS_MAX &&
                sl_pass_source(span_of(json_string_value(word)), &source, &kind);
        for (size_t k = 0; good && k < pass->sends_n; k++)
            good = pass->sends[k] != source;
        if (good)
            pass->sends[pass->sends_n++] = source;
    }
    if (!good)
        sl_roomapi_refuse(c, PROBLEM_REQUEST,
                          "send: microphone, camera, screen, screen-audio, each once");
    return good;
}

static bool read_codecs(struct roomapi_call *c, json_t *words, enum media_kind kind,
                        struct asked *a)
{
    static const enum codec usual[] = {CODEC_OPUS, CODEC_VP8};
    size_t i, first = a->pass.codecs_n;
    json_t *word;
    bool good = !words || (json_is_array(words) && json_array_size(words) > 0);
    json_array_foreach(words, i, word)
    {
        enum codec codec = json_is_string(word)
                               ? sl_codec_of(span_of(json_string_value(word)))
                               : CODEC_NONE;
        good &= a->pass.codecs_n < PASS_CODECS_MAX && sl_codecs_ours(codec) &&
                sl_codec_kind(codec) == kind;
        for (size_t k = first; good && k < a->pass.codecs_n; k++)
            good = a->codecs[k] != codec;
        if (good)
            a->codecs[a->pass.codecs_n++] = codec;
    }
    if (!words)
        a->codecs[a->pass.codecs_n++] = usual[kind];
    a->pass.codecs = a->codecs;
    if (!good)
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "codecs: lists of names, each once");
    return good;
}

static bool read_fingerprint(struct roomapi_call *c, const char *text,
                             struct media_fingerprint *ret)
{
    char line[FINGERPRINT_TEXT_MAX];
    struct sdp_line l;
    if (!text && !c->api->conf.pass_any)
        sl_roomapi_refuse(c, PROBLEM_STATE,
                          "without a fingerprint, where rooms.pass_any is not set");
    if (!text)
        return c->api->conf.pass_any;
    int n = snprintf(line, sizeof line, "a=fingerprint:%s", text);
    if ((size_t)n < sizeof line && sl_sdp_line_parse(span_of(line), &l) == E_OK &&
        l.kind == SDP_FINGERPRINT && sl_bundle_fingerprint(&l.fingerprint, ret))
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST,
                      "fingerprint: sha-256 AA:BB:..., or -384, -512");
    return false;
}

static bool read_asked(struct roomapi_call *c, struct asked *a)
{
    const char *peer = NULL, *name = "", *metadata = "", *role = "participant",
               *fingerprint = NULL;
    size_t peer_n = 0, name_n = 0, metadata_n = 0;
    json_t *send = NULL, *audios = NULL, *videos = NULL;
    json_int_t audio = 0, video = 0, seconds = PASS_S, max_bps = 0;
    *a = (struct asked){0};
    if (!sl_roomapi_unpack(
            c, "{s?s%,s?s%,s?s%,s?s,s?s,s?o,s?{s?I,s?I!},s?{s?o,s?o!},s?I,s?I!}", "peer",
            &peer, &peer_n, "name", &name, &name_n, "metadata", &metadata, &metadata_n,
            "role", &role, "fingerprint", &fingerprint, "send", &send, "receive", "audio",
            &audio, "video", &video, "codecs", "audio", &audios, "video", &videos,
            "seconds", &seconds, "max_bps", &max_bps) ||
        !sl_roomapi_within(c, "receive.audio", audio, 0, PASS_SLOTS_MAX) ||
        !sl_roomapi_within(c, "receive.video", video, 0, PASS_SLOTS_MAX) ||
        !sl_roomapi_within(c, "seconds", seconds, 1, PASS_S_MAX) ||
        !sl_roomapi_within(c, "max_bps", max_bps, 0, UINT32_MAX) ||
        !read_sends(c, send, &a->pass) || !read_codecs(c, audios, MEDIA_AUDIO, a) ||
        !read_codecs(c, videos, MEDIA_VIDEO, a) ||
        !read_fingerprint(c, fingerprint, &a->pass.peer))
        return false;
    if (!sl_role_of(span_of(role), &a->pass.role)) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "role: host, participant or viewer");
        return false;
    }
    a->pass.id = roomapi_text(peer, peer_n);
    a->pass.name = roomapi_text(name, name_n);
    a->pass.metadata = roomapi_text(metadata, metadata_n);
    a->pass.slots[MEDIA_AUDIO] = (unsigned)audio;
    a->pass.slots[MEDIA_VIDEO] = (unsigned)video;
    a->pass.max_bps = (uint32_t)max_bps;
    a->pass.life = SEC(seconds);
    if (!peer || sl_name_valid(a->pass.id))
        return true;
    sl_roomapi_refuse(c, PROBLEM_NAME, "");
    return false;
}

/* ---- what is given ---- */

static void refuse(struct roomapi_call *c, enum err e)
{
    if (e == E_DENIED)
        sl_roomapi_refuse(c, PROBLEM_REQUEST,
                          "a viewer sends nothing; name: at most 128 octets; metadata: "
                          "4096");
    else if (e == E_UNSUPPORTED)
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "send or receive: something");
    else if (e == E_STATE)
        sl_roomapi_refuse(c, PROBLEM_STATE, "the room is locked");
    else
        sl_roomapi_fail(c, e);
}

static void write_pass(struct roomapi_call *c, const struct asked *a,
                       const struct peer *p, struct span offer)
{
    char text[96];
    struct wr *w = sl_roomapi_body(c, 201);
    (void)snprintf(text, sizeof text,
                   "{\"transport\":\"%016" PRIx64 "\",\"peer\":", p->transport);
    wr_str(w, text);
    if (p->guest)
        sl_roomjson_text(w, span_of(p->guest->id));
    else
        wr_str(w, "null");
    (void)snprintf(text, sizeof text, ",\"expires_at\":%" PRId64 ",\"tracks\":{",
                   c->wall + a->pass.life / SEC(1));
    wr_str(w, text);
    for (size_t i = 0; i < a->pass.sends_n; i++) {
        (void)snprintf(text, sizeof text, "%s\"%zu\":\"%s\"", i > 0 ? "," : "", i,
                       a->pass.sends[i]);
        wr_str(w, text);
    }
    wr_str(w, "},\"sdp\":");
    sl_roomjson_text(w, offer);
    wr_str(w, "}");
    sl_reply_field(&c->reply, "Cache-Control", "no-store");
}

void sl_roomapi_issue(struct roomapi_call *c)
{
    struct asked a;
    struct peer *p;
    if (!read_asked(c, &a))
        return;
    uint8_t *text = malloc(NEGOTIATE_ANSWER_MAX);
    struct wr offer = wr_of(text, text ? NEGOTIATE_ANSWER_MAX : 0);
    enum err e =
        text ? sl_pass_issue(c->api->conf.rooms, c->room, &a.pass, c->now, &offer, &p)
             : E_MEMORY;
    if (e)
        refuse(c, e);
    else
        write_pass(c, &a, p, wr_done(&offer));
    free(text);
}
