/*
 * The section `pages`: how the pages of our own look, and the names that their
 * templates have.
 */
#ifndef CONF_PAGES_H
#define CONF_PAGES_H

#include <stddef.h>
#include <stdint.h>

struct template;

enum page_kind {
	PAGE_BLOCK,		/* a rule or a service refused it */
	PAGE_FAILURE,		/* it could not be done */
	PAGE_WARN,		/* the person may go on */
	PAGE_CA,		/* how to trust our CA */
	PAGE_QUARANTINE,	/* the client is contained */
	PAGE_RELEASED,		/* it is not (any more) */
	PAGE_KINDS
};

enum page_language {
	PAGE_EN,
	PAGE_JA,
	PAGE_LANGUAGES
};

enum page_name {		/* {{NAME}} in a template */
	PAGE_N_LANG,		/* "en", "ja" */
	PAGE_N_TITLE, PAGE_N_LEAD,
	PAGE_N_STATUS, PAGE_N_REASON, PAGE_N_RULE, PAGE_N_TIME,
	PAGE_N_REFERENCE, PAGE_N_CLIENT, PAGE_N_HOST, PAGE_N_URL,
	PAGE_N_CONTACT,
	PAGE_N_CONTINUE,	/* where the button of a warning posts to */
	PAGE_N_FINGERPRINT,	/* of the CA */
	PAGE_N_SUBJECT,
	PAGE_N_UNTIL,
	PAGE_N_ALLOWED,		/* what still works */
	PAGE_NAMES
};
extern const char *const page_names[PAGE_NAMES];

struct conf_pages {
	char		*directory;	/* of templates, or NULL */
	char		*contact;	/* or NULL */
	int		*languages;	/* enum page_language; n 0: all */
	size_t		 nlanguages;
	uint64_t	 remember;	/* ms: a warning is not shown again */
	int		 ca;		/* a page shows the CA */
	/* of the captive portal, in the form that names have on the wire; or
	 * NULL: that of the CA's page */
	char		*captive_name;
	/* The operator's own, or NULL. */
	struct template	*own[PAGE_KINDS][PAGE_LANGUAGES];
};

/* "en", "ja"; static. */
const char	*page_language_str(enum page_language);
/* The templates that were read. */
void		 conf_pages_drop(struct conf_pages *);

#endif
