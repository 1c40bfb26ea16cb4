#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/clients.h"
#include "check.h"
#include "service/command.h"

struct place {
    char top[48], state[64], store[96], data[80], file[96];
};

static struct place place_new(void)
{
    struct place p = {.top = "/tmp/sluice-import-XXXXXX"};
    CHECK(mkdtemp(p.top) != NULL);
    (void)snprintf(p.state, sizeof p.state, "%s/state", p.top);
    (void)snprintf(p.store, sizeof p.store, "--store.directory=%s", p.state);
    (void)snprintf(p.file, sizeof p.file, "%s/000000000.data", p.top);
    return p;
}

static void place_free(const struct place *p)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "owner"};
    char file[96];
    for (size_t i = 0; i < LEN(files); i++) {
        (void)snprintf(file, sizeof file, "%s/%s", p->state, files[i]);
        (void)unlink(file);
    }
    (void)rmdir(p->state);
    (void)unlink(p->file);
    CHECK_INT(rmdir(p->top), 0);
}

static void put_log(const struct place *p, struct span data)
{
    FILE *f = fopen(p->file, "w");
    CHECK(f && fwrite(data.p, 1, data.n, f) == data.n);
    if (f)
        (void)fclose(f);
}

/* What it says goes to nobody here. */
static int import(struct place *p, const char *dir)
{
    char name[] = "import-rtcd", path[96];
    (void)snprintf(path, sizeof path, "%s", dir);
    char *argv[] = {name, p->store, path, NULL};
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    (void)fflush(stdout);
    CHECK(freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr));
    int status = sl_command_import_rtcd(*dir ? 3 : 2, argv);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close(out);
    (void)close(err);
    return status;
}

static enum err knows(const struct place *p, const char *name, const char *key)
{
    struct kv *kv = NULL;
    CHECK_INT(sl_kv_open_reader(p->state, &kv), E_OK);
    enum err e = sl_clients_check(kv, span_of(name), span_of(key));
    sl_kv_close(kv);
    return e;
}

TEST(import_takes_over_who_was_registered)
{
    struct place p = place_new();
    struct kv *kv = NULL;
    CHECK_INT(import(&p, ""), EXIT_FAILURE);
    CHECK_INT(import(&p, p.top), EXIT_FAILURE); /* nothing of rtcd's there */
    put_log(&p, check_file("tests/corpus/bitcask/two-clients-one-deleted"));
    CHECK_INT(import(&p, p.top), EXIT_SUCCESS);
    CHECK_INT(knows(&p, "clientA", "Ey4-H_BJA00_TVByPi8DozE12ekN3S7L"), E_OK);
    CHECK_INT(knows(&p, "clientB", "Ey4-H_BJA00_TVByPi8DozE12ekN3S7M"), E_ABSENT);
    CHECK_INT(knows(&p, "clientC", "Ey4-H_BJA00_TVByPi8DozE12ekN3S7N"), E_OK);

    /* Once more: who has a new key since then keeps it. */
    CHECK_INT(sl_kv_open(p.state, 1 << 20, &kv), E_OK);
    CHECK_INT(sl_clients_del(kv, span_of("clientA")), E_OK);
    CHECK_INT(sl_clients_add(kv, span_of("clientA"),
                             span_of("0123456789abcdef0123456789abcdef")),
              E_OK);
    sl_kv_close(kv);
    CHECK_INT(import(&p, p.top), EXIT_SUCCESS);
    CHECK_INT(knows(&p, "clientA", "0123456789abcdef0123456789abcdef"), E_OK);
    place_free(&p);
}

TEST(import_takes_what_stands_before_damage)
{
    struct place p = place_new();
    uint8_t buf[512] = {0};
    struct wr w = wr_of(buf, sizeof buf);
    wr_span(&w, check_file("tests/corpus/bitcask/two-clients-one-deleted"));
    buf[130] ^= 1;
    put_log(&p, wr_done(&w));
    CHECK_INT(import(&p, p.top), EXIT_FAILURE);
    CHECK_INT(knows(&p, "clientA", "Ey4-H_BJA00_TVByPi8DozE12ekN3S7L"), E_OK);
    CHECK_INT(knows(&p, "clientC", "Ey4-H_BJA00_TVByPi8DozE12ekN3S7N"), E_ABSENT);
    place_free(&p);
}
