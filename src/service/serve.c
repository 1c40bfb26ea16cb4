#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keys.h"
#include "net/loop.h"
#include "proto/ice.h"
#include "service/command.h"
#include "service/control.h"

#define STORE_SIZE ((size_t)64 << 20)

/* The settings that have no file yet. */
struct options {
    const char *state, *room, *listen_address;
    uint16_t media_port, public_port, private_port;
    size_t workers;
    unsigned perm;
    long ttl_s;
};

static struct options read_options(int argc, char **argv)
{
    static const struct option all[] = {
        {"state", required_argument, NULL, 's'},
        {"rtc-port", required_argument, NULL, 'm'},
        {"http-port", required_argument, NULL, 'h'},
        {"admin-port", required_argument, NULL, 'a'},
        {"workers", required_argument, NULL, 'w'},
        {"room", required_argument, NULL, 'r'},
        {"publish", no_argument, NULL, 'P'},
        {"watch", no_argument, NULL, 'W'},
        {"ttl", required_argument, NULL, 't'},
        {0},
    };
    struct options o = {.state = "state",
                        .room = "*",
                        .media_port = 8443,
                        .public_port = 8080,
                        .private_port = 8045,
                        .ttl_s = 86400};
    for (int c; (c = getopt_long(argc, argv, "", all, NULL)) != -1;)
        switch (c) {
        case 's': o.state = optarg; break;
        case 'm': o.media_port = (uint16_t)strtoul(optarg, NULL, 10); break;
        case 'h': o.public_port = (uint16_t)strtoul(optarg, NULL, 10); break;
        case 'a': o.private_port = (uint16_t)strtoul(optarg, NULL, 10); break;
        case 'w': o.workers = strtoul(optarg, NULL, 10); break;
        case 'r': o.room = optarg; break;
        case 'P': o.perm |= TOKEN_PUBLISH; break;
        case 'W': o.perm |= TOKEN_WATCH; break;
        case 't': o.ttl_s = strtol(optarg, NULL, 10); break;
        default: exit(EXIT_FAILURE);
        }
    return o;
}

static bool load_keys(const char *state, struct token_keys *keys, struct keys_made *made)
{
    struct kv *kv = NULL;
    (void)mkdir(state, 0700);
    enum err e = sl_kv_open(state, STORE_SIZE, &kv);
    if (!e)
        e = sl_keys_load(kv, keys, made);
    sl_kv_close(kv);
    if (e)
        (void)fprintf(stderr, "sluice: state in %s: %s\n", state, sl_err_text(e));
    return e == E_OK;
}

static bool mint(const struct token_keys *keys, const struct options *o, char *buf,
                 size_t cap)
{
    struct token t = {.tenant = "default", .perm = o->perm};
    struct wr w = wr_of((uint8_t *)buf, cap - 1);
    t.iat = sl_wall_now() / SEC(1);
    t.exp = t.iat + o->ttl_s;
    (void)snprintf(t.room, sizeof t.room, "%s", o->room);
    if (sl_token_mint(&keys->keys[0], &t, &w) != E_OK)
        return false;
    buf[w.n] = '\0';
    return true;
}

int sl_command_token(int argc, char **argv)
{
    struct options o = read_options(argc, argv);
    struct token_keys keys = {.n = 0};
    struct keys_made made = {.made = false};
    char text[TOKEN_MAX + 1];
    if (!o.perm)
        o.perm = TOKEN_PUBLISH | TOKEN_WATCH;
    if (!load_keys(o.state, &keys, &made) || !mint(&keys, &o, text, sizeof text))
        return EXIT_FAILURE;
    (void)puts(text);
    return EXIT_SUCCESS;
}

static void fill_conf(struct control_conf *c, const struct options *o)
{
    struct ice_candidate cands[UDP_PORTS_MAX];
    struct node_conf *n = &c->node;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    n->at_n = sl_udp_local_addrs(n->at, UDP_PORTS_MAX, o->media_port);
    n->workers = o->workers ? o->workers : cores > 0 ? (size_t)cores : 1;
    n->packets = 16384;
    n->socket_buffer = 4 << 20;
    n->profiles[0] = SRTP_GCM_128;
    n->profiles[1] = SRTP_GCM_256;
    n->profiles[2] = SRTP_CM_SHA1_80;
    n->profiles_n = 3;
    n->srtp = sl_srtp_backend_best();
    n->handshakes_per_s = 1000;
    n->handshakes_pending = 4096;
    c->public_face = addr_v4(0, 0, 0, 0, o->public_port);
    c->private_face = addr_v4(127, 0, 0, 1, o->private_port);
    c->limits = (struct rooms_limits){10000, 20000, 5000};
    c->joins = (struct limit_conf){.every = MSEC(100), .burst = 100, .addresses = 4096};
    c->changes = (struct limit_conf){.every = MSEC(100), .burst = 100, .addresses = 4096};
    c->body_max = 256 * 1024;
    c->conns_max = 4096;
    c->conns_per_ip = 256;
    c->demo = true;
    c->drain_deadline = SEC(30);
    size_t k = sl_ice_candidates(n->at, n->at_n, NULL, 0, cands, UDP_PORTS_MAX);
    for (size_t i = 0; i < k; i++)
        c->candidates[c->candidates_n++] =
            (struct negotiate_candidate){.addr = cands[i].addr};
}

int sl_command_serve(int argc, char **argv)
{
    struct options o = read_options(argc, argv);
    struct keys_made made = {.made = false};
    struct log log = {.fd = STDERR_FILENO,
                      .level = LOG_INFO,
                      .format = isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON,
                      .wall = sl_wall_now};
    struct control_conf *conf = calloc(1, sizeof *conf);
    struct control *control = NULL;
    const char *what = "";
    char token[TOKEN_MAX + 1];
    if (!conf || !load_keys(o.state, &conf->keys, &made))
        return EXIT_FAILURE;
    if (made.made)
        (void)printf("a key for tokens was made: %s %s\n", made.kid, made.secret);
    conf->log = &log;
    fill_conf(conf, &o);
    enum err e = sl_control_new(conf, &control, &what);
    if (e) {
        (void)fprintf(stderr, "sluice: %s: %s%s%s\n", what, sl_err_text(e),
                      e == E_SYS ? ": " : "", e == E_SYS ? strerror(errno) : "");
        free(conf);
        return EXIT_FAILURE;
    }
    o.perm = TOKEN_PUBLISH | TOKEN_WATCH;
    if (mint(&conf->keys, &o, token, sizeof token))
        (void)printf("demo page: http://127.0.0.1:%u/#token=%s\n",
                     sl_control_public(control).port, token);
    (void)fflush(stdout);
    LOG(&log, LOG_INFO, "ready", KV_UINT("workers", conf->node.workers),
        KV_STR("srtp", sl_srtp_backend_name(conf->node.srtp)));
    sl_control_run(control);
    sl_control_free(control);
    LOG(&log, LOG_INFO, "stopped");
    free(conf);
    return EXIT_SUCCESS;
}
