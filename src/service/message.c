#include "service/message.h"

#include <stdlib.h>
#include <string.h>

#include "api/rtcd_msg.h"

/* What carries a state, a description or a candidate. */
static const enum rtcd_rtc rtc_of[] = {
    [SLUICE_SDP] = RTCD_RTC_SDP,
    [SLUICE_ICE] = RTCD_RTC_ICE,
    [SLUICE_MUTE] = RTCD_RTC_MUTE,
    [SLUICE_UNMUTE] = RTCD_RTC_UNMUTE,
    [SLUICE_SCREEN_ON] = RTCD_RTC_SCREEN_ON,
    [SLUICE_SCREEN_OFF] = RTCD_RTC_SCREEN_OFF,
    [SLUICE_VIDEO_ON] = RTCD_RTC_VIDEO_ON,
    [SLUICE_VIDEO_OFF] = RTCD_RTC_VIDEO_OFF,
    [SLUICE_VOICE_ON] = RTCD_RTC_VOICE_ON,
    [SLUICE_VOICE_OFF] = RTCD_RTC_VOICE_OFF,
};
enum { RTC_OF = sizeof rtc_of / sizeof rtc_of[0] };

/* ---- writing ---- */

static struct span text_of(const char *s)
{
    return s ? span_of(s) : (struct span){0};
}

static bool fits(const char *s)
{
    return !s || strnlen(s, SLUICE_ID_MAX + 1) <= SLUICE_ID_MAX;
}

static void write_join(struct wr *w, const struct sluice_message *m)
{
    const struct rtcd_msg j = {.call = text_of(m->call),
                               .user = text_of(m->user),
                               .session = text_of(m->session),
                               .channel = text_of(m->channel),
                               .av1 = m->av1 ? RTCD_TRUE : RTCD_FALSE,
                               .dc_signaling = m->dc_signaling ? RTCD_TRUE : RTCD_FALSE};
    sl_rtcd_msg_write_join(w, &j);
}

enum err sl_message_write(struct wr *w, const struct sluice_message *m)
{
    size_t begun = w->n;
    if (!m->session || !fits(m->session) || !fits(m->call) || !fits(m->user) ||
        !fits(m->channel) || (!m->data && m->data_n > 0))
        return E_MALFORMED;
    switch (m->type) {
    case SLUICE_JOIN: write_join(w, m); break;
    case SLUICE_LEAVE:
        sl_rtcd_msg_write_about(w, RTCD_MSG_LEAVE, span_of(m->session));
        break;
    case SLUICE_RECONNECT:
        sl_rtcd_msg_write_about(w, RTCD_MSG_RECONNECT, span_of(m->session));
        break;
    case SLUICE_SDP:
    case SLUICE_ICE:
    case SLUICE_MUTE:
    case SLUICE_UNMUTE:
    case SLUICE_SCREEN_ON:
    case SLUICE_SCREEN_OFF:
    case SLUICE_VIDEO_ON:
    case SLUICE_VIDEO_OFF: {
        const struct rtcd_rtc_msg r = {
            .session = span_of(m->session),
            .type = rtc_of[m->type],
            .data = {(const uint8_t *)m->data, m->data_n},
        };
        sl_rtcd_msg_write_rtc(w, &r);
        break;
    }
    case SLUICE_HELLO:
    case SLUICE_CLOSED:
    case SLUICE_VOICE_ON:
    case SLUICE_VOICE_OFF: return E_MALFORMED;
    }
    return w->bad ? E_FULL : w->n > begun ? E_OK : E_MALFORMED;
}

enum sluice_err sl_message_give(const struct sluice_message *m,
                                enum err (*put)(void *ctx, struct span message),
                                void *ctx)
{
    if (m->data_n > MESSAGE_MAX - MESSAGE_OVERHEAD_MAX)
        return SLUICE_REFUSED;
    size_t n = m->data_n + MESSAGE_OVERHEAD_MAX;
    uint8_t *p = malloc(n);
    if (!p)
        return SLUICE_MEMORY;
    struct wr w = wr_of(p, n);
    enum err e = sl_message_write(&w, m);
    e = e ? e : put(ctx, wr_done(&w));
    free(p);
    return e == E_OK       ? SLUICE_OK
           : e == E_MEMORY ? SLUICE_MEMORY
           : e == E_FULL   ? SLUICE_FULL
                           : SLUICE_REFUSED;
}

/* ---- reading ---- */

static const char *copy(char ret[SLUICE_ID_MAX + 1], struct span s)
{
    size_t n = 0;
    for (; n < s.n && n < SLUICE_ID_MAX; n++)
        ret[n] = (char)s.p[n];
    ret[n] = '\0';
    return ret;
}

static enum err type_of(const struct rtcd_msg *m, enum sluice_type *ret)
{
    if (m->type == RTCD_MSG_HELLO) {
        *ret = SLUICE_HELLO;
        return E_OK;
    }
    if (m->type == RTCD_MSG_CLOSE) {
        *ret = SLUICE_CLOSED;
        return E_OK;
    }
    for (int i = 0; i < RTC_OF; i++)
        if (m->rtc != RTCD_RTC_NONE && rtc_of[i] == m->rtc &&
            (m->type == RTCD_MSG_RTC || m->type == RTCD_MSG_VAD)) {
            *ret = (enum sluice_type)i;
            return E_OK;
        }
    return E_UNSUPPORTED;
}

enum err sl_message_read(struct span in, struct message *ret)
{
    struct rtcd_msg m = {0};
    enum sluice_type type = SLUICE_HELLO;
    enum err e = sl_rtcd_msg_read(in, &m);
    e = e ? e : type_of(&m, &type);
    if (e)
        return e;
    ret->m = (struct sluice_message){.type = type,
                                     .call = copy(ret->call, m.call),
                                     .user = copy(ret->user, m.user),
                                     .session = copy(ret->session, m.session),
                                     .channel = "",
                                     .data = (const char *)m.data.p,
                                     .data_n = m.data.n};
    return E_OK;
}
