#include "media/sentlog.h"

#include "check.h"

static struct sentlog log_;

enum op { SENT, GOT, LOST };

static const struct {
    const char *name;
    enum op op;
    uint16_t seq;
    usec now;
    bool told, was_lost;
    usec at;
} rows[] = {
    {"never sent", GOT, 10, MSEC(1), false, false, 0},
    {"sent", SENT, 10, MSEC(2), false, false, 0},
    {"the same slot, another turn", GOT, 10 + SENTLOG_MIN, MSEC(3), false, false, 0},
    {"came", GOT, 10, MSEC(3), true, false, MSEC(2)},
    {"told again", GOT, 10, MSEC(4), false, false, 0},
    {"lost after it came", LOST, 10, MSEC(4), false, false, 0},
    {"sent", SENT, 11, MSEC(5), false, false, 0},
    {"lost", LOST, 11, MSEC(6), true, false, MSEC(5)},
    {"lost again", LOST, 11, MSEC(7), false, false, 0},
    {"came after all", GOT, 11, MSEC(8), true, true, MSEC(5)},
    {"and that once", GOT, 11, MSEC(8), false, false, 0},
    {"sent", SENT, 65535, MSEC(9), false, false, 0},
    {"its slot is used again", SENT, SENTLOG_MIN - 1, MSEC(10), false, false, 0},
    {"too long ago", GOT, 65535, MSEC(11), false, false, 0},
    {"the new one", GOT, SENTLOG_MIN - 1, MSEC(11), true, false, MSEC(10)},
    {"just before 32 bits wrap", SENT, 12, UINT32_MAX - 5, false, false, 0},
    {"just behind", GOT, 12, (usec)UINT32_MAX + 100, true, false, UINT32_MAX - 5},
    {"late in the life of a process", SENT, 13, SEC(5000000), false, false, 0},
    {"and later", LOST, 13, SEC(5000001), true, false, SEC(5000000)},
};

TEST(sentlog)
{
    CHECK_INT(sl_sentlog_init(&log_), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct sent_fate f = {0};
        bool told = false;
        check_row(rows[i].name);
        if (rows[i].op == SENT)
            sentlog_put(&log_, rows[i].seq, 1200, 7, rows[i].now);
        else if (rows[i].op == GOT)
            told = sl_sentlog_received(&log_, rows[i].seq, rows[i].now, &f);
        else
            told = sl_sentlog_lost(&log_, rows[i].seq, rows[i].now, &f);
        CHECK_INT(told, rows[i].told);
        CHECK_INT(f.at, rows[i].at);
        CHECK_INT(f.was_lost, rows[i].was_lost);
        CHECK_INT(f.octets, told ? 1200 : 0);
        CHECK_INT(f.cluster, told ? 7 : 0);
    }
    sl_sentlog_fini(&log_);
}

/* What is on its way is not forgotten when there is more of it, nor is its fate. */
TEST(sentlog_grows)
{
    struct sent_fate f;
    uint16_t first = 65500;
    CHECK_INT(sl_sentlog_init(&log_), E_OK);
    for (uint16_t i = 0; i < SENTLOG_MIN; i++)
        sentlog_put(&log_, (uint16_t)(first + i), i, 0, MSEC(i));
    CHECK(sl_sentlog_received(&log_, first, SEC(1), &f));
    sl_sentlog_fit(&log_, SENTLOG_MIN / 2 - 1);
    CHECK_INT(log_.mask, SENTLOG_MIN - 1);
    sl_sentlog_fit(&log_, SENTLOG_MIN * 2);
    CHECK_INT(log_.mask, SENTLOG_MIN * 8 - 1);
    for (uint16_t i = SENTLOG_MIN; i < SENTLOG_MIN * 8; i++)
        sentlog_put(&log_, (uint16_t)(first + i), i, 0, MSEC(i));
    CHECK(!sl_sentlog_received(&log_, first, SEC(1), &f));
    for (uint16_t i = 1; i < SENTLOG_MIN * 8; i++) {
        CHECK(sl_sentlog_received(&log_, (uint16_t)(first + i), SEC(2), &f));
        CHECK_INT(f.octets, i);
        CHECK_INT(f.at, MSEC(i));
    }
    sl_sentlog_fit(&log_, UINT16_MAX);
    CHECK_INT(log_.mask, SENTLOG_MAX - 1);
    sl_sentlog_fini(&log_);
}
