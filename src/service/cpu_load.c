#include "service/cpu_load.h"

#include "base/word.h"

enum { TICKS_PER_S = 100 /* USER_HZ, which is the same on every Linux that we run on */ };

/* "cpu  USER NICE SYSTEM IDLE ..." */
static bool idle_of(struct span stat, uint64_t *ret)
{
    struct span line = word_cut(&stat, '\n');
    if (!span_is(word_next(&line), "cpu"))
        return false;
    for (int i = 0; i < 3; i++)
        (void)word_next(&line);
    return word_number(word_next(&line), UINT64_MAX, ret);
}

enum err sl_cpu_load(struct cpu_load *c, struct span stat, usec now, double *ret)
{
    struct cpu_load before = *c;
    uint64_t idle;
    if (!idle_of(stat, &idle))
        return E_MALFORMED;
    if (before.at > 0 && now <= before.at)
        return E_EARLY;
    *c = (struct cpu_load){.idle = idle, .at = now};
    if (before.at == 0)
        return E_ABSENT;
    double idle_s = idle > before.idle ? (double)(idle - before.idle) / TICKS_PER_S : 0;
    *ret = (double)(now - before.at) / 1e6 / idle_s;
    return E_OK;
}
