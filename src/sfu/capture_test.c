#include "sfu/capture.h"

#include "check.h"
#include "sfu/mail.h"
#include "sfu/shard.h"

static struct pkt_pool *pool;
static struct capture c;

/* Of a file: the types of its records, as letters. */
static const char *records(size_t n, const uint8_t *p)
{
    static char ret[64];
    static const char letters[] = "?dmbctfspv";
    struct capture_head head;
    struct rd r = rd_of((struct span){p, n}), rec;
    size_t i = 0;
    CHECK_INT(sl_capture_head_get(&r, &head), E_OK);
    for (enum capture_record is; (is = sl_capture_next(&r, &rec)) != CAPTURE_END;)
        ret[i++ % 63] = letters[is];
    ret[i % 64] = '\0';
    return ret;
}

static void one_of_each(void)
{
    struct pkt *p = sl_pkt_new(pool);
    p->n = 10;
    const struct addr a = addr_v4(192, 0, 2, 1, 5);
    const struct mail ready = {.type = MAIL_READY, .id = 7};
    const struct mail back = {.type = MAIL_BACK, .p = p};
    const struct tx tx = {.to = a, .segment = 4, .n = 10, .p = p->data};
    struct capture_letter l = sl_capture_letter(&ready);
    sl_capture_datagrams(&c, &p, 1, 100);
    sl_capture_datagrams(&c, &p, 0, 100); /* nothing came */
    sl_capture_sent(&c, &tx, 1, 105);
    sl_capture_mail(&c, 0, &ready, 110);
    sl_capture_mail(&c, 0, &back, 110);
    sl_capture_posted(&c, SHARD_TO_CONTROL, &l, true);
    sl_capture_closed(&c, &a, 300, 120);
    sl_capture_tick(&c, 120);
    sl_capture_flush(&c, 120);
    sl_capture_proved(&c, 300, 0);
    sl_pkt_unref(p);
}

TEST(capture_ends_behind_a_whole_call)
{
    static const struct {
        const char *name;
        size_t cap;
        usec until;
        const char *records;
    } rows[] = {
        {"room for all", 1024, USEC_NEVER, "dsmbpctfv"},
        {"none", CAPTURE_HEAD, USEC_NEVER, ""},
        {"none for what the first call led to", CAPTURE_HEAD + 100, USEC_NEVER, ""},
        {"for that, too", CAPTURE_HEAD + 140, USEC_NEVER, "ds"},
        {"until a time that comes", 1024, 120, "dsmbp"},
        {"until one that is over", 1024, 100, ""},
    };
    pool = sl_pkt_pool_new(4, 4, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t memory[1024] = {0};
        check_row(rows[i].name);
        sl_capture_init(&c, wr_of(memory, rows[i].cap),
                        &(struct capture_head){.packets = 4}, pool, rows[i].until);
        one_of_each();
        /* As it is found if nobody comes to end it. */
        CHECK_STR(records(rows[i].cap, memory), rows[i].records);
        size_t n = sl_capture_end(&c);
        CHECK(n <= rows[i].cap);
        CHECK_STR(records(n, memory), rows[i].records);
        one_of_each();
        CHECK_INT(sl_capture_end(&c), n); /* and that is all */
    }
    sl_pkt_pool_free(pool);
}

TEST(capture_tells_packets_apart)
{
    pool = sl_pkt_pool_new(4, 4, 0);
    struct pkt *a = sl_pkt_new(pool), *b = sl_pkt_new(pool);
    a->n = b->n = 4;
    memcpy(a->data, "abcd", 4);
    memcpy(b->data, "abce", 4);
    struct capture_letter la =
        sl_capture_letter(&(struct mail){.type = MAIL_RAW, .p = a});
    struct capture_letter lb =
        sl_capture_letter(&(struct mail){.type = MAIL_RAW, .p = b});
    CHECK_INT(la.number, 0);
    CHECK_INT(lb.number, 1);
    CHECK(la.digest != lb.digest);
    memcpy(b->data, "abcd", 4);
    lb = sl_capture_letter(&(struct mail){.type = MAIL_RAW, .p = b});
    CHECK(la.digest == lb.digest); /* numbers are this process's affair */
    lb = sl_capture_letter(&(struct mail){.type = MAIL_BACK, .p = b});
    CHECK_INT(lb.number, CAPTURE_NOBODY); /* it was another's */
    sl_pkt_unref(a);
    sl_pkt_unref(b);
    sl_pkt_pool_free(pool);
}
