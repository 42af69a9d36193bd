/*
 * Lines.
 */
#include "conf/lines.h"

#include <ctype.h>
#include <string.h>

void
lines_init(struct lines *l, const char *text, size_t len)
{
	l->s = text;
	l->end = text + len;
	l->next = 1;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		l->s += 3;
}

int
lines_next(struct lines *l, const char **from, const char **to,
    struct conf_pos *pos)
{
	const char *start, *eol, *hash;

	while ((start = l->s) < l->end) {
		eol = memchr(start, '\n', (size_t)(l->end - start));
		if (eol == NULL)
			eol = l->end;
		hash = memchr(start, '#', (size_t)(eol - start));
		*to = hash != NULL ? hash : eol;
		for (*from = start; *from < *to &&
		    isspace((unsigned char)**from); ++*from)
			;
		while (*to > *from && isspace((unsigned char)(*to)[-1]))
			--*to;
		l->s = eol + 1;
		pos->line = l->next++;
		pos->column = (unsigned)(*from - start) + 1;
		if (*from < *to)
			return 1;
	}
	return 0;
}
