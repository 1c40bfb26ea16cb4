#include "api/session.h"

#include <stdio.h>

#include "api/layer.h"

bool sl_session_admit(struct ask *a, enum may what, struct claims *ret)
{
    if (a->face->draining) {
        sl_ask_refuse(a, PROBLEM_DRAINING, NULL, "");
        sl_reply_retry_after(&a->reply, SESSION_RETRY);
        return false;
    }
    return sl_ask_permitted(a, what, ret) && sl_ask_sends(a, SESSION_OFFER) &&
           sl_ask_accepts(a, SESSION_OFFER) && sl_ask_within(a, a->face->conf.joins);
}

static void refuse_full(struct ask *a)
{
    bool loaded = sl_rooms_loaded(a->face->conf.rooms);
    sl_ask_refuse(a, PROBLEM_FULL, loaded ? "load" : NULL,
                  loaded ? "it is as busy as it may be" : "");
    sl_reply_retry_after(&a->reply, SESSION_RETRY);
}

static void refuse_offer(struct ask *a, enum err e, const struct refused *why)
{
    char detail[160] = "";
    if (e == E_MALFORMED) {
        if (why->at > 0)
            (void)snprintf(detail, sizeof detail, "line %zu", why->at);
        sl_ask_refuse(a, PROBLEM_SDP, NULL, detail);
    } else if (e == E_UNSUPPORTED) {
        const char *text = sl_negotiate_text(why->why);
        if (why->at > 0)
            (void)snprintf(detail, sizeof detail, "m-section %zu: %s", why->at, text);
        sl_ask_refuse(a, PROBLEM_OFFER, sl_negotiate_code(why->why),
                      why->at > 0 ? detail : text);
    } else if (e == E_DENIED) {
        sl_ask_refuse(a, PROBLEM_FORBIDDEN, NULL,
                      "the token's tenant, or its sub, is not a name");
    } else if (e == E_STATE) {
        sl_ask_refuse(a, PROBLEM_FORBIDDEN, "locked", "the room is locked");
    } else if (e == E_AUTH) {
        sl_ask_refuse(a, PROBLEM_FORBIDDEN, "not-yours",
                      "the token's role, sources or sub do not permit to publish this");
    } else if (e == E_EXISTS) {
        sl_ask_refuse(a, PROBLEM_EXISTS, "taken", "somebody in the room has that name");
    } else if (e == E_ABSENT) {
        sl_ask_refuse(a, PROBLEM_FORBIDDEN, "no-room", "only hosts make rooms");
    } else {
        refuse_full(a);
    }
}

static void tag(struct ask *a, const struct peer *p)
{
    sl_reply_field(&a->reply, "ETag", "\"%s\"", p->ufrag);
}

void sl_session_create(struct ask *a, enum negotiate_job job, const struct claims *claims)
{
    struct reply *r = &a->reply;
    struct join join = {
        .job = job,
        .tenant = span_of(claims->tenant),
        .room = a->room,
        .stream = a->stream,
        .offer = a->req->body,
        .by = claims,
    };
    struct refused why;
    struct peer *p;
    enum err e = sl_rooms_join(a->face->conf.rooms, &join, a->now, &r->body, &why, &p);
    if (e) {
        refuse_offer(a, e, &why);
        return;
    }
    r->status = 201;
    sl_reply_field(r, "Content-Type", SESSION_OFFER);
    sl_reply_field(r, "Location", "/session/%s", p->key);
    sl_reply_field(r, "Accept-Patch", SESSION_FRAGMENT);
    tag(a, p);
    const char *link = sl_face_link(a->face, p->transport);
    if (link)
        sl_reply_field(r, "Link", "%s", link);
    if (job == NEGOTIATE_WATCH)
        sl_layer_link(r, p);
}

/* ---- /session/KEY ---- */

/* If-Match (RFC 9110 §13.1.1): "*", or a list in which a weak tag matches nothing. */
static bool matches(struct span list, const char *etag)
{
    if (span_is(list, "*"))
        return true;
    bool weak = false;
    for (size_t i = 0; i < list.n; i++) {
        if (list.p[i] != '"') {
            weak = list.p[i] == '/';
            continue;
        }
        size_t from = ++i;
        while (i < list.n && list.p[i] != '"')
            i++;
        if (!weak && i < list.n && span_is((struct span){list.p + from, i - from}, etag))
            return true;
        weak = false;
    }
    return false;
}

static void patch(struct ask *a, struct peer *p)
{
    struct span condition = sl_http_header(a->req, "If-Match");
    bool restarted;
    if (!sl_ask_sends(a, SESSION_FRAGMENT))
        return;
    if (condition.n == 0) {
        sl_ask_refuse(a, PROBLEM_PRECONDITION_MISSING, NULL, "");
        return;
    }
    if (!matches(condition, p->ufrag)) {
        sl_ask_refuse(a, PROBLEM_PRECONDITION, NULL, "");
        return;
    }
    if (!sl_ask_within(a, a->face->conf.changes))
        return;

    enum err e =
        sl_rooms_ice(a->face->conf.rooms, p, a->req->body, &a->reply.body, &restarted);
    if (e == E_MALFORMED) {
        sl_ask_refuse(a, PROBLEM_SDP, NULL, "");
    } else if (e == E_UNSUPPORTED) {
        sl_ask_refuse(a, PROBLEM_FRAGMENT, NULL, "");
    } else if (e) {
        refuse_full(a);
    } else if (restarted) {
        a->reply.status = 200;
        sl_reply_field(&a->reply, "Content-Type", SESSION_FRAGMENT);
        tag(a, p);
    } else {
        a->reply.status = 204; /* and no ETag: RFC 9725 §4.3.2 */
    }
}

void sl_session_answer(struct ask *a)
{
    struct peer *p = sl_rooms_peer(a->face->conf.rooms, a->key);
    if (!p) {
        sl_ask_refuse(a, PROBLEM_SESSION, NULL, "");
    } else if (a->req->method == HTTP_PATCH) {
        patch(a, p);
    } else if (a->req->method == HTTP_DELETE) {
        /* Entity-tags mean nothing here (RFC 9725 §4.3.1). */
        sl_rooms_leave(a->face->conf.rooms, p, MEDIA_GONE_LEFT);
        a->reply.status = 200;
    } else {
        a->reply.status = 204;
    }
}
