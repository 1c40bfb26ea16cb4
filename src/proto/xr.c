#include "proto/xr.h"

enum { VERSION = 2, RRTR = 4, DLRR = 5, RRTR_WORDS = 2, DLRR_OCTETS = 12 };

void sl_xr_build_rrtr(struct wr *w, uint32_t sender, uint64_t ntp)
{
    wr_u8(w, VERSION << 6);
    wr_u8(w, RTCP_XR);
    wr_u16(w, 1 + 1 + RRTR_WORDS);
    wr_u32(w, sender);
    wr_u8(w, RRTR);
    wr_u8(w, 0);
    wr_u16(w, RRTR_WORDS);
    wr_u64(w, ntp);
}

struct xr_walk sl_xr_walk_of(const struct rtcp *p)
{
    struct xr_walk it = {.blocks = rd_of(p->body)};
    (void)rd_u32(&it.blocks); /* who sends it */
    return it;
}

bool sl_xr_dlrr_next(struct xr_walk *it, struct xr_dlrr *ret)
{
    while (it->said.n < DLRR_OCTETS) {
        uint8_t type = rd_u8(&it->blocks);
        (void)rd_u8(&it->blocks);
        struct span body = rd_span(&it->blocks, sizeof(uint32_t) * rd_u16(&it->blocks));
        if (it->blocks.bad)
            return false;
        it->said = rd_of(type == DLRR ? body : (struct span){0});
    }
    ret->ssrc = rd_u32(&it->said);
    ret->lrr = rd_u32(&it->said);
    ret->dlrr = rd_u32(&it->said);
    return true;
}
