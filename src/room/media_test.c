#include "room/media.h"

#include <string.h>

#include "check.h"

TEST(media_reasons_are_words_and_differ)
{
    for (int a = 0; a < MEDIA_GONES; a++) {
        const char *name = sl_media_gone_name((enum media_gone)a);
        check_row(name);
        CHECK(name[0] != '\0' &&
              strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
        for (int b = 0; b < a; b++)
            CHECK(strcmp(name, sl_media_gone_name((enum media_gone)b)) != 0);
    }
    CHECK(strcmp(sl_media_gone_name(MEDIA_GONE_NEVER_UP), "never_up") == 0);
}
