#pragma once

/*
 * What the parts of SRTP share: private to crypto/srtp*.c and their tests.
 *
 * A back end seals and opens single packets under ready-made keys. It knows nothing of
 * sessions, guards, roll-over or replay: those are srtp_out's and srtp_in's, and the same
 * for all of them. srtp.c holds what both directions need: profiles, key derivation, and
 * how a packet is laid out for a back end.
 */

#include <endian.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/srtp.h"

enum { SRTP_AUTH_MAX = 20, SRTP_SHA1_TAG = 10, SRTP_GCM_TAG = 16 };

/* ---- keys ---- */

/* The labels of RFC 3711 §4.3.1: those of RTCP lie 3 above those of RTP. */
enum { SRTP_LABEL_CIPHER, SRTP_LABEL_AUTH, SRTP_LABEL_SALT, SRTP_LABEL_RTCP };

/* Session keys as octets, for RTP or for RTCP (RFC 3711 §4.3.2). */
struct srtp_secrets {
    uint8_t cipher[SRTP_KEY_MAX];
    uint8_t auth[SRTP_AUTH_MAX];
    uint8_t salt[SRTP_SALT_MAX];
};

/* The same made ready. The struct of a back end begins with it. */
struct srtp_key {
    enum srtp_profile profile;
    struct hmac_sha1 mac; /* unused by GCM */
    bool raw;             /* the back end keeps it as it came */
    uint64_t salt[2];     /* as octets, zeros behind */
};

/* What is derived of one master key. */
struct srtp_pair {
    const struct srtp_backend *backend;
    struct srtp_key *rtp, *rtcp;
};

/* The first n octets that belong to label. */
MUST_USE enum err sl_srtp_derive(const struct srtp_master *m, unsigned label,
                                 uint8_t *ret, size_t n);

/* From a master key, or from session keys, as the vectors of RFC 7714 give them. fini takes
 * a pair that was half made. */
MUST_USE enum err sl_srtp_pair_init(struct srtp_pair *ret, const struct srtp_backend *b,
                                    const struct srtp_master *m);
MUST_USE enum err sl_srtp_pair_make(struct srtp_pair *ret, const struct srtp_backend *b,
                                    enum srtp_profile p, const struct srtp_secrets *rtp,
                                    const struct srtp_secrets *rtcp);
void sl_srtp_pair_fini(struct srtp_pair *pair);

/* Sessions that own the pair from then on, even if they fail. */
struct srtp_out *sl_srtp_out_of(struct srtp_pair pair);
struct srtp_in *sl_srtp_in_of(struct srtp_pair pair, size_t ssrcs_max);

/* ---- packets ---- */

enum {
    SRTP_VERSION = 2,
    SRTP_BATCH = 64,      /* packets sealed by one call; bounds what lies on the stack */
    SRTP_HEAD = 64,       /* octets of text that may lie apart from the others */
    SRTP_RTCP_HEADER = 8, /* of a compound's first packet: sent in the clear */
    SRTP_RTCP_WORD = 4,   /* E flag and index (RFC 3711 §3.4) */
};

#define SRTP_INDEX_END  (UINT64_C(1) << 48) /* RFC 3711 §9.2 */
#define SRTCP_INDEX_END (UINT32_C(1) << 31)
#define SRTCP_E_FLAG    (UINT32_C(1) << 31)

/* One packet for a back end: header, text, and a tag somewhere behind. */
struct srtp_op {
    const struct srtp_key *key;
    uint64_t iv[2];      /* as octets; for GCM the first 12 */
    uint8_t *pkt;        /* the header is there; the text comes to pkt + header_n */
    const uint8_t *text; /* its first SRTP_HEAD octets */
    const uint8_t *more; /* and what follows them */
    const uint8_t *aad;  /* what GCM authenticates beside the text */
    uint8_t *tag;
    uint32_t word; /* as octets: HMAC covers it after the text (RFC 3711 §4.2) */
    uint16_t header_n, text_n, aad_n;
    bool ok; /* written by seal: it was done */
};

static inline uint32_t srtp_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

/* RFC 3711 §4.1.1, RFC 7714 §8.1 and §9.1: the salt, with SSRC and index added to it. The
 * index is that of SRTP (48 bits) or SRTCP (31 bits). */
static inline void srtp_set_iv(struct srtp_op *op, uint32_t ssrc, uint64_t index)
{
    const struct srtp_key *k = op->key;
    uint64_t hi = ssrc, lo = index << 16;
    if (k->profile != SRTP_CM_SHA1_80) {
        hi = (uint64_t)ssrc << 16 | index >> 32;
        lo = index << 32;
    }
    op->iv[0] = k->salt[0] ^ htobe64(hi);
    op->iv[1] = k->salt[1] ^ htobe64(lo);
}

/* RTP: header, text, tag; the text in place. */
static inline void srtp_lay(struct srtp_op *op, const struct srtp_key *k, uint8_t *pkt,
                            size_t header_n, size_t text_n, uint64_t index)
{
    op->key = k;
    op->pkt = pkt;
    op->text = pkt + header_n;
    op->more = op->text + SRTP_HEAD;
    op->aad = pkt;
    op->tag = pkt + header_n + text_n;
    op->word = htobe32((uint32_t)(index >> 16));
    op->header_n = op->aad_n = (uint16_t)header_n;
    op->text_n = (uint16_t)text_n;
    srtp_set_iv(op, srtp_u32(pkt + 8), index);
}

/* RTCP of n octets, in place, with room for its AAD. Returns where the word lies. */
uint8_t *sl_srtp_lay_rtcp(struct srtp_op *op, const struct srtp_key *k, uint8_t *pkt,
                          size_t n, uint32_t index,
                          uint8_t aad[SRTP_RTCP_HEADER + SRTP_RTCP_WORD]);

/* ---- back ends ---- */

struct srtp_backend {
    const char *name;
    bool (*usable)(void);
    /* rtcp: seldom used, so that the key may be kept small and made ready each time. */
    struct srtp_key *(*key_new)(enum srtp_profile p, const struct srtp_secrets *s,
                                bool rtcp);
    void (*key_free)(struct srtp_key *k); /* takes NULL */
    size_t (*key_octets)(const struct srtp_key *k);
    void (*seal)(struct srtp_op *ops, size_t n); /* n <= SRTP_BATCH */
    /* In place. False unless the tag is that of the packet; then the text may be lost. */
    bool (*open)(const struct srtp_op *op);
};

extern const struct srtp_backend sl_srtp_openssl, sl_srtp_avx2, sl_srtp_vaes256,
    sl_srtp_avx512;

/* Fills what every back end keeps of a key. */
void sl_srtp_key_init(struct srtp_key *k, enum srtp_profile p,
                      const struct srtp_secrets *s);

/* HMAC-SHA1 of header, text (as it lies in pkt) and word, cut to 80 bits. */
void sl_srtp_hmac(const struct srtp_op *op, uint8_t tag[SRTP_SHA1_TAG]);
bool sl_srtp_hmac_ok(const struct srtp_op *op); /* that is what lies at op->tag */
