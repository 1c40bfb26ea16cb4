#include "service/rtcd_face.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "net/loop.h"
#include "service/cpu_load.h"

struct rtcd_face {
    struct loop *loop;
    struct log *log;
    struct httpd *httpd;
    struct rtcd *rtcd;
    struct loop_timer turn; /* of the next hash */
    struct cpu_load load;
};

static void arm(struct rtcd_face *f)
{
    usec at = sl_rtcd_deadline(f->rtcd);
    if (at == USEC_NEVER)
        sl_loop_timer_stop(f->loop, &f->turn);
    else if (sl_loop_timer_set(f->loop, &f->turn, at) != E_OK)
        LOG(f->log, LOG_ERROR, "out of memory");
}

static void on_turn(void *user)
{
    struct rtcd_face *f = user;
    sl_rtcd_tick(f->rtcd, sl_loop_now());
    arm(f);
}

static enum err run(void *ctx, void (*work)(void *), void (*done)(void *), void *user)
{
    const struct rtcd_face *f = ctx;
    return sl_loop_work(f->loop, work, done, user);
}

static void reply(void *ctx, uint64_t id, const struct http_res *res)
{
    const struct rtcd_face *f = ctx;
    (void)sl_httpd_reply(f->httpd, id, res); /* who is gone needs none */
}

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    sl_random(p, n);
}

enum err sl_rtcd_face_new(struct loop *l, struct log *log,
                          const struct rtcd_face_conf *conf, struct rtcd_face **ret)
{
    struct rtcd_face *f = calloc(1, sizeof *f);
    if (!f)
        return E_MEMORY;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *f = (struct rtcd_face){.loop = l, .log = log, .turn = {.fn = on_turn, .user = f}};
    const struct rtcd_conf rc = {.kv = conf->kv,
                                 .version = conf->version,
                                 .admin_secret = conf->admin_secret,
                                 .self_registration = conf->self_registration,
                                 .token_lifetime = conf->token_lifetime,
                                 .cores = cores > 0 ? (unsigned)cores : 1,
                                 .random = {.fill = fill},
                                 .ctx = f,
                                 .run = run,
                                 .reply = reply};
    f->rtcd = sl_rtcd_new(&rc);
    if (!f->rtcd) {
        free(f);
        return E_MEMORY;
    }
    *ret = f;
    return E_OK;
}

void sl_rtcd_face_free(struct rtcd_face *f)
{
    if (!f)
        return;
    sl_loop_finish_work(f->loop);
    sl_loop_timer_stop(f->loop, &f->turn);
    sl_rtcd_free(f->rtcd);
    free(f);
}

void sl_rtcd_face_on(struct rtcd_face *f, struct httpd *httpd)
{
    f->httpd = httpd;
}

bool sl_rtcd_face_request(struct rtcd_face *f, const struct http_req *req)
{
    bool mine = sl_rtcd_request(f->rtcd, req, sl_loop_now());
    if (mine)
        arm(f);
    return mine;
}

void sl_rtcd_face_tick(struct rtcd_face *f)
{
    uint8_t text[1024];
    double load;
    int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (n > 0 && sl_cpu_load(&f->load, (struct span){text, (size_t)n}, sl_loop_now(),
                             &load) == E_OK)
        sl_rtcd_load(f->rtcd, load);
}

const struct rtcd_stats *sl_rtcd_face_stats(const struct rtcd_face *f)
{
    return sl_rtcd_stats(f->rtcd);
}
