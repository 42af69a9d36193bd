/*
 * A notice: what others are told of a verdict, or of what was done. It is made
 * from the object of its event, and shared by all targets that it waits for.
 */
#ifndef VERDICT_NOTICE_H
#define VERDICT_NOTICE_H

#include <jansson.h>
#include <stdint.h>

#include "conf/notify.h"
#include "util/addr.h"

struct notice {			/* immutable */
	unsigned	 refs;
	enum conf_notice kind;
	uint64_t	 id;		/* of what was done; 0: nothing */
	int64_t		 at;		/* seconds since 1970 */
	int64_t		 until;		/* its end; 0: none */
	json_t		*about;		/* the object of its event */
	char		*line;		/* the event as a line of JSON */
	int		 has_mac;
	uint8_t		 mac[MAC_LEN];
	struct addr	 addr;		/* AF_UNSPEC: not known */
};

/*
 * about is the callee's, line is copied. about has the members of an event of
 * the log: endpoint, address, mac, profile, server, mirror, do, reason, by,
 * actor, since, until; sensor, signature, category, severity, peer. Any may be
 * missing. One reference.
 */
struct notice	*notice_new(enum conf_notice, uint64_t id, int64_t at,
		    int64_t until, json_t *about, const char *line);
struct notice	*notice_ref(struct notice *);
void		 notice_unref(struct notice *);	/* NULL is allowed */

/* "quarantine", "denial", "verdict", ...; static. */
const char	*notice_type(const struct notice *);
/* A text of about, or NULL. */
const char	*notice_text(const struct notice *, const char *member);
/* For a person: a sentence. */
void		 notice_say(const struct notice *, struct text *out);

/* Append a text of the operator's with its values in it (clearspan.yaml(5),
 * notify). */
void		 notice_fill(const struct notice *, const struct conf_target *,
		    const char *s, enum fill_as, struct text *out);

/* What is kept over a restart: an object, which the caller owns; and back, or
 * NULL where it is none. */
json_t		*notice_pack(const struct notice *);
struct notice	*notice_unpack(json_t *);

#endif
