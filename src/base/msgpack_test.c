#include "base/msgpack.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

/* The forms of the specification, and what they are. */
static const struct {
    const char *name, *hex;
    enum err err;
    enum msgpack_type type;
    int64_t number; /* of numbers, truths, lengths and counts */
} tokens[] = {
    {"positive fixint", "7f", E_OK, MSGPACK_UINT, 127},
    {"negative fixint", "e0", E_OK, MSGPACK_INT, -32},
    {"-1", "ff", E_OK, MSGPACK_INT, -1},
    {"uint 8", "cc ff", E_OK, MSGPACK_UINT, 255},
    {"uint 16", "cd 01 00", E_OK, MSGPACK_UINT, 256},
    {"uint 32", "ce 00 00 00 07", E_OK, MSGPACK_UINT, 7},
    {"uint 64", "cf 00 00 00 01 00 00 00 00", E_OK, MSGPACK_UINT, INT64_C(1) << 32},
    {"int 8, positive", "d0 05", E_OK, MSGPACK_UINT, 5},
    {"int 8", "d0 80", E_OK, MSGPACK_INT, -128},
    {"int 16", "d1 ff fe", E_OK, MSGPACK_INT, -2},
    {"int 32", "d2 80 00 00 00", E_OK, MSGPACK_INT, INT32_MIN},
    {"int 64", "d3 80 00 00 00 00 00 00 00", E_OK, MSGPACK_INT, INT64_MIN},
    {"nil", "c0", E_OK, MSGPACK_NIL, 0},
    {"false", "c2", E_OK, MSGPACK_BOOL, 0},
    {"true", "c3", E_OK, MSGPACK_BOOL, 1},
    {"float 32", "ca 3f 80 00 00", E_OK, MSGPACK_FLOAT, 1},
    {"float 64", "cb c0 00 00 00 00 00 00 00", E_OK, MSGPACK_FLOAT, -2},
    {"fixstr", "a2 68 69", E_OK, MSGPACK_STR, 2},
    {"str 8", "d9 02 68 69", E_OK, MSGPACK_STR, 2},
    {"str 16", "da 00 02 68 69", E_OK, MSGPACK_STR, 2},
    {"str 32", "db 00 00 00 02 68 69", E_OK, MSGPACK_STR, 2},
    {"bin 8", "c4 02 68 69", E_OK, MSGPACK_BIN, 2},
    {"bin 16", "c5 00 02 68 69", E_OK, MSGPACK_BIN, 2},
    {"bin 32", "c6 00 00 00 02 68 69", E_OK, MSGPACK_BIN, 2},
    {"fixext 2", "d5 01 68 69", E_OK, MSGPACK_EXT, 2},
    {"fixext 16", "d8 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f", E_OK,
     MSGPACK_EXT, 16},
    {"ext 8", "c7 02 01 68 69", E_OK, MSGPACK_EXT, 2},
    {"ext 16", "c8 00 02 01 68 69", E_OK, MSGPACK_EXT, 2},
    {"ext 32", "c9 00 00 00 02 01 68 69", E_OK, MSGPACK_EXT, 2},
    {"fixarray", "93", E_OK, MSGPACK_ARRAY, 3},
    {"array 16", "dc 01 00", E_OK, MSGPACK_ARRAY, 256},
    {"array 32", "dd ff ff ff ff", E_OK, MSGPACK_ARRAY, UINT32_MAX},
    {"fixmap", "8f", E_OK, MSGPACK_MAP, 15},
    {"map 16", "de 00 10", E_OK, MSGPACK_MAP, 16},
    {"map 32", "df 00 00 00 01", E_OK, MSGPACK_MAP, 1},
    {"nothing", "", E_SHORT, 0, 0},
    {"the octet that is never used", "c1", E_MALFORMED, 0, 0},
    {"half a number", "ce 00 00", E_SHORT, 0, 0},
    {"a text that is not there", "a5 68 69", E_SHORT, 0, 0},
    {"4 GB that are not there", "db ff ff ff ff 68", E_SHORT, 0, 0},
    {"an extension without a kind", "c7 00", E_SHORT, 0, 0},
};

static int64_t number_of(const struct msgpack *m)
{
    switch (m->type) {
    case MSGPACK_BOOL: return m->b;
    case MSGPACK_UINT: return (int64_t)m->u;
    case MSGPACK_INT: return m->i;
    case MSGPACK_FLOAT: return (int64_t)m->f;
    case MSGPACK_STR:
    case MSGPACK_BIN:
    case MSGPACK_EXT: return (int64_t)m->s.n;
    case MSGPACK_ARRAY:
    case MSGPACK_MAP: return m->n;
    case MSGPACK_NIL: break;
    }
    return 0;
}

TEST(tokens)
{
    for (size_t i = 0; i < LEN(tokens); i++) {
        struct rd r = rd_of(check_hex(tokens[i].hex));
        struct msgpack m = {0};
        check_row(tokens[i].name);
        CHECK_INT(sl_msgpack_next(&r, &m), tokens[i].err);
        CHECK_INT(m.type, tokens[i].type);
        CHECK_INT(number_of(&m), tokens[i].number);
        CHECK_INT(r.n, 0);
    }
}

TEST(skipping)
{
    static const struct {
        const char *name, *hex;
        enum err err;
        size_t left;
    } rows[] = {
        {"a number", "05 05", E_OK, 1},
        {"a map of lists", "82 a1 61 92 01 02 a1 62 90 c3", E_OK, 1},
        {"nested", "91 91 91 91 91 c0 c0", E_OK, 1},
        {"a member is missing", "82 a1 61 01 a1 62", E_SHORT, 0},
        {"4 billion that are not there", "dd ff ff ff ff 01", E_SHORT, 0},
        {"maps of 4 billion, nested", "df ff ff ff ff df ff ff ff ff df ff ff ff ff",
         E_SHORT, 0},
        {"what is never used, inside", "92 01 c1", E_MALFORMED, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rd r = rd_of(check_hex(rows[i].hex));
        check_row(rows[i].name);
        CHECK_INT(sl_msgpack_skip(&r), rows[i].err);
        CHECK_INT(r.n, rows[i].left);
    }
}

/* Nesting costs no stack: a million lists in lists. */
TEST(depth_is_free)
{
    enum { DEEP = 1000000 };
    uint8_t *p = malloc(DEEP + 1);
    memset(p, 0x91, DEEP);
    p[DEEP] = 0xc0;
    struct rd r = rd_of((struct span){p, DEEP + 1});
    CHECK_INT(sl_msgpack_skip(&r), E_OK);
    CHECK_INT(r.n, 0);
    free(p);
}

/* A writer in another language chooses other forms for the same thing. */
TEST(kinds)
{
    struct span s = {0};
    uint64_t u = 0;
    double f = 0;
    struct rd r = rd_of(check_hex("a1 61 c4 01 62 05 93 01 02 03 c0"));
    CHECK_INT(sl_msgpack_text(&r, &s), E_OK);
    CHECK(span_is(s, "a"));
    CHECK_INT(sl_msgpack_text(&r, &s), E_OK);
    CHECK(span_is(s, "b"));
    CHECK_INT(sl_msgpack_text(&r, &s), E_UNSUPPORTED);
    CHECK_INT(sl_msgpack_text(&r, &s), E_UNSUPPORTED);
    CHECK_INT(r.n, 1);
    CHECK(span_is(s, "b"));

    r = rd_of(check_hex("cf 00 00 00 00 00 00 00 09 d0 09 ff"));
    CHECK_INT(sl_msgpack_uint(&r, &u), E_OK);
    CHECK_INT(u, 9);
    CHECK_INT(sl_msgpack_uint(&r, &u), E_OK);
    CHECK_INT(sl_msgpack_uint(&r, &u), E_UNSUPPORTED);

    r = rd_of(check_hex("00 e0 ca 3f 00 00 00 c3"));
    CHECK_INT(sl_msgpack_float(&r, &f), E_OK);
    CHECK(f == 0);
    CHECK_INT(sl_msgpack_float(&r, &f), E_OK);
    CHECK(f == -32);
    CHECK_INT(sl_msgpack_float(&r, &f), E_OK);
    CHECK(f == 0.5);
    CHECK_INT(sl_msgpack_float(&r, &f), E_UNSUPPORTED);
}

static void put_text(struct wr *w, size_t n)
{
    static uint8_t text[70000];
    sl_msgpack_put_str(w, (struct span){text, n});
}

/* The shortest form, at each of its bounds. */
TEST(writing)
{
    static const struct {
        uint64_t v;
        const char *as_uint, *as_str, *as_bin, *as_array, *as_map; /* the first octets */
    } rows[] = {
        {0, "00", "a0", "c4 00", "90", "80"},
        {15, "0f", "af", "c4 0f", "9f", "8f"},
        {16, "10", "b0", "c4 10", "dc 00 10", "de 00 10"},
        {31, "1f", "bf", "c4 1f", "dc 00 1f", "de 00 1f"},
        {32, "20", "d9 20", "c4 20", "dc 00 20", "de 00 20"},
        {127, "7f", "d9 7f", "c4 7f", "dc 00 7f", "de 00 7f"},
        {128, "cc 80", "d9 80", "c4 80", "dc 00 80", "de 00 80"},
        {255, "cc ff", "d9 ff", "c4 ff", "dc 00 ff", "de 00 ff"},
        {256, "cd 01 00", "da 01 00", "c5 01 00", "dc 01 00", "de 01 00"},
        {65535, "cd ff ff", "da ff ff", "c5 ff ff", "dc ff ff", "de ff ff"},
        {65536, "ce 00 01 00 00", "db 00 01 00 00", "c6 00 01 00 00", "dd 00 01 00 00",
         "df 00 01 00 00"},
    };
    static uint8_t buf[70010], zeros[65536];
    for (size_t i = 0; i < LEN(rows); i++)
        for (int form = 0; form < 5; form++) {
            struct wr w = wr_of(buf, sizeof buf);
            size_t n = rows[i].v;
            const char *want[] = {rows[i].as_uint, rows[i].as_str, rows[i].as_bin,
                                  rows[i].as_array, rows[i].as_map};
            struct span head = check_hex(want[form]);
            check_row(want[form]);
            switch (form) {
            case 0: sl_msgpack_put_uint(&w, n); break;
            case 1: put_text(&w, n); break;
            case 2: sl_msgpack_put_bin(&w, (struct span){zeros, n}); break;
            case 3: sl_msgpack_put_array(&w, (uint32_t)n); break;
            default: sl_msgpack_put_map(&w, (uint32_t)n); break;
            }
            CHECK_INT(w.n, head.n + (form == 1 || form == 2 ? n : 0));
            CHECK(span_eq((struct span){w.p, head.n}, head));
        }
    struct wr w = wr_of(buf, sizeof buf);
    sl_msgpack_put_uint(&w, UINT64_MAX);
    sl_msgpack_put_nil(&w);
    sl_msgpack_put_bool(&w, true);
    sl_msgpack_put_bool(&w, false);
    sl_msgpack_put_float(&w, 0.5);
    CHECK(span_eq(wr_done(&w), check_hex("cf ff ff ff ff ff ff ff ff c0 c3 c2 "
                                         "cb 3f e0 00 00 00 00 00 00")));
}
