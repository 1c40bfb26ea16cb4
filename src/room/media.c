#include "room/media.h"

#define MEDIA_GONE_NAME(name, text) text,
static const char *const names[MEDIA_GONES] = {MEDIA_GONE_LIST(MEDIA_GONE_NAME)};
#undef MEDIA_GONE_NAME

const char *sl_media_gone_name(enum media_gone why)
{
    return names[why];
}
