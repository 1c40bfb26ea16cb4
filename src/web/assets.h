#pragma once

/*
 * The pages, as bytes inside the program: what lies in web/ and sdk/js/src/ at the top of the
 * tree, made into a table when it is built (tools/embed). Constant, so for any thread.
 */

#include <stddef.h>

#include "base/span.h"

struct asset {
    const char *path; /* as requested: "/", "/app.js" */
    const char *type; /* Content-Type */
    const char *etag; /* with its quotes */
    struct span body;
};

extern const struct asset sl_asset_table[];
extern const size_t sl_asset_count;

/* path is that of the request, without its query. NULL: there is none. */
const struct asset *sl_asset_find(struct span path);

/* Headers that the page must be served with: it loads nothing from elsewhere, is framed by
 * nobody, may ask for camera, microphone and screen, and tells no one its address. */
#define ASSET_CSP                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "          \
    "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "  \
    "frame-ancestors 'none'"
#define ASSET_PERMISSIONS "camera=(self), microphone=(self), display-capture=(self)"
