#include "seat.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/stun.h"

#define EVERY  MSEC(40) /* voices, two packets together */
#define REPORT SEC(1)

enum {
    VOICES = 2, /* packets */
    PICTURES = 3,
    VOICE_OCTETS = 100,
    PICTURE_OCTETS = 600,
    PICTURE_EACH = 3, /* voices */
    PICTURE_HZ = 8,
    DATAGRAM = 2048,
    READS = 64,
    GAP_MAX = 16, /* more than that is not asked for again */
    OFFER_MAX = 64 * 1024,
};

/* ---- all of them ---- */

enum err seat_crowd_init(struct crowd *c)
{
    static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};
    c->srtp = sl_srtp_backend_best();
    c->rng = sl_rng_of(1);
    c->scratch = malloc(sizeof *c->scratch);
    if (!c->scratch || sl_cert_init(&c->cert) != E_OK)
        return E_MEMORY;
    c->dtls = sl_dtls_ctx_new(&c->cert, profiles, sizeof profiles / sizeof profiles[0]);
    for (size_t i = 0; i < SEATS_MAX * STREAMS; i++)
        if (!(c->sources[i] = calloc(1, sizeof *c->sources[i])))
            return E_MEMORY;
    for (size_t i = 0; i < SEATS_MAX; i++)
        c->seats[i] = (struct seat){.crowd = c, .number = i, .fd = -1};
    return c->dtls ? E_OK : E_CRYPTO;
}

void seat_crowd_fini(struct crowd *c)
{
    for (size_t i = 0; i < SEATS_MAX; i++)
        seat_leave(&c->seats[i]);
    for (size_t i = 0; i < SEATS_MAX * STREAMS; i++)
        free(c->sources[i]);
    sl_dtls_ctx_free(c->dtls);
    sl_cert_fini(&c->cert);
    free(c->scratch);
}

/* ---- the socket ---- */

static bool is_media(const uint8_t *p)
{
    return dgram_of(p[0]) == DGRAM_RTP;
}

static bool gets_lost(struct crowd *c, const uint8_t *p)
{
    return is_media(p) && rng_u32(&c->rng) % LOSS_ONE_IN == 0;
}

static const struct addr *remote_of(const struct seat *s)
{
    return s->caller ? sl_caller_remote(s->caller) : sl_client_remote(s->client);
}

static void send_one(const struct seat *s, const uint8_t *p, size_t n)
{
    const struct addr *to = remote_of(s);
    struct sockaddr_in sa = {.sin_family = AF_INET};
    if (!to || n == 0 || gets_lost(s->crowd, p))
        return;
    memcpy(&sa.sin_addr, to->ip + 12, sizeof sa.sin_addr);
    sa.sin_port = htons(to->port);
    (void)sendto(s->fd, p, n, MSG_DONTWAIT, (struct sockaddr *)&sa, sizeof sa);
}

static usec wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (usec)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- who publishes ---- */

static void keep(struct stream *st, const uint8_t *p, size_t n)
{
    struct kept *k = &st->kept[rtp_seq(p) % KEPT];
    if (n > sizeof k->p)
        return;
    k->n = (uint16_t)n;
    memcpy(k->p, p, n);
}

static void send_burst(struct seat *s, int which, size_t n, size_t octets, usec now)
{
    static uint8_t burst[PICTURES * SOURCE_STRIDE];
    struct stream *st = &s->streams[which];
    size_t each = sl_source_burst(st->source, sl_client_out(s->client), n, octets,
                                  PICTURE_HZ, now, burst);
    for (size_t i = 0; i < n && each > 0; i++) {
        keep(st, burst + i * SOURCE_STRIDE, each);
        send_one(s, burst + i * SOURCE_STRIDE, each);
    }
}

static void publish(struct seat *s, usec now)
{
    struct stream *voice = &s->streams[VOICE];
    while (now >= voice->due) {
        send_burst(s, VOICE, VOICES, VOICE_OCTETS, now);
        if (voice->sent++ % PICTURE_EACH == 0)
            send_burst(s, PICTURE, PICTURES, PICTURE_OCTETS, now);
        voice->due += EVERY;
    }
    if (now < s->report)
        return;
    s->report = now + REPORT;
    for (int i = 0; i < STREAMS; i++) {
        uint8_t rtcp[128];
        send_one(s, rtcp,
                 sl_source_report(s->streams[i].source, sl_client_out(s->client), wall(),
                                  rtcp));
    }
}

/* What the server misses. It never came, so the same bytes are no replay. */
static void resend(struct seat *s, const struct rtcp_fb *fb)
{
    struct rtcp_nacks it = rtcp_nacks_of(fb);
    uint16_t seq;
    while (sl_rtcp_nack_next(&it, &seq))
        for (int i = 0; i < STREAMS; i++) {
            const struct kept *k = &s->streams[i].kept[seq % KEPT];
            if (k->n == 0 || rtp_seq(k->p) != seq || rtp_ssrc(k->p) != fb->media)
                continue;
            send_one(s, k->p, k->n);
            s->resent++;
        }
}

static void hear_publisher(struct seat *s, uint8_t *p, size_t n)
{
    struct rd compound;
    struct rtcp packet;
    struct rtcp_fb fb;
    if (!rtp_is_rtcp(p) ||
        sl_srtp_unprotect_rtcp(sl_client_in(s->client), p, &n) != E_OK ||
        sl_rtcp_parse((struct span){p, n}, &compound) != E_OK)
        return;
    while (sl_rtcp_next(&compound, &packet))
        if (packet.type == RTCP_RTPFB && packet.count == RTPFB_NACK &&
            sl_rtcp_fb(&packet, &fb) == E_OK)
            resend(s, &fb);
}

/* ---- who watches ---- */

/* Numbers between the highest and this one are asked for, once. */
static void ask(struct seat *s, size_t track, uint16_t seq)
{
    uint16_t seqs[GAP_MAX], ahead = (uint16_t)(seq - s->last[track]);
    uint8_t rtcp[128];
    struct wr w = wr_of(rtcp, sizeof rtcp - SRTP_RTCP_MAX);
    size_t n = 0;
    if (ahead == 0 || ahead >= 0x8000)
        return;
    for (uint16_t at = (uint16_t)(s->last[track] + 1); at != seq && n < GAP_MAX; at++)
        seqs[n++] = at;
    s->last[track] = seq;
    if (n == 0)
        return;
    sl_rtcp_build_nack(&w, s->sink->ssrc, s->sink->tracks[track].ssrc, seqs, n);
    size_t all = w.n;
    if (w.bad || sl_srtp_protect_rtcp(sl_client_out(s->client), rtcp, &all) != E_OK)
        return;
    send_one(s, rtcp, all);
    s->asked += n;
}

static void hear_viewer(struct seat *s, uint8_t *p, size_t n, usec now)
{
    bool media = n >= RTP_HEADER_MIN && !rtp_is_rtcp(p) && rtp_pt(p) != OFFER_PT_RTX;
    uint32_t ssrc = media ? rtp_ssrc(p) : 0;
    uint16_t seq = media ? rtp_seq(p) : 0;
    size_t known = s->sink->tracks_n;
    sl_sink_input(s->sink, sl_client_in(s->client), p, n, now);
    for (size_t i = 0; media && i < s->sink->tracks_n; i++)
        if (s->sink->tracks[i].ssrc == ssrc) {
            if (i >= known)
                s->last[i] = seq;
            ask(s, i, seq);
        }
}

/* ---- who meets ---- */

static void on_describe(void *ctx, const char *type, struct span sdp)
{
    const struct seat *s = ctx;
    s->crowd->describe(s, type, sdp);
}

static void on_up(void *ctx)
{
    struct seat *s = ctx;
    s->up = true;
}

static void on_track(void *ctx, struct caller_track *t, bool begins)
{
    struct seat *s = ctx;
    struct heard *h = t->user;
    if (!begins && h)
        h->taken = false;
    for (size_t i = 0; begins && i < SEAT_TRACKS_MAX && !t->user; i++)
        if (!s->heard[i].taken) {
            s->heard[i] = (struct heard){.taken = true};
            t->user = &s->heard[i];
        }
}

static void on_packet(void *ctx, const struct caller_track *t,
                      const struct caller_packet *p)
{
    struct heard *h = t->user;
    (void)ctx, (void)p;
    if (h)
        h->n++;
}

static void on_key(void *ctx, size_t slot)
{
    (void)ctx, (void)slot; /* each picture is a key frame */
}

static void on_failed(void *ctx, const char *why)
{
    struct seat *s = ctx;
    s->failed = why;
}

static void say(struct seat *s, int which, size_t n, size_t octets, uint32_t ticks)
{
    static uint8_t payload[PICTURE_OCTETS] = {
        0x10}; /* of VP8, a key frame: RFC 7741 §4.3 */
    uint8_t out[CALLER_DATAGRAM_MAX];
    for (size_t i = 0; i < n; i++) {
        const struct caller_packet p = {.ts = s->ts[which],
                                        .marker = which == PICTURE && i + 1 == n,
                                        .payload = {payload, octets}};
        send_one(s, out, sl_caller_send(s->caller, s->slot[which], &p, out));
        if (which == VOICE)
            s->ts[which] += ticks;
    }
    if (which == PICTURE)
        s->ts[which] += ticks;
}

static void meet(struct seat *s, usec now)
{
    while (now >= s->due) {
        say(s, VOICE, VOICES, VOICE_OCTETS, 960);
        if (s->due / EVERY % PICTURE_EACH == 0)
            say(s, PICTURE, 1, PICTURE_OCTETS, 90000 / PICTURE_HZ);
        s->due += EVERY;
    }
}

/* ---- a seat ---- */

static bool open_socket(struct seat *s)
{
    struct sockaddr_in any = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return s->fd >= 0 && bind(s->fd, (struct sockaddr *)&any, sizeof any) == 0;
}

static enum err take_caller(struct seat *s, usec now)
{
    static const struct caller_ops ops = {on_describe, on_up,  on_track,
                                          on_packet,   on_key, on_failed};
    struct crowd *c = s->crowd;
    const struct caller_conf conf = {.ops = &ops,
                                     .ctx = s,
                                     .dtls = c->dtls,
                                     .sha256 = c->cert.sha256,
                                     .srtp = c->srtp,
                                     .scratch = c->scratch};
    s->caller = sl_caller_new(&conf);
    enum err e = s->caller ? E_OK : E_MEMORY;
    e = e ? e : sl_caller_add(s->caller, MEDIA_AUDIO, "m", "voice", &s->slot[VOICE]);
    e = e ? e : sl_caller_add(s->caller, MEDIA_VIDEO, "m", "picture", &s->slot[PICTURE]);
    if (!e)
        sl_caller_offer(s->caller, now);
    return e;
}

static void make_source(struct seat *s, int which, struct offer_section *section)
{
    uint32_t ssrc[2];
    size_t at = s->number * STREAMS + (size_t)which;
    bool video = which == PICTURE;
    sl_random(ssrc, sizeof ssrc);
    *section = (struct offer_section){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                      .ssrc = ssrc[0] | 1,
                                      .rtx_ssrc = video ? ssrc[1] | 1 : 0};
    s->streams[which].source = s->crowd->sources[at];
    sl_source_init(s->streams[which].source, (uint32_t)at, video, section->ssrc, 0,
                   &s->twcc);
}

static enum err take_client(struct seat *s, size_t slots)
{
    struct offer_section sections[CLIENT_SECTIONS_MAX];
    struct crowd *c = s->crowd;
    size_t n = 0;
    bool publishes = s->kind == SEAT_PUBLISHES;
    if (publishes)
        for (; n < STREAMS; n++)
            make_source(s, n == 0 ? PICTURE : VOICE, &sections[n]);
    for (; !publishes && n < slots * STREAMS && n < CLIENT_SECTIONS_MAX; n++)
        sections[n] =
            (struct offer_section){.kind = n % STREAMS ? MEDIA_AUDIO : MEDIA_VIDEO};
    if (!publishes) {
        s->sink = calloc(1, sizeof *s->sink);
        if (!s->sink)
            return E_MEMORY;
        s->sink->sources = c->sources;
        s->sink->sources_n = SEATS_MAX * STREAMS;
        s->sink->counts = &s->counts;
        sl_random(&s->sink->ssrc, sizeof s->sink->ssrc);
    }
    const struct client_conf conf = {.job =
                                         publishes ? NEGOTIATE_PUBLISH : NEGOTIATE_WATCH,
                                     .sections = sections,
                                     .sections_n = n,
                                     .dtls = c->dtls,
                                     .sha256 = c->cert.sha256,
                                     .srtp = c->srtp};
    static uint8_t offer[OFFER_MAX];
    struct wr w = wr_of(offer, sizeof offer);
    s->client = sl_client_new(&conf);
    if (!s->client)
        return E_MEMORY;
    sl_client_offer(s->client, &w);
    c->describe(s, "offer", wr_done(&w));
    return E_OK;
}

enum err seat_take(struct seat *s, enum seat_kind kind, size_t slots, usec now)
{
    seat_leave(s);
    s->kind = kind;
    if (!open_socket(s))
        return E_SYS;
    return kind == SEAT_MEETS ? take_caller(s, now) : take_client(s, slots);
}

void seat_leave(struct seat *s)
{
    sl_client_free(s->client);
    sl_caller_free(s->caller);
    free(s->sink);
    if (s->fd >= 0)
        (void)close(s->fd);
    *s = (struct seat){.crowd = s->crowd, .number = s->number, .fd = -1};
}

enum err seat_described(struct seat *s, bool offer, struct span sdp, usec now)
{
    enum negotiate_why why;
    if (s->caller)
        return sl_caller_described(s->caller, offer, sdp, now);
    return s->client && !offer ? sl_client_answer(s->client, sdp, now, &why) : E_STATE;
}

static void went_up(struct seat *s, usec now)
{
    uint8_t twcc = sl_client_ext(s->client, 0, EXT_TWCC);
    s->up = true;
    s->report = s->streams[VOICE].due = now;
    for (int i = 0; s->kind == SEAT_PUBLISHES && i < STREAMS; i++)
        s->streams[i].source->twcc_id = twcc;
    if (!s->sink)
        return;
    s->sink->twcc_id = twcc;
    s->sink->next_report = s->sink->next_feedback = now;
}

/* What the connection wants to say, and what became of it. */
static void flush(struct seat *s, usec now)
{
    struct span out;
    if (s->caller) {
        while (sl_caller_poll(s->caller, now, wall(), &out))
            send_one(s, out.p, out.n);
        if (s->up && s->due == 0)
            s->due = now;
        return;
    }
    while (sl_client_poll(s->client, &out))
        send_one(s, out.p, out.n);
    if (sl_client_state(s->client) == CLIENT_FAILED)
        s->failed = sl_client_reason(s->client);
    if (sl_client_state(s->client) == CLIENT_UP && !s->up)
        went_up(s, now);
}

void seat_tick(struct seat *s, usec now)
{
    uint8_t rtcp[SINK_RTCP_MAX];
    if (s->kind == SEAT_FREE || s->failed)
        return;
    if (s->caller)
        sl_caller_tick(s->caller, now);
    else
        sl_client_tick(s->client, now);
    flush(s, now);
    if (!s->up || s->failed)
        return;
    if (s->sink)
        while (now >= sl_sink_deadline(s->sink))
            send_one(s, rtcp, sl_sink_poll(s->sink, sl_client_out(s->client), now, rtcp));
    else if (s->caller)
        meet(s, now);
    else
        publish(s, now);
}

usec seat_deadline(const struct seat *s)
{
    if (s->kind == SEAT_FREE || s->failed)
        return USEC_NEVER;
    usec at = s->caller ? sl_caller_deadline(s->caller) : sl_client_deadline(s->client);
    usec own = !s->up      ? USEC_NEVER
               : s->sink   ? sl_sink_deadline(s->sink)
               : s->caller ? s->due
                           : s->streams[VOICE].due;
    return own < at ? own : at;
}

static void hear(struct seat *s, uint8_t *p, size_t n, usec now)
{
    if (s->caller)
        sl_caller_input(s->caller, p, n, now);
    else if (!is_media(p))
        sl_client_input(s->client, (struct span){p, n}, now);
    else if (s->up && s->sink)
        hear_viewer(s, p, n, now);
    else if (s->up && n >= RTP_HEADER_MIN)
        hear_publisher(s, p, n);
}

void seat_receive(struct seat *s, usec now)
{
    uint8_t in[DATAGRAM];
    for (int i = 0; i < READS; i++) {
        ssize_t n = recv(s->fd, in, sizeof in, 0);
        if (n < 0)
            break;
        if (n > 0 && !gets_lost(s->crowd, in) && !s->failed)
            hear(s, in, (size_t)n, now);
    }
    if (!s->failed)
        flush(s, now);
}

bool seat_heard(const struct seat *s, size_t nth, uint64_t *ret)
{
    if (s->sink) {
        if (nth < s->sink->tracks_n)
            *ret = s->sink->tracks[nth].stats.received;
        return nth < s->sink->tracks_n;
    }
    for (size_t i = 0; i < SEAT_TRACKS_MAX; i++)
        if (s->heard[i].taken && nth-- == 0) {
            *ret = s->heard[i].n;
            return true;
        }
    return false;
}
