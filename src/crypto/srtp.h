#pragma once

/*
 * SRTP and SRTCP: RFC 3711, AES-CM with HMAC-SHA1-80 (RFC 3711 §4), AEAD-AES-GCM (RFC 7714).
 *
 * A sending session (struct srtp_out) and a receiving one (struct srtp_in) hold what is
 * derived from one master key each, for all SSRCs of a transport. Sending is in batches: the
 * payload is read from where it lies and its ciphertext written where it will be sent from,
 * so encrypting is the one copy. What does the arithmetic is a back end, chosen at start.
 *
 * An index never protects two different packets. The caller counts the packets of each SSRC
 * (index = roll-over counter << 16 | sequence number) and keeps a struct srtp_guard for it.
 *
 * Sans-IO; a session belongs to one thread; a back end has no state and may be shared.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

/* As negotiated by use_srtp, RFC 5764 §4.1.2 and RFC 7714 §14.2. */
enum srtp_profile {
    SRTP_NONE = 0,
    SRTP_CM_SHA1_80 = 1,
    SRTP_GCM_128 = 7,
    SRTP_GCM_256 = 8,
};

enum { SRTP_KEY_MAX = 32, SRTP_SALT_MAX = 14, SRTP_TAG_MAX = 16, SRTP_RTCP_MAX = 20 };

/* Octets of the longest packet, its tag included. */
enum { SRTP_PKT_MAX = 2048 };

/* One direction's master key and salt; lengths follow from the profile. */
struct srtp_master {
    enum srtp_profile profile;
    uint8_t key[SRTP_KEY_MAX];
    uint8_t salt[SRTP_SALT_MAX];
};

size_t sl_srtp_key_len(enum srtp_profile p);   /* 16, 16, 32; 0 for SRTP_NONE */
size_t sl_srtp_salt_len(enum srtp_profile p);  /* 14, 12, 12 */
size_t sl_srtp_tag_len(enum srtp_profile p);   /* of RTP: 10, 16, 16 */
const char *sl_srtp_name(enum srtp_profile p); /* as OpenSSL's use_srtp calls it */

struct srtp_backend;

/* The fastest that this CPU can run; or by name, NULL when it is not to be had: "openssl",
 * "avx2" (AVX2, AES-NI, PCLMULQDQ, BMI2), "vaes256" (and VAES, VPCLMULQDQ), "avx512" (and
 * AVX-512). */
const struct srtp_backend *sl_srtp_backend_best(void);
const struct srtp_backend *sl_srtp_backend(const char *name);
const char *sl_srtp_backend_name(const struct srtp_backend *b);

/* ---- sending ---- */

struct srtp_out;

/* NULL when memory ends or the crypto library refuses. Free takes NULL. */
struct srtp_out *sl_srtp_out_new(const struct srtp_backend *b,
                                 const struct srtp_master *m);
void sl_srtp_out_free(struct srtp_out *o);
enum srtp_profile sl_srtp_out_profile(const struct srtp_out *o);

/* Of one SSRC that is sent. Indexes may be skipped and used later, within a window: a packet
 * may overtake another on its way to us. A stream whose packets are resent as they were (no
 * RTX) remembers the tags of its last `slots` packets (a power of two): a repeated index goes
 * out only if its tag comes out the same. */
enum { SRTP_GUARD_WINDOW = 512 };

struct srtp_guard {
    uint64_t used[SRTP_GUARD_WINDOW / 64]; /* a bit for each index below run, modulo the
                                              window: who sends in order does not touch it */
    uint64_t run;                          /* from here to next all were used */
    uint64_t next;                         /* above all that were used */
    uint64_t
        *tags; /* first 8 octets of the tag, by index modulo slots; NULL: no resends */
    uint32_t slots;
};

MUST_USE enum err sl_srtp_guard_init(struct srtp_guard *g, uint32_t slots);
void sl_srtp_guard_fini(struct srtp_guard *g);

/* One packet. The caller has written the RTP header to dst[0..header_n); protect writes
 * ciphertext and tag behind it. The plaintext is pre, then body; body may be dst + header_n
 * itself. dst has SRTP_TAG_MAX octets of room beyond the payload. body may be read up to 64
 * octets past its end. */
struct srtp_job {
    struct srtp_out *out;
    struct srtp_guard *guard;
    uint64_t index; /* 48 bits */
    uint8_t *dst;
    const uint8_t *body;
    uint16_t header_n, body_n;
    uint8_t pre_n;
    uint8_t err; /* enum err, set by protect; on error dst is zeroed */
    uint8_t pre[22];
};

/* Protects n jobs, in order where they share a guard. Any mixture of sessions, profiles and
 * lengths; equal lengths together are cheapest. All sessions must be of one back end.
 * E_REPLAY: the index protected another packet, or may have, or has over 48 bits; E_FULL:
 * longer than SRTP_PKT_MAX; E_CRYPTO: the crypto library refused. */
void sl_srtp_protect(struct srtp_job *jobs, size_t n);

/* In place: *n octets of RTCP at p become SRTCP; p has SRTP_RTCP_MAX octets of room. The
 * session counts the index. E_FULL: 2^31 packets were sent, the keys are used up. */
MUST_USE enum err sl_srtp_protect_rtcp(struct srtp_out *o, uint8_t *p, size_t *n);

/* ---- receiving ---- */

struct srtp_in;

/* ssrcs_max: how many SSRCs may be received on; state for one is made only when a packet
 * of it was authentic. NULL when memory ends. Free takes NULL. */
struct srtp_in *sl_srtp_in_new(const struct srtp_backend *b, const struct srtp_master *m,
                               size_t ssrcs_max);
void sl_srtp_in_free(struct srtp_in *in);

/* Nothing is expected on the SSRC any more, or again. Where ssrcs_max are known, such a one makes
 * room for another; until then it is as it was, and whatever it sent is refused as a replay. */
void sl_srtp_in_retire(struct srtp_in *in, uint32_t ssrc, bool retired);

/* In place: *n octets of SRTP at p become RTP. On error neither session nor *n changed, but
 * after E_AUTH the payload at p may be lost. *index: roll-over counter and sequence number.
 * E_SHORT, E_MALFORMED, E_AUTH, E_REPLAY (seen before, or 1024 or more behind), E_FULL (too
 * many SSRCs), E_MEMORY (for the state of a new SSRC). */
MUST_USE enum err sl_srtp_unprotect(struct srtp_in *in, uint8_t *p, size_t *n,
                                    uint64_t *index);
MUST_USE enum err sl_srtp_unprotect_rtcp(struct srtp_in *in, uint8_t *p, size_t *n);

/* Starts to bring into the cache what the next unprotect reads. *in is there already. */
void sl_srtp_in_fetch(const struct srtp_in *in, bool rtcp);
