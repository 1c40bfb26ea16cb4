#include "store/bitcask.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

/* Written by bitcask 1.0.2 itself: clientA, clientB, clientC, and clientB deleted. */
static struct span real(void)
{
    return check_file("tests/corpus/bitcask/two-clients-one-deleted");
}

struct seen {
    char text[256]; /* "name " of one with a value, "-name " of a deleted one */
    size_t left;
};

static bool note(void *ctx, const struct bitcask_entry *e)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%s%.*s ", e->value.n ? "" : "-",
                   (int)e->key.n, (const char *)e->key.p);
    CHECK(e->value.n == 0 || (e->value.n == 60 && memcmp(e->value.p, "$2a$10$", 7) == 0));
    CHECK_INT(e->expiry, 0);
    return --s->left > 0;
}

struct dir {
    char top[64];
    size_t n;
    char files[4][96];
};

static struct dir dir_new(void)
{
    struct dir d = {.top = "/tmp/bitcask_test.XXXXXX"};
    CHECK(mkdtemp(d.top) != NULL);
    return d;
}

static void dir_put(struct dir *d, const char *name, struct span data)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", d->top, name);
    memcpy(d->files[d->n++], path, sizeof path);
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(data.p, 1, data.n, f) == data.n);
    if (f)
        (void)fclose(f);
}

static void dir_free(const struct dir *d)
{
    for (size_t i = 0; i < d->n; i++)
        (void)unlink(d->files[i]);
    CHECK_INT(rmdir(d->top), 0);
}

TEST(bitcask_of_rtcd)
{
    struct dir d = dir_new();
    struct seen s = {.left = 99};
    CHECK_INT(sl_bitcask_each("/nowhere", note, &s), E_ABSENT);
    CHECK_INT(sl_bitcask_each(d.top, note, &s), E_ABSENT);
    dir_put(&d, "config.json", span_of("{}"));
    CHECK_INT(sl_bitcask_each(d.top, note, &s), E_ABSENT);
    dir_put(&d, "000000001.data", real());
    CHECK_INT(sl_bitcask_each(d.top, note, &s), E_OK);
    CHECK(strcmp(s.text, "clientA clientB clientC -clientB ") == 0);

    /* A crash cut the older log: what is whole counts, and the newer log still comes. */
    struct span half = real();
    half.n -= 40;
    dir_put(&d, "000000000.data", half);
    s = (struct seen){.left = 99};
    CHECK_INT(sl_bitcask_each(d.top, note, &s), E_OK);
    CHECK(strcmp(s.text, "clientA clientB clientA clientB clientC -clientB ") == 0);
    s = (struct seen){.left = 3};
    CHECK_INT(sl_bitcask_each(d.top, note, &s), E_OK);
    CHECK(strcmp(s.text, "clientA clientB clientA ") == 0);
    dir_free(&d);
}

TEST(bitcask_that_is_damaged)
{
    uint8_t buf[512] = {0};
    struct wr w = wr_of(buf, sizeof buf);
    struct dir d = dir_new();
    struct seen s = {.left = 99};
    wr_span(&w, real());
    /* cppcheck-suppress unreadVariable ; wr_done() reads it */
    buf[130] ^= 1; /* in the value of clientB */
    dir_put(&d, "000000000.data", wr_done(&w));
    CHECK_INT(sl_bitcask_each(d.top, note, &s), E_MALFORMED);
    CHECK(strcmp(s.text, "clientA ") == 0);
    dir_free(&d);
}

TEST(bitcask_entries)
{
    static const struct {
        const char *name, *hex;
        enum err want;
    } rows[] = {
        {"deleted", "00000001 0000000000000000 61 00000000 0000000000000000", E_OK},
        {"a value of one", "00000001 0000000000000001 61 62 71beeff9 0000000000000000",
         E_OK},
        {"another checksum", "00000001 0000000000000001 61 62 71beeff8 0000000000000000",
         E_MALFORMED},
        {"no key", "00000000 0000000000000000 00000000 0000000000000000", E_MALFORMED},
        {"a key of 1025", "00000401 0000000000000000", E_MALFORMED},
        {"a value without end", "00000001 ffffffffffffffff 61", E_MALFORMED},
        {"cut in the expiry", "00000001 0000000000000000 61 00000000 00000000000000",
         E_SHORT},
        {"cut in the lengths", "000000", E_SHORT},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rd r = rd_of(check_hex(rows[i].hex));
        struct bitcask_entry e;
        check_row(rows[i].name);
        CHECK_INT(sl_bitcask_next(&r, &e), rows[i].want);
    }
}
