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
	SENSOR_REST		/* admin/rest serves it */
};

struct conf_sensor {
	char		*name;
	struct conf_pos	 pos;
	enum sensor_kind kind;
	char		*path;		/* FILE and UNIX */
	struct addr	 address;	/* UDP, TCP, REST */
	struct conf_prefixes from;	/* who may send; n 0: anyone */
	int		 eve, syslog, listen;	/* which key was given */
	/* Of REST. */
	struct conf_tokens tokens;	/* n 0: none is asked for */
	char		*certificate, *key, *client_ca;	/* PEM, or NULL */
	int		 role;		/* enum conf_role, of certificates */
};

enum conf_do {
	DO_NOTIFY,		/* an event, no more */
	DO_QUARANTINE, DO_DENY_SERVER, DO_STEP_UP, DO_TAG
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
	int		 dry_run;	/* only say what would be done */
};

#define CONF_BREAKER	1000	/* at most, of `breaker: quarantines` */

#endif
