#include "room/peer.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "media_log.h"

static const uint8_t sha256[32] = {1, 2, 3};

struct stage {
    struct media_log log;
    struct rng rng;
    struct peer_maker maker;
    char offer[1 << 16];
    char answer[1 << 17];
    uint32_t max_bps; /* that its peers may send */
    struct refused refused;
};

static void fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *at = p; n > 0; at++, n--)
        *at = (uint8_t)sl_rng_u64(ctx);
}

static struct stage *stage_new(void)
{
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(7);
    s->maker = (struct peer_maker){
        .media = ml_ops(&s->log),
        .random = {fill, &s->rng},
        .local = {.sha256 = sha256},
    };
    return s;
}

__attribute__((format(printf, 2, 3))) static void add(struct stage *s, const char *fmt,
                                                      ...)
{
    size_t n = strlen(s->offer);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->offer + n, sizeof s->offer - n, fmt, ap);
    va_end(ap);
}

/* The session's part of an offer whose sections, named 0, 1.., are all bundled. */
static void begin(struct stage *s, size_t sections)
{
    s->offer[0] = '\0';
    add(s, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for (size_t i = 0; i < sections; i++)
        add(s, " %zu", i);
    add(s,
        "\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
        "a=fingerprint:sha-256 ");
    for (int i = 0; i < 32; i++)
        add(s, i > 0 ? ":%02X" : "%02X", (unsigned)i);
    add(s, "\r\n");
}

static void section(struct stage *s, size_t mid, char kind, const char *direction,
                    const char *msid)
{
    add(s, "m=%s 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:%zu\r\n%s\r\n%s",
        kind == 'v' ? "video" : "audio", mid, direction, msid);
    add(s, "a=rtcp-mux\r\na=rtpmap:96 %s\r\n",
        kind == 'v' ? "VP8/90000" : "opus/48000/2");
}

static enum err make(struct stage *s, enum negotiate_job job, struct peer **ret)
{
    struct wr w = wr_of((uint8_t *)s->answer, sizeof s->answer - 1);
    struct join j = {.job = job, .stream = span_of("x"), .offer = span_of(s->offer)};
    enum err e = sl_peer_new(&s->maker, &j, 1, s->max_bps, &w, &s->refused, ret);
    s->answer[w.n] = '\0';
    return e;
}

static bool is_of(const char *text, size_t n, const char *chars)
{
    return strlen(text) == n && strspn(text, chars) == n;
}

/* RFC 8839 §5.4: 4 to 256 ice-chars with 24 bits of chance, and 22 with 128. */
TEST(peer_credentials)
{
    static const char ice[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct stage *s = stage_new();
    struct peer *p = NULL, *q = NULL;
    begin(s, 1);
    section(s, 0, 'v', "a=sendonly", "");
    CHECK_INT(make(s, NEGOTIATE_PUBLISH, &p), E_OK);
    struct media_transport t = s->log.transport;
    CHECK(is_of(t.ufrag, 8, ice) && is_of(t.pwd, 24, ice));
    CHECK(is_of(p->key, 32, "0123456789abcdef"));
    CHECK(strstr(s->answer, t.ufrag) && strstr(s->answer, t.pwd));
    CHECK(!strstr(s->answer, p->key));

    CHECK_INT(make(s, NEGOTIATE_PUBLISH, &q), E_OK);
    CHECK(strcmp(t.ufrag, s->log.transport.ufrag) != 0);
    CHECK(strcmp(t.pwd, s->log.transport.pwd) != 0);
    CHECK(strcmp(p->key, q->key) != 0);
    sl_peer_free(&s->maker, p);
    sl_peer_free(&s->maker, q);
    free(s);
}

/* What a viewer's answer says of a slot is what its consumer sends. */
TEST(peer_ssrc_and_cname_are_said)
{
    struct stage *s = stage_new();
    struct peer *p = NULL;
    char want[64];
    begin(s, 1);
    section(s, 0, 'v', "a=recvonly", "");
    CHECK_INT(make(s, NEGOTIATE_WATCH, &p), E_OK);
    CHECK(s->log.send.ssrc != 0 && strlen(s->log.send.cname) == 16);
    snprintf(want, sizeof want, "a=ssrc:%" PRIu32 " cname:%s\r\n", s->log.send.ssrc,
             s->log.send.cname);
    CHECK(strstr(s->answer, want));
    sl_peer_free(&s->maker, p);
    free(s);
}

TEST(peer_names_of_tracks)
{
    static const struct {
        const char *name;
        const char *kinds;   /* of the sections */
        const char *streams; /* their media streams; '-': none is said */
        const char *want;
    } rows[] = {
        {"one stream", "av", "11", "microphone camera"},
        {"two streams", "avva", "1122", "microphone camera screen screen-audio"},
        {"two cameras of one stream", "vv", "11", "camera screen"},
        {"the second stream has no sound", "avv", "112", "microphone camera screen"},
        {"streams are not said", "avav", "----", "microphone camera screen-audio screen"},
        {"three streams", "vvv", "123", "camera screen video-3"},
        {"a name that is taken", "vvv", "121", "camera screen video-3"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new();
        struct peer *p = NULL;
        char got[128] = "";
        size_t n = strlen(rows[i].kinds);
        begin(s, n);
        for (size_t k = 0; k < n; k++) {
            char msid[48] = "";
            if (rows[i].streams[k] != '-')
                snprintf(msid, sizeof msid, "a=msid:s%c t%zu\r\n", rows[i].streams[k], k);
            section(s, k, rows[i].kinds[k], "a=sendonly", msid);
        }
        check_row(rows[i].name);
        CHECK_INT(make(s, NEGOTIATE_PUBLISH, &p), E_OK);
        for (size_t k = 0; p && k < p->tracks_n; k++) {
            size_t at = strlen(got);
            snprintf(got + at, sizeof got - at, k > 0 ? " %s" : "%s",
                     p->tracks[k]->source);
        }
        if (strcmp(got, rows[i].want) != 0)
            check_fail(__FILE__, __LINE__, "got %s, want %s", got, rows[i].want);
        sl_peer_free(&s->maker, p);
        free(s);
    }
}

/* More than the limits: a viewer gets what there is, a publisher all or nothing. */
TEST(peer_limits)
{
    static const struct {
        const char *name;
        enum negotiate_job job;
        size_t sections;
        enum err want;
        size_t got; /* tracks or slots */
    } rows[] = {
        {"tracks", NEGOTIATE_PUBLISH, PEER_TRACKS_MAX, E_OK, PEER_TRACKS_MAX},
        {"a track more", NEGOTIATE_PUBLISH, PEER_TRACKS_MAX + 1, E_UNSUPPORTED, 0},
        {"slots", NEGOTIATE_WATCH, PEER_SLOTS_MAX, E_OK, PEER_SLOTS_MAX},
        {"a slot more", NEGOTIATE_WATCH, PEER_SLOTS_MAX + 1, E_OK, PEER_SLOTS_MAX},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new();
        struct peer *p = NULL;
        bool publish = rows[i].job == NEGOTIATE_PUBLISH;
        begin(s, rows[i].sections);
        for (size_t k = 0; k < rows[i].sections; k++)
            section(s, k, 'v', publish ? "a=sendonly" : "a=recvonly", "");
        check_row(rows[i].name);
        CHECK_INT(make(s, rows[i].job, &p), rows[i].want);
        CHECK_INT(p ? (publish ? p->tracks_n : p->view.n) : 0, rows[i].got);
        CHECK(p || s->refused.why == NEGOTIATE_TOO_MANY_SECTIONS);
        sl_peer_free(&s->maker, p);
        free(s);
    }
}

/* A section that a publisher does not send in is no track, and no fault. */
TEST(peer_what_counts)
{
    static const struct {
        const char *direction;
        size_t tracks;
    } rows[] = {
        {"a=sendonly", 2}, {"a=sendrecv", 2}, {"a=recvonly", 1}, {"a=inactive", 1}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new();
        struct peer *p = NULL;
        begin(s, 2);
        section(s, 0, 'a', "a=sendonly", "");
        section(s, 1, 'v', rows[i].direction, "");
        check_row(rows[i].direction);
        CHECK_INT(make(s, NEGOTIATE_PUBLISH, &p), E_OK);
        CHECK_INT(p ? p->tracks_n : 0, rows[i].tracks);
        sl_peer_free(&s->maker, p);
        free(s);
    }
}

/* RFC 3890: of what comes from it, by the lower of what the node and its token allow. Not of
 * sound, and not of what is sent to it. */
TEST(peer_ceiling)
{
    static const struct {
        const char *name;
        enum negotiate_job job;
        uint32_t node, token;
        const char *line, *asked;
    } rows[] = {
        {"nobody says", NEGOTIATE_PUBLISH, 0, 0, NULL, NULL},
        {"the node", NEGOTIATE_PUBLISH, 800000, 0, "b=AS:800\r\nb=TIAS:800000\r\n",
         "ceiling 1 800000\n"},
        {"the token", NEGOTIATE_PUBLISH, 0, 700001, "b=AS:700\r\nb=TIAS:700001\r\n",
         "ceiling 1 700001\n"},
        {"the token is lower", NEGOTIATE_PUBLISH, 800000, 700000, "b=TIAS:700000\r\n",
         "ceiling 1 700000\n"},
        {"the node is lower", NEGOTIATE_PUBLISH, 600000, 700000, "b=TIAS:600000\r\n",
         "ceiling 1 600000\n"},
        {"who watches", NEGOTIATE_WATCH, 600000, 700000, NULL, NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new();
        bool publish = rows[i].job == NEGOTIATE_PUBLISH;
        struct peer *p = NULL;
        begin(s, 2);
        section(s, 0, 'a', publish ? "a=sendonly" : "a=recvonly", "");
        section(s, 1, 'v', publish ? "a=sendonly" : "a=recvonly", "");
        s->maker.max_bps = rows[i].node;
        s->max_bps = rows[i].token;
        check_row(rows[i].name);
        CHECK_INT(make(s, rows[i].job, &p), E_OK);
        const char *video = strstr(s->answer, "m=video");
        const char *at = strstr(s->answer, "b=");
        CHECK((at != NULL) == (rows[i].line != NULL));
        CHECK(!at || (video && at > video && strstr(at, rows[i].line)));
        CHECK((strstr(s->log.text, "ceiling") != NULL) == (rows[i].asked != NULL));
        CHECK(!rows[i].asked || strstr(s->log.text, rows[i].asked));
        sl_peer_free(&s->maker, p);
        free(s);
    }
}
