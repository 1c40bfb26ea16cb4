#include "api/rtcd_carrier.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define VAD_ON_MIN SEC(2)    /* rtcd's: nobody stops to speak sooner */
#define VAD_PAUSE  MSEC(800) /* without speech: it is over */
enum {
    STREAM_ID_MAX = 128, /* octets of a stream's id; browsers' have 36 */
    SUFFIX_LEN = 8,
};

/* What a session has of rooms. */
struct medium {
    struct rtcd_carrier *carrier;
    struct rtcd_session *session;
    struct peer *peer;
    char screen[STREAM_ID_MAX + 1], camera[STREAM_ID_MAX + 1];
    struct rtcd_line line;
    bool presents;
    bool doubled[2]; /* its camera, its screen: in AV1 as well */
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
    uint64_t hash_key[4];
    uint8_t text[NEGOTIATE_ANSWER_MAX]; /* the description being written */
};

static const enum codec codecs[] = {CODEC_OPUS, CODEC_VP8, CODEC_AV1};

static struct medium *medium_in(void *member_ctx)
{
    return member_ctx;
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

/* Of rooms: another word for each of rtcd's. */
static const char *type_of(const struct track *t)
{
    if (strncmp(t->source, "screen", 6) == 0)
        return t->params.kind == MEDIA_VIDEO ? "screen" : "screen-audio";
    return t->params.kind == MEDIA_VIDEO ? "video" : "voice";
}

static const struct member_events events;

/* Who publishes by another way than rtcd's is its own session. */
static const char *sender_of(const struct track *t)
{
    const struct peer *p = list_entry(t->owner, struct peer, view);
    if (p->member && p->member->events == &events)
        return medium_in(p->member->ctx)->session->id;
    return t->stream;
}

/* An id may be any text, and a=msid takes tokens (RFC 8830 §2): what is none stays out of the
 * description. */
static void keep_token(char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            *text = '-';
}

static void name_slot(void *ctx, const struct peer *p, const struct track *track,
                      struct dialog_slot *slot)
{
    const struct medium *m = medium_in(ctx);
    char suffix[SUFFIX_LEN + 1];
    (void)p;
    sl_chance_hex(&m->carrier->conf.random, suffix, SUFFIX_LEN);
    (void)snprintf(slot->stream, sizeof slot->stream, "%s", sender_of(track));
    (void)snprintf(slot->track, sizeof slot->track, "%s_%s_%s", type_of(track),
                   sender_of(track), suffix);
    keep_token(slot->stream);
    keep_token(slot->track);
}

/* ---- what is what ---- */

static const struct medium *presenter(const struct room *room)
{
    list_each (struct peer, p, &room->members, by_room)
        if (p->member->events == &events && medium_in(p->member->ctx)->presents)
            return medium_in(p->member->ctx);
    return NULL;
}

static const char *source_of(void *ctx, struct peer *p, const struct track *track)
{
    const struct medium *m = medium_in(ctx), *shows = presenter(p->room);
    bool video = track->params.kind == MEDIA_VIDEO;
    if (shows && shows->screen[0] && strcmp(track->msid, shows->screen) == 0)
        return video ? "screen" : "screen-audio";
    if (!video)
        return "microphone";
    return m->camera[0] && strcmp(track->msid, m->camera) == 0 ? "camera" : "";
}

/* Those that wait for a name may have one now. */
static void name_waiting(struct medium *m, usec now)
{
    for (size_t i = 0; i < m->peer->tracks_n; i++) {
        struct track *t = m->peer->tracks[i];
        const char *source = t->source[0] ? "" : source_of(m, m->peer, t);
        if (source[0])
            sl_rooms_name(m->peer, t, source, now);
    }
}

static bool is_av1(const struct track *t)
{
    return t->params.codecs[0].codec == CODEC_AV1;
}

/* The same picture in AV1, for those who understand it. */
static const struct track *twin_of(const struct track *t)
{
    const struct peer *p = list_entry(t->owner, struct peer, view);
    for (size_t i = 0; i < p->tracks_n; i++)
        if (p->tracks[i] != t && is_av1(p->tracks[i]) != is_av1(t) &&
            strcmp(p->tracks[i]->source, t->source) == 0 &&
            !list_empty(&p->tracks[i]->live))
            return p->tracks[i];
    return NULL;
}

static bool wants(void *ctx, const struct peer *p, const struct track *track)
{
    bool av1 = medium_in(ctx)->session->av1 == RTCD_TRUE;
    (void)p;
    if (track->params.kind == MEDIA_AUDIO)
        return true;
    return is_av1(track) ? av1 : !av1 || !twin_of(track);
}

/* Who knows AV1 sees that, as soon as it is there, and the other picture when it is gone. */
static void mind_twins(struct medium *m, usec now)
{
    for (size_t i = 0; i < m->peer->tracks_n; i++) {
        struct track *t = m->peer->tracks[i];
        char source[SOURCE_CAP];
        if (t->params.kind != MEDIA_VIDEO || is_av1(t) || list_empty(&t->live))
            continue;
        memcpy(source, t->source, sizeof source);
        bool *doubled = &m->doubled[strcmp(source, "screen") == 0];
        if (*doubled == (twin_of(t) != NULL))
            continue;
        *doubled = !*doubled;
        sl_rooms_name(m->peer, t, source, now);
    }
}

/* ---- voice ---- */

static void set_speaking(struct medium *m, bool speaks, usec now)
{
    m->speaks = speaks;
    m->began = now;
    sl_rtcd_calls_tell(m->carrier->calls, m->session,
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
    for (size_t i = 0; i < m->peer->tracks_n; i++) {
        struct track *t = m->peer->tracks[i];
        if (strcmp(t->source, "microphone") != 0)
            continue;
        sl_rooms_mute(m->peer, t, muted);
        any = true;
    }
    if (!any || !muted)
        return;
    sl_timer_stop(&m->carrier->timers, &m->silence);
    set_speaking(m, false, now);
}

/* ---- descriptions ---- */

/* What the channel does not take goes the other way: clients listen to both. */
static enum err tell_description(struct medium *m, const char *type, struct span sdp,
                                 bool by_channel)
{
    struct rtcd_carrier *c = m->carrier;
    json_t *o = json_object();
    json_t *text = json_stringn((const char *)sdp.p, sdp.n);
    (void)json_object_set_new(o, "type", json_string(type));
    (void)json_object_set_new(o, "sdp", text);
    char *json = o && text ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!json)
        return E_MEMORY;
    if (!by_channel || sl_rtcd_line_sdp(c->lines, &m->line, span_of(json)) != E_OK)
        sl_rtcd_calls_tell(c->calls, m->session, RTCD_RTC_SDP, span_of(json));
    free(json);
    return E_OK;
}

/* What each section carries; without it a client takes no video. */
static void tell_map(struct medium *m)
{
    struct rtcd_dc_track tracks[DIALOG_SECTIONS_MAX];
    const struct peer *p = m->peer;
    size_t n = 0;
    for (size_t i = 0; i < p->view.n && n < DIALOG_SECTIONS_MAX; i++) {
        const struct slot *slot = p->view.slots[i];
        const char *mid = sl_dialog_mid(p->member->dialog, &seat_of(slot)->dialog);
        if (mid[0] != '\0')
            tracks[n++] = (struct rtcd_dc_track){span_of(mid), type_of(slot->track),
                                                 span_of(sender_of(slot->track))};
    }
    sl_rtcd_line_map(m->carrier->lines, &m->line, tracks, n);
}

static void offer(void *ctx, struct peer *p, struct span sdp)
{
    struct medium *m = medium_in(ctx);
    (void)p;
    tell_map(m);
    if (tell_description(m, "offer", sdp, m->session->dc_signaling == RTCD_TRUE) != E_OK)
        LOG(m->carrier->conf.log, LOG_ERROR, "out of memory");
}

static void log_refusal(const struct medium *m, const char *what, enum err e,
                        const struct refused *r)
{
    LOG(m->carrier->conf.log, LOG_INFO, what, KV_STR("sessionID", m->session->id),
        KV_ERR(e), KV_STR("why", sl_negotiate_code(r->why)), KV_UINT("at", r->at));
}

static enum err take_offer(struct medium *m, struct span sdp, bool by_channel, usec now)
{
    struct rtcd_carrier *c = m->carrier;
    struct wr w = wr_of(c->text, sizeof c->text);
    struct refused refused;
    enum err e = sl_rooms_offered(c->conf.rooms, m->peer, sdp, now, &w, &refused);
    if (!e && m->answered == 0)
        m->answered = now;
    if (!e)
        return tell_description(m, "answer", wr_done(&w), by_channel);
    log_refusal(m, "rtcd offer refused", e, &refused);
    return e;
}

static enum err take_answer(struct medium *m, struct span sdp, usec now)
{
    struct refused refused;
    enum err e = sl_rooms_answered(m->carrier->conf.rooms, m->peer, sdp, now, &refused);
    if (e)
        log_refusal(m, "rtcd answer refused", e, &refused);
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
        m->session->tally->errors[RTCD_ERROR_SIGNALING]++;
    else
        mind_twins(m, now);
    return e;
}

/* ---- states ---- */

/* The stream's id, from {"screenStreamID": "..."}; "" where it is none. */
static void keep_stream(char ret[STREAM_ID_MAX + 1], struct span data, const char *key)
{
    json_t *o = json_loadb((const char *)data.p, data.n, 0, NULL);
    struct span id = text_in(o, key);
    ret[0] = '\0';
    if (id.n > 0 && id.n <= STREAM_ID_MAX) {
        memcpy(ret, id.p, id.n);
        ret[id.n] = '\0';
    }
    json_decref(o);
}

/* {"candidate": "candidate:..."}: where a NAT of ours may have to be opened. */
static void take_candidate(struct medium *m, struct span data)
{
    json_t *o = json_loadb((const char *)data.p, data.n, 0, NULL);
    sl_rooms_remote(m->carrier->conf.rooms, m->peer, text_in(o, "candidate"));
    json_decref(o);
}

static void screen_on(struct medium *m, struct span data, usec now)
{
    keep_stream(m->screen, data, "screenStreamID");
    const struct medium *other = presenter(m->peer->room);
    m->presents = !other || other == m;
    if (other && other != m)
        LOG(m->carrier->conf.log, LOG_INFO, "somebody else presents",
            KV_STR("sessionID", m->session->id));
    name_waiting(m, now);
    mind_twins(m, now);
}

static void screen_off(struct medium *m, usec now)
{
    if (!m->presents)
        return;
    m->presents = false;
    m->screen[0] = '\0';
    for (size_t i = 0; i < m->peer->tracks_n; i++)
        if (strncmp(m->peer->tracks[i]->source, "screen", 6) == 0)
            sl_rooms_name(m->peer, m->peer->tracks[i], "", now);
    mind_twins(m, now);
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
    return m->peer && sl_dialog_waits(m->peer->member->dialog);
}

static void hold(void *ctx, struct rtcd_line *l, bool held)
{
    const struct medium *m = medium_of(l);
    (void)ctx;
    if (m->peer)
        sl_rooms_hold(m->peer, held);
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
    sl_histogram_add(&m->session->tally->connected, (uint64_t)(now - m->session->joined));
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
    (void)p;
    if (is_failure(why)) {
        sl_rtcd_tally_state(m->carrier->conf.tallies, RTCD_CONN_FAILED);
        m->session->tally->errors[RTCD_ERROR_ICE]++;
    }
    m->peer = NULL;
    sl_rtcd_calls_end(m->carrier->calls, m->session);
}

static const struct member_events events = {.source = source_of,
                                            .wants = wants,
                                            .name = name_slot,
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
    *m = (struct medium){.carrier = c, .session = s};
    const struct enter in = {
        .tenant = room_name(c, sl_rtcd_calls_client(s), names[0]),
        .room = room_name(c, sl_rtcd_calls_call(s), names[1]),
        .stream = room_name(c, span_of(s->id), names[2]),
        .events = &events,
        .ctx = m,
        .codecs = codecs,
        .codecs_n = sizeof codecs / sizeof codecs[0],
        .data = true,
    };
    enum err e = sl_rooms_enter(c->conf.rooms, &in, now, &m->peer);
    if (e) {
        free(m);
        return e;
    }
    s->media = m;
    sl_rtcd_line_init(c->lines, &m->line, s->tally);
    return E_OK;
}

static enum err take_signal(void *ctx, struct rtcd_session *s, enum rtcd_rtc type,
                            struct span data, usec now)
{
    enum err e = s->media ? E_OK : enter(ctx, s, now);
    struct medium *m = s->media;
    if (e)
        return e;
    switch (type) {
    case RTCD_RTC_SDP: return take_description(m, data, false, now);
    case RTCD_RTC_MUTE: mute(m, true, now); break;
    case RTCD_RTC_UNMUTE: mute(m, false, now); break;
    case RTCD_RTC_SCREEN_ON: screen_on(m, data, now); break;
    case RTCD_RTC_SCREEN_OFF: screen_off(m, now); break;
    case RTCD_RTC_VIDEO_ON:
        keep_stream(m->camera, data, "videoStreamID");
        name_waiting(m, now);
        break;
    case RTCD_RTC_ICE: take_candidate(m, data); break;
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
    if (!m)
        return;
    s->media = NULL;
    sl_rtcd_tally_state(c->conf.tallies, RTCD_CONN_CLOSED);
    sl_timer_stop(&c->timers, &m->silence);
    sl_rtcd_line_fini(c->lines, &m->line);
    if (m->peer)
        sl_rooms_leave(c->conf.rooms, m->peer, MEDIA_GONE_LEFT);
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
    if (ev->kind == MEDIA_DATA_OPENED && ev->open && !m->opened) {
        m->opened = true;
        sl_histogram_add(&m->session->tally->opened, (uint64_t)(now - m->answered));
    }
    sl_rtcd_line_event(c->lines, &m->line, transport, ev, now);
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
        struct rtcd_tally *t = medium_in(p->member->ctx)->session->tally;
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
