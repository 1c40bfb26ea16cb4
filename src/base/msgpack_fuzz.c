#include "base/msgpack.h"

#include "fuzz.h"

static void put(struct wr *w, const struct msgpack *m)
{
    switch (m->type) {
    case MSGPACK_NIL: sl_msgpack_put_nil(w); break;
    case MSGPACK_BOOL: sl_msgpack_put_bool(w, m->b); break;
    case MSGPACK_UINT: sl_msgpack_put_uint(w, m->u); break;
    case MSGPACK_FLOAT: sl_msgpack_put_float(w, m->f); break;
    case MSGPACK_STR: sl_msgpack_put_str(w, m->s); break;
    case MSGPACK_BIN: sl_msgpack_put_bin(w, m->s); break;
    case MSGPACK_ARRAY: sl_msgpack_put_array(w, m->n); break;
    case MSGPACK_MAP: sl_msgpack_put_map(w, m->n); break;
    case MSGPACK_INT:
    case MSGPACK_EXT: break; /* not written by us */
    }
}

static bool same(const struct msgpack *a, const struct msgpack *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case MSGPACK_BOOL: return a->b == b->b;
    case MSGPACK_UINT: return a->u == b->u;
    case MSGPACK_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case MSGPACK_STR:
    case MSGPACK_BIN: return span_eq(a->s, b->s);
    case MSGPACK_ARRAY:
    case MSGPACK_MAP: return a->n == b->n;
    case MSGPACK_NIL:
    case MSGPACK_INT:
    case MSGPACK_EXT: break;
    }
    return true;
}

/* A token that was read can be written, in no more octets, and is read the same; and what can
 * be skipped is what its tokens are. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t buf[1 << 16];
    struct rd r = rd_of((struct span){p, n}), whole = r;
    struct msgpack a, b;
    if (n > sizeof buf / 4)
        return 0;
    for (;;) {
        size_t before = r.n;
        if (sl_msgpack_next(&r, &a) != E_OK)
            break;
        struct wr w = wr_of(buf, sizeof buf);
        put(&w, &a);
        MUST(!w.bad && (w.n <= before - r.n || a.type == MSGPACK_FLOAT));
        struct rd again = rd_of(wr_done(&w));
        if (w.n > 0)
            MUST(sl_msgpack_next(&again, &b) == E_OK && again.n == 0 && same(&a, &b));
    }
    size_t before = whole.n;
    if (sl_msgpack_skip(&whole) == E_OK)
        MUST(whole.n < before);
    return 0;
}
