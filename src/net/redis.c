#include "net/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/rng.h"
#include "base/word.h"

#include "crypto/hash.h"
#include "net/resolve.h"
#include "net/stream.h"
#include "net/tls.h"

enum { READ_MAX = 16 * 1024, HOST_CAP = RESOLVE_NAME_MAX + 1 };

/* A handshake is a chain: each step is said when the one before was answered well. */
enum state {
    APART,   /* waits for the next try, or for an address */
    OPENING, /* TCP, TLS */
    HELLO,
    SELECTING, /* the database */
    LISTENING, /* to channels */
    READY,
};

struct asked {
    redis_answered *answered; /* NULL: nobody wants to know */
    void *user;
};

struct redis {
    struct redis_conf conf;
    struct redis_stats stats;
    enum state state;
    char host[HOST_CAP];
    uint16_t port;
    bool resolving, ending;
    struct tls_client *tls;
    struct stream *stream;
    struct resp_reader *reader;
    struct loop_timer timer; /* the next try, or a look whether the server still speaks */
    usec heard_at, pause;
    size_t tries; /* each goes to the next address */
    struct rng rng;
    struct asked *asked; /* a ring: cap is a power of two */
    size_t asked_at, asked_n, asked_cap;
    uint8_t in[READ_MAX];
};

static void wake_at(struct redis *r, usec at)
{
    /* Where memory ends for a timer the connection rests as it is; there is nobody to tell. */
    if (sl_loop_timer_set(r->conf.loop, &r->timer, at) != E_OK)
        r->stats.lost++;
}

/* ---- losing it ---- */

static struct asked next_asked(struct redis *r)
{
    struct asked a = r->asked[r->asked_at];
    r->asked_at = (r->asked_at + 1) & (r->asked_cap - 1);
    r->asked_n--;
    return a;
}

/* why may lie in what is reset here. */
static void lose(struct redis *r, const char *text)
{
    char why[REDIS_WHY_CAP];
    (void)snprintf(why, sizeof why, "%s", text);
    sl_stream_free(r->stream);
    r->stream = NULL;
    r->state = APART;
    r->stats.ready = 0;
    r->stats.lost++;
    usec jitter = (usec)(sl_rng_u64(&r->rng) % (uint64_t)(r->pause / 4 + 1));
    wake_at(r, sl_loop_now() + r->pause + jitter);
    r->pause = 2 * r->pause < REDIS_RETRY_MOST ? 2 * r->pause : REDIS_RETRY_MOST;
    while (r->asked_n > 0) {
        struct asked a = next_asked(r);
        if (a.answered)
            a.answered(a.user, NULL, 0);
    }
    r->conf.lost(r->conf.user, why);
}

/* ---- saying ---- */

static enum err say(struct redis *r, const struct span *words, size_t n)
{
    size_t len = sl_resp_len(words, n);
    uint8_t *buf = malloc(len);
    if (!buf)
        return E_MEMORY;
    struct wr w = wr_of(buf, len);
    sl_resp_write(&w, words, n);
    enum err e = sl_stream_write(r->stream, wr_done(&w), (struct span){0}, false);
    free(buf);
    return e;
}

static bool grow_asked(struct redis *r)
{
    if (r->asked_n < r->asked_cap)
        return true;
    size_t cap = r->asked_cap > 0 ? 2 * r->asked_cap : 64;
    struct asked *ring = calloc(cap, sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < r->asked_n; i++)
        ring[i] = r->asked[(r->asked_at + i) & (r->asked_cap - 1)];
    free(r->asked);
    r->asked = ring;
    r->asked_cap = cap;
    r->asked_at = 0;
    return true;
}

static enum err ask(struct redis *r, const struct span *words, size_t n,
                    redis_answered *answered, void *user)
{
    if (r->state != READY)
        return E_STATE;
    if (r->asked_n == REDIS_ASKED_MAX || sl_stream_queued(r->stream) > REDIS_QUEUE_MAX)
        return E_FULL;
    if (!grow_asked(r))
        return E_MEMORY;
    if (r->asked_n == 0)
        r->heard_at = sl_loop_now(); /* silence begins to mean something */
    enum err e = say(r, words, n);
    if (e)
        return e;
    r->asked[(r->asked_at + r->asked_n++) & (r->asked_cap - 1)] =
        (struct asked){answered, user};
    r->stats.asked++;
    return E_OK;
}

enum err sl_redis_ask(struct redis *r, const struct span *words, size_t n,
                      redis_answered *answered, void *user)
{
    enum err e = ask(r, words, n, answered, user);
    r->stats.unasked += e != E_OK;
    return e;
}

/* ---- the handshake ---- */

static void step(struct redis *r, enum state to, const struct span *words, size_t n)
{
    r->state = to;
    if (say(r, words, n) != E_OK)
        lose(r, "out of memory");
}

static void ready(struct redis *r)
{
    r->state = READY;
    r->pause = REDIS_RETRY_FIRST;
    r->stats.ready = 1;
    r->stats.connected++;
    wake_at(r, sl_loop_now() + REDIS_PING);
    r->conf.ready(r->conf.user);
}

static void listen_to(struct redis *r)
{
    struct span words[1 + REDIS_CHANNELS_MAX] = {span_of("SUBSCRIBE")};
    size_t n = 1;
    for (size_t i = 0; i < REDIS_CHANNELS_MAX && r->conf.channels[i]; i++)
        words[n++] = span_of(r->conf.channels[i]);
    if (n > 1)
        step(r, LISTENING, words, n);
    else
        ready(r);
}

static void choose_database(struct redis *r)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", r->conf.database);
    const struct span words[] = {span_of("SELECT"), span_of(text)};
    if (r->conf.database > 0)
        step(r, SELECTING, words, 2);
    else
        listen_to(r);
}

static void greet(void *user)
{
    struct redis *r = user;
    const char *password = r->conf.password ? r->conf.password : "";
    const char *name =
        r->conf.username && r->conf.username[0] ? r->conf.username : "default";
    const struct span words[] = {span_of("HELLO"), span_of("3"), span_of("AUTH"),
                                 span_of(name), span_of(password)};
    step(r, HELLO, words, password[0] ? 5 : 2);
}

/* ---- hearing ---- */

static void take_push(struct redis *r, const struct resp *v, size_t n)
{
    if (n != 4)
        return;
    if (r->state == READY && span_is(v[1].text, "message")) {
        r->stats.heard++;
        r->conf.message(r->conf.user, v[2].text, v[3].text, v[3].cut);
    } else if (r->state == LISTENING && span_is(v[1].text, "subscribe")) {
        int64_t want = 0;
        while (want < REDIS_CHANNELS_MAX && r->conf.channels[want])
            want++;
        if (v[3].number == want)
            ready(r);
    }
}

static void take_answer(struct redis *r, const struct resp *v, size_t n)
{
    bool failed = v->kind == RESP_ERROR;
    if (r->state == READY && r->asked_n > 0) {
        struct asked a = next_asked(r);
        r->stats.refused += failed;
        if (a.answered)
            a.answered(a.user, v, n);
        return;
    }
    if (failed || r->state == READY || r->state == LISTENING) {
        char why[REDIS_WHY_CAP];
        (void)snprintf(why, sizeof why, "%.*s", failed ? (int)v->text.n : 0,
                       (const char *)v->text.p);
        lose(r, failed ? why : "an answer that nobody asked for");
    } else if (r->state == HELLO) {
        choose_database(r);
    } else if (r->state == SELECTING) {
        listen_to(r);
    }
}

static struct room room(void *user)
{
    struct redis *r = user;
    return (struct room){r->in, sizeof r->in};
}

static void on_data(void *user, size_t n)
{
    struct redis *r = user;
    struct span in = {r->in, n};
    r->heard_at = sl_loop_now();
    while (in.n > 0 && r->stream) {
        const struct resp *v;
        size_t values;
        enum err e = sl_resp_read(r->reader, &in, &v, &values);
        if (e == E_SHORT)
            return;
        if (e)
            lose(r, "this is no Redis server");
        else if (v->kind == RESP_PUSH)
            take_push(r, v, values);
        else
            take_answer(r, v, values);
    }
}

static void on_sent(void *user)
{
    (void)user;
}

static void on_ended(void *user, bool broken)
{
    struct redis *r = user;
    lose(r, r->state == OPENING && broken ? "no connection" : "it was closed");
}

/* ---- connecting ---- */

static void connect_to(struct redis *r, const struct addr *to)
{
    static const struct stream_handler handler = {room, on_data, on_sent, on_ended,
                                                  greet};
    sl_resp_reset(r->reader);
    r->state = OPENING;
    enum err e =
        sl_stream_connect(r->conf.loop, to, r->tls, r->host, &handler, r, &r->stream);
    if (e)
        lose(r, sl_err_text(e));
    else
        wake_at(r, sl_loop_now() + REDIS_SILENCE);
}

static void on_address(void *user, const struct addr *a, size_t n)
{
    struct redis *r = user;
    r->resolving = false;
    if (r->ending)
        return;
    if (n > 0)
        connect_to(r, &a[r->tries++ % n]);
    else
        lose(r, "no such host");
}

static void try_it(struct redis *r)
{
    enum err e = sl_resolve(r->conf.loop, span_of(r->host), r->port, on_address, r);
    r->resolving = e == E_OK;
    if (e)
        lose(r, sl_err_text(e));
}

static void on_time(void *user)
{
    static const struct span ping = {(const uint8_t *)"PING", 4};
    struct redis *r = user;
    usec now = sl_loop_now();
    if (r->state == APART) {
        try_it(r);
    } else if (r->state != READY ||
               (r->asked_n > 0 && now - r->heard_at >= REDIS_SILENCE)) {
        lose(r, "no answer");
    } else {
        if (r->asked_n == 0)
            (void)ask(r, &ping, 1, NULL, NULL); /* or at the next look */
        wake_at(r, now + REDIS_PING);
    }
}

/* ---- start and end ---- */

static bool read_address(const char *text, char host[HOST_CAP], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    uint64_t n;
    if (!colon || colon == text || (size_t)(colon - text) >= HOST_CAP ||
        !word_number(span_of(colon + 1), UINT16_MAX, &n) || n == 0)
        return false;
    size_t len = (size_t)(colon - text);
    bool bracketed = text[0] == '[' && text[len - 1] == ']' && len > 2;
    if (!bracketed && (text[0] == '[' || memchr(text, ':', len)))
        return false;
    memcpy(host, text + bracketed, len - (bracketed ? 2 : 0));
    host[len - (bracketed ? 2 : 0)] = '\0';
    *port = (uint16_t)n;
    return true;
}

bool sl_redis_address_valid(const char *address)
{
    char host[HOST_CAP];
    uint16_t port;
    return read_address(address, host, &port);
}

enum err sl_redis_new(const struct redis_conf *conf, struct redis **ret)
{
    uint64_t seed;
    struct redis *r = calloc(1, sizeof *r);
    if (!r)
        return E_MEMORY;
    sl_random(&seed, sizeof seed);
    r->conf = *conf;
    r->rng = sl_rng_of(seed);
    r->pause = REDIS_RETRY_FIRST;
    r->timer = (struct loop_timer){.fn = on_time, .user = r};
    r->reader = sl_resp_new(REDIS_TEXTS_MAX);
    enum err e = r->reader ? E_OK : E_MEMORY;
    if (!e && !read_address(conf->address, r->host, &r->port))
        e = E_MALFORMED;
    if (!e && conf->tls)
        e = sl_tls_client_new(conf->ca && conf->ca[0] ? conf->ca : NULL, NULL, &r->tls);
    if (!e)
        e = sl_loop_timer_set(conf->loop, &r->timer, sl_loop_now());
    if (e) {
        sl_redis_free(r);
        return e;
    }
    *ret = r;
    return E_OK;
}

void sl_redis_free(struct redis *r)
{
    if (!r)
        return;
    r->ending = true;
    sl_loop_timer_stop(r->conf.loop, &r->timer);
    if (r->resolving) /* it ends by calling us */
        sl_loop_finish_work(r->conf.loop);
    sl_stream_free(r->stream);
    sl_tls_client_free(r->tls);
    sl_resp_free(r->reader);
    free(r->asked);
    free(r);
}

const struct redis_stats *sl_redis_stats(const struct redis *r)
{
    return &r->stats;
}
