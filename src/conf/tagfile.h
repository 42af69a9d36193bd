/*
 * The file of tags (`endpoints: tags`): a line has who, an address or a MAC
 * address, and the tags that it has as long as the line is there.
 */
#ifndef CONF_TAGFILE_H
#define CONF_TAGFILE_H

#include <stddef.h>

struct conf_tagged {		/* one endpoint, one tag */
	char		*who, *tag;
};

struct conf_tagfile {
	struct conf_tagged *v;	/* in the order of who and tag, each once */
	size_t		 n;
};

#endif
