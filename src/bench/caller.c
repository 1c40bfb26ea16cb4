#include "bench/caller.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "media/ntp.h"
#include "media/stats.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/stun.h"
#include "proto/twcc.h"

#define FEEDBACK MSEC(100) /* transport-wide, as browsers send it */
#define REPORT   SEC(1)

enum {
    TEXT_MAX = NEGOTIATE_ANSWER_MAX,
    BLOCKS_MAX = 31 /* of a report: RFC 3550 §6.4.1 */
};

struct slot {
    struct dialog_slot dialog;
    bool used;
    uint8_t pt;
    uint64_t next; /* index of the next packet */
    struct srtp_guard guard;
    uint32_t ts, packets, octets;
};

struct track {
    struct caller_track shown; /* first: it is what the owner knows */
    bool wants_key;
    struct stats stats;
};

struct caller {
    struct caller_conf conf;
    struct negotiate_local local;
    uint32_t max_bps;
    struct dialog *dialog;
    usec offered_at;
    bool begun, up, failed;
    struct dialog_remote remote;
    struct client *client;
    struct slot slots[CALLER_SLOTS_MAX];
    size_t tracks_n;
    struct track *tracks[CALLER_TRACKS_MAX];
    uint8_t ext_of_id[256];
    struct twcc twcc;
    usec next_report, next_feedback;
    size_t report_from; /* of the slots, those whose reports are due */
    uint8_t out[CALLER_DATAGRAM_MAX];
    uint8_t text[TEXT_MAX];
};

/* ---- what descriptions lead to ---- */

static enum err on_connect(void *ctx, const struct dialog_remote *r)
{
    struct caller *c = ctx;
    c->remote = *r;
    return E_OK;
}

/* The server answers checks with the old credentials as well until new ones come. */
static enum err on_restart(void *ctx, const char *ufrag, const char *pwd)
{
    (void)ctx, (void)ufrag, (void)pwd;
    return E_OK;
}

static enum err on_receive(void *ctx, const struct rtp_receive *r, struct span stream,
                           struct span name, void **ret)
{
    struct caller *c = ctx;
    struct track *t = c->tracks_n < CALLER_TRACKS_MAX ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return E_FULL;
    t->shown = (struct caller_track){.kind = r->params.kind,
                                     .codec = r->params.codecs[0].codec,
                                     .ssrc = r->encodings[0].ssrc};
    t->stats.clock_hz = sl_codec_clock_hz(t->shown.codec);
    (void)snprintf(t->shown.stream, sizeof t->shown.stream, "%.*s", (int)stream.n,
                   stream.n ? (const char *)stream.p : "");
    (void)snprintf(t->shown.track, sizeof t->shown.track, "%.*s", (int)name.n,
                   name.n ? (const char *)name.p : "");
    for (size_t x = 1; x < EXTS; x++)
        c->ext_of_id[r->params.ext_id[x]] = (uint8_t)x;
    c->ext_of_id[0] = EXT_NONE;
    c->tracks[c->tracks_n++] = t;
    *ret = t;
    c->conf.ops->track(c->conf.ctx, &t->shown, true);
    return E_OK;
}

static void on_received(void *ctx, void *track)
{
    struct caller *c = ctx;
    struct track *t = track;
    for (size_t i = 0; i < c->tracks_n; i++)
        if (c->tracks[i] == t)
            c->tracks[i] = c->tracks[--c->tracks_n];
    c->conf.ops->track(c->conf.ctx, &t->shown, false);
    free(t);
}

static struct slot *slot_of(struct dialog_slot *d)
{
    return (struct slot *)(void *)((char *)d - offsetof(struct slot, dialog));
}

static enum err on_send(void *ctx, struct dialog_slot *slot, const struct rtp_send *s)
{
    (void)ctx;
    slot_of(slot)->pt = s->params.codecs[0].pt;
    return E_OK;
}

static void on_sent(void *ctx, struct dialog_slot *slot)
{
    (void)ctx, (void)slot;
}

static const struct dialog_ops ops = {on_connect,  on_restart, on_receive,
                                      on_received, on_send,    on_sent};

/* ---- its life ---- */

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    sl_random(p, n);
}

struct caller *sl_caller_new(const struct caller_conf *conf)
{
    static const enum codec codecs[] = {CODEC_OPUS, CODEC_VP8};
    struct caller *c = malloc(sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, offsetof(struct caller, out));
    c->conf = *conf;
    c->local =
        (struct negotiate_local){.sha256 = conf->sha256, .full = true, .active = true};
    const struct dialog_conf dc = {.ops = &ops,
                                   .ctx = c,
                                   .random = {.fill = fill},
                                   .local = &c->local,
                                   .codecs = codecs,
                                   .codecs_n = sizeof codecs / sizeof codecs[0],
                                   .receives_max = CALLER_TRACKS_MAX,
                                   .letter = 'c',
                                   .max_bps = &c->max_bps,
                                   .scratch = conf->scratch};
    const struct client_conf cc = {.dtls = conf->dtls,
                                   .sha256 = conf->sha256,
                                   .srtp = conf->srtp,
                                   .server = conf->server};
    c->dialog = sl_dialog_new(&dc);
    c->client = sl_client_new(&cc);
    if (c->dialog && c->client)
        return c;
    sl_caller_free(c);
    return NULL;
}

void sl_caller_free(struct caller *c)
{
    if (!c)
        return;
    sl_dialog_free(c->dialog);
    sl_client_free(c->client);
    while (c->tracks_n > 0)
        free(c->tracks[--c->tracks_n]);
    for (size_t i = 0; i < CALLER_SLOTS_MAX; i++)
        sl_srtp_guard_fini(&c->slots[i].guard);
    free(c);
}

enum err sl_caller_add(struct caller *c, enum media_kind kind, const char *stream,
                       const char *track, size_t *slot)
{
    size_t i = 0;
    while (i < CALLER_SLOTS_MAX && c->slots[i].used)
        i++;
    if (i == CALLER_SLOTS_MAX)
        return E_FULL;
    uint32_t chance[3];
    struct slot *s = &c->slots[i];
    sl_random(chance, sizeof chance);
    *s = (struct slot){.used = true, .next = 1 + (chance[2] & 0x7fff), .ts = chance[2]};
    s->dialog = (struct dialog_slot){.kind = kind, .ssrc = chance[0] | 1};
    s->dialog.rtx_ssrc = kind == MEDIA_VIDEO ? (chance[1] | 1) ^ 2 : 0;
    (void)snprintf(s->dialog.stream, sizeof s->dialog.stream, "%s", stream);
    (void)snprintf(s->dialog.track, sizeof s->dialog.track, "%s", track);
    enum err e = sl_srtp_guard_init(&s->guard, 0);
    if (e)
        return e;
    sl_dialog_add(c->dialog, &s->dialog);
    *slot = i;
    return E_OK;
}

/* ---- descriptions ---- */

void sl_caller_offer(struct caller *c, usec now)
{
    struct wr w = wr_of(c->text, sizeof c->text);
    if (!sl_dialog_ready(c->dialog) || sl_dialog_offer(c->dialog, &w) != E_OK)
        return;
    c->offered_at = now;
    c->conf.ops->describe(c->conf.ctx, "offer", wr_done(&w));
}

/* The first description that was agreed on says where they are. */
static enum err begin(struct caller *c, const struct sdp *theirs, usec now)
{
    struct client_ends ends = {.ufrag = sl_dialog_ufrag(c->dialog),
                               .pwd = sl_dialog_pwd(c->dialog),
                               .peer = {.n = c->remote.peer.n},
                               .dtls_client = c->remote.dtls_client,
                               .theirs = theirs};
    memcpy(ends.peer.octets, c->remote.peer.bytes, c->remote.peer.n);
    enum err e = sl_client_begin(c->client, &ends, now);
    c->begun = !e;
    return e;
}

static enum err take_offer(struct caller *c, const struct sdp *sdp,
                           enum negotiate_why *why)
{
    struct wr w = wr_of(c->text, sizeof c->text);
    /* Offers crossed: ours is refused, and is made again. */
    sl_dialog_expire(c->dialog);
    enum err e = sl_dialog_offered(c->dialog, sdp, &w, why);
    if (!e)
        c->conf.ops->describe(c->conf.ctx, "answer", wr_done(&w));
    return e;
}

enum err sl_caller_described(struct caller *c, bool offer, struct span sdp, usec now)
{
    enum negotiate_why why;
    struct sdp *theirs = NULL;
    enum err e = sl_sdp_new(sdp, SDP_DESCRIPTION, NULL, &theirs);
    if (!e)
        e = offer ? take_offer(c, theirs, &why)
                  : sl_dialog_answered(c->dialog, theirs, &why);
    if (!e && !c->begun)
        e = begin(c, theirs, now);
    sl_sdp_free(theirs);
    if (!e)
        sl_caller_offer(c, now);
    return e;
}

/* ---- what comes ---- */

static struct track *track_of(const struct caller *c, uint32_t ssrc)
{
    for (size_t i = 0; i < c->tracks_n; i++)
        if (c->tracks[i]->shown.ssrc == ssrc)
            return c->tracks[i];
    return NULL;
}

static void take_rtp(struct caller *c, uint8_t *p, size_t n, usec now)
{
    struct rtp rtp;
    struct rtp_exts x;
    uint64_t index;
    if (sl_srtp_unprotect(sl_client_in(c->client), p, &n, &index) != E_OK ||
        sl_rtp_parse((struct span){p, n}, &rtp) != E_OK)
        return;
    sl_rtp_exts_find(p, &rtp, c->ext_of_id, &x);
    if (x.len[EXT_TWCC] == sizeof(uint16_t))
        sl_twcc_add(&c->twcc, rtp_be16(p + x.off[EXT_TWCC]), now);
    struct track *t = track_of(c, rtp.ssrc);
    if (!t)
        return; /* of a track that has ended, or a repair */
    sl_stats_input(&t->stats, index, rtp.ts, rtp.payload.n, now);
    const struct caller_packet packet = {
        .seq = rtp.seq, .ts = rtp.ts, .marker = rtp.marker, .payload = rtp.payload};
    c->conf.ops->packet(c->conf.ctx, &t->shown, &packet);
}

static void key_wanted(const struct caller *c, uint32_t ssrc)
{
    for (size_t i = 0; i < CALLER_SLOTS_MAX; i++)
        if (c->slots[i].used && c->slots[i].dialog.ssrc == ssrc)
            c->conf.ops->key(c->conf.ctx, i);
}

static void take_feedback(const struct caller *c, const struct rtcp *p)
{
    struct rtcp_fb fb;
    uint32_t ssrc;
    uint8_t seq;
    if (sl_rtcp_fb(p, &fb) != E_OK)
        return;
    if (p->count == PSFB_PLI)
        key_wanted(c, fb.media);
    while (p->count == PSFB_FIR && sl_rtcp_fir_next(&fb.fci, &ssrc, &seq))
        key_wanted(c, ssrc);
}

static void take_rtcp(const struct caller *c, uint8_t *p, size_t n, usec now)
{
    struct rd compound;
    struct rtcp packet;
    struct rtcp_report about;
    if (sl_srtp_unprotect_rtcp(sl_client_in(c->client), p, &n) != E_OK ||
        sl_rtcp_parse((struct span){p, n}, &compound) != E_OK)
        return;
    while (sl_rtcp_next(&compound, &packet)) {
        if (packet.type == RTCP_PSFB)
            take_feedback(c, &packet);
        if (packet.type != RTCP_SR || sl_rtcp_report(&packet, &about) != E_OK)
            continue;
        struct track *t = track_of(c, about.ssrc);
        if (t)
            sl_stats_sr(&t->stats, about.sender.ntp, now);
    }
}

static void look(struct caller *c, usec now)
{
    enum client_state s = sl_client_state(c->client);
    if (s == CLIENT_UP && !c->up) {
        c->up = true;
        c->next_report = now + REPORT;
        c->next_feedback = now + FEEDBACK;
        c->conf.ops->up(c->conf.ctx);
    } else if (s == CLIENT_FAILED && !c->failed) {
        c->failed = true;
        c->conf.ops->failed(c->conf.ctx, sl_client_reason(c->client));
    }
}

void sl_caller_input(struct caller *c, uint8_t *p, size_t n, usec now)
{
    if (n == 0)
        return;
    if (dgram_of(p[0]) != DGRAM_RTP) {
        sl_client_input(c->client, (struct span){p, n}, now);
        look(c, now);
    } else if (c->up && n >= RTP_HEADER_MIN) {
        if (rtp_is_rtcp(p))
            take_rtcp(c, p, n, now);
        else
            take_rtp(c, p, n, now);
    }
}

/* ---- time ---- */

void sl_caller_tick(struct caller *c, usec now)
{
    if (sl_dialog_waits(c->dialog) && now - c->offered_at >= DIALOG_ANSWER_TIME) {
        sl_dialog_expire(c->dialog);
        sl_caller_offer(c, now);
    }
    sl_client_tick(c->client, now);
    look(c, now);
}

usec sl_caller_deadline(const struct caller *c)
{
    const usec due[] = {
        sl_client_deadline(c->client),
        sl_dialog_waits(c->dialog) ? c->offered_at + DIALOG_ANSWER_TIME : USEC_NEVER,
        c->up ? c->next_report : USEC_NEVER,
        c->up ? c->next_feedback : USEC_NEVER,
    };
    usec at = USEC_NEVER;
    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++)
        at = due[i] < at ? due[i] : at;
    return at;
}

/* ---- reports ---- */

static bool send_report(struct caller *c, size_t i, usec wall, struct wr *w)
{
    const struct slot *s = &c->slots[i];
    if (!s->used || s->packets == 0)
        return false;
    const struct rtcp_sender sender = {.ntp = ntp_of_unix(wall),
                                       .rtp_ts = s->ts,
                                       .packets = s->packets,
                                       .octets = s->octets};
    sl_rtcp_build_report(w, s->dialog.ssrc, &sender, NULL, 0);
    sl_rtcp_build_cname(w, s->dialog.ssrc, span_of(sl_dialog_ufrag(c->dialog)));
    return true;
}

static void receive_report(const struct caller *c, usec now, struct wr *w)
{
    struct rtcp_block blocks[BLOCKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->tracks_n && n < BLOCKS_MAX; i++) {
        if (c->tracks[i]->stats.received == 0)
            continue;
        sl_stats_report(&c->tracks[i]->stats, now, &blocks[n]);
        blocks[n++].ssrc = c->tracks[i]->shown.ssrc;
    }
    sl_rtcp_build_report(w, c->slots[0].dialog.ssrc, NULL, blocks, n);
}

/* One compound; false: nothing is due. */
static bool report(struct caller *c, usec now, usec wall, struct wr *w)
{
    uint32_t own = c->slots[0].dialog.ssrc;
    for (size_t i = 0; i < c->tracks_n; i++)
        if (c->tracks[i]->wants_key) {
            c->tracks[i]->wants_key = false;
            sl_rtcp_build_pli(w, own, c->tracks[i]->shown.ssrc);
            return true;
        }
    if (now >= c->next_report) {
        while (c->report_from < CALLER_SLOTS_MAX)
            if (send_report(c, c->report_from++, wall, w))
                return true;
        c->report_from = 0;
        c->next_report = now + REPORT;
        receive_report(c, now, w);
        return true;
    }
    if (now < c->next_feedback)
        return false;
    uint32_t media = c->tracks_n > 0 ? c->tracks[0]->shown.ssrc : 0;
    if (sl_twcc_build(&c->twcc, own, media, w))
        return true;
    c->next_feedback = now + FEEDBACK;
    return false;
}

bool sl_caller_poll(struct caller *c, usec now, usec wall, struct span *ret)
{
    struct wr w = wr_of(c->out, sizeof c->out - SRTP_RTCP_MAX);
    if (sl_client_poll(c->client, ret))
        return true;
    if (!c->up || c->failed || !report(c, now, wall, &w) || w.bad)
        return false;
    size_t n = w.n;
    if (sl_srtp_protect_rtcp(sl_client_out(c->client), c->out, &n) != E_OK)
        return false;
    *ret = (struct span){c->out, n};
    return true;
}

const struct addr *sl_caller_remote(const struct caller *c)
{
    return c->begun ? sl_client_remote(c->client) : NULL;
}

/* ---- what leaves ---- */

size_t sl_caller_send(struct caller *c, size_t slot, const struct caller_packet *p,
                      uint8_t *at)
{
    struct slot *s = slot < CALLER_SLOTS_MAX ? &c->slots[slot] : NULL;
    if (!s || !s->used || !s->dialog.sending || !c->up || c->failed ||
        p->payload.n > CALLER_PAYLOAD_MAX)
        return 0;
    struct wr w = wr_of(at, CALLER_DATAGRAM_MAX);
    const struct rtp rtp = {.marker = p->marker,
                            .pt = s->pt,
                            .seq = (uint16_t)s->next,
                            .ts = p->ts,
                            .ssrc = s->dialog.ssrc,
                            .payload = p->payload};
    sl_rtp_build(&w, &rtp);
    struct srtp_job job = {.out = sl_client_out(c->client),
                           .guard = &s->guard,
                           .index = s->next++,
                           .dst = at,
                           .header_n = RTP_HEADER_MIN,
                           .body = at + RTP_HEADER_MIN,
                           .body_n = (uint16_t)p->payload.n};
    sl_srtp_protect(&job, 1);
    s->ts = p->ts;
    s->packets++;
    s->octets += (uint32_t)p->payload.n;
    return job.err ? 0 : w.n + sl_srtp_tag_len(sl_srtp_out_profile(job.out));
}

void sl_caller_want_key(struct caller *c, const char *track)
{
    for (size_t i = 0; i < c->tracks_n; i++)
        if (strcmp(c->tracks[i]->shown.track, track) == 0)
            c->tracks[i]->wants_key = true;
}
