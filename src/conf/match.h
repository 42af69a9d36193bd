/*
 * Conditions of a rule, as the configuration has them.
 */
#ifndef CONF_MATCH_H
#define CONF_MATCH_H

#include <stddef.h>
#include <stdint.h>

#include "conf/parts.h"
#include "net/geo.h"
#include "util/zone.h"

struct conf_ports {		/* inclusive */
	uint16_t	 lo, hi;
};

struct conf_window {		/* of time; it may go over midnight */
	char		*text;		/* as it was written */
	unsigned	 days;		/* on which it begins; 1: Sunday */
	int		 from, to;	/* minutes of the day */
	struct zone	*zone;		/* NULL: UTC */
};
/* Whether a time is in it, in seconds since 1970. */
int	conf_window_has(const struct conf_window *, int64_t);

struct conf_quarantine;
struct conf_segment;

#define DENIED			1
#define DENIED_BY_REQUEST	2	/* requests are read for their names */

/* Conditions of a rule; an empty list is not a condition. */
struct conf_match {
	/* the client is contained under this profile; or NULL */
	const struct conf_quarantine *contained;
	int		 denied;	/* the server is, to all: DENIED* */
	const struct conf_segment *segment;	/* which decides; or NULL */
	struct conf_list client, server;	/* prefixes or "@list" */
	/* patterns or "@list", lower case */
	struct conf_list sni, host, site;
	struct conf_list alpn, listener, protocol;
	struct conf_list category;	/* lower case */
	struct conf_list country;	/* upper case, or GEO_UNKNOWN */
	struct conf_list mac;		/* as mac_pattern_str() writes them */
	struct conf_list user;		/* names or "@list" */
	struct conf_list group, tag;	/* names */
	struct conf_list ja3, ja4;	/* as the log has them; ja4: or a
					 * pattern with "*" */
	struct conf_ports *port;
	size_t		 nport;
	struct conf_window *time;
	size_t		 ntime;
	struct {		/* the server's */
		/* patterns, of a whole name or an attribute ("O=*") */
		struct conf_list issuer, subject;
		unsigned status;	/* 1 << VERIFY_*, or'ed; 0: any */
	} certificate;
};

#endif
