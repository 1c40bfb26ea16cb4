#include "net/ws.h"

#include "base/map.h"

#include "fuzz.h"

enum { MESSAGE_MAX = 400, PIECE_MAX = 7 };

/* Reads all in pieces of at most max octets. Returns a hash of what was understood. */
static uint64_t read_all(struct span input, size_t max, bool from_client)
{
    static const uint64_t key[2] = {1, 2};
    struct ws ws;
    uint64_t sum = 0;
    enum err e = E_OK;
    sl_ws_init(&ws, MESSAGE_MAX, from_client);
    while (input.n > 0 && (e == E_OK || e == E_SHORT)) {
        size_t n = max < input.n ? max : input.n;
        struct rd in = rd_of((struct span){input.p, n});
        struct ws_msg msg;
        input = (struct span){input.p + n, input.n - n};
        do {
            e = sl_ws_read(&ws, &in, &msg);
            MUST(e != E_SHORT || in.n == 0);
            if (e)
                break;
            MUST(msg.data.n <= MESSAGE_MAX);
            MUST(msg.op < WS_CLOSE || msg.data.n <= WS_CONTROL_MAX);
            sum = sum * 31 + sl_siphash(key, msg.data) + msg.op * 7U + msg.code;
        } while (in.n > 0);
    }
    MUST(e == E_OK || e == E_SHORT || ws.code != 0);
    MUST(ws.data.cap <= (size_t)2 * MESSAGE_MAX);
    sl_ws_fini(&ws);
    return sum * 31 + ws.code;
}

/* However the bytes are cut, the same messages come out, and memory stays bounded. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    for (int side = 0; side < 2; side++) {
        uint64_t whole = read_all((struct span){p, n}, SIZE_MAX, side);
        for (size_t piece = 1; piece <= PIECE_MAX; piece += 3)
            MUST(read_all((struct span){p, n}, piece, side) == whole);
    }
    return 0;
}
