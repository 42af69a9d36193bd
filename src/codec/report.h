/*
 * A line in which a product reports what it saw: a header of syslog (RFC 5424;
 * RFC 3164, which describes rather than rules; or none), then one of the
 * dialects that security products speak:
 *
 * CEF:0|vendor|product|version|id|name|severity|key=value key=value
 *	(ArcSight's Common Event Format; \| \\ in the header, \= \\ \n \r in
 *	values, which may have blanks)
 * LEEF:1.0|vendor|product|version|id|key=value<TAB>key=value
 * LEEF:2.0|vendor|product|version|id|DELIMITER|...	(a character, or its
 *	code: x5E, 0x5E)
 * {"json": ...}	also behind "@cee:"; it is not read here
 * key=value key="value with blanks"	(FortiGate and others; also in the
 *	structured data of RFC 5424, [id key="value"])
 *
 * A report is data from a stranger: any bytes may come. Nothing is allocated;
 * what is escaped is unescaped in place, so the line is the caller's to lose,
 * and all slices point into it.
 */
#ifndef CODEC_REPORT_H
#define CODEC_REPORT_H

#include "codec/slice.h"

#define REPORT_MAX	65536	/* bytes of a line */
#define REPORT_FIELDS	192	/* later ones are counted, not kept */

enum report_dialect {
	REPORT_CEF,
	REPORT_LEEF,
	REPORT_JSON,
	REPORT_KEYS,
	REPORT_DIALECTS
};

struct report_field {
	struct slice	 name, value;
};

struct report {
	enum report_dialect dialect;
	/* Of syslog; facility and level are -1 where there is no <PRI>, and
	 * slices are empty where it has nothing. */
	int		 facility, level;
	struct slice	 host, app;
	/* Of CEF and LEEF; empty elsewhere. LEEF has no name, and its severity
	 * is a field (sev). */
	struct slice	 vendor, product, version, id, name, severity;
	/* Everything but JSON: a name may come twice. */
	struct report_field field[REPORT_FIELDS];
	size_t		 nfield, dropped;
	struct slice	 json;		/* the object, and what follows */
};

/*
 * Read a line without its end. Returns 0, or with why ERR_LIMIT (longer than
 * REPORT_MAX) or ERR_FORMAT (none of the dialects, or a header cut short).
 */
int		 report_parse(char *line, size_t len, struct report *,
		    const char **why);
/* The first field of that name, in any case of letters; empty if there is
 * none. */
struct slice	 report_field(const struct report *, const char *name);

#endif
