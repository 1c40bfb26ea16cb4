#include "auth/token.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "base/word.h"

static const struct {
    const char *word;
    enum token_perm perm;
} perms[] = {{"publish", TOKEN_PUBLISH}, {"watch", TOKEN_WATCH}, {"admin", TOKEN_ADMIN}};

enum { PERMS = sizeof perms / sizeof perms[0] };

/* Beyond the year 9999 something is wrong with the number. */
#define TIME_MAX INT64_C(253402300799)

/* ---- keys ---- */

static bool kid_valid(struct span kid)
{
    for (size_t i = 0; i < kid.n; i++) {
        uint8_t c = kid.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && !(c && strchr("-._~", c)))
            return false;
    }
    return kid.n > 0 && kid.n < TOKEN_KID_CAP;
}

static const struct token_key *find(const struct token_keys *keys, struct span kid)
{
    for (size_t i = 0; i < keys->n; i++)
        if (span_is(kid, keys->keys[i].kid))
            return &keys->keys[i];
    return NULL;
}

enum err sl_token_keys_add(struct token_keys *keys, struct span kid, struct span secret)
{
    if (!kid_valid(kid))
        return E_MALFORMED;
    if (secret.n < TOKEN_SECRET_MIN)
        return E_SHORT;
    if (find(keys, kid))
        return E_EXISTS;
    if (keys->n == TOKEN_KEYS_MAX)
        return E_FULL;
    struct token_key *key = &keys->keys[keys->n++];
    *key = (struct token_key){.hmac = sl_hmac_sha256_of(secret)};
    memcpy(key->kid, kid.p, kid.n);
    return E_OK;
}

/* ---- reading ---- */

/* NULL unless part is base64url of one JSON object that has no name twice. */
static json_t *object_of(struct span part)
{
    uint8_t buf[TOKEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    if (sl_base64url_read(part, &w) != E_OK)
        return NULL;
    json_t *o = json_loadb((const char *)buf, w.n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

static struct span string_of(const json_t *s)
{
    return (struct span){(const uint8_t *)json_string_value(s), json_string_length(s)};
}

/* The keys that may have signed: that of the kid, or all. RFC 7515 §4.1.11: who does not know
 * what `crit` names must refuse. */
static enum err read_header(const struct token_keys *keys, struct span part,
                            const struct token_key **first, size_t *n)
{
    json_t *o = object_of(part);
    if (!o)
        return E_MALFORMED;
    const json_t *alg = json_object_get(o, "alg"), *kid = json_object_get(o, "kid");
    enum err e = E_OK;
    if (!json_is_string(alg) || (kid && !json_is_string(kid)))
        e = E_MALFORMED;
    else if (!span_is(string_of(alg), "HS256") || json_object_get(o, "crit"))
        e = E_UNSUPPORTED;
    if (!e) {
        *first = kid ? find(keys, string_of(kid)) : keys->keys;
        *n = kid ? *first != NULL : keys->n;
    }
    json_decref(o);
    return e;
}

static void sign(const struct token_key *key, struct span text, uint8_t ret[SHA256_LEN])
{
    sl_hmac_sha256(&key->hmac, &text, 1, ret);
}

static bool signed_by(const struct token_key *key, struct span text,
                      struct span signature)
{
    uint8_t want[SHA256_LEN];
    sign(key, text, want);
    return sl_secret_eq(signature, (struct span){want, sizeof want});
}

/* False: it is there, and no text that fits. */
static bool read_text(const json_t *claims, const char *name, char *ret, size_t cap)
{
    const json_t *s = json_object_get(claims, name);
    if (!s)
        return true;
    struct span text = string_of(s);
    if (!json_is_string(s) || text.n >= cap)
        return false;
    memcpy(ret, text.p, text.n + 1);
    return true;
}

/* NumericDate may have a fraction (RFC 7519 §2); it is cut off. */
static bool read_time(const json_t *claims, const char *name, int64_t *ret)
{
    const json_t *n = json_object_get(claims, name);
    if (!n)
        return true;
    double v = json_is_number(n) ? json_number_value(n) : -1;
    if (!(v >= 0 && v <= (double)TIME_MAX))
        return false;
    *ret = (int64_t)v;
    return true;
}

/* What is said and no rate permits nothing, rather than anything. */
static bool read_rate(const json_t *claims, const char *name, uint32_t *ret)
{
    const json_t *n = json_object_get(claims, name);
    if (!n)
        return true;
    json_int_t v = json_is_integer(n) ? json_integer_value(n) : 0;
    if (v <= 0 || v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static unsigned perms_of(struct span words)
{
    unsigned ret = 0;
    for (struct span word; (word = word_next(&words)).n > 0;)
        for (size_t i = 0; i < PERMS; i++)
            if (span_is(word, perms[i].word))
                ret |= perms[i].perm;
    return ret;
}

static enum err read_claims(struct span part, struct token *ret)
{
    json_t *o = object_of(part);
    if (!o)
        return E_MALFORMED;
    struct token t = {.tenant = "default"};
    const json_t *perm = json_object_get(o, "perm");
    bool ok = read_text(o, "tenant", t.tenant, sizeof t.tenant) &&
              read_text(o, "room", t.room, sizeof t.room) &&
              read_text(o, "sub", t.sub, sizeof t.sub) &&
              read_text(o, "jti", t.jti, sizeof t.jti) &&
              read_text(o, "role", t.role, sizeof t.role) &&
              read_text(o, "name", t.name, sizeof t.name) &&
              read_text(o, "sources", t.sources, sizeof t.sources) &&
              read_time(o, "exp", &t.exp) && read_time(o, "nbf", &t.nbf) &&
              read_time(o, "iat", &t.iat) && read_rate(o, "max_bps", &t.max_bps) &&
              json_is_string(perm) && t.room[0] && t.tenant[0] && t.exp > 0;
    if (ok)
        t.perm = perms_of(string_of(perm));
    json_decref(o);
    if (!ok)
        return E_MALFORMED;
    *ret = t;
    return t.perm ? E_OK : E_DENIED;
}

enum err sl_token_verify(const struct token_keys *keys, struct span text, int64_t now,
                         struct token *ret)
{
    if (text.n == 0)
        return E_ABSENT;
    if (text.n > TOKEN_MAX)
        return E_FULL;
    struct span rest = text;
    struct span header = word_cut(&rest, '.');
    struct span claims = word_cut(&rest, '.');
    struct span body = {text.p, header.n + 1 + claims.n};
    if (!rest.p)
        return E_MALFORMED;

    const struct token_key *key;
    size_t n;
    enum err e = read_header(keys, header, &key, &n);
    if (e)
        return e;
    uint8_t buf[SHA256_LEN];
    struct wr signature = wr_of(buf, sizeof buf);
    if (sl_base64url_read(rest, &signature) != E_OK)
        return E_AUTH;
    while (n > 0 && !signed_by(key, body, wr_done(&signature))) {
        key++;
        n--;
    }
    if (n == 0)
        return E_AUTH;

    struct token t;
    e = read_claims(claims, &t);
    if (e)
        return e;
    if (now >= t.exp + TOKEN_SKEW_S)
        return E_LATE;
    if (now < t.nbf - TOKEN_SKEW_S)
        return E_EARLY;
    *ret = t;
    return E_OK;
}

/* ---- writing ---- */

static bool put(json_t *o, const char *name, json_t *value)
{
    return json_object_set_new(o, name, value) == 0; /* takes NULL for a failure */
}

static bool put_text(json_t *o, const char *name, const char *text)
{
    return !text[0] || put(o, name, json_string(text));
}

static bool put_time(json_t *o, const char *name, int64_t at)
{
    return at == 0 || put(o, name, json_integer(at));
}

static json_t *claims_of(const struct token *t)
{
    char words[32] = "";
    for (size_t i = 0, n = 0; i < PERMS; i++)
        if (t->perm & perms[i].perm)
            n += (size_t)snprintf(words + n, sizeof words - n, "%s%s", n ? " " : "",
                                  perms[i].word);
    json_t *o = json_object();
    if (o && put_text(o, "tenant", t->tenant) && put_text(o, "room", t->room) &&
        put_text(o, "sub", t->sub) && put_text(o, "jti", t->jti) &&
        put_text(o, "role", t->role) && put_text(o, "name", t->name) &&
        put_text(o, "sources", t->sources) && put(o, "perm", json_string(words)) &&
        put_time(o, "exp", t->exp) && put_time(o, "nbf", t->nbf) &&
        put_time(o, "iat", t->iat) && put_time(o, "max_bps", t->max_bps))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *header_of(const struct token_key *key)
{
    return json_pack("{s:s, s:s, s:s}", "alg", "HS256", "typ", "JWT", "kid", key->kid);
}

/* Takes o over, which may be NULL. */
static enum err write_object(struct wr *w, json_t *o)
{
    char buf[TOKEN_MAX];
    size_t n = o ? json_dumpb(o, buf, sizeof buf, JSON_COMPACT) : 0;
    json_decref(o);
    if (n == 0)
        return E_MEMORY;
    if (n > sizeof buf)
        return E_FULL;
    sl_base64url_write(w, (struct span){(const uint8_t *)buf, n});
    return w->bad ? E_FULL : E_OK;
}

enum err sl_token_mint(const struct token_key *key, const struct token *t, struct wr *w)
{
    if (!t->room[0] || t->exp <= 0 || t->exp > TIME_MAX || t->nbf < 0 || t->iat < 0 ||
        !(t->perm & (TOKEN_PUBLISH | TOKEN_WATCH | TOKEN_ADMIN)))
        return E_MALFORMED;
    uint8_t buf[TOKEN_MAX], signature[SHA256_LEN];
    struct wr text = wr_of(buf, sizeof buf);
    enum err e = write_object(&text, header_of(key));
    wr_u8(&text, '.');
    if (!e)
        e = write_object(&text, claims_of(t));
    if (e)
        return e;
    sign(key, wr_done(&text), signature);
    wr_u8(&text, '.');
    sl_base64url_write(&text, (struct span){signature, sizeof signature});
    if (text.bad || w->bad || text.n > w->cap - w->n)
        return E_FULL;
    wr_span(w, wr_done(&text));
    return E_OK;
}
