/*
 * What sections of the configuration are made of: a place in the text, lists of
 * names and of prefixes, the state of a file.
 */
#ifndef CONF_PARTS_H
#define CONF_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

struct conf_pos {		/* a place in the text */
	unsigned	 line;
	unsigned	 column;
};

struct conf_list {		/* of names */
	char		**v;
	size_t		  n;
};

struct conf_prefixes {
	struct prefix	*v;
	size_t		 n;
};
int	conf_prefixes_have(const struct conf_prefixes *, const struct addr *);

struct conf_stamp {			/* a file's state; zeros: not there */
	uint64_t	 dev, ino, size;
	int64_t		 sec, nsec;	/* modified */
};

#endif
