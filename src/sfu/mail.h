#pragma once

/*
 * What the threads of the media plane write to each other: the meaning of struct mail.
 *
 * Whoever takes a mail with a pointer owns what it points to: a struct below is freed with
 * free(), a packet is leased (base/pkt.h) and goes back by MAIL_BACK. Between two threads
 * mails keep their order, so a command about a thing follows the one that made it.
 */

#include <stdint.h>

#include "base/addr.h"
#include "base/mailbox.h"
#include "base/pkt.h"

#include "crypto/srtp.h"
#include "media/clockmap.h"
#include "media/layer.h"
#include "proto/ice.h"
#include "proto/params.h"

enum mail_type {
    MAIL_NONE,

    /* Control to workers. id: the thing; cmd_*: in p. */
    MAIL_EXPECT,   /* cmd_expect; to all workers: checks for this transport may come */
    MAIL_RESTART,  /* cmd_expect; to all: new credentials beside the old */
    MAIL_OWNER,    /* id transport, arg worker; to all but that one: hand over to it */
    MAIL_PRODUCER, /* cmd_producer; to the owner of its transport */
    MAIL_REMOTE,   /* cmd_producer; to a worker that gets the producer by pipe */
    MAIL_PRODUCER_CLOSE, /* id; to all who have it */
    MAIL_PIPE,           /* id producer, arg worker: carry it there too */
    MAIL_UNPIPE,         /* id producer, arg worker */
    MAIL_CONSUMER,       /* cmd_consumer; to the owner of its transport */
    MAIL_SOURCE,         /* id consumer, id2 producer (0: none) */
    MAIL_WISH,           /* id consumer, arg and id2 as below: what its viewer wants */
    MAIL_CONSUMER_CLOSE, /* id */
    MAIL_READY,          /* id transport: all that hangs on it was told */
    MAIL_CEILING,        /* id transport, id2 bits/s that its peer may send; 0: any */
    MAIL_CLOSE,          /* id transport; to all, and what hangs on it goes too */
    MAIL_SEND,           /* cmd_send: a datagram of control's own */

    /* Control to the association thread, and back. */
    MAIL_ASSOC, /* cmd_assoc: a handshake for this transport may come, or is ours to begin */
    MAIL_UP,    /* id transport, arg worker: keys went there */
    MAIL_FAILED,  /* id transport: its handshake failed, or took too long */
    MAIL_HUNG_UP, /* id transport: the peer closed the association */

    /* Both ways between control and the association thread. */
    MAIL_DATA,      /* struct data_cmd (sfu/data.h): of a data channel */
    MAIL_DATA_DONE, /* id transport, id2 cost: of those that were read and done */

    /* Association thread to workers. */
    MAIL_KEYS,     /* cmd_keys: the transport is yours */
    MAIL_DTLS_OUT, /* id transport, p packet: send it as it is */

    /* Workers to the association thread. */
    MAIL_PATH,  /* id transport: a first check was valid, it can be sent to */
    MAIL_DTLS,  /* id transport, p packet: a datagram from a validated address */
    MAIL_HEARD, /* id transport: an authentic packet came, so the peer is up, too */

    /* Workers to workers. */
    MAIL_RAW,      /* id transport, p packet: a datagram as it came, for the owner */
    MAIL_RTP,      /* id producer, arg encoding, p packet: what a pipe carries down */
    MAIL_CLOCK,    /* cmd_clock: the encoding's clock, downward */
    MAIL_ASLEEP,   /* cmd_asleep: what can be had besides what flows; downward */
    MAIL_KEYFRAME, /* id producer, arg encoding: somebody below needs one; upward */

    /* id producer, arg a bit for each encoding that anybody wants, id2 bits/s that the best of
     * them can be sent (DEMAND_ANY): upward, and to control. */
    MAIL_WANTED,

    /* id producer, arg a bit for each encoding that is above what its peer may send, and so is
     * not passed on: downward, and to control. */
    MAIL_EXCESS,

    /* p struct tcpconn (net/tcpconn.h), for the worker around the shard: a stream whose
     * transport is yours. */
    MAIL_STREAM,

    MAIL_BACK, /* p packet: to whom it belongs; gives one reference up */

    /* Workers to control. */
    MAIL_STALE,   /* id transport: consent expired, nothing is sent */
    MAIL_LOST,    /* id transport: and it did not come back */
    MAIL_STARTED, /* id producer: its first packet came */
    MAIL_ESTIMATE, /* id transport, arg round trip in us, id2 as below: what its path carries */
    MAIL_RECEPTION, /* id transport, arg round trip in us (0: not known), id2 how much of what it
                       sends is lost, of 256 */
    MAIL_SPEAKER, /* id producer, arg packed struct voice: how it is heard */
    /* The answer to a question of control's: an address of ours as somebody sees it. id and id2:
     * its IP; arg: the question's number, of 16 bits, and the port. */
    MAIL_SEEN,
    MAIL_SHARE, /* id consumer, the rest as below: what is sent, and why not more */

    /* Control to any thread, and back: p is control's, to be filled with what was counted. */
    MAIL_STATS,

    /* Control to a worker, and back: p struct look (sfu/look.h), to be filled. */
    MAIL_LOOK,

    /* Control to the worker around a shard, and back when it has begun, or not, and when it is over:
     * p struct tape (service/tape.h), control's. */
    MAIL_CAPTURE,
};

/* A wish, and what it was. */
struct mail sl_mail_wish(uint64_t consumer, const struct rtp_wish *w);
struct rtp_wish sl_mail_wished(const struct mail *m);

/* What a viewer is sent of a track, and why it is not more: MAIL_SHARE. */
struct mail_share {
    uint32_t bps;
    uint8_t cause;              /* enum allocate_cause */
    struct layer_target sent;   /* LAYER_NONE: nothing */
    struct layer_target wanted; /* what it would get with all bandwidth */
    uint8_t lost;               /* of 256, as the viewer last said */
    uint16_t rtt_ms;            /* 0: not known */
};
struct mail sl_mail_share(uint64_t consumer, const struct mail_share *s);
struct mail_share sl_mail_shared(const struct mail *m);

/* id2 of MAIL_ESTIMATE: bits/s, enum bwe_cause, and how much is lost, of 256. */
#define MAIL_ESTIMATE_OF(bps, cause, lost)                                               \
    ((uint64_t)(bps) | (uint64_t)(cause) << 48 | (uint64_t)(lost) << 56)
#define MAIL_ESTIMATE_BPS(id2)   ((id2) & ((UINT64_C(1) << 48) - 1))
#define MAIL_ESTIMATE_CAUSE(id2) ((unsigned)((id2) >> 48 & 0xff))
#define MAIL_ESTIMATE_LOST(id2)  ((uint8_t)((id2) >> 56))

struct cmd_expect {
    uint64_t transport;
    struct ice_creds creds; /* ours: what the peer's checks are addressed to */
    bool single;            /* as in struct ice */
};

enum { CMD_SEND_MAX = 256 };

struct cmd_send {
    struct addr to;
    uint16_t port; /* the socket that it leaves by */
    uint16_t n;
    uint8_t bytes[CMD_SEND_MAX];
};

struct cmd_assoc {
    uint64_t transport;
    bool client;  /* we begin */
    bool any;     /* the first certificate that is shown will do */
    uint8_t hash; /* octets of the digest: 32, 48 or 64, of SHA-256, -384 or -512 */
    uint8_t digest[64];
    bool data;          /* it carries data channels: */
    uint16_t data_port; /* the peer's, of SCTP */
    uint32_t data_max;  /* octets of the longest message that it takes; 0: any */
};

struct cmd_keys {
    uint64_t transport;
    struct srtp_master in, out;
};

struct cmd_producer {
    uint64_t id;
    uint64_t transport; /* 0 where it comes by pipe */
    uint16_t origin;    /* the worker that its packets land on */
    struct rtp_receive receive;
};

struct cmd_consumer {
    uint64_t id;
    uint64_t transport;
    struct rtp_send send;
};

struct cmd_clock {
    uint64_t producer;
    uint8_t encoding;
    uint8_t epoch; /* of the encoding, as in its packets */
    struct clockmap clock;
};

struct cmd_asleep {
    uint64_t producer;
    uint8_t asleep;          /* a bit for each encoding */
    struct layer_table seen; /* the producer's layers, as they were last measured */
};

/* A mail that carries p, which is the mail's from now on. */
struct mail sl_mail_of(enum mail_type type, void *p);

/* Frees what a mail carries that nobody read. Packets are left to their pools, which end
 * with their threads. */
void sl_mail_free(struct mail *m);
