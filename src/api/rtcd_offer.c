#include "api/rtcd_offer.h"

#include <jansson.h>
#include <stdlib.h>

/* To be freed; NULL: no memory. */
static char *describe(const char *type, struct span sdp)
{
    json_t *o = json_object();
    json_t *text = json_stringn((const char *)sdp.p, sdp.n);
    (void)json_object_set_new(o, "type", json_string(type));
    (void)json_object_set_new(o, "sdp", text);
    char *json = o && text ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return json;
}

enum err sl_rtcd_offer_answer(const struct rtcd_offer *o, struct span sdp,
                              bool by_channel)
{
    char *json = describe("answer", sdp);
    if (!json)
        return E_MEMORY;
    if (!by_channel || sl_rtcd_line_sdp(o->lines, o->line, span_of(json)) != E_OK)
        sl_rtcd_calls_tell(o->calls, o->tracks->session, RTCD_RTC_SDP, span_of(json));
    free(json);
    return E_OK;
}

static enum err tell_map(const struct rtcd_offer *o)
{
    struct rtcd_dc_track tracks[DIALOG_SECTIONS_MAX];
    const struct peer *p = o->tracks->peer;
    size_t n = 0;
    for (size_t i = 0; i < p->view.n && n < DIALOG_SECTIONS_MAX; i++) {
        const struct slot *slot = p->view.slots[i];
        const char *mid = sl_dialog_mid(p->member->dialog, &seat_of(slot)->dialog);
        if (mid[0] != '\0')
            tracks[n++] =
                (struct rtcd_dc_track){span_of(mid), sl_rtcd_track_type(slot->track),
                                       span_of(sl_rtcd_track_sender(slot->track))};
    }
    return sl_rtcd_line_map(o->lines, o->line, tracks, n);
}

/* Never before the map, by neither way: where the channel has no room for both, both wait. */
static void tell(struct rtcd_offer *o)
{
    struct span json = span_of(o->unsaid);
    bool by_channel = o->tracks->session->dc_signaling == RTCD_TRUE;
    enum err e = tell_map(o);
    if (e != E_FULL && by_channel)
        e = sl_rtcd_line_sdp(o->lines, o->line, json);
    if (e == E_FULL)
        return;
    if (e || !by_channel)
        sl_rtcd_calls_tell(o->calls, o->tracks->session, RTCD_RTC_SDP, json);
    sl_rtcd_offer_fini(o);
}

enum err sl_rtcd_offer_tell(struct rtcd_offer *o, struct span sdp)
{
    if (o->asked) /* in vain */
        o->tracks->session->tally->errors[RTCD_ERROR_TRACK]++;
    o->asked = true;
    sl_rtcd_offer_fini(o);
    o->unsaid = describe("offer", sdp);
    if (!o->unsaid)
        return E_MEMORY;
    tell(o);
    return E_OK;
}

void sl_rtcd_offer_room(struct rtcd_offer *o)
{
    if (!o->unsaid)
        return;
    if (sl_dialog_waits(o->tracks->peer->member->dialog))
        tell(o);
    else /* it was given up, and another follows */
        sl_rtcd_offer_fini(o);
}

void sl_rtcd_offer_answered(struct rtcd_offer *o)
{
    o->asked = false;
}

void sl_rtcd_offer_fini(struct rtcd_offer *o)
{
    free(o->unsaid);
    o->unsaid = NULL;
}
