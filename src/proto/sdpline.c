#include "proto/sdpline.h"

#include <inttypes.h>
#include <stdio.h>

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

static void put_number(struct wr *w, uint64_t v)
{
    char buf[24];
    (void)snprintf(buf, sizeof buf, "%" PRIu64, v);
    wr_str(w, buf);
}

/* A blank and s, if there is any. */
static void put_word(struct wr *w, struct span s)
{
    if (s.n > 0) {
        wr_u8(w, ' ');
        wr_span(w, s);
    }
}

/* ---- attributes: each is read from v, what stands behind the colon, and written to w ---- */

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

static void text_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->text);
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

static void group_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->group.semantics);
    put_word(w, l->group.mids);
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

static void candidate_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_candidate *c = &l->candidate;
    char ip[ADDR_TEXT_MAX];
    wr_span(w, c->foundation);
    wr_u8(w, ' ');
    put_number(w, c->component);
    put_word(w, c->transport);
    wr_u8(w, ' ');
    put_number(w, c->priority);
    put_word(w, c->host.n > 0 ? c->host : span_of(sl_addr_ip_text(&c->addr, ip)));
    wr_u8(w, ' ');
    put_number(w, c->host.n > 0 ? c->port : c->addr.port);
    wr_str(w, " typ");
    put_word(w, c->type);
    put_word(w, c->rest);
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

static void fingerprint_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_fingerprint *f = &l->fingerprint;
    wr_span(w, f->hash);
    for (size_t i = 0; i < f->n; i++) {
        char buf[4];
        (void)snprintf(buf, sizeof buf, "%c%02X", i == 0 ? ' ' : ':', f->bytes[i]);
        wr_str(w, buf);
    }
}

static const char *const setups[] = {
    [SDP_SETUP_NONE] = "",
    [SDP_SETUP_ACTPASS] = "actpass",
    [SDP_SETUP_ACTIVE] = "active",
    [SDP_SETUP_PASSIVE] = "passive",
    [SDP_SETUP_HOLDCONN] = "holdconn",
};

static bool setup_read(struct span v, struct sdp_line *l)
{
    for (int i = SDP_SETUP_ACTPASS; i <= SDP_SETUP_HOLDCONN; i++)
        if (span_is(v, setups[i])) {
            l->setup = (enum sdp_setup)i;
            return true;
        }
    return false;
}

static void setup_write(struct wr *w, const struct sdp_line *l)
{
    wr_str(w, setups[l->setup]);
}

static const char *const directions[] = {
    [SDP_INACTIVE] = "inactive",
    [SDP_SENDONLY] = "sendonly",
    [SDP_RECVONLY] = "recvonly",
    [SDP_SENDRECV] = "sendrecv",
};

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

static void extmap_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_extmap *e = &l->extmap;
    put_number(w, e->id);
    if (e->directed) {
        wr_u8(w, '/');
        wr_str(w, directions[e->direction]);
    }
    put_word(w, e->uri);
    put_word(w, e->attributes);
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

static void rtpmap_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_rtpmap *m = &l->rtpmap;
    put_number(w, m->pt);
    put_word(w, m->name);
    wr_u8(w, '/');
    put_number(w, m->clock_hz);
    if (m->channels != 1) {
        wr_u8(w, '/');
        put_number(w, m->channels);
    }
}

static bool fmtp_read(struct span v, struct sdp_line *l)
{
    struct span pt = word_next(&v);
    l->fmtp.params = word_trim(v);
    return u8(pt, 127, &l->fmtp.pt);
}

static void fmtp_write(struct wr *w, const struct sdp_line *l)
{
    put_number(w, l->fmtp.pt);
    put_word(w, l->fmtp.params);
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

static void rtcp_fb_write(struct wr *w, const struct sdp_line *l)
{
    if (l->rtcp_fb.pt == SDP_PT_ANY)
        wr_u8(w, '*');
    else
        put_number(w, l->rtcp_fb.pt);
    put_word(w, l->rtcp_fb.what);
}

static bool ssrc_read(struct span v, struct sdp_line *l)
{
    struct span ssrc = word_next(&v);
    v = word_trim(v);
    l->ssrc.name = word_cut(&v, ':');
    l->ssrc.value = v;
    return u32(ssrc, &l->ssrc.ssrc) && all(l->ssrc.name, is_token, 1, SIZE_MAX);
}

static void ssrc_write(struct wr *w, const struct sdp_line *l)
{
    put_number(w, l->ssrc.ssrc);
    put_word(w, l->ssrc.name);
    if (l->ssrc.value.n > 0) {
        wr_u8(w, ':');
        wr_span(w, l->ssrc.value);
    }
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

static void ssrc_group_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->ssrc_group.semantics);
    for (size_t i = 0; i < l->ssrc_group.n; i++) {
        wr_u8(w, ' ');
        put_number(w, l->ssrc_group.ssrcs[i]);
    }
}

static bool rid_read(struct span v, struct sdp_line *l)
{
    l->rid.id = word_next(&v);
    struct span direction = word_next(&v);
    l->rid.params = word_trim(v);
    l->rid.recv = span_is(direction, "recv");
    return all(l->rid.id, is_rid, 1, 255) && (l->rid.recv || span_is(direction, "send"));
}

static void rid_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->rid.id);
    wr_str(w, l->rid.recv ? " recv" : " send");
    put_word(w, l->rid.params);
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

static void simulcast_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_simulcast *s = &l->simulcast;
    if (s->send.n > 0) {
        wr_str(w, "send");
        put_word(w, s->send);
    }
    if (s->recv.n > 0) {
        wr_str(w, s->send.n > 0 ? " recv" : "recv");
        put_word(w, s->recv);
    }
}

static bool msid_read(struct span v, struct sdp_line *l)
{
    l->msid.stream = word_next(&v);
    l->msid.track = word_trim(v);
    return all(l->msid.stream, is_visible, 1, SIZE_MAX) &&
           all(l->msid.track, is_visible, 0, SIZE_MAX);
}

static void msid_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->msid.stream);
    put_word(w, l->msid.track);
}

static bool port_read(struct span v, struct sdp_line *l)
{
    return word_number(v, UINT16_MAX, &l->number);
}

static bool number_read(struct span v, struct sdp_line *l)
{
    return word_number(v, UINT64_MAX, &l->number);
}

static void number_write(struct wr *w, const struct sdp_line *l)
{
    put_number(w, l->number);
}

/* ---- lines ---- */

/* Without a reader it is a flag: nothing stands behind the name. */
static const struct {
    const char *name;
    bool (*read)(struct span v, struct sdp_line *l);
    void (*write)(struct wr *w, const struct sdp_line *l);
} attributes[SDP_KINDS] = {
    [SDP_GROUP] = {"group", group_read, group_write},
    [SDP_MID] = {"mid", mid_read, text_write},
    [SDP_UFRAG] = {"ice-ufrag", ufrag_read, text_write},
    [SDP_PWD] = {"ice-pwd", pwd_read, text_write},
    [SDP_ICE_OPTIONS] = {"ice-options", text_read, text_write},
    [SDP_ICE_LITE] = {"ice-lite"},
    [SDP_CANDIDATE] = {"candidate", candidate_read, candidate_write},
    [SDP_END_OF_CANDIDATES] = {"end-of-candidates"},
    [SDP_FINGERPRINT] = {"fingerprint", fingerprint_read, fingerprint_write},
    [SDP_SETUP] = {"setup", setup_read, setup_write},
    [SDP_RTCP_MUX] = {"rtcp-mux"},
    [SDP_RTCP_RSIZE] = {"rtcp-rsize"},
    [SDP_BUNDLE_ONLY] = {"bundle-only"},
    [SDP_EXTMAP] = {"extmap", extmap_read, extmap_write},
    [SDP_EXTMAP_MIXED] = {"extmap-allow-mixed"},
    [SDP_RTPMAP] = {"rtpmap", rtpmap_read, rtpmap_write},
    [SDP_FMTP] = {"fmtp", fmtp_read, fmtp_write},
    [SDP_RTCP_FB] = {"rtcp-fb", rtcp_fb_read, rtcp_fb_write},
    [SDP_SSRC] = {"ssrc", ssrc_read, ssrc_write},
    [SDP_SSRC_GROUP] = {"ssrc-group", ssrc_group_read, ssrc_group_write},
    [SDP_RID] = {"rid", rid_read, rid_write},
    [SDP_SIMULCAST] = {"simulcast", simulcast_read, simulcast_write},
    [SDP_MSID] = {"msid", msid_read, msid_write},
    [SDP_SCTP_PORT] = {"sctp-port", port_read, number_write},
    [SDP_MAX_MESSAGE_SIZE] = {"max-message-size", number_read, number_write},
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

static void media_write(struct wr *w, const struct sdp_media *m)
{
    wr_str(w, "m=");
    wr_span(w, m->media);
    wr_u8(w, ' ');
    put_number(w, m->port);
    put_word(w, m->proto);
    put_word(w, m->formats);
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

void sl_sdp_line_write(struct wr *w, const struct sdp_line *l)
{
    if (l->kind == SDP_OTHER) {
        wr_span(w, l->text);
    } else if (l->kind == SDP_MEDIA) {
        media_write(w, &l->media);
    } else {
        wr_str(w, "a=");
        wr_str(w, l->kind == SDP_DIRECTION ? directions[l->direction]
                                           : attributes[l->kind].name);
        if (attributes[l->kind].write) {
            wr_u8(w, ':');
            attributes[l->kind].write(w, l);
        }
    }
    wr_str(w, "\r\n");
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
