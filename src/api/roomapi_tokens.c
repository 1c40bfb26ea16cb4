#include "api/roomapi_tokens.h"

#include <jansson.h>
#include <stdio.h>

#include "api/roomjson.h"
#include "api/rooms_msg.h"

enum {
    TOKEN_S = 3600,
    TOKEN_S_MAX = 366 * 86400,
    JTI_LEN = 32,
    SOURCES_MAX = 8, /* of a token; they fit into TOKEN_TEXT_CAP */
};
#define LATEST 4102444800 /* 2100: no token ends later */

/* ---- tokens ---- */

static bool read_perms(struct roomapi_call *c, json_t *words, unsigned *ret)
{
    static const char *const names[] = {"publish", "watch", "admin"};
    size_t i;
    json_t *word;
    *ret = 0;
    json_array_foreach(words, i, word)
    {
        unsigned perm = 0;
        for (unsigned k = 0; json_is_string(word) && k < 3; k++)
            if (strcmp(json_string_value(word), names[k]) == 0)
                perm = 1U << k;
        if (!perm) {
            *ret = 0;
            break;
        }
        *ret |= perm;
    }
    if (json_is_array(words) && *ret)
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST, "may: a list of publish, watch, admin");
    return false;
}

static bool copy(char *to, size_t cap, const char *from, size_t n)
{
    if (n >= cap)
        return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

static bool read_sources(struct roomapi_call *c, json_t *words, struct token *t)
{
    struct wr w = wr_of((uint8_t *)t->sources, sizeof t->sources - 1);
    size_t i;
    json_t *word;
    size_t n = json_array_size(words);
    bool good = !words || (n > 0 && n <= SOURCES_MAX);
    json_array_foreach(words, i, word)
    {
        struct span s = span_of(json_is_string(word) ? json_string_value(word) : "");
        good = good && sl_rooms_source_valid(s);
        wr_str(&w, i > 0 ? " " : "");
        wr_span(&w, s);
    }
    if (good && !w.bad)
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST,
                      "sources: a list of 1 to 8 words, such as camera");
    return false;
}

static bool read_role(struct roomapi_call *c, const char *word, size_t n, struct token *t)
{
    enum role role;
    if (!word || (sl_role_of(roomapi_text(word, n), &role) &&
                  copy(t->role, sizeof t->role, word, n)))
        return true;
    sl_roomapi_refuse(c, PROBLEM_REQUEST, "role: host, participant or viewer");
    return false;
}

void sl_roomapi_mint(struct roomapi_call *c)
{
    const struct roomapi_conf *conf = &c->api->conf;
    const char *tenant = "default", *room = "", *peer = NULL, *name = NULL, *role = NULL;
    size_t tenant_n = strlen(tenant), room_n = 0, peer_n = 0, name_n = 0, role_n = 0;
    json_t *may = NULL, *sources = NULL;
    json_int_t seconds = TOKEN_S, max_bps = 0;
    struct token t = {.iat = c->wall};
    if (!sl_roomapi_unpack(c, "{s?s%,s:s%,s:o,s?s%,s?s%,s?s%,s?o,s?I,s?I!}", "tenant",
                           &tenant, &tenant_n, "room", &room, &room_n, "may", &may,
                           "peer", &peer, &peer_n, "name", &name, &name_n, "role", &role,
                           &role_n, "sources", &sources, "seconds", &seconds, "max_bps",
                           &max_bps) ||
        !read_perms(c, may, &t.perm) || !read_role(c, role, role_n, &t) ||
        !read_sources(c, sources, &t) ||
        !sl_roomapi_within(c, "seconds", seconds, 1, TOKEN_S_MAX) ||
        !sl_roomapi_within(c, "max_bps", max_bps, 0, UINT32_MAX))
        return;
    if (!sl_name_valid(roomapi_text(tenant, tenant_n)) ||
        !sl_claims_pattern_valid(roomapi_text(room, room_n)) ||
        (peer && !sl_name_valid(roomapi_text(peer, peer_n))) ||
        !copy(t.tenant, sizeof t.tenant, tenant, tenant_n) ||
        !copy(t.room, sizeof t.room, room, room_n) ||
        (peer && !copy(t.sub, sizeof t.sub, peer, peer_n))) {
        sl_roomapi_refuse(c, PROBLEM_NAME, "");
        return;
    }
    if (name && !copy(t.name, sizeof t.name, name, name_n)) {
        sl_roomapi_refuse(c, PROBLEM_REQUEST, "name: at most 128 octets");
        return;
    }
    t.exp = c->wall + seconds;
    t.max_bps = (uint32_t)max_bps;
    sl_chance_hex(&conf->random, t.jti, JTI_LEN);
    struct wr *w = sl_roomapi_body(c, 201);
    char rest[TOKEN_TEXT_CAP + 64];
    wr_str(w, "{\"token\":\"");
    if (conf->keys->n == 0 || sl_token_mint(&conf->keys->keys[0], &t, w) != E_OK) {
        sl_roomapi_refuse(c, PROBLEM_INTERNAL, "");
        return;
    }
    (void)snprintf(rest, sizeof rest, "\",\"jti\":\"%s\",\"expires_at\":%lld}", t.jti,
                   (long long)t.exp);
    wr_str(w, rest);
}

/* Which one is meant: by itself, or by its id and its end. */
static bool read_revoked(struct roomapi_call *c, struct token *ret)
{
    const char *token = NULL, *jti = NULL;
    size_t token_n = 0, jti_n = 0;
    json_int_t exp = -1;
    *ret = (struct token){0};
    if (!sl_roomapi_unpack(c, "{s?s%,s?s%,s?I!}", "token", &token, &token_n, "jti", &jti,
                           &jti_n, "expires_at", &exp))
        return false;
    if (token && !jti) {
        enum err e = sl_token_verify(c->api->conf.keys, roomapi_text(token, token_n),
                                     c->wall, ret);
        if (!e && ret->jti[0])
            return true;
        sl_roomapi_refuse(c, PROBLEM_NOT_FOUND,
                          e ? "token: none of ours that is good now"
                            : "token: it has no jti");
        return false;
    }
    if (!token && jti_n > 0 && copy(ret->jti, sizeof ret->jti, jti, jti_n) && exp >= 0 &&
        exp <= LATEST) {
        ret->exp = exp;
        return true;
    }
    sl_roomapi_refuse(c, PROBLEM_REQUEST,
                      "token; or jti, at most 128 octets, and expires_at");
    return false;
}

void sl_roomapi_revoke(struct roomapi_call *c)
{
    const struct roomapi_conf *conf = &c->api->conf;
    struct token t;
    char text[32];
    if (!read_revoked(c, &t))
        return;
    /* A token that is over may have led to another of the same id, where its holder was moved. */
    int64_t until = c->wall + ROOMAPI_MOVED_S;
    enum err e = sl_revoked_add(conf->revoked, span_of(t.jti),
                                t.exp > until ? t.exp : until, c->wall);
    if (e) {
        sl_roomapi_fail(c, e);
        return;
    }
    size_t n = sl_participants_revoke(conf->rooms,
                                      sl_revoked_number(conf->revoked, span_of(t.jti)));
    struct wr *w = sl_roomapi_body(c, 200);
    wr_str(w, "{\"jti\":");
    sl_roomjson_text(w, span_of(t.jti));
    (void)snprintf(text, sizeof text, ",\"ended\":%zu}", n);
    wr_str(w, text);
}
