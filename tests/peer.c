#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/udp.h"
#include "proto/stun.h"

enum { DATAGRAM_MAX = 2048, SOCKET_BUFFER = 1 << 20 };

static struct sockaddr_in6 sockaddr_of(const struct addr *a)
{
    struct sockaddr_in6 s = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    memcpy(&s.sin6_addr, a->ip, sizeof a->ip);
    return s;
}

enum err sl_peer_init(struct peer *p)
{
    static const enum srtp_profile profiles[] = {SRTP_GCM_128, SRTP_CM_SHA1_80};
    int off = 0, on = 1, buffer = SOCKET_BUFFER;
    *p = (struct peer){.fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
    if (p->fd < 0 ||
        setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
        setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) != 0 ||
        setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
        return E_SYS;
    enum err e = sl_cert_init(&p->cert);
    if (e)
        return e;
    p->ctx = sl_dtls_ctx_new(&p->cert, profiles, sizeof profiles / sizeof profiles[0]);
    return p->ctx ? sl_srtp_guard_init(&p->guard, 0) : E_CRYPTO;
}

void sl_peer_fini(struct peer *p)
{
    sl_srtp_in_free(p->in);
    sl_srtp_out_free(p->out);
    sl_srtp_guard_fini(&p->guard);
    sl_dtls_free(p->dtls);
    sl_dtls_ctx_free(p->ctx);
    sl_cert_fini(&p->cert);
    if (p->fd >= 0)
        (void)close(p->fd);
}

struct dtls_fingerprint sl_peer_print(const struct peer *p)
{
    struct dtls_fingerprint f = {.n = sizeof p->cert.sha256};
    memcpy(f.octets, p->cert.sha256, f.n);
    return f;
}

enum err sl_peer_stream(struct peer *p, const struct addr *to)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0), off = 0;
    struct sockaddr_in6 at = sockaddr_of(to);
    (void)close(p->fd);
    p->fd = fd;
    p->stream = true;
    p->next_check = 0;
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
        connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)
        return E_SYS;
    return E_OK;
}

static void send_frame(const struct peer *p, struct span d)
{
    uint8_t head[] = {(uint8_t)(d.n >> 8), (uint8_t)d.n};
    (void)send(p->fd, head, sizeof head, MSG_MORE | MSG_NOSIGNAL);
    (void)send(p->fd, d.p, d.n, MSG_NOSIGNAL);
}

static void send_datagram(const struct peer *p, struct span d)
{
    if (p->stream) {
        send_frame(p, d);
        return;
    }
    struct sockaddr_in6 to = sockaddr_of(&p->to);
    /* Whether it arrives is what the tests are about. */
    (void)sendto(p->fd, d.p, d.n, 0, (const struct sockaddr *)&to, sizeof to);
}

static void send_check(const struct peer *p, usec now)
{
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    struct stun msg = {.class = STUN_REQUEST,
                       .method = STUN_BINDING,
                       .username = span_of(p->name),
                       .role = STUN_CONTROLLING,
                       .tie_breaker = 7,
                       .has_priority = true,
                       .priority = 1,
                       .use_candidate = true};
    memcpy(msg.id, &now, sizeof now);
    sl_stun_build(&w, &msg, &p->key);
    send_datagram(p, wr_done(&w));
}

void sl_peer_connect(struct peer *p, const struct peer_remote *to)
{
    p->to = to->at;
    (void)snprintf(p->name, sizeof p->name, "%s:peer", to->ufrag);
    p->key = sl_hmac_sha1_of(span_of(to->pwd));
    /* Its first hello waits in the queue, to be sent when a check was answered. */
    p->dtls = sl_dtls_new(p->ctx, DTLS_CLIENT, &to->print, sl_udp_now());
}

bool sl_peer_is_up(const struct peer *p)
{
    return p->out != NULL;
}

bool sl_peer_answered(const struct peer *p)
{
    return p->answers > 0;
}

static void say(struct peer *p)
{
    struct dtls_out out;
    while (sl_peer_answered(p) && p->dtls && sl_dtls_poll(p->dtls, &out))
        if (out.kind == DTLS_OUT_DATAGRAM)
            send_datagram(p, out.bytes);
    if (p->out || !p->dtls || sl_dtls_state(p->dtls) != DTLS_UP)
        return;
    struct srtp_master in, out_key;
    if (sl_dtls_keys(p->dtls, &in, &out_key) != E_OK)
        return;
    p->in = sl_srtp_in_new(sl_srtp_backend("openssl"), &in, 64);
    p->out = sl_srtp_out_new(sl_srtp_backend("openssl"), &out_key);
    if (!p->in || !p->out)
        abort();
}

static void take_srtp(struct peer *p, uint8_t *d, size_t n, usec now)
{
    uint64_t index;
    struct rtp rtp;
    if (!p->in || n < RTP_HEADER_MIN) {
        p->bad++;
    } else if (rtp_is_rtcp(d)) {
        enum err e = sl_srtp_unprotect_rtcp(p->in, d, &n);
        *(e ? &p->bad : &p->rtcp) += 1;
    } else if (sl_srtp_unprotect(p->in, d, &n, &index) != E_OK ||
               sl_rtp_parse((struct span){d, n}, &rtp) != E_OK) {
        p->bad++;
    } else {
        p->rtp++;
        if (p->on_rtp)
            p->on_rtp(p->ctx_rtp, &rtp, now);
    }
}

static void take(struct peer *p, uint8_t *d, size_t n, usec now)
{
    struct stun msg;
    switch (n > 0 ? dgram_of(d[0]) : DGRAM_OTHER) {
    case DGRAM_STUN:
        p->answers += sl_stun_parse((struct span){d, n}, &msg) == E_OK &&
                      msg.class == STUN_SUCCESS && sl_stun_verify(&msg, &p->key);
        break;
    case DGRAM_DTLS:
        if (sl_dtls_input(p->dtls, (struct span){d, n}, now) != E_OK)
            p->bad++;
        break;
    case DGRAM_RTP: take_srtp(p, d, n, now); break;
    case DGRAM_CHANNEL:
    case DGRAM_OTHER: p->bad++; break;
    }
}

static void receive_frames(struct peer *p, usec now)
{
    uint8_t d[DATAGRAM_MAX];
    struct span frame;
    size_t room;
    ssize_t n;
    do {
        uint8_t *to = sl_frames_room(&p->frames, &room);
        n = recv(p->fd, to, room, MSG_DONTWAIT);
        sl_frames_put(&p->frames, n > 0 ? (size_t)n : 0);
        while (sl_frames_next(&p->frames, &frame) == E_OK) {
            memcpy(d, frame.p, frame.n);
            take(p, d, frame.n, now);
            say(p);
        }
    } while (n > 0);
}

static usec usec_of(const struct timespec *t)
{
    return SEC(t->tv_sec) + (usec)(t->tv_nsec / 1000);
}

/* When the kernel had it, by our clock: how long we did not look is not the other's delay. */
static usec stamp_of(struct msghdr *h)
{
    struct timespec wall, at;
    usec now = sl_udp_now();
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&at, CMSG_DATA(c), sizeof at);
            return now - (usec_of(&wall) - usec_of(&at));
        }
    return now;
}

static void receive(struct peer *p, usec now)
{
    if (p->stream) {
        receive_frames(p, now);
        return;
    }
    uint8_t d[DATAGRAM_MAX];
    struct sockaddr_in6 from = {0};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec iov = {.iov_base = d, .iov_len = sizeof d};
    for (;;) {
        struct msghdr h = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        ssize_t n = recvmsg(p->fd, &h, 0);
        if (n < 0)
            return;
        struct addr a = {.port = ntohs(from.sin6_port)};
        memcpy(a.ip, &from.sin6_addr, sizeof a.ip);
        if (addr_eq(&a, &p->to))
            take(p, d, (size_t)n, stamp_of(&h));
        else
            p->strangers++;
        say(p);
    }
}

void sl_peer_run(struct peer *p, usec until, bool (*stop)(const struct peer *p))
{
    for (;;) {
        usec now = sl_udp_now();
        receive(p, now);
        if (p->dtls && now >= p->next_check) {
            send_check(p, now);
            p->next_check = now + (sl_peer_is_up(p) ? SEC(1) : PEER_CHECKS);
        }
        if (p->dtls)
            sl_dtls_tick(p->dtls, now);
        say(p);
        if (now >= until || (stop && stop(p)))
            return;
        usec wait = until - now < MSEC(20) ? until - now : MSEC(20);
        struct timespec ts = {.tv_nsec = wait * 1000};
        (void)ppoll(&(struct pollfd){.fd = p->fd, .events = POLLIN}, 1, &ts, NULL);
    }
}

void sl_peer_send(struct peer *p, struct rtp *rtp)
{
    uint8_t d[DATAGRAM_MAX], body[DATAGRAM_MAX + 64] = {0};
    struct wr w = wr_of(d, sizeof d - SRTP_TAG_MAX);
    struct span payload = rtp->payload;
    p->index++;
    rtp->seq = (uint16_t)p->index;
    rtp->payload.n = 0;
    sl_rtp_build(&w, rtp);
    rtp->payload = payload;
    if (w.bad || w.n + payload.n + SRTP_TAG_MAX > sizeof d)
        abort();
    memcpy(body, payload.p, payload.n);
    struct srtp_job j = {.out = p->out,
                         .guard = &p->guard,
                         .index = p->index,
                         .dst = d,
                         .body = body,
                         .header_n = (uint16_t)w.n,
                         .body_n = (uint16_t)payload.n};
    sl_srtp_protect(&j, 1);
    if (j.err)
        abort();
    size_t tag = sl_srtp_tag_len(sl_srtp_out_profile(p->out));
    send_datagram(p, (struct span){d, w.n + payload.n + tag});
}

void sl_peer_close(struct peer *p)
{
    if (p->dtls)
        sl_dtls_close(p->dtls, sl_udp_now());
    say(p);
}
