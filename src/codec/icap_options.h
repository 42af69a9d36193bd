/*
 * What an ICAP server said of a service in answer to OPTIONS (RFC 3507,
 * 4.10.2), kept after its head is gone.
 */
#ifndef CODEC_ICAP_OPTIONS_H
#define CODEC_ICAP_OPTIONS_H

#include "codec/icap.h"

enum {				/* icap_options.flags */
	ICAP_OPT_REQMOD		= 1 << 0,	/* Methods */
	ICAP_OPT_RESPMOD	= 1 << 1,
	ICAP_OPT_204		= 1 << 2,	/* Allow */
	ICAP_OPT_206		= 1 << 3,
	ICAP_OPT_TRANSFER	= 1 << 4	/* there is a Transfer-* */
};

enum icap_transfer {		/* what to send of a body (4.10.2) */
	ICAP_PREVIEW,		/* a preview first */
	ICAP_COMPLETE,		/* all of it, no preview */
	ICAP_IGNORE		/* do not ask the server at all */
};

struct icap_options {
	unsigned	 flags;
	int64_t		 preview;	/* bytes; -1: no previews wanted */
	int64_t		 ttl;		/* seconds; -1: for ever */
	int64_t		 max_connections; /* -1: not said */
	char		*istag;		/* "" if none; this and those below are
					 * owned, never NULL once read */
	char		*service;	/* its own description */
	char		*transfer[3];	/* lists, by enum icap_transfer */
	enum icap_transfer otherwise;	/* the list that holds `*` */
};

/*
 * Fill from the head of a 200. 0; or ERR_FORMAT if it names neither REQMOD nor
 * RESPMOD, with the options zeroed.
 */
int	icap_options_read(struct icap_options *, const struct icap_head *);
/* Frees what is inside; a zeroed one may be given. */
void	icap_options_free(struct icap_options *);

/*
 * By the extension of the path's last segment, before any '?' or '#', in any
 * case of letters. Preview, complete, ignore: the first list that has it.
 * Without any list it is ICAP_COMPLETE, as 4.10.2 has it; c-icap's virus_scan
 * says Preview and no list, so a caller may want a preview there none the
 * less (no ICAP_OPT_TRANSFER, preview >= 0): any server takes one.
 */
enum icap_transfer icap_transfer(const struct icap_options *,
	    struct slice path);

#endif
