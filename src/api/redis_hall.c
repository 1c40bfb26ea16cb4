#include "api/redis_hall.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/word.h"

#include "api/codes.h"
#include "api/limit.h"
#include "api/redis_passes.h"

enum {
    COST = SEC(1) / REDIS_PER_S,
    TEXT_CAP = 4 * NEGOTIATE_ANSWER_MAX, /* of a message: a description in JSON */
    KEY_CAP = REDIS_ROOM_MAX + 1 + NAME_CAP,
};

struct client {
    struct map_node by_key;
    char key[KEY_CAP]; /* "ROOM:CLIENT": no name has a colon */
    struct redis_hall *hall;
    struct participant *who; /* NULL: it is in the room no more */
    struct peer *peer;       /* NULL: its transport is gone */
    uint64_t origin;         /* a hash of the peer connection's o= line */
    usec quiet_at;           /* a bucket (api/limit.h) of what it may ask */
    struct list over;        /* it is to leave */
    enum media_gone why;
};

struct redis_hall {
    struct redis_hall_conf conf;
    struct redis_hall_stats stats;
    struct map by_key;
    struct list over; /* struct client */
    bool draining;
    uint8_t *text, *part; /* of the message being written, and its payload */
    uint8_t *sdp;         /* the answer of ours */
};

/* ---- messages ---- */

static struct wr part_of(struct redis_hall *h)
{
    return wr_of(h->part, TEXT_CAP);
}

/* To a client, or to nobody that could be named. */
static void say(struct redis_hall *h, const char *type, struct span client,
                struct span room, const struct wr *payload)
{
    char channel[REDIS_CHANNEL_CAP];
    bool named = client.n > 0 && room.n > 0;
    struct wr w = wr_of(h->text, TEXT_CAP), c = wr_of((uint8_t *)channel, sizeof channel);
    wr_str(&c, h->conf.answers);
    wr_span(&c, named ? room : span_of("errors"));
    wr_str(&c, named ? ":" : "");
    wr_span(&c, named ? client : (struct span){0});
    sl_redis_say(&w, type, client, room, wr_done(payload));
    if (w.bad || c.bad || payload->bad) {
        LOG(h->conf.log, LOG_ERROR, "message for Redis not written",
            KV_STR("type", type));
        return;
    }
    h->stats.said++;
    h->conf.publish(h->conf.ctx, wr_done(&c), wr_done(&w));
}

static struct span client_of(const struct client *c)
{
    return span_of(strchr(c->key, ':') + 1);
}

static struct span room_of(const struct client *c)
{
    return (struct span){(const uint8_t *)c->key, (size_t)(strchr(c->key, ':') - c->key)};
}

static void say_to(struct client *c, const char *type, const struct wr *payload)
{
    say(c->hall, type, client_of(c), room_of(c), payload);
}

static void refuse(struct redis_hall *h, const struct redis_msg *m, const char *code,
                   const char *detail)
{
    struct wr w = part_of(h);
    h->stats.refused++;
    sl_redis_put_error(&w, code, span_of(detail ? detail : ""));
    say(h, "error", m->client, m->room, &w);
}

/* ---- clients ---- */

static struct client *find(const struct redis_hall *h, const struct redis_msg *m)
{
    char key[KEY_CAP];
    struct wr w = wr_of((uint8_t *)key, sizeof key);
    wr_span(&w, m->room);
    wr_u8(&w, ':');
    wr_span(&w, m->client);
    struct map_node *n = w.bad ? NULL : sl_map_get(&h->by_key, wr_done(&w));
    return n ? map_entry(n, struct client, by_key) : NULL;
}

static void discard(struct client *c)
{
    list_del(&c->over);
    sl_map_del(&c->hall->by_key, &c->by_key);
    c->hall->stats.clients--;
    free(c);
}

/* It is in no room any more, and its user is told why. */
static void end(struct client *c, enum media_gone why, const char *reason)
{
    struct wr w = part_of(c->hall);
    sl_redis_put_reason(&w, sl_media_gone_name(why), span_of(reason));
    say_to(c, "left", &w);
    discard(c);
}

static void left(void *ctx, struct participant *p, enum media_gone why,
                 const char *reason)
{
    (void)p;
    end(ctx, why, reason);
}

static const struct participant_events participant_events = {left};

bool sl_redis_hall_present(const struct participant *p)
{
    return p->events != &participant_events || (p->sends && p->sends->up);
}

static void leave(struct client *c)
{
    struct participant *who = c->who;
    sl_participant_leave(c->hall->conf.rooms, who, MEDIA_GONE_LEFT, "");
    end(c, MEDIA_GONE_LEFT, "");
}

/* Who has not been told that it is in need not be told that it is not. */
static void discard_joining(struct client *c)
{
    sl_participant_leave(c->hall->conf.rooms, c->who, MEDIA_GONE_LEFT, "");
    discard(c);
}

void sl_redis_hall_settle(struct redis_hall *h)
{
    while (!list_empty(&h->over)) {
        struct client *c = list_entry(h->over.next, struct client, over);
        list_del(&c->over);
        sl_participant_leave(h->conf.rooms, c->who, c->why, "");
    }
}

/* ---- what rooms ask ---- */

static const char *source_of(void *ctx, struct peer *p, const struct track *track)
{
    (void)ctx;
    return sl_participant_source(p->who, track->params.kind, "");
}

static bool wants(void *ctx, const struct peer *p, const struct track *track)
{
    (void)ctx;
    (void)track;
    return (p->who->can & CAN_SUBSCRIBE) != 0;
}

static void offer(void *ctx, struct peer *p, struct span sdp)
{
    struct client *c = ctx;
    struct wr w = part_of(c->hall);
    (void)p;
    sl_redis_put_description(&w, "offer", sdp);
    say_to(c, "offer", &w);
}

static void up(void *ctx, struct peer *p, usec now)
{
    const struct client *c = ctx;
    (void)now;
    c->hall->conf.changed(c->hall->conf.ctx, p->room);
}

/* Who is gone may not be ended from here: see sl_redis_hall_settle. */
static void gone(void *ctx, struct peer *p, enum media_gone why)
{
    struct client *c = ctx;
    (void)p;
    c->peer = NULL;
    c->why = why;
    list_add(&c->hall->over, &c->over);
}

static const struct member_events events = {.source = source_of,
                                            .wants = wants,
                                            .offer = offer,
                                            .up = up,
                                            .gone = gone};

/* ---- joining ---- */

/* Who makes a room is its host, unless it is said who is. NULL: it is in. */
static const char *admit(struct client *c, const struct redis_msg *m, usec now)
{
    struct rooms *rooms = c->hall->conf.rooms;
    const struct room *room = sl_rooms_room(rooms, m->tenant, m->name);
    const struct participant *other = room ? sl_participant_find(room, m->client) : NULL;
    if (other && !other->events && !other->self_named)
        return "taken"; /* by one of another way, who cannot be sent away for it */
    const struct admission a = {.tenant = m->tenant,
                                .room = m->name,
                                .id = m->client,
                                .name = m->label,
                                .role = m->host ? ROLE_HOST : ROLE_PARTICIPANT,
                                .may = MAY_PUBLISH | MAY_WATCH,
                                .create = true,
                                .first_host = !m->has_host,
                                .events = &participant_events,
                                .ctx = c};
    return sl_codes_entry(sl_participant_admit(rooms, &a, now, &c->who));
}

static const char *join(struct redis_hall *h, const struct redis_msg *m, usec now,
                        struct client **ret)
{
    struct client *c = h->draining ? NULL : calloc(1, sizeof *c);
    if (!c)
        return h->draining ? "draining" : "internal";
    struct wr w = wr_of((uint8_t *)c->key, sizeof c->key - 1);
    c->hall = h;
    list_init(&c->over);
    wr_span(&w, m->room);
    wr_u8(&w, ':');
    wr_span(&w, m->client);
    if (w.bad || sl_map_put(&h->by_key, wr_done(&w), &c->by_key) != E_OK) {
        free(c);
        return "internal";
    }
    h->stats.clients++;
    const char *code = admit(c, m, now);
    if (code) {
        discard(c);
        return code;
    }
    h->stats.joined++;
    *ret = c;
    return NULL;
}

/* ---- descriptions ---- */

/* The o= line without its version names the peer connection (RFC 9429 §5.2.1): a page that was
 * loaded again has another, and its offer begins anew. */
static uint64_t origin_of(struct span sdp)
{
    static const uint64_t key[2] = {0};
    while (sdp.n > 0) {
        struct span line = word_cut(&sdp, '\n');
        if (!word_starts(line, "o="))
            continue;
        struct span name = word_cut(&line, ' '), id = word_cut(&line, ' ');
        size_t n = id.p ? (size_t)(id.p + id.n - name.p) : name.n;
        return sl_siphash(key, (struct span){name.p, n});
    }
    return 0;
}

/* A back end that passes on answers alone has browsers that offer, and nothing else. */
static enum err enter(struct client *c, bool offers, usec now)
{
    const struct enter in = {.stream = client_of(c),
                             .events = &events,
                             .ctx = c,
                             .way = offers ? MEMBER_BOTH : MEMBER_ANSWERED,
                             .who = c->who};
    return sl_rooms_enter(c->hall->conf.rooms, &in, now, &c->peer);
}

static void refuse_description(struct redis_hall *h, const struct redis_msg *m,
                               enum err e, const struct refused *r)
{
    char detail[CODES_DETAIL_CAP];
    const char *code = sl_codes_description(e, r, detail);
    refuse(h, m, code, detail);
}

/* The answer, each candidate for those who want them apart, and that this was all. */
static void tell_answer(struct client *c, struct span sdp)
{
    struct redis_hall *h = c->hall;
    struct wr w = part_of(h);
    sl_redis_put_description(&w, "answer", sdp);
    say_to(c, "answer", &w);
    for (w = part_of(h); sl_redis_put_candidate(&w, &sdp); w = part_of(h))
        say_to(c, "candidate", &w);
    w = part_of(h);
    wr_str(&w, "null");
    say_to(c, "done", &w);
}

static void take_offer(struct redis_hall *h, struct client *c, const struct redis_msg *m,
                       usec now)
{
    struct rooms *rooms = h->conf.rooms;
    uint64_t origin = origin_of(m->sdp);
    bool joins = !c;
    const char *code = joins ? join(h, m, now, &c) : NULL;
    if (code) {
        refuse(h, m, code, NULL);
        return;
    }
    if (c->peer && c->origin != origin) {
        sl_rooms_leave(rooms, c->peer, MEDIA_GONE_LEFT);
        c->peer = NULL;
        h->conf.changed(h->conf.ctx, c->who->room);
    }
    list_del(&c->over); /* it is back before it left */
    h->stats.offers++;
    c->origin = origin;
    struct refused why = {0};
    struct wr answer = wr_of(h->sdp, NEGOTIATE_ANSWER_MAX);
    enum err e = c->peer ? E_OK : enter(c, m->offers, now);
    bool fresh = !c->peer || c->peer->transport == 0;
    if (!e)
        e = sl_rooms_offered(rooms, c->peer, m->sdp, now, &answer, &why);
    if (e == E_OK) {
        tell_answer(c, wr_done(&answer));
    } else {
        refuse_description(h, m, e, &why);
        if (e == E_STATE)
            return;
        bool stands = e == E_MALFORMED || e == E_UNSUPPORTED || why.crowded;
        if (joins)
            discard_joining(c);
        else if (fresh || !stands)
            leave(c); /* there is no transport, or it is at its end */
    }
}

static void take_answer(struct redis_hall *h, struct client *c, const struct redis_msg *m,
                        usec now)
{
    struct refused why = {0};
    enum err e =
        c->peer ? sl_rooms_answered(h->conf.rooms, c->peer, m->sdp, now, &why) : E_STATE;
    if (e == E_STATE)
        refuse(h, m, "stale", NULL);
    else if (e)
        refuse_description(h, m, e, &why);
    if (e && e != E_STATE && e != E_MALFORMED && e != E_UNSUPPORTED)
        leave(c);
}

/* ---- what is asked ---- */

static void hand_pass(struct redis_hall *h, const struct redis_msg *m, usec now)
{
    const struct redis_pass_conf conf = {h->conf.rooms, h->conf.pass_any, h->conf.wall};
    char detail[PASSJSON_FAULT_CAP] = "";
    struct wr w = part_of(h);
    const char *code =
        h->draining ? "draining" : sl_redis_pass_issue(&conf, m, now, h->sdp, &w, detail);
    if (code)
        refuse(h, m, code, detail);
    else
        say(h, "pass", m->client, m->room, &w);
}

/* By whatever it is there, or may come. */
static void send_away(struct redis_hall *h, struct client *c, const struct redis_msg *m)
{
    bool revoked = sl_redis_pass_revoke(h->conf.rooms, m);
    struct wr w = part_of(h);
    if (c) {
        leave(c);
    } else if (revoked) {
        sl_redis_put_reason(&w, sl_media_gone_name(MEDIA_GONE_REVOKED), span_of(""));
        say(h, "left", m->client, m->room, &w);
    } else {
        refuse(h, m, "not_joined", NULL);
    }
}

static void take(struct redis_hall *h, const struct redis_msg *m, usec now)
{
    struct client *c = find(h, m);
    if (c && !sl_limit_pay(&c->quiet_at, COST, (usec)COST * REDIS_BURST, now)) {
        h->stats.flooded++; /* an answer to each would be a flood of ours */
        return;
    }
    bool joined = m->type == REDIS_ASK_ANSWER || m->type == REDIS_ASK_CANDIDATE;
    if (!c && joined) {
        refuse(h, m, "not_joined", NULL);
        return;
    }
    switch (m->type) {
    case REDIS_ASK_OFFER: take_offer(h, c, m, now); break;
    case REDIS_ASK_ANSWER: take_answer(h, c, m, now); break;
    case REDIS_ASK_CANDIDATE:
        if (c->peer && m->candidate.n > 0)
            sl_rooms_remote(h->conf.rooms, c->peer, m->candidate);
        break;
    case REDIS_ASK_LEAVE: send_away(h, c, m); break;
    case REDIS_ASK_PASS: hand_pass(h, m, now); break;
    case REDIS_ASKS: break;
    }
}

void sl_redis_hall_message(struct redis_hall *h, struct span text, bool cut, usec now)
{
    struct redis_msg m = {.fault = ""};
    enum err e = cut ? E_FULL : sl_redis_msg_read(text, &m);
    if (e == E_OK) {
        take(h, &m, now);
    } else {
        h->stats.malformed++;
        refuse(h, &m,
               e == E_UNSUPPORTED ? "type"
               : e == E_FULL      ? "too_large"
                                  : "malformed",
               m.fault);
    }
    sl_redis_msg_fini(&m);
    sl_redis_hall_settle(h);
}

/* ---- start and end ---- */

struct redis_hall *sl_redis_hall_new(const struct redis_hall_conf *conf)
{
    struct redis_hall *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->conf = *conf;
    list_init(&h->over);
    sl_map_init(&h->by_key, conf->seed);
    h->text = malloc(TEXT_CAP);
    h->part = malloc(TEXT_CAP);
    h->sdp = malloc(NEGOTIATE_ANSWER_MAX);
    if (!h->text || !h->part || !h->sdp) {
        sl_redis_hall_free(h);
        return NULL;
    }
    return h;
}

void sl_redis_hall_free(struct redis_hall *h)
{
    if (!h)
        return;
    for (struct map_node *n; (n = sl_map_next(&h->by_key, NULL));)
        sl_participant_leave(h->conf.rooms, map_entry(n, struct client, by_key)->who,
                             MEDIA_GONE_SHUTDOWN, "");
    sl_map_fini(&h->by_key);
    free(h->text);
    free(h->part);
    free(h->sdp);
    free(h);
}

const struct redis_hall_stats *sl_redis_hall_stats(const struct redis_hall *h)
{
    return &h->stats;
}

void sl_redis_hall_drain(struct redis_hall *h, bool draining)
{
    h->draining = draining;
}
