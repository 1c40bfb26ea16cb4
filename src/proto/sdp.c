#include "proto/sdp.h"

#include <stdlib.h>

#include "base/word.h"

#include "proto/sdpwrite.h"

/* The text, line by line. */
struct walk {
    struct span rest;
    size_t at; /* the number of the last line taken */
};

/* Empty lines are skipped: some clients end with one. False at the end. */
static bool walk_next(struct walk *w, struct span *ret)
{
    while (w->rest.n > 0) {
        struct span line = word_cut(&w->rest, '\n');
        w->at++;
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n > 0) {
            *ret = line;
            return true;
        }
    }
    return false;
}

static enum err count(struct span text, size_t *lines, size_t *sections)
{
    struct walk w = {.rest = text};
    struct span line;
    while (walk_next(&w, &line)) {
        ++*lines;
        *sections += word_starts(line, "m=");
    }
    return *lines == 0 ? E_SHORT : E_OK;
}

static enum sdp_type type_of(struct span media)
{
    if (span_is(media, "audio"))
        return SDP_AUDIO;
    if (span_is(media, "video"))
        return SDP_VIDEO;
    return span_is(media, "application") ? SDP_APPLICATION : SDP_UNKNOWN;
}

/* Of an RTP profile the formats are payload types; each stands there once. */
static enum err read_formats(struct sdp_section *s)
{
    bool seen[SDP_FORMATS_MAX] = {false};
    struct span all = s->m.proto, last = {0};
    while (all.n > 0) {
        struct span part = word_cut(&all, '/');
        if (span_is(part, "RTP"))
            last = part;
    }
    if (last.n == 0)
        return E_OK;
    for (struct span rest = s->m.formats; rest.n > 0; rest = word_trim(rest)) {
        uint64_t pt;
        if (!word_number(word_next(&rest), SDP_FORMATS_MAX - 1, &pt) || seen[pt])
            return E_MALFORMED;
        seen[pt] = true;
        s->pts[s->pts_n++] = (uint8_t)pt;
    }
    return E_OK;
}

/* What of one section was said already. */
struct said {
    size_t kinds[SDP_KINDS];
    bool rtpmap[SDP_FORMATS_MAX];
    bool fmtp[SDP_FORMATS_MAX];
};

static enum err say_text(bool again, struct span *field, struct span text)
{
    if (again && !span_eq(*field, text))
        return E_MALFORMED;
    *field = text;
    return E_OK;
}

static enum err once(bool *said)
{
    if (*said)
        return E_MALFORMED;
    *said = true;
    return E_OK;
}

/* Notes in the section's fields what the line says. The same twice is no harm. */
static enum err say(struct sdp_section *s, struct said *said, const struct sdp_line *l)
{
    bool again = said->kinds[l->kind] > 0;
    size_t max = l->kind == SDP_RTCP_FB ? SDP_FB_MAX : SDP_LIST_MAX;
    if (l->kind != SDP_OTHER && ++said->kinds[l->kind] > max)
        return E_FULL;
    switch (l->kind) {
    case SDP_MID: return say_text(again, &s->mid, l->text);
    case SDP_UFRAG: return say_text(again, &s->ufrag, l->text);
    case SDP_PWD: return say_text(again, &s->pwd, l->text);
    case SDP_SETUP:
        if (again && s->setup != l->setup)
            return E_MALFORMED;
        s->setup = l->setup;
        return E_OK;
    case SDP_DIRECTION:
        if (again && s->direction != l->direction)
            return E_MALFORMED;
        s->direction = l->direction;
        return E_OK;
    case SDP_ICE_LITE: s->ice_lite = true; return E_OK;
    case SDP_END_OF_CANDIDATES: s->end_of_candidates = true; return E_OK;
    case SDP_RTCP_MUX: s->rtcp_mux = true; return E_OK;
    case SDP_RTCP_RSIZE: s->rtcp_rsize = true; return E_OK;
    case SDP_BUNDLE_ONLY: s->bundle_only = true; return E_OK;
    case SDP_EXTMAP_MIXED: s->extmap_mixed = true; return E_OK;
    case SDP_RTPMAP: return once(&said->rtpmap[l->rtpmap.pt]);
    case SDP_FMTP: return once(&said->fmtp[l->fmtp.pt]);
    case SDP_SIMULCAST:
    case SDP_SCTP_PORT:
    case SDP_MAX_MESSAGE_SIZE: return again ? E_MALFORMED : E_OK;
    case SDP_OTHER:
    case SDP_MEDIA:
    case SDP_GROUP:
    case SDP_ICE_OPTIONS:
    case SDP_CANDIDATE:
    case SDP_FINGERPRINT:
    case SDP_EXTMAP:
    case SDP_RTCP_FB:
    case SDP_SSRC:
    case SDP_SSRC_GROUP:
    case SDP_RID:
    case SDP_MSID:
    case SDP_KINDS: return E_OK;
    }
    return E_OK;
}

/* What the m= line begins takes over what holds for the whole session. */
static enum err begin(struct sdp *sdp, struct sdp_section *s, const struct sdp_line *l)
{
    *s = (struct sdp_section){
        .type = type_of(l->media.media),
        .m = l->media,
        .ufrag = sdp->session.ufrag,
        .pwd = sdp->session.pwd,
        .setup = sdp->session.setup,
        .direction = sdp->session.direction,
        .ice_lite = sdp->session.ice_lite,
        .end_of_candidates = sdp->session.end_of_candidates,
        .extmap_mixed = sdp->session.extmap_mixed,
        .lines = l,
    };
    return read_formats(s);
}

static bool mids_differ(const struct sdp *s)
{
    for (size_t i = 0; i < s->sections_n; i++)
        for (size_t k = 0; k < i; k++)
            if (s->sections[i].mid.n > 0 &&
                span_eq(s->sections[i].mid, s->sections[k].mid))
                return false;
    return true;
}

/* A description's first lines come in this order (RFC 8866 §9). */
static bool head_ok(struct span line, size_t i)
{
    static const char *const head[] = {"v=0", "o=", "s="};
    return i >= sizeof head / sizeof head[0] ||
           (i == 0 ? span_is(word_trim(line), head[0]) : word_starts(line, head[i]));
}

static enum err fill(struct sdp *sdp, struct span text, enum sdp_form form, size_t *bad)
{
    struct walk w = {.rest = text};
    struct sdp_section *s = &sdp->session;
    struct said said = {{0}};
    struct span line;
    s->type = SDP_SESSION;
    s->direction = SDP_SENDRECV;
    s->lines = sdp->lines;
    for (size_t i = 0; walk_next(&w, &line); i++) {
        struct sdp_line *l = &sdp->lines[i];
        *bad = w.at;
        if (form == SDP_DESCRIPTION && !head_ok(line, i))
            return E_MALFORMED;
        enum err e = sl_sdp_line_parse(line, l);
        if (e)
            return e;
        if (l->kind == SDP_MEDIA) {
            s = &sdp->sections[sdp->sections_n++];
            said = (struct said){{0}};
            e = begin(sdp, s, l);
        } else {
            e = say(s, &said, l);
        }
        if (e)
            return e;
        s->lines_n++;
    }
    if (form == SDP_DESCRIPTION && sdp->session.lines_n < 3 && sdp->sections_n == 0)
        return E_SHORT;
    *bad = 0;
    return mids_differ(sdp) ? E_OK : E_MALFORMED;
}

enum err sl_sdp_new(struct span text, enum sdp_form form, size_t *bad_line,
                    struct sdp **ret)
{
    size_t lines = 0, sections = 0, bad = 0;
    struct sdp *s = NULL;
    enum err e = text.n > SDP_TEXT_MAX ? E_FULL : count(text, &lines, &sections);
    if (e == E_OK && (lines > SDP_LINES_MAX || sections > SDP_SECTIONS_MAX))
        e = E_FULL;
    if (e == E_OK) {
        /* One block: the description, its sections, its lines. All hold pointers, so each
         * starts where it may. */
        s = calloc(1,
                   sizeof *s + sections * sizeof *s->sections + lines * sizeof *s->lines);
        e = s ? E_OK : E_MEMORY;
    }
    if (e == E_OK) {
        s->sections = (struct sdp_section *)(void *)(s + 1);
        s->lines = (struct sdp_line *)(void *)(s->sections + sections);
        e = fill(s, text, form, &bad);
    }
    if (bad_line)
        *bad_line = bad;
    if (e) {
        free(s);
        return e;
    }
    *ret = s;
    return E_OK;
}

void sl_sdp_free(struct sdp *s)
{
    free(s);
}

static void write_section(struct wr *w, const struct sdp_section *s)
{
    for (size_t i = 0; i < s->lines_n; i++)
        sl_sdp_line_write(w, &s->lines[i]);
}

void sl_sdp_write(struct wr *w, const struct sdp *s)
{
    write_section(w, &s->session);
    for (size_t i = 0; i < s->sections_n; i++)
        write_section(w, &s->sections[i]);
}

const struct sdp_line *sl_sdp_next(const struct sdp_section *s, enum sdp_kind kind,
                                   const struct sdp_line *at)
{
    for (at = at ? at + 1 : s->lines; at < s->lines + s->lines_n; at++)
        if (at->kind == kind)
            return at;
    return NULL;
}

const struct sdp_section *
sl_sdp_level(const struct sdp *s, const struct sdp_section *section, enum sdp_kind kind)
{
    return sl_sdp_next(section, kind, NULL) ? section : &s->session;
}

const struct sdp_section *sl_sdp_by_mid(const struct sdp *s, struct span mid)
{
    for (size_t i = 0; i < s->sections_n; i++)
        if (mid.n > 0 && span_eq(s->sections[i].mid, mid))
            return &s->sections[i];
    return NULL;
}

const struct sdp_rtpmap *sl_sdp_rtpmap(const struct sdp_section *s, uint8_t pt)
{
    sdp_each (l, s, SDP_RTPMAP)
        if (l->rtpmap.pt == pt)
            return &l->rtpmap;
    return NULL;
}

struct span sl_sdp_fmtp(const struct sdp_section *s, uint8_t pt)
{
    sdp_each (l, s, SDP_FMTP)
        if (l->fmtp.pt == pt)
            return l->fmtp.params;
    return (struct span){0};
}

struct span sl_sdp_bundle(const struct sdp *s)
{
    sdp_each (l, &s->session, SDP_GROUP)
        if (span_is(l->group.semantics, "BUNDLE"))
            return l->group.mids;
    return (struct span){0};
}
