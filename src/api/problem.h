#pragma once

/*
 * What went wrong with a request, as RFC 9457 has it. Types and codes are stable: clients may
 * act on them, and on the status; title and detail are for people, and may change. The code is
 * the end of the type, or one that says more, such as why an offer was refused.
 */

#include "base/span.h"

#define PROBLEM_TYPE_PREFIX  "urn:sluice:problem:"
#define PROBLEM_CONTENT_TYPE "application/problem+json"

#define PROBLEM_LIST(X)                                                                  \
    X(NAME, 400, "name", "That is not a valid name")                                     \
    X(SDP, 400, "sdp", "That is not SDP")                                                \
    X(REQUEST, 400, "request", "That is not a valid request")                            \
    X(TOKEN_MISSING, 401, "token-missing", "A token is needed here")                     \
    X(TOKEN_INVALID, 401, "token-invalid", "The token is not valid")                     \
    X(TOKEN_EXPIRED, 401, "token-expired", "The token has expired")                      \
    X(TOKEN_EARLY, 401, "token-early", "The token is not valid yet")                     \
    X(FORBIDDEN, 403, "forbidden", "The token does not permit this")                     \
    X(ORIGIN, 403, "origin", "Pages of this origin may not use this server")             \
    X(NOT_FOUND, 404, "not-found", "There is nothing here")                              \
    X(SESSION, 404, "session", "There is no such session, or it has ended")              \
    X(METHOD, 405, "method", "This cannot be done here")                                 \
    X(NOT_ACCEPTABLE, 406, "not-acceptable", "You accept nothing that we could send")    \
    X(NOT_LIVE, 409, "not-live", "Nobody publishes this stream now")                     \
    X(EXISTS, 409, "exists", "It is there already")                                      \
    X(STATE, 409, "state", "This cannot be done now")                                    \
    X(PRECONDITION, 412, "precondition", "The ICE session is another one by now")        \
    X(TOO_LARGE, 413, "too-large", "The body is too large")                              \
    X(MEDIA_TYPE, 415, "media-type", "The body is of a type not taken here")             \
    X(OFFER, 422, "offer", "This offer cannot be answered")                              \
    X(FRAGMENT, 422, "fragment", "This fragment does not fit the session")               \
    X(PRECONDITION_MISSING, 428, "precondition-missing", "If-Match is needed here")      \
    X(TOO_MANY, 429, "too-many", "Too many sessions asked for")                          \
    X(HEADERS, 431, "headers", "The header is too large")                                \
    X(INTERNAL, 500, "internal", "The server failed")                                    \
    X(DRAINING, 503, "draining", "The server is about to stop")                          \
    X(FULL, 503, "full", "The server is full")

#define PROBLEM_ENUM(name, status, type, title) PROBLEM_##name,
enum problem { PROBLEM_LIST(PROBLEM_ENUM) PROBLEMS };
#undef PROBLEM_ENUM

unsigned sl_problem_status(enum problem p);

/* The type behind its prefix. */
const char *sl_problem_code(enum problem p);

/* Appends the JSON object. Its member `code` is the given one, or, with NULL, the problem's;
 * detail: what of it is wrong, in UTF-8, or empty. */
void sl_problem_write(struct wr *w, enum problem p, const char *code, struct span detail);
