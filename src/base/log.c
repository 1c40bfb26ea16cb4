#include "base/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

enum { TAIL = 32 /* octets kept free for what ends a line */ };

static const char *const names[] = {"debug", "info", "warn", "error"};

/* Would move the cursor, reorder what is read, or end a line for some reader. */
static bool is_hidden(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200b && cp <= 0x200f) ||
           (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
           cp == 0xfeff;
}

/* The inside of a JSON string (RFC 8259 §7). Octets that are no UTF-8 become U+FFFD. */
static void write_escaped(struct wr *w, struct span s)
{
    bool cut = s.n > LOG_VALUE_MAX;
    if (cut)
        s.n = LOG_VALUE_MAX;
    while (s.n > 0) {
        char hex[8];
        uint32_t cp;
        size_t n = sl_utf8_next(s, &cp);
        if (n == 1 && (cp == '"' || cp == '\\')) {
            wr_u8(w, '\\');
            wr_u8(w, cp);
        } else if (n > 0 && !is_hidden(cp)) {
            wr_span(w, (struct span){s.p, n});
        } else if (n > 0 || !cut || s.n > 3) {
            (void)snprintf(hex, sizeof hex, "\\u%04x", n > 0 ? (unsigned)cp : 0xfffdU);
            wr_str(w, hex);
        }
        n = n > 0 ? n : 1;
        s = (struct span){s.p + n, s.n - n};
    }
    if (cut)
        wr_str(w, "...");
}

static bool is_plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\' ||
            s.p[i] == '=')
            return false;
    return s.n > 0 && s.n <= LOG_VALUE_MAX;
}

static void write_string(struct wr *w, enum log_format format, struct span s)
{
    if (format == LOG_TEXT && is_plain(s)) {
        wr_span(w, s);
        return;
    }
    wr_u8(w, '"');
    write_escaped(w, s);
    wr_u8(w, '"');
}

static void write_value(struct wr *w, const struct log *log, const struct log_kv *kv)
{
    char text[ADDR_TEXT_MAX];
    if (kv->person && log->blank) {
        write_string(w, log->format, span_of("*"));
        return;
    }
    switch (kv->type) {
    case LOG_T_SPAN: write_string(w, log->format, kv->s); return;
    case LOG_T_ADDR:
        write_string(w, log->format, span_of(sl_addr_text(kv->addr, text)));
        return;
    case LOG_T_ID:
        (void)snprintf(text, sizeof text, "%016" PRIx64, kv->u);
        write_string(w, log->format, span_of(text));
        return;
    case LOG_T_INT: (void)snprintf(text, sizeof text, "%" PRId64, kv->i); break;
    case LOG_T_UINT: (void)snprintf(text, sizeof text, "%" PRIu64, kv->u); break;
    case LOG_T_BOOL: (void)snprintf(text, sizeof text, "%s", kv->u ? "true" : "false");
    }
    wr_str(w, text);
}

static void write_key(struct wr *w, const struct log *log, const struct log_kv *kv)
{
    if (log->format == LOG_TEXT) {
        wr_u8(w, ' ');
        wr_str(w, kv->key);
        wr_u8(w, '=');
    } else {
        wr_str(w, ",\"");
        wr_str(w, kv->key);
        wr_str(w, "\":");
    }
    write_value(w, log, kv);
}

static void write_start(struct wr *w, const struct log *log, enum log_level level,
                        usec wall, const char *msg)
{
    char text[64] = "";
    struct tm tm;
    time_t s = (time_t)(wall / SEC(1));
    int us = (int)(wall % SEC(1));
    if (log->format == LOG_TEXT) {
        if (localtime_r(&s, &tm))
            (void)snprintf(text, sizeof text, "%02d:%02d:%02d.%03d %-5s ", tm.tm_hour,
                           tm.tm_min, tm.tm_sec, us / 1000, names[level]);
        wr_str(w, text);
        wr_str(w, msg);
        return;
    }
    if (gmtime_r(&s, &tm))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    wr_str(w, "{\"time\":\"");
    wr_str(w, text);
    (void)snprintf(text, sizeof text, ".%06dZ\",\"level\":\"%s\",\"msg\":", us,
                   names[level]);
    wr_str(w, text);
    write_string(w, LOG_JSON, span_of(msg));
}

void sl_log_line(struct wr *w, const struct log *log, enum log_level level, usec wall,
                 const char *msg, const struct log_kv *kvs)
{
    static const struct log_kv cut = {.key = "cut", .type = LOG_T_BOOL, .u = true};
    size_t cap = w->cap;
    write_start(w, log, level, wall, msg);
    if (log->thread)
        write_key(w, log, &KV_STR("thread", log->thread));
    if (log->dropped > 0)
        write_key(w, log, &KV_UINT("dropped", log->dropped));
    w->cap = cap - TAIL;
    for (; kvs->key; kvs++) {
        size_t n = w->n;
        write_key(w, log, kvs);
        if (!w->bad)
            continue;
        /* A line that is too long loses keys, never its form. */
        w->n = n;
        w->bad = false;
        w->cap = cap;
        write_key(w, log, &cut);
        break;
    }
    w->cap = cap;
    wr_str(w, log->format == LOG_JSON ? "}\n" : "\n");
}

static bool too_many(struct log *log, enum log_level level, usec wall)
{
    if (log->per_second == 0 || level >= LOG_WARN)
        return false;
    if (wall - log->second_at >= SEC(1) || wall < log->second_at) {
        log->second_at = wall;
        log->second_n = 0;
    }
    return ++log->second_n > log->per_second;
}

void sl_log_write(struct log *log, enum log_level level, const char *msg,
                  const struct log_kv *kvs)
{
    uint8_t buf[LOG_LINE_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    struct pollfd room = {.fd = log->fd, .events = POLLOUT};
    usec wall = log->wall();
    if (too_many(log, level, wall)) {
        log->dropped++;
        return;
    }
    sl_log_line(&w, log, level, wall, msg, kvs);
    if (log->take) {
        log->take(log->ctx, level, wr_done(&w));
        log->dropped = 0;
        return;
    }
    /* A pipe is ready when it has room for a line, so that this write does not wait. */
    if (poll(&room, 1, 0) == 1 && write(log->fd, buf, w.n) == (ssize_t)w.n)
        log->dropped = 0;
    else
        log->dropped++;
}

enum err sl_log_level_of(const char *name, enum log_level *ret)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum log_level)i;
            return E_OK;
        }
    return E_ABSENT;
}
