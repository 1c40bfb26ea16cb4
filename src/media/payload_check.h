#pragma once

/* For the tests of the codecs: a payload in one line, "key start end S1 T2 up2 pic300 tl7". */

#include <stdio.h>

#include "base/span.h"

#include "check.h"
#include "media/payload.h"

struct payload_row {
    const char *name;
    const char *hex;
    enum err want;
    const char *says;
};

static inline const char *payload_text(const struct payload *p, char *ret, size_t n)
{
    struct wr w = wr_of((uint8_t *)ret, n - 1);
    /* The temporal layers that may begin, if not all may. */
    unsigned up = p->begin == LAYER_ANY
                      ? 0U
                      : (p->begin | p->begin >> 4 | p->begin >> 8 | p->begin >> 12) & 15U;
    int rates = __builtin_popcount(up);
    const struct {
        bool on;
        const char *word;
    } flags[] = {
        {p->key, "key "}, {p->start, "start "},         {p->end, "end "},
        {p->dtx, "dtx "}, {p->discardable, "discard "}, {p->empty, "empty "},
    };
    const struct {
        bool on;
        const char *word;
        unsigned v;
    } numbers[] = {
        {p->spatial, "S", p->spatial},
        {p->temporal, "T", p->temporal},
        {up != 0, rates > 1 ? "up+" : "up", (unsigned)__builtin_ctz(up | 16)},
        {p->begin == LAYER_ANY, "up", 7},
        {p->pid_at, p->long_id ? "longpic" : "pic", p->picture_id},
        {p->tl0_at, "tl", p->tl0picidx},
        {p->ids_n, "ids", p->ids_n},
        {p->has_dd, "frame", p->dd_frame},
    };
    for (size_t i = 0; i < LEN(flags); i++)
        wr_str(&w, flags[i].on ? flags[i].word : "");
    for (size_t i = 0; i < LEN(numbers); i++) {
        char word[32];
        snprintf(word, sizeof word, "%s%u ", numbers[i].word, numbers[i].v);
        wr_str(&w, numbers[i].on ? word : "");
    }
    ret[w.n > 0 ? w.n - 1 : 0] = '\0';
    return ret;
}

static inline void check_payload(const struct payload *p, const char *want)
{
    char got[128];
    if (strcmp(payload_text(p, got, sizeof got), want) != 0)
        check_fail(__FILE__, __LINE__, "got \"%s\", want \"%s\"", got, want);
}

/* Runs rows through sl_payload_read, without marker and extension. */
static inline void check_payloads(enum codec codec, const struct payload_row *rows,
                                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct payload p = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_payload_read(codec, check_hex(rows[i].hex), false, (struct span){0},
                                  NULL, &p),
                  rows[i].want);
        check_payload(&p, rows[i].says);
    }
}
