#pragma once

/*
 * What is live in a room, as JSON:
 *
 *   {"streams": [{"name": "main", "live_ms": 5210, "tracks": [
 *       {"kind": "video", "source": "camera", "codec": "VP8"}]}], "viewers": 3}
 *
 * A room in which nobody is has no streams; nobody learns whether it ever was.
 */

#include "api/face.h"

void sl_streams_answer(struct ask *a);
