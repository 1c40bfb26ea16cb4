#pragma once

/*
 * What was negotiated, in a line of text that a test can hold against another:
 *
 *   0 recv: opus=111t red/6f=63 | mid=4 level=1 | :1028699932
 *   1 recv: VP8=96+97npftr | mid=4 rid=10 | q h:12+13
 *   bad-kind
 *
 * mid and direction; codecs as name/profile=pt+rtx with n(ack) p(li) f(ir) t(wcc) r(emb);
 * extensions; encodings as rid:ssrc+rtx. A rejected section is its code.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"

#include "room/negotiate.h"

__attribute__((format(printf, 2, 3))) static inline void say(struct wr *w,
                                                             const char *fmt, ...)
{
    char buf[128];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    wr_str(w, buf);
}

static inline void say_codec(struct wr *w, const struct rtp_codec *c)
{
    say(w, " %s", sl_codec_name(c->codec));
    if (c->profile != 0)
        say(w, "/%" PRIx32, c->profile);
    say(w, "=%u", c->pt);
    if (c->rtx_pt != PT_NONE)
        say(w, "+%u", c->rtx_pt);
    say(w, "%s%s%s%s%s", c->nack ? "n" : "", c->pli ? "p" : "", c->fir ? "f" : "",
        c->twcc ? "t" : "", c->remb ? "r" : "");
}

static inline void say_encoding(struct wr *w, const struct rtp_encoding *e)
{
    say(w, " %s", e->rid);
    if (e->ssrc != 0)
        say(w, ":%" PRIu32, e->ssrc);
    if (e->rtx_ssrc != 0)
        say(w, "+%" PRIu32, e->rtx_ssrc);
}

static inline void say_section(struct wr *w, const struct negotiated_section *s)
{
    static const char *const exts[EXTS] = {
        [EXT_NONE] = "none",
        [EXT_MID] = "mid",
        [EXT_RID] = "rid",
        [EXT_REPAIRED_RID] = "rrid",
        [EXT_TWCC] = "twcc",
        [EXT_ABS_SEND_TIME] = "time",
        [EXT_AUDIO_LEVEL] = "level",
        [EXT_ORIENTATION] = "orientation",
        [EXT_PLAYOUT_DELAY] = "delay",
        [EXT_CONTENT_TYPE] = "content",
        [EXT_COLOR_SPACE] = "color",
        [EXT_DEPENDENCY] = "dd",
        [EXT_LAYERS_ALLOCATION] = "vla",
        [EXT_ABS_CAPTURE_TIME] = "capture",
    };
    static const char *const directions[] = {
        [SDP_INACTIVE] = "inactive", [SDP_SENDONLY] = "send", [SDP_RECVONLY] = "recv"};
    if (s->why != NEGOTIATE_OK) {
        say(w, "%s\n", sl_negotiate_code(s->why));
        return;
    }
    say(w, "%s %s:", s->params.mid, directions[s->direction]);
    for (size_t i = 0; i < s->params.codecs_n; i++)
        say_codec(w, &s->params.codecs[i]);
    say(w, " |");
    for (int e = 0; e < EXTS; e++)
        if (s->params.ext_id[e] != 0)
            say(w, " %s=%u", exts[e], s->params.ext_id[e]);
    if (s->direction == SDP_RECVONLY) {
        say(w, " |");
        for (size_t i = 0; i < s->receive.encodings_n; i++)
            say_encoding(w, &s->receive.encodings[i]);
    }
    say(w, "\n");
}

static inline void say_negotiated(struct wr *w, const struct negotiated *n)
{
    for (size_t i = 0; i < n->sections_n; i++)
        say_section(w, &n->sections[i]);
}
