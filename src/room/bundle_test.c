#include "room/bundle.h"

#include "check.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define PWD  "a=ice-pwd:0123456789012345678901\r\n"
#define SHA_1                                                                            \
    "a=fingerprint:sha-1 "                                                               \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n"
#define SHA_256                                                                          \
    "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"             \
    "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\n"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n"

/* Sections are accepted if their letter is in `accepted`. */
static const struct {
    const char *name, *text, *accepted;
    enum negotiate_why why;
    const char *tagged; /* its mid; "": none */
    const char *ufrag;
} rows[] = {
    {"the first of the group, not of the description",
     HEAD "a=group:BUNDLE v a\r\n" SHA_256 AUDIO "a=ice-ufrag:aaaa\r\n" PWD VIDEO
          "a=ice-ufrag:vvvv\r\n" PWD,
     "av", NEGOTIATE_OK, "v", "vvvv"},
    {"the first that is accepted",
     HEAD "a=group:BUNDLE v a\r\n" SHA_256 AUDIO "a=ice-ufrag:aaaa\r\n" PWD VIDEO
          "a=ice-ufrag:vvvv\r\n" PWD,
     "a", NEGOTIATE_OK, "a", "aaaa"},
    {"a group that names what is not there",
     HEAD "a=group:BUNDLE x v\r\n" SHA_256 VIDEO "a=ice-ufrag:vvvv\r\n" PWD, "v",
     NEGOTIATE_OK, "v", "vvvv"},
    {"credentials at the next",
     HEAD "a=group:BUNDLE a v\r\n" SHA_256 AUDIO VIDEO "a=ice-ufrag:vvvv\r\n" PWD, "av",
     NEGOTIATE_OK, "a", "vvvv"},
    {"credentials for all",
     HEAD "a=group:BUNDLE a v\r\na=ice-ufrag:ssss\r\n" PWD SHA_256 AUDIO VIDEO, "av",
     NEGOTIATE_OK, "a", "ssss"},
    {"of two hashes the strong",
     HEAD "a=group:BUNDLE a\r\na=ice-ufrag:ssss\r\n" PWD SHA_1 SHA_256 AUDIO, "a",
     NEGOTIATE_OK, "a", "ssss"},
    {"a weak hash of its own hides the session's",
     HEAD "a=group:BUNDLE a\r\na=ice-ufrag:ssss\r\n" PWD SHA_256 AUDIO SHA_1, "a",
     NEGOTIATE_NO_FINGERPRINT, "a", "ssss"},
    {"no group", HEAD "a=ice-ufrag:ssss\r\n" PWD SHA_256 AUDIO, "a", NEGOTIATE_NO_ICE, "",
     ""},
    {"nothing accepted",
     HEAD "a=group:BUNDLE a\r\na=ice-ufrag:ssss\r\n" PWD SHA_256 AUDIO, "",
     NEGOTIATE_NO_ICE, "", ""},
};

TEST(bundle_transport)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        static struct negotiated n;
        const struct sdp_section *from = NULL;
        struct sdp *s = NULL;
        check_row(rows[i].name);
        CHECK_INT(sl_sdp_new(span_of(rows[i].text), SDP_DESCRIPTION, NULL, &s), E_OK);
        if (!s)
            continue;
        n = (struct negotiated){.sections_n = s->sections_n};
        for (size_t k = 0; k < s->sections_n; k++)
            if (!strchr(rows[i].accepted, s->sections[k].mid.p[0]) ||
                !rows[i].accepted[0])
                n.sections[k].why = NEGOTIATE_NO_COMMON_CODEC;
        CHECK_INT(sl_bundle_transport(s, &n, &from), rows[i].why);
        CHECK(span_is(n.ufrag, rows[i].ufrag));
        CHECK_INT(n.peer.n, rows[i].why == NEGOTIATE_OK ? 32 : 0);
        from = sl_bundle_tagged(s, &n);
        CHECK(span_is(from ? from->mid : (struct span){0}, rows[i].tagged));
        sl_sdp_free(s);
    }
}

TEST(bundle_has_only_the_first_group)
{
    struct sdp *s = NULL;
    CHECK_INT(sl_sdp_new(span_of(HEAD "a=group:LS x\r\na=group:BUNDLE a v\r\n"
                                      "a=group:BUNDLE w\r\n"),
                         SDP_DESCRIPTION, NULL, &s),
              E_OK);
    if (!s)
        return;
    CHECK(sl_bundle_has(s, span_of("a")) && sl_bundle_has(s, span_of("v")));
    CHECK(!sl_bundle_has(s, span_of("w")) && !sl_bundle_has(s, span_of("x")));
    CHECK(!sl_bundle_has(s, span_of("")));
    sl_sdp_free(s);
}
