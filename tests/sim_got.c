/* What a simulation's clients received, read again. */

#include "check.h"
#include "sim.h"

struct rtp sim_rtp(const struct sim_client *c, size_t i)
{
    struct rtp r = {0};
    const struct sim_got *g = &c->rtp[i % SIM_GOT];
    CHECK(i < c->rtp_n);
    if (i < c->rtp_n)
        CHECK_INT(sl_rtp_parse((struct span){g->bytes, g->n}, &r), E_OK);
    return r;
}

struct span sim_ext(const struct sim_client *c, size_t i, uint8_t id)
{
    struct rtp r = sim_rtp(c, i);
    struct rtp_elems it = sl_rtp_elems(&r);
    struct rtp_elem e;
    while (sl_rtp_elems_next(&it, &e))
        if (e.id == id)
            return e.data;
    return (struct span){0};
}

size_t sim_rtcp(const struct sim_client *c, uint8_t type, uint8_t count, struct rtcp *ret,
                size_t max)
{
    size_t n = 0;
    size_t first = c->rtcp_n > SIM_GOT ? c->rtcp_n - SIM_GOT : 0;
    for (size_t i = first; i < c->rtcp_n; i++) {
        const struct sim_got *g = &c->rtcp[i % SIM_GOT];
        struct rd compound;
        struct rtcp r;
        CHECK_INT(sl_rtcp_parse((struct span){g->bytes, g->n}, &compound), E_OK);
        while (sl_rtcp_next(&compound, &r)) {
            if (r.type != type || r.count != count)
                continue;
            if (n >= max && max > 0)
                memmove(ret, ret + 1, (max - 1) * sizeof *ret);
            if (max > 0)
                ret[n < max ? n : max - 1] = r;
            n++;
        }
    }
    return n;
}

size_t sim_rtcp_count(const struct sim_client *c, uint8_t type, uint8_t count)
{
    return sim_rtcp(c, type, count, NULL, 0);
}
