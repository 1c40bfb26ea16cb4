#include "bench/signaling.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/udp.h"

enum { OFFER_MAX = 64 * 1024, PATH_ROOM = 256, QUOTED = 120 };

enum err sl_signaling_fail(char *error, enum err e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(error, SIGNALING_ERROR_MAX, fmt, ap);
    va_end(ap);
    return e;
}

enum err sl_signaling_unanswered(char *error, enum err e, const char *path)
{
    return sl_signaling_fail(error, e, "POST %s: %s%s%s", path, sl_err_text(e),
                             e == E_SYS ? ": " : "", e == E_SYS ? strerror(errno) : "");
}

static enum err whip_join(struct web *web, const struct signaling_who *who,
                          struct client *client, char *seat, usec *later, char *error)
{
    static uint8_t offer[OFFER_MAX];
    char path[PATH_ROOM];
    struct web_answer answer;
    enum negotiate_why why;
    struct wr w = wr_of(offer, sizeof offer);
    if (who->publishes)
        (void)snprintf(path, sizeof path, "/whip/%s%u/s%u", who->room, who->room_nth,
                       who->publisher);
    else
        (void)snprintf(path, sizeof path, "/whep/%s%u", who->room, who->room_nth);
    sl_client_offer(client, &w);
    enum err e = sl_web_ask(web, "POST", path, who->token, "application/sdp", wr_done(&w),
                            &answer);
    if (e)
        return sl_signaling_unanswered(error, e, path);
    *later = answer.retry_after_s ? SEC(answer.retry_after_s) : SEC(1);
    if (answer.status != 201)
        return sl_signaling_fail(
            error, answer.status == 429 || answer.status == 503 ? E_EARLY : E_DENIED,
            "POST %s: status %u: %.*s", path, answer.status,
            (int)(answer.body.n < QUOTED ? answer.body.n : QUOTED),
            (const char *)answer.body.p);
    memcpy(seat, answer.location, sizeof answer.location);
    e = sl_client_answer(client, answer.body, sl_udp_now(), &why);
    return e ? sl_signaling_fail(error, e, "answer to %s: %s", path,
                                 why ? sl_negotiate_text(why) : sl_err_text(e))
             : E_OK;
}

static enum err whip_leave(struct web *web, const char *token, const char *seat)
{
    struct web_answer answer;
    return seat[0] == '/'
               ? sl_web_ask(web, "DELETE", seat, token, NULL, (struct span){0}, &answer)
               : E_OK;
}

const struct signaling sl_signaling_whip = {.join = whip_join, .leave = whip_leave};
