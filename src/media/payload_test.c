#include "media/payload.h"

#include "media/payload_check.h"

static const struct {
    const char *name;
    enum codec codec;
    const char *hex;
    bool marker;
    const char *ext;
    enum err want;
    const char *says;
} rows[] = {
    {"G.722", CODEC_G722, "00", false, "", E_OK, "key start end"},
    {"PCMU", CODEC_PCMU, "00", true, "", E_OK, "key start end"},
    {"PCMA", CODEC_PCMA, "00", false, "", E_OK, "key start end"},
    {"padding of a probe", CODEC_VP8, "", false, "", E_OK, "empty"},
    {"marker ends a VP8 frame", CODEC_VP8, "00 00", true, "", E_OK, "end"},
    {"marker ends an H.264 frame", CODEC_H264, "01 48", true, "", E_OK,
     "end discard T1 up+1"},
    {"marker ends an H.265 frame", CODEC_H265, "0201 50", true, "", E_OK, "end"},
    {"marker ends an AV1 frame", CODEC_AV1, "90 aa", true, "", E_OK, "end"},
    {"marker ends a VP9 picture, not its frame", CODEC_VP9, "40 86", true, "", E_OK, ""},
    {"RTX is no codec", CODEC_RTX, "0001 10 00", false, "", E_UNSUPPORTED, ""},
    {"none is no codec", CODEC_NONE, "10", false, "", E_UNSUPPORTED, ""},
    {"encrypted H.264, described", CODEC_H264, "ffffff", false, "80 0007 80 00 e0", E_OK,
     "key start up7 frame7"},
    {"the same, described before", CODEC_H264, "ffffff", false, "40 0007", E_OK,
     "end up7 frame7"},
    {"unknown template: the payload tells", CODEC_H264, "6588", false, "c5 0008", E_OK,
     "key start up7 frame8"},
    {"broken extension: the payload tells", CODEC_H264, "6588", false, "c0 00", E_OK,
     "key start up7"},
    {"VP8 keeps its ids, described", CODEC_VP8, "90 e0 92 34 05 40 10", false, "40 0009",
     E_OK, "end up7 longpic4660 tl5 ids5 frame9"},
    {"with a key all begin, whatever its structure says", CODEC_H264, "ffffff", false,
     "80 000a 80 00 f0", E_OK, "key start up7 frame10"},
    {"broken VP8, described", CODEC_VP8, "90 80", false, "40 0009", E_MALFORMED, ""},
};

TEST(payload_read)
{
    struct dd dd = {0};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct payload p = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_payload_read(rows[i].codec, check_hex(rows[i].hex), rows[i].marker,
                                  check_hex(rows[i].ext), &dd, &p),
                  rows[i].want);
        check_payload(&p, rows[i].says);
    }
}

/* Sets of layers: a hexadecimal digit for each spatial layer, the lowest last, and in it a
 * bit for each temporal. */
static const struct {
    const char *name;
    enum codec codec;
    const char *hex;
    uint16_t in, begin;
    bool sync;
} layers[] = {
    {"no layers", CODEC_VP8, "10 11", 0xffff, 0, false},
    {"key", CODEC_VP8, "10 10", 0xffff, 0xffff, false},
    {"VP8 T1", CODEC_VP8, "90 e0 92 34 05 40 11", 0xeeee, 0, false},
    {"VP8 T1, layer sync", CODEC_VP8, "90 e0 92 34 05 60 11", 0xeeee, 0x2222, true},
    {"VP8 T0, layer sync", CODEC_VP8, "90 e0 92 34 05 20 11", 0xffff, 0, false},
    {"VP8 T3", CODEC_VP8, "90 e0 92 34 05 c0 11", 0x8888, 0, false},
    {"VP9 S1 T2", CODEC_VP9, "ec 92 34 43 07 86", 0xccc0, 0, false},
    {"VP9 S1 T2, alone", CODEC_VP9, "ed 92 34 42 07 86", 0x00c0, 0, false},
    {"VP9 T1, switching up", CODEC_VP9, "ec 92 34 30 07 86", 0xeeee, 0xeeee, true},
    {"VP9 T0, switching up", CODEC_VP9, "ec 92 34 10 07 86", 0xffff, 0xffff, false},
    {"VP9 S1, alone, switching up", CODEC_VP9, "ed 92 34 32 07 86", 0x00e0, 0x00e0, true},
    {"VP9 S2 T5", CODEC_VP9, "ec 92 34 a5 07 86", 0x8800, 0, false},
    {"H.264 that nothing refers to", CODEC_H264, "01 48", 0xeeee, 0xeeee, true},
    {"H.265 TSA_R", CODEC_H265, "0602 d0", 0xeeee, 0xeeee, true},
    {"H.265 STSA_R", CODEC_H265, "0a02 d0", 0xeeee, 0x2222, true},
    {"Opus", CODEC_OPUS, "fc 01", 0xffff, 0, false},
};

TEST(payload_layers)
{
    for (size_t i = 0; i < LEN(layers); i++) {
        struct payload p = {0};
        check_row(layers[i].name);
        CHECK_INT(sl_payload_read(layers[i].codec, check_hex(layers[i].hex), false,
                                  (struct span){0}, NULL, &p),
                  E_OK);
        CHECK_INT(p.in, layers[i].in);
        CHECK_INT(p.begin, layers[i].begin);
        CHECK_INT(p.sync, layers[i].sync);
    }
}

TEST(payload_of_a_stream_without_descriptor)
{
    struct payload p = {0};
    CHECK_INT(sl_payload_read(CODEC_H264, check_hex("6588"), false, check_hex("c0 0008"),
                              NULL, &p),
              E_OK);
    check_payload(&p, "key start up7");
}

static const struct {
    const char *name;
    enum codec codec;
    const char *hex;
    uint16_t picture_id;
    uint8_t tl0picidx;
    const char *want; /* the first ids_n octets */
} renumber[] = {
    {"VP8, 15 bits", CODEC_VP8, "90 e0 92 34 05 40 11", 0x7fff, 9, "90 e0 ff ff 09"},
    {"VP8, 15 bits of a low id", CODEC_VP8, "90 e0 92 34 05 40 11", 1, 9,
     "90 e0 80 01 09"},
    {"VP8, 7 bits", CODEC_VP8, "90 80 17 11", 0x1ff, 9, "90 80 7f"},
    {"VP8, tl0picidx alone", CODEC_VP8, "90 60 07 80 11", 5, 9, "90 60 09"},
    {"VP8 without ids", CODEC_VP8, "10 11", 5, 9, ""},
    {"VP9", CODEC_VP9, "ec 92 34 50 07 86", 0x102, 9, "ec 81 02 50 09"},
    {"VP9, flexible", CODEC_VP9, "fc 92 34 40 02 86", 0x102, 9, "fc 81 02"},
};

TEST(payload_renumber)
{
    for (size_t i = 0; i < LEN(renumber); i++) {
        struct span in = check_hex(renumber[i].hex);
        struct payload p = {0};
        uint8_t got[PAYLOAD_IDS_MAX];
        check_row(renumber[i].name);
        CHECK_INT(
            sl_payload_read(renumber[i].codec, in, false, (struct span){0}, NULL, &p),
            E_OK);
        sl_payload_renumber(&p, in, renumber[i].picture_id, renumber[i].tl0picidx, got);
        CHECK(span_eq((struct span){got, p.ids_n}, check_hex(renumber[i].want)));
    }
}
