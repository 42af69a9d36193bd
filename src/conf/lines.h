/*
 * The lines of a text file in which a person or a program lists things: those
 * that have more than blanks and a comment, which begins with '#'.
 */
#ifndef CONF_LINES_H
#define CONF_LINES_H

#include "conf/conf.h"

struct lines {
	const char	*s, *end;
	unsigned	 next;		/* the number of the line at s */
};

/* The text must outlive it. A byte order mark is no part of a line. */
void	lines_init(struct lines *, const char *text, size_t len);
/* The next line, without the blanks around it, and where it is. 0: no more. */
int	lines_next(struct lines *, const char **from, const char **to,
	    struct conf_pos *);

#endif
