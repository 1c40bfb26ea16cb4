#include "service/rooms_face.h"

#include "check.h"

/* What is no WebSocket of ours is refused before anything is made of it; sockets themselves are
 * tested with the real server (tests/rooms). */
TEST(requests_that_are_none_of_its)
{
    static const char *const paths[] = {"/rooms/r",   "/rooms/r/streams", "/rooms/r/ws/x",
                                        "/room/r/ws", "/rooms//ws/",      "/"};
    for (size_t i = 0; i < LEN(paths); i++) {
        struct http_req req = {.path = span_of(paths[i])};
        check_row(paths[i]);
        CHECK(!sl_rooms_face_request(NULL, &req));
    }
}
