#pragma once

/*
 * Paths as rtcd wants them: without doubled slashes and dot segments. Who asks otherwise is
 * sent to the clean path, by which the Calls plugin has learned to strip its slash.
 */

#include "net/http.h"

/* Writes the clean form of the path, and its query. False: the path is clean. */
bool sl_rtcd_path_clean(struct span path, struct span query, struct wr *w);
