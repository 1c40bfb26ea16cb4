#pragma once

/*
 * Views of bytes, and the reader and writer that walk them.
 *
 * A span owns nothing: it is valid as long as what it points into. A reader that is
 * asked for more than is left returns zeros, becomes empty and stays bad; a parser reads
 * all its fields, then asks r.bad once. Loops over r.n end by themselves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p;
    size_t n;
};

struct rd {
    const uint8_t *p;
    size_t n;
    bool bad;
};

struct wr {
    uint8_t *p;
    size_t n;   /* octets written */
    size_t cap; /* octets there are */
    bool bad;
};

static inline struct span span_of(const char *s)
{
    return (struct span){(const uint8_t *)s, strlen(s)};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *s)
{
    return span_eq(a, span_of(s));
}

static inline bool span_among(struct span a, const struct span *others, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(a, others[i]))
            return true;
    return false;
}

static inline struct rd rd_of(struct span s)
{
    return (struct rd){.p = s.p, .n = s.n};
}

static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
    if (n > r->n) {
        r->n = 0;
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    if (n > 0) {
        r->p += n;
        r->n -= n;
    }
    return p;
}

static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_take(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *p = rd_take(r, 2);
    unsigned v = p ? (unsigned)p[0] << 8 | p[1] : 0;
    return (uint16_t)v;
}

static inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *p = rd_take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
             : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
    struct rd w = rd_of((struct span){rd_take(r, 8), 8});
    if (!w.p)
        return 0;
    uint64_t hi = rd_u32(&w);
    return hi << 32 | rd_u32(&w);
}

static inline struct span rd_span(struct rd *r, size_t n)
{
    const uint8_t *p = rd_take(r, n);
    return (struct span){p, p ? n : 0};
}

static inline struct span rd_rest(struct rd *r)
{
    return rd_span(r, r->n);
}

static inline struct wr wr_of(uint8_t *p, size_t cap)
{
    return (struct wr){.p = p, .cap = cap};
}

static inline uint8_t *wr_take(struct wr *w, size_t n)
{
    if (w->bad || n > w->cap - w->n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->n + n > 0 ? w->p + w->n : w->p; /* which may be NULL where cap is 0 */
    w->n += n;
    return p;
}

static inline void wr_u8(struct wr *w, unsigned v)
{
    uint8_t *p = wr_take(w, 1);
    if (p)
        p[0] = (uint8_t)v;
}

static inline void wr_u16(struct wr *w, unsigned v)
{
    wr_u8(w, v >> 8);
    wr_u8(w, v);
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
    wr_u16(w, v >> 16);
    wr_u16(w, v);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
    wr_u32(w, (uint32_t)(v >> 32));
    wr_u32(w, (uint32_t)v);
}

static inline void wr_span(struct wr *w, struct span s)
{
    uint8_t *p = wr_take(w, s.n);
    if (p && s.n > 0)
        memcpy(p, s.p, s.n);
}

static inline void wr_str(struct wr *w, const char *s)
{
    wr_span(w, (struct span){(const uint8_t *)s, strlen(s)});
}

static inline struct span wr_done(const struct wr *w)
{
    return (struct span){w->p, w->n};
}
