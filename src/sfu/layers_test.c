#include "sfu/layers.h"

#include "check.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "stage.h"

static struct stage s;

static void send_encoding(unsigned i, uint16_t seq, bool key, size_t n)
{
    static uint8_t payload[1000] = {0x10};
    struct rtp r = stage_frame(100 + i, seq, key);
    uint8_t buf[600];
    struct rtp_elem e[2] = {stage_elem(MID_IN, "v"), stage_elem(RID_IN, i == 0   ? "l"
                                                                        : i == 1 ? "m"
                                                                                 : "h")};
    payload[1] = !key;
    payload[2] = (uint8_t)i;
    r.payload = (struct span){payload, n};
    stage_exts(&r, buf, e, 2);
    sim_send_rtp(s.pub, &r);
}

/* Before its first packet anything may be wanted; then there is what was measured. */
TEST(layers_from_packets)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    struct layer_table t;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    sl_layers_of(sl_shard_producer(s.sim.shards[0], VIDEO), &t);
    CHECK(t.n == 3 && t.layers[2].live && t.layers[2].bps == 0); /* anything may come */
    for (uint16_t seq = 1; seq <= 90; seq++) {
        for (unsigned i = 0; i < 3; i++)
            send_encoding(i, seq, seq == 1, 200 * (size_t)(i + 1));
        sim_run(&s.sim, MSEC(33));
    }
    sl_layers_of(sl_shard_producer(s.sim.shards[0], VIDEO), &t);
    CHECK_INT(t.n, 3);
    for (uint8_t i = 0; i < t.n; i++) {
        CHECK_INT(t.layers[i].encoding, i);
        CHECK(t.layers[i].live && t.layers[i].fps >= 29 && t.layers[i].fps <= 31);
        uint32_t bps = (200 * (i + 1U) + 68) * 8 * 1000 / 33; /* with headers */
        CHECK(t.layers[i].bps > bps - bps / 20 && t.layers[i].bps < bps + bps / 20);
    }
    stage_close(&s);
}

/* A publisher that is short of bandwidth or of CPU stops its largest size, and says so at once by
 * telling of fewer. */
TEST(layers_that_the_publisher_stops)
{
    static const struct {
        const char *name;
        const char *told;
        bool live[3];
    } rows[] = {
        {"all are sent", "21 00 64 64 64", {true, true, true}},
        {"one less", "11 00 64 64", {true, true, false}},
        {"only the smallest", "01 00 64", {true, false, false}},
        {"not the one in the middle", "20 10 10 00 64 64", {true, false, true}},
        {"a packet that was left, and nothing else", "00", {true, false, false}},
    };
    enum { VLA_IN = 13 };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct cmd_producer p = stage_simulcast();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        struct layer_table t;
        check_row(rows[i].name);
        p.receive.params.ext_id[EXT_LAYERS_ALLOCATION] = VLA_IN;
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        for (uint16_t seq = 1; seq <= 90; seq++) {
            for (unsigned e = 0; e < 3; e++)
                send_encoding(e, seq, seq == 1, 200 * (size_t)(e + 1));
            sim_run(&s.sim, MSEC(33));
        }
        struct rtp r = stage_frame(100, 91, false);
        struct rtp_elem e = {.id = VLA_IN, .data = check_hex(rows[i].told)};
        uint8_t buf[600];
        stage_exts(&r, buf, &e, 1);
        sim_send_rtp(s.pub, &r);
        sim_settle(&s.sim);
        sl_layers_of(sl_shard_producer(s.sim.shards[0], VIDEO), &t);
        CHECK_INT(t.n, 3);
        for (uint8_t l = 0; l < t.n; l++)
            CHECK_INT(t.layers[l].live, rows[i].live[l]);
        stage_close(&s);
    }
}

/* What a viewer who has the best need not look at again. */
TEST(layers_alike)
{
    static const struct {
        const char *name;
        struct layer_table now;
        bool want;
    } rows[] = {
        {"the same", {2, {{0, 0, 0, true, 100000}, {1, 0, 0, true, 900000}}}, true},
        {"a little more", {2, {{0, 0, 0, true, 100000}, {1, 0, 0, true, 1000000}}}, true},
        {"much less", {2, {{0, 0, 0, true, 100000}, {1, 0, 0, true, 500000}}}, false},
        {"one fell silent",
         {2, {{0, 0, 0, true, 100000}, {1, 0, 0, false, 900000}}},
         false},
        {"one went", {1, {{0, 0, 0, true, 100000}}}, false},
        {"another came", {2, {{0, 0, 0, true, 100000}, {1, 0, 1, true, 900000}}}, false},
        {"another size",
         {2, {{0, 0, 0, true, 100000}, {1, 0, 0, true, 900000, 640, 360}}},
         false},
    };
    const struct layer_info low = {.live = true, .bps = 100000};
    const struct layer_info high = {.encoding = 1, .live = true, .bps = 900000};
    const struct layer_table was = {2, {low, high}};
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK(sl_layers_alike(&rows[i].now, &was) == rows[i].want);
    }
    check_row("of one alone the rate does not matter, but that it is known");
    struct layer_table one = {1, {low}}, more = {1, {high}}, none = {1, {low}};
    more.layers[0].encoding = 0;
    none.layers[0].bps = 0;
    CHECK(sl_layers_alike(&more, &one));
    CHECK(!sl_layers_alike(&none, &one));
}
