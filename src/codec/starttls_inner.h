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
	/* Commands behind which, where they are not refused, there is no
	 * dialogue: what follows may be content. */
	const char	*ends;
};

/* What a whole unit means; of a long one, its start. */
enum starttls_step starttls_line(struct starttls *, int down,
		    const uint8_t *, size_t len);
enum starttls_step starttls_ldap(struct starttls *, int down,
		    const uint8_t *, size_t len);
enum starttls_step starttls_xmpp(struct starttls *, int down,
		    const uint8_t *, size_t len);
enum starttls_step starttls_pgsql(struct starttls *, int down,
		    const uint8_t *, size_t len);
enum starttls_step starttls_mysql(struct starttls *, int down,
		    const uint8_t *, size_t len);
/* The size of a unit by its start; 0: that is too short; SIZE_MAX: it is
 * none. */
size_t		 starttls_ldap_size(const uint8_t *, size_t have, int down);
size_t		 starttls_pgsql_size(const uint8_t *, size_t have, int down);
size_t		 starttls_mysql_size(const uint8_t *, size_t have, int down);

/* All; the last has no name. */
extern const struct starttls_protocol starttls_protocols[];

#endif
