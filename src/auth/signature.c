#include "auth/signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
    KEY_MIN = 24,
    KEY_MAX = 64
}; /* octets, by the specification; text may be longer */

static const char prefix[] = "whsec_";

enum err sl_signature_key(struct span secret, struct hmac_sha256 *ret)
{
    uint8_t octets[KEY_MAX];
    size_t n = sizeof prefix - 1;
    if (secret.n >= n && memcmp(secret.p, prefix, n) == 0) {
        struct wr w = wr_of(octets, sizeof octets);
        enum err e = sl_base64_read((struct span){secret.p + n, secret.n - n}, &w);
        if (e)
            return E_MALFORMED;
        secret = wr_done(&w);
    }
    enum err e = secret.n < KEY_MIN ? E_SHORT : E_OK;
    if (!e)
        *ret = sl_hmac_sha256_of(secret);
    sl_wipe(octets, sizeof octets);
    return e;
}

void sl_signature_write(struct wr *w, const struct hmac_sha256 *key, struct span id,
                        int64_t at, struct span body)
{
    char time[32];
    uint8_t mac[SHA256_LEN];
    int n = snprintf(time, sizeof time, ".%" PRId64 ".", at);
    const struct span parts[] = {id, {(const uint8_t *)time, (size_t)n}, body};
    sl_hmac_sha256(key, parts, sizeof parts / sizeof parts[0], mac);
    wr_str(w, "v1,");
    sl_base64_write(w, (struct span){mac, sizeof mac});
}
