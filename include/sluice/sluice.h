#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H

/*
 * libsluice: the whole media server inside another process.
 *
 * sluice_start opens its sockets and runs it on threads of its own; `sluice serve` is a program
 * around these functions. What the settings say is served as the daemon does, by HTTP and
 * WebSocket; besides, the host may be a client of calls itself, by messages instead of a socket
 * (sluice_send and conf.message): a plug-in that has its own way to its users needs no port but
 * the one of media.
 *
 * Besides there is a client for the calls of a server in another process (sluice_client_connect).
 *
 * Threads: every function may be called on any thread, unless it says otherwise; callbacks come
 * on one thread of the server, which does nothing else meanwhile: return soon, and do not call
 * sluice_wait or sluice_free from there. All signals are blocked on the server's threads, and
 * none is caught; SIGPIPE is ignored in the whole process from the first start on. One server
 * runs in a process at a time.
 *
 * Text is UTF-8 and ends with a NUL. What is passed in is copied before the call returns, what
 * a callback is given is valid until it returns. Link with -lsluice (pkg-config sluice).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_API __attribute__((visibility("default")))

enum sluice_err {
    SLUICE_OK,
    SLUICE_SETTING, /* a setting is wrong, or does not fit this machine */
    SLUICE_START,   /* something could not be opened: an address in use, a store */
    SLUICE_MEMORY,
    SLUICE_BUSY,   /* a server runs in this process already */
    SLUICE_FULL,   /* too much waits to be taken: try later; or the text does not fit */
    SLUICE_REFUSED /* no such message, or nobody takes any */
};

enum { SLUICE_ERROR_MAX = 512, SLUICE_URL_MAX = 1024, SLUICE_ID_MAX = 128 };

/* ---- messages of calls ---------------------------------------------------------------- */

/*
 * A call has sessions, one for each participant's connection; the host names both. A session
 * begins with JOIN and an offer within ten seconds (SDP, a JSON text {"type", "sdp"}), and ends
 * with CLOSED, after LEAVE or by itself. docs/rtcd.md tells what the server says and when.
 */
enum sluice_type {
    SLUICE_JOIN =
        1,        /* call, user, session; channel, av1 and dc_signaling if they are so */
    SLUICE_LEAVE, /* session, as all below */
    SLUICE_RECONNECT, /* the session is heard of here from now on */
    SLUICE_SDP,       /* both ways. data: JSON of a session description */
    SLUICE_ICE,       /* both ways. data: JSON of a candidate */
    SLUICE_MUTE,
    SLUICE_UNMUTE,
    SLUICE_SCREEN_ON, /* data: {"screenStreamID": "..."} */
    SLUICE_SCREEN_OFF,
    SLUICE_VIDEO_ON, /* data: {"videoStreamID": "..."} */
    SLUICE_VIDEO_OFF,
    SLUICE_HELLO,    /* from the server only, as all below: it listens */
    SLUICE_CLOSED,   /* the session has ended */
    SLUICE_VOICE_ON, /* call and user are told, too */
    SLUICE_VOICE_OFF
};

/* Texts that a message does not have are NULL from the host, "" from the server. */
struct sluice_message {
    enum sluice_type type;
    const char *call, *user, *session, *channel; /* at most SLUICE_ID_MAX octets each */
    bool av1, dc_signaling;
    const char *data; /* data_n octets; no NUL is needed, or there */
    size_t data_n;
};

/* ---- the server ----------------------------------------------------------------------- */

struct sluice;

enum sluice_level { SLUICE_DEBUG, SLUICE_INFO, SLUICE_WARN, SLUICE_ERROR };

/* All zero: the defaults. Settings are those of docs/configuration.md; a later source wins:
 * text, env, args. With http.listen and admin.listen set to "" no port but that of media is
 * opened, and with store.directory "" nothing is written to disk. */
struct sluice_conf {
    const char *settings; /* TOML, as in a settings file; NULL: none */
    const char *const
        *env; /* "SLUICE_RTC_PORT=8443" up to NULL, as environ is; NULL: none */
    const char *const
        *args; /* "--rtc.port=8443" up to NULL, also --config=FILE; NULL: none */
    void *ctx; /* what callbacks are given */
    /* A log line, with its line feed. NULL: standard error. */
    void (*log)(void *ctx, enum sluice_level level, const char *line, size_t n);
    /* What the server says to the host's sessions. NULL: the host is no client of calls. */
    void (*message)(void *ctx, const struct sluice_message *m);
};

/* On failure *ret stays as it is, and error says what is wrong, for people, in one line. */
SLUICE_API enum sluice_err sluice_start(const struct sluice_conf *conf,
                                        struct sluice **ret,
                                        char error[SLUICE_ERROR_MAX]);

/* Draining: no new streams by HTTP; calls that run go on and may still be joined. When nobody
 * is left, or drain.deadline has passed, the server ends. Resume takes it back. Stop ends at
 * once. These three are for signal handlers, too, and do not wait. */
SLUICE_API void sluice_drain(struct sluice *s);
SLUICE_API void sluice_resume(struct sluice *s);
SLUICE_API void sluice_stop(struct sluice *s);

enum sluice_state { SLUICE_RUNNING, SLUICE_DRAINING, SLUICE_ENDED };
SLUICE_API enum sluice_state sluice_state(const struct sluice *s);

/* Waits until the server has ended. By one thread at a time. */
SLUICE_API void sluice_wait(struct sluice *s);

/* Stops, waits, and frees. Takes NULL. */
SLUICE_API void sluice_free(struct sluice *s);

/* Valid until sluice_free. "" where there is none. */
struct sluice_info {
    const char *public_url, *private_url; /* of the two faces */
    const char *demo_url;                 /* of the demo page, with a token for a day */
    const char *new_kid, *new_secret; /* of a key that this start made for the store */
};
SLUICE_API const struct sluice_info *sluice_info(const struct sluice *s);

/* A bearer token of the store's key, for rooms of a name or a pattern ("team-*"), as text and
 * a NUL in ret of n octets. SLUICE_REFUSED: no such pattern. */
enum { SLUICE_PUBLISH = 1, SLUICE_WATCH = 2 };
SLUICE_API enum sluice_err sluice_token(const struct sluice *s, const char *rooms,
                                        unsigned may, long seconds, char *ret, size_t n);

/* Queues a message of the host's. It is answered, if at all, by conf.message; one that means
 * nothing to the server is counted, and in its log. SLUICE_REFUSED: it has no session, a text
 * that is too long, or the server was started without conf.message. */
SLUICE_API enum sluice_err sluice_send(struct sluice *s, const struct sluice_message *m);

/* ---- a client of a server elsewhere ---------------------------------------------------- */

/*
 * The same messages over a WebSocket, to the private face of a server of Sluice, or to an rtcd.
 * The connection is made again when it is lost. Sessions outlive that: after the HELLO of a new
 * connection the host says RECONNECT for those that it still speaks for.
 */
struct sluice_client;

/* All but url, id and key may be zero. */
struct sluice_client_conf {
    const char *url;      /* "http://host:8045" or "https://host" */
    const char *id, *key; /* of the client; the key has 32 to 72 octets */
    /* Whom it believes by https. ca: a PEM file of those who sign certificates; NULL: those whom
     * this machine trusts. pin: the SHA-256 of the server's certificate, 64 hexadecimal digits with
     * colons or without: alone it is all that counts, with a ca both must be right. */
    const char *ca, *pin;
    bool registers;        /* if the server does not know the client yet */
    const char *admin_key; /* to register with; NULL: the server lets everyone */
    void *ctx;
    /* Callbacks come on a thread of the client's. */
    void (*message)(void *ctx, const struct sluice_message *m);
    /* The connection is lost, and what was sent last may be; HELLO tells of the next. */
    void (*lost)(void *ctx);
};

/* Waits until the server has said yes. SLUICE_REFUSED: it said no; SLUICE_START: it cannot be
 * reached, or is not whom the client believes (then it has not seen the key); SLUICE_SETTING: that
 * is no URL, id, key, ca or pin. */
SLUICE_API enum sluice_err sluice_client_connect(const struct sluice_client_conf *conf,
                                                 struct sluice_client **ret,
                                                 char error[SLUICE_ERROR_MAX]);

/* Queues a message; while there is no connection it waits for the next. As sluice_send. */
SLUICE_API enum sluice_err sluice_client_send(struct sluice_client *c,
                                              const struct sluice_message *m);

/*
 * A session whose media is the host's: it joins, negotiates, and has tracks, both ways, as RTP
 * packets have them: Opus at 48 kHz, VP8 at 90 kHz. Packets come as they arrive: nothing is put in
 * order, asked for again, or decoded. While it has a voice that is silent it only listens. It has no
 * data channel, without which an rtcd would tell it of no track.
 *
 * Callbacks come on the client's thread, and may call sluice_call_send and sluice_call_want_key.
 */
struct sluice_call;

enum sluice_medium { SLUICE_VOICE, SLUICE_CAMERA, SLUICE_SCREEN, SLUICE_SCREEN_SOUND };
enum { SLUICE_MEDIA = 4, SLUICE_PAYLOAD_MAX = 1200 };

/* One that is received. */
struct sluice_track {
    const char *session, *id; /* whose it is; and its name */
    enum sluice_medium medium;
    const char *codec; /* "opus", "VP8" */
    void *user;        /* what conf.track gave for it */
};

struct sluice_packet {
    const void *payload;
    size_t n;
    uint32_t timestamp; /* of RTP, in ticks of the codec's clock */
    uint16_t number;    /* of RTP; of one that is sent it means nothing */
    bool marker;        /* the last of a picture; the first of a talk spurt */
};

/* All but call, user and session may be zero; those are at most SLUICE_ID_MAX octets. */
struct sluice_call_conf {
    const char *call, *user, *session;
    const char *channel; /* lives as long as the call */
    bool camera, screen; /* it sends these besides its voice */
    void *ctx;
    void (*up)(void *ctx); /* connected */
    void *(*track)(void *ctx, const struct sluice_track *t, bool begins);
    void (*packet)(void *ctx, const struct sluice_track *t,
                   const struct sluice_packet *p);
    void (*key)(void *ctx, enum sluice_medium medium); /* a key frame is to be sent */
    /* It is over, and to be left: by the server, or as the connection failed. */
    void (*ended)(void *ctx, const char *why);
};

/* SLUICE_REFUSED: a name is missing or too long, or the session is there already. */
SLUICE_API enum sluice_err sluice_call_join(struct sluice_client *c,
                                            const struct sluice_call_conf *conf,
                                            struct sluice_call **ret);

/* Sends a packet at once. SLUICE_FULL: it is not connected yet, the server has not agreed to the
 * medium, or there is no room now: it is lost. */
SLUICE_API enum sluice_err sluice_call_send(struct sluice_call *c,
                                            enum sluice_medium medium,
                                            const struct sluice_packet *p);

/* Asks the sender of a picture for a key frame. */
SLUICE_API void sluice_call_want_key(struct sluice_call *c, const struct sluice_track *t);

/* Says good-bye, and frees. Not from a callback. Takes NULL. */
SLUICE_API void sluice_call_leave(struct sluice_call *c);

/* Says what is still queued, if there is a connection, and hangs up, after all its calls were left;
 * other sessions stay. Not from a callback. Takes NULL. */
SLUICE_API void sluice_client_free(struct sluice_client *c);

#ifdef __cplusplus
}
#endif
#endif
