#include "viewing.h"

#include <string.h>

#include "base/rng.h"

#include "media/unwrap.h"
#include "proto/twcc.h"

enum {
    PAYLOAD = 1150, /* octets of a packet of a browser's encoder */
    HEAD = 8,       /* of them, VP8's descriptor, its first octet, and a mark of ours */
    QUEUE = 256,    /* packets of the publisher that wait for their time */
    RING = 4096,    /* packets of the viewer, by number */
    WAY = 1024,     /* messages on their way to the server */
    NACKS_MAX = 64,
    ASKS_MAX = 10, /* for one packet */
    VLA_IN = 13,
    SSRC_LAYER = 101,
    SOUND_OCTETS = 90,
    RED_OUT = 64,
};
#define WAKE       MSEC(1)
#define PICTURE    (SEC(1) / 30)
#define SOUND      MSEC(20)
#define ENCODING   MSEC(8)
#define PACED_BPS  7e6 /* a browser's pacer: some times its rate */
#define FEEDBACK   MSEC(50)
#define REPORT     SEC(1)
#define LOOK       MSEC(5)
#define ASK_AGAIN  MSEC(100)
#define WAIT_KEY   MSEC(200) /* libwebrtc's: for a key picture, and for any */
#define WAIT_OTHER SEC(3)

static const struct {
    unsigned width, height, bps, key_octets;
} layers[VIEWING_LAYERS] = {{320, 180, 150000, 5500},
                            {640, 360, 500000, 14000},
                            {1280, 720, 1700000, 38000}};

struct viewing viewing;
static struct rng rng;

static double chance(void)
{
    return (double)(sl_rng_u64(&rng) >> 11) / 9007199254740992.0;
}

/* Asked each WAKE. */
static bool is_away(struct viewing_busy *b, usec now)
{
    if (b->every > 0 && now >= b->until && chance() * (double)b->every < WAKE)
        b->until = now + (usec)(chance() * (double)b->most);
    return now < b->until;
}

/* ---- the publisher ---- */

static struct {
    unsigned picture, tl0;
    unsigned seq[VIEWING_LAYERS], sound_seq;
    usec next_picture, next_sound;
    bool key_wanted;
    size_t requests; /* taken of what the server said */
    size_t head, tail;
    struct {
        usec at;
        struct rtp rtp;
        uint8_t payload[PAYLOAD], ext[64];
    } queue[QUEUE];
} pub;

/* The sizes of all three encodings, so that nobody has to guess. */
static size_t write_allocation(uint8_t *p, unsigned stream)
{
    struct wr w = wr_of(p, 64);
    wr_u8(&w, (uint8_t)(stream << 6 | (VIEWING_LAYERS - 1) << 4 | 1));
    wr_u8(&w, 2 << 6 | 2 << 4 | 2 << 2); /* three temporal layers of each */
    for (int i = 0; i < VIEWING_LAYERS * 3; i++)
        wr_u8(&w, 100);
    for (int l = 0; l < VIEWING_LAYERS; l++) {
        wr_u16(&w, (uint16_t)(layers[l].width - 1));
        wr_u16(&w, (uint16_t)(layers[l].height - 1));
        wr_u8(&w, 30);
    }
    return w.n;
}

static void put_packet(unsigned l, bool key, uint8_t temporal, bool first, unsigned n,
                       bool last, usec at)
{
    size_t i = pub.tail++ % QUEUE;
    uint8_t vla[64], buf[600], *p = pub.queue[i].payload;
    CHECK(pub.tail - pub.head <= QUEUE);
    struct wr w = wr_of(p, HEAD);
    wr_u8(&w, first ? 0x90 : 0x80);
    wr_u8(&w, 0xe0); /* picture id, TL0PICIDX and temporal layer follow */
    wr_u16(&w, (uint16_t)(0x8000 | (pub.picture & 0x7fff)));
    wr_u8(&w, (uint8_t)pub.tl0);
    wr_u8(&w, (uint8_t)(temporal << 6 | (temporal > 0 ? 0x20 : 0)));
    wr_u8(&w, !(first && key));
    wr_u8(&w, (uint8_t)(l << 1 | key)); /* the mark */
    struct rtp *r = &pub.queue[i].rtp;
    *r = (struct rtp){.marker = last,
                      .pt = PT_VP8,
                      .seq = (uint16_t)++pub.seq[l],
                      .ts = 3000 * pub.picture,
                      .ssrc = SSRC_LAYER + l,
                      .payload = {p, n < HEAD ? HEAD : n}};
    if (key && first) {
        struct rtp_elem e = {.id = VLA_IN, .data = {vla, write_allocation(vla, l)}};
        stage_exts(r, buf, &e, 1);
        memcpy(pub.queue[i].ext, r->ext.p, r->ext.n);
        r->ext.p = pub.queue[i].ext;
    }
    pub.queue[i].at = at;
}

static void put_picture(unsigned l, bool key, usec now, double *ahead)
{
    static const uint8_t temporals[] = {0, 2, 1, 2};
    static const double weights[] = {1.6, 0.8, 0.8};
    uint8_t t = key ? 0 : temporals[pub.picture % 4];
    double usual = layers[l].bps / 8.0 / 30 * weights[t];
    unsigned left =
        key ? layers[l].key_octets : (unsigned)(usual * (0.7 + 0.6 * chance()));
    for (bool first = true; left > 0; first = false) {
        unsigned n = left < PAYLOAD ? left : PAYLOAD;
        left -= n;
        *ahead += n * 8e6 / PACED_BPS;
        put_packet(l, key, t, first, n, left == 0, now + ENCODING + (usec)*ahead);
    }
}

static void take_requests(struct sim_client *c)
{
    for (; pub.requests < c->rtcp_n; pub.requests++) {
        const struct sim_got *g = &c->rtcp[pub.requests % SIM_GOT];
        struct rd compound;
        struct rtcp r;
        CHECK_INT(sl_rtcp_parse((struct span){g->bytes, g->n}, &compound), E_OK);
        while (sl_rtcp_next(&compound, &r))
            if (r.type == RTCP_PSFB && r.count == PSFB_PLI && !pub.key_wanted) {
                pub.key_wanted = true;
                viewing.keys++;
            }
    }
}

static void publish(struct stage *s)
{
    usec now = s->sim.now;
    take_requests(s->pub);
    if (now >= pub.next_picture) {
        bool key = pub.key_wanted || pub.picture == 0;
        double ahead = 0;
        pub.next_picture += PICTURE;
        pub.picture += key ? (4 - pub.picture % 4) % 4 : 0;
        pub.tl0 += key || pub.picture % 4 == 0;
        pub.key_wanted = false;
        for (unsigned l = 0; l < VIEWING_LAYERS; l++)
            put_picture(l, key, now, &ahead);
        pub.picture++;
    }
    if (now >= pub.next_sound) {
        static const uint8_t payload[SOUND_OCTETS];
        unsigned n = ++pub.sound_seq;
        struct rtp r = {.pt = PT_OPUS,
                        .seq = (uint16_t)n,
                        .ts = 960 * n,
                        .ssrc = AUDIO_IN,
                        .payload = {payload, sizeof payload}};
        pub.next_sound += SOUND;
        sim_send_rtp(s->pub, &r);
    }
    for (; pub.head != pub.tail && pub.queue[pub.head % QUEUE].at <= now; pub.head++)
        sim_send_rtp(s->pub, &pub.queue[pub.head % QUEUE].rtp);
}

/* ---- what the viewer sends ---- */

static struct {
    size_t taken; /* of what the server sent */
    usec next_tell, next_look, next_report;
    uint64_t sound_top,
        told_top;     /* numbers of the sound: the highest, and the last report's */
    unsigned sound_n; /* that came since then */
    struct twcc twcc;
    struct got {
        uint64_t seq; /* 0: it is missing */
        bool marker, first, key;
        uint8_t layer, asked;
        usec asked_at;
    } got[RING];
    uint64_t top, next; /* the highest number; the first of the picture that comes next */
    bool begun, needs_key;
    uint8_t layer;
    usec shown_at, key_asked_at;
    usec delay; /* towards the server */
    size_t head, tail;
    struct message {
        usec at;
        bool pli;
        uint16_t nacks[NACKS_MAX];
        size_t nacks_n, n;
        uint8_t rtcp[TWCC_FB_OCTETS];
    } way[WAY];
} sub;

static struct message *message(usec now)
{
    struct message *m = &sub.way[sub.tail++ % WAY];
    CHECK(sub.tail - sub.head <= WAY);
    *m = (struct message){.at = now + sub.delay};
    return m;
}

static void deliver(struct sim_client *c, usec now)
{
    for (; sub.head != sub.tail && sub.way[sub.head % WAY].at <= now; sub.head++) {
        const struct message *m = &sub.way[sub.head % WAY];
        if (m->n > 0)
            sim_send_rtcp(c, (struct span){m->rtcp, m->n});
        if (m->nacks_n > 0)
            sim_send_nack(c, SSRC_OUT, m->nacks, m->nacks_n);
        if (m->pli)
            sim_send_pli(c, SSRC_OUT);
    }
}

static void tell(usec now)
{
    struct message m = {0};
    struct wr w = wr_of(m.rtcp, sizeof m.rtcp);
    while (sl_twcc_build(&sub.twcc, 1, SSRC_OUT, &w)) {
        struct message *to = message(now);
        memcpy(to->rtcp, w.p, w.n);
        to->n = w.n;
        w = wr_of(m.rtcp, sizeof m.rtcp);
    }
}

/* What became of the sound. */
static void report(usec now)
{
    struct message *m = message(now);
    struct wr w = wr_of(m->rtcp, sizeof m->rtcp);
    uint64_t expected = sub.sound_top - sub.told_top, got = sub.sound_n;
    struct rtcp_block b = {.ssrc = SSRC_OUT + 10};
    if (got < expected)
        b.fraction = (uint8_t)((expected - got) * UINT8_MAX / expected);
    sl_rtcp_build_report(&w, 1, NULL, &b, 1);
    m->n = w.n;
    sub.told_top = sub.sound_top;
    sub.sound_n = 0;
}

static void ask(usec now)
{
    struct message m = {0};
    for (uint64_t q = sub.next; q < sub.top && m.nacks_n < NACKS_MAX; q++) {
        struct got *g = &sub.got[q % RING];
        if (g->seq == q || g->asked == ASKS_MAX ||
            (g->asked > 0 && now - g->asked_at < ASK_AGAIN))
            continue;
        g->asked++;
        g->asked_at = now;
        m.nacks[m.nacks_n++] = (uint16_t)q;
    }
    viewing.nacks += m.nacks_n;
    usec wait = sub.needs_key ? WAIT_KEY : WAIT_OTHER;
    m.pli = sub.begun && now - sub.shown_at > wait && now - sub.key_asked_at > wait;
    if (m.pli)
        sub.key_asked_at = now;
    viewing.plis += m.pli;
    m.at = now + sub.delay;
    if (m.nacks_n > 0 || m.pli)
        *message(now) = m;
}

/* ---- and what it shows ---- */

static bool here(uint64_t seq)
{
    return sub.got[seq % RING].seq == seq;
}

/* The last packet of the picture that begins with this one; 0: it is not whole. */
static uint64_t end_of(uint64_t seq)
{
    for (; seq <= sub.top && here(seq); seq++)
        if (sub.got[seq % RING].marker)
            return seq;
    return 0;
}

static void show(const struct got *g, usec now)
{
    if (g->key) {
        sub.needs_key = false;
        sub.layer = g->layer;
    }
    if (g->layer != sub.layer)
        sub.needs_key = true;
    if (sub.needs_key)
        return;
    sub.shown_at = now;
    if (viewing.shown_n < VIEWING_SHOWN)
        viewing.shown[viewing.shown_n++] =
            (struct viewing_picture){now, layers[g->layer].height};
}

/* The next key picture behind a gap that is whole; 0: none. */
static uint64_t next_key(void)
{
    for (uint64_t q = sub.next; q <= sub.top; q++) {
        const struct got *g = &sub.got[q % RING];
        if (here(q) && g->first && g->key && end_of(q) != 0)
            return q;
    }
    return 0;
}

static void decode(usec now)
{
    for (uint64_t q = sub.next; q != 0; q = next_key()) {
        uint64_t end = end_of(q);
        for (; end != 0; end = end_of(q)) {
            show(&sub.got[q % RING], now);
            q = end + 1;
        }
        sub.next = q;
    }
}

static void take_video(const struct rtp *r)
{
    uint64_t seq = sub.begun ? unwrap_seq(sub.top, r->seq) : SEQ_FIRST + r->seq;
    if (!sub.begun) {
        sub.begun = sub.needs_key = true;
        sub.top = seq - 1;
        sub.next = seq;
    }
    CHECK(seq < sub.top + RING / 2);
    if (seq + RING / 2 < sub.top)
        return;
    while (sub.top < seq)
        sub.got[++sub.top % RING] = (struct got){0};
    struct got *g = &sub.got[seq % RING];
    g->seq = seq;
    g->marker = r->marker;
    g->first = r->payload.p[0] & 0x10;
    g->key = r->payload.p[HEAD - 1] & 1;
    g->layer = r->payload.p[HEAD - 1] >> 1;
}

static void take(struct span datagram, usec now)
{
    struct rtp r;
    struct rtp_elem e;
    CHECK_INT(sl_rtp_parse(datagram, &r), E_OK);
    for (struct rtp_elems it = sl_rtp_elems(&r); sl_rtp_elems_next(&it, &e);)
        if (e.id == TWCC_OUT)
            sl_twcc_add(&sub.twcc, rtp_be16(e.data.p), now);
    if (r.ssrc == SSRC_RTX && r.payload.n >= 2 + HEAD) { /* less is padding */
        r.seq = rtp_be16(r.payload.p);
        r.payload = (struct span){r.payload.p + 2, r.payload.n - 2};
        take_video(&r);
    } else if (r.ssrc == SSRC_OUT) {
        take_video(&r);
    } else if (r.ssrc != SSRC_RTX) {
        uint64_t seq = viewing.sound_got ? unwrap_seq(sub.sound_top, r.seq) : r.seq;
        if (viewing.sound_got++ == 0)
            sub.sound_top = sub.told_top = seq - 1;
        sub.sound_top = seq > sub.sound_top ? seq : sub.sound_top;
        sub.sound_n++;
    }
}

static void pass_on(struct stage *s, usec now)
{
    for (; sub.taken < s->sub->rtp_n; sub.taken++) {
        uint8_t wire[1900] = {0};
        const struct sim_got *g = &s->sub->rtp[sub.taken % SIM_GOT];
        struct rtp r = sim_rtp(s->sub, sub.taken);
        viewing.sound_sent += r.ssrc != SSRC_OUT && r.ssrc != SSRC_RTX;
        memcpy(wire, g->bytes, g->n);
        (void)sl_impair_put(viewing.down, g->n, (struct span){wire, g->n + 16U}, now);
    }
}

static void watch(struct stage *s)
{
    usec now = s->sim.now;
    unsigned plain;
    struct span got;
    bool held = is_away(&viewing.relay, now);
    if (!held)
        pass_on(s, now);
    if (is_away(&viewing.viewer, now))
        return;
    while (!held && sl_impair_take(viewing.down, now, &plain, &got))
        take((struct span){got.p, plain}, now);
    if (sub.begun)
        decode(now);
    if (now >= sub.next_tell) {
        sub.next_tell = now + FEEDBACK;
        tell(now);
    }
    if (now >= sub.next_look) {
        sub.next_look = now + LOOK;
        ask(now);
    }
    if (now >= sub.next_report && viewing.sound_got > 0) {
        sub.next_report = now + REPORT;
        report(now);
    }
    deliver(s->sub, now);
}

/* ---- both ---- */

void viewing_run(struct stage *s, usec span)
{
    for (usec until = s->sim.now + span; s->sim.now < until;) {
        publish(s);
        if (s->sim.now % SEC(5) == 0) { /* consent */
            sim_check(s->pub);
            if (s->sub)
                sim_check(s->sub);
        }
        sim_run(&s->sim, WAKE);
        if (s->sub)
            watch(s);
    }
}

void viewing_open(struct stage *s, const struct impair_conf *down, uint64_t seed)
{
    struct cmd_producer p = stage_simulcast(), sound = stage_audio();
    struct cmd_consumer k = stage_viewer(RTX_OUT), l = stage_listener();
    memset(&pub, 0, sizeof pub);
    memset(&sub, 0, sizeof sub);
    memset(&viewing, 0, sizeof viewing);
    rng = sl_rng_of(seed);
    p.receive.params.ext_id[EXT_LAYERS_ALLOCATION] = VLA_IN;
    for (unsigned i = 0; i < VIEWING_LAYERS; i++)
        p.receive.encodings[i].ssrc = SSRC_LAYER + i;
    k.send.params.codecs[0].twcc = l.send.params.codecs[0].twcc = true;
    l.send.params.ext_id[EXT_TWCC] = TWCC_OUT;
    l.send.params.codecs[1] = stage_codec(CODEC_RED, RED_OUT, PT_NONE);
    l.send.params.codecs[1].profile = OPUS_OUT;
    l.send.params.codecs_n = 2;
    sim_init(&s->sim);
    s->sub = NULL;
    s->pub = sim_connected(&s->sim, 1, 0, SRTP_GCM_128);
    sim_produce(s->pub, &p);
    sim_produce(s->pub, &sound);
    sim_ready(s->pub);
    pub.next_picture = pub.next_sound = s->sim.now;
    viewing_run(s, SEC(2));

    viewing.joined = s->sim.now;
    viewing.down = sl_impair_new(seed, s->sim.now);
    sl_impair_set(viewing.down, down, s->sim.now);
    sub.delay = down->delay;
    sub.next_tell = sub.next_look = s->sim.now;
    s->sub = sim_connected(&s->sim, 2, 0, SRTP_GCM_128);
    sim_consume(s->sub, &k, VIDEO);
    sim_consume(s->sub, &l, AUDIO);
    sim_ready(s->sub);
    sim_settle(&s->sim);
}

void viewing_close(struct stage *s)
{
    stage_close(s);
    sl_impair_free(viewing.down);
    viewing.down = NULL;
}

/* ---- what was seen ---- */

static usec between(usec at, usec from, usec until)
{
    return at < from ? from : at > until ? until : at;
}

double viewing_share(unsigned height, usec from, usec until)
{
    usec sum = 0;
    for (size_t i = 0; i < viewing.shown_n; i++) {
        usec to = i + 1 < viewing.shown_n ? viewing.shown[i + 1].at : until;
        if (viewing.shown[i].height >= height)
            sum += between(to, from, until) - between(viewing.shown[i].at, from, until);
    }
    return (double)sum / (double)(until - from);
}

double viewing_fps(usec from, usec until)
{
    unsigned n = 0;
    for (size_t i = 0; i < viewing.shown_n; i++)
        n += viewing.shown[i].at >= from && viewing.shown[i].at < until;
    return (double)n * SEC(1) / (double)(until - from);
}

usec viewing_longest(usec from, usec until)
{
    usec last = from, most = 0;
    for (size_t i = 0; i <= viewing.shown_n; i++) {
        usec at = i < viewing.shown_n ? viewing.shown[i].at : until;
        at = between(at, from, until);
        most = at - last > most ? at - last : most;
        last = at;
    }
    return most;
}
