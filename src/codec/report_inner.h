/*
 * What codec/report and codec/report_syslog have of each other.
 */
#ifndef CODEC_REPORT_INNER_H
#define CODEC_REPORT_INNER_H

#include "codec/report.h"

/* What the name of a field may have. */
int	report_is_key(char);
/*
 * Read what stands before the dialect, and which that is. Returns where what
 * is to be read of it begins (behind "CEF:", ...), or NULL: there is none.
 * *data is the structured data of RFC 5424, which ends at *data_end; both are
 * NULL without it.
 */
char	*report_header(char *line, char *end, struct report *, char **data,
	    char **data_end);

#endif
