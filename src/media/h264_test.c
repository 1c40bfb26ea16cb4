#include "media/h264.h"

#include "media/payload_check.h"

/* First octets: F, NRI, type; 88 begins a slice with first_mb_in_slice 0, 48 another. */
static const struct payload_row rows[] = {
    {"SPS", "67 42e01f", E_OK, "key start up7"},
    {"PPS alone is no key", "68 ce3c80", E_OK, "start"},
    {"access unit delimiter", "09 10", E_OK, "start"},
    {"SEI", "06 0504", E_OK, "start"},
    {"IDR, first slice", "65 8884", E_OK, "key start up7"},
    {"IDR, another slice", "65 4884", E_OK, ""},
    {"IDR without body", "65", E_OK, ""},
    {"last type that is a unit", "77 aa", E_OK, ""},
    {"slice of a reference picture", "61 9a", E_OK, "start"},
    {"slice that nothing refers to", "01 9a", E_OK, "start discard T1 up+1"},
    {"STAP-A of SPS, PPS and IDR", "78 0002 6742 0002 68ce 0002 6588", E_OK,
     "key start up7"},
    {"STAP-A of SPS and PPS", "78 0002 6742 0002 68ce", E_OK, "key start up7"},
    {"STAP-A of PPS and slice", "78 0002 68ce 0002 619a", E_OK, "start"},
    {"STAP-A of two later slices", "78 0002 0148 0002 0148", E_OK, "discard T1 up+1"},
    {"STAP-A of a later slice and SPS", "78 0002 0148 0002 6742", E_OK,
     "key start discard up7"},
    {"FU-A, start of an IDR", "7c 85 8884", E_OK, "key start up7"},
    {"FU-A, middle of an IDR", "7c 05 8884", E_OK, ""},
    {"FU-A, end of an IDR", "7c 45 8884", E_OK, ""},
    {"FU-A, start of a slice", "5c 81 9a", E_OK, "start"},
    {"FU-A, middle of a discardable slice", "1c 01 9a", E_OK, "discard T1 up+1"},
    {"FU-A without body", "7c 85", E_MALFORMED, ""},
    {"FU-A without header", "7c", E_MALFORMED, ""},
    {"STAP-A of nothing", "78", E_MALFORMED, ""},
    {"STAP-A, unit longer than the packet", "78 0009 6742", E_MALFORMED, ""},
    {"STAP-A, unit of length 0", "78 0000", E_MALFORMED, ""},
    {"STAP-A, ends inside a length", "78 0002 6742 00", E_MALFORMED, ""},
    {"type 0", "60 aa", E_MALFORMED, ""},
    {"type 30", "7e aa", E_MALFORMED, ""},
    {"type 31", "7f aa", E_MALFORMED, ""},
    {"STAP-B", "79 0001 0002 6742", E_UNSUPPORTED, ""},
    {"MTAP16", "7a 0001", E_UNSUPPORTED, ""},
    {"MTAP24", "7b 0001", E_UNSUPPORTED, ""},
    {"FU-B", "7d 85 0001 88", E_UNSUPPORTED, ""},
};

TEST(h264_read)
{
    check_payloads(CODEC_H264, rows, LEN(rows));
}
