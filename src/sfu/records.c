#include "sfu/records.h"

#include <string.h>

#include "sfu/inside.h"
#include "sfu/transport.h"

static const struct records_gone *gone(const struct records *r, uint64_t transport)
{
    for (size_t i = 0; i < RECORDS_GONE; i++)
        if (transport && r->gone[i].transport == transport)
            return &r->gone[i];
    return NULL;
}

static void send_to(struct shard *s, const struct addr *to, uint16_t port,
                    const struct pkt *record)
{
    uint8_t *room = sl_batch_room(s->batch, record->n);
    if (!room)
        return;
    memcpy(room, record->data, record->n);
    sl_batch_put(s->batch, to, port, record->n);
}

void sl_records_send(struct shard *s, uint64_t transport, const struct pkt *record)
{
    const struct transport *t = sl_shard_transport(s, transport);
    const struct ice_pair *path = t ? sl_ice_path(&t->ice) : NULL;
    const struct records_gone *g = t ? NULL : gone(&s->records, transport);
    if (path)
        send_to(s, &path->remote, path->port, record);
    else if (g)
        send_to(s, &g->to, g->port, record);
}

void sl_records_closed(struct shard *s, const struct transport *t)
{
    const struct ice_pair *path = t->out ? sl_ice_path(&t->ice) : NULL;
    if (!path)
        return; /* it has no keys to say anything with, or no way */
    s->records.gone[s->records.next] =
        (struct records_gone){.transport = t->id, .to = path->remote, .port = path->port};
    s->records.next = (s->records.next + 1) % RECORDS_GONE;
}
