#include "api/redis_passes.h"

#include <stdlib.h>

#include "check.h"
#include "room_stage.h"

static uint8_t scratch[NEGOTIATE_ANSWER_MAX], out[NEGOTIATE_ANSWER_MAX];
static char detail[PASSJSON_FAULT_CAP];
static struct room_stage *stage;

static usec wall(void)
{
    return SEC(1700000000);
}

static struct room *room_of(void)
{
    return sl_rooms_find(stage->rooms, span_of("t"), span_of("r"));
}

/* A single quote stands for a double one. */
static enum err read_of(const char *payload, struct redis_msg *m)
{
    static char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'type':'pass','clientID':'ann','roomID':'t/r','payload':%s}",
                   payload);
    for (char *c = text; (c = strchr(c, '\''));)
        *c = '"';
    return sl_redis_msg_read(span_of(text), m);
}

static const char *ask(const char *payload, bool any)
{
    const struct redis_pass_conf conf = {stage->rooms, any, wall};
    struct wr w = wr_of(out, sizeof out - 1);
    struct redis_msg m;
    CHECK_INT(read_of(payload, &m), E_OK);
    const char *code = sl_redis_pass_issue(&conf, &m, 0, scratch, &w, detail);
    sl_redis_msg_fini(&m);
    out[w.n] = '\0';
    return code ? code : "";
}

static bool revoke(void)
{
    struct redis_msg m;
    CHECK_INT(read_of("{}", &m), E_OK);
    bool ret = sl_redis_pass_revoke(stage->rooms, &m);
    sl_redis_msg_fini(&m);
    return ret;
}

TEST(redis_passes_that_are_asked_for)
{
    static const struct {
        const char *name, *payload;
        bool any;
        const char *code, *detail;
    } rows[] = {
        {"one who sends and sees", "{'send':['camera'],'receive':{'video':1}}", true, "",
         ""},
        {"a viewer", "{'role':'viewer','receive':{'audio':1}}", true, "", ""},
        {"without a fingerprint", "{'send':['camera']}", false, "fingerprint",
         "pass_any"},
        {"nothing", "{}", true, "malformed", "something"},
        {"a viewer that sends", "{'role':'viewer','send':['camera']}", true, "malformed",
         "viewer"},
        {"another's", "{'send':['camera'],'peer':'bob'}", true, "malformed", "clientID"},
        {"a word that nobody knows", "{'sent':[]}", true, "malformed", "sent"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        stage = room_stage_new(&(struct rooms_conf){0});
        check_row(rows[i].name);
        CHECK_STR(ask(rows[i].payload, rows[i].any), rows[i].code);
        CHECK(strstr(detail, rows[i].detail) != NULL);
        /* A room is there for it, or there is none. */
        CHECK(!room_of() == (rows[i].code[0] != '\0'));
        CHECK_INT(sl_rooms_stats(stage->rooms)->passes, rows[i].code[0] == '\0');
        room_stage_free(stage);
    }
}

TEST(redis_pass_is_handed_over)
{
    stage = room_stage_new(&(struct rooms_conf){0});
    CHECK_STR(ask("{'send':['microphone'],'seconds':10}", true), "");
    const char *text = (const char *)out;
    CHECK(strstr(text, "\"peer\":\"ann\",\"expires_at\":1700000010,"
                       "\"tracks\":{\"0\":\"microphone\"},\"sdp\":\"v=0\\r\\n"));
    /* Who makes the room is its host, where nothing else is said. */
    const struct peer *p = sl_rooms_of_transport(stage->rooms, stage->log.transport.id);
    CHECK(p && p->guest && p->guest->role == ROLE_HOST);
    CHECK_STR(ask("{'send':['microphone']}", true), "");
    p = sl_rooms_of_transport(stage->rooms, stage->log.transport.id);
    CHECK(p && p->guest && p->guest->role == ROLE_PARTICIPANT);
    room_stage_free(stage);
}

TEST(redis_pass_where_it_may_not_be)
{
    stage = room_stage_new(&(struct rooms_conf){.hosts_create = true});
    CHECK_STR(ask("{'send':['camera'],'role':'participant'}", true), "no_room");
    CHECK_STR(ask("{'send':['camera'],'role':'host'}", true), "");
    sl_rooms_lock(stage->rooms, room_of(), true);
    CHECK_STR(ask("{'send':['camera']}", true), "locked");
    sl_rooms_lock(stage->rooms, room_of(), false);
    room_of()->settings.peers_max = 1;
    CHECK_STR(ask("{'send':['camera']}", true), "full");
    room_of()->settings.peers_max = 0;
    CHECK_INT(stage_admit(stage, 0, "ann", ROLE_PARTICIPANT, false), E_OK);
    CHECK_STR(ask("{'send':['camera']}", true), "taken");
    room_stage_free(stage);
}

TEST(redis_pass_is_revoked)
{
    stage = room_stage_new(&(struct rooms_conf){0});
    CHECK(!revoke());
    CHECK_STR(ask("{'send':['camera']}", true), "");
    CHECK(revoke());
    CHECK(!revoke());
    CHECK_INT(sl_rooms_stats(stage->rooms)->passes, 0);
    CHECK(!room_of()); /* it was there for the pass alone */
    CHECK_STR(ask("{'send':['camera']}", true), "");
    sl_rooms_transport_up(stage->rooms, stage->log.transport.id, 0);
    CHECK(sl_participant_find(room_of(), span_of("ann")) != NULL);
    CHECK(revoke()); /* who came by it goes, too */
    CHECK(!room_of());
    room_stage_free(stage);
}
