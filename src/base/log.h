#pragma once

/*
 * Structured logs: a fixed message and typed keys, one line each, written at once by the
 * thread that decided something.
 *
 *     LOG(log, LOG_INFO, "transport up", KV_STR("room", room), KV_PERSON_ADDR("addr", &a));
 *
 * A value can neither end a line nor hide one: what is no printable UTF-8 is escaped, in both
 * forms. A line is one write of at most LOG_LINE_MAX octets, so lines of several threads do not
 * mix. Writing never waits: when the reader of the other end is too slow, the line is dropped,
 * and the next one says how many were. Each thread has a struct log of its own. Not for the
 * path of a packet.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

enum {
    LOG_LINE_MAX = 4096, /* PIPE_BUF: the kernel writes so much in one piece */
    LOG_VALUE_MAX = 512, /* octets of a string; what is longer is cut */
};

struct log {
    int fd;
    /* Where lines go instead, each with its line feed; NULL: to fd. */
    void (*take)(void *ctx, enum log_level level, struct span line);
    void *ctx;
    enum log_level level; /* the least that is written */
    enum log_format format;
    bool blank;          /* persons are not named */
    usec (*wall)(void);  /* microseconds since 1970 */
    const char *thread;  /* its name, or NULL */
    uint32_t per_second; /* lines below LOG_WARN; 0: any number */
    uint32_t second_n;   /* of the second that began at second_at */
    usec second_at;
    uint64_t dropped; /* since the last line that was written */
};

struct log_kv {
    const char *key; /* NULL ends a list */
    enum log_type {
        LOG_T_SPAN,
        LOG_T_INT,
        LOG_T_UINT,
        LOG_T_BOOL,
        LOG_T_ID,
        LOG_T_ADDR,
    } type;
    bool person; /* could tell who somebody is */
    union {
        struct span s;
        int64_t i;
        uint64_t u;
        const struct addr *addr;
    };
};

#define KV_STR(k, v)  ((struct log_kv){.key = (k), .type = LOG_T_SPAN, .s = span_of(v)})
#define KV_SPAN(k, v) ((struct log_kv){.key = (k), .type = LOG_T_SPAN, .s = (v)})
#define KV_INT(k, v)  ((struct log_kv){.key = (k), .type = LOG_T_INT, .i = (v)})
#define KV_UINT(k, v) ((struct log_kv){.key = (k), .type = LOG_T_UINT, .u = (v)})
#define KV_BOOL(k, v) ((struct log_kv){.key = (k), .type = LOG_T_BOOL, .u = (v)})
#define KV_ERR(e)     KV_STR("err", sl_err_name(e))

/* Sixteen hexadecimal digits: a JSON number would be rounded. */
#define KV_ID(k, v) ((struct log_kv){.key = (k), .type = LOG_T_ID, .u = (v)})

/* Addresses of ours; those of a client are a person's. */
#define KV_ADDR(k, v) ((struct log_kv){.key = (k), .type = LOG_T_ADDR, .addr = (v)})
#define KV_PERSON_ADDR(k, v)                                                             \
    ((struct log_kv){.key = (k), .type = LOG_T_ADDR, .person = true, .addr = (v)})
#define KV_PERSON(k, v)                                                                  \
    ((struct log_kv){.key = (k), .type = LOG_T_SPAN, .person = true, .s = span_of(v)})

/* LOG(log, level, message, keys...): keys are evaluated only when the line is written. The
 * empty argument at the end lets the keys be none. */
#define LOG(log, lvl, ...)                                                               \
    ((lvl) < (log)->level ? (void)0                                                      \
                          : sl_log_write((log), (lvl), LOG_MESSAGE(__VA_ARGS__, ),       \
                                         LOG_KEYS(__VA_ARGS__, )))
#define LOG_MESSAGE(msg, ...) (msg)
#define LOG_KEYS(msg, ...)    ((const struct log_kv[]){__VA_ARGS__{.key = NULL}})

void sl_log_write(struct log *log, enum log_level level, const char *msg,
                  const struct log_kv *kvs);

/* The line alone, with its line feed, into w, which has LOG_LINE_MAX octets. */
void sl_log_line(struct wr *w, const struct log *log, enum log_level level, usec wall,
                 const char *msg, const struct log_kv *kvs);

/* "info" to LOG_INFO. E_ABSENT: no such level. */
MUST_USE enum err sl_log_level_of(const char *name, enum log_level *ret);
