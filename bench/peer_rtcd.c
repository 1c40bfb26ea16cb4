/*
 * rtcd, Mattermost's server of calls, behind a program that speaks WHIP and WHEP for it: joins by
 * its own Go client, and answers its offers (tests/interop/rtcd/front.go). Media goes between it
 * and us, not through that.
 *
 * Set as it comes, but with one socket instead of a hundred, since it has one core, and without a
 * log. The picture is a shared screen, the one kind that it forwards to who has no newer client.
 */
#include <stdio.h>

#include "peer.h"

/* The place is ours alone, so ports are those that it has of itself. */
enum { API_PORT = 8045, MEDIA_PORT = 8443, FRONT_PORT = 8046 };

static const char conf[] = "[api]\n"
                           "http.listen_address = \"%s:%d\"\n"
                           "security.allow_self_registration = true\n"
                           "[rtc]\n"
                           "ice_address_udp = \"%s\"\n"
                           "ice_port_udp = %d\n"
                           "ice_address_tcp = \"%s\"\n"
                           "ice_port_tcp = %d\n"
                           "udp_sockets_count = 1\n"
                           "[store]\n"
                           "data_source = \"%s/store\"\n"
                           "[logger]\n"
                           "console_level = \"ERROR\"\n"
                           "enable_file = false\n";

static bool is_ready(const struct server *s)
{
    return server_answers(s->admin, "/version");
}

static bool front_is_ready(const struct server *s)
{
    return server_answers(s->url, "/ready");
}

static bool start(const struct peer *peer, struct server *s, const char *address,
                  int core)
{
    char config[sizeof s->state + 32], rtcd[sizeof s->admin + 32], listen[64];
    if (!server_prepare(s) ||
        !server_file(s, "rtcd.toml", conf, address, API_PORT, address, MEDIA_PORT,
                     address, MEDIA_PORT, s->state))
        return false;
    (void)snprintf(s->admin, sizeof s->admin, "http://%s:%d", address, API_PORT);
    (void)snprintf(s->url, sizeof s->url, "http://%s:%d", address, FRONT_PORT);
    (void)snprintf(config, sizeof config, "%s/rtcd.toml", s->state);
    (void)snprintf(rtcd, sizeof rtcd, "rtcd=%s", s->admin);
    (void)snprintf(listen, sizeof listen, "listen=%s:%d", address, FRONT_PORT);
    char *argv[] = {(char *)(uintptr_t)peer->program, (char[]){"-config"}, config, NULL};
    char *front[] = {(char *)(uintptr_t)peer->front, (char[]){"front"}, listen, rtcd,
                     NULL};
    return server_spawn(s, argv, core, is_ready) &&
           server_front(s, front, front_is_ready);
}

struct peer peer_rtcd(const char *program, const char *front)
{
    return (struct peer){.name = "rtcd",
                         .program = program,
                         .front = front,
                         .signaling = &sl_signaling_whip,
                         .data = true,
                         .start = start};
}
