#include "crypto/dtls.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "fuzz.h"
#include "wall_clock.h"

/* A network that does what the input says: it invents datagrams, and loses, repeats, reorders
 * and alters those of two honest ends. */
enum { INVENT, DELIVER, LOSE, ALTER, WAIT, REPEAT, OPS };
enum { ENDS = 2, HEAP_MAX = 1 << 20 };

static size_t heap;

static void *heap_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    size_t *old = p ? (size_t *)p - 2 : NULL;
    heap -= old ? *old : 0;
    if (n == 0) {
        free(old);
        return NULL;
    }
    size_t *new = realloc(old, n + 2 * sizeof *new);
    MUST(new);
    *new = n;
    heap += n;
    return new + 2;
}

static void *heap_malloc(size_t n, const char *file, int line)
{
    return heap_realloc(NULL, n, file, line);
}

static void heap_free(void *p, const char *file, int line)
{
    (void)heap_realloc(p, 0, file, line);
}

__attribute__((constructor)) static void heap_count(void)
{
    CRYPTO_set_mem_functions(heap_malloc, heap_realloc, heap_free);
}

static struct cert certs[ENDS];
static struct dtls_ctx *ctxs[ENDS];

static void set_up_once(void)
{
    static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};
    for (int i = 0; i < ENDS && !ctxs[i]; i++) {
        MUST(sl_cert_init(&certs[i]) == E_OK);
        ctxs[i] = sl_dtls_ctx_new(&certs[i], profiles, 2);
        MUST(ctxs[i]);
    }
}

static struct dtls *end_of(enum dtls_role role)
{
    struct dtls_fingerprint peer = {.n = sizeof certs[!role].sha256};
    memcpy(peer.octets, certs[!role].sha256, peer.n);
    struct dtls *d = sl_dtls_new(ctxs[role], role, &peer, wall_now);
    MUST(d);
    return d;
}

static void give(struct dtls *d, struct span datagram)
{
    enum dtls_state was = sl_dtls_state(d);
    enum err e = sl_dtls_input(d, datagram, wall_now);
    MUST(e == E_OK || e == E_FULL || e == E_UNSUPPORTED ||
         (e == E_STATE && was >= DTLS_CLOSED));
}

/* What was on its way last, to each end. Lost and then repeated, it was only late. */
struct flying {
    size_t n;
    uint8_t p[DTLS_MTU];
};

/* Takes the next datagram that `from` has to send. */
static bool take(struct dtls *from, struct flying *f)
{
    struct dtls_out out;
    if (!sl_dtls_poll(from, &out) || out.kind != DTLS_OUT_DATAGRAM)
        return false;
    MUST(out.bytes.n > 0 && out.bytes.n <= DTLS_MTU);
    f->n = out.bytes.n;
    memcpy(f->p, out.bytes.p, f->n);
    return true;
}

/* Of two that are up one rests, and hears the other's goodbye. */
static void part(struct dtls *resting, struct dtls *leaving)
{
    struct flying f;
    while (take(resting, &f) || take(leaving, &f))
        continue;
    if (!sl_dtls_rest(resting))
        return; /* a message waits to be read */
    sl_dtls_close(leaving, wall_now);
    MUST(take(leaving, &f));
    give(resting, (struct span){f.p, f.n});
    MUST(sl_dtls_state(resting) == DTLS_CLOSED);
}

/* Nothing crashes, nothing grows; and whatever happens on the way, two ends that are both up
 * have the same keys, and can part. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    set_up_once();
    wall_now = 0;
    struct dtls *ends[ENDS] = {end_of(DTLS_SERVER), end_of(DTLS_CLIENT)};
    struct flying last[ENDS] = {0};
    struct rd r = rd_of((struct span){p, n});
    for (int steps = 0; r.n > 0 && steps < 256; steps++) {
        uint8_t b = rd_u8(&r);
        int to = b & 1;
        unsigned op = (b >> 1) % OPS;
        if (op == INVENT) {
            give(ends[to], rd_span(&r, rd_u16(&r) % (DTLS_INPUT_MAX + 2)));
        } else if (op == WAIT) {
            wall_now += MSEC(20) * rd_u8(&r);
            sl_dtls_tick(ends[to], wall_now);
        } else if (op == REPEAT || take(ends[!to], &last[to])) {
            struct flying f = last[to];
            if (op == ALTER && f.n > 0)
                f.p[rd_u16(&r) % f.n] ^= rd_u8(&r);
            if (op != LOSE)
                give(ends[to], (struct span){f.p, f.n});
        }
        MUST(heap < HEAP_MAX);
    }
    struct srtp_master in[ENDS], out[ENDS];
    enum err e[ENDS];
    for (int i = 0; i < ENDS; i++)
        e[i] = sl_dtls_keys(ends[i], &in[i], &out[i]);
    if (e[0] == E_OK && e[1] == E_OK)
        MUST(memcmp(&in[0], &out[1], sizeof in[0]) == 0 &&
             memcmp(&out[0], &in[1], sizeof in[1]) == 0);
    if (e[0] == E_OK && e[1] == E_OK)
        part(ends[n % ENDS], ends[(n + 1) % ENDS]);
    for (int i = 0; i < ENDS; i++)
        sl_dtls_free(ends[i]);
    return 0;
}
