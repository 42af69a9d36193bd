/*
 * What is wrong with a configuration: collected while it is read, told in
 * the order of the text.
 */
#ifndef CONF_PROBLEM_H
#define CONF_PROBLEM_H

#include <stddef.h>

#include "conf/conf.h"
#include "util/text.h"

struct problem {
	char		*file;
	unsigned	 order;		/* 0: the file itself, then its lists */
	struct conf_pos	 pos;
	size_t		 seq;		/* as found; keeps the sort stable */
	char		*what;
};

struct problems {
	struct problem	*v;
	size_t		 n;
	size_t		 held;		/* past the limit: counted only */
};

/* One line; bytes that would not print are shown as '?'. */
void	problem_add(struct problems *, const char *file, unsigned order,
	    struct conf_pos, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));
/* Append "FILE:LINE:COL: WHAT" a line each to out; frees all of them. */
void	problems_tell(struct problems *, struct text *out);

#endif
