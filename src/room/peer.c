#include "room/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "room/member.h"
#include "room/participant.h"

static uint64_t ice_hash(const struct peer_maker *m, struct span ufrag, struct span pwd)
{
    uint64_t key[2] = {sl_siphash(m->hash_key, ufrag), m->hash_key[1]};
    return sl_siphash(key, pwd);
}

uint64_t sl_peer_id(struct peer_maker *m)
{
    return ++m->last_id;
}

/* ---- what to offer to a viewer ---- */

struct slots {
    size_t n;
    struct negotiate_slot slot[PEER_SLOTS_MAX];
    char names[PEER_SLOTS_MAX][16];
};

static bool can_receive(const struct sdp_section *s)
{
    return (s->type == SDP_AUDIO || s->type == SDP_VIDEO) &&
           (s->m.port != 0 || s->bundle_only) && (s->direction & SDP_RECVONLY) != 0;
}

/* A slot for each section that can receive. One of each kind is one stream, as WHEP has it,
 * and receivers keep its sound and picture together; of several nobody knows yet which will
 * belong together, so each is a stream of its own. */
static void slots_for(const struct sdp *offer, const struct random *r, struct slots *ret)
{
    size_t kinds[2] = {0};
    ret->n = 0;
    for (size_t i = 0; i < offer->sections_n && ret->n < PEER_SLOTS_MAX; i++) {
        if (!can_receive(&offer->sections[i]))
            continue;
        enum media_kind kind =
            offer->sections[i].type == SDP_VIDEO ? MEDIA_VIDEO : MEDIA_AUDIO;
        (void)snprintf(ret->names[ret->n], sizeof ret->names[0], "%s-%zu",
                       kind == MEDIA_VIDEO ? "video" : "audio", ++kinds[kind]);
        ret->slot[ret->n] = (struct negotiate_slot){
            .kind = kind,
            .stream = ret->names[ret->n],
            .track = ret->names[ret->n],
            .ssrc = sl_chance_ssrc(r),
            .rtx_ssrc = kind == MEDIA_VIDEO ? sl_chance_ssrc(r) : 0,
        };
        ret->n++;
    }
    if (kinds[MEDIA_AUDIO] <= 1 && kinds[MEDIA_VIDEO] <= 1)
        for (size_t i = 0; i < ret->n; i++)
            ret->slot[i].stream = "stream";
}

/* ---- what was agreed ---- */

static bool is_active(const struct negotiated_section *s)
{
    return s->why == NEGOTIATE_OK && s->direction != SDP_INACTIVE;
}

/* A publisher gets all or nothing, so that nobody speaks to an audience that only sees
 * (RFC 9725 §4.4.3). Sections without media, or that it stopped itself, do not count. */
static bool is_whole(const struct negotiated *a, struct refused *refused)
{
    for (size_t i = 0; i < a->sections_n; i++) {
        enum negotiate_why why = a->sections[i].why;
        if (why != NEGOTIATE_OK && why != NEGOTIATE_BAD_KIND &&
            why != NEGOTIATE_STOPPED) {
            *refused = (struct refused){why, i + 1};
            return false;
        }
    }
    return true;
}

static bool is_named(const struct peer *p, const char *source)
{
    for (size_t i = 0; i < p->tracks_n; i++)
        if (strcmp(p->tracks[i]->source, source) == 0)
            return true;
    return false;
}

/* The media streams (a=msid) of a publisher, in order of appearance. */
struct streams {
    size_t n;
    struct span stream[PEER_TRACKS_MAX];
};

static unsigned nth_stream(struct streams *st, struct span stream)
{
    size_t i = 0;
    while (i < st->n && !span_eq(st->stream[i], stream))
        i++;
    if (i == st->n && st->n < PEER_TRACKS_MAX)
        st->stream[st->n++] = stream;
    return (unsigned)i;
}

enum err sl_peer_keep_track(struct peer *p, struct track *track)
{
    struct track **all = realloc(p->tracks, (p->tracks_n + 1) * sizeof(struct track *));
    if (!all)
        return E_MEMORY;
    p->tracks = all;
    p->tracks[p->tracks_n++] = track;
    return E_OK;
}

enum err sl_peer_keep_slot(struct peer *p, struct slot *slot)
{
    struct view *v = &p->view;
    struct slot **all = realloc(v->slots, (v->n + 1) * sizeof(struct slot *));
    if (!all)
        return E_MEMORY;
    v->slots = all;
    v->slots[v->n++] = slot;
    return E_OK;
}

static void free_track(struct track *t)
{
    free(t->msid);
    free(t->label);
    free(t->metadata);
    free(t);
}

void sl_peer_drop_track(struct peer *p, struct track *track)
{
    size_t i = 0;
    while (p->tracks[i] != track)
        i++;
    p->tracks_n--;
    memmove(&p->tracks[i], &p->tracks[i + 1], (p->tracks_n - i) * sizeof(struct track *));
    free_track(track);
}

void sl_peer_drop_slot(struct peer *p, struct slot *slot)
{
    struct view *v = &p->view;
    size_t i = 0;
    while (v->slots[i] != slot)
        i++;
    v->n--;
    memmove(&v->slots[i], &v->slots[i + 1], (v->n - i) * sizeof(struct slot *));
    free(slot);
}

enum err sl_peer_publish(struct peer_maker *m, struct peer *p, uint64_t room,
                         const struct rtp_receive *r, const char *source)
{
    struct rtp_receive receive = *r;
    struct track *t = malloc(sizeof *t);
    if (!t)
        return E_MEMORY;
    *t = (struct track){
        .stream = p->stream,
        .owner = &p->view,
        .producer = sl_peer_id(m),
        .params = r->params,
        .encodings_n = r->encodings_n,
        .wanted = UINT8_MAX,
        .most_bps = TRACK_ANY_BPS,
    };
    for (uint8_t k = 0; k < t->encodings_n; k++)
        memcpy(t->rids[k], r->encodings[k].rid, sizeof t->rids[k]);
    (void)snprintf(t->source, sizeof t->source, "%s", source);
    list_init(&t->live);
    list_init(&t->slots);
    receive.screen = strncmp(source, "screen", strlen("screen")) == 0;
    enum err e =
        m->media.producer_add(m->media.ctx, t->producer, p->transport, room, &receive);
    e = e ? e : sl_peer_keep_track(p, t);
    if (e)
        free(t);
    return e;
}

enum err sl_peer_watch(struct peer_maker *m, struct peer *p, uint64_t room,
                       const struct rtp_send *s)
{
    struct slot *slot = malloc(sizeof *slot);
    if (!slot)
        return E_MEMORY;
    *slot = (struct slot){.consumer = sl_peer_id(m), .params = s->params};
    list_init(&slot->link);
    enum err e =
        m->media.consumer_add(m->media.ctx, slot->consumer, p->transport, room, s);
    e = e ? e : sl_peer_keep_slot(p, slot);
    if (e)
        free(slot);
    return e;
}

static enum err add_tracks(struct peer_maker *m, struct peer *p, uint64_t room)
{
    const struct negotiated *a = &m->agreed;
    struct streams streams = {0};
    for (size_t i = 0; i < a->sections_n; i++) {
        const struct negotiated_section *s = &a->sections[i];
        if (!is_active(s))
            continue;
        char source[SOURCE_CAP];
        unsigned nth = nth_stream(&streams, s->stream);
        do
            sl_track_name(source, s->params.kind, nth++);
        while (is_named(p, source));
        enum err e = sl_peer_publish(m, p, room, &s->receive, source);
        if (e)
            return e;
    }
    return E_OK;
}

static enum err add_slots(struct peer_maker *m, struct peer *p, uint64_t room)
{
    const struct negotiated *a = &m->agreed;
    for (size_t i = 0; i < a->sections_n; i++) {
        const struct negotiated_section *s = &a->sections[i];
        if (!is_active(s))
            continue;
        enum err e = sl_peer_watch(m, p, room, &s->send);
        if (e)
            return e;
    }
    return E_OK;
}

/* ---- a peer ---- */

static enum err negotiate(struct peer_maker *m, const struct peer *p,
                          enum negotiate_job job, const struct sdp *offer,
                          const char *pwd, struct wr *answer, struct refused *refused)
{
    char cname[17];
    uint64_t session;
    struct slots slots = {0};
    sl_chance_text(&m->random, cname, 16);
    m->random.fill(m->random.ctx, &session, sizeof session);
    if (job == NEGOTIATE_WATCH)
        slots_for(offer, &m->random, &slots);

    struct negotiate_conf conf = {
        .job = job,
        .local = m->local,
        .session = session >> 1,
        .version = 1,
        .codecs = m->codecs,
        .codecs_n = m->codecs_n,
        .max_bps = p->max_bps,
        .sections_max = job == NEGOTIATE_WATCH ? PEER_SLOTS_MAX : PEER_TRACKS_MAX,
        .slots = slots.slot,
        .slots_n = slots.n,
        .cname = cname,
    };
    conf.local.ufrag = p->ufrag;
    conf.local.pwd = pwd;
    *refused = (struct refused){sl_negotiate(offer, &conf, &m->agreed, answer), 0};
    if (refused->why != NEGOTIATE_OK)
        return E_UNSUPPORTED;
    if (job == NEGOTIATE_PUBLISH && !is_whole(&m->agreed, refused))
        return E_UNSUPPORTED;
    return E_OK;
}

enum err sl_peer_open(struct peer_maker *m, struct peer *p, struct media_transport *t)
{
    t->id = sl_peer_id(m);
    enum err e = m->media.transport_add(m->media.ctx, t);
    if (e)
        return e;
    p->transport = t->id;
    if (p->max_bps > 0)
        m->media.transport_ceiling(m->media.ctx, t->id, p->max_bps);
    return E_OK;
}

struct media_transport sl_peer_credentials(struct peer_maker *m, struct peer *p)
{
    struct media_transport t = {0};
    sl_chance_text(&m->random, p->ufrag, MEDIA_UFRAG_MAX - 1);
    sl_chance_text(&m->random, t.pwd, MEDIA_PWD_MAX - 1);
    memcpy(t.ufrag, p->ufrag, sizeof t.ufrag);
    return t;
}

struct peer *sl_peer_make(struct peer_maker *m, enum peer_kind kind, struct span stream)
{
    struct peer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    list_init(&p->by_room);
    list_init(&p->view.following);
    p->kind = kind;
    char *name = kind == PEER_PUBLISHER ? p->stream : p->view.stream;
    if (stream.n > 0)
        memcpy(name, stream.p, stream.n);
    sl_chance_hex(&m->random, p->key, PEER_KEY_CAP - 1);
    return p;
}

enum err sl_peer_new(struct peer_maker *m, const struct join *j, uint64_t room,
                     uint32_t max_bps, struct wr *answer, struct refused *refused,
                     struct peer **ret)
{
    struct sdp *sdp = NULL;
    bool publishes = j->job == NEGOTIATE_PUBLISH;
    struct peer *p = sl_peer_make(m, publishes ? PEER_PUBLISHER : PEER_VIEWER, j->stream);
    enum err e = E_MEMORY;
    *refused = (struct refused){0};
    if (!p)
        goto fail;
    p->token = j->by ? j->by->token : 0;
    p->max_bps = publishes ? peer_lower(max_bps, m->max_bps) : 0;
    struct media_transport t = sl_peer_credentials(m, p);

    e = sl_sdp_new(j->offer, SDP_DESCRIPTION, &refused->at, &sdp);
    if (e && e != E_MEMORY)
        e = E_MALFORMED; /* whatever limit it exceeds */
    if (e)
        goto fail;
    e = negotiate(m, p, j->job, sdp, t.pwd, answer, refused);
    if (e)
        goto fail;
    p->ice = ice_hash(m, m->agreed.ufrag, m->agreed.pwd);
    t.peer = m->agreed.peer;
    t.dtls_client = m->agreed.dtls_client;
    t.data = m->agreed.data;
    e = sl_peer_open(m, p, &t);
    if (!e)
        e = publishes ? add_tracks(m, p, room) : add_slots(m, p, room);
    if (e)
        goto fail;
    sl_remote_sdp(&m->remote, sdp, &p->remotes);
    sl_sdp_free(sdp);
    *ret = p;
    return E_OK;

fail:
    sl_sdp_free(sdp);
    sl_peer_free(m, p);
    return e;
}

void sl_peer_free(struct peer_maker *m, struct peer *p)
{
    if (!p)
        return;
    if (p->transport)
        m->media.transport_close(m->media.ctx, p->transport);
    for (size_t i = 0; i < p->tracks_n; i++)
        free_track(p->tracks[i]);
    for (size_t i = 0; i < p->view.n; i++)
        free(p->view.slots[i]);
    free(p->tracks);
    free(p->view.slots);
    sl_participant_discard(p->guest);
    sl_member_free(p->member);
    free(p);
}

static enum err restart(struct peer_maker *m, struct peer *p, const struct sdp *fragment,
                        uint64_t ice, struct wr *answer)
{
    char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX];
    sl_chance_text(&m->random, ufrag, MEDIA_UFRAG_MAX - 1);
    sl_chance_text(&m->random, pwd, MEDIA_PWD_MAX - 1);
    struct negotiate_local local = m->local;
    local.ufrag = ufrag;
    local.pwd = pwd;
    sl_negotiate_fragment(fragment, &local, answer);
    if (answer->bad)
        return E_UNSUPPORTED;
    enum err e = m->media.transport_restart(m->media.ctx, p->transport, ufrag, pwd);
    if (e)
        return e;
    memcpy(p->ufrag, ufrag, sizeof p->ufrag);
    p->ice = ice;
    return E_OK;
}

enum err sl_peer_ice(struct peer_maker *m, struct peer *p, struct span fragment,
                     struct wr *answer, bool *restarted)
{
    struct sdp *sdp = NULL;
    struct span ufrag, pwd;
    enum err e = sl_sdp_new(fragment, SDP_FRAGMENT, NULL, &sdp);
    if (e)
        return e == E_MEMORY ? e : E_MALFORMED;
    *restarted = false;
    sl_remote_sdp(&m->remote, sdp, &p->remotes);
    if (!sl_negotiate_credentials(sdp, &ufrag, &pwd)) {
        e = E_UNSUPPORTED;
        goto done;
    }
    uint64_t ice = ice_hash(m, ufrag, pwd);
    if (ice == p->ice)
        goto done;
    e = restart(m, p, sdp, ice, answer);
    *restarted = !e;
done:
    sl_sdp_free(sdp);
    return e;
}
