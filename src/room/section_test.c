#include "room/section.h"

#include <stdlib.h>

#include "check.h"

enum { S = 1, A = 2, V = 4, O = 8, G = 16 }; /* stopped, audio, video, ours, agreed */

TEST(where_a_slot_goes)
{
    static const struct {
        const char *name;
        unsigned is[3];
        size_t n;
        enum media_kind kind;
        unsigned want;
        const char *mid;
    } rows[] = {
        {"the first", {0}, 0, MEDIA_AUDIO, 0, "s0"},
        {"behind what the peer made", {A | G, V | G}, 2, MEDIA_AUDIO, 2, "s0"},
        {"in one of ours that is empty", {A | O | G, V | O | G}, 2, MEDIA_VIDEO, 1, ""},
        {"of which the peer knows", {V | O}, 1, MEDIA_VIDEO, 1, "s0"},
        {"in one that was stopped", {A | G, V | S | G}, 2, MEDIA_AUDIO, 1, "s0"},
        {"rather than in that", {A | S | G, A | O | G}, 2, MEDIA_AUDIO, 1, ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct dialog d = {.conf = {.letter = 's'}, .n = rows[i].n, .cap = 4};
        struct dialog_slot slot = {.kind = rows[i].kind, .section = DIALOG_NOWHERE};
        check_row(rows[i].name);
        d.sections = calloc(4, sizeof *d.sections);
        for (size_t k = 0; k < d.n; k++)
            d.sections[k] =
                (struct section){.type = rows[i].is[k] & V ? SDP_VIDEO : SDP_AUDIO,
                                 .ours = rows[i].is[k] & O,
                                 .agreed = rows[i].is[k] & G,
                                 .stopped = rows[i].is[k] & S};
        list_init(&d.waiting);
        list_add(&d.waiting, &slot.link);
        CHECK(sl_section_has_place(&d, slot.kind));
        CHECK(sl_section_place(&d, &slot));
        CHECK_INT(slot.section, rows[i].want);
        CHECK(d.sections[slot.section].slot == &slot);
        CHECK_STR(d.sections[slot.section].mid, rows[i].mid);
        free(d.sections);
    }
}

TEST(no_more_sections)
{
    struct dialog d = {.conf = {.letter = 's'}};
    struct dialog_slot slot[DIALOG_SECTIONS_MAX + 1] = {0};
    list_init(&d.waiting);
    for (size_t i = 0; i < LEN(slot); i++) {
        list_add(&d.waiting, &slot[i].link);
        CHECK_INT(sl_section_place(&d, &slot[i]), i < DIALOG_SECTIONS_MAX);
    }
    CHECK(!sl_section_has_place(&d, MEDIA_AUDIO));
    CHECK(!list_empty(&d.waiting)); /* the last waits on */
    free(d.sections);
}
