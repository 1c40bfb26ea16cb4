#include "media/vla.h"

#include <stdio.h>

#include "check.h"

/* Each layer that is sent: "0.1 2 100,200 640x360@30" is stream 0, size 1, of 2 rates. */
static const struct {
    const char *name;
    const char *hex;
    enum err want;
    uint8_t stream, streams_n;
    const char *says;
} rows[] = {
    {"nothing is sent", "00", E_OK, 0, 1, ""},
    {"one layer", "01 00 64", E_OK, 0, 1, "0.0 1 100 "},
    {"three encodings of three rates", "61 a8 32 4b 64 a801 c801 ac02 8403 a004 d007",
     E_OK, 1, 3, "0.0 3 50,75,100 1.0 3 168,200,300 2.0 3 388,544,976 "},
    {"three sizes, with sizes and rates",
     "07 00 32 64 c801 013f 00b3 1e 027f 0167 1e 04ff 02cf 1e", E_OK, 0, 1,
     "0.0 1 50 320x180@30 0.1 1 100 640x360@30 0.2 1 200 1280x720@30 "},
    {"the second encoding is off", "90 10 00 0a", E_OK, 2, 2, "0.0 1 10 "},
    {"each encoding with sizes of its own", "50 13 10 0a 0b 0c 0d", E_OK, 1, 2,
     "0.0 1 10 1.0 2 11,12 1.1 1 13 "},
    {"sizes of the first only are there", "03 00 0a 14 013f 00b3 1e", E_OK, 0, 1,
     "0.0 1 10 320x180@30 0.1 1 20 "},
    {"largest of all",
     "ff ffffffff"
     "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"
     "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"
     "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"
     "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
     E_OK, 3, 4, NULL},
    {"rate of 32 bits", "01 00 ffffffff0f", E_OK, 0, 1, "0.0 1 4294967295 "},
    {"rate of 33 bits", "01 00 ffffffff1f", E_MALFORMED, 0, 0, ""},
    {"rate without end", "01 00 8080808080 00", E_MALFORMED, 0, 0, ""},
    {"empty", "", E_MALFORMED, 0, 0, ""},
    {"ends before the rates", "01 00", E_MALFORMED, 0, 0, ""},
    {"ends before how many there are", "01", E_MALFORMED, 0, 0, ""},
    {"ends before the sizes of streams", "10", E_MALFORMED, 0, 0, ""},
};

static void text(const struct vla *v, char *ret, size_t n)
{
    struct wr w = wr_of((uint8_t *)ret, n - 1);
    for (unsigned i = 0; i < VLA_STREAMS_MAX; i++)
        for (unsigned s = 0; s < VLA_SPATIALS_MAX; s++) {
            const struct vla_layer *l = &v->layers[i][s];
            char part[64];
            for (unsigned t = 0; t < l->temporals; t++) {
                snprintf(part, sizeof part, t > 0 ? ",%u" : "%u.%u %u %u",
                         t > 0 ? l->kbps[t] : i, s, l->temporals, l->kbps[t]);
                wr_str(&w, part);
            }
            snprintf(part, sizeof part, " %ux%u@%u", l->width, l->height, l->fps);
            wr_str(&w, l->width > 0 ? part : "");
            wr_str(&w, l->temporals > 0 ? " " : "");
        }
    ret[w.n] = '\0';
}

TEST(vla_read)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct vla v = {0};
        char got[1024];
        check_row(rows[i].name);
        CHECK_INT(sl_vla_read(check_hex(rows[i].hex), &v), rows[i].want);
        CHECK_INT(v.stream, rows[i].stream);
        CHECK_INT(v.streams_n, rows[i].streams_n);
        text(&v, got, sizeof got);
        if (rows[i].says && strcmp(got, rows[i].says) != 0)
            check_fail(__FILE__, __LINE__, "got \"%s\", want \"%s\"", got, rows[i].says);
    }
}
