#include "api/rtcd_path.h"

#include <assert.h>

/* Takes the last segment off what is written. */
static void up(struct wr *w)
{
    while (w->n > 0 && w->p[--w->n] != '/') {}
}

bool sl_rtcd_path_clean(struct span path, struct span query, struct wr *w)
{
    assert(w->p);
    struct span rest = path, part;
    bool slash = path.n > 0 && path.p[path.n - 1] == '/';
    if (path.n == 0 || path.p[0] != '/')
        return false; /* "*" */
    while (sl_http_segment(&rest, &part)) {
        if (span_is(part, "..")) {
            up(w);
        } else if (part.n > 0 && !span_is(part, ".")) {
            wr_u8(w, '/');
            wr_span(w, part);
        }
    }
    if (slash || w->n == 0)
        wr_u8(w, '/');
    if (w->bad || span_eq(wr_done(w), path))
        return false;
    if (query.n > 0) {
        wr_u8(w, '?');
        wr_span(w, query);
    }
    return !w->bad;
}
