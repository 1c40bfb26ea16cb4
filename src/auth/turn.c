#include "auth/turn.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

#include "crypto/hash.h"

enum { WHO_MAX = 40 };

enum err sl_turn_credentials(struct span secret, struct span who, int64_t now,
                             int64_t lifetime, struct turn_credentials *ret)
{
    struct turn_credentials c = {0};
    uint8_t mac[SHA1_LEN];
    if (secret.n == 0 || who.n == 0 || who.n > WHO_MAX || lifetime <= 0 ||
        lifetime > TURN_LIFETIME_MAX)
        return E_MALFORMED;
    (void)snprintf(c.username, sizeof c.username, "%" PRId64 ":%.*s", now + lifetime,
                   (int)who.n, (const char *)who.p);
    struct hmac_sha1 key = sl_hmac_sha1_of(secret);
    struct span name = span_of(c.username);
    struct wr w = wr_of((uint8_t *)c.password, sizeof c.password - 1);
    sl_hmac_sha1(&key, &name, 1, mac);
    sl_base64_write(&w, (struct span){mac, sizeof mac});
    sl_wipe(&key, sizeof key);
    *ret = c;
    return E_OK;
}
