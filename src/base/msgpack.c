#include "base/msgpack.h"

/* First octets, of https://github.com/msgpack/msgpack/blob/master/spec.md */
enum {
    FIXMAP = 0x80,
    FIXARRAY = 0x90,
    FIXSTR = 0xa0,
    NIL = 0xc0,
    NEVER = 0xc1,
    FALSE_ = 0xc2,
    TRUE_ = 0xc3,
    BIN8 = 0xc4,
    BIN16 = 0xc5,
    BIN32 = 0xc6,
    EXT8 = 0xc7,
    EXT16 = 0xc8,
    EXT32 = 0xc9,
    FLOAT32 = 0xca,
    FLOAT64 = 0xcb,
    UINT8 = 0xcc,
    UINT16 = 0xcd,
    UINT32 = 0xce,
    UINT64 = 0xcf,
    INT8 = 0xd0,
    INT16 = 0xd1,
    INT32 = 0xd2,
    INT64 = 0xd3,
    FIXEXT1 = 0xd4,
    FIXEXT16 = 0xd8,
    STR8 = 0xd9,
    STR16 = 0xda,
    STR32 = 0xdb,
    ARRAY16 = 0xdc,
    ARRAY32 = 0xdd,
    MAP16 = 0xde,
    MAP32 = 0xdf,
    NEGATIVE = 0xe0,
};

/* A big-endian number of 1, 2, 4 or 8 octets: 1 << log. */
static uint64_t number(struct rd *r, unsigned log)
{
    switch (log) {
    case 0: return rd_u8(r);
    case 1: return rd_u16(r);
    case 2: return rd_u32(r);
    default: return rd_u64(r);
    }
}

static struct msgpack octets(struct rd *r, enum msgpack_type type, uint64_t n)
{
    return (struct msgpack){.type = type, .s = rd_span(r, n)};
}

static struct msgpack container(enum msgpack_type type, uint64_t n)
{
    return (struct msgpack){.type = type, .n = (uint32_t)n};
}

/* One octet says what kind of extension it is; nobody here asks. */
static struct msgpack extension(struct rd *r, uint64_t n)
{
    (void)rd_u8(r);
    return octets(r, MSGPACK_EXT, n);
}

static struct msgpack signed_number(struct rd *r, unsigned log)
{
    unsigned bits = 8U << log;
    uint64_t v = number(r, log);
    if (!(v >> (bits - 1)))
        return (struct msgpack){.type = MSGPACK_UINT, .u = v};
    int64_t below = (int64_t)(bits == 64 ? v : v | ~(uint64_t)0 << bits);
    return (struct msgpack){.type = MSGPACK_INT, .i = below};
}

static struct msgpack floating(struct rd *r, bool wide)
{
    struct msgpack m = {.type = MSGPACK_FLOAT};
    if (wide) {
        uint64_t bits = rd_u64(r);
        memcpy(&m.f, &bits, sizeof m.f);
    } else {
        uint32_t bits = rd_u32(r);
        float f;
        memcpy(&f, &bits, sizeof f);
        m.f = (double)f;
    }
    return m;
}

/* What begins with 0xc0..0xdf. */
static struct msgpack read_tagged(struct rd *r, uint8_t tag)
{
    if (tag >= FIXEXT1 && tag <= FIXEXT16)
        return extension(r, 1U << (tag - FIXEXT1));
    if (tag >= MAP16)
        return container(MSGPACK_MAP, number(r, tag - MAP16 + 1U));
    if (tag >= ARRAY16)
        return container(MSGPACK_ARRAY, number(r, tag - ARRAY16 + 1U));
    if (tag >= STR8)
        return octets(r, MSGPACK_STR, number(r, tag - STR8));
    if (tag >= INT8)
        return signed_number(r, tag - INT8);
    if (tag >= UINT8)
        return (struct msgpack){.type = MSGPACK_UINT, .u = number(r, tag - UINT8)};
    if (tag >= FLOAT32)
        return floating(r, tag == FLOAT64);
    if (tag >= EXT8)
        return extension(r, number(r, tag - EXT8));
    if (tag >= BIN8)
        return octets(r, MSGPACK_BIN, number(r, tag - BIN8));
    if (tag >= FALSE_)
        return (struct msgpack){.type = MSGPACK_BOOL, .b = tag == TRUE_};
    return (struct msgpack){.type = MSGPACK_NIL};
}

enum err sl_msgpack_next(struct rd *r, struct msgpack *ret)
{
    struct msgpack m;
    uint8_t tag = rd_u8(r);
    if (tag == NEVER)
        return E_MALFORMED;
    if (tag < FIXMAP)
        m = (struct msgpack){.type = MSGPACK_UINT, .u = tag};
    else if (tag < FIXARRAY)
        m = container(MSGPACK_MAP, tag - FIXMAP);
    else if (tag < FIXSTR)
        m = container(MSGPACK_ARRAY, tag - FIXARRAY);
    else if (tag < NIL)
        m = octets(r, MSGPACK_STR, tag - FIXSTR);
    else if (tag < NEGATIVE)
        m = read_tagged(r, tag);
    else
        m = (struct msgpack){.type = MSGPACK_INT, .i = (int8_t)tag};
    if (r->bad)
        return E_SHORT;
    *ret = m;
    return E_OK;
}

static uint64_t members(const struct msgpack *of)
{
    return of->type == MSGPACK_MAP     ? (uint64_t)of->n * 2
           : of->type == MSGPACK_ARRAY ? of->n
                                       : 0;
}

enum err sl_msgpack_skip_rest(struct rd *r, const struct msgpack *of)
{
    /* How many values are still to come, in all containers that are open together. Each takes
     * an octet of the input at least, and each adds at most 2^33: it cannot wrap. */
    for (uint64_t left = members(of); left > 0; left--) {
        struct msgpack m;
        enum err e = sl_msgpack_next(r, &m);
        if (e)
            return e;
        left += members(&m);
    }
    return E_OK;
}

enum err sl_msgpack_skip(struct rd *r)
{
    struct msgpack m;
    enum err e = sl_msgpack_next(r, &m);
    return e ? e : sl_msgpack_skip_rest(r, &m);
}

/* Reads a token, of which ok says whether it will do; over anything else. */
static enum err wanted(struct rd *r, struct msgpack *ret,
                       bool (*ok)(const struct msgpack *))
{
    enum err e = sl_msgpack_next(r, ret);
    if (e || ok(ret))
        return e;
    e = sl_msgpack_skip_rest(r, ret);
    return e ? e : E_UNSUPPORTED;
}

static bool is_text(const struct msgpack *m)
{
    return m->type == MSGPACK_STR || m->type == MSGPACK_BIN;
}

static bool is_uint(const struct msgpack *m)
{
    return m->type == MSGPACK_UINT;
}

static bool is_number(const struct msgpack *m)
{
    return m->type == MSGPACK_UINT || m->type == MSGPACK_INT || m->type == MSGPACK_FLOAT;
}

enum err sl_msgpack_text(struct rd *r, struct span *ret)
{
    struct msgpack m;
    enum err e = wanted(r, &m, is_text);
    if (!e)
        *ret = m.s;
    return e;
}

enum err sl_msgpack_uint(struct rd *r, uint64_t *ret)
{
    struct msgpack m;
    enum err e = wanted(r, &m, is_uint);
    if (!e)
        *ret = m.u;
    return e;
}

enum err sl_msgpack_float(struct rd *r, double *ret)
{
    struct msgpack m;
    enum err e = wanted(r, &m, is_number);
    if (!e)
        *ret = m.type == MSGPACK_FLOAT  ? m.f
               : m.type == MSGPACK_UINT ? (double)m.u
                                        : (double)m.i;
    return e;
}

/* ---- writing ---- */

void sl_msgpack_put_nil(struct wr *w)
{
    wr_u8(w, NIL);
}

void sl_msgpack_put_bool(struct wr *w, bool b)
{
    wr_u8(w, b ? TRUE_ : FALSE_);
}

/* The shortest of the forms behind tag, which has those of 1, 2, 4 and 8 octets from
 * `shortest` on: 1 << shortest. */
static void put_number(struct wr *w, unsigned tag, unsigned shortest, uint64_t v)
{
    unsigned log = v > UINT32_MAX ? 3 : v > UINT16_MAX ? 2 : v > UINT8_MAX ? 1 : 0;
    if (log < shortest)
        log = shortest;
    wr_u8(w, tag + log - shortest);
    for (unsigned i = 1U << log; i-- > 0;)
        wr_u8(w, (unsigned)(v >> (8 * i) & 0xff));
}

void sl_msgpack_put_uint(struct wr *w, uint64_t u)
{
    if (u < FIXMAP)
        wr_u8(w, (unsigned)u);
    else
        put_number(w, UINT8, 0, u);
}

void sl_msgpack_put_float(struct wr *w, double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    wr_u8(w, FLOAT64);
    wr_u64(w, bits);
}

static void put_octets(struct wr *w, unsigned tag, struct span s)
{
    if (s.n > UINT32_MAX) {
        w->bad = true;
        return;
    }
    put_number(w, tag, 0, s.n);
    wr_span(w, s);
}

void sl_msgpack_put_str(struct wr *w, struct span s)
{
    if (s.n >= NIL - FIXSTR) {
        put_octets(w, STR8, s);
        return;
    }
    wr_u8(w, FIXSTR + (unsigned)s.n);
    wr_span(w, s);
}

void sl_msgpack_put_bin(struct wr *w, struct span s)
{
    put_octets(w, BIN8, s);
}

void sl_msgpack_put_array(struct wr *w, uint32_t n)
{
    if (n < FIXSTR - FIXARRAY)
        wr_u8(w, FIXARRAY + n);
    else
        put_number(w, ARRAY16, 1, n);
}

void sl_msgpack_put_map(struct wr *w, uint32_t n)
{
    if (n < FIXARRAY - FIXMAP)
        wr_u8(w, FIXMAP + n);
    else
        put_number(w, MAP16, 1, n);
}
