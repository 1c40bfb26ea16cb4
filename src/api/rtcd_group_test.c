#include "api/rtcd_group.h"

#include <stdio.h>

#include "check.h"

/* A client of two connections, and what they are sent: "1:close s, ". */
struct stage {
    struct metrics *metrics;
    struct rtcd_groups groups;
    bool deaf[3];
    char sent[512];
};

static enum err take(void *ctx, void *user, struct span message)
{
    struct stage *s = ctx;
    struct rtcd_msg m = {0};
    size_t number = (size_t)(const bool *)user - (size_t)s->deaf, n = strlen(s->sent);
    if (s->deaf[number])
        return E_FULL;
    CHECK_INT(sl_rtcd_msg_read(message, &m), E_OK);
    (void)snprintf(s->sent + n, sizeof s->sent - n, "%zu:%.*s %.*s,", number,
                   (int)m.name.n, m.name.p, (int)m.session.n, m.session.p);
    return E_OK;
}

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 1, n);
}

static const struct random random_ones = {.fill = fill};

static void stage_open(struct stage *s)
{
    static const uint64_t seed[2] = {1, 2};
    *s = (struct stage){.metrics = sl_metrics_new()};
    s->groups = (struct rtcd_groups){
        .tallies = sl_rtcd_tallies_new(s->metrics), .ctx = s, .send = take};
    sl_map_init(&s->groups.by_client, seed);
}

static void stage_close(struct stage *s)
{
    sl_rtcd_groups_fini(&s->groups);
    sl_rtcd_tallies_free(s->groups.tallies);
    sl_metrics_free(s->metrics);
}

static struct rtcd_conn *conn_of(struct stage *s, size_t number)
{
    return sl_rtcd_conn_new(&s->groups, span_of("client"), &s->deaf[number],
                            &random_ones);
}

TEST(rtcd_group_finds_a_way)
{
    static const struct {
        const char *name;
        bool routed, deaf[2];
        const char *sent;
    } rows[] = {
        {"by its own", true, {false, false}, "1:close s,"},
        {"by another, when it has none", false, {false, false}, "0:close s,"},
        {"by another, when its own is deaf", true, {false, true}, "0:close s,"},
        {"by the one that hears", false, {true, false}, "1:close s,"},
        {"by none: it is owed", true, {true, true}, ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage s;
        check_row(rows[i].name);
        stage_open(&s);
        struct rtcd_conn *first = conn_of(&s, 0), *own = conn_of(&s, 1);
        CHECK(first->group == own->group && strlen(own->id) == RTCD_CONN_ID_LEN);
        s.deaf[0] = rows[i].deaf[0];
        s.deaf[1] = rows[i].deaf[1];
        CHECK(
            sl_rtcd_group_ended(&s.groups, own->group, rows[i].routed ? own : NULL, "s"));
        CHECK(strcmp(s.sent, rows[i].sent) == 0);
        CHECK_INT(own->group->owed_n, rows[i].sent[0] ? 0 : 1);
        stage_close(&s);
    }
}

TEST(rtcd_group_lives_while_it_is_owed)
{
    struct stage s;
    stage_open(&s);
    struct rtcd_conn *conn = conn_of(&s, 0);
    s.deaf[0] = true;
    CHECK(sl_rtcd_group_ended(&s.groups, conn->group, conn, "a"));
    CHECK(sl_rtcd_group_ended(&s.groups, conn->group, conn, "b"));
    sl_rtcd_conn_free(&s.groups, conn);
    CHECK(sl_rtcd_group_find(&s.groups, span_of("client")) != NULL);
    CHECK(sl_rtcd_group_find(&s.groups, span_of("other")) == NULL);

    struct rtcd_conn *next = conn_of(&s, 1);
    s.deaf[1] = true;
    sl_rtcd_group_settle(&s.groups, next);
    CHECK_INT(next->group->owed_n, 2);
    s.deaf[1] = false;
    sl_rtcd_group_settle(&s.groups, next);
    CHECK(strcmp(s.sent, "1:close a,1:close b,") == 0);
    sl_rtcd_conn_free(&s.groups, next);
    CHECK(sl_rtcd_group_find(&s.groups, span_of("client")) == NULL);
    stage_close(&s);
}

TEST(rtcd_group_is_owed_so_much_and_no_more)
{
    struct stage s;
    stage_open(&s);
    struct rtcd_group *g = sl_rtcd_group_open(&s.groups, span_of("client"));
    for (size_t i = 0; i < RTCD_OWED_MAX; i++)
        CHECK(sl_rtcd_group_ended(&s.groups, g, NULL, "s"));
    CHECK(!sl_rtcd_group_ended(&s.groups, g, NULL, "s"));
    CHECK_INT(g->owed_n, RTCD_OWED_MAX);
    stage_close(&s);
}
