#include "media/dd.h"

#include <stdio.h>

#include "check.h"

/* Octets from "0" and "1"; all other characters are for the reader. */
static struct span from_bits(const char *text, uint8_t ret[256])
{
    size_t n = 0;
    memset(ret, 0, 256);
    for (; *text; text++)
        if (*text == '0' || *text == '1') {
            ret[n / 8] |= (uint8_t)((*text - '0') << (7 - n % 8));
            n++;
        }
    return (struct span){ret, (n + 7) / 8};
}

/* Rows read: start, end, template; frame number, two octets; then five flags: structure,
 * active targets, indications of its own, fdiffs, chains. */

/* One spatial and three temporal layers, in templates 8 to 12. */
#define L1T3                                                                             \
    "001000 00010 "                                 /* first template, targets less 1 */ \
    "00 01 01 00 11 "                               /* layers: T0 T0 T1 T2 T2 */         \
    "101010 101010 000110 000001 000001"            /* SSS SSS -DS --D --D */            \
    "0 1 0011 0 1 0001 0 1 0000 0 1 0000 1 0010 0 " /* fdiffs */                         \
    "01 0000 0100 0010 0001 0011 "                  /* one chain */                      \
    "1 0000010011111111 0000001011001111 "          /* 1280x720 */

/* Three spatial layers that lean on each other in key frames only, templates 0 to 5. */
#define L3T1_KEY                                                                         \
    "000000 00010 "                                                                      \
    "00 10 00 10 00 11 "                         /* S0 S0 S1 S1 S2 S2 */                 \
    "101010 100000 001010 001000 000010 000010 " /* SSS S-- -SS -S- --S --S */           \
    "0 1 0010 0 1 0000 0 1 0010 0 1 0000 0 1 0010 0 "                                    \
    "11 0 10 11 " /* chains 0, 1, 2 of the targets */                                    \
    "0000 0000 0000 0011 0010 0001 0001 0001 0001 0011 0011 0011 0010 0010 0010 0011 "   \
    "0011 0011 "                                                                         \
    "0 "

/* A frame for everybody, with which everybody may begin; the sets of layers from a temporal or
 * a spatial one on. */
#define FOR_ALL .in = LAYER_ANY, .begin = LAYER_ANY
enum { FROM_T1 = 0xeeee, FROM_T2 = 0xcccc, FROM_S1 = 0xfff0, FROM_S2 = 0xff00 };

struct row {
    const char *name;
    const char *bits;
    enum err want;
    struct dd_frame f;
};

/* Reads the rows as the packets of one stream. */
static void read_stream(const struct row *rows, size_t n)
{
    struct dd dd = {0};
    for (size_t i = 0; i < n; i++) {
        uint8_t buf[256];
        struct dd_frame f = {0};
        const struct dd_frame *want = &rows[i].f;
        check_row(rows[i].name);
        CHECK_INT(sl_dd_read(&dd, from_bits(rows[i].bits, buf), &f), rows[i].want);
        CHECK_INT(f.number, want->number);
        CHECK_INT(f.known, want->known);
        CHECK_INT(f.key, want->key);
        CHECK_INT(f.start, want->start);
        CHECK_INT(f.end, want->end);
        CHECK_INT(f.discardable, want->discardable);
        CHECK_INT(f.spatial, want->spatial);
        CHECK_INT(f.temporal, want->temporal);
        CHECK_INT(f.in, want->in);
        CHECK_INT(f.begin, want->begin);
    }
}

TEST(dd_temporal_layers)
{
    static const struct row rows[] = {
        {"before any structure", "11 001000 00000000 00000101", E_OK, {.number = 5}},
        {"key frame, first packet",
         "10 001000 00000000 00000110 10000 " L1T3,
         E_OK,
         {.number = 6, .known = true, .key = true, .start = true, FOR_ALL}},
        {"its last packet",
         "01 001000 00000000 00000110",
         E_OK,
         {.number = 6, .known = true, .end = true, FOR_ALL}},
        {"T2",
         "11 001011 00000000 00000111",
         E_OK,
         {.number = 7,
          .known = true,
          .start = true,
          .end = true,
          .temporal = 2,
          .in = FROM_T2,
          .discardable = true}},
        {"T1 leads up to T2",
         "11 001010 00000000 00001000",
         E_OK,
         {.number = 8,
          .known = true,
          .start = true,
          .end = true,
          .temporal = 1,
          .in = FROM_T1,
          .begin = FROM_T2}},
        {"T0 that is no key",
         "10 001001 00000000 00001010",
         E_OK,
         {.number = 10, .known = true, .start = true, FOR_ALL}},
        {"active targets change nothing",
         "10 001001 00000000 00001010 01000 011",
         E_OK,
         {.number = 10, .known = true, .start = true, FOR_ALL}},
        {"indications of its own: RRR",
         "10 001001 00000000 00001010 00100 111111",
         E_OK,
         {.number = 10, .known = true, .start = true, .in = LAYER_ANY}},
        {"active targets and own indications: -DR",
         "10 001010 00000000 00001010 01100 111 000111",
         E_OK,
         {.number = 10, .known = true, .start = true, .temporal = 1, .in = FROM_T1}},
        {"indications of its own: -RD",
         "10 001001 00000000 00001010 00100 001101",
         E_OK,
         {.number = 10, .known = true, .start = true, .in = FROM_T1}},
        {"indications of its own: D--",
         "10 001001 00000000 00001010 00100 010000",
         E_OK,
         {.number = 10, .known = true, .start = true, .in = 0x1111, .discardable = true}},
        {"indications of its own: ---",
         "10 001001 00000000 00001010 00100 000000",
         E_OK,
         {.number = 10, .known = true, .start = true}},
        {"template below the first", "11 000111 00000000 00001011", E_OK, {.number = 11}},
        {"template behind the last", "11 001101 00000000 00001011", E_OK, {.number = 11}},
        {"structure without start of frame is no key",
         "00 001000 00000000 00001100 10000 " L1T3,
         E_OK,
         {.number = 12, .known = true, FOR_ALL}},
    };
    read_stream(rows, LEN(rows));
}

TEST(dd_spatial_layers)
{
    static const struct row rows[] = {
        {"key frame",
         "11 000000 00000000 00000001 10000 " L3T1_KEY,
         E_OK,
         {.number = 1, .known = true, .key = true, .start = true, .end = true, FOR_ALL}},
        {"spatial 1 of the key picture repeats the structure",
         "11 000010 00000000 00000010 10000 " L3T1_KEY,
         E_OK,
         {.number = 2,
          .known = true,
          .start = true,
          .end = true,
          .spatial = 1,
          .in = FROM_S1,
          .begin = FROM_S1}},
        {"spatial 2 later",
         "11 000101 00000000 00000111",
         E_OK,
         {.number = 7,
          .known = true,
          .start = true,
          .end = true,
          .spatial = 2,
          .in = FROM_S2,
          .begin = FROM_S2}},
    };
    read_stream(rows, LEN(rows));
}

/* Two spatial layers with two chains and sizes: all that stands between the templates and
 * the frame's own indications. */
#define L2T1                                                                             \
    "000000 00001 10 11 1010 0010 0 1 0000 0 "                                           \
    "11 0 1 0001 0010 0011 0100 "                                                        \
    "1 0000000100111111 0000000010110011 0000001001111111 0000000101100111 "

TEST(dd_what_stands_behind_a_structure)
{
    static const struct row rows[] = {
        {"indications of its own: SR",
         "11 000000 00000000 00000001 10100 " L2T1 "1011",
         E_OK,
         {.number = 1,
          .known = true,
          .key = true,
          .start = true,
          .end = true,
          .in = LAYER_ANY,
          .begin = 0x000f}},
        {"indications of its own: DD",
         "11 000000 00000000 00000010 10100 " L2T1 "0101",
         E_OK,
         {.number = 2,
          .known = true,
          .key = true,
          .start = true,
          .end = true,
          .in = LAYER_ANY,
          .discardable = true}},
        {"active targets, then DD",
         "11 000000 00000000 00000011 11100 " L2T1 "11 0101",
         E_OK,
         {.number = 3,
          .known = true,
          .key = true,
          .start = true,
          .end = true,
          .in = LAYER_ANY,
          .discardable = true}},
    };
    read_stream(rows, LEN(rows));
}

TEST(dd_most_layers)
{
    static const struct row rows[] = {
        {"4 spatial",
         "10 000011 00000000 00000001 10000 000000 00000 10 10 10 11 10101010 0000 0 0",
         E_OK,
         {.number = 1, .known = true, .start = true, .spatial = 3, FOR_ALL}},
        {"8 temporal",
         "10 000111 00000000 00000010 10000 000000 00000 01 01 01 01 01 01 01 11 "
         "1010101010101010 00000000 0 0",
         E_OK,
         {.number = 2,
          .known = true,
          .key = true,
          .start = true,
          .temporal = 7,
          FOR_ALL}},
    };
    read_stream(rows, LEN(rows));
}

TEST(dd_structure_that_came_late)
{
    static const struct row rows[] = {
        {"structure of templates 8 to 12",
         "10 001000 00000010 00000000 10000 " L1T3,
         E_OK,
         {.number = 512, .known = true, .key = true, .start = true, FOR_ALL}},
        {"older one with templates 0 to 5, for its own frame",
         "11 000000 00000001 11111111 10000 " L3T1_KEY,
         E_OK,
         {.number = 511,
          .known = true,
          .key = true,
          .start = true,
          .end = true,
          FOR_ALL}},
        {"does not replace the newer",
         "10 001011 00000010 00000001",
         E_OK,
         {.number = 513,
          .known = true,
          .start = true,
          .temporal = 2,
          .in = FROM_T2,
          .discardable = true}},
        {"a sender that counts anew",
         "11 000000 00000000 00000001 10000 " L3T1_KEY,
         E_OK,
         {.number = 1, .known = true, .key = true, .start = true, .end = true, FOR_ALL}},
        {"does", "11 001011 00000000 00000010", E_OK, {.number = 2}},
    };
    read_stream(rows, LEN(rows));
}

/* The targets that a viewer of a layer gets whole, by the numbers that the structure gives. */
TEST(dd_targets_of_a_layer)
{
    static const struct {
        const char *name, *bits;
        uint8_t spatial, temporal;
        uint32_t want;
    } of[] = {
        {"lowest rate", L1T3, 0, 0, 1},
        {"the one above", L1T3, 0, 1, 3},
        {"highest", L1T3, 0, 2, 7},
        {"above the highest", L1T3, 3, 3, 7},
        {"lowest size of those on their own", L3T1_KEY, 0, 0, 1},
        {"middle size of those on their own", L3T1_KEY, 1, 0, 2},
        {"highest size of those on their own", L3T1_KEY, 2, 3, 4},
        {"lower size of those that lean", L2T1, 0, 0, 1},
        {"higher size of those that lean", L2T1, 1, 0, 3},
    };
    for (size_t i = 0; i < LEN(of); i++) {
        uint8_t buf[256];
        char bits[2048];
        struct dd dd = {0};
        struct dd_frame f;
        check_row(of[i].name);
        snprintf(bits, sizeof bits, "11 000000 00000000 00000001 10000 %s", of[i].bits);
        CHECK_INT(sl_dd_read(&dd, from_bits(bits, buf), &f), E_OK);
        CHECK_INT(dd.within[layer_at(of[i].spatial, of[i].temporal)], of[i].want);
    }
}

TEST(dd_sizes)
{
    uint8_t buf[256];
    struct dd dd = {0};
    struct dd_frame f;
    CHECK_INT(
        sl_dd_read(&dd, from_bits("11 001000 00000000 00000001 10000 " L1T3, buf), &f),
        E_OK);
    CHECK_INT(dd.sizes_n, 1);
    CHECK(dd.sizes[0].width == 1280 && dd.sizes[0].height == 720);
    CHECK_INT(
        sl_dd_read(&dd, from_bits("11 000000 00000000 00000010 10000 " L2T1, buf), &f),
        E_OK);
    CHECK_INT(dd.sizes_n, 2);
    CHECK(dd.sizes[1].width == 640 && dd.sizes[1].height == 360);
}

TEST(dd_malformed)
{
    static const struct row rows[] = {
        {"empty", "", E_MALFORMED, {0}},
        {"two octets", "11 000000 00000000", E_MALFORMED, {0}},
        {"structure flag without structure",
         "11 000000 00000000 00000001 10000 000",
         E_MALFORMED,
         {0}},
        {"5 spatial layers",
         "11 000000 00000000 00000001 10000 000000 00000 10 10 10 10 11 0000000000 00000 "
         "0 0 0 0 0 0",
         E_MALFORMED,
         {0}},
        {"9 temporal layers",
         "11 000000 00000000 00000001 10000 000000 00000 01 01 01 01 01 01 01 01 11 "
         "000000000000000000 000000000 0 0 0 0 0 0",
         E_MALFORMED,
         {0}},
        {"structure ends in its chains",
         "11 000000 00000000 00000001 10000 000000 00000 00 00 11 101010 0 0 0 1 0000 "
         "0000",
         E_MALFORMED,
         {0}},
        {"structure ends in a resolution",
         "11 000000 00000000 00000001 10000 000000 00000 11 10 0 0 1 0000000000000000",
         E_MALFORMED,
         {0}},
        {"nothing of these was kept", "11 000000 00000000 00000001", E_OK, {.number = 1}},
    };
    read_stream(rows, LEN(rows));
}

TEST(dd_structure_has_a_limit)
{
    uint8_t ext[255] = {0x80, 0, 1, 0x80}; /* next_layer_idc is 0 for ever */
    struct dd dd = {0};
    struct dd_frame f;

    CHECK_INT(sl_dd_read(&dd, (struct span){ext, sizeof ext}, &f), E_MALFORMED);
    CHECK(!dd.known && dd.templates_n == 0);
}
