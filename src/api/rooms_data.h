#pragma once

/*
 * Messages between the participants of a room, from data channel to data channel (docs/rooms.md): the
 * frame that names who it is for becomes one that names who it is from, once, however many it goes to.
 *
 * A reader that is slow costs itself only. What its transport does not take now waits for it, up
 * to ROOMS_DATA_QUEUE, if it came on `reliable`; one that lets more wait loses that channel. Of
 * `lossy` it misses what finds no room. A sender that is too fast is read later (sfu/data.h).
 *
 * Sans-IO. For the control thread.
 */

#include "base/list.h"

#include "room/claims.h"
#include "room/media.h"

enum {
    ROOMS_DATA_TO_MAX = 32, /* peers that one frame names */
    /* Octets of a payload, so that it fits whoever it is from, and whichever one it is for: browsers neither
     * send nor take more than MEDIA_DATA_LONGEST. */
    ROOMS_DATA_MAX = MEDIA_DATA_LONGEST - 4 - NAME_MAX_LEN,
    ROOMS_DATA_QUEUE = 4 << 20, /* octets that wait for one reader */
};

enum rooms_channel { ROOMS_RELIABLE, ROOMS_LOSSY, ROOMS_CHANNELS };

struct rooms_data_stats {
    uint64_t frames_in, frames_out;
    uint64_t malformed; /* frames of senders that were dropped */
    uint64_t too_large; /* the same; or longer than a reader said that it takes */
    uint64_t missed;    /* by readers of `lossy` */
    uint64_t slow;      /* readers of `reliable` whose channel was closed */
};

/* One participant, inside what its signalling keeps of it. */
struct rooms_reader {
    struct {
        bool open;
        uint64_t transport;
        uint16_t stream;
    } channel[ROOMS_CHANNELS];
    struct list queue; /* of `reliable` */
    size_t queued;
};

/* Who a frame is for. */
struct rooms_frame {
    enum rooms_channel channel;
    uint8_t kind;                      /* 0: octets; 1: text */
    size_t to_n;                       /* 0: all */
    struct span to[ROOMS_DATA_TO_MAX]; /* each once */
    struct span payload;
};

/* E_MALFORMED: it is none; E_FULL: its payload is above ROOMS_DATA_MAX. */
MUST_USE enum err sl_rooms_frame_read(struct span in, struct rooms_frame *ret);

struct rooms_datas;

/* media is borrowed. NULL when memory ends. Free takes NULL; readers are over before. */
struct rooms_datas *sl_rooms_datas_new(const struct media_ops *media);
void sl_rooms_datas_free(struct rooms_datas *d);
const struct rooms_data_stats *sl_rooms_datas_stats(const struct rooms_datas *d);

void sl_rooms_data_init(struct rooms_reader *r);
void sl_rooms_data_fini(struct rooms_reader *r);
/* The transport ended. */
void sl_rooms_data_gone(struct rooms_datas *d, struct rooms_reader *r,
                        uint64_t transport);

/* What happened on a channel of its. E_OK: *ret is to be given to others; valid as long as ev. E_ABSENT:
 * there is nothing to give; else as sl_rooms_frame_read. */
MUST_USE enum err sl_rooms_data_event(struct rooms_datas *d, struct rooms_reader *r,
                                      uint64_t transport,
                                      const struct media_data_event *ev,
                                      struct rooms_frame *ret);

/* The frame as readers get it. NULL: no memory; free takes NULL. */
struct rooms_parcel;
struct rooms_parcel *sl_rooms_parcel_new(const struct rooms_frame *f, const char *from);
void sl_rooms_parcel_free(struct rooms_parcel *p); /* gives up this reference */
void sl_rooms_data_give(struct rooms_datas *d, struct rooms_reader *r,
                        struct rooms_parcel *p);
