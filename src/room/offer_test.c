#include "room/offer.h"

#include "check.h"
#include "negotiated.h"

#define PUBLISH NEGOTIATE_PUBLISH
#define WATCH   NEGOTIATE_WATCH

static const uint8_t ours[32] = {1}, theirs[32] = {2};
static const char *const pwd = "0123456789012345678901";
static const struct offer_section both[] = {
    {.kind = MEDIA_AUDIO, .ssrc = 10},
    {.kind = MEDIA_VIDEO, .ssrc = 11, .rtx_ssrc = 12}};
static const struct negotiate_slot slots[] = {
    {.kind = MEDIA_AUDIO, .stream = "s", .track = "a", .ssrc = 20},
    {.kind = MEDIA_VIDEO, .stream = "s", .track = "v", .ssrc = 21, .rtx_ssrc = 22},
};

/* One exchange, and what each end understood of it. */
struct exchange {
    uint8_t offer_text[8192], answer_text[8192];
    struct sdp *offer, *answer;
    struct negotiated server, client;
};

static struct offer_conf client_conf(enum negotiate_job job)
{
    return (struct offer_conf){.job = job,
                               .local = {"client", pwd, ours, false, NULL, 0},
                               .cname = "bench",
                               .session = 5,
                               .sections = both,
                               .sections_n = LEN(both)};
}

static struct negotiate_conf server_conf(enum negotiate_job job)
{
    return (struct negotiate_conf){.job = job,
                                   .local = {"server", pwd, theirs, false, NULL, 0},
                                   .slots = slots,
                                   .slots_n = LEN(slots),
                                   .cname = "sluice"};
}

static enum negotiate_why exchange(struct exchange *x, const struct offer_conf *client,
                                   const struct negotiate_conf *server)
{
    struct wr o = wr_of(x->offer_text, sizeof x->offer_text);
    struct wr a = wr_of(x->answer_text, sizeof x->answer_text);
    x->offer = x->answer = NULL;
    sl_offer_write(&o, client);
    CHECK(!o.bad);
    CHECK_INT(sl_sdp_new(wr_done(&o), SDP_DESCRIPTION, NULL, &x->offer), E_OK);
    if (!x->offer)
        return NEGOTIATE_NO_MEDIA;
    CHECK_INT(sl_negotiate(x->offer, server, &x->server, &a), NEGOTIATE_OK);
    CHECK_INT(sl_sdp_new(wr_done(&a), SDP_DESCRIPTION, NULL, &x->answer), E_OK);
    return x->answer ? sl_offer_read(x->answer, client, &x->client) : NEGOTIATE_NO_MEDIA;
}

static void end(struct exchange *x)
{
    sl_sdp_free(x->offer);
    sl_sdp_free(x->answer);
}

static void check_said(const struct negotiated *n, const char *want)
{
    uint8_t said[1024];
    struct wr w = wr_of(said, sizeof said);
    say_negotiated(&w, n);
    if (!span_is(wr_done(&w), want))
        check_fail(__FILE__, __LINE__, "got\n%.*s", (int)w.n, (const char *)said);
}

static struct exchange x;

TEST(offer_to_publish_is_understood_alike_at_both_ends)
{
    struct offer_conf client = client_conf(PUBLISH);
    struct negotiate_conf server = server_conf(PUBLISH);
    CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
    check_said(&x.server, "0 recv: opus=111t | mid=1 twcc=4 level=6 | :10\n"
                          "1 recv: VP8=96+97npftr | mid=1 twcc=4 | :11+12\n");
    check_said(&x.client, "0 send: opus=111t | mid=1 twcc=4 level=6\n"
                          "1 send: VP8=96+97npftr | mid=1 twcc=4\n");
    CHECK_INT(x.client.sections[0].send.rtx_ssrc, 0);
    CHECK_INT(x.client.sections[1].send.ssrc, 11);
    CHECK_INT(x.client.sections[1].send.rtx_ssrc, 12);
    CHECK(strcmp(x.client.sections[1].send.cname, "bench") == 0);
    end(&x);
}

TEST(offer_to_watch_is_understood_alike_at_both_ends)
{
    struct offer_conf client = client_conf(WATCH);
    struct negotiate_conf server = server_conf(WATCH);
    CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
    check_said(&x.server, "0 send: opus=111t | mid=1 twcc=4 level=6\n"
                          "1 send: VP8=96+97npftr | mid=1 twcc=4\n");
    check_said(&x.client, "0 recv: opus=111t | mid=1 twcc=4 level=6 | :20\n"
                          "1 recv: VP8=96+97npftr | mid=1 twcc=4 | :21+22\n");
    CHECK(span_is(x.client.sections[1].stream, "s"));
    CHECK(span_is(x.client.sections[1].track, "v"));
    end(&x);
}

TEST(offer_that_is_plain_tells_nothing_of_the_path)
{
    struct offer_conf client = client_conf(WATCH);
    struct negotiate_conf server = server_conf(WATCH);
    client.plain = true;
    CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
    check_said(&x.server, "0 send: opus=111 | mid=1 level=6\n"
                          "1 send: VP8=96+97npf | mid=1\n");
    check_said(&x.client, "0 recv: opus=111 | mid=1 level=6 | :20\n"
                          "1 recv: VP8=96+97npf | mid=1 | :21+22\n");
    end(&x);
}

TEST(offer_each_end_has_the_credentials_of_the_other)
{
    struct offer_conf client = client_conf(WATCH);
    struct negotiate_conf server = server_conf(WATCH);
    for (int active = 0; active < 2; active++) {
        server.local.active = active;
        CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
        CHECK(span_is(x.client.ufrag, "server") && span_is(x.server.ufrag, "client"));
        CHECK(memcmp(x.client.peer.bytes, theirs, 32) == 0);
        CHECK(memcmp(x.server.peer.bytes, ours, 32) == 0);
        CHECK_INT(x.server.dtls_client, active);
        CHECK_INT(x.client.dtls_client, !active);
        end(&x);
    }
}

TEST(offer_takes_udp_candidates_in_their_order)
{
    struct offer_conf client = client_conf(WATCH);
    struct negotiate_conf server = server_conf(WATCH);
    struct negotiate_candidate candidates[] = {{addr_v4(192, 0, 2, 1, 9), true},
                                               {addr_v4(192, 0, 2, 1, 8443), false},
                                               {addr_v4(192, 0, 2, 2, 8443), false}};
    struct addr got[3] = {0};
    server.local.candidates = candidates;
    server.local.candidates_n = LEN(candidates);
    CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
    CHECK_INT(sl_offer_candidates(x.answer, got, 1), 1);
    CHECK_INT(sl_offer_candidates(x.answer, got, LEN(got)), 2);
    CHECK(addr_eq(&got[0], &candidates[1].addr));
    CHECK(addr_eq(&got[1], &candidates[2].addr));
    end(&x);
}

TEST(offer_survives_a_section_that_is_rejected)
{
    struct offer_conf client = client_conf(WATCH);
    struct negotiate_conf server = server_conf(WATCH);
    server.slots = &slots[1];
    server.slots_n = 1;
    CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
    check_said(&x.client, "stopped\n"
                          "1 recv: VP8=96+97npftr | mid=1 twcc=4 | :21+22\n");
    CHECK(span_is(x.client.ufrag, "server"));
    end(&x);
}

/* An answer with one place changed. */
static const struct {
    const char *name, *from, *to;
    enum negotiate_why why;
} bad[] = {
    {"as it was", "a=setup:passive", "a=setup:passive", NEGOTIATE_OK},
    {"nothing accepted", "m=audio 9", "m=audio 0", NEGOTIATE_NO_MEDIA},
    {"nothing flows", "a=recvonly", "a=inactive", NEGOTIATE_NO_MEDIA},
    {"it sends too", "a=recvonly", "a=sendrecv", NEGOTIATE_OK},
    {"it sends instead", "a=recvonly", "a=sendonly", NEGOTIATE_NO_MEDIA},
    {"a role left open", "a=setup:passive", "a=setup:actpass", NEGOTIATE_BAD_SETUP},
    {"no fingerprint", "a=fingerprint", "a=x", NEGOTIATE_NO_FINGERPRINT},
    {"no password", "a=ice-pwd", "a=x", NEGOTIATE_NO_ICE},
    {"a section too many", "a=end-of-candidates\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n",
     NEGOTIATE_NO_MEDIA},
    {"another codec", "opus/48000/2", "lyra/48000/2", NEGOTIATE_NO_MEDIA},
};

TEST(offer_refuses_answers_that_cannot_work)
{
    struct offer_conf client = client_conf(PUBLISH);
    struct negotiate_conf server = server_conf(PUBLISH);
    client.sections_n = 1;
    CHECK_INT(exchange(&x, &client, &server), NEGOTIATE_OK);
    for (size_t i = 0; i < LEN(bad); i++) {
        static struct negotiated n;
        uint8_t text[4096];
        struct wr w = wr_of(text, sizeof text);
        struct sdp *s = NULL;
        check_row(bad[i].name);
        sl_sdp_write(&w, x.answer);
        wr_u8(&w, 0);
        char *at = strstr((char *)text, bad[i].from);
        CHECK(!w.bad && at);
        if (!at)
            continue;
        char edited[4096];
        (void)snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - (char *)text),
                       (char *)text, bad[i].to, at + strlen(bad[i].from));
        CHECK_INT(sl_sdp_new(span_of(edited), SDP_DESCRIPTION, NULL, &s), E_OK);
        if (s)
            CHECK_INT(sl_offer_read(s, &client, &n), bad[i].why);
        sl_sdp_free(s);
    }
    end(&x);
}
