#include "service/plane_data.h"

#include <stdlib.h>

#include "check.h"
#include "sfu/mail.h"

/* The kind of event that comes of it, or -1: of none. */
static int event(struct plane_data *d, enum data_verb verb, uint16_t stream,
                 struct span bytes)
{
    struct data_cmd *c = sl_data_cmd(1, verb, stream, bytes);
    struct media_data_event ev = {0};
    struct dcep_open open;
    int kind = c && sl_plane_data_event(d, c, &open, &ev) ? (int)ev.kind : -1;
    CHECK(kind != MEDIA_DATA_OPENED || (ev.open != NULL) == (bytes.n > 0));
    free(c);
    return kind;
}

/* Opened by the peer, which asks for nothing special. */
static struct span opening(uint8_t buf[DCEP_OPEN_MAX])
{
    struct wr w = wr_of(buf, DCEP_OPEN_MAX);
    sl_dcep_write(&w, &(struct dcep){.type = DCEP_OPEN, .open = {0}});
    return wr_done(&w);
}

TEST(plane_data_knows_which_streams_are_channels)
{
    static const struct dcep_open plain;
    struct post *post = sl_post_new(1);
    struct outbox out;
    struct plane_data d = {.transport = 1, .conf = {.wanted = true}, .dtls_client = true};
    struct span none = {0};
    uint8_t buf[DCEP_OPEN_MAX];
    uint16_t stream = 9;
    sl_outbox_init(&out, post);
    CHECK_INT(event(&d, DATA_MESSAGE, 1, span_of("on no channel")), -1);
    CHECK_INT(event(&d, DATA_OPEN, 1, none), -1);
    CHECK_INT(event(&d, DATA_OPEN, 1, span_of("nonsense")), -1);
    CHECK_INT(event(&d, DATA_OPEN, 1, opening(buf)), MEDIA_DATA_OPENED);
    CHECK_INT(event(&d, DATA_MESSAGE, 1, none), MEDIA_DATA_MESSAGE);
    CHECK_INT(sl_plane_data_send(&d, &out, 1, true, none), E_OK);
    CHECK_INT(sl_plane_data_send(&d, &out, 3, true, none), E_ABSENT);
    CHECK_INT(sl_plane_data_send(&d, &out, UINT16_MAX, true, none), E_ABSENT);
    for (int i = 0; i < SCTP_STREAMS; i += 2) { /* RFC 8832 §6: even, being client */
        CHECK_INT(sl_plane_data_open(&d, &out, &plain, false, &stream), E_OK);
        CHECK_INT(stream, i);
    }
    CHECK_INT(sl_plane_data_open(&d, &out, &plain, false, &stream), E_FULL);
    CHECK_INT(event(&d, DATA_CLOSE, 6, none), MEDIA_DATA_CLOSED);
    CHECK_INT(sl_plane_data_open(&d, &out, &plain, false, &stream), E_OK);
    CHECK_INT(stream, 6);
    CHECK_INT(event(&d, DATA_DOWN, 0, none), MEDIA_DATA_ENDED);
    CHECK_INT(sl_plane_data_send(&d, &out, 1, true, none), E_ABSENT);
    sl_outbox_fini(&out);
    sl_post_free(post);
}

/* A small message that still finds room takes nothing from who waits with a long one. */
TEST(plane_data_tells_who_was_refused_of_room)
{
    static const uint8_t zeros[MEDIA_DATA_LONGEST];
    struct span longest = {zeros, sizeof zeros}, pong = span_of("pong");
    struct post *post = sl_post_new(1);
    struct outbox out;
    struct plane_data d = {.transport = 1, .conf = {.wanted = true}};
    uint8_t buf[DCEP_OPEN_MAX];
    sl_outbox_init(&out, post);
    CHECK_INT(event(&d, DATA_OPEN, 1, opening(buf)), MEDIA_DATA_OPENED);
    CHECK_INT(sl_plane_data_send(&d, &out, 1, false, longest), E_OK);
    CHECK(!sl_plane_data_done(&d, 0)); /* nobody was refused */
    CHECK_INT(sl_plane_data_send(&d, &out, 1, false, longest), E_FULL);
    CHECK_INT(sl_plane_data_send(&d, &out, 1, true, pong), E_OK);
    CHECK(!sl_plane_data_done(&d, 0)); /* not yet */
    CHECK(sl_plane_data_done(&d, longest.n + DATA_COST));
    CHECK(!sl_plane_data_done(&d, pong.n + DATA_COST)); /* once */
    sl_outbox_fini(&out);
    sl_post_free(post);
}
