#include "api/problem.h"

#include <stdio.h>

static const struct {
    unsigned status;
    const char *code, *title;
} problems[PROBLEMS] = {
#define PROBLEM_ROW(name, status, type, title) {status, type, title},
    PROBLEM_LIST(PROBLEM_ROW)
#undef PROBLEM_ROW
};

unsigned sl_problem_status(enum problem p)
{
    return problems[p].status;
}

const char *sl_problem_code(enum problem p)
{
    return problems[p].code;
}

/* RFC 8259 §7. What is not ASCII goes as it came, so it has to be UTF-8. */
static void escaped(struct wr *w, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        char hex[8];
        if (c == '"' || c == '\\') {
            wr_u8(w, '\\');
            wr_u8(w, c);
        } else if (c < 0x20) {
            (void)snprintf(hex, sizeof hex, "\\u%04x", c);
            wr_str(w, hex);
        } else {
            wr_u8(w, c);
        }
    }
}

void sl_problem_write(struct wr *w, enum problem p, const char *code, struct span detail)
{
    char status[16];
    (void)snprintf(status, sizeof status, "%u", problems[p].status);
    wr_str(w, "{\"type\":\"" PROBLEM_TYPE_PREFIX);
    wr_str(w, problems[p].code);
    wr_str(w, "\",\"title\":\"");
    wr_str(w, problems[p].title);
    wr_str(w, "\",\"status\":");
    wr_str(w, status);
    wr_str(w, ",\"code\":\"");
    wr_str(w, code ? code : problems[p].code);
    wr_str(w, "\"");
    if (detail.n > 0) {
        wr_str(w, ",\"detail\":\"");
        escaped(w, detail);
        wr_str(w, "\"");
    }
    wr_str(w, "}");
}
