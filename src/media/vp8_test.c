#include "media/vp8.h"

#include "media/payload_check.h"

/* The descriptor, RFC 7741 §4.2, then the first octets of a frame: of a key frame (P clear)
 * 10 02 00 9d 01 2a, of another 11. */
static const struct payload_row rows[] = {
    {"key frame, no extension", "10 100200 9d012a", E_OK, "key start up7"},
    {"frame that refers to others", "10 11 00", E_OK, "start"},
    {"middle of a frame is no key", "00 100200", E_OK, ""},
    {"second partition is no start", "11 100200", E_OK, ""},
    {"discardable frame", "30 11", E_OK, "start discard"},
    {"7-bit picture id", "90 80 17 11", E_OK, "start pic23 ids3"},
    {"15-bit picture id", "90 80 92 34 11", E_OK, "start longpic4660 ids4"},
    {"all fields of a browser", "90 e0 92 34 05 40 11", E_OK,
     "start T1 longpic4660 tl5 ids5"},
    {"key frame of a browser", "90 e0 80 00 00 00 10", E_OK,
     "key start up7 longpic0 tl0 ids5"},
    {"layer sync in layer 2", "90 e0 92 34 05 a0 11", E_OK,
     "start T2 up2 longpic4660 tl5 ids5"},
    {"tl0picidx without picture id", "90 60 07 80 11", E_OK, "start T2 tl7 ids3"},
    {"key index alone tells no layer", "90 10 c3 11", E_OK, "start"},
    {"extension without fields", "90 00 10", E_OK, "key start up7"},
    {"reserved bits are ignored", "58 0f", E_OK, "start"},
    {"ends after the first octet", "10", E_MALFORMED, ""},
    {"ends before the extension octet", "90", E_MALFORMED, ""},
    {"ends inside a picture id", "90 80 92", E_MALFORMED, ""},
    {"ends before tl0picidx", "90 c0 92 34", E_MALFORMED, ""},
    {"ends before the layer", "90 e0 92 34 05", E_MALFORMED, ""},
    {"nothing behind the descriptor", "90 e0 92 34 05 40", E_MALFORMED, ""},
};

TEST(vp8_read)
{
    check_payloads(CODEC_VP8, rows, LEN(rows));
}
