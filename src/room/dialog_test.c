#include "room/dialog.h"

#include "base/word.h"

#include "check.h"
#include "dialogs.h"

struct pair {
    struct end a, b;
};

static struct pair *pair_new(void)
{
    struct pair *p = calloc(1, sizeof *p);
    end_init(&p->a, 1);
    end_init(&p->b, 2);
    return p;
}

static void pair_free(struct pair *p)
{
    end_fini(&p->a);
    end_fini(&p->b);
    free(p);
}

static void expect(struct end *e, const char *row, const char *want)
{
    check_row(row);
    if (strcmp(e->log, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: got\n%swant\n%s", row, e->log, want);
    e->log[0] = '\0';
}

static size_t count(struct span text, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (size_t i = 0; i + len <= text.n; i++)
        n += memcmp(text.p + i, what, len) == 0;
    return n;
}

/* What A has to offer B, in one connection that A begins. */
TEST(dialog_sends_what_was_added)
{
    struct pair *p = pair_new();
    CHECK(!sl_dialog_ready(p->a.dialog));
    end_add(&p->a, 0, MEDIA_AUDIO);
    end_add(&p->a, 1, MEDIA_VIDEO);
    CHECK(sl_dialog_ready(p->a.dialog));
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    expect(&p->b, "the viewer", "connect as server\nreceive a1\nreceive v2\n");
    expect(&p->a, "the sender", "connect as client\nsend a1\nsend v2\n");
    CHECK(ends_agree(&p->a, &p->b) && ends_agree(&p->b, &p->a));
    CHECK(!sl_dialog_ready(p->a.dialog));
    CHECK(strcmp(sl_dialog_mid(p->a.dialog, &p->a.slots[1]), "b1") == 0);

    end_remove(&p->a, 0);
    expect(&p->a, "at once", "sent a1\n");
    CHECK(sl_dialog_ready(p->a.dialog));
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    expect(&p->b, "one less", "received a1\n");
    pair_free(p);
}

/* A section is used again for the same kind, but only when the peer knows that it is empty. */
TEST(dialog_uses_sections_again)
{
    struct pair *p = pair_new();
    end_add(&p->a, 0, MEDIA_AUDIO);
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    end_remove(&p->a, 0);
    end_add(&p->a, 0, MEDIA_AUDIO);
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    CHECK(strcmp(sl_dialog_mid(p->a.dialog, &p->a.slots[0]), "b1") == 0);
    CHECK(ends_agree(&p->a, &p->b));
    end_add(&p->a, 1, MEDIA_VIDEO);
    end_add(&p->a, 2, MEDIA_AUDIO);
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    CHECK(strcmp(sl_dialog_mid(p->a.dialog, &p->a.slots[1]), "b2") == 0);
    CHECK(strcmp(sl_dialog_mid(p->a.dialog, &p->a.slots[2]), "b0") == 0);
    CHECK(ends_agree(&p->a, &p->b));
    CHECK_INT(count(end_text(&p->a), "m="), 3);
    pair_free(p);
}

/* Changes while an offer is under way go into the next, all of them. */
TEST(dialog_has_one_offer_under_way)
{
    struct pair *p = pair_new();
    end_add(&p->a, 0, MEDIA_AUDIO);
    CHECK_INT(end_offer(&p->a), E_OK);
    for (size_t i = 1; i < 5; i++)
        end_add(&p->a, i, MEDIA_AUDIO);
    CHECK(!sl_dialog_ready(p->a.dialog) && sl_dialog_waits(p->a.dialog));
    CHECK_INT(end_offer(&p->a), E_STATE);

    sl_dialog_expire(p->a.dialog);
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    CHECK_INT(count(end_text(&p->a), "m="), 5);
    CHECK(ends_agree(&p->a, &p->b));
    pair_free(p);
}

/* The peer's offer while ours is under way is refused; given up, it is taken. */
TEST(dialog_glare)
{
    struct pair *p = pair_new();
    end_add(&p->a, 0, MEDIA_AUDIO);
    CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
    end_add(&p->a, 1, MEDIA_AUDIO);
    end_add(&p->b, 0, MEDIA_VIDEO);
    CHECK_INT(end_offer(&p->a), E_OK);
    CHECK_INT(end_offer(&p->b), E_OK);
    char offer[sizeof p->a.text];
    size_t n = p->a.text_n;
    memcpy(offer, p->a.text, n);
    CHECK_INT(end_offered(&p->a, end_text(&p->b)), E_STATE);
    /* The polite side takes its own back. */
    sl_dialog_expire(p->b.dialog);
    CHECK_INT(end_offered(&p->b, (struct span){(uint8_t *)offer, n}), E_OK);
    CHECK_INT(end_answered(&p->a, end_text(&p->b)), E_OK);
    CHECK(ends_agree(&p->a, &p->b));
    CHECK(sl_dialog_ready(p->b.dialog));
    CHECK_INT(ends_exchange(&p->b, &p->a), E_OK);
    CHECK(ends_agree(&p->a, &p->b) && ends_agree(&p->b, &p->a));
    pair_free(p);
}

/* Nobody answered in time: the peer is heard again, and the next offer has all that was in the
 * lost one. An answer that comes late all the same is taken. */
TEST(dialog_lost_offer)
{
    static const struct {
        const char *name;
        bool late;
    } rows[] = {{"it never came", false}, {"its answer comes late", true}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct pair *p = pair_new();
        check_row(rows[i].name);
        end_add(&p->a, 0, MEDIA_AUDIO);
        CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
        end_add(&p->a, 1, MEDIA_VIDEO);
        CHECK_INT(end_offer(&p->a), E_OK);
        if (rows[i].late)
            CHECK_INT(end_offered(&p->b, end_text(&p->a)), E_OK);
        sl_dialog_expire(p->a.dialog);
        CHECK(!p->a.slots[1].sending);
        if (rows[i].late) {
            CHECK_INT(end_answered(&p->a, end_text(&p->b)), E_OK);
        } else {
            end_add(&p->b, 0, MEDIA_AUDIO);
            CHECK_INT(ends_exchange(&p->b, &p->a), E_OK);
            CHECK(sl_dialog_ready(p->a.dialog));
            CHECK_INT(ends_exchange(&p->a, &p->b), E_OK);
        }
        CHECK(ends_agree(&p->a, &p->b) && ends_agree(&p->b, &p->a));
        pair_free(p);
    }
}

static enum err restart(struct end *e, struct span text)
{
    /* Another ufrag is another ICE session. */
    char *copy = malloc(text.n + 1);
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    for (char *at = copy; (at = strstr(at, "a=ice-ufrag:")); at++)
        at[strlen("a=ice-ufrag:")] ^= 1;
    enum err err = end_offered(e, (struct span){(uint8_t *)copy, text.n});
    free(copy);
    return err;
}

TEST(dialog_ice_restart)
{
    struct pair *p = pair_new();
    char ufrag[MEDIA_UFRAG_MAX];
    end_add(&p->b, 0, MEDIA_AUDIO);
    CHECK_INT(ends_exchange(&p->b, &p->a), E_OK);
    memcpy(ufrag, sl_dialog_ufrag(p->a.dialog), sizeof ufrag);
    expect(&p->a, "connected", "connect as server\nreceive a1\n");
    end_add(&p->b, 1, MEDIA_AUDIO);
    CHECK_INT(end_offer(&p->b), E_OK);
    CHECK_INT(restart(&p->a, end_text(&p->b)), E_OK);
    expect(&p->a, "nothing else changes", "restart\nreceive a2\n");
    CHECK(strcmp(ufrag, sl_dialog_ufrag(p->a.dialog)) != 0);
    CHECK(count(end_text(&p->a), sl_dialog_ufrag(p->a.dialog)) > 0);
    pair_free(p);
}

/* Whatever is added and removed on both sides, and whoever offers: in the end both agree. */
TEST(dialog_of_two)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct pair *p = pair_new();
        struct rng rng = sl_rng_of(seed);
        for (int step = 0; step < 100; step++)
            CHECK_INT(ends_step(&p->a, &p->b, (uint8_t)sl_rng_u64(&rng)), E_OK);
        CHECK_INT(ends_settle(&p->a, &p->b), E_OK);
        CHECK(ends_agree(&p->a, &p->b) && ends_agree(&p->b, &p->a));
        pair_free(p);
    }
}

/* ---- real peers ---- */

/* First offers of browsers and libraries, and then one of ours with two tracks. */
TEST(dialog_real_offers)
{
    static const struct {
        const char *file, *want;
        size_t sections;
    } rows[] = {
        {"tests/sdp/pion-datachannel.sdp", "connect as server with data\n", 1},
        {"tests/sdp/chromium-datachannel.sdp", "connect as server with data\n", 1},
        {"tests/sdp/firefox-datachannel.sdp", "connect as server with data\n", 1},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct pair *p = pair_new();
        struct span offer = check_file(rows[i].file);
        CHECK_INT(end_offered(&p->a, offer), E_OK);
        expect(&p->a, rows[i].file, rows[i].want);
        CHECK(!sl_dialog_ready(p->a.dialog));
        end_add(&p->a, 0, MEDIA_AUDIO);
        end_add(&p->a, 1, MEDIA_VIDEO);
        CHECK_INT(end_offer(&p->a), E_OK);
        CHECK_INT(count(end_text(&p->a), "m="), rows[i].sections + 2);
        CHECK_INT(count(end_text(&p->a), "a=sendonly"), 2);
        CHECK_INT(count(end_text(&p->a), "a=setup:actpass"), rows[i].sections + 2);
        pair_free(p);
    }
}

/* What an end offers to receive in a section of its own is seated there, until it is stopped. */
TEST(dialog_seats_in_sections_of_the_peer)
{
    static const struct {
        const char *name, *port, *direction, *want;
        size_t used;
    } rows[] = {
        {"both ways", "9", "sendrecv",
         "connect as server with data\nreceive\nsend seat1\n", 1},
        {"it sends alone", "9", "sendonly", "sent seat1\n", 1},
        {"nothing", "9", "inactive", "received\n", 1},
        {"it receives again", "9", "recvonly", "send seat1\n", 1},
        {"it is stopped", "0", "recvonly", "sent seat1\nunseat seat1\n", 0},
        {"and is another", "9", "recvonly", "send seat2\n", 1},
    };
    struct end *e = malloc(sizeof *e);
    end_init_seating(e, 7);
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[1024];
        (void)snprintf(
            text, sizeof text,
            "v=0\r\no=- 1 %zu IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a d\r\n"
            "a=ice-ufrag:peer\r\na=ice-pwd:0123456789012345678901\r\n"
            "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
            "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\n"
            "m=audio %s UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=rtcp-mux\r\n"
            "a=rtpmap:111 opus/48000/2\r\na=%s\r\n"
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"
            "a=sctp-port:5000\r\n",
            i + 1, rows[i].port, rows[i].direction);
        size_t used = 0;
        check_row(rows[i].name);
        CHECK_INT(end_offered(e, span_of(text)), E_OK);
        for (size_t k = 0; k < ENDS_SLOTS; k++)
            used += e->used[k];
        CHECK_INT(used, rows[i].used);
        CHECK(!sl_dialog_ready(e->dialog)); /* there is never anything to offer */
        CHECK_STR(e->log, rows[i].want);
        e->log[0] = '\0';
    }
    end_fini(e);
    free(e);
}
