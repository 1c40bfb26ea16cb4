#include "proto/stun.h"

#define COOKIE          0x2112a442U
#define FINGERPRINT_XOR 0x5354554eU

enum {
    MAPPED = 0x0001,
    USERNAME = 0x0006,
    INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    UNKNOWN = 0x000a,
    INTEGRITY_SHA256 = 0x001c,
    XOR_MAPPED = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    NOMINATION_DRAFT = 0x0030, /* as some libraries send it */
    OPTIONAL = 0x8000,         /* from here on, what is not understood is ignored */
    FINGERPRINT = 0x8028,
    CONTROLLED = 0x8029,
    CONTROLLING = 0x802a,
    NOMINATION = 0xc001, /* as Chromium sends it */
};

enum { FAMILY_V4 = 1, FAMILY_V6 = 2 };
enum { ATTR = 4, FINGERPRINT_LEN = 4 }; /* octets of an attribute's head */

/* The class is two bits amid the method's twelve: RFC 8489 §5. */
static unsigned type_of(const struct stun *m)
{
    unsigned method = m->method, class = m->class;
    return (method & 0xf80) << 2 | (method & 0x70) << 1 | (method & 0xf) |
           (class & 2) << 7 | (class & 1) << 4;
}

static void split_type(unsigned type, struct stun *ret)
{
    ret->method = (uint16_t)((type & 0x3e00) >> 2 | (type & 0xe0) >> 1 | (type & 0xf));
    ret->class = (enum stun_class)((type & 0x100) >> 7 | (type & 0x10) >> 4);
}

/* ---- reading ---- */

static bool read_mapped(struct rd v, struct stun *m)
{
    uint8_t mask[20] = {COOKIE >> 24, COOKIE >> 16 & 0xff, COOKIE >> 8 & 0xff,
                        COOKIE & 0xff};
    memcpy(mask + 4, m->id, STUN_ID);
    (void)rd_u8(&v);
    uint8_t family = rd_u8(&v);
    uint16_t port = rd_u16(&v) ^ (COOKIE >> 16);
    struct addr a = addr_v4(0, 0, 0, 0, port);
    struct span ip = rd_rest(&v);
    uint8_t plain[16];
    for (size_t i = 0; i < ip.n && i < sizeof plain; i++)
        plain[i] = ip.p[i] ^ mask[i];
    if (family == FAMILY_V4 && ip.n == 4)
        memcpy(a.ip + 12, plain, 4);
    else if (family == FAMILY_V6 && ip.n == sizeof a.ip)
        memcpy(a.ip, plain, sizeof a.ip);
    else
        return false;
    m->mapped = a;
    m->has_mapped = true;
    return true;
}

static bool read_error(struct rd v, struct stun *m)
{
    uint32_t code = rd_u32(&v);
    unsigned hundreds = code >> 8 & 7, rest = code & 0xff;
    if (v.bad || hundreds < 3 || hundreds > 6 || rest > 99)
        return false;
    m->error = (uint16_t)(hundreds * 100 + rest);
    return true;
}

static bool read_role(struct rd v, enum stun_role role, struct stun *m)
{
    if (v.n != 8)
        return false;
    if (m->role == STUN_NO_ROLE) {
        m->role = role;
        m->tie_breaker = rd_u64(&v);
    }
    return true;
}

static bool read_u32(struct rd v, bool *has, uint32_t *ret)
{
    if (v.n != 4)
        return false;
    if (!*has)
        *ret = rd_u32(&v);
    *has = true;
    return true;
}

static void add_unknown(struct stun *m, unsigned type)
{
    if (m->unknown_n < STUN_UNKNOWN_MAX)
        m->unknown[m->unknown_n++] = (uint16_t)type;
}

/* False: the value is malformed. */
static bool read_attr(unsigned type, struct span value, struct stun *m)
{
    struct rd v = rd_of(value);
    switch (type) {
    case USERNAME:
        if (m->username.n == 0)
            m->username = value;
        return value.n > 0 && value.n <= STUN_USERNAME_MAX;
    case XOR_MAPPED: return m->has_mapped || read_mapped(v, m);
    case ERROR_CODE: return m->class != STUN_ERROR || m->error || read_error(v, m);
    case UNKNOWN:
        while (m->class == STUN_ERROR && v.n >= 2)
            add_unknown(m, rd_u16(&v));
        return true;
    case PRIORITY: return read_u32(v, &m->has_priority, &m->priority);
    case USE_CANDIDATE: m->use_candidate = true; return value.n == 0;
    case NOMINATION_DRAFT:
    case NOMINATION: return read_u32(v, &m->has_nomination, &m->nomination);
    case CONTROLLED: return read_role(v, STUN_CONTROLLED, m);
    case CONTROLLING: return read_role(v, STUN_CONTROLLING, m);
    case MAPPED: /* known, and of no use beside XOR-MAPPED-ADDRESS */
    case INTEGRITY_SHA256: return true; /* and beside the SHA-1 that ICE asks for */
    default:
        if (type < OPTIONAL && m->class != STUN_ERROR)
            add_unknown(m, type);
        return true;
    }
}

static uint32_t fingerprint_of(struct span before)
{
    return sl_crc32(before) ^ FINGERPRINT_XOR;
}

enum err sl_stun_parse(struct span in, struct stun *ret)
{
    struct rd r = rd_of(in);
    struct stun m = {.raw = in};
    unsigned type = rd_u16(&r);
    size_t len = rd_u16(&r);
    uint32_t cookie = rd_u32(&r);
    struct span id = rd_span(&r, STUN_ID);
    if (r.bad || len > r.n)
        return E_SHORT;
    if (cookie != COOKIE)
        return E_UNSUPPORTED;
    if (type >> 14 != 0 || len % 4 != 0 || len != r.n)
        return E_MALFORMED;
    split_type(type, &m);
    memcpy(m.id, id.p, STUN_ID);

    while (r.n > 0) {
        size_t at = in.n - r.n;
        type = rd_u16(&r);
        len = rd_u16(&r);
        struct span value = rd_span(&r, len);
        (void)rd_take(&r, (4 - len % 4) % 4);
        if (r.bad)
            return E_SHORT;
        if (type == FINGERPRINT) {
            /* Last of all, so that the length in the header is the one it covers (§14.7). */
            struct rd v = rd_of(value);
            uint32_t want = fingerprint_of((struct span){in.p, at});
            if (len != FINGERPRINT_LEN || r.n > 0 || rd_u32(&v) != want)
                return E_MALFORMED;
            m.fingerprint = true;
        } else if (m.integrity.n > 0) {
            continue;
        } else if (type == INTEGRITY) {
            if (len != SHA1_LEN)
                return E_MALFORMED;
            m.integrity = value;
        } else if (!read_attr(type, value, &m)) {
            return E_MALFORMED;
        }
    }
    *ret = m;
    return E_OK;
}

/* The header's length counts up to the end of MESSAGE-INTEGRITY, whatever follows (§14.5).
 * upto: the octets before that attribute. */
static void integrity_of(const uint8_t *msg, size_t upto, const struct hmac_sha1 *key,
                         uint8_t ret[SHA1_LEN])
{
    size_t len = upto + ATTR + SHA1_LEN - STUN_HEADER;
    const uint8_t head[4] = {msg[0], msg[1], (uint8_t)(len >> 8), (uint8_t)len};
    const struct span parts[] = {{head, sizeof head}, {msg + 4, upto - 4}};
    sl_hmac_sha1(key, parts, 2, ret);
}

bool sl_stun_verify(const struct stun *msg, const struct hmac_sha1 *key)
{
    uint8_t want[SHA1_LEN];
    if (msg->integrity.n != SHA1_LEN)
        return false;
    size_t upto = (size_t)(msg->integrity.p - msg->raw.p) - ATTR;
    integrity_of(msg->raw.p, upto, key, want);
    return sl_secret_eq(msg->integrity, (struct span){want, sizeof want});
}

/* ---- writing ---- */

static void attr(struct wr *w, unsigned type, struct span value)
{
    wr_u16(w, type);
    wr_u16(w, (unsigned)value.n);
    wr_span(w, value);
    for (size_t i = value.n; i % 4 != 0; i++)
        wr_u8(w, 0);
}

static void attr_u32(struct wr *w, unsigned type, uint32_t v)
{
    wr_u16(w, type);
    wr_u16(w, 4);
    wr_u32(w, v);
}

static void write_mapped(struct wr *w, const struct stun *m)
{
    bool v4 = sl_addr_is_v4(&m->mapped);
    size_t n = v4 ? 4 : 16;
    wr_u16(w, XOR_MAPPED);
    wr_u16(w, (unsigned)(4 + n));
    wr_u16(w, v4 ? FAMILY_V4 : FAMILY_V6);
    wr_u16(w, m->mapped.port ^ (COOKIE >> 16));
    for (size_t i = 0; i < n; i++) {
        uint8_t mask = (uint8_t)(i < 4 ? COOKIE >> (24 - 8 * i) : m->id[i - 4]);
        wr_u8(w, m->mapped.ip[16 - n + i] ^ mask);
    }
}

/* The reason phrase is for people, who do not read this: empty. */
static void write_error(struct wr *w, const struct stun *m)
{
    attr_u32(w, ERROR_CODE, (uint32_t)(m->error / 100) << 8 | m->error % 100);
    if (m->unknown_n == 0)
        return;
    wr_u16(w, UNKNOWN);
    wr_u16(w, 2U * m->unknown_n);
    for (size_t i = 0; i < m->unknown_n; i++)
        wr_u16(w, m->unknown[i]);
    if (m->unknown_n % 2)
        wr_u16(w, 0);
}

static void set_length(struct wr *w, uint8_t *msg, size_t len)
{
    if (!w->bad) {
        msg[2] = (uint8_t)(len >> 8);
        msg[3] = (uint8_t)len;
    }
}

void sl_stun_build(struct wr *w, const struct stun *m, const struct hmac_sha1 *key)
{
    uint8_t *msg = w->p + w->n;
    size_t start = w->n;
    w->bad |= m->username.n > STUN_USERNAME_MAX;
    wr_u16(w, type_of(m));
    wr_u16(w, 0);
    wr_u32(w, COOKIE);
    wr_span(w, (struct span){m->id, STUN_ID});
    if (m->error)
        write_error(w, m);
    if (m->has_mapped)
        write_mapped(w, m);
    if (m->username.n > 0)
        attr(w, USERNAME, m->username);
    if (m->has_priority)
        attr_u32(w, PRIORITY, m->priority);
    if (m->role != STUN_NO_ROLE) {
        wr_u16(w, m->role == STUN_CONTROLLING ? CONTROLLING : CONTROLLED);
        wr_u16(w, 8);
        wr_u64(w, m->tie_breaker);
    }
    if (m->has_nomination)
        attr_u32(w, NOMINATION, m->nomination);
    if (m->use_candidate)
        attr(w, USE_CANDIDATE, (struct span){0});
    if (key) {
        uint8_t mac[SHA1_LEN] = {0};
        if (!w->bad)
            integrity_of(msg, w->n - start, key, mac);
        attr(w, INTEGRITY, (struct span){mac, sizeof mac});
    }
    size_t upto = w->n - start;
    set_length(w, msg, upto + ATTR + FINGERPRINT_LEN - STUN_HEADER);
    attr_u32(w, FINGERPRINT, w->bad ? 0 : fingerprint_of((struct span){msg, upto}));
}
