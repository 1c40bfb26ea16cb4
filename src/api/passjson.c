#include "api/passjson.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "api/roomjson.h"
#include "room/bundle.h"
#include "room/codecs.h"

enum {
    PASS_S = 30,
    PASS_S_MAX = 59,
    FINGERPRINT_TEXT_MAX = 256,
};

static enum err fail(char fault[PASSJSON_FAULT_CAP], enum err e, const char *text)
{
    (void)snprintf(fault, PASSJSON_FAULT_CAP, "%s", text);
    return e;
}

/* ---- what is asked ---- */

static enum err read_sends(json_t *words, struct pass *pass, char *fault)
{
    size_t i;
    json_t *word;
    bool good = !words || json_is_array(words);
    json_array_foreach(words, i, word)
    {
        enum media_kind kind;
        const char *source = NULL;
        good &= json_is_string(word) && i < PASS_SENDS_MAX &&
                sl_track_source(span_of(json_string_value(word)), &source, &kind);
        for (size_t k = 0; good && k < pass->sends_n; k++)
            good = pass->sends[k] != source;
        if (good)
            pass->sends[pass->sends_n++] = source;
    }
    return good ? E_OK
                : fail(fault, E_MALFORMED,
                       "send: microphone, camera, screen, screen-audio, each once");
}

static enum err read_codecs(json_t *words, enum media_kind kind, struct passjson *a,
                            char *fault)
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
    good &= words || a->pass.codecs_n < PASS_CODECS_MAX;
    if (good && !words)
        a->codecs[a->pass.codecs_n++] = usual[kind];
    a->pass.codecs = a->codecs;
    return good ? E_OK : fail(fault, E_MALFORMED, "codecs: lists of names, each once");
}

static enum err read_fingerprint(const char *text, bool any,
                                 struct media_fingerprint *ret, char *fault)
{
    char line[FINGERPRINT_TEXT_MAX];
    struct sdp_line l;
    if (!text && !any)
        return fail(fault, E_STATE,
                    "without a fingerprint, where rooms.pass_any is not set");
    if (!text)
        return E_OK;
    int n = snprintf(line, sizeof line, "a=fingerprint:%s", text);
    if ((size_t)n < sizeof line && sl_sdp_line_parse(span_of(line), &l) == E_OK &&
        l.kind == SDP_FINGERPRINT && sl_bundle_fingerprint(&l.fingerprint, ret))
        return E_OK;
    return fail(fault, E_MALFORMED, "fingerprint: sha-256 AA:BB:..., or -384, -512");
}

static enum err within(const char *name, json_int_t v, json_int_t least, json_int_t most,
                       char *fault)
{
    if (v >= least && v <= most)
        return E_OK;
    (void)snprintf(fault, PASSJSON_FAULT_CAP, "%s: at most %lld", name, (long long)most);
    return E_MALFORMED;
}

static struct span text_of(const char *p, size_t n)
{
    return (struct span){(const uint8_t *)p, n};
}

enum err sl_passjson_read(json_t *in, bool any, struct passjson *ret,
                          char fault[PASSJSON_FAULT_CAP])
{
    const char *peer = NULL, *name = "", *metadata = "", *role = NULL,
               *fingerprint = NULL;
    size_t peer_n = 0, name_n = 0, metadata_n = 0;
    json_t *send = NULL, *audios = NULL, *videos = NULL;
    json_int_t audio = 0, video = 0, seconds = PASS_S, max_bps = 0, layers = 1;
    json_error_t why;
    struct pass *pass = &ret->pass;
    *ret = (struct passjson){0};
    if (json_unpack_ex(
            in, &why, 0,
            "{s?s%,s?s%,s?s%,s?s,s?s,s?o,s?I,s?{s?I,s?I!},s?{s?o,s?o!},s?I,s?I!}", "peer",
            &peer, &peer_n, "name", &name, &name_n, "metadata", &metadata, &metadata_n,
            "role", &role, "fingerprint", &fingerprint, "send", &send, "layers", &layers,
            "receive", "audio", &audio, "video", &video, "codecs", "audio", &audios,
            "video", &videos, "seconds", &seconds, "max_bps", &max_bps) != 0)
        return fail(fault, E_MALFORMED, why.text);
    enum err e = within("receive.audio", audio, 0, PASS_SLOTS_MAX, fault);
    e = e ? e : within("receive.video", video, 0, PASS_SLOTS_MAX, fault);
    e = e ? e : within("layers", layers, 1, PASS_LAYERS_MAX, fault);
    e = e ? e : within("seconds", seconds, 1, PASS_S_MAX, fault);
    e = e ? e : within("max_bps", max_bps, 0, UINT32_MAX, fault);
    e = e ? e : read_sends(send, pass, fault);
    e = e ? e : read_codecs(audios, MEDIA_AUDIO, ret, fault);
    e = e ? e : read_codecs(videos, MEDIA_VIDEO, ret, fault);
    e = e ? e : read_fingerprint(fingerprint, any, &pass->peer, fault);
    if (e)
        return e;
    ret->has_role = role != NULL;
    pass->role = ROLE_PARTICIPANT;
    if (role && !sl_role_of(span_of(role), &pass->role))
        return fail(fault, E_MALFORMED, "role: host, participant or viewer");
    pass->id = text_of(peer, peer_n);
    pass->name = text_of(name, name_n);
    pass->metadata = text_of(metadata, metadata_n);
    pass->layers = (unsigned)layers;
    pass->slots[MEDIA_AUDIO] = (unsigned)audio;
    pass->slots[MEDIA_VIDEO] = (unsigned)video;
    pass->max_bps = (uint32_t)max_bps;
    pass->life = SEC(seconds);
    return !peer || sl_name_valid(pass->id) ? E_OK : fail(fault, E_DENIED, "");
}

const char *sl_passjson_fault(enum err e)
{
    return e == E_DENIED ? "a viewer sends nothing; name: at most 128 octets; metadata: "
                           "4096"
                         : "send or receive: something";
}

/* ---- what is given ---- */

void sl_passjson_write(struct wr *w, const struct passjson *asked, const struct peer *p,
                       struct span offer, int64_t wall)
{
    char text[96];
    (void)snprintf(text, sizeof text,
                   "{\"transport\":\"%016" PRIx64 "\",\"peer\":", p->transport);
    wr_str(w, text);
    if (p->guest)
        sl_roomjson_text(w, span_of(p->guest->id));
    else
        wr_str(w, "null");
    (void)snprintf(text, sizeof text, ",\"expires_at\":%" PRId64 ",\"tracks\":{",
                   wall + asked->pass.life / SEC(1));
    wr_str(w, text);
    for (size_t i = 0; i < asked->pass.sends_n; i++) {
        (void)snprintf(text, sizeof text, "%s\"%zu\":\"%s\"", i > 0 ? "," : "", i,
                       asked->pass.sends[i]);
        wr_str(w, text);
    }
    wr_str(w, "},\"sdp\":");
    sl_roomjson_text(w, offer);
    wr_str(w, "}");
}
