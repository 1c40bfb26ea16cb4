#pragma once

/*
 * The data channels of one transport as the plane keeps them for control: which streams are in
 * use, and how much the association thread has not done yet. See room/media.h for what rooms may
 * ask, and sfu/data.h for the other side. For the control thread.
 */

#include "room/media.h"
#include "service/outbox.h"
#include "sfu/data.h"

struct plane_data {
    uint64_t transport;
    struct media_data conf;
    bool dtls_client;  /* we are */
    bool full;         /* a message was refused, and nobody was told of room since */
    size_t below;      /* cost of what the association thread has not done */
    uint64_t channels; /* streams in use */
};

/* As the operations of struct media_ops. */
MUST_USE enum err sl_plane_data_open(struct plane_data *d, struct outbox *out,
                                     const struct dcep_open *open, bool negotiated,
                                     uint16_t *stream);
MUST_USE enum err sl_plane_data_send(struct plane_data *d, struct outbox *out,
                                     uint16_t stream, bool text, struct span message);
void sl_plane_data_close(struct plane_data *d, struct outbox *out, uint16_t stream);

/* What came up becomes an event; *open is where the event's points to. False: it means nothing,
 * since its channel is none. */
bool sl_plane_data_event(struct plane_data *d, const struct data_cmd *c,
                         struct dcep_open *open, struct media_data_event *ret);
/* So much was done. True: after a refusal there is room again. */
bool sl_plane_data_done(struct plane_data *d, size_t cost);
