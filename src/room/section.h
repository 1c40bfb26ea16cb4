#pragma once

/*
 * The m-sections of a dialog: which slot stands in which, and what a description that was agreed
 * on means for what is sent and received in each. For dialog and this alone.
 */

#include "room/dialog.h"

struct section {
    char mid[PARAMS_NAME_MAX];
    enum sdp_type type;
    bool ours;    /* we made it: only in these slots of sl_dialog_add are placed */
    bool agreed;  /* the peer has it, too */
    bool stopped; /* port 0 */
    bool deaf;    /* the peer receives nothing in it */
    struct dialog_slot *slot;
    uint32_t said;  /* the SSRC of our last description; 0: nothing is sent */
    bool receiving; /* the peer sends: */
    void *track;
    uint64_t print; /* of what was agreed about it */
    char *layers;   /* owned: "l;h", NULL without simulcast */
};

struct dialog {
    struct dialog_conf conf;
    struct negotiate_local local;
    char ufrag[MEDIA_UFRAG_MAX], pwd[MEDIA_PWD_MAX], cname[17];
    uint64_t session, version;
    unsigned made; /* sections, for their names */
    uint64_t ice;  /* a hash of the peer's credentials */
    bool connected;
    bool waits; /* for an answer */
    bool
        asked; /* an offer of ours was not answered yet, though it may have been given up */
    bool data;     /* the transport carries data channels */
    bool restarts; /* the next offer of ours does */
    struct codecs codecs;
    struct list waiting; /* struct dialog_slot without a section */
    size_t n, cap;
    struct section *sections;
};

/* Gives the slot a section: an empty one of its kind, one that was stopped, or a new one. False:
 * there is none left, and it waits on. */
bool sl_section_place(struct dialog *d, struct dialog_slot *slot);
/* One of data channels. False: no memory. */
bool sl_section_data(struct dialog *d);
bool sl_section_has_place(const struct dialog *d, enum media_kind kind);

/* What was sent in the slot ends, and it has no section. */
void sl_section_displace(struct dialog *d, struct dialog_slot *slot);

/* What is newly seated in sections of an offer, by their numbers; NULL: nothing is. */
struct section_seats {
    struct dialog_slot *at[DIALOG_SECTIONS_MAX];
    char mid[DIALOG_SECTIONS_MAX][PARAMS_NAME_MAX];
};

/* Asks for them (dialog_ops.seat), and gives them back, where the offer came to nothing. */
void sl_section_seat(struct dialog *d, const struct sdp *offer,
                     const struct negotiate_conf *conf, struct section_seats *ret);
void sl_section_unseat(struct dialog *d, const struct section_seats *seats);

/* A description was agreed on: an offer of the peer's, with what is seated in it, or (NULL) its
 * answer. As the operations say; E_MEMORY. */
MUST_USE enum err sl_section_apply(struct dialog *d, const struct sdp *sdp,
                                   const struct negotiated *n,
                                   const struct section_seats *seats);
