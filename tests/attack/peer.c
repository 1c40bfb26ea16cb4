/*
 * A well-behaved participant for the attack suite: it publishes 200 small Opus packets a
 * second, or counts those that come.
 *
 *     attack_peer publish|watch
 *
 * It writes the fingerprint of its certificate, then reads one line, what the answer told:
 *     ADDRESS PORT UFRAG PWD FINGERPRINT [SSRC PT]
 * and from then on writes what it has seen, ten times a second, one JSON object a line. "mark"
 * on a line of its own makes it measure anew, "leave" makes it say goodbye and end.
 */

#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/word.h"

#include "net/udp.h"

#define SEND_INTERVAL MSEC(5)
#define SAY_INTERVAL  MSEC(100)

enum { PAYLOAD = 100, NUMBER_AT = 1, TIME_AT = 5 }; /* behind Opus' first octet */

/* Since the last mark. */
struct seen {
    uint32_t first, last; /* numbers that came, if n > 0 */
    uint64_t n, wrong;
    usec at, gap, delay; /* the last packet; the longest silence, the longest way */
};

struct self {
    struct peer peer;
    bool publish;
    uint32_t ssrc;
    uint8_t pt;
    uint32_t number; /* of the next packet sent */
    usec next_send, next_say;
    struct seen seen;
};

/* A packet came, or was sent. */
static void note(struct seen *s, usec now)
{
    if (s->at && now - s->at > s->gap)
        s->gap = now - s->at;
    s->at = now;
}

static void hear(void *ctx, const struct rtp *rtp, usec now)
{
    struct seen *s = &((struct self *)ctx)->seen;
    struct rd r = rd_of(rtp->payload);
    (void)rd_u8(&r);
    uint32_t number = rd_u32(&r);
    usec way = now - (usec)rd_u64(&r);
    if (r.bad || rtp->payload.n != PAYLOAD || rtp->payload.p[PAYLOAD - 1] != 0x5a) {
        s->wrong++;
        return;
    }
    s->first = s->n == 0 || number < s->first ? number : s->first;
    s->last = s->n == 0 || number > s->last ? number : s->last;
    s->n++;
    s->delay = way > s->delay ? way : s->delay;
    note(s, now);
}

static void publish(struct self *me, usec now)
{
    uint8_t payload[PAYLOAD] = {0xfc, [PAYLOAD - 1] = 0x5a};
    struct wr w = wr_of(payload + NUMBER_AT, PAYLOAD - NUMBER_AT);
    struct rtp rtp = {.pt = me->pt,
                      .ssrc = me->ssrc,
                      .ts = me->number * 240,
                      .payload = {payload, PAYLOAD}};
    wr_u32(&w, me->number++);
    wr_u64(&w, (uint64_t)now);
    sl_peer_send(&me->peer, &rtp);
    me->seen.n++;
    note(&me->seen, now);
}

static void say(const struct self *me, usec now)
{
    const struct seen *s = &me->seen;
    usec silent = s->at ? now - s->at : 0;
    uint64_t lost = me->publish || s->n == 0 ? 0 : s->last - s->first + 1 - s->n;
    (void)printf(
        "{\"up\":%s,\"packets\":%llu,\"lost\":%lld,\"wrong\":%llu,\"gap_ms\":%lld,"
        "\"delay_ms\":%lld,\"bad\":%llu,\"strangers\":%llu}\n",
        sl_peer_is_up(&me->peer) ? "true" : "false", (unsigned long long)s->n,
        (long long)lost, (unsigned long long)s->wrong,
        (long long)((silent > s->gap ? silent : s->gap) / 1000),
        (long long)(s->delay / 1000), (unsigned long long)me->peer.bad,
        (unsigned long long)me->peer.strangers);
    (void)fflush(stdout);
}

static bool read_print(const char *text, struct dtls_fingerprint *ret)
{
    char hex[2 * DTLS_FINGERPRINT_MAX + 1];
    size_t n = 0;
    for (; *text && n < sizeof hex - 1; text++)
        if (*text != ':')
            hex[n++] = *text;
    struct wr w = wr_of(ret->octets, sizeof ret->octets);
    enum err e = sl_hex_read((struct span){(const uint8_t *)hex, n}, &w);
    ret->n = (uint8_t)w.n;
    return e == E_OK && sl_dtls_fingerprint_known(ret);
}

static bool begin(struct self *me)
{
    char line[512], at[64], ufrag[64], pwd[64], print[256];
    unsigned port, pt = 0;
    struct peer_remote r = {.ufrag = ufrag, .pwd = pwd};
    if (!fgets(line, sizeof line, stdin))
        return false;
    int n = sscanf(line, "%63s %u %63s %63s %255s %u %u", at, &port, ufrag, pwd, print,
                   &me->ssrc, &pt);
    me->pt = (uint8_t)pt;
    if (n < (me->publish ? 7 : 5) || !read_print(print, &r.print) ||
        sl_addr_parse(span_of(at), (uint16_t)port, &r.at) != E_OK)
        return false;
    sl_peer_connect(&me->peer, &r);
    return fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) == 0;
}

/* False: told to leave, or whoever started this is gone. */
static bool obey(struct self *me)
{
    char word[64];
    ssize_t n = read(STDIN_FILENO, word, sizeof word - 1);
    if (n == 0)
        return false;
    if (n < 0)
        return true;
    word[n] = '\0';
    if (strstr(word, "mark"))
        me->seen = (struct seen){.at = 0};
    return !strstr(word, "leave");
}

static void live(struct self *me)
{
    while (obey(me)) {
        usec now = sl_udp_now();
        if (me->publish && sl_peer_is_up(&me->peer) && now >= me->next_send) {
            publish(me, now);
            me->next_send = me->next_send > now - SEC(1) ? me->next_send : now;
            me->next_send += SEND_INTERVAL;
            continue;
        }
        if (now >= me->next_say) {
            sl_peer_run(&me->peer, now, NULL); /* what came meanwhile is no silence */
            say(me, now);
            me->next_say = now + SAY_INTERVAL;
        }
        usec until =
            me->publish && sl_peer_is_up(&me->peer) ? me->next_send : now + SEND_INTERVAL;
        sl_peer_run(&me->peer, until, NULL);
    }
}

int main(int argc, char **argv)
{
    static struct self me;
    uint8_t text[256] = {0};
    struct wr w = wr_of(text, sizeof text);
    me.publish = argc == 2 && strcmp(argv[1], "publish") == 0;
    if (argc != 2 || (!me.publish && strcmp(argv[1], "watch") != 0)) {
        (void)fputs("usage: attack_peer publish|watch\n", stderr);
        return EXIT_FAILURE;
    }
    if (sl_peer_init(&me.peer) != E_OK)
        return EXIT_FAILURE;
    me.peer.ctx_rtp = &me;
    me.peer.on_rtp = hear;
    struct dtls_fingerprint print = sl_peer_print(&me.peer);
    for (size_t i = 0; i < print.n; i++) {
        if (i > 0)
            wr_u8(&w, ':');
        sl_hex_write(&w, (struct span){&print.octets[i], 1});
    }
    (void)printf("%s\n", (const char *)text);
    (void)fflush(stdout);
    bool begun = begin(&me);
    if (begun)
        live(&me);
    sl_peer_close(&me.peer);
    sl_peer_fini(&me.peer);
    return begun ? EXIT_SUCCESS : EXIT_FAILURE;
}
