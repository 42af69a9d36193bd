/*
 * The errors of a configuration. They are collected while it is read and shown
 * in the order of the text.
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
	size_t		 seq;		/* in the order found, for the sort */
	char		*what;
};

struct problems {
	struct problem	*v;
	size_t		 n;
	size_t		 held;		/* past the limit: counted only */
};

/* Add one line. Bytes that do not print become '?'. */
void	problem_add(struct problems *, const char *file, unsigned order,
	    struct conf_pos, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));
/* Append them to out as lines "FILE:LINE:COL: WHAT", and free them. */
void	problems_tell(struct problems *, struct text *out);

/*
 * In scan.c: the first pass over the YAML text. Returns 0, or ERR_FORMAT with
 * the problem added. Refuses anchors, aliases, tags, several documents, nesting
 * deeper than 16 and more than 500,000 nodes.
 */
int	scan_yaml(const char *path, const char *yaml, size_t len,
	    struct problems *);

#endif
