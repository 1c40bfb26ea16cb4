#include "service/candidates.h"

#include <string.h>

#include "proto/ice.h"

static bool same_ip(const struct addr *a, const struct addr *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Whether it is the only one of its family. */
static bool alone(const struct addr *a, const struct addr *hosts, size_t n)
{
    size_t family = 0;
    for (size_t i = 0; i < n; i++)
        family += sl_addr_is_v4(&hosts[i]) == sl_addr_is_v4(a);
    return family == 1;
}

/* What is shown for hosts[i]. */
static struct addr shown(const struct candidates_of *of, const struct addr *hosts,
                         size_t n, size_t i)
{
    const struct addr *host = &hosts[i];
    const struct address_map *found = NULL;
    for (size_t k = 0; k < of->maps_n; k++) {
        const struct address_map *m = &of->maps[k];
        bool rest = sl_addr_is_any(&m->local) &&
                    sl_addr_is_v4(&m->shown) == sl_addr_is_v4(host) &&
                    (!sl_addr_is_loopback(host) || alone(host, hosts, n));
        if (same_ip(&m->local, host)) {
            found = m;
            break;
        }
        if (rest && !found)
            found = m;
    }
    if (!found)
        return *host;
    struct addr a = found->shown;
    a.port = of->shown_port ? of->shown_port : host->port;
    return a;
}

static size_t add(const struct candidates_of *of, bool tcp,
                  struct negotiate_candidate *ret)
{
    const struct addr *hosts = tcp ? of->tcp : of->udp;
    struct addr told[CANDIDATES_HOSTS_MAX] = {0}, sorted[CANDIDATES_HOSTS_MAX];
    size_t all = tcp ? of->tcp_n : of->udp_n, n = 0;
    for (size_t i = 0; i < all; i++) {
        struct addr a = shown(of, hosts, all, i);
        size_t k = 0;
        while (k < n && !addr_eq(&told[k], &a))
            k++;
        told[k] = a;
        n += k == n;
    }
    sl_ice_order(told, n, sorted);
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct negotiate_candidate){.addr = sorted[i], .tcp = tcp};
    return n;
}

size_t sl_candidates(const struct candidates_of *of,
                     struct negotiate_candidate ret[CANDIDATES_MAX])
{
    size_t n = add(of, false, ret);
    return n + add(of, true, ret + n);
}
