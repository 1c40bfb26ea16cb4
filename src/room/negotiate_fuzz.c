#include "room/negotiate.h"

#include "fuzz.h"

static const struct negotiate_slot slots[] = {
    {.kind = MEDIA_AUDIO, .stream = "s", .track = "a", .ssrc = 1},
    {.kind = MEDIA_VIDEO, .stream = "s", .track = "v", .ssrc = 2, .rtx_ssrc = 3},
    {.kind = MEDIA_VIDEO, .mid = "1", .stream = "s", .track = "w", .ssrc = 4},
};

/* What we accept is as the offer wants it, section for section. */
static void check(const struct sdp *offer, const struct sdp *answer,
                  const struct negotiated *n)
{
    MUST(answer->sections_n == offer->sections_n && n->sections_n == offer->sections_n);
    for (size_t i = 0; i < offer->sections_n; i++) {
        const struct sdp_section *o = &offer->sections[i], *a = &answer->sections[i];
        const struct negotiated_section *ns = &n->sections[i];
        MUST(a->type == o->type && span_eq(a->mid, o->mid));
        MUST((a->m.port == 0) == (ns->why != NEGOTIATE_OK));
        if (ns->why != NEGOTIATE_OK)
            continue;
        MUST(o->rtcp_mux && a->rtcp_mux && a->pts_n >= ns->params.codecs_n);
        MUST(ns->params.codecs_n > 0 && a->direction == ns->direction);
        MUST(ns->direction != SDP_RECVONLY || ns->receive.encodings_n > 0);
        MUST(ns->direction != SDP_SENDONLY || ns->slot < sizeof slots / sizeof slots[0]);
    }
}

/* Any offer that is accepted gets an answer that fits, and parses. */
static void negotiate(const struct sdp *offer, enum negotiate_job job)
{
    static const uint8_t sha256[32];
    static struct negotiated n;
    static uint8_t text[NEGOTIATE_ANSWER_MAX];
    struct wr w = wr_of(text, sizeof text);
    struct negotiate_conf conf = {
        .job = job,
        .local = {.ufrag = "ufrag", .pwd = "0123456789012345678901", .sha256 = sha256},
        .slots = slots,
        .slots_n = sizeof slots / sizeof slots[0],
        .cname = "c",
    };
    struct sdp *answer;
    if (sl_negotiate(offer, &conf, &n, &w) != NEGOTIATE_OK)
        return;
    MUST(!w.bad && n.active_n > 0 && n.ufrag.n > 0 && n.peer.n > 0);
    if (w.n > SDP_TEXT_MAX)
        return;
    MUST(sl_sdp_new(wr_done(&w), SDP_DESCRIPTION, NULL, &answer) == E_OK);
    check(offer, answer, &n);
    sl_sdp_free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct sdp *offer;
    if (sl_sdp_new((struct span){p, n}, SDP_DESCRIPTION, NULL, &offer) != E_OK)
        return 0;
    negotiate(offer, NEGOTIATE_PUBLISH);
    negotiate(offer, NEGOTIATE_WATCH);
    sl_sdp_free(offer);
    return 0;
}
