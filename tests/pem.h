#pragma once

/* A certificate of the test's own, in two files that the test removes. */

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "crypto/cert.h"

struct pem {
    char cert[32], key[32];
};

static inline struct pem pem_of(const struct cert *cert)
{
    struct pem p = {"/tmp/sluice-cert-XXXXXX", "/tmp/sluice-key-XXXXXX"};
    FILE *f = fdopen(mkstemp(p.cert), "w");
    CHECK(f && PEM_write_X509(f, cert->x509) == 1);
    (void)fclose(f);
    f = fdopen(mkstemp(p.key), "w");
    CHECK(f && PEM_write_PrivateKey(f, cert->key, NULL, NULL, 0, NULL, NULL) == 1);
    (void)fclose(f);
    return p;
}

static inline struct pem pem_new(void)
{
    struct cert cert;
    CHECK_INT(sl_cert_init(&cert), E_OK);
    struct pem p = pem_of(&cert);
    sl_cert_fini(&cert);
    return p;
}

static inline void pem_remove(const struct pem *p)
{
    (void)unlink(p->cert);
    (void)unlink(p->key);
}
