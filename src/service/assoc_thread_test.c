#include "service/assoc_thread.h"

#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "sfu/mail.h"

/* What a handshake does is shown by sfu/assoc and by worker_test, with clients; here are the
 * mails that need none. */

static void no_bell(void *ctx)
{
    (void)ctx; /* this thread looks by itself */
}

static bool next_mail(struct post *post, struct mail *ret)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    unsigned from;
    for (int i = 0; i < 30000; i++) {
        if (sl_post_take(post, SHARD_TO_CONTROL, &from, ret))
            return from == SHARD_TO_ASSOC;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void write_to(struct post *post, struct mail m)
{
    CHECK(sl_post_put(post, SHARD_TO_CONTROL, SHARD_TO_ASSOC, &m, 0));
    sl_post_ring(post, SHARD_TO_CONTROL);
}

static void expect(struct post *post, uint64_t id, uint8_t hash)
{
    struct cmd_assoc *c = calloc(1, sizeof *c);
    CHECK(c != NULL);
    if (!c)
        return;
    c->transport = id;
    c->hash = hash;
    write_to(post, sl_mail_of(MAIL_ASSOC, c));
}

TEST(assoc_thread_answers_by_mail)
{
    struct cert cert;
    enum srtp_profile profile = SRTP_GCM_128;
    CHECK_INT(sl_cert_init(&cert), E_OK);
    struct dtls_ctx *dtls = sl_dtls_ctx_new(&cert, &profile, 1);
    struct post *post = sl_post_new(1);
    struct assoc_thread_conf conf = {
        .post = post, .assoc = {.dtls = dtls, .pending_max = 1, .handshakes_per_s = 1}};
    struct assoc_thread *t = NULL;
    struct assoc_thread_stats stats = {.cpu_ns = 0};
    struct mail m = {.type = MAIL_NONE};
    CHECK_INT(sl_assoc_thread_new(&conf, &t), E_OK);
    sl_post_bell(post, SHARD_TO_CONTROL, no_bell, NULL);
    sl_post_bell(post, 0, no_bell, NULL);
    CHECK_INT(sl_assoc_thread_start(t), E_OK);

    expect(post, 7, 20); /* SHA-1 is no fingerprint */
    CHECK(next_mail(post, &m) && m.type == MAIL_FAILED && m.id == 7);
    expect(post, 8, 32);
    write_to(post, (struct mail){.type = MAIL_STATS, .p = &stats});
    CHECK(next_mail(post, &m) && m.type == MAIL_STATS && m.p == &stats);
    CHECK_INT(stats.assoc.transports, 1);
    write_to(post, (struct mail){.type = MAIL_CLOSE, .id = 8});
    write_to(post, (struct mail){.type = MAIL_STATS, .p = &stats});
    CHECK(next_mail(post, &m) && m.type == MAIL_STATS);
    CHECK_INT(stats.assoc.transports, 0);

    sl_assoc_thread_stop(t);
    sl_assoc_thread_free(t);
    sl_post_free(post);
    sl_dtls_ctx_free(dtls);
    sl_cert_fini(&cert);
}
