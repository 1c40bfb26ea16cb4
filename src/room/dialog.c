#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/word.h"

#include "room/bundle.h"
#include "room/describe.h"
#include "room/match.h"
#include "room/section.h"
#include "room/streams.h"

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

bool sl_dialog_data(const struct dialog *d)
{
    return d->data;
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

void sl_dialog_remove(struct dialog *d, struct dialog_slot *slot)
{
    list_del(&slot->link);
    if (slot->section != DIALOG_NOWHERE)
        d->sections[slot->section].slot = NULL;
    sl_section_displace(d, slot);
}

static bool receives_too_much(const struct dialog *d)
{
    const struct negotiated *n = d->conf.scratch;
    size_t most = d->conf.receives_max, sum = 0;
    for (size_t i = 0; i < n->sections_n; i++)
        sum += n->sections[i].why == NEGOTIATE_OK &&
               (n->sections[i].direction & SDP_RECVONLY) != 0;
    return sum > (most > 0 ? most : (size_t)DIALOG_RECEIVES_MAX);
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
            sl_section_displace(d, s->slot);
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

static struct negotiate_slot slot_at(const struct dialog_slot *slot, const char *mid)
{
    return (struct negotiate_slot){.kind = slot->kind,
                                   .mid = mid,
                                   .stream = slot->stream,
                                   .track = slot->track,
                                   .ssrc = slot->ssrc,
                                   .rtx_ssrc = slot->rtx_ssrc};
}

static size_t put_slots(const struct dialog *d, const struct section_seats *seats,
                        struct negotiate_slot *slots)
{
    size_t n = 0;
    for (size_t i = 0; i < DIALOG_SECTIONS_MAX; i++) {
        const struct section *s = i < d->n ? &d->sections[i] : NULL;
        if (seats->at[i])
            slots[n++] = slot_at(seats->at[i], seats->mid[i]);
        else if (s && s->slot && !s->stopped)
            slots[n++] = slot_at(s->slot, s->mid);
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
    struct section_seats seats;
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
    sl_section_seat(d, offer, &conf, &seats);
    conf.slots = slots;
    conf.slots_n = put_slots(d, &seats, slots);
    if (restart) {
        fresh_credentials(d, ufrag, pwd);
        conf.local.ufrag = ufrag;
        conf.local.pwd = pwd;
    }
    *why = sl_negotiate(offer, &conf, n, answer);
    enum err e = *why != NEGOTIATE_OK   ? E_UNSUPPORTED
                 : receives_too_much(d) ? E_FULL
                                        : E_OK;
    e = e ? e
          : connect_or_restart(d, n, restart ? ufrag : d->ufrag, restart ? pwd : d->pwd);
    if (e) {
        sl_section_unseat(d, &seats);
        return e;
    }
    d->ice = ice;
    d->version++;
    sl_codecs_learn(&d->codecs, offer, &conf);
    return sl_section_apply(d, offer, n, &seats);
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
    if (d->restarts || d->asked) /* in vain: the peer may not know it */
        return true;
    for (size_t i = 0; i < d->n; i++)
        if (differs(&d->sections[i]))
            return true;
    list_each (struct dialog_slot, slot, &d->waiting, link)
        if (sl_section_has_place(d, slot->kind))
            return true;
    return false;
}

void sl_dialog_restart(struct dialog *d)
{
    d->restarts = d->connected;
}

/* Our new credentials are good at once: the peer checks with them as soon as it has answered. */
static enum err renew(struct dialog *d)
{
    char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX];
    if (!d->restarts)
        return E_OK;
    fresh_credentials(d, ufrag, pwd);
    enum err e = d->conf.ops->restart(d->conf.ctx, ufrag, pwd);
    if (e)
        return e;
    memcpy(d->ufrag, ufrag, sizeof d->ufrag);
    memcpy(d->pwd, pwd, sizeof d->pwd);
    d->restarts = false;
    return E_OK;
}

enum err sl_dialog_offer(struct dialog *d, struct wr *w)
{
    struct negotiate_slot slots[DIALOG_SECTIONS_MAX];
    struct describe_section sections[DIALOG_SECTIONS_MAX];
    if (d->waits)
        return E_STATE;
    enum err e = renew(d);
    if (e)
        return e;
    if (d->n == 0 && d->conf.offers_data && !sl_section_data(d))
        return E_MEMORY;
    list_each_safe(struct dialog_slot, slot, &d->waiting,
                   link) if (!sl_section_place(d, slot)) break;
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
    d->ice = ice_of(answer);
    sl_codecs_learn(&d->codecs, answer, &conf);
    return sl_section_apply(d, answer, n, NULL);
}
