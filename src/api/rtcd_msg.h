#pragma once

/*
 * The messages of rtcd's WebSocket: two values of MessagePack one behind the other, the name of
 * the message and what it carries. Read and written; values only.
 */

#include "base/msgpack.h"

enum rtcd_msg_type {
    RTCD_MSG_UNKNOWN,
    RTCD_MSG_JOIN,
    RTCD_MSG_LEAVE,
    RTCD_MSG_RECONNECT,
    RTCD_MSG_RTC,   /* both ways */
    RTCD_MSG_HELLO, /* to clients only, as those below */
    RTCD_MSG_CLOSE,
    RTCD_MSG_VAD,
    RTCD_MSG_TYPES
};

const char *sl_rtcd_msg_name(enum rtcd_msg_type type); /* "join"; "" for UNKNOWN */

/* Of RTCD_MSG_RTC, and of "vad" the other way. */
enum rtcd_rtc {
    RTCD_RTC_NONE,
    RTCD_RTC_ICE,
    RTCD_RTC_SDP,
    RTCD_RTC_MUTE,
    RTCD_RTC_UNMUTE,
    RTCD_RTC_SCREEN_ON,
    RTCD_RTC_SCREEN_OFF,
    RTCD_RTC_VOICE_ON,
    RTCD_RTC_VOICE_OFF,
    RTCD_RTC_VIDEO_ON,
    RTCD_RTC_VIDEO_OFF,
    RTCD_RTC_TYPES
};

enum rtcd_truth { RTCD_ABSENT, RTCD_FALSE, RTCD_TRUE };

/* Spans point into the message, and are without p where it does not say them. */
struct rtcd_msg {
    enum rtcd_msg_type type;
    struct span name; /* of the type */
    struct span call, user, session, channel;
    enum rtcd_truth av1, dc_signaling;
    enum rtcd_rtc rtc; /* NONE: no type that there is */
    struct span data;
};

/* Values of another type than they should be are as absent, keys that nobody knows are skipped,
 * and what follows the second value is not looked at. E_MALFORMED, E_SHORT: no message. */
MUST_USE enum err sl_rtcd_msg_read(struct span in, struct rtcd_msg *ret);

/* What a client sends: a join, of which call, user, session and channel are written as far as
 * they are there, and the truths; and what names a session and no more. */
void sl_rtcd_msg_write_join(struct wr *w, const struct rtcd_msg *m);
void sl_rtcd_msg_write_about(struct wr *w, enum rtcd_msg_type type, struct span session);

/* A message about a session, of either side's WebSocket. */
struct rtcd_rtc_msg {
    struct span group, user, session, call;
    enum rtcd_rtc type;
    struct span data; /* empty: none */
};

void sl_rtcd_msg_write_hello(struct wr *w, struct span client, struct span conn);
void sl_rtcd_msg_write_close(struct wr *w, struct span session);
/* As "vad" for voice, else as "rtc". */
void sl_rtcd_msg_write_rtc(struct wr *w, const struct rtcd_rtc_msg *m);
