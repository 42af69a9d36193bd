/*
 * What a sensor said, as names and values: the form in which the process that
 * reads sensors (verdict/sensors_run) gives it to the daemon. A message is a
 * struct fields_head and texts, a NUL behind each: the line as it came, then
 * name, value, name, value. The members of JSON have names with dots, as in
 * "alert.severity"; what stands in the header of a dialect has an "@", as in
 * "@vendor", "@id", "@name", "@severity". "@sender" is who has sent it, by a
 * certificate. No field of a line can have such a name.
 */
#ifndef VERDICT_FIELDS_H
#define VERDICT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

#define FIELDS_MAX	208		/* of a line */
#define FIELDS_BYTES	(160 * 1024)	/* of a message */

struct fields_head {
	uint32_t	 sensor;	/* its index; FIELDS_LOST: see lost */
	uint32_t	 n;		/* fields */
	uint64_t	 at;		/* clock_us() when the line was read */
	/* lines that were no reports, too long, or could not be sent; and
	 * connections that were refused */
	uint64_t	 lost, refused;
};
#define FIELDS_LOST	UINT32_MAX

struct fields {
	struct fields_head head;
	const char	*line;
	size_t		 n;
	struct {
		const char	*name, *value;
	} v[FIELDS_MAX];
};

/* The parts of a message into out, which points into it. Returns 0, or
 * ERR_FORMAT. */
int	fields_read(struct fields *out, const void *message, size_t len);
/* The first value with that name, in any case of letters, or NULL. Empty ones
 * count as none. */
const char *fields_get(const struct fields *, const char *name);

/*
 * Make a message of a line that a sensor sent, which is lost in the making.
 * Returns 0; ERR_FORMAT (it is no report, with why) or ERR_NOTFOUND (it is one
 * of something else than a finding: an EVE event of a flow, and the like).
 */
int	fields_make(struct text *message, uint32_t sensor, uint64_t at,
	    char *line, size_t len, const char **why);
/* Add a field of ours to a message that was made. */
void	fields_add(struct text *message, const char *name, const char *value);

#endif
