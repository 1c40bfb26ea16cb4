#include "api/layer.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"

enum { SSE_RETRY_MS = 2000 };

void sl_layer_link(struct reply *r, const struct peer *p)
{
    sl_reply_field(r, "Link",
                   "</session/%s/layer>; rel=\"" LAYER_REL "\", "
                   "</session/%s/events>; rel=\"" EVENT_REL "\"; events=\"layers\"",
                   p->key, p->key);
}

/* ---- what is wanted ---- */

static const struct slot *slot_of(const struct peer *p, struct span mid)
{
    for (size_t i = 0; i < p->view.n; i++) {
        const struct slot *s = p->view.slots[i];
        if (mid.n > 0 ? span_is(mid, s->params.mid) : s->params.kind == MEDIA_VIDEO)
            return s;
    }
    return NULL;
}

/* A whole number from 0 to max. False: it is something else. Absent or null is `none`. */
static bool number(const json_t *in, const char *name, unsigned max, unsigned none,
                   unsigned *ret)
{
    const json_t *v = json_object_get(in, name);
    *ret = none;
    if (!v || json_is_null(v))
        return true;
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
        return false;
    *ret = (unsigned)json_integer_value(v);
    return true;
}

/* How many layers: by the highest, which the drafts write in two ways. */
static bool layers(const json_t *in, const char *exact, const char *most, uint8_t *ret)
{
    unsigned a, b;
    if (!number(in, exact, UINT8_MAX - 1, UINT8_MAX, &a) ||
        !number(in, most, UINT8_MAX - 1, UINT8_MAX, &b))
        return false;
    unsigned least = a < b ? a : b;
    *ret = least == UINT8_MAX ? 0 : (uint8_t)(least + 1);
    return true;
}

/* An encoding by its rid; one that the track does not have is an error. */
static bool encoding(const json_t *in, const struct track *track, uint8_t *ret)
{
    const json_t *v = json_object_get(in, "encodingId");
    *ret = 0;
    if (!v || json_is_null(v))
        return true;
    for (uint8_t i = 0; json_is_string(v) && track && i < track->encodings_n; i++)
        if (strcmp(track->rids[i], json_string_value(v)) == 0) {
            *ret = (uint8_t)(i + 1);
            return true;
        }
    return false;
}

/* The name of the member at fault; NULL: none is. */
static const char *read_wish(const json_t *in, const struct track *track,
                             struct rtp_wish *ret)
{
    struct rtp_wish w = {0};
    unsigned width, height, fps, priority;
    const json_t *paused = json_object_get(in, "paused");
    if (!encoding(in, track, &w.encoding))
        return "encodingId";
    if (!layers(in, "spatialLayerId", "maxSpatialLayerId", &w.spatials))
        return "maxSpatialLayerId";
    if (!layers(in, "temporalLayerId", "maxTemporalLayerId", &w.temporals))
        return "maxTemporalLayerId";
    if (!number(in, "maxWidth", UINT16_MAX, 0, &width))
        return "maxWidth";
    if (!number(in, "maxHeight", UINT16_MAX, 0, &height))
        return "maxHeight";
    if (!number(in, "maxFramerate", UINT8_MAX, 0, &fps))
        return "maxFramerate";
    if (!number(in, "priority", UINT8_MAX, 0, &priority))
        return "priority";
    if (paused && !json_is_boolean(paused))
        return "paused";
    w.width = (uint16_t)width;
    w.height = (uint16_t)height;
    w.fps = (uint8_t)fps;
    w.priority = (uint8_t)priority;
    w.paused = json_is_true(paused);
    *ret = w;
    return NULL;
}

static void take_wish(struct ask *a, struct peer *p, const json_t *in)
{
    const json_t *id = json_object_get(in, "mediaId");
    struct span mid = {0};
    struct rtp_wish wish;
    json_type type = id ? json_typeof(id) : JSON_NULL;
    if (type == JSON_STRING)
        mid = span_of(json_string_value(id));
    const struct slot *slot = slot_of(p, mid);
    const char *fault = !slot || (type != JSON_STRING && type != JSON_NULL)
                            ? "mediaId"
                            : read_wish(in, slot->track, &wish);
    if (!fault && sl_rooms_wish(p, mid, &wish) != E_OK)
        fault = "mediaId";
    if (fault)
        sl_ask_refuse(a, PROBLEM_REQUEST, NULL, fault);
    else
        a->reply.status = 204;
}

static void post(struct ask *a, struct peer *p)
{
    if (!sl_ask_sends(a, "application/json") || !sl_ask_within(a, a->face->conf.changes))
        return;
    json_t *in = json_loadb((const char *)a->req->body.p, a->req->body.n,
                            JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(in))
        take_wish(a, p, in);
    else
        sl_ask_refuse(a, PROBLEM_REQUEST, NULL, "not a JSON object");
    json_decref(in);
}

/* ---- and what is sent ---- */

/* NULL: it has answered. */
static struct peer *viewer(struct ask *a)
{
    struct peer *p = sl_rooms_peer(a->face->conf.rooms, a->key);
    if (!p || p->view.n == 0) {
        sl_ask_refuse(a, PROBLEM_SESSION, NULL, "");
        return NULL;
    }
    return p;
}

static void write_tracks(struct ask *a, const struct peer *p)
{
    const struct face_conf *c = &a->face->conf;
    wr_str(&a->reply.body, "{\"tracks\":[");
    if (c->explain)
        c->explain(c->explain_ctx, p, &a->reply.body);
    wr_str(&a->reply.body, "]}");
}

void sl_layer_answer(struct ask *a)
{
    struct peer *p = viewer(a);
    if (!p)
        return;
    if (a->req->method == HTTP_POST) {
        post(a, p);
        return;
    }
    write_tracks(a, p);
    a->reply.status = 200;
    sl_reply_field(&a->reply, "Content-Type", "application/json");
}

/* {"1":{"layers":[{"encodingId":"h"}, ...]}}, for each m-section of video that plays. */
static void write_layers(struct wr *w, const struct peer *p)
{
    bool first = true;
    wr_str(w, "{");
    for (size_t i = 0; i < p->view.n; i++) {
        const struct slot *s = p->view.slots[i];
        if (!s->track || s->params.kind != MEDIA_VIDEO)
            continue;
        wr_str(w, first ? "" : ",");
        sl_json_write(w, span_of(s->params.mid));
        wr_str(w, ":{\"layers\":[");
        for (uint8_t k = 0; k < s->track->encodings_n; k++) {
            wr_str(w, k > 0 ? ",{\"encodingId\":" : "{\"encodingId\":");
            sl_json_write(w, span_of(s->track->rids[k]));
            wr_str(w, "}");
        }
        wr_str(w, "]}");
        first = false;
    }
    wr_str(w, "}");
}

void sl_layer_events(struct ask *a)
{
    char retry[32];
    const struct peer *p = viewer(a);
    if (!p || !sl_ask_accepts(a, "text/event-stream"))
        return;
    (void)snprintf(retry, sizeof retry, "retry: %d\n", SSE_RETRY_MS);
    wr_str(&a->reply.body, retry);
    wr_str(&a->reply.body, "event: layers\ndata: ");
    write_layers(&a->reply.body, p);
    wr_str(&a->reply.body, "\n\n");
    a->reply.status = 200;
    sl_reply_field(&a->reply, "Content-Type", "text/event-stream");
    sl_reply_field(&a->reply, "Cache-Control", "no-store");
}
