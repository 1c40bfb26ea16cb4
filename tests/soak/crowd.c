/*
 * The clients of the soak, all in one process, which sleeps when none has anything to do. Who drives
 * it brings their descriptions to the server and back, by JSON, an object a line:
 *
 *     {"seat":3,"do":"publishes"}              or watches (with slots), or meets
 *     {"seat":3,"type":"offer","sdp":"..."}    what it says to that; an answer is told in the same way
 *     {"seat":3,"do":"answer","sdp":"..."}     what the server says; an offer, too, to who meets
 *     {"seat":3,"do":"restart","ufrag":"...","pwd":"...","their_ufrag":"...","their_pwd":"..."}
 *     {"seat":3,"do":"leave"}
 *     {"do":"look"}                            answered by what each has seen
 *
 * What cannot be done is answered by {"seat":3,"type":"error","why":"..."}. It ends with its input.
 */

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/udp.h"
#include "seat.h"

enum { INPUT_MAX = 1 << 20 };

static struct crowd crowd;

static void say(json_t *o)
{
    (void)json_dumpf(o, stdout, JSON_COMPACT);
    (void)putchar('\n');
    (void)fflush(stdout);
    json_decref(o);
}

static void describe(const struct seat *s, const char *type, struct span sdp)
{
    json_t *o = json_pack("{sIss}", "seat", (json_int_t)s->number, "type", type);
    (void)json_object_set_new(o, "sdp", json_stringn((const char *)sdp.p, sdp.n));
    say(o);
}

static void complain(const struct seat *s, const char *why)
{
    say(json_pack("{sIssss}", "seat", (json_int_t)s->number, "type", "error", "why",
                  why));
}

/* ---- what it is told ---- */

static struct span text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return span_of(text ? text : "");
}

static enum err take(struct seat *s, const json_t *o, enum seat_kind kind, usec now)
{
    json_int_t slots = json_integer_value(json_object_get(o, "slots"));
    return seat_take(s, kind, (size_t)(slots > 0 ? slots : 0), now);
}

static enum err restart(struct seat *s, const json_t *o, usec now)
{
    const struct client_creds creds = {text_of(o, "ufrag"), text_of(o, "pwd"),
                                       text_of(o, "their_ufrag"),
                                       text_of(o, "their_pwd")};
    return s->client ? sl_client_restart(s->client, &creds, now) : E_STATE;
}

static enum err obey(struct seat *s, const json_t *o, struct span what, usec now)
{
    if (span_is(what, "publishes"))
        return take(s, o, SEAT_PUBLISHES, now);
    if (span_is(what, "watches"))
        return take(s, o, SEAT_WATCHES, now);
    if (span_is(what, "meets"))
        return take(s, o, SEAT_MEETS, now);
    if (span_is(what, "restart"))
        return restart(s, o, now);
    if (span_is(what, "leave")) {
        seat_leave(s);
        return E_OK;
    }
    return seat_described(s, span_is(what, "offer"), text_of(o, "sdp"), now);
}

static void look(void)
{
    json_t *seats = json_array();
    for (size_t i = 0; i < SEATS_MAX; i++) {
        const struct seat *s = &crowd.seats[i];
        json_t *heard = json_array();
        uint64_t n;
        if (s->kind == SEAT_FREE) {
            json_decref(heard);
            continue;
        }
        for (size_t k = 0; seat_heard(s, k, &n); k++)
            (void)json_array_append_new(heard, json_integer((json_int_t)n));
        (void)json_array_append_new(
            seats, json_pack("{sI sb ss? so sI sI sI sI}", "seat", (json_int_t)i, "up",
                             (int)s->up, "failed", s->failed, "heard", heard, "bad",
                             (json_int_t)s->counts.bad, "asked", (json_int_t)s->asked,
                             "repaired", (json_int_t)s->counts.repaired, "resent",
                             (json_int_t)s->resent));
    }
    say(json_pack("{ssso}", "type", "seen", "seats", seats));
}

static void hear(const char *line, size_t n, usec now)
{
    json_t *o = json_loadb(line, n, 0, NULL);
    json_int_t at = json_integer_value(json_object_get(o, "seat"));
    struct span what = text_of(o, "do");
    if (span_is(what, "look")) {
        look();
    } else if (at >= 0 && at < SEATS_MAX) {
        struct seat *s = &crowd.seats[at];
        enum err e = obey(s, o, what, now);
        if (e)
            complain(s, sl_err_text(e));
        seat_tick(s, now);
    }
    json_decref(o);
}

/* False: there is no more. */
static bool read_lines(usec now)
{
    static char in[INPUT_MAX];
    static size_t n;
    ssize_t got = read(STDIN_FILENO, in + n, sizeof in - n);
    if (got <= 0)
        return false;
    n += (size_t)got;
    size_t from = 0;
    for (char *end; (end = memchr(in + from, '\n', n - from));
         from = (size_t)(end + 1 - in))
        hear(in + from, (size_t)(end - in) - from, now);
    memmove(in, in + from, n - from);
    n -= from;
    return true;
}

/* ---- rounds ---- */

static int wait_until(usec now)
{
    usec at = now + SEC(1);
    for (size_t i = 0; i < SEATS_MAX; i++) {
        usec own = seat_deadline(&crowd.seats[i]);
        at = own < at ? own : at;
    }
    return at <= now ? 0 : (int)((at - now + 999) / 1000);
}

static bool live(void)
{
    struct pollfd fds[1 + SEATS_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    usec now = sl_udp_now();
    for (size_t i = 0; i < SEATS_MAX; i++) {
        seat_tick(&crowd.seats[i], now);
        fds[1 + i] = (struct pollfd){.fd = crowd.seats[i].fd, .events = POLLIN};
    }
    if (poll(fds, 1 + SEATS_MAX, wait_until(now)) < 0)
        return true;
    now = sl_udp_now();
    for (size_t i = 0; i < SEATS_MAX; i++)
        if (fds[1 + i].revents)
            seat_receive(&crowd.seats[i], now);
    return !fds[0].revents || read_lines(now);
}

int main(void)
{
    crowd.describe = describe;
    if (seat_crowd_init(&crowd) != E_OK) {
        (void)fprintf(stderr, "soak_crowd: cannot begin\n");
        return EXIT_FAILURE;
    }
    while (live()) {}
    seat_crowd_fini(&crowd);
    return EXIT_SUCCESS;
}
