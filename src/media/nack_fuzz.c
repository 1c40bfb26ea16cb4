#include "media/nack.h"

#include <stdlib.h>

#include "base/span.h"

#include "fuzz.h"

enum { SEQS = 1 << 14, TRIES = 3 };

/* Asks only for what was passed over and has not come, rising, and not too often; what it
 * calls found was missing; it ends by itself. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct nack *nack =
        sl_nack_new(&(struct nack_conf){.max_age = MSEC(200), .max_tries = TRIES});
    uint8_t *came = calloc(1, SEQS), *asked = calloc(1, SEQS);
    uint64_t seqs[NACK_LIST_MAX], next = 0;
    usec now = 0;
    MUST(nack && came && asked);

    while (r.n > 0) {
        uint16_t b = rd_u16(&r);
        uint64_t seq = next + (b >> 10) - (b >> 4) % 32;
        if (b % 8 == 7)
            seq += 2 * NACK_LIST_MAX;
        if (seq >= SEQS)
            continue;
        enum nack_seen seen = sl_nack_input(nack, seq, now);
        MUST((seen == NACK_NEW) == (seq >= next));
        MUST(seen != NACK_FOUND || !came[seq]);
        came[seq] = 1;
        next = seq >= next ? seq + 1 : next;
        now += MSEC(b % 16);
        size_t count = sl_nack_poll(nack, now, seqs, NACK_LIST_MAX);
        for (size_t i = 0; i < count; i++) {
            MUST(seqs[i] < next && !came[seqs[i]] && ++asked[seqs[i]] <= TRIES);
            MUST(i == 0 || seqs[i - 1] < seqs[i]);
        }
        MUST(sl_nack_deadline(nack) > now);
    }
    for (int i = 0; i <= TRIES; i++)
        sl_nack_poll(nack, now += SEC(1), seqs, NACK_LIST_MAX);
    MUST(sl_nack_deadline(nack) == USEC_NEVER);

    struct nack_count c = sl_nack_count(nack);
    MUST(c.missed == c.found + c.given_up);
    sl_nack_free(nack);
    free(came);
    free(asked);
    return 0;
}
