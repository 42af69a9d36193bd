/*
 * Messages of syslog, as we send them: RFC 5424, and its frames on a
 * connection.
 */
#ifndef CODEC_SYSLOG_H
#define CODEC_SYSLOG_H

#include "util/text.h"

struct syslog_message {
	unsigned	 facility, severity;	/* RFC 5424, 6.2.1 */
	const char	*time;		/* RFC 3339 */
	const char	*host;		/* of which blanks and the like are left
					 * out; NULL: not known */
	const char	*app, *id;	/* APP-NAME and MSGID */
	unsigned	 process;
	const char	*text;		/* one line */
};

/* Append the message. */
void	syslog_write(struct text *, const struct syslog_message *);
/* The same, counted in octets (RFC 6587, 3.4.1; RFC 5425, 4.3). */
void	syslog_frame(struct text *, const struct syslog_message *);

/*
 * ArcSight's Common Event Format: a field of the head, or a field of the rest
 * with its name and a blank before it. NULL and "" leave the field out.
 */
void	cef_head(struct text *, const char *value);
void	cef_field(struct text *, const char *name, const char *value);

#endif
