#include "api/rooms_msg.h"

#include "base/utf8.h"

#include "fuzz.h"
#include "room/participant.h"

static bool good(struct span s, size_t most)
{
    return s.n <= most && (s.n == 0 || s.p) && sl_utf8_valid(s);
}

/* What is read keeps to all limits, and is text without NULs; what is not names a fault. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rooms_msg m;
    enum err e = sl_rooms_msg_read((struct span){p, n}, &m);
    MUST(m.fault != NULL);
    MUST(!m.has_id || (m.id >= 0 && m.id < INT64_C(1) << 53));
    if (e == E_OK) {
        MUST(m.type < ROOMS_ASKS && n <= ROOMS_MSG_MAX);
        MUST(good(m.name, LABEL_MAX) && good(m.metadata, METADATA_MAX));
        MUST(good(m.text, ROOMS_TEXT_MAX) && good(m.sdp, ROOMS_MSG_MAX));
        MUST(good(m.peer, NAME_MAX_LEN) && good(m.track, 16) && good(m.reason, 256));
        MUST(m.tracks_n <= ROOMS_TRACKS_MAX && m.to_n <= ROOMS_TO_MAX);
        MUST(m.width <= UINT16_MAX && m.fps <= UINT8_MAX && m.connections <= 2);
        for (size_t i = 0; i < m.tracks_n; i++) {
            MUST(good(m.tracks[i].mid, PARAMS_NAME_MAX - 1));
            MUST(good(m.tracks[i].source, SOURCE_CAP - 1));
            MUST(good(m.tracks[i].metadata, METADATA_MAX));
        }
        for (size_t i = 0; i < m.to_n; i++)
            MUST(good(m.to[i], NAME_MAX_LEN));
    }
    sl_rooms_msg_fini(&m);
    return 0;
}
