#include "service/plane_data.h"

_Static_assert((int)MEDIA_DATA_PORT == DATA_PORT &&
                   (int)MEDIA_DATA_LONGEST == DATA_MESSAGE_MAX,
               "we are as we say");

static enum err put(struct plane_data *d, struct outbox *out, struct data_cmd *c)
{
    if (!c)
        return E_MEMORY;
    d->below += data_cost(c);
    sl_outbox_put(out, SHARD_TO_ASSOC, &(struct mail){.type = MAIL_DATA, .p = c});
    return E_OK;
}

/* RFC 8832 §6: the DTLS client's are even. SCTP_STREAMS: none is left. */
static uint16_t free_stream(const struct plane_data *d)
{
    uint16_t i = d->dtls_client ? 0 : 1;
    while (i < SCTP_STREAMS && d->channels >> i & 1)
        i += 2;
    return i < SCTP_STREAMS ? i : SCTP_STREAMS;
}

enum err sl_plane_data_open(struct plane_data *d, struct outbox *out,
                            const struct dcep_open *open, bool negotiated,
                            uint16_t *stream)
{
    uint8_t buf[DCEP_OPEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    if (!d->conf.wanted)
        return E_ABSENT;
    uint16_t i = negotiated ? *stream : free_stream(d);
    if (i >= SCTP_STREAMS || d->below >= DATA_BELOW_MAX)
        return E_FULL;
    if (d->channels >> i & 1)
        return E_EXISTS;
    sl_dcep_write(&w, &(struct dcep){.type = DCEP_OPEN, .open = *open});
    struct data_cmd *c = sl_data_cmd(d->transport, DATA_OPEN, i, wr_done(&w));
    if (c)
        c->negotiated = negotiated;
    enum err e = put(d, out, c);
    if (e)
        return e;
    d->channels |= UINT64_C(1) << i;
    *stream = i;
    return E_OK;
}

static bool has_channel(const struct plane_data *d, uint16_t stream)
{
    return stream < SCTP_STREAMS && d->channels >> stream & 1;
}

enum err sl_plane_data_send(struct plane_data *d, struct outbox *out, uint16_t stream,
                            bool text, struct span message)
{
    if (!has_channel(d, stream))
        return E_ABSENT;
    if (message.n > SCTP_MESSAGE_MAX ||
        (d->conf.message > 0 && message.n > d->conf.message))
        return E_MALFORMED;
    if (d->below > 0 && d->below + message.n > DATA_BELOW_MAX) {
        d->full = true;
        return E_FULL;
    }
    struct data_cmd *c = sl_data_cmd(d->transport, DATA_MESSAGE, stream, message);
    if (c)
        c->text = text;
    return put(d, out, c);
}

void sl_plane_data_close(struct plane_data *d, struct outbox *out, uint16_t stream)
{
    if (has_channel(d, stream))
        (void)put(d, out,
                  sl_data_cmd(d->transport, DATA_CLOSE, stream, (struct span){0}));
}

bool sl_plane_data_event(struct plane_data *d, const struct data_cmd *c,
                         struct dcep_open *open, struct media_data_event *ret)
{
    static const enum media_data_kind kinds[] = {[DATA_OPEN] = MEDIA_DATA_OPENED,
                                                 [DATA_MESSAGE] = MEDIA_DATA_MESSAGE,
                                                 [DATA_CLOSE] = MEDIA_DATA_CLOSED,
                                                 [DATA_DOWN] = MEDIA_DATA_ENDED};
    struct media_data_event ev = {.kind = kinds[c->verb],
                                  .stream = c->stream,
                                  .text = c->text,
                                  .bytes = {c->bytes, c->n}};
    struct dcep m;
    uint64_t bit = UINT64_C(1) << c->stream;
    if (c->verb == DATA_OPEN && c->n > 0 && sl_dcep_parse(ev.bytes, &m) == E_OK) {
        *open = m.open;
        ev.open = open;
        d->channels |= bit;
    } else if (c->verb != DATA_DOWN && !(d->channels & bit)) {
        return false;
    }
    if (c->verb == DATA_CLOSE)
        d->channels &= ~bit;
    if (c->verb == DATA_DOWN)
        d->channels = 0;
    *ret = ev;
    return true;
}

bool sl_plane_data_done(struct plane_data *d, size_t cost)
{
    d->below -= cost < d->below ? cost : d->below;
    if (!d->full || d->below > DATA_BELOW_MAX / 2)
        return false;
    d->full = false;
    return true;
}
