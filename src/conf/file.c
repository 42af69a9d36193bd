/*
 * Files beside the configuration's own, which it is made of and which are
 * watched for changes.
 */
#include <string.h>

#include "conf/keys.h"
#include "util/mem.h"

#define FILE_SIZE_MAX	((size_t)256 << 20)	/* some ten million names */

int
file_read(struct load *l, const char *path, struct text *out)
{
	struct conf *c = l->conf;
	struct conf_file *f;

	c->files = xrealloc(c->files, (c->nfiles + 1) * sizeof(*c->files));
	f = &c->files[c->nfiles++];
	memset(f, 0, sizeof(*f));
	f->path = xstrdup(path);
	if (l->world->stamp != NULL)
		l->world->stamp(path, &f->stamp);
	return out == NULL || l->world->read == NULL ? 0 :
	    l->world->read(path, FILE_SIZE_MAX, out);
}
