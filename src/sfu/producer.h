#pragma once

/*
 * A track that a peer sends, as one worker knows it: its encodings (RTP streams), what came,
 * what is missing, and who gets it.
 *
 * On the worker where its packets land a producer hangs on a transport; on others it comes
 * by pipe, and has no transport. Packets are parsed once, where they land: what was found
 * travels with them (struct media_pkt).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pkt.h"

#include "media/clockmap.h"
#include "media/dd.h"
#include "media/history.h"
#include "media/keyreq.h"
#include "media/layerrate.h"
#include "media/nack.h"
#include "media/payload.h"
#include "media/picmap.h"
#include "media/speaker.h"
#include "media/stats.h"
#include "proto/params.h"
#include "proto/rtp.h"
#include "sfu/audience.h"
#include "sfu/demand.h"
#include "sfu/limit.h"
#include "sfu/mail.h"

struct consumer;
struct shard;
struct transport;

enum { FORWARDED_EXTS_MAX = EXTS - EXT_AUDIO_LEVEL };

/* What was found in a packet: the meta of struct pkt. */
struct media_pkt {
    uint64_t seq; /* of its encoding, unwrapped */
    uint32_t ts;
    uint16_t payload;   /* offset in the datagram */
    uint16_t payload_n; /* without padding; 0: nothing that anybody could use */
    uint8_t pt;
    bool marker;
    uint8_t encoding; /* its number in the producer */
    uint8_t epoch;    /* of the encoding */
    uint8_t exts_n;
    struct {
        uint16_t off;
        uint8_t len;
        uint8_t ext; /* enum rtp_ext */
    } exts[FORWARDED_EXTS_MAX];
    struct payload info;
};

_Static_assert(sizeof(struct media_pkt) <= PKT_META, "meta of a packet");

static inline struct media_pkt *media_of(struct pkt *p)
{
    return (struct media_pkt *)(void *)p->meta;
}

static inline const struct media_pkt *media_in(const struct pkt *p)
{
    return (const struct media_pkt *)(const void *)p->meta;
}

/* Numbers of packets are SRTP indexes plus `first`, which is a multiple of 2^16 above all
 * that were used before: so they rise even when the sender begins anew with another SSRC (an
 * epoch), and what an RTX packet says of the past stays above 0. */
struct encoding {
    struct producer *producer;
    uint8_t number;
    uint8_t epoch;
    uint64_t first;
    struct audience audience; /* that forward it */
    struct list wanting;      /* that wait for its key frame: consumer.in_wanting */
    struct history *history;
    struct picmap pictures; /* where it stands, as far as it was forwarded */
    uint64_t routed;        /* one more than the highest number that was forwarded */
    uint64_t key;           /* where its last key frame begins; 0: none came */
    struct nack *nack;      /* NULL where nothing can be asked for again */
    struct stats stats;
    struct clockmap clock;
    struct dd dd;
    struct keyreq keyreq;
    uint32_t ssrc, rtx_ssrc; /* 0: not known yet */
    usec last;               /* when a packet of it came, */
    usec before;             /* and one of another picture before that */
    uint32_t ts;             /* of the last one */
    usec back;               /* the first one of all, or after a silence */
    uint64_t octets;         /* since it was last measured */
    uint32_t bitrate_bps;
    struct layerrate rates; /* by layers */
    uint32_t key_ts;        /* the key frame's */
    uint8_t fir_seq;
    bool excess;       /* above what its peer may send, and not passed on (sfu/ceiling) */
    usec excess_since; /* it should be otherwise; 0: not */
};

struct producer {
    uint64_t id;
    struct map_node by_id;
    struct transport *transport; /* NULL: it comes by pipe */
    uint16_t origin;             /* the worker on which its packets land */
    bool started;
    struct list in_transport;
    struct list consumers; /* all that have it as their source: consumer.in_producer */
    uint32_t consumers_n;
    uint64_t pipes; /* a bit for each worker that it is carried to */
    struct rtp_params params;
    uint8_t ext_of_id[256];
    uint8_t codec_of[128];    /* index in params.codecs by payload type; PT_NONE */
    uint8_t media_pt_of[128]; /* by RTX payload type: what it repairs; PT_NONE */
    uint8_t encodings_n;
    bool screen, obeys; /* as in rtp_receive */
    bool remb;          /* its sender takes REMB */
    struct demand demand;
    struct limit_state limit;
    uint8_t excess_told;  /* to control, a bit for each encoding */
    struct speech speech; /* of audio that lands here */
    struct voice voice;   /* as control was last told */
    usec voice_told;      /* when that was */
    struct list in_heard; /* of the shard, while there is something to tell */
    usec measured;        /* when its rates last were */
    usec reviewed;
    struct list in_review;     /* of the shard */
    struct layer_table shared; /* what its viewers were last given their shares of */
    uint8_t shared_still, shared_fresh; /* and what still slept then, and had just come */
    struct rtp_encoding names[PARAMS_ENCODINGS_MAX];
    struct encoding encodings[PARAMS_ENCODINGS_MAX];
};

/* NULL when memory ends. t NULL: it will come by pipe. Free takes NULL; its consumers are
 * left without a source. */
struct producer *sl_producer_new(const struct cmd_producer *conf, struct transport *t);
void sl_producer_free(struct producer *p);

/* A packet that landed here, authentic and in plain, with its unwrapped number. Parses it
 * into its meta and keeps the books. E_EXISTS: seen before. E_MALFORMED, E_UNSUPPORTED: it
 * goes on as an empty one, so that its number leaves no gap. */
MUST_USE enum err sl_producer_input(struct encoding *e, struct pkt *p,
                                    const struct rtp *rtp, const struct rtp_exts *x,
                                    uint64_t seq, bool repair, usec now);

/* Starts to bring into the cache what the next packet needs: of the encoding, and with that
 * there, what it points to. */
void sl_producer_fetch(const struct encoding *e);
void sl_producer_fetch_far(const struct encoding *e);

/* A packet that came by pipe, with its meta. */
void sl_producer_piped(struct encoding *e, struct pkt *p, usec now);

/* Its sender began anew, with another SSRC: nothing of what was known holds. Consumers wait
 * for a key frame. */
void sl_producer_renew(struct encoding *e, struct shard *s, usec now);

/* Where it comes by pipe: renews it, if what came is of another epoch. */
void sl_producer_follow(struct encoding *e, uint8_t epoch, struct shard *s, usec now);

/* Nothing of it comes, while others go on: a still screen is silent in all of them, and a picture
 * comes in one encoding after the other, within SILENT_SPREAD. */
#define SILENT_AFTER  MSEC(400)
#define SILENT_SPREAD MSEC(200)
#define SILENT_STILL  MSEC(1500) /* all of them, for more than a still screen is */
bool sl_producer_silent(const struct producer *p, const struct encoding *e);

/* Gives up what it holds to be sent again, but for the last HISTORY_SHORT. */
#define HISTORY_SHORT MSEC(150)
void sl_producer_squeeze(struct producer *p, usec now);

/* Each REVIEW_INTERVAL, at a time of its own for each producer, since thousands at once would
 * hold up packets: where there is something else to choose from, the tracks of its viewers are
 * shared out anew; what key frames are missing is asked for again. Each MEASURE_INTERVAL rates
 * are measured. So what falls silent is replaced within SILENT_AFTER and one REVIEW_INTERVAL. */
#define REVIEW_INTERVAL  MSEC(250)
#define REVIEW_STEP      MSEC(5) /* some together, as each would wake up an idle worker */
#define MEASURE_INTERVAL MSEC(500)
void sl_producer_reviews(struct shard *s, usec now);
usec sl_producer_reviews_deadline(const struct shard *s);
