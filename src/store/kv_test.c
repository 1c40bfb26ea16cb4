#include "store/kv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { SIZE = 1 << 20 };

/* A directory that is not there yet, in one that is. */
struct place {
    char top[64], dir[80];
};

static struct place place_new(void)
{
    struct place p = {.top = "/tmp/kv_test.XXXXXX"};
    CHECK(mkdtemp(p.top) != NULL);
    (void)snprintf(p.dir, sizeof p.dir, "%s/store", p.top);
    return p;
}

static void place_free(const struct place *p)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "owner"};
    char path[128];
    for (size_t i = 0; i < LEN(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(p->dir);
    CHECK_INT(rmdir(p->top), 0);
}

static struct kv *open_at(const struct place *p)
{
    struct kv *kv = NULL;
    CHECK_INT(sl_kv_open(p->dir, SIZE, &kv), E_OK);
    return kv;
}

static enum err put(struct kv *kv, const char *key, const char *value)
{
    return sl_kv_put(kv, span_of(key), span_of(value));
}

static void check_value(struct kv *kv, const char *key, const char *want)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_kv_get(kv, span_of(key), &w), want ? E_OK : E_ABSENT);
    CHECK(span_is(wr_done(&w), want ? want : ""));
}

struct walk {
    char seen[64]; /* key=value, one after the other */
    size_t left;
};

static bool note(void *ctx, struct span key, struct span value)
{
    struct walk *walk = ctx;
    size_t n = strlen(walk->seen);
    (void)snprintf(walk->seen + n, sizeof walk->seen - n, "%.*s=%.*s ", (int)key.n, key.p,
                   (int)value.n, value.p);
    return --walk->left > 0;
}

static void check_walk(struct kv *kv, const char *prefix, size_t at_most,
                       const char *want)
{
    struct walk walk = {.left = at_most};
    check_row(want);
    CHECK_INT(sl_kv_each(kv, span_of(prefix), note, &walk), E_OK);
    CHECK(strcmp(walk.seen, want) == 0);
}

/* ---- the same over both ---- */

static void values(struct kv *kv)
{
    check_value(kv, "a", NULL);
    CHECK_INT(put(kv, "a", "1"), E_OK);
    check_value(kv, "a", "1");
    CHECK_INT(put(kv, "a", "two"), E_OK);
    check_value(kv, "a", "two");
    CHECK_INT(put(kv, "a", ""), E_OK);
    check_value(kv, "a", "");
    CHECK_INT(sl_kv_del(kv, span_of("a")), E_OK);
    check_value(kv, "a", NULL);
    CHECK_INT(sl_kv_del(kv, span_of("a")), E_ABSENT);
}

static void order(struct kv *kv)
{
    static const char *const keys[] = {"b/2", "a", "b", "b/10", "c", "b/1", "b0"};
    for (size_t i = 0; i < LEN(keys); i++)
        CHECK_INT(put(kv, keys[i], (char[]){(char)('0' + i), 0}), E_OK);
    check_walk(kv, "", 99, "a=1 b=2 b/1=5 b/10=3 b/2=0 b0=6 c=4 ");
    check_walk(kv, "b/", 99, "b/1=5 b/10=3 b/2=0 ");
    check_walk(kv, "b/1", 99, "b/1=5 b/10=3 ");
    check_walk(kv, "b/", 2, "b/1=5 b/10=3 ");
    check_walk(kv, "bb", 99, "");
    check_walk(kv, "d", 99, "");
    CHECK_INT(sl_kv_del(kv, span_of("b/10")), E_OK);
    check_walk(kv, "b/", 99, "b/1=5 b/2=0 ");
}

static void limits(struct kv *kv)
{
    static uint8_t octets[KV_VALUE_MAX + 1], got[KV_VALUE_MAX];
    memset(octets, 'x', sizeof octets);
    struct span longest = {octets, KV_KEY_MAX}, too_long = {octets, KV_KEY_MAX + 1};
    struct wr w = wr_of(got, sizeof got);
    CHECK_INT(sl_kv_put(kv, longest, (struct span){octets, KV_VALUE_MAX}), E_OK);
    CHECK_INT(sl_kv_get(kv, longest, &w), E_OK);
    CHECK_INT(w.n, KV_VALUE_MAX);
    CHECK_INT(sl_kv_put(kv, longest, (struct span){octets, KV_VALUE_MAX + 1}), E_FULL);

    w = wr_of(got, KV_VALUE_MAX - 1);
    CHECK_INT(sl_kv_get(kv, longest, &w), E_FULL);
    CHECK(w.n == 0 && !w.bad);

    static const struct span empty = {(const uint8_t *)"", 0};
    CHECK_INT(sl_kv_put(kv, too_long, empty), E_MALFORMED);
    CHECK_INT(sl_kv_put(kv, empty, empty), E_MALFORMED);
    CHECK_INT(sl_kv_get(kv, empty, &w), E_MALFORMED);
    CHECK_INT(sl_kv_del(kv, too_long), E_MALFORMED);
    struct walk walk = {.left = 9};
    CHECK_INT(sl_kv_each(kv, too_long, note, &walk), E_MALFORMED);
}

static void (*const both[])(struct kv *) = {values, order, limits};

TEST(kv_in_memory)
{
    for (size_t i = 0; i < LEN(both); i++) {
        struct kv *kv = sl_kv_open_memory();
        CHECK(kv != NULL);
        both[i](kv);
        sl_kv_close(kv);
    }
    sl_kv_close(NULL);
}

TEST(kv_on_disk)
{
    for (size_t i = 0; i < LEN(both); i++) {
        struct place p = place_new();
        struct kv *kv = open_at(&p);
        both[i](kv);
        sl_kv_close(kv);
        place_free(&p);
    }
}

/* ---- the disk alone ---- */

TEST(kv_outlives_the_process)
{
    struct place p = place_new();
    pid_t child = fork();
    if (child == 0) { /* written, and ended without a word */
        struct kv *kv = open_at(&p);
        _exit(put(kv, "key", "value") == E_OK ? 0 : 1);
    }
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    struct kv *kv = open_at(&p);
    check_value(kv, "key", "value");
    sl_kv_close(kv);
    struct stat st;
    CHECK_INT(stat(p.dir, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0700); /* keys lie here */
    place_free(&p);
}

TEST(kv_belongs_to_one)
{
    struct place p = place_new();
    struct kv *kv = open_at(&p), *other = NULL;
    CHECK_INT(sl_kv_open(p.dir, SIZE, &other), E_BUSY);
    pid_t child = fork();
    if (child == 0)
        _exit(sl_kv_open(p.dir, SIZE, &other) == E_BUSY ? 0 : 1);
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    CHECK(other == NULL);
    CHECK_INT(put(kv, "still", "there"), E_OK);
    sl_kv_close(kv);
    kv = open_at(&p);
    check_value(kv, "still", "there");
    sl_kv_close(kv);
    place_free(&p);
}

TEST(kv_full)
{
    static uint8_t octets[KV_VALUE_MAX];
    struct place p = place_new();
    struct kv *kv = open_at(&p);
    enum err e = E_OK;
    int n = 0;
    for (; n < 100 && !e; n++)
        e = sl_kv_put(kv, (struct span){(uint8_t *)&n, sizeof n},
                      (struct span){octets, sizeof octets});
    CHECK_INT(e, E_FULL);
    CHECK(n > 4 && n < 20);
    int first = 0; /* what is there stays there, and can be deleted to make room */
    CHECK_INT(sl_kv_del(kv, (struct span){(uint8_t *)&first, sizeof first}), E_OK);
    CHECK_INT(put(kv, "small", "one"), E_OK);
    check_value(kv, "small", "one");
    sl_kv_close(kv);
    place_free(&p);
}

TEST(kv_that_cannot_be_opened)
{
    struct place p = place_new();
    struct kv *kv = NULL;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/no/parent", p.top);
    CHECK_INT(sl_kv_open(path, SIZE, &kv), E_SYS);
    CHECK_INT(errno, ENOENT);

    sl_kv_close(open_at(&p));
    (void)snprintf(path, sizeof path, "%s/data.mdb", p.dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    CHECK_INT(pwrite(fd, junk, sizeof junk, 0), sizeof junk);
    CHECK_INT(close(fd), 0);
    CHECK_INT(sl_kv_open(p.dir, SIZE, &kv), E_MALFORMED);
    CHECK(kv == NULL);
    place_free(&p);
}
