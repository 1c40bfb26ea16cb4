#include "net/intake.h"

#include "base/map.h"

#include "fuzz.h"

enum { BODY_MAX = 300, PIECE_MAX = 7 };

static bool within(struct span s, struct span in)
{
    return s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n);
}

static void check_request(const struct intake *in)
{
    const struct http_req *req = &in->head.req;
    struct span head = {in->in, in->at};
    MUST(req->method < HTTP_METHODS && req->nheaders <= HTTP_HEADERS_MAX);
    MUST(within(req->path, head) || span_is(req->path, "/"));
    MUST(within(req->query, head));
    for (size_t i = 0; i < req->nheaders; i++)
        MUST(within(req->headers[i].name, head) && within(req->headers[i].value, head));
    MUST(req->body.n <= BODY_MAX && (!req->refuse || req->body.n == 0));
}

/* Reads as much as there is room for, in pieces of at most max octets; then, as a server does,
 * goes on to the next request. Returns a hash of all that was understood. */
static uint64_t read_all(struct span input, size_t max)
{
    static const uint64_t key[2] = {1, 2};
    uint64_t sum = 0;
    struct intake *in = sl_intake_new(BODY_MAX);
    MUST(in);
    while (input.n > 0 && in->state != INTAKE_REFUSED) {
        size_t room, n;
        uint8_t *p = sl_intake_room(in, &room);
        MUST(room > 0);
        n = room < input.n ? room : input.n;
        n = n < max ? n : max;
        memcpy(p, input.p, n);
        input = (struct span){input.p + n, input.n - n};
        (void)sl_intake_put(in, n);
        while (in->state == INTAKE_DONE) {
            check_request(in);
            sum = sum * 31 + sl_siphash(key, in->head.req.path);
            sum = sum * 31 + sl_siphash(key, in->head.req.body);
            sum = sum * 31 + in->head.req.nheaders;
            if (!in->head.keep_alive) {
                sl_intake_free(in);
                return sum;
            }
            (void)sl_intake_next(in);
        }
    }
    sum = sum * 31 + (unsigned)in->state * 1000 + in->status;
    sl_intake_free(in);
    return sum;
}

/* However the bytes are cut, the same requests are understood; and what is understood lies in
 * what was said. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    uint64_t whole = read_all((struct span){p, n}, SIZE_MAX);
    for (size_t piece = 1; piece <= PIECE_MAX; piece += 3)
        MUST(read_all((struct span){p, n}, piece) == whole);
    return 0;
}
