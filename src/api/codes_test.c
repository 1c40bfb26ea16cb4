#include "api/codes.h"

#include "check.h"

TEST(codes_of_who_is_not_let_in)
{
    static const struct {
        enum err e;
        const char *code;
    } rows[] = {{E_ABSENT, "no_room"},   {E_STATE, "locked"},    {E_FULL, "full"},
                {E_DENIED, "forbidden"}, {E_MEMORY, "internal"}, {E_OK, NULL}};
    for (size_t i = 0; i < LEN(rows); i++) {
        const char *code = sl_codes_entry(rows[i].e);
        CHECK(!code == !rows[i].code);
        if (code && rows[i].code)
            CHECK_STR(code, rows[i].code);
    }
}

TEST(codes_of_descriptions)
{
    static const struct {
        enum err e;
        struct refused refused;
        const char *code, *detail;
    } rows[] = {
        {E_MALFORMED, {NEGOTIATE_OK, 7}, "sdp", "line 7"},
        {E_MALFORMED, {NEGOTIATE_OK, 0}, "sdp", ""},
        {E_UNSUPPORTED,
         {NEGOTIATE_NO_MEDIA, 0},
         "offer",
         "no-media: no section offers what this resource does"},
        {E_STATE, {NEGOTIATE_OK, 3}, "glare", ""},
        {E_FULL, {NEGOTIATE_OK, 3}, "full", ""},
        {E_FULL, {.crowded = true}, "full", "publishers"},
        {E_MEMORY, {NEGOTIATE_OK, 3}, "internal", ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char detail[CODES_DETAIL_CAP] = "x";
        check_row(rows[i].detail);
        CHECK_STR(sl_codes_description(rows[i].e, &rows[i].refused, detail),
                  rows[i].code);
        CHECK_STR(detail, rows[i].detail);
    }
}
