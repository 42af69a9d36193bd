/*
 * The lines of a head.
 */
#include "codec/fields.h"

#include "util/err.h"

/* What is wrong with c behind prev, or NULL. */
static const char *
bad_byte(uint8_t prev, uint8_t c, int lf)
{
	if (c == '\n' && prev != '\r' && !lf)
		return "a line ends in a bare LF";
	if (c != '\n' && prev == '\r')
		return "a CR without its LF";
	if (c == '\0')
		return "a NUL in the head";
	if ((c < 0x20 && !strchr("\t\r\n", c)) || c == 0x7f)
		return "a control character in the head";
	return NULL;
}

int
fields_end(const char *data, size_t len, size_t max, int lf, size_t *scanned,
    const char **why)
{
	size_t i;
	char prev;

	for (i = *scanned; i < len; i++) {
		*scanned = i;
		if (i >= max) {
			*why = "the head is too long";
			return ERR_LIMIT;
		}
		prev = i > 0 ? data[i - 1] : ' ';
		*why = i == 0 && (data[0] == '\r' || (data[0] == '\n' && lf)) ?
		    "an empty line where a head should begin" :
		    bad_byte((uint8_t)prev, (uint8_t)data[i], lf);
		if (*why != NULL)
			return ERR_FORMAT;
		if (data[i] == '\n' && (prev == '\n' ||
		    (prev == '\r' && i >= 2 && data[i - 2] == '\n'))) {
			*scanned = i + 1;
			return 0;
		}
	}
	*scanned = len;
	return ERR_SHORT;
}

struct slice
fields_line(struct slice *in)
{
	struct slice l = { in->p, 0 };

	slice_cut(in, '\n', &l);
	if (l.len > 0 && l.p[l.len - 1] == '\r')
		l.len--;
	return l;
}

int
fields_cut(struct slice line, struct slice *name, struct slice *value,
    const char **why)
{
	*name = slice_of(line.p, 0);
	if (is_blank(line.p[0]))
		*why = "a folded field line";
	else if (!slice_cut(&line, ':', name))
		*why = "a field line without a colon";
	else if (name->len > 0 && is_blank(name->p[name->len - 1]))
		*why = "a blank before a field's colon";
	else if (!slice_is_token(*name))
		*why = "a field name that is no token";
	else {
		*value = slice_trim(line);
		return 0;
	}
	return ERR_FORMAT;
}
