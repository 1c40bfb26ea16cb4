#include "proto/channels.h"

#include <stdlib.h>

enum channel_state {
    CHANNEL_NONE,
    CHANNEL_WAITING, /* to send our open */
    CHANNEL_OPENING, /* it was sent; the peer has not answered */
    CHANNEL_OPEN,
    CHANNEL_CLOSING, /* our direction is being reset */
};

struct channel {
    enum channel_state state;
    bool unordered, owes_ack;
    bool in_reset, out_reset; /* CLOSING: this direction is done */
    enum dcep_reliability reliability;
    uint32_t limit;
    struct dcep_open *asked; /* WAITING: what is to be sent */
};

struct channels {
    struct sctp *sctp;
    struct channels_conf conf;
    uint64_t owing;  /* streams on which we have a word of DCEP to say */
    uint64_t closed; /* streams whose end is to be told */
    struct channel channel[SCTP_STREAMS];
    struct dcep in; /* the last that came */
};

struct channels *sl_channels_new(struct sctp_stack *st, const struct channels_conf *conf,
                                 usec now)
{
    struct channels *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->conf = *conf;
    c->sctp = sl_sctp_new(st,
                          &(struct sctp_conf){.local_port = conf->local_port,
                                              .remote_port = conf->remote_port,
                                              .receive_max = conf->receive_max,
                                              .user = c},
                          now);
    if (!c->sctp) {
        free(c);
        return NULL;
    }
    return c;
}

void sl_channels_free(struct channels *c)
{
    if (!c)
        return;
    sl_sctp_free(c->sctp);
    for (size_t i = 0; i < SCTP_STREAMS; i++)
        free(c->channel[i].asked);
    free(c);
}

void *sl_channels_user(const struct channels *c)
{
    return c->conf.user;
}

struct channels *sl_channels_talking(struct sctp_stack *st)
{
    struct sctp *s = sl_sctp_talking(st);
    return s ? sl_sctp_user(s) : NULL;
}

void sl_channels_input(struct channels *c, struct span datagram, usec now)
{
    sl_sctp_input(c->sctp, datagram, now);
}

/* ---- our words of DCEP ---- */

static enum err say(struct channels *c, uint16_t stream, const struct dcep *m, usec now)
{
    uint8_t buf[DCEP_OPEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    sl_dcep_write(&w, m);
    const struct sctp_message sm = {
        .stream = stream, .ppid = PPID_DCEP, .bytes = wr_done(&w)};
    return sl_sctp_send(c->sctp, &sm, now);
}

static void say_one(struct channels *c, uint16_t stream, usec now)
{
    struct channel *ch = &c->channel[stream];
    if (ch->state == CHANNEL_WAITING) {
        struct dcep m = {.type = DCEP_OPEN, .open = *ch->asked};
        if (say(c, stream, &m, now) != E_OK)
            return;
        free(ch->asked);
        ch->asked = NULL;
        ch->state = CHANNEL_OPENING;
    } else if (ch->owes_ack) {
        if (say(c, stream, &(struct dcep){.type = DCEP_ACK}, now) == E_FULL)
            return;
        ch->owes_ack = false;
    }
    c->owing &= ~(UINT64_C(1) << stream);
}

static void say_all(struct channels *c, usec now)
{
    for (uint64_t left = c->owing; left; left &= left - 1)
        say_one(c, (uint16_t)__builtin_ctzll(left), now);
}

/* ---- open and close ---- */

/* RFC 8832 §6. */
static bool ours(const struct channels *c, uint16_t stream)
{
    return (stream % 2 == 0) == c->conf.dtls_client;
}

static struct channel channel_of(const struct dcep_open *o, enum channel_state state)
{
    return (struct channel){.state = state,
                            .unordered = o->unordered,
                            .reliability = o->reliability,
                            .limit = o->limit};
}

enum err sl_channels_open(struct channels *c, uint16_t stream,
                          const struct dcep_open *open, bool negotiated, usec now)
{
    if (stream >= SCTP_STREAMS || (!negotiated && !ours(c, stream)))
        return E_MALFORMED;
    struct channel *ch = &c->channel[stream];
    if (ch->state != CHANNEL_NONE)
        return E_EXISTS;
    if (negotiated) {
        *ch = channel_of(open, CHANNEL_OPEN);
        return E_OK;
    }
    struct dcep_open *asked = malloc(sizeof *asked);
    if (!asked)
        return E_MEMORY;
    *asked = *open;
    *ch = channel_of(open, CHANNEL_WAITING);
    ch->asked = asked;
    c->owing |= UINT64_C(1) << stream;
    say_one(c, stream, now);
    return E_OK;
}

static void end(struct channels *c, uint16_t stream)
{
    struct channel *ch = &c->channel[stream];
    free(ch->asked);
    *ch = (struct channel){.state = CHANNEL_NONE};
    c->owing &= ~(UINT64_C(1) << stream);
    c->closed |= UINT64_C(1) << stream;
}

void sl_channels_close(struct channels *c, uint16_t stream, usec now)
{
    struct channel *ch = stream < SCTP_STREAMS ? &c->channel[stream] : NULL;
    if (!ch || ch->state == CHANNEL_NONE || ch->state == CHANNEL_CLOSING)
        return;
    if (ch->state == CHANNEL_WAITING) {
        end(c, stream); /* the peer never heard of it */
        return;
    }
    ch->state = CHANNEL_CLOSING;
    ch->owes_ack = false;
    c->owing &= ~(UINT64_C(1) << stream);
    sl_sctp_reset(c->sctp, stream, now);
}

/* One direction was reset; the peer's end asks for ours too (RFC 8831 §6.7). */
static void on_reset(struct channels *c, uint16_t stream, bool in, usec now)
{
    struct channel *ch = &c->channel[stream];
    if (ch->state == CHANNEL_NONE)
        return;
    sl_channels_close(c, stream, now);
    *(in ? &ch->in_reset : &ch->out_reset) = true;
    if (ch->in_reset && ch->out_reset)
        end(c, stream);
}

/* ---- what the peer says ---- */

/* Where a rule was broken and there may be no channel. */
static void refuse(struct channels *c, uint16_t stream, usec now)
{
    if (c->channel[stream].state == CHANNEL_NONE)
        c->channel[stream].state = CHANNEL_OPEN; /* for so long as it takes to close */
    sl_channels_close(c, stream, now);
}

static bool on_open(struct channels *c, uint16_t stream, struct channels_out *ret,
                    usec now)
{
    struct channel *ch = &c->channel[stream];
    if (ch->state == CHANNEL_CLOSING)
        return false; /* sent before it heard of that */
    if (ch->state != CHANNEL_NONE || ours(c, stream)) {
        refuse(c, stream, now);
        return false;
    }
    *ch = channel_of(&c->in.open, CHANNEL_OPEN);
    ch->owes_ack = true;
    c->owing |= UINT64_C(1) << stream;
    say_one(c, stream, now);
    *ret = (struct channels_out){
        .kind = CHANNELS_OPENED, .stream = stream, .open = &c->in.open};
    return true;
}

static bool on_answer(struct channels *c, uint16_t stream, struct channels_out *ret)
{
    struct channel *ch = &c->channel[stream];
    if (ch->state != CHANNEL_OPENING)
        return false;
    ch->state = CHANNEL_OPEN;
    *ret = (struct channels_out){.kind = CHANNELS_OPENED, .stream = stream};
    return true;
}

static bool on_dcep(struct channels *c, const struct sctp_out *o,
                    struct channels_out *ret, usec now)
{
    if (sl_dcep_parse(o->bytes, &c->in) != E_OK) {
        refuse(c, o->stream, now);
        return false;
    }
    return c->in.type == DCEP_OPEN ? on_open(c, o->stream, ret, now)
                                   : on_answer(c, o->stream, ret);
}

static bool on_message(struct channels *c, const struct sctp_out *o,
                       struct channels_out *ret, usec now)
{
    if (o->stream >= SCTP_STREAMS)
        return false;
    if (o->ppid == PPID_DCEP)
        return on_dcep(c, o, ret, now);
    const struct channel *ch = &c->channel[o->stream];
    if (ch->state != CHANNEL_OPEN && ch->state != CHANNEL_OPENING)
        return false; /* nobody's, or one that is on its way out */
    *ret = (struct channels_out){.kind = CHANNELS_MESSAGE, .stream = o->stream};
    switch (o->ppid) {
    case PPID_STRING:
        ret->text = true;
        ret->bytes = o->bytes;
        return true;
    case PPID_BINARY: ret->bytes = o->bytes; return true;
    case PPID_STRING_EMPTY: ret->text = true; return true;
    case PPID_BINARY_EMPTY: return true;
    }
    refuse(c, o->stream, now);
    return false;
}

/* ---- messages ---- */

enum err sl_channels_send(struct channels *c, uint16_t stream, bool text,
                          struct span message, usec now)
{
    static const uint8_t nothing[1];
    const struct channel *ch = stream < SCTP_STREAMS ? &c->channel[stream] : NULL;
    if (!ch || ch->state == CHANNEL_NONE || ch->state == CHANNEL_CLOSING)
        return E_ABSENT;
    if (message.n > SCTP_MESSAGE_MAX ||
        (c->conf.send_max > 0 && message.n > c->conf.send_max))
        return E_MALFORMED;
    if (ch->state == CHANNEL_WAITING)
        return E_EARLY;
    struct sctp_message m = {.stream = stream,
                             .ppid = text ? PPID_STRING : PPID_BINARY,
                             .bytes = message,
                             .limit_resends = ch->reliability == DCEP_RESENDS,
                             .limit_lifetime = ch->reliability == DCEP_LIFETIME,
                             .limit = ch->limit};
    /* RFC 8832 §6: in order until the peer is known to have our open. */
    m.unordered = ch->unordered && ch->state == CHANNEL_OPEN;
    if (message.n == 0) {
        m.ppid = text ? PPID_STRING_EMPTY : PPID_BINARY_EMPTY;
        m.bytes = (struct span){nothing, sizeof nothing};
    }
    return sl_sctp_send(c->sctp, &m, now);
}

/* ---- poll ---- */

bool sl_channels_poll_datagram(struct channels *c, struct channels_out *ret)
{
    struct sctp_out o;
    if (!sl_sctp_poll_datagram(c->sctp, &o))
        return false;
    *ret = (struct channels_out){.kind = CHANNELS_SEND, .bytes = o.bytes};
    return true;
}

static bool poll_closed(struct channels *c, struct channels_out *ret)
{
    if (c->closed == 0)
        return false;
    int i = __builtin_ctzll(c->closed);
    c->closed &= c->closed - 1;
    *ret = (struct channels_out){.kind = CHANNELS_CLOSED, .stream = (uint16_t)i};
    return true;
}

static bool translate(struct channels *c, const struct sctp_out *o,
                      struct channels_out *ret, usec now)
{
    switch (o->kind) {
    case SCTP_SEND:
        *ret = (struct channels_out){.kind = CHANNELS_SEND, .bytes = o->bytes};
        return true;
    case SCTP_DOWN: *ret = (struct channels_out){.kind = CHANNELS_DOWN}; return true;
    case SCTP_MESSAGE: return on_message(c, o, ret, now);
    case SCTP_TOO_LONG: sl_channels_close(c, o->stream, now); return false;
    case SCTP_RESET_IN: on_reset(c, o->stream, true, now); return false;
    case SCTP_RESET_DONE: on_reset(c, o->stream, false, now); return false;
    case SCTP_UP: return false;
    }
    return false;
}

bool sl_channels_poll(struct channels *c, struct channels_out *ret, usec now)
{
    struct sctp_out o;
    say_all(c, now);
    if (poll_closed(c, ret))
        return true;
    while (sl_sctp_poll(c->sctp, &o)) {
        if (translate(c, &o, ret, now))
            return true;
        say_all(c, now);
        if (poll_closed(c, ret))
            return true;
    }
    return false;
}
