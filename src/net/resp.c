#include "net/resp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/word.h"

/* A reply that promises more values than this is none: Redis' own limit is 2^20 for commands. */
#define VALUES_MAX (UINT64_C(1) << 24)
#define TEXT_MAX   (UINT64_C(512) << 20) /* proto-max-bulk-len, as Redis comes */

struct resp_reader {
    struct resp nodes[RESP_NODES_MAX];
    size_t n;
    bool fresh;    /* the next octet begins a reply */
    uint64_t left; /* values that are still to come */
    enum { LINE, TEXT, TEXT_END } at;
    char line[RESP_LINE_MAX];
    size_t line_n;      /* octets of the line so far, kept or not */
    uint64_t text_left; /* octets of a text, or of its end */
    struct resp *into;  /* whose text it is; NULL: it is read past */
    size_t texts_n, texts_cap;
    uint8_t texts[];
};

struct resp_reader *sl_resp_new(size_t texts_max)
{
    struct resp_reader *r = malloc(sizeof *r + texts_max);
    if (!r)
        return NULL;
    r->texts_cap = texts_max;
    sl_resp_reset(r);
    return r;
}

void sl_resp_free(struct resp_reader *r)
{
    free(r);
}

void sl_resp_reset(struct resp_reader *r)
{
    r->at = LINE;
    r->n = 0;
    r->line_n = 0;
    r->texts_n = 0;
    r->left = 1;
    r->fresh = false;
    r->into = NULL;
}

/* One more value. NULL: there is no room, and its list says so. */
static struct resp *put(struct resp_reader *r, enum resp_kind kind)
{
    r->left--;
    if (r->n == RESP_NODES_MAX) {
        r->nodes[0].cut = true;
        return NULL;
    }
    struct resp *v = &r->nodes[r->n++];
    *v = (struct resp){.kind = kind};
    return v;
}

/* Keeps n octets of v's text; what does not fit leaves it empty. */
static void keep(struct resp_reader *r, struct resp *v, struct span text)
{
    if (text.n > r->texts_cap - r->texts_n) {
        v->cut = true;
        return;
    }
    uint8_t *to = r->texts + r->texts_n;
    if (text.n > 0)
        memcpy(to, text.p, text.n);
    v->text = (struct span){to, text.n};
    r->texts_n += text.n;
}

static bool read_number(struct span text, int64_t *ret)
{
    bool minus = text.n > 0 && text.p[0] == '-';
    bool sign = minus || (text.n > 0 && text.p[0] == '+');
    uint64_t n;
    if (!word_number((struct span){text.p + sign, text.n - sign}, INT64_MAX, &n))
        return false;
    *ret = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

static enum err begin_text(struct resp_reader *r, int64_t n)
{
    if (n == -1) { /* RESP2's way to say nothing */
        (void)put(r, RESP_NULL);
        return E_OK;
    }
    if (n < 0 || (uint64_t)n > TEXT_MAX)
        return E_MALFORMED;
    r->into = put(r, RESP_TEXT);
    r->text_left = (uint64_t)n;
    r->at = TEXT;
    if (r->into && (uint64_t)n > r->texts_cap - r->texts_n) {
        r->into->cut = true;
        r->into = NULL;
    }
    if (r->into)
        r->into->text = (struct span){r->texts + r->texts_n, 0};
    return E_OK;
}

static enum err begin_list(struct resp_reader *r, enum resp_kind kind, int64_t n,
                           uint64_t each)
{
    if (n == -1) {
        (void)put(r, RESP_NULL);
        return E_OK;
    }
    if (n < 0 || (uint64_t)n * each > VALUES_MAX || r->left > VALUES_MAX)
        return E_MALFORMED;
    struct resp *v = put(r, kind);
    r->left += (uint64_t)n * each;
    if (v)
        v->n = (size_t)((uint64_t)n * each);
    return E_OK;
}

static void put_line(struct resp_reader *r, enum resp_kind kind, struct span text,
                     int64_t number)
{
    struct resp *v = put(r, kind);
    if (!v)
        return;
    v->number = number;
    keep(r, v, text);
}

/* A line without its end, of at least its type: what is in it, or how much follows. */
static enum err take_line(struct resp_reader *r, size_t kept)
{
    struct span text = {(const uint8_t *)r->line + 1, kept - 1};
    int64_t n = 0;
    char type = r->line[0];
    r->line_n = 0;
    if (type != '\0' && strchr(":$*~>%!=", type) && !read_number(text, &n))
        return E_MALFORMED;
    switch (type) {
    case '+':
    case ',':
    case '#':
    case '(': put_line(r, RESP_TEXT, text, 0); return E_OK;
    case '-': put_line(r, RESP_ERROR, text, 0); return E_OK;
    case ':': put_line(r, RESP_NUMBER, text, n); return E_OK;
    case '_': (void)put(r, RESP_NULL); return E_OK;
    case '$':
    case '=': return begin_text(r, n);
    case '!': {
        enum err e = n >= 0 ? begin_text(r, n) : E_MALFORMED;
        if (!e && r->into)
            r->into->kind = RESP_ERROR;
        return e;
    }
    case '*':
    case '~': return begin_list(r, RESP_LIST, n, 1);
    case '%': return begin_list(r, RESP_LIST, n, 2);
    case '>': return begin_list(r, RESP_PUSH, n, 1);
    default: return E_MALFORMED;
    }
}

static enum err read_line(struct resp_reader *r, struct rd *in)
{
    const uint8_t *end = memchr(in->p, '\n', in->n);
    size_t n = end ? (size_t)(end - in->p) : in->n;
    size_t kept = r->line_n < RESP_LINE_MAX ? r->line_n : RESP_LINE_MAX;
    size_t more = n < RESP_LINE_MAX - kept ? n : RESP_LINE_MAX - kept;
    memcpy(r->line + kept, in->p, more);
    kept += more;
    r->line_n += n;
    (void)rd_span(in, n + (end ? 1 : 0));
    if (!end)
        return E_OK;
    /* Of a line that is longer than what is kept its CR was lost with the rest. */
    if (r->line_n <= RESP_LINE_MAX && (kept == 0 || r->line[--kept] != '\r'))
        return E_MALFORMED;
    return kept > 0 ? take_line(r, kept) : E_MALFORMED;
}

static void read_text(struct resp_reader *r, struct rd *in)
{
    size_t n = r->text_left < in->n ? (size_t)r->text_left : in->n;
    if (r->into) {
        memcpy(r->texts + r->texts_n, in->p, n);
        r->texts_n += n;
        r->into->text.n += n;
    }
    (void)rd_span(in, n);
    r->text_left -= n;
    if (r->text_left == 0) {
        r->at = TEXT_END;
        r->text_left = 2;
    }
}

static enum err read_text_end(struct resp_reader *r, struct rd *in)
{
    if (rd_u8(in) != (r->text_left == 2 ? '\r' : '\n'))
        return E_MALFORMED;
    if (--r->text_left == 0) {
        r->at = LINE;
        r->into = NULL;
    }
    return E_OK;
}

enum err sl_resp_read(struct resp_reader *r, struct span *in, const struct resp **ret,
                      size_t *ret_n)
{
    struct rd rd = rd_of(*in);
    enum err e = E_OK;
    if (r->fresh)
        sl_resp_reset(r);
    while (!e && rd.n > 0 && (r->left > 0 || r->at != LINE)) {
        if (r->at == TEXT)
            read_text(r, &rd);
        else
            e = r->at == LINE ? read_line(r, &rd) : read_text_end(r, &rd);
    }
    *in = (struct span){rd.p, rd.n};
    if (e)
        return e;
    if (r->left > 0 || r->at != LINE)
        return E_SHORT;
    r->fresh = true;
    *ret = r->nodes;
    *ret_n = r->n;
    return E_OK;
}

/* ---- commands ---- */

static int head(char text[24], char type, size_t n)
{
    return snprintf(text, 24, "%c%zu\r\n", type, n);
}

void sl_resp_write(struct wr *w, const struct span *words, size_t n)
{
    char text[24];
    (void)head(text, '*', n);
    wr_str(w, text);
    for (size_t i = 0; i < n; i++) {
        (void)head(text, '$', words[i].n);
        wr_str(w, text);
        wr_span(w, words[i]);
        wr_str(w, "\r\n");
    }
}

size_t sl_resp_len(const struct span *words, size_t n)
{
    char text[24];
    size_t len = (size_t)head(text, '*', n);
    for (size_t i = 0; i < n; i++)
        len += (size_t)head(text, '$', words[i].n) + words[i].n + 2;
    return len;
}
