#include "room/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/word.h"

#include "room/bundle.h"
#include "room/describe.h"
#include "room/match.h"
#include "room/streams.h"

struct section {
    char mid[PARAMS_NAME_MAX];
    enum sdp_type type;
    bool ours;    /* we made it: only in these we send */
    bool agreed;  /* the peer has it, too */
    bool stopped; /* port 0 */
    bool deaf;    /* the peer receives nothing in it */
    struct dialog_slot *slot;
    uint32_t said;  /* the SSRC of our last description; 0: nothing is sent */
    bool receiving; /* the peer sends: */
    void *track;
    uint64_t print; /* of what was agreed about it */
    char *layers;   /* owned: "l;h", NULL without simulcast */
};

struct dialog {
    struct dialog_conf conf;
    struct negotiate_local local;
    char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX], cname[17];
    uint64_t session, version;
    unsigned made; /* sections, for their names */
    uint64_t ice;  /* a hash of the peer's credentials */
    bool connected;
    bool waits; /* for an answer */
    bool
        asked; /* an offer of ours was not answered yet, though it may have been given up */
    bool data; /* the transport carries data channels */
    struct codecs codecs;
    struct list waiting; /* struct dialog_slot without a section */
    size_t n, cap;
    struct section *sections;
};

static void fresh_credentials(const struct dialog *d, char ufrag[MEDIA_UFRAG_MAX],
                              char pwd[MEDIA_PWD_MAX])
{
    sl_chance_text(&d->conf.random, ufrag, MEDIA_UFRAG_MAX - 1);
    sl_chance_text(&d->conf.random, pwd, MEDIA_PWD_MAX - 1);
}

struct dialog *sl_dialog_new(const struct dialog_conf *conf)
{
    struct dialog *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->conf = *conf;
    d->local = *conf->local;
    d->local.ufrag = d->ufrag;
    d->local.pwd = d->pwd;
    fresh_credentials(d, d->ufrag, d->pwd);
    sl_chance_text(&conf->random, d->cname, sizeof d->cname - 1);
    conf->random.fill(conf->random.ctx, &d->session, sizeof d->session);
    d->session >>= 1;
    sl_codecs_init(&d->codecs, conf->codecs, conf->codecs_n);
    list_init(&d->waiting);
    return d;
}

void sl_dialog_free(struct dialog *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++)
        free(d->sections[i].layers);
    free(d->sections);
    free(d);
}

const char *sl_dialog_ufrag(const struct dialog *d)
{
    return d->ufrag;
}

const char *sl_dialog_pwd(const struct dialog *d)
{
    return d->pwd;
}

bool sl_dialog_waits(const struct dialog *d)
{
    return d->waits;
}

const char *sl_dialog_mid(const struct dialog *d, const struct dialog_slot *slot)
{
    return slot->section == DIALOG_NOWHERE ? "" : d->sections[slot->section].mid;
}

/* ---- slots ---- */

void sl_dialog_add(struct dialog *d, struct dialog_slot *slot)
{
    slot->section = DIALOG_NOWHERE;
    slot->sending = false;
    list_add(&d->waiting, &slot->link);
}

/* What was sent in it ends, and it has no section. */
static void displace(struct dialog *d, struct dialog_slot *slot)
{
    bool sending = slot->sending;
    slot->section = DIALOG_NOWHERE;
    slot->sending = false;
    if (sending)
        d->conf.ops->sent(d->conf.ctx, slot);
}

void sl_dialog_remove(struct dialog *d, struct dialog_slot *slot)
{
    list_del(&slot->link);
    if (slot->section != DIALOG_NOWHERE)
        d->sections[slot->section].slot = NULL;
    displace(d, slot);
}

static enum sdp_type type_of(enum media_kind kind)
{
    return kind == MEDIA_VIDEO ? SDP_VIDEO : SDP_AUDIO;
}

/* It is empty, and the peer knows. */
static bool is_idle(const struct section *s, enum media_kind kind)
{
    return s->ours && s->agreed && !s->stopped && !s->slot && s->said == 0 &&
           s->type == type_of(kind);
}

/* RFC 9429 §5.2.2: an m-section that was stopped may become another. */
static size_t find_place(const struct dialog *d, enum media_kind kind)
{
    for (size_t i = 0; i < d->n; i++)
        if (is_idle(&d->sections[i], kind))
            return i;
    for (size_t i = 0; i < d->n; i++)
        if (d->sections[i].stopped && d->sections[i].agreed)
            return i;
    return d->n;
}

/* NULL when memory ends. */
static struct section *append(struct dialog *d)
{
    if (d->n == d->cap) {
        size_t cap = d->cap > 0 ? 2 * d->cap : 4;
        struct section *grown = realloc(d->sections, cap * sizeof *grown);
        if (!grown)
            return NULL;
        d->sections = grown;
        d->cap = cap;
    }
    d->sections[d->n] = (struct section){0};
    return &d->sections[d->n++];
}

/* Not a mere number, as peers have them: where both make a section at once, these are two. */
static void name_section(struct dialog *d, struct section *s)
{
    (void)snprintf(s->mid, sizeof s->mid, "%c%u", d->conf.letter, d->made++);
}

static bool place(struct dialog *d, struct dialog_slot *slot)
{
    size_t i = find_place(d, slot->kind);
    struct section *s = i < d->n                     ? &d->sections[i]
                        : d->n < DIALOG_SECTIONS_MAX ? append(d)
                                                     : NULL;
    if (!s)
        return false;
    if (s->stopped || !s->ours) {
        char *layers = s->layers;
        *s = (struct section){.type = type_of(slot->kind), .ours = true};
        free(layers);
        name_section(d, s);
    }
    list_del(&slot->link);
    slot->section = (uint16_t)i;
    s->slot = slot;
    s->deaf = false;
    return true;
}

/* ---- what a description says of a section ---- */

static uint64_t print_of(const struct negotiated_section *ns)
{
    static const uint64_t key[2] = {0};
    uint8_t buf[1024];
    struct wr w = wr_of(buf, sizeof buf);
    for (size_t i = 0; i < ns->receive.encodings_n; i++) {
        wr_u32(&w, ns->receive.encodings[i].ssrc);
        wr_str(&w, ns->receive.encodings[i].rid);
        wr_u8(&w, 0);
    }
    wr_span(&w, ns->stream);
    wr_u8(&w, 0);
    wr_span(&w, ns->track);
    return sl_siphash(key, wr_done(&w));
}

static void end_receiving(struct dialog *d, struct section *s)
{
    if (s->receiving)
        d->conf.ops->received(d->conf.ctx, s->track);
    s->receiving = false;
    free(s->layers);
    s->layers = NULL;
}

static void keep_layers(struct section *s, const struct rtp_receive *r)
{
    char text[PARAMS_ENCODINGS_MAX * PARAMS_NAME_MAX] = "";
    size_t n = 0;
    for (size_t i = 0; i < r->encodings_n && r->encodings[i].rid[0]; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, n > 0 ? ";%s" : "%s",
                              r->encodings[i].rid);
    s->layers = n > 0 ? strdup(text) : NULL;
}

static enum err apply_receive(struct dialog *d, struct section *s,
                              const struct negotiated_section *ns)
{
    bool sends = ns->why == NEGOTIATE_OK && !ns->data && (ns->direction & SDP_RECVONLY);
    uint64_t print = sends ? print_of(ns) : 0;
    if (s->receiving && (!sends || s->print != print))
        end_receiving(d, s);
    if (!sends || s->receiving)
        return E_OK;
    enum err e =
        d->conf.ops->receive(d->conf.ctx, &ns->receive, ns->stream, ns->track, &s->track);
    if (e)
        return e;
    s->receiving = true;
    s->print = print;
    keep_layers(s, &ns->receive);
    return E_OK;
}

static enum err apply_send(struct dialog *d, struct section *s,
                           const struct negotiated_section *ns)
{
    struct dialog_slot *slot = s->slot;
    bool takes = ns->why == NEGOTIATE_OK && (ns->direction & SDP_SENDONLY);
    if (!slot)
        return E_OK;
    if (slot->sending && !takes) {
        slot->sending = false;
        d->conf.ops->sent(d->conf.ctx, slot);
    }
    if (takes && !slot->sending) {
        enum err e = d->conf.ops->send(d->conf.ctx, slot, &ns->send);
        if (e)
            return e;
        slot->sending = true;
    }
    /* The peer wants no such section: it is not asked again. */
    if (ns->why != NEGOTIATE_OK) {
        s->slot = NULL;
        displace(d, slot);
    }
    return E_OK;
}

/* The peer made a section, or made another of one that was stopped. */
static void become(struct dialog *d, struct section *s, const struct sdp_section *from)
{
    end_receiving(d, s);
    *s = (struct section){.type = from->type};
    if (from->mid.n < sizeof s->mid)
        memcpy(s->mid, from->mid.p, from->mid.n);
}

/* It refuses what it was told of: where it offers without having seen our offer, a section that
 * it does not receive in says nothing. */
static bool is_deaf(const struct section *s, const struct sdp_section *from, bool answer)
{
    bool told = answer || (s->slot && s->slot->sending) || s->deaf;
    return told && !(from->direction & SDP_RECVONLY);
}

static enum err apply(struct dialog *d, const struct sdp *sdp, const struct negotiated *n,
                      bool answer)
{
    for (size_t i = 0; i < n->sections_n; i++) {
        const struct sdp_section *from = &sdp->sections[i];
        const struct negotiated_section *ns = &n->sections[i];
        struct section *s = i < d->n ? &d->sections[i] : append(d);
        if (!s)
            return E_MEMORY;
        if (!answer && (s->mid[0] == '\0' || !span_is(from->mid, s->mid)))
            become(d, s, from);
        s->agreed = true;
        s->stopped = ns->why != NEGOTIATE_OK;
        s->deaf = is_deaf(s, from, answer);
        enum err e = apply_receive(d, s, ns);
        e = e ? e : apply_send(d, s, ns);
        if (e)
            return e;
        if (!answer)
            s->said = s->slot && s->slot->sending ? s->slot->ssrc : 0;
    }
    return E_OK;
}

static size_t count_received(const struct negotiated *n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n->sections_n; i++)
        sum += n->sections[i].why == NEGOTIATE_OK &&
               (n->sections[i].direction & SDP_RECVONLY) != 0;
    return sum;
}

/* ---- the peer offers ---- */

/* Sections of an offer that was given up, and of which the peer's offer knows nothing. */
static void take_back(struct dialog *d, const struct sdp *offer)
{
    size_t n = d->n;
    for (size_t i = 0; i < n; i++) {
        struct section *s = &d->sections[i];
        bool known = i < offer->sections_n && span_is(offer->sections[i].mid, s->mid);
        if (s->agreed || known)
            continue;
        if (s->slot) {
            displace(d, s->slot);
            list_add(&d->waiting, &s->slot->link);
        }
        *s = (struct section){.stopped = true, .agreed = true};
        if (i >= offer->sections_n && d->n > i)
            d->n = i; /* those behind it are new, too */
    }
}

/* RFC 3264 §8: no section goes away, and one that lives keeps its mid. */
static bool continues(const struct dialog *d, const struct sdp *offer)
{
    if (offer->sections_n < d->n)
        return false;
    for (size_t i = 0; i < d->n; i++)
        if (!d->sections[i].stopped && offer->sections[i].m.port != 0 &&
            !span_is(offer->sections[i].mid, d->sections[i].mid))
            return false;
    return true;
}

static uint64_t ice_of(const struct sdp *s)
{
    uint64_t key[2] = {0};
    struct span ufrag = {0}, pwd = {0};
    (void)sl_negotiate_credentials(s, &ufrag, &pwd);
    key[0] = sl_siphash(key, ufrag);
    return sl_siphash(key, pwd);
}

static size_t put_slots(const struct dialog *d, struct negotiate_slot *slots)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct section *s = &d->sections[i];
        if (s->slot && !s->stopped)
            slots[n++] = (struct negotiate_slot){.kind = s->slot->kind,
                                                 .mid = s->mid,
                                                 .stream = s->slot->stream,
                                                 .track = s->slot->track,
                                                 .ssrc = s->slot->ssrc,
                                                 .rtx_ssrc = s->slot->rtx_ssrc};
    }
    return n;
}

static struct negotiate_conf conf_of(const struct dialog *d)
{
    return (struct negotiate_conf){.job = NEGOTIATE_BOTH,
                                   .local = d->local,
                                   .session = d->session,
                                   .version = d->version + 1,
                                   .codecs = d->conf.codecs,
                                   .codecs_n = d->conf.codecs_n,
                                   .data = d->connected ? d->data : d->conf.data,
                                   .max_bps = *d->conf.max_bps,
                                   .cname = d->cname};
}

static enum err connect_or_restart(struct dialog *d, const struct negotiated *n,
                                   const char *ufrag, const char *pwd)
{
    const struct dialog_remote r = {n->peer, n->dtls_client, n->data};
    enum err e = E_OK;
    if (!d->connected)
        e = d->conf.ops->connect(d->conf.ctx, &r);
    else if (ufrag != d->ufrag)
        e = d->conf.ops->restart(d->conf.ctx, ufrag, pwd);
    if (e)
        return e;
    if (!d->connected)
        d->data = n->data.wanted;
    d->connected = true;
    if (ufrag != d->ufrag) {
        memcpy(d->ufrag, ufrag, sizeof d->ufrag);
        memcpy(d->pwd, pwd, sizeof d->pwd);
    }
    return E_OK;
}

enum err sl_dialog_offered(struct dialog *d, const struct sdp *offer, struct wr *answer,
                           enum negotiate_why *why)
{
    struct negotiate_slot slots[DIALOG_SECTIONS_MAX];
    char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX];
    struct negotiated *n = d->conf.scratch;
    *why = NEGOTIATE_OK;
    if (d->waits)
        return E_STATE;
    take_back(d, offer);
    d->asked = false;
    if (!continues(d, offer))
        return E_MALFORMED;
    uint64_t ice = ice_of(offer);
    bool restart = d->connected && ice != d->ice;
    struct negotiate_conf conf = conf_of(d);
    conf.slots = slots;
    conf.slots_n = put_slots(d, slots);
    if (restart) {
        fresh_credentials(d, ufrag, pwd);
        conf.local.ufrag = ufrag;
        conf.local.pwd = pwd;
    }
    *why = sl_negotiate(offer, &conf, n, answer);
    if (*why != NEGOTIATE_OK)
        return E_UNSUPPORTED;
    if (count_received(n) > DIALOG_RECEIVES_MAX)
        return E_FULL;
    enum err e =
        connect_or_restart(d, n, restart ? ufrag : d->ufrag, restart ? pwd : d->pwd);
    if (e)
        return e;
    d->ice = ice;
    d->version++;
    sl_codecs_learn(&d->codecs, offer, &conf);
    return apply(d, offer, n, false);
}

/* ---- we offer ---- */

static bool differs(const struct section *s)
{
    if (s->slot)
        return !s->stopped && !s->deaf && !s->slot->sending;
    return !s->stopped && s->said != 0;
}

bool sl_dialog_ready(const struct dialog *d)
{
    if (d->waits)
        return false;
    if (d->asked) /* in vain: the peer may not know it */
        return true;
    for (size_t i = 0; i < d->n; i++)
        if (differs(&d->sections[i]))
            return true;
    list_each (struct dialog_slot, slot, &d->waiting, link)
        if (find_place(d, slot->kind) < DIALOG_SECTIONS_MAX)
            return true;
    return false;
}

enum err sl_dialog_offer(struct dialog *d, struct wr *w)
{
    struct negotiate_slot slots[DIALOG_SECTIONS_MAX];
    struct describe_section sections[DIALOG_SECTIONS_MAX];
    if (d->waits)
        return E_STATE;
    list_each_safe(struct dialog_slot, slot, &d->waiting,
                   link) if (!place(d, slot)) break;
    for (size_t i = 0; i < d->n; i++) {
        const struct section *s = &d->sections[i];
        unsigned direction =
            (s->slot ? SDP_SENDONLY : 0U) | (s->receiving ? (unsigned)SDP_RECVONLY : 0U);
        if (s->slot)
            slots[i] = (struct negotiate_slot){.stream = s->slot->stream,
                                               .track = s->slot->track,
                                               .ssrc = s->slot->ssrc,
                                               .rtx_ssrc = s->slot->rtx_ssrc};
        sections[i] =
            (struct describe_section){.type = s->type,
                                      .mid = s->mid,
                                      .stopped = s->stopped,
                                      .direction = (enum sdp_direction)direction,
                                      .slot = &slots[i],
                                      .simulcast = s->layers ? s->layers : ""};
    }
    sl_describe(w, &(struct describe){.local = &d->local,
                                      .codecs = &d->codecs,
                                      .cname = d->cname,
                                      .session = d->session,
                                      .version = ++d->version,
                                      .max_bps = *d->conf.max_bps,
                                      .sections = sections,
                                      .sections_n = d->n});
    if (w->bad)
        return E_FULL;
    for (size_t i = 0; i < d->n; i++)
        d->sections[i].said = d->sections[i].slot ? d->sections[i].slot->ssrc : 0;
    d->waits = d->asked = true;
    return E_OK;
}

void sl_dialog_expire(struct dialog *d)
{
    d->waits = false;
}

/* ---- the peer answers ---- */

static enum negotiate_why read_section(const struct dialog *d, const struct section *own,
                                       const struct sdp_section *s,
                                       const struct negotiate_conf *conf,
                                       struct negotiated_section *ns)
{
    if (s->m.port == 0 || own->stopped)
        return NEGOTIATE_STOPPED;
    if (own->type == SDP_APPLICATION) {
        ns->data = true;
        return NEGOTIATE_OK;
    }
    sl_match(s, conf, &ns->params);
    if (ns->params.codecs_n == 0)
        return NEGOTIATE_NO_COMMON_CODEC;
    memcpy(ns->params.mid, own->mid, sizeof ns->params.mid);
    unsigned direction = SDP_INACTIVE;
    if (own->slot && (s->direction & SDP_RECVONLY)) {
        direction |= SDP_SENDONLY;
        ns->send.params = ns->params;
        ns->send.params.ext_id[EXT_RID] = 0;
        ns->send.params.ext_id[EXT_REPAIRED_RID] = 0;
        ns->send.params.ext_id[EXT_LAYERS_ALLOCATION] = 0;
        ns->send.ssrc = own->slot->ssrc;
        ns->send.rtx_ssrc =
            ns->params.codecs[0].rtx_pt != PT_NONE ? own->slot->rtx_ssrc : 0;
        memcpy(ns->send.cname, d->cname, sizeof d->cname);
    }
    if (own->receiving && (s->direction & SDP_SENDONLY)) {
        direction |= SDP_RECVONLY;
        sl_streams(s, &ns->receive);
        sl_streams_msid(s, &ns->stream, &ns->track);
    }
    ns->direction = (enum sdp_direction)direction;
    return NEGOTIATE_OK;
}

static enum negotiate_why read_answer(const struct dialog *d, const struct sdp *answer,
                                      const struct negotiate_conf *conf,
                                      struct negotiated *n)
{
    const struct sdp_section *from;
    *n = (struct negotiated){.sections_n = answer->sections_n};
    for (size_t i = 0; i < answer->sections_n; i++)
        n->sections[i].why =
            read_section(d, &d->sections[i], &answer->sections[i], conf, &n->sections[i]);
    if (d->connected)
        return NEGOTIATE_OK;
    enum negotiate_why why = sl_bundle_transport(answer, n, &from);
    if (why != NEGOTIATE_OK)
        return why;
    if (from->setup != SDP_SETUP_ACTIVE && from->setup != SDP_SETUP_PASSIVE)
        return NEGOTIATE_BAD_SETUP;
    n->dtls_client = from->setup == SDP_SETUP_PASSIVE;
    return NEGOTIATE_OK;
}

enum err sl_dialog_answered(struct dialog *d, const struct sdp *answer,
                            enum negotiate_why *why)
{
    struct negotiated *n = d->conf.scratch;
    *why = NEGOTIATE_OK;
    if (!d->asked)
        return E_STATE;
    d->waits = d->asked = false;
    if (answer->sections_n != d->n || !continues(d, answer))
        return E_MALFORMED;
    struct negotiate_conf conf = conf_of(d);
    *why = read_answer(d, answer, &conf, n);
    if (*why != NEGOTIATE_OK)
        return E_UNSUPPORTED;
    enum err e = connect_or_restart(d, n, d->ufrag, d->pwd);
    if (e)
        return e;
    if (d->ice == 0)
        d->ice = ice_of(answer);
    sl_codecs_learn(&d->codecs, answer, &conf);
    return apply(d, answer, n, true);
}
