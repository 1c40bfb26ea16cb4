#include "bench/caller.h"

#include "check.h"
#include "dialogs.h"

/* A caller and an end that is told what it says, and says what it was told. */
struct rig {
    struct cert cert;
    struct dtls_ctx *dtls;
    struct negotiated *scratch;
    struct caller *caller;
    struct end end;
    char types[64]; /* of what it said: "offer answer " */
    struct text {
        char at[1 << 16];
        size_t n;
    } offer, answer;  /* the last */
    char tracks[256]; /* of the caller: "+a1 -a1 " */
};

static void describe(void *ctx, const char *type, struct span sdp)
{
    struct rig *r = ctx;
    struct text *t = type[0] == 'o' ? &r->offer : &r->answer;
    size_t n = strlen(r->types);
    (void)snprintf(r->types + n, sizeof r->types - n, "%s ", type);
    CHECK(sdp.n < sizeof t->at);
    memcpy(t->at, sdp.p, sdp.n);
    t->n = sdp.n;
}

static void on_track(void *ctx, struct caller_track *t, bool begins)
{
    struct rig *r = ctx;
    size_t n = strlen(r->tracks);
    (void)snprintf(r->tracks + n, sizeof r->tracks - n, "%c%s ", begins ? '+' : '-',
                   t->track);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void no_packet(void *ctx, const struct caller_track *t,
                      const struct caller_packet *p)
{
    (void)ctx, (void)t, (void)p;
}

static void no_key(void *ctx, size_t slot)
{
    (void)ctx, (void)slot;
}

static void on_failed(void *ctx, const char *why)
{
    struct rig *r = ctx;
    (void)snprintf(r->tracks, sizeof r->tracks, "%s", why);
}

static void rig_open(struct rig *r)
{
    static const struct caller_ops ops = {describe,  nothing, on_track,
                                          no_packet, no_key,  on_failed};
    static const enum srtp_profile profile = SRTP_GCM_128;
    static const struct negotiate_candidate candidate = {
        .addr = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 9}};
    *r = (struct rig){.scratch = malloc(sizeof(struct negotiated))};
    CHECK_INT(sl_cert_init(&r->cert), E_OK);
    r->dtls = sl_dtls_ctx_new(&r->cert, &profile, 1);
    const struct caller_conf conf = {.ops = &ops,
                                     .ctx = r,
                                     .dtls = r->dtls,
                                     .sha256 = r->cert.sha256,
                                     .srtp = sl_srtp_backend_best(),
                                     .scratch = r->scratch};
    r->caller = sl_caller_new(&conf);
    const struct negotiate_local server = {
        .sha256 = r->cert.sha256, .candidates = &candidate, .candidates_n = 1};
    end_init_at(&r->end, 5, false, &server);
}

static void rig_close(struct rig *r)
{
    sl_caller_free(r->caller);
    end_fini(&r->end);
    sl_dtls_ctx_free(r->dtls);
    sl_cert_fini(&r->cert);
    free(r->scratch);
}

static struct span text_of(const struct text *t)
{
    return (struct span){(const uint8_t *)t->at, t->n};
}

static void expect_types(struct rig *r, const char *want)
{
    CHECK(strcmp(r->types, want) == 0);
    r->types[0] = '\0';
}

static void take_offer(struct rig *r)
{
    CHECK_INT(end_offered(&r->end, text_of(&r->offer)), E_OK);
    CHECK_INT(sl_caller_described(r->caller, false, end_text(&r->end), SEC(1)), E_OK);
}

/* The caller offers, and is answered. */
static void offer(struct rig *r)
{
    sl_caller_offer(r->caller, SEC(1));
    expect_types(r, "offer ");
    take_offer(r);
}

/* The end offers, and is answered. */
static void be_offered(struct rig *r)
{
    CHECK_INT(end_offer(&r->end), E_OK);
    CHECK_INT(sl_caller_described(r->caller, true, end_text(&r->end), SEC(1)), E_OK);
    expect_types(r, "answer ");
    CHECK_INT(end_answered(&r->end, text_of(&r->answer)), E_OK);
}

TEST(caller_tracks_come_and_go)
{
    struct rig r;
    size_t slot = 9;
    rig_open(&r);
    sl_caller_offer(r.caller, 0);
    expect_types(&r, ""); /* there is nothing to say */
    CHECK(sl_caller_remote(r.caller) == NULL);
    CHECK_INT(sl_caller_add(r.caller, MEDIA_AUDIO, "mine", "voice", &slot), E_OK);
    CHECK_INT(slot, 0);
    offer(&r);
    CHECK(r.end.got[0].there && strcmp(r.end.got[0].name, "voice") == 0);
    CHECK_INT(sl_caller_remote(r.caller)->port, 9);
    for (size_t i = 0; i < 3; i++)
        end_add(&r.end, i, i == 1 ? MEDIA_VIDEO : MEDIA_AUDIO);
    be_offered(&r);
    CHECK(strcmp(r.tracks, "+a1 +v2 +a3 ") == 0);
    end_remove(&r.end, 1);
    be_offered(&r);
    CHECK(strcmp(r.tracks, "+a1 +v2 +a3 -v2 ") == 0);
    CHECK_INT(sl_caller_described(r.caller, false, end_text(&r.end), SEC(1)), E_STATE);
    CHECK_INT(sl_caller_described(r.caller, true, span_of("v=1"), SEC(1)), E_MALFORMED);
    rig_close(&r);
}

/* Offers that cross: ours is refused, theirs is answered, and ours is made again. */
TEST(caller_gives_way)
{
    struct rig r;
    size_t slot;
    static char theirs[1 << 16];
    rig_open(&r);
    CHECK_INT(sl_caller_add(r.caller, MEDIA_AUDIO, "mine", "voice", &slot), E_OK);
    offer(&r);
    CHECK_INT(sl_caller_add(r.caller, MEDIA_VIDEO, "mine", "camera", &slot), E_OK);
    CHECK_INT(slot, 1);
    end_add(&r.end, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&r.end), E_OK);
    struct span text = end_text(&r.end);
    memcpy(theirs, text.p, text.n);
    sl_caller_offer(r.caller, SEC(2));
    CHECK_INT(end_offered(&r.end, text_of(&r.offer)), E_STATE);
    struct span crossing = {(const uint8_t *)theirs, text.n};
    CHECK_INT(sl_caller_described(r.caller, true, crossing, SEC(2)), E_OK);
    expect_types(&r, "offer answer offer ");
    CHECK_INT(end_answered(&r.end, text_of(&r.answer)), E_OK);
    take_offer(&r);
    CHECK(strcmp(r.end.got[1].name, "camera") == 0);
    CHECK(strcmp(r.tracks, "+a1 ") == 0);
    rig_close(&r);
}

TEST(caller_sends_when_it_is_taken)
{
    struct rig r;
    size_t slot;
    uint8_t at[CALLER_DATAGRAM_MAX];
    const struct caller_packet p = {.payload = span_of("x")};
    rig_open(&r);
    for (size_t i = 0; i < CALLER_SLOTS_MAX; i++)
        CHECK_INT(sl_caller_add(r.caller, MEDIA_AUDIO, "mine", "voice", &slot), E_OK);
    CHECK_INT(sl_caller_add(r.caller, MEDIA_AUDIO, "mine", "voice", &slot), E_FULL);
    CHECK_INT(sl_caller_send(r.caller, 0, &p, at), 0);
    offer(&r);
    CHECK_INT(sl_caller_send(r.caller, 0, &p, at), 0); /* it is not connected */
    CHECK_INT(sl_caller_send(r.caller, 99, &p, at), 0);
    /* Nobody is there: checks, until it gives up. */
    struct span out;
    CHECK(sl_caller_poll(r.caller, SEC(1), 0, &out));
    CHECK(sl_caller_deadline(r.caller) < SEC(2));
    sl_caller_tick(r.caller, SEC(1) + CLIENT_TIMEOUT);
    CHECK(strcmp(r.tracks, "no check was answered") == 0);
    rig_close(&r);
}
