#include "media/keyreq.h"

#include "check.h"

TEST(keyreq_nobody_wants)
{
    struct keyreq k = {0};
    CHECK(!keyreq_poll(&k, SEC(1)));
    CHECK_INT(keyreq_deadline(&k), USEC_NEVER);
}

TEST(keyreq_requests_become_one)
{
    struct keyreq k = {0};
    keyreq_want(&k);
    keyreq_want(&k);
    CHECK(keyreq_deadline(&k) <= SEC(1));
    CHECK(keyreq_poll(&k, SEC(1)));
    keyreq_want(&k);
    CHECK(!keyreq_poll(&k, SEC(1) + MSEC(100)));
    keyreq_done(&k);
    CHECK_INT(keyreq_deadline(&k), USEC_NEVER);
    CHECK(!keyreq_poll(&k, SEC(9)));
}

TEST(keyreq_repeats_what_was_in_vain)
{
    static const usec at[] = {SEC(1), SEC(1) + MSEC(500), SEC(2), SEC(3), SEC(4)};
    struct keyreq k = {0};
    keyreq_want(&k);
    for (size_t i = 0; i < LEN(at); i++) {
        CHECK(i == 0 || !keyreq_poll(&k, at[i] - 1));
        CHECK(i == 0 || keyreq_deadline(&k) == at[i]);
        CHECK(keyreq_poll(&k, at[i]));
    }
    /* An answer makes it quick again. */
    keyreq_done(&k);
    keyreq_want(&k);
    CHECK(keyreq_poll(&k, SEC(5)));
    CHECK_INT(keyreq_deadline(&k), SEC(5) + KEYREQ_WAIT);
}

TEST(keyreq_is_throttled_after_an_answer)
{
    struct keyreq k = {0};
    keyreq_want(&k);
    CHECK(keyreq_poll(&k, SEC(1)));
    keyreq_done(&k);
    keyreq_want(&k);
    CHECK(!keyreq_poll(&k, SEC(1) + KEYREQ_WAIT - 1));
    CHECK_INT(keyreq_deadline(&k), SEC(1) + KEYREQ_WAIT);
    CHECK(keyreq_poll(&k, SEC(1) + KEYREQ_WAIT));
}
