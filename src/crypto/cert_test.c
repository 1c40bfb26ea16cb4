#include "crypto/cert.h"

#include <openssl/x509.h>
#include <string.h>

#include "check.h"

TEST(cert_each_is_new)
{
    struct cert a, b;
    CHECK_INT(sl_cert_init(&a), E_OK);
    CHECK_INT(sl_cert_init(&b), E_OK);
    CHECK(memcmp(a.sha256, b.sha256, sizeof a.sha256) != 0);
    CHECK(X509_issuer_and_serial_cmp(a.x509, b.x509) != 0);
    CHECK(ASN1_STRING_length(X509_get0_serialNumber(a.x509)) == 16);
    sl_cert_fini(&a);
    sl_cert_fini(&b);
    sl_cert_fini(&a);
}
