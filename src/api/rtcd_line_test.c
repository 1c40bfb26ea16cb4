#include "api/rtcd_line.h"

#include <stdio.h>

#include "check.h"

enum { TRANSPORT = 7, STREAM = 4 };

/* What was sent and told, in order. */
static char said[2048];
static enum err send_err;

static void note(const char *what, struct span s, bool text)
{
    size_t n = strlen(said);
    n += (size_t)snprintf(said + n, sizeof said - n, "%s", what);
    for (size_t i = 0; i < s.n && i < 16; i++)
        n += (size_t)snprintf(said + n, sizeof said - n, text ? "%c" : "%02x", s.p[i]);
    (void)snprintf(said + n, sizeof said - n, ";");
}

static enum err data_send(void *ctx, uint64_t transport, uint16_t stream, bool text,
                          struct span message)
{
    (void)ctx;
    CHECK(transport == TRANSPORT && stream == STREAM);
    note(text ? "text " : "", message, text);
    return send_err;
}

static void data_close(void *ctx, uint64_t transport, uint16_t stream)
{
    (void)ctx;
    CHECK(transport == TRANSPORT && stream != STREAM);
    note("closes", (struct span){0}, false);
}

static bool busy;

static bool is_busy(void *ctx, const struct rtcd_line *l)
{
    (void)ctx, (void)l;
    return busy;
}

static void on_hold(void *ctx, struct rtcd_line *l, bool held)
{
    (void)ctx, (void)l;
    note(held ? "held" : "free", (struct span){0}, false);
}

static void on_sdp(void *ctx, struct rtcd_line *l, struct span json, usec now)
{
    (void)ctx, (void)l, (void)now;
    note("sdp ", json, true);
}

static const struct media_ops media = {.data_send = data_send, .data_close = data_close};

/* A line whose channel is open. */
struct rig {
    struct rtcd_lines *ls;
    const struct rtcd_line_stats *stats;
    struct rtcd_line l;
    struct metrics *metrics;
    struct rtcd_tallies *tallies;
    struct rtcd_tally *tally;
    usec now;
};

static void event(struct rig *r, enum media_data_kind kind, uint16_t stream,
                  struct span bytes)
{
    static const struct dcep_open open;
    const struct media_data_event ev = {
        .kind = kind, .stream = stream, .bytes = bytes, .open = &open};
    sl_rtcd_line_event(r->ls, &r->l, TRANSPORT, &ev, r->now);
}

static void rig_init(struct rig *r)
{
    const struct rtcd_lines_conf conf = {
        .media = &media, .busy = is_busy, .hold = on_hold, .sdp = on_sdp};
    *r = (struct rig){.ls = sl_rtcd_lines_new(&conf), .now = SEC(100)};
    r->stats = sl_rtcd_lines_stats(r->ls);
    r->metrics = sl_metrics_new();
    r->tallies = sl_rtcd_tallies_new(r->metrics);
    send_err = E_OK;
    busy = false;
    said[0] = '\0';
    r->tally = sl_rtcd_tally(r->tallies, span_of("client"));
    sl_rtcd_line_init(r->ls, &r->l, r->tally);
    event(r, MEDIA_DATA_OPENED, STREAM, (struct span){0});
}

static void rig_fini(struct rig *r)
{
    sl_rtcd_line_fini(r->ls, &r->l);
    CHECK_INT(sl_rtcd_lines_deadline(r->ls), USEC_NEVER);
    sl_rtcd_lines_free(r->ls);
    sl_rtcd_tallies_free(r->tallies);
    sl_metrics_free(r->metrics);
}

static void hear(struct rig *r, const char *hex)
{
    event(r, MEDIA_DATA_MESSAGE, STREAM, check_hex(hex));
}

static void check_said(int line, const char *want)
{
    if (strcmp(said, want) != 0)
        check_fail(__FILE__, line, "got %s", said);
    said[0] = '\0';
}

#define CHECK_SAID(want) check_said(__LINE__, want)

static const struct {
    const char *name, *hex, *want;
    uint64_t malformed;
} rows[] = {
    {"a ping", "cc01", "02;", 0},
    {"a ping of old", "70696e67", "text pong;", 0},
    {"pings that are none", "70696e6770", "", 1},
    {"a lock", "07", "held;07c3;", 0},
    {"an unlock of nothing", "08", "", 0},
    {"a report", "05cb3fb0000000000000", "", 0},
    {"what only we say", "0980", "", 1},
    {"no message", "c1", "", 1},
    {"an empty message", "", "", 1},
    {"a description that is not packed", "03c4027b7d", "", 1},
    {"a description", "03c40a789cabae0500017500f9", "sdp {};", 0},
};

TEST(rtcd_line_answers)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        check_row(rows[i].name);
        rig_init(&r);
        CHECK_SAID("held;free;");
        hear(&r, rows[i].hex);
        CHECK_SAID(rows[i].want);
        CHECK_INT(r.stats->malformed, rows[i].malformed);
        rig_fini(&r);
    }
}

TEST(rtcd_line_is_the_first_channel)
{
    struct rig r;
    rig_init(&r);
    event(&r, MEDIA_DATA_OPENED, 6, (struct span){0});
    CHECK_SAID("held;free;closes;");
    event(&r, MEDIA_DATA_MESSAGE, 6, check_hex("01"));
    event(&r, MEDIA_DATA_CLOSED, 6, (struct span){0});
    hear(&r, "01");
    CHECK_SAID("02;");
    event(&r, MEDIA_DATA_CLOSED, STREAM, (struct span){0});
    hear(&r, "01");
    CHECK_SAID("held;");
    CHECK_INT(sl_rtcd_line_sdp(r.ls, &r.l, span_of("{}")), E_ABSENT);
    CHECK_INT(sl_rtcd_line_map(r.ls, &r.l, NULL, 0), E_ABSENT);
    CHECK_SAID("");
    rig_fini(&r);
}

TEST(rtcd_line_tells)
{
    const struct rtcd_dc_track track = {span_of("0"), "screen", span_of("s")};
    static char longest[MEDIA_DATA_LONGEST + 256];
    uint32_t seed = 1;
    struct rig r;
    rig_init(&r);
    said[0] = '\0';
    CHECK_INT(sl_rtcd_line_map(r.ls, &r.l, &track, 1), E_OK);
    CHECK_SAID("0981a13082a474797065a67363726565;");
    CHECK_INT(sl_rtcd_line_sdp(r.ls, &r.l, span_of("{}")), E_OK);
    CHECK_SAID("03c60000000a789cabae0500017500f9;");
    send_err = E_FULL;
    CHECK_INT(sl_rtcd_line_sdp(r.ls, &r.l, span_of("{}")), E_FULL);
    CHECK_INT(sl_rtcd_line_map(r.ls, &r.l, &track, 1), E_FULL);
    CHECK_INT(r.stats->full, 2);
    CHECK_INT(r.stats->too_long, 0);
    send_err = E_MALFORMED; /* it takes none that is so long */
    CHECK_INT(sl_rtcd_line_map(r.ls, &r.l, &track, 1), E_MALFORMED);
    CHECK_INT(r.stats->too_long, 1);
    send_err = E_FULL;
    for (size_t i = 0; i < sizeof longest; i++) /* what cannot be packed */
        longest[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
    CHECK_INT(
        sl_rtcd_line_sdp(r.ls, &r.l, (struct span){(uint8_t *)longest, sizeof longest}),
        E_MALFORMED);
    rig_fini(&r);
}

TEST(rtcd_line_lock_has_one_owner)
{
    struct rig r;
    rig_init(&r);
    busy = true;
    hear(&r, "cc07");
    hear(&r, "cc08"); /* not the client's to give */
    hear(&r, "cc07");
    CHECK_SAID("held;free;07c2;07c2;");
    busy = false;
    hear(&r, "07");
    hear(&r, "07"); /* once */
    CHECK_SAID("held;07c3;07c2;");
    hear(&r, "08");
    CHECK_SAID("free;");
    hear(&r, "08");
    hear(&r, "07");
    CHECK_SAID("held;07c3;");
    CHECK_INT(r.stats->granted, 2);
    CHECK_INT(r.stats->refused, 3);
    CHECK_INT(r.stats->unasked, 2);
    rig_fini(&r);
}

TEST(rtcd_line_lock_is_taken_from_who_keeps_it)
{
    struct rig r;
    rig_init(&r);
    hear(&r, "07");
    CHECK_SAID("held;free;held;07c3;");
    CHECK_INT(sl_rtcd_lines_deadline(r.ls), r.now + RTCD_LOCK_TIME);
    sl_rtcd_lines_tick(r.ls, r.now + RTCD_LOCK_TIME - 1);
    CHECK_SAID("");
    r.now += RTCD_LOCK_TIME;
    sl_rtcd_lines_tick(r.ls, r.now);
    CHECK_SAID("free;");
    hear(&r, "08"); /* it comes too late to mean anything */
    CHECK_SAID("");
    CHECK_INT(r.stats->expired, 1);
    CHECK_INT(r.tally->errors[RTCD_ERROR_LOCK_TIMEOUT], 1);
    CHECK_INT(r.tally->held.sum, RTCD_LOCK_TIME);

    hear(&r, "07");
    event(&r, MEDIA_DATA_ENDED, 0, (struct span){0}); /* it cannot unlock any more */
    CHECK_SAID("held;07c3;held;");
    CHECK_INT(sl_rtcd_lines_deadline(r.ls), USEC_NEVER);
    rig_fini(&r);
}

TEST(rtcd_line_lock_was_asked_for_so_long)
{
    struct rig r;
    rig_init(&r);
    hear(&r, "07");
    CHECK_INT(r.tally->grabbed.in[0], 1);
    CHECK_INT(r.tally->grabbed.sum, 0); /* at once */
    hear(&r, "08");
    busy = true;
    for (int i = 0; i < 20; i++) { /* as clients do */
        hear(&r, "07");
        r.now += MSEC(50);
    }
    busy = false;
    hear(&r, "07");
    hear(&r, "07"); /* it has it */
    hear(&r, "08");
    CHECK_INT(r.tally->grabbed.sum, SEC(1));
    busy = true;
    hear(&r, "07");
    busy = false;
    r.now += SEC(60); /* it gave up then */
    hear(&r, "07");
    CHECK_INT(r.tally->grabbed.in[0], 2);
    CHECK_INT(r.tally->grabbed.sum, SEC(1));
    rig_fini(&r);
}

TEST(rtcd_line_reports)
{
    struct rig r;
    rig_init(&r);
    hear(&r, "04cb3fe0000000000000");
    hear(&r, "05cb3fd0000000000000");
    hear(&r, "06cb7fefffffffffffff"); /* the largest number there is */
    CHECK_INT(r.tally->loss.sum, 500000);
    CHECK_INT(r.tally->rtt.sum, 250000);
    CHECK_INT(r.tally->jitter.above, 1);
    rig_fini(&r);
}

TEST(rtcd_line_drops_a_flood)
{
    struct span ping = check_hex("01"), unlock = check_hex("08");
    struct span sdp = check_hex("03c40a789cabae0500017500f9");
    struct rig r;
    rig_init(&r);
    for (unsigned i = 0; i < RTCD_LINE_BURST + 50; i++) {
        said[0] = '\0';
        event(&r, MEDIA_DATA_MESSAGE, STREAM, ping);
    }
    CHECK_INT(r.stats->pings, RTCD_LINE_BURST);
    CHECK_INT(r.stats->flooded, 50);
    CHECK_SAID("");
    r.now += SEC(1);
    for (unsigned i = 0; i < RTCD_LINE_PER_S + 1; i++)
        event(&r, MEDIA_DATA_MESSAGE, STREAM, unlock);
    CHECK_INT(r.stats->unasked, RTCD_LINE_PER_S);

    r.now += SEC(60);
    for (unsigned i = 0; i < RTCD_LINE_BURST; i++)
        event(&r, MEDIA_DATA_MESSAGE, STREAM, sdp);
    CHECK_INT(r.stats->descriptions, RTCD_LINE_BURST / RTCD_LINE_SDP_COST);
    rig_fini(&r);
}

TEST(rtcd_line_bounds_what_it_unpacks)
{
    struct rig r;
    uint8_t buf[8192];
    static uint8_t zeros[RTCD_DC_JSON_MAX + 1];
    struct wr w = wr_of(buf, sizeof buf);
    rig_init(&r);
    said[0] = '\0';
    CHECK_INT(sl_rtcd_dc_write_sdp(&w, (struct span){zeros, sizeof zeros}), E_OK);
    event(&r, MEDIA_DATA_MESSAGE, STREAM, wr_done(&w));
    CHECK_SAID("");
    CHECK_INT(r.stats->oversized, 1);
    rig_fini(&r);
}
