#include "auth/token.h"

#include "base/text.h"
#include "base/word.h"

#include "fuzz.h"

static struct token_keys keys;

static void append_signature(struct wr *w)
{
    uint8_t tag[SHA256_LEN];
    struct span body = wr_done(w);
    sl_hmac_sha256(&keys.keys[0].hmac, &body, 1, tag);
    wr_u8(w, '.');
    sl_base64url_write(w, (struct span){tag, sizeof tag});
}

static bool same(const struct token *a, const struct token *b)
{
    return strcmp(a->tenant, b->tenant) == 0 && strcmp(a->room, b->room) == 0 &&
           strcmp(a->sub, b->sub) == 0 && strcmp(a->jti, b->jti) == 0 &&
           strcmp(a->role, b->role) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->sources, b->sources) == 0 && a->perm == b->perm &&
           a->exp == b->exp && a->nbf == b->nbf && a->iat == b->iat &&
           a->max_bps == b->max_bps;
}

/* The input is the header, a line break and the claims. They are signed rightly, so that the
 * claims are read: what verifies can be minted, and what was minted verifies to the same. With
 * one octet changed it never verifies. The input as it stands, which nobody signed, neither. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t buf[2 * TOKEN_MAX], again[TOKEN_MAX];
    static const int64_t now = 1800000000;
    struct token a, b;
    if (keys.n == 0)
        MUST(sl_token_keys_add(&keys, span_of("k"),
                               span_of("0123456789abcdef0123456789abcdef")) == E_OK);
    MUST(sl_token_verify(&keys, (struct span){p, n}, now, &a) != E_OK);
    if (n > TOKEN_MAX)
        return 0;

    struct span claims = {p, n};
    struct span header = word_cut(&claims, '\n');
    struct wr w = wr_of(buf, sizeof buf);
    sl_base64url_write(&w, header);
    wr_u8(&w, '.');
    sl_base64url_write(&w, claims);
    append_signature(&w);
    MUST(!w.bad);
    if (sl_token_verify(&keys, wr_done(&w), now, &a) != E_OK)
        return 0;

    struct wr w2 = wr_of(again, sizeof again);
    MUST(sl_token_mint(&keys.keys[0], &a, &w2) == E_OK);
    MUST(sl_token_verify(&keys, wr_done(&w2), now, &b) == E_OK);
    MUST(same(&a, &b));
    buf[n % w.n] ^= 1;
    MUST(sl_token_verify(&keys, wr_done(&w), now, &b) != E_OK);
    return 0;
}
