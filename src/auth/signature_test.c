#include "auth/signature.h"

#include "check.h"

/* The example of the Standard Webhooks specification, and what differs from it by one thing. */
TEST(signature_of_a_message)
{
    static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    static const char want[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    static const struct {
        const char *name, *secret, *id, *body;
        int64_t at;
        bool same;
    } rows[] = {
        {"the example", secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}",
         1614265330, true},
        {"another body", secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232315}",
         1614265330, false},
        {"another id", secret, "msg_p5jXN8AQM9LWM0D4loKWxJeK", "{\"test\": 2432232314}",
         1614265330, false},
        {"another time", secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}",
         1614265331, false},
        {"the secret as text", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
         "msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}", 1614265330, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hmac_sha256 key;
        uint8_t text[SIGNATURE_LEN];
        struct wr w = wr_of(text, sizeof text);
        check_row(rows[i].name);
        CHECK_INT(sl_signature_key(span_of(rows[i].secret), &key), E_OK);
        sl_signature_write(&w, &key, span_of(rows[i].id), rows[i].at,
                           span_of(rows[i].body));
        CHECK_INT(w.n, SIGNATURE_LEN);
        CHECK_INT(span_is(wr_done(&w), want), rows[i].same);
    }
}

TEST(signature_secrets)
{
    static const struct {
        const char *secret;
        enum err want;
    } rows[] = {
        {"", E_SHORT},
        {"23 octets are too short", E_SHORT},
        {"24 octets are long enough", E_OK},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", E_MALFORMED},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", E_MALFORMED},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2Lw", E_SHORT},
        {"whsec_", E_SHORT},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hmac_sha256 key;
        check_row(rows[i].secret);
        CHECK_INT(sl_signature_key(span_of(rows[i].secret), &key), rows[i].want);
    }
}
