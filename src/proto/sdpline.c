#include "proto/sdpline.h"

#include "base/word.h"

/* ---- the grammar's classes of characters ---- */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 8866 §9: token-char. */
static bool is_token(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]", c);
}

/* RFC 8839 §5.1: ice-char. */
static bool is_ice(uint8_t c)
{
    return is_alnum(c) || c == '+' || c == '/';
}

/* RFC 8851 §10: rid-id. */
static bool is_rid(uint8_t c)
{
    return is_alnum(c) || c == '-' || c == '_';
}

/* Anything that ends no word. Where clients take liberties with tokens ("user@host"). */
static bool is_visible(uint8_t c)
{
    return c > ' ' && c != 0x7f;
}

static bool all(struct span s, bool (*is)(uint8_t), size_t min, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.p[i]))
            return false;
    return s.n >= min && s.n <= max;
}

/* ---- numbers ---- */

static bool u8(struct span s, uint64_t max, uint8_t *ret)
{
    uint64_t v;
    if (!word_number(s, max, &v))
        return false;
    *ret = (uint8_t)v;
    return true;
}

static bool u16(struct span s, uint64_t max, uint16_t *ret)
{
    uint64_t v;
    if (!word_number(s, max, &v))
        return false;
    *ret = (uint16_t)v;
    return true;
}

static bool u32(struct span s, uint32_t *ret)
{
    uint64_t v;
    if (!word_number(s, UINT32_MAX, &v))
        return false;
    *ret = (uint32_t)v;
    return true;
}

/* ---- attributes: each is read from v, what stands behind the colon ---- */

static bool mid_read(struct span v, struct sdp_line *l)
{
    l->text = v;
    return all(v, is_token, 1, SIZE_MAX);
}

static bool ufrag_read(struct span v, struct sdp_line *l)
{
    l->text = v;
    return all(v, is_ice, 4, 256); /* RFC 8839 §5.4, as is the next */
}

static bool pwd_read(struct span v, struct sdp_line *l)
{
    l->text = v;
    return all(v, is_ice, 22, 256);
}

static bool text_read(struct span v, struct sdp_line *l)
{
    l->text = v;
    return true;
}

static bool group_read(struct span v, struct sdp_line *l)
{
    l->group.semantics = word_cut(&v, ' ');
    l->group.mids = word_trim(v);
    for (size_t n = 0; v.n > 0; n++)
        if (word_next(&v).n > 0 && n == SDP_GROUP_MIDS_MAX)
            return false;
    return all(l->group.semantics, is_token, 1, SIZE_MAX);
}

/* RFC 8839 §5.1. */
static bool candidate_read(struct span v, struct sdp_line *l)
{
    struct sdp_candidate *c = &l->candidate;
    c->foundation = word_next(&v);
    struct span component = word_next(&v);
    c->transport = word_next(&v);
    struct span priority = word_next(&v);
    c->host = word_next(&v);
    struct span port = word_next(&v);
    struct span typ = word_next(&v);
    c->type = word_next(&v);
    c->rest = word_trim(v);
    if (!u16(component, 256, &c->component) || c->component == 0 ||
        !u32(priority, &c->priority) || !u16(port, UINT16_MAX, &c->port))
        return false;
    c->resolved = sl_addr_parse(c->host, c->port, &c->addr) == E_OK;
    return all(c->foundation, is_visible, 1, 64) && c->transport.n > 0 && c->host.n > 0 &&
           span_is(typ, "typ") && c->type.n > 0;
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 8122 §5: octets as two hexadecimal digits each, with colons between. */
static bool fingerprint_read(struct span v, struct sdp_line *l)
{
    static const struct {
        const char *hash;
        uint8_t n;
    } known[] = {{"sha-1", 20},   {"sha-224", 28}, {"sha-256", 32}, {"sha-384", 48},
                 {"sha-512", 64}, {"md5", 16},     {"md2", 16}};
    struct sdp_fingerprint *f = &l->fingerprint;
    f->hash = word_next(&v);
    v = word_trim(v);
    if (!all(f->hash, is_token, 1, 32) || v.n % 3 != 2 ||
        v.n / 3 + 1 > SDP_FINGERPRINT_MAX)
        return false;
    f->n = (uint8_t)(v.n / 3 + 1);
    for (size_t i = 0; i < f->n; i++) {
        int hi = hex(v.p[3 * i]);
        int lo = hex(v.p[3 * i + 1]);
        if (hi < 0 || lo < 0 || (i > 0 && v.p[3 * i - 1] != ':'))
            return false;
        f->bytes[i] = (uint8_t)(hi << 4 | lo);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (word_same(f->hash, known[i].hash))
            return f->n == known[i].n;
    return true;
}

static const char *const setups[] = {
    [SDP_SETUP_NONE] = "",
    [SDP_SETUP_ACTPASS] = "actpass",
    [SDP_SETUP_ACTIVE] = "active",
    [SDP_SETUP_PASSIVE] = "passive",
    [SDP_SETUP_HOLDCONN] = "holdconn",
};

const char *sl_sdp_setup_name(enum sdp_setup setup)
{
    return setups[setup];
}

static bool setup_read(struct span v, struct sdp_line *l)
{
    for (int i = SDP_SETUP_ACTPASS; i <= SDP_SETUP_HOLDCONN; i++)
        if (span_is(v, setups[i])) {
            l->setup = (enum sdp_setup)i;
            return true;
        }
    return false;
}

static const char *const directions[] = {
    [SDP_INACTIVE] = "inactive",
    [SDP_SENDONLY] = "sendonly",
    [SDP_RECVONLY] = "recvonly",
    [SDP_SENDRECV] = "sendrecv",
};

const char *sl_sdp_direction_name(enum sdp_direction direction)
{
    return directions[direction];
}

static bool direction_of(struct span v, enum sdp_direction *ret)
{
    for (int i = SDP_INACTIVE; i <= SDP_SENDRECV; i++)
        if (span_is(v, directions[i])) {
            *ret = (enum sdp_direction)i;
            return true;
        }
    return false;
}

/* RFC 8285 §5. The ids 256..4095 are reserved, 15 too, but only in the one-byte form. */
static bool extmap_read(struct span v, struct sdp_line *l)
{
    struct sdp_extmap *e = &l->extmap;
    struct span head = word_next(&v);
    struct span id = word_cut(&head, '/');
    e->uri = word_next(&v);
    e->attributes = word_trim(v);
    e->directed = head.n > 0;
    e->direction = SDP_SENDRECV;
    if (e->directed && !direction_of(head, &e->direction))
        return false;
    return u16(id, 4351, &e->id) && e->id > 0 && (e->id < 256 || e->id > 4095) &&
           e->uri.n > 0;
}

static bool rtpmap_read(struct span v, struct sdp_line *l)
{
    struct sdp_rtpmap *m = &l->rtpmap;
    struct span pt = word_next(&v);
    v = word_trim(v);
    m->name = word_cut(&v, '/');
    struct span clock = word_cut(&v, '/');
    m->channels = 1;
    return u8(pt, 127, &m->pt) && all(m->name, is_token, 1, 64) &&
           u32(clock, &m->clock_hz) && m->clock_hz > 0 &&
           (v.n == 0 || (u8(v, UINT8_MAX, &m->channels) && m->channels > 0));
}

static bool fmtp_read(struct span v, struct sdp_line *l)
{
    struct span pt = word_next(&v);
    l->fmtp.params = word_trim(v);
    return u8(pt, 127, &l->fmtp.pt);
}

static bool rtcp_fb_read(struct span v, struct sdp_line *l)
{
    struct sdp_rtcp_fb *fb = &l->rtcp_fb;
    struct span pt = word_next(&v);
    fb->what = word_trim(v);
    if (fb->what.n == 0)
        return false;
    if (span_is(pt, "*")) {
        fb->pt = SDP_PT_ANY;
        return true;
    }
    return u8(pt, 127, &fb->pt);
}

static bool ssrc_read(struct span v, struct sdp_line *l)
{
    struct span ssrc = word_next(&v);
    v = word_trim(v);
    l->ssrc.name = word_cut(&v, ':');
    l->ssrc.value = v;
    return u32(ssrc, &l->ssrc.ssrc) && all(l->ssrc.name, is_token, 1, SIZE_MAX);
}

static bool ssrc_group_read(struct span v, struct sdp_line *l)
{
    struct sdp_ssrc_group *g = &l->ssrc_group;
    g->n = 0;
    g->semantics = word_next(&v);
    for (v = word_trim(v); v.n > 0; v = word_trim(v)) {
        struct span ssrc = word_next(&v);
        if (g->n == SDP_GROUP_SSRCS_MAX || !u32(ssrc, &g->ssrcs[g->n]))
            return false;
        g->n++;
    }
    return all(g->semantics, is_token, 1, SIZE_MAX);
}

static bool rid_read(struct span v, struct sdp_line *l)
{
    l->rid.id = word_next(&v);
    struct span direction = word_next(&v);
    l->rid.params = word_trim(v);
    l->rid.recv = span_is(direction, "recv");
    return all(l->rid.id, is_rid, 1, 255) && (l->rid.recv || span_is(direction, "send"));
}

static bool simulcast_list(struct span list)
{
    size_t n = 0;
    while (list.n > 0) {
        struct span stream = word_cut(&list, ';');
        do {
            struct span rid = word_cut(&stream, ',');
            if (word_starts(rid, "~"))
                (void)word_cut(&rid, '~');
            if (!all(rid, is_rid, 1, 255) || ++n > SDP_SIMULCAST_MAX)
                return false;
        } while (stream.n > 0);
    }
    return true;
}

/* RFC 8853 §5.1: one or two of "send LIST" and "recv LIST", in any order. */
static bool simulcast_read(struct span v, struct sdp_line *l)
{
    l->simulcast = (struct sdp_simulcast){0};
    for (v = word_trim(v); v.n > 0; v = word_trim(v)) {
        struct span word = word_next(&v);
        struct span list = word_next(&v);
        struct span *to = span_is(word, "send")   ? &l->simulcast.send
                          : span_is(word, "recv") ? &l->simulcast.recv
                                                  : NULL;
        if (!to || to->n > 0 || list.n == 0 || !simulcast_list(list))
            return false;
        *to = list;
    }
    return l->simulcast.send.n > 0 || l->simulcast.recv.n > 0;
}

static bool msid_read(struct span v, struct sdp_line *l)
{
    l->msid.stream = word_next(&v);
    l->msid.track = word_trim(v);
    return all(l->msid.stream, is_visible, 1, SIZE_MAX) &&
           all(l->msid.track, is_visible, 0, SIZE_MAX);
}

static bool port_read(struct span v, struct sdp_line *l)
{
    return word_number(v, UINT16_MAX, &l->number);
}

static bool number_read(struct span v, struct sdp_line *l)
{
    return word_number(v, UINT64_MAX, &l->number);
}

/* ---- lines ---- */

/* Without a reader it is a flag: nothing stands behind the name. */
static const struct {
    const char *name;
    bool (*read)(struct span v, struct sdp_line *l);
} attributes[SDP_KINDS] = {
    [SDP_GROUP] = {"group", group_read},
    [SDP_MID] = {"mid", mid_read},
    [SDP_UFRAG] = {"ice-ufrag", ufrag_read},
    [SDP_PWD] = {"ice-pwd", pwd_read},
    [SDP_ICE_OPTIONS] = {"ice-options", text_read},
    [SDP_ICE_LITE] = {"ice-lite"},
    [SDP_CANDIDATE] = {"candidate", candidate_read},
    [SDP_END_OF_CANDIDATES] = {"end-of-candidates"},
    [SDP_FINGERPRINT] = {"fingerprint", fingerprint_read},
    [SDP_SETUP] = {"setup", setup_read},
    [SDP_RTCP_MUX] = {"rtcp-mux"},
    [SDP_RTCP_RSIZE] = {"rtcp-rsize"},
    [SDP_BUNDLE_ONLY] = {"bundle-only"},
    [SDP_EXTMAP] = {"extmap", extmap_read},
    [SDP_EXTMAP_MIXED] = {"extmap-allow-mixed"},
    [SDP_RTPMAP] = {"rtpmap", rtpmap_read},
    [SDP_FMTP] = {"fmtp", fmtp_read},
    [SDP_RTCP_FB] = {"rtcp-fb", rtcp_fb_read},
    [SDP_SSRC] = {"ssrc", ssrc_read},
    [SDP_SSRC_GROUP] = {"ssrc-group", ssrc_group_read},
    [SDP_RID] = {"rid", rid_read},
    [SDP_SIMULCAST] = {"simulcast", simulcast_read},
    [SDP_MSID] = {"msid", msid_read},
    [SDP_SCTP_PORT] = {"sctp-port", port_read},
    [SDP_MAX_MESSAGE_SIZE] = {"max-message-size", number_read},
};

static bool media_read(struct span v, struct sdp_media *m)
{
    m->media = word_next(&v);
    struct span port = word_next(&v);
    m->proto = word_next(&v);
    m->formats = word_trim(v);
    return all(m->media, is_token, 1, 32) && u16(port, UINT16_MAX, &m->port) &&
           m->proto.n > 0 && m->formats.n > 0;
}

static enum err attribute_read(struct span text, struct sdp_line *l)
{
    struct span v = word_trim((struct span){text.p + 2, text.n - 2});
    struct span name = word_cut(&v, ':');
    v = word_trim(v);
    if (direction_of(name, &l->direction)) {
        l->kind = SDP_DIRECTION;
        return v.n == 0 ? E_OK : E_MALFORMED;
    }
    for (int k = 0; k < SDP_KINDS; k++) {
        if (!attributes[k].name || !span_is(name, attributes[k].name))
            continue;
        l->kind = (enum sdp_kind)k;
        if (!attributes[k].read)
            return v.n == 0 ? E_OK : E_MALFORMED;
        return attributes[k].read(v, l) ? E_OK : E_MALFORMED;
    }
    l->text = text;
    return all(name, is_token, 1, SIZE_MAX) ? E_OK : E_MALFORMED;
}

const char *sl_sdp_attribute_name(enum sdp_kind kind)
{
    return attributes[kind].name ? attributes[kind].name : "";
}

enum err sl_sdp_line_parse(struct span text, struct sdp_line *ret)
{
    struct sdp_line l = {.kind = SDP_OTHER};
    if (text.n < 2 || text.p[1] != '=' || !(text.p[0] >= 'a' && text.p[0] <= 'z') ||
        memchr(text.p, '\0', text.n) || memchr(text.p, '\r', text.n) ||
        memchr(text.p, '\n', text.n))
        return E_MALFORMED;

    enum err e = E_OK;
    if (text.p[0] == 'a')
        e = attribute_read(text, &l);
    else if (text.p[0] != 'm')
        l.text = text;
    else if (media_read((struct span){text.p + 2, text.n - 2}, &l.media))
        l.kind = SDP_MEDIA;
    else
        e = E_MALFORMED;
    if (e == E_OK)
        *ret = l;
    return e;
}

bool sl_sdp_simulcast_next(struct span *list, struct sdp_simulcast_stream *ret)
{
    if (list->n == 0)
        return false;
    struct span stream = word_cut(list, ';');
    ret->rid = word_cut(&stream, ',');
    ret->others = stream;
    ret->paused = word_starts(ret->rid, "~");
    if (ret->paused)
        (void)word_cut(&ret->rid, '~');
    return true;
}
