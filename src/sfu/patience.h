#pragma once

/*
 * How long a receiver shall hold pictures back before it shows them, told by the header extension
 * playout-delay: as long as it takes to send again what is lost of them.
 *
 * Browsers show what they have as soon as they have it, and do not know how far we are where they
 * only receive. So a picture of which something is lost is late, and those after it come together
 * with it: with 2 % lost an eighth of all pictures is never seen, with 10 % a quarter. Held back
 * for a round trip, or for two where so much is lost that resends are, nearly all of them are
 * (bench quality). Who loses less than that is told nothing and waits for nothing; a publisher's
 * own word passes as it is.
 */

#include <stdint.h>

struct consumer;

/* What the extension can say is in hundredths of a second; see FACT_WAIT. */
enum {
    PATIENCE_TOLD = 1 << 8, /* and that it is said at all */
    PATIENCE_UNITS = PATIENCE_TOLD - 1,
    PATIENCE_OCTETS = 3,
};

/* The receiver reported: decides what its next packets say. */
void sl_patience_report(struct consumer *c);

/* Writes what the extension says; there is room for PATIENCE_OCTETS. */
void sl_patience_write(uint16_t wait, uint8_t *at);
