#include "media/vp9.h"

#include "media/payload_check.h"

/* The descriptor, RFC 9628 §4.2: I P L F B E V Z, then what these announce. */
static const struct payload_row rows[] = {
    {"whole key frame", "0c 82", E_OK, "key start end up7"},
    {"whole frame that refers to others", "4c 86", E_OK, "start end"},
    {"middle of a key frame", "00 82", E_OK, ""},
    {"7-bit picture id", "8c 17 82", E_OK, "key start end up7 pic23 ids2"},
    {"15-bit picture id", "8c 92 34 82", E_OK, "key start end up7 longpic4660 ids3"},
    {"layer and tl0picidx, not flexible", "a8 92 34 00 07 82", E_OK,
     "key start up7 longpic4660 tl7 ids5"},
    {"spatial 1 of a key picture", "ac 92 34 03 07 82", E_OK,
     "start end S1 longpic4660 tl7 ids5"},
    {"spatial 1 without inter-layer prediction", "ac 92 34 02 07 82", E_OK,
     "start end S1 longpic4660 tl7 ids5"},
    {"temporal 2, switching up", "ec 92 34 50 07 86", E_OK,
     "start end T2 up+2 longpic4660 tl7 ids5"},
    {"spatial 1 of it promises nothing of its own", "ec 92 34 53 07 86", E_OK,
     "start end S1 T2 longpic4660 tl7 ids5"},
    {"base layer, switching up", "ec 92 34 10 07 86", E_OK,
     "start end up7 longpic4660 tl7 ids5"},
    {"temporal 2, spatial 2", "ec 92 34 45 07 86", E_OK,
     "start end S2 T2 longpic4660 tl7 ids5"},
    {"flexible, one reference", "fc 92 34 40 02 86", E_OK,
     "start end T2 longpic4660 ids3"},
    {"flexible, three references", "fc 92 34 40 03 05 06 86", E_OK,
     "start end T2 longpic4660 ids3"},
    {"flexible key frame has no references", "bc 92 34 00 82", E_OK,
     "key start end up7 longpic4660 ids3"},
    {"structure of 3 sizes", "8a 17 50 0140 00b4 0280 0168 0500 02d0 82", E_OK,
     "key start up7 pic23 ids2"},
    {"structure of 2 sizes and 2 pictures", "8a 17 38 0140 00b4 0280 0168 02 00 54 02 82",
     E_OK, "key start up7 pic23 ids2"},
    {"structure of nothing", "8a 17 00 82", E_OK, "key start up7 pic23 ids2"},
    {"four references", "fc 92 34 40 03 05 07 08 86", E_MALFORMED, ""},
    {"references never end", "fc 92 34 40 03", E_MALFORMED, ""},
    {"ends inside a picture id", "8c 92", E_MALFORMED, ""},
    {"ends before the layer", "ac 92 34", E_MALFORMED, ""},
    {"ends before tl0picidx", "ac 92 34 00", E_MALFORMED, ""},
    {"structure ends inside a size", "8a 17 50 0140 00b4 0280 0168 0500", E_MALFORMED,
     ""},
    {"structure of 255 pictures, 2 there", "8a 17 08 ff 00 00", E_MALFORMED, ""},
    {"picture of the structure ends in its reference", "8a 17 08 01 54 02", E_MALFORMED,
     ""},
    {"nothing behind the structure", "8a 17 00", E_MALFORMED, ""},
    {"descriptor alone", "4c", E_MALFORMED, ""},
};

TEST(vp9_read)
{
    check_payloads(CODEC_VP9, rows, LEN(rows));
}
