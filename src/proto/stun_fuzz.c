#include "proto/stun.h"

#include "fuzz.h"
#include "proto/ice.h"

static bool same(const struct stun *a, const struct stun *b)
{
    return a->class == b->class && a->method == b->method &&
           memcmp(a->id, b->id, STUN_ID) == 0 && span_eq(a->username, b->username) &&
           a->role == b->role && a->tie_breaker == b->tie_breaker &&
           a->has_priority == b->has_priority && a->priority == b->priority &&
           a->has_nomination == b->has_nomination && a->nomination == b->nomination &&
           a->has_mapped == b->has_mapped && addr_eq(&a->mapped, &b->mapped) &&
           a->use_candidate == b->use_candidate && a->error == b->error;
}

/* What parses can be built and signed, and what was built parses to the same message. */
static void rebuild(const struct stun *a)
{
    static uint8_t buf[1024];
    const struct hmac_sha1 key = sl_hmac_sha1_of(span_of("key"));
    struct wr w = wr_of(buf, sizeof buf);
    struct stun b;
    sl_stun_build(&w, a, &key);
    MUST(!w.bad && sl_stun_parse(wr_done(&w), &b) == E_OK);
    MUST(same(a, &b) && b.fingerprint && sl_stun_verify(&b, &key));
    MUST(b.unknown_n == (a->error ? a->unknown_n : 0));
}

/* Nobody is believed, or answered, who does not have the password. The last octet of the
 * input, when odd, says that the message is to be signed by who has it: then the answer is
 * well formed and no longer than the question with its signature. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct ice_creds creds = {"evtj", "VOkJxbRl1RmTxUk/WvJxBu"};
    static uint8_t msg[1 << 16], out[STUN_ANSWER_MAX];
    struct ice ice;
    struct ice_change change;
    struct addr from = addr_v4(192, 0, 2, 1, 5000);
    struct wr answer = wr_of(out, sizeof out);
    struct stun m, a;
    if (n == 0 || n > 2000 || sl_stun_parse((struct span){p, n - 1}, &m) != E_OK)
        return 0;
    MUST(m.username.n <= STUN_USERNAME_MAX && m.unknown_n <= STUN_UNKNOWN_MAX);
    rebuild(&m);
    sl_ice_init(&ice, &creds);
    MUST(sl_ice_check(&ice, &m, &from, 0, 1, &answer, &change) != E_OK);
    MUST(answer.n == 0 && !sl_ice_path(&ice));
    if (p[n - 1] % 2 == 0)
        return 0;

    struct wr w = wr_of(msg, sizeof msg);
    struct stun parsed = m;
    m.username = span_of("evtj:x");
    sl_stun_build(&w, &m, &ice.key[0]);
    MUST(sl_stun_parse(wr_done(&w), &m) == E_OK);
    m.unknown_n = parsed.unknown_n;
    memcpy(m.unknown, parsed.unknown, sizeof m.unknown);
    enum err e = sl_ice_check(&ice, &m, &from, 0, 1, &answer, &change);
    MUST(e == E_OK || e == E_STATE || e == E_DENIED || e == E_UNSUPPORTED);
    MUST((answer.n > 0) == (e != E_STATE));
    MUST((sl_ice_path(&ice) != NULL) == (e == E_OK));
    MUST(answer.n == 0 || sl_stun_parse(wr_done(&answer), &a) == E_OK);
    return 0;
}
