/*
 * The sections `sensors`, `responses` and `breaker`: who tells us what is wrong
 * with an endpoint, and what is done about it.
 */
#ifndef CONF_VERDICTS_H
#define CONF_VERDICTS_H

#include "conf/conf.h"
#include "conf/rest.h"

enum sensor_kind {
	SENSOR_FILE,		/* a file of lines, followed */
	SENSOR_UNIX,		/* a socket that others connect to */
	SENSOR_UNIX_DGRAM,	/* ... or send to */
	SENSOR_UDP, SENSOR_TCP,
	SENSOR_TLS,		/* RFC 5425 */
	SENSOR_REST		/* admin/rest serves it */
};

struct conf_sensor {
	char		*name;
	struct conf_pos	 pos;
	enum sensor_kind kind;
	char		*path;		/* FILE and UNIX */
	struct addr	 address;	/* UDP, TCP, TLS, REST */
	/* TLS, REST: PEM. client_ca: who may send; NULL: anyone */
	char		*certificate, *key, *client_ca;
	struct conf_pos	 tls_pos[2];	/* of certificate and key */
	uint8_t		 tls_sum[32];	/* of all three, as conf_ca's */
	struct conf_prefixes from;	/* who may send; n 0: anyone */
	int		 eve, syslog, listen;	/* which key was given */
	/* Of REST. */
	struct conf_tokens tokens;	/* n 0: none is asked for */
	int		 role;		/* enum conf_role, of certificates */
};

enum conf_do {
	DO_NOTIFY,		/* an event, no more */
	DO_QUARANTINE, DO_DENY_SERVER, DO_STEP_UP, DO_TAG
};

enum conf_deny_by {		/* what of a server is denied */
	DENY_BOTH, DENY_NAME, DENY_ADDRESS
};

enum conf_approval {		/* of what a response does */
	APPROVAL_NO,
	APPROVAL_YES,		/* by an operator */
	APPROVAL_SECOND		/* ... or another sensor */
};

struct conf_field {		/* a field's name, and a pattern */
	char		*name, *pattern;
};

#define CONF_COUNT	64	/* at most, of `count: of` */

struct conf_response {
	struct conf_pos	 pos;
	struct {		/* all that is given must hold */
		struct conf_list sensor, product, signature, category;
		struct {
			int	 lo, hi;
		} severity;	/* 0 to 10, inclusive */
		struct conf_field *fields;
		size_t	 nfields;
		/* so often within so many ms, of one endpoint */
		unsigned of;
		uint64_t within;
	} when;
	enum conf_do	 what;
	char		*profile;	/* DO_QUARANTINE */
	char		*tag, *clear;	/* DO_TAG: set, take away; or NULL */
	uint64_t	 span;		/* ms */
	enum conf_deny_by deny_by;	/* DO_DENY_SERVER */
	/* DO_STEP_UP: of conf.mirrors; not given: all */
	size_t		*mirrors;
	size_t		 nmirrors;
	int		 mirrors_given;
	int		 cut;		/* ... and end what is open */
	enum conf_approval approval;
	uint64_t	 approve_within;	/* ms */
	int		 dry_run;	/* only say what would be done */
};

/* Whether two sensors show the same certificates and ask for the same. */
int	conf_sensor_tls_same(const struct conf_sensor *,
	    const struct conf_sensor *);

#define CONF_BREAKER	1000	/* at most, of `breaker: quarantines` */

#endif
