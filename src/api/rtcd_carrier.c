#include "api/rtcd_carrier.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/codes.h"
#include "api/rtcd_offer.h"

#define VAD_ON_MIN SEC(2)    /* rtcd's: nobody stops to speak sooner */
#define VAD_PAUSE  MSEC(800) /* without speech: it is over */

/* What a session has of rooms. */
struct medium {
    struct rtcd_tracks tracks; /* which its member has for context */
    struct rtcd_carrier *carrier;
    struct rtcd_line line;
    struct rtcd_offer offer;
    bool speaks;
    usec began, spoke; /* when it last did */
    usec answered;     /* its first offer; 0: not yet */
    bool opened;       /* its data channel was */
    struct timer silence;
};

struct rtcd_carrier {
    struct rtcd_carrier_conf conf;
    struct rtcd_media media;
    struct rtcd_calls *calls;
    struct rtcd_lines *lines;
    struct timers timers;
    usec now; /* when anything was last heard of any session */
    uint64_t hash_key[4];
    uint8_t text[NEGOTIATE_ANSWER_MAX]; /* the description being written */
};

static const enum codec codecs[] = {CODEC_OPUS, CODEC_VP8, CODEC_AV1};

static struct medium *medium_in(struct rtcd_tracks *member_ctx)
{
    return (struct medium *)(void *)((char *)member_ctx -
                                     offsetof(struct medium, tracks));
}

/* ---- names ---- */

/* What is no name of rooms gets one that nobody else's can be made to be. */
static struct span room_name(const struct rtcd_carrier *c, struct span id,
                             char buf[NAME_CAP])
{
    if (sl_name_valid(id))
        return id;
    (void)snprintf(buf, NAME_CAP, "~%016llx%016llx",
                   (unsigned long long)sl_siphash(&c->hash_key[0], id),
                   (unsigned long long)sl_siphash(&c->hash_key[2], id));
    return span_of(buf);
}

/* ---- voice ---- */

static void set_speaking(struct medium *m, bool speaks, usec now)
{
    m->speaks = speaks;
    m->began = now;
    sl_rtcd_calls_tell(m->carrier->calls, m->tracks.session,
                       speaks ? RTCD_RTC_VOICE_ON : RTCD_RTC_VOICE_OFF, (struct span){0});
}

static usec silent_at(const struct medium *m)
{
    usec least = m->began + VAD_ON_MIN, pause = m->spoke + VAD_PAUSE;
    return least > pause ? least : pause;
}

static void heard(void *ctx, struct peer *p, const struct track *track,
                  const struct voice *voice, usec now)
{
    struct medium *m = medium_in(ctx);
    (void)p;
    if (!voice_speaks(voice) || track->muted || strcmp(track->source, "microphone") != 0)
        return;
    m->spoke = now;
    if (!m->speaks)
        set_speaking(m, true, now);
    if (sl_timer_set(&m->carrier->timers, &m->silence, silent_at(m)) != E_OK)
        set_speaking(m, false, now);
}

/* rtcd says so at each mute, whoever spoke. */
static void mute(struct medium *m, bool muted, usec now)
{
    bool any = false;
    for (size_t i = 0; i < m->tracks.peer->tracks_n; i++) {
        struct track *t = m->tracks.peer->tracks[i];
        if (strcmp(t->source, "microphone") != 0)
            continue;
        sl_rooms_mute(m->tracks.peer, t, muted);
        any = true;
    }
    if (!any || !muted)
        return;
    sl_timer_stop(&m->carrier->timers, &m->silence);
    set_speaking(m, false, now);
}

/* ---- descriptions ---- */

static void offer(void *ctx, struct peer *p, struct span sdp)
{
    struct medium *m = medium_in(ctx);
    enum err e = sl_rtcd_offer_tell(&m->offer, sdp);
    (void)p;
    if (e)
        LOG(m->carrier->conf.log, LOG_ERROR, "rtcd offer not told", KV_ERR(e));
}

static void log_refusal(const struct medium *m, const char *what, enum err e,
                        const struct refused *r)
{
    char detail[CODES_DETAIL_CAP];
    const char *code = sl_codes_description(e, r, detail);
    LOG(m->carrier->conf.log, LOG_INFO, what, KV_STR("sessionID", m->tracks.session->id),
        KV_ERR(e), KV_STR("code", code), KV_STR("detail", detail));
}

static enum err take_offer(struct medium *m, struct span sdp, bool by_channel, usec now)
{
    struct rtcd_carrier *c = m->carrier;
    struct wr w = wr_of(c->text, sizeof c->text);
    struct refused refused;
    enum err e = sl_rooms_offered(c->conf.rooms, m->tracks.peer, sdp, now, &w, &refused);
    if (!e && m->answered == 0) {
        m->answered = now;
        if (!sl_dialog_data(m->tracks.peer->member->dialog))
            sl_rtcd_line_none(c->lines, &m->line);
    }
    if (!e)
        return sl_rtcd_offer_answer(&m->offer, wr_done(&w), by_channel);
    log_refusal(m, "rtcd offer refused", e, &refused);
    return e;
}

static enum err take_answer(struct medium *m, struct span sdp, usec now)
{
    struct refused refused;
    enum err e =
        sl_rooms_answered(m->carrier->conf.rooms, m->tracks.peer, sdp, now, &refused);
    if (e)
        log_refusal(m, "rtcd answer refused", e, &refused);
    else
        sl_rtcd_offer_answered(&m->offer);
    return e;
}

static struct span text_in(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return (struct span){(const uint8_t *)json_string_value(v), json_string_length(v)};
}

static enum err take_description(struct medium *m, struct span data, bool by_channel,
                                 usec now)
{
    json_t *o = json_loadb((const char *)data.p, data.n, 0, NULL);
    struct span type = text_in(o, "type"), sdp = text_in(o, "sdp");
    enum err e = E_MALFORMED;
    if (span_is(type, "offer"))
        e = take_offer(m, sdp, by_channel, now);
    else if (span_is(type, "answer"))
        e = take_answer(m, sdp, now);
    json_decref(o);
    if (e)
        m->tracks.session->tally->errors[RTCD_ERROR_SIGNALING]++;
    else
        sl_rtcd_tracks_changed(&m->tracks, now);
    return e;
}

/* ---- states ---- */

/* An object with one text: the stream of a screen or of a camera, or a candidate, where a NAT of
 * ours may have to be opened. */
static enum err take_text(struct medium *m, enum rtcd_rtc type, struct span data,
                          usec now)
{
    const char *key = type == RTCD_RTC_SCREEN_ON  ? "screenStreamID"
                      : type == RTCD_RTC_VIDEO_ON ? "videoStreamID"
                                                  : "candidate";
    json_t *o = json_loadb((const char *)data.p, data.n, 0, NULL);
    struct span text = text_in(o, key);
    bool bad =
        !text.p || (type != RTCD_RTC_ICE && (text.n == 0 || text.n > RTCD_STREAM_MAX));
    if (bad) {
        m->tracks.session->tally->errors[RTCD_ERROR_SIGNALING]++;
        LOG(m->carrier->conf.log, LOG_INFO, "rtcd message malformed",
            KV_STR("sessionID", m->tracks.session->id), KV_STR("without", key));
    } else if (type == RTCD_RTC_ICE) {
        sl_rooms_remote(m->carrier->conf.rooms, m->tracks.peer, text);
    } else if (type == RTCD_RTC_VIDEO_ON) {
        sl_rtcd_tracks_camera_on(&m->tracks, text, now);
    } else if (!sl_rtcd_tracks_screen_on(&m->tracks, text, now)) {
        LOG(m->carrier->conf.log, LOG_INFO, "somebody else presents",
            KV_STR("sessionID", m->tracks.session->id));
    }
    json_decref(o);
    return bad ? E_MALFORMED : E_OK;
}

/* ---- the data channel ---- */

static struct medium *medium_of(struct rtcd_line *l)
{
    return (struct medium *)(void *)((char *)l - offsetof(struct medium, line));
}

static bool busy(void *ctx, const struct rtcd_line *l)
{
    const struct medium *m =
        (const struct medium *)(const void *)((const char *)l -
                                              offsetof(struct medium, line));
    (void)ctx;
    return m->tracks.peer && sl_dialog_waits(m->tracks.peer->member->dialog);
}

static void hold(void *ctx, struct rtcd_line *l, bool held)
{
    const struct medium *m = medium_of(l);
    (void)ctx;
    if (m->tracks.peer)
        sl_rooms_hold(m->tracks.peer, held);
}

static void described(void *ctx, struct rtcd_line *l, struct span json, usec now)
{
    (void)ctx;
    (void)take_description(medium_of(l), json, true, now); /* a refusal was logged */
}

/* ---- a session ---- */

static void up(void *ctx, struct peer *p, usec now)
{
    const struct medium *m = medium_in(ctx);
    (void)p;
    sl_histogram_add(&m->tracks.session->tally->connected,
                     (uint64_t)(now - m->tracks.session->joined));
    sl_rtcd_tally_state(m->carrier->conf.tallies, RTCD_CONN_CONNECTED);
}

static bool is_failure(enum media_gone why)
{
    return why == MEDIA_GONE_HANDSHAKE || why == MEDIA_GONE_CONSENT ||
           why == MEDIA_GONE_KEYS || why == MEDIA_GONE_NEVER_UP;
}

static void gone(void *ctx, struct peer *p, enum media_gone why)
{
    struct medium *m = medium_in(ctx);
    struct rtcd_carrier *c = m->carrier;
    sl_rtcd_tracks_inherit(sl_rtcd_tracks_heir(&m->tracks, p->room), c->now);
    m->tracks.presents = false;
    if (is_failure(why)) {
        sl_rtcd_tally_state(m->carrier->conf.tallies, RTCD_CONN_FAILED);
        m->tracks.session->tally->errors[RTCD_ERROR_ICE]++;
    }
    m->tracks.peer = NULL;
    sl_rtcd_calls_end(m->carrier->calls, m->tracks.session);
}

static const struct member_events events = {.source = sl_rtcd_tracks_source,
                                            .wants = sl_rtcd_tracks_wants,
                                            .name = sl_rtcd_tracks_name,
                                            .offer = offer,
                                            .up = up,
                                            .gone = gone,
                                            .heard = heard};

/* With the first that is heard of it. */
static enum err enter(struct rtcd_carrier *c, struct rtcd_session *s, usec now)
{
    char names[3][NAME_CAP];
    struct medium *m = calloc(1, sizeof *m);
    if (!m)
        return E_MEMORY;
    *m = (struct medium){.carrier = c,
                         .tracks = {.session = s, .random = &c->conf.random}};
    const struct enter in = {
        .tenant = room_name(c, sl_rtcd_calls_client(s), names[0]),
        .room = room_name(c, sl_rtcd_calls_call(s), names[1]),
        .stream = room_name(c, span_of(s->id), names[2]),
        .events = &events,
        .ctx = &m->tracks,
        .codecs = codecs,
        .codecs_n = sizeof codecs / sizeof codecs[0],
        .data = true,
    };
    enum err e = sl_rooms_enter(c->conf.rooms, &in, now, &m->tracks.peer);
    if (e) {
        free(m);
        return e;
    }
    m->offer = (struct rtcd_offer){
        .calls = c->calls, .lines = c->lines, .line = &m->line, .tracks = &m->tracks};
    s->media = m;
    sl_rtcd_line_init(c->lines, &m->line, s->tally);
    return E_OK;
}

static enum err take_signal(void *ctx, struct rtcd_session *s, enum rtcd_rtc type,
                            struct span data, usec now)
{
    struct rtcd_carrier *c = ctx;
    c->now = now;
    enum err e = s->media ? E_OK : enter(c, s, now);
    struct medium *m = s->media;
    if (e)
        return e;
    switch (type) {
    case RTCD_RTC_SDP: return take_description(m, data, false, now);
    case RTCD_RTC_MUTE: mute(m, true, now); break;
    case RTCD_RTC_UNMUTE: mute(m, false, now); break;
    case RTCD_RTC_SCREEN_ON:
    case RTCD_RTC_VIDEO_ON:
    case RTCD_RTC_ICE: return take_text(m, type, data, now);
    case RTCD_RTC_SCREEN_OFF: sl_rtcd_tracks_screen_off(&m->tracks, now); break;
    case RTCD_RTC_VIDEO_OFF: /* the section stays, for the next time */
    case RTCD_RTC_NONE:
    case RTCD_RTC_VOICE_ON:
    case RTCD_RTC_VOICE_OFF:
    case RTCD_RTC_TYPES: break;
    }
    return E_OK;
}

static void ended(void *ctx, struct rtcd_session *s)
{
    struct rtcd_carrier *c = ctx;
    struct medium *m = s->media;
    struct rtcd_tracks *heir;
    if (!m)
        return;
    s->media = NULL;
    sl_rtcd_tally_state(c->conf.tallies, RTCD_CONN_CLOSED);
    sl_timer_stop(&c->timers, &m->silence);
    sl_rtcd_line_fini(c->lines, &m->line);
    if (m->tracks.peer) {
        heir = sl_rtcd_tracks_heir(&m->tracks, m->tracks.peer->room);
        sl_rooms_leave(c->conf.rooms, m->tracks.peer, MEDIA_GONE_LEFT);
        sl_rtcd_tracks_inherit(heir, c->now);
    }
    sl_rtcd_offer_fini(&m->offer);
    free(m);
}

/* ---- all of them ---- */

struct rtcd_carrier *sl_rtcd_carrier_new(const struct rtcd_carrier_conf *conf)
{
    struct rtcd_carrier *c = malloc(sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, offsetof(struct rtcd_carrier, text));
    c->conf = *conf;
    c->media = (struct rtcd_media){.ctx = c, .signal = take_signal, .ended = ended};
    conf->random.fill(conf->random.ctx, c->hash_key, sizeof c->hash_key);
    const struct rtcd_lines_conf lc = {
        .media = &c->conf.media, .ctx = c, .busy = busy, .hold = hold, .sdp = described};
    c->lines = sl_rtcd_lines_new(&lc);
    if (!c->lines) {
        free(c);
        return NULL;
    }
    return c;
}

void sl_rtcd_carrier_free(struct rtcd_carrier *c)
{
    if (!c)
        return;
    sl_rtcd_lines_free(c->lines);
    sl_timers_fini(&c->timers);
    free(c);
}

const struct rtcd_media *sl_rtcd_carrier_media(const struct rtcd_carrier *c)
{
    return &c->media;
}

void sl_rtcd_carrier_calls(struct rtcd_carrier *c, struct rtcd_calls *calls)
{
    c->calls = calls;
}

static bool is_ours(const struct peer *p)
{
    return p && p->member && p->member->events == &events;
}

void sl_rtcd_carrier_data(struct rtcd_carrier *c, uint64_t transport,
                          const struct media_data_event *ev, usec now)
{
    const struct peer *p = sl_rooms_of_transport(c->conf.rooms, transport);
    if (!is_ours(p))
        return;
    struct medium *m = medium_in(p->member->ctx);
    c->now = now;
    if (ev->kind == MEDIA_DATA_OPENED && ev->open && !m->opened) {
        m->opened = true;
        sl_histogram_add(&m->tracks.session->tally->opened,
                         (uint64_t)(now - m->answered));
    }
    bool said = ev->kind == MEDIA_DATA_MESSAGE; /* which may have ended the session */
    sl_rtcd_line_event(c->lines, &m->line, transport, ev, now);
    if (!said)
        sl_rtcd_offer_room(&m->offer);
}

void sl_rtcd_carrier_stale(struct rtcd_carrier *c, uint64_t transport)
{
    if (is_ours(sl_rooms_of_transport(c->conf.rooms, transport)))
        sl_rtcd_tally_state(c->conf.tallies, RTCD_CONN_DISCONNECTED);
}

static void count_track(struct rtcd_tally *t, enum rtcd_direction direction,
                        const struct track *track)
{
    static const enum rtcd_mime mimes[] = {RTCD_OPUS, RTCD_VP8, RTCD_AV1}; /* of codecs */
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (track->params.codecs[0].codec == codecs[i])
            t->tracks[direction][mimes[i]]++;
}

void sl_rtcd_carrier_count(struct rtcd_carrier *c)
{
    sl_rtcd_tallies_no_tracks(c->conf.tallies);
    for (const struct peer *p = NULL; (p = sl_rooms_next(c->conf.rooms, p));) {
        if (!is_ours(p))
            continue;
        struct rtcd_tally *t = medium_in(p->member->ctx)->tracks.session->tally;
        for (size_t i = 0; i < p->tracks_n; i++)
            if (!list_empty(&p->tracks[i]->live))
                count_track(t, RTCD_IN, p->tracks[i]);
        for (size_t i = 0; i < p->view.n; i++)
            if (p->view.slots[i]->track)
                count_track(t, RTCD_OUT, p->view.slots[i]->track);
    }
}

const struct rtcd_line_stats *sl_rtcd_carrier_lines(const struct rtcd_carrier *c)
{
    return sl_rtcd_lines_stats(c->lines);
}

usec sl_rtcd_carrier_deadline(const struct rtcd_carrier *c)
{
    usec silence = sl_timers_deadline(&c->timers),
         lock = sl_rtcd_lines_deadline(c->lines);
    return silence < lock ? silence : lock;
}

void sl_rtcd_carrier_tick(struct rtcd_carrier *c, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&c->timers, now));)
        set_speaking(list_entry(t, struct medium, silence), false, now);
    sl_rtcd_lines_tick(c->lines, now);
}
