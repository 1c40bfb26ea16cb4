#include "service/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "net/loop.h"

/* A directory that is not there yet, inside one that is. */
struct place {
    char top[32], dir[64];
    struct config *config;
};

static struct place place_new(void)
{
    struct place p = {.top = "/tmp/sluice-setup-XXXXXX"};
    char flag[96], name[] = "serve";
    CHECK(mkdtemp(p.top) != NULL);
    (void)snprintf(p.dir, sizeof p.dir, "%s/state", p.top);
    (void)snprintf(flag, sizeof flag, "--store.directory=%s", p.dir);
    char *argv[] = {name, flag, NULL};
    int argc = 2;
    p.config = sl_setup_config(&argc, argv);
    CHECK(p.config && argc == 1);
    return p;
}

static void place_free(struct place *p)
{
    char file[96];
    static const char *const files[] = {"data.mdb", "lock.mdb", "owner"};
    for (size_t i = 0; i < LEN(files); i++) {
        (void)snprintf(file, sizeof file, "%s/%s", p->dir, files[i]);
        (void)unlink(file);
    }
    (void)rmdir(p->dir);
    CHECK_INT(rmdir(p->top), 0);
    sl_config_free(p->config);
}

TEST(setup_makes_a_key_once_and_signs_with_it)
{
    struct place p = place_new();
    struct token_keys first = {.n = 0}, again = {.n = 0};
    struct keys_made made = {.made = false};
    char text[TOKEN_MAX + 1];
    struct token t;
    int64_t now = sl_wall_now() / SEC(1);
    CHECK(sl_setup_keys(p.config, &first, &made) && made.made && first.n == 1);
    made.made = false;
    CHECK(sl_setup_keys(p.config, &again, &made) && !made.made && again.n == 1);
    CHECK_INT(sl_setup_token(&first, "team-*", TOKEN_WATCH, 60, 0, text), E_OK);
    CHECK_INT(sl_token_verify(&again, span_of(text), now, &t), E_OK);
    CHECK(strcmp(t.room, "team-*") == 0 && strcmp(t.tenant, "default") == 0);
    CHECK_INT(t.perm, TOKEN_WATCH);
    CHECK_INT(sl_token_verify(&again, span_of(text), now + 60 + 2 * TOKEN_SKEW_S, &t),
              E_LATE);
    place_free(&p);
}

/* `sluice token` beside a server that is running: in a child, as it is in life. */
TEST(setup_reads_keys_beside_the_owner)
{
    struct place p = place_new();
    struct token_keys keys = {.n = 0};
    struct keys_made made = {.made = false};
    struct kv *kv = NULL, *second = NULL;
    CHECK(sl_setup_keys(p.config, &keys, &made) && made.made);
    CHECK(sl_setup_store(p.config, &kv));
    pid_t child = fork();
    if (child == 0) {
        struct token_keys again = {.n = 0};
        bool good = sl_setup_keys(p.config, &again, &made) && again.n == 1 &&
                    freopen("/dev/null", "w", stderr) &&
                    !sl_setup_store(p.config, &second);
        _exit(good ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    sl_kv_close(kv);
    place_free(&p);
}

TEST(setup_refuses_a_pattern_that_is_too_long)
{
    struct token_keys keys = {.n = 0};
    char text[TOKEN_MAX + 1], room[TOKEN_NAME_CAP + 1];
    memset(room, 'a', sizeof room);
    room[TOKEN_NAME_CAP] = '\0';
    CHECK_INT(sl_token_keys_add(&keys, span_of("k"),
                                span_of("0123456789abcdef0123456789abcdef")),
              E_OK);
    CHECK_INT(sl_setup_token(&keys, room, TOKEN_WATCH, 60, 0, text), E_MALFORMED);
}

TEST(setup_says_no_to_a_store_in_no_directory)
{
    char name[] = "serve", flag[] = "--store.directory=/nowhere/at/all";
    char *argv[] = {name, flag, NULL};
    int argc = 2;
    struct config *c = sl_setup_config(&argc, argv);
    struct token_keys keys = {.n = 0};
    struct keys_made made = {.made = false};
    CHECK(c && !sl_setup_keys(c, &keys, &made));
    sl_config_free(c);
}
