#include "service/object_json.h"

#include <inttypes.h>

#include "base/text.h"

#include "media/allocate.h"
#include "proto/params.h"

#define put sl_text_put

static void put_flag(struct wr *w, const char *name, bool is)
{
    put(w, ",\"%s\":%s", name, is ? "true" : "false");
}

static void put_ms(struct wr *w, const char *name, usec t)
{
    put(w, ",\"%s\":%.1f", name, (double)t / (double)MSEC(1));
}

/* The same with null for what is not known. */
static void put_known(struct wr *w, const char *name, bool known, uint64_t v)
{
    if (known)
        put(w, ",\"%s\":%" PRIu64, name, v);
    else
        put(w, ",\"%s\":null", name);
}

/* How long packets were inside, since the beginning. */
static void put_delay(struct wr *w, const struct histogram *h)
{
    static const struct {
        const char *name;
        double part;
    } at[] = {{"delay_p50_us", 0.5}, {"delay_p99_us", 0.99}, {"delay_p999_us", 0.999}};
    bool known = histogram_count(h) > 0;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        put_known(w, at[i].name, known, (uint64_t)sl_histogram_at(h, at[i].part));
}

static size_t length(const struct list *l)
{
    size_t n = 0;
    for (const struct list *at = l->next; at != l; at = at->next)
        n++;
    return n;
}

void sl_object_worker(struct wr *w, unsigned number, uint64_t routers,
                      const struct worker_stats *s)
{
    const struct shard_stats *m = &s->shard;
    put(w, "{\"worker\":%u,\"routers_n\":%" PRIu64 ",\"transports_n\":%" PRIu64, number,
        routers, m->transports);
    put(w, ",\"producers_n\":%" PRIu64 ",\"consumers_n\":%" PRIu64, m->producers,
        m->consumers);
    put(w, ",\"cpu_ms\":%" PRIu64 ",\"buffers_used\":%" PRIu64, s->cpu_ns / 1000000,
        s->packets_used);
    put(w, ",\"packets_received\":%" PRIu64 ",\"bytes_received\":%" PRIu64, m->rtp,
        m->rtp_bytes);
    put(w, ",\"packets_forwarded\":%" PRIu64 ",\"bytes_forwarded\":%" PRIu64,
        m->forwarded, m->forwarded_bytes);
    put(w, ",\"packets_retransmitted\":%" PRIu64 ",\"nacks_received\":%" PRIu64,
        m->retransmitted, m->nacks_received);
    put(w, ",\"nacks_sent\":%" PRIu64 ",\"packets_recovered\":%" PRIu64, m->nacks_sent,
        m->recovered);
    put(w, ",\"keyframes_asked\":%" PRIu64 ",\"keyframes_requested\":%" PRIu64,
        m->keyreqs_sent, m->keyreqs_received);
    put(w, ",\"packets_piped_out\":%" PRIu64 ",\"packets_piped_in\":%" PRIu64, m->piped,
        m->piped_in);
    put_delay(w, &m->delay);
    put(w, "}");
}

static void put_room(struct wr *w, const struct room *room)
{
    struct span tenant = sl_room_tenant(room), name = sl_room_name(room);
    put(w, "\"tenant\":\"%.*s\",\"room\":\"%.*s\"", (int)tenant.n, (const char *)tenant.p,
        (int)name.n, (const char *)name.p);
}

void sl_object_router(struct wr *w, const struct router_view *v)
{
    put(w, "{\"worker\":%u,", v->worker);
    put_room(w, v->room);
    put(w, ",\"transports_n\":%" PRIu64 ",\"producers_n\":%" PRIu64, v->transports,
        v->producers);
    put(w, ",\"consumers_n\":%" PRIu64 ",\"pipes_n\":%" PRIu64 "}", v->consumers,
        v->pipes);
}

static void put_remote(struct wr *w, const struct look_transport *l)
{
    static const struct addr nowhere;
    char text[ADDR_TEXT_MAX];
    if (addr_eq(&l->remote, &nowhere))
        put(w, ",\"remote\":null,\"protocol\":null");
    else
        put(w, ",\"remote\":\"%s\",\"protocol\":\"%s\"", sl_addr_text(&l->remote, text),
            l->stream ? "tcp" : "udp");
}

void sl_object_transport(struct wr *w, const struct pl_transport *t,
                         const struct peer *peer, const struct look_transport *l)
{
    bool path = t->path.cause != NULL;
    put(w, "{\"transport\":\"%016" PRIx64 "\"", t->id);
    put_known(w, "worker", pl_owned(t), t->owner);
    if (peer) {
        put(w, ",");
        put_room(w, peer->room);
    } else {
        put(w, ",\"tenant\":null,\"room\":null");
    }
    if (peer && peer->who)
        put(w, ",\"peer\":\"%s\"", peer->who->id);
    else
        put(w, ",\"peer\":null");
    put(w, ",\"state\":\"%s\"",
        !pl_owned(t)  ? "new"
        : l->sendable ? "connected"
                      : "disconnected");
    put_remote(w, l);
    put(w, ",\"paths\":%" PRIu32 ",\"producers_n\":%zu,\"consumers_n\":%zu", l->paths,
        length(&t->producers), length(&t->consumers));
    put(w, ",\"packets_received\":%" PRIu64 ",\"bytes_received\":%" PRIu64, l->packets_in,
        l->octets_in);
    put(w, ",\"packets_sent\":%" PRIu64 ",\"bytes_sent\":%" PRIu64, l->packets_out,
        l->octets_out);
    put_known(w, "estimate_bps", path, t->path.bps);
    put_known(w, "max_bps", t->ceiling_bps > 0, t->ceiling_bps);
    put(w, "}");
}

static void put_encodings(struct wr *w, const struct pl_producer *pr,
                          const struct look_producer *l)
{
    put(w, ",\"encodings\":[");
    for (uint8_t i = 0; i < l->encodings_n && i < pr->receive.encodings_n; i++) {
        const struct look_encoding *e = &l->encodings[i];
        put(w, "%s{\"rid\":", i > 0 ? "," : "");
        sl_json_write(w, span_of(pr->receive.encodings[i].rid));
        put_known(w, "ssrc", e->ssrc != 0, e->ssrc);
        put_known(w, "rtx_ssrc", e->rtx_ssrc != 0, e->rtx_ssrc);
        put(w, ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"packets_lost\":%" PRId64,
            e->packets, e->octets, e->lost);
        put(w, ",\"packets_nacked\":%" PRIu64 ",\"packets_recovered\":%" PRIu64, e->asked,
            e->found);
        put(w, ",\"bps\":%" PRIu32, e->bps);
        put_ms(w, "jitter_ms", e->jitter);
        put_known(w, "silent_ms", e->silent != USEC_NEVER,
                  (uint64_t)(e->silent / MSEC(1)));
        put_known(w, "resumed_ms", e->resumed > 0, (uint64_t)(e->resumed / MSEC(1)));
        put(w, "}");
    }
    put(w, "]");
}

static const char *kind_of(const struct rtp_params *p)
{
    return p->kind == MEDIA_VIDEO ? "video" : "audio";
}

static const struct track *track_of(const struct peer *peer, uint64_t producer)
{
    for (size_t i = 0; peer && i < peer->tracks_n; i++)
        if (peer->tracks[i]->producer == producer)
            return peer->tracks[i];
    return NULL;
}

static void put_codecs(struct wr *w, const struct rtp_params *p)
{
    put(w, ",\"codecs\":[");
    for (uint8_t i = 0; i < p->codecs_n; i++)
        put(w, "%s\"%s\"", i > 0 ? "," : "", sl_codec_name(p->codecs[i].codec));
    put(w, "]");
}

void sl_object_producer(struct wr *w, const struct pl_producer *pr,
                        const struct peer *peer, const struct look_producer *l)
{
    const struct track *t = track_of(peer, pr->id);
    bool more = false;
    put(w, "{\"producer\":\"%016" PRIx64 "\",\"transport\":\"%016" PRIx64 "\"", pr->id,
        pr->transport->id);
    put(w, ",\"kind\":\"%s\",\"source\":\"%s\"", kind_of(&pr->receive.params),
        t ? t->source : "");
    put_flag(w, "paused", t && t->muted);
    put_codecs(w, &pr->receive.params);
    put(w, ",\"consumers_n\":%zu,\"pipes\":[", length(&pr->consumers));
    for (unsigned i = 0; i < SHARD_WORKERS_MAX; i++)
        if (pr->piped[i] > 0) {
            put(w, "%s%u", more ? "," : "", i);
            more = true;
        }
    put(w, "]");
    put_encodings(w, pr, l);
    put(w, "}");
}

void sl_object_pipe(struct wr *w, const struct pl_producer *pr, unsigned to,
                    const struct look_producer *l)
{
    put(w, "{\"producer\":\"%016" PRIx64 "\",\"from\":%u,\"to\":%u,\"kind\":\"%s\"",
        pr->id, pr->transport->owner, to, kind_of(&pr->receive.params));
    put(w, ",\"consumers_n\":%" PRIu32, l->consumers);
    put_encodings(w, pr, l);
    put(w, "}");
}

static void put_sent(struct wr *w, const struct pl_consumer *c, const char *silence)
{
    const struct mail_share *s = &c->share.now;
    bool known = c->source && c->told;
    bool sent = known && s->sent.encoding < PARAMS_ENCODINGS_MAX;
    put_known(w, "encoding", sent, s->sent.encoding);
    put_known(w, "spatial", sent, s->sent.spatial);
    put_known(w, "temporal", sent, s->sent.temporal);
    put(w, ",\"cause\":\"%s\",\"bps\":%" PRIu32,
        silence ? silence
                : sl_allocate_cause_name(known ? (enum allocate_cause)s->cause
                                               : ALLOCATE_NOT_PUBLISHED),
        known ? s->bps : 0);
    put(w, ",\"loss\":%.3f", known ? s->lost / 256.0 : 0.0);
    put_known(w, "rtt_ms", known && s->rtt_ms > 0, s->rtt_ms);
}

void sl_object_consumer(struct wr *w, const struct pl_consumer *c,
                        const struct slot *slot, const struct look_consumer *l)
{
    put(w, "{\"consumer\":\"%016" PRIx64 "\",\"transport\":\"%016" PRIx64 "\"", c->id,
        c->transport->id);
    if (c->source)
        put(w, ",\"producer\":\"%016" PRIx64 "\"", c->source->id);
    else
        put(w, ",\"producer\":null");
    put(w, ",\"kind\":\"%s\",\"mid\":", kind_of(&c->send.params));
    sl_json_write(w, span_of(c->send.params.mid));
    put(w, ",\"ssrc\":%" PRIu32, c->send.ssrc);
    put_known(w, "rtx_ssrc", c->send.rtx_ssrc != 0, c->send.rtx_ssrc);
    put_flag(w, "paused", c->wish.paused);
    put_flag(w, "waits_for_keyframe", l->waits);
    put(w, ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"packets_lost\":%" PRId32,
        l->packets, l->octets, l->lost);
    put_sent(w, c, slot ? sl_tracks_silence(slot) : NULL);
    put(w, "}");
}
