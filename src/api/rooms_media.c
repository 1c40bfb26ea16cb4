#include <stdlib.h>

#include "base/word.h"

#include "api/codes.h"
#include "api/rooms_session.h"

static struct rooms_outcome done(void)
{
    return (struct rooms_outcome){0};
}

static struct rooms_outcome refuse(const char *code, const char *detail)
{
    return (struct rooms_outcome){.code = code, .detail = detail};
}

/* ---- what a user says of its sections ---- */

/* said: NULL is nothing. */
static const struct rooms_section *section_of(const struct rooms_said *said,
                                              struct span mid)
{
    for (size_t i = 0; said && i < said->n; i++)
        if (span_is(mid, said->sections[i].mid))
            return &said->sections[i];
    return NULL;
}

static enum err keep_text(char **ret, struct span text)
{
    if (!text.p)
        return E_OK;
    char *copy = malloc(text.n + 1);
    if (!copy)
        return E_MEMORY;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    free(*ret);
    *ret = copy;
    return E_OK;
}

static enum err keep_section(struct rooms_said *said, const struct rooms_sent *sent)
{
    struct rooms_section *at = said->sections;
    while (at < said->sections + said->n && !span_is(sent->mid, at->mid))
        at++;
    if (at == said->sections + ROOMS_TRACKS_MAX)
        return E_FULL;
    if (at == said->sections + said->n) {
        memcpy(at->mid, sent->mid.p, sent->mid.n);
        said->n++;
    }
    at->muted = sent->muted;
    if (sent->source.p) {
        memcpy(at->source, sent->source.p, sent->source.n);
        at->source[sent->source.n] = '\0';
    }
    enum err e = keep_text(&at->name, sent->name);
    return e ? e : keep_text(&at->metadata, sent->metadata);
}

static struct span span_or_none(const char *text)
{
    return text ? span_of(text) : (struct span){0};
}

static struct rooms_sent as_sent(const struct rooms_section *at)
{
    return (struct rooms_sent){.mid = span_of(at->mid),
                               .source = span_or_none(at->source[0] ? at->source : NULL),
                               .name = span_or_none(at->name),
                               .metadata = span_or_none(at->metadata),
                               .muted = at->muted};
}

static bool is_sent(const struct peer *p, const char *mid)
{
    for (size_t i = 0; p && i < p->tracks_n; i++)
        if (strcmp(p->tracks[i]->params.mid, mid) == 0)
            return true;
    return false;
}

static void said_free(struct rooms_said *said)
{
    for (size_t i = 0; said && i < said->n; i++) {
        free(said->sections[i].name);
        free(said->sections[i].metadata);
    }
    free(said);
}

/* What was said before, and what is now. A mid that was once used is not used again: what ended makes
 * room for what begins. E_FULL, E_MEMORY. */
static enum err say_more(const struct rooms_session *s, const struct rooms_msg *m,
                         struct rooms_said **ret)
{
    size_t n = s->said ? s->said->n : 0;
    struct rooms_said *said = calloc(1, sizeof *said);
    enum err e = said ? E_OK : E_MEMORY;
    for (size_t i = 0; !e && i < n; i++) {
        struct rooms_sent before = as_sent(&s->said->sections[i]);
        if (n + m->tracks_n <= ROOMS_TRACKS_MAX ||
            is_sent(s->who->sends, s->said->sections[i].mid))
            e = keep_section(said, &before);
    }
    for (size_t i = 0; !e && i < m->tracks_n; i++)
        e = keep_section(said, &m->tracks[i]);
    if (e)
        said_free(said);
    else
        *ret = said;
    return e;
}

/* It was in vain. */
static void unsay(struct rooms_session *s, struct rooms_said *before)
{
    if (s->said != before)
        said_free(s->said);
    s->said = before;
    (void)sl_rooms_texts(s, (struct span){0},
                         (struct span){0}); /* no more than there was */
}

void sl_rooms_media_fini(struct rooms_session *s)
{
    said_free(s->said);
}

/* ---- what rooms ask ---- */

static const char *source_of(void *ctx, struct peer *p, const struct track *track)
{
    const struct rooms_session *s = ctx;
    const struct rooms_section *said = section_of(s->said, span_of(track->params.mid));
    return sl_participant_source(p->who, track->params.kind, said ? said->source : "");
}

static void put_label(const struct rooms_session *s, struct peer *p, struct track *track,
                      const struct rooms_section *said)
{
    if (sl_rooms_label(p, track, span_or_none(said->name),
                       span_or_none(said->metadata)) != E_OK)
        LOG(s->hall->conf.log, LOG_ERROR, "out of memory");
}

static void label(void *ctx, struct peer *p, struct track *track)
{
    const struct rooms_session *s = ctx;
    const struct rooms_section *said = section_of(s->said, span_of(track->params.mid));
    if (!said)
        return;
    track->muted = said->muted;
    put_label(s, p, track, said);
}

static bool wants(void *ctx, const struct peer *p, const struct track *track)
{
    const struct rooms_session *s = ctx;
    for (size_t i = 0; i < s->out_n; i++)
        if (s->out[i] == track->producer)
            return false;
    return (p->who->can & CAN_SUBSCRIBE) != 0;
}

/* Without a line nobody hears it: it is made again for the next. */
static void offer(void *ctx, struct peer *p, struct span sdp)
{
    struct rooms_session *s = ctx;
    struct wr w = sl_rooms_text(s->hall);
    sl_rooms_say_offer(&w, ++s->offers, sdp, p);
    sl_rooms_send(s, &w);
}

static void gone(void *ctx, struct peer *p, enum media_gone why)
{
    struct rooms_session *s = ctx;
    struct wr w = sl_rooms_text(s->hall);
    sl_rooms_data_gone(s->hall->datas, &s->data, p->transport);
    sl_rooms_say_gone(&w, p->member->way == MEMBER_RECEIVES ? "receive" : "send", why);
    sl_rooms_send(s, &w);
}

static const struct member_events events = {.source = source_of,
                                            .wants = wants,
                                            .offer = offer,
                                            .gone = gone,
                                            .label = label,
                                            .obeys = true};

static enum err enter(struct rooms_session *s, enum member_way way, usec now,
                      struct peer **ret)
{
    const struct enter in = {.stream = span_of(s->who->id),
                             .events = &events,
                             .ctx = s,
                             .data = way != MEMBER_RECEIVES,
                             .way = way,
                             .who = s->who};
    return sl_rooms_enter(s->hall->conf.rooms, &in, now, ret);
}

void sl_rooms_media_begin(struct rooms_session *s, usec now)
{
    struct peer *p;
    if (s->one || s->who->receives || !(s->who->can & CAN_SUBSCRIBE))
        return;
    if (enter(s, MEMBER_RECEIVES, now, &p) != E_OK)
        LOG(s->hall->conf.log, LOG_ERROR, "out of memory");
}

/* ---- descriptions ---- */

static struct rooms_outcome refuse_description(struct rooms_hall *h, enum err e,
                                               const struct refused *r)
{
    char *detail = (char *)h->sdp; /* there is none now */
    const char *code = sl_codes_description(e, r, detail);
    return refuse(code, detail[0] ? detail : NULL);
}

/* NULL: it may send all that it names. */
static const char *forbidden(const struct rooms_session *s, const struct rooms_msg *m)
{
    for (size_t i = 0; i < m->tracks_n; i++) {
        char source[SOURCE_CAP] = "";
        if (!m->tracks[i].source.p)
            continue;
        memcpy(source, m->tracks[i].source.p, m->tracks[i].source.n);
        if (!sl_participant_may_send(s->who, MEDIA_AUDIO, source) &&
            !sl_participant_may_send(s->who, MEDIA_VIDEO, source))
            return "tracks";
    }
    return NULL;
}

/* What was said of tracks that it sends already. */
static void tell_again(struct rooms_session *s, const struct rooms_msg *m, usec now)
{
    struct peer *p = s->who->sends;
    for (size_t i = 0; p && i < p->tracks_n; i++) {
        struct track *t = p->tracks[i];
        const struct rooms_section *said = section_of(s->said, span_of(t->params.mid));
        bool now_said = false;
        for (size_t k = 0; k < m->tracks_n; k++)
            now_said |= span_is(m->tracks[k].mid, t->params.mid);
        if (!said || !now_said)
            continue;
        const char *source = source_of(s, p, t);
        put_label(s, p, t, said);
        if (strcmp(source, t->source) != 0)
            sl_rooms_name(p, t, source, now);
    }
}

/* It has sections, and none by which sound or a picture would be sent: those that were refused before are
 * still there, and inactive. */
static bool sends_nothing(struct span sdp)
{
    bool any = false, sends = false; /* the section so far */
    while (sdp.n > 0 && !(sends && word_starts(sdp, "m="))) {
        struct span line = word_cut(&sdp, '\n');
        if (word_starts(line, "m=")) {
            any = true;
            sends = !word_starts(line, "m=application ");
        } else if (word_starts(line, "a=inactive")) {
            sends = false;
        }
    }
    return any && !sends;
}

/* A connection of its own. Who only watches has one for the messages that it reads. */
static bool may_begin(const struct rooms_session *s, const struct rooms_msg *m)
{
    return s->who->can & (CAN_PUBLISH | CAN_DATA) ||
           (s->who->can & CAN_SUBSCRIBE && (s->one || sends_nothing(m->sdp)));
}

struct rooms_outcome sl_rooms_media_offer(struct rooms_session *s,
                                          const struct rooms_msg *m, rooms_id id,
                                          usec now)
{
    struct rooms_hall *h = s->hall;
    struct rooms *rooms = h->conf.rooms;
    struct peer *p = s->who->sends;
    bool fresh = !p;
    if (fresh && !may_begin(s, m)) /* what is there may look for another path */
        return refuse("forbidden", NULL);
    if (forbidden(s, m))
        return refuse("forbidden", forbidden(s, m));
    struct rooms_said *before = s->said;
    enum err e = say_more(s, m, &s->said);
    if (!e && !sl_rooms_texts(s, (struct span){0}, (struct span){0})) {
        unsay(s, before);
        return refuse("full", "metadata");
    }
    if (!e && fresh)
        e = enter(s, s->one ? MEMBER_BOTH : MEMBER_SENDS, now, &p);
    if (e) {
        unsay(s, before);
        return refuse(e == E_FULL ? "full" : "internal", NULL);
    }
    struct refused why;
    struct wr answer = wr_of(h->sdp, NEGOTIATE_ANSWER_MAX);
    e = sl_rooms_offered(rooms, p, m->sdp, now, &answer, &why);
    if (e) {
        unsay(s, before);
        bool stands =
            e == E_MALFORMED || e == E_UNSUPPORTED || e == E_STATE || why.crowded;
        if (fresh || !stands)
            sl_rooms_leave(rooms, p, MEDIA_GONE_LEFT);
        return refuse_description(h, e, &why);
    }
    said_free(before);
    tell_again(s, m, now);
    struct wr w = sl_rooms_text(h);
    sl_rooms_say_answer(&w, id, wr_done(&answer), p);
    sl_rooms_send(s, &w);
    return (struct rooms_outcome){.silent = true};
}

struct rooms_outcome sl_rooms_media_answer(struct rooms_session *s,
                                           const struct rooms_msg *m, usec now)
{
    struct peer *p = s->who->receives;
    struct refused why;
    if (!p || m->offer != s->offers)
        return refuse("stale", NULL);
    enum err e = sl_rooms_answered(s->hall->conf.rooms, p, m->sdp, now, &why);
    if (e == E_STATE)
        return refuse("stale", NULL);
    if (!e)
        return done();
    struct rooms_outcome o = refuse_description(s->hall, e, &why);
    if (e != E_MALFORMED && e != E_UNSUPPORTED) /* it is at its end */
        sl_rooms_leave(s->hall->conf.rooms, p, MEDIA_GONE_LEFT);
    return o;
}

struct rooms_outcome sl_rooms_media_restart(struct rooms_session *s, usec now)
{
    if (!(s->who->can & CAN_SUBSCRIBE))
        return refuse("forbidden", NULL);
    if (s->who->receives)
        return sl_rooms_restart(s->who->receives) == E_OK
                   ? done()
                   : refuse("stale", "nothing was agreed yet");
    sl_rooms_media_begin(s, now);
    return done();
}

/* What its tracks are wanted for may have changed while nobody could be told: a picture that rests
 * would rest for ever. */
static void tell_wanted(struct rooms_session *s)
{
    const struct peer *p = s->who->sends;
    for (size_t i = 0; p && i < p->tracks_n; i++) {
        const struct track *t = p->tracks[i];
        if (t->wanted != UINT8_MAX || t->most_bps != TRACK_ANY_BPS)
            sl_rooms_hall_wanted(s->hall, p, t);
    }
}

void sl_rooms_media_again(struct rooms_session *s)
{
    struct peer *p = s->who->receives;
    tell_wanted(s);
    if (!p)
        return;
    sl_dialog_expire(p->member->dialog);
    sl_member_stir(p->member);
}

/* ---- what it wants to see ---- */

struct rooms_outcome sl_rooms_media_want(struct rooms_session *s,
                                         const struct rooms_msg *m)
{
    const struct track *t = sl_room_track(s->who->room, m->track);
    const struct rtp_wish wish = {.width = (uint16_t)m->width,
                                  .height = (uint16_t)m->height,
                                  .fps = (uint8_t)m->fps,
                                  .priority = (uint8_t)m->priority,
                                  .paused = m->paused};
    if (!t || !s->who->receives || sl_rooms_want(s->who->receives, t, &wish) != E_OK)
        return refuse("not_found", "track");
    return done();
}

static bool is_live(const struct room *room, uint64_t producer)
{
    list_each (struct track, t, &room->tracks.live, live)
        if (t->producer == producer)
            return true;
    return false;
}

/* Tracks that are over need not be left out any more. */
static void forget_over(struct rooms_session *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->out_n; i++)
        if (is_live(s->who->room, s->out[i]))
            s->out[kept++] = s->out[i];
    s->out_n = kept;
}

struct rooms_outcome sl_rooms_media_subscribe(struct rooms_session *s,
                                              const struct rooms_msg *m)
{
    struct track *t = sl_room_track(s->who->room, m->track);
    size_t i = 0;
    if (!t)
        return refuse("not_found", "track");
    if (s->out_n == ROOMS_OUT_MAX)
        forget_over(s);
    while (i < s->out_n && s->out[i] != t->producer)
        i++;
    if (m->on && i < s->out_n)
        s->out[i] = s->out[--s->out_n];
    else if (!m->on && i == ROOMS_OUT_MAX)
        return refuse("full", "tracks that are left out");
    else if (!m->on && i == s->out_n)
        s->out[s->out_n++] = t->producer;
    if (s->who->receives)
        sl_rooms_rewant(s->who->receives, t);
    return done();
}
