/*
 * List files: one entry per line, `#` comments. An entry is a domain pattern
 * (conf/pattern), or an address or prefix, with "!" an exception, which is
 * taken out of the others here.
 */
#ifndef CONF_LISTFILE_H
#define CONF_LISTFILE_H

#include "conf/conf.h"
#include "conf/problem.h"
#include "util/text.h"

/*
 * Read the entries of the text into list. Problems are added with list->path
 * and the line; order is the file's place among other files.
 */
void	listfile_parse(struct conf_named_list *, const char *text, size_t len,
	    struct problems *, unsigned order);

/* An address or a prefix. 0, or ERR_FORMAT. */
int	listfile_prefix(const char *s, size_t len, struct prefix *);
/* Add one to a list; a pattern is canonical, with a NUL behind its n bytes. */
void	listfile_add_name(struct conf_named_list *, const char *pattern,
	    size_t n);
void	listfile_add_address(struct conf_named_list *, const struct prefix *);

#endif
