#include "bench/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "proto/channels.h"
#include "proto/ice.h"
#include "proto/stun.h"

#define FIRST_CHECKS MSEC(100) /* until one is answered */

enum {
    CHECK_MAX = 512,
    REMOTE_MAX = 257, /* of a peer's ufrag or pwd: RFC 8839 §5.4, and a NUL */
    CANDIDATES_MAX = 64,
    SSRCS_MAX = 256, /* 127 tracks, with their repairs */
    SCTP_PORT = 5000,
    MESSAGE_MAX = 64 * 1024, /* of the other end */
    /* Type preference of a peer-reflexive candidate (RFC 8445 §5.1.2.1), component 1. */
    PRIORITY = 110 << 24 | 0xffff << 8 | 255,
};

struct client {
    struct client_conf conf;
    struct offer_section sections[CLIENT_SECTIONS_MAX];
    uint8_t exts[CLIENT_SECTIONS_MAX][EXTS];
    enum client_state state;
    const char *reason;
    struct ice_creds creds;
    char user[REMOTE_MAX + ICE_UFRAG_MAX]; /* theirs:ours */
    struct hmac_sha1 key;                  /* of their password */
    struct addr remote;
    struct dtls_fingerprint print;
    enum dtls_role role;
    struct dtls *dtls;
    struct srtp_out *out;
    struct srtp_in *in;
    struct channels *channels; /* NULL: none, or not yet */
    usec begun, next_check, now;
    uint64_t tie_breaker;
    uint8_t id[STUN_ID]; /* of the last check */
    size_t check_n;      /* octets that wait to be polled */
    uint8_t check[CHECK_MAX];
    struct hmac_sha1 own_key; /* of our password: for checks of theirs */
    size_t reply_n;
    uint8_t reply[STUN_ANSWER_MAX];
    struct client_checks checks;
};

struct client *sl_client_new(const struct client_conf *conf)
{
    struct client *c =
        conf->sections_n <= CLIENT_SECTIONS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->conf = *conf;
    c->conf.sections = c->sections;
    if (conf->sections_n > 0)
        memcpy(c->sections, conf->sections, conf->sections_n * sizeof c->sections[0]);
    c->creds = sl_ice_creds_make();
    c->own_key = sl_hmac_sha1_of(span_of(c->creds.pwd));
    c->reason = "";
    c->next_check = USEC_NEVER;
    sl_random(&c->tie_breaker, sizeof c->tie_breaker);
    return c;
}

void sl_client_free(struct client *c)
{
    if (!c)
        return;
    sl_channels_free(c->channels);
    sl_dtls_free(c->dtls);
    sl_srtp_out_free(c->out);
    sl_srtp_in_free(c->in);
    free(c);
}

static void fail(struct client *c, const char *why)
{
    c->state = CLIENT_FAILED;
    c->reason = why;
    c->next_check = USEC_NEVER;
}

/* ---- offer and answer ---- */

static struct offer_conf offer_of(const struct client *c)
{
    return (struct offer_conf){
        .job = c->conf.job,
        .local = {.ufrag = c->creds.ufrag, .pwd = c->creds.pwd, .sha256 = c->conf.sha256},
        .cname = c->creds.ufrag,
        .session = c->tie_breaker >> 2,
        .sections = c->sections,
        .sections_n = c->conf.sections_n,
        .plain = c->conf.plain};
}

void sl_client_offer(const struct client *c, struct wr *w)
{
    struct offer_conf conf = offer_of(c);
    sl_offer_write(w, &conf);
}

/* The one with the server's own address, or else the first that we can send to. */
static enum err choose(struct client *c, const struct sdp *answer)
{
    struct addr all[CANDIDATES_MAX];
    const struct addr *best = NULL;
    size_t n = sl_offer_candidates(answer, all, CANDIDATES_MAX);
    for (size_t i = n; i-- > 0;)
        if (sl_addr_is_v4(&all[i]))
            best = &all[i];
    for (size_t i = 0; i < n; i++)
        if (c->conf.server &&
            memcmp(all[i].ip, c->conf.server->ip, sizeof all[i].ip) == 0)
            best = &all[i];
    if (!best)
        return E_ABSENT;
    c->remote = *best;
    return E_OK;
}

static enum err name(struct client *c, struct span ufrag, struct span pwd)
{
    if (ufrag.n >= REMOTE_MAX || pwd.n >= REMOTE_MAX)
        return E_MALFORMED;
    (void)snprintf(c->user, sizeof c->user, "%.*s:%s", (int)ufrag.n,
                   (const char *)ufrag.p, c->creds.ufrag);
    c->key = sl_hmac_sha1_of(pwd);
    return E_OK;
}

/* Their end of the transport, and the extensions of each section. */
static enum err adopt(struct client *c, const struct sdp *theirs,
                      const struct negotiated *n)
{
    enum err e = name(c, n->ufrag, n->pwd);
    if (e)
        return e;
    c->role = n->dtls_client ? DTLS_CLIENT : DTLS_SERVER;
    c->print.n = n->peer.n;
    memcpy(c->print.octets, n->peer.bytes, n->peer.n);
    for (size_t i = 0; i < c->conf.sections_n; i++)
        memcpy(c->exts[i], n->sections[i].params.ext_id, sizeof c->exts[i]);
    return choose(c, theirs);
}

static enum err read_answer(struct client *c, const struct sdp *answer,
                            struct negotiated *n, enum negotiate_why *why)
{
    struct offer_conf conf = offer_of(c);
    *why = sl_offer_read(answer, &conf, n);
    return *why == NEGOTIATE_OK ? adopt(c, answer, n) : E_UNSUPPORTED;
}

/* What they offer to send is to us as a publisher's offer is to a server. */
static enum err write_answer(struct client *c, const struct sdp *offer, struct wr *w,
                             struct negotiated *n, enum negotiate_why *why)
{
    struct negotiate_conf conf = {.job = NEGOTIATE_PUBLISH,
                                  .local = offer_of(c).local,
                                  .session = c->tie_breaker >> 2,
                                  .sections_max = CLIENT_SECTIONS_MAX};
    conf.local.active = conf.local.full = true;
    *why = sl_negotiate(offer, &conf, n, w);
    if (*why != NEGOTIATE_OK || n->sections_n > CLIENT_SECTIONS_MAX)
        return E_UNSUPPORTED;
    c->conf.sections_n = n->sections_n;
    return adopt(c, offer, n);
}

static void begin(struct client *c, usec now)
{
    c->state = CLIENT_CHECKING;
    c->begun = c->next_check = now;
    sl_client_tick(c, now);
}

enum err sl_client_begin(struct client *c, const struct client_ends *ends, usec now)
{
    struct span ufrag = {0}, pwd = {0};
    if (!sl_negotiate_credentials(ends->theirs, &ufrag, &pwd))
        return E_MALFORMED;
    (void)snprintf(c->creds.ufrag, sizeof c->creds.ufrag, "%s", ends->ufrag);
    (void)snprintf(c->creds.pwd, sizeof c->creds.pwd, "%s", ends->pwd);
    c->own_key = sl_hmac_sha1_of(span_of(c->creds.pwd));
    enum err e = name(c, ufrag, pwd);
    c->role = ends->dtls_client ? DTLS_CLIENT : DTLS_SERVER;
    c->print = ends->peer;
    e = e ? e : choose(c, ends->theirs);
    if (!e)
        begin(c, now);
    return e;
}

/* w: where our answer goes; NULL when theirs is one. */
static enum err take_sdp(struct client *c, struct span theirs, usec now, struct wr *w,
                         enum negotiate_why *why)
{
    struct sdp *sdp = NULL;
    struct negotiated *n = malloc(sizeof *n);
    *why = NEGOTIATE_OK;
    enum err e = n ? sl_sdp_new(theirs, SDP_DESCRIPTION, NULL, &sdp) : E_MEMORY;
    if (!e)
        e = w ? write_answer(c, sdp, w, n, why) : read_answer(c, sdp, n, why);
    sl_sdp_free(sdp);
    free(n);
    if (!e)
        begin(c, now);
    return e;
}

enum err sl_client_answer(struct client *c, struct span answer, usec now,
                          enum negotiate_why *why)
{
    return take_sdp(c, answer, now, NULL, why);
}

enum err sl_client_accept(struct client *c, struct span offer, usec now, struct wr *w,
                          enum negotiate_why *why)
{
    return take_sdp(c, offer, now, w, why);
}

/* ---- checks ---- */

static void send_check(struct client *c, usec now)
{
    struct wr w = wr_of(c->check, sizeof c->check);
    struct stun s = {.class = STUN_REQUEST,
                     .method = STUN_BINDING,
                     .username = span_of(c->user),
                     .role = STUN_CONTROLLING,
                     .tie_breaker = c->tie_breaker,
                     .has_priority = true,
                     .priority = PRIORITY,
                     .use_candidate = true};
    sl_random(c->id, sizeof c->id);
    memcpy(s.id, c->id, sizeof s.id);
    sl_stun_build(&w, &s, &c->key);
    c->check_n = w.bad ? 0 : w.n;
    c->checks.sent++;
    c->next_check = now + (c->state == CLIENT_CHECKING ? FIRST_CHECKS : CLIENT_CHECKS);
}

/* A full agent checks its side, too. Its role does not matter: we nominate anyway. */
static void answer_check(struct client *c, const struct stun *request)
{
    struct wr w = wr_of(c->reply, sizeof c->reply);
    struct stun s = stun_answer(request, 0);
    s.has_mapped = true;
    s.mapped = c->remote;
    sl_stun_build(&w, &s, &c->own_key);
    c->reply_n = w.bad ? 0 : w.n;
}

static void take_stun(struct client *c, struct span datagram, usec now)
{
    struct stun s;
    if (sl_stun_parse(datagram, &s) != E_OK)
        return;
    if (s.class == STUN_REQUEST && s.method == STUN_BINDING &&
        sl_stun_verify(&s, &c->own_key))
        answer_check(c, &s);
    if (s.class != STUN_SUCCESS || memcmp(s.id, c->id, sizeof s.id) != 0 ||
        !sl_stun_verify(&s, &c->key))
        return;
    c->checks.answered++;
    if (c->state != CLIENT_CHECKING)
        return;
    c->state = CLIENT_SECURING;
    c->next_check = now + CLIENT_CHECKS;
    c->dtls = sl_dtls_new(c->conf.dtls, c->role, &c->print, now);
    if (!c->dtls)
        fail(c, "no memory");
}

enum err sl_client_restart(struct client *c, const struct client_creds *creds, usec now)
{
    struct ice_creds own;
    if (c->state != CLIENT_UP)
        return E_STATE;
    if (creds->ufrag.n >= sizeof own.ufrag || creds->pwd.n >= sizeof own.pwd ||
        creds->their_ufrag.n >= REMOTE_MAX || creds->their_pwd.n >= REMOTE_MAX)
        return E_MALFORMED;
    (void)snprintf(own.ufrag, sizeof own.ufrag, "%.*s", (int)creds->ufrag.n,
                   (const char *)creds->ufrag.p);
    (void)snprintf(own.pwd, sizeof own.pwd, "%.*s", (int)creds->pwd.n,
                   (const char *)creds->pwd.p);
    c->creds = own;
    c->own_key = sl_hmac_sha1_of(creds->pwd);
    c->next_check = now;
    return name(c, creds->their_ufrag, creds->their_pwd);
}

/* ---- handshake ---- */

/* The DTLS client's streams are the even ones (RFC 8832 §6). */
static bool open_channel(struct client *c)
{
    struct channels_conf conf = {.local_port = SCTP_PORT,
                                 .remote_port = SCTP_PORT,
                                 .dtls_client = c->role == DTLS_CLIENT,
                                 .receive_max = MESSAGE_MAX,
                                 .user = c};
    struct dcep_open open = {0};
    if (!c->conf.stack)
        return true;
    (void)sl_dcep_text(&open.label, span_of("bench"));
    c->channels = sl_channels_new(c->conf.stack, &conf, c->now);
    return c->channels && sl_channels_open(c->channels, c->role == DTLS_SERVER, &open,
                                           false, c->now) == E_OK;
}

static void keys_came(struct client *c)
{
    struct srtp_master in, out;
    if (sl_dtls_keys(c->dtls, &in, &out) != E_OK)
        return;
    c->out = sl_srtp_out_new(c->conf.srtp, &out);
    c->in = sl_srtp_in_new(c->conf.srtp, &in, SSRCS_MAX);
    sl_wipe(&in, sizeof in);
    sl_wipe(&out, sizeof out);
    if (c->out && c->in && open_channel(c))
        c->state = CLIENT_UP;
    else
        fail(c, "no memory");
}

static void look(struct client *c)
{
    enum dtls_state s = c->dtls ? sl_dtls_state(c->dtls) : DTLS_HANDSHAKE;
    if (s == DTLS_UP && c->state == CLIENT_SECURING)
        keys_came(c);
    else if (s == DTLS_FAILED)
        fail(c, sl_dtls_reason(c->dtls));
    else if (s == DTLS_CLOSED)
        fail(c, "the server closed the association");
}

/* ---- events ---- */

void sl_client_input(struct client *c, struct span datagram, usec now)
{
    enum dgram kind = datagram.n > 0 ? dgram_of(datagram.p[0]) : DGRAM_OTHER;
    if (c->state == CLIENT_NEW || c->state == CLIENT_FAILED)
        return;
    c->now = now;
    if (kind == DGRAM_STUN)
        take_stun(c, datagram, now);
    else if (kind == DGRAM_DTLS && c->dtls &&
             sl_dtls_input(c->dtls, datagram, now) == E_OK)
        look(c);
}

void sl_client_tick(struct client *c, usec now)
{
    if (c->state == CLIENT_NEW || c->state == CLIENT_FAILED)
        return;
    c->now = now;
    if (c->dtls && now >= sl_dtls_deadline(c->dtls)) {
        sl_dtls_tick(c->dtls, now);
        look(c);
    }
    if (c->state != CLIENT_UP && c->state != CLIENT_FAILED &&
        now - c->begun >= CLIENT_TIMEOUT)
        fail(c, c->state == CLIENT_CHECKING ? "no check was answered"
                                            : "the handshake took too long");
    if (now >= c->next_check)
        send_check(c, now);
}

usec sl_client_deadline(const struct client *c)
{
    if (c->state == CLIENT_NEW || c->state == CLIENT_FAILED)
        return USEC_NEVER;
    usec at = c->next_check, dtls = c->dtls ? sl_dtls_deadline(c->dtls) : USEC_NEVER;
    if (c->state != CLIENT_UP && c->begun + CLIENT_TIMEOUT < at)
        at = c->begun + CLIENT_TIMEOUT;
    return dtls < at ? dtls : at;
}

/* Whether the association has said something. What it tells us is that it is there. */
static bool talk(struct client *c)
{
    struct channels_out out;
    while (c->channels && sl_channels_poll(c->channels, &out, c->now))
        if (out.kind == CHANNELS_SEND && sl_dtls_send(c->dtls, out.bytes, c->now) == E_OK)
            return true;
    return false;
}

bool sl_client_poll(struct client *c, struct span *ret)
{
    struct dtls_out out;
    if (c->check_n > 0) {
        *ret = (struct span){c->check, c->check_n};
        c->check_n = 0;
        return true;
    }
    if (c->reply_n > 0) {
        *ret = (struct span){c->reply, c->reply_n};
        c->reply_n = 0;
        return true;
    }
    do
        while (c->dtls && sl_dtls_poll(c->dtls, &out)) {
            if (out.kind == DTLS_OUT_DATAGRAM) {
                *ret = out.bytes;
                return true;
            }
            if (c->channels)
                sl_channels_input(c->channels, out.bytes, c->now);
        }
    while (talk(c));
    return false;
}

struct client *sl_client_talking(struct sctp_stack *st)
{
    struct channels *talking = sl_channels_talking(st);
    return talking ? sl_channels_user(talking) : NULL;
}

void *sl_client_user(const struct client *c)
{
    return c->conf.user;
}

/* ---- what it is ---- */

enum client_state sl_client_state(const struct client *c)
{
    return c->state;
}

const char *sl_client_reason(const struct client *c)
{
    return c->reason;
}

const struct addr *sl_client_remote(const struct client *c)
{
    return &c->remote;
}

uint8_t sl_client_ext(const struct client *c, size_t section, enum rtp_ext ext)
{
    return section < c->conf.sections_n ? c->exts[section][ext] : 0;
}

struct srtp_out *sl_client_out(const struct client *c)
{
    return c->out;
}

struct srtp_in *sl_client_in(const struct client *c)
{
    return c->in;
}

struct client_checks sl_client_checks(const struct client *c)
{
    return c->checks;
}
