#include "media/probe.h"

#include <math.h>

#include "check.h"

static bool about(double v, double want)
{
    return fabs(v - want) <= want * 0.12;
}

/* Sends all of the cluster, looked at each ms, as padding of at most 250 octets, over a path
 * of `bps`; returns what it shows. */
static struct probe_result burst(struct probe *p, double bps, usec *now)
{
    struct probe_result r = {0}, got;
    uint8_t id = p->id;
    usec free_at = 0;
    for (usec until = *now + MSEC(100); p->id == id && *now < until; *now += MSEC(1))
        for (unsigned due; p->id == id && (due = sl_probe_padding(p, *now)) > 0;) {
            unsigned octets = due < 250 ? due : 250;
            sl_probe_sent(p, octets, *now);
            free_at = (free_at > *now ? free_at : *now) + (usec)(octets * 8e6 / bps);
            got = sl_probe_received(p, id, octets, *now, free_at);
            if (got.bps > 0)
                r = got;
        }
    return r;
}

TEST(probe_start)
{
    struct probe p = {.wanted_bps = 5e6};
    usec now = SEC(1);
    sl_probe_start(&p, 300e3);
    CHECK_INT(sl_probe_padding(&p, now), 0);
    CHECK_INT(sl_probe_deadline(&p), USEC_NEVER);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, now);
    CHECK(p.id != 0);
    CHECK(p.tried_bps == 900e3);
    struct probe_result r = burst(&p, 100e6, &now);
    CHECK(about(r.bps, 900e3) && !r.full);
    sl_probe_tick(&p, 900e3, PROBE_USE_FULL, true, now);
    CHECK(p.tried_bps == 1800e3);
    r = burst(&p, 100e6, &now);
    CHECK(about(r.bps, 1800e3) && !r.full);
    sl_probe_result(&p, &r); /* it passed: twice as much */
    sl_probe_tick(&p, 1800e3, PROBE_USE_FULL, true, now);
    CHECK(about(p.tried_bps, 3600e3));
    r = burst(&p, 2.8e6, &now);
    CHECK(about(r.bps, 0.95 * 2.8e6) && r.full); /* all there is */
    sl_probe_result(&p, &r);
    sl_probe_tick(&p, 2660e3, PROBE_USE_FULL, true, now);
    CHECK_INT(p.id, 0); /* more would be in vain */
}

TEST(probe_wanted)
{
    struct probe p = {.wanted_bps = 800e3};
    sl_probe_start(&p, 300e3);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, SEC(1));
    CHECK(about(p.tried_bps, 880e3) && p.tried_bps < 900e3);
    p.id = 0;
    sl_probe_tick(&p, 850e3, PROBE_USE_LITTLE, true, SEC(60));
    CHECK_INT(p.id, 0); /* there is enough */
    p.wanted_bps = 5e6;
    sl_probe_tick(&p, 850e3, PROBE_USE_LITTLE, true, SEC(60));
    CHECK(about(p.tried_bps, 1700e3));
}

/* When nobody pads, or what comes is too little, there is no answer. */
TEST(probe_no_answer)
{
    struct probe p = {.wanted_bps = 5e6};
    usec now = SEC(1);
    sl_probe_ask(&p, 1e6);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, false, now);
    CHECK_INT(p.id, 0); /* not while a queue grows */
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, now);
    uint8_t id = p.id;
    CHECK(id != 0);
    sl_probe_sent(&p, 250, now);
    CHECK(sl_probe_received(&p, id, 250, now, now).bps == 0);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, now + MSEC(150));
    CHECK_INT(p.id, id);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, now + MSEC(250));
    CHECK_INT(p.id, 0);
    CHECK(sl_probe_received(&p, id, 250, now + MSEC(1), now + MSEC(1)).bps == 0);
    CHECK(sl_probe_received(&p, 0, 250, now, now).bps == 0);
}

/* Who looks late makes a longer burst, not a denser one. */
TEST(probe_pace)
{
    struct probe p = {.wanted_bps = 5e6};
    usec now = SEC(1);
    sl_probe_ask(&p, 2e6);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, now);
    CHECK(sl_probe_padding(&p, now) > 0);
    sl_probe_sent(&p, 750, now);
    CHECK_INT(sl_probe_padding(&p, now), 0);
    usec next = sl_probe_deadline(&p);
    CHECK(next > now + MSEC(2) && next <= now + MSEC(3));
    CHECK(sl_probe_padding(&p, next + MSEC(1)) > 0);
    now += MSEC(40);
    sl_probe_sent(&p, 250, now);
    CHECK(sl_probe_padding(&p, now) <= 2e6 / 8 * 0.005);
}

static double tried_after(struct probe *p, double bps, enum probe_use use, usec at)
{
    p->id = 0;
    p->tried_bps = 0;
    sl_probe_tick(p, bps, use, true, at);
    return p->tried_bps;
}

TEST(probe_after_cuts)
{
    struct probe p = {.wanted_bps = 5e6};
    sl_probe_cut(&p, 3e6, SEC(10));
    sl_probe_cut(&p, 1e6, SEC(11));
    CHECK(tried_after(&p, 500e3, PROBE_USE_LITTLE, SEC(11) + MSEC(900)) == 0);
    CHECK(about(tried_after(&p, 500e3, PROBE_USE_LITTLE, SEC(12) + MSEC(100)), 2.55e6));
    CHECK(tried_after(&p, 500e3, PROBE_USE_LITTLE, SEC(13)) == 0);
    CHECK(tried_after(&p, 500e3, PROBE_USE_LITTLE, SEC(14) + MSEC(200)) >
          0);                                                           /* less often */
    CHECK(about(tried_after(&p, 500e3, PROBE_USE_FULL, SEC(19)), 1e6)); /* a step */
    /* What was before is there again: nothing to try, as all is used. */
    CHECK(tried_after(&p, 2.5e6, PROBE_USE_FULL, SEC(60)) == 0);
    CHECK(about(tried_after(&p, 2e6, PROBE_USE_RISING, SEC(70)), 3e6));
    CHECK(tried_after(&p, 2e6, PROBE_USE_RISING, SEC(73)) == 0);
}

/* A path that did not come back is another path: it is let go, after some tries. */
TEST(probe_gives_up)
{
    struct probe p = {.wanted_bps = 5e6};
    int tries = 0;
    sl_probe_cut(&p, 4e6, SEC(10));
    for (usec at = SEC(10); at < SEC(120); at += MSEC(250))
        tries += tried_after(&p, 500e3, PROBE_USE_FULL, at) > 0;
    CHECK(tries > 5 && tries < 15);
    CHECK(p.before_bps == 0);
}

/* What left in 14 ms and came in 5 was held back somewhere, and let go at once. */
TEST(probe_burst_is_no_measurement)
{
    for (usec apart = 500; apart <= 2000; apart += 1500) {
        struct probe p = {.wanted_bps = 5e6};
        struct probe_result r = {0};
        sl_probe_ask(&p, 1e6);
        sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, SEC(1));
        uint8_t id = p.id;
        for (int i = 0; i < 8; i++)
            sl_probe_sent(&p, 250, SEC(1) + MSEC(2) * i);
        for (int i = 0; i < 8; i++)
            r = sl_probe_received(&p, id, 250, SEC(1) + MSEC(2) * i, SEC(5) + apart * i);
        CHECK_INT(r.bps > 0, apart == 2000);
    }
}

/* Fifteen packets of 250 octets, 1 ms apart, over a path that lets one through each 4 ms, to a receiver
 * that does not run at times: what it finds then it takes for arriving now. */
TEST(probe_before_a_receiver_that_stood)
{
    static const struct {
        const char *name;
        usec from, until; /* it does not run */
    } rows[] = {
        {"never", 0, 0},
        {"for the first", 0, MSEC(9)},
        {"for half of them", 0, MSEC(30)},
        {"in between", MSEC(10), MSEC(19)},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct probe p = {.wanted_bps = 5e6};
        struct probe_result r = {0};
        check_row(rows[i].name);
        sl_probe_ask(&p, 2e6);
        sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, SEC(1));
        uint8_t id = p.id;
        for (int k = 0; k < 15; k++)
            sl_probe_sent(&p, 250, SEC(1) + MSEC(1) * k);
        for (int k = 0; k < 15; k++) {
            usec at = MSEC(4) * k;
            if (at >= rows[i].from && at < rows[i].until)
                at = rows[i].until + k;
            r = sl_probe_received(&p, id, 250, SEC(1) + MSEC(1) * k, SEC(5) + at);
        }
        CHECK_INT(r.full, true);
        CHECK(about(r.bps, 0.95 * 500e3));
    }
}

/* Only where the first are found together: what follows pads sent together is measured. */
TEST(probe_of_pairs)
{
    struct probe p = {.wanted_bps = 5e6};
    struct probe_result r = {0};
    sl_probe_ask(&p, 2e6);
    sl_probe_tick(&p, 300e3, PROBE_USE_FULL, true, SEC(1));
    uint8_t id = p.id;
    for (int k = 0; k < 16; k++)
        sl_probe_sent(&p, 250, SEC(1) + MSEC(2) * (k / 2));
    for (int k = 0; k < 16; k++)
        r = sl_probe_received(&p, id, 250, SEC(1) + MSEC(2) * (k / 2),
                              SEC(5) + MSEC(2) * (k / 2));
    CHECK(r.bps > 1.5e6 && !r.full);
}

/* What the last packet of a burst says against the ones before it is no result. */
TEST(probe_that_ends_otherwise)
{
    struct probe p = {.wanted_bps = 5e6, .tried_bps = 2e6, .span = PROBE_SPAN};
    struct probe_result r = {.bps = 950e3, .full = true, .id = 1};
    CHECK(sl_probe_result(&p, &r));
    r.bps = 920e3;
    CHECK(sl_probe_result(&p, &r));
    r.bps = 670e3;
    CHECK(!sl_probe_result(&p, &r));
    CHECK_INT(p.pending_n, 1); /* again, */
    CHECK(p.span > PROBE_SPAN);
    CHECK(!sl_probe_result(&p, &r)); /* and once */
    CHECK_INT(p.pending_n, 1);
}

/* Asked for, and sent over a path of bps. */
static struct probe_result asked(struct probe *p, double bps, usec *now)
{
    sl_probe_ask(p, 4e6);
    sl_probe_tick(p, 300e3, PROBE_USE_LITTLE, true, *now += SEC(3));
    return burst(p, bps, now);
}

/* What shows now this and now that is looked at for longer; what is the same is not. */
TEST(probe_doubts)
{
    static const struct {
        const char *name;
        double first, second;
        bool believed;
    } rows[] = {
        {"the same", 1e6, 1e6, true},
        {"nearly", 1e6, 1.05e6, true},
        {"less", 2e6, 1e6, false},
        {"more", 1e6, 2e6, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct probe p = {.wanted_bps = 5e6};
        usec now = SEC(1);
        check_row(rows[i].name);
        struct probe_result r = asked(&p, rows[i].first, &now);
        CHECK_INT(r.full, true);
        CHECK_INT(sl_probe_result(&p, &r), true);
        CHECK_INT(sl_probe_result(&p, &r), true); /* more of it */
        r = asked(&p, rows[i].second, &now);
        CHECK_INT(sl_probe_result(&p, &r), rows[i].believed);
        CHECK_INT(p.span, rows[i].believed ? PROBE_SPAN : PROBE_SPAN * 2);
        CHECK_INT(p.pending_n, !rows[i].believed); /* once more, for longer */
    }
}

/* Where a longer burst shows the same again it was another path, and they are short again. */
TEST(probe_believes_again)
{
    struct probe p = {.wanted_bps = 5e6};
    usec now = SEC(1);
    struct probe_result r = asked(&p, 2e6, &now);
    CHECK_INT(sl_probe_result(&p, &r), true);
    r = asked(&p, 1e6, &now);
    CHECK_INT(sl_probe_result(&p, &r), false);
    sl_probe_tick(&p, 300e3, PROBE_USE_LITTLE, true, now);
    usec begun = now;
    r = burst(&p, 1e6, &now);
    CHECK(now - begun >= PROBE_SPAN * 2 - MSEC(2));
    CHECK_INT(sl_probe_result(&p, &r), true);
    CHECK_INT(p.span, PROBE_SPAN);
}

/* What is less than it was is looked at soon again: two bursts may have met the same accident. What
 * a cut was for does not make the next burst any better known. */
TEST(probe_of_less_than_before)
{
    static const struct {
        const char *name;
        double before, then;
        bool again;
    } rows[] = {
        {"less", 950e3, 760e3, true},
        {"nearly the same", 950e3, 900e3, false},
        {"more", 760e3, 950e3, false},
        {"the first", 0, 760e3, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct probe p = {.wanted_bps = 5e6,
                          .tried_bps = 2e6,
                          .tried_at = SEC(9),
                          .full_bps = rows[i].then, /* it was refused once */
                          .known_bps = rows[i].before};
        struct probe_result r = {.bps = rows[i].then, .full = true, .id = 2};
        check_row(rows[i].name);
        CHECK(sl_probe_result(&p, &r));
        sl_probe_tick(&p, 760e3, PROBE_USE_FULL, true, SEC(9) + MSEC(400));
        CHECK_INT(p.id, 0);
        sl_probe_tick(&p, 760e3, PROBE_USE_FULL, true, SEC(9) + MSEC(500));
        CHECK_INT(p.id != 0, rows[i].again);
        CHECK(p.tried_bps == 2e6);
    }
}

/* Measurements of the same path differ by chance: what is known of it is between them. */
TEST(probe_of_the_same_path)
{
    struct probe p = {.wanted_bps = 5e6, .tried_bps = 2e6};
    struct probe_result r = {.bps = 1400e3, .full = true, .id = 1};
    CHECK(sl_probe_result(&p, &r));
    CHECK(p.known_bps == 1400e3);
    r.id = 2;
    for (int part = 0; part < 2; part++) { /* of the same burst: once */
        r.bps = 1460e3 + part * 40e3;
        CHECK(sl_probe_result(&p, &r));
    }
    CHECK(p.known_bps == 1450e3);
    r = (struct probe_result){.bps = 2e6, .id = 3};
    CHECK(!sl_probe_result(&p, &r));
    r.id = 4;
    CHECK(sl_probe_result(&p, &r)); /* it is another path */
    CHECK(p.known_bps == 0);
}

TEST(probe_after_a_cut)
{
    struct probe p = {.wanted_bps = 5e6, .tried_bps = 2e6, .full_bps = 950e3};
    struct probe_result r = {.bps = 600e3, .full = true, .id = 2};
    sl_probe_cut(&p, 960e3, SEC(1));
    CHECK(!sl_probe_result(&p, &r));
}

/* A burst that came through a path that just held one up is not believed by itself. */
TEST(probe_that_surprises)
{
    struct probe p = {.wanted_bps = 5e6, .tried_bps = 1200e3, .span = PROBE_SPAN};
    struct probe_result full = {.bps = 760e3, .full = true, .id = 1},
                        more = {.bps = 1200e3, .id = 2};
    CHECK(sl_probe_result(&p, &full));
    CHECK(!sl_probe_result(&p, &more));
    CHECK_INT(p.pending_n, 1);
    CHECK(p.pending[0] == 1200e3);      /* again, */
    CHECK(p.span > PROBE_SPAN);         /* and longer */
    CHECK(!sl_probe_result(&p, &more)); /* it is still the same */
    CHECK_INT(p.pending_n, 1);
}

/* It shows the same again, and is believed from then on. */
TEST(probe_that_surprises_again)
{
    struct probe p = {
        .wanted_bps = 5e6, .tried_bps = 1200e3, .full_bps = 760e3, .doubted = true};
    struct probe_result full = {.bps = 760e3, .full = true, .id = 4},
                        more = {.bps = 1200e3, .id = 3};
    CHECK(sl_probe_result(&p, &more));
    CHECK(sl_probe_result(&p, &more)); /* it is another path, and known now */
    CHECK(sl_probe_result(&p, &full));
    more.id = 5;
    more.bps = 830e3;
    CHECK(sl_probe_result(&p, &more)); /* what holds one up shows a little less */
}
