#include "media/seqmap.h"

#include "check.h"

enum { FIRST = 0x10000, OUT = 500, SLOTS = 64 };
enum { NO_OUT = -1 };

/* A story of one stream, told packet by packet: pass (p), drop (d). Source numbers count
 * from FIRST, outputs from OUT. A late drop gives the hole that it leaves, or NO_OUT. */
static const struct {
    const char *name;
    struct {
        char what;
        int seq;
        enum err want;
        int out;
    } step[9];
} stories[] = {
    {"in order", {{'p', 0, E_OK, 0}, {'p', 1, E_OK, 1}, {'p', 2, E_OK, 2}}},
    {"a wanted gap is closed",
     {{'p', 0, E_OK, 0},
      {'d', 1, E_OK, NO_OUT},
      {'d', 2, E_OK, NO_OUT},
      {'p', 3, E_OK, 1}}},
    {"a loss stays a gap", {{'p', 0, E_OK, 0}, {'p', 3, E_OK, 3}, {'p', 4, E_OK, 4}}},
    {"a late packet gets what was reserved",
     {{'p', 0, E_OK, 0}, {'p', 3, E_OK, 3}, {'p', 1, E_OK, 1}, {'p', 2, E_OK, 2}}},
    {"once",
     {{'p', 0, E_OK, 0},
      {'p', 2, E_OK, 2},
      {'p', 1, E_OK, 1},
      {'p', 1, E_EXISTS, 0},
      {'p', 2, E_EXISTS, 0},
      {'p', 0, E_EXISTS, 0}}},
    {"what was dropped cannot pass",
     {{'p', 0, E_OK, 0},
      {'d', 1, E_OK, NO_OUT},
      {'p', 2, E_OK, 1},
      {'p', 1, E_ABSENT, 0}}},
    {"before the first", {{'p', 0, E_OK, 0}, {'p', -1, E_ABSENT, 0}}},
    {"the first is dropped",
     {{'d', 0, E_OK, NO_OUT}, {'p', 1, E_OK, 0}, {'p', 0, E_ABSENT, 0}}},
    {"a late drop leaves a hole",
     {{'p', 0, E_OK, 0},
      {'p', 2, E_OK, 2},
      {'d', 1, E_OK, 1},
      {'d', 1, E_OK, NO_OUT},
      {'p', 1, E_EXISTS, 0},
      {'p', 3, E_OK, 3}}},
    {"a late drop of what was closed, or passed",
     {{'p', 0, E_OK, 0},
      {'d', 1, E_OK, NO_OUT},
      {'d', 1, E_OK, NO_OUT},
      {'d', 0, E_OK, NO_OUT},
      {'p', 2, E_OK, 1}}},
    {"loss before a drop",
     {{'p', 0, E_OK, 0}, {'d', 2, E_OK, NO_OUT}, {'p', 3, E_OK, 2}, {'p', 4, E_OK, 3}}},
};

static struct seqmap *seqmap_of(uint16_t slots)
{
    struct seqmap *m = sl_seqmap_new(
        &(struct seqmap_conf){.first = OUT, .first_ts = 9000, .slots = slots});
    CHECK_INT(sl_seqmap_switch(m, FIRST, 0, 9000), 1);
    return m;
}

static enum err pass(struct seqmap *m, int seq, int *out)
{
    struct seqmap_out o = {.seq = OUT};
    enum err e = sl_seqmap_pass(m, (uint64_t)(FIRST + seq), 0, (uint64_t)seq, 0, &o);
    *out = (int)o.seq - OUT;
    return e;
}

static void tell(uint16_t slots)
{
    for (size_t i = 0; i < LEN(stories); i++) {
        struct seqmap *m = seqmap_of(slots);
        check_row(stories[i].name);
        for (size_t k = 0; stories[i].step[k].what; k++) {
            int seq = stories[i].step[k].seq, out = NO_OUT;
            uint64_t hole;
            if (stories[i].step[k].what == 'p')
                CHECK_INT(pass(m, seq, &out), stories[i].step[k].want);
            else if (sl_seqmap_drop(m, (uint64_t)(FIRST + seq), &hole))
                out = (int)hole - OUT;
            CHECK_INT(out, stories[i].step[k].out);
        }
        sl_seqmap_free(m);
    }
}

TEST(seqmap_stories)
{
    tell(SLOTS);
}

TEST(seqmap_stories_without_slots)
{
    tell(0);
}

TEST(seqmap_late_across_closed_gaps)
{
    struct seqmap *m = seqmap_of(SLOTS);
    int out = -1;

    /* Every third is dropped, 10 is lost. */
    for (int seq = 0; seq < 30; seq++) {
        uint64_t hole;
        if (seq == 10)
            continue;
        if (seq % 3 == 2)
            CHECK(!sl_seqmap_drop(m, (uint64_t)(FIRST + seq), &hole));
        else
            CHECK_INT(pass(m, seq, &out), E_OK);
    }
    CHECK_INT(out, 19);
    CHECK_INT(pass(m, 10, &out), E_OK);
    CHECK_INT(out, 7); /* 0 1 3 4 6 7 9 go before it */
    sl_seqmap_free(m);
}

TEST(seqmap_too_late)
{
    struct seqmap *m = seqmap_of(SLOTS);
    int out;

    CHECK_INT(pass(m, 0, &out), E_OK);
    for (int seq = 2; seq < SLOTS + 1; seq++)
        CHECK_INT(pass(m, seq, &out), E_OK);
    CHECK_INT(out, SLOTS);
    CHECK_INT(pass(m, 1, &out), E_OK); /* the last one remembered */
    CHECK_INT(pass(m, 0, &out), E_ABSENT);
    sl_seqmap_free(m);

    m = seqmap_of(0);
    CHECK_INT(pass(m, 0, &out), E_OK);
    for (int seq = 3; seq < 66; seq++)
        CHECK_INT(pass(m, seq, &out), E_OK);
    CHECK_INT(pass(m, 2, &out), E_OK);
    CHECK_INT(out, 2);
    CHECK_INT(pass(m, 1, &out), E_ABSENT);
    sl_seqmap_free(m);
}

TEST(seqmap_gap_beyond_the_slots)
{
    struct seqmap *m = seqmap_of(SLOTS);
    struct seqmap_sent sent;
    int out;

    CHECK_INT(pass(m, 0, &out), E_OK);
    CHECK_INT(pass(m, 1000, &out), E_OK);
    CHECK_INT(out, 1000); /* the receiver shall know */
    CHECK_INT(pass(m, 999, &out), E_ABSENT);
    CHECK_INT(sl_seqmap_resend(m, OUT + 999, 0, 0, &sent), E_ABSENT);
    CHECK_INT(sl_seqmap_resend(m, OUT + 1000, 0, 0, &sent), E_OK);
    CHECK_INT(pass(m, 1002, &out), E_OK);
    CHECK_INT(pass(m, 1001, &out), E_OK);
    CHECK_INT(out, 1001);
    sl_seqmap_free(m);
}

TEST(seqmap_before_a_source)
{
    struct seqmap *m = sl_seqmap_new(&(struct seqmap_conf){.first = OUT, .slots = SLOTS});
    uint64_t hole;
    int out;

    CHECK_INT(pass(m, 0, &out), E_ABSENT);
    CHECK(!sl_seqmap_drop(m, FIRST, &hole));
    CHECK_INT(sl_seqmap_next(m), OUT);
    sl_seqmap_free(m);
}

TEST(seqmap_switch)
{
    struct seqmap *m = seqmap_of(SLOTS);
    struct seqmap_out o;
    struct seqmap_sent sent;

    CHECK_INT(sl_seqmap_pass(m, FIRST, 0, 1, SEC(1), &o), E_OK);
    CHECK_INT(o.ts, 9000);
    CHECK_INT(sl_seqmap_pass(m, FIRST + 2, 3000, 2, SEC(1), &o), E_OK);
    CHECK_INT(o.ts, 12000);

    /* Far lower numbers, other timestamps; the late one of the old source is refused. */
    CHECK_INT(sl_seqmap_switch(m, 77, 0xfffff000, 15000), 2);
    CHECK_INT(sl_seqmap_pass(m, 77, 0xfffff000, 3, SEC(2), &o), E_OK);
    CHECK_INT(o.seq, OUT + 3);
    CHECK_INT(o.ts, 15000);
    CHECK_INT(sl_seqmap_pass(m, 76, 0xfffff000, 0, SEC(2), &o), E_ABSENT);
    CHECK_INT(sl_seqmap_pass(m, 79, 0x00000ff0, 4, SEC(2), &o), E_OK);
    CHECK_INT(o.seq, OUT + 5);
    CHECK_INT(o.ts, 15000 + 0x1ff0);
    CHECK_INT(sl_seqmap_pass(m, 78, 0xfffff000, 5, SEC(2), &o), E_OK);
    CHECK_INT(o.seq, OUT + 4);

    /* What was sent before can still be resent. */
    CHECK_INT(sl_seqmap_resend(m, OUT + 2, SEC(2), 0, &sent), E_OK);
    CHECK_INT(sent.generation, 1);
    CHECK_INT(sent.seq, FIRST + 2);
    CHECK_INT(sent.ts, 12000);
    CHECK_INT(sent.facts, 2);
    CHECK_INT(sl_seqmap_resend(m, OUT + 4, SEC(2), 0, &sent), E_OK);
    CHECK_INT(sent.generation, 2);
    CHECK_INT(sent.seq, 78);
    CHECK_INT(sent.facts, 5);
    sl_seqmap_free(m);
}

TEST(seqmap_time_goes_on)
{
    struct seqmap *m = sl_seqmap_new(
        &(struct seqmap_conf){.first = OUT, .first_ts = 0xfffffff0, .slots = SLOTS});
    struct seqmap_out o;

    CHECK_INT(sl_seqmap_ts_at(m, SEC(7), 90000), 0xfffffff0);
    sl_seqmap_switch(m, FIRST, 5, sl_seqmap_ts_at(m, SEC(7), 90000));
    CHECK_INT(sl_seqmap_pass(m, FIRST, 5, 0, SEC(7), &o), E_OK);
    CHECK_INT(o.ts, 0xfffffff0);

    /* A frame of two packets was begun at 8 s; at 8.5 s there is another source. */
    CHECK_INT(sl_seqmap_pass(m, FIRST + 1, 5 + 90000, 0, SEC(8), &o), E_OK);
    CHECK_INT(sl_seqmap_pass(m, FIRST + 2, 5 + 90000, 0, SEC(8) + MSEC(20), &o), E_OK);
    CHECK_INT(o.ts, 0xfffffff0 + 90000);
    CHECK_INT(sl_seqmap_ts_at(m, SEC(8) + MSEC(500), 90000), 0xfffffff0 + 135000);

    CHECK_INT(sl_seqmap_pass(m, FIRST + 3, 5 + 180000, 0, SEC(9), &o), E_OK);
    CHECK_INT(sl_seqmap_ts_at(m, SEC(9), 90000), 0xfffffff0 + 180000);

    /* Never back, nor twice the same. */
    sl_seqmap_switch(m, 1, 77, 0xfffffff0 + 180000);
    CHECK_INT(sl_seqmap_pass(m, 1, 77, 0, SEC(9), &o), E_OK);
    CHECK_INT(o.ts, 0xfffffff0 + 180001);
    sl_seqmap_switch(m, 1, 77, 0xfffffff0);
    CHECK_INT(sl_seqmap_pass(m, 1, 77, 0, SEC(9), &o), E_OK);
    CHECK_INT(o.ts, 0xfffffff0 + 180002);
    sl_seqmap_free(m);
}

TEST(seqmap_resend)
{
    struct seqmap *m = seqmap_of(SLOTS);
    struct seqmap_sent sent;
    uint64_t hole;
    usec now = MSEC((1 << 24) - 100); /* where a count of ms in 24 bits ends */
    int out;

    for (int seq = 0; seq < SLOTS + 4; seq++)
        if (seq != 10 && seq != 11)
            CHECK_INT(pass(m, seq, &out), E_OK);
    CHECK_INT(sl_seqmap_resend(m, OUT + 3, now, 0, &sent), E_ABSENT);
    CHECK_INT(sl_seqmap_resend(m, OUT + 4, now, 0, &sent), E_OK);
    CHECK_INT(sent.seq, FIRST + 4);
    CHECK_INT(sent.facts, 4);
    CHECK_INT(sl_seqmap_resend(m, OUT + SLOTS + 4, now, 0, &sent), E_ABSENT);
    CHECK_INT(sl_seqmap_resend(m, OUT - 1, now, 0, &sent), E_ABSENT);

    /* Reserved, a hole, and one that came late. */
    CHECK_INT(sl_seqmap_resend(m, OUT + 10, now, 0, &sent), E_ABSENT);
    CHECK(sl_seqmap_drop(m, FIRST + 10, &hole));
    CHECK_INT(sl_seqmap_resend(m, OUT + 10, now, 0, &sent), E_ABSENT);
    CHECK_INT(pass(m, 11, &out), E_OK);
    CHECK_INT(sl_seqmap_resend(m, OUT + 11, now, 0, &sent), E_OK);

    /* Not more often than each min_resend, and not for ever. */
    for (int i = 0; i < SEQMAP_RESENDS_MAX; i++, now += MSEC(40)) {
        CHECK_INT(sl_seqmap_resend(m, OUT + 20, now, MSEC(40), &sent), E_OK);
        CHECK_INT(sl_seqmap_resend(m, OUT + 20, now + MSEC(39), MSEC(40), &sent),
                  E_EARLY);
    }
    sent.seq = 0;
    CHECK_INT(sl_seqmap_resend(m, OUT + 20, now + SEC(99), MSEC(40), &sent), E_FULL);
    CHECK_INT(sent.seq, FIRST + 20);
    CHECK_INT(sl_seqmap_resend(m, OUT + 21, 0, MSEC(40), &sent), E_OK);
    sl_seqmap_free(m);
}

TEST(seqmap_from_output_0)
{
    struct seqmap *m = sl_seqmap_new(&(struct seqmap_conf){.first = 0, .slots = SLOTS});
    struct seqmap_out o;
    struct seqmap_sent sent;

    sl_seqmap_switch(m, FIRST, 0, 0);
    for (int seq = 0; seq < SLOTS; seq++)
        if (seq != 1)
            CHECK_INT(sl_seqmap_pass(m, (uint64_t)FIRST + (uint64_t)seq, 0, 0, 0, &o),
                      E_OK);
    CHECK_INT(sl_seqmap_pass(m, FIRST + 1, 0, 0, 0, &o), E_OK);
    CHECK_INT(o.seq, 1);
    CHECK_INT(sl_seqmap_resend(m, 0, 0, 0, &sent), E_OK);
    CHECK_INT(sl_seqmap_resend(m, UINT64_MAX, 0, 0, &sent), E_ABSENT);
    sl_seqmap_free(m);
}

TEST(seqmap_without_slots_resends_nothing)
{
    struct seqmap *m = seqmap_of(0);
    struct seqmap_sent sent;
    int out;
    CHECK_INT(pass(m, 0, &out), E_OK);
    CHECK_INT(sl_seqmap_resend(m, OUT, 0, 0, &sent), E_ABSENT);
    sl_seqmap_free(m);
}

TEST(seqmap_many_generations)
{
    struct seqmap *m = seqmap_of(SLOTS);
    struct seqmap_out o;
    for (uint32_t i = 2; i < 0x10003; i++)
        CHECK_INT(sl_seqmap_switch(m, FIRST, 0, 0), i & 0xffff);
    CHECK_INT(sl_seqmap_pass(m, FIRST, 0, 0, 0, &o), E_OK);
    CHECK_INT(sl_seqmap_pass(m, FIRST + 2, 0, 0, 0, &o), E_OK);
    CHECK_INT(sl_seqmap_pass(m, FIRST + 1, 0, 0, 0, &o), E_OK);
    CHECK_INT(o.seq, OUT + 1);
    sl_seqmap_free(m);
}

/* How many of the last that were sent can be resent, each as it was. */
static int remembered(struct seqmap *m)
{
    struct seqmap_sent sent;
    int n = 0;
    for (uint64_t out = sl_seqmap_next(m);
         sl_seqmap_resend(m, --out, 0, 0, &sent) == E_OK; n++)
        CHECK_INT(sent.facts, out - OUT);
    return n;
}

TEST(seqmap_remembers_two_seconds_of_what_is_sent)
{
    static const struct {
        const char *name;
        uint16_t slots;
        int rate, want; /* packets a second */
    } rows[] = {
        {"a small picture", 512, 30, SEQMAP_MIN},
        {"as much as there is room for at first", 512, SEQMAP_MIN / 2, SEQMAP_MIN},
        {"a little more", 512, SEQMAP_MIN / 2 + 1, 2 * SEQMAP_MIN},
        {"a large one", 512, 200, 512},
        {"more than may be remembered", 512, 2000, 512},
        {"where there may be few", SLOTS, 2000, SLOTS},
        {"where there may be none", 0, 2000, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct seqmap *m = seqmap_of(rows[i].slots);
        int seq = 0, out = 0;
        check_row(rows[i].name);
        for (usec now = SEC(1000); now < SEC(1020); now += SEC(1)) {
            for (int k = 0; k < rows[i].rate; k++)
                CHECK_INT(pass(m, seq++, &out), E_OK);
            sl_seqmap_fit(m, now);
        }
        CHECK_INT(remembered(m), rows[i].want);
        sl_seqmap_free(m);
    }
}

/* What was remembered stays so, and what was reserved; what was forgotten does not come back. */
TEST(seqmap_makes_room_and_forgets_nothing)
{
    struct seqmap *m = seqmap_of(512);
    int out, late = SEQMAP_MIN + 40;
    for (int seq = 0; seq < SEQMAP_MIN + 50; seq++)
        if (seq != late)
            CHECK_INT(pass(m, seq, &out), E_OK);
    sl_seqmap_fit(m, SEC(1));
    CHECK_INT(remembered(m), 50 - 40 - 1); /* as far as the one that is missing */
    CHECK_INT(pass(m, late, &out), E_OK);
    CHECK_INT(out, late);
    CHECK_INT(remembered(m), SEQMAP_MIN);
    CHECK_INT(pass(m, 49, &out), E_ABSENT);
    CHECK_INT(pass(m, 50, &out), E_EXISTS);
    for (int seq = SEQMAP_MIN + 50; seq < 512 + 50; seq++)
        CHECK_INT(pass(m, seq, &out), E_OK);
    CHECK_INT(remembered(m), 512);
    sl_seqmap_free(m);
}

/* Between two counts, too, as the receiver asks. */
TEST(seqmap_makes_room_as_soon_as_it_is_asked)
{
    struct seqmap *m = seqmap_of(512);
    int out;
    sl_seqmap_fit(m, SEC(1));
    for (int seq = 0; seq < SEQMAP_MIN; seq++) {
        CHECK_INT(pass(m, seq, &out), E_OK);
        sl_seqmap_fit(m, SEC(1) + MSEC(seq));
    }
    for (int seq = SEQMAP_MIN; seq < 2 * SEQMAP_MIN; seq++)
        CHECK_INT(pass(m, seq, &out), E_OK);
    CHECK_INT(remembered(m), 2 * SEQMAP_MIN);
    sl_seqmap_free(m);
}
