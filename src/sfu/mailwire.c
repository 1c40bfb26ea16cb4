#include "sfu/mailwire.h"

#include <stdlib.h>

#include "sfu/look.h"
#include "sfu/mail.h"
#include "sfu/producer.h"
#include "sfu/shard.h"

/* What a mail is made of, beside its type. */
enum form {
    FORM_NONE, /* not for shards: id and arg are all that can be said of it */
    FORM_PLAIN,
    FORM_EXPECT,
    FORM_KEYS,
    FORM_PRODUCER,
    FORM_CONSUMER,
    FORM_SEND,
    FORM_CLOCK,
    FORM_ASLEEP,
    FORM_LOOK,
    FORM_PACKET,
    FORM_MEDIA,
};

static const uint8_t forms[] = {
    [MAIL_EXPECT] = FORM_EXPECT,     [MAIL_RESTART] = FORM_EXPECT,
    [MAIL_OWNER] = FORM_PLAIN,       [MAIL_PRODUCER] = FORM_PRODUCER,
    [MAIL_REMOTE] = FORM_PRODUCER,   [MAIL_PRODUCER_CLOSE] = FORM_PLAIN,
    [MAIL_PIPE] = FORM_PLAIN,        [MAIL_UNPIPE] = FORM_PLAIN,
    [MAIL_CONSUMER] = FORM_CONSUMER, [MAIL_SOURCE] = FORM_PLAIN,
    [MAIL_WISH] = FORM_PLAIN,        [MAIL_CONSUMER_CLOSE] = FORM_PLAIN,
    [MAIL_READY] = FORM_PLAIN,       [MAIL_CEILING] = FORM_PLAIN,
    [MAIL_CLOSE] = FORM_PLAIN,       [MAIL_SEND] = FORM_SEND,
    [MAIL_KEYS] = FORM_KEYS,         [MAIL_DTLS_OUT] = FORM_PACKET,
    [MAIL_PATH] = FORM_PLAIN,        [MAIL_DTLS] = FORM_PACKET,
    [MAIL_HEARD] = FORM_PLAIN,       [MAIL_RAW] = FORM_PACKET,
    [MAIL_RTP] = FORM_MEDIA,         [MAIL_CLOCK] = FORM_CLOCK,
    [MAIL_ASLEEP] = FORM_ASLEEP,     [MAIL_KEYFRAME] = FORM_PLAIN,
    [MAIL_WANTED] = FORM_PLAIN,      [MAIL_EXCESS] = FORM_PLAIN,
    [MAIL_BACK] = FORM_PACKET,       [MAIL_STALE] = FORM_PLAIN,
    [MAIL_LOST] = FORM_PLAIN,        [MAIL_STARTED] = FORM_PLAIN,
    [MAIL_ESTIMATE] = FORM_PLAIN,    [MAIL_RECEPTION] = FORM_PLAIN,
    [MAIL_SPEAKER] = FORM_PLAIN,     [MAIL_SEEN] = FORM_PLAIN,
    [MAIL_SHARE] = FORM_PLAIN,       [MAIL_LOOK] = FORM_LOOK,
    [MAIL_STATS] = FORM_NONE,
};

/* ---- fields, both ways ---- */

/* Each function below gives a field its place once: to a writer it hands on what there is, from
 * a reader it returns what comes instead. */
struct both {
    struct wr *w; /* NULL: it is read */
    struct rd *r;
    bool bad; /* a value was read that cannot be */
};

static uint64_t f64(struct both *b, uint64_t v)
{
    if (!b->w)
        return rd_u64(b->r);
    wr_u64(b->w, v);
    return v;
}

static uint32_t f32(struct both *b, uint32_t v)
{
    if (!b->w)
        return rd_u32(b->r);
    wr_u32(b->w, v);
    return v;
}

static uint16_t f16(struct both *b, uint16_t v)
{
    if (!b->w)
        return rd_u16(b->r);
    wr_u16(b->w, v);
    return v;
}

static uint8_t f8(struct both *b, uint8_t v)
{
    if (!b->w)
        return rd_u8(b->r);
    wr_u8(b->w, v);
    return v;
}

/* A number or an enum that is not above `most`; 0 for one that is. */
static uint8_t upto(struct both *b, unsigned v, unsigned most)
{
    uint8_t is = f8(b, (uint8_t)v);
    if (is <= most)
        return is;
    b->bad = true;
    return 0;
}

static bool flag(struct both *b, bool v)
{
    return upto(b, v, 1);
}

static usec time_of(struct both *b, usec v)
{
    return (usec)f64(b, (uint64_t)v);
}

static void octets(struct both *b, uint8_t *p, size_t n)
{
    if (b->w) {
        wr_span(b->w, (struct span){p, n});
        return;
    }
    struct span s = rd_span(b->r, n);
    if (s.p && n > 0)
        memcpy(p, s.p, n);
}

static void text(struct both *b, char *p, size_t cap)
{
    octets(b, (uint8_t *)p, cap);
    if (!memchr(p, '\0', cap)) {
        p[cap - 1] = '\0';
        b->bad = true;
    }
}

static void address(struct both *b, struct addr *a)
{
    octets(b, a->ip, sizeof a->ip);
    a->port = f16(b, a->port);
}

/* ---- commands ---- */

static void expect(struct both *b, struct cmd_expect *c)
{
    c->transport = f64(b, c->transport);
    text(b, c->creds.ufrag, sizeof c->creds.ufrag);
    text(b, c->creds.pwd, sizeof c->creds.pwd);
    c->single = flag(b, c->single);
}

static void master(struct both *b, struct srtp_master *m)
{
    m->profile = (enum srtp_profile)upto(b, m->profile, SRTP_GCM_256);
    octets(b, m->key, sizeof m->key);
    octets(b, m->salt, sizeof m->salt);
    b->bad |= sl_srtp_key_len(m->profile) == 0;
}

static void keys(struct both *b, struct cmd_keys *c)
{
    c->transport = f64(b, c->transport);
    master(b, &c->in);
    master(b, &c->out);
}

static void codec(struct both *b, struct rtp_codec *c)
{
    c->codec = (enum codec)upto(b, c->codec, CODECS - 1);
    c->pt = upto(b, c->pt, 0x7f);
    c->rtx_pt = f8(b, c->rtx_pt);
    c->channels = f8(b, c->channels);
    c->nack = flag(b, c->nack);
    c->pli = flag(b, c->pli);
    c->fir = flag(b, c->fir);
    c->twcc = flag(b, c->twcc);
    c->remb = flag(b, c->remb);
    c->profile = f32(b, c->profile);
}

static void params(struct both *b, struct rtp_params *p)
{
    p->kind = (enum media_kind)upto(b, p->kind, MEDIA_VIDEO);
    text(b, p->mid, sizeof p->mid);
    p->codecs_n = upto(b, p->codecs_n, PARAMS_CODECS_MAX);
    for (uint8_t i = 0; i < p->codecs_n; i++)
        codec(b, &p->codecs[i]);
    for (size_t i = 0; i < EXTS; i++)
        p->ext_id[i] = f8(b, p->ext_id[i]);
}

static void producer(struct both *b, struct cmd_producer *c)
{
    struct rtp_receive *r = &c->receive;
    c->id = f64(b, c->id);
    c->transport = f64(b, c->transport);
    c->origin = upto(b, c->origin, SHARD_WORKERS_MAX - 1);
    params(b, &r->params);
    r->screen = flag(b, r->screen);
    r->obeys = flag(b, r->obeys);
    r->encodings_n = upto(b, r->encodings_n, PARAMS_ENCODINGS_MAX);
    b->bad |= r->encodings_n == 0;
    for (uint8_t i = 0; i < r->encodings_n; i++) {
        r->encodings[i].ssrc = f32(b, r->encodings[i].ssrc);
        r->encodings[i].rtx_ssrc = f32(b, r->encodings[i].rtx_ssrc);
        text(b, r->encodings[i].rid, sizeof r->encodings[i].rid);
    }
}

static void consumer(struct both *b, struct cmd_consumer *c)
{
    c->id = f64(b, c->id);
    c->transport = f64(b, c->transport);
    params(b, &c->send.params);
    c->send.ssrc = f32(b, c->send.ssrc);
    c->send.rtx_ssrc = f32(b, c->send.rtx_ssrc);
    text(b, c->send.cname, sizeof c->send.cname);
}

static void send_own(struct both *b, struct cmd_send *c)
{
    address(b, &c->to);
    c->port = f16(b, c->port);
    c->n = f16(b, c->n);
    if (c->n > CMD_SEND_MAX) {
        c->n = 0;
        b->bad = true;
    }
    octets(b, c->bytes, c->n);
}

static void clock_of(struct both *b, struct cmd_clock *c)
{
    c->producer = f64(b, c->producer);
    c->encoding = f8(b, c->encoding);
    c->epoch = f8(b, c->epoch);
    c->clock.clock_hz = f32(b, c->clock.clock_hz);
    c->clock.known = flag(b, c->clock.known);
    c->clock.ntp = f64(b, c->clock.ntp);
    c->clock.ts = f32(b, c->clock.ts);
    c->clock.at = time_of(b, c->clock.at);
}

static void asleep(struct both *b, struct cmd_asleep *c)
{
    c->producer = f64(b, c->producer);
    c->asleep = f8(b, c->asleep);
    c->seen.n = upto(b, c->seen.n, LAYER_INFOS_MAX);
    for (uint8_t i = 0; i < c->seen.n; i++) {
        struct layer_info *l = &c->seen.layers[i];
        l->encoding = upto(b, l->encoding, PARAMS_ENCODINGS_MAX - 1);
        l->spatial = upto(b, l->spatial, LAYER_SPATIALS - 1);
        l->temporal = upto(b, l->temporal, LAYER_TEMPORALS - 1);
        l->live = flag(b, l->live);
        l->bps = f32(b, l->bps);
        l->width = f16(b, l->width);
        l->height = f16(b, l->height);
        l->fps = f8(b, l->fps);
    }
}

static void look(struct both *b, struct look *l)
{
    l->n = upto(b, (unsigned)l->n, LOOK_MAX);
    for (size_t i = 0; i < l->n; i++) {
        l->at[i].id = f64(b, l->at[i].id);
        l->at[i].kind = (enum look_kind)upto(b, l->at[i].kind, LOOK_CONSUMER);
    }
}

/* What p points to, or is to point to: a copy is written, so that what is given is not. */
#define COMMANDS(X)                                                                      \
    X(EXPECT, cmd_expect, expect)                                                        \
    X(KEYS, cmd_keys, keys)                                                              \
    X(PRODUCER, cmd_producer, producer)                                                  \
    X(CONSUMER, cmd_consumer, consumer)                                                  \
    X(SEND, cmd_send, send_own)                                                          \
    X(CLOCK, cmd_clock, clock_of)                                                        \
    X(ASLEEP, cmd_asleep, asleep)                                                        \
    X(LOOK, look, look)

union command {
#define MEMBER(form, type, fields) struct type of_##type;
    COMMANDS(MEMBER)
#undef MEMBER
};

static void command(struct both *b, enum form form, union command *c)
{
#define FIELDS(name, type, fields)                                                       \
    if (form == FORM_##name)                                                             \
        fields(b, &c->of_##type);
    COMMANDS(FIELDS)
#undef FIELDS
}

static size_t size_of(enum form form)
{
#define SIZE(name, type, fields)                                                         \
    if (form == FORM_##name)                                                             \
        return sizeof(struct type);
    COMMANDS(SIZE)
#undef SIZE
    return 0;
}

/* ---- packets ---- */

enum { ID_MAX = 7 /* of a layer, as 3 bits name it */ };

static void payload(struct both *b, struct payload *p)
{
    p->picture_id = f16(b, p->picture_id);
    p->dd_frame = f16(b, p->dd_frame);
    p->tl0picidx = f8(b, p->tl0picidx);
    p->spatial = upto(b, p->spatial, ID_MAX);
    p->temporal = upto(b, p->temporal, ID_MAX);
    p->in = f16(b, p->in);
    p->begin = f16(b, p->begin);
    p->dd.at = f16(b, p->dd.at);
    p->dd.targets_n = f8(b, p->dd.targets_n);
    p->dd.structure = flag(b, p->dd.structure);
    p->dd.said = flag(b, p->dd.said);
    p->pid_at = upto(b, p->pid_at, PAYLOAD_IDS_MAX);
    p->tl0_at = upto(b, p->tl0_at, PAYLOAD_IDS_MAX);
    p->ids_n = upto(b, p->ids_n, PAYLOAD_IDS_MAX);
    p->long_id = flag(b, p->long_id);
    p->key = flag(b, p->key);
    p->start = flag(b, p->start);
    p->end = flag(b, p->end);
    p->sync = flag(b, p->sync);
    p->counted = flag(b, p->counted);
    p->discardable = flag(b, p->discardable);
    p->empty = flag(b, p->empty);
    p->dtx = flag(b, p->dtx);
    p->has_dd = flag(b, p->has_dd);
}

/* Of a packet of n octets; what is read lies within them. */
static void media(struct both *b, struct media_pkt *m, size_t n)
{
    m->seq = f64(b, m->seq);
    m->ts = f32(b, m->ts);
    m->payload = f16(b, m->payload);
    m->payload_n = f16(b, m->payload_n);
    b->bad |= (size_t)m->payload + m->payload_n > n;
    m->pt = upto(b, m->pt, 0x7f);
    m->marker = flag(b, m->marker);
    m->encoding = upto(b, m->encoding, PARAMS_ENCODINGS_MAX - 1);
    m->epoch = f8(b, m->epoch);
    m->exts_n = upto(b, m->exts_n, FORWARDED_EXTS_MAX);
    for (uint8_t i = 0; i < m->exts_n; i++) {
        m->exts[i].off = f16(b, m->exts[i].off);
        m->exts[i].len = f8(b, m->exts[i].len);
        m->exts[i].ext = upto(b, m->exts[i].ext, EXTS - 1);
        b->bad |= (size_t)m->exts[i].off + m->exts[i].len > n;
    }
    payload(b, &m->info);
    unsigned pid_last = m->info.pid_at + (unsigned)m->info.long_id;
    b->bad |= m->info.ids_n > m->payload_n ||
              (m->info.pid_at > 0 && pid_last >= m->info.ids_n) ||
              (m->info.tl0_at > 0 && m->info.tl0_at >= m->info.ids_n);
}

static void put_packet(struct wr *w, const struct pkt *p, enum form form)
{
    struct both b = {.w = w};
    struct addr from = p->from;
    wr_u8(w, p->owner);
    address(&b, &from);
    wr_u16(w, p->port);
    wr_u64(w, (uint64_t)p->at);
    wr_u16(w, p->n);
    wr_span(w, (struct span){p->data, p->n});
    if (form == FORM_MEDIA) {
        struct media_pkt m = *media_in(p);
        media(&b, &m, p->n);
    }
}

static enum err get_packet(struct rd *r, struct pkt_pool *others, enum form form,
                           struct pkt **ret)
{
    struct both b = {.r = r};
    struct pkt *p = sl_pkt_new(others);
    if (!p)
        return E_FULL;
    memset(p->meta, 0, sizeof p->meta);
    p->owner = upto(&b, 0, SHARD_PEERS - 1);
    address(&b, &p->from);
    p->port = rd_u16(r);
    p->at = (usec)rd_u64(r);
    struct span data = {.n = rd_u16(r)};
    data = rd_span(r, data.n);
    b.bad |= data.n == 0 || data.n > PKT_CAP;
    if (!b.bad) {
        p->n = (uint16_t)data.n;
        memcpy(p->data, data.p, data.n);
    }
    if (form == FORM_MEDIA)
        media(&b, media_of(p), data.n);
    *ret = p;
    if (!b.bad && !r->bad)
        return E_OK;
    sl_pkt_unref(p);
    return r->bad ? E_SHORT : E_MALFORMED;
}

/* ---- mails ---- */

static enum form form_of(uint32_t type)
{
    return type < sizeof forms ? (enum form)forms[type] : FORM_NONE;
}

void sl_mailwire_put(struct wr *w, const struct mail *m)
{
    enum form form = form_of(m->type);
    struct both b = {.w = w};
    union command copy;
    wr_u8(w, m->type);
    wr_u32(w, m->arg);
    wr_u64(w, m->id);
    if (form == FORM_PLAIN)
        wr_u64(w, m->id2);
    else if (form == FORM_PACKET || form == FORM_MEDIA)
        put_packet(w, m->p, form);
    else if (form != FORM_NONE) {
        memcpy(&copy, m->p, size_of(form));
        command(&b, form, &copy);
    }
}

static enum err get_command(struct rd *r, enum form form, void **ret)
{
    struct both b = {.r = r};
    union command *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    command(&b, form, c);
    *ret = c;
    if (!b.bad && !r->bad)
        return E_OK;
    free(c);
    return r->bad ? E_SHORT : E_MALFORMED;
}

enum err sl_mailwire_get(struct rd *r, struct pkt_pool *others, struct mail *ret)
{
    struct mail m = {.type = rd_u8(r), .arg = rd_u32(r), .id = rd_u64(r)};
    enum form form = form_of(m.type);
    struct pkt *p = NULL;
    enum err e = E_OK;
    if (r->bad)
        return E_SHORT;
    if (form == FORM_NONE || m.type == MAIL_BACK || m.type == MAIL_DTLS)
        return E_UNSUPPORTED;
    if (form == FORM_PLAIN) {
        m.id2 = rd_u64(r);
        e = r->bad ? E_SHORT : E_OK;
    } else if (form == FORM_PACKET || form == FORM_MEDIA) {
        e = get_packet(r, others, form, &p);
        m.p = p;
    } else {
        e = get_command(r, form, &m.p);
    }
    if (!e)
        *ret = m;
    return e;
}
