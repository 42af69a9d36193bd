/*
 * The server's certificate: patterns of its names, and how it verified.
 */
#include "policy/certificate.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "policy/words.h"
#include "util/mem.h"

/* Whether one of the patterns is the text, in any case of letters. */
static int
patterns_match(const struct conf_list *patterns, const char *s)
{
	size_t i;

	for (i = 0; i < patterns->n; i++)
		if (fnmatch(patterns->v[i], s, FNM_NOESCAPE |
		    FNM_CASEFOLD) == 0)
			return 1;
	return 0;
}

/* The end of an attribute in a distinguished name; RFC 2253 escapes commas
 * and pluses in its value by a backslash. */
static const char *
attribute_end(const char *s)
{
	for (; *s != '\0' && strncmp(s, ", ", 2) != 0 &&
	    strncmp(s, " + ", 3) != 0; s++)
		if (s[0] == '\\' && s[1] != '\0')
			s++;
	return s;
}

/*
 * Whether a pattern is a whole distinguished name, or one attribute of it:
 * "O=Example*" of "CN=a, O=Example Ltd".
 */
static int
names_have(const struct conf_list *patterns, const char *dn)
{
	const char *end;
	char *part;
	int has = patterns_match(patterns, dn);

	for (; !has && *dn != '\0'; dn = end + strspn(end, ", +")) {
		end = attribute_end(dn);
		part = xstrndup(dn, (size_t)(end - dn));
		has = patterns_match(patterns, part);
		free(part);
	}
	return has;
}

int
certificate_issuer_given(const struct conf_match *m)
{
	return m->certificate.issuer.n > 0;
}

int
certificate_issuer_holds(const struct match *m, struct view *v)
{
	return v->f->cert != NULL &&
	    names_have(&m->conf->certificate.issuer, v->f->cert->issuer);
}

int
certificate_issuer_fact(const struct facts *f, struct text *t)
{
	return f->cert != NULL && words_fact(f->cert->issuer, t);
}

void
certificate_issuer_wants(const struct conf_match *m, struct text *t)
{
	words_print(&m->certificate.issuer, t);
}

int
certificate_subject_given(const struct conf_match *m)
{
	return m->certificate.subject.n > 0;
}

int
certificate_subject_holds(const struct match *m, struct view *v)
{
	return v->f->cert != NULL &&
	    names_have(&m->conf->certificate.subject, v->f->cert->subject);
}

int
certificate_subject_fact(const struct facts *f, struct text *t)
{
	return f->cert != NULL && words_fact(f->cert->subject, t);
}

void
certificate_subject_wants(const struct conf_match *m, struct text *t)
{
	words_print(&m->certificate.subject, t);
}

int
certificate_status_given(const struct conf_match *m)
{
	return m->certificate.status != 0;
}

int
certificate_status_holds(const struct match *m, struct view *v)
{
	return v->f->cert != NULL &&
	    (m->conf->certificate.status & 1u << v->f->verify) != 0;
}

int
certificate_status_fact(const struct facts *f, struct text *t)
{
	if (f->cert == NULL)
		return 0;
	text_puts(t, conf_status_str(f->verify));
	return 1;
}

void
certificate_status_wants(const struct conf_match *m, struct text *t)
{
	unsigned bits = m->certificate.status;
	int i;

	for (i = 0; bits >> i != 0; i++)
		if (bits >> i & 1)
			text_printf(t, "%s%s", bits & ((1u << i) - 1) ?
			    ", " : "", conf_status_str((enum tls_verify)i));
}
