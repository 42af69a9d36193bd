/*
 * The section `inspect`, of a rule or of all: what may not opt out of
 * inspection.
 */
#ifndef CONF_INSPECT_H
#define CONF_INSPECT_H

#include <stdint.h>

#include "conf/parts.h"

enum conf_mismatch {		/* the certificate lacks the request's name */
	MISMATCH_BLOCK,		/* 421 */
	MISMATCH_LOG,
	MISMATCH_ALLOW
};

/* HTTPS records in answers of DNS; STRIP is those without a signature. */
enum conf_dns { DNS_PASS, DNS_STRIP, DNS_STRIP_SIGNED };

enum conf_ranges {		/* of an object that a service sees */
	RANGES_STRIP,		/* no part of it is asked for */
	RANGES_PASS,
	RANGES_WHOLE		/* nor here, but the client gets its part */
};

struct conf_inspect {
	enum conf_mismatch host_mismatch;
	int		 of_rule;	/* a rule owns it; else conf.inspect */
	/* content codings, lower case; or "any" alone */
	struct conf_list encodings;
	int		 endless_open;	/* see conf_icap_passes() */
	/* A body without a length is a stream if it has fewer bytes than below
	 * after so many ms; 0: that says nothing. */
	struct {
		uint64_t after, below;
	} streams;
	/* protocols that may be switched to, lower case */
	struct conf_list upgrade;
	/* The client gets so many bytes of a response that is held, after so
	 * many ms and then again after so many; bytes 0: it gets none. */
	struct conf_trickle {
		uint64_t after, bytes, every;
	} trickle;
	int		 non_http_block; /* block what is not HTTP */
	int		 alt_svc_pass;	/* QUIC may be offered in Alt-Svc */
	enum conf_dns	 dns;		/* ... and ECH, in DNS */
	enum conf_ranges ranges;
};

#endif
