#include "proto/ice.h"

#include "base/map.h"
#include "base/text.h"
#include "base/word.h"

enum { UFRAG_OCTETS = 6, PWD_OCTETS = 18 };

/* Base64's alphabet is that of ice-char: RFC 8839 §5.1. */
static void random_text(char *ret, size_t octets)
{
    uint8_t raw[PWD_OCTETS];
    struct wr w = wr_of((uint8_t *)ret, BASE64_LEN(octets));
    sl_random(raw, octets);
    sl_base64_write(&w, (struct span){raw, octets});
    ret[w.n] = '\0';
    sl_wipe(raw, sizeof raw);
}

struct ice_creds sl_ice_creds_make(void)
{
    struct ice_creds c = {0};
    random_text(c.ufrag, UFRAG_OCTETS);
    random_text(c.pwd, PWD_OCTETS);
    return c;
}

void sl_ice_init(struct ice *ice, const struct ice_creds *creds)
{
    *ice = (struct ice){.creds = {*creds}, .key = {sl_hmac_sha1_of(span_of(creds->pwd))}};
}

void sl_ice_restart(struct ice *ice, const struct ice_creds *creds)
{
    ice->creds[1] = *creds;
    ice->key[1] = sl_hmac_sha1_of(span_of(creds->pwd));
    ice->restarting = true;
}

struct span sl_ice_ufrag(const struct stun *check)
{
    struct span rest = check->username;
    return word_cut(&rest, ':');
}

/* The first check with new credentials. Media stays on its path until the peer nominates
 * another; the other paths were of the session before. */
static void adopt(struct ice *ice)
{
    ice->creds[0] = ice->creds[1];
    ice->key[0] = ice->key[1];
    sl_wipe(&ice->creds[1], sizeof ice->creds[1]);
    sl_wipe(&ice->key[1], sizeof ice->key[1]);
    ice->pairs[0] = ice->pairs[ice->selected];
    ice->n = ice->n > 0;
    ice->selected = 0;
    ice->restarting = false;
    ice->nominated = false;
    ice->ranked = false;
    ice->peer = 0;
}

/* Another peer connection has another user fragment (RFC 8445 §5.3), wherever it is. */
static uint64_t peer_of(const struct stun *msg)
{
    static const uint64_t key[2];
    struct span rest = msg->username;
    (void)word_cut(&rest, ':');
    return sl_siphash(key, rest) | 1;
}

static uint8_t find(const struct ice *ice, const struct addr *from, uint16_t port)
{
    uint8_t i = 0;
    while (i < ice->n &&
           !(ice->pairs[i].port == port && addr_eq(&ice->pairs[i].remote, from)))
        i++;
    return i;
}

/* A free place, or that of the pair which was silent longest. */
static uint8_t place(struct ice *ice)
{
    uint8_t oldest = ice->selected == 0 ? 1 : 0;
    if (ice->n < ICE_PAIRS_MAX)
        return ice->n++;
    for (uint8_t i = 0; i < ice->n; i++)
        if (i != ice->selected && ice->pairs[i].seen < ice->pairs[oldest].seen)
            oldest = i;
    return oldest;
}

/* The latest nomination counts; one with a number counts unless a higher one was seen. */
static bool nominates(struct ice *ice, const struct stun *msg)
{
    if (!msg->has_nomination)
        return msg->use_candidate;
    if (msg->nomination == 0 || (ice->ranked && msg->nomination < ice->rank))
        return false;
    ice->ranked = true;
    ice->rank = msg->nomination;
    return true;
}

static bool reply(struct wr *w, const struct stun *answer, const struct hmac_sha1 *key)
{
    struct wr try = *w;
    sl_stun_build(&try, answer, key);
    if (!try.bad)
        *w = try;
    return !try.bad;
}

enum err sl_ice_check(struct ice *ice, const struct stun *msg, const struct addr *from,
                      uint16_t port, usec now, struct wr *answer, struct ice_change *ret)
{
    if (msg->class != STUN_REQUEST || msg->method != STUN_BINDING)
        return E_STATE;
    struct span ufrag = sl_ice_ufrag(msg);
    bool fresh = ice->restarting && span_is(ufrag, ice->creds[1].ufrag);
    const struct hmac_sha1 *key = &ice->key[fresh];
    if (!fresh && !span_is(ufrag, ice->creds[0].ufrag))
        return E_AUTH;
    if (!sl_stun_verify(msg, key))
        return E_AUTH;
    uint64_t peer = ice->single ? peer_of(msg) : 0;
    if (!fresh && ice->peer != 0 && ice->peer != peer)
        return E_EXISTS;

    struct stun a = stun_answer(msg, 0);
    if (msg->unknown_n > 0) {
        a = stun_answer(msg, STUN_UNKNOWN_ATTRIBUTE);
        a.unknown_n = msg->unknown_n;
        memcpy(a.unknown, msg->unknown, sizeof a.unknown);
        return reply(answer, &a, key) ? E_UNSUPPORTED : E_FULL;
    }
    if (msg->role == STUN_CONTROLLED) {
        /* A lite agent is never controlling (§6.1.1), whatever the tie-breakers. */
        a = stun_answer(msg, STUN_ROLE_CONFLICT);
        return reply(answer, &a, key) ? E_DENIED : E_FULL;
    }
    a.has_mapped = true;
    a.mapped = *from;
    if (!reply(answer, &a, key))
        return E_FULL;

    struct ice_change change = {.restarted = fresh};
    if (fresh)
        adopt(ice);
    ice->peer = peer;
    uint8_t i = find(ice, from, port);
    if (i == ice->n) {
        change.pair = true;
        change.path = ice->n == 0;
        i = place(ice);
    }
    ice->pairs[i] = (struct ice_pair){.remote = *from, .port = port, .seen = now};
    if (nominates(ice, msg)) {
        change.path |= i != ice->selected;
        ice->nominated = true;
        ice->selected = i;
    }
    *ret = change;
    return E_OK;
}

/* The pair that was heard of last, but for one; n: there is none. */
static uint8_t latest_but(const struct ice *ice, uint8_t not )
{
    uint8_t latest = ice->n;
    for (uint8_t i = 0; i < ice->n; i++)
        if (i != not &&(latest == ice->n || ice->pairs[i].seen > ice->pairs[latest].seen))
            latest = i;
    return latest;
}

bool sl_ice_closed(struct ice *ice, const struct addr *from, uint16_t port, usec now)
{
    uint8_t i = find(ice, from, port);
    if (i == ice->n)
        return false;
    bool was = i == ice->selected;
    uint8_t next = was ? latest_but(ice, i) : ice->selected;
    if (next == ice->n) {
        ice->pairs[i].seen = now - ICE_CONSENT;
        return true;
    }
    uint8_t last = --ice->n;
    ice->pairs[i] = ice->pairs[last];
    ice->selected = next == last ? i : next;
    ice->nominated &= !was;
    return was;
}

bool sl_ice_knows(const struct ice *ice, const struct addr *from, uint16_t port)
{
    return find(ice, from, port) < ice->n;
}

const struct ice_pair *sl_ice_path(const struct ice *ice)
{
    return ice->n > 0 ? &ice->pairs[ice->selected] : NULL;
}

usec sl_ice_expires(const struct ice *ice)
{
    const struct ice_pair *path = sl_ice_path(ice);
    return path ? path->seen + ICE_CONSENT : USEC_NEVER;
}

/* ---- our addresses ---- */

struct pool {
    const struct addr *a;
    size_t n;
    bool v4, loopback;
};

/* The next address of a kind, or NULL. */
static const struct addr *take(struct pool *p)
{
    while (p->n > 0) {
        const struct addr *a = p->a++;
        p->n--;
        if (sl_addr_is_v4(a) == p->v4 && sl_addr_is_loopback(a) == p->loopback)
            return a;
    }
    return NULL;
}

void sl_ice_order(const struct addr *a, size_t n, struct addr *ret)
{
    for (int loopback = 0; loopback < 2; loopback++) {
        struct pool kinds[] = {{a, n, false, loopback}, {a, n, true, loopback}};
        const struct addr *v6, *v4;
        do {
            v6 = take(&kinds[0]);
            v4 = take(&kinds[1]);
            if (v6)
                *ret++ = *v6;
            if (v4)
                *ret++ = *v4;
        } while (v6 || v4);
    }
}
