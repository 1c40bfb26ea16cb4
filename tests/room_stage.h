#pragma once

/*
 * Rooms with a media plane that takes notes, the news of them as text, and participants with the
 * other ends of their transports. For tests of what is in rooms.
 */

#include "dialogs.h"
#include "media_log.h"
#include "room/room.h"

enum { STAGE_PEOPLE = 3 };

struct room_stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    char news[2048]; /* one line for each */
    struct person {
        struct room_stage *stage;
        struct participant *who;
        struct end sends, receives;
        const char *source;  /* of whatever it sends */
        const char *deaf_to; /* a source that it does not want; NULL: none */
        char offer[1 << 16]; /* the last of the server's */
        size_t offer_n;
        unsigned offers;
        char left[32]; /* why, once it is */
        char lost[32]; /* why a transport is gone */
    } of[STAGE_PEOPLE];
};

static inline void stage_tell(void *ctx, const struct news *n)
{
    static const char *const words[] = {"opened",  "closed",  "room",   "joined",
                                        "updated", "left",    "track",  "changed",
                                        "ended",   "viewers", "speaker"};
    struct room_stage *s = ctx;
    size_t at = strlen(s->news), cap = sizeof s->news - at;
    bool track = n->kind >= NEWS_TRACK && n->kind <= NEWS_TRACK_ENDED;
    if (n->kind == NEWS_VIEWERS)
        (void)snprintf(s->news + at, cap, "viewers %zu\n", n->room->viewers_n);
    else
        (void)snprintf(s->news + at, cap, "%s %s%s%s%s%s\n", words[n->kind],
                       n->who ? n->who->id : n->room->name, track ? " " : "",
                       track ? n->track->source : "", n->kind == NEWS_LEFT ? " " : "",
                       n->kind == NEWS_LEFT ? sl_media_gone_name(n->why) : "");
}

static inline const char *stage_source(void *ctx, struct peer *p, const struct track *t)
{
    (void)p;
    (void)t;
    return ((struct person *)ctx)->source;
}

static inline bool stage_wants(void *ctx, const struct peer *p, const struct track *t)
{
    const struct person *who = ctx;
    (void)p;
    return !who->deaf_to || strcmp(who->deaf_to, t->source) != 0;
}

static inline void stage_name(void *ctx, const struct peer *p, const struct track *t,
                              struct dialog_slot *slot)
{
    (void)ctx;
    (void)p;
    (void)snprintf(slot->stream, sizeof slot->stream, "%s", t->stream);
    (void)snprintf(slot->track, sizeof slot->track, "%s-%s", t->stream, t->source);
}

static inline void stage_offer(void *ctx, struct peer *p, struct span sdp)
{
    struct person *who = ctx;
    (void)p;
    who->offers++;
    who->offer_n = sdp.n < sizeof who->offer ? sdp.n : 0;
    memcpy(who->offer, sdp.p, who->offer_n);
}

static inline void stage_up(void *ctx, struct peer *p, usec now)
{
    (void)ctx;
    (void)p;
    (void)now;
}

static inline void stage_gone(void *ctx, struct peer *p, enum media_gone why)
{
    struct person *who = ctx;
    (void)p;
    (void)snprintf(who->lost, sizeof who->lost, "%s", sl_media_gone_name(why));
}

static inline void stage_heard(void *ctx, struct peer *p, const struct track *t,
                               const struct voice *voice, usec now)
{
    (void)ctx;
    (void)p;
    (void)t;
    (void)voice;
    (void)now;
}

static inline void stage_left(void *ctx, struct participant *p, enum media_gone why,
                              const char *reason)
{
    struct person *who = ctx;
    (void)p;
    (void)snprintf(who->left, sizeof who->left, "%s%s", sl_media_gone_name(why), reason);
    who->who = NULL;
}

static const struct member_events stage_member = {
    .source = stage_source,
    .wants = stage_wants,
    .name = stage_name,
    .offer = stage_offer,
    .up = stage_up,
    .gone = stage_gone,
    .heard = stage_heard,
};
static const struct participant_events stage_events = {stage_left};

static inline struct room_stage *room_stage_new(const struct rooms_conf *more)
{
    static const uint8_t sha256[32] = {9};
    struct room_stage *s = calloc(1, sizeof *s);
    struct rooms_conf conf = *more;
    s->rng = sl_rng_of(3);
    conf.media = ml_ops(&s->log);
    conf.random = (struct random){end_fill, &s->rng};
    conf.local.sha256 = sha256;
    conf.news = (struct news_teller){stage_tell, s};
    if (conf.limits.rooms == 0)
        conf.limits = (struct rooms_limits){.rooms = 2, .peers = 10, .room_peers = 10};
    s->rooms = sl_rooms_new(&conf);
    for (size_t i = 0; i < STAGE_PEOPLE; i++) {
        s->of[i].stage = s;
        s->of[i].source = "microphone";
        end_init(&s->of[i].sends, 2 * i + 1);
        end_init(&s->of[i].receives, 2 * i + 2);
    }
    return s;
}

static inline void room_stage_free(struct room_stage *s)
{
    sl_rooms_free(s->rooms);
    for (size_t i = 0; i < STAGE_PEOPLE; i++) {
        end_fini(&s->of[i].sends);
        end_fini(&s->of[i].receives);
    }
    free(s);
}

/* What was told since the last look. */
static inline const char *stage_news(struct room_stage *s)
{
    static char seen[sizeof s->news];
    memcpy(seen, s->news, sizeof seen);
    s->news[0] = '\0';
    return seen;
}

static inline enum err stage_admit(struct room_stage *s, size_t i, const char *id,
                                   enum role role, bool create)
{
    const struct admission a = {.tenant = span_of("t"),
                                .room = span_of("r"),
                                .id = span_of(id),
                                .name = span_of("Name"),
                                .role = role,
                                .may = MAY_PUBLISH | MAY_WATCH,
                                .create = create,
                                .events = &stage_events,
                                .ctx = &s->of[i]};
    return sl_participant_admit(s->rooms, &a, 0, &s->of[i].who);
}

static inline enum err stage_transport(struct room_stage *s, size_t i,
                                       enum member_way way, struct peer **ret)
{
    struct person *p = &s->of[i];
    const struct enter in = {.stream = span_of(p->who->id),
                             .events = &stage_member,
                             .ctx = p,
                             .data = true,
                             .way = way,
                             .who = p->who};
    return sl_rooms_enter(s->rooms, &in, 0, ret);
}

/* It offers what its sending end has, and is answered; and its transport is up. */
static inline enum err stage_speak(struct room_stage *s, size_t i)
{
    static uint8_t answer[1 << 16];
    struct wr w = wr_of(answer, sizeof answer);
    struct person *p = &s->of[i];
    struct refused refused;
    struct peer *peer = p->who->sends;
    enum err e = peer ? E_OK : stage_transport(s, i, MEMBER_SENDS, &peer);
    e = e ? e : end_offer(&p->sends);
    e = e ? e : sl_rooms_offered(s->rooms, peer, end_text(&p->sends), 0, &w, &refused);
    e = e ? e : end_answered(&p->sends, wr_done(&w));
    if (!e)
        sl_rooms_transport_up(s->rooms, peer->transport, SEC(1));
    return e;
}

/* It answers the server's last offer, and the transport is up. */
static inline enum err stage_listen(struct room_stage *s, size_t i)
{
    struct person *p = &s->of[i];
    struct refused refused;
    struct peer *peer = p->who->receives;
    enum err e =
        end_offered(&p->receives, (struct span){(uint8_t *)p->offer, p->offer_n});
    e = e ? e : sl_rooms_answered(s->rooms, peer, end_text(&p->receives), 0, &refused);
    if (!e)
        sl_rooms_transport_up(s->rooms, peer->transport, SEC(1));
    return e;
}
