#include "bench/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "proto/channels.h"
#include "proto/ice.h"
#include "room/negotiate.h"

/* The server's end: an answer, ICE-lite and DTLS, with nothing between the two. */
struct server {
    struct cert cert;
    struct dtls_ctx *ctx;
    struct dtls *dtls;
    struct ice_creds creds;
    struct ice ice;
    struct srtp_master in, out;
    struct channels *channels; /* where a test has them */
    char opened[32];           /* label and stream of what the client opened */
    char answer[64 * 1024];
};

struct pair {
    struct server s;
    struct cert cert;
    struct dtls_ctx *ctx;
    struct client *c;
    struct sctp_stack *stack; /* of both ends; NULL: no data channels */
    usec now;
};

static const struct offer_section sections[] = {{.kind = MEDIA_VIDEO, .ssrc = 5},
                                                {.kind = MEDIA_AUDIO, .ssrc = 6}};
static const struct addr at[] = {{.ip = {0x20, 1}, .port = 1}};

static void pair_init_data(struct pair *p, enum srtp_profile profile, bool data)
{
    *p = (struct pair){.now = SEC(100)};
    p->stack = data ? sl_sctp_stack_new(p->now) : NULL;
    CHECK_INT(sl_cert_init(&p->s.cert), E_OK);
    CHECK_INT(sl_cert_init(&p->cert), E_OK);
    p->s.ctx = sl_dtls_ctx_new(
        &p->s.cert,
        (const enum srtp_profile[]){SRTP_GCM_256, SRTP_GCM_128, SRTP_CM_SHA1_80}, 3);
    p->ctx = sl_dtls_ctx_new(&p->cert, &profile, 1);
    p->s.creds = sl_ice_creds_make();
    sl_ice_init(&p->s.ice, &p->s.creds);
    struct client_conf conf = {.job = NEGOTIATE_PUBLISH,
                               .sections = sections,
                               .sections_n = 2,
                               .dtls = p->ctx,
                               .sha256 = p->cert.sha256,
                               .srtp = sl_srtp_backend("openssl"),
                               .stack = p->stack,
                               .user = p};
    p->c = sl_client_new(&conf);
    CHECK(p->c && p->ctx && p->s.ctx && (p->stack || !data));
}

static void pair_init(struct pair *p, enum srtp_profile profile)
{
    pair_init_data(p, profile, false);
}

static void pair_fini(struct pair *p)
{
    sl_client_free(p->c);
    sl_channels_free(p->s.channels);
    sl_sctp_stack_free(p->stack);
    sl_dtls_free(p->s.dtls);
    sl_dtls_ctx_free(p->ctx);
    sl_dtls_ctx_free(p->s.ctx);
    sl_cert_fini(&p->cert);
    sl_cert_fini(&p->s.cert);
}

/* Answers with these addresses. */
static enum err answer(struct pair *p, const struct negotiate_candidate *cands, size_t n)
{
    static struct negotiated agreed;
    static char offer[64 * 1024];
    struct wr w = wr_of((uint8_t *)offer, sizeof offer);
    struct wr a = wr_of((uint8_t *)p->s.answer, sizeof p->s.answer);
    struct sdp *sdp = NULL;
    enum negotiate_why why;
    sl_client_offer(p->c, &w);
    CHECK_INT(sl_sdp_new(wr_done(&w), SDP_DESCRIPTION, NULL, &sdp), E_OK);
    struct negotiate_conf conf = {.job = NEGOTIATE_PUBLISH,
                                  .local = {.ufrag = p->s.creds.ufrag,
                                            .pwd = p->s.creds.pwd,
                                            .sha256 = p->s.cert.sha256,
                                            .candidates = cands,
                                            .candidates_n = n}};
    CHECK_INT(sl_negotiate(sdp, &conf, &agreed, &a), NEGOTIATE_OK);
    struct dtls_fingerprint print = {.n = agreed.peer.n};
    memcpy(print.octets, agreed.peer.bytes, print.n);
    p->s.dtls = sl_dtls_new(p->s.ctx, DTLS_SERVER, &print, p->now);
    sl_sdp_free(sdp);
    return sl_client_answer(p->c, wr_done(&a), p->now, &why);
}

static void server_input(struct pair *p, struct span in)
{
    uint8_t room[STUN_ANSWER_MAX];
    struct wr w = wr_of(room, sizeof room);
    struct ice_change change;
    struct stun msg;
    if (dgram_of(in.p[0]) == DGRAM_DTLS) {
        CHECK_INT(sl_dtls_input(p->s.dtls, in, p->now), E_OK);
        return;
    }
    CHECK_INT(sl_stun_parse(in, &msg), E_OK);
    CHECK(msg.use_candidate && msg.role == STUN_CONTROLLING);
    CHECK_INT(sl_ice_check(&p->s.ice, &msg, at, 0, p->now, &w, &change), E_OK);
    sl_client_input(p->c, wr_done(&w), p->now);
}

/* The server's end of the data channel: it is told of one, and says nothing. */
static bool server_talks(struct pair *p)
{
    const struct channels_conf conf = {
        .local_port = 5000, .remote_port = 5000, .receive_max = 1000};
    struct channels_out out;
    if (p->stack && !p->s.channels && sl_dtls_state(p->s.dtls) == DTLS_UP)
        p->s.channels = sl_channels_new(p->stack, &conf, p->now);
    while (p->s.channels && sl_channels_poll(p->s.channels, &out, p->now)) {
        if (out.kind == CHANNELS_SEND) {
            CHECK_INT(sl_dtls_send(p->s.dtls, out.bytes, p->now), E_OK);
            return true;
        }
        if (out.kind == CHANNELS_OPENED && out.open)
            (void)snprintf(p->s.opened, sizeof p->s.opened, "%.*s %u", out.open->label.n,
                           (const char *)out.open->label.p, out.stream);
    }
    return false;
}

static void server_hears(struct pair *p, const struct dtls_out *d)
{
    if (d->kind == DTLS_OUT_DATAGRAM)
        sl_client_input(p->c, d->bytes, p->now);
    else if (p->s.channels)
        sl_channels_input(p->s.channels, d->bytes, p->now);
}

/* Until neither has anything to say. */
static void settle(struct pair *p)
{
    struct span out;
    struct dtls_out d;
    bool more = true;
    while (more) {
        more = false;
        while (sl_client_poll(p->c, &out)) {
            server_input(p, out);
            more = true;
        }
        while (sl_dtls_poll(p->s.dtls, &d)) {
            server_hears(p, &d);
            more = true;
        }
        more |= server_talks(p);
    }
}

static const struct negotiate_candidate cand = {
    .addr = {.ip = {[10] = 0xff, 0xff, 10, 0, 0, 1}, .port = 8443}};

TEST(client_connects_with_the_profile_it_offers)
{
    static const enum srtp_profile profiles[] = {SRTP_CM_SHA1_80, SRTP_GCM_128,
                                                 SRTP_GCM_256};
    for (size_t i = 0; i < LEN(profiles); i++) {
        static struct pair p;
        pair_init(&p, profiles[i]);
        CHECK_INT(sl_client_state(p.c), CLIENT_NEW);
        CHECK_INT(answer(&p, &cand, 1), E_OK);
        CHECK_INT(sl_client_state(p.c), CLIENT_CHECKING);
        settle(&p);
        CHECK_INT(sl_client_state(p.c), CLIENT_UP);
        CHECK_INT(sl_srtp_out_profile(sl_client_out(p.c)), profiles[i]);
        CHECK(sl_client_in(p.c) != NULL);
        CHECK(addr_eq(sl_client_remote(p.c), &cand.addr));
        CHECK(sl_client_ext(p.c, 0, EXT_TWCC) != 0);
        CHECK_INT(sl_client_ext(p.c, 2, EXT_TWCC), 0);
        pair_fini(&p);
    }
}

/* Of the DTLS client, so on the first even stream; nothing is said where none is wanted. */
TEST(client_opens_a_data_channel)
{
    for (int data = 0; data <= 1; data++) {
        static struct pair p;
        pair_init_data(&p, SRTP_GCM_128, data);
        CHECK_INT(answer(&p, &cand, 1), E_OK);
        settle(&p);
        CHECK_INT(sl_client_state(p.c), CLIENT_UP);
        for (int i = 0; data && i < 20; i++) {
            const struct client *c;
            p.now = sl_sctp_stack_deadline(p.stack);
            sl_sctp_stack_tick(p.stack, p.now);
            while ((c = sl_client_talking(p.stack)))
                CHECK(sl_client_user(c) == &p);
            settle(&p);
        }
        CHECK(strcmp(p.s.opened, data ? "bench 0" : "") == 0);
        pair_fini(&p);
    }
}

/* The server offers to send; the client begins the handshake. */
static enum err accept_offer(struct pair *p, bool known)
{
    static struct negotiated agreed;
    static char offer[64 * 1024], said[64 * 1024];
    struct wr o = wr_of((uint8_t *)offer, sizeof offer);
    struct wr a = wr_of((uint8_t *)said, sizeof said);
    struct offer_conf conf = {.job = NEGOTIATE_PUBLISH,
                              .local = {.ufrag = p->s.creds.ufrag,
                                        .pwd = p->s.creds.pwd,
                                        .sha256 = p->s.cert.sha256,
                                        .candidates = &cand,
                                        .candidates_n = 1},
                              .cname = "server",
                              .sections = sections,
                              .sections_n = 2};
    enum negotiate_why why;
    struct sdp *sdp = NULL;
    sl_offer_write(&o, &conf);
    wr_u8(&o, 0);
    if (!known)
        for (char *map = offer; (map = strstr(map, "a=rtpmap:")); map++)
            memcpy(strchr(map, ' ') + 1, "xyz", 3);
    enum err e = sl_client_accept(p->c, span_of(offer), p->now, &a, &why);
    CHECK((e == E_UNSUPPORTED) == (why != NEGOTIATE_OK));
    if (e)
        return e;
    CHECK_INT(sl_sdp_new(wr_done(&a), SDP_DESCRIPTION, NULL, &sdp), E_OK);
    CHECK(!sdp->session.ice_lite);
    CHECK_INT(sl_offer_read(sdp, &conf, &agreed), NEGOTIATE_OK);
    CHECK(!agreed.dtls_client && agreed.active_n == 2);
    struct dtls_fingerprint print = {.n = agreed.peer.n};
    memcpy(print.octets, agreed.peer.bytes, print.n);
    p->s.dtls = sl_dtls_new(p->s.ctx, DTLS_SERVER, &print, p->now);
    sl_sdp_free(sdp);
    return E_OK;
}

TEST(client_accepts_an_offer)
{
    static struct pair p;
    pair_init(&p, SRTP_CM_SHA1_80);
    CHECK_INT(accept_offer(&p, false), E_UNSUPPORTED);
    CHECK_INT(sl_client_state(p.c), CLIENT_NEW);
    CHECK_INT(accept_offer(&p, true), E_OK);
    settle(&p);
    CHECK_INT(sl_client_state(p.c), CLIENT_UP);
    CHECK_INT(sl_srtp_out_profile(sl_client_out(p.c)), SRTP_CM_SHA1_80);
    CHECK(addr_eq(sl_client_remote(p.c), &cand.addr));
    CHECK(sl_client_ext(p.c, 1, EXT_TWCC) != 0);
    pair_fini(&p);
}

/* Some servers that are lite check nevertheless. Only who knows our password is answered. */
TEST(client_answers_checks)
{
    static struct pair p;
    uint8_t room[512];
    struct span out;
    struct stun msg, request = {.class = STUN_REQUEST,
                                .method = STUN_BINDING,
                                .role = STUN_CONTROLLED,
                                .id = {7}};
    pair_init(&p, SRTP_GCM_128);
    char *offer = calloc(1, 64 * 1024), pwd[64] = "";
    struct wr o = wr_of((uint8_t *)offer, 64 * 1024 - 1);
    sl_client_offer(p.c, &o);
    CHECK_INT(sscanf(strstr(offer, "a=ice-pwd:"), "a=ice-pwd:%63s", pwd), 1);
    free(offer);
    CHECK_INT(answer(&p, &cand, 1), E_OK);
    CHECK(sl_client_poll(p.c, &out) && !sl_client_poll(p.c, &out));
    for (int right = 0; right <= 1; right++) {
        struct hmac_sha1 key = sl_hmac_sha1_of(span_of(right ? pwd : "wrong"));
        struct wr w = wr_of(room, sizeof room);
        sl_stun_build(&w, &request, &key);
        sl_client_input(p.c, wr_done(&w), p.now);
        CHECK_INT(sl_client_poll(p.c, &out), right);
        if (!right)
            continue;
        CHECK_INT(sl_stun_parse(out, &msg), E_OK);
        CHECK(msg.class == STUN_SUCCESS && msg.id[0] == 7 && sl_stun_verify(&msg, &key));
        CHECK(msg.has_mapped && addr_eq(&msg.mapped, &cand.addr));
        CHECK(!sl_client_poll(p.c, &out));
    }
    p.now += MSEC(100);
    sl_client_tick(p.c, p.now);
    settle(&p);
    CHECK_INT(sl_client_state(p.c), CLIENT_UP);
    pair_fini(&p);
}

/* Not yet, then now: a check each 2.5 s. */
TEST(client_goes_on_checking)
{
    static struct pair p;
    pair_init(&p, SRTP_GCM_128);
    CHECK_INT(answer(&p, &cand, 1), E_OK);
    settle(&p);
    CHECK_INT(sl_client_checks(p.c).sent, 1);
    p.now += CLIENT_CHECKS - 1;
    sl_client_tick(p.c, p.now);
    CHECK_INT(sl_client_checks(p.c).sent, 1);
    p.now += 1;
    CHECK(sl_client_deadline(p.c) <= p.now);
    sl_client_tick(p.c, p.now);
    settle(&p);
    CHECK_INT(sl_client_checks(p.c).sent, 2);
    CHECK_INT(sl_client_checks(p.c).answered, 2);
    pair_fini(&p);
}

/* With the old credentials nobody is answered any more, with the new ones at once. */
TEST(client_restarts_ice_and_keeps_its_keys)
{
    static struct pair p;
    pair_init(&p, SRTP_GCM_128);
    CHECK_INT(answer(&p, &cand, 1), E_OK);
    p.s.creds = sl_ice_creds_make();
    struct client_creds creds = {.ufrag = span_of("anew"),
                                 .pwd = span_of("anotherpasswordanotherp"),
                                 .their_ufrag = span_of(p.s.creds.ufrag),
                                 .their_pwd = span_of(p.s.creds.pwd)};
    CHECK_INT(sl_client_restart(p.c, &creds, p.now), E_STATE);
    settle(&p);
    const struct srtp_out *out = sl_client_out(p.c);
    struct client_creds wide = creds;
    wide.pwd.n = 10000;
    CHECK_INT(sl_client_restart(p.c, &wide, p.now), E_MALFORMED);
    CHECK_INT(sl_client_restart(p.c, &creds, p.now), E_OK);
    sl_ice_init(&p.s.ice, &p.s.creds);
    CHECK(sl_client_deadline(p.c) <= p.now);
    sl_client_tick(p.c, p.now);
    settle(&p);
    CHECK_INT(sl_client_state(p.c), CLIENT_UP);
    CHECK_INT(sl_client_checks(p.c).sent, 2);
    CHECK_INT(sl_client_checks(p.c).answered, 2);
    CHECK(sl_client_out(p.c) == out);
    pair_fini(&p);
}

TEST(client_gives_up_where_nobody_answers)
{
    static struct pair p;
    struct span out;
    pair_init(&p, SRTP_GCM_128);
    CHECK_INT(answer(&p, &cand, 1), E_OK);
    usec begun = p.now;
    while (p.now < begun + CLIENT_TIMEOUT - 1) {
        CHECK_INT(sl_client_state(p.c), CLIENT_CHECKING);
        while (sl_client_poll(p.c, &out)) {}
        p.now = sl_client_deadline(p.c);
        sl_client_tick(p.c, p.now);
    }
    CHECK_INT(p.now, begun + CLIENT_TIMEOUT);
    CHECK_INT(sl_client_state(p.c), CLIENT_FAILED);
    CHECK(sl_client_reason(p.c)[0] != '\0');
    CHECK(sl_client_deadline(p.c) == USEC_NEVER);
    pair_fini(&p);
}

TEST(client_takes_no_answer_of_another_check)
{
    static struct pair p;
    uint8_t room[STUN_ANSWER_MAX];
    struct span out;
    struct stun msg;
    struct ice_change change;
    pair_init(&p, SRTP_GCM_128);
    CHECK_INT(answer(&p, &cand, 1), E_OK);
    CHECK(sl_client_poll(p.c, &out));
    CHECK_INT(sl_stun_parse(out, &msg), E_OK);
    struct wr w = wr_of(room, sizeof room);
    CHECK_INT(sl_ice_check(&p.s.ice, &msg, at, 0, p.now, &w, &change), E_OK);
    p.now += MSEC(200);
    sl_client_tick(p.c, p.now);
    sl_client_input(p.c, wr_done(&w), p.now);
    CHECK_INT(sl_client_checks(p.c).answered, 0);
    settle(&p);
    CHECK_INT(sl_client_state(p.c), CLIENT_UP);
    pair_fini(&p);
}

TEST(client_wants_an_address)
{
    static struct pair p;
    pair_init(&p, SRTP_GCM_128);
    CHECK_INT(answer(&p, NULL, 0), E_ABSENT);
    pair_fini(&p);
}

TEST(client_wants_an_answer_to_its_offer)
{
    static struct pair p;
    enum negotiate_why why;
    static const char empty[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    pair_init(&p, SRTP_GCM_128);
    CHECK_INT(sl_client_answer(p.c, span_of("hello"), p.now, &why), E_MALFORMED);
    CHECK_INT(sl_client_answer(p.c, span_of(empty), p.now, &why), E_UNSUPPORTED);
    CHECK_INT(why, NEGOTIATE_NO_MEDIA);
    pair_fini(&p);
}
