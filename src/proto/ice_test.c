#include "proto/ice.h"

#include "check.h"

static const struct ice_creds ours = {"abcdefgh", "a password of 24 charac."};
static const struct ice_creds later = {"ijklmnop", "another one of 24 chars."};
static const struct ice_creds latest = {"qrstuvwx", "the third of 24 chars..."};

enum { SOCKET = 7 };

static struct addr from(uint8_t host)
{
    return addr_v4(192, 0, 2, host, 5000);
}

/* One check, and what came of it. */
struct check {
    const struct ice_creds *to;
    uint8_t host;
    struct stun extra; /* what is set beside the necessary */
    const char *username;
    bool bare;
    struct stun answer; /* no class but a request: none */
    struct ice_change change;
};

static enum err send_check(struct ice *ice, struct check *c, usec now)
{
    static uint8_t in[256], out[256];
    char username[64];
    struct hmac_sha1 key = sl_hmac_sha1_of(span_of(c->to->pwd));
    struct wr w = wr_of(in, sizeof in);
    struct wr answer = wr_of(out, sizeof out);
    struct addr a = from(c->host);
    struct stun m = c->extra;
    if (m.method == 0)
        m.method = STUN_BINDING;
    m.has_priority = true;
    struct wr name = wr_of((uint8_t *)username, sizeof username);
    wr_str(&name, c->username ? c->username : c->to->ufrag);
    wr_str(&name, c->username ? "" : ":theirs");
    m.username = wr_done(&name);
    sl_stun_build(&w, &m, c->bare ? NULL : &key);
    CHECK(!w.bad);
    CHECK_INT(sl_stun_parse(wr_done(&w), &m), E_OK);

    c->answer = (struct stun){0};
    c->change = (struct ice_change){0};
    enum err e = sl_ice_check(ice, &m, &a, SOCKET, now, &answer, &c->change);
    if (answer.n > 0) {
        CHECK(answer.n <= w.n); /* nobody gains by asking in another's name */
        CHECK_INT(sl_stun_parse(wr_done(&answer), &c->answer), E_OK);
        CHECK(sl_stun_verify(&c->answer, &key) && c->answer.fingerprint);
        CHECK(memcmp(c->answer.id, m.id, STUN_ID) == 0);
    }
    return e;
}

static enum err check_from(struct ice *ice, uint8_t host, bool nominate, usec now)
{
    struct check c = {.to = &ours, .host = host, .extra.use_candidate = nominate};
    return send_check(ice, &c, now);
}

/* The host of the path, 0 without one. */
static int path(const struct ice *ice)
{
    const struct ice_pair *p = sl_ice_path(ice);
    return p ? p->remote.ip[15] : 0;
}

static const struct {
    const char *name;
    struct check c;
    enum err want;
    enum stun_class answered; /* STUN_REQUEST: not at all */
    int error;
} rows[] = {
    {"a check", {.to = &ours}, E_OK, STUN_SUCCESS, 0},
    {"from a controlling agent",
     {.to = &ours, .extra.role = STUN_CONTROLLING},
     E_OK,
     STUN_SUCCESS,
     0},
    {"their part may hold anything",
     {.to = &ours, .username = "abcdefgh:a:b"},
     E_OK,
     STUN_SUCCESS,
     0},
    {"both think they are controlled",
     {.to = &ours, .extra.role = STUN_CONTROLLED},
     E_DENIED,
     STUN_ERROR,
     487},
    {"an attribute of tomorrow",
     {.to = &ours, .extra.unknown_n = 1},
     E_UNSUPPORTED,
     STUN_ERROR,
     420},
    {"another password", {.to = &later, .username = "abcdefgh:x"}, E_AUTH, 0, 0},
    {"another transport's name", {.to = &ours, .username = "abcdefgi:x"}, E_AUTH, 0, 0},
    {"a longer name", {.to = &ours, .username = "abcdefghi:x"}, E_AUTH, 0, 0},
    {"the names swapped", {.to = &ours, .username = "x:abcdefgh"}, E_AUTH, 0, 0},
    {"not signed", {.to = &ours, .bare = true}, E_AUTH, 0, 0},
    {"another method", {.to = &ours, .extra.method = 3}, E_STATE, 0, 0},
    {"an indication", {.to = &ours, .extra.class = STUN_INDICATION}, E_STATE, 0, 0},
    {"a response", {.to = &ours, .extra.class = STUN_SUCCESS}, E_STATE, 0, 0},
};

/* A request with an attribute that nobody knows, as the builder writes none. */
static enum err check_unknown(struct ice *ice, struct wr *answer)
{
    static uint8_t in[256];
    struct hmac_sha1 key = sl_hmac_sha1_of(span_of(ours.pwd));
    struct stun m = {.method = STUN_BINDING, .username = span_of("abcdefgh:x")};
    struct wr w = wr_of(in, sizeof in);
    struct addr a = from(1);
    struct ice_change change;
    sl_stun_build(&w, &m, &key);
    CHECK_INT(sl_stun_parse(wr_done(&w), &m), E_OK);
    m.unknown[m.unknown_n++] = 0x7fff;
    return sl_ice_check(ice, &m, &a, SOCKET, 0, answer, &change);
}

TEST(ice_check)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct ice ice;
        struct check c = rows[i].c;
        struct addr a = from(1);
        bool valid = rows[i].want == E_OK;
        uint8_t out[STUN_ANSWER_MAX];
        struct wr answer = wr_of(out, sizeof out);
        check_row(rows[i].name);
        sl_ice_init(&ice, &ours);
        c.host = 1;
        if (c.extra.unknown_n > 0) {
            CHECK_INT(check_unknown(&ice, &answer), rows[i].want);
            CHECK_INT(sl_stun_parse(wr_done(&answer), &c.answer), E_OK);
        } else {
            CHECK_INT(send_check(&ice, &c, SEC(1)), rows[i].want);
        }
        CHECK_INT(c.answer.class, rows[i].answered);
        CHECK_INT(c.answer.error, rows[i].error);
        CHECK_INT(c.answer.unknown_n, rows[i].error == 420);
        CHECK_INT(c.answer.has_mapped, valid);
        CHECK(!valid || addr_eq(&c.answer.mapped, &a));
        CHECK_INT(sl_ice_knows(&ice, &a, SOCKET), valid);
        CHECK(!sl_ice_knows(&ice, &a, SOCKET + 1));
        CHECK_INT(path(&ice), valid);
        CHECK_INT(c.change.pair, valid);
        CHECK_INT(c.change.path, valid);
        CHECK_INT(sl_ice_expires(&ice), valid ? SEC(31) : USEC_NEVER);
    }
}

/* Who comes second has the password, too, and the same address for all we know; but it is another
 * peer connection. */
TEST(ice_credentials_for_one_peer_are_the_firsts)
{
    static const struct {
        const char *name, *username;
        uint8_t host;
        bool others;
        enum err want;
    } steps[] = {
        {"not asked to be single", "abcdefgh:one", 1, true, E_OK},
        {"another, all the same", "abcdefgh:two", 2, true, E_OK},
        {"the first", "abcdefgh:one", 1, false, E_OK},
        {"on another path", "abcdefgh:one", 2, false, E_OK},
        {"a second peer", "abcdefgh:two", 3, false, E_EXISTS},
        {"from where the first is", "abcdefgh:two", 1, false, E_EXISTS},
        {"without a name", "abcdefgh", 1, false, E_EXISTS},
        {"the first again", "abcdefgh:one", 1, false, E_OK},
    };
    struct ice ice;
    for (size_t i = 0; i < LEN(steps); i++) {
        struct check c = {.to = &ours,
                          .username = steps[i].username,
                          .host = steps[i].host,
                          .extra.use_candidate = true};
        check_row(steps[i].name);
        if (i == 0 || steps[i].others != steps[i - 1].others)
            sl_ice_init(&ice, &ours);
        ice.single = !steps[i].others;
        CHECK_INT(send_check(&ice, &c, SEC(1)), steps[i].want);
        CHECK_INT(c.answer.class == STUN_SUCCESS, steps[i].want == E_OK);
        CHECK_INT(path(&ice), steps[i].want ? 2 : steps[i].host);
    }
    /* With a wrong password nobody is the first. */
    struct check wrong = {.to = &later, .username = "abcdefgh:thief", .host = 9};
    struct check right = {.to = &ours, .username = "abcdefgh:one", .host = 1};
    sl_ice_init(&ice, &ours);
    ice.single = true;
    CHECK_INT(send_check(&ice, &wrong, 0), E_AUTH);
    CHECK_INT(send_check(&ice, &right, 0), E_OK);
    /* New credentials are for one again: who uses them first. */
    struct check renewed = {.to = &later, .username = "ijklmnop:three", .host = 1};
    sl_ice_restart(&ice, &later);
    CHECK_INT(send_check(&ice, &renewed, 0), E_OK);
    renewed.username = "ijklmnop:one";
    CHECK_INT(send_check(&ice, &renewed, 0), E_EXISTS);
}

TEST(ice_path_follows_the_latest_nomination)
{
    struct ice ice;
    struct check c = {.to = &ours, .host = 3, .extra.use_candidate = true};
    sl_ice_init(&ice, &ours);
    CHECK_INT(check_from(&ice, 1, false, 0), E_OK);
    CHECK_INT(check_from(&ice, 2, false, 0), E_OK);
    CHECK_INT(path(&ice), 1); /* the first, for want of a nomination */
    CHECK(!ice.nominated);
    CHECK_INT(send_check(&ice, &c, 0), E_OK);
    CHECK(c.change.path && c.change.pair && ice.nominated);
    CHECK_INT(path(&ice), 3);
    CHECK_INT(send_check(&ice, &c, 0), E_OK);
    CHECK(!c.change.path && !c.change.pair);
    CHECK_INT(check_from(&ice, 2, false, 0), E_OK);
    CHECK_INT(path(&ice), 3);
    CHECK_INT(check_from(&ice, 2, true, 0), E_OK);
    CHECK_INT(path(&ice), 2);
}

TEST(ice_a_lower_renomination_came_late)
{
    struct ice ice;
    struct check c = {.to = &ours, .extra.has_nomination = true};
    sl_ice_init(&ice, &ours);
    static const struct {
        uint8_t host;
        uint32_t rank;
        int path;
    } steps[] = {{1, 0, 1}, {2, 0, 1}, {2, 5, 2}, {3, 4, 2}, {3, 5, 3}, {1, 6, 1}};
    for (size_t i = 0; i < LEN(steps); i++) {
        c.host = steps[i].host;
        c.extra.nomination = steps[i].rank;
        CHECK_INT(send_check(&ice, &c, 0), E_OK);
        CHECK_INT(path(&ice), steps[i].path);
    }
}

TEST(ice_consent_ends_30_seconds_after_the_last_check_on_the_path)
{
    struct ice ice;
    sl_ice_init(&ice, &ours);
    CHECK(!ice_expired(&ice, SEC(1000)));
    CHECK_INT(check_from(&ice, 1, true, SEC(1)), E_OK);
    CHECK_INT(check_from(&ice, 1, false, SEC(10)), E_OK);
    CHECK_INT(check_from(&ice, 2, false, SEC(20)), E_OK); /* not the path */
    CHECK(!ice_expired(&ice, SEC(40) - 1));
    CHECK(ice_expired(&ice, SEC(40)));
    CHECK_INT(check_from(&ice, 2, true, SEC(45)), E_OK);
    CHECK(!ice_expired(&ice, SEC(75) - 1));
    CHECK(ice_expired(&ice, SEC(75)));
}

TEST(ice_a_path_that_is_closed_makes_place_for_the_latest)
{
    static const struct {
        const char *name;
        uint8_t heard[3]; /* hosts, one after the other; 0: no more */
        uint8_t nominated, closed;
        bool changes;
        int path; /* 0: none with consent */
    } closings[] = {
        {"the only one", {1}, 1, 1, true, 0},
        {"the path, of two", {1, 2}, 1, 1, true, 2},
        {"the path, of three", {1, 2, 3}, 2, 2, true, 3},
        {"of which the first was heard last", {2, 3, 1}, 3, 3, true, 1},
        {"another", {1, 2}, 1, 2, false, 1},
        {"another, before the path", {1, 2, 3}, 3, 1, false, 3},
        {"one that nobody knows", {1, 2}, 1, 9, false, 1},
    };
    for (size_t i = 0; i < LEN(closings); i++) {
        struct ice ice;
        struct addr closed = from(closings[i].closed);
        usec now = SEC(1);
        check_row(closings[i].name);
        sl_ice_init(&ice, &ours);
        for (size_t k = 0; k < 3 && closings[i].heard[k]; k++)
            CHECK_INT(check_from(&ice, closings[i].heard[k],
                                 closings[i].heard[k] == closings[i].nominated, ++now),
                      E_OK);
        CHECK_INT(path(&ice), closings[i].nominated);
        CHECK_INT(sl_ice_closed(&ice, &closed, SOCKET, now), closings[i].changes);
        CHECK_INT(ice_expired(&ice, now), closings[i].path == 0);
        if (closings[i].path == 0)
            continue;
        CHECK_INT(path(&ice), closings[i].path);
        CHECK(!sl_ice_knows(&ice, &closed, SOCKET));
    }
}

TEST(ice_of_too_many_paths_the_one_longest_silent_goes)
{
    struct ice ice;
    struct addr second = from(2), third = from(3);
    sl_ice_init(&ice, &ours);
    CHECK_INT(check_from(&ice, 1, true, 1), E_OK);
    for (int i = 2; i <= ICE_PAIRS_MAX; i++)
        CHECK_INT(check_from(&ice, (uint8_t)i, false, i), E_OK);
    CHECK_INT(check_from(&ice, 2, false, 100), E_OK);
    CHECK_INT(check_from(&ice, 99, false, 101), E_OK);
    CHECK_INT(ice.n, ICE_PAIRS_MAX);
    CHECK_INT(path(&ice), 1); /* silent longest, but it is the path */
    CHECK(sl_ice_knows(&ice, &second, SOCKET));
    CHECK(!sl_ice_knows(&ice, &third, SOCKET));
    for (int i = 100; i < 200; i++) {
        CHECK_INT(check_from(&ice, (uint8_t)i, false, i), E_OK);
        CHECK_INT(path(&ice), 1);
        CHECK_INT(ice.n, ICE_PAIRS_MAX);
    }
}

TEST(ice_restart_keeps_the_old_until_the_new_is_used)
{
    struct ice ice;
    struct check old = {.to = &ours, .host = 1, .extra.use_candidate = true};
    struct check new = {.to = &later, .host = 2};
    struct addr other = from(8);
    sl_ice_init(&ice, &ours);
    old.extra.has_nomination = true;
    old.extra.nomination = 7;
    CHECK_INT(check_from(&ice, 9, false, 0), E_OK);
    CHECK_INT(send_check(&ice, &old, 0), E_OK);
    CHECK_INT(check_from(&ice, 8, false, 0), E_OK);
    CHECK_INT(send_check(&ice, &new, 0), E_AUTH); /* not yet offered */

    sl_ice_restart(&ice, &later);
    CHECK_INT(send_check(&ice, &old, SEC(1)), E_OK);
    CHECK(!old.change.restarted);
    CHECK_INT(send_check(&ice, &new, SEC(2)), E_OK);
    CHECK(new.change.restarted &&new.change.pair && !new.change.path);
    CHECK(!ice.nominated);
    CHECK_INT(path(&ice), 1); /* no gap in media: the old path until a nomination */
    CHECK(!sl_ice_knows(&ice, &other, SOCKET));
    CHECK_INT(send_check(&ice, &old, SEC(3)), E_AUTH);

    new.extra.has_nomination = true; /* counted anew */
    new.extra.nomination = 1;
    CHECK_INT(send_check(&ice, &new, SEC(4)), E_OK);
    CHECK(!new.change.restarted &&new.change.path);
    CHECK_INT(path(&ice), 2);
}

/* A user name without our part, signed with the key that an empty place holds. */
TEST(ice_without_a_restart_there_are_no_other_credentials)
{
    struct ice ice;
    const struct hmac_sha1 zero = {0};
    uint8_t in[128], out[STUN_ANSWER_MAX];
    struct stun m = {.method = STUN_BINDING, .username = span_of(":x")};
    struct wr w = wr_of(in, sizeof in), answer = wr_of(out, sizeof out);
    struct addr a = from(1);
    struct ice_change change;
    sl_ice_init(&ice, &ours);
    sl_stun_build(&w, &m, &zero);
    CHECK_INT(sl_stun_parse(wr_done(&w), &m), E_OK);
    CHECK_INT(sl_ice_check(&ice, &m, &a, SOCKET, 0, &answer, &change), E_AUTH);
}

TEST(ice_restart_offered_twice_leaves_the_used_and_the_last)
{
    struct ice ice;
    struct check old = {.to = &ours, .host = 1};
    struct check skipped = {.to = &later, .host = 1};
    struct check last = {.to = &latest, .host = 1};
    sl_ice_init(&ice, &ours);
    sl_ice_restart(&ice, &later);
    sl_ice_restart(&ice, &latest);
    CHECK_INT(send_check(&ice, &skipped, 0), E_AUTH);
    CHECK_INT(send_check(&ice, &old, 0), E_OK);
    CHECK_INT(send_check(&ice, &last, 0), E_OK);
    CHECK_INT(send_check(&ice, &old, 0), E_AUTH);
}

TEST(ice_nothing_changes_when_the_answer_has_no_room)
{
    struct ice ice;
    uint8_t out[40];
    struct wr answer = wr_of(out, sizeof out);
    sl_ice_init(&ice, &ours);
    CHECK_INT(check_unknown(&ice, &answer), E_FULL);
    CHECK(answer.n == 0 && !answer.bad);
}

TEST(ice_creds_are_long_enough_and_differ)
{
    struct ice_creds a = sl_ice_creds_make(), b = sl_ice_creds_make();
    CHECK_INT(strlen(a.ufrag), ICE_UFRAG_MAX - 1);
    CHECK_INT(strlen(a.pwd), ICE_PWD_MAX - 1);
    CHECK(strcmp(a.ufrag, b.ufrag) != 0 && strcmp(a.pwd, b.pwd) != 0);
    CHECK_INT(strspn(a.pwd,
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                     "+/"),
              ICE_PWD_MAX - 1);
}

/* ---- addresses ---- */

enum { ADDRS = 5 };

static const struct {
    const char *name, *given[ADDRS];
    const char *want; /* in order */
} orders[] = {
    {"one", {"192.0.2.1"}, "192.0.2.1 "},
    {"both families by turns, IPv6 first",
     {"192.0.2.1", "192.0.2.2", "2001:db8::1"},
     "2001:db8::1 192.0.2.1 192.0.2.2 "},
    {"loopback last", {"127.0.0.1", "::1", "192.0.2.1"}, "192.0.2.1 ::1 127.0.0.1 "},
    {"nothing but loopback", {"127.0.0.1"}, "127.0.0.1 "},
    {"none", {0}, ""},
};

TEST(ice_order)
{
    for (size_t i = 0; i < LEN(orders); i++) {
        struct addr given[ADDRS], got[ADDRS];
        char ip[ADDR_TEXT_MAX];
        uint8_t buf[256];
        struct wr w = wr_of(buf, sizeof buf);
        size_t n = 0;
        check_row(orders[i].name);
        for (; n < ADDRS && orders[i].given[n]; n++)
            CHECK_INT(sl_addr_parse(span_of(orders[i].given[n]), 8443, &given[n]), E_OK);
        sl_ice_order(given, n, got);
        for (size_t k = 0; k < n; k++) {
            wr_str(&w, sl_addr_ip_text(&got[k], ip));
            wr_str(&w, " ");
            CHECK_INT(got[k].port, 8443);
        }
        CHECK(span_is(wr_done(&w), orders[i].want));
    }
}
