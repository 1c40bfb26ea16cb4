#include "service/calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#include "net/loop.h"
#include "service/place.h"

#define PATIENCE SEC(60) /* bounds a failure only */

/* What a session has seen; written on the client's thread. */
struct seen {
    atomic_uint up, ended, keys;
    atomic_uint began[SLUICE_MEDIA], over[SLUICE_MEDIA];
    atomic_uint packets[SLUICE_MEDIA], wrong;
    struct sluice_call *call;
    uint32_t said; /* of the test's thread */
    unsigned keys_sent;
};

static void on_up(void *ctx)
{
    struct seen *s = ctx;
    s->up++;
}

static void *on_track(void *ctx, const struct sluice_track *t, bool begins)
{
    struct seen *s = ctx;
    if (begins)
        s->began[t->medium]++;
    else
        s->over[t->medium]++;
    s->wrong += strcmp(t->session, "alice") != 0 && strcmp(t->session, "bob") != 0;
    return s;
}

/* A frame of Opus, and of VP8 a key frame and another (the first octet behind a descriptor of one:
 * RFC 7741 §4.3). */
static const uint8_t opus[] = {0x78, 1, 2, 3};
static const uint8_t key[] = {0x10, 0x00, 9, 8, 7}, delta[] = {0x10, 0x01, 9, 8, 7};

static void on_packet(void *ctx, const struct sluice_track *t,
                      const struct sluice_packet *p)
{
    struct seen *s = ctx;
    const bool voice = t->medium == SLUICE_VOICE;
    const uint8_t *want = voice ? opus : key;
    size_t n = voice ? sizeof opus : sizeof key;
    /* Again and again: a server that has a key frame need not ask for one. */
    if (s->packets[t->medium]++ % 10 == 0 && !voice)
        sluice_call_want_key(s->call, t);
    /* A descriptor may be longer when it leaves: its end is the picture. */
    s->wrong += t->user != s || p->n < n ||
                memcmp((const uint8_t *)p->payload + p->n - 3, want + n - 3, 3) != 0;
}

static void on_key(void *ctx, enum sluice_medium medium)
{
    struct seen *s = ctx;
    s->keys += medium == SLUICE_CAMERA;
}

static void on_ended(void *ctx, const char *why)
{
    struct seen *s = ctx;
    (void)why;
    s->ended++;
}

static enum sluice_err join(struct sluice_client *c, struct seen *s, const char *session,
                            bool camera)
{
    const struct sluice_call_conf conf = {.call = "call",
                                          .user = "user",
                                          .session = session,
                                          .camera = camera,
                                          .ctx = s,
                                          .up = on_up,
                                          .track = on_track,
                                          .packet = on_packet,
                                          .key = on_key,
                                          .ended = on_ended};
    return sluice_call_join(c, &conf, &s->call);
}

/* Key frames at first, and whenever one is asked for. */
static void talk(struct seen *s, bool camera)
{
    enum { KEYS = 25 };
    const struct sluice_packet voice = {
        .payload = opus, .n = sizeof opus, .timestamp = s->said * 960};
    const struct sluice_packet picture = {
        .payload = s->said < KEYS || s->keys > s->keys_sent ? key : delta,
        .n = sizeof key,
        .timestamp = s->said * 1800,
        .marker = true};
    s->said++;
    s->keys_sent = s->keys;
    (void)sluice_call_send(s->call, SLUICE_VOICE, &voice);
    if (camera)
        (void)sluice_call_send(s->call, SLUICE_CAMERA, &picture);
}

/* Both talk, until `of` is at least n. */
static void until(const char *what, struct seen *a, struct seen *b, const atomic_uint *of,
                  unsigned n)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    usec begun = sl_loop_now();
    while (atomic_load(of) < n && sl_loop_now() - begun < PATIENCE) {
        talk(a, true);
        if (b->call)
            talk(b, false);
        (void)nanosleep(&pause, NULL);
    }
    check_row(what);
    CHECK(atomic_load(of) >= n);
}

static struct sluice_client *dial(const struct place *p)
{
    char url[64], error[SLUICE_ERROR_MAX] = "";
    struct sluice_client *c = NULL;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", p->http);
    const struct sluice_client_conf conf = {
        .url = url, .id = "a", .key = KEY, .registers = true, .admin_key = ADMIN};
    CHECK_INT(sluice_client_connect(&conf, &c, error), SLUICE_OK);
    return c;
}

TEST(calls_carry_voices_and_pictures)
{
    struct place p;
    static struct seen alice, bob;
    place_init(&p);
    struct sluice_client *c = dial(&p);
    CHECK_INT(join(c, &alice, "alice", true), SLUICE_OK);
    CHECK_INT(join(c, &bob, "bob", false), SLUICE_OK);
    until("connected", &alice, &bob, &alice.up, 1);
    until("a voice", &alice, &bob, &bob.packets[SLUICE_VOICE], 20);
    until("a picture", &alice, &bob, &bob.packets[SLUICE_CAMERA], 20);
    until("a voice the other way", &alice, &bob, &alice.packets[SLUICE_VOICE], 20);
    until("a key frame is wanted", &alice, &bob, &alice.keys, 1);
    CHECK_INT(alice.began[SLUICE_VOICE], 1);
    CHECK_INT(alice.began[SLUICE_CAMERA], 0);
    CHECK_INT(bob.began[SLUICE_VOICE], 1);
    CHECK_INT(bob.began[SLUICE_CAMERA], 1);
    CHECK_INT(alice.wrong + bob.wrong, 0);

    sluice_call_leave(bob.call);
    bob.call = NULL;
    until("a voice is over", &alice, &bob, &alice.over[SLUICE_VOICE], 1);
    CHECK_INT(alice.ended + bob.ended, 0);
    sluice_call_leave(alice.call);
    sluice_client_free(c);
    place_fini(&p);
}

/* Who leaves need not wait for that to be heard: else the others would see it until its path is
 * given up, half a minute later. */
TEST(calls_are_left_at_once)
{
    struct place p;
    static struct seen alice, bob;
    place_init(&p);
    struct sluice_client *c = dial(&p), *other = dial(&p);
    CHECK_INT(join(c, &alice, "alice", false), SLUICE_OK);
    CHECK_INT(join(other, &bob, "bob", false), SLUICE_OK);
    until("a voice", &alice, &bob, &bob.packets[SLUICE_VOICE], 5);
    sluice_call_leave(alice.call);
    sluice_client_free(c);
    usec begun = sl_loop_now();
    while (atomic_load(&bob.over[SLUICE_VOICE]) == 0 && sl_loop_now() - begun < SEC(20))
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    CHECK_INT(bob.over[SLUICE_VOICE], 1);
    sluice_call_leave(bob.call);
    sluice_client_free(other);
    place_fini(&p);
}

TEST(calls_that_cannot_be)
{
    struct place p;
    static struct seen first, second;
    char longest[SLUICE_ID_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    place_init(&p);
    struct sluice_client *c = dial(&p);
    CHECK_INT(join(c, &first, NULL, false), SLUICE_REFUSED);
    CHECK_INT(join(c, &first, "", false), SLUICE_REFUSED);
    CHECK_INT(join(c, &first, longest, false), SLUICE_REFUSED);
    CHECK_INT(join(c, &first, "alice", false), SLUICE_OK);
    CHECK_INT(join(c, &second, "alice", false), SLUICE_REFUSED);
    const struct sluice_packet none = {.payload = opus, .n = sizeof opus};
    CHECK_INT(sluice_call_send(first.call, SLUICE_CAMERA, &none), SLUICE_FULL);

    /* The server ends it when it is told to, by another way. */
    const struct sluice_message leave = {.type = SLUICE_LEAVE, .session = "alice"};
    until("connected", &first, &second, &first.up, 1);
    CHECK_INT(sluice_client_send(c, &leave), SLUICE_OK);
    until("ended", &first, &second, &first.ended, 1);
    CHECK_INT(sluice_call_send(first.call, SLUICE_VOICE, &none), SLUICE_FULL);
    sluice_call_leave(first.call);
    sluice_call_leave(NULL);
    sluice_client_free(c);
    place_fini(&p);
}
