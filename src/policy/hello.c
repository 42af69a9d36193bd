/*
 * The ClientHello's ALPN, and its fingerprints.
 */
#include "policy/hello.h"

#include <fnmatch.h>
#include <string.h>

#include "policy/words.h"

/* Step through a wire list of names (RFC 7301, 3.1); 0 at its end. */
static int
alpn_next(const uint8_t **p, const uint8_t *end, const uint8_t **name,
    size_t *len)
{
	if (*p == NULL || *p >= end || **p > end - *p - 1)
		return 0;
	*len = **p;
	*name = *p + 1;
	*p += 1 + *len;
	return 1;
}

int
alpn_holds(const struct match *m, struct view *v)
{
	const struct facts *f = v->f;
	const uint8_t *p = f->alpn, *name;
	const char *want;
	size_t len, i;

	if (p == NULL)
		return 0;
	while (alpn_next(&p, f->alpn + f->alpn_len, &name, &len))
		for (i = 0; i < m->conf->alpn.n; i++) {
			want = m->conf->alpn.v[i];
			if (strlen(want) == len &&
			    memcmp(want, name, len) == 0)
				return 1;
		}
	return 0;
}

int
alpn_fact(const struct facts *f, struct text *t)
{
	const uint8_t *p = f->alpn, *name;
	size_t len, n = 0;

	if (p == NULL)
		return 0;
	while (alpn_next(&p, f->alpn + f->alpn_len, &name, &len)) {
		text_puts(t, n++ > 0 ? "," : "");
		text_add(t, (const char *)name, len);
	}
	return n > 0;
}

/* Whether one of the patterns is the text; none is if it is empty. */
static int
patterns_have(const struct conf_list *patterns, const char *s)
{
	size_t i;

	for (i = 0; s[0] != '\0' && i < patterns->n; i++)
		if (fnmatch(patterns->v[i], s, FNM_NOESCAPE) == 0)
			return 1;
	return 0;
}

int
ja3_holds(const struct match *m, struct view *v)
{
	return patterns_have(&m->conf->ja3, v->f->ja3);
}

int
ja3_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->ja3, t);
}

int
ja4_holds(const struct match *m, struct view *v)
{
	return patterns_have(&m->conf->ja4, v->f->ja4);
}

int
ja4_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->ja4, t);
}
