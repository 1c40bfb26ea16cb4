#include "api/redis_msg.h"

#include "base/utf8.h"

#include "fuzz.h"
#include "room/participant.h"

static bool good(struct span s, size_t most)
{
    return s.n <= most && (s.n == 0 || s.p) && sl_utf8_valid(s);
}

/* All of a message keeps to its limits, and it has what its type asks for. */
static void must_be_whole(const struct redis_msg *m)
{
    MUST(good(m->sdp, REDIS_MSG_MAX) && good(m->candidate, REDIS_CANDIDATE_MAX));
    MUST(good(m->label, LABEL_MAX));
    MUST(!m->pass == (m->type != REDIS_ASK_PASS));
    MUST(m->sdp.p || (m->type != REDIS_ASK_OFFER && m->type != REDIS_ASK_ANSWER));
}

/* Names are names even where the rest is no message; what is not read has a fault. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct redis_msg m;
    enum err e = sl_redis_msg_read((struct span){p, n}, &m);
    MUST(m.fault != NULL);
    MUST(!m.client.p || sl_name_valid(m.client));
    MUST(!m.room.p || (m.room.n <= REDIS_ROOM_MAX && sl_name_valid(m.tenant) &&
                       sl_name_valid(m.name)));
    if (e == E_OK) {
        MUST(n <= REDIS_MSG_MAX && m.type < REDIS_ASKS && m.client.p && m.room.p);
        must_be_whole(&m);
    }
    sl_redis_msg_fini(&m);
    return 0;
}
