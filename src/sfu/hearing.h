#pragma once

/*
 * Who is heard how loud: the audio tracks that land on this worker, told to control.
 *
 * Each packet's level is read once, here, into its producer's struct speech. While somebody
 * speaks, control is told of it each HEARING_INTERVAL by a mail without memory of its own
 * (MAIL_SPEAKER): ten small mails a second for one who speaks, one more when that ends, none
 * for who is silent or for a background that changes little. Control knows all rooms, which
 * span workers, so it decides who the speaker is and who is heard (room/voices).
 */

#include "base/clock.h"

#include "proto/rtp.h"

struct pkt;
struct producer;
struct shard;

#define HEARING_INTERVAL MSEC(100)

/* A packet of an audio track came, with its meta. */
void sl_hearing_input(struct producer *p, const struct pkt *pkt, const struct rtp_exts *x,
                      usec now);

/* Tells what is to be told. */
void sl_hearing_tick(struct shard *s, usec now);
usec sl_hearing_deadline(const struct shard *s);
