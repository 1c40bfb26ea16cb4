#include "service/plane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "media/bwe.h"
#include "sfu/data.h"
#include "sfu/mail.h"

enum { WORKERS = 3, CONTROL = SHARD_TO_CONTROL, ASSOC = SHARD_TO_ASSOC };

/* The plane between rooms (its ops, and the events that are noted) and threads, whose mail
 * is read here. */
struct rig {
    struct post *post;
    struct plane *plane;
    struct media_ops ops;
    char events[512];
};

static void note(struct rig *r, const char *what, uint64_t id)
{
    size_t n = strlen(r->events);
    (void)snprintf(r->events + n, sizeof r->events - n, "%s %" PRIu64 ";", what, id);
}

static void up(void *ctx, uint64_t transport)
{
    note(ctx, "up", transport);
}

static void stale(void *ctx, uint64_t transport)
{
    note(ctx, "stale", transport);
}

static void gone(void *ctx, uint64_t transport, enum media_gone why)
{
    note(ctx, sl_media_gone_name(why), transport);
}

static void started(void *ctx, uint64_t producer)
{
    note(ctx, "started", producer);
}

static void wanted(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps)
{
    note(ctx, "wanted", transport * 100000 + producer * 1000 + encodings);
    note(ctx, "at most", most_bps);
}

static void excess(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings)
{
    note(ctx, "excess", transport * 100000 + producer * 1000 + encodings);
}

static void heard(void *ctx, uint64_t transport, uint64_t producer, const struct voice *v)
{
    note(ctx, voice_speaks(v) ? "speaks" : "is silent", transport * 100 + producer);
}

static void data(void *ctx, uint64_t transport, const struct media_data_event *ev)
{
    static const char *const kinds[] = {"opened", "message", "closed", "ended", "room"};
    note(ctx, kinds[ev->kind], transport * 100 + ev->stream);
}

static void rig_init(struct rig *r)
{
    *r = (struct rig){.post = sl_post_new(WORKERS)};
    const struct plane_events events = {.ctx = r,
                                        .up = up,
                                        .stale = stale,
                                        .gone = gone,
                                        .started = started,
                                        .wanted = wanted,
                                        .excess = excess,
                                        .voice = heard,
                                        .data = data};
    r->plane = sl_plane_new(r->post, (const uint64_t[2]){1, 2}, &events);
    CHECK(r->post && r->plane);
    r->ops = sl_plane_ops(r->plane);
}

static void rig_fini(struct rig *r)
{
    sl_plane_free(r->plane);
    sl_post_free(r->post);
}

static const char *const names[] = {
    [MAIL_EXPECT] = "expect",
    [MAIL_RESTART] = "restart",
    [MAIL_OWNER] = "owner",
    [MAIL_PRODUCER] = "producer",
    [MAIL_REMOTE] = "remote",
    [MAIL_PRODUCER_CLOSE] = "close producer",
    [MAIL_PIPE] = "pipe",
    [MAIL_UNPIPE] = "unpipe",
    [MAIL_CONSUMER] = "consumer",
    [MAIL_SOURCE] = "source",
    [MAIL_CEILING] = "ceiling",
    [MAIL_WISH] = "wish",
    [MAIL_CONSUMER_CLOSE] = "close consumer",
    [MAIL_READY] = "ready",
    [MAIL_CLOSE] = "close",
    [MAIL_ASSOC] = "assoc",
};

/* One mail in words; frees what it carries. */
static int print(char *to, size_t cap, struct mail *m)
{
    const struct cmd_expect *e = m->p;
    const struct cmd_assoc *a = m->p;
    const struct cmd_producer *p = m->p;
    const struct cmd_consumer *c = m->p;
    const char *name = m->type < LEN(names) && names[m->type] ? names[m->type] : "what";
    int n;
    if (m->type == MAIL_EXPECT || m->type == MAIL_RESTART)
        n = snprintf(to, cap, "%s %" PRIu64 " %s %s", name, e->transport, e->creds.ufrag,
                     e->creds.pwd);
    else if (m->type == MAIL_ASSOC)
        n = snprintf(to, cap, "%s %" PRIu64 " %s %u:%02x", name, a->transport,
                     a->client ? "client" : "server", a->hash, a->digest[0]);
    else if (m->type == MAIL_PRODUCER || m->type == MAIL_REMOTE)
        n = snprintf(to, cap, "%s %" PRIu64 " on %" PRIu64 " from %u ssrc %" PRIu32, name,
                     p->id, p->transport, p->origin, p->receive.encodings[0].ssrc);
    else if (m->type == MAIL_CONSUMER)
        n = snprintf(to, cap, "%s %" PRIu64 " on %" PRIu64 " ssrc %" PRIu32, name, c->id,
                     c->transport, c->send.ssrc);
    else if (m->type == MAIL_SOURCE || m->type == MAIL_CEILING)
        n = snprintf(to, cap, "%s %" PRIu64 " %" PRIu64, name, m->id, m->id2);
    else if (m->type == MAIL_OWNER || m->type == MAIL_PIPE || m->type == MAIL_UNPIPE)
        n = snprintf(to, cap, "%s %" PRIu64 " %u", name, m->id, m->arg);
    else
        n = snprintf(to, cap, "%s %" PRIu64, name, m->id);
    sl_mail_free(m);
    return n;
}

/* All that control wrote to `who` since the last look, with a semicolon behind each. */
static const char *look(struct rig *r, unsigned who)
{
    static char text[8][1024];
    static unsigned turn;
    char *to = text[turn++ % LEN(text)];
    size_t n = 0;
    struct mail m;
    unsigned from;
    to[0] = '\0';
    sl_plane_flush(r->plane);
    while (sl_post_take(r->post, who, &from, &m) && n < sizeof text[0] - 100) {
        CHECK_INT(from, CONTROL);
        n += (size_t)print(to + n, sizeof text[0] - n, &m);
        n += (size_t)snprintf(to + n, sizeof text[0] - n, ";");
    }
    return to;
}

static void check_text(int line, const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, line, "got \"%s\", want \"%s\"", got, want);
}

#define CHECK_LOOK(who, want) check_text(__LINE__, look(&r, who), want)
#define CHECK_EVENTS(want)                                                               \
    do {                                                                                 \
        check_text(__LINE__, r.events, want);                                            \
        r.events[0] = '\0';                                                              \
    } while (0)

static void look_away(struct rig *r)
{
    for (unsigned i = 0; i < SHARD_PEERS; i++)
        if (i < WORKERS || i == ASSOC)
            (void)look(r, i);
}

static enum err add_transport(struct rig *r, uint64_t id)
{
    return r->ops.transport_add(
        r->ops.ctx, &(struct media_transport){
                        .id = id,
                        .ufrag = "ufrag",
                        .pwd = "password",
                        .peer = {.hash = MEDIA_SHA256, .n = 32, .bytes = {0xab}},
                        .dtls_client = id % 2});
}

static enum err add_producer(struct rig *r, uint64_t id, uint64_t transport)
{
    struct rtp_receive receive = {.encodings_n = 1,
                                  .encodings = {{.ssrc = 1000 + (uint32_t)id}}};
    return r->ops.producer_add(r->ops.ctx, id, transport, 9, &receive);
}

static enum err add_consumer(struct rig *r, uint64_t id, uint64_t transport)
{
    struct rtp_send send = {.ssrc = 2000 + (uint32_t)id};
    return r->ops.consumer_add(r->ops.ctx, id, transport, 9, &send);
}

/* The keys of a transport went to a worker. */
static void adopt(struct rig *r, uint64_t transport, uint32_t worker)
{
    sl_plane_mail(r->plane, ASSOC,
                  &(struct mail){.type = MAIL_UP, .id = transport, .arg = worker});
}

/* A publisher 1 with producer 11 on worker 0, a viewer 2 with consumer 21 on `viewer_at`. */
static void publish_and_watch(struct rig *r, uint32_t viewer_at)
{
    rig_init(r);
    CHECK_INT(add_transport(r, 1), E_OK);
    CHECK_INT(add_transport(r, 2), E_OK);
    CHECK_INT(add_producer(r, 11, 1), E_OK);
    CHECK_INT(add_consumer(r, 21, 2), E_OK);
    adopt(r, 1, 0);
    adopt(r, 2, viewer_at);
    look_away(r);
    r->events[0] = '\0';
}

TEST(plane_tells_everybody_of_a_transport)
{
    struct rig r;
    rig_init(&r);
    CHECK_INT(add_transport(&r, 1), E_OK);
    CHECK_INT(add_transport(&r, 1), E_EXISTS);
    CHECK_INT(add_transport(&r, 2), E_OK);
    CHECK_LOOK(ASSOC, "assoc 1 client 32:ab;assoc 2 server 32:ab;");
    for (unsigned w = 0; w < WORKERS; w++)
        CHECK_LOOK(w, "expect 1 ufrag password;expect 2 ufrag password;");

    CHECK_INT(r.ops.transport_restart(r.ops.ctx, 1, "again", "secret"), E_OK);
    CHECK_INT(r.ops.transport_restart(r.ops.ctx, 3, "again", "secret"), E_ABSENT);
    for (unsigned w = 0; w < WORKERS; w++)
        CHECK_LOOK(w, "restart 1 again secret;");
    CHECK_LOOK(ASSOC, "");

    r.ops.transport_close(r.ops.ctx, 1);
    r.ops.transport_close(r.ops.ctx, 1);
    for (unsigned w = 0; w < WORKERS; w++)
        CHECK_LOOK(w, "close 1;");
    CHECK_LOOK(ASSOC, "close 1;");
    rig_fini(&r);
}

/* Nothing is told of what hangs on a transport until it has an owner; then all of it, in
 * order, to the owner alone. */
TEST(plane_tells_the_owner_when_there_is_one)
{
    struct rig r;
    rig_init(&r);
    CHECK_INT(add_producer(&r, 11, 1), E_ABSENT);
    CHECK_INT(add_consumer(&r, 21, 1), E_ABSENT);
    CHECK_INT(add_transport(&r, 1), E_OK);
    look_away(&r);
    CHECK_INT(add_producer(&r, 11, 1), E_OK);
    CHECK_INT(add_producer(&r, 11, 1), E_EXISTS);
    CHECK_INT(add_producer(&r, 12, 1), E_OK);
    CHECK_INT(add_consumer(&r, 21, 1), E_OK);
    CHECK_INT(add_consumer(&r, 21, 1), E_EXISTS);
    for (unsigned w = 0; w < WORKERS; w++)
        CHECK_LOOK(w, "");

    adopt(&r, 1, 1);
    CHECK_EVENTS("up 1;");
    CHECK_LOOK(0, "owner 1 1;");
    CHECK_LOOK(1, "producer 11 on 1 from 1 ssrc 1011;producer 12 on 1 from 1 ssrc 1012;"
                  "consumer 21 on 1 ssrc 2021;ready 1;");
    CHECK_LOOK(2, "owner 1 1;");

    CHECK_INT(add_producer(&r, 13, 1), E_OK); /* at once, from now on */
    CHECK_INT(add_consumer(&r, 22, 1), E_OK);
    CHECK_LOOK(1, "producer 13 on 1 from 1 ssrc 1013;consumer 22 on 1 ssrc 2022;");
    r.ops.producer_close(r.ops.ctx, 12);
    r.ops.producer_close(r.ops.ctx, 12);
    r.ops.consumer_close(r.ops.ctx, 22);
    r.ops.consumer_close(r.ops.ctx, 22);
    CHECK_LOOK(1, "close producer 12;close consumer 22;");
    CHECK_LOOK(0, "");

    adopt(&r, 1, 2); /* an owner is one for ever */
    CHECK_LOOK(2, "");
    rig_fini(&r);
}

/* What a peer may send is told to its owner, before all that comes, and whenever it changes. */
TEST(plane_tells_of_a_ceiling)
{
    struct rig r;
    rig_init(&r);
    CHECK_INT(add_transport(&r, 1), E_OK);
    look_away(&r);
    r.ops.transport_ceiling(r.ops.ctx, 1, 500000);
    r.ops.transport_ceiling(r.ops.ctx, 9, 500000);
    for (unsigned w = 0; w < WORKERS; w++)
        CHECK_LOOK(w, "");
    adopt(&r, 1, 1);
    CHECK_LOOK(0, "owner 1 1;");
    CHECK_LOOK(1, "ceiling 1 500000;ready 1;");
    r.ops.transport_ceiling(r.ops.ctx, 1, 0);
    CHECK_LOOK(1, "ceiling 1 0;");
    CHECK_LOOK(0, "");
    look_away(&r);
    rig_fini(&r);
}

TEST(plane_believes_in_no_worker_that_there_is_not)
{
    struct rig r;
    rig_init(&r);
    CHECK_INT(add_transport(&r, 1), E_OK);
    CHECK_INT(add_producer(&r, 11, 1), E_OK);
    look_away(&r);
    adopt(&r, 1, WORKERS);
    for (unsigned w = 0; w < WORKERS; w++)
        CHECK_LOOK(w, "");
    rig_fini(&r);
}

TEST(plane_feeds_a_consumer_when_both_ends_have_an_owner)
{
    for (int viewer_first = 0; viewer_first < 2; viewer_first++) {
        struct rig r;
        rig_init(&r);
        CHECK_INT(add_transport(&r, 1), E_OK);
        CHECK_INT(add_transport(&r, 2), E_OK);
        CHECK_INT(add_producer(&r, 11, 1), E_OK);
        CHECK_INT(add_consumer(&r, 21, 2), E_OK);
        look_away(&r);
        r.ops.consumer_source(r.ops.ctx, 21, 11);
        adopt(&r, viewer_first ? 2 : 1, 0);
        CHECK_LOOK(0, viewer_first ? "consumer 21 on 2 ssrc 2021;ready 2;"
                                   : "producer 11 on 1 from 0 ssrc 1011;ready 1;");
        adopt(&r, viewer_first ? 1 : 2, 0);
        CHECK_LOOK(0, viewer_first ? "producer 11 on 1 from 0 ssrc 1011;ready 1;"
                                     "source 21 11;"
                                   : "consumer 21 on 2 ssrc 2021;ready 2;source 21 11;");
        r.ops.consumer_source(r.ops.ctx, 21, 11); /* it has it already */
        CHECK_LOOK(0, "");
        r.ops.consumer_source(r.ops.ctx, 21, 0);
        CHECK_LOOK(0, "source 21 0;");
        CHECK_LOOK(1, viewer_first ? "owner 2 0;owner 1 0;" : "owner 1 0;owner 2 0;");
        rig_fini(&r);
    }
}

/* A track is carried to another worker once, whatever the number of its consumers there. */
TEST(plane_pipes_a_track_once_for_each_worker)
{
    struct rig r;
    publish_and_watch(&r, 1);
    CHECK_INT(add_consumer(&r, 22, 2), E_OK);
    CHECK_INT(add_transport(&r, 3), E_OK);
    CHECK_INT(add_consumer(&r, 31, 3), E_OK);
    adopt(&r, 3, 2);
    look_away(&r);

    r.ops.consumer_source(r.ops.ctx, 21, 11);
    CHECK_LOOK(1, "remote 11 on 0 from 0 ssrc 1011;source 21 11;");
    CHECK_LOOK(0, "pipe 11 1;");
    r.ops.consumer_source(r.ops.ctx, 22, 11);
    CHECK_LOOK(1, "source 22 11;");
    CHECK_LOOK(0, "");
    r.ops.consumer_source(r.ops.ctx, 31, 11);
    CHECK_LOOK(2, "remote 11 on 0 from 0 ssrc 1011;source 31 11;");
    CHECK_LOOK(0, "pipe 11 2;");

    r.ops.consumer_source(r.ops.ctx, 21, 0);
    CHECK_LOOK(1, "source 21 0;");
    CHECK_LOOK(0, "");
    r.ops.consumer_close(r.ops.ctx, 22); /* the last one there */
    CHECK_LOOK(1, "source 22 0;close producer 11;close consumer 22;");
    CHECK_LOOK(0, "unpipe 11 1;");
    r.ops.consumer_source(r.ops.ctx, 21, 11); /* and there again */
    CHECK_LOOK(1, "remote 11 on 0 from 0 ssrc 1011;source 21 11;");
    CHECK_LOOK(0, "pipe 11 1;");
    rig_fini(&r);
}

TEST(plane_takes_a_source_from_all_who_had_it)
{
    struct rig r;
    publish_and_watch(&r, 1);
    r.ops.consumer_source(r.ops.ctx, 21, 11);
    look_away(&r);
    r.ops.transport_close(r.ops.ctx, 1);
    CHECK_LOOK(1, "source 21 0;close producer 11;close 1;");
    CHECK_LOOK(0, "unpipe 11 1;close producer 11;close 1;");
    CHECK_LOOK(2, "close 1;");
    r.ops.consumer_source(r.ops.ctx, 21, 11); /* it is gone: silence */
    CHECK_LOOK(1, "");
    r.ops.transport_close(r.ops.ctx, 2);
    CHECK_LOOK(1, "close consumer 21;close 2;");
    rig_fini(&r);
}

TEST(plane_says_what_became_of_a_transport)
{
    static const struct {
        const char *name;
        enum mail_type type;
        uint64_t id;
        const char *want;
    } rows[] = {
        {"up", MAIL_UP, 1, "up 1;"},
        {"the handshake failed", MAIL_FAILED, 1, "handshake 1;"},
        {"the peer said goodbye", MAIL_HUNG_UP, 1, "closed 1;"},
        {"consent is gone for good", MAIL_LOST, 1, "consent 1;"},
        {"consent may come back", MAIL_STALE, 1, "stale 1;"},
        {"it may, but the transport is gone", MAIL_STALE, 3, ""},
        {"a producer's first packet", MAIL_STARTED, 11, "started 11;"},
        {"of a producer that is gone", MAIL_STARTED, 1, ""},
        {"a producer is heard", MAIL_SPEAKER, 11, "speaks 111;"},
        {"one that is gone", MAIL_SPEAKER, 1, ""},
        {"up, and gone meanwhile", MAIL_UP, 3, ""},
        {"lost, and gone meanwhile", MAIL_LOST, 3, ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        rig_init(&r);
        check_row(rows[i].name);
        CHECK_INT(add_transport(&r, 1), E_OK);
        CHECK_INT(add_producer(&r, 11, 1), E_OK);
        struct mail m = {.type = rows[i].type, .id = rows[i].id};
        if (m.type == MAIL_SPEAKER)
            m.arg = sl_voice_pack(&(struct voice){.medium = SPEECH_MEDIUM});
        sl_plane_mail(r.plane, 0, &m);
        CHECK_EVENTS(rows[i].want);
        rig_fini(&r);
    }
    check_row(NULL);
}

TEST(plane_knows_what_a_path_carries)
{
    struct rig r;
    struct plane_path path;
    rig_init(&r);
    CHECK_INT(add_transport(&r, 1), E_OK);
    CHECK(!sl_plane_path(r.plane, 1, &path));
    CHECK(!sl_plane_path(r.plane, 2, &path));
    struct mail m = {.type = MAIL_ESTIMATE,
                     .id = 1,
                     .arg = 45000,
                     .id2 = MAIL_ESTIMATE_OF(1234567, BWE_LOSS, 255)};
    sl_plane_mail(r.plane, 0, &m);
    CHECK(sl_plane_path(r.plane, 1, &path));
    CHECK_INT(path.bps, 1234567);
    CHECK_INT(path.rtt, 45000);
    CHECK_INT(path.lost, 255);
    CHECK(strcmp(path.cause, "loss") == 0);
    CHECK_EVENTS("");
    rig_fini(&r);
}

/* What finds no room waits, in order, and nothing new is taken meanwhile; teardown is. */
/* The path of who sends, too; and when what is wanted of it changed. */
TEST(plane_knows_how_a_track_arrives)
{
    struct rig r;
    struct plane_reception got;
    publish_and_watch(&r, 1);
    CHECK(!sl_plane_reception(r.plane, 11, &got));
    CHECK_INT(sl_plane_wanted_at(r.plane, 11), 0);
    sl_plane_time(r.plane, SEC(7));
    sl_plane_mail(
        r.plane, 0,
        &(struct mail){.type = MAIL_RECEPTION, .id = 1, .arg = 40000, .id2 = 26});
    sl_plane_mail(r.plane, 0, &(struct mail){.type = MAIL_RECEPTION, .id = 99});
    sl_plane_mail(r.plane, 0, &(struct mail){.type = MAIL_WANTED, .id = 11, .arg = 1});
    CHECK(sl_plane_reception(r.plane, 11, &got));
    CHECK_INT(got.rtt, MSEC(40));
    CHECK_INT(got.lost, 26);
    CHECK_INT(sl_plane_wanted_at(r.plane, 11), SEC(7));
    CHECK(!sl_plane_reception(r.plane, 99, &got));
    look_away(&r);
    rig_fini(&r);
}

TEST(plane_waits_for_a_full_mailbox)
{
    struct rig r;
    rig_init(&r);
    CHECK_INT(add_transport(&r, 1), E_OK);
    look_away(&r);
    while (sl_plane_waiting(r.plane) == 0)
        CHECK_INT(r.ops.transport_restart(r.ops.ctx, 1, "again", "secret"), E_OK);
    CHECK_INT(sl_plane_waiting(r.plane), WORKERS);
    CHECK_INT(add_transport(&r, 2), E_FULL);
    CHECK_LOOK(ASSOC, ""); /* and nobody was told of it */
    for (unsigned w = 0; w < WORKERS; w++) {
        struct mail m; /* room for one, which is not for who came later */
        unsigned from;
        CHECK(sl_post_take(r.post, w, &from, &m));
        sl_mail_free(&m);
    }
    r.ops.transport_close(r.ops.ctx, 1);
    CHECK_INT(sl_plane_waiting(r.plane), 2 * WORKERS);
    CHECK_LOOK(ASSOC, "close 1;"); /* whose box has room */
    CHECK_INT(sl_plane_waiting(r.plane), WORKERS);

    for (unsigned w = 0; w < WORKERS; w++) {
        struct mail m;
        unsigned from, n = 0;
        while (sl_post_take(r.post, w, &from, &m)) {
            n += m.type == MAIL_RESTART;
            sl_mail_free(&m);
        }
        CHECK_INT(n, POST_BOX);
        CHECK_LOOK(w, "close 1;");
        CHECK_INT(sl_plane_waiting(r.plane), WORKERS - 1 - w);
        CHECK_INT(add_transport(&r, 2), w + 1 < WORKERS ? E_FULL : E_OK);
    }
    rig_fini(&r);
}

/* The sanitizer tells of what waited and was not freed. */
TEST(plane_frees_what_waits)
{
    struct rig r;
    rig_init(&r);
    CHECK_INT(add_transport(&r, 1), E_OK);
    for (size_t i = 0; i < POST_BOX + 10; i++)
        CHECK_INT(r.ops.transport_restart(r.ops.ctx, 1, "again", "secret"), E_OK);
    CHECK(sl_plane_waiting(r.plane) > 0);
    rig_fini(&r);
    sl_plane_free(NULL);
}

/* What a viewer wants is told to the worker of its slot, whenever there is one. */
TEST(plane_carries_wishes)
{
    struct rig r;
    const struct rtp_wish w = {.width = 640};
    rig_init(&r);
    CHECK_INT(add_transport(&r, 2), E_OK);
    CHECK_INT(add_consumer(&r, 21, 2), E_OK);
    look_away(&r);
    r.ops.consumer_wish(r.ops.ctx, 21, &w);
    CHECK_LOOK(1, "");
    adopt(&r, 2, 1);
    CHECK_LOOK(1, "consumer 21 on 2 ssrc 2021;wish 21;ready 2;");
    r.ops.consumer_wish(r.ops.ctx, 21, &w);
    r.ops.consumer_wish(r.ops.ctx, 99, &w);
    CHECK_LOOK(1, "wish 21;");
    rig_fini(&r);
}

TEST(plane_knows_what_is_sent)
{
    struct rig r;
    struct plane_share got;
    struct mail_share s = {.bps = 500000, .cause = 1, .sent = {.encoding = 1}};
    publish_and_watch(&r, 1);
    r.ops.consumer_source(r.ops.ctx, 21, 11);
    CHECK(!sl_plane_share(r.plane, 21, &got));
    sl_plane_time(r.plane, SEC(5));
    struct mail m = sl_mail_share(21, &s);
    sl_plane_mail(r.plane, 1, &m);
    CHECK(sl_plane_share(r.plane, 21, &got));
    CHECK_INT(got.now.bps, 500000);
    CHECK_INT(got.changed_at, SEC(5));
    sl_plane_time(r.plane, SEC(6)); /* only the rate is another */
    s.bps = 600000;
    m = sl_mail_share(21, &s);
    sl_plane_mail(r.plane, 1, &m);
    CHECK(sl_plane_share(r.plane, 21, &got));
    CHECK_INT(got.now.bps, 600000);
    CHECK_INT(got.changed_at, SEC(5));
    s.cause = 2;
    m = sl_mail_share(21, &s);
    sl_plane_mail(r.plane, 1, &m);
    CHECK(sl_plane_share(r.plane, 21, &got));
    CHECK_INT(got.changed_at, SEC(6));
    r.ops.consumer_source(r.ops.ctx, 21, 0); /* of this source nothing holds any more */
    CHECK(!sl_plane_share(r.plane, 21, &got));
    sl_plane_mail(r.plane, 1, &m);
    CHECK(!sl_plane_share(r.plane, 21, &got));
    CHECK(!sl_plane_share(r.plane, 99, &got));
    look_away(&r);
    rig_fini(&r);
}

TEST(plane_hears_what_is_wanted)
{
    struct rig r;
    publish_and_watch(&r, 1);
    r.events[0] = '\0';
    sl_plane_mail(r.plane, 0,
                  &(struct mail){.type = MAIL_WANTED, .id = 11, .arg = 5, .id2 = 700000});
    sl_plane_mail(r.plane, 0, &(struct mail){.type = MAIL_WANTED, .id = 99, .arg = 5});
    CHECK_EVENTS("wanted 111005;at most 700000;");
    r.events[0] = '\0';
    sl_plane_mail(r.plane, 0, &(struct mail){.type = MAIL_EXCESS, .id = 11, .arg = 6});
    sl_plane_mail(r.plane, 0, &(struct mail){.type = MAIL_EXCESS, .id = 99, .arg = 6});
    CHECK_EVENTS("excess 111006;");
    CHECK_INT(sl_plane_excess(r.plane, 11), 6);
    CHECK_INT(sl_plane_excess(r.plane, 99), 0);
    look_away(&r);
    rig_fini(&r);
}

/* ---- data channels ---- */

static void say_data(struct rig *r, enum data_verb verb, uint16_t stream,
                     const char *bytes)
{
    struct data_cmd *c = sl_data_cmd(1, verb, stream, span_of(bytes));
    struct mail m = sl_mail_of(MAIL_DATA, c);
    m.id = 1;
    CHECK(c != NULL);
    if (c)
        sl_plane_mail(r->plane, ASSOC, &m);
}

TEST(plane_carries_data)
{
    static const struct dcep_open plain;
    static const uint8_t octets[MEDIA_DATA_LONGEST];
    struct rig r;
    uint16_t stream = 9;
    rig_init(&r);
    struct media_transport t = {.id = 1,
                                .peer = {MEDIA_SHA256, 32, {0}},
                                .data = {.wanted = true, .port = 5000, .message = 0}};
    struct media_transport dumb = {.id = 2, .peer = {MEDIA_SHA256, 32, {0}}};
    void *p = r.ops.ctx;
    CHECK_INT(r.ops.transport_add(p, &t), E_OK);
    CHECK_INT(r.ops.transport_add(p, &dumb), E_OK);
    (void)look(&r, ASSOC);
    CHECK_INT(r.ops.data_open(p, 2, &plain, false, &stream), E_ABSENT);
    CHECK_INT(r.ops.data_send(p, 1, 1, true, span_of("x")), E_ABSENT);
    CHECK_INT(r.ops.data_open(p, 1, &plain, false, &stream), E_OK);
    CHECK_INT(stream, 1); /* the DTLS server's first */
    CHECK_INT(r.ops.data_open(p, 1, &plain, true, &stream), E_EXISTS);
    CHECK_INT(r.ops.data_send(p, 1, 1, true, span_of("x")), E_OK);
    say_data(&r, DATA_OPEN, 1, "");
    say_data(&r, DATA_MESSAGE, 1, "hello");
    say_data(&r, DATA_MESSAGE, 3, "on no channel");
    CHECK(strcmp(r.events, "opened 101;message 101;") == 0);

    /* What is not done is bounded, and told when there is room. */
    struct span big = {octets, sizeof octets};
    CHECK_INT(r.ops.data_send(p, 1, 1, false, big), E_OK);
    CHECK_INT(r.ops.data_send(p, 1, 1, false, big), E_FULL);
    struct mail done = {.type = MAIL_DATA_DONE, .id = 1, .id2 = sizeof octets};
    sl_plane_mail(r.plane, ASSOC, &done);
    CHECK(strcmp(r.events, "opened 101;message 101;room 100;") == 0);
    CHECK_INT(r.ops.data_send(p, 1, 1, false, big), E_OK);

    r.ops.data_close(p, 1, 1);
    say_data(&r, DATA_CLOSE, 1, "");
    CHECK_INT(r.ops.data_send(p, 1, 1, true, span_of("x")), E_ABSENT);
    r.events[0] = '\0';
    say_data(&r, DATA_DOWN, 0, "");
    CHECK(strcmp(r.events, "ended 100;") == 0);
    rig_fini(&r);
}
