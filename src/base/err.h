#pragma once

/*
 * One error type for the whole program.
 *
 * The values are dense, so that one of them is at once a return code, a word in a log
 * line and the index of a drop counter. An errno is translated where it arises.
 */

#define E_LIST(X)                                                                        \
    X(OK, "ok")                                                                          \
    X(SHORT, "input ends inside a field")                                                \
    X(MALFORMED, "field holds a value its RFC forbids")                                  \
    X(REPLAY, "packet index seen before or too old")                                     \
    X(AUTH, "authentication failed")                                                     \
    X(ABSENT, "no such thing")                                                           \
    X(EARLY, "asked again too soon")                                                     \
    X(STATE, "event has no meaning in this state")                                       \
    X(FULL, "a fixed capacity is used up")                                               \
    X(MEMORY, "no memory")                                                               \
    X(DENIED, "not permitted")                                                           \
    X(EXISTS, "already there")                                                           \
    X(UNSUPPORTED, "well formed, and not what this program does")                        \
    X(CRYPTO, "the crypto library refused")                                              \
    X(SYS, "a system call failed")                                                       \
    X(LATE, "its time is over")                                                          \
    X(BUSY, "in use by another")

#define E_ENUM(name, text) E_##name,
enum err { E_LIST(E_ENUM) E_COUNT };
#undef E_ENUM

#define MUST_USE __attribute__((warn_unused_result))

/* The name as it appears in logs: "SHORT", "MALFORMED". Never NULL. */
const char *sl_err_name(enum err e);
const char *sl_err_text(enum err e);
