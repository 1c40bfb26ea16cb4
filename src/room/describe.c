#include "room/describe.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/word.h"

#include "proto/sdpwrite.h"
#include "room/answer.h"

static void put(struct wr *w, struct sdp_line line)
{
    sl_sdp_line_write(w, &line);
}

static void put_session(struct wr *w, const struct describe *d)
{
    char origin[96];
    (void)snprintf(origin, sizeof origin,
                   "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1\r\n", d->session,
                   d->version);
    wr_str(w, origin);
    wr_str(w, "s=-\r\nt=0 0\r\na=group:BUNDLE");
    for (size_t i = 0; i < d->sections_n; i++)
        if (!d->sections[i].stopped) {
            wr_u8(w, ' ');
            wr_str(w, d->sections[i].mid);
        }
    wr_str(w, "\r\n");
    if (!d->local->full)
        put(w, (struct sdp_line){.kind = SDP_ICE_LITE});
    sl_answer_text(w, SDP_ICE_OPTIONS, span_of("trickle ice2"));
    put(w, (struct sdp_line){.kind = SDP_EXTMAP_MIXED});
}

static const char *media_of(enum sdp_type type)
{
    return type == SDP_APPLICATION ? "application"
           : type == SDP_VIDEO     ? "video"
                                   : "audio";
}

static void put_media(struct wr *w, const struct describe *d,
                      const struct describe_section *s)
{
    wr_str(w, "m=");
    wr_str(w, media_of(s->type));
    wr_str(w, s->stopped ? " 0 " : " 9 ");
    if (s->type == SDP_APPLICATION) {
        wr_str(w, "UDP/DTLS/SCTP webrtc-datachannel");
    } else {
        wr_str(w, "UDP/TLS/RTP/SAVPF ");
        if (s->stopped)
            wr_str(w, "0");
        else
            sl_codecs_formats(d->codecs, s->type == SDP_VIDEO ? MEDIA_VIDEO : MEDIA_AUDIO,
                              w);
    }
    wr_str(w, "\r\nc=IN IP4 0.0.0.0\r\n");
    /* A browser takes a description that does not say it again for one without a ceiling. */
    if (!s->stopped && s->direction & SDP_RECVONLY)
        sl_answer_ceiling(w, s->type == SDP_VIDEO ? MEDIA_VIDEO : MEDIA_AUDIO,
                          d->max_bps);
    if (s->mid[0] != '\0') /* one that was refused may have none */
        sl_answer_text(w, SDP_MID, span_of(s->mid));
}

/* RFC 8853 §5.1: what a section of the peer's sends stays as it was agreed. */
static void put_simulcast(struct wr *w, const char *layers)
{
    struct span rest = span_of(layers);
    while (rest.n > 0)
        put(w, (struct sdp_line){.kind = SDP_RID,
                                 .rid = {.id = word_cut(&rest, ';'), .recv = true}});
    if (layers[0] != '\0')
        put(w, (struct sdp_line){.kind = SDP_SIMULCAST,
                                 .simulcast = {.recv = span_of(layers)}});
}

static void put_section(struct wr *w, const struct describe *d,
                        const struct describe_section *s, bool tagged)
{
    put_media(w, d, s);
    if (s->stopped) {
        put(w, (struct sdp_line){.kind = SDP_DIRECTION, .direction = SDP_INACTIVE});
        return;
    }
    sl_answer_transport(w, d->local, d->passive ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTPASS);
    if (tagged)
        sl_answer_candidates(w, d->local);
    if (s->type == SDP_APPLICATION) {
        put(w, (struct sdp_line){.kind = SDP_SCTP_PORT, .number = MEDIA_DATA_PORT});
        put(w, (struct sdp_line){.kind = SDP_MAX_MESSAGE_SIZE,
                                 .number = MEDIA_DATA_LONGEST});
        return;
    }
    enum media_kind kind = s->type == SDP_VIDEO ? MEDIA_VIDEO : MEDIA_AUDIO;
    put(w, (struct sdp_line){.kind = SDP_DIRECTION, .direction = s->direction});
    put(w, (struct sdp_line){.kind = SDP_RTCP_MUX});
    put(w, (struct sdp_line){.kind = SDP_RTCP_RSIZE});
    sl_codecs_write(d->codecs, kind, w);
    if (s->direction & SDP_RECVONLY)
        put_simulcast(w, s->simulcast);
    if (s->direction & SDP_SENDONLY)
        sl_answer_streams(
            w, s->slot, sl_codecs_rtx(d->codecs, kind) ? s->slot->rtx_ssrc : 0, d->cname);
}

void sl_describe(struct wr *w, const struct describe *d)
{
    size_t tagged = 0;
    while (tagged < d->sections_n && d->sections[tagged].stopped)
        tagged++;
    put_session(w, d);
    for (size_t i = 0; i < d->sections_n; i++)
        put_section(w, d, &d->sections[i], i == tagged);
}
