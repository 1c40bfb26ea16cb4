#include "api/rtcd_group.h"

#include <stdlib.h>

enum { CLOSE_MAX = RTCD_ID_MAX + 64 }; /* octets of such a message */

struct owed {
    struct list link;
    char session[RTCD_ID_MAX + 1];
};

/* ---- clients ---- */

struct rtcd_group *sl_rtcd_group_find(const struct rtcd_groups *gs, struct span client)
{
    struct map_node *n = sl_map_get(&gs->by_client, client);
    return n ? map_entry(n, struct rtcd_group, by_client) : NULL;
}

struct rtcd_group *sl_rtcd_group_open(struct rtcd_groups *gs, struct span client)
{
    struct rtcd_group *g = sl_rtcd_group_find(gs, client);
    if (g)
        return g;
    g = calloc(1, sizeof *g + client.n);
    if (!g)
        return NULL;
    if (client.n > 0)
        memcpy(g->client, client.p, client.n);
    g->client_n = client.n;
    list_init(&g->conns);
    list_init(&g->calls);
    list_init(&g->owed);
    g->tally = sl_rtcd_tally(gs->tallies, client);
    if (sl_map_put(&gs->by_client, rtcd_group_name(g), &g->by_client) != E_OK) {
        free(g);
        return NULL;
    }
    return g;
}

static void group_free(struct rtcd_groups *gs, struct rtcd_group *g)
{
    list_each_safe(struct owed, o, &g->owed, link) free(o);
    sl_map_del(&gs->by_client, &g->by_client);
    free(g);
}

void sl_rtcd_group_close_if_empty(struct rtcd_groups *gs, struct rtcd_group *g)
{
    if (list_empty(&g->conns) && list_empty(&g->calls) && list_empty(&g->owed))
        group_free(gs, g);
}

void sl_rtcd_groups_fini(struct rtcd_groups *gs)
{
    for (struct map_node *n; (n = sl_map_next(&gs->by_client, NULL));) {
        struct rtcd_group *g = map_entry(n, struct rtcd_group, by_client);
        list_each_safe(struct rtcd_conn, conn, &g->conns, by_group) free(conn);
        group_free(gs, g);
    }
    sl_map_fini(&gs->by_client);
}

/* ---- connections ---- */

/* 128 bits in rtcd's alphabet, 26 letters. */
static void make_id(const struct random *random, char ret[RTCD_CONN_ID_LEN + 1])
{
    static const char alphabet[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
    uint8_t octets[RTCD_CONN_ID_LEN];
    random->fill(random->ctx, octets, sizeof octets);
    for (size_t i = 0; i < RTCD_CONN_ID_LEN; i++)
        ret[i] = alphabet[octets[i] & 31];
    ret[RTCD_CONN_ID_LEN] = '\0';
}

struct rtcd_conn *sl_rtcd_conn_new(struct rtcd_groups *gs, struct span client, void *user,
                                   const struct random *random)
{
    struct rtcd_conn *conn = calloc(1, sizeof *conn);
    struct rtcd_group *g = conn ? sl_rtcd_group_open(gs, client) : NULL;
    if (!g) {
        free(conn);
        return NULL;
    }
    conn->group = g;
    conn->user = user;
    make_id(random, conn->id);
    list_init(&conn->routed);
    list_add(&g->conns, &conn->by_group);
    g->tally->conns++;
    return conn;
}

void sl_rtcd_conn_free(struct rtcd_groups *gs, struct rtcd_conn *conn)
{
    struct rtcd_group *g = conn->group;
    list_del(&conn->by_group);
    free(conn);
    g->tally->conns--;
    sl_rtcd_group_close_if_empty(gs, g);
}

/* ---- telling ---- */

bool sl_rtcd_group_deliver(const struct rtcd_groups *gs, const struct rtcd_group *g,
                           const struct rtcd_conn *route, struct span message)
{
    if (route && gs->send(gs->ctx, route->user, message) == E_OK)
        return true;
    list_each (struct rtcd_conn, conn, &g->conns, by_group)
        if (gs->send(gs->ctx, conn->user, message) == E_OK)
            return true;
    return false;
}

static struct span close_of(uint8_t buf[CLOSE_MAX], const char *session)
{
    struct wr w = wr_of(buf, CLOSE_MAX);
    sl_rtcd_msg_write_close(&w, span_of(session));
    return wr_done(&w);
}

bool sl_rtcd_group_ended(const struct rtcd_groups *gs, struct rtcd_group *g,
                         const struct rtcd_conn *route, const char *session)
{
    uint8_t buf[CLOSE_MAX];
    if (sl_rtcd_group_deliver(gs, g, route, close_of(buf, session)))
        return true;
    struct owed *o = g->owed_n < RTCD_OWED_MAX ? calloc(1, sizeof *o) : NULL;
    if (!o)
        return false;
    memcpy(o->session, session, strnlen(session, RTCD_ID_MAX));
    list_add(&g->owed, &o->link);
    g->owed_n++;
    return true;
}

void sl_rtcd_group_settle(const struct rtcd_groups *gs, const struct rtcd_conn *conn)
{
    struct rtcd_group *g = conn->group;
    uint8_t buf[CLOSE_MAX];
    list_each_safe(struct owed, o, &g->owed, link)
    {
        if (gs->send(gs->ctx, conn->user, close_of(buf, o->session)) != E_OK)
            return;
        list_del(&o->link);
        g->owed_n--;
        free(o);
    }
}
