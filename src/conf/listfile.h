/*
 * List files: one entry a line, `#` comments. An entry is a name, which means
 * itself and all below it, "*.name" for only those below, or an address or
 * prefix.
 */
#ifndef CONF_LISTFILE_H
#define CONF_LISTFILE_H

#include "conf/conf.h"
#include "conf/problem.h"
#include "util/text.h"

/*
 * Take the entries of the text into list. Problems are told with list->path
 * and the line; order is their place among those of other files.
 */
void	listfile_parse(struct conf_named_list *, const char *text, size_t len,
	    struct problems *, unsigned order);

#endif
