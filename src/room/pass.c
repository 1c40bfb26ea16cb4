#include "room/pass.h"

#include <stdio.h>

#include "room/describe.h"
#include "room/rooms.h"

enum { SECTIONS_MAX = PASS_SENDS_MAX + 2 * PASS_SLOTS_MAX };

/* ---- the template, section by section ---- */

struct plan {
    const struct pass *pass;
    struct codecs codecs;
    char cname[17];
    size_t n;
    struct planned {
        enum media_kind kind;
        const char *source; /* the holder sends this; NULL: it is a slot */
        unsigned layers;    /* of that; 0: it is one stream */
        char mid[4], name[16];
        struct negotiate_slot slot;
    } of[SECTIONS_MAX];
};

static struct planned *add(struct plan *p, enum media_kind kind, const char *source)
{
    struct planned *s = &p->of[p->n];
    *s = (struct planned){.kind = kind, .source = source};
    (void)snprintf(s->mid, sizeof s->mid, "%zu", p->n++);
    return s;
}

/* Of several nobody knows yet which will belong together, so each is a stream of its own. */
static void add_slots(struct plan *p, const struct random *r, enum media_kind kind)
{
    bool video = kind == MEDIA_VIDEO;
    for (unsigned i = 1; i <= p->pass->slots[kind]; i++) {
        struct planned *s = add(p, kind, NULL);
        (void)snprintf(s->name, sizeof s->name, "%s-%u", video ? "video" : "audio", i);
        s->slot = (struct negotiate_slot){.kind = kind,
                                          .stream = s->name,
                                          .track = s->name,
                                          .ssrc = sl_chance_ssrc(r),
                                          .rtx_ssrc = video ? sl_chance_ssrc(r) : 0};
    }
}

static enum err plan(struct plan *p, const struct pass *pass, const struct random *r)
{
    const unsigned *slots = pass->slots;
    *p = (struct plan){.pass = pass};
    if (pass->sends_n > PASS_SENDS_MAX || pass->layers > PASS_LAYERS_MAX ||
        slots[MEDIA_AUDIO] > PASS_SLOTS_MAX || slots[MEDIA_VIDEO] > PASS_SLOTS_MAX)
        return E_UNSUPPORTED;
    for (size_t i = 0; i < pass->sends_n; i++) {
        enum media_kind kind;
        const char *source;
        if (!sl_track_source(span_of(pass->sends[i]), &source, &kind))
            return E_UNSUPPORTED;
        struct planned *s = add(p, kind, source);
        if (pass->layers > 1 && strcmp(source, "camera") == 0)
            s->layers = pass->layers;
    }
    add_slots(p, r, MEDIA_AUDIO);
    add_slots(p, r, MEDIA_VIDEO);
    sl_codecs_init(&p->codecs, pass->codecs, pass->codecs_n);
    for (size_t i = 0; i < p->n; i++)
        if (p->codecs.of[p->of[i].kind].codecs_n == 0)
            return E_UNSUPPORTED;
    sl_chance_text(r, p->cname, 16);
    return p->n > 0 ? E_OK : E_UNSUPPORTED;
}

/* As the SDK calls them, the smallest first: of two, "h" and "f". */
static const char *const rids[PASS_LAYERS_MAX] = {"q", "h", "f"};
static const char *const simulcast[PASS_LAYERS_MAX + 1] = {"", "f", "h;f", "q;h;f"};

static void write_offer(struct wr *w, const struct plan *p, struct rooms *r,
                        const struct media_transport *t, uint32_t max_bps)
{
    struct negotiate_local local = r->maker.local;
    struct describe_section sections[SECTIONS_MAX];
    uint64_t session;
    local.ufrag = t->ufrag;
    local.pwd = t->pwd;
    r->maker.random.fill(r->maker.random.ctx, &session, sizeof session);
    for (size_t i = 0; i < p->n; i++) {
        const struct planned *s = &p->of[i];
        sections[i] = (struct describe_section){
            .type = s->kind == MEDIA_VIDEO ? SDP_VIDEO : SDP_AUDIO,
            .mid = s->mid,
            .direction = s->source ? SDP_RECVONLY : SDP_SENDONLY,
            .slot = &s->slot,
            .simulcast = simulcast[s->layers]};
    }
    sl_describe(w, &(struct describe){.local = &local,
                                      .codecs = &p->codecs,
                                      .cname = p->cname,
                                      .session = session >> 1,
                                      .version = 1,
                                      .max_bps = max_bps,
                                      .passive = true,
                                      .sections = sections,
                                      .sections_n = p->n});
}

/* ---- what it makes of the peer ---- */

static struct rtp_params params_of(const struct plan *p, const struct planned *s)
{
    struct rtp_params params = p->codecs.of[s->kind];
    memcpy(params.mid, s->mid, sizeof s->mid);
    if (s->layers > 0)
        return params;
    /* There are no layers that an id would have to tell apart. */
    params.ext_id[EXT_RID] = 0;
    params.ext_id[EXT_REPAIRED_RID] = 0;
    params.ext_id[EXT_LAYERS_ALLOCATION] = 0;
    return params;
}

static struct rtp_receive receive_of(const struct plan *p, const struct planned *s)
{
    struct rtp_receive ret = {.params = params_of(p, s), .encodings_n = 1};
    if (s->layers > 0)
        ret.encodings_n = (uint8_t)s->layers;
    for (unsigned i = 0; i < s->layers; i++)
        memcpy(ret.encodings[i].rid, rids[PASS_LAYERS_MAX - s->layers + i], 2);
    return ret;
}

static enum err furnish(struct peer_maker *m, struct peer *peer, uint64_t room,
                        const struct plan *p)
{
    enum err e = E_OK;
    for (size_t i = 0; i < p->n && !e; i++) {
        const struct planned *s = &p->of[i];
        struct rtp_receive receive = receive_of(p, s);
        struct rtp_send send = {.params = params_of(p, s),
                                .ssrc = s->slot.ssrc,
                                .rtx_ssrc = s->slot.rtx_ssrc};
        if (!sl_codecs_rtx(&p->codecs, s->kind))
            send.rtx_ssrc = 0;
        memcpy(send.cname, p->cname, sizeof p->cname);
        e = s->source ? sl_peer_publish(m, peer, room, &receive, s->source)
                      : sl_peer_watch(m, peer, room, &send);
    }
    return e;
}

/* One of that name, by its signalling: a holder would be given another. */
static bool is_there(const struct room *room, struct span id)
{
    const struct participant *p = id.n > 0 ? sl_participant_find(room, id) : NULL;
    return p && p->events;
}

static enum err check(struct rooms *r, const struct room *room, const struct pass *pass)
{
    bool viewer = pass->role == ROLE_VIEWER;
    if ((pass->id.n > 0 && !sl_name_valid(pass->id)) || pass->name.n > LABEL_MAX ||
        pass->metadata.n > METADATA_MAX || (viewer && pass->sends_n > 0))
        return E_DENIED;
    if (r->stats.passes >= PASSES_MAX)
        return E_FULL;
    if (is_there(room, pass->id))
        return E_EXISTS;
    bool again = pass->sends_n > 0 && sl_room_publisher(room, pass->id);
    enum err e = sl_rooms_check(r, sl_room_tenant(room), sl_room_name(room), room, again);
    if (!e && pass->sends_n > 0)
        e = sl_rooms_check_publisher(r, room, pass->id);
    return !e && room->locked && pass->role != ROLE_HOST && !again ? E_STATE : e;
}

/* Without a transport. NULL when memory ends. */
static struct peer *make_peer(struct rooms *r, struct room *room, const struct pass *pass,
                              usec now)
{
    char made[PEER_KEY_CAP];
    struct admission a = {.id = pass->id,
                          .name = pass->name,
                          .metadata = pass->metadata,
                          .role = pass->role,
                          .may = MAY_PUBLISH | MAY_WATCH,
                          .max_bps = pass->max_bps};
    if (a.id.n == 0) {
        sl_chance_hex(&r->maker.random, made, 10);
        a.id = span_of(made);
    }
    bool viewer = pass->role == ROLE_VIEWER;
    struct peer *p = sl_peer_make(&r->maker, viewer ? PEER_VIEWER : PEER_PUBLISHER,
                                  viewer ? (struct span){0} : a.id);
    if (!p)
        return NULL;
    p->pass = true;
    p->max_bps =
        peer_lower(peer_lower(pass->max_bps, room->settings.max_bps), r->maker.max_bps);
    if (!viewer && !(p->guest = sl_participant_make(r, room, &a, now))) {
        sl_peer_free(&r->maker, p);
        return NULL;
    }
    return p;
}

enum err sl_pass_issue(struct rooms *r, struct room *room, const struct pass *pass,
                       usec now, struct wr *offer, struct peer **ret)
{
    struct plan plans;
    enum err e = check(r, room, pass);
    e = e ? e : plan(&plans, pass, &r->maker.random);
    if (e)
        return e;
    struct peer *p = make_peer(r, room, pass, now);
    if (!p)
        return E_MEMORY;
    struct media_transport t = sl_peer_credentials(&r->maker, p);
    t.peer = pass->peer;
    t.any = pass->peer.n == 0;
    t.single = true;
    write_offer(offer, &plans, r, &t, p->max_bps);
    e = offer->bad ? E_FULL : sl_peer_open(&r->maker, p, &t);
    e = e ? e : furnish(&r->maker, p, room->id, &plans);
    e = e ? e : sl_rooms_expect(r, p, now + pass->life);
    if (e) {
        sl_peer_free(&r->maker, p);
        return e;
    }
    e = sl_rooms_place(r, p, room, now);
    if (e)
        return e;
    r->stats.passes++;
    r->stats.passes_issued++;
    *ret = p;
    return E_OK;
}

enum err sl_pass_issue_in(struct rooms *r, struct span tenant, struct span name,
                          const struct pass *pass, usec now, struct wr *offer,
                          struct peer **ret)
{
    struct room *room = sl_rooms_find(r, tenant, name);
    if (room)
        return sl_pass_issue(r, room, pass, now, offer, ret);
    enum err e = sl_rooms_check(r, tenant, name, NULL, false);
    if (!e && r->conf.hosts_create && pass->role != ROLE_HOST)
        e = E_ABSENT;
    e = e ? e : sl_rooms_open(r, tenant, name, &room);
    if (e)
        return e;
    e = sl_pass_issue(r, room, pass, now, offer, ret);
    if (e)
        sl_rooms_vacate(r, room);
    return e;
}

/* ---- what becomes of it ---- */

enum err sl_pass_revoke(struct rooms *r, struct room *room, uint64_t transport)
{
    const struct peer *found = sl_rooms_of_transport(r, transport);
    if (!found || !found->pass || found->room != room)
        return E_ABSENT;
    sl_rooms_leave(r, sl_rooms_peer(r, span_of(found->key)), MEDIA_GONE_REVOKED);
    return E_OK;
}

static bool is_for(const struct peer *p, struct span id, bool used)
{
    const struct participant *who = p->guest ? p->guest : used ? p->who : NULL;
    return p->pass && who && span_is(id, who->id);
}

size_t sl_pass_revoke_all(struct rooms *r, struct room *room, struct span id, bool used)
{
    size_t n = 0;
    sl_rooms_count(r, room); /* it stays while we are at it */
    list_each_safe(struct peer, p, &room->publishers, by_room)
    {
        if (!is_for(p, id, used))
            continue;
        sl_rooms_leave(r, p, MEDIA_GONE_REVOKED);
        n++;
    }
    sl_rooms_uncount(r, room);
    return n;
}

void sl_pass_used(struct rooms *r)
{
    r->stats.passes--;
    r->stats.passes_used++;
}

void sl_pass_over(struct rooms *r, enum media_gone why)
{
    r->stats.passes--;
    r->stats.passes_expired += why == MEDIA_GONE_NEVER_UP;
}
