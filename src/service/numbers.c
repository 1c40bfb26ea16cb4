#include "service/numbers.h"

#include <stdio.h>

#include "service/process.h"

/* A number at an offset in a struct. */
struct row {
    struct metric of;
    const char *label; /* NULL: none */
    const char *value;
    size_t at;
};

#define C(name_, help_, struct_, field_, label_, value_)                                 \
    {                                                                                    \
        {"sluice_" name_ "_total", help_, METRIC_COUNTER, 0}, label_, value_,            \
            offsetof(struct struct_, field_)                                             \
    }
#define G(name_, help_, struct_, field_, label_, value_)                                 \
    {                                                                                    \
        {"sluice_" name_, help_, METRIC_GAUGE, 0}, label_, value_,                       \
            offsetof(struct struct_, field_)                                             \
    }

#define STREAMS_CLOSED "TCP connections for media that were closed, by reason."
#define STREAM_DROPPED "Datagrams over TCP that were dropped, by reason."
#define DROPPED        "Datagrams that were not taken, by reason."
static const struct row worker_rows[] = {
    C("received_datagrams", "Datagrams received on media sockets.", worker_stats,
      udp.received, NULL, NULL),
    C("received_bytes", "Octets received on media sockets.", worker_stats,
      udp.received_bytes, NULL, NULL),
    C("sent_datagrams", "Datagrams sent on media sockets.", worker_stats, udp.sent, NULL,
      NULL),
    C("sent_bytes", "Octets sent on media sockets.", worker_stats, udp.sent_bytes, NULL,
      NULL),
    C("sent_runs", "Runs of datagrams that were sent as one.", worker_stats, udp.runs,
      NULL, NULL),
    C("send_refused", "Datagrams that the kernel did not take.", worker_stats,
      udp.refused, NULL, NULL),
    G("streams", "TCP connections for media that are open.", worker_stats, tcp.open, NULL,
      NULL),
    C("streams_accepted", "TCP connections for media that came.", worker_stats,
      tcp.accepted, NULL, NULL),
    C("streams_closed", STREAMS_CLOSED, worker_stats, tcp.refused, "reason", "limit"),
    C("streams_closed", STREAMS_CLOSED, worker_stats, tcp.ended, "reason", "ended"),
    C("streams_closed", STREAMS_CLOSED, worker_stats, tcp.wrong, "reason", "malformed"),
    C("streams_closed", STREAMS_CLOSED, worker_stats, tcp.unproven, "reason", "unproven"),
    C("streams_closed", STREAMS_CLOSED, worker_stats, tcp.silent, "reason", "silent"),
    C("stream_received_datagrams", "Datagrams received over TCP.", worker_stats,
      tcp.received, NULL, NULL),
    C("stream_received_bytes", "Octets of them.", worker_stats, tcp.received_bytes, NULL,
      NULL),
    C("stream_sent_datagrams", "Datagrams sent over TCP.", worker_stats, tcp.sent, NULL,
      NULL),
    C("stream_sent_bytes", "Octets of them.", worker_stats, tcp.sent_bytes, NULL, NULL),
    C("stream_dropped", STREAM_DROPPED, worker_stats, tcp.slow, "reason", "slow"),
    C("stream_dropped", STREAM_DROPPED, worker_stats, tcp.gone, "reason", "gone"),
    C("stream_dropped", STREAM_DROPPED, worker_stats, tcp.pool_empty, "reason",
      "no_buffer"),
    C("wakeups", "Times that a worker waited for datagrams.", worker_stats, udp.wakeups,
      NULL, NULL),
    {{"sluice_worker_cpu_seconds_total", "CPU time of a worker.", METRIC_COUNTER, 1e-9},
     NULL,
     NULL,
     offsetof(struct worker_stats, cpu_ns)},
    G("transports", "Transports that live on a worker.", worker_stats, shard.transports,
      NULL, NULL),
    G("expected_transports", "Transports that a worker knows of, whoever owns them.",
      worker_stats, shard.expected, NULL, NULL),
    G("estimated_transports", "Transports whose path is measured.", worker_stats,
      shard.estimated, NULL, NULL),
    {{"sluice_estimated_bytes_per_second", "What all measured paths carry.", METRIC_GAUGE,
      1.0 / 8},
     NULL,
     NULL,
     offsetof(struct worker_stats, shard.estimated_bps)},
    G("paced_transports", "Transports whose path is narrow: packets wait for their turn.",
      worker_stats, shard.paced, NULL, NULL),
    C("padding_packets", "Packets sent to find out what a path carries.", worker_stats,
      shard.padding, NULL, NULL),
#define CAUSE_ROW(name_, text_)                                                          \
    G("limited_consumers", "Slots with a source, by what keeps them from more.",         \
      worker_stats, shard.causes[ALLOCATE_##name_], "cause", text_),
    ALLOCATE_CAUSES_LIST(CAUSE_ROW)
#undef CAUSE_ROW
        G("producers", "Tracks that come in, pipes included.", worker_stats,
          shard.producers, NULL, NULL),
    G("consumers", "Slots that tracks go out by.", worker_stats, shard.consumers, NULL,
      NULL),
    C("rtp_packets", "RTP packets received, authentic.", worker_stats, shard.rtp, NULL,
      NULL),
    C("rtcp_packets", "RTCP packets received.", worker_stats, shard.rtcp, NULL, NULL),
    C("excess_packets",
      "RTP packets not passed on, as their peer sends more than it may.", worker_stats,
      shard.excess, NULL, NULL),
    C("forwarded_packets", "RTP packets given to consumers.", worker_stats,
      shard.forwarded, NULL, NULL),
    C("forwarded_bytes", "Octets of payload given to consumers.", worker_stats,
      shard.forwarded_bytes, NULL, NULL),
    C("retransmitted_packets", "Packets sent again.", worker_stats, shard.retransmitted,
      NULL, NULL),
    C("recovered_packets", "Packets that came by RTX.", worker_stats, shard.recovered,
      NULL, NULL),
    C("nacks_received", "Packets that viewers asked for.", worker_stats,
      shard.nacks_received, NULL, NULL),
    C("nacks_sent", "Packets that publishers were asked for.", worker_stats,
      shard.nacks_sent, NULL, NULL),
    C("keyframe_requests_received", "Key frames that viewers asked for.", worker_stats,
      shard.keyreqs_received, NULL, NULL),
    C("keyframe_requests_sent", "Key frames that publishers were asked for.",
      worker_stats, shard.keyreqs_sent, NULL, NULL),
    C("reports_sent", "Sender and receiver reports sent.", worker_stats,
      shard.reports_sent, NULL, NULL),
    C("feedback_sent", "Transport-wide feedback sent.", worker_stats, shard.feedback_sent,
      NULL, NULL),
    C("stun_requests", "STUN messages received.", worker_stats, shard.stun, NULL, NULL),
    C("stun_answers", "STUN messages answered.", worker_stats, shard.stun_answered, NULL,
      NULL),
    C("handed_over_datagrams", "Datagrams for a transport of another worker.",
      worker_stats, shard.handed_over, NULL, NULL),
    C("piped_packets", "Packets given to other workers.", worker_stats, shard.piped, NULL,
      NULL),
    C("piped_in_packets", "Packets taken from other workers.", worker_stats,
      shard.piped_in, NULL, NULL),
    C("histories_squeezed", "Times that packets kept for resending were given up.",
      worker_stats, shard.squeezed, NULL, NULL),
    C("dropped", DROPPED, worker_stats, shard.malformed, "reason", "malformed"),
    C("dropped", DROPPED, worker_stats, shard.stray, "reason", "stray"),
    C("dropped", DROPPED, worker_stats, shard.dtls_stray, "reason", "stray_dtls"),
    C("dropped", DROPPED, worker_stats, shard.stun_unknown, "reason", "stun_unknown"),
    C("dropped", DROPPED, worker_stats, shard.stun_refused, "reason", "stun_refused"),
    C("dropped", DROPPED, worker_stats, shard.stun_taken, "reason", "stun_taken"),
    C("dropped", DROPPED, worker_stats, shard.srtp_auth, "reason", "srtp_auth"),
    C("dropped", DROPPED, worker_stats, shard.srtp_replay, "reason", "srtp_replay"),
    C("dropped", DROPPED, worker_stats, shard.srtp_early, "reason", "srtp_early"),
    C("dropped", DROPPED, worker_stats, shard.unknown_ssrc, "reason", "unknown_ssrc"),
    C("dropped", DROPPED, worker_stats, udp.truncated, "reason", "too_long"),
    C("dropped", DROPPED, worker_stats, shard.mail_full, "reason", "mailbox_full"),
    C("dropped", DROPPED, worker_stats, shard.pool_empty, "reason", "no_lease"),
    C("dropped", DROPPED, worker_stats, packets_none, "reason", "no_buffer"),
    C("dropped", DROPPED, worker_stats, shard.srtp_refused, "reason", "index_reused"),
    G("packet_buffers_used", "Packets of a worker's pool in use.", worker_stats,
      packets_used, NULL, NULL),
};

#define ASSOC_DROPPED "Datagrams of DTLS that were not taken, by reason."
static const struct row assoc_rows[] = {
    C("dtls_datagrams", "Datagrams of DTLS received.", assoc_thread_stats,
      assoc.datagrams, NULL, NULL),
    C("dtls_handshakes_begun", "Handshakes begun.", assoc_thread_stats, assoc.begun, NULL,
      NULL),
    C("dtls_handshakes_done", "Handshakes that gave keys.", assoc_thread_stats, assoc.up,
      NULL, NULL),
    C("dtls_handshakes_failed", "Handshakes that failed.", assoc_thread_stats,
      assoc.failed, NULL, NULL),
    G("dtls_handshakes_pending", "Handshakes under way.", assoc_thread_stats,
      assoc.pending, NULL, NULL),
    G("dtls_associations", "Transports that may shake hands, or have.",
      assoc_thread_stats, assoc.transports, NULL, NULL),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.unknown, "reason",
      "unknown"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.unasked, "reason",
      "unasked"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.over_rate, "reason",
      "over_rate"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.over_limit, "reason",
      "over_limit"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.refused, "reason",
      "too_long"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.ignored, "reason",
      "ignored"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, assoc.messages, "reason",
      "no_channels"),
    C("dtls_dropped", ASSOC_DROPPED, assoc_thread_stats, dropped, "reason", "no_room"),
    {{"sluice_association_cpu_seconds_total", "CPU time of the association thread.",
      METRIC_COUNTER, 1e-9},
     NULL,
     NULL,
     offsetof(struct assoc_thread_stats, cpu_ns)},
};

#define JOINS_REFUSED "Who came and was not taken in, by reason."
static const struct row room_rows[] = {
    G("rooms", "Rooms with somebody in them.", rooms_stats, rooms, NULL, NULL),
    G("publishers", "Peers that publish.", rooms_stats, publishers, NULL, NULL),
    G("viewers", "Peers that watch.", rooms_stats, viewers, NULL, NULL),
    G("members", "Peers that publish and watch, as their description says at the time.",
      rooms_stats, members, NULL, NULL),
    C("joined", "Peers that came.", rooms_stats, joined, NULL, NULL),
    C("joins_refused", JOINS_REFUSED, rooms_stats, refused_limit, "reason", "limit"),
    C("joins_refused", JOINS_REFUSED, rooms_stats, refused_load, "reason", "load"),
    C("joins_refused", JOINS_REFUSED, rooms_stats, refused_publishers, "reason",
      "publishers"),
    G("passes", "Passes that wait for their holders.", rooms_stats, passes, NULL, NULL),
    C("passes_issued", "Passes issued.", rooms_stats, passes_issued, NULL, NULL),
    C("passes_used", "Passes whose holders came.", rooms_stats, passes_used, NULL, NULL),
    C("passes_expired", "Passes whose holders did not.", rooms_stats, passes_expired,
      NULL, NULL),
};

static const struct row hall_rows[] = {
    G("room_sockets", "WebSockets to rooms.", rooms_stats_of_hall, lines, NULL, NULL),
    G("room_sessions", "Participants by WebSocket, those whose socket is lost included.",
      rooms_stats_of_hall, sessions, NULL, NULL),
    G("room_sockets_waiting", "WebSockets on which nobody has joined yet.",
      rooms_stats_of_hall, waiting, NULL, NULL),
    C("room_sockets_timed_out", "WebSockets on which nobody joined in time.",
      rooms_stats_of_hall, timed_out, NULL, NULL),
    C("room_joined", "Participants that came by WebSocket.", rooms_stats_of_hall, joined,
      NULL, NULL),
    C("room_resumed", "Sockets that took over for one that was lost.",
      rooms_stats_of_hall, resumed, NULL, NULL),
    C("room_lost", "Participants whose socket was lost and did not come back.",
      rooms_stats_of_hall, lost, NULL, NULL),
    C("room_requests_failed", "Requests over WebSocket, by what is wrong with them.",
      rooms_stats_of_hall, refused, "reason", "refused"),
    C("room_requests_failed", "Requests over WebSocket, by what is wrong with them.",
      rooms_stats_of_hall, malformed, "reason", "malformed"),
    C("room_requests_failed", "Requests over WebSocket, by what is wrong with them.",
      rooms_stats_of_hall, flooded, "reason", "flood"),
};

static const struct row room_data_rows[] = {
    C("room_data_received", "Messages of participants to others.", rooms_data_stats,
      frames_in, NULL, NULL),
    C("room_data_sent", "Messages of participants that went to others.", rooms_data_stats,
      frames_out, NULL, NULL),
    C("room_data_dropped", "Messages that went to nobody, by reason.", rooms_data_stats,
      malformed, "reason", "malformed"),
    C("room_data_dropped", "Messages that went to nobody, by reason.", rooms_data_stats,
      too_large, "reason", "too_large"),
    C("room_data_dropped", "Messages that went to nobody, by reason.", rooms_data_stats,
      missed, "reason", "slow"),
    C("room_data_cut_off", "Readers that were too slow, and lost their channel.",
      rooms_data_stats, slow, NULL, NULL),
};

static const struct row rtcd_rows[] = {
    C("rtcd_registered", "Clients registered.", rtcd_stats, registered, NULL, NULL),
    C("rtcd_unregistered", "Clients unregistered.", rtcd_stats, unregistered, NULL, NULL),
    C("rtcd_logins", "Bearer tokens given.", rtcd_stats, logins, NULL, NULL),
    C("rtcd_refused", "Requests refused, by reason.", rtcd_stats, refused, "reason",
      "who"),
    C("rtcd_refused", "Requests refused, by reason.", rtcd_stats, crowded, "reason",
      "crowded"),
    G("rtcd_waiting", "Requests that wait for a hash.", rtcd_stats, waiting, NULL, NULL),
};

static const struct row calls_rows[] = {
    G("rtcd_connections", "WebSocket connections of back ends.", rtcd_calls_stats, conns,
      NULL, NULL),
    G("rtcd_sessions", "Sessions of calls.", rtcd_calls_stats, sessions, NULL, NULL),
    G("rtcd_calls", "Calls with a session.", rtcd_calls_stats, calls, NULL, NULL),
    C("rtcd_joined", "Sessions that joined.", rtcd_calls_stats, joined, NULL, NULL),
    C("rtcd_ended", "Sessions that ended.", rtcd_calls_stats, ended, NULL, NULL),
    C("rtcd_messages_refused", "Messages refused, by reason.", rtcd_calls_stats,
      malformed, "reason", "malformed"),
    C("rtcd_messages_refused", "Messages refused, by reason.", rtcd_calls_stats, refused,
      "reason", "meaning"),
    C("rtcd_no_offer", "Sessions without an offer in time.", rtcd_calls_stats, no_offer,
      NULL, NULL),
    C("rtcd_messages_lost", "Messages that no connection took.", rtcd_calls_stats, lost,
      NULL, NULL),
};

#define DROPPED_ON_CHANNEL "Messages dropped on data channels of sessions, by reason."
#define LOCKS              "What became of signalling locks."

static const struct row line_rows[] = {
    C("rtcd_channels_opened", "Data channels of sessions.", rtcd_line_stats, opened, NULL,
      NULL),
    C("rtcd_channel_pings", "Pings on them.", rtcd_line_stats, pings, NULL, NULL),
    C("rtcd_channel_descriptions", "Descriptions that came on them.", rtcd_line_stats,
      descriptions, NULL, NULL),
    C("rtcd_channel_dropped", DROPPED_ON_CHANNEL, rtcd_line_stats, malformed, "reason",
      "malformed"),
    C("rtcd_channel_dropped", DROPPED_ON_CHANNEL, rtcd_line_stats, flooded, "reason",
      "flooded"),
    C("rtcd_channel_dropped", DROPPED_ON_CHANNEL, rtcd_line_stats, oversized, "reason",
      "oversized"),
    C("rtcd_channel_dropped", DROPPED_ON_CHANNEL, rtcd_line_stats, too_long, "reason",
      "too_long"),
    C("rtcd_channel_full", "Messages of ours that found no room on a data channel.",
      rtcd_line_stats, full, NULL, NULL),
    C("rtcd_locks", LOCKS, rtcd_line_stats, granted, "outcome", "granted"),
    C("rtcd_locks", LOCKS, rtcd_line_stats, refused, "outcome", "refused"),
    C("rtcd_locks", LOCKS, rtcd_line_stats, expired, "outcome", "expired"),
    C("rtcd_locks", LOCKS, rtcd_line_stats, unasked, "outcome", "not_held"),
};

#define WS_CLOSED "WebSocket connections closed, by reason."

static const struct row ws_rows[] = {
    C("ws_connections", "WebSocket connections opened.", wsd_stats, opened, NULL, NULL),
    C("ws_messages_received", "Messages of WebSockets.", wsd_stats, messages_in, NULL,
      NULL),
    C("ws_messages_sent", "Messages to WebSockets.", wsd_stats, messages_out, NULL, NULL),
    C("ws_closed", WS_CLOSED, wsd_stats, slow, "reason", "slow"),
    C("ws_closed", WS_CLOSED, wsd_stats, silent, "reason", "silent"),
    C("ws_closed", WS_CLOSED, wsd_stats, wrong, "reason", "malformed"),
};

static const struct row http_rows[] = {
    C("http_connections", "Connections accepted.", httpd_stats, accepted, NULL, NULL),
    C("http_requests", "Requests received.", httpd_stats, requests, NULL, NULL),
    C("http_refused", "Connections refused, by reason.", httpd_stats, full, "reason",
      "full"),
    C("http_refused", "Connections refused, by reason.", httpd_stats, full_ip, "reason",
      "full_for_address"),
    C("http_closed", "Connections closed, by reason.", httpd_stats, malformed, "reason",
      "malformed"),
    C("http_closed", "Connections closed, by reason.", httpd_stats, slow, "reason",
      "slow"),
    C("http_closed", "Connections closed, by reason.", httpd_stats, broken, "reason",
      "broken"),
    C("http_closed", "Connections closed, by reason.", httpd_stats, evicted, "reason",
      "evicted"),
    C("http_bodies_too_large", "Bodies over the limit.", httpd_stats, too_large, NULL,
      NULL),
    G("http_open_connections", "Connections that are open.", httpd_stats, conns, NULL,
      NULL),
};

#define GIVEN_UP "Events that a back end is not told any more, by reason."

static const struct row hook_rows[] = {
    C("webhook_events", "Events that a back end is to be told.", webhook_stats, events,
      NULL, NULL),
    C("webhook_events_told", "Events that a back end took.", webhook_stats, told, NULL,
      NULL),
    C("webhook_events_given_up", GIVEN_UP, webhook_stats, expired, "reason", "expired"),
    C("webhook_events_given_up", GIVEN_UP, webhook_stats, lost, "reason", "full"),
    C("webhook_requests", "Requests to a back end.", webhook_stats, tries, NULL, NULL),
    C("webhook_requests_refused", "Requests that were not taken, or not answered.",
      webhook_stats, refused, NULL, NULL),
    G("webhook_events_waiting", "Events that wait for a back end.", webhook_stats,
      waiting, NULL, NULL),
};

#define REDIS_REFUSED "Messages by Redis refused, by reason."

static const struct row redis_rows[] = {
    G("redis_connected", "There is a connection to Redis.", redis_stats, ready, NULL,
      NULL),
    C("redis_connections", "Connections to Redis that were made.", redis_stats, connected,
      NULL, NULL),
    C("redis_lost", "Connections that were lost, or could not be made.", redis_stats,
      lost, NULL, NULL),
    C("redis_commands", "Commands to Redis.", redis_stats, asked, NULL, NULL),
    C("redis_commands_refused", "Commands that it answered by an error.", redis_stats,
      refused, NULL, NULL),
    C("redis_commands_lost", "Commands that were not sent, for want of a connection.",
      redis_stats, unasked, NULL, NULL),
    C("redis_messages_received", "Messages of back ends.", redis_stats, heard, NULL,
      NULL),
};

static const struct row redis_book_rows[] = {
    G("redis_rooms", "Rooms that are to be in Redis.", redis_book_stats, rooms, NULL,
      NULL),
    C("redis_rooms_written", "Times that a room was written.", redis_book_stats, written,
      NULL, NULL),
    C("redis_rooms_removed", "Rooms that were removed, by reason.", redis_book_stats,
      removed, "reason", "closed"),
    C("redis_rooms_removed", "Rooms that were removed, by reason.", redis_book_stats,
      found, "reason", "left_over"),
};

static const struct row redis_hall_rows[] = {
    G("redis_clients", "Clients of back ends.", redis_hall_stats, clients, NULL, NULL),
    C("redis_joined", "Clients that joined.", redis_hall_stats, joined, NULL, NULL),
    C("redis_offers", "Offers of clients.", redis_hall_stats, offers, NULL, NULL),
    C("redis_messages_sent", "Messages to clients.", redis_hall_stats, said, NULL, NULL),
    C("redis_messages_refused", REDIS_REFUSED, redis_hall_stats, malformed, "reason",
      "malformed"),
    C("redis_messages_refused", REDIS_REFUSED, redis_hall_stats, refused, "reason",
      "meaning"),
    C("redis_messages_refused", REDIS_REFUSED, redis_hall_stats, flooded, "reason",
      "flooded"),
};

#define ROWS(r) (r), sizeof(r) / sizeof(r)[0]

static enum err add(struct metrics *m, const struct row *rows, size_t rows_n,
                    const void *base, const char *name, const char *value)
{
    for (size_t i = 0; i < rows_n; i++) {
        struct metric_label labels[3] = {{0}};
        size_t k = 0;
        if (name)
            labels[k++] = (struct metric_label){name, value};
        if (rows[i].label)
            labels[k++] = (struct metric_label){rows[i].label, rows[i].value};
        const void *at = (const char *)base + rows[i].at;
        enum err e = sl_metrics_add(m, &rows[i].of, labels, at);
        if (e)
            return e;
    }
    return E_OK;
}

static const struct metric delay_of = {"sluice_forward_delay_seconds",
                                       "Time from the kernel's receive stamp to the end "
                                       "of the send, of packets that were forwarded "
                                       "and not held back for a narrow path.",
                                       METRIC_HISTOGRAM, 1e-6};

static enum err add_workers(struct metrics *m, const struct node *node)
{
    enum err e = E_OK;
    for (size_t i = 0; !e && i < node->conf.workers; i++) {
        const struct worker_stats *w = &node->stats.workers[i];
        char worker[4];
        (void)snprintf(worker, sizeof worker, "%zu", i % 1000);
        e = add(m, ROWS(worker_rows), w, "worker", worker);
        const struct metric_label labels[] = {{"worker", worker}, {0}};
        e = e ? e : sl_metrics_add_histogram(m, &delay_of, labels, &w->shard.delay);
    }
    return e;
}

static enum err add_rtcd(struct metrics *m, const struct rtcd_face *f)
{
    const struct wsd_stats *ws = sl_rtcd_face_ws(f);
    enum err e = add(m, ROWS(rtcd_rows), sl_rtcd_face_stats(f), NULL, NULL);
    e = e ? e : add(m, ROWS(calls_rows), sl_rtcd_face_calls(f), NULL, NULL);
    e = e ? e : add(m, ROWS(line_rows), sl_rtcd_face_lines(f), NULL, NULL);
    if (ws)
        e = e ? e : add(m, ROWS(ws_rows), ws, "face", "private");
    return e ? e : sl_process_add(m, true);
}

static enum err add_hooks(struct metrics *m, const struct hooks *h)
{
    const struct webhook_stats *stats;
    enum err e = E_OK;
    for (size_t i = 0; !e && (stats = sl_hooks_stats(h, i)); i++) {
        char place[4];
        (void)snprintf(place, sizeof place, "%zu", i % 1000);
        e = add(m, ROWS(hook_rows), stats, "webhook", place);
    }
    return e;
}

static enum err add_talk(struct metrics *m, const struct rooms_face *f)
{
    const struct rooms_hall *h = sl_rooms_face_hall(f);
    enum err e = add(m, ROWS(hall_rows), sl_rooms_hall_stats(h), NULL, NULL);
    e = e ? e : add(m, ROWS(ws_rows), sl_rooms_face_ws(f), "face", "public");
    return e ? e : add(m, ROWS(room_data_rows), sl_rooms_hall_data_stats(h), NULL, NULL);
}

static enum err add_redis(struct metrics *m, const struct redis_face *f)
{
    enum err e = add(m, ROWS(redis_rows), sl_redis_face_stats(f), NULL, NULL);
    e = e ? e : add(m, ROWS(redis_book_rows), sl_redis_face_book(f), NULL, NULL);
    return e ? e : add(m, ROWS(redis_hall_rows), sl_redis_face_hall(f), NULL, NULL);
}

static enum err add_problems(struct metrics *m, const struct face *face)
{
    static const struct metric refused = {"sluice_requests_refused_total",
                                          "Requests refused, by problem.", METRIC_COUNTER,
                                          0};
    enum err e = E_OK;
    for (int i = 0; !e && i < PROBLEMS; i++) {
        const struct metric_label labels[] = {
            {"problem", sl_problem_code((enum problem)i)}, {0}};
        e = sl_metrics_add(m, &refused, labels, &face->refused[i]);
    }
    return e;
}

enum err sl_numbers_add(struct metrics *m, const struct numbers_of *of)
{
    enum err e = add_workers(m, of->node);
    e = e ? e : add(m, ROWS(assoc_rows), &of->node->stats.assoc, NULL, NULL);
    e = e ? e : add(m, ROWS(room_rows), of->rooms, NULL, NULL);
    if (of->public_face)
        e = e ? e : add(m, ROWS(http_rows), of->public_face, "face", "public");
    if (of->private_face)
        e = e ? e : add(m, ROWS(http_rows), of->private_face, "face", "private");
    if (of->rtcd)
        e = e ? e : add_rtcd(m, of->rtcd);
    if (of->talk)
        e = e ? e : add_talk(m, of->talk);
    if (of->redis)
        e = e ? e : add_redis(m, of->redis);
    e = e ? e : add_hooks(m, of->hooks);
    e = e ? e : add_problems(m, of->face);
    e = e ? e : sl_capacity_add(m, &of->node->capacity);
    return e ? e : sl_process_add(m, false);
}
