#include "room/bundle.h"

#include <string.h>

#include "base/word.h"

bool sl_bundle_has(const struct sdp *s, struct span mid)
{
    struct span mids = sl_sdp_bundle(s);
    for (struct span m = word_next(&mids); m.n > 0; m = word_next(&mids))
        if (span_eq(m, mid))
            return true;
    return false;
}

static const struct sdp_section *first(const struct sdp *s, const struct negotiated *n,
                                       bool with_credentials)
{
    struct span mids = sl_sdp_bundle(s);
    for (struct span mid = word_next(&mids); mid.n > 0; mid = word_next(&mids)) {
        const struct sdp_section *it = sl_sdp_by_mid(s, mid);
        if (it && n->sections[it - s->sections].why == NEGOTIATE_OK &&
            (!with_credentials || (it->ufrag.n > 0 && it->pwd.n > 0)))
            return it;
    }
    return NULL;
}

const struct sdp_section *sl_bundle_tagged(const struct sdp *s,
                                           const struct negotiated *n)
{
    return first(s, n, false);
}

bool sl_bundle_fingerprint(const struct sdp_fingerprint *f, struct media_fingerprint *ret)
{
    static const struct {
        const char *name;
        enum media_hash hash;
    } known[] = {
        {"sha-256", MEDIA_SHA256}, {"sha-384", MEDIA_SHA384}, {"sha-512", MEDIA_SHA512}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (word_same(f->hash, known[i].name)) {
            *ret = (struct media_fingerprint){.hash = known[i].hash, .n = f->n};
            memcpy(ret->bytes, f->bytes, f->n);
            return true;
        }
    return false;
}

static bool find_fingerprint(const struct sdp *offer, const struct sdp_section *s,
                             struct media_fingerprint *ret)
{
    const struct sdp_section *level = sl_sdp_level(offer, s, SDP_FINGERPRINT);
    sdp_each (l, level, SDP_FINGERPRINT)
        if (sl_bundle_fingerprint(&l->fingerprint, ret))
            return true;
    return false;
}

enum negotiate_why sl_bundle_transport(const struct sdp *s, struct negotiated *n,
                                       const struct sdp_section **from)
{
    *from = first(s, n, true);
    if (!*from)
        return NEGOTIATE_NO_ICE;
    n->ufrag = (*from)->ufrag;
    n->pwd = (*from)->pwd;
    return find_fingerprint(s, *from, &n->peer) ? NEGOTIATE_OK : NEGOTIATE_NO_FINGERPRINT;
}
