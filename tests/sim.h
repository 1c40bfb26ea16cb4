#pragma once

/*
 * For tests: shards in one thread with an exact clock, and clients that send and receive
 * real STUN, SRTP and SRTCP. No DTLS: keys are given as the association thread would, and
 * commands as control would. One simulation at a time.
 */

#include "base/clock.h"
#include "base/pkt.h"

#include "crypto/srtp.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "sfu/capture.h"
#include "sfu/mail.h"
#include "sfu/shard.h"

enum {
    SIM_SHARDS = 3,
    SIM_GOT = 512,
    SIM_RUNS = 1024,
    SIM_PACKETS = 4096,
    SIM_BATCH = 64,
};

struct sim_conf {
    size_t packets, leases; /* of each shard's pool; 0: plenty */
    /* Where shards are captured, of so many octets each; NULL: they are not. What a test gives
     * a shard by itself, and not by this simulation, it captures by itself. */
    uint8_t *captures[SIM_SHARDS];
    size_t captures_n;
};

extern struct sim_conf sim_plain; /* what sim_init takes: zero, until a test changes it */

/* One struct tx, as it was sent. */
struct sim_tx {
    struct addr to;
    uint16_t port, segment;
    uint32_t n;
};

struct sim {
    usec now;
    struct capture captures[SIM_SHARDS]; /* over: there is none */
    struct pkt_pool *pools[SIM_SHARDS];
    struct shard *shards[SIM_SHARDS];
    uint64_t to_control[64]; /* how many mails of each type control was written */
    struct mail told[64];    /* and the last of them */
    uint64_t to_shards[64];  /* and shards to each other */
    uint64_t to_assoc;
    uint64_t ticks;
    bool inside;   /* a function of a shard runs, and none that it was given to send by */
    size_t sends;  /* calls */
    size_t runs_n; /* all that was sent, the last SIM_RUNS of it in runs */
    struct sim_tx runs[SIM_RUNS];
    uint64_t lost; /* datagrams to addresses of nobody */
    struct {
        unsigned n, shard, port, owner;
    } proved;     /* checks by streams: how many, and the last */
    bool single;  /* what clients are given is for one of them alone */
    bool gathers; /* datagrams wait for sim_deliver */
    struct pkt *waiting[SIM_BATCH];
    size_t waiting_n;
    /* Boxes to these take no media, or nothing at all. */
    bool full_for_media[SHARD_PEERS], full[SHARD_PEERS];
};

/* A datagram, plain or as it was on the wire. */
struct sim_got {
    uint16_t n;
    uint8_t bytes[1900];
};

struct sim_client {
    struct sim *sim;
    struct addr addr;
    unsigned shard; /* where the kernel would deliver its datagrams */
    uint16_t port;  /* and by which socket or stream */
    uint64_t id;
    struct ice_creds creds;
    enum srtp_profile profile;
    struct srtp_out *out;
    struct srtp_in *in;
    struct srtp_guard guard;
    uint64_t index; /* gives roll-over counts to the numbers of what it sends */
    size_t rtp_n, rtcp_n, stun_n, bad_n, wire_n;
    struct sim_got rtp[SIM_GOT];  /* in plain, what SRTP let through */
    struct sim_got rtcp[SIM_GOT]; /* the same */
    struct sim_got wire[SIM_GOT]; /* all SRTP, what was refused too */
};

void sim_init(struct sim *s);
void sim_init_with(struct sim *s, const struct sim_conf *conf);

/* All clients are freed, too. Packets of a shard may be held until then. */
void sim_fini(struct sim *s);

/* Closes all transports everywhere, and what came by pipe: then no packet may be left. */
void sim_close_all(struct sim *s);

/* What was captured so far. */
struct span sim_captured(struct sim *s, unsigned shard);

/* What the shard of these names takes, captured. */
void sim_give_mail(struct sim *s, unsigned shard, unsigned from, const struct mail *m);
void sim_tick(struct sim *s, unsigned shard);

/* All that waits comes to a shard at once, as a busy worker reads it. */
void sim_deliver(struct sim *s, unsigned shard);

/* Runs all shards for so long, in steps of a millisecond. */
void sim_run(struct sim *s, usec span);

/* Lets mail and packets settle at the present time. */
void sim_settle(struct sim *s);

/* Packets that are out, of all pools. */
size_t sim_packets(const struct sim *s);
const struct shard_stats *sim_stats(const struct sim *s, unsigned shard);

/* ---- clients ---- */

/* Its transport is expected everywhere; its checks land on `shard`. */
struct sim_client *sim_client_new(struct sim *s, uint64_t id, unsigned shard,
                                  enum srtp_profile profile);

/* And it has a path, keys and an owner; not ready yet. */
struct sim_client *sim_connected(struct sim *s, uint64_t id, unsigned shard,
                                 enum srtp_profile profile);

/* Sends a binding request with its credentials, nominating or not. */
void sim_check(struct sim_client *c);
void sim_check_only(struct sim_client *c);

/* New credentials are accepted everywhere beside the old; it uses them from now on. */
struct ice_creds sim_restart(struct sim_client *c);

/* Gives its keys to the shard and tells the others who owns it. */
void sim_keys(struct sim_client *c);
void sim_ready(struct sim_client *c);

/* Commands; ids of transports are filled in. */
void sim_produce(struct sim_client *c, const struct cmd_producer *p);
void sim_carry(struct sim_client *c, const struct cmd_producer *p, unsigned to);
void sim_consume(struct sim_client *c, const struct cmd_consumer *k, uint64_t producer);
void sim_source(struct sim_client *c, uint64_t consumer, uint64_t producer);
void sim_tell(struct sim *s, unsigned shard, enum mail_type type, uint64_t id,
              uint32_t arg);

void sim_send_raw(struct sim_client *c, const uint8_t *p, size_t n);
void sim_send_rtp(struct sim_client *c, const struct rtp *rtp);
void sim_send_padded(struct sim_client *c, const struct rtp *rtp, uint8_t padding);
void sim_send_rtcp(struct sim_client *c, struct span plain);
void sim_send_nack(struct sim_client *c, uint32_t media, const uint16_t *seqs, size_t n);
void sim_send_pli(struct sim_client *c, uint32_t media);

/* The i-th RTP packet that it received. */
struct rtp sim_rtp(const struct sim_client *c, size_t i);

/* An extension of it, by id; p is NULL when it is not there. */
struct span sim_ext(const struct sim_client *c, size_t i, uint8_t id);

/* The RTCP packets of a type and format that it received: how many, the last max in ret. */
size_t sim_rtcp(const struct sim_client *c, uint8_t type, uint8_t count, struct rtcp *ret,
                size_t max);
size_t sim_rtcp_count(const struct sim_client *c, uint8_t type, uint8_t count);

void sim_mail(struct sim *s, unsigned shard, const struct mail *m);
void *sim_copy(const void *p, size_t n);
