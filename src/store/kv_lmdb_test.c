#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "store/kv_fixture.h"

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

TEST(kv_on_disk)
{
    static void (*const what[])(struct kv *) = {kv_values, kv_adds, kv_changes, kv_order};
    for (size_t i = 0; i < LEN(what); i++) {
        struct place p = place_new();
        struct kv *kv = open_at(&p);
        what[i](kv);
        sl_kv_close(kv);
        place_free(&p);
    }
}

TEST(kv_longest_key_and_value)
{
    static uint8_t octets[KV_VALUE_MAX], got[KV_VALUE_MAX];
    struct place p = place_new();
    struct kv *kv = open_at(&p);
    struct span key = {octets, KV_KEY_MAX};
    struct wr w = wr_of(got, sizeof got);
    memset(octets, 'x', sizeof octets);
    CHECK_INT(sl_kv_put(kv, key, (struct span){octets, sizeof octets}), E_OK);
    CHECK_INT(sl_kv_get(kv, key, &w), E_OK);
    CHECK(memcmp(got, octets, sizeof got) == 0);
    sl_kv_close(kv);
    place_free(&p);
}

TEST(kv_outlives_the_process)
{
    struct place p = place_new();
    pid_t child = fork();
    if (child == 0) { /* written, and ended without a word */
        struct kv *kv = open_at(&p);
        _exit(kv_put(kv, "key", "value") == E_OK ? 0 : 1);
    }
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    struct kv *kv = open_at(&p);
    kv_check(kv, "key", "value");
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
    CHECK_INT(kv_put(kv, "still", "there"), E_OK);
    sl_kv_close(kv);
    kv = open_at(&p);
    kv_check(kv, "still", "there");
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
    const struct kv_change too_much[] = {{span_of("alone"), span_of("fits"), false},
                                         {span_of("x"), {octets, sizeof octets}, false}};
    CHECK_INT(sl_kv_change(kv, too_much, LEN(too_much)), E_FULL);
    kv_check(kv, "alone", NULL);
    int first = 0; /* what is there stays there, and can be deleted to make room */
    CHECK_INT(sl_kv_del(kv, (struct span){(uint8_t *)&first, sizeof first}), E_OK);
    CHECK_INT(kv_put(kv, "small", "one"), E_OK);
    kv_check(kv, "small", "one");
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

/* A command beside the server sees what the server wrote, and can change nothing. */
TEST(kv_is_read_beside_its_owner)
{
    struct place p = place_new();
    struct kv *kv = NULL, *reader = NULL;
    CHECK_INT(sl_kv_open_reader(p.dir, &reader), E_ABSENT);
    CHECK_INT(sl_kv_open(p.dir, SIZE, &kv), E_OK);
    CHECK_INT(kv_put(kv, "a", "1"), E_OK);
    pid_t child = fork(); /* LMDB knows a store once in a process */
    if (child == 0) {
        uint8_t buf[8];
        struct wr w = wr_of(buf, sizeof buf);
        bool good = sl_kv_open_reader(p.dir, &reader) == E_OK &&
                    sl_kv_get(reader, span_of("a"), &w) == E_OK && w.n == 1 &&
                    kv_put(reader, "a", "2") == E_DENIED;
        sl_kv_close(reader);
        _exit(good ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK_INT(kv_put(kv, "a", "3"), E_OK);
    kv_check(kv, "a", "3");
    sl_kv_close(kv);
    place_free(&p);
}
