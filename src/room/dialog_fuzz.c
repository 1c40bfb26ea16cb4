#include "room/dialog.h"

#include "dialogs.h"
#include "fuzz.h"

static void must_parse(const struct end *e)
{
    struct sdp *sdp = NULL;
    MUST(sl_sdp_new(end_text(e), SDP_DESCRIPTION, NULL, &sdp) == E_OK);
    sl_sdp_free(sdp);
}

/* A stranger offers: it is refused, or answered with what can be parsed, and so can our next
 * offer. */
static void meet_stranger(struct end *e, struct span text)
{
    if (end_offered(e, text) != E_OK)
        return;
    must_parse(e);
    if (!e->used[0])
        end_add(e, 0, MEDIA_AUDIO);
    if (sl_dialog_ready(e->dialog) && end_offer(e) == E_OK)
        must_parse(e);
}

static void must_be_seated(const struct end *e)
{
    for (size_t i = 0; i < ENDS_SLOTS; i++)
        MUST(!e->used[i] || e->slots[i].section != DIALOG_NOWHERE);
}

/* A stranger offers, and again: what is seated for it stands in a section, each time, and what does
 * not was given back. */
static void seat_stranger(struct span text)
{
    static struct end e;
    const uint8_t *second = text.n > 0 ? memchr(text.p, '\0', text.n) : NULL;
    size_t n = second ? (size_t)(second - text.p) : text.n;
    end_init_seating(&e, 3);
    enum err err = end_offered(&e, (struct span){text.p, n});
    must_be_seated(&e);
    if (err == E_OK)
        must_parse(&e);
    if (err == E_OK && second &&
        end_offered(&e, (struct span){second + 1, text.n - n - 1}) == E_OK) {
        must_be_seated(&e);
        must_parse(&e);
    }
    end_fini(&e);
}

/* Whatever two ends do, in the end each receives what the other sends. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct end a, b;
    const uint8_t *text = n > 0 ? memchr(p, '\0', n) : NULL;
    size_t steps = text ? (size_t)(text - p) : n;
    end_init(&a, 1);
    end_init(&b, 2);
    for (size_t i = 0; i < steps && i < 200; i++)
        MUST(ends_step(&a, &b, p[i]) == E_OK);
    MUST(ends_settle(&a, &b) == E_OK);
    MUST(ends_agree(&a, &b) && ends_agree(&b, &a));
    if (text)
        meet_stranger(&a, (struct span){text + 1, n - steps - 1});
    if (text)
        seat_stranger((struct span){text + 1, n - steps - 1});
    end_fini(&a);
    end_fini(&b);
    return 0;
}
