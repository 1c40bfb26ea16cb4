#pragma once

/*
 * The room WebSocket without sockets: lines whose messages are kept as text, rooms above a media plane
 * that takes notes. For tests of api/rooms_*.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#include "api/rooms_hall.h"
#include "check.h"
#include "dialogs.h"
#include "media_log.h"

enum { HALL_LINES = 4, HALL_TEXT = 1 << 17 };

struct hall_stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct limit *joins;
    struct rooms_hall *hall;
    struct hall_line {
        struct rooms_line *line;
        char said[HALL_TEXT]; /* one line for each message */
        unsigned closed;      /* by which code */
        struct end sends, receives;
    } of[HALL_LINES];
};

static inline usec hall_no_time(void)
{
    return 0;
}
static struct log hall_quiet = {.fd = -1, .level = LOG_ERROR, .wall = hall_no_time};

/* Tokens are "ROLE", "ROLE:ID", or what is wrong with them. */
static inline enum err hall_verify(void *ctx, struct span token, struct claims *ret)
{
    struct claims c = {.tenant = "t", .rooms = "r*", .may = MAY_PUBLISH | MAY_WATCH};
    char text[64] = "";
    (void)ctx;
    if (token.n == 0)
        return E_ABSENT;
    memcpy(text, token.p, token.n < 63 ? token.n : 63);
    if (strcmp(text, "late") == 0 || strcmp(text, "bad") == 0)
        return text[0] == 'l' ? E_LATE : E_AUTH;
    char *id = strchr(text, ':');
    if (id) {
        *id++ = '\0';
        (void)snprintf(c.id, sizeof c.id, "%s", id);
    }
    (void)snprintf(c.role, sizeof c.role, "%s", text);
    *ret = c;
    return E_OK;
}

static inline void hall_send(void *ctx, void *socket, struct span text)
{
    struct hall_line *l = socket;
    size_t at = strlen(l->said);
    (void)ctx;
    CHECK(at + text.n + 2 < sizeof l->said);
    if (at + text.n + 2 >= sizeof l->said)
        return;
    memcpy(l->said + at, text.p, text.n);
    memcpy(l->said + at + text.n, "\n", 2);
}

static inline void hall_close(void *ctx, void *socket, unsigned code, const char *reason)
{
    struct hall_line *l = socket;
    (void)ctx;
    (void)reason;
    CHECK_INT(l->closed, 0); /* once */
    l->closed = code;
}

static inline void hall_tell(void *ctx, const struct news *n)
{
    struct hall_stage *s = ctx;
    if (s->hall)
        sl_rooms_hall_news(s->hall, n);
}

static inline struct hall_stage *hall_stage_new(void)
{
    static const uint8_t sha256[32] = {9};
    static const uint64_t seed[2] = {1, 2};
    struct hall_stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(3);
    const struct random random = {end_fill, &s->rng};
    s->rooms = sl_rooms_new(&(struct rooms_conf){
        .media = ml_ops(&s->log),
        .random = random,
        .limits = {.rooms = 2, .peers = 10, .room_peers = 10},
        .local = {.sha256 = sha256},
        .news = {hall_tell, s},
    });
    s->joins = sl_limit_new(&(struct limit_conf){.addresses = 1}, seed);
    s->hall = sl_rooms_hall_new(&(struct rooms_hall_conf){
        .rooms = s->rooms,
        .media = ml_ops(&s->log),
        .random = random,
        .log = &hall_quiet,
        .joins = s->joins,
        .verify = hall_verify,
        .send = hall_send,
        .close = hall_close,
    });
    for (size_t i = 0; i < HALL_LINES; i++) {
        end_init(&s->of[i].sends, 2 * i + 1);
        end_init(&s->of[i].receives, 2 * i + 2);
    }
    return s;
}

static inline void hall_stage_free(struct hall_stage *s)
{
    sl_rooms_hall_free(s->hall);
    s->hall = NULL;
    CHECK_INT(sl_rooms_stats(s->rooms)->members, 0);
    sl_rooms_free(s->rooms);
    sl_limit_free(s->joins);
    for (size_t i = 0; i < HALL_LINES; i++) {
        end_fini(&s->of[i].sends);
        end_fini(&s->of[i].receives);
    }
    free(s);
}

static inline void hall_open(struct hall_stage *s, size_t i, const char *token, usec now)
{
    s->of[i].closed = 0;
    s->of[i].said[0] = '\0';
    CHECK_INT(sl_rooms_hall_open(s->hall, span_of("r"), span_of(token), &(struct addr){0},
                                 &s->of[i], now, &s->of[i].line),
              E_OK);
}

/* Says it; a single quote stands for a double one. What was said to it before is forgotten. */
static inline const char *hall_say(struct hall_stage *s, size_t i, const char *text,
                                   usec now)
{
    static char message[HALL_TEXT];
    (void)snprintf(message, sizeof message, "%s", text);
    for (char *c = message; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    s->of[i].said[0] = '\0';
    sl_rooms_hall_message(s->of[i].line, span_of(message), now);
    sl_rooms_flush(s->rooms, now);
    return s->of[i].said;
}

static inline const char *hall_join(struct hall_stage *s, size_t i, const char *token)
{
    hall_open(s, i, token, 0);
    return hall_say(s, i, "{'type':'join','v':1}", 0);
}

static inline void hall_closed(struct hall_stage *s, size_t i, unsigned code, usec now)
{
    sl_rooms_hall_closed(s->of[i].line, code, now);
    s->of[i].line = NULL;
    sl_rooms_flush(s->rooms, now);
}

static inline bool hall_heard(const struct hall_stage *s, size_t i, const char *text)
{
    return strstr(s->of[i].said, text) != NULL;
}

/* "...,\"NAME\":\"VALUE\"..." of the last message of that type, with what JSON escapes undone. */
static inline const char *hall_text(const struct hall_stage *s, size_t i,
                                    const char *type, const char *name)
{
    static char ret[HALL_TEXT];
    char begins[64], member[64];
    (void)snprintf(begins, sizeof begins, "{\"type\":\"%s\"", type);
    (void)snprintf(member, sizeof member, "\"%s\":\"", name);
    const char *at = NULL, *next = s->of[i].said;
    while ((next = strstr(next, begins)))
        at = next++;
    at = at ? strstr(at, member) : NULL;
    ret[0] = '\0';
    if (!at)
        return ret;
    char *w = ret;
    for (at += strlen(member); *at && *at != '"'; at++) {
        if (*at != '\\')
            *w++ = *at;
        else
            *w++ = *++at == 'r' ? '\r' : *at == 'n' ? '\n' : *at;
    }
    *w = '\0';
    return ret;
}

static inline void hall_describe(struct hall_stage *s, size_t i, const char *head,
                                 const struct end *end, const char *tail)
{
    static char message[HALL_TEXT];
    size_t n = (size_t)snprintf(message, sizeof message, "{\"type\":%s,\"sdp\":\"", head);
    for (size_t k = 0; k < end->text_n; k++) {
        char c = end->text[k];
        if (c == '\r' || c == '\n') {
            message[n++] = '\\';
            c = c == '\r' ? 'r' : 'n';
        }
        message[n++] = c;
    }
    n += (size_t)snprintf(message + n, sizeof message - n, "\"%s}", tail);
    s->of[i].said[0] = '\0';
    sl_rooms_hall_message(s->of[i].line, (struct span){(uint8_t *)message, n}, 0);
    sl_rooms_flush(s->rooms, 0);
}

static inline uint64_t hall_transport(const struct hall_stage *s, bool up)
{
    for (const struct peer *p = NULL; (p = sl_rooms_next(s->rooms, p));)
        if (p->up == up)
            return p->transport;
    return 0;
}

/* It offers what its end has, tracks as said, is answered, and connected. */
static inline void hall_send_media(struct hall_stage *s, size_t i, const char *tracks)
{
    char tail[512];
    struct end *e = &s->of[i].sends;
    (void)snprintf(tail, sizeof tail, ",\"tracks\":%s", tracks);
    for (char *c = tail; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    CHECK_INT(end_offer(e), E_OK);
    hall_describe(s, i, "\"offer\",\"id\":9", e, tail);
    CHECK_INT(end_answered(e, span_of(hall_text(s, i, "answer", "sdp"))), E_OK);
    uint64_t t = hall_transport(s, false);
    if (t != 0)
        sl_rooms_transport_up(s->rooms, t, SEC(1));
    sl_rooms_flush(s->rooms, SEC(1));
}

/* It answers the server's offer of that number, and is connected. */
static inline void hall_receive_media(struct hall_stage *s, size_t i, const char *number)
{
    char head[64];
    struct end *e = &s->of[i].receives;
    (void)snprintf(head, sizeof head, "\"answer\",\"id\":8,\"offer\":%s", number);
    CHECK_INT(end_offered(e, span_of(hall_text(s, i, "offer", "sdp"))), E_OK);
    hall_describe(s, i, head, e, "");
    uint64_t t = hall_transport(s, false);
    if (t != 0)
        sl_rooms_transport_up(s->rooms, t, SEC(1));
    sl_rooms_flush(s->rooms, SEC(1));
}
