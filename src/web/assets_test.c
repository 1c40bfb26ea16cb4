#include "web/assets.h"

#include "check.h"

TEST(assets_are_the_files_byte_for_byte)
{
    static const char *const files[] = {"web/index.html", "web/style.css", "web/app.js",
                                        "web/conference/app.js", "web/whep.js"};
    for (size_t i = 0; i < LEN(files); i++) {
        check_row(files[i]);
        const struct asset *a = sl_asset_find(span_of(files[i] + strlen("web")));
        CHECK(a && span_eq(a->body, check_file(files[i])));
    }
}

static const struct {
    const char *name, *path, *type;
} rows[] = {
    {"the page has the shortest address", "/", "text/html; charset=utf-8"},
    {"and its own name", "/index.html", "text/html; charset=utf-8"},
    {"a module must be called a script", "/app.js", "text/javascript; charset=utf-8"},
    {"a picture", "/favicon.svg", "image/svg+xml"},
    {"a page without its ending", "/streams", "text/html; charset=utf-8"},
    {"a module in a folder", "/conference/app.js", "text/javascript; charset=utf-8"},
    {"the SDK", "/sdk/index.js", "text/javascript; charset=utf-8"},
    {"and what it starts by itself", "/sdk/e2ee/worker.js",
     "text/javascript; charset=utf-8"},
    {"a folder is no page", "/sdk/", NULL},
    {"what is not in the table is nowhere else", "/../dev", NULL},
    {"a prefix is not a name", "/app.j", NULL},
    {"nothing", "", NULL},
};

TEST(assets_are_found_by_path)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct asset *a = sl_asset_find(span_of(rows[i].path));
        check_row(rows[i].name);
        CHECK(rows[i].type ? a && strcmp(a->type, rows[i].type) == 0 : !a);
    }
}

TEST(assets_have_quoted_etags_that_tell_them_apart)
{
    const struct asset *page = sl_asset_find(span_of("/"));
    const struct asset *code = sl_asset_find(span_of("/app.js"));
    CHECK(page && code && page->etag[0] == '"' && strlen(page->etag) == 18);
    CHECK(page && code && strcmp(page->etag, code->etag) != 0);
}
