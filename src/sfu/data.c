#include "sfu/data.h"

#include <stdlib.h>

struct data {
    struct data_conf conf;
    struct channels *channels; /* NULL: not begun */
    struct list commands;
    size_t done;                 /* cost of commands that were done, to be told */
    size_t above;                /* of what control has not acknowledged */
    usec octets_at, messages_at; /* when all that was read is paid for */
    bool held;                   /* for that, something may be left unread */
};

struct data_cmd *sl_data_cmd(uint64_t transport, enum data_verb verb, uint16_t stream,
                             struct span bytes)
{
    struct data_cmd *c = malloc(sizeof *c + bytes.n);
    if (!c)
        return NULL;
    *c = (struct data_cmd){
        .transport = transport, .verb = verb, .stream = stream, .n = bytes.n};
    list_init(&c->node);
    if (bytes.n > 0)
        memcpy(c->bytes, bytes.p, bytes.n);
    return c;
}

struct data *sl_data_new(const struct data_conf *conf)
{
    struct data *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->conf = *conf;
    list_init(&d->commands);
    return d;
}

void sl_data_free(struct data *d)
{
    if (!d)
        return;
    list_each_safe(struct data_cmd, c, &d->commands, node) free(c);
    sl_channels_free(d->channels);
    free(d);
}

enum err sl_data_begin(struct data *d, struct sctp_stack *st, usec now)
{
    const struct channels_conf conf = {.local_port = DATA_PORT,
                                       .remote_port = d->conf.remote_port,
                                       .dtls_client = d->conf.dtls_client,
                                       .send_max = d->conf.send_max,
                                       .receive_max = DATA_MESSAGE_MAX,
                                       .user = d};
    d->channels = sl_channels_new(st, &conf, now);
    return d->channels ? E_OK : E_MEMORY;
}

bool sl_data_begun(const struct data *d)
{
    return d->channels;
}

void sl_data_input(struct data *d, struct span datagram, usec now)
{
    if (d->channels)
        sl_channels_input(d->channels, datagram, now);
}

void sl_data_command(struct data *d, struct data_cmd *cmd)
{
    list_add(&d->commands, &cmd->node);
}

void sl_data_done(struct data *d, size_t cost)
{
    d->above -= cost < d->above ? cost : d->above;
}

void *sl_data_talking(struct sctp_stack *st)
{
    struct channels *c = sl_channels_talking(st);
    return c ? ((struct data *)sl_channels_user(c))->conf.user : NULL;
}

/* ---- down ---- */

/* False: later. */
static bool execute(struct data *d, const struct data_cmd *c, usec now)
{
    struct span bytes = {c->bytes, c->n};
    struct dcep m;
    if (c->verb == DATA_MESSAGE) {
        enum err e = sl_channels_send(d->channels, c->stream, c->text, bytes, now);
        return e != E_EARLY && e != E_FULL;
    }
    if (c->verb == DATA_CLOSE)
        sl_channels_close(d->channels, c->stream, now);
    else if (c->verb == DATA_OPEN && sl_dcep_parse(bytes, &m) == E_OK &&
             m.type == DCEP_OPEN)
        return sl_channels_open(d->channels, c->stream, &m.open, c->negotiated, now) !=
               E_MEMORY;
    return true;
}

static void execute_all(struct data *d, usec now)
{
    while (!list_empty(&d->commands)) {
        struct data_cmd *c = list_entry(d->commands.next, struct data_cmd, node);
        if (!execute(d, c, now))
            return;
        list_del(&c->node);
        d->done += data_cost(c);
        free(c);
    }
}

/* ---- up ---- */

/* When reading goes on. */
static usec affordable(const struct data *d)
{
    usec octets = d->octets_at - (usec)DATA_READ_BURST * SEC(1) / DATA_READ_PER_S;
    usec messages =
        d->messages_at - (usec)DATA_READ_MESSAGES * SEC(1) / DATA_READ_MESSAGES_PER_S;
    return octets > messages ? octets : messages;
}

usec sl_data_deadline(const struct data *d)
{
    return d->held ? affordable(d) : USEC_NEVER;
}

static void pay(struct data *d, size_t octets, usec now)
{
    usec octets_at = d->octets_at > now ? d->octets_at : now;
    usec messages_at = d->messages_at > now ? d->messages_at : now;
    d->octets_at = octets_at + (usec)octets * SEC(1) / DATA_READ_PER_S;
    d->messages_at = messages_at + SEC(1) / DATA_READ_MESSAGES_PER_S;
}

static struct data_cmd *up(struct data *d, const struct channels_out *o)
{
    static const enum data_verb verbs[] = {[CHANNELS_OPENED] = DATA_OPEN,
                                           [CHANNELS_MESSAGE] = DATA_MESSAGE,
                                           [CHANNELS_CLOSED] = DATA_CLOSE,
                                           [CHANNELS_DOWN] = DATA_DOWN};
    uint8_t buf[DCEP_OPEN_MAX];
    struct span bytes = o->bytes;
    if (o->open) {
        struct wr w = wr_of(buf, sizeof buf);
        sl_dcep_write(&w, &(struct dcep){.type = DCEP_OPEN, .open = *o->open});
        bytes = wr_done(&w);
    }
    struct data_cmd *c = sl_data_cmd(d->conf.transport, verbs[o->kind], o->stream, bytes);
    if (c) {
        c->text = o->text;
        d->above += data_cost(c);
    }
    return c;
}

static bool poll_channels(struct data *d, bool silent, struct data_out *ret, usec now)
{
    struct channels_out o;
    d->held = now < affordable(d);
    while (silent || d->held || d->above >= DATA_ABOVE_MAX
               ? sl_channels_poll_datagram(d->channels, &o)
               : sl_channels_poll(d->channels, &o, now)) {
        *ret = (struct data_out){.kind = DATA_SEND, .bytes = o.bytes};
        if (o.kind == CHANNELS_SEND)
            return true;
        if (o.kind == CHANNELS_MESSAGE)
            pay(d, o.bytes.n, now);
        *ret = (struct data_out){.kind = DATA_UP, .cmd = up(d, &o)};
        if (ret->cmd)
            return true; /* else memory ended, and the message is lost */
    }
    return false;
}

bool sl_data_poll(struct data *d, bool silent, struct data_out *ret, usec now)
{
    if (!d->channels)
        return false;
    execute_all(d, now);
    if (poll_channels(d, silent, ret, now))
        return true;
    execute_all(d, now); /* what came may have made room */
    if (d->done > 0) {
        *ret = (struct data_out){.kind = DATA_DONE, .cost = d->done};
        d->done = 0;
        return true;
    }
    return false;
}
