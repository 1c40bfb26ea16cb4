#include "net/tcpconn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { SIZE = 1000, LAST = 10, RUN = 8, MANY = 1000 };

struct pair {
    struct tcpconn_numbers *numbers;
    struct tcpconn *c;
    int far; /* the client's end */
};

static void pair_init(struct pair *p)
{
    int fds[2] = {-1, -1};
    struct addr from = addr_v4(192, 0, 2, 1, 9);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    p->far = fds[1];
    p->numbers = sl_tcpconn_numbers_new();
    CHECK_INT(sl_tcpconn_new(fds[0], &from, p->numbers, &p->c), E_OK);
}

static void pair_fini(struct pair *p)
{
    sl_tcpconn_free(p->c);
    sl_tcpconn_numbers_free(p->numbers);
    (void)close(p->far);
}

/* A run whose i-th datagram is made of i's. */
static const struct tx *a_run(uint8_t first)
{
    static uint8_t bytes[(RUN - 1) * SIZE + LAST];
    static struct tx tx = {.p = bytes, .n = sizeof bytes, .segment = SIZE};
    for (size_t i = 0; i < RUN; i++)
        memset(bytes + i * SIZE, first + (int)i, i < RUN - 1 ? SIZE : LAST);
    return &tx;
}

/* Takes frames at the far end until there is nothing more. */
static size_t drain(struct pair *p, struct frames *f, uint8_t *last)
{
    size_t n = 0, room;
    struct span frame;
    for (;;) {
        uint8_t *to = sl_frames_room(f, &room);
        ssize_t got = recv(p->far, to, room, MSG_DONTWAIT);
        if (got <= 0)
            return n;
        sl_frames_put(f, (size_t)got);
        while (sl_frames_next(f, &frame) == E_OK) {
            CHECK(frame.n == SIZE || frame.n == LAST);
            CHECK(frame.p[0] == frame.p[frame.n - 1]);
            *last = frame.p[0];
            n++;
        }
    }
}

TEST(tcpconn_run_leaves_as_frames)
{
    struct pair p;
    struct frames f = {0};
    size_t sent;
    uint8_t last = 0;
    pair_init(&p);
    CHECK_INT(sl_tcpconn_send(p.c, a_run(1), &sent), E_OK);
    CHECK_INT(sent, RUN);
    CHECK_INT(drain(&p, &f, &last), RUN);
    CHECK_INT(last, RUN);
    struct tx one = {.p = (const uint8_t[SIZE]){0}, .n = SIZE};
    CHECK_INT(sl_tcpconn_send(p.c, &one, &sent), E_OK);
    CHECK_INT(sent, 1);
    CHECK_INT(drain(&p, &f, &last), 1);
    pair_fini(&p);
}

/* What a slow reader gets is whole, however little the kernel took, and what it does not get is
 * not kept. */
TEST(tcpconn_slow_reader_loses_whole_datagrams)
{
    struct pair p;
    struct frames f = {0};
    size_t sent, all = 0, came = 0;
    uint8_t last = 0;
    pair_init(&p);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(sl_tcpconn_send(p.c, a_run(1), &sent), E_OK);
        CHECK(!p.c->blocked || i > 0);
        all += sent;
    }
    CHECK(p.c->blocked);
    CHECK(all > RUN && all < TCPCONN_SEND_BUFFER * 4U / SIZE);
    came = drain(&p, &f, &last);
    CHECK(came == all || (came == all - 1 && p.c->rest_n > 0));
    CHECK_INT(sl_tcpconn_unblock(p.c), E_OK);
    CHECK(!p.c->blocked);
    came += drain(&p, &f, &last);
    CHECK_INT(came, all);
    CHECK_INT(f.n - f.at, 0);
    CHECK_INT(sl_tcpconn_send(p.c, a_run(40), &sent), E_OK);
    CHECK_INT(sent, RUN);
    CHECK_INT(drain(&p, &f, &last), RUN);
    CHECK_INT(last, 40 + RUN - 1);
    pair_fini(&p);
}

TEST(tcpconn_reads_until_the_end)
{
    struct pair p;
    struct span frame;
    pair_init(&p);
    CHECK_INT(sl_tcpconn_read(p.c), E_SHORT);
    CHECK_INT(send(p.far, "\0\3abc\0", 6, 0), 6);
    CHECK_INT(sl_tcpconn_read(p.c), E_SHORT);
    CHECK_INT(sl_frames_next(&p.c->in, &frame), E_OK);
    CHECK(span_is(frame, "abc"));
    CHECK_INT(sl_frames_next(&p.c->in, &frame), E_SHORT);
    (void)shutdown(p.far, SHUT_WR);
    CHECK_INT(sl_tcpconn_read(p.c), E_LATE);
    pair_fini(&p);
}

TEST(tcpconn_broken_one_is_told)
{
    struct pair p;
    size_t sent;
    pair_init(&p);
    (void)close(p.far);
    p.far = -1;
    CHECK_INT(sl_tcpconn_send(p.c, a_run(1), &sent), E_LATE);
    CHECK_INT(sent, 0);
    pair_fini(&p);
}

TEST(tcpconn_numbers_are_not_soon_used_again)
{
    struct pair p;
    struct addr from = addr_v4(192, 0, 2, 1, 9);
    pair_init(&p);
    uint16_t last = p.c->number;
    CHECK(tx_is_stream(last));
    for (int i = 0; i < MANY; i++) {
        struct tcpconn *c = NULL;
        CHECK_INT(sl_tcpconn_new(dup(p.far), &from, p.numbers, &c), E_OK);
        if (!c)
            break;
        CHECK(c->number == last + 1 && c->number != p.c->number);
        last = c->number;
        sl_tcpconn_free(c);
    }
    pair_fini(&p);
}
