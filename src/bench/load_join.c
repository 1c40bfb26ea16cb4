#include <stdlib.h>

#include "bench/load_inside.h"
#include "net/udp.h"

enum {
    JOINING_MAX = 32, /* handshakes under way */
    TRIES_MAX = 20,   /* of who is told to come later */
};
#define HEARD SEC(20) /* all tracks are, once all are up */

static void make_source(struct load *l, struct member *m, unsigned nth, bool video,
                        struct offer_section *section)
{
    struct source *s = calloc(1, sizeof *s);
    uint32_t ssrc[2];
    if (!s)
        return;
    sl_random(ssrc, sizeof ssrc);
    *section = (struct offer_section){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                      .ssrc = ssrc[0] | 1,
                                      .rtx_ssrc = video ? ssrc[1] | 1 : 0};
    sl_source_init(s, (uint32_t)(m - l->members) * LOAD_KINDS + video, video,
                   section->ssrc, 0, &m->twcc);
    m->source[video] = s;
    l->sources[m->room * l->sources_per_room + nth] = s;
}

static bool make_sink(struct load *l, struct member *m)
{
    struct sink *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    s->sources = &l->sources[m->room * l->sources_per_room];
    s->sources_n = l->sources_per_room;
    s->counts = m->late ? &l->uncounted : &l->counts;
    s->next_feedback = s->next_report = USEC_NEVER;
    sl_random(&s->ssrc, sizeof s->ssrc);
    m->sink = s;
    return true;
}

/* Of a subscriber: as many as its room has sources. Gives how many. */
static size_t watch(const struct load *l, struct offer_section *ret)
{
    const struct load_conf *c = &l->conf;
    size_t n = 0;
    for (; n < l->sources_per_room; n++)
        ret[n] = (struct offer_section){
            .kind = c->video && (!c->audio || n % LOAD_KINDS == 0) ? MEDIA_VIDEO
                                                                   : MEDIA_AUDIO};
    return n;
}

static enum err make(struct load *l, struct member *m)
{
    struct offer_section sections[CLIENT_SECTIONS_MAX];
    unsigned nth = (unsigned)((size_t)(m - l->members) % l->per_room);
    bool publishes = nth < l->conf.publishers;
    size_t n = 0;
    if (publishes) {
        for (int video = 1; video >= 0; video--)
            if (video ? l->conf.video : l->conf.audio) {
                make_source(l, m, nth * (unsigned)load_kinds(&l->conf) + (unsigned)n,
                            video, &sections[n]);
                if (!m->source[video])
                    return E_MEMORY;
                n++;
            }
    } else {
        n = watch(l, sections);
        if (!make_sink(l, m))
            return E_MEMORY;
    }
    struct client_conf conf = {.job = publishes ? NEGOTIATE_PUBLISH : NEGOTIATE_WATCH,
                               .sections = sections,
                               .sections_n = n,
                               .plain = !publishes && l->conf.plain,
                               .dtls = l->dtls,
                               .sha256 = l->cert.sha256,
                               .srtp = l->srtp,
                               .server = sl_web_addr(l->web),
                               .stack = l->stack,
                               .user = m};
    m->client = sl_client_new(&conf);
    return m->client ? E_OK : E_MEMORY;
}

/* One request. E_EARLY: it is told to come later. */
static enum err ask(struct load *l, struct member *m, usec *later, char *error)
{
    size_t nth = (size_t)(m - l->members) % l->per_room;
    struct signaling_who who = {.room = l->conf.room,
                                .room_nth = m->room,
                                .publishes = nth < l->conf.publishers,
                                .publisher = (unsigned)nth,
                                .publishers = l->conf.publishers,
                                .token = l->conf.token};
    enum err e = l->signaling->join(l->web, &who, m->client, m->seat, later, error);
    if (e)
        return e;
    l->joining++;
    sl_load_serve(l, m, sl_udp_now());
    sl_load_arm(l, m);
    return E_OK;
}

/* Comes again for as long as it is told to come later. */
static enum err join(struct load *l, struct member *m, char *error)
{
    usec later = SEC(1);
    if (make(l, m) != E_OK)
        return sl_signaling_fail(error, E_MEMORY, "no memory");
    enum err e = ask(l, m, &later, error);
    for (int i = 1; e == E_EARLY && i < TRIES_MAX; i++) {
        sl_load_idle(l, later);
        e = ask(l, m, &later, error);
    }
    return e;
}

/* A subscriber of a room of which a publisher is not up yet. */
static bool too_early(const struct load *l, const struct member *m)
{
    const struct member *first = &l->members[m->room * l->per_room];
    if (m - first < (ptrdiff_t)l->conf.publishers)
        return false;
    for (unsigned i = 0; i < l->conf.publishers; i++)
        if (!first[i].up)
            return true;
    return false;
}

/* Subscribers that do not get all tracks yet. */
static size_t unheard(const struct load *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->members_n; i++) {
        const struct member *m = &l->members[i];
        n += m->sink && !m->late && sl_sink_flowing(m->sink) < l->sources_per_room;
    }
    return n;
}

static enum err hear_all(struct load *l, char *error)
{
    usec limit = sl_udp_now() + HEARD;
    while (unheard(l) > 0 && !l->failed && sl_udp_now() < limit)
        (void)sl_load_pump(l);
    return l->failed ? sl_load_failure(l, error)
           : unheard(l) > 0
               ? sl_signaling_fail(error, E_LATE,
                                   "%zu subscribers hear nothing, or not all tracks",
                                   unheard(l))
               : E_OK;
}

enum err sl_load_join(struct load *l, struct load_joined *ret, char error[LOAD_ERROR_MAX])
{
    usec begun = sl_udp_now();
    enum err e = E_OK;
    *ret = (struct load_joined){0};
    l->greeting = l->conf.heard;
    for (size_t i = 0; i < l->members_n; i++) {
        struct member *m = &l->members[i];
        m->room = (unsigned)(i / l->per_room);
        m->late = i % l->per_room >= (size_t)l->conf.publishers + l->conf.subscribers;
        if (m->late)
            continue;
        while (l->conf.heard && too_early(l, m) && !l->failed)
            (void)sl_load_pump(l);
        e = l->failed ? sl_load_failure(l, error) : join(l, m, error);
        if (e)
            return e;
        ret->clients++;
        do
            (void)sl_load_pump(l);
        while (l->joining >= JOINING_MAX && !l->failed);
    }
    while (l->joining > 0 && !l->failed)
        (void)sl_load_pump(l);
    if (l->failed)
        return sl_load_failure(l, error);
    if (l->conf.heard)
        e = hear_all(l, error);
    l->greeting = false;
    ret->duration = sl_udp_now() - begun;
    return e;
}

/* ---- late ---- */

void sl_load_late_begin(struct load *l, usec now)
{
    l->late = (struct load_late){0};
    l->late_due = l->phase.late_hz > 0 ? now : USEC_NEVER;
}

/* The next of them, room by room, so that none grows before the others. NULL: all have come. */
static struct member *next_late(struct load *l)
{
    size_t nth = l->late_next / l->conf.rooms, room = l->late_next % l->conf.rooms;
    if (nth >= l->conf.late)
        return NULL;
    l->late_next++;
    return &l->members[(room + 1) * l->per_room - l->conf.late + nth];
}

/* Who is told to come later does not: what is asked is how many are taken in, and when. */
static void turned_away(struct load *l, struct member *m, usec later)
{
    sl_client_free(m->client);
    free(m->sink);
    m->client = NULL;
    m->sink = NULL;
    if (l->late.refused++ == 0)
        l->late.before_refusal = l->late.asked - 1;
    l->late.retry_after = later;
}

enum err sl_load_late_step(struct load *l, usec now, char *error)
{
    usec later = 0;
    if (now < l->late_due)
        return E_OK;
    struct member *m = next_late(l);
    l->late_due = m ? l->late_due + SEC(1) / l->phase.late_hz : USEC_NEVER;
    if (!m)
        return E_OK;
    if (make(l, m) != E_OK)
        return sl_signaling_fail(error, E_MEMORY, "no memory");
    m->asked = sl_udp_now();
    l->late.asked++;
    enum err e = ask(l, m, &later, error);
    if (e == E_EARLY)
        turned_away(l, m, later);
    return e == E_EARLY ? E_OK : e;
}
