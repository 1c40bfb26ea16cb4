#include "media/av1.h"

#include "media/payload_check.h"

/* Aggregation header Z Y W W N, then OBUs: 0a is a sequence header with a length of its own,
 * 08 one without, 30 a frame, 34 a frame with layer ids, 18 a frame header, 20 a tile group.
 * A frame that begins with a clear bit and frame type 0 (00..1f) is a key frame. */
static const struct payload_row rows[] = {
    {"key: N, sequence header and frame", "28 02 08aa 30 10 aa", E_OK, "key start up7"},
    {"key without N", "20 02 08aa 30 10 aa", E_OK, "key start up7"},
    {"sequence header, but no key frame", "20 02 08aa 30 30 aa", E_OK, "start"},
    {"sequence header before a shown frame", "20 02 08aa 30 80 aa", E_OK, "start"},
    {"frame alone", "10 30 30 aa", E_OK, "start"},
    {"frame header and tile group", "20 02 1830 20 aa", E_OK, "start"},
    {"tile group does not begin a frame", "10 20 aa", E_OK, ""},
    {"N on another layer than the base", "18 34 08 10", E_OK, "start S1"},
    {"N on a tile group", "18 20 aa", E_OK, "key start up7"},
    {"sequence header alone, with length", "00 02 08aa", E_OK, "start"},
    {"temporal delimiter", "10 10", E_OK, "start"},
    {"metadata", "10 28 aa", E_OK, "start"},
    {"key frame without sequence header", "20 02 28aa 30 10", E_OK, "start"},
    {"frame without body", "20 02 08aa 30", E_OK, "start"},
    {"continued OBU", "90 aabbcc", E_OK, ""},
    {"N on a continued OBU means nothing", "98 aabbcc", E_OK, ""},
    {"layers", "10 34 48 30", E_OK, "start S1 T2"},
    {"OBU with a size of its own", "10 32 02 30aa", E_OK, "start"},
    {"all elements with length", "00 02 08aa 02 3010", E_OK, "key start up7"},
    {"length in two octets", "00 8200 08aa 02 3010", E_OK, "key start up7"},
    {"three elements", "38 01 10 02 08aa 30 10", E_OK, "key start up7"},
    {"aggregation header alone", "10", E_MALFORMED, ""},
    {"continuation of nothing", "90", E_MALFORMED, ""},
    {"element longer than the payload", "00 05 3010", E_MALFORMED, ""},
    {"element of length 0", "00 00 3010", E_MALFORMED, ""},
    {"length that never ends", "00 8080808080808080 01", E_MALFORMED, ""},
    {"ends before the layer ids", "10 34", E_MALFORMED, ""},
    {"second element missing", "20 02 08aa", E_MALFORMED, ""},
};

TEST(av1_long_element)
{
    uint8_t in[1 + 2 + 129 + 3] = {[1] = 0x81, [2] = 0x01, [3] = 0x08}; /* 129 octets */
    struct payload p;
    memcpy(in + sizeof in - 3, "\x02\x30\x10", 3);
    CHECK_INT(sl_av1_read((struct span){in, sizeof in}, false, &p), E_OK);
    CHECK(p.key);
}

TEST(av1_read)
{
    check_payloads(CODEC_AV1, rows, LEN(rows));
}
