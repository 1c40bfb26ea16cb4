#include "media/spare.h"

#include <math.h>

#define USE    0.65 /* of the target */
#define WINDOW MSEC(500)
#define FROM   0.8 /* of the budget */
#define UNTIL  0.5

void sl_spare_look(struct spare *s, double target_bps, uint64_t octets, usec now)
{
    double seconds = (double)(now - s->at) / SEC(1);
    double most = target_bps * USE * WINDOW / SEC(1);
    double used = (double)(octets - s->octets) * 8;
    if (seconds <= 0)
        return;
    s->at = now;
    s->octets = octets;
    s->budget_bits += target_bps * USE * seconds - used;
    s->budget_bits = fmin(fmax(s->budget_bits, -most), most);
    if (s->budget_bits > most * FROM)
        s->much = true;
    else if (s->budget_bits < most * UNTIL)
        s->much = false;
}
