/*
 * Inside the reader of dialogues: a row for each protocol.
 */
#ifndef CODEC_STARTTLS_INNER_H
#define CODEC_STARTTLS_INNER_H

#include "codec/starttls.h"

struct starttls_protocol {
	const char	*name;
	/* Protocols of lines: */
	const char	*asks[4];	/* the client's commands */
	const char	*yes;		/* the start of the reply that agrees */
	const char	*no[3];		/* of others; NULL: three digits */
	int		 tagged;	/* IMAP */
	/* Commands behind which there is no dialogue: what follows may be
	 * content. */
	const char	*ends;
};

/* What a whole line means (starttls_line.c). */
enum starttls_step starttls_line(struct starttls *, int down,
		    const uint8_t *line, size_t len);

/* All; the last has no name. */
extern const struct starttls_protocol starttls_protocols[];

#endif
