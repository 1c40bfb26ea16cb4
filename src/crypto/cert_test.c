#include "crypto/cert.h"

#include <string.h>

#include "check.h"

TEST(cert_each_is_new)
{
    struct cert a, b;
    CHECK_INT(sl_cert_init(&a), E_OK);
    CHECK_INT(sl_cert_init(&b), E_OK);
    CHECK(memcmp(a.sha256, b.sha256, sizeof a.sha256) != 0);
    sl_cert_fini(&a);
    sl_cert_fini(&b);
    sl_cert_fini(&a);
}
