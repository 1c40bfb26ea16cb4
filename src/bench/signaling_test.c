#include "bench/signaling.h"

#include <string.h>

#include "bench/web_stage.h"

static const struct {
    const char *name, *answer;
    enum err want;
    unsigned later_s;
    const char *error;
} rows[] = {
    {"later", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", E_EARLY,
     7, "status 503"},
    {"too many, not said when", "HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n",
     E_EARLY, 1, "status 429"},
    {"no such room", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", E_DENIED,
     1, "status 404: gone"},
    {"no answer in it",
     "HTTP/1.1 201 Created\r\nLocation: /session/1\r\nContent-Length: 2\r\n\r\nhi",
     E_MALFORMED, 1, "answer to /wh"},
    {"it hangs up", "HTTP/1.1 200", E_SHORT, 1, "POST /wh"},
};

static struct client *client_of(struct dtls_ctx *ctx, const struct cert *cert)
{
    static const struct offer_section section = {.kind = MEDIA_AUDIO, .ssrc = 1};
    struct client_conf conf = {.job = NEGOTIATE_PUBLISH,
                               .sections = &section,
                               .sections_n = 1,
                               .dtls = ctx,
                               .sha256 = cert->sha256,
                               .srtp = sl_srtp_backend("openssl")};
    return sl_client_new(&conf);
}

TEST(signaling_whip_says_what_the_server_said)
{
    static const enum srtp_profile profile = SRTP_GCM_128;
    struct cert cert;
    CHECK_INT(sl_cert_init(&cert), E_OK);
    struct dtls_ctx *ctx = sl_dtls_ctx_new(&cert, &profile, 1);
    for (size_t i = 0; i < 2 * LEN(rows); i++) {
        struct signaling_who who = {.room = "r",
                                    .room_nth = 3,
                                    .publishes = i % 2,
                                    .publisher = 4,
                                    .publishers = 5,
                                    .token = "secret"};
        char seat[WEB_LOCATION_MAX] = "", error[SIGNALING_ERROR_MAX] = "";
        usec later = SEC(1);
        struct stage s;
        struct web *web;
        struct client *c = client_of(ctx, &cert);
        check_row(rows[i / 2].name);
        stage_open(&s, rows[i / 2].answer, 1, 1);
        CHECK_INT(sl_web_new(s.url, &web), E_OK);
        CHECK_INT(sl_signaling_whip.join(web, &who, c, seat, &later, error),
                  rows[i / 2].want);
        CHECK_INT(later, SEC(rows[i / 2].later_s));
        CHECK(strstr(error, rows[i / 2].error));
        stage_close(&s);
        CHECK(strstr(s.asked,
                     who.publishes ? "POST /base/whip/r3/s4 " : "POST /base/whep/r3 "));
        CHECK(strstr(s.asked, "Authorization: Bearer secret\r\n"));
        sl_web_free(web);
        sl_client_free(c);
    }
    sl_dtls_ctx_free(ctx);
    sl_cert_fini(&cert);
}

TEST(signaling_whip_leaves_by_delete)
{
    struct stage s;
    struct web *web;
    stage_open(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1, 1);
    CHECK_INT(sl_web_new(s.url, &web), E_OK);
    CHECK_INT(sl_signaling_whip.leave(web, NULL, "/session/7"), E_OK);
    stage_close(&s);
    CHECK(strstr(s.asked, "DELETE /base/session/7 "));
    sl_web_free(web);
}
