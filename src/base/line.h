#pragma once

/*
 * Memory that begins with a line of the cache, zeroed. For what thousands have one of and a packet
 * looks at: the fewer lines it lies on, the less is waited for. Free with free.
 */

#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

/* NULL when memory ends. */
static inline void *line_new(size_t n)
{
    size_t whole = (n + LINE - 1) / LINE * LINE;
    void *p = whole >= n ? aligned_alloc(LINE, whole) : NULL;
    return p ? memset(p, 0, whole) : NULL;
}
