#pragma once

/*
 * The text of an answer, from the offer and what was settled about it. Decides nothing.
 */

#include "room/negotiate.h"

void sl_answer_session(struct wr *w, const struct sdp *offer,
                       const struct negotiate_conf *conf, const struct negotiated *n);

/* The nth section. Candidates stand in the tagged section alone (RFC 9143 §7.1.3). */
void sl_answer_section(struct wr *w, const struct sdp *offer,
                       const struct negotiate_conf *conf, const struct negotiated *n,
                       size_t nth, bool tagged);

/* What is sent in a section; rtx_ssrc 0: without RTX. */
void sl_answer_streams(struct wr *w, const struct negotiate_slot *slot, uint32_t rtx_ssrc,
                       const char *cname);

/* Credentials, fingerprint and role; offers say it the same way. */
void sl_answer_transport(struct wr *w, const struct negotiate_local *local,
                         enum sdp_setup setup);

/* What the peer may send in a section, behind its c= line: by RFC 3890 §6.2, and for who does
 * not know that, RFC 8866 §5.8. Nothing for 0, which is any; nor for sound, where Chromium would
 * take it for the rate that is wanted. */
void sl_answer_ceiling(struct wr *w, enum media_kind kind, uint32_t bps);

/* All of them, and that there will be no more. */
void sl_answer_candidates(struct wr *w, const struct negotiate_local *local);

/* Of an a=ice-... line that has text. */
void sl_answer_text(struct wr *w, enum sdp_kind kind, struct span text);
