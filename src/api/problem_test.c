#include "api/problem.h"

#include "check.h"

TEST(json)
{
    static const struct {
        const char *name;
        enum problem problem;
        const char *code;
        const char *detail;
        const char *want;
    } rows[] = {
        {"without detail", PROBLEM_FULL, NULL, "",
         "{\"type\":\"urn:sluice:problem:full\",\"title\":\"The server is full\","
         "\"status\":503,\"code\":\"full\"}"},
        {"with detail", PROBLEM_SDP, NULL, "line 3",
         "{\"type\":\"urn:sluice:problem:sdp\",\"title\":\"That is not SDP\","
         "\"status\":400,\"code\":\"sdp\",\"detail\":\"line 3\"}"},
        {"a code that says more", PROBLEM_OFFER, "no-bundle", "",
         "{\"type\":\"urn:sluice:problem:offer\",\"title\":\"This offer cannot be "
         "answered\",\"status\":422,\"code\":\"no-bundle\"}"},
        {"what JSON must escape", PROBLEM_SDP, NULL, "\"\\\n\x01\xc3\xbc",
         "{\"type\":\"urn:sluice:problem:sdp\",\"title\":\"That is not SDP\","
         "\"status\":400,\"code\":\"sdp\",\"detail\":"
         "\"\\\"\\\\\\u000a\\u0001\xc3\xbc\"}"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[512];
        struct wr w = wr_of(buf, sizeof buf);
        sl_problem_write(&w, rows[i].problem, rows[i].code, span_of(rows[i].detail));
        check_row(rows[i].name);
        CHECK(!w.bad && span_is(wr_done(&w), rows[i].want));
    }
}

TEST(no_code_means_two_things)
{
    for (int a = 0; a < PROBLEMS; a++) {
        check_row(sl_problem_code((enum problem)a));
        CHECK(sl_problem_status((enum problem)a) >= 400);
        for (int b = 0; b < a; b++)
            CHECK(strcmp(sl_problem_code((enum problem)a),
                         sl_problem_code((enum problem)b)) != 0);
    }
}

TEST(room_ends)
{
    uint8_t buf[40];
    struct wr w = wr_of(buf, sizeof buf);
    sl_problem_write(&w, PROBLEM_FULL, NULL, span_of(""));
    CHECK(w.bad);
}
