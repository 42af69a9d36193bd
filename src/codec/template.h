/*
 * A template: a text with {{name}} in it, in whose place values are written,
 * always escaped for HTML. {{#name}} to {{/name}} is written only if that
 * value is not empty; such parts may lie in each other. There is nothing else:
 * no loop, no expression, and no way to write a value unescaped.
 */
#ifndef CODEC_TEMPLATE_H
#define CODEC_TEMPLATE_H

#include <stddef.h>

#include "util/text.h"

#define TEMPLATE_MAX	(512 * 1024)	/* bytes of a text */
#define TEMPLATE_DEPTH	8		/* parts within parts */

struct template;

struct template_error {
	unsigned	 line, column;		/* from 1; bytes */
	char		 what[160];
};

/*
 * Read a template with these n names. The text is copied. Returns 0; or
 * ERR_FORMAT with *error filled and *out NULL.
 */
int	 template_read(struct template **out, const char *s, size_t len,
	    const char *const *names, size_t n, struct template_error *error);
void	 template_free(struct template *);

/* Append it with these values, in the order of the names; NULL is empty. */
void	 template_write(const struct template *, const char *const *values,
	    struct text *out);

/*
 * Append a peer's text so that nothing of it is markup, also not in a quoted
 * attribute. What is not UTF-8, control characters, and those that turn the
 * direction of a line become U+FFFD.
 */
void	 template_escape(struct text *out, const char *s);
/* The same text without the escapes: well-formed, and a single line. */
void	 template_clean(struct text *out, const char *s);

#endif
