#pragma once

/* A certificate of the test's own, in two files that the test removes. */

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "crypto/cert.h"

struct pem {
    char cert[32], key[32];
    uint8_t sha256[32];
};

static inline struct pem pem_of(const struct cert *cert)
{
    struct pem p = {"/tmp/sluice-cert-XXXXXX", "/tmp/sluice-key-XXXXXX", {0}};
    CHECK(X509_digest(cert->x509, EVP_sha256(), p.sha256, NULL) == 1);
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

/* As pem_new, for a name or an address: "DNS:a.example", "IP:127.0.0.1". */
static inline struct pem pem_named(const char *who)
{
    struct cert cert;
    CHECK_INT(sl_cert_init(&cert), E_OK);
    X509_NAME *name = X509_NAME_new();
    CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"test",
                                     -1, -1, 0) == 1);
    CHECK(X509_set_version(cert.x509, X509_VERSION_3) == 1);
    CHECK(X509_set_subject_name(cert.x509, name) == 1);
    CHECK(X509_set_issuer_name(cert.x509, name) == 1);
    X509_NAME_free(name);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, who);
    CHECK(ext && X509_add_ext(cert.x509, ext, -1) == 1);
    X509_EXTENSION_free(ext);
    CHECK(X509_sign(cert.x509, cert.key, EVP_sha256()) > 0);
    struct pem p = pem_of(&cert);
    sl_cert_fini(&cert);
    return p;
}

static inline void pem_remove(const struct pem *p)
{
    (void)unlink(p->cert);
    (void)unlink(p->key);
}
