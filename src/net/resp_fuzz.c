#include "net/resp.h"

#include "fuzz.h"

enum { TEXTS_MAX = 64, REPLIES_MAX = 64, SEEN_MAX = 1 << 16 };

/* All that is read, as octets, piece octets at a time. */
static void read_all(struct resp_reader *r, struct span in, size_t piece, struct wr *seen)
{
    enum err e = E_OK;
    sl_resp_reset(r);
    while (in.n > 0 && e != E_MALFORMED) {
        struct span part = {in.p, piece < in.n ? piece : in.n};
        in = (struct span){in.p + part.n, in.n - part.n};
        do {
            const struct resp *v;
            size_t n, texts = 0;
            e = sl_resp_read(r, &part, &v, &n);
            MUST(e == E_OK || part.n == 0 || e == E_MALFORMED);
            for (size_t i = 0; e == E_OK && i < n; i++) {
                wr_u8(seen, v[i].kind);
                wr_u8(seen, v[i].cut);
                wr_u64(seen, (uint64_t)v[i].number);
                wr_u64(seen, v[i].n);
                wr_span(seen, v[i].text);
                texts += v[i].text.n;
            }
            MUST(texts <= TEXTS_MAX);
        } while (part.n > 0 && e == E_OK);
    }
    wr_u8(seen, e == E_MALFORMED);
}

/* However it is cut, the same is read; and what is written is read as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t whole[SEEN_MAX], cut[SEEN_MAX], command[SEEN_MAX];
    static struct resp_reader *r;
    r = r ? r : sl_resp_new(TEXTS_MAX);
    struct span in = {p, n}, words[2] = {in, {p, n / 2}};
    struct wr a = wr_of(whole, sizeof whole), b = wr_of(cut, sizeof cut);
    MUST(r);
    if (n > 4096)
        return 0;
    read_all(r, in, n + 1, &a);
    read_all(r, in, 1, &b);
    MUST(a.bad == b.bad && (a.bad || span_eq(wr_done(&a), wr_done(&b))));

    const struct resp *v;
    size_t values;
    struct wr w = wr_of(command, sizeof command);
    sl_resp_write(&w, words, 2);
    MUST(!w.bad && w.n == sl_resp_len(words, 2));
    struct span said = wr_done(&w);
    sl_resp_reset(r);
    MUST(sl_resp_read(r, &said, &v, &values) == E_OK && said.n == 0 && values == 3);
    MUST(v[1].cut ? n > TEXTS_MAX : span_eq(v[1].text, in));
    return 0;
}
