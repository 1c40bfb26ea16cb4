#include "media/h265.h"

#include "media/payload_check.h"

/* Two octets of header: type << 9 | layer << 3 | temporal layer + 1; then, of a slice, 80
 * and more is the first of its picture. */
static const struct payload_row rows[] = {
    {"VPS", "4001 0c01", E_OK, "key start up7"},
    {"SPS", "4201 0101", E_OK, "key start up7"},
    {"PPS alone is no key", "4401 c1", E_OK, "start"},
    {"access unit delimiter", "4601 50", E_OK, "start"},
    {"prefix SEI", "4e01 05", E_OK, "start"},
    {"suffix SEI is no start", "5001 05", E_OK, ""},
    {"IDR_W_RADL", "2601 af", E_OK, "key start up7"},
    {"IDR_N_LP", "2801 af", E_OK, "key start up7"},
    {"BLA_W_LP", "2001 af", E_OK, "key start up7"},
    {"last of the random access types", "2e01 af", E_OK, "key start up7"},
    {"CRA", "2a01 af", E_OK, "key start up7"},
    {"IDR, another slice", "2601 2f", E_OK, ""},
    {"IDR without body", "2601", E_OK, ""},
    {"reserved type that is not referred to", "1c01 50", E_OK, "discard"},
    {"last type of a slice", "3e01 d0", E_OK, "start"},
    {"TRAIL_R", "0201 d0", E_OK, "start"},
    {"TRAIL_N in layer 1", "0002 d0", E_OK, "start discard T1"},
    {"TSA_N in layer 2", "0403 d0", E_OK, "start discard T2 up+2"},
    {"TSA_R in layer 1", "0602 d0", E_OK, "start T1 up+1"},
    {"STSA_R in layer 1", "0a02 d0", E_OK, "start T1 up1"},
    {"AP of VPS, SPS, PPS", "6001 0003 4001aa 0003 4201aa 0003 4401aa", E_OK,
     "key start up7"},
    {"AP of PPS and slice", "6001 0003 4401aa 0003 0201d0", E_OK, "start"},
    {"AP of a later slice and SPS", "6001 0003 020150 0003 4201aa", E_OK,
     "key start up7"},
    {"FU, start of an IDR", "6201 93 af", E_OK, "key start up7"},
    {"FU, middle of an IDR", "6201 13 af", E_OK, ""},
    {"FU, end of an IDR", "6201 53 af", E_OK, ""},
    {"one octet", "40", E_MALFORMED, ""},
    {"temporal layer -1", "4000 0c", E_MALFORMED, ""},
    {"FU without body", "6201 93", E_MALFORMED, ""},
    {"AP of nothing", "6001", E_MALFORMED, ""},
    {"AP, unit longer than the packet", "6001 0009 4001", E_MALFORMED, ""},
    {"AP, unit of one octet", "6001 0001 40", E_MALFORMED, ""},
    {"PACI", "6401 00", E_UNSUPPORTED, ""},
    {"type 63", "7e01 00", E_UNSUPPORTED, ""},
};

TEST(h265_read)
{
    check_payloads(CODEC_H265, rows, LEN(rows));
}
