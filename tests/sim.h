#pragma once

/*
 * For tests: shards in one thread with an exact clock, and clients that send and receive
 * real STUN, SRTP and SRTCP. No DTLS: keys are given as the association thread would.
 */

#include "base/clock.h"
#include "base/pkt.h"

#include "crypto/srtp.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "sfu/shard.h"

enum { SIM_SHARDS = 2, SIM_GOT = 512, SIM_PACKETS = 4096 };

struct sim_client;

struct sim {
    usec now;
    struct pkt_pool *pools[SIM_SHARDS];
    struct shard *shards[SIM_SHARDS];
    struct sim_io *io;
    uint64_t to_control[64]; /* how many mails of each type control was written */
    uint64_t to_assoc;
};

/* What a client received: plain RTP or RTCP, or another datagram as it came. */
struct sim_got {
    uint16_t n;
    uint8_t bytes[1600];
};

struct sim_client {
    struct sim *sim;
    struct addr addr;
    unsigned shard; /* where the kernel would deliver its datagrams */
    uint64_t id;
    struct ice_creds creds;
    enum srtp_profile profile;
    struct srtp_out *out;
    struct srtp_in *in;
    struct srtp_guard guard;
    uint64_t index;
    size_t rtp_n, rtcp_n, stun_n, bad_n;
    struct sim_got rtp[SIM_GOT];
    struct sim_got rtcp[SIM_GOT];
};

void sim_init(struct sim *s);
void sim_fini(struct sim *s);

/* Runs all shards for so long, in steps of a millisecond. */
void sim_run(struct sim *s, usec span);

/* Lets mail and packets settle at the present time. */
void sim_settle(struct sim *s);

/* A client whose transport is expected everywhere and whose checks land on `shard`. */
struct sim_client *sim_client_new(struct sim *s, uint64_t id, unsigned shard,
                                  enum srtp_profile profile);
void sim_client_free(struct sim_client *c);

/* Sends a binding request with its credentials; nominating. */
void sim_check(struct sim_client *c);

/* Gives its keys to the shard and tells the other who owns it. */
void sim_keys(struct sim_client *c);
void sim_ready(struct sim_client *c);

void sim_send_raw(struct sim_client *c, const uint8_t *p, size_t n);
void sim_send_rtp(struct sim_client *c, const struct rtp *rtp);
void sim_send_rtcp(struct sim_client *c, struct span plain);

void sim_mail(struct sim *s, unsigned shard, const struct mail *m);
void *sim_copy(const void *p, size_t n);
