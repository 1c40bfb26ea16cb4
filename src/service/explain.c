#include "service/explain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"

#include "media/allocate.h"
#include "media/bwe.h"

enum { ENTRY_MAX = 1024 }; /* octets, above any transport without its tracks */

static void put_layer(struct wr *w, const char *name, const struct track *track,
                      struct layer_target t)
{
    if (t.encoding >= track->encodings_n) {
        sl_text_put(w, ",\"%s\":null", name);
        return;
    }
    sl_text_put(w, ",\"%s\":{\"encoding\":%u", name, t.encoding);
    if (track->rids[t.encoding][0] != '\0') {
        sl_text_put(w, ",\"rid\":");
        sl_json_write(w, span_of(track->rids[t.encoding]));
    }
    sl_text_put(w, ",\"spatial\":%u,\"temporal\":%u}", t.spatial, t.temporal);
}

static void put_path(struct wr *w, const struct plane *p, uint64_t transport)
{
    struct plane_path path;
    if (sl_plane_path(p, transport, &path))
        sl_text_put(w, ",\"estimate_bps\":%" PRIu64 ",\"estimate_cause\":\"%s\"",
                    path.bps, path.cause);
    else
        sl_text_put(w, ",\"estimate_bps\":null");
}

static void put_wish(struct wr *w, const struct rtp_wish *wish)
{
    sl_text_put(
        w,
        ",\"wish\":{\"width\":%u,\"height\":%u,\"fps\":%u,\"priority\":%u,\"paused\":%s}",
        wish->width, wish->height, wish->fps,
        wish->priority ? (unsigned)wish->priority : WISH_PRIORITY,
        wish->paused ? "true" : "false");
}

static void put_cause(struct wr *w, enum allocate_cause c)
{
    sl_text_put(w, ",\"cause\":\"%s\"", sl_allocate_cause_name(c));
}

static void put_since(struct wr *w, usec at, usec now)
{
    if (at > 0)
        sl_text_put(w, ",\"changed_ms\":%" PRId64, (int64_t)((now - at) / MSEC(1)));
}

static void put_share(struct wr *w, const struct plane *p, const struct slot *slot,
                      usec now)
{
    struct plane_share share;
    const char *silence = sl_tracks_silence(slot);
    if (silence) {
        sl_text_put(w, ",\"cause\":\"%s\"", silence);
        return;
    }
    if (!slot->track || !sl_plane_share(p, slot->consumer, &share)) {
        put_cause(w, ALLOCATE_NOT_PUBLISHED);
        return;
    }
    const struct mail_share *s = &share.now;
    put_layer(w, "wanted", slot->track, s->wanted);
    put_layer(w, "sent", slot->track, s->sent);
    sl_text_put(w, ",\"sent_bps\":%" PRIu32, s->bps);
    put_cause(w, (enum allocate_cause)s->cause);
    sl_text_put(w, ",\"loss_out\":%.3f", s->lost / 256.0);
    if (s->rtt_ms > 0)
        sl_text_put(w, ",\"rtt_out_ms\":%u", s->rtt_ms);
    put_since(w, share.changed_at, now);
}

static void put_reception(struct wr *w, const struct plane *p, const struct track *t)
{
    struct plane_reception r;
    if (!sl_plane_reception(p, t->producer, &r))
        return;
    sl_text_put(w, ",\"loss_in\":%.3f", r.lost / 256.0);
    if (r.rtt > 0)
        sl_text_put(w, ",\"rtt_in_ms\":%.1f", (double)r.rtt / (double)MSEC(1));
}

static void put_slot(struct wr *w, const struct plane *p, const struct peer *peer,
                     const struct slot *slot, enum explain_to to, usec now)
{
    bool video = slot->params.kind == MEDIA_VIDEO;
    sl_text_put(w, "{\"mid\":");
    sl_json_write(w, span_of(slot->params.mid));
    sl_text_put(w, ",\"kind\":\"%s\"", video ? "video" : "audio");
    if (slot->track)
        sl_text_put(w,
                    ",\"track\":\"%016" PRIx64 "\",\"stream\":\"%s\",\"source\":\"%s\"",
                    slot->track->producer, slot->track->stream, slot->track->source);
    put_path(w, p, peer->transport);
    put_wish(w, &slot->wish);
    put_share(w, p, slot, now);
    if (slot->track && to == EXPLAIN_TO_OPERATOR)
        put_reception(w, p, slot->track);
    sl_text_put(w, "}");
}

static void put_track(struct wr *w, const struct plane *p, const struct track *t,
                      usec now)
{
    unsigned all = (1U << t->encodings_n) - 1;
    sl_text_put(w,
                "{\"track\":\"%016" PRIx64 "\",\"kind\":\"%s\",\"stream\":\"%s\","
                "\"source\":\"%s\",\"encodings\":%u,\"wanted\":%u",
                t->producer, t->params.kind == MEDIA_VIDEO ? "video" : "audio", t->stream,
                t->source, t->encodings_n, t->wanted & all);
    if (sl_plane_excess(p, t->producer) != 0)
        sl_text_put(w, ",\"above_max_bps\":%u", sl_plane_excess(p, t->producer));
    if (t->most_bps != TRACK_ANY_BPS)
        sl_text_put(w, ",\"most_bps\":%" PRIu32, t->most_bps);
    put_reception(w, p, t);
    put_since(w, sl_plane_wanted_at(p, t->producer), now);
    sl_text_put(w, "}");
}

void sl_explain_tracks(const struct plane *p, const struct peer *peer, enum explain_to to,
                       usec now, struct wr *w)
{
    for (size_t i = 0; i < peer->view.n; i++) {
        sl_text_put(w, i > 0 ? ",\n" : "");
        put_slot(w, p, peer, peer->view.slots[i], to, now);
    }
    for (size_t i = 0; i < peer->tracks_n; i++) {
        sl_text_put(w, i + peer->view.n > 0 ? ",\n" : "");
        put_track(w, p, peer->tracks[i], now);
    }
}

static void put_peer(struct wr *w, const struct plane *p, const struct peer *peer,
                     usec now)
{
    sl_text_put(w, "{\"id\":\"%" PRIx64 "\",\"room\":\"%s\",\"role\":\"%s\",\"up\":%s",
                peer->transport, peer->room->name,
                peer->tracks_n > 0 ? "publisher" : "viewer", peer->up ? "true" : "false");
    put_path(w, p, peer->transport);
    if (peer->max_bps > 0)
        sl_text_put(w, ",\"max_bps\":%" PRIu32, peer->max_bps);
    sl_text_put(w, ",\"joined_ms\":%" PRId64, (int64_t)((now - peer->since) / MSEC(1)));
}

bool sl_explain_transport(const struct plane *p, const struct rooms *r, uint64_t id,
                          usec now, struct wr *w)
{
    const struct peer *peer = sl_rooms_of_transport(r, id);
    if (!peer)
        return false;
    put_peer(w, p, peer, now);
    sl_text_put(w, ",\"tracks\":[\n");
    sl_explain_tracks(p, peer, EXPLAIN_TO_OPERATOR, now, w);
    sl_text_put(w, "\n]}\n");
    return true;
}

void sl_explain_all(const struct plane *p, const struct rooms *r, usec now, struct wr *w)
{
    bool first = true;
    sl_text_put(w, "{\"transports\":[\n");
    for (const struct peer *peer = NULL; (peer = sl_rooms_next(r, peer));) {
        if (w->cap - w->n < ENTRY_MAX)
            break;
        sl_text_put(w, first ? "" : ",\n");
        first = false;
        put_peer(w, p, peer, now);
        sl_text_put(w, "}");
    }
    sl_text_put(w, "\n]}\n");
}

bool sl_explain_id(struct span text, uint64_t *ret)
{
    char digits[17] = "";
    char *end;
    if (text.n == 0 || text.n >= sizeof digits)
        return false;
    memcpy(digits, text.p, text.n);
    *ret = strtoull(digits, &end, 16);
    return *end == '\0' && digits[0] != '-' && digits[0] != '+';
}

bool sl_explain_asked(const struct plane *p, const struct rooms *r, struct span id,
                      usec now, struct wr *w)
{
    uint64_t n;
    if (id.n > 0)
        return sl_explain_id(id, &n) && sl_explain_transport(p, r, n, now, w);
    sl_explain_all(p, r, now, w);
    return true;
}
