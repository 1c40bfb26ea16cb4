#include "room/remote.h"

#include "check.h"

struct heard {
    size_t n;
    struct addr last;
};

static void hear(void *ctx, const struct addr *a, size_t n)
{
    struct heard *h = ctx;
    CHECK(n > 0);
    h->n += n;
    h->last = a[n - 1];
}

TEST(remote_lines)
{
    static const struct {
        const char *line;
        size_t n;
    } rows[] = {
        {"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", 1},
        {"a=candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ host generation 0", 1},
        {"candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", 0},
        {"candidate:1 2 udp 1 192.0.2.1 5001 typ host", 0},
        {"candidate:1 1 udp 1 7b1a.local 5000 typ host", 0},
        {"candidate:1 1 udp 1 192.0.2.1 5000", 0},
        {"candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=candidate:2 1 udp 1 192.0.2.2 "
         "5000 typ host",
         2},
        {"", 0},
        {"nonsense", 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct heard h = {0};
        struct addr want = addr_v4(192, 0, 2, 1, 5000);
        uint8_t told = 0;
        check_row(rows[i].line);
        sl_remote_line(&(struct remote_teller){hear, &h}, span_of(rows[i].line), &told);
        CHECK_INT(h.n, rows[i].n);
        CHECK_INT(told, rows[i].n);
        CHECK(h.n != 1 || addr_eq(&h.last, &want));
    }
}

TEST(remote_no_more_than_so_many_of_one_peer)
{
    struct heard h = {0};
    uint8_t told = 0;
    for (int i = 0; i < REMOTES_MAX + 5; i++)
        sl_remote_line(&(struct remote_teller){hear, &h},
                       span_of("candidate:1 1 udp 1 192.0.2.1 5000 typ host"), &told);
    CHECK_INT(h.n, REMOTES_MAX);
    sl_remote_line(&(struct remote_teller){NULL, NULL},
                   span_of("candidate:1 1 udp 1 192.0.2.1 5000 typ host"), &told);
}
